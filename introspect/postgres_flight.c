// SPDX-License-Identifier: PostgreSQL
// The catalogs' queries on their way to a live PostgreSQL and back: see postgres_flight.h.
#include "introspect/postgres_flight.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"

enum { GROUP_TRIES = 2, BISECT_FAILURES_MAX = 32, SECOND_CONNECT_TIMEOUT_S = 2 };

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
	"set_config('max_parallel_workers_per_gather', '0', true), set_config('application_name', 'driftcheck', true), "
	"pg_relation_size('pg_class') >= 1 << 20 " // about 1,000 tables with their indexes
	"and has_function_privilege('pg_export_snapshot()', 'execute')"; // refused, it would end the transaction

static char *settings_sql(struct session *session, int lock_timeout_ms)
{
	return arena_printf(session->arena, settings_format, session_statement_timeout_ms(session), lock_timeout_ms);
}

void flight_add(struct flight *flight, struct session *session, const struct pg_query *queries)
{
	for (; queries != NULL && queries->name != NULL; queries++) {
		if (queries->since > session->major || (queries->group != 0 && !(session->options->groups & queries->group)))
			continue;
		invariant(flight->n < FLIGHT_MAX, "more queries than a flight holds");
		flight->sql[flight->n] = query_text(session, queries);
		flight->queries[flight->n++] = queries;
	}
}

// One connection's part of the flight.

struct leg {
	struct session *session;
	struct leg *other; // whose answers are taken in as well while this one waits; NULL: none
	bool deparses[FLIGHT_MAX];
};

