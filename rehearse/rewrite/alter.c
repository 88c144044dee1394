// SPDX-License-Identifier: PostgreSQL
// Safer statements for parts of ALTER TABLE: see build.h. Which parts have one is data: the table at the end. A statement of
// several parts is taken apart only where one of them has a safer way; the others stay together, in their order.
#include "rehearse/rewrite/build.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"

enum { BATCH_PAGES = 1000 };

// "ALTER TABLE public.t"
static const char *alter_head(struct build *build)
{
	return arena_printf(build->arena, "ALTER TABLE %s%s%s", build->alter->missing_ok ? "IF EXISTS " : "",
	                    build->alter->relation->inh ? "" : "ONLY ", rewrite_relation(build, build->alter->relation));
}

static const char *joined(struct build *build, PgQuery__Node *const *names, size_t n)
{
	auto_buf out = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i == 0 ? "" : "_", names[i]->string->sval);
	return buf_copy(&out, build->arena);
}

// Parts of ALTER TABLE.

// What is said where this part has no statements. Among others it stays with what their rules say.
static void advise(struct build *build, const char *advice)
{
	if (build->alter->n_cmds == 1)
		build->advice = advice;
}

static void flush(struct build *build)
{
	PgQuery__Node **all = build->alter->cmds;
	size_t n_all = build->alter->n_cmds;
	if (build->n_kept == 0)
		return;
	build->alter->cmds = build->kept;
	build->alter->n_cmds = build->n_kept;
	rewrite_add(build, tree_sql(build->arena, NODE(ALTER_TABLE_STMT), build->alter));
	build->alter->cmds = all;
	build->alter->n_cmds = n_all;
	build->n_kept = 0;
}

// One part by itself, after what was kept.
static void add_part(struct build *build, PgQuery__Node *part)
{
	flush(build);
	build->kept[build->n_kept++] = part;
	flush(build);
	build->changed = true;
}

static void validate(struct build *build, const char *constraint)
{
	rewrite_add(build, arena_printf(build->arena, "%s VALIDATE CONSTRAINT %s", alter_head(build), rewrite_quoted(build, constraint)));
}

// By way of a CHECK that is proved while others read and write.
static void add_not_null(struct build *build, const char *column)
{
	const char *check = rewrite_quoted(build, rewrite_free_name(build, build->alter->relation, column, "is_set"));
	const char *head = alter_head(build), *name = rewrite_quoted(build, column);
	flush(build);
	rewrite_add(build, arena_printf(build->arena, "%s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", head, check, name));
	rewrite_add(build, arena_printf(build->arena, "%s VALIDATE CONSTRAINT %s", head, check));
	rewrite_add(build, arena_printf(build->arena, "%s ALTER COLUMN %s SET NOT NULL", head, name));
	rewrite_add(build, arena_printf(build->arena, "%s DROP CONSTRAINT %s", head, check));
	build->changed = true;
}

static bool set_not_null(struct build *build, PgQuery__Node *part)
{
	const char *column = part->alter_table_cmd->name;
	bool is_not_null = rewrite_is_not_null(build, build->alter->relation, column);
	if (is_not_null && build->request->major >= 18) // what may cost something then is a constraint that is NOT VALID
		advise(build, "VALIDATE CONSTRAINT the column's NOT NULL constraint instead: it is NOT VALID");
	if (build->request->major < 12 || is_not_null)
		return false;
	add_not_null(build, column);
	return true;
}

// The only column that an expression names.
struct only_column {
	const char *name;
	bool several;
};

static bool find_column(void *argument, ProtobufCMessage *message)
{
	struct only_column *column = argument;
	if (message->descriptor != &pg_query__column_ref__descriptor)
		return true;
	const PgQuery__ColumnRef *ref = (const void *)message;
	const PgQuery__Node *last = ref->n_fields == 0 ? NULL : ref->fields[ref->n_fields - 1];
	if (last == NULL || last->node_case != NODE(STRING))
		return false;
	column->several |= column->name != NULL && strcmp(column->name, last->string->sval) != 0;
	column->name = last->string->sval;
	return false;
}

