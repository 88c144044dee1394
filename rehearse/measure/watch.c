// SPDX-License-Identifier: PostgreSQL
// The sampler: see watch.h. Its query reads pg_locks, which takes the lock manager's own locks for a moment, and the list of
// temporary files; it takes no lock on any relation of a user's.
#include "rehearse/measure/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "introspect/pg.h"

struct watch {
	PGconn *conn;
	int pid;
	_Atomic double interval_ms;
	pthread_t thread;
	bool running;
	atomic_bool stop;

	pthread_mutex_t mutex;
	pthread_cond_t sampled;
	struct arena *arena; // of the texts
	struct seen_lock *seen;
	size_t n_seen, seen_capacity;
	long long temp_bytes;
	unsigned long long n_samples; // finished
	struct err err;
	bool broken;
};

// Every lock of the watched backend on a user's relation, and everything that anybody waits for.
static const char sample_sql[] =
	"select l.pid, case when l.locktype = 'relation' then l.relation else 0 end, l.locktype, l.mode, l.granted, "
	"case when l.granted then 0 else (pg_catalog.pg_blocking_pids(l.pid))[1] end, "
	"not l.granted and exists (select from pg_catalog.pg_locks w where not w.granted and w.relation = l.relation "
	"and w.pid = any (pg_catalog.pg_blocking_pids(l.pid))), "
	"(select coalesce(sum(t.size), 0) from pg_catalog.pg_ls_tmpdir() t where t.name like 'pgsql_tmp' || $1 || '.%') "
	"from pg_catalog.pg_locks l "
	"where (l.pid = $1::int and (l.relation >= 16384 or not l.granted)) "
	"or (not l.granted and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())) "
	"or (not l.granted and l.database is null)";

static bool fail(struct err *err, const char *doing, PGconn *conn)
{
	return err_set(err, "watch", NULL, NULL, "%s: %s", doing, PQerrorMessage(conn));
}

static const char *intern(struct watch *watch, const char *text)
{
	for (size_t i = 0; i < watch->n_seen; i++) {
		if (strcmp(watch->seen[i].mode, text) == 0)
			return watch->seen[i].mode;
		if (strcmp(watch->seen[i].locktype, text) == 0)
			return watch->seen[i].locktype;
	}
	return arena_strdup(watch->arena, text);
}

static struct seen_lock *find(struct watch *watch, int pid, unsigned relation, const char *locktype, const char *mode, double now_us)
{
	for (size_t i = 0; i < watch->n_seen; i++) {
		struct seen_lock *seen = &watch->seen[i];
		if (seen->pid == pid && seen->relation == relation && strcmp(seen->mode, mode) == 0 && strcmp(seen->locktype, locktype) == 0)
			return seen;
	}
	struct seen_lock fresh = { .pid = pid, .relation = relation, .locktype = intern(watch, locktype), .mode = intern(watch, mode),
	                           .first_us = now_us, .requested_us = -1, .granted_us = -1 };
	watch->seen = arena_grow(watch->arena, watch->seen, watch->n_seen, &watch->seen_capacity, sizeof *watch->seen);
	watch->seen[watch->n_seen] = fresh;
	return &watch->seen[watch->n_seen++];
}

static void note_sample(struct watch *watch, const PGresult *result, double now_us)
{
	for (int i = 0; i < PQntuples(result); i++) {
		bool granted = PQgetvalue(result, i, 4)[0] == 't';
		struct seen_lock *seen = find(watch, atoi(PQgetvalue(result, i, 0)), (unsigned)strtoul(PQgetvalue(result, i, 1), NULL, 10),
		                              PQgetvalue(result, i, 2), PQgetvalue(result, i, 3), now_us);
		seen->last_us = now_us;
		if (granted && seen->granted_us < 0)
			seen->granted_us = now_us;
		if (granted)
			continue;
		if (seen->requested_us < 0)
			seen->requested_us = now_us;
		seen->blocked_by = atoi(PQgetvalue(result, i, 5));
		seen->blocker_waits |= PQgetvalue(result, i, 6)[0] == 't';
	}
	long long temp = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 7), NULL, 10) : 0;
	watch->temp_bytes = temp > watch->temp_bytes ? temp : watch->temp_bytes;
}

