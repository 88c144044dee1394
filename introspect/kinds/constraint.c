// SPDX-License-Identifier: PostgreSQL
// Constraints of tables and domains. A primary key, UNIQUE or EXCLUDE constraint includes its index. NOT NULL is an
// attribute of the column. What a partition or child has from its parent is left out: the parent's is compared.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"
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
	auto_buf text = BUF_INIT;
	const char *name = read_relation_name(read, target);
	buf_adds(&text, name == NULL ? "?" : name);
	const struct pg_relation *relation = read_relation(read, target);
	int attnums[COLUMNS_MAX], n = row_numbers(row, field, attnums, COLUMNS_MAX);
	if (relation != NULL) { // of an extension's table the columns were not read
		buf_addc(&text, '(');
		add_columns(&text, relation, attnums, n);
		buf_addc(&text, ')');
	}
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
	  "k.conindid, k.confrelid, k.conkey, k.confkey, @15{k.confdelsetcols}{null::int2[]} "
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

// "a, b WITHOUT OVERLAPS" and "a, PERIOD b": the range is the last column.
static void add_key_columns(struct buf *sql, const char *columns, const char *before_last, const char *after_last)
{
	auto_arena arena = arena_new();
	size_t n;
	const char **names = ddl_list(arena, columns, &n);
	for (size_t i = 0; i < n; i++)
		buf_addf(sql, "%s%s%s%s", i > 0 ? ", " : "", i + 1 == n ? before_last : "", names[i], i + 1 == n ? after_last : "");
}

static void add_index_clauses(struct buf *sql, const char *const *values, bool of_constraint)
{
	if (values[INCLUDE] != NULL)
		buf_addf(sql, " INCLUDE (%s)", values[INCLUDE]);
	if (values[NULLS_NOT_DISTINCT] != NULL && !of_constraint)
		buf_adds(sql, " NULLS NOT DISTINCT");
	if (values[INDEX_OPTIONS] != NULL) {
		buf_adds(sql, " WITH ");
		ddl_options(sql, values[INDEX_OPTIONS], "");
	}
	if (values[TABLESPACE] != NULL) {
		buf_adds(sql, of_constraint ? " USING INDEX TABLESPACE " : " TABLESPACE ");
		sql_ident(sql, values[TABLESPACE]);
	}
}

static bool is_type(const struct object *constraint, const char *type)
{
	return strcmp(constraint->values[TYPE], type) == 0;
}

static void add_foreign_key(struct buf *sql, const char *const *values)
{
	const char *period = values[PERIOD] != NULL ? "PERIOD " : "";
	buf_adds(sql, "FOREIGN KEY (");
	add_key_columns(sql, values[COLUMNS], period, "");
	buf_adds(sql, ") REFERENCES ");
	const char *open = values[PERIOD] != NULL ? strrchr(values[REFERENCES], '(') : NULL;
	if (open != NULL) {
		auto_buf columns = BUF_INIT;
		buf_add(&columns, open + 1, strlen(open + 1) - 1);
		buf_add(sql, values[REFERENCES], (size_t)(open - values[REFERENCES]) + 1);
		add_key_columns(sql, columns.data, period, "");
		buf_addc(sql, ')');
	} else {
		buf_adds(sql, values[REFERENCES]);
	}
	if (values[MATCH] != NULL)
		buf_addf(sql, " MATCH %s", values[MATCH]);
	if (values[ON_UPDATE] != NULL)
		buf_addf(sql, " ON UPDATE %s", values[ON_UPDATE]);
	if (values[ON_DELETE] != NULL)
		buf_addf(sql, " ON DELETE %s", values[ON_DELETE]);
}

// SQLite's unnamed constraints have a made name with what they are about in parentheses.
static bool is_named(const struct snapshot *in, const struct object *constraint)
{
	const char *name = constraint->path[constraint->n_path - 1];
	return in->engine != ENGINE_SQLITE || (strcmp(name, "primary_key") != 0 && strchr(name, '(') == NULL);
}

