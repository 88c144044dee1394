// SPDX-License-Identifier: PostgreSQL
// Where migrations usually lie in a repository: for `init`, `doctor` and hints.
#ifndef SENTINEL_FOLDERS_H
#define SENTINEL_FOLDERS_H

#include <stddef.h>

#include "migrations/framework.h"
#include "sentinel/options.h"

struct found_folder {
	const char *path;
	const struct framework *framework;
	size_t n_migrations;
};

// Looks into the folders of --migrations or, without it, the usual ones of the working directory. Returns how many hold
// migrations (at most `room` are filled). A folder whose framework cannot be told leaves its error in *err; it is not counted.
size_t folders_find(struct arena *arena, const struct options *options, struct found_folder *found, size_t room, struct err *err);

#endif
