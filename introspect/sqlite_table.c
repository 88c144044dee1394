// SPDX-License-Identifier: PostgreSQL
// CREATE TABLE and CREATE VIRTUAL TABLE, in SQLite's own grammar (parse.y, https://www.sqlite.org/lang_createtable.html). Where
// that grammar is odd, so is this: commas between table constraints may be missing, a constraint may be a name alone,
// DEFERRABLE may stand apart from its REFERENCES.
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/sqlite_parser.h"

static bool conflict_clause(struct sqlite_parser *parser, const char **conflict)
{
	if (!sqlite_next_is(parser, "ON") || !sqlite_token_is(sqlite_next(parser) + 1, "CONFLICT"))
		return true;
	parser->at += 2;
	return sqlite_expect_upper(parser, conflict, "ABORT");
}

static struct sqlite_constraint *constraint_add(struct sqlite_parser *parser, enum sqlite_constraint_type type)
{
	struct sqlite_item *item = parser->item;
	item->constraints = arena_grow(parser->arena, item->constraints, item->n_constraints, &parser->constraints_capacity,
	                               sizeof *item->constraints);
	struct sqlite_constraint *constraint = &item->constraints[item->n_constraints++];
	*constraint = (struct sqlite_constraint){
		.type = type, .name = parser->constraint_name, .named = parser->constraint_name != NULL,
	};
	parser->constraint_name = NULL;
	return constraint;
}

static void constraint_made_name(struct sqlite_parser *parser, struct sqlite_constraint *constraint, const char *word,
                                 const char *about)
{
	if (!constraint->named)
		constraint->name = arena_printf(parser->arena, "%s(%s)", word, about);
}

static bool clause_constraint(struct sqlite_parser *parser)
{
	return sqlite_expect_name(parser, &parser->constraint_name);
}

// Behind PRIMARY.
static struct sqlite_constraint *primary_key_add(struct sqlite_parser *parser)
{
	if (!sqlite_expect(parser, "KEY"))
		return NULL;
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_PRIMARY_KEY);
	if (!constraint->named)
		constraint->name = "primary_key";
	parser->primary_key = parser->item->n_constraints;
	return constraint;
}

static bool column_primary_key(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = primary_key_add(parser);
	if (constraint == NULL)
		return false;
	bool descending = sqlite_accept(parser, "DESC");
	if (!descending)
		sqlite_accept(parser, "ASC");
	const char *name = sqlite_name_text(parser, parser->column->name);
	constraint->columns = arena_printf(parser->arena, "%s%s", name, descending ? " DESC" : "");
	parser->in_primary_key[parser->column - parser->item->columns] = true;
	parser->primary_key_of_column = true;
	if (!conflict_clause(parser, &constraint->conflict))
		return false;
	if (sqlite_accept(parser, "AUTOINCREMENT"))
		parser->item->autoincrement = true;
	return true;
}

static bool table_primary_key(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = primary_key_add(parser);
	size_t from, to;
	if (constraint == NULL || !sqlite_expect_parentheses(parser, &from, &to))
		return false;
	if (to > from && sqlite_token_is(sqlite_token_at(parser, to - 1), "AUTOINCREMENT")) {
		parser->item->autoincrement = true;
		to--;
	}
	return sqlite_parts_text(parser, from, to, &constraint->columns, NULL, parser->in_primary_key) &&
	       conflict_clause(parser, &constraint->conflict);
}

static bool column_unique(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_UNIQUE);
	constraint->columns = sqlite_name_text(parser, parser->column->name);
	constraint_made_name(parser, constraint, "unique", constraint->columns);
	return conflict_clause(parser, &constraint->conflict);
}

static bool table_unique(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_UNIQUE);
	size_t from, to;
	auto_buf made = BUF_INIT;
	if (!sqlite_expect_parentheses(parser, &from, &to) ||
	    !sqlite_parts_text(parser, from, to, &constraint->columns, &made, NULL))
		return false;
	constraint_made_name(parser, constraint, "unique", made.data);
	return conflict_clause(parser, &constraint->conflict);
}

// SQLite reads ON CONFLICT here, and ignores it.
static bool clause_check(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_CHECK);
	size_t from, to;
	if (!sqlite_expect_parentheses(parser, &from, &to))
		return false;
	constraint->expression = sqlite_expression_text(parser, from, to);
	constraint_made_name(parser, constraint, "check", constraint->expression);
	const char *ignored;
	return conflict_clause(parser, &ignored);
}

