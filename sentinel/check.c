// SPDX-License-Identifier: PostgreSQL
// driftcheck check: every environment is read at once, each in a thread of its own; then they are checked one after the
// other, since the scratch servers belong to the main thread. One that cannot be read does not stop the others. Drift may be
// looked at a second time, in the same way.
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "sentinel/check.h"
#include "sentinel/confirm.h"
#include "sentinel/cron.h"
#include "sentinel/run_report.h"
#include "sentinel/source_read.h"

enum { JOBS_DEFAULT = 8 };

struct reading {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	bool chosen; // to be read and checked
	struct arena *arena; // holds what its report shows
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
	if (cron_time_is_up(reading->run, &reading->err))
		return;
	struct read_options options = env_read_options(reading->run, reading->env);
	reading->snapshot = env_read(reading->run, reading->envs, reading->env, &options, reading->arena, &reading->err);
}

static bool for_threads(const struct reading *reading)
{
	enum source_type type = reading->env->source.type;
	return reading->chosen && type != SOURCE_SQL && type != SOURCE_REPO;
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
		if (readings->items[i].chosen && !for_threads(&readings->items[i]))
			read_one(&readings->items[i]);
	}
}

// Reads and checks the chosen environments into the report.
static void check_chosen(struct run *run, struct envs *envs, struct readings *readings, struct report *report)
{
	atomic_store(&readings->next, 0);
	read_all(run, readings);
	for (size_t i = 0; i < readings->n; i++) {
		struct reading *reading = &readings->items[i];
		struct err err;
		if (!reading->chosen)
			continue;
		if (reading->snapshot == NULL)
			report_trouble(run, report->envs[i], &reading->err);
		else if (cron_time_is_up(run, &err))
			report_trouble(run, report->envs[i], &err);
		else
			check_env(run, envs, reading->env, reading->snapshot, reading->arena, report->envs[i]);
	}
}

static void look_again(void *argument, struct report *report, const bool *chosen)
{
	struct readings *readings = argument;
	for (size_t i = 0; i < readings->n; i++) {
		struct reading *reading = &readings->items[i];
		reading->chosen = chosen[i];
		if (!chosen[i])
			continue;
		arena_free(reading->arena);
		reading->arena = arena_new();
		reading->snapshot = NULL;
		report->envs[i] = report_env(reading->run, report, reading->envs, i);
	}
	check_chosen(readings->items->run, readings->items->envs, readings, report);
}

enum exit_status command_check(struct run *run, struct err *err)
{
	struct envs envs;
	if (!envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	cron_begin(run, &envs);
	struct report *report = report_start(run, &envs);
	struct readings readings = { .items = arena_array(run->arena, envs.n, sizeof *readings.items), .n = envs.n };
	for (size_t i = 0; i < envs.n; i++)
		readings.items[i] = (struct reading){
			.run = run, .envs = &envs, .env = &envs.items[i], .chosen = envs.items[i].trouble == NULL, .arena = arena_new(),
		};
	check_chosen(run, &envs, &readings, report);
	confirm_drift(run, report, &(struct confirm){ look_again, &readings });
	enum exit_status status = report_finish(run, report);
	for (size_t i = 0; i < envs.n; i++)
		arena_free(readings.items[i].arena);
	return status;
}
