// SPDX-License-Identifier: PostgreSQL
// Indexes that are not a constraint's. Everything but expressions and predicates is built from the catalog's raw fields:
// pg_get_indexdef costs several times as much. Indexes of partitions that hang on a parent's index are left out.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"
#include "introspect/sqlite_read.h"

enum {
	METHOD = ATTR_FIRST_OWN, UNIQUE, NULLS_NOT_DISTINCT, COLUMNS, INCLUDE, PREDICATE, OPTIONS, TABLESPACE, STATISTICS, INVALID, STATE,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[METHOD] = { "method", FORM_TEXT },
	[UNIQUE] = { "unique", FORM_FLAG },
	[NULLS_NOT_DISTINCT] = { "nulls_not_distinct", FORM_FLAG },
	[COLUMNS] = { "columns", FORM_EXPRESSION },
	[INCLUDE] = { "include", FORM_TEXT },
	[PREDICATE] = { "predicate", FORM_EXPRESSION },
	[OPTIONS] = { "options", FORM_TEXT },
	[TABLESPACE] = { "tablespace", FORM_TEXT },
	[STATISTICS] = { "statistics", FORM_TEXT }, // targets of expressions, by their number: "1 500, 3 100"
	[INVALID] = { "invalid", FORM_FLAG },
	[STATE] = { "state", FORM_TEXT }, // CLUSTER ON, REPLICA IDENTITY
};

void index_take_column(struct postgres_read *read, unsigned oid, int number, const char *options, const char *statistics);
void constraint_take_index(struct object *constraint, const char *nulls_not_distinct, const char *include, const char *options,
                           const char *tablespace, const char *state);

enum { COLUMNS_MAX = 64 };

// Flags, in order: unique, valid, ready, replica identity, clustered, nulls not distinct.
enum { F_UNIQUE, F_VALID, F_READY, F_REPLICA, F_CLUSTERED, F_NULLS };

// One expression of the list that pg_get_expr(indexprs) gives: up to a comma outside parentheses, brackets and quotes.
static const char *next_expression(const char *c)
{
	int depth = 0;
	for (char quote = '\0'; *c != '\0'; c++) {
		if (quote != '\0')
			quote = *c == quote ? '\0' : quote;
		else if (*c == '\'' || *c == '"')
			quote = *c;
		else if (*c == '(' || *c == '[')
			depth++;
		else if (*c == ')' || *c == ']')
			depth--;
		else if (*c == ',' && depth == 0)
			break;
	}
	return c;
}

// An expression that is no plain function call needs parentheses in CREATE INDEX; they are always given.
static void add_expression(struct buf *buf, const char **exprs)
{
	const char *end = next_expression(*exprs);
	buf_addc(buf, '(');
	buf_add(buf, *exprs, (size_t)(end - *exprs));
	buf_addc(buf, ')');
	*exprs = *end == ',' ? end + 1 + strspn(end + 1, " ") : end;
}

struct key { int attnum, option; unsigned opclass, collation; const char *opclass_options; };

