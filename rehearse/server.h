// SPDX-License-Identifier: PostgreSQL
// The server of a clone beside that of the environment: what it takes over from there, and where it differs.
#ifndef REHEARSE_SERVER_H
#define REHEARSE_SERVER_H

#include "rehearse/rehearsal.h"
#include "rehearse/statistics.h"

struct arena;

// "name=value" for a throwaway server that keeps its promises to the disk, as the environment's does; NULL-ended. `statistics` NULL: there
// is none.
const char *const *server_settings(struct arena *arena, const struct statistics *statistics);

// Bytes of a setting: "128MB", "16kB", "8192"; -1: it is no size.
long long setting_bytes(const char *text);

// What shared_buffers may be here, if the environment has `wanted` bytes (0: not known).
long long server_buffers(long long wanted, long long memory_bytes);

// Fills rehearsal->server and, if there are statistics, rehearsal->settings. A server that cannot be asked is left without.
void server_compare(struct arena *arena, const char *conninfo, const struct statistics *statistics, struct rehearsal *rehearsal);

#endif
