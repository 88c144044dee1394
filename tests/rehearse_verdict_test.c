// SPDX-License-Identifier: PostgreSQL
// The verdict of a rehearsal and how times grow: made-up measurements, no server.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "rehearse/verdict.h"

enum work { NOTHING, READS, READS_UNKNOWN_LAST, WRITES_WAL, REWRITES, CATALOGS_WAL }; // at 1000, 4000 and 16000 rows

static void times_grow(void **state)
{
	(void)state;
	static const struct {
		double ms[3];
		enum work work;
		enum growth growth;
		double predicted_ms; // at ten times the largest; within a tenth
	} table[] = {
		{ { 0.4, 0.5, 0.4 }, NOTHING, GROWTH_CONSTANT, 0.5 },
		{ { 40, 42, 41 }, NOTHING, GROWTH_CONSTANT, 42 },
		{ { 0.4, 10, 16 }, NOTHING, GROWTH_CONSTANT, 16 },         // a busy machine
		{ { 1, 15, 60 }, NOTHING, GROWTH_CONSTANT, 60 },           // a very busy one
		{ { 0.5, 0.5, 900 }, NOTHING, GROWTH_CONSTANT, 900 },      // one that stalled
		{ { 2, 9, 40 }, CATALOGS_WAL, GROWTH_CONSTANT, 40 },       // a checkpoint came before the last
		{ { 100, 400, 1600 }, NOTHING, GROWTH_LINEAR, 16000 },     // what it reads is not counted (an index), but it leaves no doubt
		{ { 10, 40, 160 }, READS, GROWTH_LINEAR, 1600 },
		{ { 10, 40, 160 }, READS_UNKNOWN_LAST, GROWTH_LINEAR, 1600 }, // among others' scans
		{ { 10, 40, 160 }, WRITES_WAL, GROWTH_LINEAR, 1600 },
		{ { 10, 40, 160 }, REWRITES, GROWTH_LINEAR, 1600 },
		{ { 30, 60, 180 }, READS, GROWTH_LINEAR, 1600 },           // 20 of them do not grow
		{ { 10, 44, 190 }, READS, GROWTH_LINEAR, 1910 },           // n log n
		{ { 10, 160, 2560 }, READS, GROWTH_SUPERLINEAR, 256000 },
		{ { 0.2, 0.8, 3.4 }, READS, GROWTH_LINEAR, 34 },           // short, but it reads every row
		{ { 5, 4, 5 }, READS, GROWTH_LINEAR, 8.3 },                // nothing to be seen of it
		{ { 6, 5, 4 }, READS, GROWTH_LINEAR, 5 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		double predicted_ms, error_ms;
		struct growth_point points[3];
		for (int j = 0; j < 3; j++) {
			double rows = 1000 << 2 * j;
			points[j] = (struct growth_point){ rows, table[i].ms[j], .rewrites = table[i].work == REWRITES, .wal_bytes = 6000 };
			bool reads = table[i].work == READS || table[i].work == READS_UNKNOWN_LAST;
			points[j].rows_read = table[i].work == READS_UNKNOWN_LAST && j == 2 ? -1 : reads ? (long long)rows : 7;
			points[j].wal_bytes += table[i].work == WRITES_WAL ? (long long)rows * 60 : table[i].work == CATALOGS_WAL && j == 2 ? 900000 : 0;
		}
		assert_int_equal(growth_fit(points, 3, 160000, &predicted_ms, &error_ms), table[i].growth);
		assert_true(predicted_ms > table[i].predicted_ms * 0.9 && predicted_ms < table[i].predicted_ms * 1.1);
		assert_true(error_ms >= 0);
		assert_int_equal(growth_fit(points, 2, 160000, &predicted_ms, &error_ms), GROWTH_UNKNOWN);
		points[1].rows = points[0].rows;
		assert_int_equal(growth_fit(points, 3, 160000, &predicted_ms, &error_ms), GROWTH_UNKNOWN);
	}
}

static const char *verdict_of(struct arena *arena, struct step *steps, size_t n, struct thresholds thresholds)
{
	struct rehearsal rehearsal = { .steps = steps, .n_steps = n };
	verdict_reach(arena, &rehearsal, &thresholds);
	return rehearsal_verdict_names[rehearsal.verdict];
}

static bool has_rule(const struct step *step, const char *rule)
{
	for (size_t i = 0; i < step->n_findings; i++) {
		if (strcmp(step->findings[i].rule, rule) == 0)
			return true;
	}
	return false;
}

static void verdicts_follow(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct thresholds limits = { .lock_timeout_ms = 2000, .statement_timeout_ms = 60000 };
	struct step_lock brief = { "public.t", "AccessExclusiveLock", 0, 5, 0 }, long_one = { "public.t", "AccessExclusiveLock", 0, 5000, 0 },
	                 gentle = { "public.t", "ShareUpdateExclusiveLock", 0, 50000, 0 }, waited = { "public.t", "AccessExclusiveLock", 900, 5, 900 };
	const char *made[] = { "public.t" }, *rewrites[] = { "public.t" }, *invalid[] = { "public.i" };
#define STEP(...) (struct step){ .sql = "x", .predicted_ms = -1, .success_rate = -1, __VA_ARGS__ }
	struct step quick = STEP(.locks = &brief, .n_locks = 1, .duration_ms = 5);
	assert_string_equal(verdict_of(arena, &quick, 1, limits), "ship");
	struct step slow = STEP(.locks = &long_one, .n_locks = 1, .duration_ms = 5000, .rewrites = rewrites, .n_rewrites = 1);
	assert_string_equal(verdict_of(arena, &slow, 1, limits), "do-not-ship");
	assert_true(has_rule(&slow, "holds-lock") && has_rule(&slow, "rewrites-table"));
	struct clone_table tables[] = { { .name = "public.t" } };
	struct step_lock both[] = { { "public.t_pkey", "AccessExclusiveLock", 0, 5001, 0 }, { "public.t", "AccessExclusiveLock", 1, 5000, 0 } };
	struct step altering = STEP(.locks = both, .n_locks = 2, .duration_ms = 5000);
	const struct rehearsal of_one = { .steps = &altering, .n_steps = 1, .tables = tables, .n_tables = 1 };
	assert_string_equal(step_worst_lock(&of_one, &altering)->relation, "public.t"); // not its index
	both[0].held_ms = 9000;
	assert_string_equal(step_worst_lock(&of_one, &altering)->relation, "public.t_pkey");
	struct step concurrent = STEP(.locks = &gentle, .n_locks = 1, .duration_ms = 50000, .rows_read = 1000000);
	assert_string_equal(verdict_of(arena, &concurrent, 1, limits), "ship");
	struct step endless = STEP(.locks = &gentle, .n_locks = 1, .duration_ms = 70000);
	assert_string_equal(verdict_of(arena, &endless, 1, limits), "do-not-ship");
	assert_true(has_rule(&endless, "statement-too-long"));
	struct step early[] = { STEP(.locks = &long_one, .n_locks = 1, .duration_ms = 3), STEP(.duration_ms = 4997) };
	assert_string_equal(verdict_of(arena, early, 2, limits), "do-not-ship");
	assert_true(has_rule(&early[0], "held-by-earlier"));
	struct step under[] = { STEP(.locks = &brief, .n_locks = 1, .duration_ms = 1, .transaction = 7), STEP(.duration_ms = 4, .rows_read = 5000, .transaction = 7) };
	assert_string_equal(verdict_of(arena, under, 2, limits), "ship-with-warnings");
	assert_true(under[0].n_findings == 0 && has_rule(&under[1], "scans-table")); // under a lock that its transaction holds already
	struct step apart[] = { STEP(.locks = &brief, .n_locks = 1, .duration_ms = 1, .transaction = 7), STEP(.duration_ms = 4, .rows_read = 5000, .transaction = 8) };
	assert_string_equal(verdict_of(arena, apart, 2, limits), "ship");
	struct step_lock exclusive = { .relation = "public.m", .mode = "ExclusiveLock", .held_ms = 5000, .read_only = true };
	struct step refresh = STEP(.locks = &exclusive, .n_locks = 1, .duration_ms = 5000, .rows_read = 5000);
	assert_string_equal(verdict_of(arena, &refresh, 1, limits), "ship"); // nobody writes to a materialized view
	struct step scanning = STEP(.locks = &brief, .n_locks = 1, .duration_ms = 5, .rows_read = 5000);
	assert_string_equal(verdict_of(arena, &scanning, 1, limits), "ship-with-warnings");
	struct step growing = STEP(.locks = &brief, .n_locks = 1, .duration_ms = 5, .growth = GROWTH_LINEAR);
	growing.predicted_ms = 9000;
	assert_string_equal(verdict_of(arena, &growing, 1, limits), "do-not-ship");
	assert_true(has_rule(&growing, "predicted-hold"));
	struct step own[] = { STEP(.made = made, .n_made = 1), STEP(.locks = &long_one, .n_locks = 1, .duration_ms = 5000) };
	assert_string_equal(verdict_of(arena, own, 2, limits), "ship"); // nobody uses a table that the release itself makes
	struct step broken = STEP(.error = "column contains null values", .sqlstate = "23502");
	assert_string_equal(verdict_of(arena, &broken, 1, limits), "do-not-ship");
	static const struct { const char *sqlstate, *rule; } refusals[] = { { "40P01", "deadlock" }, { "55P03", "lock-timeout" }, { "57014", "cancelled" },
	                                                                    { "25001", "statement-fails" }, { "XX000", "statement-fails" } };
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		struct step refused = STEP(.error = "it says why", .sqlstate = refusals[i].sqlstate);
		assert_string_equal(verdict_of(arena, &refused, 1, limits), "do-not-ship");
		assert_true(refused.n_findings == 1 && has_rule(&refused, refusals[i].rule) && strstr(refused.findings[0].text, "it says why") != NULL);
	}
	// NOT VALID and VALIDATE in one transaction: the second reads all rows under the lock of the first, in two it does not
	struct step one[] = { STEP(.locks = &brief, .n_locks = 1, .duration_ms = 1, .transaction = 1),
	                      STEP(.duration_ms = 4, .rows_read = 5000, .transaction = 1, .growth = GROWTH_LINEAR) };
	one[1].predicted_ms = 400;
	assert_string_equal(verdict_of(arena, one, 2, limits), "ship-with-warnings");
	assert_true(has_rule(&one[1], "scans-table") && one[0].n_findings == 0);
	struct step large[] = { one[0], one[1] };
	large[0].n_findings = large[1].n_findings = 0;
	large[1].predicted_ms = 4000;
	assert_string_equal(verdict_of(arena, large, 2, limits), "do-not-ship");
	assert_true(has_rule(&large[0], "predicted-hold"));
	struct step two[] = { large[0], large[1] };
	two[0].n_findings = two[1].n_findings = 0;
	two[1].transaction = 2;
	assert_string_equal(verdict_of(arena, two, 2, limits), "ship");
	struct step dead = STEP(.error = "deadlock detected", .sqlstate = "40P01");
	verdict_of(arena, &dead, 1, limits);
	assert_true(has_rule(&dead, "deadlock"));
	struct step left = STEP(.invalid_indexes = invalid, .n_invalid_indexes = 1);
	assert_string_equal(verdict_of(arena, &left, 1, limits), "do-not-ship");
	struct step queued = STEP(.locks = &waited, .n_locks = 1, .duration_ms = 905);
	assert_string_equal(verdict_of(arena, &queued, 1, limits), "ship-with-warnings");
	assert_true(has_rule(&queued, "queue"));
	struct step unlucky = STEP(.locks = &brief, .n_locks = 1, .duration_ms = 5);
	unlucky.success_rate = 0.4;
	assert_string_equal(verdict_of(arena, &unlucky, 1, limits), "do-not-ship");
	assert_string_equal(verdict_of(arena, NULL, 0, limits), "ship");
	struct step_victim broken_script = { .relation = "load/pay.sql", .script = true, .n_tries = 9, .n_errors = 3, .error = "column \"phone\" does not exist" };
	struct step breaks = STEP(.victims = &broken_script, .n_victims = 1);
	assert_string_equal(verdict_of(arena, &breaks, 1, limits), "do-not-ship");
	assert_true(has_rule(&breaks, "script-fails"));
	broken_script.error = NULL; // serialization failures, say
	breaks = STEP(.victims = &broken_script, .n_victims = 1);
	assert_string_equal(verdict_of(arena, &breaks, 1, limits), "ship");
}

