// SPDX-License-Identifier: PostgreSQL
// SQL text as lexemes, for what has to be found out about a text that no parser may have accepted: where a statement
// begins and ends without its comments, which words it opens with, which names it mentions. Blanks and comments are left
// out. It never fails: an unterminated quote or comment reaches to the end of the text.
#ifndef MIGRATIONS_LEXER_H
#define MIGRATIONS_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"

struct arena;

enum lexeme_type {
	LEXEME_WORD,   // a keyword or a name without quotes
	LEXEME_QUOTED, // a name in quotes: "x"; SQLite's `x` and [x] as well
	LEXEME_STRING, // 'x', E'x'
	LEXEME_DOLLAR, // $tag$x$tag$
	LEXEME_NUMBER,
	LEXEME_SIGN, // any other byte
};

struct lexeme {
	enum lexeme_type type;
	const char *start; // in the text, quotes included
	size_t length;
};

struct lexer {
	enum engine engine;
	const char *at, *end;
};

// The next lexeme; false at the end of the text.
bool lexer_next(struct lexer *lexer, struct lexeme *lexeme);

bool lexeme_is_word(const struct lexeme *lexeme, const char *word); // a keyword, in any case
bool lexeme_is_sign(const struct lexeme *lexeme, char sign);

// Whether the lexeme, as a name in SQL, names `name`: folded as the engine folds it, unquoted, and cut to PostgreSQL's 63
// bytes.
bool lexeme_names(enum engine engine, const struct lexeme *lexeme, const char *name);

// What stands between the quotes of a string or dollar-quoted string.
void lexeme_content(const struct lexeme *lexeme, const char **start, const char **end);

// What a name or string says: a name folded and unquoted as PostgreSQL does it, a string without its quotes (escapes of E''
// are left as they are); copied.
char *lexeme_text(struct arena *arena, const struct lexeme *lexeme);

// Whether the text opens with these words ("CREATE INDEX CONCURRENTLY"), in any case, whatever blanks and comments are
// between them.
bool text_opens_with(enum engine engine, const char *text, const char *words);

#endif
