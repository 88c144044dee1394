// SPDX-License-Identifier: PostgreSQL
// Enumerated types. Labels compare in their order; enumsortorder itself depends on history.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/ddl.h"

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
	type->values[ATTR_OWNER] = read_owner(read, row_oid(row, 4));
}

static const struct pg_query queries[] = {
	{ "enums",
	  "select t.oid, t.typnamespace, t.typname, "
	  "(select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), "
	  "t.typowner from pg_type t where t.typtype = 'e' and t.oid >= 16384",
	  .row = enum_row },
	{ NULL },
};

static bool enum_create(struct buf *sql, const struct snapshot *in, const struct object *type)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TYPE ");
	object_name(&identity, type);
	buf_addf(sql, "CREATE %s AS ENUM (%s);\n", identity.data, type->values[LABELS] == NULL ? "" : type->values[LABELS]);
	ddl_common_of_new(sql, identity.data, type);
	return true;
}

// Labels can be added anywhere, but never removed and never moved.
static void add_labels(struct buf *sql, const struct object *from, const struct object *to)
{
	auto_arena arena = arena_new();
	size_t n_old, n_new, kept = 0;
	const char **old = ddl_list(arena, from->values[LABELS], &n_old), **new = ddl_list(arena, to->values[LABELS], &n_new);
	for (size_t i = 0; i < n_new && kept < n_old; i++)
		kept += strcmp(new[i], old[kept]) == 0;
	if (kept < n_old) {
		auto_buf name = BUF_INIT;
		object_name(&name, to);
		ddl_remark(sql, "PostgreSQL cannot remove or reorder labels of an enum: make a new type with %s in this order, convert the "
		           "columns that use %s to it, drop %s and rename the new one", to->values[LABELS] == NULL ? "none" : to->values[LABELS],
		           name.data, name.data);
		return;
	}
	for (size_t i = 0, at = 0; i < n_new; i++) {
		if (at < n_old && strcmp(new[i], old[at]) == 0) {
			at++;
			continue;
		}
		ddl_alter(sql, to);
		buf_addf(sql, "ADD VALUE %s", new[i]);
		if (at < n_old)
			buf_addf(sql, " BEFORE %s", old[at]);
		buf_adds(sql, ";\n");
	}
}

static bool enum_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                       uint32_t changed)
{
	(void)in;
	if (changed & 1u << LABELS)
		add_labels(sql, from, to);
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TYPE ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_enum = {
	.name = "enum", .sql = "TYPE", .summary = "an enumerated type", .engines = ENGINE_POSTGRESQL, .relation = true, .grant_on = "TYPE",
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select t.xmin from " DATED_TYPE "union all select l.xmin from " DATED_TYPE "join pg_enum l on l.enumtypid = t.oid",
	.create = enum_create, .drop = ddl_drop, .alter = enum_alter,
};
