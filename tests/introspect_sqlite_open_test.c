// SPDX-License-Identifier: PostgreSQL
// Opening live SQLite files: each obstacle has its own error, nothing is written, and nothing is left that would hinder the
// file's owner. Where other users matter the tests need root, and are skipped without.
#include "config.h"

#include "tests/sqlite_files.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/sqlite_handles.h"

enum { NOBODY = 65534 };

static void assert_fails(const char *path, const struct read_options *options, const char *code)
{
	auto_arena arena = arena_new();
	struct err err = { "" };
	assert_null(sqlite_read(arena, path, options, &err));
	assert_string_equal(err.code, code);
	assert_true(err.text[0] != '\0' && err.hint[0] != '\0' && err.where[0] != '\0');
}

static void what_is_no_database_has_its_own_error(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const struct read_options options = { .lock_timeout_ms = 1 };
	const char *path = arena_printf(arena, "%s/file", folder);
	assert_fails(path, &options, "unreachable");
	assert_false(file_exists(path, ""));
	assert_fails(folder, &options, "unreachable");
	file_write(path, "no database\n", 12);
	assert_fails(path, &options, "not-a-database");
	char page[8192];
	memset(page, 'x', sizeof page);
	file_write(path, page, sizeof page);
	assert_fails(path, &options, "not-a-database");
	file_write(path, "", 0); // what SQLite itself makes of an empty file: a database without tables
	assert_int_equal(read_database(arena, path)->n_objects, 0);

	database_make(arena, path, "CREATE TABLE t(a); CREATE TABLE u(b)");
	auto_file file = fopen(path, "r+");
	fseek(file, 100, SEEK_SET);
	fwrite(page, 1, 400, file);
	fflush(file);
	assert_fails(path, &options, "corrupt");

	database_make(arena, path, "CREATE TABLE t(a); PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE "
		"TABLE t(a,,)'");
	assert_fails(path, &options, "corrupt");
}

static void a_locked_file_is_locked(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "locked", "CREATE TABLE t(a)");
	auto_sqlite writer = database_open(path);
	execute(writer, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
	assert_int_equal(read_database(arena, path)->n_objects, 2); // nothing is committed: readers go on
	execute(writer, "COMMIT; BEGIN EXCLUSIVE");
	assert_fails(path, &(struct read_options){ .lock_timeout_ms = 1 }, "locked");
}

static bool can_begin(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		bool ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL,
			NULL) == SQLITE_OK;
		_exit(ok ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

// A process that closes any descriptor of a file loses all its locks on it.
static void locks_of_this_process_survive_our_reading(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "locks", "CREATE TABLE t(a)");
	auto_sqlite writer = database_open(path);
	execute(writer, "BEGIN IMMEDIATE");
	assert_false(can_begin(path));
	read_database(arena, path);
	assert_false(can_begin(path));
}

static void a_hot_journal_is_left_to_a_writer(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "writer", "CREATE TABLE t(a)");
	const char *place = subfolder(arena, "hot", 0755, geteuid()), *crashed = arena_printf(arena, "%s/x.db", place);
	auto_sqlite writer = database_open(path);
	execute(writer, "PRAGMA cache_size = 2; BEGIN; CREATE TABLE uncommitted(a); "
	                "INSERT INTO t SELECT zeroblob(4000) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3), (SELECT 1 UNION "
	  "SELECT 2 UNION SELECT 3)");
	file_copy(path, crashed);
	file_copy(arena_printf(arena, "%s-journal", path), arena_printf(arena, "%s-journal", crashed));
	const char *before = folder_print(arena, place);
	assert_fails(crashed, &(struct read_options){ 0 }, "hot-journal");
	assert_string_equal(folder_print(arena, place), before);
	auto_sqlite owner = database_open(crashed);
	execute(owner, "SELECT * FROM t");
	assert_int_equal(read_database(arena, crashed)->n_objects, 2);
}