// Each number can be set.
static void thresholds_hold(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct step_lock held = { "public.t", "AccessExclusiveLock", 0, 500, 300 };
	const struct step step = STEP(.locks = &held, .n_locks = 1, .duration_ms = 700, .rows_read = 1500);
	static const struct {
		struct thresholds thresholds;
		const char *rule;
		bool found;
	} table[] = {
		{ { 0 }, "holds-lock", false }, { { .lock_timeout_ms = 300 }, "holds-lock", true }, { { .lock_timeout_ms = 300, .hold_ms = 600 }, "holds-lock", false },
		{ { 0 }, "queue", true }, { { .queue_ms = 400 }, "queue", false }, { { .hold_ms = 4000 }, "queue", false },
		{ { 0 }, "scans-table", true }, { { .scan_rows = 2000 }, "scans-table", false },
		{ { 0 }, "no-lock-in-time", true }, { { .success_rate = 0.7 }, "no-lock-in-time", false },
		{ { 0 }, "statement-too-long", false }, { { .statement_timeout_ms = 600 }, "statement-too-long", true },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct step measured = step;
		measured.success_rate = 0.8;
		verdict_of(arena, &measured, 1, table[i].thresholds);
		assert_int_equal(has_rule(&measured, table[i].rule), table[i].found);
	}
}

