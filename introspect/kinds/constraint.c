// SPDX-License-Identifier: PostgreSQL
// Constraints of tables and domains. A primary key, UNIQUE or EXCLUDE constraint includes its index. NOT NULL is an
// attribute of the column. What a partition or child has from its parent is left out: the parent's is compared.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/sqlite_read.h"

enum {
	TYPE = ATTR_FIRST_OWN, COLUMNS, EXPRESSION, REFERENCES, MATCH, ON_UPDATE, ON_DELETE, DEFERRABLE, NOT_VALID, NO_INHERIT,
	NOT_ENFORCED, PERIOD, NULLS_NOT_DISTINCT, INCLUDE, INDEX_OPTIONS, TABLESPACE, INDEX_STATE, TRIGGERS_DISABLED, CONFLICT,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[TYPE] = { "type", FORM_TEXT },
	[COLUMNS] = { "columns", FORM_TEXT },
	[EXPRESSION] = { "expression", FORM_EXPRESSION },
	[REFERENCES] = { "references", FORM_TEXT },
	[MATCH] = { "match", FORM_TEXT },
	[ON_UPDATE] = { "on_update", FORM_TEXT },
	[ON_DELETE] = { "on_delete", FORM_TEXT },
	[DEFERRABLE] = { "deferrable", FORM_TEXT },
	[NOT_VALID] = { "not_valid", FORM_FLAG },
	[NO_INHERIT] = { "no_inherit", FORM_FLAG },
	[NOT_ENFORCED] = { "not_enforced", FORM_FLAG },
	[PERIOD] = { "period", FORM_FLAG },
	[NULLS_NOT_DISTINCT] = { "nulls_not_distinct", FORM_FLAG },
	[INCLUDE] = { "include", FORM_TEXT },
	[INDEX_OPTIONS] = { "index_options", FORM_TEXT },
	[TABLESPACE] = { "tablespace", FORM_TEXT },
	[INDEX_STATE] = { "index_state", FORM_TEXT },
	[TRIGGERS_DISABLED] = { "triggers_disabled", FORM_FLAG },
	[CONFLICT] = { "conflict", FORM_TEXT },
};

enum { COLUMNS_MAX = 64 };

static const struct { char letter; const char *word; } types[] = {
	{ 'p', "PRIMARY KEY" }, { 'u', "UNIQUE" }, { 'f', "FOREIGN KEY" }, { 'c', "CHECK" }, { 'x', "EXCLUDE" },
};

static const char *type_word(char letter)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i].letter == letter)
			return types[i].word;
	}
	return NULL;
}

// NO ACTION and MATCH SIMPLE are what one gets without saying so.
static const char *action_word(char letter)
{
	return letter == 'r' ? "RESTRICT" : letter == 'c' ? "CASCADE" : letter == 'n' ? "SET NULL" : letter == 'd' ? "SET DEFAULT" : NULL;
}

static void add_columns(struct buf *buf, const struct pg_relation *relation, const int *attnums, int n)
{
	for (int i = 0; i < n; i++) {
		buf_adds(buf, i > 0 ? ", " : "");
		const char *name = read_column(relation, attnums[i]);
		sql_ident(buf, name == NULL ? "?" : name);
	}
}

static const char *column_list(struct postgres_read *read, const struct pg_relation *relation, struct row row, int field)
{
	int attnums[COLUMNS_MAX], n = row_numbers(row, field, attnums, COLUMNS_MAX);
	if (n <= 0 || relation == NULL)
		return NULL;
	auto_buf list = BUF_INIT;
	add_columns(&list, relation, attnums, n);
	return read_intern(read, list.data);
}

static const char *references(struct postgres_read *read, unsigned target, struct row row, int field)
{
	const struct pg_relation *relation = read_relation(read, target);
	if (relation == NULL)
		return NULL; // a table of an extension: the constraint's row says its name instead
	const char *path[] = { relation->schema, relation->name };
	auto_buf text = BUF_INIT;
	sql_name(&text, path, 2);
	int attnums[COLUMNS_MAX], n = row_numbers(row, field, attnums, COLUMNS_MAX);
	buf_addc(&text, '(');
	add_columns(&text, relation, attnums, n);
	buf_addc(&text, ')');
	return read_intern(read, text.data);
}

