// SPDX-License-Identifier: PostgreSQL
// The tap between real clients and a real server, held against a direct connection: what a client gets must be the same. (Queries of several
// statements are tap_split_test.c's, broken peers tap_fuzz_test.c's.)
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <pthread.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/digest.h"
#include "tests/tap_env.h"

// What a shell command prints. It finds the server, or the tap, in PGHOST and PGPORT.
static const char *shell(struct arena *arena, const struct tap *tap, const char *command)
{
	auto_buf output = BUF_INIT;
	char chunk[4096];
	const char *slash = strrchr(server_socket, '/');
	const char *host = tap != NULL ? tap_folder(tap) : arena_strndup(arena, server_socket, (size_t)(slash - server_socket));
	FILE *pipe = popen(arena_printf(arena, "export PGHOST='%s' PGPORT=%d PGUSER='%s' PGDATABASE='%s' PGCONNECT_TIMEOUT=60; { %s; } 2>&1",
	                                host, tap != NULL ? tap_port(tap) : 5432, user, database, command), "r");
	assert_non_null(pipe);
	for (size_t length; (length = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
		buf_add(&output, chunk, length);
	int status = pclose(pipe);
	buf_addf(&output, "exit %d\n", WEXITSTATUS(status));
	return buf_copy(&output, arena);
}

static void psql_sees_no_difference(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const commands[] = {
		"psql -X -c 'select 1 as a, null as b'",
		"psql -X -c 'create temp table t (a int, b text); insert into t values (1, $$x$$), (2, $$y$$); table t'",
		"psql -X -c 'select 1; select nothing; select 2'",
		"psql -X -v VERBOSITY=verbose -c 'select 1; select  1/0' | grep -v LOCATION",
		("(echo 'create temp table t (a int, b text);'; echo 'copy t from stdin;'; seq 1 20000 | sed 's/$/\\tx/'; echo '\\.'; "
		"echo 'select count(*), sum(a) from t;'; echo 'copy (select * from t order by a) to stdout;') | psql -X"),
		"(echo 'create temp table t (a int);'; echo 'copy t from stdin;'; echo 1; echo x; echo '\\.'; echo 'select count(*) from t;') | psql -X",
		"psql -X -c 'do $$begin raise notice $n$one$n$; raise warning $n$two$n$; end$$' -c 'begin' -c 'commit'",
		"psql -X -1 -c 'select 1' -c 'select 2'",
		"printf 'select 1 as a \\\\bind \\\\g\\n\\\\set FETCH_COUNT 10\\nselect generate_series(1, 35);\\n' | psql -X",
		"pg_dump --schema-only --no-owner | grep -v restrict",
	};
	for (int split = 0; split < 2; split++) {
		struct tap *tap = tapped_server(split);
		for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
			const char *direct = shell(arena, NULL, commands[i]), *through = shell(arena, tap, commands[i]);
			assert_string_equal(direct, through);
		}
		const char *tcp = shell(arena, tap, "psql -X -At -h localhost -c 'select inet_server_addr() is null, 7'");
		assert_string_equal(tcp, "t|7\nexit 0\n");
		size_t n;
		struct tapped *list = stopped(tap, arena, &n);
		assert_string_equal(find(list, n, "copy t from stdin;")->tag, "COPY 20000");
		const struct tapped *failed = find(list, n, split ? "select  1/0" : "select 1; select  1/0");
		assert_string_equal(failed->sqlstate, "22012");
		assert_true(failed->multiple && failed->tag == NULL);
	}
}

static void statements_are_recorded(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct tap *tap = tapped_server(false);
	{
		auto_pgconn conn = connected(tap, false);
		unsigned pid = (unsigned)PQbackendPID(conn);
		run(conn, "begin");
		run(conn, "create temp table t (a int primary key, b int references t deferrable initially deferred)");
		PQclear(PQexec(conn, "select nonsense"));
		run(conn, "rollback");
		PQclear(PQexec(conn, ""));
		PQclear(PQprepare(conn, "one", "select $1::int", 0, NULL));
		const char *const values[] = { "5" };
		PQclear(PQexecPrepared(conn, "one", 1, values, NULL, NULL, 0));
		PQclear(PQexecParams(conn, "select $1::int + 1", 1, NULL, values, NULL, NULL, 0));
		PQclear(PQexecParams(conn, "selec", 0, NULL, NULL, NULL, NULL, 0));
		PQclear(PQexecPrepared(conn, "one", 1, (const char *[]){ "x" }, NULL, NULL, 0));
		run(conn, "create temp table t (a int primary key, b int references t deferrable initially deferred)");
		PQclear(PQexecParams(conn, "insert into t values (1, 2)", 0, NULL, NULL, NULL, NULL, 0));
		auto_pgconn second = connected(tap, false);
		run(second, "select 2");
		static const struct {
			const char *sql, *tag, *sqlstate;
			char status;
		} wanted[] = {
			{ "begin", "BEGIN", NULL, 'T' },
			{ "create temp table t (a int primary key, b int references t deferrable initially deferred)", "CREATE TABLE", NULL, 'T' },
			{ "select nonsense", NULL, "42703", 'E' },
			{ "rollback", "ROLLBACK", NULL, 'I' },
			{ "", "", NULL, 'I' },
			{ "select $1::int", "SELECT 1", NULL, 'I' },
			{ "select $1::int + 1", "SELECT 1", NULL, 'I' },
			{ "selec", NULL, "42601", 'I' },
			{ "select $1::int", NULL, "22P02", 'I' },
			{ "create temp table t (a int primary key, b int references t deferrable initially deferred)", "CREATE TABLE", NULL, 'I' },
			{ "insert into t values (1, 2)", NULL, "23503", 'I' },
			{ "select 2", "SELECT 1", NULL, 'I' },
		};
		PQfinish(conn);
		PQfinish(second);
		conn = second = NULL;
		size_t n;
		struct tapped *list = stopped(tap, arena, &n);
		assert_int_equal(n, sizeof wanted / sizeof *wanted);
		for (size_t i = 0; i < n; i++) {
			assert_string_equal(list[i].sql, wanted[i].sql);
			assert_string_equal(list[i].tag == NULL ? "-" : list[i].tag, wanted[i].tag == NULL ? "-" : wanted[i].tag);
			assert_string_equal(list[i].sqlstate == NULL ? "-" : list[i].sqlstate, wanted[i].sqlstate == NULL ? "-" : wanted[i].sqlstate);
			assert_int_equal(list[i].status, wanted[i].status);
			assert_int_equal(list[i].client, i + 1 == n ? 2 : 1);
			assert_true(list[i].done_us >= list[i].sent_us && list[i].sent_us > 0);
			assert_true(i + 1 == n || list[i].server_pid == pid);
			assert_false(list[i].multiple || list[i].added);
		}
	}
}

static void pipeline(PGconn *conn, struct buf *text)
{
	assert_true(PQenterPipelineMode(conn));
	const char *const values[] = { "7" };
	PQsendQueryParams(conn, "create temp table p (a int)", 0, NULL, NULL, NULL, NULL, 0);
	PQsendPrepare(conn, "ins", "insert into p values ($1)", 0, NULL);
	for (int i = 0; i < 100; i++)
		PQsendQueryPrepared(conn, "ins", 1, values, NULL, NULL, 0);
	PQsendDescribePrepared(conn, "ins");
	PQpipelineSync(conn);
	PQsendQueryParams(conn, "select count(*) from p", 0, NULL, NULL, NULL, NULL, 0);
	PQsendQueryParams(conn, "select 1/0", 0, NULL, NULL, NULL, NULL, 0);
	PQsendQueryParams(conn, "select 'never'", 0, NULL, NULL, NULL, NULL, 0);
	PQpipelineSync(conn);
	PQsendQueryParams(conn, "select 'after'", 0, NULL, NULL, NULL, NULL, 0);
	PQsendFlushRequest(conn);
	PQsendQueryParams(conn, "selec", 0, NULL, NULL, NULL, NULL, 0);
	PQsendQueryParams(conn, "select 'never again'", 0, NULL, NULL, NULL, NULL, 0);
	PQpipelineSync(conn);
	for (int n_syncs = 0; n_syncs < 3;) {
		auto_pgresult result = PQgetResult(conn);
		if (result == NULL) {
			buf_adds(text, "-\n");
			continue;
		}
		n_syncs += PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		buf_addf(text, "%s %s %s", PQresStatus(PQresultStatus(result)), PQcmdStatus(result), PQresultErrorMessage(result));
		buf_addf(text, " %s\n", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	}
	assert_true(PQexitPipelineMode(conn));
}

static void extended_protocol_and_pipelines(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_pgconn plain = connected(NULL, false);
	auto_buf wanted = BUF_INIT;
	pipeline(plain, &wanted);
	for (int with_callbacks = 0; with_callbacks < 2; with_callbacks++) {
		struct calls calls = { .side = connected(NULL, false) };
		struct tap_request request = { .server_socket = server_socket, .argument = &calls, .before = with_callbacks ? before : NULL,
		                               .after = with_callbacks ? after : NULL };
		struct err err;
		struct tap *tap = tap_start(&request, &err);
		assert_non_null(tap);
		auto_buf got = BUF_INIT;
		{
			auto_pgconn conn = connected(tap, true);
			pipeline(conn, &got);
			// COPY behind an Execute, whose Sync the server passes over
			run(conn, "create temp table c (a int)");
			PQclear(PQexecParams(conn, "copy c from stdin", 0, NULL, NULL, NULL, NULL, 0));
			assert_int_equal(PQputCopyData(conn, "1\n2\n", 4), 1);
			assert_int_equal(PQputCopyEnd(conn, NULL), 1);
			auto_pgresult copied = PQgetResult(conn);
			buf_addf(&got, "%s\n", PQcmdStatus(copied));
			assert_null(PQgetResult(conn));
			PQclear(PQexecParams(conn, "copy c from stdin", 0, NULL, NULL, NULL, NULL, 0));
			assert_int_equal(PQputCopyData(conn, "x\n", 2), 1);
			assert_int_equal(PQputCopyEnd(conn, NULL), 1);
			PQclear(PQgetResult(conn));
			PQclear(PQgetResult(conn));
			assert_string_equal(value(arena, conn, "select count(*) from c"), "2");
		}
		buf_adds(&wanted, with_callbacks ? "" : "COPY 2\n");
		assert_string_equal(got.data, wanted.data);
		size_t n;
		struct tapped *list = stopped(tap, arena, &n);
		PQfinish(calls.side);
		int n_inserts = 0;
		for (size_t i = 0; i < n; i++) {
			n_inserts += strcmp(list[i].sql, "insert into p values ($1)") == 0 && strcmp(list[i].tag, "INSERT 0 1") == 0;
			assert_null(strstr(list[i].sql, "never"));
		}
		assert_int_equal(n_inserts, 100);
		assert_int_equal(find(list, n, "create temp table p (a int)")->status, 'I');
		assert_string_equal(find(list, n, "select 1/0")->sqlstate, "22012");
		assert_string_equal(find(list, n, "selec")->sqlstate, "42601");
		assert_null(find(list, n, "selec")->tag);
		assert_int_equal(calls.n_before, with_callbacks ? n : 0);
		assert_int_equal(calls.n_after, with_callbacks ? n : 0);
		assert_false(calls.overlapped);
		assert_true(calls.saw_locks == with_callbacks);
	}
}

static void cancel_reaches_its_backend(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	for (int tcp = 0; tcp < 2; tcp++) {
		struct tap *tap = tapped_server(true);
		{
			auto_pgconn conn = connected(tap, tcp);
			auto_pgconn side = connected(NULL, false);
			char why[256];
			assert_true(PQsendQuery(conn, "select 1; select pg_sleep(600)"));
			const char *sleeps = arena_printf(arena, "select count(*) from pg_stat_activity where pid = %d and wait_event = 'PgSleep'", PQbackendPID(conn));
			while (strcmp(value(arena, side, sleeps), "1") != 0)
				clock_sleep_ms(5);
			PGcancel *cancel = PQgetCancel(conn);
			assert_true(PQcancel(cancel, why, sizeof why));
			PQfreeCancel(cancel);
			auto_pgresult first = PQgetResult(conn);
			auto_pgresult second = PQgetResult(conn);
			assert_int_equal(PQresultStatus(first), PGRES_TUPLES_OK);
			assert_string_equal(PQresultErrorField(second, PG_DIAG_SQLSTATE), "57014");
			assert_null(PQgetResult(conn));
			assert_string_equal(value(arena, conn, "select 5"), "5");
		}
		size_t n;
		struct tapped *list = stopped(tap, arena, &n);
		assert_string_equal(find(list, n, "select pg_sleep(600)")->sqlstate, "57014");
		assert_int_equal(list[n - 1].client, 1); // the cancel request is no client
	}
}

// All that a query gives, row by row, as a digest.
static void digest_of(PGconn *conn, const char *sql, char hex[DIGEST_SHA256_HEX])
{
	auto_buf text = BUF_INIT;
	assert_true(PQsendQuery(conn, sql));
	assert_true(PQsetSingleRowMode(conn));
	for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result)) {
		if (PQresultStatus(result) != PGRES_SINGLE_TUPLE && PQresultStatus(result) != PGRES_TUPLES_OK)
			fail_msg("%s", PQresultErrorMessage(result));
		for (int row = 0; row < PQntuples(result); row++) {
			for (int column = 0; column < PQnfields(result); column++)
				buf_add(&text, PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column) + 1);
		}
	}
	digest_sha256_hex(text.data, text.length, hex);
}

