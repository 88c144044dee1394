// SPDX-License-Identifier: PostgreSQL
// Remedies on real databases. A rich schema is read, made again from nothing but the kinds' own statements, and read
// again: it must be equal. Then many changes are made by hand, one at a time, each on its own copy: the remedy for the
// environment must bring back the schema, and the remedy for the repository must make it equal to the environment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "diff/compare.h"
#include "diff/remedy.h"
#include "introspect/pg.h"
#include "introspect/reader.h"
#include "migrations/split.h"
#include "tests/scratch_env.h"

#define LENGTH(array) (sizeof array / sizeof *array)

// Both engines through one set of functions.
struct bench {
	enum engine engine;
	struct scratch *scratch; // PostgreSQL
	struct arena *arena;
	int major;
};

static struct bench postgresql = { .engine = ENGINE_POSTGRESQL }, sqlite = { .engine = ENGINE_SQLITE };

static char *read_file(struct arena *arena, const char *name)
{
	const char *srcdir = getenv("srcdir");
	char *path = arena_printf(arena, "%s/tests/remedy/%s", srcdir != NULL ? srcdir : ".", name);
	auto_file file = fopen(path, "r");
	auto_buf content = BUF_INIT;
	char chunk[4096];
	for (size_t n; file != NULL && (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
		buf_add(&content, chunk, n);
	return buf_copy(&content, arena);
}

static const char *place(struct arena *arena, const struct bench *bench, const char *database)
{
	if (bench->engine == ENGINE_SQLITE)
		return arena_printf(arena, "%s/%s.db", test_folder, database);
	const char *conninfo = scratch_conninfo(bench->scratch, true); // of the scratch's own database
	return database == NULL ? conninfo : arena_printf(arena, "%s dbname=%s", conninfo, database);
}

// One statement; says what the server said where it fails and the failure matters.
static bool run_postgresql(PGconn *conn, const char *sql, bool quiet)
{
	auto_pgresult result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
	if (!ok && !quiet)
		fprintf(stderr, "%s\n%s", sql, PQerrorMessage(conn));
	return ok;
}

static bool run_sqlite(sqlite3 *db, const char *sql, bool quiet)
{
	bool ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	if (!ok && !quiet)
		fprintf(stderr, "%s\n%s\n", sql, sqlite3_errmsg(db));
	return ok;
}

// Statements one by one, each in a transaction of its own; stops at the first that fails.
static bool run(const struct bench *bench, const char *database, const char *sql, bool quiet)
{
	auto_arena arena = arena_new();
	size_t n;
	const struct statement *statements = split_statements(arena, bench->engine, sql, &n);
	bool ok = true;
	if (bench->engine == ENGINE_SQLITE) {
		sqlite3 *db = NULL;
		ok = sqlite3_open(place(arena, bench, database), &db) == SQLITE_OK;
		for (size_t i = 0; ok && i < n; i++)
			ok = run_sqlite(db, statements[i].text, quiet);
		sqlite3_close(db);
		return ok;
	}
	auto_pgconn conn = PQconnectdb(place(arena, bench, database));
	if (PQstatus(conn) != CONNECTION_OK)
		fprintf(stderr, "%s", PQerrorMessage(conn));
	ok = run_postgresql(conn, "SET check_function_bodies = off; SET client_min_messages = error", false);
	for (size_t i = 0; ok && i < n; i++)
		ok = run_postgresql(conn, statements[i].text, quiet);
	return ok;
}

// A new database, empty or a copy.
static void make(const struct bench *bench, const char *database, const char *template)
{
	auto_arena arena = arena_new();
	if (bench->engine == ENGINE_SQLITE) {
		const char *path = place(arena, bench, database);
		unlink(path);
		assert_true(template == NULL || run(bench, template, arena_printf(arena, "VACUUM INTO '%s'", path), false));
		assert_true(template != NULL || run(bench, database, "PRAGMA user_version = 0", false));
		return;
	}
	assert_true(run(bench, NULL, arena_printf(arena, "DROP DATABASE IF EXISTS %s", database), false));
	assert_true(run(bench, NULL, arena_printf(arena, "CREATE DATABASE %s TEMPLATE %s", database,
	                                                template != NULL ? template : "template1"), false));
}

static struct snapshot *look(struct arena *arena, const struct bench *bench, const char *database)
{
	struct err err = { 0 };
	struct read_options options = { .name = database, .groups = 1u << GROUP_COMMENT | 1u << GROUP_ACL };
	struct snapshot *snapshot = bench->engine == ENGINE_SQLITE ? sqlite_read(arena, place(arena, bench, database), &options, &err)
	                                                           : postgres_read(arena, place(arena, bench, database), &options, &err);
	if (snapshot == NULL)
		fprintf(stderr, "%s: %s\n", err.code, err.text);
	assert_non_null(snapshot);
	assert_true(snapshot->complete);
	return snapshot;
}

static size_t print_differences(struct arena *arena, const struct snapshot *want, const struct snapshot *have, unsigned groups)
{
	struct comparer comparer;
	comparer_init(&comparer, arena, want->engine, groups);
	struct changes changes = compare_snapshots(&comparer, want, have);
	for (size_t i = 0; i < changes.n; i++) {
		const struct change *change = &changes.items[i];
		const struct object *object = change->have != NULL ? change->have : change->want;
		fprintf(stderr, "%s %s: %s\n", object->kind->name, object_name_copy(arena, object),
		        change->want == NULL ? "added" : change->have == NULL ? "removed" : "altered");
		for (unsigned a = 0; a < object->kind->n_attrs; a++) {
			if (change->attrs & 1u << a)
				fprintf(stderr, "  %s\n    want %s\n    have %s\n", object->kind->attrs[a].name, change->want->values[a],
				        change->have->values[a]);
		}
	}
	return changes.n;
}

// What is made with something else: columns, what SQLite writes into CREATE TABLE, sequences of columns.
static bool comes_along(const struct bench *bench, const struct object *object)
{
	const struct kind *kind = object->kind;
	return kind == &kind_column || (bench->engine == ENGINE_SQLITE && kind == &kind_constraint) ||
	       (kind->owned_by > 0 && object->values[kind->owned_by] != NULL) ||
	       (kind == &kind_schema && strcmp(object->path[0], "public") == 0);
}

// Every object again, in whatever order works: what fails for want of another is tried again after it. Says what the
// server said of those that cannot be made.
static void rebuild(const struct bench *bench, const struct snapshot *from, const char *database, bool online)
{
	bool *done = arena_array(from->arena, from->n_objects, sizeof *done);
	bool last_try = false;
	for (size_t n_left = from->n_objects, n_before; n_left > 0;) {
		n_before = n_left;
		n_left = 0;
		for (size_t i = 0; i < from->n_objects; i++) {
			const struct object *object = from->objects[i];
			if (done[i] || comes_along(bench, object))
				continue;
			auto_buf sql = BUF_INIT;
			bool (*create)(struct buf *, const struct snapshot *, const struct object *) =
				online && object->kind->create_online != NULL ? object->kind->create_online : object->kind->create;
			assert_true(create(&sql, from, object));
			auto_buf whole = BUF_INIT; // what fails half way must not stay
			buf_addf(&whole, "%s%s%s", online ? "" : "BEGIN;\n", sql.data, online ? "" : "COMMIT;\n");
			done[i] = run(bench, database, whole.data, !last_try);
			n_left += !done[i];
		}
		assert_false(last_try && n_left > 0);
		last_try = n_left == n_before;
	}
}

static bool is_equal(const struct bench *bench, const struct snapshot *want, const char *database, unsigned groups,
                     const char *what)
{
	auto_arena arena = arena_new();
	bool equal = print_differences(arena, want, look(arena, bench, database), groups) == 0;
	if (!equal)
		fprintf(stderr, "-- after: %s\n", what);
	return equal;
}

static void is_made_again(const struct bench *bench)
{
	auto_arena arena = arena_new();
	const struct snapshot *rich = look(arena, bench, "rich");
	make(bench, "made", NULL);
	rebuild(bench, rich, "made", false);
	const unsigned groups = 1u << GROUP_COMMENT | 1u << GROUP_COLUMN_ORDER | 1u << GROUP_ACL;
	assert_true(is_equal(bench, rich, "made", groups, "create"));
	if (bench->engine == ENGINE_SQLITE)
		return;
	make(bench, "made", NULL);
	rebuild(bench, rich, "made", true);
	assert_true(is_equal(bench, rich, "made", groups, "create_online"));
}

// What a person does with a remedy that they have read: runs it, the parts that destroy included.
static char *as_run(struct arena *arena, const struct remedy_statement *statements, size_t n)
{
	auto_buf sql = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		for (const char *line = statements[i].sql; *line != '\0';) {
			size_t length = strcspn(line, "\n");
			static const char *const starts[] = { "ALTER ", "DROP ", "CREATE ", "SET " };
			bool is_statement = strncmp(line, "-- ", 3) != 0 || i > 0;
			for (size_t s = 0; s < LENGTH(starts); s++)
				is_statement = is_statement || strncmp(line + 3, starts[s], strlen(starts[s])) == 0;
			bool uncomment = strncmp(line, "-- ", 3) == 0 && is_statement && strncmp(line, "-- rows", 7) != 0;
			buf_add(&sql, uncomment ? line + 3 : line, length - (uncomment ? 3 : 0));
			buf_addc(&sql, '\n');
			line += length + (line[length] == '\n');
		}
	}
	return buf_copy(&sql, arena);
}

// The remedies of all findings. One that fails is tried again after the others: each is for its own finding, and their
// order is the reader's.
static bool run_remedies(const struct bench *bench, const char *by_hand, const char *const *remedies, size_t n)
{
	bool done[64] = { false }, last_try = false;
	assert_true(n <= LENGTH(done));
	for (size_t n_left = n, n_before; n_left > 0;) {
		n_before = n_left;
		n_left = 0;
		for (size_t i = 0; i < n; i++) {
			done[i] = done[i] || run(bench, "live", remedies[i], !last_try);
			n_left += !done[i];
		}
		for (size_t i = 0; last_try && i < n; i++)
			fprintf(stderr, "%s", done[i] ? "" : remedies[i]);
		if (last_try && n_left > 0)
			fprintf(stderr, "-- remedy for: %s\n", by_hand);
		if (last_try && n_left > 0)
			return false;
		last_try = n_left == n_before;
	}
	return true;
}

// By hand, undone, adopted, undone: all on one database, which is as the repository has it before and after. (A column that
// was made again is the last one.)
static bool is_remedied(const struct bench *bench, const struct snapshot *rich, const char *by_hand)
{
	const unsigned groups = 1u << GROUP_COMMENT | 1u << GROUP_ACL;
	auto_arena arena = arena_new();
	if (!run(bench, "live", by_hand, false))
		return false;
	const struct snapshot *live = look(arena, bench, "live");
	struct comparer comparer;
	comparer_init(&comparer, arena, bench->engine, groups);
	struct changes changes = compare_snapshots(&comparer, rich, live);
	const char **env = arena_array(arena, changes.n, sizeof *env), **repo = arena_array(arena, changes.n, sizeof *repo);
	size_t n = 0;
	bool found = changes.n > 0, adoptable = true;
	for (size_t i = 0; i < changes.n; i++) {
		const struct change *change = &changes.items[i];
		if (change_implied(rich, live, change))
			continue;
		struct finding finding = { .class = CLASS_HAND_EDIT, .severity = SEVERITY_ALARM, .want = change->want, .have = change->have,
		                           .base = change->want };
		finding.object = change->have != NULL ? change->have : change->want;
		finding.change = change->want == NULL ? CHANGE_ADDED : change->have == NULL ? CHANGE_REMOVED : CHANGE_ALTERED;
		finding.attrs = arena_array(arena, finding.object->kind->n_attrs, sizeof *finding.attrs);
		for (unsigned a = 0; a < finding.object->kind->n_attrs; a++) {
			if (change->attrs & 1u << a)
				finding.attrs[finding.n_attrs++] = (struct finding_attr){ .attr = (int)a };
		}
		remedy_find(arena, live, rich, rich, &finding, "deploy");
		found = found && finding.n_env > 0;
		adoptable = adoptable && finding.n_repo > 0;
		env[n] = as_run(arena, finding.env, finding.n_env);
		repo[n++] = as_run(arena, finding.repo, finding.n_repo);
	}
	if (!found)
		fprintf(stderr, "-- no difference or no remedy: %s\n", by_hand);
	bool undone = found && run_remedies(bench, by_hand, env, n) && is_equal(bench, rich, "live", groups, by_hand);
	if (!undone || !adoptable) // an index that is invalid, or a key that is not checked, is nothing to adopt
		return undone && (strstr(by_hand, "indisvalid") != NULL || strstr(by_hand, "TRIGGER ALL") != NULL);
	return run_remedies(bench, by_hand, repo, n) && is_equal(bench, live, "live", groups, by_hand) &&
	       run_remedies(bench, by_hand, env, n) && is_equal(bench, rich, "live", groups, by_hand);
}

static void are_remedied(const struct bench *bench, const char *const *by_hand, size_t n)
{
	auto_arena arena = arena_new();
	const struct snapshot *rich = look(arena, bench, "rich");
	size_t n_failed = 0;
	make(bench, "live", "rich");
	for (size_t i = 0; i < n; i++) {
		bool remedied = is_remedied(bench, rich, by_hand[i]);
		if (!remedied)
			make(bench, "live", "rich");
		n_failed += !remedied;
	}
	assert_int_equal(n_failed, 0);
}

static void postgresql_is_made_again(void **state)
{
	(void)state;
	is_made_again(&postgresql);
}

static void postgresql_is_remedied(void **state)
{
	(void)state;
	static const char *const by_hand[] = {
		// columns
		"ALTER TABLE app.users ADD COLUMN vip boolean NOT NULL DEFAULT false",
		"ALTER TABLE app.users ADD COLUMN token text NOT NULL DEFAULT md5(random()::text)",
		"ALTER TABLE app.animals ADD COLUMN wild boolean",
		"ALTER TABLE app.users DROP COLUMN \"Order\"",
		"ALTER TABLE app.plain ALTER COLUMN born TYPE text",
		"ALTER TABLE app.plain ALTER COLUMN size TYPE character varying(300), ALTER COLUMN n TYPE numeric(8,1)",
		"ALTER TABLE app.log ALTER COLUMN at TYPE timestamp(6) without time zone",
		"ALTER TABLE app.plain ALTER COLUMN mood DROP DEFAULT, ALTER COLUMN mood TYPE text",
		"ALTER TABLE app.users ALTER COLUMN mood SET DEFAULT 'sad', ALTER COLUMN created DROP NOT NULL",
		"ALTER TABLE app.users ALTER COLUMN born SET NOT NULL",
		"ALTER TABLE app.posts ALTER COLUMN id SET GENERATED BY DEFAULT SET INCREMENT BY 3 SET CYCLE",
		"ALTER TABLE app.posts ALTER COLUMN kind DROP IDENTITY",
		"ALTER TABLE app.users ALTER COLUMN code SET STORAGE MAIN, ALTER COLUMN code SET STATISTICS 10, ALTER COLUMN name SET STORAGE PLAIN",
		"ALTER TABLE app.users ALTER COLUMN born RESET (n_distinct), ALTER COLUMN id SET (n_distinct = 5)",
		"ALTER TABLE app.events_2025 ALTER COLUMN n SET DEFAULT 6",
		"ALTER TABLE app.events_2025_eu ALTER COLUMN n SET DEFAULT 6",
		"ALTER TABLE app.events_rest ALTER COLUMN n SET DEFAULT 6",
		"ALTER TABLE app.events_rest ALTER COLUMN n SET NOT NULL",
		"ALTER TABLE app.events_rest ALTER COLUMN region SET STORAGE EXTERNAL, ALTER COLUMN region SET NOT NULL",
		"ALTER TABLE app.plain ALTER COLUMN line TYPE text COLLATE \"C\"",
		"COMMENT ON COLUMN app.users.name IS 'other'; COMMENT ON TABLE app.users IS NULL; COMMENT ON INDEX app.users_code IS NULL",
		// tables
		"CREATE TABLE app.new (id serial PRIMARY KEY, parent integer REFERENCES app.new, u integer REFERENCES app.users, x text UNIQUE, "
		"y integer CHECK (y > 0)); CREATE INDEX ON app.new (y) WHERE y > 1; "
		"CREATE TRIGGER t BEFORE INSERT ON app.new FOR EACH ROW EXECUTE FUNCTION app.touch()",
		"DROP TABLE app.posts CASCADE",
		"DROP TABLE app.secrets",
		"ALTER TABLE app.log SET LOGGED; ALTER TABLE app.users RESET (fillfactor), SET (autovacuum_enabled = true)",
		"ALTER TABLE app.users REPLICA IDENTITY DEFAULT; ALTER TABLE app.secrets NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
		"ALTER TABLE app.users SET (toast.autovacuum_enabled = true)",
		// constraints
		"ALTER TABLE app.users DROP CONSTRAINT \"users_Order_check\"",
		"ALTER TABLE app.users DROP CONSTRAINT users_name_born",
		"ALTER TABLE app.posts DROP CONSTRAINT posts_author_fkey",
		"ALTER TABLE app.users DROP CONSTRAINT users_during",
		"ALTER TABLE app.users VALIDATE CONSTRAINT users_tags",
		"ALTER TABLE app.users ADD CONSTRAINT late CHECK (id < 1000000) NOT VALID",
		"ALTER TABLE app.users DROP CONSTRAINT \"users_Order_check\", ADD CONSTRAINT \"users_Order_check\" CHECK (\"Order\" > 1)",
		"ALTER TABLE app.posts DROP CONSTRAINT posts_kind, ADD CONSTRAINT posts_kind UNIQUE (kind, body)",
		"ALTER TABLE app.posts DROP CONSTRAINT posts_author_fkey, "
		"ADD CONSTRAINT posts_author_fkey FOREIGN KEY (author) REFERENCES app.users ON DELETE SET NULL",
		"ALTER TABLE app.posts ALTER CONSTRAINT posts_author_fkey NOT DEFERRABLE",
		"ALTER TABLE app.posts DROP CONSTRAINT posts_parent_fkey, "
		"ADD CONSTRAINT posts_parent_fkey FOREIGN KEY (parent) REFERENCES app.posts NOT VALID",
		"ALTER TABLE app.event_notes DROP CONSTRAINT event_notes_at_region_fkey",
		"ALTER TABLE app.\"Events\" DROP CONSTRAINT events_n_check",
		"ALTER DOMAIN app.email DROP CONSTRAINT email_at; ALTER DOMAIN app.email VALIDATE CONSTRAINT email_long",
		"ALTER TABLE app.log ADD PRIMARY KEY (at)",
		"ALTER TABLE app.posts DISABLE TRIGGER ALL; ALTER TABLE app.posts ENABLE ALWAYS TRIGGER always",
		// indexes
		"DROP INDEX app.users_lower",
		"CREATE INDEX by_hand ON app.users USING hash (name)",
		"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.users_code'::regclass",
		"ALTER INDEX app.users_lower RESET (fillfactor); ALTER TABLE app.users SET WITHOUT CLUSTER",
		"DROP INDEX app.users_code; CREATE INDEX users_code ON app.users (code)",
		"DROP INDEX app.events_n",
		"CREATE INDEX more ON app.\"Events\" (region, n)",
		"ALTER TABLE app.secrets REPLICA IDENTITY DEFAULT",
		// views
		"CREATE OR REPLACE VIEW app.nested AS SELECT a.id, p.body FROM app.adults a JOIN app.posts p ON p.author = a.id",
		"CREATE OR REPLACE VIEW app.nested AS SELECT a.id, p.body, 1 AS more FROM app.adults a LEFT JOIN app.posts p ON p.author = a.id",
		"ALTER VIEW app.adults RESET (security_barrier)",
		"DROP VIEW app.nested",
		"DROP MATERIALIZED VIEW app.stats",
		"DROP MATERIALIZED VIEW app.later; CREATE MATERIALIZED VIEW app.later AS SELECT 2 AS two WITH NO DATA",
		"ALTER MATERIALIZED VIEW app.stats SET (fillfactor = 61)",
		// code
		"CREATE OR REPLACE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
		"ALTER FUNCTION app.many(integer) SECURITY INVOKER ROWS 5 COST 3; ALTER FUNCTION app.half(integer, text) RESET ALL",
		"DROP FUNCTION app.all_of(text[]); CREATE FUNCTION app.all_of(VARIADIC other text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT 1::text'",
		"DROP PROCEDURE app.clean(integer)",
		"CREATE FUNCTION app.extra(a text DEFAULT '$$; $body$') RETURNS text LANGUAGE sql AS 'SELECT ''$$'' || a'",
		"DROP AGGREGATE app.total(integer)",
		"CREATE OR REPLACE AGGREGATE app.any_row(*) (SFUNC = pg_catalog.int8inc, STYPE = bigint, INITCOND = '1')",
		"DROP AGGREGATE app.percentile(float8 ORDER BY anyelement)",
		"DROP TRIGGER touch ON app.users",
		"ALTER TABLE app.posts ENABLE TRIGGER \"Disabled one\"; ALTER TABLE app.users DISABLE TRIGGER touch",
		"DROP TRIGGER touch ON app.users; CREATE TRIGGER touch AFTER UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch()",
		"ALTER TABLE app.log ENABLE RULE copy; DROP RULE no_delete ON app.log",
		"CREATE OR REPLACE RULE no_delete AS ON DELETE TO app.log DO ALSO NOTHING",
		"ALTER POLICY own ON app.secrets USING (true)",
		"DROP POLICY own ON app.secrets; CREATE POLICY own ON app.secrets FOR ALL TO PUBLIC USING (owner = CURRENT_USER)",
		"DROP POLICY \"no;secrets\" ON app.secrets",
		// types and the rest
		"ALTER TYPE app.pair ADD ATTRIBUTE zip text; ALTER TYPE app.pair DROP ATTRIBUTE b; ALTER TABLE app.plain DROP COLUMN born",
		"ALTER DOMAIN app.positive SET DEFAULT 3; ALTER DOMAIN app.email DROP NOT NULL",
		"ALTER SEQUENCE app.tickets AS bigint MAXVALUE 100000 NO CYCLE; ALTER SEQUENCE app.users_id_seq OWNED BY NONE",
		"DROP SEQUENCE app.down",
		"DROP TYPE app.nothing",
		"CREATE TYPE app.color AS ENUM ('red'); CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 3); CREATE TYPE app.two AS (a int, b int)",
		"CREATE SCHEMA extra; CREATE TABLE extra.t (id integer PRIMARY KEY); CREATE VIEW extra.v AS SELECT id FROM extra.t",
		"DROP SCHEMA \"Strange Name\" CASCADE",
		// privileges
		"GRANT SELECT, DELETE ON app.posts TO app_read; GRANT UPDATE (body) ON app.posts TO \"Odd; role: (x)\" WITH GRANT OPTION",
		"REVOKE INSERT, UPDATE ON app.users FROM app_read; GRANT TRUNCATE ON app.users TO CURRENT_USER",
		"REVOKE SELECT ON app.users FROM app_read; REVOKE DELETE ON app.users FROM CURRENT_USER; GRANT ALL ON app.users TO PUBLIC",
		"REVOKE GRANT OPTION FOR USAGE ON SCHEMA app FROM app_read; GRANT CREATE ON SCHEMA app TO app_read WITH GRANT OPTION",
		"GRANT SELECT ON app.users, app.adults TO app_read WITH GRANT OPTION; REVOKE SELECT (mood) ON app.adults FROM PUBLIC",
		"GRANT SELECT (id), INSERT (\"Full Name\") ON app.adults TO \"Odd; role: (x)\"",
		"REVOKE ALL ON app.users, app.stats, app.adults FROM app_read, CURRENT_USER, PUBLIC",
		"REVOKE UPDATE (n) ON app.events_rest FROM app_read; GRANT SELECT (n) ON app.events_2025 TO app_read",
		"GRANT EXECUTE ON FUNCTION app.total(integer), app.all_of(text[]) TO PUBLIC; REVOKE EXECUTE ON PROCEDURE app.clean(integer) FROM PUBLIC",
		"REVOKE EXECUTE ON FUNCTION app.any_row() FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.percentile(float8, anyelement) TO app_read",
		"GRANT USAGE ON TYPE app.mood TO PUBLIC, app_read; GRANT USAGE ON DOMAIN app.email TO CURRENT_USER; REVOKE ALL ON TYPE app.pair FROM PUBLIC",
		"REVOKE ALL ON SEQUENCE app.users_id_seq FROM app_read; GRANT ALL ON SEQUENCE app.tickets TO PUBLIC",
		"REVOKE ALL ON SCHEMA public FROM PUBLIC",
	};
	are_remedied(&postgresql, by_hand, LENGTH(by_hand));
}

static int open_postgresql(void **state)
{
	(void)state;
	struct scratch_settings settings = { .superuser = true };
	struct err err;
	postgresql.scratch = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	if (postgresql.scratch == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	auto_arena arena = arena_new();
	make(&postgresql, "rich", NULL);
	return run(&postgresql, "rich", read_file(arena, "postgresql.sql"), false) ? 0 : -1;
}

static int close_postgresql(void **state)
{
	(void)state;
	scratch_close(postgresql.scratch);
	return 0;
}

static void sqlite_is_made_again(void **state)
{
	(void)state;
	is_made_again(&sqlite);
}

static void sqlite_is_remedied(void **state)
{
	(void)state;
	static const char *const by_hand[] = {
		"ALTER TABLE users ADD COLUMN vip INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE users ADD COLUMN note TEXT COLLATE NOCASE",
		"ALTER TABLE users ADD COLUMN double INTEGER GENERATED ALWAYS AS (age * 2) VIRTUAL",
		"ALTER TABLE notes DROP COLUMN extra",
		"DROP INDEX users_lower",
		"CREATE UNIQUE INDEX by_hand ON users (age, name COLLATE NOCASE DESC) WHERE age > 1",
		"DROP INDEX users_lower; CREATE INDEX users_lower ON users (upper(name))",
		("CREATE TABLE extra (a INTEGER PRIMARY KEY, b TEXT UNIQUE, CHECK (a > 0)) STRICT; CREATE INDEX extra_b ON extra (b); "
		 "CREATE TRIGGER extra_t AFTER INSERT ON extra BEGIN UPDATE extra SET b = ';' WHERE CASE WHEN a > 1 THEN 1 ELSE 0 END; END"),
		"DROP TABLE notes",
		"DROP VIEW adults",
		"DROP VIEW adults; CREATE VIEW adults AS SELECT 1 AS x",
		"DROP TRIGGER touch",
		"DROP TRIGGER touch; CREATE TRIGGER touch AFTER DELETE ON users BEGIN DELETE FROM notes; END",
	};
	are_remedied(&sqlite, by_hand, LENGTH(by_hand));
}

static int open_sqlite(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	make(&sqlite, "rich", NULL);
	return run(&sqlite, "rich", read_file(arena, "sqlite.sql"), false) ? 0 : -1;
}

static void types_are_known(void **state)
{
	(void)state;
	static const struct { const char *from, *to; int verdict; } cases[] = {
		{ "character varying(20)", "character varying(80)", 2 }, { "character varying(80)", "character varying(20)", 0 },
		{ "character varying(20)", "text", 2 }, { "text", "character varying", 2 }, { "text", "character varying(10)", 0 },
		{ "character varying", "character varying(10)", 0 }, { "character(5)", "text", 1 }, { "character(3)", "character(5)", 1 },
		{ "numeric(10,2)", "numeric(12,2)", 2 }, { "numeric(10,2)", "numeric(12,4)", 0 }, { "numeric(10,2)", "numeric", 2 },
		{ "numeric", "numeric(10,2)", 0 }, { "integer", "bigint", 1 }, { "bigint", "integer", 0 }, { "integer", "text", 1 },
		{ "text", "integer", 0 }, { "integer[]", "bigint[]", 0 }, { "real", "double precision", 1 },
		{ "timestamp(3) without time zone", "timestamp(6) without time zone", 2 },
		{ "timestamp(3) without time zone", "timestamp without time zone", 2 },
		{ "timestamp without time zone", "timestamp with time zone", 0 },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		if (remedy_type_change(cases[i].from, cases[i].to) != cases[i].verdict)
			fprintf(stderr, "%s -> %s\n", cases[i].from, cases[i].to);
		assert_int_equal(remedy_type_change(cases[i].from, cases[i].to), cases[i].verdict);
	}
}

static struct object *add(struct snapshot *snapshot, const char *kind, const char *const *path, unsigned n_path, ...)
{
	struct object *object = snapshot_add(snapshot, kind_find(kind), path, n_path);
	va_list pairs;
	va_start(pairs, n_path);
	for (const char *name; (name = va_arg(pairs, const char *)) != NULL;) {
		const char *value = va_arg(pairs, const char *);
		object->values[kind_attr(object->kind, name)] = value;
	}
	va_end(pairs);
	return object;
}

#define PATH(...) (const char *const[]){ __VA_ARGS__ }, LENGTH(((const char *const[]){ __VA_ARGS__ }))

static void expect_statements(const struct remedy_statement *statements, size_t n, const char *want)
{
	auto_buf have = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&have, "%s\n", statements[i].sql);
	assert_string_equal(have.data, want);
}

static void remedies_are_safe_by_construction(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *empty = snapshot_new(arena, ENGINE_POSTGRESQL), *full = snapshot_new(arena, ENGINE_POSTGRESQL);
	empty->major = full->major = 15;
	add(empty, "table", PATH("public", "t"), NULL);
	add(full, "table", PATH("public", "t"), NULL);
	const struct { struct object *object; const char *there, *gone; } cases[] = {
		{ add(full, "index", PATH("public", "t", "t_a"), "method", "btree", "columns", "a", NULL),
		  "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY t_a ON public.t (a);\n",
		  "SET lock_timeout = 0;\nDROP INDEX CONCURRENTLY public.t_a;\n" },
		{ add(full, "constraint", PATH("public", "t", "t_u"), "type", "UNIQUE", "columns", "a, b", NULL),
		  "SET lock_timeout = 0;\nCREATE UNIQUE INDEX CONCURRENTLY t_u ON public.t (a, b);\n"
		  "SET lock_timeout = '3s';\nALTER TABLE public.t ADD CONSTRAINT t_u UNIQUE USING INDEX t_u;\n",
		  "SET lock_timeout = '3s';\nALTER TABLE public.t DROP CONSTRAINT t_u;\n" },
		{ add(full, "constraint", PATH("public", "t", "t_c"), "type", "CHECK", "expression", "a > 0", NULL),
		  "SET lock_timeout = '3s';\nALTER TABLE public.t ADD CONSTRAINT t_c CHECK (a > 0) NOT VALID;\n"
		  "ALTER TABLE public.t VALIDATE CONSTRAINT t_c;\n",
		  "SET lock_timeout = '3s';\nALTER TABLE public.t DROP CONSTRAINT t_c;\n" },
		{ add(full, "constraint", PATH("public", "t", "t_f"), "type", "FOREIGN KEY", "columns", "a", "references", "public.p(id)", NULL),
		  "SET lock_timeout = '3s';\nALTER TABLE public.t ADD CONSTRAINT t_f FOREIGN KEY (a) REFERENCES public.p(id) NOT VALID;\n"
		  "ALTER TABLE public.t VALIDATE CONSTRAINT t_f;\n",
		  "SET lock_timeout = '3s';\nALTER TABLE public.t DROP CONSTRAINT t_f;\n" },
		{ add(full, "column", PATH("public", "t", "c"), "type", "integer", "not_null", "true", NULL),
		  "SET lock_timeout = '3s';\nALTER TABLE public.t ADD COLUMN c integer;\n"
		  "-- rows that are there already have NULL here: fill them in batches before what follows\n"
		  "ALTER TABLE public.t ADD CONSTRAINT driftcheck_c_not_null CHECK (c IS NOT NULL) NOT VALID;\n"
		  "ALTER TABLE public.t VALIDATE CONSTRAINT driftcheck_c_not_null;\nALTER TABLE public.t ALTER COLUMN c SET NOT NULL;\n"
		  "ALTER TABLE public.t DROP CONSTRAINT driftcheck_c_not_null;\n",
		  "-- SET lock_timeout = '3s';\n-- ALTER TABLE public.t DROP COLUMN c;\n" },
		{ add(full, "table", PATH("public", "x"), NULL), "CREATE TABLE public.x ();\n",
		  "-- SET lock_timeout = '3s';\n-- DROP TABLE public.x;\n" },
	};
	snapshot_sort(full);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		size_t n;
		struct remedy_statement *statements = remedy_statements(arena, empty, NULL, full, cases[i].object, 0, &n);
		expect_statements(statements, n, cases[i].there);
		statements = remedy_statements(arena, full, cases[i].object, empty, NULL, 0, &n);
		expect_statements(statements, n, cases[i].gone);
		for (size_t s = 0; s < n; s++)
			assert_true(strstr(statements[s].sql, "SET ") != NULL || statements[s].risk != NULL);
	}
}

