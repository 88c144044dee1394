// SPDX-License-Identifier: PostgreSQL
// The reports of a fleet of tenants: what was found with the placeholder in place of the schema's name, as one tenant has it.
#ifndef SENTINEL_TENANTS_REPORT_H
#define SENTINEL_TENANTS_REPORT_H

#include "reporters/report.h"

struct arena;

// Puts the schema's name into everything that a report says: objects, values, evidence, notes. Remedies for the environment
// can be run as they stand; those for the repository name no schema, as its migrations do. The ids of the findings stay.
void tenants_report_name(struct arena *arena, struct env_report *report, const char *schema);

// Whether two reports on parts that are equal but for their evidence say the same.
bool tenants_reports_equal(const struct env_report *a, const struct env_report *b);

#endif
