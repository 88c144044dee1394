// SPDX-License-Identifier: PostgreSQL
// Dating findings: between which two applied migrations a hand was at work.
#ifndef SENTINEL_DATING_H
#define SENTINEL_DATING_H

#include "diff/finding.h"
#include "migrations/migration.h"
#include "sentinel/env.h"

// Sets dated_after, dated_before and dated_at of findings that are a hand's work, where the server knows. `version` is the
// version table that `applied` was made from, of this live PostgreSQL environment.
void date_findings(struct run *run, const struct env *env, const struct version_table *version, const struct applied_set *applied,
                   struct finding *const *findings, size_t n, struct arena *arena);

#endif
