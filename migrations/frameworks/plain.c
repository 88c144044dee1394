// SPDX-License-Identifier: PostgreSQL
// Plain numbered SQL files, without a framework: N*.sql in one folder, in the order of their numbers. Nothing records what
// was applied, so the set is untracked. A file runs as `psql -f FILE` would run it: statement by statement, each on its own
// unless the file says BEGIN; psql's own commands are not understood. Files that undo another (.down.sql, _down.sql beside
// an _up.sql) are left out.
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "migrations/listing.h"

static const char *const undo_endings[] = { ".down.sql", ".undo.sql", ".rollback.sql", NULL };

static bool has_counterpart(const struct folder *folder, const char *name)
{
	static const char down[] = "_down.sql", up[] = "_up.sql";
	size_t length = strlen(name) - (sizeof down - 1);
	for (size_t i = 0; ends_with(name, down) && i < folder->n_files; i++) {
		const char *other = folder->files[i].name;
		if (strncmp(other, name, length) == 0 && strcmp(other + length, up) == 0)
			return true;
	}
	return false;
}

static bool is_migration(const struct folder *folder, const struct folder_file *file)
{
	if (!folder_is_flat(file) || digits_length(file->name) == 0 || !ends_with(file->name, ".sql"))
		return false;
	for (size_t i = 0; undo_endings[i] != NULL; i++) {
		if (ends_with(file->name, undo_endings[i]))
			return false;
	}
	return !has_counterpart(folder, file->name);
}

static bool resembles(const struct folder *folder)
{
	for (size_t i = 0; i < folder->n_files; i++) {
		if (is_migration(folder, &folder->files[i]))
			return true;
	}
	return false;
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	struct listing listing = listing_of(set);
	for (size_t f = 0; f < n_folders; f++) {
		for (size_t i = 0; i < folders[f].n_files; i++) {
			const struct folder_file *file = &folders[f].files[i];
			if (is_migration(&folders[f], file) &&
			    !listing_add(&listing, file, arena_strndup(set->arena, file->name, digits_length(file->name)), err))
				return false;
		}
	}
	listing_sort(set, false);
	return true;
}

static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	(void)set;
	(void)err;
	*script = (struct script){ .transaction = false };
	script_statements(arena, script, engine, migration->text + (strncmp(migration->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0)); // as psql
	return true;
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	(void)sql;
	(void)engine;
	(void)table;
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	(void)sql;
	(void)engine;
	(void)table;
	(void)migration;
	(void)rank;
}

static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	(void)arena;
	(void)set;
	(void)table;
	(void)err;
	*applied = (struct applied_set){ .tracked = false };
	return true;
}

const struct framework framework_plain = {
	.name = "plain",
	.summary = "numbered SQL files without a framework; no version table",
	.files = "N_name.sql",
	.deploy = "psql -v ON_ERROR_STOP=1 -f FILE",
	.late = LATE_NEVER,
	.resembles = resembles,
	.list = list,
	VERSION_BY_NUMBER,
	.script = script,
	.create_table = create_table,
	.record = record,
	.applied = applied,
};
