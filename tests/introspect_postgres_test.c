// SPDX-License-Identifier: PostgreSQL
// The PostgreSQL reader on a real server: who may read, what a lock costs, what is said of a server that cannot be read,
// and where the version table is found. scripts/matrix.sh asks the same of every major.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"
#include "introspect/pg.h"
#include "introspect/reader.h"
#include "tests/scratch_env.h"

static struct scratch *server;

static int server_start(void **state)
{
	(void)state;
	struct scratch_settings settings = { 0 };
	struct err err;
	test_folder_make();
	server = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	if (server == NULL)
		fprintf(stderr, "%s\n", err.text);
	return server == NULL;
}

static int server_stop(void **state)
{
	(void)state;
	scratch_close(server);
	test_folder_remove();
	return 0;
}

// The superuser's conninfo with some of it said again: the last one counts.
static const char *conninfo(struct arena *arena, const char *rest)
{
	return arena_printf(arena, "%s %s", scratch_conninfo(server, true), rest);
}

static PGconn *connected(const char *text)
{
	PGconn *conn = PQconnectdb(text);
	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	return conn;
}

static void execute(PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
}

static void run(const char *text, const char *sql)
{
	auto_pgconn conn = connected(text);
	execute(conn, "SET client_min_messages = error");
	execute(conn, sql);
}

static const char *ask(struct arena *arena, PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	return arena_strdup(arena, PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : PQerrorMessage(conn));
}

// A new database; returns the superuser's conninfo.
static const char *database(struct arena *arena, const char *name, const char *sql)
{
	run(scratch_conninfo(server, true), arena_printf(arena, "CREATE DATABASE %s", name));
	const char *text = conninfo(arena, arena_printf(arena, "dbname=%s", name));
	if (sql != NULL)
		run(text, sql);
	return text;
}

static struct snapshot *read_whole(struct arena *arena, const char *text)
{
	struct read_options options = { .name = "prod", .groups = UINT32_MAX };
	struct err err = { "" };
	struct snapshot *snapshot = postgres_read(arena, text, &options, &err);
	if (snapshot == NULL)
		fail_msg("%s: %s", err.code, err.text);
	return snapshot;
}

static const char *printed(struct arena *arena, const struct snapshot *snapshot)
{
	auto_buf buf = BUF_INIT;
	snapshot_print(&buf, snapshot, NULL, NULL);
	return buf_copy(&buf, arena);
}

static const char *file_text(struct arena *arena, const char *path)
{
	auto_buf text = BUF_INIT;
	auto_file file = fopen(path, "re");
	char some[4096];
	if (file == NULL)
		fail_msg("%s cannot be read", path);
	for (size_t n; (n = fread(some, 1, sizeof some, file)) > 0;)
		buf_add(&text, some, n);
	return buf_copy(&text, arena);
}

static void connect_is_enough(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *folder = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	const char *sql = file_text(arena, arena_printf(arena, "%s/tests/matrix/schema/0012_common.up.sql", folder));
	run(scratch_conninfo(server, true), "CREATE ROLE reader; CREATE ROLE nobody_special LOGIN");
	const char *superuser = database(arena, "rich", sql);
	run(superuser, "REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE rich FROM PUBLIC");
	const struct snapshot *all = read_whole(arena, superuser);
	struct snapshot *plain = read_whole(arena, conninfo(arena, "dbname=rich user=nobody_special"));
	assert_string_equal(plain->reader, "nobody_special");
	plain->reader = all->reader;
	assert_true(all->complete);
	assert_int_equal(all->n_unread, 0);
	assert_true(all->n_objects > 300);
	assert_string_equal(printed(arena, plain), printed(arena, all));
}

static void json_gives_the_same_back(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *read = read_whole(arena, conninfo(arena, "dbname=rich"));
	struct err err = { "" };
	json_error_t error;
	json_t *json = json_loads(printed(arena, read), 0, &error);
	const struct snapshot *back = json == NULL ? NULL : snapshot_from_json(arena, json, "text", &err);
	json_decref(json);
	assert_non_null(back);
	assert_string_equal(printed(arena, back), printed(arena, read));
	assert_int_equal(back->n_objects, read->n_objects);
}

