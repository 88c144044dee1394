// SPDX-License-Identifier: PostgreSQL
// One report out of the reports of several processes: shards of one run, or runs over different environments.
#ifndef SENTINEL_MERGE_H
#define SENTINEL_MERGE_H

#include "reporters/report.h"

struct arena;

struct part {
	const char *file;
	struct report *report; // NULL: it could not be read; err says why
	struct err err;
	bool again; // the same shard as one before it: it counts for nothing
};

// Joins the parts; their order does not matter. `expect`: how many there must be; 0: as many as the shards say themselves.
// What is not as it must be is a trouble of the merged report, which is then not complete: a file that could not be read, a
// missing shard, one that is there twice, shards of different runs, checkouts or versions of driftcheck, an environment that
// two of them checked. NULL (an error: code "usage" or that of the first file) only where there is nothing to join.
struct report *reports_merge(struct arena *arena, struct part *parts, size_t n, int expect, struct err *err);

#endif
