// SPDX-License-Identifier: PostgreSQL
// The difference of two texts, line by line: see line_diff.h. Function bodies and view definitions are short, so the plain
// quadratic table is enough once the equal beginning and end are cut off.
#include "reporters/line_diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

enum { MAX_CELLS = 4 * 1000 * 1000 };

static const char **split(struct arena *arena, const char *text, bool last_empty, size_t *n)
{
	const char **lines = NULL;
	size_t capacity = 0;
	*n = 0;
	for (bool more = *text != '\0'; more;) {
		size_t length = strcspn(text, "\n");
		lines = arena_grow(arena, lines, *n, &capacity, sizeof *lines);
		lines[(*n)++] = arena_strndup(arena, text, length);
		more = text[length] == '\n' && (last_empty || text[length + 1] != '\0');
		text += length + 1;
	}
	return lines;
}

const char **text_lines(struct arena *arena, const char *text, size_t *n)
{
	return split(arena, text, false, n);
}

static bool ends_line(const char *text)
{
	size_t length = strlen(text);
	return length > 0 && text[length - 1] == '\n';
}

// The whole difference, equal lines included.
static size_t compare(struct arena *arena, const char **a, size_t n_a, const char **b, size_t n_b, struct diff_line *out)
{
	size_t n = 0, head = 0, tail = 0;
	while (head < n_a && head < n_b && strcmp(a[head], b[head]) == 0)
		head++;
	while (tail < n_a - head && tail < n_b - head && strcmp(a[n_a - 1 - tail], b[n_b - 1 - tail]) == 0)
		tail++;
	size_t rows = n_a - head - tail, columns = n_b - head - tail;
	for (size_t i = 0; i < head; i++)
		out[n++] = (struct diff_line){ LINE_SAME, a[i] };

	// longest[i][j]: of the lines from i and from j to the end of the middle
	uint32_t *longest = NULL;
	size_t stride = columns + 1, i = 0, j = 0;
	if (rows > 0 && columns > 0 && rows < MAX_CELLS / columns) {
		longest = arena_array(arena, (rows + 1) * stride, sizeof *longest);
		for (size_t r = rows; r-- > 0;) {
			for (size_t c = columns; c-- > 0;) {
				uint32_t below = longest[(r + 1) * stride + c], right = longest[r * stride + c + 1];
				bool same = strcmp(a[head + r], b[head + c]) == 0;
				longest[r * stride + c] = same ? longest[(r + 1) * stride + c + 1] + 1 : below > right ? below : right;
			}
		}
	}
	while (i < rows || j < columns) {
		const char *old_line = i < rows ? a[head + i] : NULL, *new_line = j < columns ? b[head + j] : NULL;
		if (longest != NULL && old_line != NULL && new_line != NULL && strcmp(old_line, new_line) == 0) {
			out[n++] = (struct diff_line){ LINE_SAME, old_line };
			i++;
			j++;
		} else if (old_line != NULL &&
		           (new_line == NULL || longest == NULL || longest[(i + 1) * stride + j] >= longest[i * stride + j + 1])) {
			out[n++] = (struct diff_line){ LINE_OLD, old_line };
			i++;
		} else {
			out[n++] = (struct diff_line){ LINE_NEW, new_line };
			j++;
		}
	}
	for (i = n_a - tail; i < n_a; i++)
		out[n++] = (struct diff_line){ LINE_SAME, a[i] };
	return n;
}

struct diff_line *line_diff(struct arena *arena, const char *old_text, const char *new_text, size_t context, size_t *n)
{
	size_t n_old, n_new;
	// a line end that only one of them has at its end counts as an empty last line there: it may be all that differs
	bool uneven = ends_line(old_text) != ends_line(new_text);
	const char **old_lines = split(arena, old_text, uneven, &n_old), **new_lines = split(arena, new_text, uneven, &n_new);
	struct diff_line *all = arena_array(arena, n_old + n_new + 1, sizeof *all);
	size_t n_all = compare(arena, old_lines, n_old, new_lines, n_new, all);

	// keep a line if a difference lies within `context` lines of it
	struct diff_line *kept = arena_array(arena, n_all + 1, sizeof *kept);
	size_t next_difference = 0, since_difference = SIZE_MAX;
	*n = 0;
	for (size_t i = 0; i < n_all; i++) {
		while (next_difference < n_all && (next_difference < i || all[next_difference].mark == LINE_SAME))
			next_difference++;
		since_difference = all[i].mark != LINE_SAME ? 0 : since_difference == SIZE_MAX ? SIZE_MAX : since_difference + 1;
		bool near = since_difference <= context || (next_difference < n_all && next_difference - i <= context);
		if (near)
			kept[(*n)++] = all[i];
		else if (*n == 0 || kept[*n - 1].mark != LINE_GAP)
			kept[(*n)++] = (struct diff_line){ LINE_GAP, NULL };
	}
	return kept;
}