static const char *check_name(struct build *build, const PgQuery__Constraint *check)
{
	struct only_column column = { 0 };
	tree_walk(&check->raw_expr->base, find_column, &column);
	return rewrite_free_name(build, build->alter->relation, column.several ? NULL : column.name, "check");
}

static bool not_valid(struct build *build, PgQuery__Node *part, const char *(*name)(struct build *build, const PgQuery__Constraint *constraint))
{
	PgQuery__Constraint *constraint = part->alter_table_cmd->def->constraint;
	if (constraint->skip_validation)
		return false;
	constraint->conname = (char *)(rewrite_is_empty(constraint->conname) ? name(build, constraint) : constraint->conname);
	constraint->skip_validation = true;
	constraint->initially_valid = false;
	add_part(build, part);
	validate(build, constraint->conname);
	return true;
}

static bool add_check(struct build *build, PgQuery__Node *part)
{
	return not_valid(build, part, check_name);
}

static const char *foreign_key_name(struct build *build, const PgQuery__Constraint *constraint)
{
	return rewrite_free_name(build, build->alter->relation, joined(build, constraint->fk_attrs, constraint->n_fk_attrs), "fkey");
}

static bool add_foreign_key(struct build *build, PgQuery__Node *part)
{
	if (build->request->major < 18 && rewrite_is_partitioned(build, build->alter->relation))
		return false;
	return not_valid(build, part, foreign_key_name);
}

// The nodes of an index on these columns.
static PgQuery__Node **index_elements(struct build *build, PgQuery__Node *const *names, size_t n)
{
	PgQuery__Node **nodes = arena_array(build->arena, n, sizeof *nodes);
	for (size_t i = 0; i < n; i++) {
		PgQuery__IndexElem *element = arena_alloc(build->arena, sizeof *element);
		nodes[i] = arena_alloc(build->arena, sizeof **nodes);
		pg_query__index_elem__init(element);
		pg_query__node__init(nodes[i]);
		element->name = names[i]->string->sval;
		element->ordering = PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT;
		element->nulls_ordering = PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT;
		nodes[i]->node_case = NODE(INDEX_ELEM);
		nodes[i]->index_elem = element;
	}
	return nodes;
}

static bool add_unique(struct build *build, PgQuery__Node *part)
{
	PgQuery__Constraint *constraint = part->alter_table_cmd->def->constraint;
	PgQuery__IndexStmt index = PG_QUERY__INDEX_STMT__INIT;
	bool primary = constraint->contype == CONSTR(PRIMARY);
	bool has_index = !rewrite_is_empty(constraint->indexname);
	if (has_index)
		advise(build, primary ? "make each of its columns NOT NULL before, by way of a CHECK (NOT VALID, VALIDATE, SET NOT NULL)" : ADVICE_FOR_A_MOMENT);
	if (has_index || rewrite_is_partitioned(build, build->alter->relation))
		return false;
	flush(build);
	for (size_t i = 0; primary && build->request->major >= 12 && i < constraint->n_keys; i++) {
		if (!rewrite_is_not_null(build, build->alter->relation, constraint->keys[i]->string->sval))
			add_not_null(build, constraint->keys[i]->string->sval);
	}
	if (rewrite_is_empty(constraint->conname))
		constraint->conname = (char *)rewrite_free_name(build, build->alter->relation, primary ? NULL : joined(build, constraint->keys, constraint->n_keys),
		                                                primary ? "pkey" : "key");
	index.idxname = constraint->conname;
	index.relation = build->alter->relation;
	index.access_method = (char *)"btree";
	index.unique = index.concurrent = true;
	index.nulls_not_distinct = constraint->nulls_not_distinct;
	index.index_params = index_elements(build, constraint->keys, constraint->n_keys);
	index.n_index_params = constraint->n_keys;
	index.index_including_params = index_elements(build, constraint->including, constraint->n_including);
	index.n_index_including_params = constraint->n_including;
	index.options = constraint->options;
	index.n_options = constraint->n_options;
	index.table_space = constraint->indexspace;
	rewrite_add(build, tree_sql(build->arena, NODE(INDEX_STMT), &index));
	auto_buf rest = BUF_INIT;
	buf_addf(&rest, "%s ADD CONSTRAINT %s %s USING INDEX %s", alter_head(build), rewrite_quoted(build, constraint->conname),
	         primary ? "PRIMARY KEY" : "UNIQUE", rewrite_quoted(build, constraint->conname));
	buf_adds(&rest, constraint->deferrable ? " DEFERRABLE" : "");
	buf_adds(&rest, constraint->initdeferred ? " INITIALLY DEFERRED" : "");
	rewrite_add(build, buf_copy(&rest, build->arena));
	build->outside = build->changed = true;
	return true;
}

