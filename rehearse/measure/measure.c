// SPDX-License-Identifier: PostgreSQL
// Measuring statements: see measure.h. What a transaction holds is asked of its own backend after each statement; what a statement
// does in transactions of its own (CONCURRENTLY, VACUUM) and what it waits for is seen by the watch. A lone statement is put into a
// transaction of its own, where its locks can be read before they go; the server itself says which cannot be (SQLSTATE 25001,
// 2D000), and those are sent again as they are. None of the questions touches a relation of a user's.
#include "rehearse/measure/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "rehearse/measure/state.h"
#include "rehearse/sequence.h"

enum { WATCH_INTERVAL_MS = 5, PARALLEL_LEAST_US = 10000 };

static bool is_sqlstate(const PGresult *result, const char *sqlstate)
{
	const char *is = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return is != NULL && strcmp(is, sqlstate) == 0;
}

static void note_error(struct measure *measure, const PGresult *result, struct step *step)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	step->error = arena_strdup(measure->arena, message != NULL ? message : PQresultErrorMessage(result));
	step->sqlstate = arena_strdup(measure->arena, sqlstate == NULL ? "" : sqlstate);
}

// The last result of a simple query, or the first error.
static PGresult *run(PGconn *conn, const char *sql)
{
	PGresult *last = NULL;
	if (!PQsendQuery(conn, sql))
		return PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
	for (PGresult *result; (result = PQgetResult(conn)) != NULL;) {
		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_COPY_IN)
			PQputCopyEnd(conn, "no data follows the statement");
		for (char *row; status == PGRES_COPY_OUT && PQgetCopyData(conn, &row, 0) > 0;)
			PQfreemem(row);
		if (last != NULL && PQresultStatus(last) == PGRES_FATAL_ERROR) { // of NULL that is said as well
			PQclear(result);
			continue;
		}
		PQclear(last);
		last = result;
	}
	return last;
}

static bool control(struct measure *measure, const char *sql, struct err *err)
{
	auto_pgresult result = run(measure->own, sql);
	return PQresultStatus(result) == PGRES_COMMAND_OK || measure_lost(err, sql, measure->own);
}

void measure_start_step(struct measure *measure, const char *sql, struct step *step, double now_us)
{
	if (measure->zero_us < 0)
		measure->zero_us = now_us;
	step->sql = arena_strdup(measure->arena, sql);
	step->start_ms = (now_us - measure->zero_us) / 1000;
	step->predicted_ms = step->success_rate = -1;
}

// Everything that can be asked while the statement's transaction is open.
static bool take_all(struct measure *measure, struct step *step, double start_us, double end_us, long long wal_before, struct err *err)
{
	size_t n_seen;
	const struct seen_lock *seen = watch_seen(measure->watch, measure->arena, &n_seen);
	step->lock_wait_ms = measure_waited_ms(seen, n_seen, measure->pid);
	step->temp_bytes = watch_temp_bytes(measure->watch);
	bool failed = PQtransactionStatus(measure->own) == PQTRANS_INERROR;
	long long read = measure->seq_read, wal = wal_before;
	if (!failed && (!measure_take_files(measure, measure->own, false, step, err) || !measure_own_counts(measure->own, &read, &wal, err)))
		return false;
	long long of_workers = 0;
	if (!failed && read > measure->seq_read && end_us - start_us >= PARALLEL_LEAST_US && !measure_workers_read(measure, &of_workers, err))
		return false;
	step->rows_read = read - measure->seq_read + of_workers;
	step->wal_bytes = wal - wal_before;
	measure->seq_read = read;
	return measure_take_locks(measure, step, seen, n_seen, start_us, end_us, err);
}

// In the transaction that is open, or in one of its own. *outside: the server wants it outside of any.
static bool run_inside(struct measure *measure, const char *sql, struct step *step, bool *outside, struct err *err)
{
	bool lone = PQtransactionStatus(measure->own) == PQTRANS_IDLE;
	if (lone && !control(measure, "BEGIN", err))
		return false;
	long long wal_before = 0;
	double asked_us = (double)clock_us();
	if (PQtransactionStatus(measure->own) == PQTRANS_INTRANS &&
	    !(lone ? measure_counts_begin(measure, &wal_before, err) : measure_wal(measure->own, &wal_before, err)))
		return false;
	measure->n_transactions += lone;
	watch_mark(measure->watch);
	double start_us = (double)clock_us();
	measure->asked_us += start_us - asked_us;
	measure_start_step(measure, sql, step, start_us);
	auto_pgresult result = run(measure->own, sql);
	double end_us = (double)clock_us();
	step->duration_ms = (end_us - start_us) / 1000;
	step->transaction = measure->n_transactions;
	if (PQstatus(measure->own) != CONNECTION_OK)
		return measure_lost(err, "the connection broke while a statement ran", measure->own);
	*outside = lone && (is_sqlstate(result, "25001") || is_sqlstate(result, "2D000"));
	if (*outside)
		return control(measure, "ROLLBACK", err);
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		note_error(measure, result, step);
	if (!take_all(measure, step, start_us, end_us, wal_before, err))
		return false;
	double commit_us = (double)clock_us();
	measure->asked_us += commit_us - end_us;
	if (!lone)
		return true;
	auto_pgresult commit = run(measure->own, step->error == NULL ? "COMMIT" : "ROLLBACK");
	step->duration_ms += ((double)clock_us() - commit_us) / 1000;
	if (PQresultStatus(commit) == PGRES_FATAL_ERROR) // deferred constraints
		note_error(measure, commit, step);
	measure_end_transaction(measure, (double)clock_us());
	return PQstatus(measure->own) == CONNECTION_OK || measure_lost(err, "the connection broke at COMMIT", measure->own);
}

