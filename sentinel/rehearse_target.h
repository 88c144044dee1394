// SPDX-License-Identifier: PostgreSQL
// What `driftcheck rehearse` is for: an environment, or none.
#ifndef SENTINEL_REHEARSE_TARGET_H
#define SENTINEL_REHEARSE_TARGET_H

#include "rehearse/rehearse.h"
#include "sentinel/env.h"

// The environment that is named (as a word or by --env), or the only one that is configured. Where none is configured, and --clone,
// --dump or --rows says what to rehearse on, *alone is set and envs->items[0] is a stand-in with the migrations and nothing else.
bool rehearse_target(struct run *run, struct envs *envs, bool *alone, struct err *err);

// What is applied and what is rehearsed where no version table says it: the last migration, or those from --from to --to; what comes
// before counts as applied, and repeatable ones run last. Fills version_table as well.
bool rehearse_split_alone(struct run *run, const struct migrations *set, struct rehearsal_request *request, struct err *err);

#endif