// What stands after CONSTRAINT name, without NOT VALID.
static void add_body(struct buf *sql, const struct object *constraint)
{
	const char *const *values = constraint->values;
	if (is_type(constraint, "EXCLUDE")) { // as pg_get_constraintdef has it, whole
		buf_adds(sql, values[EXPRESSION]);
		return;
	}
	if (is_type(constraint, "CHECK")) {
		buf_adds(sql, "CHECK ");
		ddl_parenthesised(sql, values[EXPRESSION]);
		buf_adds(sql, values[NO_INHERIT] != NULL ? " NO INHERIT" : "");
	} else if (is_type(constraint, "FOREIGN KEY")) {
		add_foreign_key(sql, values);
	} else {
		buf_adds(sql, values[TYPE]);
		buf_adds(sql, values[NULLS_NOT_DISTINCT] != NULL ? " NULLS NOT DISTINCT (" : " (");
		add_key_columns(sql, values[COLUMNS], "", values[PERIOD] != NULL ? " WITHOUT OVERLAPS" : "");
		buf_addc(sql, ')');
		add_index_clauses(sql, values, true);
	}
	if (values[CONFLICT] != NULL)
		buf_addf(sql, " ON CONFLICT %s", values[CONFLICT]);
	if (values[DEFERRABLE] != NULL)
		buf_addf(sql, " %s", values[DEFERRABLE]);
	if (values[NOT_ENFORCED] != NULL)
		buf_adds(sql, " NOT ENFORCED");
}

void constraint_definition(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	if (is_named(in, constraint)) {
		buf_adds(sql, "CONSTRAINT ");
		ddl_own_name(sql, constraint);
		buf_addc(sql, ' ');
	}
	add_body(sql, constraint);
}

static void alter_owner(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	const struct object *owner = snapshot_parent(in, constraint);
	buf_addf(sql, "ALTER %s ", owner == NULL ? "TABLE" : owner->kind->sql);
	ddl_parent_name(sql, constraint);
	buf_addc(sql, ' ');
}

static void add_constraint(struct buf *sql, const struct snapshot *in, const struct object *constraint, const char *name,
                           const char *end)
{
	alter_owner(sql, in, constraint);
	buf_adds(sql, "ADD CONSTRAINT ");
	sql_ident(sql, name);
	buf_addc(sql, ' ');
	add_body(sql, constraint);
	buf_addf(sql, "%s;\n", end);
}

static void validate(struct buf *sql, const struct snapshot *in, const struct object *constraint, const char *name)
{
	alter_owner(sql, in, constraint);
	buf_adds(sql, "VALIDATE CONSTRAINT ");
	sql_ident(sql, name);
	buf_adds(sql, ";\n");
}

static const char *own_name(const struct object *constraint)
{
	return constraint->path[constraint->n_path - 1];
}

static void comment_on_constraint(struct buf *sql, const struct snapshot *in, const struct object *constraint, uint32_t changed)
{
	const struct object *owner = snapshot_parent(in, constraint);
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "CONSTRAINT ");
	ddl_own_name(&identity, constraint);
	buf_adds(&identity, owner != NULL && strcmp(owner->kind->sql, "DOMAIN") == 0 ? " ON DOMAIN " : " ON ");
	ddl_parent_name(&identity, constraint);
	changed &= 1u << ATTR_COMMENT;
	ddl_common(sql, identity.data, NULL, constraint, &changed);
}

static bool constraint_create(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	if (in->engine == ENGINE_SQLITE) {
		ddl_rebuild(sql, constraint, "add a constraint to a table");
		return true;
	}
	const char *const *values = constraint->values;
	if (ddl_has_unread(constraint, UINT32_MAX))
		return false;
	bool not_valid = values[NOT_VALID] != NULL && values[NOT_ENFORCED] == NULL;
	add_constraint(sql, in, constraint, own_name(constraint), not_valid ? " NOT VALID" : "");
	ddl_index_state(sql, constraint, NULL, values[INDEX_STATE]);
	if (values[ATTR_COMMENT] != NULL)
		comment_on_constraint(sql, in, constraint, 1u << ATTR_COMMENT);
	return true;
}

static bool is_partitioned(const struct snapshot *in, const struct object *constraint)
{
	const struct object *table = snapshot_parent(in, constraint);
	int key = table == NULL ? -1 : kind_attr(table->kind, "partition_key");
	return key >= 0 && table->values[key] != NULL;
}

// Whether it can be added without being checked at once. Before 18 a foreign key of a partitioned table cannot.
static bool can_be_not_valid(const struct snapshot *in, const struct object *constraint)
{
	return is_type(constraint, "CHECK") ||
	       (is_type(constraint, "FOREIGN KEY") && (in->major >= 18 || !is_partitioned(in, constraint)));
}

