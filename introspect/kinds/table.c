// SPDX-License-Identifier: PostgreSQL
// Tables, partitioned ones and partitions included. Columns, constraints, indexes, triggers and policies are objects of
// their own beneath a table. Foreign tables are outside this model.
#include "introspect/postgres_read.h"

#include <stdlib.h>

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"
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
	table->values[OF_TYPE] = relation->of_type;
	table->values[OPTIONS] = relation->reloptions;
	table->values[TOAST_OPTIONS] = relation->toast_options;
	table->values[REPLICA_IDENTITY] = replica_identity(relation->relreplident);
	table->values[ROW_SECURITY] = flag(relation->relrowsecurity);
	table->values[FORCE_ROW_SECURITY] = flag(relation->relforcerowsecurity);
	return table;
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

static void add_storage(struct buf *sql, const struct object *table)
{
	const char *const *values = table->values;
	if (values[ACCESS_METHOD] != NULL) {
		buf_adds(sql, " USING ");
		sql_ident(sql, values[ACCESS_METHOD]);
	}
	auto_buf with = BUF_INIT;
	ddl_options(&with, values[OPTIONS], "");
	if (with.length > 0 && values[TOAST_OPTIONS] != NULL) { // two lists in one pair of parentheses
		with.data[--with.length] = '\0';
		auto_buf toast = BUF_INIT;
		ddl_options(&toast, values[TOAST_OPTIONS], "toast.");
		buf_addf(&with, ", %s", toast.data + 1);
	} else {
		ddl_options(&with, values[TOAST_OPTIONS], "toast.");
	}
	if (with.length > 0)
		buf_addf(sql, " WITH %s", with.data);
	if (values[TABLESPACE] != NULL) {
		buf_adds(sql, " TABLESPACE ");
		sql_ident(sql, values[TABLESPACE]);
	}
}

static void alter_table(struct buf *sql, const struct object *table, const char *words)
{
	ddl_alter(sql, table);
	buf_addf(sql, "%s;\n", words);
}

static void set_security(struct buf *sql, const struct object *table, uint32_t changed)
{
	if (changed & 1u << ROW_SECURITY)
		alter_table(sql, table, table->values[ROW_SECURITY] != NULL ? "ENABLE ROW LEVEL SECURITY" : "DISABLE ROW LEVEL SECURITY");
	if (changed & 1u << FORCE_ROW_SECURITY)
		alter_table(sql, table, table->values[FORCE_ROW_SECURITY] != NULL ? "FORCE ROW LEVEL SECURITY" : "NO FORCE ROW LEVEL SECURITY");
}

static void set_replica_identity(struct buf *sql, const struct object *table)
{
	const char *identity = table->values[REPLICA_IDENTITY];
	if (identity != NULL && strcmp(identity, "USING INDEX") == 0) {
		ddl_remark(sql, "the index that is to be the replica identity sets this");
		return;
	}
	ddl_alter(sql, table);
	buf_addf(sql, "REPLICA IDENTITY %s;\n", identity == NULL ? "DEFAULT" : identity);
}

static int position_compare(const void *a, const void *b)
{
	const struct object *const *left = a, *const *right = b;
	int position = kind_attr(&kind_column, "position");
	const char *first = (*left)->values[position], *second = (*right)->values[position];
	if (first == NULL || second == NULL)
		return (first == NULL) - (second == NULL);
	return atoi(first) - atoi(second);
}

// The table's children of one kind; columns in their order.
static const struct object **children(const struct snapshot *in, const struct object *table, const struct kind *kind, size_t *n)
{
	size_t first, n_beneath = snapshot_range(in, table->path, table->n_path, &first);
	const struct object **found = arena_array(in->arena, n_beneath + 1, sizeof *found);
	*n = 0;
	for (size_t i = first; i < first + n_beneath; i++) {
		if (in->objects[i]->kind == kind)
			found[(*n)++] = in->objects[i];
	}
	if (kind == &kind_column && *n > 0)
		qsort(found, *n, sizeof *found, position_compare);
	return found;
}

