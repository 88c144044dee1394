// SPDX-License-Identifier: PostgreSQL
// Columns of tables. Those of views and composite types are an attribute there. A column that a child or partition has
// from its parent is an object only where it differs from the parent's.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/sqlite_read.h"

enum {
	TYPE = ATTR_FIRST_OWN, COLLATION, DEFAULT, NOT_NULL, IDENTITY, IDENTITY_OPTIONS, GENERATED, STORAGE, COMPRESSION, STATISTICS,
	OPTIONS, POSITION, CONFLICT,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[TYPE] = { "type", FORM_TEXT },
	[COLLATION] = { "collation", FORM_TEXT },
	[DEFAULT] = { "default", FORM_EXPRESSION },
	[NOT_NULL] = { "not_null", FORM_FLAG },
	[IDENTITY] = { "identity", FORM_TEXT },
	[IDENTITY_OPTIONS] = { "identity_options", FORM_TEXT },
	[GENERATED] = { "generated", FORM_EXPRESSION },
	[STORAGE] = { "storage", FORM_TEXT },
	[COMPRESSION] = { "compression", FORM_TEXT },
	[STATISTICS] = { "statistics", FORM_TEXT },
	[OPTIONS] = { "options", FORM_TEXT },
	[POSITION] = { "position", FORM_TEXT, GROUP_COLUMN_ORDER },
	[CONFLICT] = { "conflict", FORM_TEXT },
};

// The letter of a flag that is one of a few words; NULL for anything else.
static const char *word(char letter, const char *letters, const char *const *words)
{
	const char *at = letter == '\0' ? NULL : strchr(letters, letter);
	return at == NULL ? NULL : words[at - letters];
}

static struct pg_column *add_column(struct postgres_read *read, struct pg_relation *relation, size_t attnum)
{
	while (relation->n_columns < attnum) {
		relation->columns = arena_grow(read->arena, relation->columns, relation->n_columns, &relation->columns_capacity,
		                               sizeof *relation->columns);
		relation->columns[relation->n_columns++] = (struct pg_column){ 0 };
	}
	return &relation->columns[attnum - 1];
}

static void column_row(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 0));
	if (relation == NULL || relation->object == NULL)
		return;
	if (row_text(row, 2) == NULL) {
		relation->n_dropped++;
		return;
	}
	struct pg_column *column = add_column(read, relation, row_oid(row, 1));
	*column = (struct pg_column){ .name = row_copy(read, row, 2), .type = row_intern(read, row, 3), .type_oid = row_oid(row, 4),
	                              .collation = row_oid(row, 6), .inherited = row_text(row, 7) != NULL };
	if (relation->object->kind->column_list != 0)
		return;
	struct object *object = column->object = read_add_child(read, &kind_column, relation->object, column->name);
	object->values[TYPE] = column->type;
	object->values[COLLATION] = read_collation(read, column->collation);

	const char *flags = row_text(row, 5); // ta/s/xp: not null, identity / generated / storage (if not the type's), compression
	object->values[NOT_NULL] = flags[0] == 't' ? "true" : NULL;
	object->values[IDENTITY] = word(flags[1], "ad", (const char *const[]){ "ALWAYS", "BY DEFAULT" });
	const char *generated = strchr(flags, '/') + 1, *storage = strchr(generated, '/') + 1, *compression = strchr(storage, '/') + 1;
	object->values[GENERATED] = *generated == '/' ? NULL : VALUE_UNREAD;
	object->values[STORAGE] = word(*storage, "pemx", (const char *const[]){ "PLAIN", "EXTERNAL", "MAIN", "EXTENDED" });
	object->values[COMPRESSION] = word(*compression, "pl", (const char *const[]){ "pglz", "lz4" });
	object->values[STATISTICS] = row_intern(read, row, 8);
	object->values[OPTIONS] = row_list(read, row, 9);
	if (read->groups & 1u << GROUP_COLUMN_ORDER)
		object->values[POSITION] = row_intern(read, row, 1); // its order only: see column_finish
}