static bool foreign_key_action(struct sqlite_parser *parser, const char **action)
{
	static const struct { const char *first, *second, *action; } actions[] = {
		{ "SET", "NULL", "SET NULL" }, { "SET", "DEFAULT", "SET DEFAULT" }, { "CASCADE", NULL, "CASCADE" },
		{ "RESTRICT", NULL, "RESTRICT" }, { "NO", "ACTION", NULL },
	};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (!sqlite_next_is(parser, actions[i].first) ||
		    (actions[i].second != NULL && !sqlite_token_is(sqlite_next(parser) + 1, actions[i].second)))
			continue;
		parser->at += actions[i].second != NULL ? 2 : 1;
		*action = actions[i].action;
		return true;
	}
	return sqlite_fail(parser);
}

// Behind [NOT] DEFERRABLE. Only INITIALLY DEFERRED of one that is deferrable does anything.
static bool deferrable_end(struct sqlite_parser *parser, bool deferrable)
{
	bool deferred = false;
	if (sqlite_accept(parser, "INITIALLY")) {
		deferred = sqlite_next_is(parser, "DEFERRED");
		if (!sqlite_accept(parser, "DEFERRED") && !sqlite_expect(parser, "IMMEDIATE"))
			return false;
	}
	if (parser->last_foreign_key > 0)
		parser->item->constraints[parser->last_foreign_key - 1].deferrable =
			deferrable && deferred ? "DEFERRABLE INITIALLY DEFERRED" : NULL;
	return true;
}

static bool clause_deferrable(struct sqlite_parser *parser)
{
	return deferrable_end(parser, true);
}

// Behind REFERENCES.
static bool references_end(struct sqlite_parser *parser, struct sqlite_constraint *constraint)
{
	const char *parent, *columns;
	size_t from, to;
	if (!sqlite_expect_name(parser, &parent))
		return false;
	constraint->references = sqlite_name_text(parser, parent);
	if (sqlite_next_is(parser, "(")) {
		if (!sqlite_expect_parentheses(parser, &from, &to) || !sqlite_names_text(parser, from, to, &columns, NULL))
			return false;
		constraint->references = arena_printf(parser->arena, "%s (%s)", constraint->references, columns);
	}
	for (;;) {
		const char *ignored;
		if (sqlite_accept(parser, "MATCH")) { // read by SQLite, and without effect: kept because it was meant
			if (!sqlite_expect_upper(parser, &constraint->match, "SIMPLE"))
				return false;
		} else if (sqlite_next_is(parser, "ON") && !sqlite_token_is(sqlite_next(parser) + 1, "CONFLICT")) {
			const struct sqlite_token *event = sqlite_next(parser) + 1;
			parser->at += 2;
			if (!foreign_key_action(parser, sqlite_token_is(event, "DELETE") ? &constraint->on_delete :
			                                sqlite_token_is(event, "UPDATE") ? &constraint->on_update : &ignored))
				return false;
		} else {
			return true;
		}
	}
}

static bool column_references(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_FOREIGN_KEY);
	parser->last_foreign_key = parser->item->n_constraints;
	constraint->columns = sqlite_name_text(parser, parser->column->name);
	constraint_made_name(parser, constraint, "foreign_key", constraint->columns);
	return references_end(parser, constraint);
}

static bool table_foreign_key(struct sqlite_parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_FOREIGN_KEY);
	parser->last_foreign_key = parser->item->n_constraints;
	size_t from, to;
	auto_buf made = BUF_INIT;
	if (!sqlite_expect(parser, "KEY") || !sqlite_expect_parentheses(parser, &from, &to) ||
	    !sqlite_names_text(parser, from, to, &constraint->columns, &made) || !sqlite_expect(parser, "REFERENCES"))
		return false;
	constraint_made_name(parser, constraint, "foreign_key", made.data);
	if (!references_end(parser, constraint))
		return false;
	if (sqlite_accept(parser, "DEFERRABLE"))
		return deferrable_end(parser, true);
	return !sqlite_accept(parser, "NOT") || (sqlite_expect(parser, "DEFERRABLE") && deferrable_end(parser, false));
}

// Of a name after DEFAULT, which SQLite takes for a string: its text as a literal.
static const char *default_name(struct sqlite_parser *parser)
{
	auto_buf text = BUF_INIT;
	parser->tokens->items[parser->at].meaning = SQLITE_MEANS_TEXT;
	sqlite_tokens_print(&text, parser->tokens, parser->at, parser->at + 1);
	parser->at++;
	return buf_copy(&text, parser->arena);
}

