// SPDX-License-Identifier: PostgreSQL
// Safer statements: see rewrite.h. Which statements have one is data: the table at the end; for the parts of ALTER TABLE, that of
// alter.c. What is built is built as a parse tree and written by libpg_query's deparser.
#include "rehearse/rewrite/rewrite.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "rehearse/rewrite/build.h"

enum { NAME_BYTES = 63 };

// Writing.

void rewrite_add(struct build *build, const char *statement)
{
	if (statement == NULL) {
		build->failed = true;
		return;
	}
	build->statements = arena_grow(build->arena, build->statements, build->n, &build->capacity, sizeof *build->statements);
	build->statements[build->n++] = statement;
}

const char *rewrite_quoted(struct build *build, const char *name)
{
	return sql_name_copy(build->arena, &name, 1);
}

bool rewrite_is_empty(const char *text) // protobuf's absent text
{
	return text == NULL || *text == '\0';
}

const char *rewrite_relation(struct build *build, const PgQuery__RangeVar *relation)
{
	const char *path[] = { relation->schemaname, relation->relname };
	bool bare = rewrite_is_empty(relation->schemaname);
	return sql_name_copy(build->arena, path + bare, 2 - bare);
}

// A name as the server would make it up: parts joined, the longer of the first two cut until it fits (makeObjectName).
const char *rewrite_made_name(struct build *build, const char *first, const char *second, const char *label)
{
	size_t n_first = strlen(first), n_second = second == NULL ? 0 : strlen(second);
	size_t over = (second == NULL ? 0 : 1) + (label == NULL ? 0 : strlen(label) + 1);
	while (n_first + n_second + over > NAME_BYTES)
		n_first > n_second ? n_first-- : n_second--;
	return arena_printf(build->arena, "%.*s%s%.*s%s%s", (int)n_first, first, second == NULL ? "" : "_", (int)n_second,
	                    second == NULL ? "" : second, label == NULL ? "" : "_", label == NULL ? "" : label);
}

// What the snapshot knows.

static const struct object *find_table(const struct build *build, const PgQuery__RangeVar *relation)
{
	const struct snapshot *snapshot = build->request->snapshot;
	const struct object *found = NULL;
	for (size_t i = 0; snapshot != NULL && i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		if (object->kind != &kind_table || strcmp(object->path[1], relation->relname) != 0)
			continue;
		if (!rewrite_is_empty(relation->schemaname) ? strcmp(object->path[0], relation->schemaname) == 0
		                                    : found == NULL || strcmp(object->path[0], "public") == 0)
			found = object;
	}
	return found;
}

static const char *value(const struct object *object, const char *attr)
{
	return object == NULL ? NULL : object->values[kind_attr(object->kind, attr)];
}

bool rewrite_is_partitioned(const struct build *build, const PgQuery__RangeVar *relation)
{
	return value(find_table(build, relation), "partition_key") != NULL;
}

static const struct object *find_column(const struct build *build, const PgQuery__RangeVar *relation, const char *column)
{
	const struct object *table = find_table(build, relation);
	if (table == NULL)
		return NULL;
	const char *path[] = { table->path[0], table->path[1], column };
	return snapshot_find(build->request->snapshot, &kind_column, path, 3);
}

bool rewrite_is_not_null(const struct build *build, const PgQuery__RangeVar *relation, const char *column)
{
	return value(find_column(build, relation, column), "not_null") != NULL;
}

const char *rewrite_column_type(const struct build *build, const PgQuery__RangeVar *relation, const char *column)
{
	return value(find_column(build, relation, column), "type");
}

static bool is_taken(const struct build *build, const struct object *table, const char *name)
{
	for (size_t i = 0; i < build->n_names; i++) {
		if (strcmp(build->names[i], name) == 0)
			return true;
	}
	for (size_t i = 0; table != NULL && i < build->request->snapshot->n_objects; i++) {
		const struct object *object = build->request->snapshot->objects[i];
		bool is_named = object->kind == &kind_constraint || object->kind == &kind_index || object->kind == &kind_table || object->kind == &kind_sequence;
		if (is_named && strcmp(object->path[0], table->path[0]) == 0 && strcmp(object->path[object->n_path - 1], name) == 0)
			return true;
	}
	return false;
}