static void boot_lock_is_compared(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct step steps[] = { STEP(.file = "a.sql", .duration_ms = 20000), STEP(.duration_ms = 1) };
	struct thresholds limits = { .boot_lock_ms = 15000, .boot_lock_end = "fails with \"x\"" };
	struct rehearsal rehearsal = { .steps = steps, .n_steps = 2, .duration_ms = 20001 };
	verdict_reach(arena, &rehearsal, &limits);
	assert_int_equal(rehearsal.verdict, REHEARSAL_DO_NOT_SHIP);
	assert_true(has_rule(&steps[0], "boot-lock")); // not at the framework's own statement
	assert_non_null(strstr(steps[0].findings[0].text, "fails with \"x\""));
	steps[0].n_findings = 0;
	limits.boot_lock_assumed = true; // the framework's default, and nobody has said that instances migrate at their start
	verdict_reach(arena, &rehearsal, &limits);
	assert_int_equal(rehearsal.verdict, REHEARSAL_WARN);
	steps[0].n_findings = 0;
	limits.boot_lock_ms = 0;
	verdict_reach(arena, &rehearsal, &limits);
	assert_int_equal(rehearsal.verdict, REHEARSAL_SHIP);
}

static void locks_block(void **state)
{
	(void)state;
	assert_true(lock_blocks("AccessExclusiveLock", OPERATION_READ));
	assert_false(lock_blocks("ExclusiveLock", OPERATION_READ));
	assert_true(lock_blocks("ShareLock", OPERATION_WRITE));
	assert_false(lock_blocks("ShareUpdateExclusiveLock", OPERATION_WRITE));
}

