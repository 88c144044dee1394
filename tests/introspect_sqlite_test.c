// SPDX-License-Identifier: PostgreSQL
// Reading SQLite schemas: what must be equal, what must differ and in what, and that no bytes break the parser.
#include "tests/sqlite_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_parse.h"

static const char *value(const struct snapshot *snapshot, const char *kind, const char *const *path, unsigned n_path,
                         const char *attr)
{
	const struct object *object = snapshot_find(snapshot, kind_find(kind), path, n_path);
	if (object == NULL)
		fail_msg("no %s %s", kind, path[n_path - 1]);
	return object->values[kind_attr(object->kind, attr)];
}

#define PATH(...) (const char *const[]){ __VA_ARGS__ }, sizeof(const char *const[]){ __VA_ARGS__ } / sizeof(char *)

static void formatting_is_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; equal_pairs[i].a != NULL; i++) {
		auto_arena arena = arena_new();
		const struct snapshot *a = read_database(arena, scratch_database(arena, "a", equal_pairs[i].a));
		const struct snapshot *b = read_database(arena, scratch_database(arena, "b", equal_pairs[i].b));
		const char *list = differences(arena, a, b);
		if (*list != '\0')
			print_message("%s\n%s\n", equal_pairs[i].a, equal_pairs[i].b);
		assert_string_equal(list, "");
	}
}

static void each_attribute_is_a_difference(void **state)
{
	(void)state;
	for (size_t i = 0; different_pairs[i].a != NULL; i++) {
		auto_arena arena = arena_new();
		const struct snapshot *a = read_database(arena, scratch_database(arena, "a", different_pairs[i].a));
		const struct snapshot *b = read_database(arena, scratch_database(arena, "b", different_pairs[i].b));
		assert_string_equal(differences(arena, a, b), different_pairs[i].difference);
	}
}

static void words_mean_what_sqlite_takes_them_for(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = read_database(arena, scratch_database(arena, "a",
		"CREATE TABLE t(a INT, key TEXT CHECK (Key Not In (\"x\",'Y') and lower(\"KEY\")==\"z\"), d DEFAULT \"Foo\");"
		"CREATE INDEX i ON t(key collate NoCase desc, Upper(key)) WHERE \"A\" is not null;"
		"CREATE VIEW v AS SELECT count(*)n, -a FROM t WHERE a like 'x' /* all */ GROUP BY a;"
		"CREATE TRIGGER g UPDATE OF key ON t WHEN (new.key<>old.key) BEGIN SELECT raise(ignore);END"));
	assert_string_equal(value(snapshot, "index", PATH("t", "i"), "columns"),
	                    "\"key\" COLLATE NOCASE DESC, upper(\"key\")");
	assert_string_equal(value(snapshot, "index", PATH("t", "i"), "predicate"), "a IS NOT NULL");
	assert_string_equal(value(snapshot, "view", PATH("v"), "definition"),
	                    "AS SELECT count(*) n, -a FROM t WHERE a LIKE 'x' GROUP BY a");
	assert_string_equal(value(snapshot, "trigger", PATH("t", "g"), "definition"),
	                    "BEFORE UPDATE OF \"key\" ON t WHEN new.\"key\" <> old.\"key\" BEGIN SELECT RAISE(IGNORE); END");
	assert_string_equal(value(snapshot, "column", PATH("t", "d"), "default"), "'Foo'");
#define CHECKED "\"key\" NOT IN ('x', 'Y') AND lower(\"key\") = 'z'"
	assert_string_equal(value(snapshot, "constraint", PATH("t", "check(" CHECKED ")"), "expression"), CHECKED);
}

static void made_names_do_not_depend_on_the_order(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char sql[] = "CREATE TABLE t(a REFERENCES q REFERENCES p, b CONSTRAINT x CHECK (b) CONSTRAINT X CHECK (a), "
	                          "c PRIMARY KEY UNIQUE, CHECK (a > 0), CHECK (a > 0), UNIQUE (a, \"B\"))";
	static const char *const names[] = {
		"check(a > 0)", "foreign_key(a)", "foreign_key(a) 2", "primary_key", "unique(a,b)", "unique(c)", "X", "x 2",
	};
	struct sqlite_item item = parse(arena, sql, NULL, NULL);
	assert_int_equal(item.n_constraints, sizeof names / sizeof *names);
	for (size_t i = 0; i < item.n_constraints; i++)
		assert_int_equal(sqlite3_stricmp(item.constraints[i].name, names[i]), 0);
	assert_string_equal(item.constraints[1].references, "p");
	assert_string_equal(item.constraints[6].expression, "a");
}

