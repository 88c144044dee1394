// SPDX-License-Identifier: PostgreSQL
// The difference of two texts, line by line: the longest common subsequence, with a little of what is equal around it.
#ifndef REPORTERS_LINE_DIFF_H
#define REPORTERS_LINE_DIFF_H

#include <stddef.h>

struct arena;

enum line_mark {
	LINE_SAME = ' ',
	LINE_OLD = '-',
	LINE_NEW = '+',
	LINE_GAP = '~', // lines that are equal on both sides are left out here; `text` is NULL
};

struct diff_line {
	enum line_mark mark;
	const char *text; // without its line end, in the arena
};

// The lines of `new_text` against `old_text` with `context` equal lines around each difference; their number in *n.
// Texts that are too far apart for a table of 4 million cells are shown as wholly replaced between their equal ends.
struct diff_line *line_diff(struct arena *arena, const char *old_text, const char *new_text, size_t context, size_t *n);

// The lines of a text, without their ends; a line end at the very end of the text begins no further line.
const char **text_lines(struct arena *arena, const char *text, size_t *n);

#endif
