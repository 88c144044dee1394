// SPDX-License-Identifier: PostgreSQL
// An environment's versions against its migrations: the version table is all that is read.
#include "sentinel/versions.h"

#include "base/arena.h"
#include "sentinel/secret.h"
#include "sentinel/source_read.h"

bool versions_read(struct run *run, struct envs *envs, const struct env *env, struct env_report *report,
                   struct env_versions *versions)
{
	struct err err = { 0 };
	struct read_options options = env_read_options(run, env);
	options.versions_only = true;
	struct snapshot *snapshot = env_read(run, envs, env, &options, run->arena, &err);
	if (snapshot == NULL) {
		report_trouble(run, report, &err);
		return false;
	}
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
	report->verdict = report_versions_verdict(&versions->standings);
	return true;
}