static bool column_default(struct sqlite_parser *parser)
{
	static const char *const words[] = { "NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP" };
	const struct sqlite_token *token = sqlite_next(parser);
	size_t from = parser->at, to = parser->at + 1;
	const char *text;
	bool literal = token->type == SQLITE_TOKEN_STRING || token->type == SQLITE_TOKEN_NUMBER ||
	               token->type == SQLITE_TOKEN_OTHER;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		literal |= sqlite_token_is(token, words[i]);
	if (sqlite_token_is(token, "(")) {
		if (!sqlite_expect_parentheses(parser, &from, &to))
			return false;
		text = sqlite_expression_text(parser, from, to);
	} else if ((sqlite_token_is(token, "-") || sqlite_token_is(token, "+")) && token[1].type != SQLITE_TOKEN_END) {
		parser->at += 2;
		text = sqlite_range_text(parser, from, parser->at);
	} else if (literal) {
		parser->at++;
		text = sqlite_range_text(parser, from, to);
	} else if (sqlite_token_is_name(token) && !sqlite_token_is_reserved(token)) {
		text = default_name(parser);
	} else {
		return sqlite_fail(parser);
	}
	parser->column->default_ = sqlite_unless(text, "NULL");
	return true;
}

static bool column_null(struct sqlite_parser *parser)
{
	const char *ignored;
	return conflict_clause(parser, &ignored);
}

static bool column_not(struct sqlite_parser *parser)
{
	if (sqlite_accept(parser, "DEFERRABLE"))
		return deferrable_end(parser, false);
	if (!sqlite_expect(parser, "NULL"))
		return false;
	parser->column->not_null = true;
	parser->column->not_null_conflict = NULL;
	return conflict_clause(parser, &parser->column->not_null_conflict);
}

static bool column_collate(struct sqlite_parser *parser)
{
	const char *name;
	if (!sqlite_expect_name(parser, &name))
		return false;
	parser->column->collation = sqlite_unless(sqlite_upper_text(parser, name), "BINARY");
	return true;
}

// Behind [GENERATED ALWAYS] AS.
static bool column_as(struct sqlite_parser *parser)
{
	size_t from, to;
	if (!sqlite_expect_parentheses(parser, &from, &to))
		return false;
	parser->column->generated = sqlite_expression_text(parser, from, to);
	parser->column->stored = sqlite_accept(parser, "STORED");
	if (!parser->column->stored)
		sqlite_accept(parser, "VIRTUAL");
	return true;
}

static bool column_generated(struct sqlite_parser *parser)
{
	return sqlite_expect(parser, "ALWAYS") && sqlite_expect(parser, "AS") && column_as(parser);
}

struct clause {
	const char *word;
	bool (*read)(struct sqlite_parser *parser); // behind the word
};

static const struct clause column_clauses[] = {
	{ "CONSTRAINT", clause_constraint }, { "DEFAULT", column_default }, { "NULL", column_null }, { "NOT", column_not },
	{ "PRIMARY", column_primary_key }, { "UNIQUE", column_unique }, { "CHECK", clause_check },
	{ "REFERENCES", column_references }, { "DEFERRABLE", clause_deferrable }, { "COLLATE", column_collate },
	{ "GENERATED", column_generated }, { "AS", column_as }, { NULL, NULL },
};

static const struct clause table_clauses[] = {
	{ "CONSTRAINT", clause_constraint }, { "PRIMARY", table_primary_key }, { "UNIQUE", table_unique },
	{ "CHECK", clause_check }, { "FOREIGN", table_foreign_key }, { NULL, NULL },
};

static const struct clause *clause_find(const struct clause *clauses, const struct sqlite_token *token)
{
	for (; clauses->word != NULL; clauses++) {
		if (sqlite_token_is(token, clauses->word))
			return clauses;
	}
	return NULL;
}

// The type: words, and up to two numbers in parentheses. SQLite takes any, so this prints any.
static bool column_type(struct sqlite_parser *parser)
{
	auto_buf type = BUF_INIT;
	for (;; parser->at++) {
		const struct sqlite_token *token = sqlite_next(parser);
		if (!sqlite_token_is_name(token) || sqlite_token_is_reserved(token) ||
		    (sqlite_token_is(token, "GENERATED") && sqlite_token_is(token + 1, "ALWAYS")))
			break;
		const char *word = sqlite_upper_copy(parser, sqlite_token_name(parser->arena, token));
		buf_addf(&type, "%s%s", type.length > 0 ? " " : "", word);
	}
	size_t from, to;
	if (type.length > 0 && sqlite_next_is(parser, "(")) {
		if (!sqlite_expect_parentheses(parser, &from, &to))
			return false;
		buf_addc(&type, '(');
		for (size_t i = from; i < to; i++)
			buf_add(&type, sqlite_token_at(parser, i)->text, sqlite_token_at(parser, i)->length);
		buf_addc(&type, ')');
	}
	parser->column->type = buf_copy(&type, parser->arena);
	return true;
}