// Flags, in order: deferrable, deferred, validated, enforced, no inherit, period, then ON UPDATE, ON DELETE and MATCH.
enum { F_DEFERRABLE, F_DEFERRED, F_VALIDATED, F_ENFORCED, F_NO_INHERIT, F_PERIOD, F_UPDATE, F_DELETE, F_MATCH };

static void constraint_row(struct postgres_read *read, struct row row)
{
	const char *type = type_word(*row_text(row, 4));
	const struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	struct object *owner = relation != NULL ? relation->object : read_object(read, PG_TYPE, row_oid(row, 2));
	if (type == NULL || owner == NULL)
		return;
	struct object *constraint = read_add_child(read, &kind_constraint, owner, row_copy(read, row, 3));
	read_remember(read, PG_CONSTRAINT, row_oid(row, 0), constraint);
	char letter = *row_text(row, 4);
	bool has_index = letter == 'p' || letter == 'u' || letter == 'x';
	if (has_index)
		read_remember_index(read, row_oid(row, 6), constraint);

	const char *flags = row_text(row, 5);
	const char **values = constraint->values;
	values[TYPE] = type;
	values[EXPRESSION] = letter == 'c' || letter == 'x' ? VALUE_UNREAD : NULL;
	if (letter != 'c' && letter != 'x')
		values[COLUMNS] = column_list(read, relation, row, 8);
	values[DEFERRABLE] = flags[F_DEFERRABLE] != 't' ? NULL
	                   : flags[F_DEFERRED] == 't' ? "DEFERRABLE INITIALLY DEFERRED" : "DEFERRABLE INITIALLY IMMEDIATE";
	values[NOT_VALID] = flags[F_VALIDATED] == 't' ? NULL : "true";
	values[NOT_ENFORCED] = flags[F_ENFORCED] == 't' ? NULL : "true";
	values[NO_INHERIT] = letter == 'c' && flags[F_NO_INHERIT] == 't' ? "true" : NULL;
	values[PERIOD] = flags[F_PERIOD] == 't' ? "true" : NULL;
	if (letter != 'f')
		return;
	values[REFERENCES] = references(read, row_oid(row, 7), row, 9);
	if (values[REFERENCES] == NULL)
		values[REFERENCES] = row_copy(read, row, 11);
	values[ON_UPDATE] = action_word(flags[F_UPDATE]);
	values[ON_DELETE] = action_word(flags[F_DELETE]);
	values[MATCH] = flags[F_MATCH] == 'f' ? "FULL" : NULL;
	const char *set_columns = column_list(read, relation, row, 10); // ON DELETE SET NULL (columns), 15 and later
	if (set_columns != NULL)
		values[ON_DELETE] = arena_printf(read->arena, "%s (%s)", values[ON_DELETE], set_columns);
}

static void domain_check_row(struct postgres_read *read, struct row row)
{
	struct object *constraint = read_object(read, PG_CONSTRAINT, row_oid(row, 0));
	if (constraint != NULL)
		constraint->values[EXPRESSION] = row_copy(read, row, 1);
}

static void expression_row(struct postgres_read *read, struct row row)
{
	struct object *constraint = read_object(read, PG_CONSTRAINT, row_oid(row, 0));
	if (constraint != NULL && row_text(row, 1) != NULL)
		constraint->values[EXPRESSION] = row_copy(read, row, 1);
}

static void trigger_row(struct postgres_read *read, struct row row)
{
	struct object *constraint = read_object(read, PG_CONSTRAINT, row_oid(row, 0));
	if (constraint != NULL)
		constraint->values[TRIGGERS_DISABLED] = "true";
}

// The kind index hands over the indexes of constraints: what of them is not said by the constraint itself.
void constraint_take_index(struct object *constraint, const char *nulls_not_distinct, const char *include, const char *options,
                           const char *tablespace, const char *state);
