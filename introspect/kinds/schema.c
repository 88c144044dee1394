// SPDX-License-Identifier: PostgreSQL
// Schemas of PostgreSQL. The system's own (pg_*, information_schema) and those of extensions are left out.
#include "introspect/postgres_read.h"

static const struct attr attrs[] = { COMMON_ATTRS };

static void schema_row(struct postgres_read *read, struct row row)
{
	const char *name = read_schema(read, row_oid(row, 0));
	if (name == NULL || read_is_member(read, PG_NAMESPACE, row_oid(row, 0)))
		return;
	struct object *schema = snapshot_add(read->snapshot, &kind_schema, &name, 1);
	read_remember(read, PG_NAMESPACE, row_oid(row, 0), schema);
	if (read->groups & 1u << GROUP_OWNER)
		schema->values[ATTR_OWNER] = read_role(read, row_oid(row, 1));
}

static const struct pg_query queries[] = {
	{ "schemas", "select n.oid, n.nspowner from pg_namespace n", .row = schema_row },
	{ NULL },
};

const struct kind kind_schema = {
	.name = "schema", .sql = "SCHEMA", .summary = "a namespace", .engines = ENGINE_POSTGRESQL, .namespace = true,
	KIND_ATTRS(attrs), .queries = queries,
};