const char *rewrite_free_name(struct build *build, const PgQuery__RangeVar *relation, const char *second, const char *label)
{
	const struct object *table = find_table(build, relation);
	const char *name = rewrite_made_name(build, relation->relname, second, label);
	for (unsigned i = 1; is_taken(build, table, name); i++)
		name = rewrite_made_name(build, relation->relname, second, arena_printf(build->arena, "%s%u", label, i));
	build->names = arena_grow(build->arena, build->names, build->n_names, &build->names_capacity, sizeof *build->names);
	build->names[build->n_names++] = name;
	return name;
}

// Indexes.

static void add_index_columns(struct buf *out, PgQuery__Node *const *elements, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const PgQuery__IndexElem *element = elements[i]->index_elem;
		const char *name = element->name;
		if (rewrite_is_empty(name) && element->expr->node_case == NODE(FUNC_CALL))
			name = element->expr->func_call->funcname[element->expr->func_call->n_funcname - 1]->string->sval;
		buf_addf(out, "%s%s", out->length == 0 ? "" : "_", rewrite_is_empty(name) ? "expr" : name);
	}
}

// PostgreSQL names what an index is on by its columns, those that are only included as well; expressions by their function.
static const char *index_columns(struct build *build, const PgQuery__IndexStmt *index)
{
	auto_buf out = BUF_INIT;
	add_index_columns(&out, index->index_params, index->n_index_params);
	add_index_columns(&out, index->index_including_params, index->n_index_including_params);
	return buf_copy(&out, build->arena);
}

// On the parent alone, then on each partition, and joined.
static bool index_partitions(struct build *build, PgQuery__IndexStmt *index)
{
	const struct object *table = find_table(build, index->relation);
	const char *columns = index_columns(build, index), *of = sql_name_copy(build->arena, table->path, 2);
	const char *parent = rewrite_is_empty(index->idxname) ? rewrite_made_name(build, index->relation->relname, columns, "idx") : index->idxname;
	if (index->if_not_exists)
		return false;
	index->idxname = (char *)parent;
	index->relation->inh = false;
	rewrite_add(build, tree_sql(build->arena, NODE(INDEX_STMT), index));
	index->relation->inh = true;
	index->concurrent = true;
	for (size_t i = 0; i < build->request->snapshot->n_objects; i++) {
		const struct object *part = build->request->snapshot->objects[i];
		if (part->kind != &kind_table || value(part, "partition_of") == NULL || strcmp(value(part, "partition_of"), of) != 0)
			continue;
		if (value(part, "partition_key") != NULL)
			return false;
		index->relation->schemaname = (char *)part->path[0];
		index->relation->relname = (char *)part->path[1];
		index->idxname = (char *)rewrite_made_name(build, part->path[1], columns, "idx");
		rewrite_add(build, tree_sql(build->arena, NODE(INDEX_STMT), index));
		rewrite_add(build, arena_printf(build->arena, "ALTER INDEX %s ATTACH PARTITION %s",
		                        sql_name_copy(build->arena, (const char *[]){ table->path[0], parent }, 2),
		                        sql_name_copy(build->arena, (const char *[]){ part->path[0], index->idxname }, 2)));
	}
	build->outside = true;
	return true;
}

// libpg_query's deparser loses the parentheses of some expressions ("((a::text))"): then the word goes into the statement as it stands.
static const char *index_sql(struct build *build, PgQuery__Node *node)
{
	static const char word[] = "index";
	const char *written = tree_sql(build->arena, node->node_case, node->index_stmt), *sql = build->request->sql;
	for (const char *at = strcasestr(sql, word); written == NULL && at != NULL; at = strcasestr(at + 1, word)) {
		int n = (int)(at - sql + (ptrdiff_t)strlen(word));
		const char *text = arena_printf(build->arena, "%.*s CONCURRENTLY%s", n, sql, sql + n);
		if (tree_says(build->arena, text, node->node_case, node->index_stmt))
			return text;
	}
	return written;
}

