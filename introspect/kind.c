// SPDX-License-Identifier: PostgreSQL
// The table of kinds: see kind.h.
#include "introspect/kind.h"

#include <string.h>

const struct kind *const kinds[] = {
#define KIND(name) &kind_##name,
#include "introspect/kinds.def"
#undef KIND
	NULL,
};

const char *const attr_group_names[] = {
	[GROUP_STRUCTURE] = "structure", [GROUP_COMMENT] = "comment", [GROUP_COLUMN_ORDER] = "column-order", [GROUP_OWNER] = "owner",
	[GROUP_ACL] = "acl", [GROUP_COSMETIC] = "cosmetic", [GROUP_EVIDENCE] = "evidence", [GROUP_EVIDENCE + 1] = NULL,
};

const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; kinds[i] != NULL; i++) {
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	}
	return NULL;
}

int kind_attr(const struct kind *kind, const char *name)
{
	for (unsigned i = 0; i < kind->n_attrs; i++) {
		if (strcmp(kind->attrs[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}
