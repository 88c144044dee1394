// SPDX-License-Identifier: PostgreSQL
// What the tenants of one database have applied, and `status` of them: version tables are all that is read.
#ifndef SENTINEL_TENANTS_VERSIONS_H
#define SENTINEL_TENANTS_VERSIONS_H

#include "base/digest.h"
#include "introspect/oid_map.h"
#include "sentinel/run_report.h"

// The applied set that a version table says; of a framework without one, none.
bool tenants_applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                     struct applied_set *applied, struct err *err);
// A digest of it: when and by whom it was applied is left out.
void tenants_applied_key(const struct applied_set *applied, char key[DIGEST_SHA256_HEX]);

// Whether the tenants share the database's version table: it has one, and none of them has its own.
bool tenants_share_table(const struct snapshot *database);

// Errors: code "no-tenants".
bool tenants_any(const struct env *env, const struct snapshot *database, struct err *err);

// Reports a tenant that could not be checked. Those with the same trouble are one report, which names them all; `kept` is
// empty at the first.
void tenants_report_trouble(struct run *run, const struct env *env, const char *tenant, const struct err *trouble,
                            const struct env_report *frame, struct oid_map *kept, struct env_reports *reports);

// The versions of a fleet that was read with versions_only: a report for each applied set, with the tenants that have it.
void tenants_versions(struct run *run, const struct env *env, const struct snapshot *database, struct env_report *frame,
                      struct env_reports *reports);

#endif