// Whether its index can be built first, CONCURRENTLY.
static bool can_use_index(const struct snapshot *in, const struct object *constraint)
{
	return (is_type(constraint, "PRIMARY KEY") || is_type(constraint, "UNIQUE")) && constraint->values[PERIOD] == NULL &&
	       !is_partitioned(in, constraint);
}

static void build_index(struct buf *sql, const struct object *constraint, const char *name)
{
	const char *const *values = constraint->values;
	buf_adds(sql, "CREATE UNIQUE INDEX CONCURRENTLY ");
	sql_ident(sql, name);
	buf_adds(sql, " ON ");
	ddl_parent_name(sql, constraint);
	buf_addf(sql, " (%s)", values[COLUMNS]);
	add_index_clauses(sql, values, false);
	buf_adds(sql, ";\n");
}

static bool constraint_create_online(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	const char *const *values = constraint->values;
	if (in->engine == ENGINE_SQLITE || ddl_has_unread(constraint, UINT32_MAX) || values[NOT_ENFORCED] != NULL ||
	    (!can_be_not_valid(in, constraint) && !can_use_index(in, constraint)))
		return constraint_create(sql, in, constraint);
	if (can_be_not_valid(in, constraint)) {
		add_constraint(sql, in, constraint, own_name(constraint), " NOT VALID");
		if (values[NOT_VALID] == NULL)
			validate(sql, in, constraint, own_name(constraint));
	} else {
		build_index(sql, constraint, own_name(constraint));
		ddl_alter_table(sql, constraint);
		buf_adds(sql, "ADD CONSTRAINT ");
		ddl_own_name(sql, constraint);
		buf_addf(sql, " %s USING INDEX ", values[TYPE]);
		ddl_own_name(sql, constraint);
		buf_addf(sql, "%s%s;\n", values[DEFERRABLE] != NULL ? " " : "", values[DEFERRABLE] != NULL ? values[DEFERRABLE] : "");
		ddl_index_state(sql, constraint, NULL, values[INDEX_STATE]);
	}
	if (values[ATTR_COMMENT] != NULL)
		comment_on_constraint(sql, in, constraint, 1u << ATTR_COMMENT);
	return true;
}

static bool constraint_drop(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	if (in->engine == ENGINE_SQLITE) {
		ddl_rebuild(sql, constraint, "drop a constraint");
		return true;
	}
	alter_owner(sql, in, constraint);
	buf_adds(sql, "DROP CONSTRAINT ");
	ddl_own_name(sql, constraint);
	buf_adds(sql, ";\n");
	return true;
}

// A constraint of this name that differs: the new one is made beside it first, so that rows are never unchecked.
static bool replace(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to)
{
	auto_buf new = BUF_INIT;
	buf_addf(&new, "%.*s_new", 58, own_name(to));
	if (can_be_not_valid(in, to) && to->values[NOT_ENFORCED] == NULL) {
		add_constraint(sql, in, to, new.data, " NOT VALID");
		if (to->values[NOT_VALID] == NULL)
			validate(sql, in, to, new.data);
		constraint_drop(sql, in, from);
		alter_owner(sql, in, to);
		buf_adds(sql, "RENAME CONSTRAINT ");
		sql_ident(sql, new.data);
		buf_adds(sql, " TO ");
		ddl_own_name(sql, to);
		buf_adds(sql, ";\n");
	} else if (can_use_index(in, to)) {
		build_index(sql, to, new.data);
		ddl_alter_table(sql, to);
		buf_adds(sql, "DROP CONSTRAINT ");
		ddl_own_name(sql, to);
		buf_adds(sql, ", ADD CONSTRAINT ");
		ddl_own_name(sql, to);
		buf_addf(sql, " %s USING INDEX ", to->values[TYPE]);
		sql_ident(sql, new.data);
		buf_adds(sql, to->values[DEFERRABLE] != NULL ? " " : "");
		buf_adds(sql, to->values[DEFERRABLE]);
		buf_adds(sql, ";\n");
		ddl_index_state(sql, to, NULL, to->values[INDEX_STATE]);
	} else {
		constraint_drop(sql, in, from);
		return constraint_create(sql, in, to);
	}
	if (to->values[ATTR_COMMENT] != NULL)
		comment_on_constraint(sql, in, to, 1u << ATTR_COMMENT);
	return true;
}

