// SPDX-License-Identifier: PostgreSQL
// One look at a fleet of tenants: see tenants.c.
#ifndef SENTINEL_TENANTS_LOOK_H
#define SENTINEL_TENANTS_LOOK_H

#include "introspect/oid_map.h"
#include "introspect/tenant.h"
#include "migrations/chain.h"
#include "sentinel/run_report.h"

struct shape {
	char alike[DIGEST_SHA256_HEX]; // of the group and the part without its evidence
	const char *schema;            // of the tenant that was checked; NULL: what is shared
	struct env env;
	struct env_report *report;
	struct shape *same;  // the first that says the same of parts that differ in nothing but their evidence; itself, if it is that
	struct shape *next;  // of those alike
	const char **members;
	size_t n_members, members_capacity;
	const char *first;   // schema of the first member
};

// A tenant in one look; `schema` NULL: what is shared.
struct member {
	const char *schema;
	char key[DIGEST_SHA256_HEX];
	struct shape *shape;
	struct err *trouble; // it has no shape
};

struct look {
	struct member *members; // by name; what is shared comes last
	size_t n;
	size_t n_ignored; // tenants
	size_t n_outside; // objects that are no tenant's
	const char **notes;
	size_t n_notes;
};

struct tenants {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	struct arena *arena;
	const struct report *report;
	const struct env_report *frame;
	struct migrations *set; // the fleet's, in the placeholder's schema
	struct snapshot *head; // a replay of all of it
	bool compare_shared;
	struct oid_map groups, shapes, alike; // by the first half of their keys
};

// Fills a look from what was read, and checks the shapes that are new. Nothing of it is in the arena of the database.
struct look tenants_look(struct tenants *tenants, struct snapshot *database);

// A member that could not be checked, or not be sure of.
void member_trouble(struct tenants *tenants, struct member *member, const struct err *err);

// "saas/tenant_1"; NULL: "saas/shared".
const char *member_name(const struct tenants *tenants, const char *schema);

// A replay of some of the fleet's migrations, read after as many as `stops` say.
bool tenants_replay(const struct tenants *tenants, const struct chain *chain, int major, const size_t *stops, size_t n_stops,
                    struct snapshot **snapshots, struct err *err);

#endif
