// SPDX-License-Identifier: PostgreSQL
// Replays by key: see replays.h. Each has an arena of its own.
#include "sentinel/replays.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "introspect/oid_map.h"
#include "migrations/cache.h"
#include "sentinel/servers.h"

static const size_t most_bytes = (size_t)512 << 20;

struct node {
	const char *key;
	struct arena *arena;         // of the snapshots
	struct snapshot **snapshots; // NULL: it failed, err says why
	struct err err;
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
		arena_free(node->arena);
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

static struct node *get(struct replays *replays, const char *key, bool *found)
{
	uint64_t hash = oid_map_hash(OID_MAP_HASH, key, false);
	struct node *first = oid_map_get(&replays->by_hash, hash), *node = first;
	while (node != NULL && strcmp(node->key, key) != 0)
		node = node->same_hash;
	*found = node != NULL;
	if (node == NULL) {
		node = arena_alloc(replays->arena, sizeof *node);
		*node = (struct node){ .arena = arena_new(), .key = arena_strdup(replays->arena, key), .same_hash = first, .before = replays->newest };
		oid_map_put(&replays->by_hash, hash, node);
		replays->newest = node;
	}
	return node;
}

// What differs between the replays of one run. Migrations of the set are known by where they stand; others, which were found in the
// history, by their text.
static const char *make_key(struct arena *arena, const struct replay_request *request, const char *prepared)
{
	const struct migrations *set = request->set;
	struct cache_key *key = cache_key_new(arena);
	cache_key_add(key, &set->items, sizeof set->items);
	cache_key_adds(key, set->name);
	cache_key_adds(key, set->framework->name);
	cache_key_adds(key, set->settings.table);
	cache_key_adds(key, set->settings.schema);
	cache_key_adds(key, prepared);
	cache_key_add(key, &request->engine, sizeof request->engine);
	cache_key_add(key, &request->major, sizeof request->major);
	cache_key_add(key, &request->groups, sizeof request->groups);
	cache_key_adds(key, request->runner);
	cache_key_add(key, request->stops, request->n_stops * sizeof *request->stops);
	for (size_t i = 0; i < request->n_chain; i++) {
		const struct migration *migration = request->chain[i];
		bool own = migration >= set->items && migration < set->items + set->n_items;
		cache_key_add(key, &migration, own ? sizeof migration : 0);
		cache_key_adds(key, own ? NULL : migration->version);
		cache_key_add(key, migration->text, own ? 0 : migration->length);
	}
	return cache_key_hex(key);
}

static bool replay_alone(struct servers *servers, struct arena *arena, const struct replay_request *request, struct snapshot **snapshots,
                         struct err *err)
{
	servers_pause(servers);
	bool ok = replay(arena, request, snapshots, NULL, err);
	servers_resume(servers);
	return ok;
}

bool replays_run(struct replays *replays, struct servers *servers, const struct replay_request *request, const char *prepared,
                 void (*prepare)(struct snapshot *snapshot, void *argument), void *argument, struct snapshot *const **snapshots,
                 struct err *err)
{
	auto_arena arena = arena_new();
	bool found;
	struct node *node = get(replays, make_key(arena, request, prepared), &found);
	if (!found) {
		struct snapshot **made = arena_array(node->arena, request->n_stops, sizeof *made);
		if (replay_alone(servers, node->arena, request, made, &node->err))
			node->snapshots = made;
		for (size_t i = 0; node->snapshots != NULL && i < request->n_stops; i++)
			prepare(made[i], argument);
	}
	*snapshots = node->snapshots;
	if (node->snapshots == NULL)
		*err = node->err;
	return node->snapshots != NULL;
}

bool replays_visit(struct servers *servers, struct arena *arena, const struct replay_request *request, struct err *err)
{
	return replay_alone(servers, arena, request, NULL, err);
}

void replays_trim(struct replays *replays)
{
	size_t bytes = 0;
	for (const struct node *node = replays->newest; node != NULL; node = node->before)
		bytes += arena_bytes(node->arena);
	if (bytes <= most_bytes)
		return;
	end(replays);
	begin(replays);
}
