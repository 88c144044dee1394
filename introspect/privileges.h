// SPDX-License-Identifier: PostgreSQL
// Privileges as the attribute `privileges` holds them: what differs from those that an object of its sort has by itself, as
// "grantee: SELECT, UPDATE (column) WITH GRANT OPTION; grantee: no EXECUTE". A grantee is a role's name quoted as SQL,
// PUBLIC, or (owner) for whoever owns the object; "no" stands before what it has by itself and was revoked. Sorted, hence
// one text for each state. Who granted is left out: it is another role wherever another role runs the migrations.
#ifndef INTROSPECT_PRIVILEGES_H
#define INTROSPECT_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/snapshot.h"

struct arena;
struct buf;

#define GRANTEE_PUBLIC "PUBLIC"
#define GRANTEE_OWNER "(owner)"

struct privilege {
	const char *grantee;
	const char *name;   // "SELECT"
	const char *column; // quoted; NULL: of the object itself
	bool lacks;         // it was revoked
	bool grantable;
};

struct privileges {
	struct privilege *items;
	size_t n, capacity;
};

void privileges_add(struct arena *arena, struct privileges *privileges, struct privilege privilege);
struct privileges privileges_parse(struct arena *arena, const char *text); // NULL: none
const char *privileges_text(struct arena *arena, struct privileges *privileges); // sorts them; NULL for none

// The statements that make the privileges `from` (the attribute of the same object, or NULL) equal to those of `to`.
void privileges_change(struct buf *sql, const struct object *to, const char *from);

#endif
