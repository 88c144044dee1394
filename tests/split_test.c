// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "migrations/lexer.h"
#include "migrations/split.h"

#define PG ENGINE_POSTGRESQL
#define LITE ENGINE_SQLITE

// `want`: "line:offset:text" of each statement, joined by '|'.
static const struct split_case {
	enum engine engine;
	const char *text, *want;
} split_cases[] = {
	{ PG, "", "" },
	{ PG, " \n-- only a comment\n/* and another */;;\n", "" },
	{ PG, "-- head\nSELECT 1; /* between */ SELECT 2 -- end\n", "2:8:SELECT 1|2:32:SELECT 2" },
	{ PG, "SELECT ';', $x$;$x$, \"a;b\" /* ; */;SELECT 2;", "1:0:SELECT ';', $x$;$x$, \"a;b\"|1:35:SELECT 2" },
	{ PG, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\nSELECT 3",
	  "1:0:CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END|2:70:SELECT 3" },
	{ PG, "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);SELECT 3",
	  "1:0:CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)|1:56:SELECT 3" },
	// what the parser does not take goes by the scanner: newer grammar, plain errors
	{ PG, "CREATE TABLE a (x int;);\nSELEC 1;\n\nSELECT 2;", "1:0:CREATE TABLE a (x int;)|2:25:SELEC 1|4:35:SELECT 2" },
	{ PG, "NOT SQL; CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
	  "1:0:NOT SQL|1:9:CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END|"
	  "1:103:SELECT 3" },
	{ PG, "NOT SQL; BEGIN; SELECT E'a\\';b'; COMMIT", "1:0:NOT SQL|1:9:BEGIN|1:16:SELECT E'a\\';b'|1:33:COMMIT" },
	// an unterminated quote stays whole
	{ PG, "SELECT 1; SELECT 'a; SELECT 2;", "1:0:SELECT 1; SELECT 'a; SELECT 2;" },
	{ LITE, "", "" },
	{ LITE, "-- x\n ;; \n", "" },
	{ LITE, "CREATE TABLE t (a);\n\n-- c\nINSERT INTO t VALUES (';');INSERT INTO t VALUES ([;])",
	  "1:0:CREATE TABLE t (a)|4:26:INSERT INTO t VALUES (';')|4:53:INSERT INTO t VALUES ([;])" },
	{ LITE, "CREATE TRIGGER g AFTER INSERT ON t BEGIN\n SELECT 1;\n SELECT CASE 1 WHEN 1 THEN 2 END;\nEND; SELECT 3;",
	  "1:0:CREATE TRIGGER g AFTER INSERT ON t BEGIN\n SELECT 1;\n SELECT CASE 1 WHEN 1 THEN 2 END;\nEND|4:91:SELECT 3" },
	{ LITE, "SELECT 1; /* open", "1:0:SELECT 1" },
};

static void splits_at_statements(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof split_cases / sizeof *split_cases; i++) {
		auto_arena arena = arena_new();
		auto_buf have = BUF_INIT;
		size_t n;
		struct statement *statements = split_statements(arena, split_cases[i].engine, split_cases[i].text, &n);
		for (size_t j = 0; j < n; j++)
			buf_addf(&have, "%s%u:%zu:%s", j > 0 ? "|" : "", statements[j].line, statements[j].offset, statements[j].text);
		assert_string_equal(have.data, split_cases[i].want);
	}
}

static const struct meta_case {
	const char *text, *want;
	unsigned line;
} meta_cases[] = {
	{ "SELECT 1;\n\\copy t from 'x'\r\nSELECT 2;", "\\copy t from 'x'", 2 },
	{ "  \\i other.sql", "\\i other.sql", 1 },
	{ "SELECT 1 AS x \\gset\n", "\\gset", 1 },
	{ "COPY t FROM stdin;\n1\ta\n\\.\n", "\\.", 3 },
	{ "SELECT '\n\\x', E'\\'\n\\y', $$\n\\z$$, \"\n\\q\"; -- \n-- \\i x\n/* \n\\i y */", NULL, 0 },
	{ "", NULL, 0 },
};

static void finds_meta_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof meta_cases / sizeof *meta_cases; i++) {
		auto_arena arena = arena_new();
		unsigned line = 0;
		const char *have = split_meta_command(arena, meta_cases[i].text, &line);
		if (meta_cases[i].want == NULL) {
			assert_null(have);
			continue;
		}
		assert_non_null(have);
		assert_string_equal(have, meta_cases[i].want);
		assert_int_equal(line, meta_cases[i].line);
	}
}

