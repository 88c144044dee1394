// SPDX-License-Identifier: PostgreSQL
// What a run by a clock needs: lengths of time, random delays, lines for the journal, the second look. The looks are made up
// here; how the program takes them is in tests/cron.sh.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "introspect/kind.h"
#include "sentinel/confirm.h"
#include "sentinel/cron.h"
#include "sentinel/ping.h"
#include "sentinel/run_report.h"

#define LENGTH(array) (sizeof array / sizeof *array)

static void test_durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		long long seconds; // -1: refused
		const char *shortest;
	} cases[] = {
		{ "90s", 90, "90s" }, { "10m", 600, "10m" }, { "2h", 7200, "2h" }, { "1d", 86400, "1d" }, { "0", 0, "0s" }, { "0m", 0, "0s" },
		{ "120s", 120, "2m" }, { "48h", 172800, "2d" }, { "3650d", 315360000, "3650d" }, { "3651d", -1, NULL }, { "", -1, NULL },
		{ "5", -1, NULL }, { "m", -1, NULL }, { "-5m", -1, NULL }, { "+5m", -1, NULL }, { " 5m", -1, NULL }, { "5 m", -1, NULL },
		{ "5m ", -1, NULL }, { "1h30m", -1, NULL }, { "5M", -1, NULL }, { "1.5h", -1, NULL }, { "5ms", -1, NULL }, { "0x5s", -1, NULL },
		{ "99999999999999999999s", -1, NULL }, { "9223372036854775807d", -1, NULL },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		long long seconds = -1;
		bool ok = duration_parse(cases[i].text, "usage", "--jitter", &seconds, &err);
		if (ok != (cases[i].seconds >= 0) || seconds != cases[i].seconds)
			fail_msg("\"%s\" is taken for %lld s", cases[i].text, seconds);
		if (ok) {
			assert_string_equal(duration_text(arena, seconds), cases[i].shortest);
		} else {
			assert_string_equal(err.code, "usage");
			assert_non_null(strstr(err.text, "--jitter"));
			assert_non_null(strstr(err.hint, "10m"));
		}
	}
}

static void test_random(void **state)
{
	(void)state;
	unsetenv("DRIFTCHECK_TEST_CLOCK");
	bool differ = false;
	long long first = clock_random(1000000);
	for (int i = 0; i < 20; i++) {
		long long number = clock_random(1000000);
		assert_in_range(number, 0, 1000000);
		differ = differ || number != first;
	}
	assert_true(differ);
	assert_int_equal(clock_random(0), 0);
	setenv("DRIFTCHECK_TEST_CLOCK", "1800000000", 1);
	assert_int_equal(clock_random(1800), clock_random(1800));
	long long reached[3] = { 0 };
	for (int i = 0; i < 60; i++) {
		char now[24];
		snprintf(now, sizeof now, "%d", 1800000000 + i);
		setenv("DRIFTCHECK_TEST_CLOCK", now, 1);
		reached[clock_random(2)]++;
	}
	assert_true(reached[0] > 0 && reached[1] > 0 && reached[2] > 0);
	unsetenv("DRIFTCHECK_TEST_CLOCK");
}

static void test_journal(void **state)
{
	(void)state;
	auto_buf lines = BUF_INIT;
	log_add_lines(&lines, LOG_WARNING, "one\n\ntwo");
	assert_string_equal(lines.data, "<4>one\n<4>\n<4>two");

	char *text = NULL;
	size_t length;
	struct log log = { .stream = open_memstream(&text, &length), .verbose = true, .show_queries = true, .journal = true };
	struct err err;
	err_set(&err, "x", "prod", "do that", "this is wrong");
	log_error(&log, &err);
	log_warn(&log, "two\nlines");
	log_info(&log, "three");
	log_query(&log, "prod", "SELECT 1");
	log.journal = false;
	log_warn(&log, "elsewhere");
	fclose(log.stream);
	assert_string_equal(text, "<3>driftcheck: prod: this is wrong\n<3>  hint: do that\n<4>driftcheck: two\n<4>  | lines\n"
	                          "<6>driftcheck: three\n<7>-- prod\n<7>SELECT 1;\ndriftcheck: elsewhere\n");
	free(text);

	auto_file file = tmpfile();
	struct stat is;
	char name[64];
	assert_int_equal(fstat(fileno(file), &is), 0);
	unsetenv("JOURNAL_STREAM");
	assert_false(log_is_journal(fileno(file)));
	snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
	assert_true(log_is_journal(fileno(file)));
	snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino + 1);
	setenv("JOURNAL_STREAM", name, 1);
	assert_false(log_is_journal(fileno(file)));
	unsetenv("JOURNAL_STREAM");
}