static void add_key(struct postgres_read *read, struct buf *buf, const struct pg_relation *table, const struct key *key, unsigned method)
{
	const struct pg_column *column = key->attnum > 0 && (size_t)key->attnum <= table->n_columns ? &table->columns[key->attnum - 1] : NULL;
	const char *collation = key->collation == 0 || (column != NULL && column->collation == key->collation) || key->collation == 100
	                        ? NULL : read_collation(read, key->collation);
	// a column of another collation than the default, indexed by the default one
	if (key->collation == 100 && column != NULL && column->collation != 0)
		collation = "\"default\"";
	if (collation != NULL)
		buf_addf(buf, " COLLATE %s", collation);
	const char *opclass = read_opclass(read, key->opclass, method, column == NULL ? 0 : column->type_oid);
	if (opclass == NULL && key->opclass_options != NULL) // they can only follow a name
		opclass = read_opclass_name(read, key->opclass);
	if (opclass != NULL)
		buf_addf(buf, " %s", opclass);
	if (key->opclass_options != NULL) {
		buf_addc(buf, ' ');
		ddl_options(buf, key->opclass_options, "");
	}
	bool descending = key->option & 1, nulls_first = key->option & 2;
	buf_adds(buf, descending ? " DESC" : "");
	buf_adds(buf, descending == nulls_first ? "" : nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

static const char *state_text(struct postgres_read *read, const char *flags, bool with_invalid)
{
	auto_buf state = BUF_INIT;
	if (with_invalid && (flags[F_VALID] != 't' || flags[F_READY] != 't'))
		buf_adds(&state, "INVALID");
	if (flags[F_REPLICA] == 't')
		buf_addf(&state, "%sREPLICA IDENTITY", state.length > 0 ? ", " : "");
	if (flags[F_CLUSTERED] == 't')
		buf_addf(&state, "%sCLUSTER ON", state.length > 0 ? ", " : "");
	return state.length == 0 ? NULL : read_intern(read, state.data);
}

// What pg_attribute says of an index's columns, kept until the index itself comes: parameters of operator classes (13 and
// later) and statistics targets set by ALTER INDEX. Of most indexes nothing. The kind column hands it over.
struct index_column {
	int number;
	const char *opclass_options, *statistics;
	struct index_column *next;
};

void index_take_column(struct postgres_read *read, unsigned oid, int number, const char *options, const char *statistics)
{
	struct index_column *column = arena_alloc(read->arena, sizeof *column), *first = read_kept(read, oid), **at = &first;
	while (*at != NULL && (*at)->number < number)
		at = &(*at)->next;
	*column = (struct index_column){ number, options, statistics, *at };
	*at = column;
	read_keep(read, oid, first);
}

static const char *opclass_options(const struct index_column *columns, int number)
{
	while (columns != NULL && columns->number != number)
		columns = columns->next;
	return columns == NULL ? NULL : columns->opclass_options;
}

static const char *statistics_text(struct postgres_read *read, const struct index_column *columns)
{
	auto_buf text = BUF_INIT;
	for (; columns != NULL; columns = columns->next) {
		if (columns->statistics != NULL)
			buf_addf(&text, "%s%d %s", text.length > 0 ? ", " : "", columns->number, columns->statistics);
	}
	return text.length == 0 ? NULL : read_intern(read, text.data);
}

// An index whose expressions come in a later query: its keys are kept until then.
struct pending_index {
	const struct pg_relation *table;
	unsigned method;
	int n_keys;
	struct key keys[];
};

static const char *key_text(struct postgres_read *read, const struct pg_relation *table, unsigned method, const struct key *keys, int n,
                            const char *exprs)
{
	auto_buf text = BUF_INIT;
	for (int i = 0; i < n; i++) {
		buf_adds(&text, i > 0 ? ", " : "");
		const char *column = read_column(table, keys[i].attnum);
		if (column != NULL)
			sql_ident(&text, column);
		else
			add_expression(&text, &exprs);
		add_key(read, &text, table, &keys[i], method);
	}
	return read_intern(read, text.data);
}

static void index_row(struct postgres_read *read, struct row row)
{
	const struct pg_relation *table = read_relation(read, row_oid(row, 1));
	if (table == NULL || table->object == NULL)
		return;
	int attnums[COLUMNS_MAX], options[COLUMNS_MAX];
	int n = row_numbers(row, 6, attnums, COLUMNS_MAX), n_keys = (int)row_oid(row, 5);
	int collations[COLUMNS_MAX], opclasses[COLUMNS_MAX];
	row_numbers(row, 7, opclasses, COLUMNS_MAX);
	row_numbers(row, 8, collations, COLUMNS_MAX);
	row_numbers(row, 9, options, COLUMNS_MAX);

	auto_buf included = BUF_INIT;
	for (int i = n_keys; i < n; i++) {
		buf_adds(&included, i > n_keys ? ", " : "");
		const char *column = read_column(table, attnums[i]);
		sql_ident(&included, column == NULL ? "?" : column);
	}
	const char *include = included.length == 0 ? NULL : read_intern(read, included.data);
	const char *flags = row_text(row, 4);
	const char *nulls = flags[F_NULLS] == 't' ? "true" : NULL;
	const char *tablespace = read_tablespace(read, row_oid(row, 10)), *storage = row_list(read, row, 11);

	struct object *constraint = read_index_constraint(read, row_oid(row, 0));
	if (constraint != NULL) {
		constraint_take_index(constraint, nulls, include, storage, tablespace, state_text(read, flags, true));
		return;
	}
	if (row_flag(row, 14)) // behind a constraint that is left out
		return;
	struct object *index = read_add_child(read, &kind_index, table->object, row_copy(read, row, 2));
	read_remember(read, PG_CLASS, row_oid(row, 0), index);
	unsigned method = row_oid(row, 3);
	const char **values = index->values;
	values[METHOD] = read_access_method(read, method);
	values[UNIQUE] = flags[F_UNIQUE] == 't' ? "true" : NULL;
	values[NULLS_NOT_DISTINCT] = nulls;
	values[INCLUDE] = include;
	values[PREDICATE] = row_flag(row, 13) ? VALUE_UNREAD : NULL;
	values[OPTIONS] = storage;
	values[TABLESPACE] = tablespace;
	values[INVALID] = flags[F_VALID] == 't' && flags[F_READY] == 't' ? NULL : "true";
	values[STATE] = state_text(read, flags, false);

	const struct index_column *columns = read_kept(read, row_oid(row, 0));
	values[STATISTICS] = statistics_text(read, columns);
	struct key keys[COLUMNS_MAX];
	for (int i = 0; i < n_keys; i++)
		keys[i] = (struct key){ attnums[i], options[i], (unsigned)opclasses[i], (unsigned)collations[i], opclass_options(columns, i + 1) };
	if (!row_flag(row, 12)) {
		values[COLUMNS] = key_text(read, table, method, keys, n_keys, NULL);
		return;
	}
	values[COLUMNS] = VALUE_UNREAD;
	struct pending_index *pending = arena_alloc(read->arena, sizeof *pending + (size_t)n_keys * sizeof *keys);
	*pending = (struct pending_index){ table, method, n_keys };
	memcpy(pending->keys, keys, (size_t)n_keys * sizeof *keys);
	read_keep(read, row_oid(row, 0), pending);
}

static void expression_row(struct postgres_read *read, struct row row)
{
	struct object *index = read_object(read, PG_CLASS, row_oid(row, 0));
	if (index == NULL || index->kind != &kind_index)
		return;
	const struct pending_index *pending = read_kept(read, row_oid(row, 0));
	if (pending != NULL && row_text(row, 1) != NULL)
		index->values[COLUMNS] = key_text(read, pending->table, pending->method, pending->keys, pending->n_keys, row_text(row, 1));
	if (index->values[PREDICATE] == VALUE_UNREAD && row_text(row, 2) != NULL)
		index->values[PREDICATE] = row_copy(read, row, 2);
}

#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

static const struct pg_query queries[] = {
	{ "indexes",
	  "select x.indexrelid, x.indrelid, i.relname, i.relam, concat(x.indisunique, x.indisvalid, x.indisready, x.indisreplident, "
	  "x.indisclustered, @15{x.indnullsnotdistinct}{false}), x.indnkeyatts, x.indkey, x.indclass, x.indcollation, x.indoption, "
	  "i.reltablespace, i.reloptions, x.indexprs is not null, x.indpred is not null, x.indisprimary or x.indisexclusion "
	  "from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace "
	  "where not i.relispartition and " USER_SCHEMA,
	  .row = index_row },
	{ "index expressions and predicates",
	  "select x.indexrelid as oid, pg_get_expr(x.indexprs, x.indrelid) as exprs, pg_get_expr(x.indpred, x.indrelid) as pred "
	  "from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace "
	  "where (x.indexprs is not null or x.indpred is not null) and not i.relispartition and " USER_SCHEMA,
	  .deparse = true, .row = expression_row },
	{ NULL },
};

static void sqlite_index(struct sqlite_read *read, const struct sqlite_item *item)
{
	if (item->type != SQLITE_ITEM_INDEX)
		return;
	struct object *index = snapshot_add(read->snapshot, &kind_index, (const char *[]){ item->table, item->name }, 2);
	index->values[UNIQUE] = item->unique ? "true" : NULL;
	index->values[COLUMNS] = item->parts;
	index->values[PREDICATE] = item->predicate;
}

static bool is_partitioned(const struct snapshot *in, const struct object *index)
{
	const struct object *table = snapshot_parent(in, index);
	int key = table == NULL ? -1 : kind_attr(table->kind, "partition_key");
	return key >= 0 && table->values[key] != NULL;
}

static void create_index(struct buf *sql, const struct snapshot *in, const struct object *index, const char *name,
                         bool concurrently)
{
	const char *const *values = index->values;
	buf_addf(sql, "CREATE %sINDEX %s", values[UNIQUE] != NULL ? "UNIQUE " : "", concurrently ? "CONCURRENTLY " : "");
	sql_ident(sql, name);
	buf_adds(sql, " ON ");
	ddl_parent_name(sql, index);
	if (values[METHOD] != NULL && in->engine == ENGINE_POSTGRESQL && strcmp(values[METHOD], "btree") != 0) {
		buf_adds(sql, " USING ");
		sql_ident(sql, values[METHOD]);
	}
	buf_addf(sql, " (%s)", values[COLUMNS]);
	if (values[INCLUDE] != NULL)
		buf_addf(sql, " INCLUDE (%s)", values[INCLUDE]);
	if (values[NULLS_NOT_DISTINCT] != NULL)
		buf_adds(sql, " NULLS NOT DISTINCT");
	if (values[OPTIONS] != NULL) {
		buf_adds(sql, " WITH ");
		ddl_options(sql, values[OPTIONS], "");
	}
	if (values[TABLESPACE] != NULL) {
		buf_adds(sql, " TABLESPACE ");
		sql_ident(sql, values[TABLESPACE]);
	}
	if (values[PREDICATE] != NULL)
		buf_addf(sql, " WHERE %s", values[PREDICATE]);
	buf_adds(sql, ";\n");
}

static const char *own_name(const struct object *index)
{
	return index->path[index->n_path - 1];
}

// The target that a list like "1 500, 3 100" has for a column; NULL: none.
static const char *target_of(const char *const *list, size_t n, const char *number, size_t length)
{
	for (size_t i = 0; i < n; i++) {
		if (strcspn(list[i], " ") == length && strncmp(list[i], number, length) == 0)
			return list[i] + length + 1;
	}
	return NULL;
}

static void set_statistics(struct buf *sql, const struct object *index, const char *from, const char *to)
{
	auto_arena arena = arena_new();
	size_t n[2];
	const char **lists[] = { ddl_list(arena, from, &n[0]), ddl_list(arena, to, &n[1]) };
	auto_buf name = BUF_INIT;
	ddl_schema_name(&name, index, own_name(index));
	for (int side = 0; side < 2; side++) { // what goes, then what is new
		for (size_t i = 0; i < n[side]; i++) {
			size_t length = strcspn(lists[side][i], " ");
			const char *other = target_of(lists[1 - side], n[1 - side], lists[side][i], length);
			if (side == 0 ? other != NULL : ddl_same(other, lists[side][i] + length + 1))
				continue;
			buf_addf(sql, "ALTER INDEX %s ALTER COLUMN %.*s SET STATISTICS %s;\n", name.data, (int)length, lists[side][i],
			         side == 0 ? "-1" : lists[side][i] + length + 1);
		}
	}
}

static void comment_on_index(struct buf *sql, const struct object *index)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "INDEX ");
	ddl_schema_name(&identity, index, own_name(index));
	uint32_t changed = 1u << ATTR_COMMENT;
	ddl_common(sql, identity.data, NULL, index, &changed);
}

