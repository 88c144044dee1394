// SPDX-License-Identifier: PostgreSQL
// Reading a live PostgreSQL database: one pipeline in one REPEATABLE READ READ ONLY transaction, one query per kind. The
// kinds say what to read (postgres_read.h); this file connects, sends, isolates what may fail, and attests at the end that
// nothing was written. It never reads a user's table but the framework's version table, in short transactions of its own.
#include "introspect/reader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/pg.h"
#include "introspect/postgres_read.h"

enum { MAJOR_OLDEST = 12, QUERIES_MAX = 128, VERSION_TRIES = 3, GROUP_TRIES = 2, BISECT_FAILURES_MAX = 32 };

struct session {
	PGconn *conn;
	const struct read_options *options;
	struct arena *arena;
	int major;
};

// `@NN{new}{old}`: see postgres_read.h.
static void expand(struct buf *out, const char *sql, const char *end, int major)
{
	for (const char *c = sql; c < end; c++) {
		if (!(c[0] == '@' && c + 3 < end && c[3] == '{')) {
			buf_addc(out, *c);
			continue;
		}
		int since = atoi((char[]){ c[1], c[2], '\0' });
		const char *part[2], *part_end[2];
		c += 3;
		for (int i = 0; i < 2; i++, c++) {
			int depth = 0;
			part[i] = c + 1;
			do {
				depth += (*c == '{') - (*c == '}');
			} while (depth > 0 && ++c < end);
			part_end[i] = c;
		}
		c--; // the loop steps over the last brace
		int chosen = major >= since ? 0 : 1;
		expand(out, part[chosen], part_end[chosen], major);
	}
}

static const char *query_text(struct session *session, const struct pg_query *query)
{
	auto_buf sql = BUF_INIT;
	expand(&sql, query->sql, query->sql + strlen(query->sql), session->major);
	return buf_copy(&sql, session->arena);
}

// Errors.

static bool server_error(const struct session *session, const PGresult *result, const char *doing, struct err *err)
{
	const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (message == NULL)
		message = PQerrorMessage(session->conn);
	static const struct { const char *state, *code, *hint; } known[] = {
		{ "42501", "permission", "`driftcheck doctor` prints the GRANTs that a read-only role needs" },
		{ "55P03", "timeout", "something holds a strong lock on a system catalog or the version table: try again when it is done" },
		{ "57014", "timeout", "the server is slow or something is locked: try again, or look into pg_stat_activity" },
		{ "40001", "conflict", "a standby cancelled the query because of replay: try again, or read the primary" },
		{ "25001", "pooler", "a pooler in statement mode allows no transactions: connect to the server, or use transaction mode" },
		{ NULL, "query", "run with --show-queries to see the statement" },
	};
	size_t i = 0;
	while (known[i].state != NULL && (state == NULL || strcmp(known[i].state, state) != 0))
		i++;
	if (state == NULL)
		return err_set(err, "unreachable", session->options->name, "the connection broke: try again", "%s: %s", doing, message);
	return err_set(err, known[i].code, session->options->name, known[i].hint, "%s: %s", doing, message);
}

#define USER_HINT "check user and password (a service file, ~/.pgpass or PGPASSWORD), and pg_hba.conf on the server"
#define BUSY_HINT "all connections of the server are in use: run again later"