// By itself, outside of any transaction.
static bool run_outside(struct measure *measure, const char *sql, struct step *step, struct err *err)
{
	long long read_before = 0, read = 0, wal_before, wal;
	if (!measure_wal(measure->own, &wal_before, err) || (!measure->among_scans && !measure_flushed_seq_read(measure, &read_before, err)))
		return false;
	watch_pace(measure->watch, 0);
	watch_mark(measure->watch);
	double start_us = (double)clock_us();
	measure_start_step(measure, sql, step, start_us);
	auto_pgresult result = run(measure->own, sql);
	double end_us = (double)clock_us();
	watch_pace(measure->watch, WATCH_INTERVAL_MS);
	step->duration_ms = (end_us - start_us) / 1000;
	step->transaction = 0;
	if (PQstatus(measure->own) != CONNECTION_OK)
		return measure_lost(err, "the connection broke while a statement ran", measure->own);
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		note_error(measure, result, step);
	size_t n_seen;
	const struct seen_lock *seen = watch_seen(measure->watch, measure->arena, &n_seen);
	step->lock_wait_ms = measure_waited_ms(seen, n_seen, measure->pid);
	step->temp_bytes = watch_temp_bytes(measure->watch);
	if (!measure_take_files(measure, measure->own, true, step, err) || !measure_wal(measure->own, &wal, err) ||
	    (!measure->among_scans && !measure_flushed_seq_read(measure, &read, err)))
		return false;
	measure_take_seen_locks(measure, step, seen, n_seen, end_us);
	step->wal_bytes = wal - wal_before;
	step->rows_read = measure->among_scans ? -1 : read - read_before;
	return true;
}

// BEGIN, COMMIT, ROLLBACK and the like.
static bool run_control(struct measure *measure, const char *sql, struct step *step, struct err *err)
{
	bool was_open = PQtransactionStatus(measure->own) != PQTRANS_IDLE;
	watch_mark(measure->watch);
	double start_us = (double)clock_us();
	measure_start_step(measure, sql, step, start_us);
	auto_pgresult result = run(measure->own, sql);
	double end_us = (double)clock_us();
	step->duration_ms = (end_us - start_us) / 1000;
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		note_error(measure, result, step);
	bool is_open = PQtransactionStatus(measure->own) != PQTRANS_IDLE;
	long long ignored;
	if (!was_open && is_open && !measure_counts_begin(measure, &ignored, err))
		return false;
	measure->n_transactions += !was_open && is_open;
	step->transaction = measure->n_transactions;
	if (was_open && !is_open)
		measure_end_transaction(measure, end_us);
	return PQstatus(measure->own) == CONNECTION_OK || measure_lost(err, "the connection broke", measure->own);
}

bool measure_step(struct measure *measure, const char *sql, struct step *step, struct err *err)
{
	*step = (struct step){ .version = step->version, .label = step->label, .file = step->file, .line = step->line };
	if (sequence_is_control(sql))
		return run_control(measure, sql, step, err);
	bool outside = false;
	if (!run_inside(measure, sql, step, &outside, err))
		return false;
	return !outside || run_outside(measure, sql, step, err);
}

void measure_among_scans(struct measure *measure)
{
	measure->among_scans = true;
}

double measure_zero_us(const struct measure *measure)
{
	return measure->zero_us;
}

bool measure_is_open(const struct measure *measure)
{
	return PQtransactionStatus(measure->own) != PQTRANS_IDLE;
}

static PGconn *open_connection(const char *conninfo, struct err *err)
{
	PGconn *conn = PQconnectdb(conninfo);
	PQsetNoticeReceiver(conn, pg_ignore_notice, NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	measure_lost(err, "connecting to the clone", conn);
	PQfinish(conn);
	return NULL;
}

struct measure *measure_open(struct arena *arena, const char *conninfo, const char *watcher, struct err *err)
{
	struct measure *measure = arena_alloc(arena, sizeof *measure);
	*measure = (struct measure){ .arena = arena, .conninfo = conninfo, .watcher = watcher, .zero_us = -1, .relations = { .arena = arena } };
	struct err ignored;
	measure->side = open_connection(watcher, err);
	measure->own = measure->side == NULL || conninfo == NULL ? NULL : open_connection(conninfo, err);
	bool ok = measure->side != NULL && (conninfo == NULL || measure->own != NULL) && measure_read_relations(measure, err);
	if (ok) {
		measure->major = PQserverVersion(measure->side) / 10000;
		measure->pid = measure->own == NULL ? 0 : PQbackendPID(measure->own);
		measure->watch = measure->own == NULL ? NULL : watch_start(watcher, measure->pid, WATCH_INTERVAL_MS, err);
		ok = measure->own == NULL || measure->watch != NULL;
	}
	if (ok)
		return measure;
	measure_close(measure, &ignored);
	return NULL;
}

bool measure_close(struct measure *measure, struct err *err)
{
	struct err ignored;
	if (measure->tapped)
		measure_settle(measure, &ignored);
	else
		measure_end_transaction(measure, (double)clock_us());
	PQfinish(measure->own);
	PQfinish(measure->side);
	return watch_stop(measure->watch, err);
}