// With anything else in the statement the table is locked for the whole of it.
static bool validate_alone(struct build *build, PgQuery__Node *part)
{
	if (build->alter->n_cmds == 1)
		return false;
	add_part(build, part);
	return true;
}

// Between the two types of timestamps nothing is copied where the session is in UTC; elsewhere only indexes and constraints may have
// been gone through.
static bool alter_type(struct build *build, PgQuery__Node *part)
{
	static const char timestamp[] = "timestamp";
	const PgQuery__ColumnDef *column = part->alter_table_cmd->def->column_def;
	const char *from = rewrite_column_type(build, build->alter->relation, part->alter_table_cmd->name);
	const char *to = column->type_name->names[column->type_name->n_names - 1]->string->sval;
	if (!build->request->rewrites)
		advise(build, "an index on it (of an expression, or with a condition): drop it before and build it again CONCURRENTLY after; "
		              "a CHECK on it: drop it before, add it again NOT VALID after and VALIDATE it");
	else if (from != NULL && strncmp(from, timestamp, strlen(timestamp)) == 0 && strncmp(to, timestamp, strlen(timestamp)) == 0)
		advise(build, "where the values are of UTC: SET LOCAL timezone = 'UTC' before it, and no USING");
	return false;
}

// New columns.

static bool is_constant(const PgQuery__Node *node)
{
	static const char *const stable[] = { "now", "transaction_timestamp", "statement_timestamp" };
	if (node->node_case == NODE(TYPE_CAST))
		return is_constant(node->type_cast->arg);
	if (node->node_case == NODE(FUNC_CALL)) {
		const PgQuery__FuncCall *call = node->func_call;
		for (size_t i = 0; i < sizeof stable / sizeof *stable; i++) {
			if (strcmp(call->funcname[call->n_funcname - 1]->string->sval, stable[i]) == 0)
				return true;
		}
	}
	return node->node_case == NODE(A_CONST) || node->node_case == NODE(SQLVALUE_FUNCTION);
}

// The integer type beneath a serial; NULL: it is none.
static const char *serial_type(const PgQuery__ColumnDef *column)
{
	static const struct { const char *serial, *type; } types[] = {
		{ "serial", "integer" }, { "serial4", "integer" }, { "bigserial", "bigint" }, { "serial8", "bigint" }, { "smallserial", "smallint" },
		{ "serial2", "smallint" },
	};
	for (size_t i = 0; column->type_name->n_names == 1 && i < sizeof types / sizeof *types; i++) {
		if (strcmp(column->type_name->names[0]->string->sval, types[i].serial) == 0)
			return types[i].type;
	}
	return NULL;
}

// Fills a new column page by page, a transaction for each thousand: DO may commit where it is sent by itself.
static void add_batches(struct build *build, const char *column)
{
	const char *table = rewrite_relation(build, build->alter->relation);
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "DO $$\nBEGIN\n  FOR page IN 0 .. pg_relation_size(");
	sql_literal(&sql, table);
	buf_addf(&sql, ") / current_setting('block_size')::bigint BY %d LOOP\n"
	         "    UPDATE %s SET %s = DEFAULT WHERE %s IS NULL AND ctid >= format('(%%s,0)', page)::tid AND ctid < format('(%%s,0)', page + %d)::tid;\n"
	         "    COMMIT;\n  END LOOP;\nEND $$", BATCH_PAGES, table, column, column, BATCH_PAGES);
	rewrite_add(build, buf_copy(&sql, build->arena));
}