// What a parent, or a parent of a parent, has under a column's name; NULL where the column is the table's own.
static const struct object *inherited_column(const struct snapshot *in, const struct object *table, const char *name)
{
	const char *list = table->values[PARTITION_OF] != NULL ? table->values[PARTITION_OF] : table->values[INHERITS];
	size_t n;
	const char **parents = ddl_list(in->arena, list, &n);
	for (size_t i = 0; i < n; i++) {
		const char *path[3];
		if (sql_name_split(in->arena, parents[i], path, 2) != 2)
			continue;
		path[2] = name;
		const struct object *column = snapshot_find(in, &kind_column, path, 3);
		const struct object *parent = column == NULL ? snapshot_find(in, &kind_table, path, 2) : NULL;
		if (parent != NULL)
			column = inherited_column(in, parent, name);
		if (column != NULL)
			return column;
	}
	return NULL;
}

// A column that comes with the table (from a parent or a type) and then differs from what came.
static void change_column(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *column)
{
	uint32_t changed = column->values[ATTR_PRIVILEGES] != NULL ? 1u << ATTR_PRIVILEGES : 0; // which never come along
	for (unsigned i = ATTR_FIRST_OWN; i < column->kind->n_attrs; i++) {
		if (column->kind->attrs[i].group == GROUP_STRUCTURE && !ddl_same(from->values[i], column->values[i]))
			changed |= 1u << i;
	}
	const struct object renamed = { column->kind, column->path, column->n_path, from->values };
	if (changed != 0)
		column->kind->alter(sql, in, &renamed, column, changed);
}

static void change_columns(struct buf *sql, const struct snapshot *in, const struct object *table,
                           const struct object *const *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct object *above = inherited_column(in, table, columns[i]->path[columns[i]->n_path - 1]);
		if (above != NULL) {
			change_column(sql, in, above, columns[i]);
		} else if (table->values[OF_TYPE] != NULL) {
			const char **plain = arena_array(in->arena, columns[i]->kind->n_attrs, sizeof *plain);
			int type = kind_attr(&kind_column, "type"), collation = kind_attr(&kind_column, "collation");
			plain[type] = columns[i]->values[type];
			plain[collation] = columns[i]->values[collation];
			const struct object of_type = { columns[i]->kind, columns[i]->path, columns[i]->n_path, plain };
			change_column(sql, in, &of_type, columns[i]);
		} else {
			column_settings(sql, in, columns[i]);
		}
	}
}

static void add_own_columns(struct buf *sql, const struct snapshot *in, const struct object *table,
                            const struct object *const *columns, size_t n)
{
	size_t n_own = 0;
	buf_adds(sql, " (");
	for (size_t i = 0; i < n; i++) {
		if (inherited_column(in, table, columns[i]->path[columns[i]->n_path - 1]) != NULL)
			continue;
		buf_adds(sql, n_own++ > 0 ? ",\n    " : "\n    ");
		column_definition(sql, in, columns[i]);
	}
	buf_adds(sql, n_own > 0 ? "\n)" : ")");
}

// The sequences that the table's columns own: defaults refer to them, and they refer to the columns.
static const struct object **owned_sequences(const struct snapshot *in, const struct object *table, size_t *n)
{
	const struct object **found = arena_array(in->arena, in->n_objects + 1, sizeof *found);
	auto_buf prefix = BUF_INIT;
	object_name(&prefix, table);
	buf_addc(&prefix, '.');
	*n = 0;
	for (size_t i = 0; i < in->n_objects; i++) {
		const struct object *object = in->objects[i];
		const char *owner = object->kind->owned_by > 0 ? object->values[object->kind->owned_by] : NULL;
		if (owner != NULL && strncmp(owner, prefix.data, prefix.length) == 0)
			found[(*n)++] = object;
	}
	return found;
}

