// SPDX-License-Identifier: PostgreSQL
// A shard: the part of the environments that one of several processes checks. Which one an environment belongs to follows
// from its name alone, so that all processes agree without talking, and adding an environment moves no other.
#ifndef SENTINEL_SHARD_H
#define SENTINEL_SHARD_H

#include "sentinel/env.h"

struct shard {
	int index, count; // index from 1; count 0: there are no shards
};

// What --shard and --shard-count say. "auto" takes the numbers from the variables of the scheduler that runs us; they count
// only then: a variable that is there by chance must not leave environments out. Errors: code "usage".
bool shard_resolve(const struct options *options, struct shard *shard, struct err *err);

// The shard of a name, from 1: the first 8 bytes of its SHA-256, as a number, modulo the count.
int shard_of(const char *name, int count);

// Leaves the environments of other shards out.
void shard_apply(const struct shard *shard, struct envs *envs);

#endif
