// SPDX-License-Identifier: PostgreSQL
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "introspect/pg.h"
#include "migrations/cluster.h"
#include "migrations/roles.h"
#include "tests/scratch_env.h"

static struct scratch_settings settings;

static struct scratch *opened(int major)
{
	struct err err;
	struct scratch *scratch = scratch_open(&settings, ENGINE_POSTGRESQL, major, &err);
	if (scratch == NULL)
		fail_msg("%s: %s (%s)", err.code, err.text, err.hint);
	return scratch;
}

// The first value of a query's result, or its SQLSTATE.
static const char *ask(struct arena *arena, const char *conninfo, const char *sql)
{
	auto_pgconn conn = PQconnectdb(conninfo);
	auto_pgresult result = PQexec(conn, sql);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return arena_strdup(arena, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return arena_strdup(arena, state != NULL ? state : PQstatus(conn) == CONNECTION_OK ? "" : "no connection");
}

static void cluster_starts_and_goes(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct scratch *scratch = opened(0);
	const char *owner = scratch_conninfo(scratch, false), *superuser = scratch_conninfo(scratch, true);
	const char *super = ask(arena, owner, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user");
	const char *super_too = ask(arena, superuser, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
	const char *makes = ask(arena, owner, "CREATE TABLE t (id int); CREATE SCHEMA s; COMMENT ON EXTENSION plpgsql IS ''; "
	                                      "CREATE EXTENSION citext; COMMENT ON SCHEMA public IS ''; SELECT 'made'");
	const char *privilege = ask(arena, owner, "CREATE ROLE r");
	const char *program = ask(arena, owner, "COPY t FROM PROGRAM 'true'");
	const char *locale = ask(arena, owner, "SELECT current_setting('server_encoding') || current_setting('TimeZone')");
	const char *major = ask(arena, owner, "SELECT current_setting('server_version_num')::int / 10000");
	bool same_major = atoi(major) == scratch_major(scratch);
	char folder[128];
	int n = scratch_folders(folder, sizeof folder);
	struct stat is;
	bool private = stat(folder, &is) == 0 && (is.st_mode & 0777) == 0700;
	scratch_close(scratch);
	assert_string_equal(super, "f");
	assert_string_equal(super_too, "t");
	assert_string_equal(makes, "made");
	assert_string_equal(privilege, "42501");
	assert_string_equal(program, "42501");
	assert_string_equal(locale, "UTF8UTC");
	assert_true(same_major);
	assert_int_equal(n, 1);
	assert_true(private);
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

// The environment's connection variables are for the environments.
static void environment_is_overridden(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const variables[][2] = {
		{ "PGHOSTADDR", "192.0.2.1" }, { "PGOPTIONS", "-c search_path=nowhere" }, { "PGSSLMODE", "verify-full" },
		{ "PGUSER", "stranger" }, { "PGTARGETSESSIONATTRS", "read-only" }, { "PGDATABASE", "elsewhere" },
	};
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		setenv(variables[i][0], variables[i][1], 1);
	struct err err;
	struct scratch *scratch = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	const char *path = scratch == NULL ? err.text : ask(arena, scratch_conninfo(scratch, false), "SHOW search_path");
	scratch_close(scratch);
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i][0]);
	assert_string_equal(path, "\"$user\", public");
}

// The server's pid, from its pid file.
static pid_t postmaster_of(struct arena *arena, const char *folder)
{
	auto_file file = fopen(arena_printf(arena, "%s/data/postmaster.pid", folder), "r");
	int pid = 0;
	return file != NULL && fscanf(file, "%d", &pid) == 1 ? pid : 0;
}

static bool ends(pid_t pid)
{
	char program[64], target[16];
	snprintf(program, sizeof program, "/proc/%d/exe", (int)pid);
	for (int i = 0; i < 3000; i++) {
		if (readlink(program, target, sizeof target) < 0) // gone, or a zombie that nobody collects
			return true;
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	return false;
}

// A child that opens a scratch, says so and sleeps.
static pid_t child_with_scratch(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		struct err err;
		close(ready[0]);
		if (scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err) == NULL || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ssize_t n = read(ready[0], &byte, 1);
	close(ready[0]);
	assert_int_equal(n, 1);
	return child;
}

static void killed_run_leaves_no_server(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	char folder[128] = "";
	pid_t child = child_with_scratch();
	int n = scratch_folders(folder, sizeof folder);
	pid_t postmaster = postmaster_of(arena, folder);
	scratch_sweep(NULL); // it is in use
	bool kept = postmaster > 0 && kill(postmaster, 0) == 0 && scratch_folders(NULL, 0) == 1;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	bool ended = postmaster > 0 && ends(postmaster);
	scratch_sweep(NULL);
	assert_int_equal(n, 1);
	assert_true(kept);
	assert_true(ended);
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

// A server that outlived its run (its tie to it was lost) is ended by the sweep.
static void sweep_ends_a_server(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	char folder[128] = "";
	struct scratch *scratch = opened(0);
	scratch_folders(folder, sizeof folder);
	pid_t postmaster = postmaster_of(arena, folder);
	const char *lock = arena_printf(arena, "%s/driftcheck.lock", folder);
	bool renewed = unlink(lock) == 0 && close(open(lock, O_CREAT | O_WRONLY, 0600)) == 0; // as if its owner were gone
	scratch_sweep(NULL);
	int status;
	bool ended = waitpid(postmaster, &status, 0) == postmaster;
	bool gone = access(folder, F_OK) != 0;
	scratch_close(scratch);
	assert_true(renewed);
	assert_true(ended);
	assert_true(gone);
}

// The same as a user without rights, with a cache and temporary folder of its own.
static void works_as_a_plain_user(void **state)
{
	(void)state;
	const struct passwd *nobody = getpwnam("nobody");
	if (geteuid() != 0 || nobody == NULL)
		skip();
	auto_arena arena = arena_new();
	const char *home = arena_printf(arena, "%s/home", test_folder);
	assert_true(mkdir(home, 0700) == 0 && chown(home, nobody->pw_uid, nobody->pw_gid) == 0);
	uid_t uid = nobody->pw_uid;
	gid_t gid = nobody->pw_gid;
	pid_t child = fork();
	if (child == 0) {
		setenv("TMPDIR", home, 1);
		setenv("XDG_CACHE_HOME", home, 1);
		struct err err = { "" };
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
			_exit(2);
		struct scratch *scratch = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
		if (scratch == NULL)
			fprintf(stderr, "%s\n", err.text);
		bool works = scratch != NULL && strcmp(ask(arena, scratch_conninfo(scratch, false), "SELECT 'yes'"), "yes") == 0;
		scratch_close(scratch);
		_exit(works ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void nearest_major_is_taken(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct binaries found, exact, far;
	struct err err;
	assert_true(binaries_find(arena, NULL, 0, &found, &err));
	assert_true(binaries_find(arena, NULL, found.major, &exact, &err));
	assert_int_equal(exact.major, found.major);
	assert_true(binaries_find(arena, NULL, 99, &far, &err)); // nothing reaches it: the newest
	assert_int_equal(far.major, found.major);
	assert_false(binaries_find(arena, "/nonexistent", 0, &far, &err));
	assert_string_equal(err.code, "scratch");
	assert_non_null(strstr(binaries_extensions(arena, &found), "plpgsql.control"));
}

static void roles_can_be_made(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct scratch *scratch = opened(0);
	struct err err = { "" };
	bool made = scratch_make_role(scratch, "App reader", &err) && scratch_make_role(scratch, "App reader", &err);
	const char *uses = ask(arena, scratch_conninfo(scratch, false),
	                       "CREATE TABLE t (id int); ALTER TABLE t OWNER TO \"App reader\"; SELECT tableowner FROM pg_tables "
	                       "WHERE tablename = 't'");
	const char *login = ask(arena, scratch_conninfo(scratch, false), "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'App reader'");
	scratch_close(scratch);
	assert_true(made);
	assert_string_equal(uses, "App reader");
	assert_string_equal(login, "f");
}

static void allowed_extensions_are_elevated(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct scratch_settings allowing = settings;
	allowing.extensions = (const char *const[]){ "contrib", NULL };
	struct err err = { "" };
	struct scratch *scratch = scratch_open(&allowing, ENGINE_POSTGRESQL, 0, &err);
	assert_non_null(scratch);
	bool elevated = false, done = scratch_elevate(scratch, &elevated, &err) && scratch_elevate(scratch, &elevated, &err);
	const char *owner = scratch_conninfo(scratch, false);
	const char *plain = ask(arena, owner, "CREATE EXTENSION pg_buffercache");
	const char *through = ask(arena, owner, "CREATE SCHEMA ext; SELECT driftcheck_create_extension('pg_buffercache', 'ext', NULL, "
	                                        "false, false, current_schema()); COMMENT ON EXTENSION pg_buffercache IS 'mine'; "
	                                        "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pg_buffercache'");
	const char *path = ask(arena, owner, "SELECT driftcheck_create_extension('pageinspect', NULL, NULL, true, false, current_schema()); "
	                                     "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pageinspect'");
	const char *other = ask(arena, owner, "SELECT driftcheck_create_extension('plpython3u', NULL, NULL, true, false, 'public')");
	scratch_close(scratch);
	assert_true(done);
	assert_true(elevated);
	assert_string_equal(plain, "42501");
	assert_string_equal(through, "ext");
	assert_string_equal(path, "public");
	assert_string_equal(other, "42501");
	assert_true(scratch_allows(&allowing, "dblink"));
	assert_false(scratch_allows(&allowing, "postgis"));
	assert_false(scratch_allows(&settings, "dblink"));
}

// A database on a server that somebody gives: here another scratch's.
static void url_lends_a_database(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct scratch *server = opened(0);
	const char *superuser = scratch_conninfo(server, true);
	struct scratch_settings lent = settings;
	lent.url = superuser;
	struct err err = { "" };
	ask(arena, superuser, "CREATE DATABASE template0 IS_TEMPLATE true"); // which our own clusters do without
	// left by a run that was killed, and one that only looks like it
	ask(arena, superuser, "CREATE DATABASE driftcheck_0123456789abcdef");
	ask(arena, superuser, "COMMENT ON DATABASE driftcheck_0123456789abcdef IS 'driftcheck scratch, made from driftcheck'");
	ask(arena, superuser, "CREATE DATABASE driftcheck_fedcba9876543210");
	struct scratch *scratch = scratch_open(&lent, ENGINE_POSTGRESQL, 0, &err);
	const char *left = ask(arena, superuser, "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ '^driftcheck_(0123|fedc)'");
	const char *is_super = "", *makes = "", *rest = "", *roles = "";
	bool made = false;
	if (scratch != NULL) {
		made = scratch_make_role(scratch, "app", &err);
		is_super = ask(arena, scratch_conninfo(scratch, false), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
		makes = ask(arena, scratch_conninfo(scratch, false),
		            "CREATE TABLE t (id int); ALTER TABLE t OWNER TO app; SELECT 'made'");
	}
	scratch_close(scratch);
	rest = ask(arena, superuser, "SELECT count(*) FROM pg_database");
	roles = ask(arena, superuser, "SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'");
	// a role that may do nothing is refused
	ask(arena, superuser, "CREATE ROLE plain LOGIN");
	lent.url = arena_printf(arena, "%s user=plain", superuser);
	struct err refused = { "" };
	struct scratch *none = scratch_open(&lent, ENGINE_POSTGRESQL, 0, &refused);
	// one that may make databases is plain enough itself
	ask(arena, superuser, "ALTER ROLE plain CREATEDB");
	struct scratch *plain = scratch_open(&lent, ENGINE_POSTGRESQL, 0, &err);
	const char *owner = plain == NULL ? err.text : ask(arena, scratch_conninfo(plain, false), "SELECT current_user");
	scratch_close(plain);
	scratch_close(server);
	assert_string_equal(left, "driftcheck_fedcba9876543210");
	assert_true(made);
	assert_string_equal(is_super, "f");
	assert_string_equal(makes, "made");
	assert_string_equal(rest, "4"); // driftcheck, template0, template1, and the one that only looked like ours
	assert_string_equal(roles, "2");
	assert_null(none);
	assert_string_equal(refused.code, "scratch");
	assert_string_equal(owner, "plain");
}

static void sqlite_is_a_file(void **state)
{
	(void)state;
	struct err err;
	struct scratch *scratch = scratch_open(&settings, ENGINE_SQLITE, 0, &err);
	assert_non_null(scratch);
	bool there = access(scratch_conninfo(scratch, false), R_OK) == 0;
	scratch_close(scratch);
	assert_true(there);
	assert_int_equal(scratch_folders(NULL, 0), 0);
}

static void roles_are_found(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct role_list named = { 0 }, created = { 0 }, guarded = { 0 };
	roles_find(arena,
	           "CREATE ROLE made LOGIN; CREATE USER MAPPING FOR mapped SERVER s;\n"
	           "GRANT SELECT ON t TO reader, \"Read-Er\" WITH GRANT OPTION; REVOKE ALL ON SCHEMA public FROM PUBLIC, loser;\n"
	           "ALTER TABLE a OWNER TO boss; ALTER TABLE a RENAME TO b; -- GRANT x TO comment\n"
	           "CREATE POLICY p ON t FOR SELECT TO seer USING (x = 'GRANT y TO string'); ALTER POLICY p ON t RENAME TO q;\n"
	           "ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA public GRANT SELECT ON TABLES TO taker;\n"
	           "SET ROLE changed; SET LOCAL ROLE 'string'; SET ROLE NONE; CREATE SCHEMA AUTHORIZATION patron;\n"
	           "ALTER SEQUENCE s OWNED BY t.id; GRANT SELECT ON t TO CURRENT_USER; GRANT pg_monitor TO watcher;\n"
	           "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'late') THEN CREATE ROLE late; END IF;\n"
	           "GRANT USAGE ON SCHEMA public TO inner_role; END $$;",
	           &named, &created, &guarded);
	static const char *const want[] = { "Read-Er", "boss", "changed", "inner_role", "loser", "maker", "mapped", "patron", "reader", "seer",
	                                    "string", "taker", "watcher" };
	for (size_t i = 0; i < named.n && i < sizeof want / sizeof *want; i++)
		assert_string_equal(named.names[i], want[i]);
	assert_int_equal(named.n, sizeof want / sizeof *want);
	assert_int_equal(created.n, 1);
	assert_string_equal(created.names[0], "made");
	assert_int_equal(guarded.n, 1);
	assert_string_equal(guarded.names[0], "late");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_found), cmocka_unit_test(sqlite_is_a_file), cmocka_unit_test(nearest_major_is_taken),
		cmocka_unit_test(cluster_starts_and_goes), cmocka_unit_test(environment_is_overridden),
		cmocka_unit_test(killed_run_leaves_no_server), cmocka_unit_test(sweep_ends_a_server),
		cmocka_unit_test(works_as_a_plain_user), cmocka_unit_test(roles_can_be_made),
		cmocka_unit_test(allowed_extensions_are_elevated), cmocka_unit_test(url_lends_a_database),
	};
	int missing = postgresql_missing();
	if (missing != 0)
		return missing;
	test_folder_make();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_folder_remove();
	return failed;
}
