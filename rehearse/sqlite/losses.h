// SPDX-License-Identifier: PostgreSQL
// What a migration lost on SQLite without saying so. Pure: it holds what was there before against what is there afterwards, with what
// the statements named.
#ifndef REHEARSE_SQLITE_LOSSES_H
#define REHEARSE_SQLITE_LOSSES_H

#include "rehearse/rehearsal.h"
#include "rehearse/sqlite/clone.h"
#include "rehearse/sqlite/worker.h"

struct arena;

// Fills losses and rewrites of the steps of one migration that drops tables; reports[i] is of steps[i].
void losses_find(struct arena *arena, const struct inventory *before, const struct inventory *after, struct step *steps,
                 const struct worker_report *reports, size_t n);

#endif
