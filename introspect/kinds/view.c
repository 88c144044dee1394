// SPDX-License-Identifier: PostgreSQL
// Views. Their columns are an attribute, since they follow from the definition unless somebody altered them one by one.
#include "introspect/postgres_read.h"

#include "introspect/sqlite_read.h"

enum { DEFINITION = ATTR_FIRST_OWN, COLUMNS, OPTIONS };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[DEFINITION] = { "definition", FORM_STATEMENT },
	[COLUMNS] = { "columns", FORM_TEXT },
	[OPTIONS] = { "options", FORM_TEXT },
};

static struct object *view_relation(struct postgres_read *read, const struct pg_relation *relation)
{
	struct object *view = read_add(read, &kind_view, relation->schema, relation->name);
	view->values[DEFINITION] = VALUE_UNREAD;
	view->values[OPTIONS] = relation->reloptions;
	return view;
}

static void definition_row(struct postgres_read *read, struct row row)
{
	struct object *view = read_object(read, PG_CLASS, row_oid(row, 0));
	if (view != NULL && view->kind == &kind_view && row_text(row, 1) != NULL)
		view->values[DEFINITION] = row_copy(read, row, 1);
}

static const struct pg_query queries[] = {
	// pg_get_viewdef keeps AccessShareLock on what the view refers to until the savepoint is rolled back
	{ "view definitions",
	  "select c.oid, pg_get_viewdef(c.oid) as def from pg_class c join pg_namespace n on n.oid = c.relnamespace "
	  "where c.relkind = 'v' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
	  .deparse = true, .row = definition_row },
	{ NULL },
};

static void sqlite_view(struct sqlite_read *read, const struct sqlite_item *item)
{
	if (item->type != SQLITE_ITEM_VIEW)
		return;
	struct object *view = snapshot_add(read->snapshot, &kind_view, &item->name, 1);
	view->values[DEFINITION] = item->definition;
	view->values[COLUMNS] = item->columns_list;
}

const struct kind kind_view = {
	.name = "view", .sql = "VIEW", .summary = "a view", .engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .relation = true,
	.column_list = COLUMNS, KIND_ATTRS(attrs), .relkinds = "v", .relation_read = view_relation, .queries = queries,
	.sqlite_read = sqlite_view,
};
