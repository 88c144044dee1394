// SPDX-License-Identifier: PostgreSQL
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "introspect/pg.h"
#include "migrations/cache.h"
#include "migrations/dump.h"
#include "migrations/replay.h"
#include "migrations/split.h"
#include "tests/scratch_env.h"

// A framework that sends a file whole, as most do, or (placeholders: any) statement by statement.

static bool script_of(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                      struct script *script, struct err *err)
{
	(void)err;
	*script = (struct script){ .transaction = !set->settings.no_transaction };
	size_t n = 1;
	struct statement whole = { migration->text, 0, 1 }, *statements = &whole;
	if (set->settings.multi_statement)
		statements = split_statements(arena, engine, migration->text, &n);
	script->units = arena_array(arena, n, sizeof *script->units);
	for (size_t i = 0; i < n; i++) {
		struct unit *unit = &script->units[script->n_units++];
		*unit = (struct unit){ statements[i].text, statements[i].line };
		for (const char *c = unit->text; *c == '\n'; c++)
			unit->line++;
	}
	return true;
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	buf_addf(sql, "CREATE TABLE %s (id %s, version text)", table,
	         engine == ENGINE_SQLITE ? "INTEGER PRIMARY KEY AUTOINCREMENT" : "serial PRIMARY KEY");
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	(void)engine;
	(void)rank;
	buf_addf(sql, "INSERT INTO %s (version) VALUES ('%s')", table, migration->version);
}

static const struct framework framework = {
	.name = "testate", .table = "versions", .script = script_of, .create_table = create_table, .record = record,
};

// What a test asks for and gets.
struct trial {
	struct arena *arena;
	struct scratch_settings settings;
	struct migrations set;
	struct migration items[8];
	struct replay_request request;
	const struct migration *chain[8];
	size_t stops[8];
	struct snapshot *snapshots[8];
	struct replay_failure failure;
	struct err err;
};

static struct trial trial_of(struct arena *arena, enum engine engine, const char *const *texts)
{
	struct trial trial = { .arena = arena, .set = { .arena = arena, .framework = &framework, .items = NULL } };
	for (; texts[trial.set.n_items] != NULL; trial.set.n_items++) {
		size_t n = trial.set.n_items + 1;
		trial.items[n - 1] = (struct migration){
			.version = arena_printf(arena, "%zu", n), .label = arena_printf(arena, "%zu.sql", n),
			.path = arena_printf(arena, "db/%zu.sql", n), .text = texts[n - 1], .length = strlen(texts[n - 1]),
		};
	}
	trial.request = (struct replay_request){ .engine = engine, .n_chain = trial.set.n_items, .n_stops = 1 };
	trial.stops[0] = trial.set.n_items;
	return trial;
}

static bool run(struct trial *trial)
{
	for (size_t i = 0; i < trial->request.n_chain; i++)
		trial->chain[i] = &trial->items[i];
	trial->request.set = &trial->set;
	trial->request.chain = trial->chain;
	trial->request.stops = trial->stops;
	trial->request.scratch = &trial->settings;
	trial->err = (struct err){ "" };
	return replay(trial->arena, &trial->request, trial->snapshots, &trial->failure, &trial->err);
}

#define assert_runs(trial)                                                                               \
	do {                                                                                             \
		if (!run(trial))                                                                         \
			fail_msg("%s: %s: %s", (trial)->err.code, (trial)->err.where, (trial)->err.text); \
	} while (0)

static bool has(const struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (strcmp(object_name_copy(snapshot->arena, snapshot->objects[i]), name) == 0)
			return true;
	}
	return false;
}

static void chain_is_read_at_its_stops(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){
		"CREATE TABLE a (id int); SELECT pg_catalog.set_config('search_path', '', false);", // as dumps do
		"", "CREATE TABLE public.b (id serial);", "CREATE TABLE public.c (id int);", NULL });
	trial.request.n_stops = 3;
	memcpy(trial.stops, (size_t[]){ 0, 2, 3 }, 3 * sizeof(size_t));
	assert_runs(&trial);
	assert_false(has(trial.snapshots[0], "public.a"));
	assert_true(has(trial.snapshots[1], "public.a"));
	assert_false(has(trial.snapshots[1], "public.b"));
	assert_true(has(trial.snapshots[2], "public.b"));
	assert_true(has(trial.snapshots[2], "public.b_id_seq"));
	for (size_t i = 0; i < 3; i++) {
		assert_true(trial.snapshots[i]->complete);
		assert_false(has(trial.snapshots[i], "public.versions"));
		assert_false(has(trial.snapshots[i], "public.versions_id_seq"));
		assert_int_equal(trial.snapshots[i]->n_notes, 0);
	}
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