// All that refers to a locked table and has to be printed by functions that wait for its lock, and the like on a free one.
static const char locked_sql[] =
	"CREATE SCHEMA app;"
	"CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
	"CREATE TABLE app.held (id integer PRIMARY KEY, name text DEFAULT 'x', twice integer GENERATED ALWAYS AS (id * 2) STORED, "
	"CONSTRAINT held_ck CHECK (id > 0), CONSTRAINT held_key UNIQUE (name), CONSTRAINT held_fk FOREIGN KEY (id) REFERENCES app.held);"
	"CREATE TABLE app.free (LIKE app.held INCLUDING ALL);"
	"CREATE INDEX held_plain ON app.held (name);"
	"CREATE INDEX held_lower ON app.held (lower(name)) WHERE id > 5;"
	"CREATE INDEX free_lower ON app.free (lower(name)) WHERE id > 5;"
	"CREATE VIEW app.held_view AS SELECT id FROM app.held;"
	"CREATE VIEW app.free_view AS SELECT id FROM app.free;"
	"CREATE MATERIALIZED VIEW app.held_total AS SELECT count(*) AS n FROM app.held;"
	"CREATE TRIGGER held_when BEFORE UPDATE ON app.held FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION app.touch();"
	"CREATE TRIGGER free_when BEFORE UPDATE ON app.free FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION app.touch();"
	"CREATE TRIGGER held_always BEFORE INSERT ON app.held FOR EACH ROW EXECUTE FUNCTION app.touch();"
	"CREATE RULE held_rule AS ON DELETE TO app.held DO ALSO DELETE FROM app.free WHERE id = OLD.id;"
	"CREATE POLICY held_policy ON app.held USING (id > 0);"
	"CREATE POLICY free_policy ON app.free USING (id > 0);";

// Makes a database one that is read over two connections: pg_class keeps the dead rows.
static const char *large(const char *text)
{
	run(text, "CREATE TABLE grown (); DO $$ BEGIN FOR i IN 1..8000 LOOP "
	          "EXECUTE format('ALTER TABLE grown SET (fillfactor = %s)', 10 + i % 90); END LOOP; END $$; DROP TABLE grown");
	return text;
}

static void locked_table_costs_its_own_objects_in(struct arena *arena, const char *text)
{
	const struct snapshot *before = read_whole(arena, text);
	auto_pgconn other = connected(text);
	execute(other, "BEGIN; LOCK TABLE app.held IN ACCESS EXCLUSIVE MODE");
	struct read_options options = { .name = "prod", .lock_timeout_ms = 100 };
	struct err err = { "" };
	const struct snapshot *snapshot = postgres_read(arena, text, &options, &err);
	const char *locks = ask(arena, other, "SELECT count(*) FROM pg_locks WHERE relation = 'app.held'::regclass AND pid <> pg_backend_pid()");
	execute(other, "ROLLBACK");
	assert_non_null(snapshot);
	assert_false(snapshot->complete);
	assert_string_equal(locks, "0");
	auto_buf unread = BUF_INIT;
	for (size_t i = 0; i < snapshot->n_unread; i++) {
		buf_addf(&unread, "%s", snapshot->unread[i].kind);
		for (unsigned j = 0; j < snapshot->unread[i].n_path; j++)
			buf_addf(&unread, " %s", snapshot->unread[i].path[j]);
		buf_addc(&unread, '\n');
		assert_non_null(strstr(snapshot->unread[i].why, "AccessExclusiveLock on app.held"));
	}
	assert_string_equal(buf_copy(&unread, arena),
	                    "constraint app held held_ck\n"
	                    "index app held held_lower\n"
	                    "policy app held held_policy\n"
	                    "rule app held held_rule\n"
	                    "trigger app held held_when\n"
	                    "column app held twice\n"
	                    "materialized view app held_total\n"
	                    "view app held_view\n");
	// what was read is as it was
	assert_int_equal(snapshot->n_objects, before->n_objects);
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *now = snapshot->objects[i], *was = before->objects[i];
		for (unsigned attr = ATTR_FIRST_OWN; attr < now->kind->n_attrs; attr++) {
			if (now->values[attr] != VALUE_UNREAD && now->kind->attrs[attr].group == GROUP_STRUCTURE && now->values[attr] != was->values[attr])
				assert_string_equal(now->values[attr], was->values[attr]);
		}
	}
}

