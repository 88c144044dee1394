// SPDX-License-Identifier: PostgreSQL
// A schema made again on a scratch from a snapshot alone: surroundings for a round trip where there are no migrations to
// replay.
#ifndef PROVE_REBUILD_H
#define PROVE_REBUILD_H

#include <stdbool.h>

#include "introspect/snapshot.h"
#include "migrations/scratch.h"

struct err;
struct log;

// Makes every object of a PostgreSQL snapshot by its kind's own statements, in whatever order works. What cannot be made (an
// extension that the scratch lacks, and what needs it) is left out: it is logged, and what hangs on it cannot be judged there.
// Fails only where the scratch itself does.
bool rebuild(struct scratch *scratch, const struct snapshot *snapshot, struct log *log, struct err *err);

#endif
