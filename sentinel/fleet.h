// SPDX-License-Identifier: PostgreSQL
// Environments that are found rather than written down: lists in files, and the fleets of the configuration. See
// docs/fleets.md.
#ifndef SENTINEL_FLEET_H
#define SENTINEL_FLEET_H

#include "sentinel/command.h"

struct listed_env {
	const char *name, *source;
	const char *where; // "envs.txt:3"; NULL: nowhere in particular
};

struct env_list {
	struct listed_env *items;
	size_t n, capacity;
};

// Whether a text can be the name of an environment in NAME=SOURCE.
bool listed_name_is_valid(const char *name);

// Reads a list: lines NAME=SOURCE; blank lines, and lines that begin with '#', are passed over. Path "-" is stdin. Errors:
// code "envs", where = file:line: a line that is none of these, a list without environments, a file that cannot be read.
// Sources are not looked at here, and no error shows one.
bool env_list_read(struct arena *arena, const char *path, struct env_list *list, struct err *err);

// The environments of a fleet: from its envs_file, or what its envs_query returns. Errors: code "fleet", "envs", "config",
// and those of postgres_query.
bool fleet_list(struct run *run, const struct config_fleet *fleet, struct env_list *list, struct err *err);

// Its own limit of connections to one server; 0: not given.
bool fleet_max_per_server(struct run *run, const struct config_fleet *fleet, int *max, struct err *err);

#endif
