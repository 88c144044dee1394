// SPDX-License-Identifier: PostgreSQL
// The table of reporters: see reporter.h.
#include "reporters/reporter.h"

#include <string.h>

#define REPORTER(name) extern const struct reporter reporter_##name;
#include "reporters/reporters.def"
#undef REPORTER

const struct reporter *const reporters[] = {
#define REPORTER(name) &reporter_##name,
#include "reporters/reporters.def"
#undef REPORTER
	NULL,
};

const struct reporter *reporter_find(const char *name)
{
	for (size_t i = 0; reporters[i] != NULL; i++) {
		if (strcmp(reporters[i]->name, name) == 0)
			return reporters[i];
	}
	return NULL;
}