static bool postgresql_create(struct buf *sql, const struct snapshot *in, const struct object *table)
{
	const char *const *values = table->values;
	size_t n_columns, n_sequences;
	const struct object **columns = children(in, table, &kind_column, &n_columns);
	const struct object **sequences = owned_sequences(in, table, &n_sequences);
	for (size_t i = 0; i < n_columns; i++) {
		if (ddl_has_unread(columns[i], UINT32_MAX))
			return false;
	}
	for (size_t i = 0; i < n_sequences; i++)
		sequence_definition(sql, sequences[i]);
	buf_addf(sql, "CREATE %sTABLE ", values[UNLOGGED] != NULL ? "UNLOGGED " : "");
	object_name(sql, table);
	if (values[PARTITION_OF] != NULL) {
		buf_addf(sql, " PARTITION OF %s %s", values[PARTITION_OF], values[PARTITION_BOUND]);
	} else if (values[OF_TYPE] != NULL) {
		buf_addf(sql, " OF %s", values[OF_TYPE]);
	} else {
		add_own_columns(sql, in, table, columns, n_columns);
		if (values[INHERITS] != NULL)
			buf_addf(sql, " INHERITS (%s)", values[INHERITS]);
	}
	if (values[PARTITION_KEY] != NULL)
		buf_addf(sql, " PARTITION BY %s", values[PARTITION_KEY]);
	add_storage(sql, table);
	buf_adds(sql, ";\n");
	for (size_t i = 0; i < n_sequences; i++)
		sequence_owner(sql, sequences[i]);
	change_columns(sql, in, table, columns, n_columns);
	if (values[REPLICA_IDENTITY] != NULL && strcmp(values[REPLICA_IDENTITY], "USING INDEX") != 0)
		set_replica_identity(sql, table);
	set_security(sql, table, (values[ROW_SECURITY] != NULL ? 1u << ROW_SECURITY : 0) |
	                         (values[FORCE_ROW_SECURITY] != NULL ? 1u << FORCE_ROW_SECURITY : 0));
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TABLE ");
	object_name(&identity, table);
	ddl_common_of_new(sql, identity.data, table);
	return true;
}

// AUTOINCREMENT stands with the key's column alone, so that column's PRIMARY KEY is written there.
static bool is_key_of(const struct object *constraint, const struct object *column)
{
	int type = kind_attr(constraint->kind, "type"), columns = kind_attr(constraint->kind, "columns");
	auto_buf name = BUF_INIT;
	ddl_own_name(&name, column);
	return ddl_same(constraint->values[type], "PRIMARY KEY") && ddl_same(constraint->values[columns], name.data);
}

static bool sqlite_create(struct buf *sql, const struct snapshot *in, const struct object *table)
{
	const char *const *values = table->values;
	if (values[MODULE] != NULL) {
		buf_adds(sql, "CREATE VIRTUAL TABLE ");
		object_name(sql, table);
		buf_addf(sql, " USING %s;\n", values[MODULE]);
		return true;
	}
	size_t n_columns, n_constraints;
	const struct object **columns = children(in, table, &kind_column, &n_columns);
	const struct object **constraints = children(in, table, &kind_constraint, &n_constraints);
	const struct object *written = NULL; // the key that stands with its column
	buf_adds(sql, "CREATE TABLE ");
	object_name(sql, table);
	buf_adds(sql, " (");
	for (size_t i = 0; i < n_columns; i++) {
		buf_adds(sql, i > 0 ? ",\n    " : "\n    ");
		column_definition(sql, in, columns[i]);
		for (size_t c = 0; c < n_constraints && values[AUTOINCREMENT] != NULL; c++) {
			if (is_key_of(constraints[c], columns[i])) {
				written = constraints[c];
				buf_adds(sql, " PRIMARY KEY AUTOINCREMENT");
			}
		}
	}
	for (size_t i = 0; i < n_constraints; i++) {
		if (constraints[i] == written)
			continue;
		buf_adds(sql, ",\n    ");
		constraint_definition(sql, in, constraints[i]);
	}
	buf_adds(sql, "\n)");
	buf_adds(sql, values[STRICT] != NULL ? " STRICT" : "");
	buf_adds(sql, values[WITHOUT_ROWID] == NULL ? "" : values[STRICT] != NULL ? ", WITHOUT ROWID" : " WITHOUT ROWID");
	buf_adds(sql, ";\n");
	return true;
}

static bool table_create(struct buf *sql, const struct snapshot *in, const struct object *table)
{
	if (ddl_has_unread(table, UINT32_MAX))
		return false;
	return in->engine == ENGINE_SQLITE ? sqlite_create(sql, in, table) : postgresql_create(sql, in, table);
}

