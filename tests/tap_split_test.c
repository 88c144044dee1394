// SPDX-License-Identifier: PostgreSQL
// A Query of several statements through the tap, played one by one: its answers must be those of one Query, byte by byte.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/tap_env.h"

// What the server answers to a Query, from the bytes on the wire, without the place in its source (F, L, R): the
// implicit transaction is ended elsewhere in it than an explicit one.
static const char *answers(struct arena *arena, int fd, const char *sql)
{
	raw_send(fd, 'Q', sql, strlen(sql) + 1);
	auto_buf text = BUF_INIT;
	for (char type = 0; type != 'Z';) {
		auto_buf body = BUF_INIT;
		type = raw_receive(fd, &body);
		if (type == 0)
			fail_msg("the connection ended in: %s\n%s", sql, text.data);
		if (type == 'S')
			continue; // parameters are told with each statement's ReadyForQuery
		buf_addf(&text, "%c", type);
		const char *field = body.data;
		if (type == 'E' || type == 'N') {
			for (; *field != '\0'; field += strlen(field) + 1) {
				if (strchr("FLR", *field) == NULL)
					buf_addf(&text, " %s", field);
			}
		} else {
			if (type == 'T') { // without the tables' OIDs
				for (char *column = body.data + 2; column < body.data + body.length; column += 18)
					memset(column += strlen(column) + 1, 0, 4);
			}
			for (size_t i = type == 'A' ? 4 : 0; i < body.length; i++) // a notification without its backend's pid
				buf_addf(&text, (unsigned char)body.data[i] >= ' ' ? "%c" : "\\%d", (unsigned char)body.data[i]);
		}
		buf_addc(&text, '\n');
		if (type == 'G') {
			static const char row[] = "1\n2\n";
			raw_send(fd, 'd', row, strlen(row));
			raw_send(fd, 'c', NULL, 0);
		}
	}
	return buf_copy(&text, arena);
}

static void split_answers_as_one_query(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const texts[] = {
		"select 1; select 2; select 3",
		"create table a (x int); insert into a values (1), (2); select x from a order by x; drop table a;",
		"-- first\nselect 1; /* second; */ select 'a;b' as x; select $$;$$ -- third",
		"create table a (x int); select 1/0; create table b (x int)",
		"create table a (x int); select nothing",
		"select 'äöü€'; select 'ß', nothing; select 1",
		"begin; create table a (x int); commit",
		"begin; create table a (x int); commit; create table b (x int); create table b (x int)",
		"create table a (x int); begin; create table b (x int)",
		"create table a (x int); begin isolation level serializable; create table b (x int)",
		"create table a (x int); begin; select 1/0; create table b (x int)",
		"create table a (x int); commit; create table b (x int); select 1/0",
		"create table a (x int); rollback; create table b (x int)",
		"create table a (x int); savepoint s; create table b (x int)",
		"create table a (x int); release s",
		"create table a (x int); rollback to s",
		"create table a (x int); commit and chain; create table b (x int)",
		"create table a (x int); commit and no chain; create table b (x int)",
		"create table a (x int); rollback and chain",
		"savepoint s; select 1",
		"commit; select 1",
		"rollback; create table a (x int)",
		"begin; savepoint s; create table a (x int); rollback to s; create table b (x int); release s; end; select 1",
		"begin; begin; select 1; commit; commit",
		"start transaction read only; create table a (x int); commit",
		"begin; select 1/0; commit; create table b (x int)",
		"create table a (x int); create index concurrently on a (x)",
		"create table a (x int); vacuum",
		"select 1; commit prepared 'x'",
		"create table a (x int primary key, y int references a deferrable initially deferred); insert into a values (1, 2)",
		"create table a (x int); copy a from stdin; copy a to stdout; select sum(x) from a",
		"create table a (x int primary key); copy a from stdin; copy a from stdin; select 1",
		"do $$begin raise notice 'one'; end$$; do $$begin raise warning 'two'; end$$; select 1",
		"do $$begin commit; end$$; select 1",
		"lock table pg_class in access share mode; declare c cursor for values (1), (2), (3); fetch 2 from c; fetch all from c",
		"set local work_mem = '9MB'; show work_mem; set work_mem = '10MB'; reset work_mem",
		"listen x; notify x; select 1",
		"create table a (x int); analyze a; select count(*) from a; drop table if exists b; drop table a",
		"select txid_current() = txid_current(); select count(distinct now()) from (values (1), (2)) v",
		"begin; select 1",
		"create function f() returns int begin atomic select 1; select 2; end; select f()",
		"set transaction isolation level serializable; show transaction_isolation",
		";;;select 1;;;select 2;;;",
		// compared from the error on, which the server would have found earlier, or after a warning
		"select 1; selct 2",
		"create table a (x int primary key, y int references a deferrable initially deferred); insert into a values (1, 2); commit; select 1",
	};
	enum { N_TEXTS = sizeof texts / sizeof *texts, N_FROM_ERROR = 2 };
	// what the session is in before, and what is looked at afterwards
	static const char *const before[] = { "select", "begin", "begin; select 1/0" };
	static const char reset[] = "rollback; drop schema if exists s cascade; create schema s; set search_path = s; reset work_mem; unlisten *";
	static const char look[] = "commit; select relname from pg_class where relnamespace = 's'::regnamespace order by 1";
	struct tap *tap = tapped_server(true);
	{
		auto_fd direct = raw_connect(server_socket, user, database);
		auto_fd through = raw_connect(arena_printf(arena, "%s/.s.PGSQL.%d", tap_folder(tap), tap_port(tap)), user, database);
		raw_until(direct, 'Z');
		raw_until(through, 'Z');
		for (size_t b = 0; b < sizeof before / sizeof *before; b++) {
			for (size_t i = 0; i < N_TEXTS; i++) {
				const char *got[2];
				for (int t = 0; t < 2; t++) {
					int fd = t == 0 ? direct : through;
					answers(arena, fd, "rollback");
					answers(arena, direct, reset);
					answers(arena, fd, reset);
					answers(arena, fd, before[b]);
					const char *said = answers(arena, fd, texts[i]);
					answers(arena, fd, "rollback");
					got[t] = arena_printf(arena, "%s: %s\n%s%s", before[b], texts[i], said, answers(arena, fd, look));
				}
				if (i < N_TEXTS - N_FROM_ERROR)
					assert_string_equal(got[0], got[1]);
				else if (b == 0)
					assert_string_equal(strstr(got[0], "E SERROR"), strstr(got[1], "E SERROR"));
			}
		}
		answers(arena, direct, "rollback; drop schema if exists s cascade");
	}
	size_t n;
	struct tapped *list = stopped(tap, arena, &n);
	const struct tapped *table = find(list, n, "create table a (x int)");
	assert_true(table->multiple && !table->added && strcmp(table->tag, "CREATE TABLE") == 0 && table->status == 'T');
	const struct tapped *begin = table;
	while (strcmp(begin->sql, "BEGIN") != 0)
		begin--;
	assert_true(begin->added && begin->multiple && begin->status == 'T');
}

