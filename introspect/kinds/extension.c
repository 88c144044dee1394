// SPDX-License-Identifier: PostgreSQL
// Extensions. Their members are left out of every kind; the version is cosmetic, since majors ship different defaults. Who
// owns one is not read: it is whoever was allowed to make it there, and no statement changes it.
#include "introspect/postgres_read.h"

#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

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
}

static const struct pg_query queries[] = {
	// plpgsql comes with every database, and lies in pg_catalog unless somebody moved it
	{ "extensions",
	  "select e.oid, e.extname, n.nspname, e.extversion from pg_extension e "
	  "join pg_namespace n on n.oid = e.extnamespace where not (e.extname = 'plpgsql' and n.nspname = 'pg_catalog')",
	  .row = extension_row },
	{ NULL },
};

static bool extension_create(struct buf *sql, const struct snapshot *in, const struct object *extension)
{
	(void)in;
	buf_adds(sql, "CREATE EXTENSION ");
	object_name(sql, extension);
	buf_adds(sql, " WITH SCHEMA ");
	sql_ident(sql, extension->values[SCHEMA]);
	buf_adds(sql, ";\n");
	return true;
}

static bool extension_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                            uint32_t changed)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "EXTENSION ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	if (changed & 1u << SCHEMA) {
		ddl_alter(sql, to);
		buf_adds(sql, "SET SCHEMA ");
		sql_ident(sql, to->values[SCHEMA]);
		buf_adds(sql, ";\n");
	}
	if (changed & 1u << VERSION) {
		ddl_alter(sql, to);
		buf_adds(sql, "UPDATE TO ");
		sql_literal(sql, to->values[VERSION]);
		buf_adds(sql, ";\n");
	}
	return sql->length > 0;
}

const struct kind kind_extension = {
	.name = "extension", .sql = "EXTENSION", .summary = "an installed extension, without its members", .engines = ENGINE_POSTGRESQL,
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select e.xmin from pg_extension e where e.extname = w.path[1]",
	.create = extension_create, .drop = ddl_drop, .alter = extension_alter,
};
