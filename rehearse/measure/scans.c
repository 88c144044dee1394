// SPDX-License-Identifier: PostgreSQL
// Counting what others scan: see scans.h.
#include "rehearse/measure/scans.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/sql.h"
#include "introspect/oid_map.h"
#include "introspect/pg.h"

// A backend adds what it has when a transaction ends a second after the last time; before 15 a collector writes that down, at most
// every half second.
enum { REPORT_US = 1100 * 1000, COLLECTED_MS = 1200, GONE_MS = 10000, STEP_MS = 10 };

// What the other statements may take of the longest one's time.
static const double others_most = 0.1;

struct count {
	long long rows;
};

struct statement {
	struct step *step;
	int client;
	double done_us; // of clock_us; < 0: it runs
	bool counted;   // the statistics have all that it read
};

struct scans {
	struct arena *arena;
	PGconn *conn;
	struct oid_map counts; // oid -> struct count
	struct statement *statements;
	size_t n_statements, capacity;
};

static bool fail(struct scans *scans, struct err *err)
{
	return err_set(err, "measure", NULL, "is the clone's server still there?", "asking for the rows that were read: %s", PQerrorMessage(scans->conn));
}

// Whether it held a lock on a table, be it since an earlier statement of its transaction.
static bool has_lock(const struct scans *scans, size_t at, const char *relation)
{
	for (size_t i = 0; i <= at; i++) {
		const struct step *step = scans->statements[i].step;
		for (size_t j = 0; j < step->n_locks && step->transaction == scans->statements[at].step->transaction; j++) {
			if (strcmp(step->locks[j].relation, relation) == 0)
				return true;
		}
	}
	return false;
}

// Puts rows down to the statement that read them: of those that may not have been counted yet and had a lock on the table (if none had,
// of all) the longest, if it is by far the longest. Else none of them is known.
static void put_down(struct scans *scans, const char *relation, long long rows)
{
	struct step *longest = NULL;
	double others_ms = 0;
	bool held = false;
	for (size_t i = 0; i < scans->n_statements && !held; i++)
		held = !scans->statements[i].counted && has_lock(scans, i, relation);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < scans->n_statements; i++) {
			struct step *step = scans->statements[i].step;
			if (scans->statements[i].counted || (held && !has_lock(scans, i, relation)))
				continue;
			others_ms += pass == 0 ? step->duration_ms : 0;
			if (pass == 0)
				longest = longest == NULL || step->duration_ms > longest->duration_ms ? step : longest;
			else if (others_ms - longest->duration_ms > longest->duration_ms * others_most)
				step->rows_read = -1;
			else if (step == longest && step->rows_read >= 0)
				step->rows_read += rows;
		}
	}
}

static bool look(struct scans *scans, struct err *err)
{
	auto_pgresult result = PQexec(scans->conn, "select s.relid, s.schemaname, s.relname, s.seq_tup_read from pg_catalog.pg_stat_user_tables s where s.seq_tup_read > 0");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(scans, err);
	for (int i = 0; i < PQntuples(result); i++) {
		unsigned oid = (unsigned)strtoul(PQgetvalue(result, i, 0), NULL, 10);
		const char *path[] = { PQgetvalue(result, i, 1), PQgetvalue(result, i, 2) };
		struct count *count = oid_map_get(&scans->counts, oid);
		if (count == NULL) {
			count = arena_alloc(scans->arena, sizeof *count);
			oid_map_put(&scans->counts, oid, count);
		}
		long long rows = strtoll(PQgetvalue(result, i, 3), NULL, 10), more = rows - count->rows;
		count->rows = rows;
		if (more > 0)
			put_down(scans, sql_name_copy(scans->arena, path, 2), more);
	}
	return true;
}

struct scans *scans_open(struct arena *arena, const char *conninfo, struct err *err)
{
	struct scans *scans = arena_alloc(arena, sizeof *scans);
	*scans = (struct scans){ .arena = arena, .conn = PQconnectdb(conninfo), .counts = { .arena = arena } };
	struct err ignored;
	if (PQstatus(scans->conn) == CONNECTION_OK && PQserverVersion(scans->conn) < 150000)
		clock_wait_ms(COLLECTED_MS); // what was read before
	if (PQstatus(scans->conn) == CONNECTION_OK ? look(scans, err) : fail(scans, err))
		return scans;
	scans_close(scans, NULL, 0, &ignored);
	return NULL;
}

// What a client had read is counted by the end of a transaction that comes a second after it.
static void count_until(struct scans *scans, int client, int transaction)
{
	double now_us = (double)clock_us(), reported_us = -1;
	for (size_t i = 0; i < scans->n_statements; i++) {
		const struct statement *of = &scans->statements[i];
		bool ended = of->client == client && of->step->transaction != transaction && of->done_us >= 0;
		bool written = PQserverVersion(scans->conn) >= 150000 || now_us - of->done_us >= COLLECTED_MS * 1000.0;
		if (ended && written && of->done_us > reported_us)
			reported_us = of->done_us;
	}
	for (size_t i = 0; i < scans->n_statements; i++) {
		struct statement *of = &scans->statements[i];
		of->counted |= of->client == client && of->step->transaction != transaction && of->done_us >= 0 && reported_us - of->done_us >= REPORT_US;
	}
}

bool scans_begin(struct scans *scans, int client, struct step *step, struct err *err)
{
	if (!look(scans, err))
		return false;
	count_until(scans, client, step->transaction);
	scans->statements = arena_grow(scans->arena, scans->statements, scans->n_statements, &scans->capacity, sizeof *scans->statements);
	scans->statements[scans->n_statements++] = (struct statement){ .step = step, .client = client, .done_us = -1 };
	return true;
}

void scans_done(struct scans *scans, const struct step *step)
{
	for (size_t i = scans->n_statements; i-- > 0;) {
		if (scans->statements[i].step == step)
			scans->statements[i].done_us = (double)clock_us();
	}
}

static bool are_there(struct scans *scans, const int *pids, size_t n_pids)
{
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "select 1 from pg_catalog.pg_stat_activity a where a.pid in (0");
	for (size_t i = 0; i < n_pids; i++)
		buf_addf(&sql, ", %d", pids[i]);
	buf_addc(&sql, ')');
	auto_pgresult result = PQexec(scans->conn, sql.data);
	return PQntuples(result) > 0;
}

bool scans_close(struct scans *scans, const int *pids, size_t n_pids, struct err *err)
{
	if (scans == NULL)
		return true;
	bool ok = true;
	if (n_pids > 0) {
		for (int left_ms = GONE_MS; left_ms > 0 && are_there(scans, pids, n_pids); left_ms -= STEP_MS)
			clock_wait_ms(STEP_MS);
		if (PQserverVersion(scans->conn) < 150000)
			clock_wait_ms(COLLECTED_MS);
		ok = look(scans, err);
	}
	PQfinish(scans->conn);
	return ok;
}
