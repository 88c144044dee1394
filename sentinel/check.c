// SPDX-License-Identifier: PostgreSQL
// driftcheck check: environments are read by several threads; each is checked as soon as it is read, one at a time, since the
// scratch servers belong to the main thread, and what was read of it is let go then. One that cannot be read does not stop
// the others. There may be thousands: what is held at once follows from the number of threads, not of environments. Drift may
// be looked at a second time, in the same way.
#include <pthread.h>

#include "base/arena.h"
#include "reporters/report_json.h"
#include "sentinel/check.h"
#include "sentinel/confirm.h"
#include "sentinel/cron.h"
#include "sentinel/deliver.h"
#include "sentinel/replays.h"
#include "sentinel/run_report.h"
#include "sentinel/servers.h"
#include "sentinel/shard.h"
#include "sentinel/source_read.h"
#include "sentinel/tenants.h"

enum { JOBS_DEFAULT = 8, PER_SERVER_DEFAULT = 4 };

struct reading {
	size_t env; // index
	struct arena *arena;
	struct snapshot *snapshot; // NULL: err says why
	struct err err;
	struct reading *next;
};

// What passes from the threads that read to the one that checks; those wait when it is full.
struct desk {
	struct run *run;
	struct envs *envs;
	struct report *report;
	struct env_reports *tenants; // by environment: what a fleet of tenants has instead of its report
	size_t jobs;
	const bool *chosen; // the environments that are looked at
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct reading *oldest, *newest;
	size_t n_waiting, n_readers;
};

// What needs a scratch server to be read.
static bool is_replayed(const struct env *env)
{
	return env->source.type == SOURCE_SQL || env->source.type == SOURCE_REPO;
}

static struct reading *read_one(struct desk *desk, size_t env)
{
	struct arena *arena = arena_new();
	struct reading *reading = arena_alloc(arena, sizeof *reading);
	*reading = (struct reading){ .env = env, .arena = arena };
	const struct env *of = &desk->envs->items[env];
	if (cron_time_is_up(desk->run, &reading->err))
		return reading;
	struct read_options options = env_read_options(desk->run, of);
	reading->snapshot = env_read(desk->run, desk->envs, of, &options, arena, &reading->err);
	return reading;
}

static void put(struct desk *desk, struct reading *reading)
{
	pthread_mutex_lock(&desk->mutex);
	while (desk->n_waiting >= desk->jobs)
		pthread_cond_wait(&desk->changed, &desk->mutex);
	*(desk->newest == NULL ? &desk->oldest : &desk->newest->next) = reading;
	desk->newest = reading;
	desk->n_waiting++;
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->mutex);
}

// NULL: all are read, and there is none left.
static struct reading *take(struct desk *desk)
{
	pthread_mutex_lock(&desk->mutex);
	while (desk->oldest == NULL && desk->n_readers > 0)
		pthread_cond_wait(&desk->changed, &desk->mutex);
	struct reading *reading = desk->oldest;
	if (reading != NULL) {
		desk->oldest = reading->next;
		desk->newest = desk->oldest == NULL ? NULL : desk->newest;
		desk->n_waiting--;
		pthread_cond_broadcast(&desk->changed);
	}
	pthread_mutex_unlock(&desk->mutex);
	return reading;
}

static void *read_some(void *argument)
{
	struct desk *desk = argument;
	for (size_t env; servers_next(desk->envs->servers, &env);) {
		struct reading *reading = read_one(desk, env);
		servers_leave(desk->envs->servers, env);
		put(desk, reading);
	}
	pthread_mutex_lock(&desk->mutex);
	desk->n_readers--;
	pthread_cond_broadcast(&desk->changed);
	pthread_mutex_unlock(&desk->mutex);
	return NULL;
}

// Checks what was read, keeps what is to be reported of it, and lets the rest go.
static void check_one(struct desk *desk, struct reading *reading)
{
	struct report *report = desk->report;
	struct env_report *of = report->envs[reading->env];
	const struct env *env = &desk->envs->items[reading->env];
	struct arena *arena = reading->arena; // holds the reading itself
	if (reading->snapshot == NULL || cron_time_is_up(desk->run, &reading->err)) {
		report_trouble(desk->run, of, &reading->err);
	} else if (env->tenants != NULL) {
		log_progress(desk->run->log, "%s: checking", env->name);
		tenants_check(desk->run, desk->envs, env, reading->snapshot, &arena, report, of, &desk->tenants[reading->env]);
	} else {
		log_progress(desk->run->log, "%s: checking", env->name);
		check_env(desk->run, desk->envs, env, reading->snapshot, reading->arena, of);
		*of = *env_report_copy(desk->run->arena, report, of);
	}
	arena_free(arena);
}