static void what_cannot_be_done_is_said(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL), *light = snapshot_new(arena, ENGINE_SQLITE);
	struct object *old = add(snapshot, "enum", PATH("public", "mood"), "labels", "'a', 'b', 'c'", NULL);
	struct object *longer = add(snapshot, "enum", PATH("public", "mood"), "labels", "'a', 'new', 'b', 'c', 'd'", NULL);
	struct object *reordered = add(snapshot, "enum", PATH("public", "mood"), "labels", "'b', 'a', 'c'", NULL);
	uint32_t labels = 1u << kind_attr(old->kind, "labels");
	size_t n;
	expect_statements(remedy_statements(arena, snapshot, old, snapshot, longer, labels, &n), 2,
	                  "ALTER TYPE public.mood ADD VALUE 'new' BEFORE 'b';\nALTER TYPE public.mood ADD VALUE 'd';\n");
	struct remedy_statement *none = remedy_statements(arena, snapshot, old, snapshot, reordered, labels, &n);
	assert_int_equal(n, 1);
	assert_non_null(strstr(none->sql, "-- PostgreSQL cannot remove or reorder labels"));

	struct object *before = add(light, "column", PATH("t", "a"), "type", "TEXT", NULL);
	struct object *after = add(light, "column", PATH("t", "a"), "type", "INTEGER", NULL);
	none = remedy_statements(arena, light, before, light, after, 1u << kind_attr(before->kind, "type"), &n);
	assert_int_equal(n, 1);
	assert_non_null(strstr(none->sql, "https://www.sqlite.org/lang_altertable.html"));
}