static bool count_rows(struct scratch *scratch, void *argument, struct err *err)
{
	(void)err;
	auto_pgconn conn = PQconnectdb(scratch_conninfo(scratch, false));
	auto_pgresult result = PQexec(conn, "SELECT string_agg(version, ' ' ORDER BY id) || ' ' || current_schema() FROM app.versions");
	snprintf(argument, 32, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : PQerrorMessage(conn));
	return true;
}

static void schema_is_made_and_versions_recorded(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	char rows[32] = "";
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "CREATE TABLE a (id int)", "CREATE VIEW v AS SELECT * FROM a", NULL });
	trial.set.settings.schema = "app";
	trial.request.visit = count_rows;
	trial.request.argument = rows;
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "app.a"));
	assert_true(has(trial.snapshots[0], "app.v"));
	assert_true(has(trial.snapshots[0], "app"));
	assert_false(has(trial.snapshots[0], "app.versions"));
	assert_string_equal(rows, "1 2 public");
}

// The failing statement of a message is found by the error's position, or by how many were completed.
static void failing_statement_is_named(void **state)
{
	(void)state;
	static const struct { const char *text, *where, *statement, *sqlstate, *part; } cases[] = {
		{ "\n\nCREATE TABLE \"\xc3\xa4\xc3\xa4\" (id int);\nSELECT '\xe2\x82\xac';\nALTER TABLE nosuch\n  ADD x int;\n", "db/2.sql:5", "ALTER TABLE nosuch",
		  "42P01", "relation \"nosuch\" does not exist" },
		{ "CREATE TABLE b (id int PRIMARY KEY);\n-- one; two\nINSERT INTO b VALUES (1);\n\nINSERT INTO b VALUES (1);\n", "db/2.sql:5",
		  "INSERT INTO b VALUES (1)", "23505", "Key (id)=(1) already exists" },
		{ "CREATE TABLE b (\n  id int,\n  x nosuchtype\n);", "db/2.sql:1", "CREATE TABLE b (", "42704", "(line 3: x nosuchtype)" },
		{ "SELECT 1;\nSELEC 2;\nSELECT 3;", "db/2.sql:2", "SELEC 2", "42601", "syntax error" },
		{ "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1/0;\nEND $$;\n", "db/2.sql:2", "DO $$", "22012", "division by zero" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_arena arena = arena_new();
		struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "CREATE TABLE a (id int)", cases[i].text, NULL });
		assert_false(run(&trial));
		assert_string_equal(trial.err.code, "replay");
		assert_string_equal(trial.err.where, cases[i].where);
		assert_string_equal(trial.failure.statement, cases[i].statement);
		assert_string_equal(trial.failure.sqlstate, cases[i].sqlstate);
		assert_ptr_equal(trial.failure.migration, &trial.items[1]);
		if (strstr(trial.err.text, cases[i].part) == NULL)
			fail_msg("%s is not in: %s", cases[i].part, trial.err.text);
	}
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

static void transactions_are_the_frameworks(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *const texts[] = { "CREATE TABLE a (id int);", "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);", NULL };
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, texts);
	assert_false(run(&trial));
	assert_string_equal(trial.failure.sqlstate, "25001");
	assert_non_null(strstr(trial.err.hint, "testate wraps"));
	trial.set.settings.no_transaction = true; // one message is still one transaction
	assert_false(run(&trial));
	assert_non_null(strstr(trial.err.hint, "a migration of its own"));
	trial.set.settings.multi_statement = true;
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "public.a.i"));
}

static void open_transaction_is_an_error(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "BEGIN; CREATE TABLE a (id int);", NULL });
	trial.set.settings.no_transaction = true;
	assert_false(run(&trial));
	assert_string_equal(trial.err.code, "replay");
	assert_string_equal(trial.err.where, "db/1.sql");
}

