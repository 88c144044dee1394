// SPDX-License-Identifier: PostgreSQL
// The cache: results under the SHA-256 of everything that decides them. Safe to delete at any time; entries are written
// atomically and compressed; one that cannot be read is no error but a miss.
#ifndef MIGRATIONS_CACHE_H
#define MIGRATIONS_CACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

// A key under construction: fields are added in order, each with its length, so that no two lists of fields collide.
struct cache_key;
struct cache_key *cache_key_new(struct arena *arena);
void cache_key_add(struct cache_key *key, const void *bytes, size_t length);
void cache_key_adds(struct cache_key *key, const char *text); // NULL and "" differ
const char *cache_key_hex(struct cache_key *key);             // 64 hex digits of what was added so far; more may follow

// The folder: $XDG_CACHE_HOME/driftcheck or ~/.cache/driftcheck; NULL if neither can be made.
const char *cache_folder(struct arena *arena);

json_t *cache_get(const char *folder, const char *hex);              // a new reference; NULL: a miss
bool cache_put(const char *folder, const char *hex, const json_t *value); // false: could not be written (never fatal)

#endif