static bool session_open(struct session *session, const char *conninfo, struct err *err)
{
	const struct read_options *options = session->options;
	char timeout[16];
	snprintf(timeout, sizeof timeout, "%d", options->connect_timeout_s > 0 ? options->connect_timeout_s : 10);
	const char *keywords[] = { "connect_timeout", "fallback_application_name", "client_encoding", "dbname", NULL };
	const char *values[] = { timeout, "driftcheck", "UTF8", conninfo, NULL };
	session->conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(session->conn) != CONNECTION_OK) {
		// libpq gives no SQLSTATE of a failed connection: the first row whose words the message holds counts
		static const struct { const char *part, *code, *hint; } refusals[] = {
			{ "permission denied for database", "permission", "GRANT CONNECT on this database to this role" },
			{ "too many connections for", "unreachable", "raise the CONNECTION LIMIT of the role or database, or run again later" },
			{ "too many clients", "unreachable", BUSY_HINT },
			{ "remaining connection slots", "unreachable", BUSY_HINT },
			{ "starting up", "unreachable", "run again when the server has started" },
			{ "definition of service", "unreachable", "check the name, and PGSERVICEFILE or ~/.pg_service.conf" },
			{ "authentication failed", "authentication", USER_HINT },
			{ "no password supplied", "authentication", USER_HINT },
			{ "no pg_hba.conf entry", "authentication", USER_HINT },
			{ "role \"", "authentication", USER_HINT },
			{ "", "unreachable", "check host, port and database name, and that the server runs and lets this host in" },
		};
		size_t i = 0;
		while (strstr(PQerrorMessage(session->conn), refusals[i].part) == NULL)
			i++;
		return err_set(err, refusals[i].code, options->name, refusals[i].hint, "%s", PQerrorMessage(session->conn));
	}
	session->major = PQserverVersion(session->conn) / 10000;
	if (session->major < MAJOR_OLDEST)
		return err_set(err, "unsupported-server", options->name, "PostgreSQL 12 and later are read",
		               "the server is PostgreSQL %s", PQparameterStatus(session->conn, "server_version"));
	return true;
}

// One statement outside of a pipeline.
static PGresult *run(struct session *session, const char *sql, int n, const char *const *values)
{
	log_query(session->options->log, session->options->name, sql);
	return PQexecParams(session->conn, sql, n, NULL, values, NULL, NULL, 0);
}

static bool run_plain(struct session *session, const char *sql, struct err *err)
{
	auto_pgresult result = run(session, sql, 0, NULL);
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || server_error(session, result, sql, err);
}

static const char settings_format[] =
	"select set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true), "
	"set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true), "
	"set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '3', true), "
	"set_config('bytea_output', 'hex', true), set_config('xmloption', 'content', true), "
	"set_config('lc_monetary', 'C', true), set_config('standard_conforming_strings', 'on', true), "
	"set_config('statement_timeout', '%d', true), set_config('lock_timeout', '%d', true), "
	"set_config('idle_in_transaction_session_timeout', '60000', true), set_config('jit', 'off', true), "
	"set_config('max_parallel_workers_per_gather', '0', true), set_config('application_name', 'driftcheck', true)";

static const char begin_sql[] = "begin isolation level repeatable read read only";

static int statement_timeout_ms(const struct session *session)
{
	return session->options->statement_timeout_ms > 0 ? session->options->statement_timeout_ms : 60000;
}

static char *settings_sql(struct session *session, int lock_timeout_ms)
{
	return arena_printf(session->arena, settings_format, statement_timeout_ms(session), lock_timeout_ms);
}

static int lock_timeout_ms(const struct session *session)
{
	return session->options->lock_timeout_ms > 0 ? session->options->lock_timeout_ms : 2000;
}

// The version table.

// Where an unqualified name is looked for: the schema of the options, else the connection's search path; else, if there is
// but one table of that name, wherever it is.
static const char find_table_sql[] =
	"select n.nspname, c.relname, "
	"pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select'), "
	"pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname), pg_catalog.current_database(), w.i - 1 "
	"from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) "
	"with ordinality w(name, schema, i) "
	"join pg_catalog.pg_class c on c.relname = w.name join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
	"where c.relkind in ('r', 'p') and n.nspname !~ '^pg_(temp|toast)' and (w.schema is null or n.nspname = w.schema) "
	"order by w.i, 4 nulls last, 1";

// Whether the lock that is held while migrations run is held now, by anyone, in this database.
static const char advisory_sql[] =
	"select count(*) from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.granted and l.objsubid = 1 "
	"and (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8) = $1::pg_catalog.int8 "
	"and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

