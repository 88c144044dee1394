// SPDX-License-Identifier: PostgreSQL
// How long the rest of a rehearsal may take, told from what is over; and what a clone's server takes of another's memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rehearse/progress.h"
#include "rehearse/server.h"

static const double sizes[] = { 1.0 / 16, 1.0 / 4, 1 };
static const double s = 1e6; // of clock_us

// A pass under way: the stage that began at 0.
static void at(struct progress *progress, int pass, enum stage stage, long long n_rows, long long n_rows_all)
{
	progress->pass = pass;
	progress->stage = stage;
	progress->begun_us = 0;
	progress->n_rows_all = n_rows_all;
	atomic_store(&progress->n_rows, n_rows);
}

static double left_s(const struct progress *progress, double after_s)
{
	double ms = progress_left_ms(progress, after_s * s);
	return ms < 0 ? -1 : (double)(long)(ms / 10 + 0.5) / 100;
}

static void test_nothing_is_known(void **state)
{
	struct progress progress;
	(void)state;
	progress_begin(&progress, NULL, sizes, 3);
	at(&progress, 0, STAGE_REPLAY, 0, 0);
	assert_true(left_s(&progress, 1) < 0);
	progress_begin(&progress, NULL, &sizes[2], 1);
	at(&progress, 0, STAGE_FILL, 10, 100); // a moment says nothing
	assert_true(left_s(&progress, 1) < 0);
}

static void test_first_fill(void **state)
{
	struct progress progress;
	(void)state;
	progress_begin(&progress, NULL, &sizes[2], 1);
	at(&progress, 0, STAGE_FILL, 25, 100);
	assert_true(left_s(&progress, 10) == 30);
	progress_begin(&progress, NULL, sizes, 3);
	progress.spent_ms[STAGE_REPLAY] = 1000;
	at(&progress, 0, STAGE_FILL, 25, 100); // 40 s, then four and sixteen times as long, and two replays
	assert_true(left_s(&progress, 10) == 30 + 160 + 640 + 2);
}

static void test_later_sizes(void **state)
{
	struct progress progress;
	(void)state;
	progress_begin(&progress, NULL, sizes, 3);
	progress.ms[STAGE_REPLAY] = 1000;
	progress.ms[STAGE_FILL] = 2000;
	progress.ms[STAGE_STATEMENTS] = 500;
	at(&progress, 1, STAGE_REPLAY, 0, 0); // 1 + 8 + 2, then 1 + 32 + 8
	assert_true(left_s(&progress, 0.25) == 52 - 0.25);
	progress.spent_ms[STAGE_REPLAY] = 3000;
	progress.spent_ms[STAGE_FILL] = 10000;
	at(&progress, 1, STAGE_STATEMENTS, 0, 0); // 2, then 3 + 40 + 8
	assert_true(left_s(&progress, 1) == 1 + 51);
	assert_true(left_s(&progress, 60) == 51); // longer than was thought: nothing is less than nothing
	at(&progress, 2, STAGE_STATEMENTS, 0, 0);
	progress.ms[STAGE_STATEMENTS] = 2000;
	assert_true(left_s(&progress, 3) == 5);
}

static void test_bytes(void **state)
{
	static const struct { const char *text; long long bytes; } sizes_of[] = {
		{ "128MB", 128LL << 20 }, { "16kB", 16 << 10 }, { "8GB", 8LL << 30 }, { "1TB", 1LL << 40 }, { "4096", 4096 }, { "0", 0 }, { "on", -1 },
		{ "-1", -1 }, { "3 apples", -1 }, { "9223372036854775807TB", -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof sizes_of / sizeof *sizes_of; i++)
		assert_int_equal(setting_bytes(sizes_of[i].text), sizes_of[i].bytes);
}

static void test_buffers(void **state)
{
	const long long mb = 1 << 20;
	(void)state;
	assert_int_equal(server_buffers(128 * mb, 8192 * mb), 128 * mb);
	assert_int_equal(server_buffers(8192 * mb, 8192 * mb), 2048 * mb); // as memory allows
	assert_int_equal(server_buffers(0, 8192 * mb), 256 * mb);
	assert_int_equal(server_buffers(0, 100 * mb), 32 * mb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_known), cmocka_unit_test(test_first_fill), cmocka_unit_test(test_later_sizes),
		cmocka_unit_test(test_bytes), cmocka_unit_test(test_buffers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