static void missing_roles_are_made(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){
		"CREATE TABLE a (id int); GRANT SELECT ON a TO reader; CREATE SCHEMA s; CREATE TABLE s.b (id int); ALTER TABLE s.b OWNER TO boss;",
		"DO $$ BEGIN EXECUTE 'GRANT SELECT ON a TO ' || 'gho' || 'st'; END $$;", // seen only when it fails
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'late') THEN CREATE ROLE late; END IF; END $$;", NULL });
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "s.b"));
	struct trial creating = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "CREATE ROLE own; GRANT own TO CURRENT_USER;", NULL });
	assert_false(run(&creating));
	assert_string_equal(creating.err.code, "privilege");
	assert_string_equal(creating.err.where, "db/1.sql:1");
	assert_non_null(strstr(creating.err.hint, "role = \"superuser\""));
	creating.settings.superuser = true;
	assert_runs(&creating);
}

static const char *write_file(struct arena *arena, const char *name, const char *text)
{
	const char *path = arena_printf(arena, "%s/%s", test_folder, name);
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	return path;
}

static void prelude_provides(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){
		"CREATE TABLE a (id uuid DEFAULT ext.uuid_generate_v4()); ALTER TABLE a OWNER TO platform;"
		"DO $$ BEGIN IF current_setting('app.mode') <> 'x y' THEN RAISE 'no'; END IF; END $$", NULL });
	assert_false(run(&trial));
	assert_non_null(strstr(trial.err.hint, "prelude"));
	trial.settings.prelude = write_file(arena, "prelude.sql",
		"CREATE ROLE platform; CREATE SCHEMA ext; CREATE EXTENSION \"uuid-ossp\" SCHEMA ext;\n"
		"GRANT USAGE ON SCHEMA ext TO public;\nALTER DATABASE driftcheck SET app.mode = 'x y';\n");
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "public.a"));
	trial.settings.prelude = write_file(arena, "prelude.sql", "\n\\connect elsewhere\n");
	assert_false(run(&trial));
	assert_string_equal(trial.err.code, "meta-command");
	assert_non_null(strstr(trial.err.where, "prelude.sql:2"));
}

static void extensions_are_allowed_by_name(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *const texts[] = {
		"CREATE EXTENSION citext;", // trusted
		"CREATE SCHEMA ext;\nCREATE EXTENSION IF NOT EXISTS pg_buffercache\n  WITH SCHEMA ext;\nCOMMENT ON EXTENSION pg_buffercache IS 'x';\n"
		"CREATE EXTENSION earthdistance CASCADE;",
		"SELECT 1;\nSELECT nosuch;", NULL };
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, texts);
	trial.request.n_chain = trial.stops[0] = 2;
	assert_false(run(&trial));
	assert_string_equal(trial.err.code, "privilege");
	assert_string_equal(trial.err.where, "db/2.sql:2");
	assert_non_null(strstr(trial.err.hint, "extensions = {"));
	trial.settings.extensions = (const char *const[]){ "contrib", NULL };
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "pg_buffercache"));
	assert_true(has(trial.snapshots[0], "citext"));
	assert_true(has(trial.snapshots[0], "cube"));

	struct trial inside = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "DO $$ BEGIN CREATE EXTENSION pageinspect; END $$", NULL });
	inside.settings.extensions = trial.settings.extensions;
	assert_false(run(&inside));
	assert_string_equal(inside.err.code, "privilege");
	assert_non_null(strstr(inside.err.hint, "prelude"));

	struct trial missing = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "SELECT 1;\nCREATE EXTENSION postgis;", NULL });
	static const char *const allowed[] = { "postgis", NULL };
	for (int i = 0; i < 2; i++) {
		assert_false(run(&missing));
		assert_string_equal(missing.err.code, "missing-extension");
		assert_string_equal(missing.err.where, "db/1.sql:2");
		assert_non_null(strstr(missing.err.text, "\"postgis\""));
		assert_non_null(strstr(missing.err.hint, "-postgis-3"));
		missing.settings.extensions = allowed;
	}
}

