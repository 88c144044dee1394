// SPDX-License-Identifier: PostgreSQL
// Domains. Their CHECK constraints are objects of their own, of kind constraint.
#include "introspect/postgres_read.h"

enum { TYPE = ATTR_FIRST_OWN, COLLATION, DEFAULT, NOT_NULL };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[TYPE] = { "type", FORM_TEXT },
	[COLLATION] = { "collation", FORM_TEXT },
	[DEFAULT] = { "default", FORM_EXPRESSION },
	[NOT_NULL] = { "not_null", FORM_FLAG },
};

static void domain_row(struct postgres_read *read, struct row row)
{
	const char *schema = read_schema(read, row_oid(row, 1));
	if (schema == NULL || read_is_member(read, PG_TYPE, row_oid(row, 0)))
		return;
	struct object *domain = read_add(read, &kind_domain, schema, row_copy(read, row, 2));
	read_remember(read, PG_TYPE, row_oid(row, 0), domain);
	domain->values[TYPE] = row_intern(read, row, 3);
	domain->values[COLLATION] = read_collation(read, row_oid(row, 4));
	domain->values[DEFAULT] = row_copy(read, row, 5);
	domain->values[NOT_NULL] = row_flag_text(row, 6);
	if (read->groups & 1u << GROUP_OWNER)
		domain->values[ATTR_OWNER] = read_role(read, row_oid(row, 7));
}

static const struct pg_query queries[] = {
	{ "domains",
	  "select t.oid, t.typnamespace, t.typname, format_type(t.typbasetype, t.typtypmod), "
	  "nullif(t.typcollation, b.typcollation), pg_get_expr(t.typdefaultbin, 0), t.typnotnull, t.typowner "
	  "from pg_type t join pg_type b on b.oid = t.typbasetype where t.typtype = 'd' and t.oid >= 16384",
	  .row = domain_row },
	{ NULL },
};

const struct kind kind_domain = {
	.name = "domain", .sql = "DOMAIN", .summary = "a domain over a base type", .engines = ENGINE_POSTGRESQL, .relation = true,
	KIND_ATTRS(attrs), .queries = queries,
};
