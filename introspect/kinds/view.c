// SPDX-License-Identifier: PostgreSQL
// Views. Their columns are an attribute, since they follow from the definition unless somebody altered them one by one.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/buf.h"
#include "introspect/ddl.h"
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

// The definition without the semicolon that pg_get_viewdef ends it with.
static void add_definition(struct buf *sql, const char *definition)
{
	size_t length = strlen(definition);
	while (length > 0 && strchr("; \n", definition[length - 1]) != NULL)
		length--;
	buf_add(sql, definition, length);
	buf_adds(sql, ";\n");
}

static void write_view(struct buf *sql, const struct snapshot *in, const struct object *view, const char *create)
{
	const char *const *values = view->values;
	buf_addf(sql, "%s VIEW ", create);
	object_name(sql, view);
	if (in->engine == ENGINE_SQLITE) {
		if (values[COLUMNS] != NULL)
			buf_addf(sql, " (%s)", values[COLUMNS]);
		buf_addc(sql, ' ');
	} else {
		if (values[OPTIONS] != NULL) {
			buf_adds(sql, " WITH ");
			ddl_options(sql, values[OPTIONS], "");
		}
		buf_adds(sql, " AS\n");
	}
	add_definition(sql, values[DEFINITION]);
}

static void view_common(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *view, uint32_t changed)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "VIEW ");
	object_name(&identity, view);
	if (in->engine == ENGINE_POSTGRESQL)
		ddl_common(sql, identity.data, from, view, &changed);
}

static bool view_create(struct buf *sql, const struct snapshot *in, const struct object *view)
{
	if (ddl_has_unread(view, UINT32_MAX))
		return false;
	write_view(sql, in, view, "CREATE");
	view_common(sql, in, NULL, view, ddl_common_set(view));
	return true;
}

// CREATE OR REPLACE VIEW may add columns at the end, nothing else.
static bool only_adds_columns(const struct object *from, const struct object *to)
{
	const char *old = from->values[COLUMNS], *new = to->values[COLUMNS];
	size_t length = old == NULL ? 0 : strlen(old);
	return old != NULL && new != NULL && strncmp(old, new, length) == 0 && (new[length] == '\0' || new[length] == ',');
}

static bool view_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                       uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	if (in->engine == ENGINE_SQLITE)
		return ddl_drop(sql, in, from) && view_create(sql, in, to);
	if (changed & (1u << DEFINITION | 1u << COLUMNS)) {
		bool replace = only_adds_columns(from, to);
		if (!replace)
			ddl_drop(sql, in, from);
		if (!(changed & 1u << DEFINITION)) // which the view itself keeps from being altered
			ddl_remark(sql, "now alter the columns that it reads: the view itself is as it was");
		write_view(sql, in, to, replace ? "CREATE OR REPLACE" : "CREATE");
		if (!replace) {
			ddl_children(sql, in, to);
			view_common(sql, in, NULL, to, ddl_common_set(to));
			return true;
		}
	} else if (changed & 1u << OPTIONS) {
		auto_buf start = BUF_INIT;
		ddl_alter(&start, to);
		start.data[--start.length] = '\0'; // the blank
		ddl_change_options(sql, start.data, from->values[OPTIONS], to->values[OPTIONS], "");
	}
	view_common(sql, in, from, to, changed);
	return sql->length > 0;
}

const struct kind kind_view = {
	.name = "view", .sql = "VIEW", .summary = "a view", .engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .relation = true, .grant_on = "TABLE",
	.column_list = COLUMNS, KIND_ATTRS(attrs), .relkinds = "v", .relation_read = view_relation, .queries = queries,
	.sqlite_read = sqlite_view,
	.dated = DATED_WHOLE_RELATION,
	.create = view_create, .drop = ddl_drop, .alter = view_alter,
};