static void large_rows_and_many_rows(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const queries[] = {
		"select string_agg(md5(i::text), '') from generate_series(1, 50 * 32768) i", // 50 MB
		"select i, md5(i::text), repeat('x', i % 50) from generate_series(1, 100000) i",
	};
	struct tap *tap = tapped_server(true);
	{
		auto_pgconn direct = connected(NULL, false);
		auto_pgconn through = connected(tap, false);
		auto_pgconn tcp = connected(tap, true);
		for (size_t i = 0; i < 2; i++) {
			char wanted[DIGEST_SHA256_HEX], got[DIGEST_SHA256_HEX];
			digest_of(direct, queries[i], wanted);
			digest_of(through, queries[i], got);
			assert_string_equal(wanted, got);
			digest_of(tcp, queries[i], got);
			assert_string_equal(wanted, got);
		}
		// and the other way: a parameter, and a statement that is longer than what is recorded
		auto_buf large = BUF_INIT;
		for (int i = 0; i < 1000000; i++)
			buf_addf(&large, "%d,", i);
		char wanted[DIGEST_SHA256_HEX];
		digest_sha256_hex(large.data, large.length, wanted);
		auto_pgresult result = PQexecParams(through, "select encode(sha256(convert_to($1, 'UTF8')), 'hex')", 1, NULL,
		                                    (const char *[]){ large.data }, NULL, NULL, 0);
		assert_string_equal(PQgetvalue(result, 0, 0), wanted);
		const char *sql = arena_printf(arena, "select encode(sha256('%s'), 'hex'); select 2", large.data);
		auto_pgresult second = PQexec(through, sql);
		assert_string_equal(PQgetvalue(second, 0, 0), "2");
		assert_string_equal(value(arena, through, arena_printf(arena, "select encode(sha256('%s'), 'hex')", large.data)), wanted);
	}
	size_t n;
	stopped(tap, arena, &n);
}

