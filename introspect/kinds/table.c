// SPDX-License-Identifier: PostgreSQL
// Tables, partitioned ones and partitions included. Columns, constraints, indexes, triggers and policies are objects of
// their own beneath a table. Foreign tables are outside this model.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "introspect/sqlite_read.h"

enum {
	UNLOGGED = ATTR_FIRST_OWN, PARTITION_KEY, PARTITION_OF, PARTITION_BOUND, INHERITS, OF_TYPE, ACCESS_METHOD, TABLESPACE,
	OPTIONS, TOAST_OPTIONS, REPLICA_IDENTITY, ROW_SECURITY, FORCE_ROW_SECURITY, DROPPED_COLUMNS,
	STRICT, WITHOUT_ROWID, AUTOINCREMENT, MODULE,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[UNLOGGED] = { "unlogged", FORM_FLAG },
	[PARTITION_KEY] = { "partition_key", FORM_EXPRESSION },
	[PARTITION_OF] = { "partition_of", FORM_TEXT },
	[PARTITION_BOUND] = { "partition_bound", FORM_EXPRESSION },
	[INHERITS] = { "inherits", FORM_TEXT },
	[OF_TYPE] = { "of_type", FORM_TEXT },
	[ACCESS_METHOD] = { "access_method", FORM_TEXT },
	[TABLESPACE] = { "tablespace", FORM_TEXT },
	[OPTIONS] = { "options", FORM_TEXT },
	[TOAST_OPTIONS] = { "toast_options", FORM_TEXT },
	[REPLICA_IDENTITY] = { "replica_identity", FORM_TEXT },
	[ROW_SECURITY] = { "row_security", FORM_FLAG },
	[FORCE_ROW_SECURITY] = { "force_row_security", FORM_FLAG },
	[DROPPED_COLUMNS] = { "dropped_columns", FORM_TEXT, GROUP_EVIDENCE },
	[STRICT] = { "strict", FORM_FLAG },
	[WITHOUT_ROWID] = { "without_rowid", FORM_FLAG },
	[AUTOINCREMENT] = { "autoincrement", FORM_FLAG },
	[MODULE] = { "module", FORM_EXPRESSION },
};

static const char *flag(bool is_set)
{
	return is_set ? "true" : NULL;
}

static const char *replica_identity(char letter)
{
	// which index, where it is one, is that index's attribute
	return letter == 'n' ? "NOTHING" : letter == 'f' ? "FULL" : letter == 'i' ? "USING INDEX" : NULL;
}

static struct object *table_relation(struct postgres_read *read, const struct pg_relation *relation)
{
	struct object *table = read_add(read, &kind_table, relation->schema, relation->name);
	table->values[UNLOGGED] = flag(relation->relpersistence == 'u');
	table->values[relation->relispartition ? PARTITION_OF : INHERITS] = relation->parents;
	table->values[PARTITION_KEY] = relation->relkind == 'p' ? VALUE_UNREAD : NULL;
	table->values[PARTITION_BOUND] = relation->relispartition ? VALUE_UNREAD : NULL;
	const char *access_method = read_access_method(read, relation->relam);
	table->values[ACCESS_METHOD] = access_method != NULL && strcmp(access_method, "heap") != 0 ? access_method : NULL;
	table->values[TABLESPACE] = read_tablespace(read, relation->reltablespace);
	table->values[OPTIONS] = relation->reloptions;
	table->values[TOAST_OPTIONS] = relation->toast_options;
	table->values[REPLICA_IDENTITY] = replica_identity(relation->relreplident);
	table->values[ROW_SECURITY] = flag(relation->relrowsecurity);
	table->values[FORCE_ROW_SECURITY] = flag(relation->relforcerowsecurity);
	return table;
}

static void of_type_row(struct postgres_read *read, struct row row)
{
	struct object *table = read_object(read, PG_CLASS, row_oid(row, 0));
	if (table != NULL)
		table->values[OF_TYPE] = row_copy(read, row, 1);
}

static void partition_row(struct postgres_read *read, struct row row)
{
	struct object *table = read_object(read, PG_CLASS, row_oid(row, 0));
	if (table == NULL || table->kind != &kind_table)
		return;
	for (int i = 0; i < 2; i++) {
		int attr = i == 0 ? PARTITION_BOUND : PARTITION_KEY;
		if (table->values[attr] == VALUE_UNREAD && row_text(row, 1 + i) != NULL)
			table->values[attr] = row_copy(read, row, 1 + i);
	}
}

static const struct pg_query queries[] = {
	{ "typed tables",
	  "select c.oid, format_type(c.reloftype, -1) from pg_class c where c.reloftype <> 0", .row = of_type_row },
	{ "partition keys and bounds",
	  "select c.oid, case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound, "
	  "case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partkey "
	  "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
	  "where c.relkind in ('r', 'p', 'f') and (c.relispartition or c.relkind = 'p') "
	  "and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
	  .deparse = true, .row = partition_row },
	{ NULL },
};

// How many columns were dropped is known once the columns are read.
static void table_finish(struct postgres_read *read)
{
	size_t n;
	struct pg_relation *const *relations = read_relations(read, &n);
	for (size_t i = 0; i < n; i++) {
		if (relations[i]->object != NULL && relations[i]->object->kind == &kind_table && relations[i]->n_dropped > 0)
			relations[i]->object->values[DROPPED_COLUMNS] = arena_printf(read->arena, "%u", relations[i]->n_dropped);
	}
}

static void sqlite_table(struct sqlite_read *read, const struct sqlite_item *item)
{
	if (item->type != SQLITE_ITEM_TABLE)
		return;
	struct object *table = snapshot_add(read->snapshot, &kind_table, &item->name, 1);
	table->values[STRICT] = flag(item->strict);
	table->values[WITHOUT_ROWID] = flag(item->without_rowid);
	table->values[AUTOINCREMENT] = flag(item->autoincrement);
	table->values[MODULE] = item->module;
}

const struct kind kind_table = {
	.name = "table", .sql = "TABLE", .summary = "a table, partitioned ones and partitions included",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .relation = true, .part_of = PARTITION_OF, KIND_ATTRS(attrs), .relkinds = "rp",
	.relation_read = table_relation, .queries = queries, .finish = table_finish,
	.sqlite_read = sqlite_table,
};
