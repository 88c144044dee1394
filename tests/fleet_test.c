// SPDX-License-Identifier: PostgreSQL
// What a fleet rests on: which shard a name is in, how many connections a server gets and that all get their turn, and that
// equal members become one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "reporters/view.h"
#include "sentinel/servers.h"
#include "sentinel/shard.h"

#define LENGTH(array) (sizeof array / sizeof *array)

// These numbers may never change: an environment that moves to another shard while an old version of driftcheck still runs
// elsewhere is checked twice, or not at all.
static void shards_are_stable(void **state)
{
	(void)state;
	static const struct { const char *name; int of_2, of_8, of_1000; } names[] = {
		{ "prod", 1, 7, 135 }, { "staging", 1, 5, 197 }, { "shop_0001", 2, 8, 872 }, { "", 1, 5, 653 },
	};
	for (size_t i = 0; i < LENGTH(names); i++) {
		assert_int_equal(shard_of(names[i].name, 2), names[i].of_2);
		assert_int_equal(shard_of(names[i].name, 8), names[i].of_8);
		assert_int_equal(shard_of(names[i].name, 1000), names[i].of_1000);
	}
}

static void shards_are_even(void **state)
{
	(void)state;
	enum { NAMES = 8000, SHARDS = 8 };
	size_t n[SHARDS] = { 0 };
	for (int i = 0; i < NAMES; i++) {
		char name[32];
		snprintf(name, sizeof name, "shop_%d", i);
		n[shard_of(name, SHARDS) - 1]++;
	}
	for (size_t i = 0; i < SHARDS; i++)
		assert_in_range(n[i], NAMES / SHARDS * 8 / 10, NAMES / SHARDS * 12 / 10);
}

// Servers.

enum { HOSTS = 5, ENVS = 400, THREADS = 24, MOST = 3, FLEETS_MOST = 2 };

static const bool *all_wanted(struct arena *arena)
{
	bool *wanted = arena_array(arena, ENVS, sizeof *wanted);
	for (size_t i = 0; i < ENVS; i++)
		wanted[i] = true;
	return wanted;
}

// Most environments are on the first server; the last belongs to a fleet with a lower limit of its own; every seventh is SQLite.
static struct envs *make_envs(struct arena *arena)
{
	static const char *const hosts[HOSTS] = { "big.example", "a.example", "b.example", "c.example", "last.example" };
	struct envs *envs = arena_alloc(arena, sizeof *envs);
	envs->n = ENVS;
	envs->items = arena_array(arena, ENVS, sizeof *envs->items);
	for (size_t i = 0; i < ENVS; i++) {
		size_t host = i < ENVS / 2 ? 0 : i % HOSTS;
		envs->items[i].name = arena_printf(arena, "env_%zu", i);
		envs->items[i].source = (struct source){ .type = i % 7 == 0 ? SOURCE_SQLITE : SOURCE_POSTGRESQL, .host = hosts[host],
		                                         .port = i % 2 == 0 ? NULL : "5432" };
		envs->items[i].max_per_server = host == HOSTS - 1 ? FLEETS_MOST : 0;
	}
	return envs;
}

struct watch {
	struct envs *envs;
	struct servers *servers;
	atomic_int busy[HOSTS], most[HOSTS], given[ENVS], n_busy;
	atomic_bool paused, broken;
};

static size_t host_of(const struct watch *watch, size_t env)
{
	return env < ENVS / 2 ? 0 : watch->envs->items[env].source.host == watch->envs->items[0].source.host ? 0 : env % HOSTS;
}

static void *work(void *argument)
{
	struct watch *watch = argument;
	for (size_t env; servers_next(watch->servers, &env);) {
		bool counted = watch->envs->items[env].source.type == SOURCE_POSTGRESQL;
		size_t host = host_of(watch, env);
		atomic_fetch_add(&watch->n_busy, 1);
		atomic_fetch_add(&watch->given[env], 1);
		int busy = counted ? atomic_fetch_add(&watch->busy[host], 1) + 1 : 0, most = atomic_load(&watch->most[host]);
		while (busy > most && !atomic_compare_exchange_weak(&watch->most[host], &most, busy))
			;
		for (int i = 0; i < 20; i++) {
			sched_yield();
			if (atomic_load(&watch->paused))
				atomic_store(&watch->broken, true);
		}
		if (counted)
			atomic_fetch_sub(&watch->busy[host], 1);
		atomic_fetch_sub(&watch->n_busy, 1);
		servers_leave(watch->servers, env);
	}
	return NULL;
}

static void servers_get_no_more_than_they_may(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct watch *watch = arena_alloc(arena, sizeof *watch);
	watch->envs = make_envs(arena);
	watch->servers = servers_new(watch->envs, all_wanted(arena), MOST);
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, watch), 0);
	for (int i = 0; i < 50; i++) { // as the one who checks does: one connection more, and a replay now and then
		servers_enter(watch->servers, 1);
		int busy = atomic_fetch_add(&watch->busy[0], 1) + 1;
		assert_true(busy <= MOST);
		sched_yield();
		atomic_fetch_sub(&watch->busy[0], 1);
		servers_leave(watch->servers, 1);
		servers_pause(watch->servers);
		assert_int_equal(atomic_load(&watch->n_busy), 0);
		atomic_store(&watch->paused, true);
		sched_yield();
		atomic_store(&watch->paused, false);
		servers_resume(watch->servers);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ENVS; i++)
		assert_int_equal(watch->given[i], 1);
	for (size_t i = 0; i < HOSTS; i++)
		assert_in_range(watch->most[i], 1, i == HOSTS - 1 ? FLEETS_MOST : MOST);
	assert_false(watch->broken);
	servers_free(watch->servers);
}

