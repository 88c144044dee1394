// SPDX-License-Identifier: PostgreSQL
// The roles that migrations name: in GRANT, REVOKE, OWNER TO, SET ROLE, policies and the like. On a fresh cluster they are
// missing, since some platform or another repository makes them, so the scratch makes them first.
#ifndef MIGRATIONS_ROLES_H
#define MIGRATIONS_ROLES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct role_list {
	const char **names; // sorted, each once
	size_t n, capacity;
};

// Adds the roles that a text names to `named`, and those that it creates itself (CREATE ROLE, USER, GROUP) at its top level
// to `created`, inside of bodies (DO $$ ... $$, most often guarded by IF NOT EXISTS) to `guarded`. It looks at tokens alone:
// what is built in a string at run time is not seen. Keywords (PUBLIC, CURRENT_USER) and pg_* are no names.
void roles_find(struct arena *arena, const char *sql, struct role_list *named, struct role_list *created,
                struct role_list *guarded);

void role_add(struct arena *arena, struct role_list *list, const char *name);
bool role_has(const struct role_list *list, const char *name);

#endif