static void nothing_is_written(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "still", 0755, geteuid());
	static const char *const modes[] = { "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF" };
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		const char *path = arena_printf(arena, "%s/%s.db", place, modes[i]);
		database_make(arena, path, arena_printf(arena, "PRAGMA journal_mode = %s; CREATE TABLE t(a); CREATE VIRTUAL "
			"TABLE f USING fts5(a); "
		                                               "CREATE VIEW v AS SELECT * FROM f; INSERT INTO t VALUES "
		  "(1)", modes[i]));
	}
	const char *before = folder_print(arena, place);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		read_database(arena, arena_printf(arena, "%s/%s.db", place, modes[i]));
	assert_string_equal(folder_print(arena, place), before);
}

// A name that would be cut or read as a parameter if it went into the URI as it is.
static void paths_are_taken_literally(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = arena_printf(arena, "%s/a b?mode=rwc&vfs=%%41#\xc3\xa9.db", folder);
	database_make(arena, path, "CREATE TABLE t(a)");
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	assert_int_equal(symlink(path, arena_printf(arena, "%s/link", folder)), 0);
	assert_int_equal(read_database(arena, arena_printf(arena, "%s/link", folder))->n_objects, 2);
}

static void nothing(sqlite3_context *context, int n, sqlite3_value **values)
{
	(void)n, (void)values;
	sqlite3_result_null(context);
}

static int compare_nothing(void *argument, int n_a, const void *a, int n_b, const void *b)
{
	(void)argument, (void)n_a, (void)a, (void)n_b, (void)b;
	return 0;
}

// A schema may name functions, collations and modules that only its application has; and functions of JSON, for which SQLite
// 3.40 refuses a whole database whose schema is not trusted.
static void the_schema_may_use_what_we_do_not_have(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "foreign", "");
	auto_sqlite db = database_open(path);
	sqlite3_create_function(db, "their", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, nothing, NULL, NULL);
	sqlite3_create_collation(db, "theirs", SQLITE_UTF8, NULL, compare_nothing);
	execute(db, "CREATE TABLE t(a COLLATE theirs UNIQUE CHECK (their(a) > 0), b AS (their(a)), c CHECK (json_valid(c)), "
	            "d AS (c ->> 'x')); CREATE INDEX i ON t(their(a), json_extract(c, '$.x')); "
	            "CREATE VIEW v AS SELECT their(a) FROM missing; PRAGMA writable_schema = 1; "
	            "INSERT INTO sqlite_schema VALUES ('table', 'm', 'm', 0, 'CREATE VIRTUAL TABLE m USING theirs(a)')");
	assert_int_equal(read_database(arena, path)->n_objects, 11);
}

// WAL. `wal_make` leaves a cleanly closed database; `wal_make_crashed` one whose only table is in the WAL, without -shm.

static const char *wal_make(struct arena *arena, const char *path, uid_t owner, mode_t mode)
{
	database_make(arena, path, "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
	assert_false(file_exists(path, "-wal"));
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static const char *wal_make_crashed(struct arena *arena, const char *path, uid_t owner)
{
	const char *live = arena_printf(arena, "%s/live.db", folder);
	wal_make(arena, live, geteuid(), 0644);
	auto_sqlite writer = database_open(live);
	execute(writer, "CREATE TABLE u(b)");
	file_copy(live, path);
	file_copy(arena_printf(arena, "%s-wal", live), arena_printf(arena, "%s-wal", path));
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner) | chown(arena_printf(arena, "%s-wal", path), owner, owner), 0);
	return path;
}