static void test_ping_url(void **state)
{
	(void)state;
	static const struct {
		const char *url, *start, *success, *fail;
	} cases[] = {
		{ "https://h/id", "https://h/id/start", "https://h/id", "https://h/id/fail" },
		{ "https://h/id/", "https://h/id/start", "https://h/id/", "https://h/id/fail" },
		{ "https://h/k/s?create=1&a=/b", "https://h/k/s/start?create=1&a=/b", "https://h/k/s?create=1&a=/b", "https://h/k/s/fail?create=1&a=/b" },
		{ "https://h", "https://h/start", "https://h", "https://h/fail" },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_string_equal(ping_url(arena, cases[i].url, PING_START), cases[i].start);
		assert_string_equal(ping_url(arena, cases[i].url, PING_SUCCESS), cases[i].success);
		assert_string_equal(ping_url(arena, cases[i].url, PING_FAIL), cases[i].fail);
	}
}

// One look after the other: for each the names of the columns that have drifted, in one word each; "!" is a look that fails,
// "~" is skew, which is no drift.
struct looks {
	struct run *run;
	const char *const *of[2]; // of two environments; NULL-ended
	size_t n_taken[2];
};

static void take_look(struct looks *looks, struct report *report, size_t i)
{
	struct arena *arena = looks->run->arena;
	struct env_report *env = report->envs[i] = arena_alloc(arena, sizeof *env);
	const char *seen = looks->of[i][looks->n_taken[i]];
	if (seen == NULL)
		fail_msg("environment %zu is looked at once too often", i);
	looks->n_taken[i]++;
	*env = (struct env_report){ .name = i == 0 ? "prod" : "staging", .complete = true, .findings = arena_array(arena, strlen(seen), sizeof *env->findings) };
	bool failed = false, skew = false;
	for (; *seen != '\0'; seen++) {
		failed = failed || *seen == '!';
		skew = skew || *seen == '~';
		if (*seen < 'a' || *seen > 'z')
			continue;
		struct finding *finding = env->findings[env->n_findings++] = arena_alloc(arena, sizeof *finding);
		struct object *object = arena_alloc(arena, sizeof *object);
		object->kind = kind_find("column");
		*finding = (struct finding){ .class = CLASS_HAND_EDIT, .object = object, .name = arena_strndup(arena, seen, 1) };
		snprintf(finding->id, sizeof finding->id, "%016x", (unsigned)*seen);
	}
	env->verdict = env->n_findings > 0 ? VERDICT_DRIFT : skew ? VERDICT_SKEW : VERDICT_CLEAN;
	if (skew) {
		struct finding *finding = arena_alloc(arena, sizeof *finding), **findings = arena_array(arena, env->n_findings + 1, sizeof *findings);
		*finding = (struct finding){ .class = CLASS_VERSION_SKEW, .id = "skew" };
		for (size_t j = 0; j < env->n_findings; j++)
			findings[j] = env->findings[j];
		findings[env->n_findings++] = finding;
		env->findings = findings;
	}
	if (failed) {
		struct err err;
		err_set(&err, "unreachable", "prod", "wait", "the network is gone");
		report_trouble(looks->run, env, &err);
	}
}

static void look_again(void *argument, struct report *report, const bool *chosen)
{
	for (size_t i = 0; i < report->n_envs; i++) {
		if (chosen[i])
			take_look(argument, report, i);
	}
}

