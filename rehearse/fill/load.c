// SPDX-License-Identifier: PostgreSQL
// One table of a clone after the other, each in a transaction of its own: emptied, so that its rows can be frozen, filled by COPY, its
// indexes built. Nothing is dropped for that and nothing altered, so that definitions, comments and OIDs stay what they were: while
// rows come in, the catalog says that the table has no triggers and no CHECKs and that its indexes take no entries, which a
// superuser may do to a server that nobody else uses. CHECKs are looked at afterwards, in one scan.
// Sources: the manual, "Populating a Database"; ExecInsertIndexTuples, reindex_index of the server.
#include <endian.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "rehearse/fill/plan.h"
#include "rehearse/progress.h"

enum { CHUNK = 1 << 16, PROGRESS_ROWS = 1 << 17 };

PGconn *fill_connect(const char *conninfo, struct err *err)
{
	static const char settings[] =
		"set session_replication_role = replica; set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; "
		"set synchronous_commit = off; set client_min_messages = error; set maintenance_work_mem = '256MB'; set jit = off; "
		"set default_transaction_read_only = off; set row_security = off; set timezone = 'UTC'; set datestyle = iso; set intervalstyle = postgres";
	PGconn *conn = PQconnectdb(conninfo);
	PQsetNoticeReceiver(conn, pg_ignore_notice, NULL);
	auto_pgresult result = NULL;
	if (PQstatus(conn) != CONNECTION_OK)
		err_set(err, "fill", NULL, NULL, "connecting to the clone: %s", PQerrorMessage(conn));
	else
		result = fill_ask(conn, settings, err);
	if (result != NULL)
		return conn;
	PQfinish(conn);
	return NULL;
}

static void note(struct loader *loader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct loader *loader, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	loader->notes = arena_grow(loader->arena, loader->notes, loader->n_notes, &loader->notes_capacity, sizeof *loader->notes);
	loader->notes[loader->n_notes++] = arena_vprintf(loader->arena, format, arguments);
	va_end(arguments);
}

static bool run(PGconn *conn, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool run(PGconn *conn, struct err *err, const char *format, ...)
{
	auto_buf sql = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(&sql, format, arguments);
	va_end(arguments);
	auto_pgresult result = fill_ask(conn, sql.data, err);
	return result != NULL;
}

static void put_row(struct buf *out, const struct fill_table *table, struct fill_column *const *columns, uint16_t n_columns, uint64_t row)
{
	uint16_t n = htobe16(n_columns);
	uint32_t null = 0xffffffff;
	buf_add(out, &n, sizeof n);
	for (uint16_t i = 0; i < n_columns; i++) {
		const struct fill_column *column = columns[i], *root, *smaller;
		uint64_t value, other;
		if (!fill_cell(table, column, row, &root, &value)) {
			buf_add(out, &null, sizeof null);
			continue;
		}
		if (column->after != NULL && root == column && fill_cell(table, column->after, row, &smaller, &other) && smaller == column->after) {
			uint64_t least = value_from(column, value_number(smaller, other) + !column->limits.before_or_equal);
			value = value < least ? least : value;
		}
		value_put(out, column, root, value);
	}
}

static bool copy(struct loader *loader, PGconn *conn, struct fill_table *table, bool *refused)
{
	static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
	struct fill_column **columns = arena_array(loader->arena, table->n_columns + 1, sizeof *columns);
	uint16_t n = 0;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "copy %s (", table->sql);
	for (size_t i = 0; i < table->n_columns; i++) {
		if (table->columns[i].generated)
			continue;
		buf_adds(&sql, n > 0 ? ", " : "");
		sql_ident(&sql, table->columns[i].name);
		columns[n++] = &table->columns[i];
	}
	buf_addf(&sql, ") from stdin (format binary%s)", table->kind == 'r' ? ", freeze" : "");
	if (n == 0) {
		note(loader, "%s stays empty: it has no column to fill", table->sql);
		table->n_removed = table->n_rows;
		return true;
	}
	auto_pgresult begun = fill_ask(conn, sql.data, &loader->err);
	if (begun == NULL)
		return false;
	auto_buf out = BUF_INIT;
	buf_add(&out, head, sizeof head);
	bool ok = true;
	for (uint64_t row = 0; row < table->n_rows && ok; row++) {
		put_row(&out, table, columns, n, row);
		if (out.length >= CHUNK) {
			ok = PQputCopyData(conn, out.data, (int)out.length) == 1 && !atomic_load(loader->stop);
			buf_reset(&out);
		}
		if (row % PROGRESS_ROWS == PROGRESS_ROWS - 1)
			progress_rows(loader->plan->request->progress, PROGRESS_ROWS);
	}
	progress_rows(loader->plan->request->progress, (long long)(table->n_rows % PROGRESS_ROWS));
	buf_add(&out, "\377\377", 2);
	ok = ok && PQputCopyData(conn, out.data, (int)out.length) == 1;
	PQputCopyEnd(conn, ok ? NULL : "stopped");
	for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result)) {
		if (PQresultStatus(result) == PGRES_COMMAND_OK)
			continue;
		const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		*refused = state != NULL && (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0);
		ok = err_set(&loader->err, "fill", table->sql, NULL, "filling it: %s", PQresultErrorMessage(result));
	}
	return ok;
}

