// SPDX-License-Identifier: PostgreSQL
// What the parsers of the single statements share: stepping through the tokens, and lists and expressions as canonical text.
// Functions that fail say so once, through sqlite_fail. Texts are in the parser's arena.
#ifndef INTROSPECT_SQLITE_PARSER_H
#define INTROSPECT_SQLITE_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/sqlite_read.h"
#include "introspect/sqlite_token.h"

struct arena;
struct buf;

struct sqlite_parser {
	struct arena *arena;
	struct sqlite_tokens *tokens;
	size_t at; // the next token
	struct sqlite_scope scope;
	struct sqlite_item *item;
	size_t constraints_capacity;
	struct sqlite_column *column; // the one being parsed
	const char *constraint_name;  // given by CONSTRAINT, until it is used
	size_t last_foreign_key;      // index + 1: what a DEFERRABLE is about
	size_t primary_key;           // index + 1
	bool primary_key_of_column;   // written at its column
	bool *in_primary_key;         // by column
	const char *why;
};

// The tokens. The last has type SQLITE_TOKEN_END; nothing steps over it.
const struct sqlite_token *sqlite_token_at(const struct sqlite_parser *parser, size_t i);
const struct sqlite_token *sqlite_next(const struct sqlite_parser *parser);
bool sqlite_next_is(const struct sqlite_parser *parser, const char *text); // a symbol, or a word in capitals
bool sqlite_accept(struct sqlite_parser *parser, const char *text);        // steps over it if it is next
bool sqlite_expect(struct sqlite_parser *parser, const char *text);        // fails if it is not
bool sqlite_expect_name(struct sqlite_parser *parser, const char **name);
// A word of the grammar, in capitals; NULL if it is what goes without saying.
bool sqlite_expect_upper(struct sqlite_parser *parser, const char **word, const char *usual);
// A range in parentheses: from..to-1 is what is between them. Steps behind it.
bool sqlite_expect_parentheses(struct sqlite_parser *parser, size_t *from, size_t *to);
// Notes that the next token is not understood, and returns false.
bool sqlite_fail(struct sqlite_parser *parser);

// Canonical text of tokens; an expression loses the parentheses around all of it.
const char *sqlite_range_text(struct sqlite_parser *parser, size_t from, size_t to);
const char *sqlite_expression_text(struct sqlite_parser *parser, size_t from, size_t to);
const char *sqlite_name_text(struct sqlite_parser *parser, const char *name);
const char *sqlite_upper_text(struct sqlite_parser *parser, const char *name);
const char *sqlite_upper_copy(struct sqlite_parser *parser, const char *text); // ASCII letters in capitals, nothing else
const char *sqlite_unless(const char *text, const char *usual);                // what goes without saying is NULL

// The end of the part of a list that starts at `from`: its comma, or `to`.
size_t sqlite_part_end(const struct sqlite_parser *parser, size_t from, size_t to);
// What an index or a key is over: "a, lower(b) COLLATE NOCASE DESC". Where they are not NULL, `made` gets it without order and
// collations for a made name, "a,lower(b)", and `columns` which of the scope's columns are among them.
bool sqlite_parts_text(struct sqlite_parser *parser, size_t from, size_t to, const char **text, struct buf *made, bool *columns);
// A list of plain names: "a, b". Old files may have COLLATE and DESC in it, which mean nothing there.
bool sqlite_names_text(struct sqlite_parser *parser, size_t from, size_t to, const char **text, struct buf *made);

// Of single statements, behind the name of what they make.
bool sqlite_table_read(struct sqlite_parser *parser);
bool sqlite_virtual_table_read(struct sqlite_parser *parser);

#endif