// The triggers behind a foreign key have no names that could be given, so all of the table are switched on; then the others
// are set to what they should be.
static void enable_triggers_of(struct buf *sql, const struct snapshot *in, const char *const *path, unsigned n_path)
{
	buf_adds(sql, "ALTER TABLE ");
	sql_name(sql, path, n_path);
	buf_adds(sql, " ENABLE TRIGGER ALL;\n");
	size_t first, n = snapshot_range(in, path, n_path, &first);
	for (size_t i = first; i < first + n; i++) {
		const struct object *trigger = in->objects[i];
		int enabled = trigger->kind == &kind_trigger ? kind_attr(trigger->kind, "enabled") : -1;
		if (enabled >= 0 && trigger->values[enabled] != NULL)
			trigger->kind->alter(sql, in, trigger, trigger, 1u << enabled);
	}
}

// Those of a foreign key hang on both tables.
static void enable_triggers(struct buf *sql, const struct snapshot *in, const struct object *constraint)
{
	enable_triggers_of(sql, in, constraint->path, constraint->n_path - 1);
	const char *references = constraint->values[REFERENCES], *open = references == NULL ? NULL : strrchr(references, '('), *path[2];
	auto_arena arena = arena_new();
	size_t n = open == NULL ? 0 : sql_name_split(arena, arena_strndup(arena, references, (size_t)(open - references)), path, 2);
	if (n == 2 && path_compare(in->engine, path, 2, constraint->path, constraint->n_path - 1) != 0)
		enable_triggers_of(sql, in, path, 2);
}

static bool constraint_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                             uint32_t changed)
{
	if (in->engine == ENGINE_SQLITE) {
		ddl_rebuild(sql, to, "alter a constraint");
		return true;
	}
	if (ddl_has_unread(to, UINT32_MAX) || (changed & 1u << TRIGGERS_DISABLED && to->values[TRIGGERS_DISABLED] != NULL))
		return false; // nobody wants a constraint that is there and not checked
	const char *const *values = to->values;
	uint32_t in_place = 1u << ATTR_COMMENT | 1u << TRIGGERS_DISABLED | 1u << INDEX_STATE;
	bool can_validate = values[NOT_VALID] == NULL && from->values[NOT_ENFORCED] == NULL;
	in_place |= can_validate ? 1u << NOT_VALID : 0;
	in_place |= is_type(to, "FOREIGN KEY") ? 1u << DEFERRABLE : 0;
	bool rebuild_index = from->values[INDEX_STATE] != NULL && strstr(from->values[INDEX_STATE], "INVALID") != NULL;
	if (changed & ~in_place)
		return replace(sql, in, from, to);
	if (changed & 1u << NOT_VALID)
		validate(sql, in, to, own_name(to));
	if (changed & 1u << DEFERRABLE) {
		ddl_alter_table(sql, to);
		buf_adds(sql, "ALTER CONSTRAINT ");
		ddl_own_name(sql, to);
		buf_addf(sql, " %s;\n", values[DEFERRABLE] == NULL ? "NOT DEFERRABLE" : values[DEFERRABLE]);
	}
	if (changed & 1u << INDEX_STATE && rebuild_index) {
		buf_adds(sql, "REINDEX INDEX CONCURRENTLY ");
		ddl_schema_name(sql, to, own_name(to));
		buf_adds(sql, ";\n");
	}
	if (changed & 1u << INDEX_STATE)
		ddl_index_state(sql, to, from->values[INDEX_STATE], values[INDEX_STATE]);
	if (changed & 1u << TRIGGERS_DISABLED)
		enable_triggers(sql, in, to);
	if (changed & 1u << ATTR_COMMENT)
		comment_on_constraint(sql, in, to, changed);
	return sql->length > 0;
}

const struct kind kind_constraint = {
	.name = "constraint", .sql = "CONSTRAINT", .summary = "a primary key, UNIQUE, CHECK, FOREIGN KEY or EXCLUDE constraint",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .child = true, KIND_ATTRS(attrs), .queries = queries,
	.sqlite_read = sqlite_constraint,
	.dated = "select k.xmin from " DATED_RELATION "join pg_constraint k on k.conrelid = c.oid and k.conname = w.path[3]",
	.dated_elsewhere = 1u << INDEX_OPTIONS | 1u << TABLESPACE | 1u << INDEX_STATE | 1u << TRIGGERS_DISABLED,
	.create = constraint_create, .create_online = constraint_create_online, .drop = constraint_drop, .alter = constraint_alter,
};