static bool create_index(struct build *build, PgQuery__Node *node)
{
	PgQuery__IndexStmt *index = node->index_stmt;
	if (index->concurrent) {
		build->advice = ADVICE_STOPS_NOBODY;
		return false;
	}
	if (rewrite_is_partitioned(build, index->relation))
		return index_partitions(build, index);
	index->concurrent = build->outside = true;
	if (index->if_not_exists)
		build->remark = "an invalid index that a failed try left must be dropped first: IF NOT EXISTS would keep it";
	rewrite_add(build, index_sql(build, node));
	return true;
}

static bool drop_index(struct build *build, PgQuery__Node *node)
{
	PgQuery__DropStmt *drop = node->drop_stmt;
	if (drop->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_INDEX || drop->concurrent ||
	    drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE)
		return false;
	drop->concurrent = build->outside = true;
	PgQuery__Node **objects = drop->objects;
	size_t n = drop->n_objects;
	drop->n_objects = 1; // only one at a time
	for (size_t i = 0; i < n; i++) {
		drop->objects = &objects[i];
		rewrite_add(build, tree_sql(build->arena, node->node_case, drop));
	}
	drop->objects = objects;
	drop->n_objects = n;
	return true;
}

static bool reindex(struct build *build, PgQuery__Node *node)
{
	PgQuery__ReindexStmt *statement = node->reindex_stmt;
	PgQuery__DefElem option = PG_QUERY__DEF_ELEM__INIT;
	PgQuery__Node option_node = PG_QUERY__NODE__INIT, **given = statement->params;
	size_t n = statement->n_params;
	PgQuery__Node **options = arena_array(build->arena, n + 1, sizeof *options);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(given[i]->def_elem->defname, "concurrently") == 0)
			build->advice = ADVICE_STOPS_NOBODY;
		options[i] = given[i];
	}
	if (build->advice != NULL || statement->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SYSTEM)
		return false;
	option.defname = (char *)"concurrently";
	option.defaction = PG_QUERY__DEF_ELEM_ACTION__DEFELEM_UNSPEC;
	option_node.node_case = NODE(DEF_ELEM);
	option_node.def_elem = &option;
	options[n] = &option_node;
	statement->params = options;
	statement->n_params = n + 1;
	build->outside = true;
	rewrite_add(build, tree_sql(build->arena, node->node_case, statement));
	statement->params = given;
	statement->n_params = n;
	return true;
}

static bool refresh(struct build *build, PgQuery__Node *node)
{
	PgQuery__RefreshMatViewStmt *statement = node->refresh_mat_view_stmt;
	if (statement->concurrent || statement->skip_data)
		return false;
	statement->concurrent = true;
	build->remark = "the view needs a unique index without a condition";
	rewrite_add(build, tree_sql(build->arena, node->node_case, statement));
	return true;
}

// Statements.

