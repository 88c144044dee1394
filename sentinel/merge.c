// SPDX-License-Identifier: PostgreSQL
// Merging the results of shards: see merge.h. The parts are sorted before anything else is done, so that the same files give
// the same bytes whatever their order. Nothing that one of them found is dropped because another is missing; but a report
// with a part missing is never complete, and what is not complete closes nothing.
#include <config.h>

#include "sentinel/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

// Shards of one run start within this time of each other; a result that lay there from the night before does not.
enum { SPREAD_MAX_S = 12 * 3600 };

struct merging {
	struct arena *arena;
	struct part *parts; // those that were read come first
	size_t n, n_read;
	struct report *report;
	size_t repos_capacity, troubles_capacity;
};

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *version_of(const struct report *report)
{
	return report->version == NULL ? PACKAGE_VERSION : report->version;
}

// By shard, then by what they hold (the first environment, then the time), then by file name.
static int compare_parts(const void *a, const void *b)
{
	const struct part *one = a, *other = b;
	const struct report *x = one->report, *y = other->report;
	if ((x == NULL) != (y == NULL))
		return x == NULL ? 1 : -1;
	int order = x == NULL ? 0 : x->shard_index - y->shard_index;
	if (order == 0 && x != NULL && x->n_envs > 0 && y->n_envs > 0)
		order = strcmp(x->envs[0]->name, y->envs[0]->name);
	if (order == 0 && x != NULL)
		order = strcmp(x->started, y->started);
	return order != 0 ? order : strcmp(one->file, other->file);
}

static void add_trouble(struct merging *merging, const struct err *err)
{
	struct report *report = merging->report;
	report->troubles = arena_grow(merging->arena, report->troubles, report->n_troubles, &merging->troubles_capacity, sizeof *err);
	report->troubles[report->n_troubles++] = *err;
	report->complete = false;
}

