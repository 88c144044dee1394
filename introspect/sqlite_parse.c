// SPDX-License-Identifier: PostgreSQL
// The statements of sqlite_schema: see sqlite_parse.h. The grammar is SQLite's own (parse.y, https://www.sqlite.org/lang.html)
// as far as tables, indexes and the heads of views and triggers go; expressions and queries are printed by their tokens
// (sqlite_token.h). Where that grammar is odd, so is this: commas between table constraints may be missing, a constraint may
// be a name alone, DEFERRABLE may stand apart from its REFERENCES. What only SQLite can decide (whether a column exists,
// whether a function is known) is not checked: the statement has been through SQLite already.
#include "introspect/sqlite_parse.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/sqlite_token.h"

struct parser {
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

static const struct sqlite_token *token_at(const struct parser *parser, size_t i)
{
	return &parser->tokens->items[i];
}

static const struct sqlite_token *next_token(const struct parser *parser)
{
	return token_at(parser, parser->at);
}

static bool next_is(const struct parser *parser, const char *text)
{
	return sqlite_token_is(next_token(parser), text);
}

static bool accept(struct parser *parser, const char *text)
{
	if (!next_is(parser, text))
		return false;
	parser->at++;
	return true;
}

static bool fail(struct parser *parser)
{
	const struct sqlite_token *token = next_token(parser);
	parser->why = arena_printf(parser->arena, "its definition is not understood at: %.40s",
	                           token->type == SQLITE_TOKEN_END ? "its end" : token->text);
	return false;
}

static bool expect(struct parser *parser, const char *text)
{
	return accept(parser, text) || fail(parser);
}

static bool expect_name(struct parser *parser, const char **name)
{
	if (!sqlite_token_is_name(next_token(parser)))
		return fail(parser);
	*name = sqlite_token_name(parser->arena, token_at(parser, parser->at++));
	return true;
}

// A range in parentheses: from..to-1 is what is between them. Moves behind it.
static bool expect_parentheses(struct parser *parser, size_t *from, size_t *to)
{
	if (!next_is(parser, "("))
		return fail(parser);
	*from = parser->at + 1;
	*to = next_token(parser)->match;
	parser->at = *to + 1;
	return true;
}

static const char *range_text(struct parser *parser, size_t from, size_t to)
{
	auto_buf text = BUF_INIT;
	sqlite_tokens_read(parser->tokens, from, to, &parser->scope);
	sqlite_tokens_print(&text, parser->tokens, from, to);
	return buf_copy(&text, parser->arena);
}

static const char *expression_text(struct parser *parser, size_t from, size_t to)
{
	sqlite_tokens_unwrap(parser->tokens, &from, &to);
	return range_text(parser, from, to);
}

static const char *name_text(struct parser *parser, const char *name)
{
	auto_buf text = BUF_INIT;
	sqlite_name_print(&text, name);
	return buf_copy(&text, parser->arena);
}

static const char *upper_text(struct parser *parser, const char *name)
{
	auto_buf text = BUF_INIT;
	sqlite_upper_print(&text, name);
	return buf_copy(&text, parser->arena);
}

static const char *upper_copy(struct parser *parser, const char *text)
{
	char *copy = arena_strdup(parser->arena, text);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	return copy;
}

// What goes without saying is NULL.
static const char *unless(const char *text, const char *usual)
{
	return strcmp(text, usual) == 0 ? NULL : text;
}

// A word of the grammar, in capitals; NULL if it is what goes without saying.
static bool expect_upper(struct parser *parser, const char **word, const char *usual)
{
	const char *name;
	if (!expect_name(parser, &name))
		return false;
	*word = unless(upper_copy(parser, name), usual);
	return true;
}

// The end of the part of a list that starts at `from`: its comma, or `to`.
static size_t part_end(const struct parser *parser, size_t from, size_t to)
{
	size_t i = from;
	while (i < to && !sqlite_token_is(token_at(parser, i), ","))
		i = sqlite_token_is(token_at(parser, i), "(") ? token_at(parser, i)->match + 1 : i + 1;
	return i;
}

static const struct sqlite_column *column_find(const struct parser *parser, const struct sqlite_token *token)
{
	for (size_t i = 0; i < parser->scope.n_columns; i++) {
		if (sqlite_token_names(token, parser->scope.columns[i].name))
			return &parser->scope.columns[i];
	}
	return NULL;
}

// One part of what an index or a key is over, as "a COLLATE NOCASE DESC". Left out is what goes without saying: ASC, and a
// collation that is the column's own. `name` gets what it is over alone, and the column if it is one.
static bool part_text(struct parser *parser, size_t from, size_t to, struct buf *part, struct buf *name,
                      const struct sqlite_column **column)
{
	const struct sqlite_token *tokens = parser->tokens->items;
	bool descending = to > from + 1 && sqlite_token_is(&tokens[to - 1], "DESC");
	if (descending || (to > from + 1 && sqlite_token_is(&tokens[to - 1], "ASC")))
		to--;
	const char *collation = NULL;
	if (to > from + 2 && sqlite_token_is(&tokens[to - 2], "COLLATE") && sqlite_token_is_name(&tokens[to - 1])) {
		collation = upper_text(parser, sqlite_token_name(parser->arena, &tokens[to - 1]));
		to -= 2;
	}
	if (from == to)
		return fail(parser);
	sqlite_tokens_unwrap(parser->tokens, &from, &to);
	*column = to == from + 1 && sqlite_token_is_name(&tokens[from]) ? column_find(parser, &tokens[from]) : NULL;
	if (*column != NULL)
		sqlite_name_print(name, (*column)->name);
	else
		buf_adds(name, range_text(parser, from, to));
	buf_adds(part, name->data);
	const char *own = *column == NULL ? "" : (*column)->collation == NULL ? "BINARY" : (*column)->collation;
	if (collation != NULL && strcmp(collation, own) != 0)
		buf_addf(part, " COLLATE %s", collation);
	buf_adds(part, descending ? " DESC" : "");
	return true;
}

// A list of such parts: "a, lower(b) DESC". Where they are not NULL, `made` gets what the parts are over for a made name,
// "a,lower(b)", and `columns` which of the columns are among them.
static bool parts_text(struct parser *parser, size_t from, size_t to, const char **text, struct buf *made, bool *columns)
{
	auto_buf parts = BUF_INIT;
	for (size_t end; from <= to; from = end + 1) {
		end = part_end(parser, from, to);
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

// A list of plain names: "a, b". Old files may have COLLATE and DESC in it, which mean nothing there.
static bool names_text(struct parser *parser, size_t from, size_t to, const char **text, struct buf *made)
{
	auto_buf names = BUF_INIT;
	for (size_t end; from <= to; from = end + 1) {
		end = part_end(parser, from, to);
		if (!sqlite_token_is_name(token_at(parser, from)))
			return fail(parser);
		const char *name = name_text(parser, sqlite_token_name(parser->arena, token_at(parser, from)));
		buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", name);
		if (made != NULL)
			buf_addf(made, "%s%s", made->length > 0 ? "," : "", name);
	}
	*text = buf_copy(&names, parser->arena);
	return true;
}

static bool conflict_clause(struct parser *parser, const char **conflict)
{
	if (!next_is(parser, "ON") || !sqlite_token_is(next_token(parser) + 1, "CONFLICT"))
		return true;
	parser->at += 2;
	return expect_upper(parser, conflict, "ABORT");
}

static struct sqlite_constraint *constraint_add(struct parser *parser, enum sqlite_constraint_type type)
{
	struct sqlite_item *item = parser->item;
	item->constraints = arena_grow(parser->arena, item->constraints, item->n_constraints, &parser->constraints_capacity,
	                               sizeof *item->constraints);
	struct sqlite_constraint *constraint = &item->constraints[item->n_constraints++];
	*constraint = (struct sqlite_constraint){ .type = type, .name = parser->constraint_name, .named = parser->constraint_name != NULL };
	parser->constraint_name = NULL;
	return constraint;
}

static void constraint_made_name(struct parser *parser, struct sqlite_constraint *constraint, const char *word, const char *about)
{
	if (!constraint->named)
		constraint->name = arena_printf(parser->arena, "%s(%s)", word, about);
}

static bool clause_constraint(struct parser *parser)
{
	return expect_name(parser, &parser->constraint_name);
}

// Behind PRIMARY.
static struct sqlite_constraint *primary_key_add(struct parser *parser)
{
	if (!expect(parser, "KEY"))
		return NULL;
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_PRIMARY_KEY);
	if (!constraint->named)
		constraint->name = "primary_key";
	parser->primary_key = parser->item->n_constraints;
	return constraint;
}

static bool column_primary_key(struct parser *parser)
{
	struct sqlite_constraint *constraint = primary_key_add(parser);
	if (constraint == NULL)
		return false;
	bool descending = accept(parser, "DESC");
	if (!descending)
		accept(parser, "ASC");
	constraint->columns = arena_printf(parser->arena, "%s%s", name_text(parser, parser->column->name), descending ? " DESC" : "");
	parser->in_primary_key[parser->column - parser->item->columns] = true;
	parser->primary_key_of_column = true;
	if (!conflict_clause(parser, &constraint->conflict))
		return false;
	if (accept(parser, "AUTOINCREMENT"))
		parser->item->autoincrement = true;
	return true;
}

static bool table_primary_key(struct parser *parser)
{
	struct sqlite_constraint *constraint = primary_key_add(parser);
	size_t from, to;
	if (constraint == NULL || !expect_parentheses(parser, &from, &to))
		return false;
	if (to > from && sqlite_token_is(token_at(parser, to - 1), "AUTOINCREMENT")) {
		parser->item->autoincrement = true;
		to--;
	}
	return parts_text(parser, from, to, &constraint->columns, NULL, parser->in_primary_key) &&
	       conflict_clause(parser, &constraint->conflict);
}

static bool column_unique(struct parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_UNIQUE);
	constraint->columns = name_text(parser, parser->column->name);
	constraint_made_name(parser, constraint, "unique", constraint->columns);
	return conflict_clause(parser, &constraint->conflict);
}

static bool table_unique(struct parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_UNIQUE);
	size_t from, to;
	auto_buf made = BUF_INIT;
	if (!expect_parentheses(parser, &from, &to) || !parts_text(parser, from, to, &constraint->columns, &made, NULL))
		return false;
	constraint_made_name(parser, constraint, "unique", made.data);
	return conflict_clause(parser, &constraint->conflict);
}

