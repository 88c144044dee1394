// SPDX-License-Identifier: PostgreSQL
// The user's own traffic as victims: what pgbench writes is read, who waits because of whom is told, figures are summed up. No server.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "rehearse/clients/felt.h"
#include "rehearse/clients/lookout.h"
#include "rehearse/clients/pgbench_log.h"

static void logs_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool read, failed;
		double ms;
	} table[] = {
		{ "0 199 2241 0 1175850568 995598\n", true, false, 2.241 },
		{ "3 84 4142 2 1412881037 918023 2333\n", true, false, 4.142 },   // a rate: with the lag
		{ "3 0 47423 4 1499414498 34501 3 1\n", true, false, 47.423 },    // with retries
		{ "3 0 failed 4 1499414498 84905 9\n", true, true, 0 },           // 15 and later
		{ "0 0 serialization 1 1499414498 84905 9\n", true, true, 0 },
		{ "0 0 deadlock 1 1499414498 84905\n", true, true, 0 },
		{ "0 81 skipped 0 1412881037 914578 5217\n", false, false, 0 },
		{ "0 199 2241 0 1175850568 9955", false, false, 0 },              // cut off
		{ "0 199 2241\n", false, false, 0 },
		{ "starting vacuum...end.\n", false, false, 0 },
		{ "\n", false, false, 0 },
		{ "", false, false, 0 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct pgbench_transaction transaction;
		assert_int_equal(pgbench_log_read(table[i].line, &transaction), table[i].read);
		if (!table[i].read)
			continue;
		assert_int_equal(transaction.failed, table[i].failed);
		assert_float_equal((transaction.end_us - transaction.start_us) / 1000, table[i].ms, 0.001);
	}
	struct pgbench_transaction first;
	assert_true(pgbench_log_read(table[0].line, &first));
	assert_float_equal(first.end_us, 1175850568995598.0, 0.5);
}

static void aborts_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *message;
		bool aborted;
		const char *reason;
	} table[] = {
		{ "pgbench: error: client 0 script 1 aborted in command 4 query 0: ERROR:  column \"x\" does not exist\n", true, "column \"x\" does not exist" },
		{ "client 2 script 3 aborted in command 0 query 0: ERROR:  canceling statement due to lock timeout\n", true, "canceling statement due to lock timeout" },
		{ "pgbench: error: client 0 aborted in command 1 (set) of script 2; division by zero\n", true,
		  "client 0 aborted in command 1 (set) of script 2; division by zero" },
		{ "pgbench: error: Run was aborted; the above results are incomplete.\n", false, NULL },
		{ "LINE 1: select nope from t;\n", false, NULL },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(pgbench_abort_read(table[i].message), table[i].aborted);
		if (!table[i].aborted)
			continue;
		assert_string_equal(pgbench_abort_reason(arena, table[i].message), table[i].reason);
	}
}

static void scripts_are_read(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct pgbench_script script;
	struct err err;
	assert_true(pgbench_script_read(arena, "load/read.sql@9", &script, &err));
	assert_string_equal(script.path, "load/read.sql");
	assert_int_equal(script.weight, 9);
	assert_true(pgbench_script_read(arena, "a@b/read.sql", &script, &err));
	assert_string_equal(script.path, "a@b/read.sql");
	assert_int_equal(script.weight, 1);
	assert_false(pgbench_script_read(arena, "read.sql@0", &script, &err));
	assert_false(pgbench_script_read(arena, "@3", &script, &err));
	assert_int_equal(pgbench_script_operation("\\set id random(1, 10)\nSELECT updated FROM t WHERE id = :id; -- update\n"), OPERATION_READ);
	assert_int_equal(pgbench_script_operation("select 'delete from t'"), OPERATION_READ);
	assert_int_equal(pgbench_script_operation("BEGIN;\nSelect * from t for Update;\nCOMMIT;"), OPERATION_WRITE);
	assert_int_equal(pgbench_script_operation("INSERT INTO t VALUES (1)"), OPERATION_WRITE);
	assert_int_equal(pgbench_script_operation(""), OPERATION_READ);
}

static void blockers_are_told(void **state)
{
	(void)state;
	static const int by_2[] = { 2 }, by_3[] = { 3 }, by_9[] = { 9 }, by_both[] = { 3, 9 }, by_1[] = { 1 };
	static const bool client[] = { true }, stranger[] = { false }, both[] = { true, false };
	const struct lookout_row rows[] = {
		{ 1, "a", "public.rows", by_2, client, 1 },     // of 2, which waits for the migration
		{ 2, "b", "public.locked", by_9, stranger, 1 },
		{ 3, "c", "public.other", by_both, both, 2 },   // in the queue behind a client and the migration
		{ 4, "d", "public.rows", by_3, client, 1 },
		{ 5, "e", "public.rows", by_1, client, 1 },     // of 1, which waits for 2
		{ 6, "f", "public.rows", (const int[]){ 7 }, client, 1 }, // of a client that does not wait
		{ 7, "g", "public.rows", (const int[]){ 8 }, client, 1 },
		{ 8, "h", "public.rows", (const int[]){ 7 }, client, 1 }, // a deadlock of two clients
	};
	enum { N = sizeof rows / sizeof *rows };
	static const char *const wanted[N] = { "public.locked", "public.locked", "public.other", "public.other", "public.locked", NULL, NULL, NULL };
	for (size_t i = 0; i < N; i++) {
		struct lookout_wait wait;
		assert_int_equal(lookout_resolve(rows, N, i, &wait), wanted[i] != NULL);
		assert_true(wanted[i] == NULL || (strcmp(wait.relation, wanted[i]) == 0 && !wait.behind));
	}
	const struct lookout_row queue[] = { { 1, "a", "public.t", by_9, stranger, 1 }, { 9, "migration", "public.t", (const int[]){ 12 }, stranger, 1 } };
	struct lookout_wait wait;
	assert_true(lookout_resolve(queue, 2, 0, &wait) && wait.behind); // the migration itself waits
}

static void figures_are_summed_up(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct felt felt = { .arena = arena, .n_tries = 201, .n_blocked = 3, .n_errors = 1, .behind_ms = 7 }, before = { .arena = arena };
	for (int i = 200; i > 0; i--)
		felt_add(&felt, i);
	struct step_victim victim = { .relation = "x" };
	felt_sum_up(&felt, &before, &victim);
	assert_int_equal(victim.n_tries, 201);
	assert_int_equal(victim.n_blocked, 3);
	assert_int_equal(victim.n_errors, 1);
	assert_float_equal(victim.max_ms, 200, 0);
	assert_float_equal(victim.p99_ms, 198, 0);
	assert_float_equal(victim.behind_waiting_ms, 7, 0);
	assert_true(victim.baseline_p99_ms < 0); // nothing to compare with
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_are_read), cmocka_unit_test(aborts_are_read), cmocka_unit_test(scripts_are_read),
		cmocka_unit_test(blockers_are_told), cmocka_unit_test(figures_are_summed_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