static void change_parents(struct buf *sql, const struct object *from, const struct object *to)
{
	auto_arena arena = arena_new();
	size_t n_old, n_new;
	const char **old = ddl_list(arena, from->values[INHERITS], &n_old), **new = ddl_list(arena, to->values[INHERITS], &n_new);
	for (size_t pass = 0; pass < 2; pass++) {
		const char **these = pass == 0 ? old : new, **those = pass == 0 ? new : old;
		for (size_t i = 0; i < (pass == 0 ? n_old : n_new); i++) {
			bool in_both = false;
			for (size_t j = 0; j < (pass == 0 ? n_new : n_old); j++)
				in_both |= strcmp(these[i], those[j]) == 0;
			if (in_both)
				continue;
			ddl_alter(sql, to);
			buf_addf(sql, "%s %s;\n", pass == 0 ? "NO INHERIT" : "INHERIT", these[i]);
		}
	}
}

static void change_partition(struct buf *sql, const struct object *from, const struct object *to)
{
	auto_buf name = BUF_INIT;
	object_name(&name, to);
	if (from->values[PARTITION_OF] != NULL)
		buf_addf(sql, "ALTER TABLE %s DETACH PARTITION %s;\n", from->values[PARTITION_OF], name.data);
	if (to->values[PARTITION_OF] != NULL)
		buf_addf(sql, "ALTER TABLE %s ATTACH PARTITION %s %s;\n", to->values[PARTITION_OF], name.data, to->values[PARTITION_BOUND]);
}

static bool table_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                        uint32_t changed)
{
	if (in->engine == ENGINE_SQLITE) {
		ddl_rebuild(sql, to, "alter a table's options");
		return true;
	}
	const char *const *values = to->values;
	auto_buf start = BUF_INIT;
	ddl_alter(&start, to);
	start.data[--start.length] = '\0'; // the blank
	if (changed & 1u << PARTITION_KEY)
		ddl_remark(sql, "the partition key of a table cannot be changed: make a new table%s%s and move the rows",
		           values[PARTITION_KEY] != NULL ? " PARTITION BY " : "", values[PARTITION_KEY] != NULL ? values[PARTITION_KEY] : "");
	if (changed & (1u << PARTITION_OF | 1u << PARTITION_BOUND))
		change_partition(sql, from, to);
	if (changed & 1u << INHERITS)
		change_parents(sql, from, to);
	if (changed & 1u << OF_TYPE)
		buf_addf(sql, values[OF_TYPE] == NULL ? "%s NOT OF;\n" : "%s OF %s;\n", start.data, values[OF_TYPE]);
	if (changed & 1u << UNLOGGED)
		alter_table(sql, to, values[UNLOGGED] != NULL ? "SET UNLOGGED" : "SET LOGGED");
	if (changed & 1u << ACCESS_METHOD)
		buf_addf(sql, "%s SET ACCESS METHOD %s;\n", start.data, values[ACCESS_METHOD] == NULL ? "heap" : values[ACCESS_METHOD]);
	if (changed & 1u << TABLESPACE)
		buf_addf(sql, "%s SET TABLESPACE %s;\n", start.data, values[TABLESPACE] == NULL ? "pg_default" : values[TABLESPACE]);
	if (changed & 1u << OPTIONS)
		ddl_change_options(sql, start.data, from->values[OPTIONS], values[OPTIONS], "");
	if (changed & 1u << TOAST_OPTIONS)
		ddl_change_options(sql, start.data, from->values[TOAST_OPTIONS], values[TOAST_OPTIONS], "toast.");
	if (changed & 1u << REPLICA_IDENTITY)
		set_replica_identity(sql, to);
	set_security(sql, to, changed);
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TABLE ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_table = {
	.name = "table", .sql = "TABLE", .summary = "a table, partitioned ones and partitions included",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .relation = true, .grant_on = "TABLE", .part_of = PARTITION_OF, .inherits = INHERITS, KIND_ATTRS(attrs), .relkinds = "rp",
	.relation_read = table_relation, .queries = queries, .finish = table_finish,
	.sqlite_read = sqlite_table,
	.dated = DATED_WHOLE_RELATION, .dated_elsewhere = 1u << INHERITS | 1u << TOAST_OPTIONS, .dated_touched = true,
	.create = table_create, .drop = ddl_drop, .alter = table_alter,
};
