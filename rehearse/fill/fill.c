// SPDX-License-Identifier: PostgreSQL
// The course of filling a clone: see fill.h. The catalog is read once, all is decided before the first row is made, tables are loaded
// by several threads, the largest first; then come sequences, the foreign keys that are not true by construction, statistics of
// partitioned tables, and materialized views.
#include "rehearse/fill/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "rehearse/fill/plan.h"
#include "rehearse/progress.h"

enum { CONNECTIONS_MAX = 16, ORPHANS_REMOVED_PERCENT = 5 };

long long fill_estimate(const struct fill_request *request)
{
	if (request->statistics == NULL)
		return -1;
	double bytes = 0;
	for (size_t i = 0; i < request->statistics->n_tables; i++)
		bytes += (double)request->statistics->tables[i].bytes;
	return llround(bytes * request->scale);
}

enum { TUPLE_HEADER = 28, TEXT_WIDTH = 20, ENTRY_HEADER = 18 }; // bytes; the second: of a text or the like whose width nobody knows

// What the columns of a table take in a row, and those of its indexes.
static bool ask_widths(const struct plan *plan, const struct fill_table *table, double *row, double *entries, struct err *err)
{
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select coalesce(sum(case when a.attlen > 0 then a.attlen when a.atttypmod between 5 and %d then a.atttypmod / 2 else %d end) "
	         "filter (where a.attrelid = %u), 0), coalesce(sum(case when a.attlen > 0 then a.attlen else %d end) filter (where a.attrelid <> %u), 0) + "
	         "%d * (select count(*) from pg_catalog.pg_index i where i.indrelid = %u) from pg_catalog.pg_attribute a where a.attnum > 0 and not a.attisdropped "
	         "and (a.attrelid = %u or a.attrelid in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid = %u))",
	         2 * TEXT_WIDTH, TEXT_WIDTH, table->oid, TEXT_WIDTH, table->oid, ENTRY_HEADER, table->oid, table->oid, table->oid);
	auto_pgresult result = fill_ask(plan->conn, sql.data, err);
	if (result == NULL)
		return false;
	*row = TUPLE_HEADER + strtod(PQgetvalue(result, 0, 0), NULL);
	*entries = strtod(PQgetvalue(result, 0, 1), NULL);
	return true;
}

// Of the largest clone. Tables that the statistics lack have the same number of rows in every size, unless there are no statistics at all.
static bool expect(const struct plan *plan, struct err *err)
{
	const struct fill_request *request = plan->request;
	double whole = request->whole > 0 ? request->whole : 1, bytes = 0, row, entries;
	if (request->expect == NULL)
		return true;
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct fill_table *table = &plan->tables[i];
		if (!table->loads || table->kept)
			continue;
		if (table->kind == 'r' && table->statistics != NULL) {
			bytes += (double)table->statistics->bytes * request->scale * whole;
			continue;
		}
		if (!ask_widths(plan, table, &row, &entries, err))
			return false;
		bool grows = request->statistics == NULL || table->statistics != NULL;
		bytes += (row + entries * 1.1) * (double)table->n_rows * (grows ? whole : 1);
	}
	return request->expect(request->argument, llround(bytes), err);
}

