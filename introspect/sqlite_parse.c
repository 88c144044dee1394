// SPDX-License-Identifier: PostgreSQL
// The statements of sqlite_schema: see sqlite_parse.h. Tables are read in sqlite_table.c; expressions and queries are printed by
// their tokens (sqlite_token.h). What only SQLite can decide (whether a column exists, whether a function is known) is not
// checked: the statement has been through SQLite already.
#include "introspect/sqlite_parse.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/sqlite_parser.h"

static bool index_read(struct sqlite_parser *parser)
{
	parser->item->type = SQLITE_ITEM_INDEX;
	size_t from, to;
	if (!sqlite_expect(parser, "ON") || !sqlite_expect_name(parser, &parser->item->table) ||
	    !sqlite_expect_parentheses(parser, &from, &to) ||
	    !sqlite_parts_text(parser, from, to, &parser->item->parts, NULL, NULL))
		return false;
	if (sqlite_accept(parser, "WHERE")) {
		parser->item->predicate = sqlite_expression_text(parser, parser->at, parser->tokens->n);
		parser->at = parser->tokens->n;
	}
	return true;
}

static bool view_read(struct sqlite_parser *parser)
{
	parser->item->type = SQLITE_ITEM_VIEW;
	size_t from, to;
	if (sqlite_next_is(parser, "(") && !(sqlite_expect_parentheses(parser, &from, &to) &&
	                              sqlite_names_text(parser, from, to, &parser->item->columns_list, NULL)))
		return false;
	if (!sqlite_expect(parser, "AS") || sqlite_next(parser)->type == SQLITE_TOKEN_END)
		return sqlite_fail(parser);
	parser->item->definition = arena_printf(parser->arena, "AS %s", sqlite_range_text(parser, parser->at, parser->tokens->n));
	parser->at = parser->tokens->n;
	return true;
}

// The BEGIN that ends the condition of a trigger, which starts here; the end of the text if there is none.
static size_t trigger_begin(struct sqlite_parser *parser)
{
	const struct sqlite_tokens *tokens = parser->tokens;
	sqlite_tokens_read(parser->tokens, parser->at, tokens->n, &parser->scope);
	size_t i = parser->at;
	while (i < tokens->n) {
		const struct sqlite_token *token = &tokens->items[i];
		if (token->meaning == SQLITE_MEANS_KEYWORD && sqlite_token_is(token, "BEGIN"))
			break;
		i = sqlite_token_is(token, "(") ? token->match + 1 : i + 1;
	}
	return i;
}

static bool trigger_event(struct sqlite_parser *parser, struct buf *text)
{
	static const char *const events[] = { "DELETE", "INSERT", "UPDATE" };
	const char *event = NULL, *columns;
	for (size_t i = 0; i < sizeof events / sizeof *events && event == NULL; i++)
		event = sqlite_accept(parser, events[i]) ? events[i] : NULL;
	if (event == NULL)
		return sqlite_fail(parser);
	buf_adds(text, event);
	if (!sqlite_accept(parser, "OF"))
		return true;
	size_t from = parser->at;
	while (sqlite_next(parser)->type != SQLITE_TOKEN_END && !sqlite_next_is(parser, "ON"))
		parser->at++;
	if (!sqlite_names_text(parser, from, parser->at, &columns, NULL))
		return false;
	buf_addf(text, " OF %s", columns);
	return true;
}

static bool trigger_read(struct sqlite_parser *parser)
{
	parser->item->type = SQLITE_ITEM_TRIGGER;
	auto_buf text = BUF_INIT;
	if (sqlite_accept(parser, "INSTEAD")) {
		if (!sqlite_expect(parser, "OF"))
			return false;
		buf_adds(&text, "INSTEAD OF ");
	} else if (sqlite_accept(parser, "AFTER")) {
		buf_adds(&text, "AFTER ");
	} else {
		sqlite_accept(parser, "BEFORE");
		buf_adds(&text, "BEFORE ");
	}
	if (!trigger_event(parser, &text) || !sqlite_expect(parser, "ON") || !sqlite_expect_name(parser, &parser->item->table) ||
	    (sqlite_accept(parser, ".") && !sqlite_expect_name(parser, &parser->item->table)))
		return false;
	buf_adds(&text, " ON ");
	sqlite_name_print(&text, parser->item->table);
	if (sqlite_accept(parser, "FOR") && !(sqlite_expect(parser, "EACH") && sqlite_expect(parser, "ROW")))
		return false;
	if (sqlite_accept(parser, "WHEN")) {
		size_t begin = trigger_begin(parser);
		buf_addf(&text, " WHEN %s", sqlite_expression_text(parser, parser->at, begin));
		parser->at = begin;
	}
	size_t end = parser->tokens->n - 1;
	if (!sqlite_expect(parser, "BEGIN") || parser->at > end || !sqlite_token_is(sqlite_token_at(parser, end), "END"))
		return sqlite_fail(parser);
	buf_addf(&text, " BEGIN %s END", sqlite_range_text(parser, parser->at, end));
	parser->at = end + 1;
	parser->item->definition = buf_copy(&text, parser->arena);
	return true;
}