static void the_deploy_is_the_remedy_for_skew(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL);
	struct object *table = add(snapshot, "table", PATH("public", "t"), NULL);
	struct finding finding = { .class = CLASS_VERSION_SKEW, .severity = SEVERITY_INFO, .change = CHANGE_REMOVED, .want = table, .object = table };
	remedy_find(arena, snapshot, snapshot, snapshot, &finding, "dbmate up");
	expect_statements(finding.env, finding.n_env, "-- dbmate up\n");
	assert_int_equal(finding.n_repo, 0);
	finding = (struct finding){ .class = CLASS_VERSION_SKEW, .severity = SEVERITY_WARN, .change = CHANGE_ADDED, .have = table, .object = table };
	remedy_find(arena, snapshot, snapshot, snapshot, &finding, "dbmate up");
	assert_int_equal(finding.n_env, 0);
}

static void the_origins_own_statement_is_taken(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *head = snapshot_new(arena, ENGINE_POSTGRESQL), *live = snapshot_new(arena, ENGINE_POSTGRESQL);
	struct object *view = add(head, "view", PATH("public", "v"), "definition", " SELECT t.id\n   FROM public.t;", NULL);
	snapshot_sort(head);
	static const struct { const char *statement, *env; } cases[] = {
		{ "create or replace view v as\nselect id from t", "create or replace view v as\nselect id from t;\n" },
		{ "CREATE VIEW public.v AS SELECT id FROM t", "CREATE VIEW public.v AS SELECT id FROM t;\n" },
		{ "CREATE VIEW other.v AS SELECT id FROM t", "CREATE VIEW public.v AS\n SELECT t.id\n   FROM public.t;\n" },
		{ "ALTER VIEW v SET (security_barrier)", "CREATE VIEW public.v AS\n SELECT t.id\n   FROM public.t;\n" },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct origin origin = { .version = "1", .file = "1.sql", .line = 1, .exact = true, .statement = cases[i].statement };
		struct finding finding = { .class = CLASS_HAND_EDIT, .severity = SEVERITY_ALARM, .change = CHANGE_REMOVED, .want = view,
		                           .base = view, .object = view, .origin = &origin };
		remedy_find(arena, live, head, head, &finding, NULL);
		expect_statements(finding.env, finding.n_env, cases[i].env);
		expect_statements(finding.repo, finding.n_repo, "SET lock_timeout = '3s';\nDROP VIEW IF EXISTS public.v;\n");
	}
}

int main(void)
{
	test_folder_make();
	const struct CMUnitTest plain[] = {
		cmocka_unit_test(types_are_known), cmocka_unit_test(remedies_are_safe_by_construction),
		cmocka_unit_test(what_cannot_be_done_is_said), cmocka_unit_test(the_deploy_is_the_remedy_for_skew),
		cmocka_unit_test(the_origins_own_statement_is_taken),
	};
	const struct CMUnitTest of_sqlite[] = { cmocka_unit_test(sqlite_is_made_again), cmocka_unit_test(sqlite_is_remedied) };
	const struct CMUnitTest of_postgresql[] = {
		cmocka_unit_test(postgresql_is_made_again), cmocka_unit_test(postgresql_is_remedied),
	};
	int failed = cmocka_run_group_tests(plain, NULL, NULL) + cmocka_run_group_tests(of_sqlite, open_sqlite, NULL);
	int missing = failed == 0 ? postgresql_missing() : 0;
	if (failed == 0 && missing == 0)
		failed = cmocka_run_group_tests(of_postgresql, open_postgresql, close_postgresql);
	test_folder_remove();
	return failed != 0 ? 1 : missing;
}