// As many threads as were wanted and could be started.
static size_t start_readers(struct desk *desk, pthread_t *threads, size_t wanted)
{
	size_t n = 0;
	desk->n_readers = wanted;
	while (n < wanted && pthread_create(&threads[n], NULL, read_some, desk) == 0)
		n++;
	pthread_mutex_lock(&desk->mutex);
	desk->n_readers -= wanted - n;
	pthread_mutex_unlock(&desk->mutex);
	return n;
}

static void check_chosen(struct desk *desk)
{
	struct envs *envs = desk->envs;
	const int most = desk->run->options->max_per_server;
	bool *for_threads = arena_array(desk->run->arena, envs->n, sizeof *for_threads);
	for (size_t i = 0; i < envs->n; i++)
		for_threads[i] = desk->chosen[i] && !is_replayed(&envs->items[i]);
	envs->servers = servers_new(envs, for_threads, most > 0 ? most : PER_SERVER_DEFAULT);
	pthread_t *threads = arena_array(desk->run->arena, desk->jobs, sizeof *threads);
	size_t n = start_readers(desk, threads, desk->jobs < envs->n ? desk->jobs : envs->n);
	for (struct reading *reading; (reading = take(desk)) != NULL;)
		check_one(desk, reading);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t env; n == 0 && servers_next(envs->servers, &env);) {
		struct reading *reading = read_one(desk, env);
		servers_leave(envs->servers, env);
		check_one(desk, reading);
	}
	for (size_t i = 0; i < envs->n; i++) { // replayed from the main thread
		if (desk->chosen[i] && !for_threads[i])
			check_one(desk, read_one(desk, i));
	}
	servers_free(envs->servers);
	envs->servers = NULL;
}

static void look_again(void *argument, struct report *report, const bool *chosen)
{
	struct desk *desk = argument;
	desk->chosen = chosen;
	for (size_t i = 0; i < desk->envs->n; i++) {
		if (chosen[i])
			report->envs[i] = report_env(desk->run, report, desk->envs, i);
	}
	check_chosen(desk);
}

static void put_tenants(struct desk *desk)
{
	struct report *report = desk->report;
	struct env_reports all = { 0 };
	for (size_t i = 0; i < desk->envs->n; i++) {
		const struct env_reports *tenants = &desk->tenants[i];
		if (tenants->n == 0)
			env_reports_add(desk->run->arena, &all, report->envs[i]);
		for (size_t j = 0; j < tenants->n; j++)
			env_reports_add(desk->run->arena, &all, tenants->items[j]);
	}
	report->envs = all.items;
	report->n_envs = all.n;
}

// Shards do not send: whoever merges their results does, and is the only one.
static bool resolve_shard(struct run *run, struct shard *shard, struct err *err)
{
	if (!shard_resolve(run->options, shard, err))
		return false;
	return shard->count == 0 || !deliveries_send_out(run->deliveries) ||
	       err_set(err, "usage", NULL, "write it (--format json --output FILE), and send what is merged: driftcheck report --merge FILE... "
	               "--report ...", "a shard is not sent alone: --report beside --shard takes files only");
}

enum exit_status command_check(struct run *run, struct err *err)
{
	struct envs envs;
	struct shard shard;
	if (!resolve_shard(run, &shard, err) || !envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	if (shard.count > 0)
		shard_apply(&shard, &envs);
	cron_begin(run, &envs);
	envs_grants(run, &envs);
	struct report *report = report_start(run, &envs);
	envs.replays = replays_new();
	bool *chosen = arena_array(run->arena, envs.n, sizeof *chosen);
	for (size_t i = 0; i < envs.n; i++)
		chosen[i] = envs.items[i].trouble == NULL;
	struct desk desk = {
		.run = run, .envs = &envs, .report = report, .jobs = run->options->jobs > 0 ? (size_t)run->options->jobs : JOBS_DEFAULT,
		.tenants = arena_array(run->arena, envs.n, sizeof *desk.tenants),
		.chosen = chosen, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER,
	};
	check_chosen(&desk);
	confirm_drift(run, report, &(struct confirm){ look_again, &desk }); // that of tenants is confirmed: see tenants.c
	put_tenants(&desk);
	replays_free(envs.replays);
	return report_finish(run, report);
}