static void column_order_is_read(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = read_database(arena, scratch_database(arena, "a", "CREATE TABLE t(b, a)"));
	assert_string_equal(value(snapshot, "column", PATH("t", "b"), "position"), "1");
	assert_string_equal(value(snapshot, "column", PATH("t", "a"), "position"), "2");
}

// Any bytes.

static void parse_anything(const char *bytes, size_t n)
{
	char *sql = malloc(n + 1); // exactly as long, so that the sanitizer sees a step too far
	assert_non_null(sql);
	memcpy(sql, bytes, n);
	sql[n] = '\0';
	auto_arena arena = arena_new();
	struct sqlite_column column = { .name = "a", .type = "" };
	struct sqlite_item table = { .columns = &column, .n_columns = 1 }, item;
	struct sqlite_names names = { 0 };
	sqlite_names_add(arena, &names, "a");
	sqlite_names_collect(arena, &names, sql);
	sqlite_names_sort(&names);
	const char *why = NULL;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ &table, &names }, &item, &why))
		assert_non_null(why);
	why = NULL;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ NULL, &names }, &item, &why))
		assert_non_null(why);
	free(sql);
}

static void parse_damaged(const char *sql)
{
	static const char damage[] = { '(', ')', '"', '\'', ',', ';', '[', '-', '.', '\x80', ' ' };
	size_t n = strlen(sql);
	char *copy = strdup(sql);
	for (size_t i = 0; i <= n; i++) {
		parse_anything(sql, i);
		if (i < n) {
			copy[i] = damage[i % sizeof damage];
			parse_anything(copy, n);
			copy[i] = sql[i];
		}
	}
	free(copy);
}

static void damage_statements(const char *sql)
{
	auto_sqlite db = database_open(":memory:");
	execute(db, sql);
	auto_sqlite_stmt rows = query(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", NULL);
	while (sqlite3_step(rows) == SQLITE_ROW)
		parse_damaged(text_of(rows, 0));
}

static void the_parser_survives_any_bytes(void **state)
{
	(void)state;
	for_every_fixture(damage_statements);
	static const char *const starts[] = { "", "CREATE TABLE t(", "CREATE VIEW v AS SELECT ",
		"CREATE TRIGGER g AFTER INSERT ON t WHEN ", "CREATE INDEX i ON t(" };
	static const char alphabet[] = "()\"'[]`,.;-/*+=<>!|& \n\taAeEsS09xX_$?:@#~\x80\xff\x01{}\\";
	uint32_t random = 12345;
	for (int i = 0; i < 2000; i++) {
		char bytes[128];
		int n = snprintf(bytes, sizeof bytes, "%s", starts[i % 5]);
		while (n < 100) {
			random = random * 1664525 + 1013904223;
			bytes[n++] = alphabet[(random >> 16) % (sizeof alphabet - 1)];
		}
		parse_anything(bytes, (size_t)n);
	}
}

// Many of a kind: nothing in it may grow with the square, or with the depth.
static void the_parser_survives_length_and_depth(void **state)
{
	(void)state;
	static const char *const repeated[][3] = {
		{ "CREATE TABLE t(a, CHECK (", "(", "" }, { "CREATE VIEW v AS SELECT ", "CAST(", "" }, { "CREATE TABLE t(",
		  "a,", "b)" },
		{ "CREATE TABLE t(a CHECK (a IN (", "\"x\",", "1)))" }, { "CREATE TABLE t(a ", "CHECK (1) ", ")" },
		  { "CREATE INDEX i ON t(", "a,", "b)" },
	};
	for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
		auto_buf sql = BUF_INIT;
		buf_adds(&sql, repeated[i][0]);
		for (int j = 0; j < 20000; j++)
			buf_adds(&sql, repeated[i][1]);
		buf_adds(&sql, repeated[i][2]);
		parse_anything(sql.data, sql.length);
	}
	auto_buf nested = BUF_INIT;
	buf_adds(&nested, "CREATE TABLE t(a DEFAULT ");
	for (int j = 0; j < 20000; j++)
		buf_addc(&nested, '(');
	for (int j = 0; j < 20000; j++)
		buf_addc(&nested, ')');
	buf_addc(&nested, ')');
	parse_anything(nested.data, nested.length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formatting_is_no_difference),
		cmocka_unit_test(each_attribute_is_a_difference),
		cmocka_unit_test(words_mean_what_sqlite_takes_them_for),
		cmocka_unit_test(made_names_do_not_depend_on_the_order),
		cmocka_unit_test(column_order_is_read),
		cmocka_unit_test(the_parser_survives_any_bytes),
		cmocka_unit_test(the_parser_survives_length_and_depth),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