// SQLite reads ON CONFLICT here, and ignores it.
static bool clause_check(struct parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_CHECK);
	size_t from, to;
	if (!expect_parentheses(parser, &from, &to))
		return false;
	constraint->expression = expression_text(parser, from, to);
	constraint_made_name(parser, constraint, "check", constraint->expression);
	const char *ignored;
	return conflict_clause(parser, &ignored);
}

static bool foreign_key_action(struct parser *parser, const char **action)
{
	static const struct { const char *first, *second, *action; } actions[] = {
		{ "SET", "NULL", "SET NULL" }, { "SET", "DEFAULT", "SET DEFAULT" }, { "CASCADE", NULL, "CASCADE" },
		{ "RESTRICT", NULL, "RESTRICT" }, { "NO", "ACTION", NULL },
	};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (!next_is(parser, actions[i].first) ||
		    (actions[i].second != NULL && !sqlite_token_is(next_token(parser) + 1, actions[i].second)))
			continue;
		parser->at += actions[i].second != NULL ? 2 : 1;
		*action = actions[i].action;
		return true;
	}
	return fail(parser);
}

// Behind [NOT] DEFERRABLE. Only INITIALLY DEFERRED of one that is deferrable does anything.
static bool deferrable_end(struct parser *parser, bool deferrable)
{
	bool deferred = false;
	if (accept(parser, "INITIALLY")) {
		deferred = next_is(parser, "DEFERRED");
		if (!accept(parser, "DEFERRED") && !expect(parser, "IMMEDIATE"))
			return false;
	}
	if (parser->last_foreign_key > 0)
		parser->item->constraints[parser->last_foreign_key - 1].deferrable =
			deferrable && deferred ? "DEFERRABLE INITIALLY DEFERRED" : NULL;
	return true;
}