static bool make(struct buf *sql, const struct snapshot *in, const struct object *index, bool concurrently)
{
	if (ddl_has_unread(index, UINT32_MAX))
		return false;
	create_index(sql, in, index, own_name(index), concurrently && in->engine == ENGINE_POSTGRESQL && !is_partitioned(in, index));
	set_statistics(sql, index, NULL, index->values[STATISTICS]);
	ddl_index_state(sql, index, NULL, index->values[STATE]);
	if (index->values[ATTR_COMMENT] != NULL)
		comment_on_index(sql, index);
	return true;
}

static bool index_create(struct buf *sql, const struct snapshot *in, const struct object *index)
{
	return make(sql, in, index, false);
}

static bool index_create_online(struct buf *sql, const struct snapshot *in, const struct object *index)
{
	return make(sql, in, index, true);
}

static void drop_index(struct buf *sql, const struct object *index, bool concurrently)
{
	buf_adds(sql, concurrently ? "DROP INDEX CONCURRENTLY " : "DROP INDEX ");
	ddl_schema_name(sql, index, own_name(index));
	buf_adds(sql, ";\n");
}

static bool index_drop(struct buf *sql, const struct snapshot *in, const struct object *index)
{
	(void)in;
	drop_index(sql, index, false);
	return true;
}