static bool is_table_constraint(const PgQuery__Constraint *constraint)
{
	return constraint->contype == CONSTR(CHECK) || constraint->contype == CONSTR(UNIQUE) ||
	       constraint->contype == CONSTR(PRIMARY) || constraint->contype == CONSTR(FOREIGN);
}

// What stands within a column becomes a part of its own.
static PgQuery__Node *constraint_part(struct build *build, const PgQuery__ColumnDef *column, PgQuery__Node *constraint_node)
{
	PgQuery__Constraint *constraint = constraint_node->constraint;
	PgQuery__AlterTableCmd *cmd = arena_alloc(build->arena, sizeof *cmd);
	PgQuery__Node *part = arena_alloc(build->arena, sizeof *part), *name = arena_alloc(build->arena, sizeof *name);
	PgQuery__Node **names = arena_array(build->arena, 1, sizeof *names);
	PgQuery__String *string = arena_alloc(build->arena, sizeof *string);
	pg_query__alter_table_cmd__init(cmd);
	pg_query__node__init(part);
	pg_query__node__init(name);
	pg_query__string__init(string);
	string->sval = column->colname;
	name->node_case = NODE(STRING);
	name->string = string;
	names[0] = name;
	if (constraint->contype == CONSTR(FOREIGN)) {
		constraint->fk_attrs = names;
		constraint->n_fk_attrs = 1;
	} else if (constraint->contype != CONSTR(CHECK)) {
		constraint->keys = names;
		constraint->n_keys = 1;
	}
	cmd->subtype = AT(AddConstraint);
	cmd->behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
	cmd->def = constraint_node;
	part->node_case = NODE(ALTER_TABLE_CMD);
	part->alter_table_cmd = cmd;
	return part;
}

static bool take_part(struct build *build, PgQuery__Node *part);

// What is taken out of a column's definition.
struct column_parts {
	PgQuery__Node **constraints;
	size_t n_constraints;
	PgQuery__Node *default_value; // computed for each row
	bool not_null, identity, special; // special: identity, generated
};

static struct column_parts column_parts(struct build *build, const PgQuery__ColumnDef *column)
{
	struct column_parts parts = { .constraints = arena_array(build->arena, column->n_constraints + 1, sizeof *parts.constraints) };
	for (size_t i = 0; i < column->n_constraints; i++) {
		const PgQuery__Constraint *constraint = column->constraints[i]->constraint;
		if (is_table_constraint(constraint))
			parts.constraints[parts.n_constraints++] = column->constraints[i];
		if (constraint->contype == CONSTR(DEFAULT) && !is_constant(constraint->raw_expr))
			parts.default_value = constraint->raw_expr;
		parts.not_null |= constraint->contype == CONSTR(NOTNULL);
		parts.identity |= constraint->contype == CONSTR(IDENTITY);
		parts.special |= constraint->contype == CONSTR(IDENTITY) || constraint->contype == CONSTR(GENERATED) ||
		                 constraint->contype >= CONSTR(ATTR_DEFERRABLE);
	}
	return parts;
}

static PgQuery__Node *default_part(struct build *build, const char *column, PgQuery__Node *expression)
{
	PgQuery__AlterTableCmd *cmd = arena_alloc(build->arena, sizeof *cmd);
	PgQuery__Node *part = arena_alloc(build->arena, sizeof *part);
	pg_query__alter_table_cmd__init(cmd);
	pg_query__node__init(part);
	cmd->subtype = AT(ColumnDefault);
	cmd->behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
	cmd->name = (char *)column;
	cmd->def = expression;
	part->node_case = NODE(ALTER_TABLE_CMD);
	part->alter_table_cmd = cmd;
	return part;
}