static bool deploy_in_flight(struct session *session, const struct version_query *query, const char *database,
                             const char *schema, const char *table, bool *busy, struct err *err)
{
	long long key;
	*busy = false;
	for (unsigned nth = 0; !*busy && query->lock_key != NULL && query->lock_key(database, schema, table, nth, &key); nth++) {
		char text[32];
		snprintf(text, sizeof text, "%lld", key);
		auto_pgresult result = run(session, advisory_sql, 1, (const char *[]){ text });
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			return server_error(session, result, "looking for a running migration", err);
		*busy = strcmp(PQgetvalue(result, 0, 0), "0") != 0;
	}
	return true;
}

static void version_rows(struct arena *arena, const PGresult *result, struct version_table *version)
{
	version->n_columns = (size_t)PQnfields(result);
	version->columns = arena_array(arena, version->n_columns, sizeof *version->columns);
	for (size_t i = 0; i < version->n_columns; i++)
		version->columns[i] = arena_strdup(arena, PQfname(result, (int)i));
	version->n_rows = (size_t)PQntuples(result);
	version->rows = arena_array(arena, version->n_rows, sizeof *version->rows);
	for (size_t i = 0; i < version->n_rows; i++) {
		version->rows[i] = arena_array(arena, version->n_columns, sizeof **version->rows);
		for (size_t j = 0; j < version->n_columns; j++)
			version->rows[i][j] = arena_strdup(arena, row_text((struct row){ result, (int)i }, (int)j));
	}
}

// An element of an array in PostgreSQL's text form; NULL is NULL.
static void add_element(struct buf *array, const char *text)
{
	buf_addc(array, array->length == 0 ? '{' : ',');
	if (text == NULL) {
		buf_adds(array, "NULL");
		return;
	}
	buf_addc(array, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(array, '\\');
		buf_addc(array, *text);
	}
	buf_addc(array, '"');
}

// Asks for all the tables at once; the rows are in the order in which they are wanted.
static PGresult *find_tables(struct session *session, struct err *err)
{
	auto_buf names = BUF_INIT, schemas = BUF_INIT;
	for (const struct version_query *query = session->options->versions; query->table != NULL; query++) {
		const char *parts[2];
		size_t n = sql_name_split(session->arena, query->table, parts, 2);
		if (n == 0) {
			err_set(err, "version-table", session->options->name, "write it as schema.table", "`%s` names no table", query->table);
			return NULL;
		}
		add_element(&names, parts[n - 1]);
		add_element(&schemas, n == 2 ? parts[0] : session->options->schema);
	}
	buf_addc(&names, '}');
	buf_addc(&schemas, '}');
	PGresult *found = run(session, find_table_sql, 2, (const char *[]){ names.data, schemas.data });
	if (PQresultStatus(found) == PGRES_TUPLES_OK)
		return found;
	server_error(session, found, "looking for the version table", err);
	PQclear(found);
	return NULL;
}

static bool read_version_rows(struct session *session, struct version_table *version, bool *busy, struct err *err)
{
	auto_pgresult found = find_tables(session, err);
	if (found == NULL || PQntuples(found) == 0)
		return found != NULL;
	const struct version_query *query = &session->options->versions[row_oid((struct row){ found, 0 }, 5)];
	// several of that name, none of them on the search path: which one is meant cannot be guessed
	bool ambiguous = PQntuples(found) > 1 && PQgetisnull(found, 0, 3) && strcmp(PQgetvalue(found, 0, 5), PQgetvalue(found, 1, 5)) == 0;
	if (ambiguous)
		return err_set(err, "version-table", session->options->name, "name it in the configuration: migrations { table = \"schema.table\" }",
		               "several schemas have a table `%s`, none of them on the search path", query->table);
	const char *path[] = { PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 1) };
	const char *name = sql_name_copy(session->arena, path, 2);
	if (strcmp(PQgetvalue(found, 0, 2), "t") != 0) {
		err_set(err, "permission", session->options->name, NULL, "this role may not read the version table %s", name);
		auto_buf hint = BUF_INIT;
		const char *user = PQuser(session->conn), *role = sql_name_copy(session->arena, &user, 1);
		buf_adds(&hint, "GRANT USAGE ON SCHEMA ");
		sql_ident(&hint, path[0]);
		buf_addf(&hint, " TO %s; GRANT SELECT ON %s TO %s;", role, name, role);
		return err_hint(err, "%s", hint.data);
	}
	if (!deploy_in_flight(session, query, PQgetvalue(found, 0, 4), path[0], path[1], busy, err))
		return false;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select * from %s", name);
	if (query->order != NULL)
		buf_addf(&sql, " order by %s", query->order);
	auto_pgresult rows = run(session, sql.data, 0, NULL);
	if (PQresultStatus(rows) != PGRES_TUPLES_OK)
		return server_error(session, rows, "reading the version table", err);
	version->name = name;
	version_rows(session->arena, rows, version);
	return true;
}