// What the server refuses (a domain, a partition's bounds) is left out: an empty table is better than no rehearsal.
static bool leave_empty(struct loader *loader, PGconn *conn, struct fill_table *table)
{
	note(loader, "%s stays empty: %.300s", table->sql, loader->err.text);
	loader->err = (struct err){ 0 };
	table->n_removed = table->n_rows;
	return run(conn, &loader->err, "rollback");
}

// Rows of which an index that cannot be built has another one go. (Of an exclusion constraint: all.)
static bool remove_equals(struct loader *loader, PGconn *conn, struct fill_table *table, const char *index)
{
	auto_buf sql = BUF_INIT;
	buf_addf(&sql,
	         "select i.indisexclusion, pg_catalog.string_agg('(' || pg_catalog.pg_get_indexdef(i.indexrelid, k, false) || ')', ', ' order by k), "
	         "pg_catalog.string_agg('(' || pg_catalog.pg_get_indexdef(i.indexrelid, k, false) || ') is not null', ' and ' order by k) || "
	         "coalesce(' and (' || pg_catalog.pg_get_expr(i.indpred, i.indrelid) || ')', ''), i.indrelid::regclass "
	         "from pg_catalog.pg_index i, pg_catalog.generate_series(1, i.indnkeyatts) k where i.indexrelid = %s "
	         "group by i.indexrelid, i.indisexclusion, i.indpred, i.indrelid", index);
	auto_pgresult keys = fill_ask(conn, sql.data, &loader->err);
	if (keys == NULL)
		return false;
	const char *relation = PQgetvalue(keys, 0, 3);
	buf_reset(&sql);
	if (PQgetvalue(keys, 0, 0)[0] == 't')
		buf_addf(&sql, "delete from %s", relation);
	else
		buf_addf(&sql, "delete from %s where ctid in (select c from (select ctid as c, pg_catalog.row_number() over (partition by %s) as n "
		         "from only %s where %s) x where n > 1)", relation, PQgetvalue(keys, 0, 1), relation, PQgetvalue(keys, 0, 2));
	auto_pgresult removed = fill_ask(conn, sql.data, &loader->err);
	if (removed == NULL)
		return false;
	uint64_t n = strtoull(PQcmdTuples(removed), NULL, 10);
	table->n_removed += n;
	return true;
}

static bool build_indexes(struct loader *loader, PGconn *conn, struct fill_table *table, const char *oids)
{
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select i.indexrelid, i.indexrelid::regclass from pg_catalog.pg_index i where i.indrelid in (%s) and not i.indisready "
	         "order by i.indisprimary desc, i.indexrelid", oids);
	auto_pgresult indexes = fill_ask(conn, sql.data, &loader->err);
	for (int i = 0; indexes != NULL && i < PQntuples(indexes); i++) {
		const char *index = PQgetvalue(indexes, i, 1);
		struct err err = { 0 };
		progress_build(loader->plan->request->progress, "index", index);
		if (!run(conn, &loader->err, "savepoint built"))
			return false;
		if (run(conn, &err, "reindex index %s", index))
			continue;
		uint64_t before = table->n_removed;
		if (!run(conn, &loader->err, "rollback to built") || !remove_equals(loader, conn, table, PQgetvalue(indexes, i, 0)) ||
		    !run(conn, &loader->err, "reindex index %s", index))
			return false;
		note(loader, "%llu rows of %s are left out: %s does not allow them", (unsigned long long)(table->n_removed - before), table->sql, index);
	}
	return indexes != NULL;
}

