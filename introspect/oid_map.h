// SPDX-License-Identifier: PostgreSQL
// A hash map from a 64-bit key (an OID, or a catalog's OID and an object's) to a pointer, in an arena.
#ifndef INTROSPECT_OID_MAP_H
#define INTROSPECT_OID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct oid_map {
	struct arena *arena;
	struct oid_slot { uint64_t key; void *value; } *slots; // a NULL value is a free slot
	size_t n, size;
};

void oid_map_put(struct oid_map *map, uint64_t key, void *value); // value not NULL; replaces
void *oid_map_get(const struct oid_map *map, uint64_t key);       // NULL: none

#endif