static char *limits_sql(struct session *session, int statement_ms)
{
	return arena_printf(session->arena,
	                    "select set_config('statement_timeout', '%d', true), set_config('lock_timeout', '%d', true), "
	                    "set_config('idle_in_transaction_session_timeout', '60000', true), "
	                    "set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)",
	                    statement_ms, lock_timeout_ms(session));
}

// A short transaction of its own: the AccessShareLock on the version table must not outlive it.
static bool read_version(struct session *session, struct version_table *version, bool *busy, struct err *err)
{
	*version = (struct version_table){ 0 };
	*busy = false;
	if (session->options->versions == NULL || session->options->versions->table == NULL)
		return true;
	char *limits = limits_sql(session, 10000);
	bool ok = run_plain(session, begin_sql, err) && run_plain(session, limits, err) && read_version_rows(session, version, busy, err);
	struct err ignored;
	return run_plain(session, "commit", ok ? err : &ignored) && ok;
}

// The flight.

struct flight {
	const struct pg_query *queries[QUERIES_MAX];
	const char *sql[QUERIES_MAX];
	bool failed[QUERIES_MAX];
	size_t n;
	struct err failure; // of the last failed group
};

static void flight_add(struct flight *flight, struct session *session, const struct pg_query *queries)
{
	for (; queries != NULL && queries->name != NULL; queries++) {
		if (queries->since > session->major || (queries->group != 0 && !(session->options->groups & queries->group)))
			continue;
		invariant(flight->n < QUERIES_MAX, "more queries than a flight holds");
		flight->sql[flight->n] = query_text(session, queries);
		flight->queries[flight->n++] = queries;
	}
}

static bool send(struct session *session, const char *sql)
{
	log_query(session->options->log, session->options->name, sql);
	return PQsendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static const char attest_sql[] =
	"select current_setting('transaction_read_only') = 'on', "
	"@13{pg_current_xact_id_if_assigned() is null}{txid_current_if_assigned() is null}, "
	"(select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and relation >= 16384)";

// The next result that is one; skips the NULL between the results of two statements.
static PGresult *next_result(struct session *session)
{
	PGresult *result = PQgetResult(session->conn);
	return result != NULL ? result : PQgetResult(session->conn);
}

static bool finish_statement(struct session *session, PGresult *result, const char *doing, struct err *err)
{
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!ok && status != PGRES_PIPELINE_ABORTED)
		server_error(session, result, doing, err);
	return ok;
}

static bool expect_sync(struct session *session)
{
	auto_pgresult result = next_result(session);
	return PQresultStatus(result) == PGRES_PIPELINE_SYNC;
}

static bool take(struct session *session, struct postgres_read *read, const struct pg_query *query, struct err *err)
{
	auto_pgresult result = next_result(session);
	if (!finish_statement(session, result, query->name, err))
		return false;
	for (int i = 0, n = PQntuples(result); i < n; i++)
		query->row(read, (struct row){ result, i });
	return true;
}

