// SPDX-License-Identifier: PostgreSQL
// SQLite itself as the judge of what was read: its pragmas say the same of every fixture, and it makes the same schema again
// from what was read.
#include "tests/sqlite_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_token.h"

// What SQLite says of a table, and what was parsed of it, as the same text.

// SQLite keeps the type as it was written.
static const char *squeezed(struct arena *arena, const char *type)
{
	char *copy = arena_strdup(arena, type), *to = copy;
	for (const char *c = copy; *c != '\0'; c++) {
		if (strchr(" \t\n\"'[]`", *c) == NULL)
			*to++ = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	}
	*to = '\0';
	return copy;
}

// A default as SQLite keeps it, in canonical form.
static const char *canonical_default(struct arena *arena, const char *text)
{
	if (text == NULL)
		return NULL;
	bool plain = strpbrk(text, "(+*|") == NULL && strncmp(text, "CASE", 4) != 0;
	return parse(arena, arena_printf(arena, plain ? "CREATE TABLE t(a DEFAULT %s)" : "CREATE TABLE t(a DEFAULT (%s))",
		text), NULL, NULL)
		.columns[0].default_;
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *sorted_lines(struct arena *arena, const char *text)
{
	const char *lines[256];
	size_t n = 0;
	char *copy = arena_strdup(arena, text), *rest;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL && n < 256; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	qsort(lines, n, sizeof *lines, line_compare);
	auto_buf sorted = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
			buf_addf(&sorted, "%s\n", lines[i]);
	}
	return buf_copy(&sorted, arena);
}

static const struct sqlite_constraint *primary_key_of(const struct sqlite_item *table)
{
	for (size_t i = 0; i < table->n_constraints; i++) {
		if (table->constraints[i].type == SQLITE_PRIMARY_KEY)
			return &table->constraints[i];
	}
	return NULL;
}

static void columns_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_sqlite_stmt info = query(db, "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM "
		"pragma_table_xinfo(?1)", table->name);
	size_t i = 0;
	for (; sqlite3_step(info) == SQLITE_ROW; i++) {
		assert_true(i < table->n_columns);
		const struct sqlite_column *column = &table->columns[i];
		assert_string_equal(column->name, text_of(info, 0));
		assert_string_equal(squeezed(arena, column->type), squeezed(arena, text_of(info, 1)));
		assert_int_equal(column->not_null, sqlite3_column_int(info, 2));
		const char *text = canonical_default(arena, text_of(info, 3));
		assert_string_equal(column->default_ == NULL ? "none" : column->default_, text == NULL ? "none" : text);
		assert_int_equal(column->generated == NULL ? 0 : column->stored ? 3 : 2, sqlite3_column_int(info, 5));
	}
	assert_int_equal(i, table->n_columns);
}

// The keys of an index as the parser prints them; "" if one of them is an expression.
static const char *index_keys(struct arena *arena, sqlite3 *db, const char *index, const struct sqlite_item *table)
{
	auto_sqlite_stmt info = query(db, "SELECT name, desc, coll, cid FROM pragma_index_xinfo(?1) WHERE key", index);
	auto_buf keys = BUF_INIT;
	while (sqlite3_step(info) == SQLITE_ROW) {
		int cid = sqlite3_column_int(info, 3);
		if (cid < 0)
			return "";
		buf_adds(&keys, keys.length > 0 ? ", " : "");
		sqlite_name_print(&keys, text_of(info, 0));
		const char *own = table->columns[cid].collation == NULL ? "BINARY" : table->columns[cid].collation;
		auto_buf collation = BUF_INIT;
		sqlite_upper_print(&collation, text_of(info, 2));
		if (strcmp(collation.data, own) != 0)
			buf_addf(&keys, " COLLATE %s", collation.data);
		buf_adds(&keys, sqlite3_column_int(info, 1) ? " DESC" : "");
	}
	return buf_copy(&keys, arena);
}

static void keys_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_buf sqlite = BUF_INIT, parsed = BUF_INIT;
	const struct sqlite_constraint *key = primary_key_of(table);
	auto_sqlite_stmt list = query(db, "SELECT name, origin, partial, \"unique\" FROM pragma_index_list(?1)", table->name);
	bool key_has_index = false;
	while (sqlite3_step(list) == SQLITE_ROW) {
		const char *keys = index_keys(arena, db, text_of(list, 0), table);
		if (strcmp(text_of(list, 1), "c") != 0) {
			key_has_index |= strcmp(text_of(list, 1), "pk") == 0;
			buf_addf(&sqlite, "%s\n", keys);
			continue;
		}
		auto_sqlite_stmt row = query(db, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1",
			text_of(list, 0));
		assert_int_equal(sqlite3_step(row), SQLITE_ROW);
		struct sqlite_item index = parse(arena, text_of(row, 0), table, NULL);
		if (*keys != '\0')
			assert_string_equal(index.parts, keys);
		assert_int_equal(index.predicate != NULL, sqlite3_column_int(list, 2));
		assert_int_equal(index.unique, sqlite3_column_int(list, 3));
	}
	for (size_t i = 0; i < table->n_constraints; i++) {
		const struct sqlite_constraint *constraint = &table->constraints[i];
		// a key that is the rowid has no index
		if (constraint->type == SQLITE_UNIQUE || (constraint == key && key_has_index))
			buf_addf(&parsed, "%s\n", constraint->columns);
	}
	assert_string_equal(sorted_lines(arena, parsed.data), sorted_lines(arena, sqlite.data));
}