static void locked_table_costs_its_own_objects(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	locked_table_costs_its_own_objects_in(arena, database(arena, "locked", locked_sql));
	locked_table_costs_its_own_objects_in(arena, large(database(arena, "locked_large", locked_sql)));
}

// What is read, and how many connections it took.
static const char *read_counted(struct arena *arena, const char *text, int *connections)
{
	char *said = NULL;
	size_t length;
	struct log log = { .stream = open_memstream(&said, &length), .show_queries = true };
	struct read_options options = { .log = &log, .name = "prod", .groups = UINT32_MAX };
	struct err err = { "" };
	struct snapshot *snapshot = postgres_read(arena, text, &options, &err);
	fclose(log.stream);
	*connections = strstr(said, "set transaction snapshot") != NULL ? 2 : 1;
	free(said);
	if (snapshot == NULL)
		fail_msg("%s: %s", err.code, err.text);
	assert_true(snapshot->complete);
	snapshot->reader = "reader";
	return printed(arena, snapshot);
}

static void large_database_is_read_over_two_connections(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	run(scratch_conninfo(server, true), "CREATE ROLE only_one LOGIN CONNECTION LIMIT 1");
	const char *text = conninfo(arena, "dbname=rich");
	int connections;
	const char *small = read_counted(arena, text, &connections);
	assert_int_equal(connections, 1);
	large(text);
	assert_string_equal(read_counted(arena, text, &connections), small);
	assert_int_equal(connections, 2);
	// nor does a role need the right to export a snapshot
	run(text, "CREATE ROLE exports_nothing LOGIN; REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC");
	assert_string_equal(read_counted(arena, conninfo(arena, "dbname=rich user=exports_nothing"), &connections), small);
	assert_int_equal(connections, 1);
	run(text, "GRANT EXECUTE ON FUNCTION pg_export_snapshot() TO PUBLIC");
	// a role that may have but one is read over that one
	assert_string_equal(read_counted(arena, conninfo(arena, "dbname=rich user=only_one"), &connections), small);
	assert_int_equal(connections, 1);
}

// Errors.

static const char *error_of(struct arena *arena, const char *text, const struct read_options *options, struct err *err)
{
	struct read_options plain = { .name = "prod", .connect_timeout_s = 5 };
	*err = (struct err){ "" };
	return postgres_read(arena, text, options != NULL ? options : &plain, err) != NULL ? "read" : err->code;
}

static bool one_key(const char *database, const char *schema, const char *table, unsigned nth, long long *key)
{
	(void)database;
	*key = strcmp(schema, "public") == 0 && strcmp(table, "versions") == 0 ? 4711 + nth : 0;
	return nth < 2;
}

static void held_lock_is_a_deploy(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	const char *text = database(arena, "deploying", "CREATE TABLE versions (version text); INSERT INTO versions VALUES ('1')");
	const struct version_query versions[] = { { "versions", "version", one_key }, { NULL } };
	const struct read_options options = { .name = "prod", .versions = versions };
	auto_pgconn deploy = connected(text);
	execute(deploy, "SELECT pg_advisory_lock(4712)");
	const char *held = error_of(arena, text, &options, &err);
	execute(deploy, "SELECT pg_advisory_unlock(4712), pg_advisory_lock(4711, 0), pg_advisory_lock(9)");
	const char *others = error_of(arena, text, &options, &(struct err){ "" });
	assert_string_equal(held, "deploy-in-flight");
	assert_string_equal(err.where, "prod");
	assert_true(err.hint[0] != '\0');
	assert_string_equal(others, "read");
}

static void no_server_is_unreachable(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	static const char *const broken[] = { "host=/nonexistent", "dbname=nonexistent", "port=1" };
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		assert_string_equal(error_of(arena, conninfo(arena, broken[i]), NULL, &err), "unreachable");
		assert_true(err.hint[0] != '\0');
		assert_string_equal(err.where, "prod");
	}
	assert_string_equal(error_of(arena, conninfo(arena, "user=stranger"), NULL, &err), "authentication");
}