// What another user reads: the tables, or the code of the error. The temporary folder must be empty afterwards.
static const char *read_as(struct arena *arena, uid_t user, const char *path, const char *temporary)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
			_exit(1);
		setenv("TMPDIR", temporary, 1);
		struct arena *own = arena_new();
		struct err err;
		auto_buf text = BUF_INIT;
		const struct version_query queries[] = { { "t", NULL, NULL }, { NULL } }; // transactions of their own
		const struct read_options options = { .lock_timeout_ms = 1, .versions = queries };
		struct snapshot *snapshot = sqlite_read(own, path, &options, &err);
		for (size_t i = 0; snapshot != NULL && i < snapshot->n_objects; i++)
			buf_addf(&text, "%s", snapshot->objects[i]->n_path == 1 ? snapshot->objects[i]->path[0] : "");
		buf_adds(&text, snapshot == NULL ? err.code : "");
		_exit(write(ends[1], text.data, text.length) == (ssize_t)text.length ? 0 : 1);
	}
	close(ends[1]);
	char text[128] = "";
	assert_true(read(ends[0], text, sizeof text - 1) >= 0);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return arena_strdup(arena, text);
}

// Whether the user can write to the database, in a process of their own.
static bool can_write(uid_t user, const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		if (geteuid() == 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
			_exit(1);
		_exit(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL,
			NULL) == SQLITE_OK &&
		              sqlite3_close(db) == SQLITE_OK ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

static void the_owner_reads_wal_in_place_and_can_still_write(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "own", 0755, geteuid());
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), geteuid(), 0644);
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	assert_true(can_write(geteuid(), path));
	assert_false(file_exists(path, "-wal")); // and their last connection takes away what we left
	const char *crashed = wal_make_crashed(arena, arena_printf(arena, "%s/y.db", place), geteuid());
	assert_int_equal(read_database(arena, crashed)->n_objects, 4);
	assert_true(can_write(geteuid(), crashed));
}

static void a_live_writer_is_read_beside(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = wal_make(arena, arena_printf(arena, "%s/beside.db", folder), geteuid(), 0644);
	auto_sqlite writer = database_open(path);
	execute(writer, "CREATE TABLE committed(a); BEGIN; CREATE TABLE uncommitted(a)");
	const struct snapshot *snapshot = read_database(arena, path);
	assert_int_equal(snapshot->n_objects, 4);
	assert_null(snapshot_find(snapshot, &kind_table, (const char *[]){ "uncommitted" }, 1));
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void what_root_leaves_is_the_owners(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "roots", 0755, NOBODY);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), NOBODY, 0600);
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	static const char *const suffixes[] = { "-wal", "-shm" };
	for (size_t i = 0; i < 2; i++) {
		struct stat status;
		if (stat(arena_printf(arena, "%s%s", path, suffixes[i]), &status) == 0)
			assert_int_equal(status.st_uid, NOBODY);
	}
	assert_true(can_write(NOBODY, path));
}

static void a_stranger_reads_a_private_copy(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *temporary = subfolder(arena, "temporary", 0700, NOBODY);
	static const mode_t modes[] = { 0755, 0777 }; // in a folder where anyone may make files it would be easy to leave some
	for (size_t i = 0; i < 2; i++) {
		const char *place = subfolder(arena, i == 0 ? "closed" : "open", modes[i], 0);
		const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), 0, 0644);
		const char *crashed = wal_make_crashed(arena, arena_printf(arena, "%s/y.db", place), 0);
		const char *before = folder_print(arena, place);
		assert_string_equal(read_as(arena, NOBODY, path, temporary), "t");
		assert_string_equal(read_as(arena, NOBODY, crashed, temporary), "tu"); // with what is only in the WAL
		assert_string_equal(folder_print(arena, place), before);
		assert_true(folder_is_empty(temporary));
		assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "wal");
		file_write(arena_printf(arena, "%s-journal", path), "\xd9\xd5\x05\xf9 not rolled back", 20);
		assert_string_equal(read_as(arena, NOBODY, path, temporary), "hot-journal");
	}
}

static void wal_in_an_unwritable_folder_is_copied(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *temporary = subfolder(arena, "temporary2", 0700, NOBODY), *place = subfolder(arena, "unwritable", 0755,
		0);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), NOBODY,
		0644); // its owner may not make files beside it
	const char *before = folder_print(arena, place);
	assert_string_equal(read_as(arena, NOBODY, path, temporary), "t");
	assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "wal");
	assert_string_equal(folder_print(arena, place), before);
}

