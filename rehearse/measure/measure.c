// SPDX-License-Identifier: PostgreSQL
// Measuring statements: see measure.h. What a transaction holds is asked of its own backend after each statement; what a statement
// does in transactions of its own (CONCURRENTLY, VACUUM) and what it waits for is seen by the watch. A lone statement is put into a
// transaction of its own, where its locks can be read before they go; the server itself says which cannot be (SQLSTATE 25001,
// 2D000), and those are sent again as they are. None of the questions touches a relation of a user's.
#include "rehearse/measure/measure.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/sql.h"
#include "rehearse/measure/state.h"
#include "rehearse/sequence.h"

enum { WATCH_INTERVAL_MS = 5, FLUSH_MS = 550, PARALLEL_LEAST_US = 10000 };

// The lock modes, weakest first.
static const char *const modes[] = {
	"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock",
	"ExclusiveLock", "AccessExclusiveLock",
};
enum { N_MODES = sizeof modes / sizeof *modes };

bool measure_lost(struct err *err, const char *doing, PGconn *conn)
{
	return err_set(err, "measure", NULL, "is the clone's server still there?", "%s: %s", doing, PQerrorMessage(conn));
}

PGresult *measure_ask(PGconn *conn, const char *sql, struct err *err)
{
	PGresult *result = PQexec(conn, sql);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	measure_lost(err, "asking what a statement did", conn);
	PQclear(result);
	return NULL;
}