static bool flight_send(struct session *session, const struct flight *flight, bool raw, int lock_ms)
{
	bool sent = PQenterPipelineMode(session->conn) == 1 && send(session, begin_sql) && send(session, settings_sql(session, lock_ms));
	for (size_t i = 0; sent && raw && i < flight->n; i++)
		sent = flight->queries[i]->deparse || send(session, flight->sql[i]);
	sent = sent && PQpipelineSync(session->conn) == 1;
	for (size_t i = 0; sent && i < flight->n; i++) {
		if (!flight->queries[i]->deparse || (!raw && !flight->failed[i]))
			continue;
		sent = send(session, "savepoint g") && send(session, flight->sql[i]) && PQpipelineSync(session->conn) == 1 &&
		       send(session, "rollback to savepoint g") && PQpipelineSync(session->conn) == 1;
	}
	auto_buf attest = BUF_INIT;
	expand(&attest, attest_sql, attest_sql + strlen(attest_sql), session->major);
	return sent && send(session, attest.data) && send(session, "commit") && PQpipelineSync(session->conn) == 1;
}

static bool attested(struct session *session, struct err *err)
{
	auto_pgresult result = next_result(session);
	if (!finish_statement(session, result, "attesting", err))
		return false;
	if (row_flag((struct row){ result, 0 }, 0) && row_flag((struct row){ result, 0 }, 1) && strcmp(PQgetvalue(result, 0, 2), "0") == 0)
		return true;
	return err_set(err, "attestation", session->options->name, "please report this as a bug of driftcheck",
	               "reading left a trace: read-only %s, no transaction id %s, %s locks on user relations", PQgetvalue(result, 0, 0),
	               PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
}

// One transaction: all queries (raw), or only the deparse groups that failed before.
static bool flight_run(struct session *session, struct postgres_read *read, struct flight *flight, bool raw, int lock_ms, struct err *err)
{
	if (!flight_send(session, flight, raw, lock_ms)) {
		server_error(session, NULL, "sending the queries", err);
		return false;
	}
	static const struct pg_query opening[] = { { "begin" }, { "settings" } };
	bool ok = true;
	*err = (struct err){ 0 };
	for (size_t i = 0; i < sizeof opening / sizeof *opening; i++) {
		auto_pgresult result = next_result(session);
		ok = ok && finish_statement(session, result, opening[i].name, err);
	}
	for (size_t i = 0; raw && ok && i < flight->n; i++)
		ok = flight->queries[i]->deparse || take(session, read, flight->queries[i], err);
	if (!ok) // the connection is of no more use: whatever is still under way ends with it
		return false;
	ok = expect_sync(session);
	for (size_t i = 0; ok && i < flight->n; i++) {
		if (!flight->queries[i]->deparse || (!raw && !flight->failed[i]))
			continue;
		auto_pgresult savepoint = next_result(session);
		bool usable = finish_statement(session, savepoint, "savepoint", err);
		flight->failed[i] = !(usable && take(session, read, flight->queries[i], &flight->failure));
		if (!usable) { // consume the aborted query's result
			auto_pgresult aborted = next_result(session);
			(void)aborted;
		}
		ok = PQstatus(session->conn) == CONNECTION_OK && expect_sync(session);
		auto_pgresult rollback = ok ? next_result(session) : NULL;
		ok = ok && finish_statement(session, rollback, "rollback to savepoint", err) && expect_sync(session);
	}
	if (!ok)
		return err->code[0] != '\0' ? false : server_error(session, NULL, "reading", err);
	if (!attested(session, err))
		return false;
	auto_pgresult commit = next_result(session);
	return finish_statement(session, commit, "commit", err) && expect_sync(session) && PQexitPipelineMode(session->conn) == 1;
}

// A group that keeps failing is read object by object: halves of its rows, until what fails is a single one. Those stay
// VALUE_UNREAD. `oids` is the array literal's content.
static void bisect(struct session *session, struct postgres_read *read, const struct pg_query *query, const char *sql,
                   const unsigned *oids, size_t n, int *failures)
{
	if (n == 0 || *failures >= BISECT_FAILURES_MAX)
		return;
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&list, "%c%u", i == 0 ? '{' : ',', oids[i]);
	buf_addc(&list, '}');
	struct err ignored;
	if (!run_plain(session, begin_sql, &ignored) || !run_plain(session, settings_sql(session, 100), &ignored))
		return;
	char *one = arena_printf(session->arena, "select * from (%s) q where q.oid = any ($1::pg_catalog.oid[])", sql);
	auto_pgresult result = run(session, one, 1, (const char *[]){ list.data });
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
	for (int i = 0, n_rows = ok ? PQntuples(result) : 0; i < n_rows; i++)
		query->row(read, (struct row){ result, i });
	if (!run_plain(session, "rollback", &ignored))
		return;
	if (ok)
		return;
	++*failures;
	if (n > 1) {
		bisect(session, read, query, sql, oids, n / 2, failures);
		bisect(session, read, query, sql, oids + n / 2, n - n / 2, failures);
	}
}

