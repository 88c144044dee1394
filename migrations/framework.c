// SPDX-License-Identifier: PostgreSQL
// The frameworks as an array, and what can be said about any of them: see framework.h. It knows none of them by name.
#include "migrations/framework.h"

#include <string.h>

#include "base/arena.h"
#include "base/sql.h"

#define FRAMEWORK(name) extern const struct framework framework_##name;
#include "migrations/frameworks.def"
#undef FRAMEWORK

const struct framework *const frameworks[] = {
#define FRAMEWORK(name) &framework_##name,
#include "migrations/frameworks.def"
#undef FRAMEWORK
	NULL,
};

const struct framework *framework_find(const char *name)
{
	for (size_t i = 0; frameworks[i] != NULL; i++) {
		if (strcmp(frameworks[i]->name, name) == 0)
			return frameworks[i];
	}
	return NULL;
}

int framework_compare(const struct framework *framework, const char *a, const char *b)
{
	return framework->compare != NULL ? framework->compare(a, b) : strcmp(a, b);
}

void framework_version_query(const struct migrations *set, struct version_query queries[2])
{
	memset(queries, 0, 2 * sizeof *queries);
	const char *table = set->settings.table != NULL ? set->settings.table : set->framework->table;
	if (table == NULL)
		return;
	// a name is taken as it is written, capital letters too; what is no name is left to the reader's error
	const char *parts[2];
	size_t n = sql_name_split(set->arena, table, parts, 2);
	queries[0] = (struct version_query){
		.table = n == 0 ? table : sql_name_copy(set->arena, parts, n),
		.order = set->framework->order,
		.lock_key = set->framework->lock_key,
	};
}
