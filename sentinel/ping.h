// SPDX-License-Identifier: PostgreSQL
// The dead man's switch: an address that is told of each run, and whose owner notices when nobody tells it any more.
#ifndef SENTINEL_PING_H
#define SENTINEL_PING_H

#include <stdbool.h>

struct arena;
struct err;
struct log;

enum ping { PING_START, PING_SUCCESS, PING_FAIL };

// The address with "/start" or "/fail" after its path, as healthchecks.io and what is built like it want it; a query stays.
const char *ping_url(struct arena *arena, const char *url, enum ping ping);

// Tells it. What goes wrong is a warning without the address, which is a secret: a switch that cannot be reached is no reason
// to call a run failed, and its owner hears of the silence anyway. Takes ten seconds at most.
void ping_send(struct arena *arena, struct log *log, const char *url, enum ping ping);

#endif
