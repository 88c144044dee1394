// SPDX-License-Identifier: PostgreSQL
// A fleet of tenants: one PostgreSQL database in which each has a schema (fleet { schemas = "tenant_*" }). It is read as one
// environment; tenants that are alike, their own name aside, are one shape, and each shape is checked once. See
// docs/tenants.md.
#ifndef SENTINEL_TENANTS_H
#define SENTINEL_TENANTS_H

#include "sentinel/run_report.h"

// Checks a fleet that was read with env->tenants. `frame` is its empty report in `report`; adds a report for each shape,
// "FLEET/TENANT" of its first tenant, with all of them as members, and "FLEET/shared" where the migrations make something
// outside of the tenants' schemas. What keeps the whole fleet from being checked is the one report's trouble. `*arena` is that
// of the snapshot: it is freed as soon as that is not needed, and another or NULL is left in its place. Main thread only.
void tenants_check(struct run *run, struct envs *envs, const struct env *env, struct snapshot *database, struct arena **arena,
                   const struct report *report, struct env_report *frame, struct env_reports *reports);

#endif
