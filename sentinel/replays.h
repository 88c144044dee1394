// SPDX-License-Identifier: PostgreSQL
// The replays of one run, kept in memory: a thousand databases at the same version replay once, also where that fails.
#ifndef SENTINEL_REPLAYS_H
#define SENTINEL_REPLAYS_H

#include "base/err.h"
#include "introspect/snapshot.h"

struct arena;
struct replays;

struct replayed {
	struct arena *arena;         // of the snapshots
	struct snapshot **snapshots; // NULL: it failed, err says why
	struct err err;
};

struct replays *replays_new(void);
void replays_free(struct replays *replays);

// The replay of a key; *found says whether it is there already. A new one is the caller's to fill.
struct replayed *replays_get(struct replays *replays, const char *key, bool *found);

// Lets all go where they take much memory. Nobody may hold any then.
void replays_trim(struct replays *replays);

#endif