static void foreign_keys_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_buf sqlite = BUF_INIT, parsed = BUF_INIT, from = BUF_INIT, to = BUF_INIT;
	auto_sqlite_stmt list = query(db, "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete, lead(id) OVER "
		"(ORDER BY id, seq) "
	                                  "FROM pragma_foreign_key_list(?1) ORDER BY id, seq", table->name);
	while (sqlite3_step(list) == SQLITE_ROW) {
		buf_adds(&from, from.length > 0 ? ", " : "");
		sqlite_name_print(&from, text_of(list, 2));
		if (text_of(list, 3) != NULL) {
			buf_adds(&to, to.length > 0 ? ", " : " (");
			sqlite_name_print(&to, text_of(list, 3));
		}
		if (sqlite3_column_type(list, 6) != SQLITE_NULL && sqlite3_column_int(list, 6) == sqlite3_column_int(list, 0))
			continue;
		buf_adds(&to, to.length > 0 ? ")" : "");
		buf_addf(&sqlite, "%s -> ", from.data);
		sqlite_name_print(&sqlite, text_of(list, 1));
		buf_addf(&sqlite, "%s %s %s\n", to.data, text_of(list, 4), text_of(list, 5));
		buf_reset(&from);
		buf_reset(&to);
	}
	for (size_t i = 0; i < table->n_constraints; i++) {
		const struct sqlite_constraint *key = &table->constraints[i];
		if (key->type == SQLITE_FOREIGN_KEY)
			buf_addf(&parsed, "%s -> %s %s %s\n", key->columns, key->references,
				key->on_update == NULL ? "NO ACTION" : key->on_update,
			         key->on_delete == NULL ? "NO ACTION" : key->on_delete);
	}
	assert_string_equal(sorted_lines(arena, parsed.data), sorted_lines(arena, sqlite.data));
}

static void schema_agrees_with_pragmas(const char *sql)
{
	auto_arena arena = arena_new();
	auto_sqlite db = database_open(":memory:");
	execute(db, sql);
	auto_sqlite_stmt rows = query(db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' "
		"AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", NULL);
	while (sqlite3_step(rows) == SQLITE_ROW) {
		struct sqlite_item table = parse(arena, arena_strdup(arena, text_of(rows, 0)), NULL, NULL);
		columns_agree(arena, db, &table);
		keys_agree(arena, db, &table);
		foreign_keys_agree(arena, db, &table);
	}
}

static void the_parser_agrees_with_the_pragmas(void **state)
{
	(void)state;
	for_every_fixture(schema_agrees_with_pragmas);
}

// A snapshot as SQL again: what was read must be valid, and must say all.

static bool is_child_of(const struct object *object, const struct object *table, const char *kind)
{
	return strcmp(object->kind->name, kind) == 0 && object->n_path == 2 &&
	       sqlite3_stricmp(object->path[0], table->path[0]) == 0;
}

static const char *attribute(const struct object *object, const char *name)
{
	return object->values[kind_attr(object->kind, name)];
}

static void add_clause(struct buf *sql, const char *before, const char *text, const char *after)
{
	if (text != NULL)
		buf_addf(sql, "%s%s%s", before, text, after);
}