static void assert_confirmed(struct cron *cron, long long check_until_us, const char *const *prod, const char *const *staging, size_t n_prod,
                             size_t n_staging, const char *findings, const char *note, const char *trouble)
{
	auto_arena arena = arena_new();
	struct run run = { .arena = arena, .cron = cron, .check_until_us = check_until_us };
	struct looks looks = { &run, { prod, staging }, { 0 } };
	struct report *report = arena_alloc(arena, sizeof *report);
	report->n_envs = 2;
	report->envs = arena_array(arena, 2, sizeof *report->envs);
	take_look(&looks, report, 0);
	take_look(&looks, report, 1);
	confirm_drift(&run, report, &(struct confirm){ look_again, &looks });
	assert_int_equal(looks.n_taken[0], n_prod);
	assert_int_equal(looks.n_taken[1], n_staging);
	const struct env_report *env = report->envs[0];
	auto_buf found = BUF_INIT;
	for (size_t i = 0; i < env->n_findings; i++)
		buf_adds(&found, env->findings[i]->class == CLASS_VERSION_SKEW ? "~" : env->findings[i]->name);
	assert_string_equal(found.data, findings);
	assert_int_equal(env->n_notes, note == NULL ? 0 : 1);
	if (note != NULL)
		assert_string_equal(env->notes[0], note);
	assert_string_equal(env->trouble == NULL ? "" : env->trouble->code, trouble);
	assert_int_equal(report->envs[1]->n_notes, 0);
}

static void test_confirm(void **state)
{
	(void)state;
	setenv("DRIFTCHECK_TEST_CLOCK", "1800000000", 1);
#define LOOKS(...) (const char *const[]){ __VA_ARGS__, NULL }
	struct cron cron = { .confirm_after_s = 600 }, none = { 0 };
	const char *const *clean = LOOKS("");
	assert_confirmed(&cron, 0, clean, clean, 1, 1, "", NULL, "");
	assert_confirmed(&none, 0, LOOKS("ab"), clean, 1, 1, "ab", NULL, "");
	assert_confirmed(&cron, 0, LOOKS("~"), clean, 1, 1, "~", NULL, "");
	assert_confirmed(&cron, 0, LOOKS("!"), clean, 1, 1, "", NULL, "unreachable");
	assert_confirmed(&cron, 0, LOOKS("ab", "ab"), clean, 2, 1, "ab", NULL, "");
	assert_confirmed(&cron, 0, LOOKS("ab~", "~"), clean, 2, 1, "~",
	                 "seen by one look, gone 10m later, so not reported: column a, column b", "");
	assert_confirmed(&cron, 0, LOOKS("abcde", "a"), clean, 2, 1, "a",
	                 "seen by one look, gone 10m later, so not reported: column b, column c, column d and 1 more", "");
	// what is new at the second look needs a third, and only where it is new
	assert_confirmed(&cron, 0, LOOKS("a", "ab", "ab"), LOOKS("z", "z"), 3, 2, "ab", NULL, "");
	assert_confirmed(&cron, 0, LOOKS("a", "b", "b"), clean, 3, 1, "b", "seen by one look, gone 10m later, so not reported: column a", "");
	assert_confirmed(&cron, 0, LOOKS("a", "ab", "abc"), clean, 3, 1, "abc",
	                 "seen by the last look alone: somebody is changing this schema: column c", "");
	// a second look that fails alarms nobody, and hides nothing
	assert_confirmed(&cron, 0, LOOKS("ab", "!"), clean, 2, 1, "",
	                 "seen by one look, and not reported, since the next could not be completed: column a, column b", "unreachable");
	// one that is trouble each time confirms all the same
	assert_confirmed(&cron, 0, LOOKS("ab!", "ab!"), clean, 2, 1, "ab", NULL, "unreachable");
	// no time for a second look
	assert_confirmed(&cron, clock_us() + 500000000, LOOKS("ab"), clean, 1, 1, "",
	                 "seen by one look, and not reported, since there was no time for a second: column a, column b", "time-limit");
	unsetenv("DRIFTCHECK_TEST_CLOCK");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations), cmocka_unit_test(test_random), cmocka_unit_test(test_journal), cmocka_unit_test(test_ping_url),
		cmocka_unit_test(test_confirm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