static int by_weight(const void *a, const void *b)
{
	const struct fill_table *first = *(struct fill_table *const *)a, *second = *(struct fill_table *const *)b;
	if (first->weight != second->weight)
		return first->weight < second->weight ? 1 : -1;
	return first->oid < second->oid ? -1 : 1;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool load_all(struct plan *plan, struct err *err)
{
	size_t n = 0;
	struct fill_table **tables = arena_array(plan->arena, plan->n_tables + 1, sizeof *tables);
	for (size_t i = 0; i < plan->n_tables; i++) {
		if (plan->tables[i].loads && !plan->tables[i].kept)
			tables[n++] = &plan->tables[i];
	}
	qsort(tables, n, sizeof *tables, by_weight);
	if (plan->request->progress != NULL) {
		plan->request->progress->n_rows_all = 0;
		for (size_t i = 0; i < n; i++)
			plan->request->progress->n_rows_all += (long long)tables[i]->n_rows;
	}
	int n_loaders = plan->request->n_connections < 1 ? 1 : plan->request->n_connections;
	n_loaders = n_loaders > CONNECTIONS_MAX ? CONNECTIONS_MAX : n_loaders;
	atomic_size_t next = 0;
	atomic_bool stop = false;
	struct loader loaders[CONNECTIONS_MAX];
	for (int i = 0; i < n_loaders; i++) {
		struct loader *loader = &loaders[i];
		*loader = (struct loader){ .plan = plan, .arena = arena_new(), .tables = tables, .n_tables = n, .next = &next, .stop = &stop };
		loader->started = pthread_create(&loader->thread, NULL, loader_run, loader) == 0;
	}
	if (!loaders[0].started)
		loader_run(&loaders[0]);
	bool ok = true;
	for (int i = 0; i < n_loaders; i++) {
		struct loader *loader = &loaders[i];
		if (loader->started)
			pthread_join(loader->thread, NULL);
		for (size_t j = 0; j < loader->n_notes; j++)
			plan_note(plan, "%s", loader->notes[j]);
		if (ok && loader->err.code[0] != '\0') {
			*err = loader->err;
			ok = false;
		}
		arena_free(loader->arena);
	}
	if (plan->n_notes > 0) // which thread came first is chance
		qsort(plan->notes, plan->n_notes, sizeof *plan->notes, by_text);
	return ok;
}

// Rows whose parent is not there go if they are few; else the constraint stays, as one that has not been validated.
static bool look_at_fk(struct plan *plan, const struct fill_fk *fk, bool *removed, struct err *err)
{
	auto_buf where = BUF_INIT;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select pg_catalog.quote_ident(c.attname), pg_catalog.quote_ident(p.attname), k.confrelid::regclass from pg_catalog.pg_constraint k, "
	         "pg_catalog.unnest(k.conkey, k.confkey) u (c, p), pg_catalog.pg_attribute c, pg_catalog.pg_attribute p "
	         "where k.oid = %u and c.attrelid = k.conrelid and c.attnum = u.c and p.attrelid = k.confrelid and p.attnum = u.p", fk->oid);
	auto_pgresult columns = fill_ask(plan->conn, sql.data, err);
	if (columns == NULL)
		return false;
	for (int i = 0; i < PQntuples(columns); i++)
		buf_addf(&where, "c.%s is not null and ", PQgetvalue(columns, i, 0));
	buf_addf(&where, "not exists (select from %s p where true", PQgetvalue(columns, 0, 2));
	for (int i = 0; i < PQntuples(columns); i++)
		buf_addf(&where, " and p.%s = c.%s", PQgetvalue(columns, i, 1), PQgetvalue(columns, i, 0));
	buf_addc(&where, ')');
	buf_reset(&sql);
	buf_addf(&sql, "select count(*) from %s c where %s", fk->table->sql, where.data);
	auto_pgresult count = fill_ask(plan->conn, sql.data, err);
	if (count == NULL)
		return false;
	uint64_t n = strtoull(PQgetvalue(count, 0, 0), NULL, 10);
	if (n == 0)
		return true;
	*removed = n * 100 <= fk->table->n_rows * ORPHANS_REMOVED_PERCENT;
	buf_reset(&sql);
	if (*removed) {
		plan_note(plan, "%llu rows of %s are left out: %s does not allow them", (unsigned long long)n, fk->table->sql, fk->name);
		fk->table->n_removed += n;
		buf_addf(&sql, "delete from %s c where %s", fk->table->sql, where.data);
	} else {
		plan_note(plan, "foreign key %s of %s is not valid in the clone: %llu of its rows have no parent", fk->name, fk->table->sql,
		          (unsigned long long)n);
		buf_addf(&sql, "update pg_catalog.pg_constraint set convalidated = false where oid = %u", fk->oid);
	}
	auto_pgresult done = fill_ask(plan->conn, sql.data, err);
	return done != NULL;
}

// A table that lost rows makes the keys doubtful that refer to it; so it goes on until none does.
static bool look_at_fks(struct plan *plan, struct err *err)
{
	bool *looked = arena_array(plan->arena, plan->n_fks + 1, sizeof *looked);
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < plan->n_fks; i++) {
			struct fill_fk *fk = &plan->fks[i];
			const struct fill_table *named = plan_table(plan, fk->parent_oid);
			bool lost = named != NULL && (named->n_removed > 0 || (fk->parent != NULL && fk->parent->n_removed > 0));
			if ((!fk->doubtful && !lost) || looked[i] || fk->table->n_rows == 0)
				continue;
			bool removed = false;
			looked[i] = true;
			if (!look_at_fk(plan, fk, &removed, err))
				return false;
			for (size_t j = 0; j < plan->n_fks && removed; j++) {
				if (plan->fks[j].parent == fk->table)
					looked[j] = false;
			}
			again |= removed;
		}
	}
	return true;
}

static bool set_sequences(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_sequences; i++) {
		const struct fill_sequence *sequence = &plan->sequences[i];
		auto_buf sql = BUF_INIT;
		buf_addf(&sql, "select pg_catalog.setval(");
		sql_literal(&sql, sequence->sequence);
		buf_addf(&sql, "::regclass, greatest(m, (select last_value from %s))) from (select max(%s) as m from %s) x where m > 0",
		         sequence->sequence, sequence->column, sequence->table->sql);
		struct err ignored;
		auto_pgresult result = fill_ask(plan->conn, sql.data, &ignored);
		if (result == NULL && PQstatus(plan->conn) != CONNECTION_OK)
			return err_set(err, "fill", sequence->table->sql, NULL, "%s", ignored.text);
		if (result == NULL)
			plan_note(plan, "sequence %s stays behind the values of %s.%s: %.200s", sequence->sequence, sequence->table->sql, sequence->column,
			          ignored.text);
	}
	return true;
}