static const struct rule {
	PgQuery__Node__NodeCase node;
	bool (*safer)(struct build *build, PgQuery__Node *node);
	const char *advice; // NULL for ALTER TABLE: that of its parts
} rules[] = {
	{ NODE(INDEX_STMT), create_index, "build the index on each partition CONCURRENTLY, CREATE INDEX ... ON ONLY the table, then ATTACH them" },
	{ NODE(ALTER_TABLE_STMT), rewrite_alter_table, NULL },
	{ NODE(DROP_STMT), drop_index, "drop what depends on it first, each by itself, with SET lock_timeout = '2s' and retries" },
	{ NODE(REINDEX_STMT), reindex, "REINDEX INDEX CONCURRENTLY, index by index; the catalog's at a quiet time" },
	{ NODE(REFRESH_MAT_VIEW_STMT), refresh, ADVICE_FOR_A_MOMENT },
	{ NODE(CLUSTER_STMT), NULL, "pg_repack does the same beside traffic" },
	{ NODE(VACUUM_STMT), NULL, "pg_repack does what VACUUM FULL does beside traffic" },
	{ NODE(UPDATE_STMT), NULL, "in batches by primary key, a transaction each, in no migration that also changes the table" },
	{ NODE(DELETE_STMT), NULL, "in batches by primary key, a transaction each, with an index on the columns that refer to the table" },
	{ NODE(INSERT_STMT), NULL, "in batches, a transaction each, in no migration that also changes the table" },
	{ NODE(MERGE_STMT), NULL, "in batches, a transaction each, in no migration that also changes the table" },
	{ NODE(TRUNCATE_STMT), NULL, "SET lock_timeout = '2s' and retry" },
	{ NODE(ALTER_DOMAIN_STMT), NULL, "a CHECK on the tables instead (NOT VALID, then VALIDATE): a domain's is checked under a lock on every table that uses it" },
	{ NODE(CREATE_STMT), NULL, "CREATE TABLE first, its foreign keys afterwards, each by itself; a partition: CREATE TABLE (LIKE ...), then ATTACH PARTITION" },
	{ NODE(RENAME_STMT), NULL, ADVICE_FOR_A_MOMENT "; running code uses the old name" },
	{ NODE(ALTER_OBJECT_SCHEMA_STMT), NULL, ADVICE_FOR_A_MOMENT "; running code uses the old name" },
	{ NODE(ALTER_OWNER_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(CREATE_TRIG_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(RULE_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(CREATE_POLICY_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(ALTER_POLICY_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(ALTER_SEQ_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(VIEW_STMT), NULL, ADVICE_FOR_A_MOMENT },
	{ NODE(DO_STMT), NULL, "its statements one by one, each in a migration of its own: within DO every lock is held to its end" },
	{ NODE(CREATE_TABLE_AS_STMT), NULL, "in no transaction with statements that lock" },
	{ NODE(LOCK_STMT), NULL, "SET lock_timeout = '2s' and retry; a weaker mode where one will do" },
};

static const char *advice_of(const struct build *build, const struct rule *rule, const PgQuery__Node *node)
{
	if (build->advice != NULL)
		return build->advice;
	if (rule->advice != NULL || node->node_case != NODE(ALTER_TABLE_STMT))
		return rule->advice;
	return rewrite_alter_advice(build, node->alter_table_stmt);
}

static const char *text_of(struct build *build)
{
	auto_buf out = BUF_INIT;
	const char *where = build->outside ? build->n > 1 ? "each by itself, outside of a transaction" : "outside of a transaction"
	                                   : build->n > 1 ? "each in a transaction of its own" : NULL;
	if (where != NULL || build->remark != NULL)
		buf_addf(&out, "-- %s%s%s\n", where == NULL ? "" : where, where != NULL && build->remark != NULL ? "; " : "",
		         build->remark == NULL ? "" : build->remark);
	for (size_t i = 0; i < build->n; i++)
		buf_addf(&out, "%s%s;", i == 0 ? "" : "\n", build->statements[i]);
	return buf_copy(&out, build->arena);
}

static bool find(struct build *build, PgQuery__Node *node, struct rewriting *rewriting)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (rules[i].node != node->node_case)
			continue;
		if (rules[i].safer != NULL && rules[i].safer(build, node) && !build->failed)
			*rewriting = (struct rewriting){ build->statements, build->n, build->outside, text_of(build) };
		else
			*rewriting = (struct rewriting){ .text = advice_of(build, &rules[i], node) };
		rewriting->stops_nobody = rewriting->n == 0 && rewriting->text != NULL && strcmp(rewriting->text, ADVICE_STOPS_NOBODY) == 0;
	}
	return rewriting->text != NULL;
}

bool rewrite_find(struct arena *arena, const struct rewrite_request *request, struct rewriting *rewriting)
{
	struct build build = { .arena = arena, .request = request };
	*rewriting = (struct rewriting){ 0 };
	PgQuery__ParseResult *tree = tree_parse(arena, request->sql);
	return tree != NULL && tree->n_stmts == 1 && find(&build, tree->stmts[0]->stmt, rewriting);
}
