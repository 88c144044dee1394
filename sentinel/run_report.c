// SPDX-License-Identifier: PostgreSQL
// The frame of a report: see run_report.h. What was found is none of its business: the commands fill that in.
#include "sentinel/run_report.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "migrations/git.h"
#include "reporters/redact.h"
#include "sentinel/output.h"
#include "base/secret.h"
#include "sentinel/deliver.h"
#include "sentinel/last_success.h"

static struct repo_report repo_report(struct run *run, const struct migrations *set)
{
	auto_buf path = BUF_INIT;
	for (size_t i = 0; set->folders[i] != NULL; i++)
		buf_addf(&path, "%s%s", i == 0 ? "" : ", ", set->folders[i]);
	size_t n_folders = 0;
	while (set->folders[n_folders] != NULL)
		n_folders++;
	struct repo_folder *folders = arena_array(run->arena, n_folders, sizeof *folders);
	for (size_t i = 0; i < n_folders; i++)
		folders[i] = (struct repo_folder){ set->folders[i], git_prefix(run->arena, set->folders[i]) };
	const char *head = NULL;
	for (size_t i = 0; i < set->n_items; i++)
		head = set->items[i].repeatable ? head : set->items[i].version;
	struct migration_line *lines = arena_array(run->arena, set->n_items, sizeof *lines);
	for (size_t i = 0; i < set->n_items; i++)
		lines[i] = (struct migration_line){ set->items[i].version, set->items[i].label };
	return (struct repo_report){
		.lines = lines, .folders = folders, .n_folders = n_folders,
		.name = set->name, .path = buf_copy(&path, run->arena), .framework = set->framework->name,
		.n_migrations = set->n_items, .head = head, .git = git_head(run->arena, set->folders[0]),
	};
}

struct env_report *report_env(struct run *run, const struct report *report, const struct envs *envs, size_t i)
{
	const struct env *env = &envs->items[i];
	struct env_report *of = arena_alloc(run->arena, sizeof *of);
	of->name = env->name;
	of->fleet = env->fleet;
	of->engine = source_engine(&env->source);
	for (size_t s = 0; s < envs->n_sets; s++)
		of->repo = envs->sets[s] == env->set ? &report->repos[s] : of->repo;
	if (env->trouble != NULL)
		report_trouble(run, of, env->trouble);
	return of;
}

struct report *report_start(struct run *run, const struct envs *envs)
{
	struct report *report = arena_alloc(run->arena, sizeof *report);
	report->command = run->command->name;
	report->started = run->started;
	if (strcmp(run->command->name, "diff") == 0) {
		report->want_name = secret_redact(run->arena, run->words[0]);
		report->have_name = secret_redact(run->arena, run->words[1]);
	}
	if (envs == NULL)
		return report;
	report->shard_index = envs->shard_index;
	report->shard_count = envs->shard_count;
	report->n_repos = envs->n_sets;
	report->repos = arena_array(run->arena, envs->n_sets, sizeof *report->repos);
	for (size_t i = 0; i < envs->n_sets; i++)
		report->repos[i] = repo_report(run, envs->sets[i]);
	report->n_envs = envs->n;
	report->envs = arena_array(run->arena, envs->n, sizeof *report->envs);
	for (size_t i = 0; i < envs->n; i++)
		report->envs[i] = report_env(run, report, envs, i);
	return report;
}

void env_reports_add(struct arena *arena, struct env_reports *reports, struct env_report *report)
{
	reports->items = arena_grow(arena, reports->items, reports->n, &reports->capacity, sizeof *reports->items);
	reports->items[reports->n++] = report;
}

static struct versions versions_of(struct run *run, const struct migrations *set, const struct standings *standings,
                                   enum standing wanted)
{
	struct versions versions = { .items = arena_array(run->arena, standings->n[wanted], sizeof *versions.items) };
	for (size_t i = 0; i < set->n_items; i++) {
		if (standings->of[i] == wanted)
			versions.items[versions.n++] = set->items[i].version;
	}
	return versions;
}

void report_versions(struct run *run, struct env_report *env, const struct migrations *set, const struct applied_set *applied,
                     const struct standings *standings, const char *table)
{
	env->versions_known = true;
	env->version_table = table;
	env->version_head = applied->head;
	env->state = standings->state;
	env->pending = versions_of(run, set, standings, STANDING_PENDING);
	env->skipped = versions_of(run, set, standings, STANDING_SKIPPED);
	env->edited = versions_of(run, set, standings, STANDING_EDITED);
	env->unknown = (struct versions){ standings->unknown, standings->n_unknown };
	struct versions dirty = versions_of(run, set, standings, STANDING_DIRTY), all = { 0 };
	all.items = arena_array(run->arena, dirty.n + standings->n_unknown_dirty, sizeof *all.items);
	for (size_t i = 0; i < dirty.n; i++)
		all.items[all.n++] = dirty.items[i];
	for (size_t i = 0; i < standings->n_unknown_dirty; i++)
		all.items[all.n++] = standings->unknown_dirty[i];
	env->dirty = all;
}