static bool clause_deferrable(struct parser *parser)
{
	return deferrable_end(parser, true);
}

// Behind REFERENCES.
static bool references_end(struct parser *parser, struct sqlite_constraint *constraint)
{
	const char *parent, *columns;
	size_t from, to;
	if (!expect_name(parser, &parent))
		return false;
	constraint->references = name_text(parser, parent);
	if (next_is(parser, "(")) {
		if (!expect_parentheses(parser, &from, &to) || !names_text(parser, from, to, &columns, NULL))
			return false;
		constraint->references = arena_printf(parser->arena, "%s (%s)", constraint->references, columns);
	}
	for (;;) {
		const char *ignored;
		if (accept(parser, "MATCH")) { // read by SQLite, and without effect: kept because it was meant
			if (!expect_upper(parser, &constraint->match, "SIMPLE"))
				return false;
		} else if (next_is(parser, "ON") && !sqlite_token_is(next_token(parser) + 1, "CONFLICT")) {
			const struct sqlite_token *event = next_token(parser) + 1;
			parser->at += 2;
			if (!foreign_key_action(parser, sqlite_token_is(event, "DELETE") ? &constraint->on_delete :
			                                sqlite_token_is(event, "UPDATE") ? &constraint->on_update : &ignored))
				return false;
		} else {
			return true;
		}
	}
}

