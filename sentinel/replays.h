// SPDX-License-Identifier: PostgreSQL
// The replays of one run, kept in memory: a thousand databases at the same version replay once, also where that fails.
#ifndef SENTINEL_REPLAYS_H
#define SENTINEL_REPLAYS_H

#include "migrations/replay.h"

struct replays;
struct servers;

struct replays *replays_new(void);
void replays_free(struct replays *replays);

// Makes the replay, or finds it: *snapshots are at the stops of the request. `prepare` is done once to each; what decides that, beside the
// request, is `prepared`. They are shared: nobody may change them. Nothing is read from `servers` meanwhile, since a replay forks.
// Errors: those of replay().
bool replays_run(struct replays *replays, struct servers *servers, const struct replay_request *request, const char *prepared,
                 void (*prepare)(struct snapshot *snapshot, void *argument), void *argument, struct snapshot *const **snapshots,
                 struct err *err);

// A replay for its visit, which is not kept.
bool replays_visit(struct servers *servers, struct arena *arena, const struct replay_request *request, struct err *err);

// Lets all go where they take much memory. Nobody may hold any then.
void replays_trim(struct replays *replays);

#endif