// With one thread, servers take turns: the one with most environments keeps no other waiting.
static void servers_take_turns(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct watch watch = { .envs = make_envs(arena) };
	watch.servers = servers_new(watch.envs, all_wanted(arena), MOST);
	size_t last[HOSTS] = { 0 }, n = 0, env, n_first = 0;
	while (servers_next(watch.servers, &env)) {
		servers_leave(watch.servers, env);
		n++;
		if (watch.envs->items[env].source.type != SOURCE_POSTGRESQL)
			continue;
		n_first += host_of(&watch, env) == 0 && n <= ENVS / 2;
		last[host_of(&watch, env)] = n;
	}
	assert_int_equal(n, ENVS);
	for (size_t i = 1; i < HOSTS; i++)
		assert_true(last[i] < last[0]);
	assert_true(n_first < ENVS / 4); // of the first half of the turns
	servers_free(watch.servers);
}

// The view.

static struct env_report *member(struct arena *arena, size_t i, const char *fleet, const char *head)
{
	struct env_report *env = arena_alloc(arena, sizeof *env);
	*env = (struct env_report){
		.name = arena_printf(arena, "shop_%04zu", i), .fleet = fleet, .engine = ENGINE_POSTGRESQL, .server = "15.20",
		.database = arena_printf(arena, "shop_%04zu", i), .complete = true, .reached = true, .verdict = VERDICT_CLEAN,
		.versions_known = true, .version_head = head, .state = STATE_CURRENT,
	};
	return env;
}

static void give_trouble(struct arena *arena, struct env_report *env, const char *where)
{
	env->trouble = arena_alloc(arena, sizeof *env->trouble);
	err_set(env->trouble, "unreachable", where, "wait", "connection refused");
	env->verdict = VERDICT_TROUBLE;
	env->complete = false;
}

static void equal_members_are_one(void **state)
{
	(void)state;
	enum { MEMBERS = 3000 };
	auto_arena arena = arena_new();
	struct report report = { .command = "check", .started = "2026-11-20T07:00:00Z", .n_envs = MEMBERS };
	report.envs = arena_array(arena, MEMBERS, sizeof *report.envs);
	report.troubles = arena_array(arena, MEMBERS, sizeof *report.troubles);
	for (size_t i = 0; i < MEMBERS; i++) {
		const char *fleet = i == 7 ? NULL : i % 2 == 0 ? "even" : "odd";
		report.envs[i] = member(arena, i, fleet, i == 100 ? "41" : "42");
		if (i >= 2000)
			give_trouble(arena, report.envs[i], i < 2500 ? report.envs[i]->name : "db/migrations/0001.sql:3");
		if (report.envs[i]->trouble != NULL)
			report.troubles[report.n_troubles++] = *report.envs[i]->trouble;
	}
	const struct report *view = report_view(arena, &report, true);
	static const struct { const char *name, *fleet; size_t n_members; } wanted[] = {
		{ "shop_2000 and 499 more", "even", 500 }, { "shop_2001 and 499 more", "odd", 500 }, // the same is said of the latter 500
		{ "shop_0000 and 998 more", "even", 999 }, { "shop_0001 and 998 more", "odd", 999 }, { "shop_0007", NULL, 0 },
		{ "shop_0100", "even", 0 },
	};
	assert_int_equal(view->n_envs, LENGTH(wanted));
	for (size_t i = 0; i < LENGTH(wanted); i++) {
		assert_string_equal(view->envs[i]->name, wanted[i].name);
		assert_int_equal(view->envs[i]->members.n, wanted[i].n_members);
	}
	assert_string_equal(view->envs[2]->members.items[998], "shop_1998");
	assert_int_equal(report_n_envs(view), MEMBERS);
	assert_string_equal(report_view(arena, &report, false)->envs[2]->name, "shop_0000");
	assert_string_equal(report.envs[0]->name, "shop_0000"); // the report itself stays
	assert_int_equal(report.envs[0]->members.n, 0);
	assert_ptr_equal(report_view(arena, view, true)->envs, view->envs);
}

// What keeps members from being checked is said once: where it is the environment itself, for all of them; where it is a
// migration, there.
static void trouble_is_said_once(void **state)
{
	(void)state;
	static const struct { const char *shared, *shown; } cases[] = { { NULL, "shop_0000 and 9 more" }, { "0001.sql:3", "0001.sql:3" } };
	for (size_t c = 0; c < LENGTH(cases); c++) {
		auto_arena arena = arena_new();
		struct report report = { .command = "check", .started = "2026-11-20T07:00:00Z" };
		report.envs = arena_array(arena, 10, sizeof *report.envs);
		report.troubles = arena_array(arena, 11, sizeof *report.troubles);
		err_set(&report.troubles[report.n_troubles++], "report", NULL, NULL, "of the run itself");
		for (size_t i = 0; i < 10; i++) {
			struct env_report *env = report.envs[report.n_envs++] = member(arena, i, "shops", "42");
			give_trouble(arena, env, cases[c].shared != NULL ? cases[c].shared : env->name);
			report.troubles[report.n_troubles++] = *env->trouble;
		}
		const struct report *view = report_view(arena, &report, true);
		assert_int_equal(view->n_envs, 1);
		assert_int_equal(view->n_troubles, 2);
		assert_string_equal(view->troubles[0].text, "of the run itself");
		assert_string_equal(view->troubles[1].where, cases[c].shown);
		assert_string_equal(view->envs[0]->trouble->where, cases[c].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_are_stable), cmocka_unit_test(shards_are_even), cmocka_unit_test(servers_get_no_more_than_they_may),
		cmocka_unit_test(servers_take_turns), cmocka_unit_test(equal_members_are_one), cmocka_unit_test(trouble_is_said_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
