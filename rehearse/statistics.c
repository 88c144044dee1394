// SPDX-License-Identifier: PostgreSQL
// Reading what the planner knows of an environment's tables: see statistics.h. pg_stats shows a role only the columns that it may
// select; what is not shown is estimated from reltuples and relpages, and said. Values (most common ones, histogram bounds) are not
// read at all. Sources: the manual, "pg_class", "pg_stats", "pg_db_role_setting".
#include "rehearse/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/pg.h"
#include "introspect/reader.h"

static const char begin_sql[] = "begin isolation level repeatable read read only";

static const char limits_sql[] =
	"select set_config('search_path', '', true), set_config('statement_timeout', '60000', true), set_config('lock_timeout', '2000', true), "
	"set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)";

#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

// Columns come with their table, in their order; one without statistics has nulls in the five of pg_stats.
static const char tables_sql[] =
	"select c.oid, n.nspname, c.relname, c.reltuples, c.relpages, pg_catalog.pg_total_relation_size(c.oid), a.attname, "
	"s.null_frac, s.avg_width, s.n_distinct, s.correlation, s.most_common_freqs, c.relispopulated, "
	"pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)) "
	"from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
	"join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
	"left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited "
	"where c.relkind in ('r', 'm') and c.relpersistence <> 't' and " USER_SCHEMA " "
	"order by n.nspname collate \"C\", c.relname collate \"C\", a.attnum";

// The settings that decide how long the work takes and when it is cancelled: the server's, and what is set for this role.
const char server_settings_sql[] =
	"select s.name, pg_catalog.current_setting(s.name) from pg_catalog.pg_settings s where s.name in ('autovacuum', 'checkpoint_completion_target', "
	"'checkpoint_timeout', 'data_checksums', 'deadlock_timeout', 'default_toast_compression', 'effective_io_concurrency', 'fsync', "
	"'full_page_writes', 'lock_timeout', 'maintenance_io_concurrency', 'maintenance_work_mem', 'max_locks_per_transaction', "
	"'max_parallel_maintenance_workers', 'max_parallel_workers', 'max_wal_size', 'max_worker_processes', 'shared_buffers', 'statement_timeout', "
	"'synchronous_commit', 'synchronous_standby_names', 'TimeZone', 'wal_buffers', 'wal_compression', 'wal_level', 'wal_sync_method', "
	"'work_mem') order by 1";

static PGresult *ask(PGconn *conn, const struct read_options *options, const char *sql, struct err *err)
{
	log_query(options->log, options->name, sql);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return result;
	err_set(err, "query", options->name, "run with --show-queries to see the statement", "reading the statistics: %s", PQerrorMessage(conn));
	PQclear(result);
	return NULL;
}

static double number(const PGresult *result, int row, int column, double if_null)
{
	return PQgetisnull(result, row, column) ? if_null : strtod(PQgetvalue(result, row, column), NULL);
}

// A float4[] in text form: {0.5,0.25}.
static const double *frequencies(struct arena *arena, const char *text, size_t *n)
{
	*n = 0;
	size_t most = 1;
	for (const char *c = text; *c != '\0'; c++)
		most += *c == ',';
	double *items = arena_array(arena, most, sizeof *items);
	for (char *end; *text != '\0'; text = end) {
		text += strspn(text, "{},");
		items[*n] = strtod(text, &end);
		if (end == text)
			break;
		(*n)++;
	}
	return items;
}