void constraint_take_index(struct object *constraint, const char *nulls_not_distinct, const char *include, const char *options,
                           const char *tablespace, const char *state)
{
	constraint->values[NULLS_NOT_DISTINCT] = nulls_not_distinct;
	constraint->values[INCLUDE] = include;
	constraint->values[INDEX_OPTIONS] = options;
	constraint->values[TABLESPACE] = tablespace;
	constraint->values[INDEX_STATE] = state;
}

#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

static const struct pg_query queries[] = {
	// Rows with a parent are copies on partitions; a check that was only inherited has its own on the parent. NOT NULL rows
	// (contype n, 17 and 18) are attnotnull again.
	{ "constraints",
	  "select k.oid, k.conrelid, k.contypid, k.conname, k.contype, concat(k.condeferrable, k.condeferred, k.convalidated, "
	  "@18{k.conenforced}{true}, k.connoinherit, @18{k.conperiod}{false}, k.confupdtype, k.confdeltype, k.confmatchtype), "
	  "k.conindid, k.confrelid, k.conkey, k.confkey, @15{k.confdelsetcols}{null::int2[]}, "
	  "case when k.confrelid <> 0 then k.confrelid::regclass end "
	  "from pg_constraint k join pg_namespace n on n.oid = k.connamespace "
	  "where k.contype in ('p', 'u', 'f', 'c', 'x') and k.conparentid = 0 and not (k.contype = 'c' and k.coninhcount > 0 "
	  "and not k.conislocal) and " USER_SCHEMA,
	  .row = constraint_row },
	{ "domain checks",
	  "select k.oid, pg_get_expr(k.conbin, 0) from pg_constraint k join pg_namespace n on n.oid = k.connamespace "
	  "where k.contype = 'c' and k.conrelid = 0 and " USER_SCHEMA,
	  .row = domain_check_row },
	{ "check and exclusion constraints",
	  "select k.oid, case k.contype when 'c' then pg_get_expr(k.conbin, k.conrelid) else pg_get_constraintdef(k.oid) end as def "
	  "from pg_constraint k join pg_namespace n on n.oid = k.connamespace "
	  "where k.contype in ('c', 'x') and k.conrelid <> 0 and k.conparentid = 0 and " USER_SCHEMA,
	  .deparse = true, .row = expression_row },
	// ALTER TABLE ... DISABLE TRIGGER ALL stops a foreign key from being checked and leaves pg_constraint as it is
	{ "disabled foreign keys",
	  "select distinct t.tgconstraint from pg_trigger t where t.tgisinternal and t.tgenabled = 'D' and t.tgconstraint <> 0",
	  .row = trigger_row },
	{ NULL },
};

static void sqlite_constraint(struct sqlite_read *read, const struct sqlite_item *item)
{
	static const char *const words[] = { [SQLITE_PRIMARY_KEY] = "PRIMARY KEY", [SQLITE_UNIQUE] = "UNIQUE", [SQLITE_CHECK] = "CHECK",
	                                     [SQLITE_FOREIGN_KEY] = "FOREIGN KEY" };
	for (size_t i = 0; i < item->n_constraints; i++) {
		const struct sqlite_constraint *from = &item->constraints[i];
		struct object *constraint = snapshot_add(read->snapshot, &kind_constraint, (const char *[]){ item->name, from->name }, 2);
		constraint->values[TYPE] = words[from->type];
		constraint->values[COLUMNS] = from->columns;
		constraint->values[EXPRESSION] = from->expression;
		constraint->values[REFERENCES] = from->references;
		constraint->values[MATCH] = from->match;
		constraint->values[ON_UPDATE] = from->on_update;
		constraint->values[ON_DELETE] = from->on_delete;
		constraint->values[DEFERRABLE] = from->deferrable;
		constraint->values[CONFLICT] = from->conflict;
	}
}

const struct kind kind_constraint = {
	.name = "constraint", .sql = "CONSTRAINT", .summary = "a primary key, UNIQUE, CHECK, FOREIGN KEY or EXCLUDE constraint",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .child = true, KIND_ATTRS(attrs), .queries = queries,
	.sqlite_read = sqlite_constraint,
};