// A CHECK that the rows do not satisfy stays, as one that has not been validated.
static bool look_at_checks(struct loader *loader, PGconn *conn, const struct fill_table *table)
{
	const struct plan *plan = loader->plan;
	auto_buf sql = BUF_INIT;
	size_t n = 0;
	for (size_t i = 0; i < plan->n_checks; i++) {
		if (plan->checks[i].table == table)
			buf_addf(&sql, "%s pg_catalog.count(*) filter (where not (%s))", n++ > 0 ? "," : "select", plan->checks[i].expression);
	}
	if (n == 0)
		return true;
	buf_addf(&sql, " from %s", table->sql);
	struct err err = { 0 };
	auto_pgresult counts = fill_ask(conn, sql.data, &err);
	if (counts == NULL)
		note(loader, "the CHECKs of %s cannot be looked at: %.300s", table->sql, err.text);
	int column = 0;
	for (size_t i = 0; i < plan->n_checks; i++) {
		const struct fill_check *check = &plan->checks[i];
		if (check->table != table)
			continue;
		const char *count = counts == NULL ? "an unknown number of" : PQgetvalue(counts, 0, column++);
		if (strcmp(count, "0") == 0)
			continue;
		note(loader, check->ahead ? "CHECK %s of %s, which a migration adds, is not satisfied by %s of the made-up rows: that it fails here says nothing"
		                         : "CHECK %s of %s is not valid in the clone: %s of its rows do not satisfy it", check->name, table->sql, count);
		if (!run(conn, &loader->err, "update pg_catalog.pg_constraint set convalidated = false where oid = %u", check->oid))
			return false;
	}
	return true;
}

static bool is_beneath(const struct plan *plan, const struct fill_table *table, const struct fill_table *root)
{
	for (; table != NULL && table != root; table = table->parent_oid == 0 ? NULL : plan_table(plan, table->parent_oid))
		;
	return table == root;
}

static bool load(struct loader *loader, PGconn *conn, struct fill_table *table)
{
	auto_buf oids = BUF_INIT;
	auto_buf restore = BUF_INIT;
	for (size_t i = 0; i < loader->plan->n_tables; i++) {
		if (is_beneath(loader->plan, &loader->plan->tables[i], table))
			buf_addf(&oids, "%s%u", oids.length > 0 ? "," : "", loader->plan->tables[i].oid);
	}
	if (!run(conn, &loader->err, "begin"))
		return false;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "update pg_catalog.pg_class c set relchecks = 0, relhastriggers = false from pg_catalog.pg_class o "
	         "where o.oid = c.oid and c.oid in (%s) returning o.oid, o.relchecks, o.relhastriggers", oids.data);
	auto_pgresult were = fill_ask(conn, sql.data, &loader->err);
	if (were == NULL)
		return false;
	for (int i = 0; i < PQntuples(were); i++)
		buf_addf(&restore, "update pg_catalog.pg_class set relchecks = %s, relhastriggers = '%s' where oid = %s;", PQgetvalue(were, i, 1),
		         PQgetvalue(were, i, 2), PQgetvalue(were, i, 0));
	bool refused = false;
	bool ok = (table->kind != 'r' || run(conn, &loader->err, "truncate only %s", table->sql)) &&
	       run(conn, &loader->err, "update pg_catalog.pg_index i set indisready = false from pg_catalog.pg_class c "
	           "where c.oid = i.indexrelid and c.relkind = 'i' and i.indisready and i.indrelid in (%s)", oids.data) &&
	       copy(loader, conn, table, &refused) && run(conn, &loader->err, "%s", restore.data) && build_indexes(loader, conn, table, oids.data) &&
	       run(conn, &loader->err, "commit");
	if (refused)
		return leave_empty(loader, conn, table);
	return ok && look_at_checks(loader, conn, table) &&
	       (table->rooted || table->kind == 'p' || run(conn, &loader->err, "analyze %s", table->sql));
}

void *loader_run(void *argument)
{
	struct loader *loader = argument;
	auto_pgconn conn = fill_connect(loader->plan->request->conninfo, &loader->err);
	bool ok = conn != NULL;
	for (size_t i; ok && !atomic_load(loader->stop) && (i = atomic_fetch_add(loader->next, 1)) < loader->n_tables;)
		ok = load(loader, conn, loader->tables[i]);
	if (!ok)
		atomic_store(loader->stop, true);
	return NULL;
}