static void split_gives_way(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const settings[] = { "set standard_conforming_strings = off", "set client_encoding = 'SJIS'" };
	static const char text[] = "select 1; select 2";
	struct tap *tap = tapped_server(true);
	{
		auto_pgconn conn = connected(tap, false);
		for (size_t i = 0; i < 2; i++) {
			run(conn, settings[i]);
			run(conn, text);
			run(conn, "reset all");
		}
		run(conn, text);
	}
	size_t n;
	struct tapped *list = stopped(tap, arena, &n);
	assert_int_equal(n, 2 * 3 + 4);
	assert_string_equal(list[1].sql, text);
	assert_string_equal(list[4].sql, text);
	assert_true(list[1].multiple && list[4].multiple);
	static const char *const last[] = { "BEGIN", "select 1", "select 2", "COMMIT" };
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(list[6 + i].sql, last[i]);
		assert_int_equal(list[6 + i].added, i == 0 || i == 3);
	}
}

static void callbacks_of_a_split_query(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct calls calls = { .side = connected(NULL, false) };
	struct tap_request request = { .server_socket = server_socket, .argument = &calls, .before = before, .after = after, .split = true };
	struct err err;
	struct tap *tap = tap_start(&request, &err);
	assert_non_null(tap);
	{
		auto_pgconn conn = connected(tap, false);
		run(conn, "create table held (a int); drop table held");
		run(conn, "select 1");
	}
	size_t n;
	stopped(tap, arena, &n);
	PQfinish(calls.side);
	assert_int_equal(n, 5);
	assert_int_equal(calls.n_before, 5);
	assert_int_equal(calls.n_after, 5);
	assert_true(calls.saw_locks && !calls.overlapped);
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
		cmocka_unit_test(split_answers_as_one_query),
		cmocka_unit_test(split_gives_way),
		cmocka_unit_test(callbacks_of_a_split_query),
	};
	int failed = cmocka_run_group_tests(tests, open_scratch, close_scratch);
	test_folder_remove();
	return failed;
}