// The column with nothing that must look at rows, then its default, the rows in batches, and what is demanded of them.
static bool add_column(struct build *build, PgQuery__Node *part)
{
	PgQuery__ColumnDef *column = part->alter_table_cmd->def->column_def;
	struct column_parts parts = column_parts(build, column);
	const char *serial = serial_type(column);
	bool by_rows = build->request->rewrites && (parts.default_value != NULL || serial != NULL) && !rewrite_is_partitioned(build, build->alter->relation);
	if (parts.identity)
		advise(build, "add a nullable column, fill it in batches from a sequence, make it NOT NULL by way of a CHECK, then ADD GENERATED ... AS IDENTITY "
		              "and let its sequence go on from there");
	else if (build->request->rewrites && parts.special)
		advise(build, "add a nullable column, keep it up by a trigger, fill it in batches; or, from PostgreSQL 18 on, GENERATED ... VIRTUAL");
	else if (build->request->rewrites && parts.default_value == NULL && serial == NULL)
		advise(build, "a column of the domain's base type, with the domain's CHECKs on the table: NOT VALID, then VALIDATE");
	if (parts.special || part->alter_table_cmd->missing_ok || (!by_rows && (parts.n_constraints == 0 || serial != NULL)))
		return false;
	size_t n = 0;
	for (size_t i = 0; i < column->n_constraints; i++) {
		const PgQuery__Constraint *constraint = column->constraints[i]->constraint;
		bool taken = is_table_constraint(constraint) ||
		             (by_rows && (constraint->contype == CONSTR(NOTNULL) || constraint->contype == CONSTR(DEFAULT)));
		if (!taken)
			column->constraints[n++] = column->constraints[i];
	}
	column->n_constraints = n;
	const char *name = rewrite_quoted(build, column->colname);
	if (by_rows && serial != NULL) {
		const char *sequence = rewrite_made_name(build, build->alter->relation->relname, column->colname, "seq");
		const char *path[] = { build->alter->relation->schemaname, sequence };
		bool bare = rewrite_is_empty(path[0]);
		const char *qualified = sql_name_copy(build->arena, path + bare, 2 - bare);
		flush(build);
		rewrite_add(build, arena_printf(build->arena, "CREATE SEQUENCE %s AS %s", qualified, serial));
		auto_buf alter = BUF_INIT;
		buf_addf(&alter, "%s ADD COLUMN %s %s, ALTER COLUMN %s SET DEFAULT nextval(", alter_head(build), name, serial, name);
		sql_literal(&alter, qualified);
		buf_adds(&alter, ")");
		rewrite_add(build, buf_copy(&alter, build->arena));
		rewrite_add(build, arena_printf(build->arena, "ALTER SEQUENCE %s OWNED BY %s.%s", qualified, rewrite_relation(build, build->alter->relation), name));
	} else {
		flush(build);
		build->kept[build->n_kept++] = part;
		if (by_rows)
			build->kept[build->n_kept++] = default_part(build, column->colname, parts.default_value);
		flush(build);
	}
	if (by_rows) {
		add_batches(build, name);
		build->outside = true;
	}
	bool keyed = false;
	for (size_t i = 0; i < parts.n_constraints; i++)
		keyed |= parts.constraints[i]->constraint->contype == CONSTR(PRIMARY);
	if (by_rows && (parts.not_null || serial != NULL) && !keyed && build->request->major >= 12) // a primary key sees to it itself
		add_not_null(build, column->colname);
	for (size_t i = 0; i < parts.n_constraints; i++)
		take_part(build, constraint_part(build, column, parts.constraints[i]));
	build->changed = true;
	return true;
}

static bool detach(struct build *build, PgQuery__Node *part)
{
	PgQuery__PartitionCmd *cmd = part->alter_table_cmd->def->partition_cmd;
	if (cmd->concurrent || build->request->major < 14)
		return false;
	cmd->concurrent = build->outside = true;
	build->remark = "not while there is a default partition; a CHECK of the bound stays on what was the partition";
	add_part(build, part);
	return true;
}