static void clock_and_disk_are_watched(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial slow = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){
		"SET statement_timeout = 0; SELECT pg_sleep(1000);", NULL });
	slow.settings.wall_clock_s = 1;
	assert_false(run(&slow));
	assert_string_equal(slow.err.code, "wall-clock");
	assert_string_equal(slow.err.where, "db/1.sql:1");
	struct trial large = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){
		"CREATE TABLE a AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 100000000);", NULL });
	large.settings.disk_bytes = 64 << 20;
	assert_false(run(&large));
	assert_string_equal(large.err.code, "disk");
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

static void meta_commands_are_refused(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "SELECT 1;\n\\i other.sql\n", NULL });
	assert_false(run(&trial));
	assert_string_equal(trial.err.code, "meta-command");
	assert_string_equal(trial.err.where, "db/1.sql:2");
	assert_int_equal(trial.failure.line, 2);
}

static void code_migrations_are_noted(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "SELECT 1", "", NULL });
	trial.items[1].not_runnable = "a Go migration";
	assert_runs(&trial);
	assert_int_equal(trial.snapshots[0]->n_notes, 2);
	assert_string_equal(trial.snapshots[0]->notes[0], "2.sql is a Go migration: it was not run, and what it does is unknown");
	assert_non_null(strstr(trial.snapshots[0]->notes[1], "right folder?"));
}

// A dump as newer servers make it, replayed on an older one.
static void dumps_are_understood(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = write_file(arena, "dump.sql",
		"--\n-- PostgreSQL database dump\n--\n\n\\restrict aBc123\n\nSET transaction_timeout = 0;\nSET check_function_bodies = false;\n"
		"SELECT pg_catalog.set_config('search_path', '', false);\n"
		"CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;\nCOMMENT ON EXTENSION citext IS 'x';\n"
		"CREATE TABLE public.a (\n    id integer,\n    t text\n);\nALTER TABLE public.a OWNER TO someone;\n"
		"GRANT MAINTAIN ON TABLE public.a TO someone;\n"
		"COPY public.a (id, t) FROM stdin;\n1\tit's; \\\\x\n\\N\t\\restrict $$\n\\.\n\n"
		"ALTER TABLE ONLY public.a ADD CONSTRAINT a_key UNIQUE (id);\nCREATE INDEX CONCURRENTLY i ON public.a (t);\n\\unrestrict aBc123\n");
	struct scratch_settings settings = { 0 };
	struct snapshot *snapshot;
	struct err err;
	if (!replay_file(arena, path, ENGINE_POSTGRESQL, 0, &settings, NULL, 0, &snapshot, &err))
		fail_msg("%s: %s", err.where, err.text);
	assert_true(has(snapshot, "public.a.a_key"));
	assert_true(has(snapshot, "public.a.i"));

	path = write_file(arena, "dump.sql", "CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\nx\n\\.\n");
	assert_false(replay_file(arena, path, ENGINE_POSTGRESQL, 0, &settings, NULL, 0, &snapshot, &err));
	assert_string_equal(err.where, arena_printf(arena, "%s:2", path));
	path = write_file(arena, "dump.sql", "SELECT 1;\n\n\\connect other\n");
	assert_false(replay_file(arena, path, ENGINE_POSTGRESQL, 0, &settings, NULL, 0, &snapshot, &err));
	assert_string_equal(err.code, "meta-command");
	assert_string_equal(err.where, arena_printf(arena, "%s:3", path));
	assert_false(replay_file(arena, "/nonexistent.sql", ENGINE_POSTGRESQL, 0, &settings, NULL, 0, &snapshot, &err));
	assert_string_equal(err.code, "file");

	path = write_file(arena, "dump.sql", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE sqlite_sequence(name,seq);\n"
	                                     "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO a VALUES (1);\nCOMMIT;\n");
	if (!replay_file(arena, path, ENGINE_SQLITE, 0, &settings, NULL, 0, &snapshot, &err))
		fail_msg("%s: %s", err.where, err.text);
	assert_true(has(snapshot, "a"));
}

