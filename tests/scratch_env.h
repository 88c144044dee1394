// SPDX-License-Identifier: PostgreSQL
// What the tests with real servers share: a folder of their own for temporary files and the cache, and what to do where
// there is no PostgreSQL (a failure in CI, a skip elsewhere).
#ifndef TESTS_SCRATCH_ENV_H
#define TESTS_SCRATCH_ENV_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "migrations/scratch_folder.h"
#include "migrations/scratch.h"

static char test_folder[64];

static void test_folder_make(void)
{
	snprintf(test_folder, sizeof test_folder, "/tmp/driftcheck-test-XXXXXX");
	invariant(mkdtemp(test_folder) != NULL && chmod(test_folder, 0755) == 0, "no folder for the test");
	setenv("TMPDIR", test_folder, 1);
	setenv("XDG_CACHE_HOME", test_folder, 1);
	unsetenv("XDG_RUNTIME_DIR");
}

static inline void test_folder_remove(void)
{
	tree_remove(test_folder);
}

// What a test program returns at once: 0 go on, 77 skip, 1 fail.
static inline int postgresql_missing(void)
{
	auto_arena arena = arena_new();
	struct scratch_settings settings = { 0 };
	struct err err;
	const char *server;
	if (scratch_find(&settings, ENGINE_POSTGRESQL, 0, arena, &server, &err))
		return 0;
	fprintf(stderr, "%s\n", err.text);
	const char *ci = getenv("CI");
	return ci != NULL && strcmp(ci, "true") == 0 ? 1 : 77;
}

// The number of scratch folders, and the path of the first.
static inline int scratch_folders(char *path, size_t size)
{
	int n = 0;
	auto_dir entries = opendir(test_folder);
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		if (strncmp(entry->d_name, "driftcheck-scratch-", 19) == 0 && n++ == 0 && path != NULL)
			snprintf(path, size, "%s/%.60s", test_folder, entry->d_name);
	}
	return n;
}

#endif