static bool index_drop_online(struct buf *sql, const struct snapshot *in, const struct object *index)
{
	drop_index(sql, index, in->engine == ENGINE_POSTGRESQL && !is_partitioned(in, index));
	return true;
}

static bool index_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                        uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX) || (changed & 1u << INVALID && to->values[INVALID] != NULL)) // nobody wants that
		return false;
	if (in->engine == ENGINE_SQLITE)
		return index_drop(sql, in, from) && index_create(sql, in, to);
	auto_buf name = BUF_INIT, start = BUF_INIT;
	ddl_schema_name(&name, to, own_name(to));
	buf_addf(&start, "ALTER INDEX %s", name.data);
	bool concurrently = !is_partitioned(in, to);
	const uint32_t in_place = 1u << ATTR_COMMENT | 1u << OPTIONS | 1u << TABLESPACE | 1u << STATISTICS | 1u << STATE |
	                          1u << INVALID;
	if (changed & ~in_place) { // the new one is there before the old one goes
		auto_buf new = BUF_INIT, new_name = BUF_INIT;
		buf_addf(&new, "%.*s_new", 58, own_name(to));
		create_index(sql, in, to, new.data, concurrently);
		drop_index(sql, from, concurrently);
		ddl_schema_name(&new_name, to, new.data);
		buf_addf(sql, "ALTER INDEX %s RENAME TO ", new_name.data);
		sql_ident(sql, own_name(to));
		buf_adds(sql, ";\n");
		set_statistics(sql, to, NULL, to->values[STATISTICS]);
		ddl_index_state(sql, to, NULL, to->values[STATE]);
		if (to->values[ATTR_COMMENT] != NULL)
			comment_on_index(sql, to);
		return true;
	}
	if (changed & 1u << INVALID) // what a failed CREATE INDEX CONCURRENTLY left: written to, never read from
		buf_addf(sql, "REINDEX INDEX %s%s;\n", concurrently ? "CONCURRENTLY " : "", name.data);
	if (changed & 1u << OPTIONS)
		ddl_change_options(sql, start.data, from->values[OPTIONS], to->values[OPTIONS], "");
	if (changed & 1u << TABLESPACE)
		buf_addf(sql, "%s SET TABLESPACE %s;\n", start.data, to->values[TABLESPACE] == NULL ? "pg_default" : to->values[TABLESPACE]);
	if (changed & 1u << STATISTICS)
		set_statistics(sql, to, from->values[STATISTICS], to->values[STATISTICS]);
	if (changed & 1u << STATE)
		ddl_index_state(sql, to, from->values[STATE], to->values[STATE]);
	if (changed & 1u << ATTR_COMMENT)
		comment_on_index(sql, to);
	return sql->length > 0;
}

const struct kind kind_index = {
	.name = "index", .sql = "INDEX", .summary = "an index that is not a constraint's", .engines = ENGINE_POSTGRESQL | ENGINE_SQLITE,
	.child = true, KIND_ATTRS(attrs), .queries = queries,
	.sqlite_read = sqlite_index,
	.dated = "select i.xmin from " DATED_RELATION "join pg_index i on i.indrelid = c.oid join pg_class r on r.oid = i.indexrelid "
	         "and r.relname = w.path[3] union all select r.xmin from " DATED_SCHEMA("pg_class", "r", "rel")
	         "and r.relname = w.path[3] and r.relkind in ('i', 'I')",
	.dated_elsewhere = 1u << STATISTICS, .dated_touched = true,
	.create = index_create, .create_online = index_create_online, .drop = index_drop, .drop_online = index_drop_online,
	.alter = index_alter,
};