static void trouble(struct merging *merging, const char *where, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void trouble(struct merging *merging, const char *where, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_vprintf(merging->arena, format, arguments);
	va_end(arguments);
	struct err err;
	err_set(&err, "merge", where, hint, "%s", text);
	add_trouble(merging, &err);
}

// The shards: each once, none missing.

static const char shard_hint[] = "run that shard again, and merge then";

static void check_shards(struct merging *merging, int expect)
{
	int count = expect;
	for (size_t i = 0; count == 0 && i < merging->n_read; i++)
		count = merging->parts[i].report->shard_count;
	bool *seen = arena_array(merging->arena, (size_t)count + 1, sizeof *seen);
	size_t n_whole = 0;
	for (size_t i = 0; i < merging->n_read; i++) {
		struct part *part = &merging->parts[i];
		const struct part *before = i > 0 ? &merging->parts[i - 1] : NULL;
		int index = part->report->shard_index;
		n_whole += part->report->shard_count == 0;
		if (part->report->shard_count != 0 && part->report->shard_count != count)
			trouble(merging, part->file, "merge the results of one run", "this is shard %d of %d, where %d were expected", index,
			        part->report->shard_count, count);
		else if (index > 0 && seen[index])
			part->again = true;
		else
			seen[index] = true;
		if (part->again)
			trouble(merging, part->file, "merge each once; is one of them from another run?", "shard %d is there twice: in %s, too", index,
			        before->file);
	}
	if (n_whole > 0 && n_whole < merging->n_read)
		trouble(merging, merging->parts[0].file, "merge the results of one run", "this is no shard, but others are");
	if (n_whole > 0 && (size_t)count != merging->n)
		trouble(merging, NULL, "is one missing, or there twice?", "%d results were expected, and there are %zu", count, merging->n);
	for (int index = 1; n_whole == 0 && index <= count; index++) {
		if (!seen[index])
			trouble(merging, arena_printf(merging->arena, "shard %d of %d", index, count), shard_hint, "its result is missing");
	}
}

// What must be the same in all of them.

static void check_same_run(struct merging *merging)
{
	const struct part *first = &merging->parts[0];
	const char *oldest = first->report->started, *newest = oldest;
	for (size_t i = 0; i < merging->n_read; i++) {
		const struct part *part = &merging->parts[i];
		const struct report *report = part->report;
		oldest = strcmp(report->started, oldest) < 0 ? report->started : oldest;
		newest = strcmp(report->started, newest) > 0 ? report->started : newest;
		if (strcmp(version_of(report), version_of(first->report)) != 0)
			trouble(merging, part->file, "run all shards with one version", "written by driftcheck %s, but %s by %s", version_of(report),
			        first->file, version_of(first->report));
		if (strcmp(report->command, first->report->command) != 0)
			trouble(merging, part->file, NULL, "this is a result of `driftcheck %s`, but %s one of `driftcheck %s`", report->command,
			        first->file, first->report->command);
	}
	if (clock_parse(newest) - clock_parse(oldest) > SPREAD_MAX_S)
		trouble(merging, NULL, "clear the folder of results before each run", "these are not of one run: one began at %s, another at %s", oldest,
		        newest);
}

// Sets of one name are of one checkout.
static void check_same_repo(struct merging *merging, const struct part *part, const struct repo_report *repo)
{
	const struct repo_report *first = NULL;
	for (size_t i = 0; first == NULL && i < merging->report->n_repos; i++)
		first = same(merging->report->repos[i].name, repo->name) ? &merging->report->repos[i] : NULL;
	if (first == NULL || (same(first->head, repo->head) && same(first->git, repo->git) && first->n_migrations == repo->n_migrations))
		return;
	static const char *const unknown[] = { "nothing", "unknown" };
	trouble(merging, part->file, "run all shards on one checkout",
	        "its migrations%s%s end at %s (commit %s), those of another part at %s (commit %s)", *repo->name == '\0' ? "" : " ", repo->name,
	        repo->head == NULL ? unknown[0] : repo->head, repo->git == NULL ? unknown[1] : repo->git,
	        first->head == NULL ? unknown[0] : first->head, first->git == NULL ? unknown[1] : first->git);
}

// Two sets are one where everything that is said of them is.
static size_t add_repo(struct merging *merging, const struct part *part, const struct repo_report *repo)
{
	struct report *report = merging->report;
	for (size_t i = 0; i < report->n_repos; i++) {
		const struct repo_report *other = &report->repos[i];
		if (same(other->name, repo->name) && same(other->path, repo->path) && same(other->framework, repo->framework) &&
		    same(other->head, repo->head) && same(other->git, repo->git) && other->n_migrations == repo->n_migrations)
			return i;
	}
	check_same_repo(merging, part, repo);
	report->repos = arena_grow(merging->arena, report->repos, report->n_repos, &merging->repos_capacity, sizeof *report->repos);
	report->repos[report->n_repos] = *repo;
	return report->n_repos++;
}

// Environments.

struct merged_env {
	struct env_report *env;
	const struct part *part;
	size_t repo; // index in the merged report; SIZE_MAX: none
};

static int compare_envs(const void *a, const void *b)
{
	const struct merged_env *one = a, *other = b;
	int order = strcmp(one->env->name, other->env->name);
	return order != 0 ? order : (one->part > other->part) - (one->part < other->part);
}

static struct merged_env *list_envs(struct merging *merging, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < merging->n_read; i++)
		*n += merging->parts[i].again ? 0 : merging->parts[i].report->n_envs;
	struct merged_env *envs = arena_array(merging->arena, *n, sizeof *envs), *next = envs;
	for (size_t i = 0; i < merging->n_read; i++) {
		const struct part *part = &merging->parts[i];
		const struct report *report = part->report;
		size_t *index_of = arena_array(merging->arena, report->n_repos, sizeof *index_of);
		for (size_t r = 0; r < report->n_repos; r++)
			index_of[r] = add_repo(merging, part, &report->repos[r]);
		for (size_t e = 0; !part->again && e < report->n_envs; e++, next++) {
			const struct repo_report *repo = report->envs[e]->repo;
			*next = (struct merged_env){ report->envs[e], part, repo == NULL ? SIZE_MAX : index_of[repo - report->repos] };
		}
	}
	qsort(envs, *n, sizeof *envs, compare_envs);
	return envs;
}

