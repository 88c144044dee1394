// SPDX-License-Identifier: PostgreSQL
// The clones that a user brings to `driftcheck rehearse`: which database it is, which environments it must not be, and what of the
// migrations it has. A copy of an environment has its version table, and is believed; one without is taken to have
// what the environment has.
#include "sentinel/rehearse_clone.h"

#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "sentinel/rehearse_target.h"
#include "sentinel/source_read.h"

bool rehearse_split(struct run *run, const struct env *env, const struct env_versions *versions, struct rehearsal_request *request, struct err *err)
{
	const struct migrations *set = env->set;
	const struct migration **applied = arena_array(run->arena, set->n_items, sizeof *applied);
	const struct migration **pending = arena_array(run->arena, set->n_items, sizeof *pending);
	const char *to = run->options->to;
	const struct migration *last = to == NULL ? NULL : migrations_find(set, to);
	if (to != NULL && last == NULL)
		return err_set(err, "unknown-version", set->folders[0], NULL, "there is no migration with the version \"%s\"", to);
	request->n_applied = request->n_pending = 0;
	bool late_runs = set->framework->late == LATE_RUNS || set->settings.out_of_order;
	for (size_t i = 0; i < set->n_items; i++) {
		const struct migration *migration = &set->items[i];
		enum standing standing = versions->standings.of[i];
		bool runs = standing == STANDING_PENDING || (standing == STANDING_SKIPPED && late_runs);
		if (runs && (last == NULL || migration <= last))
			pending[request->n_pending++] = migration;
		else if (standing == STANDING_APPLIED || standing == STANDING_EDITED)
			applied[request->n_applied++] = migration;
	}
	request->applied = applied;
	request->pending = pending;
	return request->n_pending > 0 || request->exec != NULL || // the command says what is pending
	       err_set(err, "nothing-pending", env->name, "nothing is to be rehearsed", "%s has every migration of the repository%s", env->name,
	               to == NULL ? "" : " up to that version");
}

static bool ask_versions(void *argument, const char *conninfo, struct rehearsal_request *request, struct err *err)
{
	struct rehearse_clone *clone = argument;
	struct env env = *clone->env;
	struct env_versions versions;
	env.source = (struct source){ .type = SOURCE_POSTGRESQL, .shown = "the clone", .conninfo = conninfo };
	struct env_report *report = report_env(clone->run, clone->report, clone->envs, 0);
	if (!versions_read(clone->run, clone->envs, &env, report, &versions)) {
		*err = *report->trouble;
		return err_where(err, "the clone");
	}
	if (report->version_table == NULL && clone->alone && clone->run->options->from == NULL)
		return err_set(err, "no-version-table", "the clone", "say which migration is the first that it lacks: --from V",
		               "it has no version table, so nobody knows what is applied");
	if (report->version_table == NULL && clone->alone)
		return rehearse_split_alone(clone->run, env.set, request, err);
	if (report->version_table == NULL) // a dump of some tables
		return rehearse_split(clone->run, clone->env, clone->versions, request, err);
	if (clone->run->options->from != NULL)
		return err_set(err, "usage", "--from", NULL, "the clone says itself what it has applied: %s", report->version_table);
	clone->version_table = request->version_table = report->version_table;
	return rehearse_split(clone->run, clone->env, &versions, request, err);
}

bool rehearse_clone_look(void *argument, const struct snapshot *schema, struct scratch *scratch, struct err *err)
{
	struct rehearse_clone *clone = argument;
	return rehearse_drift_look(&clone->drift, schema, clone->version_table, scratch, err);
}

// Every environment that is configured, and the one that is meant.
static bool list_envs(struct rehearse_clone *clone, struct rehearsal_request *request, struct err *err)
{
	struct run *run = clone->run;
	struct envs all = { 0 };
	if (run->config->n_envs + run->config->n_fleets > 0 && !envs_resolve(run, NULL, 0, false, &all, err))
		return false;
	struct clone_env *envs = arena_array(run->arena, all.n + 1, sizeof *envs);
	for (size_t i = 0; i <= all.n; i++) {
		const struct env *env = i < all.n ? &all.items[i] : clone->env;
		bool again = i == all.n && env->configured != NULL;
		if (again || (env->trouble == NULL && env->source.type != SOURCE_POSTGRESQL))
			continue;
		envs[request->n_clone_envs++] = (struct clone_env){ .name = env->name, .conninfo = env->trouble == NULL ? env->source.conninfo : NULL,
		                                                    .why = env->trouble == NULL ? NULL : env->trouble->text };
	}
	request->clone_envs = envs;
	return true;
}

bool rehearse_clone_find(struct rehearse_clone *clone, struct rehearsal_request *request, struct err *err)
{
	const struct options *options = clone->run->options;
	if (options->clone != NULL && options->dump != NULL)
		return err_set(err, "usage", NULL, NULL, "--clone and --dump: the rehearsal is on one of them");
	if (options->keep && options->clone != NULL)
		return err_set(err, "usage", NULL, "drop --keep", "--keep is of a clone that is ours: the database of --clone stays in any case");
	if (options->as_sent && options->exec == NULL)
		return err_set(err, "usage", NULL, NULL, "--as-sent is of what a command sends: --exec");
	if (options->try_rewrite && options->clone != NULL)
		return err_set(err, "usage", NULL, "leave --try-rewrite out, or give a dump of it: --dump", "--try-rewrite: a second clone is needed, and --clone gives one");
	if (options->try_rewrite && options->exec != NULL)
		return err_set(err, "usage", NULL, NULL, "--try-rewrite: what a command sends (--exec) cannot be replaced");
	request->try_rewrite = options->try_rewrite;
	request->dump = options->dump;
	request->exec = options->exec;
	request->as_sent = options->as_sent;
	request->argument = clone;
	request->ask_versions = options->clone != NULL || options->dump != NULL ? ask_versions : NULL;
	if (options->clone == NULL)
		return true;
	if (!source_parse(clone->run->arena, options->clone, "", &clone->source, err))
		return err_where(err, "--clone");
	if (clone->source.type != SOURCE_POSTGRESQL)
		return err_set(err, "usage", "--clone", "postgresql://...", "\"%s\" is no PostgreSQL database", clone->source.shown);
	request->clone = clone->source.conninfo;
	request->clone_anyway = options->clone_anyway;
	return list_envs(clone, request, err);
}
