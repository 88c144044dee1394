// SPDX-License-Identifier: PostgreSQL
// Extensions. Their members are left out of every kind; the version is cosmetic, since majors ship different defaults.
#include "introspect/postgres_read.h"

enum { SCHEMA = ATTR_FIRST_OWN, VERSION };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[SCHEMA] = { "schema", FORM_TEXT },
	[VERSION] = { "version", FORM_TEXT, GROUP_COSMETIC },
};

static void extension_row(struct postgres_read *read, struct row row)
{
	const char *name = row_copy(read, row, 1);
	struct object *extension = snapshot_add(read->snapshot, &kind_extension, &name, 1);
	read_remember(read, PG_EXTENSION, row_oid(row, 0), extension);
	extension->values[SCHEMA] = row_intern(read, row, 2);
	extension->values[VERSION] = row_copy(read, row, 3);
	if (read->groups & 1u << GROUP_OWNER)
		extension->values[ATTR_OWNER] = read_role(read, row_oid(row, 4));
}

static const struct pg_query queries[] = {
	// plpgsql comes with every database, and lies in pg_catalog unless somebody moved it
	{ "extensions",
	  "select e.oid, e.extname, n.nspname, e.extversion, e.extowner from pg_extension e "
	  "join pg_namespace n on n.oid = e.extnamespace where not (e.extname = 'plpgsql' and n.nspname = 'pg_catalog')",
	  .row = extension_row },
	{ NULL },
};

const struct kind kind_extension = {
	.name = "extension", .sql = "EXTENSION", .summary = "an installed extension, without its members", .engines = ENGINE_POSTGRESQL,
	KIND_ATTRS(attrs), .queries = queries,
};