static bool send(struct leg *leg, const char *sql)
{
	struct session *session = leg->session;
	log_query(session->options->log, session->options->name, sql);
	return PQsendQueryParams(session->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_sync(struct leg *leg)
{
	return PQpipelineSync(leg->session->conn) == 1;
}

// Until this leg has an answer. A server whose answers nobody takes in stands still when the socket is full.
static void wait_for_answer(struct leg *leg)
{
	while (leg->other != NULL && PQisBusy(leg->session->conn)) {
		struct pollfd ready[] = { { PQsocket(leg->session->conn), POLLIN, 0 }, { PQsocket(leg->other->session->conn), POLLIN, 0 } };
		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return;
		if (ready[0].revents != 0 && PQconsumeInput(leg->session->conn) == 0)
			return; // PQgetResult says why
		if (ready[1].revents != 0 && PQconsumeInput(leg->other->session->conn) == 0)
			leg->other = NULL; // as will its own results
	}
}

// The next result that is one; skips the NULL between the results of two statements.
static PGresult *next_result(struct leg *leg)
{
	wait_for_answer(leg);
	PGresult *result = PQgetResult(leg->session->conn);
	if (result != NULL)
		return result;
	wait_for_answer(leg);
	return PQgetResult(leg->session->conn);
}

static bool finish_statement(struct leg *leg, PGresult *result, const char *doing, struct err *err)
{
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!ok && status != PGRES_PIPELINE_ABORTED)
		session_error(leg->session, result, doing, err);
	return ok;
}

static bool expect_sync(struct leg *leg)
{
	auto_pgresult result = next_result(leg);
	return PQresultStatus(result) == PGRES_PIPELINE_SYNC;
}

static bool take(struct leg *leg, struct postgres_read *read, const struct pg_query *query, struct err *err)
{
	auto_pgresult result = next_result(leg);
	if (!finish_statement(leg, result, query->name, err))
		return false;
	for (int i = 0, n = PQntuples(result); i < n; i++)
		query->row(read, (struct row){ result, i });
	return true;
}

// Begins the transaction, in the snapshot of another one (NULL: in its own), and says whether the database is a large one whose
// snapshot may be exported.
static bool leg_begin(struct leg *leg, const char *exported, int lock_ms, bool *large, struct err *err)
{
	struct session *session = leg->session;
	bool sent = PQenterPipelineMode(session->conn) == 1 && send(leg, session_begin) &&
	            (exported == NULL || send(leg, arena_printf(session->arena, "set transaction snapshot '%s'", exported))) &&
	            send(leg, settings_sql(session, lock_ms)) && PQsendFlushRequest(session->conn) == 1 && PQflush(session->conn) == 0;
	if (!sent)
		return session_error(session, NULL, "sending the queries", err);
	bool ok = true;
	*err = (struct err){ 0 };
	for (int i = exported != NULL ? 2 : 1; i > 0; i--) {
		auto_pgresult result = next_result(leg);
		ok = finish_statement(leg, result, "begin", err) && ok;
	}
	auto_pgresult settings = next_result(leg);
	if (!finish_statement(leg, settings, "settings", err) || !ok)
		return false;
	*large = row_flag((struct row){ settings, 0 }, PQnfields(settings) - 1);
	return true;
}

static bool raw_send(struct leg *leg, const struct flight *flight)
{
	bool sent = true;
	for (size_t i = 0; sent && i < flight->n; i++)
		sent = flight->queries[i]->deparse || send(leg, flight->sql[i]);
	return sent && send_sync(leg);
}

static bool raw_take(struct leg *leg, struct postgres_read *read, const struct flight *flight, struct err *err)
{
	for (size_t i = 0; i < flight->n; i++) {
		if (!flight->queries[i]->deparse && !take(leg, read, flight->queries[i], err))
			return false; // the connection is of no more use: whatever is still under way ends with it
	}
	return expect_sync(leg) || session_error(leg->session, NULL, "reading", err);
}

static const char attest_sql[] =
	"select current_setting('transaction_read_only') = 'on', "
	"@13{pg_current_xact_id_if_assigned() is null}{txid_current_if_assigned() is null}, "
	"(select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and relation >= 16384)";

static bool deparse_send(struct leg *leg, const struct flight *flight)
{
	bool sent = true;
	for (size_t i = 0; sent && i < flight->n; i++) {
		sent = !leg->deparses[i] || (send(leg, "savepoint g") && send(leg, flight->sql[i]) && send_sync(leg) &&
		                             send(leg, "rollback to savepoint g") && send_sync(leg));
	}
	auto_buf attest = BUF_INIT;
	expand(&attest, attest_sql, attest_sql + strlen(attest_sql), leg->session->major);
	return sent && send(leg, attest.data) && send(leg, "commit") && send_sync(leg);
}

static bool attested(struct leg *leg, struct err *err)
{
	auto_pgresult result = next_result(leg);
	if (!finish_statement(leg, result, "attesting", err))
		return false;
	if (row_flag((struct row){ result, 0 }, 0) && row_flag((struct row){ result, 0 }, 1) && strcmp(PQgetvalue(result, 0, 2), "0") == 0)
		return true;
	return err_set(err, "attestation", leg->session->options->name, "please report this as a bug of driftcheck",
	               "reading left a trace: read-only %s, no transaction id %s, %s locks on user relations", PQgetvalue(result, 0, 0),
	               PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
}

static bool deparse_take(struct leg *leg, struct postgres_read *read, struct flight *flight, struct err *err)
{
	bool ok = true;
	for (size_t i = 0; ok && i < flight->n; i++) {
		if (!leg->deparses[i])
			continue;
		auto_pgresult savepoint = next_result(leg);
		bool usable = finish_statement(leg, savepoint, "savepoint", err);
		flight->failed[i] = !(usable && take(leg, read, flight->queries[i], &flight->failure));
		if (!usable) { // consume the aborted query's result
			auto_pgresult aborted = next_result(leg);
			(void)aborted;
		}
		ok = PQstatus(leg->session->conn) == CONNECTION_OK && expect_sync(leg);
		auto_pgresult rollback = ok ? next_result(leg) : NULL;
		ok = ok && finish_statement(leg, rollback, "rollback to savepoint", err) && expect_sync(leg);
	}
	if (!ok)
		return err->code[0] != '\0' ? false : session_error(leg->session, NULL, "reading", err);
	if (!attested(leg, err))
		return false;
	auto_pgresult commit = next_result(leg);
	return finish_statement(leg, commit, "commit", err) && expect_sync(leg) && PQexitPipelineMode(leg->session->conn) == 1;
}

// Connects once more, into the snapshot that the first leg's next result names.
static bool second_leg(struct leg *first, struct leg *second, const char *conninfo, int lock_ms)
{
	auto_pgresult exported = next_result(first);
	struct err ignored; // then there is no second leg
	bool large;
	second->other = first;
	return finish_statement(first, exported, "exporting the snapshot", &ignored) && session_open(second->session, conninfo, &ignored) &&
	       leg_begin(second, PQgetvalue(exported, 0, 0), lock_ms, &large, &ignored);
}

static bool send_failed(struct leg *leg, struct err *err)
{
	return session_error(leg->session, NULL, "sending the queries", err);
}

// The whole flight, over two connections if the database is large.
static bool read_all(struct flight *flight, struct session *session, const char *conninfo, struct postgres_read *read, struct err *err)
{
	int lock_ms = session_lock_timeout_ms(session);
	struct leg first = { session, NULL, { false } };
	bool large;
	if (!leg_begin(&first, NULL, lock_ms, &large, err))
		return false;
	struct read_options options = *session->options;
	options.connect_timeout_s = SECOND_CONNECT_TIMEOUT_S;
	auto_pgconn second_connection = NULL;
	struct session second_session = { NULL, &options, session->arena, 0 };
	struct leg second = { &second_session, NULL, { false } };
	if (large && !(send(&first, "select pg_export_snapshot()") && PQsendFlushRequest(session->conn) == 1))
		return send_failed(&first, err);
	if (!raw_send(&first, flight))
		return send_failed(&first, err);
	bool two = large && second_leg(&first, &second, conninfo, lock_ms);
	second_connection = second_session.conn;
	struct leg *deparsing = two ? &second : &first;
	for (size_t i = 0; i < flight->n; i++)
		deparsing->deparses[i] = flight->queries[i]->deparse;
	first.other = two ? &second : NULL;
	if (two && !deparse_send(&second, flight))
		return send_failed(&second, err);
	if (!deparse_send(&first, flight))
		return send_failed(&first, err);
	return raw_take(&first, read, flight, err) && deparse_take(&first, read, flight, err) &&
	       (!two || deparse_take(&second, read, flight, err));
}

static bool read_failed(struct flight *flight, struct session *session, struct postgres_read *read, struct err *err)
{
	int lock_ms = session_lock_timeout_ms(session) / 4;
	struct leg leg = { session, NULL, { false } };
	memcpy(leg.deparses, flight->failed, sizeof leg.deparses);
	bool large;
	if (!leg_begin(&leg, NULL, lock_ms, &large, err))
		return false;
	return deparse_send(&leg, flight) ? deparse_take(&leg, read, flight, err) : send_failed(&leg, err);
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

// Second chances for the groups that failed (shorter ones: what holds a lock for longer will be there for a while), then what is still unread is said, object by object.
static bool retry_failed(struct flight *flight, struct session *session, struct postgres_read *read, struct err *err)
{
	for (int attempt = 1; attempt <= GROUP_TRIES && any_failed(flight); attempt++) {
		clock_wait_ms(250 * attempt);
		if (!read_failed(flight, session, read, err))
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

bool flight_run(struct flight *flight, struct session *session, const char *conninfo, struct postgres_read *read, struct err *err)
{
	return read_all(flight, session, conninfo, read, err) && retry_failed(flight, session, read, err);
}