static void *sample(void *argument)
{
	struct watch *watch = argument;
	char pid[16];
	snprintf(pid, sizeof pid, "%d", watch->pid);
	const char *const values[] = { pid };
	while (!atomic_load(&watch->stop)) {
		double start_us = (double)clock_us();
		auto_pgresult result = PQexecPrepared(watch->conn, "sample", 1, values, NULL, NULL, 0);
		bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
		pthread_mutex_lock(&watch->mutex);
		if (ok)
			note_sample(watch, result, (double)clock_us());
		else if (!watch->broken)
			fail(&watch->err, "sampling the locks", watch->conn);
		watch->broken |= !ok;
		watch->n_samples++;
		pthread_cond_broadcast(&watch->sampled);
		pthread_mutex_unlock(&watch->mutex);
		if (!ok)
			return NULL;
		double left_ms = atomic_load(&watch->interval_ms) - ((double)clock_us() - start_us) / 1000;
		if (left_ms > 0.5)
			clock_sleep_ms((long long)(left_ms + 0.5));
	}
	return NULL;
}

struct watch *watch_start(const char *conninfo, int pid, double interval_ms, struct err *err)
{
	struct watch *watch = calloc(1, sizeof *watch);
	invariant(watch != NULL, "out of memory");
	*watch = (struct watch){ .pid = pid, .interval_ms = interval_ms, .arena = arena_new(), .conn = PQconnectdb(conninfo) };
	pthread_mutex_init(&watch->mutex, NULL);
	pthread_cond_init(&watch->sampled, NULL);
	struct err ignored;
	auto_pgresult settings = PQstatus(watch->conn) != CONNECTION_OK ? NULL
		: PQexec(watch->conn, "set statement_timeout = 0; set lock_timeout = 0; set jit = off; set application_name = 'driftcheck watch'");
	auto_pgresult prepared = PQresultStatus(settings) != PGRES_COMMAND_OK ? NULL : PQprepare(watch->conn, "sample", sample_sql, 1, NULL);
	if (PQresultStatus(prepared) != PGRES_COMMAND_OK) {
		fail(err, "watching the clone", watch->conn);
		watch_stop(watch, &ignored);
		return NULL;
	}
	watch->running = pthread_create(&watch->thread, NULL, sample, watch) == 0;
	if (watch->running)
		return watch;
	err_set(err, "watch", NULL, NULL, "no thread can be started");
	watch_stop(watch, &ignored);
	return NULL;
}

void watch_pace(struct watch *watch, double interval_ms)
{
	atomic_store(&watch->interval_ms, interval_ms);
	watch_sync(watch);
}

void watch_mark(struct watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	arena_free(watch->arena);
	watch->arena = arena_new();
	watch->seen = NULL;
	watch->n_seen = watch->seen_capacity = 0;
	watch->temp_bytes = 0;
	pthread_mutex_unlock(&watch->mutex);
}

void watch_sync(struct watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	// the sample that runs now may have begun before the call: the one after it has not
	for (unsigned long long wanted = watch->n_samples + 2; watch->n_samples < wanted && !watch->broken;)
		pthread_cond_wait(&watch->sampled, &watch->mutex);
	pthread_mutex_unlock(&watch->mutex);
}

struct seen_lock *watch_seen(struct watch *watch, struct arena *arena, size_t *n)
{
	pthread_mutex_lock(&watch->mutex);
	struct seen_lock *copy = arena_array(arena, watch->n_seen, sizeof *copy);
	for (size_t i = 0; i < watch->n_seen; i++) {
		copy[i] = watch->seen[i];
		copy[i].mode = arena_strdup(arena, copy[i].mode);
		copy[i].locktype = arena_strdup(arena, copy[i].locktype);
	}
	*n = watch->n_seen;
	pthread_mutex_unlock(&watch->mutex);
	return copy;
}

long long watch_temp_bytes(struct watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	long long bytes = watch->temp_bytes;
	pthread_mutex_unlock(&watch->mutex);
	return bytes;
}

bool watch_stop(struct watch *watch, struct err *err)
{
	if (watch == NULL)
		return true;
	atomic_store(&watch->stop, true);
	if (watch->running)
		pthread_join(watch->thread, NULL);
	bool broken = watch->broken;
	if (broken)
		*err = watch->err;
	PQfinish(watch->conn);
	pthread_cond_destroy(&watch->sampled);
	pthread_mutex_destroy(&watch->mutex);
	arena_free(watch->arena);
	free(watch);
	return !broken;
}