// Parts of ALTER TABLE: with SQL, or with advice alone.
static const struct part_rule {
	PgQuery__AlterTableType subtype;
	PgQuery__ConstrType contype;
	bool (*safer)(struct build *build, PgQuery__Node *part); // false: this one has none
	const char *advice;
} part_rules[] = {
	{ AT(SetNotNull), 0, set_not_null, NULL },
	{ AT(AddConstraint), CONSTR(CHECK), add_check, NULL },
	{ AT(ValidateConstraint), 0, validate_alone, ADVICE_STOPS_NOBODY },
	{ AT(AddConstraint), CONSTR(FOREIGN), add_foreign_key, "add the foreign key to each partition (NOT VALID, then VALIDATE), then to the table" },
	{ AT(AddConstraint), CONSTR(UNIQUE), add_unique,
	  "on each partition: CREATE UNIQUE INDEX CONCURRENTLY; on the table: CREATE UNIQUE INDEX ... ON ONLY; then ALTER INDEX ... ATTACH PARTITION" },
	{ AT(AddConstraint), CONSTR(PRIMARY), add_unique, "build the index first: CREATE UNIQUE INDEX CONCURRENTLY, then ADD PRIMARY KEY USING INDEX" },
	{ AT(AddConstraint), CONSTR(EXCLUSION), NULL, "an exclusion constraint cannot be built beside traffic: make a new table with it, copy in batches, swap" },
	{ AT(AddColumn), 0, add_column, "add a nullable column without default, fill it in batches, then demand what it must hold (a CHECK NOT VALID, VALIDATE)" },
	{ AT(AlterColumnType), 0, alter_type,
	  "add a new column of the new type, keep both in step (trigger), fill it in batches, build its indexes CONCURRENTLY, then rename in one short transaction" },
	{ AT(DetachPartition), 0, detach, "DETACH PARTITION ... CONCURRENTLY from PostgreSQL 14 on" },
	{ AT(AttachPartition), 0, NULL,
	  "first, on the new partition: ADD CONSTRAINT ... CHECK (its bound) NOT VALID, then VALIDATE; on the default partition a CHECK that "
	  "excludes the bound; then ATTACH reads no rows" },
	{ AT(SetLogged), 0, NULL, "make a new table that is logged, copy in batches, swap" },
	{ AT(SetUnLogged), 0, NULL, "make a new table that is unlogged, copy in batches, swap" },
	{ AT(SetAccessMethod), 0, NULL, "make a new table with it, copy in batches, swap" },
	{ AT(SetTableSpace), 0, NULL, "pg_repack moves a table beside traffic" },
	{ AT(DropColumn), 0, NULL, "SET lock_timeout = '2s' and retry; a column with a foreign key locks the other table as well: drop the foreign key first" },
	{ AT(DropConstraint), 0, NULL, "SET lock_timeout = '2s' and retry; a foreign key locks the other table as well: by itself, in no transaction with more" },
};

static const struct part_rule *part_rule(const PgQuery__Node *part)
{
	const PgQuery__AlterTableCmd *cmd = part->alter_table_cmd;
	bool has_constraint = cmd->def != NULL && cmd->def->node_case == NODE(CONSTRAINT);
	for (size_t i = 0; i < sizeof part_rules / sizeof *part_rules; i++) {
		const struct part_rule *rule = &part_rules[i];
		if (rule->subtype == cmd->subtype && (rule->contype == 0 || (has_constraint && cmd->def->constraint->contype == rule->contype)))
			return rule;
	}
	return NULL;
}

static bool take_part(struct build *build, PgQuery__Node *part)
{
	const struct part_rule *rule = part_rule(part);
	if (rule != NULL && rule->safer != NULL && rule->safer(build, part))
		return true;
	build->kept[build->n_kept++] = part;
	return false;
}

bool rewrite_alter_table(struct build *build, PgQuery__Node *node)
{
	build->alter = node->alter_table_stmt;
	if (build->alter->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE)
		return false;
	enum { PARTS_OF_ONE = 8 }; // a column may leave its constraints behind
	build->kept = arena_array(build->arena, PARTS_OF_ONE * (build->alter->n_cmds + 1), sizeof *build->kept);
	for (size_t i = 0; i < build->alter->n_cmds; i++)
		take_part(build, build->alter->cmds[i]);
	flush(build);
	return build->changed;
}

const char *rewrite_alter_advice(const struct build *build, const PgQuery__AlterTableStmt *alter)
{
	for (size_t i = 0; i < alter->n_cmds; i++) {
		const struct part_rule *rule = part_rule(alter->cmds[i]);
		bool is_quick = rule != NULL && rule->subtype == AT(AddColumn) && !build->request->rewrites;
		if (rule != NULL && rule->advice != NULL && !is_quick)
			return rule->advice;
	}
	return ADVICE_FOR_A_MOMENT;
}