static bool column_references(struct parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_FOREIGN_KEY);
	parser->last_foreign_key = parser->item->n_constraints;
	constraint->columns = name_text(parser, parser->column->name);
	constraint_made_name(parser, constraint, "foreign_key", constraint->columns);
	return references_end(parser, constraint);
}

static bool table_foreign_key(struct parser *parser)
{
	struct sqlite_constraint *constraint = constraint_add(parser, SQLITE_FOREIGN_KEY);
	parser->last_foreign_key = parser->item->n_constraints;
	size_t from, to;
	auto_buf made = BUF_INIT;
	if (!expect(parser, "KEY") || !expect_parentheses(parser, &from, &to) ||
	    !names_text(parser, from, to, &constraint->columns, &made) || !expect(parser, "REFERENCES"))
		return false;
	constraint_made_name(parser, constraint, "foreign_key", made.data);
	if (!references_end(parser, constraint))
		return false;
	if (accept(parser, "DEFERRABLE"))
		return deferrable_end(parser, true);
	return !accept(parser, "NOT") || (expect(parser, "DEFERRABLE") && deferrable_end(parser, false));
}

// Of a name after DEFAULT, which SQLite takes for a string: its text as a literal.
static const char *default_name(struct parser *parser)
{
	auto_buf text = BUF_INIT;
	parser->tokens->items[parser->at].meaning = SQLITE_MEANS_TEXT;
	sqlite_tokens_print(&text, parser->tokens, parser->at, parser->at + 1);
	parser->at++;
	return buf_copy(&text, parser->arena);
}

