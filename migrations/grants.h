// SPDX-License-Identifier: PostgreSQL
// Whether migrations say who may do what, and who owns what: only then are privileges and owners compared unasked.
#ifndef MIGRATIONS_GRANTS_H
#define MIGRATIONS_GRANTS_H

#include "migrations/migration.h"
#include "migrations/roles.h"

struct arena;

// The groups that the statements of a text set (bits 1 << GROUP_ACL, 1 << GROUP_OWNER): GRANT, REVOKE and ALTER DEFAULT
// PRIVILEGES on objects of the model, and ALTER ... OWNER TO, CREATE SCHEMA ... AUTHORIZATION, REASSIGN OWNED. What stands in
// a DO block counts, also in a string that it executes; what a function would do when it is called does not.
unsigned grants_find(const char *sql);

// The same of all that a set runs on PostgreSQL.
struct grants {
	unsigned groups;
	const char *first[GROUP_EVIDENCE]; // GROUP_ACL, GROUP_OWNER: the label of the first migration that sets it; NULL: none
	struct role_list roles;            // that it names, and does not make itself
};
const struct grants *migrations_grants(struct arena *arena, const struct migrations *set);

#endif
