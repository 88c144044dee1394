// SPDX-License-Identifier: PostgreSQL
// Domains. Their CHECK constraints are objects of their own, of kind constraint.
#include "introspect/postgres_read.h"

#include "base/buf.h"
#include "introspect/ddl.h"

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
	domain->values[ATTR_OWNER] = read_owner(read, row_oid(row, 7));
}

static const struct pg_query queries[] = {
	{ "domains",
	  "select t.oid, t.typnamespace, t.typname, format_type(t.typbasetype, t.typtypmod), "
	  "nullif(t.typcollation, b.typcollation), pg_get_expr(t.typdefaultbin, 0), t.typnotnull, t.typowner "
	  "from pg_type t join pg_type b on b.oid = t.typbasetype where t.typtype = 'd' and t.oid >= 16384",
	  .row = domain_row },
	{ NULL },
};

static bool domain_create(struct buf *sql, const struct snapshot *in, const struct object *domain)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "DOMAIN ");
	object_name(&identity, domain);
	buf_addf(sql, "CREATE %s AS %s", identity.data, domain->values[TYPE]);
	if (domain->values[COLLATION] != NULL)
		buf_addf(sql, " COLLATE %s", domain->values[COLLATION]);
	if (domain->values[DEFAULT] != NULL)
		buf_addf(sql, " DEFAULT %s", domain->values[DEFAULT]);
	buf_adds(sql, domain->values[NOT_NULL] != NULL ? " NOT NULL;\n" : ";\n");
	ddl_common_of_new(sql, identity.data, domain);
	return true;
}

static bool domain_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                         uint32_t changed)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "DOMAIN ");
	object_name(&identity, to);
	if (changed & (1u << TYPE | 1u << COLLATION))
		ddl_remark(sql, "the base type of a domain cannot be changed: make a new domain as %s and convert the columns that use it",
		           to->values[TYPE]);
	if (changed & 1u << DEFAULT)
		buf_addf(sql, "ALTER %s %s%s;\n", identity.data, to->values[DEFAULT] == NULL ? "DROP DEFAULT" : "SET DEFAULT ",
		         to->values[DEFAULT] == NULL ? "" : to->values[DEFAULT]);
	if (changed & 1u << NOT_NULL)
		buf_addf(sql, "ALTER %s %s NOT NULL;\n", identity.data, to->values[NOT_NULL] == NULL ? "DROP" : "SET");
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_domain = {
	.name = "domain", .sql = "DOMAIN", .summary = "a domain over a base type", .engines = ENGINE_POSTGRESQL, .relation = true, .grant_on = "DOMAIN",
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select t.xmin from " DATED_TYPE,
	.create = domain_create, .drop = ddl_drop, .alter = domain_alter,
};
