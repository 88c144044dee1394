// SPDX-License-Identifier: PostgreSQL
// driftcheck check: every environment is read at once, each in a thread of its own; then they are checked one after the
// other, since the scratch servers belong to the main thread. One that cannot be read does not stop the others.
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "sentinel/check.h"
#include "sentinel/run_report.h"
#include "sentinel/source_read.h"

enum { JOBS_DEFAULT = 8 };

struct reading {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	struct arena *arena;
	struct snapshot *snapshot; // NULL: err says why
	struct err err;
};

struct readings {
	struct reading *items;
	size_t n;
	atomic_size_t next;
};

static void read_one(struct reading *reading)
{
	struct read_options options = env_read_options(reading->run, reading->env);
	reading->snapshot = env_read(reading->run, reading->envs, reading->env, &options, reading->arena, &reading->err);
}

static bool for_threads(const struct reading *reading)
{
	enum source_type type = reading->env->source.type;
	return reading->env->trouble == NULL && type != SOURCE_SQL && type != SOURCE_REPO;
}

static void *read_some(void *argument)
{
	struct readings *readings = argument;
	for (size_t i; (i = atomic_fetch_add(&readings->next, 1)) < readings->n;) {
		if (for_threads(&readings->items[i]))
			read_one(&readings->items[i]);
	}
	return NULL;
}

static void read_all(struct run *run, struct readings *readings)
{
	size_t jobs = run->options->jobs > 0 ? (size_t)run->options->jobs : JOBS_DEFAULT;
	if (jobs > readings->n)
		jobs = readings->n;
	pthread_t *threads = arena_array(run->arena, jobs, sizeof *threads);
	size_t n = 0;
	while (n < jobs && pthread_create(&threads[n], NULL, read_some, readings) == 0)
		n++;
	if (n == 0)
		read_some(readings);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < readings->n; i++) { // what needs a scratch server is replayed from the main thread
		if (readings->items[i].env->trouble == NULL && !for_threads(&readings->items[i]))
			read_one(&readings->items[i]);
	}
}

enum exit_status command_check(struct run *run, struct err *err)
{
	struct envs envs;
	if (!envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	struct report *report = report_start(run, &envs);
	struct readings readings = { .items = arena_array(run->arena, envs.n, sizeof *readings.items), .n = envs.n };
	for (size_t i = 0; i < envs.n; i++)
		readings.items[i] = (struct reading){ .run = run, .envs = &envs, .env = &envs.items[i], .arena = arena_new() };
	read_all(run, &readings);
	for (size_t i = 0; i < envs.n; i++) {
		struct reading *reading = &readings.items[i];
		if (reading->snapshot != NULL)
			check_env(run, &envs, reading->env, reading->snapshot, reading->arena, report->envs[i]);
		else if (reading->env->trouble == NULL)
			report_trouble(run, report->envs[i], &reading->err);
	}
	enum exit_status status = report_finish(run, report);
	for (size_t i = 0; i < envs.n; i++)
		arena_free(readings.items[i].arena);
	return status;
}