// Behind the name of what is made; what follows "CREATE".
static const struct create {
	const char *words[3];
	bool (*read)(struct sqlite_parser *parser);
	bool unique;
} creates[] = {
	{ { "TABLE" }, sqlite_table_read, false }, { { "VIRTUAL", "TABLE" }, sqlite_virtual_table_read, false },
	{ { "INDEX" }, index_read, false }, { { "UNIQUE", "INDEX" }, index_read, true },
	{ { "VIEW" }, view_read, false }, { { "TRIGGER" }, trigger_read, false },
};

static bool sqlite_accept_words(struct sqlite_parser *parser, const char *const *words)
{
	size_t n = 0;
	while (words[n] != NULL && sqlite_token_is(sqlite_next(parser) + n, words[n])) // the text's last token is no word
		n++;
	if (words[n] != NULL)
		return false;
	parser->at += n;
	return true;
}

static bool statement_read(struct sqlite_parser *parser)
{
	static const char *const if_not_exists[] = { "IF", "NOT", "EXISTS", NULL };
	if (!sqlite_expect(parser, "CREATE"))
		return false;
	const struct create *create = NULL;
	for (size_t i = 0; i < sizeof creates / sizeof *creates && create == NULL; i++)
		create = sqlite_accept_words(parser, creates[i].words) ? &creates[i] : NULL;
	if (create == NULL)
		return sqlite_fail(parser);
	sqlite_accept_words(parser, if_not_exists);
	if (!sqlite_expect_name(parser, &parser->item->name) ||
	    (sqlite_accept(parser, ".") && !sqlite_expect_name(parser, &parser->item->name)))
		return false;
	parser->item->unique = create->unique;
	if (!create->read(parser))
		return false;
	sqlite_accept(parser, ";");
	return sqlite_next(parser)->type == SQLITE_TOKEN_END || sqlite_fail(parser);
}

bool sqlite_parse(struct arena *arena, const char *sql, const struct sqlite_context *context, struct sqlite_item *item,
                  const char **why)
{
	*item = (struct sqlite_item){ .sql = sql };
	auto_sqlite_tokens tokens = { NULL, 0 };
	if (!sqlite_tokens_cut(&tokens, sql, arena, why))
		return false;
	struct sqlite_parser parser = { .arena = arena, .tokens = &tokens, .item = item };
	if (context->table != NULL) {
		parser.scope.columns = context->table->columns;
		parser.scope.n_columns = context->table->n_columns;
	} else if (context->names != NULL) {
		parser.scope.names = context->names->items;
		parser.scope.n_names = context->names->n;
	}
	if (statement_read(&parser))
		return true;
	*why = parser.why;
	return false;
}

void sqlite_names_add(struct arena *arena, struct sqlite_names *names, const char *name)
{
	names->items = arena_grow(arena, names->items, names->n, &names->capacity, sizeof *names->items);
	names->items[names->n++] = name;
}

// Whether an operand ends with the token, so that a name after it is an alias.
static bool ends_operand(const struct sqlite_token *token)
{
	return sqlite_token_is(token, ")") || (token->meaning != SQLITE_MEANS_SYMBOL && token->meaning != SQLITE_MEANS_UNARY &&
	                                       token->meaning != SQLITE_MEANS_KEYWORD && token->meaning != SQLITE_MEANS_FUNCTION);
}

void sqlite_names_collect(struct arena *arena, struct sqlite_names *names, const char *sql)
{
	auto_sqlite_tokens tokens = { NULL, 0 };
	const char *ignored;
	if (!sqlite_tokens_cut(&tokens, sql, arena, &ignored))
		return;
	sqlite_tokens_read(&tokens, 0, tokens.n, &(struct sqlite_scope){ .names = names->items });
	for (size_t i = 1; i < tokens.n; i++) {
		const struct sqlite_token *token = &tokens.items[i];
		bool subquery = sqlite_token_is(token + 1, "AS") && sqlite_token_is(token + 2, "("); // WITH name AS (...)
		bool alias = token->meaning == SQLITE_MEANS_NAME && (ends_operand(token - 1) || sqlite_token_is(token - 1, "AS"));
		if (sqlite_token_is_name(token) && (subquery || alias) && !sqlite_token_is_reserved(token))
			sqlite_names_add(arena, names, sqlite_token_name(arena, token));
	}
}

static int names_compare(const void *a, const void *b)
{
	return sqlite3_stricmp(*(const char *const *)a, *(const char *const *)b);
}

void sqlite_names_sort(struct sqlite_names *names)
{
	if (names->n > 0)
		qsort(names->items, names->n, sizeof *names->items, names_compare);
}
