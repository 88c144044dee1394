// SPDX-License-Identifier: PostgreSQL
// Shards: see shard.h. The variables are those that the schedulers document: Kubernetes Indexed Jobs, Slurm arrays, Buildkite
// parallel jobs, GitLab `parallel`.
#include "sentinel/shard.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

enum { SHARDS_MAX = 10000, HASH_DIGITS = 16 };

struct scheduler {
	const char *name;
	const char *index, *count; // variables; count NULL: it does not tell
	int first;                 // what it counts from
	const char *first_variable; // where that can be chosen; NULL: it cannot
};

static const struct scheduler schedulers[] = {
	{ "Kubernetes", "JOB_COMPLETION_INDEX", NULL, 0, NULL },
	{ "Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0, "SLURM_ARRAY_TASK_MIN" },
	{ "Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0, NULL },
	{ "GitLab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1, NULL },
};
enum { N_SCHEDULERS = sizeof schedulers / sizeof *schedulers };

// `end` gets what comes after the number.
static bool number(const char *text, long *value, char **end)
{
	errno = 0;
	*value = strtol(text, end, 10);
	return errno == 0 && *end != text && *text >= '0' && *text <= '9' && *value <= INT_MAX;
}

static bool variable(const char *name, long *value, struct err *err)
{
	const char *text = getenv(name);
	char *end;
	if (text == NULL)
		return err_set(err, "usage", NULL, NULL, "--shard auto: the variable %s is not set", name);
	return (number(text, value, &end) && *end == '\0') || err_set(err, "usage", NULL, NULL, "--shard auto: %s=\"%s\" is no number", name, text);
}

static bool find_scheduler(const struct scheduler **found, struct err *err)
{
	*found = NULL;
	for (size_t i = 0; i < N_SCHEDULERS; i++) {
		if (getenv(schedulers[i].index) == NULL)
			continue;
		if (*found != NULL)
			return err_set(err, "usage", NULL, "say which part this is: --shard I/N", "--shard auto: both %s and %s number this job",
			               (*found)->name, schedulers[i].name);
		*found = &schedulers[i];
	}
	return *found != NULL || err_set(err, "usage", NULL, "say which part this is: --shard I/N",
	                                 "--shard auto: no scheduler numbers this job (%s, %s, %s and %s are not set)", schedulers[0].index,
	                                 schedulers[1].index, schedulers[2].index, schedulers[3].index);
}

static bool check_range(long index, long count, struct err *err)
{
	return (count >= 1 && count <= SHARDS_MAX && index >= 1 && index <= count) ||
	       err_set(err, "usage", NULL, "shards are counted from 1: 1/8 to 8/8", "--shard: there is no shard %ld of %ld", index, count);
}

static bool resolve_auto(const struct options *options, struct shard *shard, struct err *err)
{
	const struct scheduler *scheduler;
	long index, first = 0, count = options->shard_count;
	if (!find_scheduler(&scheduler, err) || !variable(scheduler->index, &index, err))
		return false;
	first = scheduler->first;
	if (scheduler->first_variable != NULL && getenv(scheduler->first_variable) != NULL && !variable(scheduler->first_variable, &first, err))
		return false;
	if (scheduler->count == NULL && count == 0)
		return err_set(err, "usage", NULL, "--shard-count N, with the job's number of completions", "--shard auto: %s does not tell how many shards "
		               "there are", scheduler->name);
	if (scheduler->count != NULL && !variable(scheduler->count, &count, err))
		return false;
	if (options->shard_count > 0 && count != options->shard_count)
		return err_set(err, "usage", NULL, "leave --shard-count out", "--shard-count %d, but %s=%ld", options->shard_count, scheduler->count, count);
	*shard = (struct shard){ (int)(index - first + 1), (int)count };
	return check_range(index - first + 1, count, err);
}

bool shard_resolve(const struct options *options, struct shard *shard, struct err *err)
{
	*shard = (struct shard){ 0 };
	long index, count;
	char *slash, *end;
	if (options->shard != NULL && strcmp(options->shard, "auto") == 0)
		return resolve_auto(options, shard, err);
	if (options->shard_count > 0)
		return err_set(err, "usage", NULL, NULL, "--shard-count goes with --shard auto");
	if (options->shard == NULL)
		return true;
	if (!number(options->shard, &index, &slash) || *slash != '/' || !number(slash + 1, &count, &end) || *end != '\0')
		return err_set(err, "usage", NULL, "--shard 3/8, or --shard auto", "--shard: \"%s\" is no shard", options->shard);
	*shard = (struct shard){ (int)index, (int)count };
	return check_range(index, count, err);
}

int shard_of(const char *name, int count)
{
	char hex[DIGEST_SHA256_HEX];
	digest_sha256_hex(name, strlen(name), hex);
	hex[HASH_DIGITS] = '\0';
	return (int)(strtoull(hex, NULL, 16) % (unsigned long long)count) + 1;
}

void shard_apply(const struct shard *shard, struct envs *envs)
{
	size_t n = envs->n;
	envs->shard_index = shard->index;
	envs->shard_count = shard->count;
	envs->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct env *env = &envs->items[i];
		bool unlisted = env->fleet != NULL && env->fleet == env->name; // a fleet that could not be listed: each shard says so
		if (unlisted || shard_of(env->name, shard->count) == shard->index)
			envs->items[envs->n++] = *env;
	}
}
