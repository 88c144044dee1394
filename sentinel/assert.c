// SPDX-License-Identifier: PostgreSQL
// `driftcheck assert ENV`: a gate for deploys and for the start of a service. It reads versions only: it answers in
// milliseconds, and says nothing about what was done by hand.
#include <string.h>

#include "base/arena.h"
#include "sentinel/suggest.h"
#include "sentinel/versions.h"

static bool is_applied(const struct applied_set *applied, const char *version)
{
	for (size_t i = 0; i < applied->n_items; i++) {
		if (!applied->items[i].failed && strcmp(applied->items[i].version, version) == 0)
			return true;
	}
	return false;
}

// Whether the version and all before it are applied, and nothing is dirty. A version that this checkout lacks (an old
// service starts beside a newer one) is looked for in what the environment recorded.
static bool reaches(const struct env *env, const struct env_versions *versions, const char *floor, bool *known)
{
	const struct migrations *set = env->set;
	const struct standings *standings = &versions->standings;
	const struct migration *wanted = migrations_find(set, floor);
	*known = wanted != NULL || is_applied(&versions->applied, floor);
	if (standings->n[STANDING_DIRTY] > 0 || standings->n_unknown_dirty > 0)
		return false;
	if (wanted == NULL)
		return *known;
	for (size_t i = 0; &set->items[i] <= wanted; i++) {
		if (standings->of[i] != STANDING_APPLIED && standings->of[i] != STANDING_EDITED)
			return false;
	}
	return true;
}

static bool assert_floor(struct run *run, const struct env *env, const struct env_versions *versions, struct env_report *report,
                         struct err *err)
{
	const char *floor = run->options->at_least;
	bool known, reached = reaches(env, versions, floor, &known);
	if (!known) {
		const char **names = arena_array(run->arena, env->set->n_items, sizeof *names);
		for (size_t i = 0; i < env->set->n_items; i++)
			names[i] = env->set->items[i].version;
		err_set(err, "unknown-version", "--at-least", NULL, "neither the migrations nor %s know the version \"%s\"", env->name, floor);
		return suggest_hint(err, floor, names, env->set->n_items);
	}
	report->verdict = reached ? VERDICT_CLEAN : report->verdict > VERDICT_SKEW ? report->verdict : VERDICT_SKEW;
	report->notes = arena_array(run->arena, 1, sizeof *report->notes);
	report->notes[report->n_notes++] = arena_printf(run->arena, "asserted: at least %s: %s", floor, reached ? "yes" : "no");
	return true;
}

enum exit_status command_assert(struct run *run, struct err *err)
{
	struct envs envs;
	struct env_versions versions;
	if (!envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	const struct env *env = &envs.items[0];
	if (env->tenants != NULL) {
		err_set(err, "usage", NULL, NULL, "%s is a fleet of tenants, and assert takes one environment", env->name);
		err_hint(err, "`driftcheck status %s` exits 1 unless every tenant is at the repository's head", env->name);
		return EXIT_TROUBLE;
	}
	struct report *report = report_start(run, &envs);
	if (env->trouble == NULL && versions_read(run, &envs, env, report->envs[0], &versions) && run->options->at_least != NULL &&
	    !assert_floor(run, env, &versions, report->envs[0], err))
		return EXIT_TROUBLE;
	return report_finish(run, report);
}
