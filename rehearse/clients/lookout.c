// SPDX-License-Identifier: PostgreSQL
// The lookout: see lookout.h. As long as nobody waits, a look is one pass over pg_locks.
#include "rehearse/clients/lookout.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/sql.h"

struct lookout {
	PGconn *conn;
	void (*note)(void *argument, const struct lookout_wait *wait);
	void *argument;
	pthread_t thread;
	bool running;
	atomic_bool stop;
};

// Who waits for a row waits for the transaction that has it, with a lock on the tuple in hand that says of which relation. A blocker is
// written as its pid and, if it is one of the clients (their names are given by traffic.c and pgbench.c), a "c".
static const char look_sql[] =
	"select l.pid, a.application_name, n.nspname, c.relname, "
	"(select pg_catalog.string_agg(b.pid || case when exists (select from pg_catalog.pg_stat_get_activity(b.pid) s "
	"where s.application_name ~ '^driftcheck (read|write|pgbench)') then 'c' else '' end, ' ') "
	"from pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b(pid)) "
	"from pg_catalog.pg_locks l left join lateral pg_catalog.pg_stat_get_activity(l.pid) a on true "
	"left join pg_catalog.pg_class c on c.oid = coalesce(l.relation, (select t.relation from pg_catalog.pg_locks t "
	"where t.pid = l.pid and t.locktype = 'tuple' limit 1)) "
	"left join pg_catalog.pg_namespace n on n.oid = c.relnamespace where not l.granted";

static bool resolve(const struct lookout_row *rows, size_t n, size_t i, bool *visited, struct lookout_wait *wait)
{
	bool found = false;
	visited[i] = true;
	for (size_t b = 0; b < rows[i].n_blockers; b++) {
		size_t row = 0;
		while (row < n && rows[row].pid != rows[i].blockers[b])
			row++;
		if (!rows[i].is_client[b]) {
			wait->relation = found ? wait->relation : rows[i].relation;
			wait->behind |= row < n;
			found = true;
		} else if (!found && row < n && !visited[row]) {
			found = resolve(rows, n, row, visited, wait);
		}
	}
	return found;
}

bool lookout_resolve(const struct lookout_row *rows, size_t n, size_t i, struct lookout_wait *wait)
{
	auto_arena scrap = arena_new();
	wait->behind = false;
	wait->relation = NULL;
	return resolve(rows, n, i, arena_array(scrap, n, sizeof(bool)), wait);
}

static void take_blockers(struct arena *arena, const char *text, struct lookout_row *row)
{
	size_t most = strlen(text) / 2 + 1;
	int *pids = arena_array(arena, most, sizeof *pids);
	bool *is_client = arena_array(arena, most, sizeof *is_client);
	while (*text != '\0') {
		char *end;
		pids[row->n_blockers] = (int)strtol(text, &end, 10);
		is_client[row->n_blockers++] = *end == 'c';
		text = end + strspn(end, "c ");
	}
	row->blockers = pids;
	row->is_client = is_client;
}

static void note_all(struct lookout *lookout, const PGresult *result, double at_us, double for_us)
{
	auto_arena arena = arena_new();
	size_t n = (size_t)PQntuples(result);
	struct lookout_row *rows = arena_array(arena, n, sizeof *rows);
	for (size_t i = 0; i < n; i++) {
		int at = (int)i;
		const char *path[] = { PQgetvalue(result, at, 2), PQgetvalue(result, at, 3) };
		rows[i] = (struct lookout_row){ .pid = atoi(PQgetvalue(result, at, 0)), .client = PQgetvalue(result, at, 1),
		                                .relation = PQgetisnull(result, at, 3) ? NULL : sql_name_copy(arena, path, 2) };
		take_blockers(arena, PQgetvalue(result, at, 4), &rows[i]);
	}
	for (size_t i = 0; i < n; i++) {
		struct lookout_wait wait = { .pid = rows[i].pid, .client = rows[i].client, .at_us = at_us, .for_us = for_us };
		if (lookout_resolve(rows, n, i, &wait))
			lookout->note(lookout->argument, &wait);
	}
}

static void *look(void *argument)
{
	struct lookout *lookout = argument;
	double last_us = (double)clock_us();
	while (!atomic_load(&lookout->stop) && PQstatus(lookout->conn) == CONNECTION_OK) {
		double asked_us = (double)clock_us();
		auto_pgresult result = PQexec(lookout->conn, look_sql);
		double now_us = (double)clock_us();
		if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
			note_all(lookout, result, (asked_us + now_us) / 2, now_us - last_us);
		last_us = now_us;
		clock_sleep_ms(LOOKOUT_MS);
	}
	return NULL;
}

struct lookout *lookout_start(PGconn *conn, void (*note)(void *argument, const struct lookout_wait *wait), void *argument, struct err *err)
{
	struct lookout *lookout = calloc(1, sizeof *lookout);
	invariant(lookout != NULL, "out of memory");
	*lookout = (struct lookout){ .conn = conn, .note = note, .argument = argument };
	lookout->running = pthread_create(&lookout->thread, NULL, look, lookout) == 0;
	if (lookout->running)
		return lookout;
	lookout_stop(lookout);
	err_set(err, "traffic", NULL, NULL, "no thread can be started");
	return NULL;
}

void lookout_stop(struct lookout *lookout)
{
	if (lookout == NULL)
		return;
	atomic_store(&lookout->stop, true);
	if (lookout->running)
		pthread_join(lookout->thread, NULL);
	PQfinish(lookout->conn);
	free(lookout);
}