static long resident_kb(void)
{
	long pages = 0;
	auto_file file = fopen("/proc/self/statm", "r");
	assert_true(fscanf(file, "%*d %ld", &pages) == 1);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// A client that does not read makes the server wait, not the tap grow.
static void slow_reader_stops_the_server(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct tap *tap = tapped_server(false);
	{
		auto_pgconn side = connected(NULL, false);
		long before_kb = resident_kb();
		auto_fd fd = raw_connect(arena_printf(arena, "%s/.s.PGSQL.%d", tap_folder(tap), tap_port(tap)), user, database);
		static const char sql[] = "select repeat('x', 100000000)";
		unsigned pid = raw_until(fd, 'Z');
		raw_send(fd, 'Q', sql, sizeof sql);
		const char *waits = arena_printf(arena, "select count(*) from pg_stat_activity where pid = %u and wait_event = 'ClientWrite'", pid);
		for (int n_seen = 0; n_seen < 20; clock_sleep_ms(5))
			n_seen = strcmp(value(arena, side, waits), "1") == 0 ? n_seen + 1 : 0;
		assert_true(resident_kb() - before_kb < 32 * 1024);
	}
	size_t n;
	struct tapped *list = stopped(tap, arena, &n);
	assert_int_equal(n, 1);
	assert_null(list[0].tag);
}

static void scram_authentication(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_pgconn admin = PQconnectdb(scratch_conninfo(scratch, true));
	run(admin, "set password_encryption = 'scram-sha-256'");
	run(admin, "create role scrammed login password 'the secret'");
	run(admin, arena_printf(arena, "copy (select unnest(array['local all scrammed scram-sha-256', 'local all all trust'])) to '%s'",
	                        value(arena, admin, "show hba_file")));
	run(admin, "select pg_reload_conf()");
	struct tap *tap = tapped_server(true);
	const char *base = arena_printf(arena, "user=scrammed dbname=%s port=%d", database, tap_port(tap));
	for (int i = 0; i < 3000; i++) { // until the server has read it
		auto_pgconn conn = PQconnectdb(arena_printf(arena, "%s host=%s password=wrong", base, tap_folder(tap)));
		if (PQstatus(conn) != CONNECTION_OK)
			break;
		clock_sleep_ms(10);
	}
	{
		auto_pgconn wrong = PQconnectdb(arena_printf(arena, "%s host=%s password=wrong", base, tap_folder(tap)));
		assert_non_null(strstr(PQerrorMessage(wrong), "password authentication failed"));
		auto_pgconn right = PQconnectdb(arena_printf(arena, "%s host=%s password='the secret'", base, tap_folder(tap)));
		assert_string_equal(value(arena, right, "select current_user"), "scrammed");
		auto_pgconn tcp = PQconnectdb(arena_printf(arena, "%s host=127.0.0.1 password='the secret'", base));
		assert_string_equal(value(arena, tcp, "select current_user"), "scrammed");
		auto_pgconn ssl = PQconnectdb(arena_printf(arena, "%s host=127.0.0.1 password='the secret' sslmode=require", base));
		assert_int_equal(PQstatus(ssl), CONNECTION_BAD);
	}
	size_t n;
	struct tapped *list = stopped(tap, arena, &n);
	assert_int_equal(n, 2);
	assert_null(strstr(list[0].sql, "secret"));
	run(admin, "drop role scrammed");
}

struct worker {
	pthread_t thread;
	const struct tap *tap;
	int number;
	bool ok;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	auto_arena arena = arena_new();
	auto_pgconn conn = PQconnectdb(arena_printf(arena, "%s host=%s port=%d", scratch_conninfo(scratch, false), tap_folder(worker->tap),
	                                            tap_port(worker->tap)));
	worker->ok = PQstatus(conn) == CONNECTION_OK;
	for (int i = 0; worker->ok && i < 200; i++) {
		const char *sql = arena_printf(arena, i % 2 == 0 ? "select %d" : "select 0; select %d", worker->number * 1000 + i);
		auto_pgresult result = PQexec(conn, sql);
		worker->ok = PQntuples(result) == 1 && atoi(PQgetvalue(result, 0, 0)) == worker->number * 1000 + i;
	}
	return NULL;
}

static void eight_clients_at_once(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct tap *tap = tapped_server(true);
	struct worker workers[8] = { 0 };
	for (int i = 0; i < 8; i++) {
		workers[i] = (struct worker){ .tap = tap, .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < 8; i++)
		assert_true(workers[i].ok);
	size_t n;
	struct tapped *list = stopped(tap, arena, &n);
	assert_int_equal(n, 8 * (100 + 100 * 4));
	for (size_t i = 0; i < n; i++)
		assert_true(list[i].tag != NULL && (i == 0 || list[i].sent_us >= list[i - 1].sent_us));
}

static void stop_does_not_wait_if_told_so(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct tap *tap = tapped_server(false);
	auto_pgconn conn = connected(tap, false);
	char folder[128];
	snprintf(folder, sizeof folder, "%s", tap_folder(tap));
	assert_true(PQsendQuery(conn, "select pg_sleep(600)"));
	auto_pgconn side = connected(NULL, false);
	const char *sleeps = arena_printf(arena, "select count(*) from pg_stat_activity where pid = %d and wait_event = 'PgSleep'", PQbackendPID(conn));
	while (strcmp(value(arena, side, sleeps), "1") != 0)
		clock_sleep_ms(5);
	struct err err;
	size_t n;
	struct tapped *list = tap_stop(tap, arena, false, &n, &err);
	assert_int_equal(n, 1);
	assert_true(list[0].tag == NULL && list[0].error == NULL && list[0].done_us > list[0].sent_us);
	assert_int_equal(access(folder, F_OK), -1);
	PQclear(PQgetResult(conn));
	assert_int_equal(PQstatus(conn), CONNECTION_BAD);
	run(side, "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
}

static void server_that_is_not_there(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct tap_request request = { .server_socket = "/nonexistent/.s.PGSQL.5432" };
	struct err err;
	struct tap *tap = tap_start(&request, &err);
	assert_non_null(tap);
	auto_pgconn conn = PQconnectdb(arena_printf(arena, "user=x host=%s port=%d", tap_folder(tap), tap_port(tap)));
	assert_non_null(strstr(PQerrorMessage(conn), "the server of the clone takes no connection"));
	size_t n;
	stopped(tap, arena, &n);
	assert_int_equal(n, 0);
	char longer[200];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	request.server_socket = longer;
	assert_null(tap_start(&request, &err));
	assert_string_equal(err.code, "tap");
}

// The port is open to everybody on the machine; the clone is not.
static void strangers_are_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	auto_arena arena = arena_new();
	struct tap *tap = tapped_server(false);
	const char *conninfo = arena_printf(arena, "%s host=127.0.0.1 port=%d", scratch_conninfo(scratch, false), tap_port(tap));
	pid_t child = fork();
	if (child == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		PGconn *conn = PQconnectdb(conninfo);
		_exit(PQstatus(conn) == CONNECTION_OK ? 2 : strstr(PQerrorMessage(conn), "nobody but the user") != NULL ? 0 : 3);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	size_t n;
	stopped(tap, arena, &n);
	assert_int_equal(status, 0);
}

int main(void)
{
	test_folder_make();
	int missing = postgresql_missing();
	if (missing != 0) {
		test_folder_remove();
		return missing;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psql_sees_no_difference),
		cmocka_unit_test(statements_are_recorded),
		cmocka_unit_test(extended_protocol_and_pipelines),
		cmocka_unit_test(cancel_reaches_its_backend),
		cmocka_unit_test(large_rows_and_many_rows),
		cmocka_unit_test(slow_reader_stops_the_server),
		cmocka_unit_test(scram_authentication),
		cmocka_unit_test(eight_clients_at_once),
		cmocka_unit_test(stop_does_not_wait_if_told_so),
		cmocka_unit_test(server_that_is_not_there),
		cmocka_unit_test(strangers_are_refused),
	};
	int failed = cmocka_run_group_tests(tests, open_scratch, close_scratch);
	test_folder_remove();
	return failed;
}