static struct object *column_object(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 0));
	size_t attnum = row_oid(row, 1);
	return relation == NULL || attnum < 1 || attnum > relation->n_columns ? NULL : relation->columns[attnum - 1].object;
}

static void default_row(struct postgres_read *read, struct row row)
{
	struct object *column = column_object(read, row);
	if (column != NULL && column->values[GENERATED] == NULL)
		column->values[DEFAULT] = row_copy(read, row, 2);
	else if (column != NULL && row_text(row, 2) != NULL) // generated from no other column
		column->values[GENERATED] = arena_printf(read->arena, "%s %s", row_text(row, 2), row_text(row, 3));
}

static void generated_row(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	size_t attnum = row_oid(row, 2);
	struct object *column = relation == NULL || attnum < 1 || attnum > relation->n_columns ? NULL : relation->columns[attnum - 1].object;
	if (column != NULL && row_text(row, 3) != NULL)
		column->values[GENERATED] = arena_printf(read->arena, "%s %s", row_text(row, 3), row_text(row, 4));
}

static void identity_row(struct postgres_read *read, struct row row)
{
	struct object *column = column_object(read, row);
	if (column != NULL)
		column->values[IDENTITY_OPTIONS] = row_text(row, 2)[0] == '\0' ? NULL : row_intern(read, row, 2);
}

#define GENERATED_WORD "case a.attgenerated when 's' then 'STORED' else 'VIRTUAL' end"

static const struct pg_query queries[] = {
	{ "columns",
	  "select a.attrelid, a.attnum, case when not a.attisdropped then a.attname end, format_type(a.atttypid, a.atttypmod), "
	  "a.atttypid, concat(a.attnotnull, a.attidentity, '/', a.attgenerated, '/', nullif(a.attstorage, t.typstorage), '/', "
	  "@14{a.attcompression}{''}), nullif(a.attcollation, 100), nullif(a.attinhcount, 0), "
	  "nullif(@17{coalesce(a.attstattarget, -1)}{a.attstattarget}, -1), a.attoptions "
	  "from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'c') and c.oid >= 16384 "
	  "left join pg_type t on t.oid = a.atttypid where a.attnum > 0",
	  .row = column_row },
	// a tree without variables deparses without its relation: several times faster, and it takes no lock
	{ "defaults",
	  "select d.adrelid, d.adnum, pg_get_expr(d.adbin, 0), " GENERATED_WORD " from pg_attrdef d "
	  "join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where strpos(d.adbin::text, '{VAR ') = 0",
	  .row = default_row },
	{ "generated columns",
	  "select d.oid, d.adrelid, d.adnum, pg_get_expr(d.adbin, d.adrelid) as expr, " GENERATED_WORD " as word "
	  "from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum "
	  "where a.attgenerated <> '' and strpos(d.adbin::text, '{VAR ') > 0",
	  .deparse = true, .row = generated_row },
	{ "identity columns",
	  "select d.refobjid, d.refobjsubid, concat_ws(' ', "
	  "case when s.seqincrement <> 1 then 'INCREMENT BY ' || s.seqincrement end, "
	  "case when s.seqmin <> 1 then 'MINVALUE ' || s.seqmin end, "
	  "case when s.seqmax <> case s.seqtypid when 20 then 9223372036854775807 when 21 then 32767 else 2147483647 end "
	  "then 'MAXVALUE ' || s.seqmax end, "
	  "case when s.seqstart <> 1 then 'START WITH ' || s.seqstart end, "
	  "case when s.seqcache <> 1 then 'CACHE ' || s.seqcache end, case when s.seqcycle then 'CYCLE' end) "
	  "from pg_sequence s join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.seqrelid "
	  "and d.refclassid = 'pg_class'::regclass and d.deptype = 'i'",
	  .row = identity_row },
	{ NULL },
};

