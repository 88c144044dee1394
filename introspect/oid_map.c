// SPDX-License-Identifier: PostgreSQL
// A hash map with open addressing, at most half full: see oid_map.h.
#include "introspect/oid_map.h"

#include "base/arena.h"

static struct oid_slot *find(const struct oid_map *map, uint64_t key)
{
	size_t at = (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (map->size - 1);
	while (map->slots[at].value != NULL && map->slots[at].key != key)
		at = (at + 1) & (map->size - 1);
	return &map->slots[at];
}

void oid_map_put(struct oid_map *map, uint64_t key, void *value)
{
	if (map->n * 2 >= map->size) {
		struct oid_map larger = *map;
		larger.size = map->size == 0 ? 64 : map->size * 4;
		larger.slots = arena_array(map->arena, larger.size, sizeof *larger.slots);
		for (size_t i = 0; i < map->size; i++) {
			if (map->slots[i].value != NULL)
				*find(&larger, map->slots[i].key) = map->slots[i];
		}
		*map = larger;
	}
	struct oid_slot *slot = find(map, key);
	if (slot->value == NULL)
		map->n++;
	*slot = (struct oid_slot){ key, value };
}

void *oid_map_get(const struct oid_map *map, uint64_t key)
{
	return map->size == 0 ? NULL : find(map, key)->value;
}

uint64_t oid_map_hash(uint64_t hash, const char *text, bool fold)
{
	static const uint64_t prime = UINT64_C(0x100000001b3);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (fold && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		hash = (hash ^ c) * prime;
	}
	return (hash ^ 0xff) * prime;
}