static bool column_default(struct parser *parser)
{
	static const char *const words[] = { "NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP" };
	const struct sqlite_token *token = next_token(parser);
	size_t from = parser->at, to = parser->at + 1;
	const char *text;
	bool literal = token->type == SQLITE_TOKEN_STRING || token->type == SQLITE_TOKEN_NUMBER || token->type == SQLITE_TOKEN_OTHER;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		literal |= sqlite_token_is(token, words[i]);
	if (sqlite_token_is(token, "(")) {
		if (!expect_parentheses(parser, &from, &to))
			return false;
		text = expression_text(parser, from, to);
	} else if ((sqlite_token_is(token, "-") || sqlite_token_is(token, "+")) && token[1].type != SQLITE_TOKEN_END) {
		parser->at += 2;
		text = range_text(parser, from, parser->at);
	} else if (literal) {
		parser->at++;
		text = range_text(parser, from, to);
	} else if (sqlite_token_is_name(token) && !sqlite_token_is_reserved(token)) {
		text = default_name(parser);
	} else {
		return fail(parser);
	}
	parser->column->default_ = unless(text, "NULL");
	return true;
}

static bool column_null(struct parser *parser)
{
	const char *ignored;
	return conflict_clause(parser, &ignored);
}

static bool column_not(struct parser *parser)
{
	if (accept(parser, "DEFERRABLE"))
		return deferrable_end(parser, false);
	if (!expect(parser, "NULL"))
		return false;
	parser->column->not_null = true;
	parser->column->not_null_conflict = NULL;
	return conflict_clause(parser, &parser->column->not_null_conflict);
}

static bool column_collate(struct parser *parser)
{
	const char *name;
	if (!expect_name(parser, &name))
		return false;
	parser->column->collation = unless(upper_text(parser, name), "BINARY");
	return true;
}

// Behind [GENERATED ALWAYS] AS.
static bool column_as(struct parser *parser)
{
	size_t from, to;
	if (!expect_parentheses(parser, &from, &to))
		return false;
	parser->column->generated = expression_text(parser, from, to);
	parser->column->stored = accept(parser, "STORED");
	if (!parser->column->stored)
		accept(parser, "VIRTUAL");
	return true;
}

static bool column_generated(struct parser *parser)
{
	return expect(parser, "ALWAYS") && expect(parser, "AS") && column_as(parser);
}

struct clause {
	const char *word;
	bool (*read)(struct parser *parser); // behind the word
};

static const struct clause column_clauses[] = {
	{ "CONSTRAINT", clause_constraint }, { "DEFAULT", column_default }, { "NULL", column_null }, { "NOT", column_not },
	{ "PRIMARY", column_primary_key }, { "UNIQUE", column_unique }, { "CHECK", clause_check }, { "REFERENCES", column_references },
	{ "DEFERRABLE", clause_deferrable }, { "COLLATE", column_collate }, { "GENERATED", column_generated }, { "AS", column_as },
	{ NULL, NULL },
};