static void list_columns(struct postgres_read *read, struct pg_relation *relation)
{
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < relation->n_columns; i++) {
		const struct pg_column *column = &relation->columns[i];
		if (column->name == NULL)
			continue;
		buf_adds(&list, list.length > 0 ? ", " : "");
		sql_ident(&list, column->name);
		buf_addf(&list, " %s", column->type);
		const char *collation = read_collation(read, column->collation);
		if (collation != NULL)
			buf_addf(&list, " COLLATE %s", collation);
	}
	relation->object->values[relation->object->kind->column_list] = buf_copy(&list, read->arena);
}

static bool same_values(const struct object *a, const struct object *b)
{
	for (unsigned i = ATTR_FIRST_OWN; i < kind_column.n_attrs; i++) {
		if (i != POSITION && a->values[i] != b->values[i] &&
		    (a->values[i] == NULL || b->values[i] == NULL || strcmp(a->values[i], b->values[i]) != 0))
			return false;
	}
	return true;
}

// A column as a parent has it; the nearest parent that has one by that name.
static const struct object *parent_column(const struct pg_relation *relation, const char *name)
{
	for (const struct pg_relation *parent = relation->parent; parent != NULL; parent = parent->parent) {
		for (size_t i = 0; i < parent->n_columns; i++) {
			if (parent->columns[i].name != NULL && strcmp(parent->columns[i].name, name) == 0)
				return parent->columns[i].object;
		}
	}
	return NULL;
}

static void number_columns(struct postgres_read *read, struct pg_relation *relation)
{
	int position = 0;
	for (size_t i = 0; i < relation->n_columns; i++) {
		if (relation->columns[i].name != NULL && relation->columns[i].object != NULL)
			relation->columns[i].object->values[POSITION] = arena_printf(read->arena, "%d", ++position);
	}
}

static void column_finish(struct postgres_read *read)
{
	size_t n;
	struct pg_relation *const *relations = read_relations(read, &n);
	for (size_t i = 0; i < n; i++) {
		struct pg_relation *relation = relations[i];
		if (relation->object == NULL || relation->n_columns == 0)
			continue;
		if (relation->object->kind->column_list != 0)
			list_columns(read, relation);
		else if (read->groups & 1u << GROUP_COLUMN_ORDER)
			number_columns(read, relation);
		for (size_t j = 0; relation->parent != NULL && j < relation->n_columns; j++) {
			struct pg_column *column = &relation->columns[j];
			const struct object *above = column->inherited ? parent_column(relation, column->name) : NULL;
			if (column->object != NULL && above != NULL && same_values(column->object, above))
				column->object->n_path = 0; // left out below; its values may still serve its own children
		}
	}
	struct snapshot *snapshot = read->snapshot;
	size_t kept = 0;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (snapshot->objects[i]->n_path > 0)
			snapshot->objects[kept++] = snapshot->objects[i];
	}
	snapshot->n_objects = kept;
}

static void sqlite_column(struct sqlite_read *read, const struct sqlite_item *item)
{
	for (size_t i = 0; i < item->n_columns; i++) {
		const struct sqlite_column *from = &item->columns[i];
		struct object *column = snapshot_add(read->snapshot, &kind_column, (const char *[]){ item->name, from->name }, 2);
		column->values[TYPE] = from->type;
		column->values[COLLATION] = from->collation;
		column->values[DEFAULT] = from->default_;
		column->values[NOT_NULL] = from->not_null ? "true" : NULL;
		column->values[CONFLICT] = from->not_null_conflict;
		if (from->generated != NULL)
			column->values[GENERATED] = arena_printf(read->arena, "%s %s", from->generated, from->stored ? "STORED" : "VIRTUAL");
		if (read->groups & 1u << GROUP_COLUMN_ORDER)
			column->values[POSITION] = arena_printf(read->arena, "%zu", i + 1);
	}
}

const struct kind kind_column = {
	.name = "column", .sql = "COLUMN", .summary = "a column of a table", .engines = ENGINE_POSTGRESQL | ENGINE_SQLITE,
	.child = true, KIND_ATTRS(attrs), .queries = queries, .finish = column_finish,
	.sqlite_read = sqlite_column,
};
