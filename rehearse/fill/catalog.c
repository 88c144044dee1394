// SPDX-License-Identifier: PostgreSQL
// What a clone has: its tables, columns, keys and CHECKs, in a handful of queries. What belongs to extensions is left alone.
// Source: the manual, "System Catalogs".
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "rehearse/fill/plan.h"
#include "rehearse/sequence.h"

// The tables that are filled, as a subquery that the others join.
#define TABLES                                                                                                                  \
	"(select c.* from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "                      \
	"where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' " \
	"and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid "  \
	"and d.deptype = 'e'))"

static const char tables_sql[] =
	"select t.oid, n.nspname, t.relname, t.relkind, case when t.relispartition then i.inhparent else 0 end, "
	"case when t.relispartition then pg_catalog.pg_get_partition_constraintdef(t.oid) end, p.partstrat "
	"from " TABLES " t join pg_catalog.pg_namespace n on n.oid = t.relnamespace "
	"left join pg_catalog.pg_inherits i on i.inhrelid = t.oid and t.relispartition "
	"left join pg_catalog.pg_partitioned_table p on p.partrelid = t.oid order by t.oid";

// Domains are followed to the type beneath them.
static const char columns_sql[] =
	"select a.attrelid, a.attnum, a.attname, b.oid, b.typmod, pg_catalog.format_type(a.atttypid, a.atttypmod), "
	"t.typname, t.typtype, coalesce(e.typname, re.typname), coalesce(e.oid, re.oid, 0), a.attnotnull or b.not_null, a.attgenerated <> '', pg_catalog.format_type(b.oid, b.typmod) "
	"from " TABLES " c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
	"cross join lateral (with recursive d as (select a.atttypid as oid, a.atttypmod as typmod, false as not_null union all "
	"select t.typbasetype, case when t.typtypmod <> -1 then t.typtypmod else d.typmod end, d.not_null or t.typnotnull "
	"from d join pg_catalog.pg_type t on t.oid = d.oid where t.typtype = 'd') select * from d) b "
	"join pg_catalog.pg_type t on t.oid = b.oid and t.typtype <> 'd' "
	"left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid "
	"left join pg_catalog.pg_range r on r.rngtypid = t.oid left join pg_catalog.pg_type re on re.oid = r.rngsubtype "
	"order by a.attrelid, a.attnum";

static const char domain_checks_sql[] =
	"select a.attrelid, a.attnum, pg_catalog.pg_get_expr(k.conbin, 0) "
	"from " TABLES " c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
	"cross join lateral (with recursive d as (select a.atttypid as oid union all "
	"select t.typbasetype from d join pg_catalog.pg_type t on t.oid = d.oid where t.typtype = 'd') select * from d) b "
	"join pg_catalog.pg_constraint k on k.contypid = b.oid and k.contype = 'c' order by a.attrelid, a.attnum, k.conname";

// A foreign key to a partitioned table has a row of pg_constraint for each partition, beneath the one of its own.
static const char fks_sql[] =
	"select k.oid, k.conname, k.conrelid, k.confrelid, pg_catalog.array_to_string(k.conkey, ' '), pg_catalog.array_to_string(k.confkey, ' ') "
	"from pg_catalog.pg_constraint k join " TABLES " c on c.oid = k.conrelid where k.contype = 'f' and not exists "
	"(select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid) order by k.conrelid, k.conname";

// Columns of expressions are known by what the index depends on. An exclusion constraint is kept by what a key of its columns is.
static const char uniques_sql[] =
	"select i.indrelid, pg_catalog.array_to_string(array(select x from pg_catalog.unnest(i.indkey) with ordinality u (x, n) where n <= i.indnkeyatts "
	"and x <> 0), ' ') || case when i.indexprs is not null then ' ' || pg_catalog.array_to_string(array(select distinct d.refobjsubid "
	"from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid and d.refobjid = i.indrelid "
	"and d.refobjsubid > 0 and d.refobjsubid <> all (i.indkey)), ' ') else '' end, i.indexrelid::regclass, "
	"i.indexprs is null and i.indpred is null and not i.indisexclusion, i.indisprimary, i.indexrelid "
	"from pg_catalog.pg_index i join " TABLES " c on c.oid = i.indrelid where i.indisunique or i.indisexclusion "
	"order by i.indrelid, i.indisprimary desc, i.indnkeyatts, i.indexrelid";

static const char checks_sql[] =
	"select k.conrelid, k.oid, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid) "
	"from pg_catalog.pg_constraint k join " TABLES " c on c.oid = k.conrelid where k.contype = 'c' and k.convalidated "
	"order by k.conrelid, k.conname";