// Of an environment that is there twice, the first part's stays.
static void add_envs(struct merging *merging)
{
	size_t n;
	const struct merged_env *envs = list_envs(merging, &n);
	struct report *report = merging->report;
	report->envs = arena_array(merging->arena, n, sizeof *report->envs);
	for (size_t i = 0; i < n; i++) {
		const struct env_report *env = envs[i].env;
		if (i > 0 && strcmp(envs[i - 1].env->name, env->name) == 0) {
			if (env->fleet != NULL && strcmp(env->fleet, env->name) == 0) // it could not be listed: each shard says so
				continue;
			trouble(merging, env->name, "give each environment to one process", "checked twice: in %s, too", envs[i].part->file);
			continue;
		}
		report->envs[report->n_envs++] = envs[i].env;
		envs[i].env->repo = envs[i].repo == SIZE_MAX ? NULL : &report->repos[envs[i].repo];
	}
}

static bool check_usage(const struct merging *merging, int expect, struct err *err)
{
	bool any_shard = false;
	for (size_t i = 0; i < merging->n_read; i++) {
		const struct report *report = merging->parts[i].report;
		any_shard = any_shard || report->shard_count > 0;
		if (strcmp(report->command, "diff") == 0)
			return err_set(err, "usage", merging->parts[i].file, NULL, "the result of a `diff` cannot be merged");
	}
	if (merging->n_read == 0) {
		*err = merging->parts[0].err;
		return false;
	}
	return any_shard || expect > 0 ||
	       err_set(err, "usage", NULL, "--merge --expect N: then one that is missing is noticed", "these are no shards, which know how many they are");
}

// From the first start to the last end.
static long long duration_ms(const struct merging *merging)
{
	long long start = clock_parse(merging->report->started), longest = 0;
	for (size_t i = 0; i < merging->n_read; i++) {
		const struct report *report = merging->parts[i].report;
		long long end = (clock_parse(report->started) - start) * 1000 + report->duration_ms;
		longest = end > longest ? end : longest;
	}
	return longest;
}

struct report *reports_merge(struct arena *arena, struct part *parts, size_t n, int expect, struct err *err)
{
	struct merging merging = { .arena = arena, .parts = parts, .n = n, .report = arena_alloc(arena, sizeof *merging.report) };
	qsort(parts, n, sizeof *parts, compare_parts);
	while (merging.n_read < n && parts[merging.n_read].report != NULL)
		merging.n_read++;
	if (!check_usage(&merging, expect, err))
		return NULL;
	struct report *report = merging.report;
	const struct report *first = parts[0].report;
	report->version = first->version;
	report->command = first->command;
	report->started = first->started;
	report->complete = true;
	for (size_t i = 0; i < merging.n_read; i++) {
		const struct report *part = parts[i].report;
		report->complete &= part->complete;
		report->started = strcmp(part->started, report->started) < 0 ? part->started : report->started;
	}
	report->duration_ms = duration_ms(&merging);
	for (size_t i = merging.n_read; i < n; i++)
		add_trouble(&merging, &parts[i].err);
	check_shards(&merging, expect);
	check_same_run(&merging);
	add_envs(&merging);
	for (size_t i = 0; i < merging.n_read; i++) {
		for (size_t t = 0; !parts[i].again && t < parts[i].report->n_troubles; t++)
			add_trouble(&merging, &parts[i].report->troubles[t]);
	}
	return report;
}