static void a_stranger_reads_beside_a_live_writer(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "live", 0755, 0), *temporary = subfolder(arena, "temporary3", 0700, NOBODY);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), 0, 0644);
	auto_sqlite writer = database_open(path);
	execute(writer, "CREATE TABLE u(a)");
	assert_string_equal(read_as(arena, NOBODY, path, temporary), "tu");
	execute(writer, "CREATE TABLE w(a)");
	assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "tuw"); // in place: no copy is needed
}

static void an_unreadable_file_is_a_matter_of_permission(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "hidden", 0700, 0), *path = scratch_database(arena, "unreadable",
		"CREATE TABLE t(a)");
	assert_int_equal(chmod(path, 0600), 0);
	assert_string_equal(read_as(arena, NOBODY, path, "/tmp"), "permission");
	database_make(arena, arena_printf(arena, "%s/x.db", place), "CREATE TABLE t(a)");
	assert_string_equal(read_as(arena, NOBODY, arena_printf(arena, "%s/x.db", place), "/tmp"), "permission");
}

// The version table.

static const char versions_sql[] = "CREATE TABLE Schema_Migrations(version INT, name TEXT); INSERT INTO schema_migrations "
	"VALUES (2, 'b'), (1, NULL); "
                                   "CREATE TABLE other(x); CREATE VIEW flyway AS SELECT 1";

static void the_version_table_is_read(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "versions", versions_sql);
	static const char *const spellings[] = { "schema_migrations", "public.schema_migrations",
		"main.\"SCHEMA_MIGRATIONS\"" };
	for (size_t i = 0; i < 3; i++) {
		const struct version_query queries[] = { { .table = "flyway" }, { .table = "drizzle.other" },
			{ spellings[i], "version", NULL }, { NULL } };
		struct read_options options = { .versions = queries, .versions_only = i > 0 };
		const struct snapshot *snapshot = read_with(arena, path, &options);
		assert_string_equal(snapshot->version.name, "Schema_Migrations");
		assert_int_equal(snapshot->version.n_columns, 2);
		assert_string_equal(snapshot->version.columns[1], "name");
		assert_int_equal(snapshot->version.n_rows, 2);
		assert_string_equal(snapshot->version.rows[0][0], "1");
		assert_null(snapshot->version.rows[0][1]);
		assert_string_equal(snapshot->version.rows[1][1], "b");
		assert_int_equal(snapshot->n_objects, i > 0 ? 0 : 6);
	}
	const struct version_query missing[] = { { .table = "nothing" }, { NULL } };
	assert_null(read_with(arena, path, &(struct read_options){ .versions = missing })->version.name);
	const struct version_query wrong[] = { { .table = "a.b.c" }, { NULL } }, unordered[] = { { "schema_migrations",
		"installed_rank", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = wrong }, "version-table");
	assert_fails(path, &(struct read_options){ .versions = unordered }, "query");
}

// Statements that the caller's words would make of ours.
static void the_authorizer_lets_only_reading_pass(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "authorizer", versions_sql);
	const struct version_query loading[] = { { "other", "load_extension('x')", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = loading }, "query");
	const struct version_query endless[] = {
		{ "schema_migrations", "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM "
		  "n)", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = endless, .statement_timeout_ms = 20 }, "timeout");
}

// A writer that adds a version whenever the schema is about to be read, so often as it was told.
struct deploy {
	const char *path;
	int left;
};

static ssize_t deploy_step(void *cookie, const char *text, size_t n)
{
	struct deploy *deploy = cookie;
	if (memmem(text, n, "table_list", 10) == NULL || deploy->left-- <= 0)
		return (ssize_t)n;
	sqlite3 *db = database_open(deploy->path);
	execute(db, "INSERT INTO schema_migrations VALUES ((SELECT max(version) + 1 FROM schema_migrations), 'c')");
	sqlite3_close(db);
	return (ssize_t)n;
}