static const char sequences_sql[] =
	"select d.refobjid, pg_catalog.quote_ident(a.attname), d.objid::regclass from pg_catalog.pg_depend d "
	"join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S' join " TABLES " c on c.oid = d.refobjid "
	"join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid "
	"where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') "
	"union select a.attrelid, pg_catalog.quote_ident(a.attname), d.refobjid::regclass from pg_catalog.pg_depend d "
	"join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S' join pg_catalog.pg_attrdef f on f.oid = d.objid "
	"join " TABLES " c on c.oid = f.adrelid join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum "
	"where d.classid = 'pg_catalog.pg_attrdef'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass order by 1, 2";

PGresult *fill_ask(PGconn *conn, const char *sql, struct err *err)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_IN)
		return result;
	err_set(err, "fill", NULL, NULL, "filling the clone: %s(%.300s)", PQerrorMessage(conn), sql);
	PQclear(result);
	return NULL;
}

void plan_note(struct plan *plan, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	plan->notes = arena_grow(plan->arena, plan->notes, plan->n_notes, &plan->notes_capacity, sizeof *plan->notes);
	plan->notes[plan->n_notes++] = arena_vprintf(plan->arena, format, arguments);
	va_end(arguments);
}

static unsigned oid_at(const PGresult *result, int row, int column)
{
	return (unsigned)strtoul(PQgetvalue(result, row, column), NULL, 10);
}

static bool true_at(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column)[0] == 't';
}

static const char *text_at(const struct plan *plan, const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : arena_strdup(plan->arena, PQgetvalue(result, row, column));
}

struct fill_table *plan_table(const struct plan *plan, unsigned oid)
{
	size_t low = 0, high = plan->n_tables;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (plan->tables[middle].oid == oid)
			return &plan->tables[middle];
		if (plan->tables[middle].oid < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct fill_column *table_column(const struct fill_table *table, int number)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (table->columns[i].number == number)
			return &table->columns[i];
	}
	return NULL;
}

// Columns by their numbers, as array_to_string gives them.
static struct fill_column **columns_of(const struct plan *plan, const struct fill_table *table, const char *numbers, size_t *n)
{
	struct fill_column **columns = arena_array(plan->arena, strlen(numbers) + 1, sizeof *columns);
	*n = 0;
	for (char *end; *numbers != '\0'; numbers = end) {
		long number = strtol(numbers, &end, 10);
		if (end == numbers)
			break;
		struct fill_column *column = table_column(table, (int)number);
		if (column != NULL)
			columns[(*n)++] = column;
	}
	return columns;
}

static void take_columns(struct plan *plan, const PGresult *result)
{
	int n = PQntuples(result);
	struct fill_column *columns = arena_array(plan->arena, (size_t)n, sizeof *columns);
	for (int i = 0; i < n; i++) {
		struct fill_table *table = plan_table(plan, oid_at(result, i, 0));
		if (table == NULL)
			continue;
		struct fill_column *column = &columns[i];
		table->columns = table->columns == NULL ? column : table->columns;
		table->n_columns++;
		*column = (struct fill_column){
			.number = atoi(PQgetvalue(result, i, 1)), .name = text_at(plan, result, i, 2), .type_oid = oid_at(result, i, 3),
			.typmod = atoi(PQgetvalue(result, i, 4)), .type_sql = text_at(plan, result, i, 5), .type_name = text_at(plan, result, i, 6),
			.type_kind = PQgetvalue(result, i, 7)[0], .element_name = text_at(plan, result, i, 8), .element_oid = oid_at(result, i, 9),
			.not_null = true_at(result, i, 10), .generated = true_at(result, i, 11), .base_sql = text_at(plan, result, i, 12),
			.seed = mixed((uint64_t)i),
		};
		const struct table_statistics *statistics = table->statistics;
		for (size_t j = 0; statistics != NULL && statistics->full && j < statistics->n_columns; j++) {
			if (strcmp(statistics->columns[j].name, column->name) == 0)
				column->statistics = &statistics->columns[j];
		}
	}
}

static void take_tables(struct plan *plan, const PGresult *result)
{
	plan->n_tables = (size_t)PQntuples(result);
	plan->tables = arena_array(plan->arena, plan->n_tables + 1, sizeof *plan->tables);
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct fill_table *table = &plan->tables[i];
		int row = (int)i;
		const char *parts[] = { text_at(plan, result, row, 1), text_at(plan, result, row, 2) };
		*table = (struct fill_table){ .oid = oid_at(result, row, 0), .schema = parts[0], .name = parts[1], .kind = PQgetvalue(result, row, 3)[0],
		                              .parent_oid = oid_at(result, row, 4), .sql = sql_name_copy(plan->arena, parts, 2) };
		if (plan->request->statistics != NULL)
			table->statistics = statistics_find(plan->request->statistics, table->schema, table->name);
		table->loads = table->kind == 'r';
		table->rooted = table->parent_oid != 0;
	}
	for (size_t i = 0; i < plan->n_tables; i++) { // rows of a table that is partitioned by hash find their partition themselves
		struct fill_table *table = &plan->tables[i];
		for (struct fill_table *parent = table; parent->parent_oid != 0;) {
			parent = plan_table(plan, parent->parent_oid);
			if (parent == NULL)
				break;
			if (PQgetvalue(result, (int)(parent - plan->tables), 6)[0] == 'h') {
				table->loads = false;
				parent->loads = true;
			}
		}
	}
}

