// SPDX-License-Identifier: PostgreSQL
// Inside secret_mask (base/secret.h): the finders, each of which looks through a text for secrets of its own sort.
#ifndef BASE_SECRET_FIND_H
#define BASE_SECRET_FIND_H

#include "base/secret.h"

struct arena;

struct secret_finds {
	struct arena *arena;
	struct secret_span *items; // in no order; they may overlap
	size_t n, capacity;
};

void secret_found(struct secret_finds *finds, size_t start, size_t length);

// What is given to something named password: PASSWORD 'x', password = 'x', and password=x where it stands in a connection
// string or can be no SQL.
void secret_find_assigned(struct secret_finds *finds, const char *text);

#endif
