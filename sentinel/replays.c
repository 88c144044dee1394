// SPDX-License-Identifier: PostgreSQL
// Replays by key: see replays.h. Each has an arena of its own.
#include "sentinel/replays.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "introspect/oid_map.h"

static const size_t most_bytes = (size_t)512 << 20;

struct node {
	struct replayed replayed;
	const char *key;
	struct node *same_hash, *before; // `before`: the one that was made before it
};

struct replays {
	struct arena *arena;
	struct oid_map by_hash;
	struct node *newest;
};

static void begin(struct replays *replays)
{
	replays->arena = arena_new();
	replays->by_hash = (struct oid_map){ .arena = replays->arena };
	replays->newest = NULL;
}

static void end(struct replays *replays)
{
	for (struct node *node = replays->newest; node != NULL; node = node->before)
		arena_free(node->replayed.arena);
	arena_free(replays->arena);
}

struct replays *replays_new(void)
{
	struct replays *replays = calloc(1, sizeof *replays);
	invariant(replays != NULL, "out of memory");
	begin(replays);
	return replays;
}

void replays_free(struct replays *replays)
{
	end(replays);
	free(replays);
}

struct replayed *replays_get(struct replays *replays, const char *key, bool *found)
{
	uint64_t hash = oid_map_hash(OID_MAP_HASH, key, false);
	struct node *first = oid_map_get(&replays->by_hash, hash), *node = first;
	while (node != NULL && strcmp(node->key, key) != 0)
		node = node->same_hash;
	*found = node != NULL;
	if (node == NULL) {
		node = arena_alloc(replays->arena, sizeof *node);
		*node = (struct node){ .replayed.arena = arena_new(), .key = arena_strdup(replays->arena, key), .same_hash = first,
		                       .before = replays->newest };
		oid_map_put(&replays->by_hash, hash, node);
		replays->newest = node;
	}
	return &node->replayed;
}

void replays_trim(struct replays *replays)
{
	size_t bytes = 0;
	for (const struct node *node = replays->newest; node != NULL; node = node->before)
		bytes += arena_bytes(node->replayed.arena);
	if (bytes <= most_bytes)
		return;
	end(replays);
	begin(replays);
}
