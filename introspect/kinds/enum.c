// SPDX-License-Identifier: PostgreSQL
// Enumerated types. Labels compare in their order; enumsortorder itself depends on history.
#include "introspect/postgres_read.h"

enum { LABELS = ATTR_FIRST_OWN };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[LABELS] = { "labels", FORM_TEXT },
};

static void enum_row(struct postgres_read *read, struct row row)
{
	const char *schema = read_schema(read, row_oid(row, 1));
	if (schema == NULL || read_is_member(read, PG_TYPE, row_oid(row, 0)))
		return;
	struct object *type = read_add(read, &kind_enum, schema, row_copy(read, row, 2));
	read_remember(read, PG_TYPE, row_oid(row, 0), type);
	type->values[LABELS] = row_copy(read, row, 3);
	if (read->groups & 1u << GROUP_OWNER)
		type->values[ATTR_OWNER] = read_role(read, row_oid(row, 4));
}

static const struct pg_query queries[] = {
	{ "enums",
	  "select t.oid, t.typnamespace, t.typname, "
	  "(select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), "
	  "t.typowner from pg_type t where t.typtype = 'e' and t.oid >= 16384",
	  .row = enum_row },
	{ NULL },
};

const struct kind kind_enum = {
	.name = "enum", .sql = "TYPE", .summary = "an enumerated type", .engines = ENGINE_POSTGRESQL, .relation = true,
	KIND_ATTRS(attrs), .queries = queries,
};