static const struct kind table = { .name = "table", .sql = "TABLE", .relation = true, .owned_by = -1 };
static const struct kind view = { .name = "materialized view", .sql = "MATERIALIZED VIEW", .relation = true, .owned_by = -1 };
static const struct kind sequence = { .name = "sequence", .sql = "SEQUENCE", .relation = true, .owned_by = 1 };
static const struct kind type = { .name = "enum", .sql = "TYPE", .relation = true, .owned_by = -1 };
static const struct kind schema = { .name = "schema", .sql = "SCHEMA", .owned_by = -1 };
static const struct kind function = { .name = "function", .sql = "FUNCTION", .arguments = true, .owned_by = -1 };
static const struct kind column = { .name = "column", .sql = "COLUMN", .child = true, .owned_by = -1 };
static const struct kind constraint = { .name = "constraint", .sql = "CONSTRAINT", .child = true, .owned_by = -1 };
static const struct kind an_index = { .name = "index", .sql = "INDEX", .child = true, .owned_by = -1 };
static const struct kind trigger = { .name = "trigger", .sql = "TRIGGER", .child = true, .owned_by = -1 };
static const struct kind policy = { .name = "policy", .sql = "POLICY", .child = true, .owned_by = -1 };

// `path`: parts joined by '/'.
static const struct name_case {
	enum engine engine;
	const struct kind *kind;
	const char *path, *statement;
	int want;
} name_cases[] = {
	{ PG, &table, "public/users", "CREATE TABLE users (id int)", 2 },
	{ PG, &table, "public/users", "CREATE TABLE IF NOT EXISTS Public.USERS (id int)", 2 },
	{ PG, &table, "public/users", "CREATE TABLE \"Users\" (id int)", 0 },
	{ PG, &table, "public/Users", "CREATE UNLOGGED TABLE \"Users\" (id int)", 2 },
	{ PG, &table, "public/users", "CREATE TABLE app.users (id int)", 0 },
	{ PG, &table, "public/users", "CREATE VIEW users_v AS SELECT * FROM users", 1 },
	{ PG, &table, "public/users", "DROP TABLE IF EXISTS orders, users CASCADE", 2 },
	{ PG, &table, "public/people", "ALTER TABLE users RENAME TO people", 2 },
	{ PG, &table, "public/users", "ALTER TABLE IF EXISTS ONLY users ENABLE ROW LEVEL SECURITY", 2 },
	{ PG, &table, "app/users", "ALTER TABLE public.users SET SCHEMA app", 2 },
	{ PG, &table, "public/users", "INSERT INTO users VALUES (1)", 0 },
	{ PG, &table, "public/users", "COMMENT ON TABLE users IS 'x'", 1 },
	{ PG, &table, "public/t", "DO $$ BEGIN IF true THEN CREATE TABLE t (a int); END IF; END $$", 2 },
	{ PG, &table, "public/t", "DO $$ BEGIN EXECUTE 'CREATE TABLE t (a int)'; END $$ LANGUAGE plpgsql", 2 },
	{ PG, &table, "public/t", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ CREATE TABLE t () $$", 0 },
	{ PG, &table, "public/t", "/* t */ SELECT 't' -- t", 0 },
	{ PG, &table, "public/t", "", 0 },
	{ PG, &view, "public/m", "CREATE MATERIALIZED VIEW m AS SELECT 1", 2 },
	{ PG, &view, "public/m", "REFRESH MATERIALIZED VIEW m", 1 },
	{ PG, &sequence, "public/users_id_seq", "CREATE TABLE users (id bigserial, x int)", 2 },
	{ PG, &sequence, "public/users_id_seq", "CREATE TABLE users (x int)", 0 },
	{ PG, &sequence, "public/s", "ALTER SEQUENCE s OWNED BY users.id", 2 },
	{ PG, &type, "public/mood", "ALTER TYPE mood ADD VALUE 'ok'", 2 },
	{ PG, &type, "public/mood", "CREATE TABLE t (m mood)", 1 },
	{ PG, &schema, "app", "CREATE SCHEMA IF NOT EXISTS app", 2 },
	{ PG, &schema, "app", "DROP SCHEMA other, app", 2 },
	{ PG, &function, "public/f(integer, text)",
	  "CREATE OR REPLACE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'", 2 },
	{ PG, &function, "public/f()", "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", 1 },
	{ PG, &column, "public/users/email", "CREATE TABLE users (id int, email text)", 2 },
	{ PG, &column, "public/users/email", "ALTER TABLE users ADD COLUMN IF NOT EXISTS email text", 2 },
	{ PG, &column, "public/users/email", "ALTER TABLE users ADD x int, ADD email text", 2 },
	{ PG, &column, "public/users/email", "ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '')", 1 },
	{ PG, &column, "public/users/mail", "ALTER TABLE users RENAME email TO mail", 2 },
	{ PG, &column, "public/users/email", "ALTER TABLE orders ADD COLUMN email text", 0 },
	{ PG, &column, "public/users/email", "CREATE INDEX i ON users (email)", 1 },
	{ PG, &column, "public/users/email", "UPDATE users SET email = ''", 0 },
	{ PG, &column, "public/users/email", "COMMENT ON COLUMN public.users.email IS 'x'", 1 },
	{ PG, &column, "public/users/email", "DO $$BEGIN ALTER TABLE users ADD email text; EXCEPTION WHEN others THEN NULL; END$$",
	  2 },
	{ PG, &constraint, "public/users/users_pkey", "CREATE TABLE users (id int PRIMARY KEY)", 2 },
	{ PG, &constraint, "public/users/users_pkey", "CREATE TABLE users (id int)", 1 },
	{ PG, &constraint, "public/users/users_email_key", "ALTER TABLE users ADD UNIQUE (email)", 2 },
	{ PG, &constraint, "public/users/users_email_key", "ALTER TABLE users ADD UNIQUE (mail)", 1 },
	{ PG, &constraint, "public/users/users_check1", "ALTER TABLE users ADD CHECK (a > b)", 2 },
	{ PG, &constraint, "public/orders/orders_user_id_fkey", "CREATE TABLE orders (user_id int REFERENCES users)", 2 },
	{ PG, &constraint, "public/users/positive", "ALTER TABLE users VALIDATE CONSTRAINT positive", 2 },
	{ PG, &an_index, "public/users/i", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON public.users (email)", 2 },
	{ PG, &an_index, "public/users/i", "CREATE INDEX i ON app.users (email)", 0 },
	{ PG, &an_index, "public/users/i", "DROP INDEX CONCURRENTLY i", 2 },
	{ PG, &an_index, "public/users/users_email_idx", "CREATE INDEX ON users (email)", 2 },
	{ PG, &an_index, "public/users/users_email_idx", "CREATE INDEX ON users (mail)", 1 },
	{ PG, &trigger, "public/users/g", "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON users EXECUTE FUNCTION f()", 2 },
	{ PG, &trigger, "public/users/g", "CREATE TRIGGER g AFTER INSERT ON orders EXECUTE FUNCTION f()", 0 },
	{ PG, &trigger, "public/users/g", "ALTER TABLE users DISABLE TRIGGER g", 2 },
	{ PG, &policy, "public/users/p", "DROP POLICY IF EXISTS p ON users", 2 },
	{ LITE, &table, "Users", "create table [users] (id integer)", 2 },
	{ LITE, &table, "users", "CREATE TABLE main.`Users` (id integer)", 2 },
	{ LITE, &column, "users/email", "ALTER TABLE \"users\" ADD Email TEXT", 2 },
	{ LITE, &constraint, "users/unique(email)", "CREATE TABLE users (email UNIQUE)", 2 },
	{ LITE, &constraint, "users/primary_key", "CREATE TABLE users (email UNIQUE)", 1 },
	{ LITE, &trigger, "users/g", "CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON users BEGIN SELECT 1; END", 2 },
};

static void finds_what_a_statement_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof name_cases / sizeof *name_cases; i++) {
		const struct name_case *c = &name_cases[i];
		auto_arena arena = arena_new();
		const char *path[3];
		unsigned n = 0;
		for (char *rest = arena_strdup(arena, c->path), *part; (part = strsep(&rest, "/")) != NULL;)
			path[n++] = part;
		int have = statement_names(c->engine, c->statement, c->kind, path, n);
		if (have != c->want)
			fail_msg("%s in `%s`: %d, not %d", c->path, c->statement, have, c->want);
	}
}

static void knows_how_a_text_opens(void **state)
{
	(void)state;
	assert_true(text_opens_with(PG, "-- c\ncreate /* x */ Unique INDEX concurrently i ON t (a)",
	        "CREATE UNIQUE INDEX CONCURRENTLY"));
	assert_false(text_opens_with(PG, "CREATE INDEX i", "CREATE INDEX CONCURRENTLY"));
	assert_false(text_opens_with(PG, "VACUUMED", "VACUUM"));
	assert_false(text_opens_with(PG, "", "VACUUM"));
}

static void cuts_long_names(void **state)
{
	(void)state;
	char statement[160], name[100];
	memset(name, 'a', sizeof name);
	name[80] = '\0';
	snprintf(statement, sizeof statement, "CREATE TABLE %s ()", name);
	name[63] = '\0';
	assert_int_equal(statement_names(PG, statement, &table, (const char *const[]){ "public", name }, 2), 2);
	assert_int_equal(statement_names(LITE, statement, &table, (const char *const[]){ name }, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_at_statements), cmocka_unit_test(finds_meta_commands),
		cmocka_unit_test(finds_what_a_statement_names), cmocka_unit_test(knows_how_a_text_opens),
		cmocka_unit_test(cuts_long_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
