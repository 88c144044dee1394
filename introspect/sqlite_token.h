// SPDX-License-Identifier: PostgreSQL
// The words of SQLite's SQL: cutting a statement into tokens, and printing a range of them as canonical text. Two texts
// that differ only in blanks, comments, the case of words, or the way in which names are quoted give the same canonical
// text; it is valid SQL again.
#ifndef INTROSPECT_SQLITE_TOKEN_H
#define INTROSPECT_SQLITE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct sqlite_column;
struct sqlite_keyword;

enum sqlite_token_type {
	SQLITE_TOKEN_END,
	SQLITE_TOKEN_WORD,   // a bare word: a keyword or a name
	SQLITE_TOKEN_QUOTED, // "x", [x] or `x`
	SQLITE_TOKEN_STRING, // 'x'
	SQLITE_TOKEN_NUMBER,
	SQLITE_TOKEN_OTHER,  // a blob or a variable
	SQLITE_TOKEN_SYMBOL,
};

// What a token stands for in an expression or a query. SQLite lets most keywords be names where the grammar allows no
// keyword, so this depends on the neighbours.
enum sqlite_meaning {
	SQLITE_MEANS_SYMBOL, SQLITE_MEANS_UNARY, SQLITE_MEANS_KEYWORD, SQLITE_MEANS_NAME, SQLITE_MEANS_FUNCTION,
	SQLITE_MEANS_LITERAL,
	SQLITE_MEANS_TEXT,   // "x" that names no column: SQLite takes it for the string 'x'
	SQLITE_MEANS_EITHER, // "x" of which we cannot know whether it names a column: printed as it is
};

struct sqlite_token {
	enum sqlite_token_type type;
	enum sqlite_meaning meaning; // valid once sqlite_tokens_read went over it
	const char *text;            // of `length` bytes; an operator with two spellings always has the same
	size_t length;
	bool after_blank;                     // or after a comment
	size_t match;                         // of a parenthesis: the index of its partner
	const struct sqlite_keyword *keyword; // of a bare word; NULL: none
};

struct sqlite_tokens {
	struct sqlite_token *items; // ends with a token of type SQLITE_TOKEN_END, which `n` does not count
	size_t n;
};

// Cuts a statement. False if it holds something that is no token, or parentheses without partner; `*why` then says so,
// in the arena.
bool sqlite_tokens_cut(struct sqlite_tokens *tokens, const char *sql, struct arena *arena, const char **why);
void sqlite_tokens_release(struct sqlite_tokens *tokens);
#define auto_sqlite_tokens __attribute__((cleanup(sqlite_tokens_release))) struct sqlite_tokens

// The names that a double-quoted word may stand for. Within one table (`names` NULL) these are its columns, and any other
// such word is a string. Within a view or a trigger they are all that the database knows, sorted by sqlite3_stricmp.
struct sqlite_scope {
	const struct sqlite_column *columns;
	size_t n_columns;
	const char *const *names;
	size_t n_names;
};

// Decides the meaning of the tokens from..to-1, which are an expression, or statements.
void sqlite_tokens_read(struct sqlite_tokens *tokens, size_t from, size_t to, const struct sqlite_scope *scope);

// Adds the tokens from..to-1, which were read, as canonical text.
void sqlite_tokens_print(struct buf *buf, const struct sqlite_tokens *tokens, size_t from, size_t to);

// Narrows the range as long as one pair of parentheses around all of it can be dropped.
void sqlite_tokens_unwrap(const struct sqlite_tokens *tokens, size_t *from, size_t *to);

// Whether the token is this symbol, or this word (in capitals) without quotes.
bool sqlite_token_is(const struct sqlite_token *token, const char *text);

// Whether it may stand where a name must: any bare or quoted word, and a string, which SQLite takes as well.
bool sqlite_token_is_name(const struct sqlite_token *token);

// Whether SQLite keeps the word for itself: it cannot be a bare name.
bool sqlite_token_is_reserved(const struct sqlite_token *token);

// A name as it was written, without its quotes; a string's content.
char *sqlite_token_name(struct arena *arena, const struct sqlite_token *token);

// Whether it is this name, whatever the case of its letters and its quotes.
bool sqlite_token_names(const struct sqlite_token *token, const char *name);

// A name in canonical form: ASCII letters in lower case, quoted where it must be.
void sqlite_name_print(struct buf *buf, const char *name);

// The same in capitals, as the names of collations are shown.
void sqlite_upper_print(struct buf *buf, const char *name);

#endif
