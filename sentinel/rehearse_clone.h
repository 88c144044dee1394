// SPDX-License-Identifier: PostgreSQL
// The clones that a user brings to `driftcheck rehearse`.
#ifndef SENTINEL_REHEARSE_CLONE_H
#define SENTINEL_REHEARSE_CLONE_H

#include "rehearse/rehearse.h"
#include "sentinel/rehearse_drift.h"
#include "sentinel/versions.h"

struct rehearse_clone {
	struct run *run;
	struct envs *envs;
	const struct env *env;   // the one to rehearse for
	struct report *report;
	struct env_versions *versions; // its
	bool alone;              // there is none: env is a stand-in
	const char *version_table; // of the environment, or of the clone if it brings its own
	struct source source;    // of --clone
	struct rehearse_drift drift;
};

// A request's `look`.
bool rehearse_clone_look(void *argument, const struct snapshot *schema, struct scratch *scratch, struct err *err);

// Puts what --clone, --dump and --exec say into the request; nothing without them. What speaks against the database is found by rehearse().
bool rehearse_clone_find(struct rehearse_clone *clone, struct rehearsal_request *request, struct err *err);

// Splits an environment's set into what is applied and what would run next, up to --to. Errors: code "unknown-version",
// "nothing-pending".
bool rehearse_split(struct run *run, const struct env *env, const struct env_versions *versions, struct rehearsal_request *request,
                    struct err *err);

#endif
