// SPDX-License-Identifier: PostgreSQL
// Materialized views. Their indexes are objects of their own beneath them.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

enum { DEFINITION = ATTR_FIRST_OWN, COLUMNS, OPTIONS, ACCESS_METHOD, TABLESPACE, NOT_POPULATED };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[DEFINITION] = { "definition", FORM_STATEMENT },
	[COLUMNS] = { "columns", FORM_TEXT },
	[OPTIONS] = { "options", FORM_TEXT },
	[ACCESS_METHOD] = { "access_method", FORM_TEXT },
	[TABLESPACE] = { "tablespace", FORM_TEXT },
	[NOT_POPULATED] = { "not_populated", FORM_FLAG, GROUP_COSMETIC }, // refreshed or not is data
};

static struct object *materialized_view_relation(struct postgres_read *read, const struct pg_relation *relation)
{
	struct object *view = read_add(read, &kind_materialized_view, relation->schema, relation->name);
	view->values[DEFINITION] = VALUE_UNREAD;
	view->values[OPTIONS] = relation->reloptions;
	const char *access_method = read_access_method(read, relation->relam);
	view->values[ACCESS_METHOD] = access_method != NULL && strcmp(access_method, "heap") != 0 ? access_method : NULL;
	view->values[TABLESPACE] = read_tablespace(read, relation->reltablespace);
	return view;
}

static void populated_row(struct postgres_read *read, struct row row)
{
	struct object *view = read_object(read, PG_CLASS, row_oid(row, 0));
	if (view != NULL)
		view->values[NOT_POPULATED] = "true";
}

static void definition_row(struct postgres_read *read, struct row row)
{
	struct object *view = read_object(read, PG_CLASS, row_oid(row, 0));
	if (view != NULL && view->kind == &kind_materialized_view && row_text(row, 1) != NULL)
		view->values[DEFINITION] = row_copy(read, row, 1);
}

static const struct pg_query queries[] = {
	{ "materialized views that are not populated",
	  "select c.oid from pg_class c where c.relkind = 'm' and not c.relispopulated",
	  .group = 1u << GROUP_COSMETIC, .row = populated_row },
	{ "materialized view definitions",
	  "select c.oid, pg_get_viewdef(c.oid) as def from pg_class c join pg_namespace n on n.oid = c.relnamespace "
	  "where c.relkind = 'm' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
	  .deparse = true, .row = definition_row },
	{ NULL },
};

static void common(struct buf *sql, const struct object *from, const struct object *view, uint32_t changed)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "MATERIALIZED VIEW ");
	object_name(&identity, view);
	ddl_common(sql, identity.data, from, view, &changed);
}

static bool materialized_view_create(struct buf *sql, const struct snapshot *in, const struct object *view)
{
	(void)in;
	const char *const *values = view->values;
	if (ddl_has_unread(view, UINT32_MAX))
		return false;
	buf_adds(sql, "CREATE MATERIALIZED VIEW ");
	object_name(sql, view);
	if (values[ACCESS_METHOD] != NULL) {
		buf_adds(sql, " USING ");
		sql_ident(sql, values[ACCESS_METHOD]);
	}
	if (values[OPTIONS] != NULL) {
		buf_adds(sql, " WITH ");
		ddl_options(sql, values[OPTIONS], "");
	}
	if (values[TABLESPACE] != NULL) {
		buf_adds(sql, " TABLESPACE ");
		sql_ident(sql, values[TABLESPACE]);
	}
	buf_adds(sql, " AS\n");
	size_t length = strlen(values[DEFINITION]); // pg_get_viewdef ends it with a semicolon
	while (length > 0 && strchr("; \n", values[DEFINITION][length - 1]) != NULL)
		length--;
	buf_add(sql, values[DEFINITION], length);
	buf_adds(sql, values[NOT_POPULATED] != NULL ? "\nWITH NO DATA;\n" : ";\n");
	common(sql, NULL, view, ddl_common_set(view));
	return true;
}

static bool materialized_view_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                                    uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	if (changed & (1u << DEFINITION | 1u << COLUMNS)) {
		ddl_drop(sql, in, from);
		if (!(changed & 1u << DEFINITION)) // which the view itself keeps from being altered
			ddl_remark(sql, "now alter the columns that it reads: the view itself is as it was");
		materialized_view_create(sql, in, to);
		ddl_children(sql, in, to);
		return true;
	}
	auto_buf start = BUF_INIT;
	ddl_alter(&start, to);
	start.data[--start.length] = '\0'; // the blank
	if (changed & 1u << OPTIONS)
		ddl_change_options(sql, start.data, from->values[OPTIONS], to->values[OPTIONS], "");
	if (changed & 1u << ACCESS_METHOD)
		buf_addf(sql, "%s SET ACCESS METHOD %s;\n", start.data, to->values[ACCESS_METHOD] == NULL ? "heap" : to->values[ACCESS_METHOD]);
	if (changed & 1u << TABLESPACE)
		buf_addf(sql, "%s SET TABLESPACE %s;\n", start.data, to->values[TABLESPACE] == NULL ? "pg_default" : to->values[TABLESPACE]);
	if (changed & 1u << NOT_POPULATED) {
		buf_adds(sql, "REFRESH MATERIALIZED VIEW ");
		object_name(sql, to);
		buf_adds(sql, to->values[NOT_POPULATED] != NULL ? " WITH NO DATA;\n" : ";\n");
	}
	common(sql, from, to, changed);
	return sql->length > 0;
}

const struct kind kind_materialized_view = {
	.name = "materialized view", .sql = "MATERIALIZED VIEW", .summary = "a materialized view", .engines = ENGINE_POSTGRESQL,
	.relation = true, .grant_on = "TABLE", .column_list = COLUMNS, KIND_ATTRS(attrs), .relkinds = "m", .relation_read = materialized_view_relation,
	.queries = queries,
	.dated = DATED_WHOLE_RELATION, .dated_touched = true,
	.create = materialized_view_create, .drop = ddl_drop, .alter = materialized_view_alter,
};
