// SPDX-License-Identifier: PostgreSQL
// `driftcheck replay`: do the migrations run at all, from nothing? The result is counted and thrown away.
#include "migrations/replay.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "sentinel/output.h"
#include "sentinel/source_read.h"

static void print(struct run *run, const struct migrations *set, const struct snapshot *snapshot, size_t n_chain)
{
	double seconds = (double)(clock_us() - run->started_us) / 1e6;
	if (run->options->quiet)
		return;
	buf_addf(&run->out, "%zu migration%s replayed in %.1f s: %zu object%s (%s, %s %s)\n", n_chain, n_chain == 1 ? "" : "s", seconds,
	         snapshot->n_objects, snapshot->n_objects == 1 ? "" : "s", set->framework->name,
	         snapshot->engine == ENGINE_SQLITE ? "SQLite" : "PostgreSQL", snapshot->server);
	for (size_t i = 0; i < snapshot->n_notes; i++) {
		buf_adds(&run->out, "note: ");
		log_text(&run->out, snapshot->notes[i]);
		buf_addc(&run->out, '\n');
	}
}

enum exit_status command_replay(struct run *run, struct err *err)
{
	struct envs envs = { 0 };
	const struct env *env = NULL;
	bool ok = run->n_words > 0 ? envs_resolve(run, run->words, run->n_words, true, &envs, err) : envs_settings(run, &envs, err);
	if (!ok)
		return EXIT_TROUBLE;
	if (run->n_words > 0)
		env = &envs.items[0];
	if (env != NULL && env->trouble != NULL) {
		*err = *env->trouble;
		return EXIT_TROUBLE;
	}
	const struct migrations *set = env != NULL ? env->set : set_resolve(run, &envs, NULL, NULL, err);
	size_t n_chain;
	const struct migration *const *chain = set == NULL ? NULL : set_chain(run->arena, set, run->options->to, &n_chain, err);
	if (chain == NULL)
		return EXIT_TROUBLE;
	// The cache would answer without a replay, and that is not what is asked.
	struct replay_request request = {
		.set = set, .engine = env_engine(run, env == NULL ? 0 : source_engine(&env->source)), .chain = chain, .n_chain = n_chain,
		.stops = &n_chain, .n_stops = 1, .groups = run->options->groups, .scratch = &envs.scratch, .log = run->log,
	};
	struct snapshot *snapshot;
	if (!replay(run->arena, &request, &snapshot, NULL, err))
		return EXIT_TROUBLE;
	print(run, set, snapshot, n_chain);
	return EXIT_CLEAN;
}
