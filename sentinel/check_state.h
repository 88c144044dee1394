// SPDX-License-Identifier: PostgreSQL
// The check of one environment while it is under way: what check_env.c, which finds out, and check_report.c, which says it, share.
#ifndef SENTINEL_CHECK_STATE_H
#define SENTINEL_CHECK_STATE_H

#include "diff/align.h"
#include "diff/classify.h"
#include "migrations/chain.h"
#include "prove/effects.h"
#include "sentinel/check.h"
#include "sentinel/run_report.h"

struct check {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	struct arena *arena;
	struct env_report *report;
	struct snapshot *live;
	struct migrations set; // the environment's, with the schema of its version table
	struct applied_set applied;
	struct version_table recorded; // which that was made from
	struct standings standings;
	struct chain base_chain, repo_chain;
	bool prefix; // the base chain is how the repository's begins
	struct snapshot *base, *head; // shared with other environments, until they are aligned
	struct comparer comparer;
	struct effects *base_effects, *repo_effects;
	const char *server; // of the scratch, for cache keys
	unsigned groups;    // that are compared
	const char *runner; // who runs the migrations there, if they name that role; NULL
	struct alignment alignment;
};

// Adds a note to the environment's report.
void check_note(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Fills the environment's report from what was found out, which is less if there was trouble (already in the report).
void check_report(struct check *check, const struct classification *result);

#endif
