// SPDX-License-Identifier: PostgreSQL
// The second opinion: texts that differ are re-created from both sides on a scratch server and read back. If the server prints
// both alike, they mean the same, and no drift is reported.
#ifndef PROVE_ROUND_TRIP_H
#define PROVE_ROUND_TRIP_H

#include "diff/compare.h"
#include "migrations/scratch.h"

// Answers from the cache; returns how many questions are left without an answer. `base` is the schema in which they were (or
// will be) asked, `server` what the scratch is (scratch_find). `cache` NULL: none.
size_t round_trip_recall(struct comparer *comparer, const struct snapshot *base, const char *server, const char *cache);

// Answers what is left on a scratch that holds `base`. What cannot be re-created there counts as different. Fails only where
// the scratch itself does.
bool round_trip(struct comparer *comparer, const struct snapshot *base, struct scratch *scratch, const char *server,
                const char *cache, struct log *log, struct err *err);

#endif