static bool column_definition(struct sqlite_parser *parser, struct sqlite_column *column, size_t end)
{
	parser->column = column;
	parser->constraint_name = NULL;
	parser->at++; // the name, which columns_find took
	if (!column_type(parser))
		return false;
	while (parser->at < end) {
		const struct clause *clause = clause_find(column_clauses, sqlite_next(parser));
		if (clause == NULL)
			return sqlite_fail(parser);
		parser->at++;
		if (!clause->read(parser))
			return false;
	}
	return parser->at == end || sqlite_fail(parser);
}

// The columns by name, before anything is read: expressions and keys may name later ones.
static bool columns_find(struct sqlite_parser *parser, size_t from, size_t to)
{
	struct sqlite_item *item = parser->item;
	size_t capacity = 0;
	for (size_t part = from; part < to && clause_find(table_clauses, sqlite_token_at(parser, part)) == NULL;
	     part = sqlite_part_end(parser, part, to) + 1) {
		if (!sqlite_token_is_name(sqlite_token_at(parser, part)))
			return sqlite_fail(parser);
		item->columns = arena_grow(parser->arena, item->columns, item->n_columns, &capacity, sizeof *item->columns);
		const char *name = sqlite_token_name(parser->arena, sqlite_token_at(parser, part));
		item->columns[item->n_columns++] = (struct sqlite_column){ .name = name, .type = "" };
	}
	parser->scope = (struct sqlite_scope){ .columns = item->columns, .n_columns = item->n_columns };
	parser->in_primary_key = arena_array(parser->arena, item->n_columns + 1, sizeof *parser->in_primary_key);
	return item->n_columns > 0 || sqlite_fail(parser);
}

// SQLite tells a key that is the rowid itself by the column's type; the order given in a table constraint does not matter
// to it then, while INTEGER PRIMARY KEY DESC at the column is no such key (https://www.sqlite.org/lang_createtable.html#rowid).
// The columns of any other key are never NULL in WITHOUT ROWID and STRICT tables.
static void primary_key_settle(struct sqlite_parser *parser)
{
	struct sqlite_item *item = parser->item;
	if (parser->primary_key == 0)
		return;
	struct sqlite_constraint *key = &item->constraints[parser->primary_key - 1];
	struct sqlite_column *only = NULL;
	size_t n = 0;
	for (size_t i = 0; i < item->n_columns; i++) {
		if (parser->in_primary_key[i])
			only = n++ == 0 ? &item->columns[i] : NULL;
	}
	bool rowid = !item->without_rowid && only != NULL && strcmp(only->type, "INTEGER") == 0 &&
	             strchr(key->columns, ',') == NULL;
	if (rowid && parser->primary_key_of_column)
		rowid = strcmp(key->columns, sqlite_name_text(parser, only->name)) == 0;
	else if (rowid)
		key->columns = sqlite_name_text(parser, only->name);
	for (size_t i = 0; i < item->n_columns; i++)
		item->columns[i].not_null |= parser->in_primary_key[i] && !rowid && (item->without_rowid || item->strict);
}

static int constraint_compare(const void *a, const void *b)
{
	static const size_t texts[] = {
		offsetof(struct sqlite_constraint, columns), offsetof(struct sqlite_constraint, expression),
		offsetof(struct sqlite_constraint, references), offsetof(struct sqlite_constraint, conflict),
		offsetof(struct sqlite_constraint, on_update), offsetof(struct sqlite_constraint, on_delete),
		offsetof(struct sqlite_constraint, match), offsetof(struct sqlite_constraint, deferrable),
	};
	const struct sqlite_constraint *x = a, *y = b;
	int order = sqlite3_stricmp(x->name, y->name);
	if (order == 0)
		order = (int)x->type - (int)y->type;
	for (size_t i = 0; order == 0 && i < sizeof texts / sizeof *texts; i++) {
		const char *text_x = *(const char *const *)((const char *)a + texts[i]);
		const char *text_y = *(const char *const *)((const char *)b + texts[i]);
		order = strcmp(text_x == NULL ? "" : text_x, text_y == NULL ? "" : text_y);
	}
	return order;
}