// Whether a row that was read ahead is there today: its OID is in that column of today's rows.
static bool is_of_today(const PGresult *today, const PGresult *result, int row, int column)
{
	for (int i = 0; today != NULL && i < PQntuples(today); i++) {
		if (strcmp(PQgetvalue(today, i, column), PQgetvalue(result, row, column)) == 0)
			return true;
	}
	return false;
}

static void take_checks(struct plan *plan, const PGresult *checks, const PGresult *today)
{
	struct fill_check *all = arena_array(plan->arena, plan->n_checks + (size_t)PQntuples(checks) + 1, sizeof *all);
	for (size_t i = 0; i < plan->n_checks; i++)
		all[i] = plan->checks[i];
	plan->checks = all;
	for (int i = 0; i < PQntuples(checks); i++) {
		struct fill_table *table = plan_table(plan, oid_at(checks, i, 0));
		if (table == NULL || is_of_today(today, checks, i, 1))
			continue;
		struct fill_check *check = &plan->checks[plan->n_checks++];
		*check = (struct fill_check){ table, text_at(plan, checks, i, 2), text_at(plan, checks, i, 3), oid_at(checks, i, 1), today != NULL };
		fill_check_read(plan->arena, table, NULL, check->expression);
		for (size_t j = 0; j < table->n_columns; j++)
			table->columns[j].checked |= strstr(check->expression, table->columns[j].name) != NULL;
	}
}

static void take_limits(struct plan *plan, const PGresult *tables, const PGresult *domain_checks)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		if (plan->tables[i].loads && !PQgetisnull(tables, (int)i, 5))
			fill_check_read(plan->arena, &plan->tables[i], NULL, PQgetvalue(tables, (int)i, 5));
	}
	for (int i = 0; i < PQntuples(domain_checks); i++) {
		struct fill_table *table = plan_table(plan, oid_at(domain_checks, i, 0));
		struct fill_column *column = table == NULL ? NULL : table_column(table, atoi(PQgetvalue(domain_checks, i, 1)));
		if (column == NULL)
			continue;
		column->checked = true;
		fill_check_read(plan->arena, table, column, PQgetvalue(domain_checks, i, 2));
	}
}

// A key of columns that are not there today (or not all of them) says nothing of today's rows.
static bool has_columns(const char *numbers, size_t n)
{
	size_t n_numbers = *numbers != '\0';
	for (; *numbers != '\0'; numbers++)
		n_numbers += *numbers == ' ';
	return n == n_numbers;
}

static void take_fks(struct plan *plan, const PGresult *fks, const PGresult *today)
{
	struct fill_fk *all = arena_array(plan->arena, plan->n_fks + (size_t)PQntuples(fks) + 1, sizeof *all);
	for (size_t i = 0; i < plan->n_fks; i++)
		all[i] = plan->fks[i];
	plan->fks = all;
	for (int i = 0; i < PQntuples(fks); i++) {
		struct fill_fk fk = { .oid = oid_at(fks, i, 0), .name = text_at(plan, fks, i, 1), .table = plan_table(plan, oid_at(fks, i, 2)),
		                      .parent_oid = oid_at(fks, i, 3) };
		fk.parent = plan_table(plan, fk.parent_oid);
		if (fk.table == NULL || fk.parent == NULL || !fk.table->loads || is_of_today(today, fks, i, 0))
			continue;
		size_t n_parent;
		fk.columns = columns_of(plan, fk.table, PQgetvalue(fks, i, 4), &fk.n_columns);
		fk.parent_columns = columns_of(plan, fk.parent, PQgetvalue(fks, i, 5), &n_parent);
		if (has_columns(PQgetvalue(fks, i, 4), fk.n_columns) && has_columns(PQgetvalue(fks, i, 5), n_parent))
			plan->fks[plan->n_fks++] = fk;
	}
}

