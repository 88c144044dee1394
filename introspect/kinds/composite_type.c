// SPDX-License-Identifier: PostgreSQL
// Composite types made by CREATE TYPE ... AS (...). Row types of tables are the tables'.
#include "introspect/postgres_read.h"

enum { ATTRIBUTES = ATTR_FIRST_OWN };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[ATTRIBUTES] = { "attributes", FORM_TEXT },
};

static struct object *composite_type_relation(struct postgres_read *read, const struct pg_relation *relation)
{
	return read_add(read, &kind_composite_type, relation->schema, relation->name);
}

const struct kind kind_composite_type = {
	.name = "composite type", .sql = "TYPE", .summary = "a composite type", .engines = ENGINE_POSTGRESQL, .relation = true,
	.column_list = ATTRIBUTES, KIND_ATTRS(attrs), .relkinds = "c", .relation_read = composite_type_relation,
};
