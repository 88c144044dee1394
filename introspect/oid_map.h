// SPDX-License-Identifier: PostgreSQL
// A hash map from a 64-bit key (an OID, or a catalog's OID and an object's) to a pointer, in an arena.
#ifndef INTROSPECT_OID_MAP_H
#define INTROSPECT_OID_MAP_H

#include <stdbool.h>
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

// Keys made of texts: FNV-1a over one text after the other, each ended, so that no two lists of texts run together. Starts
// from OID_MAP_HASH; `fold` takes ASCII letters without regard to case.
#define OID_MAP_HASH UINT64_C(0xcbf29ce484222325)
uint64_t oid_map_hash(uint64_t hash, const char *text, bool fold);

#endif