static void add_column(struct buf *sql, const struct object *column, bool key_descending)
{
	sql_ident(sql, column->path[1]);
	const char *type = attribute(column, "type");
	bool plain = type[strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 (),-+")] == '\0';
	buf_addf(sql, plain ? " %s" : " \"%s\"", type);
	add_clause(sql, " COLLATE ", attribute(column, "collation"), "");
	add_clause(sql, " NOT NULL", attribute(column, "not_null") ? "" : NULL, "");
	add_clause(sql, " ON CONFLICT ", attribute(column, "conflict"), "");
	add_clause(sql, " DEFAULT (", attribute(column, "default"), ")");
	const char *generated = attribute(column, "generated");
	if (generated != NULL)
		buf_addf(sql, " AS (%.*s)%s", (int)(strrchr(generated, ' ') - generated), generated, strrchr(generated, ' '));
	buf_adds(sql, key_descending ? " PRIMARY KEY DESC" : "");
}

static void add_constraint(struct buf *sql, const struct object *constraint, bool autoincrement)
{
	const char *name = constraint->path[1], *type = attribute(constraint, "type");
	if (strncmp(name, "unique(", 7) != 0 && strncmp(name, "check(", 6) != 0 && strncmp(name, "foreign_key(", 12) != 0 &&
	    strcmp(name, "primary_key") != 0) {
		buf_adds(sql, "CONSTRAINT ");
		sql_ident(sql, name);
		buf_addc(sql, ' ');
	}
	buf_adds(sql, type);
	add_clause(sql, " (", attribute(constraint, "columns"), autoincrement && *type == 'P' ? " AUTOINCREMENT)" : ")");
	add_clause(sql, " (", attribute(constraint, "expression"), ")");
	add_clause(sql, " ON CONFLICT ", attribute(constraint, "conflict"), "");
	add_clause(sql, " REFERENCES ", attribute(constraint, "references"), "");
	add_clause(sql, " ON UPDATE ", attribute(constraint, "on_update"), "");
	add_clause(sql, " ON DELETE ", attribute(constraint, "on_delete"), "");
	add_clause(sql, " MATCH ", attribute(constraint, "match"), "");
	add_clause(sql, " ", attribute(constraint, "deferrable"), "");
}

// The one key that must be written at its column: INTEGER PRIMARY KEY DESC, which is not the rowid.
static bool is_descending_key(const struct object *table, const struct object *key, const struct object *column)
{
	if (key == NULL || attribute(table, "without_rowid") != NULL || strcmp(attribute(column, "type"), "INTEGER") != 0)
		return false;
	auto_buf descending = BUF_INIT;
	sqlite_name_print(&descending, column->path[1]);
	buf_adds(&descending, " DESC");
	return strcmp(attribute(key, "columns"), descending.data) == 0;
}

static void add_table(struct buf *sql, const struct snapshot *snapshot, const struct object *table)
{
	const char *module = attribute(table, "module");
	buf_addf(sql, "CREATE %sTABLE ", module == NULL ? "" : "VIRTUAL ");
	sql_ident(sql, table->path[0]);
	if (module != NULL) {
		buf_addf(sql, " USING %s;\n", module);
		return;
	}
	const char *separator = " (";
	const char *const key_path[] = { table->path[0], "primary_key" };
	const struct object *key = snapshot_find(snapshot, &kind_constraint, key_path, 2);
	bool key_written = false;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *column = snapshot->objects[i];
		if (!is_child_of(column, table, "column"))
			continue;
		bool key_descending = is_descending_key(table, key, column);
		key_written |= key_descending;
		buf_adds(sql, separator);
		add_column(sql, column, key_descending);
		separator = ", ";
	}
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *constraint = snapshot->objects[i];
		if (!is_child_of(constraint, table, "constraint") || (constraint == key && key_written))
			continue;
		buf_adds(sql, separator);
		add_constraint(sql, constraint, attribute(table, "autoincrement") != NULL);
	}
	bool strict = attribute(table, "strict") != NULL, without_rowid = attribute(table, "without_rowid") != NULL;
	buf_addf(sql, ")%s%s%s;\n", strict ? " STRICT" : "", strict && without_rowid ? "," : "",
	         without_rowid ? " WITHOUT ROWID" : "");
}

static void add_other(struct buf *sql, const struct object *object)
{
	const char *kind = object->kind->name, *word = strcmp(kind, "index") == 0 && attribute(object,
		"unique") ? "UNIQUE INDEX" : kind;
	buf_addf(sql, "CREATE %s ", word);
	sql_ident(sql, object->path[object->n_path - 1]);
	if (strcmp(kind, "index") == 0) {
		buf_adds(sql, " ON ");
		sql_ident(sql, object->path[0]);
		add_clause(sql, " (", attribute(object, "columns"), ")");
		add_clause(sql, " WHERE ", attribute(object, "predicate"), "");
	} else {
		if (strcmp(kind, "view") == 0)
			add_clause(sql, " (", attribute(object, "columns"), ")");
		buf_addf(sql, " %s", attribute(object, "definition"));
	}
	buf_adds(sql, ";\n");
}

static void survives_the_round_trip(const char *sql)
{
	auto_arena arena = arena_new();
	const struct snapshot *first = read_database(arena, scratch_database(arena, "a", sql));
	auto_buf again = BUF_INIT;
	static const char *const others[] = { "index", "view", "trigger" };
	for (size_t i = 0; i < first->n_objects; i++) {
		if (first->objects[i]->kind == &kind_table)
			add_table(&again, first, first->objects[i]);
	}
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < first->n_objects; i++) {
			if (strcmp(first->objects[i]->kind->name, others[k]) == 0)
				add_other(&again, first->objects[i]);
		}
	}
	const struct snapshot *second = read_database(arena, scratch_database(arena, "b", again.data));
	const char *list = differences(arena, first, second);
	if (*list != '\0')
		print_message("%s\n%s\n", sql, again.data);
	assert_string_equal(list, "");
}

static void canonical_text_is_sql_again(void **state)
{
	(void)state;
	for_every_fixture(survives_the_round_trip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parser_agrees_with_the_pragmas),
		cmocka_unit_test(canonical_text_is_sql_again),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