static void pieces_of_a_dump(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct dump dump = { "-- c\nSELECT 1; SELECT $$\n\\x\n$$;\nCOPY a (b) TO stdout;\ncopy a FROM STDIN; -- x\n1\n\\N\n\\.\nSELECT 2;\n\\q\n", 1 };
	static const struct { enum dump_type type; unsigned line; const char *text, *data; } want[] = {
		{ DUMP_SQL, 2, "SELECT 1; SELECT $$\n\\x\n$$;\nCOPY a (b) TO stdout;", "" },
		{ DUMP_COPY, 6, "copy a FROM STDIN;", "1\n\\N\n" },
		{ DUMP_SQL, 10, "SELECT 2;", "" },
		{ DUMP_META, 11, "\\q", "" },
	};
	struct dump_piece piece;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		assert_true(dump_next(arena, &dump, &piece));
		assert_int_equal(piece.type, want[i].type);
		assert_int_equal(piece.line, want[i].line);
		assert_string_equal(piece.text, want[i].text);
		assert_int_equal(piece.data_length, strlen(want[i].data));
		assert_memory_equal(piece.data == NULL ? "" : piece.data, want[i].data, piece.data_length);
	}
	assert_false(dump_next(arena, &dump, &piece));
}

// Binaries that count how often a server is started.
static const char *counting_bindir(struct arena *arena, const char **log)
{
	struct scratch_settings settings = { 0 };
	struct err err;
	const char *server, *bindir = arena_printf(arena, "%s/bin", test_folder);
	assert_true(scratch_find(&settings, ENGINE_POSTGRESQL, 0, arena, &server, &err));
	const char *real = strchr(server, '(') + 1;
	int length = (int)strcspn(real, ")");
	*log = arena_printf(arena, "%s/starts", test_folder);
	mkdir(bindir, 0755);
	const char *program = write_file(arena, "bin/postgres",
		arena_printf(arena, "#!/bin/sh\n[ \"$1\" = -D ] && echo >> %s\nexec %.*s/postgres \"$@\"\n", *log, length, real));
	assert_int_equal(chmod(program, 0755), 0);
	const char *initdb = arena_printf(arena, "%s/initdb", bindir);
	if (access(initdb, F_OK) != 0)
		assert_int_equal(symlink(arena_printf(arena, "%.*s/initdb", length, real), initdb), 0);
	close(open(*log, O_WRONLY | O_CREAT | O_TRUNC, 0666));
	assert_int_equal(chmod(*log, 0666), 0);
	return bindir;
}

static long starts(const char *log)
{
	struct stat is;
	return stat(log, &is) == 0 ? (long)is.st_size : -1;
}

static void unchanged_chain_starts_no_server(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *log;
	struct trial trial = trial_of(arena, ENGINE_POSTGRESQL, (const char *const[]){ "CREATE TABLE a (id int)", "CREATE TABLE b (id int)", NULL });
	trial.settings.bindir = counting_bindir(arena, &log);
	trial.request.cache = cache_folder(arena);
	trial.request.n_stops = 2;
	trial.stops[0] = 1;
	trial.stops[1] = 2;
	assert_runs(&trial);
	long first = starts(log);
	assert_true(first > 0);
	assert_runs(&trial);
	assert_int_equal(starts(log), first);
	assert_true(has(trial.snapshots[1], "public.b"));
	assert_false(has(trial.snapshots[0], "public.b"));
	trial.items[1].text = "CREATE TABLE b (id int, x int)"; // the first stop is still known
	assert_runs(&trial);
	assert_int_equal(starts(log), first + 1);
	assert_true(has(trial.snapshots[1], "public.b.x"));
	assert_runs(&trial);
	trial.settings.superuser = true;
	assert_runs(&trial);
	trial.request.groups = 1u << GROUP_OWNER;
	assert_runs(&trial);
	assert_int_equal(starts(log), first + 3);
	char rows[32] = "";
	trial.request.visit = count_rows; // wants a server, cached or not
	trial.request.argument = rows;
	assert_runs(&trial);
	assert_int_equal(starts(log), first + 4);
}

