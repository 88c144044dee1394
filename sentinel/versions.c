// SPDX-License-Identifier: PostgreSQL
// An environment's versions against its migrations: the version table is all that is read.
#include "sentinel/versions.h"

#include "base/arena.h"
#include "base/secret.h"
#include "sentinel/source_read.h"

// One line for each pending migration; what it would do is not known here.
static void add_pending_lines(struct run *run, struct env_report *report, const struct env *env,
                              const struct env_versions *versions)
{
	const struct migrations *set = env->set;
	report->pending_lines = arena_array(run->arena, set->n_items, sizeof *report->pending_lines);
	for (size_t i = 0; i < set->n_items; i++) {
		const struct migration *migration = &set->items[i];
		if (versions->standings.of[i] == STANDING_PENDING)
			report->pending_lines[report->n_pending_lines++] =
				(struct pending_line){ .version = migration->version, .label = migration->label, .path = migration->path };
	}
}

struct snapshot *versions_snapshot(struct run *run, struct envs *envs, const struct env *env, struct env_report *report)
{
	struct err err = { 0 };
	struct read_options options = env_read_options(run, env);
	options.versions_only = true;
	struct snapshot *snapshot = env_read(run, envs, env, &options, run->arena, &err);
	if (snapshot == NULL)
		report_trouble(run, report, &err);
	return snapshot;
}

bool versions_report(struct run *run, const struct env *env, const struct snapshot *snapshot, struct env_report *report,
                     struct env_versions *versions)
{
	struct err err = { 0 };
	report->reached = true;
	report->engine = snapshot->engine;
	report->server = snapshot->server;
	report->database = snapshot->database;
	if (!env->set->framework->applied(run->arena, env->set, &snapshot->version, &versions->applied, &err)) {
		report_trouble(run, report, &err);
		return false;
	}
	versions->standings = standings_of(run->arena, env->set, &versions->applied);
	report->complete = true;
	report_versions(run, report, env->set, &versions->applied, &versions->standings, snapshot->version.name);
	add_pending_lines(run, report, env, versions);
	report->verdict = report_versions_verdict(&versions->standings);
	return true;
}

bool versions_read(struct run *run, struct envs *envs, const struct env *env, struct env_report *report,
                   struct env_versions *versions)
{
	const struct snapshot *snapshot = versions_snapshot(run, envs, env, report);
	return snapshot != NULL && versions_report(run, env, snapshot, report, versions);
}