// The server asks one role for a password; the others stay trusted.
static void passwords_are_not_told(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	const char *superuser = scratch_conninfo(server, true);
	run(superuser, "SET password_encryption = 'scram-sha-256'; CREATE ROLE guarded LOGIN PASSWORD 'open sesame'");
	auto_pgconn conn = connected(superuser);
	const char *hba = ask(arena, conn, "SHOW hba_file");
	execute(conn, arena_printf(arena, "COPY (SELECT unnest(ARRAY['local all guarded scram-sha-256', 'local all all trust'])) TO '%s'", hba));
	execute(conn, "SELECT pg_reload_conf()");
	const char *loaded = "";
	for (int i = 0; i < 1000 && strcmp(loaded, "scram-sha-256") != 0; i++) // the postmaster does so when its signal comes
		loaded = ask(arena, conn, "SELECT auth_method FROM pg_hba_file_rules ORDER BY line_number LIMIT 1");
	const char *wrong = "";
	for (int i = 0; i < 100 && strcmp(wrong, "authentication") != 0; i++)
		wrong = error_of(arena, conninfo(arena, "user=guarded password=swordfish"), NULL, &err);
	assert_string_equal(wrong, "authentication");
	assert_null(strstr(err.text, "swordfish"));
	assert_null(strstr(err.hint, "swordfish"));
	assert_null(strstr(err.where, "swordfish"));
	assert_string_equal(error_of(arena, conninfo(arena, "user=guarded"), NULL, &err), "authentication");
	assert_string_equal(error_of(arena, conninfo(arena, "user=guarded password='open sesame'"), NULL, &err), "read");
}

// The version table.

static const struct version_query schema_migrations[] = { { "schema_migrations", "version", NULL }, { NULL } };

static const char *version_of(struct arena *arena, const char *text, const char *schema, struct err *err)
{
	const struct read_options options = { .name = "prod", .versions = schema_migrations, .schema = schema, .versions_only = true };
	*err = (struct err){ "" };
	const struct snapshot *snapshot = postgres_read(arena, text, &options, err);
	if (snapshot == NULL)
		return err->code;
	const struct version_table *version = &snapshot->version;
	if (version->name == NULL)
		return "none";
	return arena_printf(arena, "%s %s=%s", version->name, version->columns[0], version->n_rows > 0 ? version->rows[0][0] : "");
}

static void version_table_is_found(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	const char *text = database(arena, "versioned", NULL);
	assert_string_equal(version_of(arena, text, NULL, &err), "none");

	run(text, "CREATE SCHEMA \"App\"; CREATE TABLE \"App\".schema_migrations AS SELECT 'app' AS version");
	assert_string_equal(version_of(arena, text, NULL, &err), "\"App\".schema_migrations version=app"); // the only one
	assert_string_equal(version_of(arena, text, "public", &err), "none");

	run(text, "CREATE SCHEMA other; CREATE TABLE other.schema_migrations AS SELECT 'other' AS version");
	assert_string_equal(version_of(arena, text, NULL, &err), "version-table"); // which one?
	assert_non_null(strstr(err.hint, "migrations {"));
	assert_string_equal(version_of(arena, text, "other", &err), "other.schema_migrations version=other");

	run(text, "CREATE TABLE schema_migrations AS SELECT 'public' AS version");
	assert_string_equal(version_of(arena, text, NULL, &err), "public.schema_migrations version=public"); // the search path
	const char *path = arena_printf(arena, "%s options='-c search_path=other,public'", text);
	assert_string_equal(version_of(arena, path, NULL, &err), "other.schema_migrations version=other");

	run(text, "CREATE ROLE \"Plain one\" LOGIN");
	const char *plain = arena_printf(arena, "%s user='Plain one'", text);
	assert_string_equal(version_of(arena, plain, "App", &err), "permission");
	assert_non_null(strstr(err.hint, "GRANT USAGE ON SCHEMA \"App\" TO \"Plain one\"; GRANT SELECT ON \"App\".schema_migrations TO \"Plain one\";"));
	run(text, err.hint); // it is what helps
	assert_string_equal(version_of(arena, plain, "App", &err), "\"App\".schema_migrations version=app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_is_enough), cmocka_unit_test(json_gives_the_same_back), cmocka_unit_test(locked_table_costs_its_own_objects),
		cmocka_unit_test(large_database_is_read_over_two_connections),
		cmocka_unit_test(held_lock_is_a_deploy), cmocka_unit_test(no_server_is_unreachable), cmocka_unit_test(passwords_are_not_told),
		cmocka_unit_test(version_table_is_found),
	};
	int missing = postgresql_missing();
	return missing != 0 ? missing : cmocka_run_group_tests(tests, server_start, server_stop);
}