enum verdict report_versions_verdict(const struct standings *standings)
{
	static const struct {
		enum standing standing;
		enum verdict verdict;
	} verdicts[] = {
		{ STANDING_DIRTY, VERDICT_DRIFT }, { STANDING_SKIPPED, VERDICT_DRIFT }, { STANDING_PENDING, VERDICT_SKEW },
		{ STANDING_UNKNOWN, VERDICT_SKEW }, { STANDING_EDITED, VERDICT_SKEW },
	};
	enum verdict worst = standings->n_unknown_dirty > 0 ? VERDICT_DRIFT : VERDICT_CLEAN;
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		if (standings->n[verdicts[i].standing] > 0 && verdicts[i].verdict > worst)
			worst = verdicts[i].verdict;
	}
	return worst;
}

void report_trouble(struct run *run, struct env_report *env, const struct err *err)
{
	env->trouble = arena_alloc(run->arena, sizeof *env->trouble);
	*env->trouble = *err;
	if (env->trouble->where[0] == '\0')
		err_where(env->trouble, "%s", env->name);
	env->verdict = VERDICT_TROUBLE;
	env->complete = false;
}

static void collect_troubles(struct run *run, struct report *report)
{
	struct err *all = arena_array(run->arena, report->n_troubles + report->n_envs, sizeof *all);
	if (report->n_troubles > 0)
		memcpy(all, report->troubles, report->n_troubles * sizeof *all);
	for (size_t i = 0; i < report->n_envs; i++) {
		if (report->envs[i]->trouble != NULL)
			all[report->n_troubles++] = *report->envs[i]->trouble;
	}
	report->troubles = all;
}

// The worst verdict that --fail-on lets pass.
static enum verdict accepted(const char *fail_on)
{
	static const struct {
		const char *word;
		enum verdict accepted;
	} levels[] = { { "skew", VERDICT_CLEAN }, { "drift", VERDICT_SKEW }, { "never", VERDICT_DRIFT } };
	size_t level = 0;
	while (strcmp(levels[level].word, fail_on) != 0)
		level++;
	return levels[level].accepted;
}

static enum exit_status exit_status(const struct run *run, const struct report *report)
{
	enum verdict least = run->render.accepted + 1;
	enum exit_status status = report->n_troubles > 0 || !report->complete ? EXIT_TROUBLE : EXIT_CLEAN;
	for (size_t i = 0; i < report->n_envs; i++) {
		enum verdict verdict = report->envs[i]->verdict;
		enum exit_status of = verdict == VERDICT_TROUBLE ? EXIT_TROUBLE : verdict >= least ? EXIT_FINDINGS : EXIT_CLEAN;
		status = of > status ? of : status;
	}
	if (report->want_name != NULL && !report->equal && status == EXIT_CLEAN && least != VERDICT_TROUBLE)
		status = EXIT_FINDINGS;
	return status;
}

enum exit_status report_finish(struct run *run, struct report *report)
{
	collect_troubles(run, report);
	report->complete = report->n_troubles == 0;
	for (size_t i = 0; i < report->n_envs; i++)
		report->complete &= report->envs[i]->complete;
	report->duration_ms = (clock_us() - run->started_us) / 1000;
	if (run->reporter->last_success || deliveries_show_last_success(run->deliveries))
		last_success_fill(run, report);
	return report_hand_out(run, report);
}

enum exit_status report_hand_out(struct run *run, struct report *report)
{
	run->render.accepted = accepted(run->options->fail_on);
	report_redact(run->arena, report);
	auto_buf last = BUF_INIT;
	deliveries_send(run, run->deliveries, report, &last); // before it is printed: what could not be delivered is a part of it
	enum exit_status status = exit_status(run, report);
	run->reporter->render(&run->out, report, &run->render);
	buf_add(&run->out, last.data, last.length);
	return status;
}

void report_failure(struct run *run, const struct err *err)
{
	if (run->reporter == NULL || strcmp(run->reporter->name, "text") == 0 || run->out.length > 0)
		return;
	struct report *report = report_start(run, NULL);
	report->troubles = arena_alloc(run->arena, sizeof *report->troubles);
	report->troubles[0] = *err;
	report->n_troubles = 1;
	report->duration_ms = (clock_us() - run->started_us) / 1000;
	report_redact(run->arena, report);
	run->reporter->render(&run->out, report, &run->render);
}
