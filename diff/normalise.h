// SPDX-License-Identifier: PostgreSQL
// Equal or not: the ladder of rules under which two texts of one attribute mean the same. First match wins.
#ifndef DIFF_NORMALISE_H
#define DIFF_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"

enum rung {
	RUNG_DIFFERENT,
	RUNG_SAME,       // byte by byte (the readers already compare structure, not text, wherever they can)
	RUNG_TOKENS,     // but for white space between tokens
	RUNG_ROUND_TRIP, // a scratch server prints both alike once it has parsed them
};
extern const char *const rung_names[];

// The rungs that need no server. NULL is no text and equals only NULL.
enum rung normalise_compare(enum attr_form form, const char *a, const char *b);

// The next token of SQL text: a quoted string or name, a dollar-quoted string, a word or number, or one other character.
// Skips white space before it; returns its length and moves *text to its first byte; 0 at the end.
size_t normalise_token(const char **text);

#endif
