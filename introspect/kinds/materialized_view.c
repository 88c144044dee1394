// SPDX-License-Identifier: PostgreSQL
// Materialized views. Their indexes are objects of their own beneath them.
#include "introspect/postgres_read.h"

#include <string.h>

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
	  "select c.oid from pg_class c where c.relkind = 'm' and not c.relispopulated", .row = populated_row },
	{ "materialized view definitions",
	  "select c.oid, pg_get_viewdef(c.oid) as def from pg_class c join pg_namespace n on n.oid = c.relnamespace "
	  "where c.relkind = 'm' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
	  .deparse = true, .row = definition_row },
	{ NULL },
};

const struct kind kind_materialized_view = {
	.name = "materialized view", .sql = "MATERIALIZED VIEW", .summary = "a materialized view", .engines = ENGINE_POSTGRESQL,
	.relation = true, .column_list = COLUMNS, KIND_ATTRS(attrs), .relkinds = "m", .relation_read = materialized_view_relation,
	.queries = queries,
};
