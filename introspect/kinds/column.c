// SPDX-License-Identifier: PostgreSQL
// Columns of tables. Those of views and composite types are an attribute there. A column that a child or partition has
// from its parent is an object only where it differs from the parent's.
#include "introspect/postgres_read.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"
#include "introspect/privileges.h"
#include "introspect/sqlite_read.h"

// The kind sequence hands over what an identity column's sequence is like; NULL: as by default.
void column_take_identity(struct object *column, const char *options);
void index_take_column(struct postgres_read *read, unsigned oid, int number, const char *options, const char *statistics);

enum {
	TYPE = ATTR_FIRST_OWN, COLLATION, DEFAULT, NOT_NULL, NOT_NULL_CONSTRAINT, IDENTITY, IDENTITY_OPTIONS, GENERATED, STORAGE, COMPRESSION, STATISTICS,
	OPTIONS, POSITION, CONFLICT,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[TYPE] = { "type", FORM_TEXT },
	[COLLATION] = { "collation", FORM_TEXT },
	[DEFAULT] = { "default", FORM_EXPRESSION },
	[NOT_NULL] = { "not_null", FORM_FLAG },
	[NOT_NULL_CONSTRAINT] = { "not_null_constraint", FORM_TEXT }, // where it is more than NOT NULL: "name NO INHERIT NOT VALID"
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

// The word that a letter stands for; NULL for no letter or another.
static const char *word(const char *letter, const char *letters, const char *const *words)
{
	const char *at = letter == NULL || *letter == '\0' ? NULL : strchr(letters, *letter);
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
	if (relation == NULL) // of an index, or of nobody's business
		index_take_column(read, row_oid(row, 0), (int)row_oid(row, 1), row_list(read, row, 9), row_intern(read, row, 8));
	if (relation == NULL || relation->object == NULL)
		return;
	if (row_text(row, 2) == NULL) {
		relation->n_dropped++;
		return;
	}
	struct pg_column *column = add_column(read, relation, row_oid(row, 1));
	*column = (struct pg_column){ .name = row_copy(read, row, 2), .type = row_intern(read, row, 3), .type_oid = row_oid(row, 4),
	                              .collation = row_oid(row, 6) };
	if (relation->object->kind->column_list != 0)
		return;
	struct object *object = column->object = read_add_child(read, &kind_column, relation->object, column->name);
	object->values[TYPE] = column->type;
	object->values[COLLATION] = read_collation(read, column->collation);

	object->values[NOT_NULL] = row_text(row, 5) != NULL ? "true" : NULL;
	object->values[IDENTITY] = word(row_text(row, 10), "ad", (const char *const[]){ "ALWAYS", "BY DEFAULT" });
	// a partition's columns are its parent's however they came; a child's own may only happen to agree with a parent's
	bool is_local = row_text(row, 14) == NULL;
	column->inherited = row_text(row, 7) != NULL && (relation->relispartition || !is_local);
	object->values[GENERATED] = row_text(row, 11) == NULL ? NULL : VALUE_UNREAD;
	column->generated = word(row_text(row, 11), "sv", (const char *const[]){ "STORED", "VIRTUAL" });
	object->values[STORAGE] = word(row_text(row, 12), "pemx", (const char *const[]){ "PLAIN", "EXTERNAL", "MAIN", "EXTENDED" });
	object->values[COMPRESSION] = word(row_text(row, 13), "pl", (const char *const[]){ "pglz", "lz4" });
	object->values[STATISTICS] = row_intern(read, row, 8);
	object->values[OPTIONS] = row_list(read, row, 9);
}

static struct pg_column *column_at(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	size_t attnum = row_oid(row, 2);
	bool known = relation != NULL && attnum >= 1 && attnum <= relation->n_columns && relation->columns[attnum - 1].object != NULL;
	return known ? &relation->columns[attnum - 1] : NULL;
}

static void default_row(struct postgres_read *read, struct row row)
{
	const struct pg_column *column = column_at(read, row);
	const struct pg_relation *relation = column == NULL ? read_relation(read, row_oid(row, 1)) : NULL;
	if (relation != NULL && relation->relkind == 'v')
		read_outside(read, "view column default");
	if (column == NULL || row_text(row, 3) == NULL)
		return;
	if (column->generated == NULL)
		column->object->values[DEFAULT] = row_copy(read, row, 3);
	else
		column->object->values[GENERATED] = arena_printf(read->arena, "%s %s", row_text(row, 3), column->generated);
}

static void not_null_row(struct postgres_read *read, struct row row)
{
	const struct pg_column *column = column_at(read, row);
	if (column == NULL)
		return;
	auto_buf text = BUF_INIT;
	sql_ident(&text, row_text(row, 3));
	buf_adds(&text, row_flag(row, 4) ? " NO INHERIT" : "");
	buf_adds(&text, row_flag(row, 5) ? "" : " NOT VALID");
	column->object->values[NOT_NULL_CONSTRAINT] = buf_copy(&text, read->arena);
}

void column_take_identity(struct object *column, const char *options)
{
	column->values[IDENTITY_OPTIONS] = options;
}

#define SET_STATISTICS "nullif(@17{coalesce(a.attstattarget, -1)}{a.attstattarget}, -1)"
// What is as usual is null, which costs the server no text.
static const struct pg_query queries[] = {
	{ "columns",
	  "select a.attrelid, a.attnum, case when not a.attisdropped then a.attname end, format_type(a.atttypid, a.atttypmod), "
	  "a.atttypid, nullif(a.attnotnull, false), case when a.attcollation not in (0, 100) then a.attcollation end, "
	  "nullif(a.attinhcount, 0), " SET_STATISTICS ", a.attoptions, nullif(a.attidentity, ''), nullif(a.attgenerated, ''), "
	  "nullif(a.attstorage, t.typstorage), @14{nullif(a.attcompression, '')}{null}, nullif(a.attislocal, true) "
	  "from pg_attribute a join pg_class c on c.oid = a.attrelid and c.oid >= 16384 and (c.relkind in ('r', 'p', 'v', 'm', 'c') "
	  "or (c.relkind in ('i', 'I') and (a.attoptions is not null or " SET_STATISTICS " is not null))) "
	  "left join pg_type t on t.oid = a.atttypid where a.attnum > 0",
	  .row = column_row },
	// a tree without variables deparses without its relation: several times faster, and it takes no lock
	{ "defaults",
	  "select d.oid, d.adrelid, d.adnum, pg_get_expr(d.adbin, 0) from pg_attrdef d where strpos(d.adbin::text, '{VAR ') = 0",
	  .row = default_row },
	{ "generated columns",
	  "select d.oid, d.adrelid, d.adnum, pg_get_expr(d.adbin, d.adrelid) as expr from pg_attrdef d "
	  "where strpos(d.adbin::text, '{VAR ') > 0",
	  .deparse = true, .row = default_row },
	// From 18 on NOT NULL is a constraint with a name, and attnotnull is set for one that is NOT VALID as well. The name alone
	// depends on history (it stays when the table is renamed) and is not compared.
	{ "not null constraints",
	  "select k.oid, k.conrelid, k.conkey[1], k.conname, k.connoinherit, k.convalidated from pg_constraint k "
	  "where k.contype = 'n' and k.conrelid <> 0 and (k.connoinherit or not k.convalidated)",
	  .since = 18, .row = not_null_row },
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

// A partition's identity column takes its numbers from the partitioned table's sequence. Up to 16 pg_attribute calls it a plain
// column, from 17 on an identity without a sequence of its own: both are what the topmost parent has.
static void take_identities(struct postgres_read *read, struct pg_relation *relation)
{
	const struct pg_relation *top = relation;
	while (top->relispartition && top->parent != NULL)
		top = top->parent;
	for (size_t i = 0; top != relation && i < relation->n_columns; i++) {
		struct object *object = relation->columns[i].object;
		if (object == NULL || !relation->columns[i].inherited || (read->major < 17 && object->values[IDENTITY] != NULL))
			continue;
		for (size_t j = 0; j < top->n_columns; j++) {
			const struct object *above = top->columns[j].object;
			if (above == NULL || strcmp(top->columns[j].name, relation->columns[i].name) != 0)
				continue;
			object->values[IDENTITY] = above->values[IDENTITY];
			object->values[IDENTITY_OPTIONS] = above->values[IDENTITY_OPTIONS];
		}
	}
}

// Positions without the gaps that dropped columns left. They are compared only where column order is asked for, but a
// table that is made again should have its columns in their order.
static void number_columns(struct postgres_read *read, struct pg_relation *relation)
{
	int position = 0;
	for (size_t i = 0; i < relation->n_columns; i++) {
		if (relation->columns[i].name == NULL || relation->columns[i].object == NULL)
			continue;
		char text[16];
		snprintf(text, sizeof text, "%d", ++position);
		relation->columns[i].object->values[POSITION] = read_intern(read, text);
	}
}

// Privileges do not come from above. Those of a column that does, and may be left out, are said with its table's.
static void take_privileges(struct postgres_read *read, struct object *table, const struct pg_column *column)
{
	if (column->object->values[ATTR_PRIVILEGES] == NULL)
		return;
	struct privileges all = privileges_parse(read->arena, table->values[ATTR_PRIVILEGES]);
	struct privileges own = privileges_parse(read->arena, column->object->values[ATTR_PRIVILEGES]);
	for (size_t i = 0; i < own.n; i++) {
		own.items[i].column = sql_name_copy(read->arena, &column->name, 1);
		privileges_add(read->arena, &all, own.items[i]);
	}
	table->values[ATTR_PRIVILEGES] = privileges_text(read->arena, &all);
	column->object->values[ATTR_PRIVILEGES] = NULL;
}

static void column_finish(struct postgres_read *read)
{
	size_t n;
	struct pg_relation *const *relations = read_relations(read, &n);
	for (size_t i = 0; i < n; i++) // of all, before any is compared with its parent
		take_identities(read, relations[i]);
	for (size_t i = 0; i < n; i++) {
		struct pg_relation *relation = relations[i];
		if (relation->object == NULL || relation->n_columns == 0)
			continue;
		if (relation->object->kind->column_list != 0)
			list_columns(read, relation);
		else
			number_columns(read, relation);
		for (size_t j = 0; relation->parent != NULL && j < relation->n_columns; j++) {
			struct pg_column *column = &relation->columns[j];
			const struct object *above = column->inherited ? parent_column(relation, column->name) : NULL;
			if (column->object == NULL || above == NULL)
				continue;
			take_privileges(read, relation->object, column);
			if (same_values(column->object, above))
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
		column->values[POSITION] = arena_printf(read->arena, "%zu", i + 1);
	}
}

void column_settings(struct buf *sql, const struct snapshot *in, const struct object *column)
{
	uint32_t changed = 0;
	static const int settings[] = { NOT_NULL_CONSTRAINT, STORAGE, COMPRESSION, STATISTICS, OPTIONS };
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		changed |= column->values[settings[i]] != NULL ? 1u << settings[i] : 0;
	const char **none = arena_array(in->arena, column->kind->n_attrs, sizeof *none);
	const struct object bare = { column->kind, column->path, column->n_path, none };
	if (changed != 0)
		column->kind->alter(sql, in, &bare, column, changed);
	changed = ddl_common_set(column);
	if (in->engine == ENGINE_POSTGRESQL && changed != 0)
		column->kind->alter(sql, in, &bare, column, changed);
}

// "expression STORED" as the attribute holds it, in two.
static int generated_length(const char *generated, const char **word_of)
{
	const char *last = strrchr(generated, ' ');
	*word_of = last == NULL ? "" : last + 1;
	return last == NULL ? (int)strlen(generated) : (int)(last - generated);
}

static void add_generated(struct buf *sql, const char *generated)
{
	const char *stored;
	int length = generated_length(generated, &stored);
	buf_addf(sql, " GENERATED ALWAYS AS (%.*s) %s", length, generated, stored);
}

static void add_type(struct buf *sql, const struct object *column)
{
	buf_adds(sql, column->values[TYPE]);
	if (column->values[COLLATION] != NULL)
		buf_addf(sql, " COLLATE %s", column->values[COLLATION]);
}

// What SQLite takes as a default without parentheses: a signed number, a string, a word.
static bool is_literal(const char *expression)
{
	size_t length = strlen(expression);
	const char *quote = strchr(expression, '\'');
	if (quote != NULL) // one string, or a blob x'..', from its beginning to its end
		return quote - expression <= 1 && strchr(quote + 1, '\'') == expression + length - 1;
	size_t sign = *expression == '-' || *expression == '+';
	return sign + strspn(expression + sign, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == length;
}

void column_definition(struct buf *sql, const struct snapshot *in, const struct object *column)
{
	const char *const *values = column->values;
	ddl_own_name(sql, column);
	if (values[TYPE] != NULL && values[TYPE][0] != '\0') { // SQLite has columns without one
		buf_addc(sql, ' ');
		add_type(sql, column);
	} else if (values[COLLATION] != NULL) {
		buf_addf(sql, " COLLATE %s", values[COLLATION]);
	}
	if (values[DEFAULT] != NULL)
		buf_addf(sql, in->engine == ENGINE_SQLITE && !is_literal(values[DEFAULT]) ? " DEFAULT (%s)" : " DEFAULT %s", values[DEFAULT]);
	if (values[GENERATED] != NULL)
		add_generated(sql, values[GENERATED]);
	if (values[IDENTITY] != NULL) {
		buf_addf(sql, " GENERATED %s AS IDENTITY", values[IDENTITY]);
		if (values[IDENTITY_OPTIONS] != NULL)
			buf_addf(sql, " (%s)", values[IDENTITY_OPTIONS]);
	}
	if (values[NOT_NULL] != NULL && values[NOT_NULL_CONSTRAINT] == NULL)
		buf_adds(sql, " NOT NULL");
	if (values[CONFLICT] != NULL)
		buf_addf(sql, " ON CONFLICT %s", values[CONFLICT]);
}

// The column of the nearest table that this one's is a partition of and that says something of it; NULL: none.
static const struct object *partitioned_column(const struct snapshot *in, const struct object *column)
{
	const struct object *table = snapshot_parent(in, column), *found = NULL;
	while (found == NULL && table != NULL && table->kind->part_of > 0 && table->values[table->kind->part_of] != NULL) {
		const char *path[3];
		if (sql_name_split(in->arena, table->values[table->kind->part_of], path, 2) != 2)
			return NULL;
		path[2] = column->path[column->n_path - 1];
		table = snapshot_find(in, NULL, path, 2);
		found = snapshot_find(in, &kind_column, path, 3);
	}
	return found;
}

// A partition has its columns from above: none can be added or dropped there, only made to differ, or no longer.
static bool differ_from_above(struct buf *sql, const struct snapshot *in, const struct object *column, bool differ)
{
	const struct object *above = partitioned_column(in, column);
	if (above == NULL)
		return false;
	struct object same = *column;
	same.values = above->values;
	uint32_t changed = 0;
	for (unsigned i = ATTR_FIRST_OWN; i < kind_column.n_attrs; i++) {
		const char *a = above->values[i], *b = column->values[i];
		if (i != POSITION && (a == NULL || b == NULL ? a != b : strcmp(a, b) != 0))
			changed |= 1u << i;
	}
	return kind_column.alter(sql, in, differ ? &same : column, differ ? column : &same, changed);
}

static bool column_create(struct buf *sql, const struct snapshot *in, const struct object *column)
{
	const char *const *values = column->values;
	if (in->engine == ENGINE_SQLITE) {
		const char *stored = "";
		if (values[GENERATED] != NULL)
			generated_length(values[GENERATED], &stored);
		bool constant = values[DEFAULT] == NULL || (is_literal(values[DEFAULT]) && strncmp(values[DEFAULT], "CURRENT_", 8) != 0);
		bool would_be_null = values[NOT_NULL] != NULL && values[DEFAULT] == NULL && values[GENERATED] == NULL;
		if (strcmp(stored, "STORED") == 0 || !constant || would_be_null) {
			ddl_rebuild(sql, column, "add such a column (STORED, NOT NULL without a default, or a default that is no constant)");
			return true;
		}
	}
	if (differ_from_above(sql, in, column, true))
		return true;
	ddl_alter_table(sql, column);
	buf_adds(sql, "ADD COLUMN ");
	column_definition(sql, in, column);
	buf_adds(sql, ";\n");
	if (in->engine == ENGINE_POSTGRESQL)
		column_settings(sql, in, column);
	return true;
}

static bool column_drop(struct buf *sql, const struct snapshot *in, const struct object *column)
{
	if (differ_from_above(sql, in, column, false))
		return true;
	ddl_alter_table(sql, column);
	buf_adds(sql, "DROP COLUMN ");
	ddl_own_name(sql, column);
	buf_adds(sql, ";\n");
	return true;
}

static void alter_column(struct buf *sql, const struct object *column)
{
	ddl_alter_table(sql, column);
	buf_adds(sql, "ALTER COLUMN ");
	ddl_own_name(sql, column);
	buf_addc(sql, ' ');
}

// SET NOT NULL reads the whole table under ACCESS EXCLUSIVE unless a valid CHECK proves it (12 and later); the CHECK is
// validated under a lock that lets reads and writes go on. Dropping it in the same statement would take the proof away.
static void set_not_null(struct buf *sql, const struct object *column)
{
	auto_buf check = BUF_INIT;
	buf_addf(&check, "driftcheck_%.*s_not_null", 40, column->path[column->n_path - 1]);
	while (check.length > 0 && ((unsigned char)check.data[check.length - 1] & 0xc0) == 0x80) // cut within a character
		check.data[--check.length] = '\0';
	auto_buf name = BUF_INIT;
	sql_ident(&name, check.data);
	ddl_alter_table(sql, column);
	buf_addf(sql, "ADD CONSTRAINT %s CHECK (", name.data);
	ddl_own_name(sql, column);
	buf_adds(sql, " IS NOT NULL) NOT VALID;\n");
	ddl_alter_table(sql, column);
	buf_addf(sql, "VALIDATE CONSTRAINT %s;\n", name.data);
	alter_column(sql, column);
	buf_adds(sql, "SET NOT NULL;\n");
	ddl_alter_table(sql, column);
	buf_addf(sql, "DROP CONSTRAINT %s;\n", name.data);
}

// The name in "name NO INHERIT NOT VALID": its length.
static int not_null_name(const char *constraint)
{
	const char *no_inherit = strstr(constraint, " NO INHERIT");
	return (int)((no_inherit != NULL ? no_inherit : strstr(constraint, " NOT VALID")) - constraint);
}

// From 18 on. What a NOT NULL constraint is beyond its name can be taken away in place, but not added.
static void add_not_null_constraint(struct buf *sql, const struct object *from, const struct object *to)
{
	const char *constraint = to->values[NOT_NULL_CONSTRAINT];
	int name_length = not_null_name(constraint);
	if (from->values[NOT_NULL] != NULL) {
		alter_column(sql, to);
		buf_adds(sql, "DROP NOT NULL;\n");
	}
	ddl_alter_table(sql, to);
	buf_addf(sql, "ADD CONSTRAINT %.*s NOT NULL ", name_length, constraint);
	ddl_own_name(sql, to);
	buf_addf(sql, "%s;\n", constraint + name_length);
}

static void make_plain_not_null(struct buf *sql, const struct object *from, const struct object *to)
{
	const char *constraint = from->values[NOT_NULL_CONSTRAINT];
	int name_length = not_null_name(constraint);
	if (strstr(constraint + name_length, "NOT VALID") != NULL) {
		ddl_alter_table(sql, to);
		buf_addf(sql, "VALIDATE CONSTRAINT %.*s;\n", name_length, constraint);
	}
	if (strstr(constraint + name_length, "NO INHERIT") != NULL) {
		ddl_alter_table(sql, to);
		buf_addf(sql, "ALTER CONSTRAINT %.*s INHERIT;\n", name_length, constraint);
	}
}

static void change_not_null(struct buf *sql, const struct object *from, const struct object *to)
{
	if (to->values[NOT_NULL_CONSTRAINT] != NULL) {
		add_not_null_constraint(sql, from, to);
	} else if (to->values[NOT_NULL] == NULL) {
		alter_column(sql, to);
		buf_adds(sql, "DROP NOT NULL;\n");
	} else if (from->values[NOT_NULL_CONSTRAINT] != NULL) {
		make_plain_not_null(sql, from, to);
	} else {
		set_not_null(sql, to);
	}
}

// Whether rows that are there already get the default without being rewritten: constants and what is stable within a
// statement. A call of anything else may be volatile.
static bool is_cheap_default(const char *expression)
{
	static const char *const not_volatile[] = { "now()", "transaction_timestamp()", "statement_timestamp()" };
	static const char *const modified_types[] = { "varying", "character", "numeric", "bit", "timestamp", "time", "interval" };
	for (size_t i = 0; i < sizeof not_volatile / sizeof *not_volatile; i++) {
		if (strcmp(expression, not_volatile[i]) == 0)
			return true;
	}
	bool quoted = false;
	const char *word_start = expression;
	for (const char *c = expression; *c != '\0'; c++) {
		quoted ^= *c == '\'';
		bool in_word = *c == '_' || *c == '"' || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
		if (!quoted && *c == '(' && word_start < c) {
			bool is_type = false; // '0'::numeric(10,2)
			for (size_t i = 0; i < sizeof modified_types / sizeof *modified_types; i++)
				is_type |= strlen(modified_types[i]) == (size_t)(c - word_start) &&
				           strncmp(word_start, modified_types[i], (size_t)(c - word_start)) == 0;
			if (!is_type)
				return false;
		}
		if (quoted || !in_word)
			word_start = c + 1;
	}
	return true;
}

static bool column_create_online(struct buf *sql, const struct snapshot *in, const struct object *column)
{
	const char *const *values = column->values;
	bool fills_itself = values[IDENTITY] != NULL || values[GENERATED] != NULL;
	bool cheap = values[DEFAULT] == NULL || is_cheap_default(values[DEFAULT]);
	if (in->engine == ENGINE_SQLITE || fills_itself || (cheap && (values[NOT_NULL] == NULL || values[DEFAULT] != NULL)))
		return column_create(sql, in, column);
	if (differ_from_above(sql, in, column, true))
		return true;

	// the column first, empty; then its default, for new rows; then the old rows; then NOT NULL
	const char **first = arena_array(in->arena, column->kind->n_attrs, sizeof *first);
	memcpy(first, values, column->kind->n_attrs * sizeof *first);
	first[NOT_NULL] = first[NOT_NULL_CONSTRAINT] = NULL;
	first[DEFAULT] = cheap ? values[DEFAULT] : NULL;
	const struct object empty = { column->kind, column->path, column->n_path, first };
	column_create(sql, in, &empty);
	if (!cheap) {
		alter_column(sql, column);
		buf_addf(sql, "SET DEFAULT %s;\n", values[DEFAULT]);
	}
	ddl_remark(sql, "rows that are there already have NULL here: fill them in batches%s",
	           values[NOT_NULL] != NULL ? " before what follows" : "");
	if (values[NOT_NULL] != NULL)
		change_not_null(sql, &empty, column);
	return true;
}

static bool has_base(const char *type, const char *base)
{
	size_t length = strlen(base);
	return strncmp(type, base, length) == 0 && strchr("( ", type[length]) != NULL && strchr(type, '[') == NULL;
}

// Types between which an assignment needs no USING; anything becomes text by itself.
static bool needs_using(const char *from, const char *to)
{
	static const char *const families[][7] = {
		{ "smallint", "integer", "bigint", "numeric", "real", "double precision" },
		{ "text", "character" }, { "date", "timestamp" }, { "json", "jsonb" }, { "bit" }, { "time" }, { "interval" },
	};
	if (has_base(to, "text") || has_base(to, "character"))
		return false;
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		bool has_from = false, has_to = false;
		for (size_t j = 0; families[i][j] != NULL; j++) {
			has_from |= has_base(from, families[i][j]);
			has_to |= has_base(to, families[i][j]);
		}
		if (has_from && has_to)
			return false;
	}
	return true;
}

// The options of an identity's sequence, with what one gets without naming them.
static void change_identity_options(struct buf *sql, const struct object *from, const struct object *to)
{
	static const struct { const char *name, *default_; } options[] = {
		{ "INCREMENT BY", "INCREMENT BY 1" }, { "MINVALUE", "NO MINVALUE" }, { "MAXVALUE", "NO MAXVALUE" },
		{ "START WITH", "START WITH 1" }, { "CACHE", "CACHE 1" }, { "CYCLE", "NO CYCLE" },
	};
	const char *old = from->values[IDENTITY_OPTIONS], *new = to->values[IDENTITY_OPTIONS];
	alter_column(sql, to);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const char *was = old == NULL ? NULL : strstr(old, options[i].name), *is = new == NULL ? NULL : strstr(new, options[i].name);
		size_t name_length = strlen(options[i].name);
		size_t was_length = was == NULL ? 0 : name_length + 1 + strspn(was + name_length + 1, "-0123456789");
		size_t is_length = is == NULL ? 0 : name_length + (is[name_length] == ' ' ? 1 + strspn(is + name_length + 1, "-0123456789") : 0);
		if (is != NULL && !(was != NULL && was_length == is_length && strncmp(was, is, is_length) == 0))
			buf_addf(sql, "SET %.*s ", (int)is_length, is);
		else if (is == NULL && was != NULL)
			buf_addf(sql, "SET %s ", options[i].default_);
	}
	sql->data[--sql->length] = '\0'; // the blank
	buf_adds(sql, ";\n");
}

static void change_identity(struct buf *sql, const struct object *from, const struct object *to, uint32_t changed)
{
	const char *old = from->values[IDENTITY], *new = to->values[IDENTITY];
	if (old == NULL && new != NULL) {
		if (from->values[DEFAULT] != NULL) {
			alter_column(sql, to);
			buf_adds(sql, "DROP DEFAULT;\n");
		}
		alter_column(sql, to);
		buf_addf(sql, "ADD GENERATED %s AS IDENTITY", new);
		if (to->values[IDENTITY_OPTIONS] != NULL)
			buf_addf(sql, " (%s)", to->values[IDENTITY_OPTIONS]);
		buf_adds(sql, ";\n");
		return;
	}
	if (new == NULL) {
		alter_column(sql, to);
		buf_adds(sql, "DROP IDENTITY;\n");
		return;
	}
	if (changed & 1u << IDENTITY) {
		alter_column(sql, to);
		buf_addf(sql, "SET GENERATED %s;\n", new);
	}
	if (changed & 1u << IDENTITY_OPTIONS)
		change_identity_options(sql, from, to);
}

// DROP EXPRESSION is of stored columns (13 and later), SET EXPRESSION of both sorts (17 and later); one sort cannot become the other.
static bool generated_in_place(const struct snapshot *in, const char *old, const char *new)
{
	const char *old_sort, *new_sort;
	if (old == NULL)
		return false;
	generated_length(old, &old_sort);
	if (new == NULL)
		return in->major >= 13 && strcmp(old_sort, "STORED") == 0;
	generated_length(new, &new_sort);
	return in->major >= 17 && strcmp(old_sort, new_sort) == 0;
}

static void change_generated(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to)
{
	const char *old = from->values[GENERATED], *new = to->values[GENERATED], *stored;
	if (generated_in_place(in, old, new) && new == NULL) {
		alter_column(sql, to);
		buf_adds(sql, "DROP EXPRESSION;\n");
	} else if (generated_in_place(in, old, new)) {
		int length = generated_length(new, &stored);
		alter_column(sql, to);
		buf_addf(sql, "SET EXPRESSION AS (%.*s);\n", length, new);
	} else {
		column_drop(sql, in, to);
		column_create(sql, in, to);
	}
}

static void change_storage(struct buf *sql, const struct snapshot *in, const struct object *to)
{
	const char *storage = to->values[STORAGE];
	if (storage == NULL && in->major >= 16)
		storage = "DEFAULT";
	else if (storage == NULL) // a type that allows a choice has EXTENDED, but for numeric
		storage = strncmp(to->values[TYPE], "numeric", 7) == 0 ? "MAIN" : "EXTENDED";
	alter_column(sql, to);
	buf_addf(sql, "SET STORAGE %s;\n", storage);
}

static bool column_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                         uint32_t changed)
{
	if (in->engine == ENGINE_SQLITE) {
		ddl_rebuild(sql, to, "alter a column");
		return true;
	}
	const char *const *values = to->values;
	if (changed & 1u << POSITION)
		ddl_remark(sql, "the order of columns cannot be changed: drop and add them again, or make the table anew");
	bool remake = changed & 1u << GENERATED && !generated_in_place(in, from->values[GENERATED], values[GENERATED]);
	if (remake) { // says everything
		change_generated(sql, in, from, to);
		return true;
	}
	bool new_identity = changed & 1u << IDENTITY && from->values[IDENTITY] == NULL;
	if (changed & 1u << IDENTITY && values[IDENTITY] == NULL) // before a default is set
		change_identity(sql, from, to, changed);
	if (changed & 1u << GENERATED)
		change_generated(sql, in, from, to);
	if (changed & (1u << TYPE | 1u << COLLATION)) {
		bool retype = from->values[TYPE] != NULL && needs_using(from->values[TYPE], values[TYPE]);
		bool has_default = retype && from->values[DEFAULT] != NULL; // which need not fit the new type
		if (has_default) {
			alter_column(sql, to);
			buf_adds(sql, "DROP DEFAULT;\n");
			changed |= values[DEFAULT] != NULL ? 1u << DEFAULT : 0;
		}
		alter_column(sql, to);
		buf_adds(sql, "TYPE ");
		add_type(sql, to);
		if (retype) {
			buf_adds(sql, " USING ");
			ddl_own_name(sql, to);
			// an enum and the like are reached through text alone
			bool is_text = has_base(from->values[TYPE], "text") || has_base(from->values[TYPE], "character");
			buf_addf(sql, is_text ? "::%s" : "::text::%s", values[TYPE]);
		}
		buf_adds(sql, ";\n");
	}
	if (changed & 1u << DEFAULT && !new_identity) {
		alter_column(sql, to);
		buf_adds(sql, values[DEFAULT] == NULL ? "DROP DEFAULT" : "SET DEFAULT ");
		buf_adds(sql, values[DEFAULT]);
		buf_adds(sql, ";\n");
	}
	uint32_t not_null = changed & (1u << NOT_NULL | 1u << NOT_NULL_CONSTRAINT);
	if (not_null != 0 && values[NOT_NULL] != NULL)
		change_not_null(sql, from, to);
	if (changed & (1u << IDENTITY | 1u << IDENTITY_OPTIONS) && values[IDENTITY] != NULL)
		change_identity(sql, from, to, changed);
	if (not_null != 0 && values[NOT_NULL] == NULL) // an identity column is NOT NULL as long as it is one
		change_not_null(sql, from, to);
	if (changed & 1u << STORAGE)
		change_storage(sql, in, to);
	if (changed & 1u << COMPRESSION) {
		alter_column(sql, to);
		buf_addf(sql, "SET COMPRESSION %s;\n", values[COMPRESSION] == NULL ? "default" : values[COMPRESSION]);
	}
	if (changed & 1u << STATISTICS) {
		alter_column(sql, to);
		buf_addf(sql, "SET STATISTICS %s;\n", values[STATISTICS] == NULL ? "-1" : values[STATISTICS]);
	}
	if (changed & 1u << OPTIONS) {
		auto_buf start = BUF_INIT;
		alter_column(&start, to);
		start.data[--start.length] = '\0'; // the blank
		ddl_change_options(sql, start.data, from->values[OPTIONS], values[OPTIONS], "");
	}
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "COLUMN ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_column = {
	.name = "column", .sql = "COLUMN", .summary = "a column of a table", .engines = ENGINE_POSTGRESQL | ENGINE_SQLITE,
	.child = true, .grant_on = "TABLE", KIND_ATTRS(attrs), .queries = queries, .finish = column_finish,
	.sqlite_read = sqlite_column,
	.dated = "select a.xmin from " DATED_RELATION "join pg_attribute a on a.attrelid = c.oid and a.attname = w.path[3]",
	.dated_gone = "select a.xmin from " DATED_RELATION "join pg_attribute a on a.attrelid = c.oid and a.attisdropped",
	.dated_elsewhere = 1u << NOT_NULL_CONSTRAINT | 1u << IDENTITY_OPTIONS | 1u << POSITION,
	.create = column_create, .create_online = column_create_online, .drop = column_drop, .alter = column_alter,
};
