// SPDX-License-Identifier: PostgreSQL
// What a statement did, asked of the server: locks, files, rows that were read, WAL. When it is asked is measure.c's and tapped.c's.
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/sql.h"
#include "rehearse/measure/state.h"

enum { FLUSH_MS = 550 };

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

bool measure_read_relations(struct measure *measure, struct err *err)
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
bool measure_own_counts(PGconn *conn, long long *seq_read, long long *wal, struct err *err)
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
bool measure_flushed_seq_read(struct measure *measure, long long *read, struct err *err)
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
bool measure_counts_begin(struct measure *measure, long long *wal, struct err *err)
{
	return measure_own_counts(measure->own, &measure->seq_read, wal, err) &&
	       (measure->major < 15 || measure->among_scans || side_seq_read(measure, &measure->shared_read, err));
}

// What parallel workers read for the open transaction since the last time: they send their counts when they end, whereas its own backend
// sends none before COMMIT. Of 15 and later, where counts are there at once.
bool measure_workers_read(struct measure *measure, long long *read, struct err *err)
{
	long long before = measure->shared_read;
	bool ok = measure->major < 15 || measure->among_scans || side_seq_read(measure, &measure->shared_read, err);
	*read = measure->shared_read - before;
	return ok;
}
