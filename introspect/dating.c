// SPDX-License-Identifier: PostgreSQL
// Ages of catalog rows: see dating.h. Which rows hold an object is said by its kind (`dated`). One query for all objects;
// nothing is deparsed, no lock is taken but for reading the version table. What fails here leaves a finding without a date,
// never without itself.
#include "introspect/dating.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/pg.h"
#include "introspect/postgres_read.h"

// age() goes by the distance of two numbers of 32 bits: exact as long as there were not more transactions than that. The
// row of the primary key in pg_index is as old as the version table itself, unless all was written anew: a restore makes it
// after the rows.
static const char anchor_sql[] =
	"select txid_snapshot_xmax(txid_current_snapshot()) < 4294967296, age(i.xmin), current_setting('track_commit_timestamp') = 'on' "
	"from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace "
	"where i.indisprimary and n.nspname = $1 and c.relname = $2";

static PGresult *ask(PGconn *conn, const struct read_options *options, const char *sql, int n, const char *const *values)
{
	log_query(options->log, options->name, sql);
	return PQexecParams(conn, sql, n, NULL, values, NULL, NULL, 0);
}

static bool tuples(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK;
}

static PGconn *open(const char *conninfo, const struct read_options *options)
{
	auto_buf timeout = BUF_INIT;
	buf_addf(&timeout, "%d", options->connect_timeout_s > 0 ? options->connect_timeout_s : 10);
	PGconn *conn = PQconnectdbParams((const char *[]){ "connect_timeout", "fallback_application_name", "client_encoding", "dbname", NULL },
	                                 (const char *[]){ timeout.data, "driftcheck", "UTF8", conninfo, NULL }, 1);
	static const char *const opening[] = {
		"begin isolation level repeatable read read only",
		"select set_config('search_path', '', true), set_config('statement_timeout', '10000', true), "
		"set_config('lock_timeout', '2000', true), set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)",
	};
	bool ok = PQstatus(conn) == CONNECTION_OK;
	for (size_t i = 0; ok && i < sizeof opening / sizeof *opening; i++) {
		auto_pgresult result = ask(conn, options, opening[i], 0, NULL);
		ok = tuples(result) || PQresultStatus(result) == PGRES_COMMAND_OK;
	}
	if (ok)
		return conn;
	log_info(options->log, "%s: nothing is dated: %s", options->name, PQerrorMessage(conn));
	PQfinish(conn);
	return NULL;
}

// The rows as they were read before, each with its age.
static bool read_rows(PGconn *conn, const struct read_options *options, const struct version_table *version, const char *order,
                      long long made_age, long long *row_ages)
{
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select age(v.xmin), v.* from %s v", version->name);
	if (order != NULL)
		buf_addf(&sql, " order by %s", order);
	auto_pgresult rows = ask(conn, options, sql.data, 0, NULL);
	bool same = tuples(rows) && (size_t)PQntuples(rows) == version->n_rows && (size_t)PQnfields(rows) == version->n_columns + 1;
	for (size_t i = 0; same && i < version->n_rows; i++) {
		struct row row = { rows, (int)i };
		for (size_t j = 0; same && j < version->n_columns; j++) {
			const char *text = row_text(row, (int)j + 1), *was = version->rows[i][j];
			same = text == NULL || was == NULL ? text == was : strcmp(text, was) == 0;
		}
		long long age = atoll(PQgetvalue(rows, (int)i, 0));
		row_ages[i] = age >= 0 && age < made_age ? age : -1;
	}
	return same;
}

// Which rows are whose: the kinds' own queries, each for the objects that it is for.
static void add_branches(struct buf *sql, const struct dated *objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *query = objects[i].gone ? objects[i].kind->dated_gone : objects[i].kind->dated;
		bool known = query == NULL;
		for (size_t j = 0; j < i && !known; j++)
			known = objects[j].kind == objects[i].kind && objects[j].gone == objects[i].gone;
		if (known)
			continue;
		buf_addf(sql, "%sselect d.x from (%s) d (x) where w.kind = ", sql->length > 0 ? " union all " : "", query);
		sql_literal(sql, objects[i].kind->name);
		buf_addf(sql, " and %sw.gone", objects[i].gone ? "" : "not ");
	}
}

static void add_row(struct buf *values, const struct dated *object, size_t i)
{
	buf_addf(values, "%s(%zu, ", values->length > 0 ? ", " : "", i);
	sql_literal(values, object->kind->name);
	buf_addf(values, ", %s, array[", object->gone ? "true" : "false");
	for (unsigned part = 0; part < object->n_path; part++) {
		buf_adds(values, part > 0 ? ", " : "");
		sql_literal(values, object->path[part]);
	}
	buf_adds(values, "])");
}

static bool read_objects(struct arena *arena, PGconn *conn, const struct read_options *options, bool tracked, struct dated *objects, size_t n)
{
	auto_buf branches = BUF_INIT, values = BUF_INIT, sql = BUF_INIT;
	add_branches(&branches, objects, n);
	for (size_t i = 0; i < n; i++)
		add_row(&values, &objects[i], i);
	if (branches.length == 0)
		return true;
	buf_addf(&sql, "select w.i, max(age(x.x)), min(age(x.x)), %s from (values %s) w (i, kind, gone, path) cross join lateral (%s) x (x) "
	               "group by w.i",
	         tracked ? "to_char(case when count(*) = 1 then pg_xact_commit_timestamp((array_agg(x.x))[1]) end, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
	                 : "null",
	         values.data, branches.data);
	auto_pgresult rows = ask(conn, options, sql.data, 0, NULL);
	if (!tuples(rows))
		log_info(options->log, "%s: nothing is dated: %s", options->name, PQresultErrorMessage(rows));
	for (int i = 0; i < (tuples(rows) ? PQntuples(rows) : 0); i++) {
		struct row row = { rows, i };
		struct dated *object = &objects[row_oid(row, 0)];
		object->oldest = atoll(row_text(row, 1));
		object->youngest = atoll(row_text(row, 2));
		object->known = object->youngest >= 0;
		object->at = arena_strdup(arena, row_text(row, 3));
	}
	return tuples(rows);
}

bool postgres_date(struct arena *arena, const char *conninfo, const struct read_options *options, const struct version_table *version,
                   const char *order, struct dated *objects, size_t n, long long *row_ages)
{
	const char *path[2];
	if (n == 0 || version->name == NULL || version->n_rows == 0 || sql_name_split(arena, version->name, path, 2) != 2)
		return false;
	auto_pgconn conn = open(conninfo, options);
	auto_pgresult anchor = conn == NULL ? NULL : ask(conn, options, anchor_sql, 2, path);
	if (!tuples(anchor) || PQntuples(anchor) != 1 || *PQgetvalue(anchor, 0, 0) != 't')
		return false;
	long long made_age = atoll(PQgetvalue(anchor, 0, 1));
	bool tracked = *PQgetvalue(anchor, 0, 2) == 't';
	return made_age >= 0 && read_rows(conn, options, version, order, made_age, row_ages) &&
	       read_objects(arena, conn, options, tracked, objects, n);
}