static void pause_ms(long wait_ms)
{
	nanosleep(&(struct timespec){ wait_ms / 1000, wait_ms % 1000 * 1000000 }, NULL);
}

// The rows of a deparse query, without deparsing: its first column only.
static unsigned *group_oids(struct session *session, const char *sql, size_t *n)
{
	*n = 0;
	struct err ignored;
	if (!run_plain(session, begin_sql, &ignored) || !run_plain(session, settings_sql(session, 100), &ignored))
		return NULL;
	auto_pgresult result = run(session, arena_printf(session->arena, "select q.oid from (%s) q order by 1", sql), 0, NULL);
	run_plain(session, "rollback", &ignored);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return NULL;
	unsigned *oids = arena_array(session->arena, (size_t)PQntuples(result), sizeof *oids);
	for (int i = 0; i < PQntuples(result); i++)
		oids[(*n)++] = row_oid((struct row){ result, i }, 0);
	return oids;
}

static bool any_failed(const struct flight *flight)
{
	for (size_t i = 0; i < flight->n; i++) {
		if (flight->failed[i])
			return true;
	}
	return false;
}

static const char lockers_sql[] =
	"select string_agg(distinct format('pid %s holds %s on %s', l.pid, l.mode, l.relation::pg_catalog.regclass), '; ') "
	"from pg_catalog.pg_locks l where l.locktype = 'relation' and l.granted and l.mode = 'AccessExclusiveLock' "
	"and l.relation >= 16384 and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

// Second chances for the groups that failed (shorter ones: what holds a lock for longer will be there for a while), then what is still unread is said, object by object.
static bool retry_failed(struct session *session, struct postgres_read *read, struct flight *flight, struct err *err)
{
	for (int attempt = 1; attempt <= GROUP_TRIES && any_failed(flight); attempt++) {
		pause_ms(250 * attempt);
		if (!flight_run(session, read, flight, false, lock_timeout_ms(session) / 4, err))
			return false;
	}
	for (size_t i = 0; i < flight->n; i++) {
		if (!flight->failed[i])
			continue;
		size_t n;
		unsigned *oids = group_oids(session, flight->sql[i], &n);
		int failures = 0;
		bisect(session, read, flight->queries[i], flight->sql[i], oids, n, &failures);
	}
	return true;
}

static void report_unread(struct session *session, struct postgres_read *read, const struct flight *flight)
{
	const char *lockers = NULL;
	bool asked = false;
	struct snapshot *snapshot = read->snapshot;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		bool unread = false;
		for (unsigned j = 0; j < object->kind->n_attrs; j++)
			unread = unread || object->values[j] == VALUE_UNREAD;
		if (!unread)
			continue;
		if (!asked) {
			auto_pgresult result = run(session, lockers_sql, 0, NULL);
			lockers = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 ? row_copy(read, (struct row){ result, 0 }, 0) : NULL;
			asked = true;
		}
		// "trigger definitions: canceling statement ...": of the last group that failed, which need not be this object's
		const char *group_end = strstr(flight->failure.text, ": ");
		const char *why = group_end != NULL ? group_end + 2 : "it changed while it was read";
		snapshot_unread(snapshot, object->kind->name, object->path, object->n_path,
		                lockers == NULL ? why : arena_printf(session->arena, "%s (%s)", why, lockers));
	}
}

