// SPDX-License-Identifier: PostgreSQL
// What a rehearsal is for: see rehearse_target.h. Without an environment nobody knows what is applied; what a person who has a new
// migration in the working tree means is that one.
#include "sentinel/rehearse_target.h"

#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "sentinel/suggest.h"

static const char name_one[] = "driftcheck rehearse --env prod";

// Every name that could be meant.
static const char *list_names(struct run *run)
{
	auto_buf names = BUF_INIT;
	for (size_t i = 0; i < run->config->n_envs; i++)
		buf_addf(&names, "%s%s", i > 0 ? ", " : "", run->config->envs[i].name);
	for (size_t i = 0; i < run->config->n_fleets; i++)
		buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", run->config->fleets[i].name);
	return buf_copy(&names, run->arena);
}

static bool find_alone(struct run *run, struct envs *envs, struct err *err)
{
	*envs = (struct envs){ 0 };
	if (!envs_settings(run, envs, err))
		return false;
	struct env *env = arena_alloc(run->arena, sizeof *env);
	env->name = "the clone";
	env->source.type = env_engine(run, 0) == ENGINE_SQLITE && run->options->clone == NULL && run->options->dump == NULL ? SOURCE_SQLITE : SOURCE_REPO;
	env->set = set_resolve(run, envs, NULL, NULL, err);
	if (env->set == NULL)
		return false;
	framework_version_query(env->set, env->versions);
	envs->items = env;
	envs->n = envs->capacity = 1;
	return true;
}

bool rehearse_target(struct run *run, struct envs *envs, bool *alone, struct err *err)
{
	const struct config *config = run->config;
	const struct options *options = run->options;
	const char *word = run->n_words > 0 ? run->words[0] : options->env;
	size_t n_configured = config->n_envs + config->n_fleets;
	*alone = false;
	if (run->n_words > 0 && options->env != NULL && strcmp(run->words[0], options->env) != 0)
		return err_set(err, "usage", NULL, name_one, "two environments are named, \"%s\" and --env %s: it is rehearsed for one", run->words[0],
		               options->env);
	if (word == NULL && n_configured > 1)
		return err_set(err, "usage", config->path, name_one, "several environments are configured: say for which one (%s)", list_names(run));
	if (word == NULL && n_configured == 0) {
		*alone = options->clone != NULL || options->dump != NULL || options->rows > 0;
		return *alone ? find_alone(run, envs, err)
		              : err_set(err, "usage", config->path, "name one: driftcheck rehearse prod=postgresql://... ; or do without: --rows N, --dump FILE or "
		                        "--clone URL", "no environment is configured%s", config->path == NULL ? ": there is no driftcheck.conf here or above" : "");
	}
	const char *words[] = { word, NULL };
	if (!envs_resolve(run, words, word != NULL, true, envs, err))
		return false;
	const struct env *env = &envs->items[0];
	if (envs->n != 1 || env->fleet != NULL)
		return err_set(err, "usage", env->fleet, "name one of its databases: driftcheck rehearse prod=postgresql://...",
		               "that is a fleet: a rehearsal is for one environment");
	if (env->trouble != NULL) {
		*err = *env->trouble;
		return false;
	}
	if (!source_is_live(&env->source))
		return err_set(err, "usage", env->name, "name an environment that is reached by a URL or is a SQLite file", "only live databases can be rehearsed for");
	return options->from == NULL ||
	       err_set(err, "usage", "--from", NULL, "%s says itself what it has applied: --from is for rehearsals without an environment", env->name);
}

static const struct migration *find(struct run *run, const struct migrations *set, const char *version, struct err *err)
{
	const struct migration *migration = migrations_find(set, version);
	const char **versions = arena_array(run->arena, set->n_items, sizeof *versions);
	if (migration != NULL)
		return migration;
	for (size_t i = 0; i < set->n_items; i++)
		versions[i] = set->items[i].version;
	err_set(err, "unknown-version", set->folders[0], NULL, "there is no migration with the version \"%s\"", version);
	suggest_hint(err, version, versions, set->n_items);
	return NULL;
}

// The version table as a replay makes it.
static const char *version_table(struct run *run, const struct migrations *set)
{
	const char *table = set->settings.table != NULL ? set->settings.table : set->framework->table, *parts[2];
	size_t n = table == NULL ? 0 : sql_name_split(run->arena, table, parts, 2);
	const char *path[] = { n == 2 ? parts[0] : set->settings.schema != NULL ? set->settings.schema : "public", n == 0 ? NULL : parts[n - 1] };
	return n == 0 ? NULL : sql_name_copy(run->arena, path, 2);
}

bool rehearse_split_alone(struct run *run, const struct migrations *set, struct rehearsal_request *request, struct err *err)
{
	const struct options *options = run->options;
	const struct migration *first = set->items, *last = NULL;
	if (set->n_items == 0)
		return err_set(err, "nothing-pending", set->folders[0], "nothing is to be rehearsed", "there are no migrations");
	for (size_t i = 0; i < set->n_items; i++)
		first = set->items[i].repeatable ? first : &set->items[i];
	if (options->to != NULL && (first = last = find(run, set, options->to, err)) == NULL)
		return false;
	if (options->from != NULL && (first = find(run, set, options->from, err)) == NULL)
		return false;
	if (last != NULL && first > last)
		return err_set(err, "usage", "--from", NULL, "%s comes after %s", options->from, options->to);
	const struct migration **applied = arena_array(run->arena, set->n_items, sizeof *applied);
	const struct migration **pending = arena_array(run->arena, set->n_items, sizeof *pending);
	request->n_applied = request->n_pending = 0;
	for (const struct migration *migration = set->items; migration < set->items + set->n_items; migration++) {
		if (migration < first)
			applied[request->n_applied++] = migration;
		else if (last == NULL || migration <= last)
			pending[request->n_pending++] = migration;
	}
	request->applied = applied;
	request->pending = pending;
	request->version_table = version_table(run, set);
	return true;
}