static void take_tables(struct arena *arena, const PGresult *result, struct statistics *statistics)
{
	int n = PQntuples(result);
	statistics->tables = arena_array(arena, (size_t)n, sizeof *statistics->tables);
	struct column_statistics *columns = arena_array(arena, (size_t)n, sizeof *columns);
	struct table_statistics *table = NULL;
	for (int i = 0; i < n; i++) {
		if (i == 0 || strcmp(PQgetvalue(result, i, 0), PQgetvalue(result, i - 1, 0)) != 0) {
			table = &statistics->tables[statistics->n_tables++];
			*table = (struct table_statistics){
				.schema = arena_strdup(arena, PQgetvalue(result, i, 1)), .name = arena_strdup(arena, PQgetvalue(result, i, 2)),
				.rows = number(result, i, 3, -1), .pages = (long long)number(result, i, 4, 0), .bytes = (long long)number(result, i, 5, 0),
				.columns = &columns[i], .populated = PQgetvalue(result, i, 12)[0] == 't', .toast_bytes = (long long)number(result, i, 13, 0),
			};
			if (statistics->major < 14 && table->rows == 0 && table->pages == 0) // up to 13 a table that was never analysed says 0
				table->rows = table->bytes > 0 ? -1 : 0;
		}
		struct column_statistics *column = &columns[i];
		*column = (struct column_statistics){
			.name = arena_strdup(arena, PQgetvalue(result, i, 6)), .null_frac = number(result, i, 7, 0), .avg_width = number(result, i, 8, 0),
			.n_distinct = number(result, i, 9, 0), .correlation = number(result, i, 10, NAN),
		};
		if (!PQgetisnull(result, i, 11))
			column->frequencies = frequencies(arena, PQgetvalue(result, i, 11), &column->n_frequencies);
		table->full |= !PQgetisnull(result, i, 7);
		table->n_columns++;
	}
}

static void take_settings(struct arena *arena, const PGresult *result, struct statistics *statistics)
{
	statistics->n_settings = (size_t)PQntuples(result);
	statistics->settings = arena_array(arena, statistics->n_settings, sizeof *statistics->settings);
	for (size_t i = 0; i < statistics->n_settings; i++)
		statistics->settings[i] = (struct server_setting){ arena_strdup(arena, PQgetvalue(result, (int)i, 0)),
		                                                   arena_strdup(arena, PQgetvalue(result, (int)i, 1)) };
}

struct statistics *statistics_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err)
{
	char timeout[16];
	snprintf(timeout, sizeof timeout, "%d", options->connect_timeout_s > 0 ? options->connect_timeout_s : 10);
	const char *keywords[] = { "connect_timeout", "fallback_application_name", "client_encoding", "dbname", NULL };
	const char *values[] = { timeout, "driftcheck", "UTF8", conninfo, NULL };
	auto_pgconn conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(conn) != CONNECTION_OK) {
		err_set(err, "unreachable", options->name, "check host, port and database name, and that the server lets this host in", "%s",
		        PQerrorMessage(conn));
		return NULL;
	}
	struct statistics *statistics = arena_alloc(arena, sizeof *statistics);
	statistics->major = PQserverVersion(conn) / 10000;
	const char *version = PQparameterStatus(conn, "server_version"); // "15.20 (Debian 15.20-0+deb12u1)"
	statistics->server = version == NULL ? "" : arena_strndup(arena, version, strcspn(version, " "));
	// before the limits of our own: what applies to this role
	auto_pgresult settings = ask(conn, options, server_settings_sql, err);
	auto_pgresult begin = settings == NULL ? NULL : ask(conn, options, begin_sql, err);
	auto_pgresult limits = begin == NULL ? NULL : ask(conn, options, limits_sql, err);
	auto_pgresult tables = limits == NULL ? NULL : ask(conn, options, tables_sql, err);
	auto_pgresult commit = tables == NULL ? NULL : ask(conn, options, "commit", err);
	if (commit == NULL)
		return NULL;
	take_settings(arena, settings, statistics);
	take_tables(arena, tables, statistics);
	return statistics;
}

const struct table_statistics *statistics_find(const struct statistics *statistics, const char *schema, const char *name)
{
	size_t low = 0, high = statistics->n_tables;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct table_statistics *table = &statistics->tables[middle];
		int order = strcmp(table->schema, schema);
		order = order != 0 ? order : strcmp(table->name, name);
		if (order == 0)
			return table;
		low = order < 0 ? middle + 1 : low;
		high = order < 0 ? high : middle;
	}
	return NULL;
}