static void made_up_rows_prove_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *env, *sql, *sqlstate, *rests_on;
		bool made_up;
	} table[] = {
		{ "synthetic", "prod", "CREATE UNIQUE INDEX i ON t (a)", "23505", NULL, false }, // the statistics say how many values there are
		{ "synthetic", "prod", " alter table t alter a set not null", "23502", NULL, false },
		{ "synthetic", "prod", "CREATE UNIQUE INDEX i ON t (a)", "23505", "relpages", true },
		{ "synthetic", NULL, "CREATE UNIQUE INDEX i ON t (a)", "23505", NULL, true },
		{ "synthetic", "prod", "INSERT INTO u SELECT a FROM t", "23505", NULL, true },
		{ "synthetic", "prod", "ALTER TABLE t ADD CHECK (a > 0)", "23514", NULL, true },
		{ "synthetic", "prod", "ALTER TABLE t ALTER a TYPE int USING a::int", "22P02", NULL, true },
		{ "synthetic", "prod", "ALTER TABLE t ADD COLUMN a int", "42701", NULL, false },
		{ "dump", "prod", "INSERT INTO u SELECT a FROM t", "23505", NULL, false },
		{ "clone", NULL, "ALTER TABLE t ADD CHECK (a > 0)", "23514", NULL, false },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct step_lock lock = { .relation = "public.t", .mode = "AccessExclusiveLock" };
		struct step step = { .sql = table[i].sql, .sqlstate = table[i].sqlstate, .error = "refused", .locks = &lock, .n_locks = 1 };
		struct clone_table of = { .name = "public.t", .rests_on = table[i].rests_on };
		const struct rehearsal rehearsal = { .engine = ENGINE_POSTGRESQL, .clone_kind = table[i].kind, .env = table[i].env, .steps = &step, .n_steps = 1, .tables = &of, .n_tables = 1 };
		assert_int_equal(step_fails_on_made_up_rows(&rehearsal, &step), table[i].made_up);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(times_grow), cmocka_unit_test(verdicts_follow), cmocka_unit_test(locks_block),
	                                    cmocka_unit_test(thresholds_hold), cmocka_unit_test(boot_lock_is_compared), cmocka_unit_test(made_up_rows_prove_nothing) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