static const struct clause table_clauses[] = {
	{ "CONSTRAINT", clause_constraint }, { "PRIMARY", table_primary_key }, { "UNIQUE", table_unique }, { "CHECK", clause_check },
	{ "FOREIGN", table_foreign_key }, { NULL, NULL },
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
static bool column_type(struct parser *parser)
{
	auto_buf type = BUF_INIT;
	for (;; parser->at++) {
		const struct sqlite_token *token = next_token(parser);
		if (!sqlite_token_is_name(token) || sqlite_token_is_reserved(token) ||
		    (sqlite_token_is(token, "GENERATED") && sqlite_token_is(token + 1, "ALWAYS")))
			break;
		const char *word = upper_copy(parser, sqlite_token_name(parser->arena, token));
		buf_addf(&type, "%s%s", type.length > 0 ? " " : "", word);
	}
	size_t from, to;
	if (type.length > 0 && next_is(parser, "(")) {
		if (!expect_parentheses(parser, &from, &to))
			return false;
		buf_addc(&type, '(');
		for (size_t i = from; i < to; i++)
			buf_add(&type, token_at(parser, i)->text, token_at(parser, i)->length);
		buf_addc(&type, ')');
	}
	parser->column->type = buf_copy(&type, parser->arena);
	return true;
}

static bool column_definition(struct parser *parser, struct sqlite_column *column, size_t end)
{
	parser->column = column;
	parser->constraint_name = NULL;
	parser->at++; // the name, which columns_find took
	if (!column_type(parser))
		return false;
	while (parser->at < end) {
		const struct clause *clause = clause_find(column_clauses, next_token(parser));
		if (clause == NULL)
			return fail(parser);
		parser->at++;
		if (!clause->read(parser))
			return false;
	}
	return parser->at == end || fail(parser);
}

// The columns by name, before anything is read: expressions and keys may name later ones.
static bool columns_find(struct parser *parser, size_t from, size_t to)
{
	struct sqlite_item *item = parser->item;
	size_t capacity = 0;
	for (size_t part = from; part < to && clause_find(table_clauses, token_at(parser, part)) == NULL;
	     part = part_end(parser, part, to) + 1) {
		if (!sqlite_token_is_name(token_at(parser, part)))
			return fail(parser);
		item->columns = arena_grow(parser->arena, item->columns, item->n_columns, &capacity, sizeof *item->columns);
		item->columns[item->n_columns++] =
			(struct sqlite_column){ .name = sqlite_token_name(parser->arena, token_at(parser, part)), .type = "" };
	}
	parser->scope = (struct sqlite_scope){ .columns = item->columns, .n_columns = item->n_columns };
	parser->in_primary_key = arena_array(parser->arena, item->n_columns + 1, sizeof *parser->in_primary_key);
	return item->n_columns > 0 || fail(parser);
}

// SQLite tells a key that is the rowid itself by the column's type; the order given in a table constraint does not matter
// to it then, while INTEGER PRIMARY KEY DESC at the column is no such key (https://www.sqlite.org/lang_createtable.html#rowid).
// The columns of any other key are never NULL in WITHOUT ROWID and STRICT tables.
static void primary_key_settle(struct parser *parser)
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
	bool rowid = !item->without_rowid && only != NULL && strcmp(only->type, "INTEGER") == 0 && strchr(key->columns, ',') == NULL;
	if (rowid && parser->primary_key_of_column)
		rowid = strcmp(key->columns, name_text(parser, only->name)) == 0;
	else if (rowid)
		key->columns = name_text(parser, only->name);
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
static void constraints_settle(struct parser *parser)
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
static bool table_options(struct parser *parser)
{
	for (bool more = next_token(parser)->type != SQLITE_TOKEN_END; more; more = accept(parser, ",")) {
		if (accept(parser, "STRICT")) {
			parser->item->strict = true;
		} else if (expect(parser, "WITHOUT") && expect(parser, "ROWID")) {
			parser->item->without_rowid = true;
		} else {
			return false;
		}
	}
	return true;
}

static bool table_read(struct parser *parser)
{
	size_t from, to;
	parser->item->type = SQLITE_ITEM_TABLE;
	if (!expect_parentheses(parser, &from, &to))
		return false;
	size_t after = parser->at;
	if (!columns_find(parser, from, to))
		return false;
	parser->at = from;
	for (size_t i = 0; i < parser->item->n_columns; i++) {
		if (!column_definition(parser, &parser->item->columns[i], part_end(parser, parser->at, to)))
			return false;
		parser->at += parser->at < to;
	}
	parser->constraint_name = NULL;
	while (parser->at < to) {
		const struct clause *clause = clause_find(table_clauses, next_token(parser));
		if (clause == NULL)
			return fail(parser);
		parser->at++;
		if (!clause->read(parser))
			return false;
		if (accept(parser, ","))
			parser->constraint_name = NULL;
	}
	if (parser->at != to)
		return fail(parser);
	parser->at = after;
	if (!table_options(parser))
		return false;
	primary_key_settle(parser);
	constraints_settle(parser);
	return true;
}

// Adds the arguments of a module, which are its own affair: kept as they are written, but for the blanks that no module minds.
static void module_arguments(struct parser *parser, struct buf *text, size_t from, size_t to)
{
	static const char *const tight[] = { "(", ")", ",", "=" };
	bool was_tight = true;
	for (size_t i = from; i < to; i++) {
		const struct sqlite_token *token = token_at(parser, i);
		bool is_tight = false;
		for (size_t j = 0; j < sizeof tight / sizeof *tight; j++)
			is_tight |= sqlite_token_is(token, tight[j]);
		buf_adds(text, token->after_blank && !was_tight && !is_tight ? " " : "");
		buf_add(text, token->text, token->length);
		buf_adds(text, sqlite_token_is(token, ",") ? " " : "");
		was_tight = is_tight;
	}
}

static bool virtual_table_read(struct parser *parser)
{
	parser->item->type = SQLITE_ITEM_TABLE;
	const char *module;
	if (!expect(parser, "USING") || !expect_name(parser, &module))
		return false;
	auto_buf text = BUF_INIT;
	sqlite_name_print(&text, module);
	size_t from, to;
	if (next_is(parser, "(")) {
		if (!expect_parentheses(parser, &from, &to))
			return false;
		buf_addc(&text, '(');
		module_arguments(parser, &text, from, to);
		buf_addc(&text, ')');
	}
	parser->item->module = buf_copy(&text, parser->arena);
	return true;
}

static bool index_read(struct parser *parser)
{
	parser->item->type = SQLITE_ITEM_INDEX;
	size_t from, to;
	if (!expect(parser, "ON") || !expect_name(parser, &parser->item->table) || !expect_parentheses(parser, &from, &to) ||
	    !parts_text(parser, from, to, &parser->item->parts, NULL, NULL))
		return false;
	if (accept(parser, "WHERE")) {
		parser->item->predicate = expression_text(parser, parser->at, parser->tokens->n);
		parser->at = parser->tokens->n;
	}
	return true;
}

static bool view_read(struct parser *parser)
{
	parser->item->type = SQLITE_ITEM_VIEW;
	size_t from, to;
	if (next_is(parser, "(") && !(expect_parentheses(parser, &from, &to) &&
	                              names_text(parser, from, to, &parser->item->columns_list, NULL)))
		return false;
	if (!expect(parser, "AS") || next_token(parser)->type == SQLITE_TOKEN_END)
		return fail(parser);
	parser->item->definition = arena_printf(parser->arena, "AS %s", range_text(parser, parser->at, parser->tokens->n));
	parser->at = parser->tokens->n;
	return true;
}

// The BEGIN that ends the condition of a trigger, which starts here; the end of the text if there is none.
static size_t trigger_begin(struct parser *parser)
{
	const struct sqlite_tokens *tokens = parser->tokens;
	sqlite_tokens_read(parser->tokens, parser->at, tokens->n, &parser->scope);
	size_t i = parser->at;
	while (i < tokens->n && !(tokens->items[i].meaning == SQLITE_MEANS_KEYWORD && sqlite_token_is(&tokens->items[i], "BEGIN")))
		i = sqlite_token_is(&tokens->items[i], "(") ? tokens->items[i].match + 1 : i + 1;
	return i;
}

static bool trigger_event(struct parser *parser, struct buf *text)
{
	static const char *const events[] = { "DELETE", "INSERT", "UPDATE" };
	const char *event = NULL, *columns;
	for (size_t i = 0; i < sizeof events / sizeof *events && event == NULL; i++)
		event = accept(parser, events[i]) ? events[i] : NULL;
	if (event == NULL)
		return fail(parser);
	buf_adds(text, event);
	if (!accept(parser, "OF"))
		return true;
	size_t from = parser->at;
	while (next_token(parser)->type != SQLITE_TOKEN_END && !next_is(parser, "ON"))
		parser->at++;
	if (!names_text(parser, from, parser->at, &columns, NULL))
		return false;
	buf_addf(text, " OF %s", columns);
	return true;
}

static bool trigger_read(struct parser *parser)
{
	parser->item->type = SQLITE_ITEM_TRIGGER;
	auto_buf text = BUF_INIT;
	if (accept(parser, "INSTEAD")) {
		if (!expect(parser, "OF"))
			return false;
		buf_adds(&text, "INSTEAD OF ");
	} else if (accept(parser, "AFTER")) {
		buf_adds(&text, "AFTER ");
	} else {
		accept(parser, "BEFORE");
		buf_adds(&text, "BEFORE ");
	}
	if (!trigger_event(parser, &text) || !expect(parser, "ON") || !expect_name(parser, &parser->item->table) ||
	    (accept(parser, ".") && !expect_name(parser, &parser->item->table)))
		return false;
	buf_adds(&text, " ON ");
	sqlite_name_print(&text, parser->item->table);
	if (accept(parser, "FOR") && !(expect(parser, "EACH") && expect(parser, "ROW")))
		return false;
	if (accept(parser, "WHEN")) {
		size_t begin = trigger_begin(parser);
		buf_addf(&text, " WHEN %s", expression_text(parser, parser->at, begin));
		parser->at = begin;
	}
	size_t end = parser->tokens->n - 1;
	if (!expect(parser, "BEGIN") || parser->at > end || !sqlite_token_is(token_at(parser, end), "END"))
		return fail(parser);
	buf_addf(&text, " BEGIN %s END", range_text(parser, parser->at, end));
	parser->at = end + 1;
	parser->item->definition = buf_copy(&text, parser->arena);
	return true;
}

// Behind the name of what is made; what follows "CREATE".
static const struct create {
	const char *words[3];
	bool (*read)(struct parser *parser);
	bool unique;
} creates[] = {
	{ { "TABLE" }, table_read, false }, { { "VIRTUAL", "TABLE" }, virtual_table_read, false }, { { "INDEX" }, index_read, false },
	{ { "UNIQUE", "INDEX" }, index_read, true }, { { "VIEW" }, view_read, false }, { { "TRIGGER" }, trigger_read, false },
};

static bool accept_words(struct parser *parser, const char *const *words)
{
	size_t n = 0;
	while (words[n] != NULL && sqlite_token_is(next_token(parser) + n, words[n])) // the text's last token is no word
		n++;
	if (words[n] != NULL)
		return false;
	parser->at += n;
	return true;
}

static bool statement_read(struct parser *parser)
{
	static const char *const if_not_exists[] = { "IF", "NOT", "EXISTS", NULL };
	if (!expect(parser, "CREATE"))
		return false;
	const struct create *create = NULL;
	for (size_t i = 0; i < sizeof creates / sizeof *creates && create == NULL; i++)
		create = accept_words(parser, creates[i].words) ? &creates[i] : NULL;
	if (create == NULL)
		return fail(parser);
	accept_words(parser, if_not_exists);
	if (!expect_name(parser, &parser->item->name) || (accept(parser, ".") && !expect_name(parser, &parser->item->name)))
		return false;
	parser->item->unique = create->unique;
	if (!create->read(parser))
		return false;
	accept(parser, ";");
	return next_token(parser)->type == SQLITE_TOKEN_END || fail(parser);
}

bool sqlite_parse(struct arena *arena, const char *sql, const struct sqlite_context *context, struct sqlite_item *item,
                  const char **why)
{
	*item = (struct sqlite_item){ .sql = sql };
	auto_sqlite_tokens tokens = { NULL, 0 };
	if (!sqlite_tokens_cut(&tokens, sql, arena, why))
		return false;
	struct parser parser = { .arena = arena, .tokens = &tokens, .item = item };
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