static struct snapshot *read_once(struct session *session, struct err *err)
{
	struct snapshot *snapshot = snapshot_new(session->arena, ENGINE_POSTGRESQL);
	snapshot->major = session->major;
	const char *server = PQparameterStatus(session->conn, "server_version");
	snapshot->server = arena_strndup(session->arena, server, strcspn(server, " ")); // "15.20 (Debian ...)"
	snapshot->database = arena_strdup(session->arena, PQdb(session->conn));
	snapshot->groups = (session->options->groups & GROUPS_ALL) | 1u << GROUP_COLUMN_ORDER | 1u << GROUP_COSMETIC; // those always
	snapshot->reader = arena_strdup(session->arena, PQuser(session->conn));
	if (session->options->versions_only)
		return snapshot;

	struct postgres_read read = { snapshot, session->arena, session->major, session->options->groups, lookup_new(session->arena) };
	struct flight *flight = arena_alloc(session->arena, sizeof *flight);
	flight_add(flight, session, lookup_queries);
	for (size_t i = 0; kinds[i] != NULL; i++)
		flight_add(flight, session, kinds[i]->queries);
	flight_add(flight, session, closing_queries);
	if (!flight_run(session, &read, flight, true, lock_timeout_ms(session), err) || !retry_failed(session, &read, flight, err))
		return NULL;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		if (kinds[i]->finish != NULL)
			kinds[i]->finish(&read);
	}
	lookup_finish(&read);
	snapshot_sort(snapshot);
	report_unread(session, &read, flight);
	return snapshot;
}

struct snapshot *postgres_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err)
{
	for (int attempt = 1;; attempt++) {
		auto_pgconn connection = NULL;
		struct session session = { NULL, options, arena, 0 };
		bool opened = session_open(&session, conninfo, err);
		connection = session.conn;
		struct version_table before, after;
		bool busy_before, busy_after;
		if (!opened || !read_version(&session, &before, &busy_before, err))
			return NULL;
		struct snapshot *snapshot = read_once(&session, err);
		if (snapshot == NULL)
			return NULL;
		if (options->versions_only) {
			snapshot->version = before;
			return snapshot;
		}
		if (!read_version(&session, &after, &busy_after, err))
			return NULL;
		if (version_table_equal(&before, &after) && !busy_before && !busy_after) {
			snapshot->version = after;
			return snapshot;
		}
		if (attempt == VERSION_TRIES) {
			err_set(err, "deploy-in-flight", options->name, "run again when the deploy is done",
			        "migrations are being applied right now: %s", busy_before || busy_after ? "the framework's lock is held"
			                                                                            : "the version table changed while we read");
			return NULL;
		}
		pause_ms(500 * attempt);
	}
}

// The user's own query.

static bool query_rows(struct session *session, const char *sql, bool (*each)(void *, const char *const *, size_t, struct err *),
                       void *argument, struct err *err)
{
	auto_pgresult result = run(session, sql, 0, NULL); // the extended protocol takes one statement
	if (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_EMPTY_QUERY)
		return err_set(err, "query", session->options->name, "write a SELECT", "this is no query: it returns no rows");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return server_error(session, result, "the query", err);
	size_t n = (size_t)PQnfields(result);
	const char **values = arena_array(session->arena, n, sizeof *values);
	for (int i = 0; i < PQntuples(result); i++) {
		for (size_t j = 0; j < n; j++)
			values[j] = row_text((struct row){ result, i }, (int)j);
		if (!each(argument, values, n, err))
			return false;
	}
	return true;
}

bool postgres_query(struct arena *arena, const char *conninfo, const struct read_options *options, const char *sql,
                    bool (*each)(void *argument, const char *const *values, size_t n_values, struct err *err), void *argument,
                    struct err *err)
{
	auto_pgconn connection = NULL;
	struct session session = { NULL, options, arena, 0 };
	bool opened = session_open(&session, conninfo, err);
	connection = session.conn;
	bool ok = opened && run_plain(&session, begin_sql, err) &&
	          run_plain(&session, limits_sql(&session, statement_timeout_ms(&session)), err) &&
	          query_rows(&session, sql, each, argument, err);
	struct err ignored;
	return ok && run_plain(&session, "rollback", &ignored);
}