// Gives every constraint a name of its own, which does not depend on their order in the text: SQLite lets a name occur
// twice, and the made names may collide. One that repeats another in everything says nothing and is dropped.
static void constraints_settle(struct sqlite_parser *parser)
{
	struct sqlite_item *item = parser->item;
	if (item->n_constraints == 0)
		return;
	qsort(item->constraints, item->n_constraints, sizeof *item->constraints, constraint_compare);
	struct sqlite_constraint last = item->constraints[0]; // as it was, before it was renamed
	size_t n = 1, of_name = 1;
	for (size_t i = 1; i < item->n_constraints; i++) {
		struct sqlite_constraint constraint = item->constraints[i];
		if (constraint_compare(&constraint, &last) == 0)
			continue;
		of_name = sqlite3_stricmp(constraint.name, last.name) == 0 ? of_name + 1 : 1;
		last = constraint;
		if (of_name > 1)
			constraint.name = arena_printf(parser->arena, "%s %zu", constraint.name, of_name);
		item->constraints[n++] = constraint;
	}
	item->n_constraints = n;
}

// Behind the closing parenthesis: WITHOUT ROWID and STRICT, in any order.
static bool table_options(struct sqlite_parser *parser)
{
	for (bool more = sqlite_next(parser)->type != SQLITE_TOKEN_END; more; more = sqlite_accept(parser, ",")) {
		if (sqlite_accept(parser, "STRICT")) {
			parser->item->strict = true;
		} else if (sqlite_expect(parser, "WITHOUT") && sqlite_expect(parser, "ROWID")) {
			parser->item->without_rowid = true;
		} else {
			return false;
		}
	}
	return true;
}

bool sqlite_table_read(struct sqlite_parser *parser)
{
	size_t from, to;
	parser->item->type = SQLITE_ITEM_TABLE;
	if (!sqlite_expect_parentheses(parser, &from, &to))
		return false;
	size_t after = parser->at;
	if (!columns_find(parser, from, to))
		return false;
	parser->at = from;
	for (size_t i = 0; i < parser->item->n_columns; i++) {
		if (!column_definition(parser, &parser->item->columns[i], sqlite_part_end(parser, parser->at, to)))
			return false;
		parser->at += parser->at < to;
	}
	parser->constraint_name = NULL;
	while (parser->at < to) {
		const struct clause *clause = clause_find(table_clauses, sqlite_next(parser));
		if (clause == NULL)
			return sqlite_fail(parser);
		parser->at++;
		if (!clause->read(parser))
			return false;
		if (sqlite_accept(parser, ","))
			parser->constraint_name = NULL;
	}
	if (parser->at != to)
		return sqlite_fail(parser);
	parser->at = after;
	if (!table_options(parser))
		return false;
	primary_key_settle(parser);
	constraints_settle(parser);
	return true;
}

// Adds the arguments of a module, which are its own affair: kept as they are written, but for the blanks that no module minds.
static void module_arguments(struct sqlite_parser *parser, struct buf *text, size_t from, size_t to)
{
	static const char *const tight[] = { "(", ")", ",", "=" };
	bool was_tight = true;
	for (size_t i = from; i < to; i++) {
		const struct sqlite_token *token = sqlite_token_at(parser, i);
		bool is_tight = false;
		for (size_t j = 0; j < sizeof tight / sizeof *tight; j++)
			is_tight |= sqlite_token_is(token, tight[j]);
		buf_adds(text, token->after_blank && !was_tight && !is_tight ? " " : "");
		buf_add(text, token->text, token->length);
		buf_adds(text, sqlite_token_is(token, ",") ? " " : "");
		was_tight = is_tight;
	}
}

bool sqlite_virtual_table_read(struct sqlite_parser *parser)
{
	parser->item->type = SQLITE_ITEM_TABLE;
	const char *module;
	if (!sqlite_expect(parser, "USING") || !sqlite_expect_name(parser, &module))
		return false;
	auto_buf text = BUF_INIT;
	sqlite_name_print(&text, module);
	size_t from, to;
	if (sqlite_next_is(parser, "(")) {
		if (!sqlite_expect_parentheses(parser, &from, &to))
			return false;
		buf_addc(&text, '(');
		module_arguments(parser, &text, from, to);
		buf_addc(&text, ')');
	}
	parser->item->module = buf_copy(&text, parser->arena);
	return true;
}