static long long number(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static int mode_rank(const char *mode)
{
	int rank = N_MODES - 1;
	while (rank >= 0 && strcmp(modes[rank], mode) != 0)
		rank--;
	return rank;
}

// Relations by OID, as the last look at them found them.

#define RELATION_COLUMNS "c.oid, n.nspname, c.relname, c.relkind, pg_catalog.pg_relation_filenode(c.oid), coalesce(x.indisvalid, true), " \
	"pg_catalog.pg_relation_size(c.oid) = 0 "
#define RELATION_FROM "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace " \
	"left join pg_catalog.pg_index x on x.indexrelid = c.oid "

static struct relation *take_relation(struct measure *measure, const PGresult *result, int row)
{
	unsigned oid = (unsigned)number(result, row, 0);
	struct relation *relation = oid_map_get(&measure->relations, oid);
	if (relation == NULL) {
		relation = arena_alloc(measure->arena, sizeof *relation);
		relation->oid = oid;
		relation->mode = -1;
		oid_map_put(&measure->relations, oid, relation);
		measure->list = arena_grow(measure->arena, measure->list, measure->n_list, &measure->list_capacity, sizeof *measure->list);
		measure->list[measure->n_list++] = relation;
	}
	const char *path[] = { PQgetvalue(result, row, 1), PQgetvalue(result, row, 2) };
	const char *name = sql_name_copy(measure->arena, path, 2);
	relation->former = relation->name == NULL ? name : relation->name;
	relation->name = name;
	relation->relkind = PQgetvalue(result, row, 3)[0];
	relation->filenode = (unsigned)number(result, row, 4);
	relation->valid = PQgetvalue(result, row, 5)[0] == 't';
	relation->empty_file = PQgetvalue(result, row, 6)[0] == 't';
	return relation;
}

static bool read_relations(struct measure *measure, struct err *err)
{
	auto_pgresult result = measure_ask(measure->side, "select " RELATION_COLUMNS RELATION_FROM "where c.oid >= 16384 and c.relkind <> 'c'", err);
	if (result == NULL)
		return false;
	for (int i = 0; i < PQntuples(result); i++)
		take_relation(measure, result, i)->known = true;
	return true;
}

// Whether somebody else could wait for it by its name: not what the statement made and dropped itself, and TOAST tables go with
// their tables.
static bool is_of_interest(const struct relation *relation)
{
	return relation != NULL && strncmp(relation->name, "pg_toast.", 9) != 0;
}

// Locks.

static void add_lock(struct measure *measure, struct step *step, size_t *capacity, struct step_lock lock)
{
	step->locks = arena_grow(measure->arena, step->locks, step->n_locks, capacity, sizeof *step->locks);
	step->locks[step->n_locks++] = lock;
}

// When a lock that was not there before the statement was granted: where the watch saw it waited for, when it saw it granted; else
// at the statement's beginning.
static double granted_us(const struct seen_lock *seen, size_t n_seen, int pid, unsigned oid, const char *mode, double start_us, double end_us,
                         double *wait_ms)
{
	*wait_ms = 0;
	for (size_t i = 0; i < n_seen; i++) {
		if (seen[i].pid != pid || seen[i].relation != oid || strcmp(seen[i].mode, mode) != 0 || seen[i].requested_us < 0)
			continue;
		double granted = seen[i].granted_us >= 0 ? seen[i].granted_us : seen[i].last_us;
		*wait_ms = (granted - seen[i].requested_us) / 1000;
		return granted;
	}
	return start_us < end_us ? start_us : end_us;
}

// How long the statement waited for locks of any sort: the time that samples saw it waiting.
double measure_waited_ms(const struct seen_lock *seen, size_t n_seen, int pid)
{
	double sum_us = 0;
	for (size_t i = 0; i < n_seen; i++) {
		if (seen[i].pid == pid && seen[i].requested_us >= 0)
			sum_us += (seen[i].granted_us > seen[i].requested_us ? seen[i].granted_us : seen[i].last_us) - seen[i].requested_us;
	}
	return sum_us / 1000;
}

static const char locks_sql[] =
	"select l.relation, l.mode from pg_catalog.pg_locks l where l.pid = %d and l.locktype = 'relation' and l.granted "
	"and l.relation >= 16384 and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

// The locks that the open transaction holds and did not hold before the statement. Asked from beside: a failed transaction can
// answer nothing.
bool measure_take_locks(struct measure *measure, struct step *step, const struct seen_lock *seen, size_t n_seen, double start_us,
                       double end_us, struct err *err)
{
	char sql[512];
	snprintf(sql, sizeof sql, locks_sql, measure->pid);
	auto_pgresult result = measure_ask(measure->side, sql, err);
	size_t capacity = 0;
	if (result == NULL)
		return false;
	for (int i = 0; i < PQntuples(result); i++) { // the strongest mode of each relation
		struct relation *relation = oid_map_get(&measure->relations, (unsigned)number(result, i, 0));
		int rank = mode_rank(PQgetvalue(result, i, 1));
		bool strongest = true;
		for (int j = 0; j < PQntuples(result); j++)
			strongest &= number(result, j, 0) != number(result, i, 0) || mode_rank(PQgetvalue(result, j, 1)) <= rank;
		if (!strongest || !is_of_interest(relation) || relation->mode >= rank)
			continue;
		struct step_lock lock = { .relation = relation->former, .mode = modes[rank], .read_only = relation->relkind == 'm' };
		double granted = granted_us(seen, n_seen, measure->pid, (unsigned)number(result, i, 0), lock.mode, start_us, end_us, &lock.wait_ms);
		lock.acquire_ms = (granted - measure->zero_us) / 1000;
		add_lock(measure, step, &capacity, lock);
		measure->held = arena_grow(measure->arena, measure->held, measure->n_held, &measure->held_capacity, sizeof *measure->held);
		measure->held[measure->n_held++] = (struct held){ NULL, granted, measure->asked_us };
		relation->mode = rank;
	}
	for (size_t i = 0; i < step->n_locks; i++) // the array does not move any more
		measure->held[measure->n_held - step->n_locks + i].lock = &step->locks[i];
	return true;
}

// The locks that the watch saw and that are gone: of a statement that runs in transactions of its own.
void measure_take_seen_locks(struct measure *measure, struct step *step, const struct seen_lock *seen, size_t n_seen, double end_us)
{
	size_t capacity = 0;
	for (size_t i = 0; i < n_seen; i++) {
		int rank = mode_rank(seen[i].mode);
		bool strongest = true;
		for (size_t j = 0; j < n_seen; j++)
			strongest &= seen[j].pid != seen[i].pid || seen[j].relation != seen[i].relation || mode_rank(seen[j].mode) <= rank;
		const struct relation *relation = oid_map_get(&measure->relations, seen[i].relation);
		if (seen[i].pid != measure->pid || rank < 0 || !strongest || !is_of_interest(relation))
			continue;
		double from_us = seen[i].granted_us >= 0 ? seen[i].granted_us : seen[i].last_us;
		double until_us = seen[i].last_us < end_us ? seen[i].last_us : end_us;
		add_lock(measure, step, &capacity, (struct step_lock){
			.relation = relation->former, .mode = modes[rank], .read_only = relation->relkind == 'm',
			.acquire_ms = (from_us - measure->zero_us) / 1000, .held_ms = until_us > from_us ? (until_us - from_us) / 1000 : 0,
			.wait_ms = seen[i].requested_us >= 0 ? (from_us - seen[i].requested_us) / 1000 : 0,
		});
	}
}

void measure_end_transaction(struct measure *measure, double end_us)
{
	for (size_t i = 0; i < measure->n_held; i++) {
		const struct held *held = &measure->held[i];
		held->lock->held_ms = (end_us - held->acquire_us - (measure->asked_us - held->asked_us)) / 1000;
	}
	measure->n_held = 0;
	measure->seq_read = 0;
	measure->asked_us = 0;
	for (size_t i = 0; i < measure->n_list; i++)
		measure->list[i]->mode = -1;
}

// What changed of the relations that the statement locked, or of all where `oids` is NULL: new files, invalid indexes. `conn` must see
// what the statement did.
bool measure_take_files(struct measure *measure, PGconn *conn, bool all, struct step *step, struct err *err)
{
	char sql[1024];
	snprintf(sql, sizeof sql, "select " RELATION_COLUMNS RELATION_FROM "where c.oid >= 16384 and c.relkind <> 'c'%s%s%s",
	         all ? "" : " and c.oid in (select l.relation from pg_catalog.pg_locks l where l.locktype = 'relation' and l.pid = ",
	         all ? "" : arena_printf(measure->arena, "%d", measure->pid), all ? "" : ")");
	auto_pgresult result = measure_ask(conn, sql, err);
	size_t n_rewrites = 0, n_invalid = 0;
	if (result == NULL)
		return false;
	step->rewrites = arena_array(measure->arena, (size_t)PQntuples(result), sizeof *step->rewrites);
	step->made = arena_array(measure->arena, (size_t)PQntuples(result), sizeof *step->made);
	step->invalid_indexes = arena_array(measure->arena, (size_t)PQntuples(result), sizeof *step->invalid_indexes);
	for (int i = 0; i < PQntuples(result); i++) {
		const struct relation *old = oid_map_get(&measure->relations, (unsigned)number(result, i, 0));
		bool was_known = old != NULL && old->known, was_valid = old == NULL || old->valid, was_empty = old != NULL && old->empty_file;
		unsigned filenode = old == NULL ? 0 : old->filenode;
		struct relation *relation = take_relation(measure, result, i);
		bool heap = strchr("rt", relation->relkind) != NULL;
		// TRUNCATE and REFRESH make a new file as well: a file that is empty now was not copied, and a view has no rows of its own
		if (was_known && heap && filenode != relation->filenode && !was_empty && !relation->empty_file)
			step->rewrites[n_rewrites++] = relation->name;
		if (!relation->valid && was_valid)
			step->invalid_indexes[n_invalid++] = relation->name;
		if (!was_known)
			step->made[step->n_made++] = relation->name;
		relation->known = true;
	}
	step->n_rewrites = n_rewrites;
	step->n_invalid_indexes = n_invalid;
	return true;
}

// Rows that the open transaction read by sequential scans so far, and where the WAL stands; only its own backend can tell. The same
// as pg_stat_xact_user_tables says, in a fifth of its time.
static bool own_counts(PGconn *conn, long long *seq_read, long long *wal, struct err *err)
{
	auto_pgresult result = measure_ask(conn, "select coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_returned(c.oid)), 0), "
	                                 "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0') "
	                                 "from pg_catalog.pg_class c where c.oid >= 16384 and c.relkind in ('r', 'm')", err);
	if (result == NULL)
		return false;
	*seq_read = number(result, 0, 0);
	*wal = number(result, 0, 1);
	return true;
}

bool measure_wal(PGconn *conn, long long *wal, struct err *err)
{
	auto_pgresult result = measure_ask(conn, "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')", err);
	if (result != NULL)
		*wal = number(result, 0, 0);
	return result != NULL;
}

static bool side_seq_read(struct measure *measure, long long *read, struct err *err)
{
	auto_pgresult result = measure_ask(measure->side, "select coalesce(sum(s.seq_tup_read), 0) from pg_catalog.pg_stat_user_tables s", err);
	if (result != NULL)
		*read = number(result, 0, 0);
	return result != NULL;
}

// What statements in transactions of their own read reaches the shared statistics when their backend flushes them: at once where it can
// be asked to (15 and later). Before, a backend sends them when it has nothing to do and has sent none for half a second, and others
// read a copy that may be as old.
static bool flushed_seq_read(struct measure *measure, long long *read, struct err *err)
{
	bool can_ask = measure->major >= 15;
	if (!can_ask)
		clock_sleep_ms(FLUSH_MS);
	auto_pgresult flush = measure_ask(measure->own, can_ask ? "select pg_catalog.pg_stat_force_next_flush()" : "select 1", err);
	if (flush != NULL && !can_ask)
		clock_sleep_ms(FLUSH_MS);
	return flush != NULL && side_seq_read(measure, read, err);
}

// Where a transaction begins: what is not sent yet of those before is not its own.
static bool counts_begin(struct measure *measure, long long *wal, struct err *err)
{
	return own_counts(measure->own, &measure->seq_read, wal, err) &&
	       (measure->major < 15 || measure->among_scans || side_seq_read(measure, &measure->shared_read, err));
}

// What parallel workers read for the open transaction since the last time: they send their counts when they end, whereas its own backend
// sends none before COMMIT. Of 15 and later, where counts are there at once.
static bool workers_read(struct measure *measure, long long *read, struct err *err)
{
	long long before = measure->shared_read;
	bool ok = measure->major < 15 || measure->among_scans || side_seq_read(measure, &measure->shared_read, err);
	*read = measure->shared_read - before;
	return ok;
}

// Running.

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
	if (!failed && (!measure_take_files(measure, measure->own, false, step, err) || !own_counts(measure->own, &read, &wal, err)))
		return false;
	long long of_workers = 0;
	if (!failed && read > measure->seq_read && end_us - start_us >= PARALLEL_LEAST_US && !workers_read(measure, &of_workers, err))
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
	    !(lone ? counts_begin(measure, &wal_before, err) : measure_wal(measure->own, &wal_before, err)))
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
	if (!measure_wal(measure->own, &wal_before, err) || (!measure->among_scans && !flushed_seq_read(measure, &read_before, err)))
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
	    (!measure->among_scans && !flushed_seq_read(measure, &read, err)))
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
	if (!was_open && is_open && !counts_begin(measure, &ignored, err))
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
	bool ok = measure->side != NULL && (conninfo == NULL || measure->own != NULL) && read_relations(measure, err);
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
