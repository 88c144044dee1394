// SPDX-License-Identifier: PostgreSQL
// What the parsers of the single statements share: see sqlite_parser.h.
#include "introspect/sqlite_parser.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

const struct sqlite_token *sqlite_token_at(const struct sqlite_parser *parser, size_t i)
{
	return &parser->tokens->items[i];
}

const struct sqlite_token *sqlite_next(const struct sqlite_parser *parser)
{
	return sqlite_token_at(parser, parser->at);
}

bool sqlite_next_is(const struct sqlite_parser *parser, const char *text)
{
	return sqlite_token_is(sqlite_next(parser), text);
}

bool sqlite_accept(struct sqlite_parser *parser, const char *text)
{
	if (!sqlite_next_is(parser, text))
		return false;
	parser->at++;
	return true;
}

bool sqlite_fail(struct sqlite_parser *parser)
{
	const struct sqlite_token *token = sqlite_next(parser);
	parser->why = arena_printf(parser->arena, "its definition is not understood at: %.40s",
	                           token->type == SQLITE_TOKEN_END ? "its end" : token->text);
	return false;
}

bool sqlite_expect(struct sqlite_parser *parser, const char *text)
{
	return sqlite_accept(parser, text) || sqlite_fail(parser);
}

bool sqlite_expect_name(struct sqlite_parser *parser, const char **name)
{
	if (!sqlite_token_is_name(sqlite_next(parser)))
		return sqlite_fail(parser);
	*name = sqlite_token_name(parser->arena, sqlite_token_at(parser, parser->at++));
	return true;
}

bool sqlite_expect_parentheses(struct sqlite_parser *parser, size_t *from, size_t *to)
{
	if (!sqlite_next_is(parser, "("))
		return sqlite_fail(parser);
	*from = parser->at + 1;
	*to = sqlite_next(parser)->match;
	parser->at = *to + 1;
	return true;
}

const char *sqlite_range_text(struct sqlite_parser *parser, size_t from, size_t to)
{
	auto_buf text = BUF_INIT;
	sqlite_tokens_read(parser->tokens, from, to, &parser->scope);
	sqlite_tokens_print(&text, parser->tokens, from, to);
	return buf_copy(&text, parser->arena);
}

const char *sqlite_expression_text(struct sqlite_parser *parser, size_t from, size_t to)
{
	sqlite_tokens_unwrap(parser->tokens, &from, &to);
	return sqlite_range_text(parser, from, to);
}

const char *sqlite_name_text(struct sqlite_parser *parser, const char *name)
{
	auto_buf text = BUF_INIT;
	sqlite_name_print(&text, name);
	return buf_copy(&text, parser->arena);
}

const char *sqlite_upper_text(struct sqlite_parser *parser, const char *name)
{
	auto_buf text = BUF_INIT;
	sqlite_upper_print(&text, name);
	return buf_copy(&text, parser->arena);
}

const char *sqlite_upper_copy(struct sqlite_parser *parser, const char *text)
{
	char *copy = arena_strdup(parser->arena, text);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	return copy;
}

const char *sqlite_unless(const char *text, const char *usual)
{
	return strcmp(text, usual) == 0 ? NULL : text;
}

bool sqlite_expect_upper(struct sqlite_parser *parser, const char **word, const char *usual)
{
	const char *name;
	if (!sqlite_expect_name(parser, &name))
		return false;
	*word = sqlite_unless(sqlite_upper_copy(parser, name), usual);
	return true;
}

size_t sqlite_part_end(const struct sqlite_parser *parser, size_t from, size_t to)
{
	size_t i = from;
	while (i < to && !sqlite_token_is(sqlite_token_at(parser, i), ","))
		i = sqlite_token_is(sqlite_token_at(parser, i), "(") ? sqlite_token_at(parser, i)->match + 1 : i + 1;
	return i;
}

static const struct sqlite_column *column_find(const struct sqlite_parser *parser, const struct sqlite_token *token)
{
	for (size_t i = 0; i < parser->scope.n_columns; i++) {
		if (sqlite_token_names(token, parser->scope.columns[i].name))
			return &parser->scope.columns[i];
	}
	return NULL;
}

// One part of what an index or a key is over, as "a COLLATE NOCASE DESC". Left out is what goes without saying: ASC, and a
// collation that is the column's own. `name` gets what it is over alone, and the column if it is one.
static bool part_text(struct sqlite_parser *parser, size_t from, size_t to, struct buf *part, struct buf *name,
                      const struct sqlite_column **column)
{
	const struct sqlite_token *tokens = parser->tokens->items;
	bool descending = to > from + 1 && sqlite_token_is(&tokens[to - 1], "DESC");
	if (descending || (to > from + 1 && sqlite_token_is(&tokens[to - 1], "ASC")))
		to--;
	const char *collation = NULL;
	if (to > from + 2 && sqlite_token_is(&tokens[to - 2], "COLLATE") && sqlite_token_is_name(&tokens[to - 1])) {
		collation = sqlite_upper_text(parser, sqlite_token_name(parser->arena, &tokens[to - 1]));
		to -= 2;
	}
	if (from == to)
		return sqlite_fail(parser);
	sqlite_tokens_unwrap(parser->tokens, &from, &to);
	*column = to == from + 1 && sqlite_token_is_name(&tokens[from]) ? column_find(parser, &tokens[from]) : NULL;
	if (*column != NULL)
		sqlite_name_print(name, (*column)->name);
	else
		buf_adds(name, sqlite_range_text(parser, from, to));
	buf_adds(part, name->data);
	const char *own = *column == NULL ? "" : (*column)->collation == NULL ? "BINARY" : (*column)->collation;
	if (collation != NULL && strcmp(collation, own) != 0)
		buf_addf(part, " COLLATE %s", collation);
	buf_adds(part, descending ? " DESC" : "");
	return true;
}

bool sqlite_parts_text(struct sqlite_parser *parser, size_t from, size_t to, const char **text, struct buf *made, bool *columns)
{
	auto_buf parts = BUF_INIT;
	for (size_t end; from <= to; from = end + 1) {
		end = sqlite_part_end(parser, from, to);
		auto_buf part = BUF_INIT, name = BUF_INIT;
		const struct sqlite_column *column = NULL;
		if (!part_text(parser, from, end, &part, &name, &column))
			return false;
		if (columns != NULL && column != NULL)
			columns[column - parser->scope.columns] = true;
		buf_addf(&parts, "%s%s", parts.length > 0 ? ", " : "", part.data);
		if (made != NULL)
			buf_addf(made, "%s%s", made->length > 0 ? "," : "", name.data);
	}
	*text = buf_copy(&parts, parser->arena);
	return true;
}

bool sqlite_names_text(struct sqlite_parser *parser, size_t from, size_t to, const char **text, struct buf *made)
{
	auto_buf names = BUF_INIT;
	for (size_t end; from <= to; from = end + 1) {
		end = sqlite_part_end(parser, from, to);
		if (!sqlite_token_is_name(sqlite_token_at(parser, from)))
			return sqlite_fail(parser);
		const char *name = sqlite_name_text(parser, sqlite_token_name(parser->arena, sqlite_token_at(parser, from)));
		buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", name);
		if (made != NULL)
			buf_addf(made, "%s%s", made->length > 0 ? "," : "", name);
	}
	*text = buf_copy(&names, parser->arena);
	return true;
}
