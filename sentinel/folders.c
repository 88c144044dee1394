// SPDX-License-Identifier: PostgreSQL
// The usual places of migrations, tried one after the other. What is in them is for the frameworks to say.
#include "sentinel/folders.h"

#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"

// Where the frameworks' own documentation and their users' repositories put them.
static const char *const usual[] = {
	"db/migrations", "db/migrate", "migrations", "prisma/migrations", "src/main/resources/db/migration", "sql/migrations",
	"database/migrations", "internal/db/migrations", "internal/migrations", "pkg/migrations", "backend/migrations",
	"schema/migrations", "db/sql", "sql", "flyway/sql",
};

static bool is_folder(const char *path)
{
	struct stat stat_;
	return stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode);
}

size_t folders_find(struct arena *arena, const struct options *options, struct found_folder *found, size_t room, struct err *err)
{
	bool given = options->migrations.n > 0;
	const char *const *paths = given ? options->migrations.items : usual;
	size_t n = 0, n_paths = given ? options->migrations.n : sizeof usual / sizeof *usual;
	for (size_t i = 0; i < n_paths && n < room; i++) {
		if (!given && !is_folder(paths[i]))
			continue;
		const char *const folders[] = { paths[i], NULL };
		const struct migrations *set = migrations_load(arena, "", folders, options->framework, &(struct migration_settings){ 0 }, err);
		if (set != NULL && set->n_items > 0)
			found[n++] = (struct found_folder){ paths[i], set->framework, set->n_items };
	}
	return n;
}