static void take_uniques(struct plan *plan, const PGresult *uniques, const PGresult *today)
{
	struct fill_unique *all = arena_array(plan->arena, plan->n_uniques + (size_t)PQntuples(uniques) + 1, sizeof *all);
	for (size_t i = 0; i < plan->n_uniques; i++)
		all[i] = plan->uniques[i];
	plan->uniques = all;
	for (int i = 0; i < PQntuples(uniques); i++) {
		struct fill_unique unique = { .table = plan_table(plan, oid_at(uniques, i, 0)), .index = text_at(plan, uniques, i, 2),
		                              .plain = true_at(uniques, i, 3), .ahead = today != NULL };
		if (unique.table == NULL || is_of_today(today, uniques, i, 5))
			continue;
		unique.columns = columns_of(plan, unique.table, PQgetvalue(uniques, i, 1), &unique.n_columns);
		if (!unique.ahead || (unique.plain && has_columns(PQgetvalue(uniques, i, 1), unique.n_columns)))
			plan->uniques[plan->n_uniques++] = unique;
	}
}

static void take_sequences(struct plan *plan, const PGresult *result)
{
	plan->sequences = arena_array(plan->arena, (size_t)PQntuples(result) + 1, sizeof *plan->sequences);
	for (int i = 0; i < PQntuples(result); i++) {
		const struct fill_table *table = plan_table(plan, oid_at(result, i, 0));
		if (table != NULL)
			plan->sequences[plan->n_sequences++] = (struct fill_sequence){ table, text_at(plan, result, i, 1), text_at(plan, result, i, 2) };
	}
}

// What today's columns will have to satisfy. What cannot run in a transaction, or on empty tables, is passed over; CONCURRENTLY is
// left out, so that its unique indexes are seen.
static bool run_ahead(struct plan *plan, const char *sql, struct err *err)
{
	const char *word = strcasestr(sql, "concurrently");
	const char *plain = word == NULL ? sql : arena_printf(plan->arena, "%.*s%s", (int)(word - sql), sql, word + strlen("concurrently"));
	if (sequence_is_control(sql))
		return true;
	auto_pgresult savepoint = fill_ask(plan->conn, "savepoint ahead", err);
	if (savepoint == NULL)
		return false;
	auto_pgresult result = PQexec(plan->conn, plain);
	if (PQresultStatus(result) != PGRES_FATAL_ERROR && PQresultStatus(result) != PGRES_COPY_IN)
		return true;
	if (PQresultStatus(result) == PGRES_COPY_IN) {
		PQputCopyEnd(plan->conn, "no rows here");
		for (PGresult *rest; (rest = PQgetResult(plan->conn)) != NULL; PQclear(rest))
			;
	}
	auto_pgresult undone = fill_ask(plan->conn, "rollback to ahead", err);
	return undone != NULL;
}

static bool look_ahead(struct plan *plan, const PGresult *fks, const PGresult *uniques, const PGresult *checks, struct err *err)
{
	if (plan->request->ahead == NULL)
		return true;
	auto_pgresult begun = fill_ask(plan->conn, "begin; set local statement_timeout = '10s'; set local client_min_messages = error", err);
	bool ok = begun != NULL;
	for (const char *const *sql = plan->request->ahead; ok && *sql != NULL; sql++)
		ok = run_ahead(plan, *sql, err);
	auto_pgresult fks_ahead = !ok ? NULL : fill_ask(plan->conn, fks_sql, err);
	auto_pgresult uniques_ahead = fks_ahead == NULL ? NULL : fill_ask(plan->conn, uniques_sql, err);
	auto_pgresult checks_ahead = uniques_ahead == NULL ? NULL : fill_ask(plan->conn, checks_sql, err);
	if (checks_ahead == NULL)
		return false;
	take_fks(plan, fks_ahead, fks);
	take_uniques(plan, uniques_ahead, uniques);
	take_checks(plan, checks_ahead, checks);
	auto_pgresult undone = fill_ask(plan->conn, "rollback", err);
	return undone != NULL;
}

bool fill_catalog(struct plan *plan, struct err *err)
{
	auto_pgresult tables = fill_ask(plan->conn, tables_sql, err);
	auto_pgresult columns = tables == NULL ? NULL : fill_ask(plan->conn, columns_sql, err);
	auto_pgresult domain_checks = columns == NULL ? NULL : fill_ask(plan->conn, domain_checks_sql, err);
	auto_pgresult fks = domain_checks == NULL ? NULL : fill_ask(plan->conn, fks_sql, err);
	auto_pgresult uniques = fks == NULL ? NULL : fill_ask(plan->conn, uniques_sql, err);
	auto_pgresult checks = uniques == NULL ? NULL : fill_ask(plan->conn, checks_sql, err);
	auto_pgresult sequences = checks == NULL ? NULL : fill_ask(plan->conn, sequences_sql, err);
	if (sequences == NULL)
		return false;
	take_tables(plan, tables);
	take_columns(plan, columns);
	take_limits(plan, tables, domain_checks);
	take_checks(plan, checks, NULL);
	take_fks(plan, fks, NULL);
	take_uniques(plan, uniques, NULL);
	take_sequences(plan, sequences);
	return look_ahead(plan, fks, uniques, checks, err);
}
