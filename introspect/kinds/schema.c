// SPDX-License-Identifier: PostgreSQL
// Schemas of PostgreSQL. The system's own (pg_*, information_schema) and those of extensions are left out.
#include "introspect/postgres_read.h"

#include "base/buf.h"
#include "introspect/ddl.h"

static const struct attr attrs[] = { COMMON_ATTRS };

static void schema_row(struct postgres_read *read, struct row row)
{
	const char *name = read_schema(read, row_oid(row, 0));
	if (name == NULL || read_is_member(read, PG_NAMESPACE, row_oid(row, 0)))
		return;
	struct object *schema = snapshot_add(read->snapshot, &kind_schema, &name, 1);
	read_remember(read, PG_NAMESPACE, row_oid(row, 0), schema);
	schema->values[ATTR_OWNER] = read_owner(read, row_oid(row, 1));
}

static const struct pg_query queries[] = {
	{ "schemas", "select n.oid, n.nspowner from pg_namespace n", .row = schema_row },
	{ NULL },
};

static bool schema_create(struct buf *sql, const struct snapshot *in, const struct object *schema)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "SCHEMA ");
	object_name(&identity, schema);
	buf_addf(sql, "CREATE %s;\n", identity.data);
	ddl_common_of_new(sql, identity.data, schema);
	return true;
}

static bool schema_drop(struct buf *sql, const struct snapshot *in, const struct object *schema)
{
	size_t first;
	bool empty = snapshot_range(in, schema->path, schema->n_path, &first) == 1;
	buf_adds(sql, "DROP SCHEMA ");
	object_name(sql, schema);
	buf_adds(sql, empty ? ";\n" : " CASCADE;\n");
	return true;
}

static bool schema_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                         uint32_t changed)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "SCHEMA ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return changed == 0;
}

const struct kind kind_schema = {
	.name = "schema", .sql = "SCHEMA", .summary = "a namespace", .engines = ENGINE_POSTGRESQL, .namespace = true, .grant_on = "SCHEMA",
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select n.xmin from pg_namespace n where n.nspname = w.path[1]",
	.create = schema_create, .drop = schema_drop, .alter = schema_alter,
};