static bool gather_statistics(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct fill_table *table = &plan->tables[i];
		bool first = table->kind == 'p' && table->parent_oid == 0;
		if (!first && (table->n_removed == 0 || table->rooted) && !table->kept)
			continue;
		auto_pgresult result = fill_ask(plan->conn, arena_printf(plan->arena, "analyze %s", table->sql), err);
		if (result == NULL)
			return false;
	}
	return true;
}

// Those that the environment has filled; they may read each other, and were made in that order.
static bool refresh_views(struct plan *plan, struct err *err)
{
	auto_pgresult views = fill_ask(plan->conn, "select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n "
	                               "on n.oid = c.relnamespace where c.relkind = 'm' and c.relispopulated order by c.oid", err);
	for (int i = 0; views != NULL && i < PQntuples(views); i++) {
		const char *parts[] = { PQgetvalue(views, i, 0), PQgetvalue(views, i, 1) }, *name = sql_name_copy(plan->arena, parts, 2);
		const struct statistics *statistics = plan->request->statistics;
		const struct table_statistics *of = statistics == NULL ? NULL : statistics_find(statistics, parts[0], parts[1]);
		bool filled = of == NULL || of->populated;
		progress_build(plan->request->progress, "view", name);
		const char *sql = arena_printf(plan->arena, filled ? "refresh materialized view %s; analyze %s" : "refresh materialized view %s with no data",
		                               name, name);
		auto_pgresult refreshed = PQexec(plan->conn, sql);
		if (PQstatus(plan->conn) != CONNECTION_OK)
			return err_set(err, "fill", name, NULL, "%s", PQerrorMessage(plan->conn));
		if (PQresultStatus(refreshed) == PGRES_FATAL_ERROR)
			plan_note(plan, "materialized view %s is empty in the clone: %s", name, PQresultErrorField(refreshed, PG_DIAG_MESSAGE_PRIMARY));
	}
	return views != NULL;
}

enum { TOAST_LEAST_BYTES = 1 << 20 };

// The statistics count a value that is stored out of line as a pointer of 18 bytes, and so it becomes a short one.
static bool look_at_toast(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct fill_table *table = &plan->tables[i];
		long long wanted = table->statistics == NULL ? 0 : (long long)((double)table->statistics->toast_bytes * plan->request->scale);
		if (wanted < TOAST_LEAST_BYTES || table->kept)
			continue;
		auto_pgresult size = fill_ask(plan->conn, arena_printf(plan->arena, "select pg_catalog.pg_relation_size(reltoastrelid) from "
		                              "pg_catalog.pg_class where oid = %u", table->oid), err);
		if (size == NULL)
			return false;
		if (strtoll(PQgetvalue(size, 0, 0), NULL, 10) < wanted / 2)
			plan_note(plan, "long values of %s, %lld MB stored out of line (TOAST), are short ones in the clone: what copies or reads them takes "
			          "longer in the environment", table->sql, wanted >> 20);
	}
	return true;
}

static bool report(struct plan *plan, struct clone_table **tables, size_t *n_tables, struct err *err)
{
	*tables = arena_array(plan->arena, plan->n_tables + 1, sizeof **tables);
	*n_tables = 0;
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct fill_table *table = &plan->tables[i];
		if (table->kind != 'r')
			continue;
		auto_pgresult result = fill_ask(plan->conn, arena_printf(plan->arena, "select pg_catalog.pg_total_relation_size(oid), reltuples "
		                                "from pg_catalog.pg_class where oid = %u", table->oid), err);
		if (result == NULL)
			return false;
		double estimate = strtod(PQgetvalue(result, 0, 1), NULL);
		(*tables)[(*n_tables)++] = (struct clone_table){
			.name = table->sql, .bytes = strtoll(PQgetvalue(result, 0, 0), NULL, 10), .rows_of_env = table->rows_of_env,
			.rows = table->loads ? (long long)(table->n_rows - table->n_removed) : estimate > 0 ? llround(estimate) : 0,
			.rests_on = table->rests_on,
		};
	}
	return true;
}

bool fill(struct arena *arena, const struct fill_request *request, struct clone_table **tables, size_t *n_tables,
          const char ***notes, size_t *n_notes, struct err *err)
{
	auto_pgconn conn = fill_connect(request->conninfo, err);
	if (conn == NULL)
		return false;
	struct plan plan = { .arena = arena, .request = request, .conn = conn };
	bool ok = fill_catalog(&plan, err) && fill_decide(&plan, err) && expect(&plan, err) && load_all(&plan, err) && look_at_fks(&plan, err) &&
	          set_sequences(&plan, err) && gather_statistics(&plan, err) && refresh_views(&plan, err) && look_at_toast(&plan, err) &&
	          report(&plan, tables, n_tables, err);
	*notes = plan.notes;
	*n_notes = plan.n_notes;
	return ok;
}