static void sqlite_chain(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct trial trial = trial_of(arena, ENGINE_SQLITE, (const char *const[]){
		"CREATE TABLE a (id INTEGER PRIMARY KEY);\n-- end\n", "CREATE TABLE b (x);\nCREATE TRIGGER t AFTER INSERT ON b BEGIN DELETE FROM a; SELECT 1; END;",
		"PRAGMA journal_mode = DELETE; VACUUM; SELECT * FROM a", NULL });
	trial.set.settings.no_transaction = true;
	trial.request.n_stops = 2;
	trial.stops[0] = 1;
	trial.stops[1] = 3;
	assert_runs(&trial);
	assert_true(has(trial.snapshots[0], "a"));
	assert_false(has(trial.snapshots[0], "b"));
	assert_true(has(trial.snapshots[1], "b"));
	assert_false(has(trial.snapshots[1], "versions"));
	assert_string_equal(trial.snapshots[1]->database, "scratch");
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

static void sqlite_failures(void **state)
{
	(void)state;
	static const struct { const char *text, *code, *where, *part; } cases[] = {
		{ "CREATE TABLE b (x);\n\n-- c\nINSERT INTO nosuch\n VALUES (1);\nSELECT 1;", "replay", "db/2.sql:4", "INSERT INTO nosuch: no such table: nosuch" },
		{ "CREATE TABLE b (x UNIQUE);\nINSERT INTO b VALUES (1);\nINSERT INTO b VALUES (1);", "replay", "db/2.sql:3", "UNIQUE constraint failed" },
		{ "SELECT 1;\nATTACH '/tmp/other.db' AS o;", "privilege", "db/2.sql:2", "not authorized" },
		{ "VACUUM INTO '/tmp/other.db';", "privilege", "db/2.sql:1", "authorization denied" },
		{ "SELECT 1;\n.read x.sql\n", "meta-command", "db/2.sql:2", ".read x.sql" },
		{ "SELECT unheard_of(1);", "replay", "db/2.sql:1", "no such function" },
		{ "BEGIN; CREATE TABLE c (x);", "replay", "db/2.sql:1", "leaves it open" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_arena arena = arena_new();
		struct trial trial = trial_of(arena, ENGINE_SQLITE, (const char *const[]){ "CREATE TABLE a (id INTEGER PRIMARY KEY)", cases[i].text, NULL });
		trial.set.settings.no_transaction = true;
		assert_false(run(&trial));
		if (strstr(trial.err.text, cases[i].part) == NULL)
			fail_msg("%s is not in: %s", cases[i].part, trial.err.text);
		assert_string_equal(trial.err.where, cases[i].where);
		assert_string_equal(trial.err.code, cases[i].code);
		assert_ptr_equal(trial.failure.migration, &trial.items[1]);
	}
	auto_arena arena = arena_new();
	struct trial slow = trial_of(arena, ENGINE_SQLITE, (const char *const[]){
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c;", NULL });
	slow.settings.wall_clock_s = 1;
	assert_false(run(&slow));
	assert_string_equal(slow.err.code, "wall-clock");
	struct trial large = trial_of(arena, ENGINE_SQLITE, (const char *const[]){
		"CREATE TABLE a AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000000) SELECT zeroblob(1000) FROM c;", NULL });
	large.settings.disk_bytes = 16 << 20;
	assert_false(run(&large));
	assert_true(strcmp(large.err.code, "disk") == 0 || strstr(large.err.text, "full") != NULL || strstr(large.err.text, "I/O") != NULL);
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_of_a_dump), cmocka_unit_test(chain_is_read_at_its_stops),
		cmocka_unit_test(schema_is_made_and_versions_recorded), cmocka_unit_test(failing_statement_is_named),
		cmocka_unit_test(transactions_are_the_frameworks), cmocka_unit_test(open_transaction_is_an_error),
		cmocka_unit_test(missing_roles_are_made), cmocka_unit_test(prelude_provides),
		cmocka_unit_test(extensions_are_allowed_by_name), cmocka_unit_test(clock_and_disk_are_watched),
		cmocka_unit_test(meta_commands_are_refused), cmocka_unit_test(code_migrations_are_noted),
		cmocka_unit_test(dumps_are_understood), cmocka_unit_test(unchanged_chain_starts_no_server),
		cmocka_unit_test(sqlite_chain), cmocka_unit_test(sqlite_failures),
	};
	int missing = postgresql_missing();
	if (missing != 0)
		return missing;
	test_folder_make();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_folder_remove();
	return failed;
}
