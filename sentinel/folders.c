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

size_t folders_find(struct arena *arena, struct found_folder *found, size_t room, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < sizeof usual / sizeof *usual && n < room; i++) {
		if (!is_folder(usual[i]))
			continue;
		const char *const folders[] = { usual[i], NULL };
		const struct migrations *set = migrations_load(arena, "", folders, NULL, NULL, err);
		if (set != NULL && set->n_items > 0)
			found[n++] = (struct found_folder){ usual[i], set->framework, set->n_items };
	}
	return n;
}