static struct snapshot *read_during(struct arena *arena, struct deploy *deploy, struct err *err)
{
	auto_file stream = fopencookie(deploy, "w", (cookie_io_functions_t){ .write = deploy_step });
	setvbuf(stream, NULL, _IONBF, 0);
	struct log log = { .stream = stream, .show_queries = true };
	const struct version_query queries[] = { { "schema_migrations", "version", NULL }, { NULL } };
	return sqlite_read(arena, deploy->path, &(struct read_options){ .log = &log, .versions = queries }, err);
}

static void a_deploy_in_flight_is_noticed(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = wal_make(arena, arena_printf(arena, "%s/deploy.db", folder), geteuid(), 0644);
	auto_sqlite db = database_open(path);
	execute(db, versions_sql);
	struct err err;
	const struct snapshot *snapshot = read_during(arena, &(struct deploy){ path, 1 }, &err);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->version.n_rows, 3);
	assert_null(read_during(arena, &(struct deploy){ path, 100 }, &err));
	assert_string_equal(err.code, "deploy-in-flight");
}

static void *read_often(void *path)
{
	auto_arena arena = arena_new();
	for (int i = 0; i < 20; i++) {
		struct err err;
		struct snapshot *snapshot = sqlite_read(arena, path, &(struct read_options){ 0 }, &err);
		if (snapshot == NULL || snapshot->n_objects != 2)
			return path;
	}
	return NULL;
}

static void threads_read_side_by_side(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		char *path = arena_printf(arena, "%s/thread%d.db", folder, i / 2);
		if (i % 2 == 0)
			wal_make(arena, path, geteuid(), 0644);
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, path), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failed;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void what_is_not_the_users_is_left_out(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = read_database(arena, scratch_database(arena, "own",
		"CREATE VIRTUAL TABLE f USING fts5(a); CREATE VIRTUAL TABLE g USING fts4(a); CREATE VIRTUAL TABLE r USING "
			"rtree(id, x, y); "
		"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE); CREATE TABLE f_mine(a); CREATE INDEX i ON "
			"t(b); INSERT INTO t(b) VALUES (1); ANALYZE"));
	auto_buf names = BUF_INIT;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (snapshot->objects[i]->kind == &kind_table || strcmp(snapshot->objects[i]->kind->name, "index") == 0)
			buf_addf(&names, "%s ", snapshot->objects[i]->path[snapshot->objects[i]->n_path - 1]);
	}
	assert_string_equal(names.data, "f f_mine g r t i ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_database_has_its_own_error),
		cmocka_unit_test(a_locked_file_is_locked),
		cmocka_unit_test(locks_of_this_process_survive_our_reading),
		cmocka_unit_test(a_hot_journal_is_left_to_a_writer),
		cmocka_unit_test(nothing_is_written),
		cmocka_unit_test(paths_are_taken_literally),
		cmocka_unit_test(the_schema_may_use_what_we_do_not_have),
		cmocka_unit_test(the_owner_reads_wal_in_place_and_can_still_write),
		cmocka_unit_test(a_live_writer_is_read_beside),
		cmocka_unit_test(what_root_leaves_is_the_owners),
		cmocka_unit_test(a_stranger_reads_a_private_copy),
		cmocka_unit_test(wal_in_an_unwritable_folder_is_copied),
		cmocka_unit_test(a_stranger_reads_beside_a_live_writer),
		cmocka_unit_test(an_unreadable_file_is_a_matter_of_permission),
		cmocka_unit_test(the_version_table_is_read),
		cmocka_unit_test(the_authorizer_lets_only_reading_pass),
		cmocka_unit_test(a_deploy_in_flight_is_noticed),
		cmocka_unit_test(threads_read_side_by_side),
		cmocka_unit_test(what_is_not_the_users_is_left_out),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
