// SPDX-License-Identifier: PostgreSQL
// "Did you mean ...?": the edit distance of short words (Levenshtein's, with transpositions), in three rows.
// It knows nothing of what the names mean.
#include "sentinel/suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"

enum { WORD_MAX = 64, LIST_MAX = 12 };

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

// Insertions, deletions, replacements, and two neighbours that changed places: each counts one.
static size_t distance(const char *a, const char *b)
{
	size_t n_a = strlen(a), n_b = strlen(b);
	if (n_a > WORD_MAX || n_b > WORD_MAX)
		return WORD_MAX;
	size_t rows[3][WORD_MAX + 1] = { { 0 } };
	for (size_t j = 0; j <= n_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) && two_above[j - 2] + 1 < row[j])
				row[j] = two_above[j - 2] + 1;
		}
	}
	return rows[n_a % 3][n_b];
}

static bool begins(const char *word, const char *name)
{
	size_t n = strlen(word);
	return n >= 2 && strncasecmp(word, name, n) == 0;
}

const char *suggest_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = WORD_MAX, length = strlen(word);
	size_t limit = length <= 3 ? 1 : length <= 5 ? 2 : 3;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, names[i]);
		if (d > limit && (begins(word, names[i]) || begins(names[i], word)))
			d = limit;
		if (d <= limit && d < best_distance) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}

bool suggest_hint(struct err *err, const char *word, const char *const *names, size_t n)
{
	const char *best = suggest_nearest(word, names, n);
	if (best != NULL)
		return err_hint(err, "did you mean \"%s\"?", best);
	if (n == 0 || n > LIST_MAX)
		return false;
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
	return err_hint(err, "known: %s", list.data);
}
