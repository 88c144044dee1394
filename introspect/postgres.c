// SPDX-License-Identifier: PostgreSQL
// Reading a live PostgreSQL database: one pipeline in one REPEATABLE READ READ ONLY transaction, one query per kind. The
// kinds say what to read (postgres_read.h); this file connects, sends, isolates what may fail, and attests at the end that
// nothing was written. Of users' tables only the framework's version tables are read: see postgres_versions.c.
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
#include "introspect/postgres_read.h"
#include "introspect/postgres_session.h"

enum { QUERIES_MAX = 128, VERSION_TRIES = 3, GROUP_TRIES = 2, BISECT_FAILURES_MAX = 32 };

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

static const char settings_format[] =
	"select set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true), "
	"set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true), "
	"set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '3', true), "
	"set_config('bytea_output', 'hex', true), set_config('xmloption', 'content', true), "
	"set_config('lc_monetary', 'C', true), set_config('standard_conforming_strings', 'on', true), "
	"set_config('statement_timeout', '%d', true), set_config('lock_timeout', '%d', true), "
	"set_config('idle_in_transaction_session_timeout', '60000', true), set_config('jit', 'off', true), "
	"set_config('max_parallel_workers_per_gather', '0', true), set_config('application_name', 'driftcheck', true)";

static char *settings_sql(struct session *session, int lock_timeout_ms)
{
	return arena_printf(session->arena, settings_format, session_statement_timeout_ms(session), lock_timeout_ms);
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
		session_error(session, result, doing, err);
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
	bool sent = PQenterPipelineMode(session->conn) == 1 && send(session, session_begin) && send(session, settings_sql(session, lock_ms));
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
		session_error(session, NULL, "sending the queries", err);
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
		return err->code[0] != '\0' ? false : session_error(session, NULL, "reading", err);
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
	if (!session_do(session, session_begin, &ignored) || !session_do(session, settings_sql(session, 100), &ignored))
		return;
	char *one = arena_printf(session->arena, "select * from (%s) q where q.oid = any ($1::pg_catalog.oid[])", sql);
	auto_pgresult result = session_run(session, one, 1, (const char *[]){ list.data });
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
	for (int i = 0, n_rows = ok ? PQntuples(result) : 0; i < n_rows; i++)
		query->row(read, (struct row){ result, i });
	if (!session_do(session, "rollback", &ignored))
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
	if (!session_do(session, session_begin, &ignored) || !session_do(session, settings_sql(session, 100), &ignored))
		return NULL;
	auto_pgresult result = session_run(session, arena_printf(session->arena, "select q.oid from (%s) q order by 1", sql), 0, NULL);
	session_do(session, "rollback", &ignored);
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
		if (!flight_run(session, read, flight, false, session_lock_timeout_ms(session) / 4, err))
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
			auto_pgresult result = session_run(session, lockers_sql, 0, NULL);
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
	if (!flight_run(session, &read, flight, true, session_lock_timeout_ms(session), err) || !retry_failed(session, &read, flight, err))
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

static struct snapshot *take_versions(struct snapshot *snapshot, const struct session_versions *versions)
{
	snapshot->version = versions->table;
	snapshot->tenants = versions->tenants;
	snapshot->n_tenants = versions->n_tenants;
	return snapshot;
}

struct snapshot *postgres_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err)
{
	for (int attempt = 1;; attempt++) {
		auto_pgconn connection = NULL;
		struct session session = { NULL, options, arena, 0 };
		bool opened = session_open(&session, conninfo, err);
		connection = session.conn;
		struct session_versions before, after;
		if (!opened || !session_versions_read(&session, &before, err))
			return NULL;
		struct snapshot *snapshot = read_once(&session, err);
		if (snapshot == NULL)
			return NULL;
		if (options->versions_only)
			return take_versions(snapshot, &before);
		if (!session_versions_read(&session, &after, err))
			return NULL;
		if (session_versions_settled(&before, &after))
			return take_versions(snapshot, &after);
		if (attempt == VERSION_TRIES && options->tenants != NULL) { // those at rest are read all the same
			session_versions_note_unsettled(&session, &before, &after);
			return take_versions(snapshot, &after);
		}
		if (attempt == VERSION_TRIES) {
			err_set(err, "deploy-in-flight", options->name, "run again when the deploy is done",
			        "migrations are being applied right now: %s", before.busy || after.busy ? "the framework's lock is held"
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
	auto_pgresult result = session_run(session, sql, 0, NULL); // the extended protocol takes one statement
	if (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_EMPTY_QUERY)
		return err_set(err, "query", session->options->name, "write a SELECT", "this is no query: it returns no rows");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return session_error(session, result, "the query", err);
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
	bool ok = opened && session_start(&session, session_statement_timeout_ms(&session), session_lock_timeout_ms(&session), err) &&
	          query_rows(&session, sql, each, argument, err);
	struct err ignored;
	return ok && session_do(&session, "rollback", &ignored);
}
