// SPDX-License-Identifier: PostgreSQL
// Measuring what another client sends: see measure.h. Nothing is asked of its backend. Whether its transaction is open, and what that
// holds, is seen in pg_locks; the locks of a statement that was a transaction of its own are gone at its end, so the
// watch samples without a pause. New files are seen when the transaction is over, and counted for the longest of its
// statements that had the lock for it.
#include "rehearse/measure/state.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "rehearse/tap/tap.h"

struct measure *measure_open_tapped(struct arena *arena, const char *watcher, unsigned pid, int *counter, double zero_us, struct err *err)
{
	struct measure *measure = measure_open(arena, NULL, watcher, err);
	struct err ignored;
	if (measure == NULL)
		return NULL;
	measure->pid = (int)pid;
	measure->tapped = true;
	measure->counter = counter;
	measure->zero_us = zero_us;
	measure->watch = watch_start(watcher, measure->pid, 0, err);
	if (measure->watch != NULL)
		return measure;
	measure_close(measure, &ignored);
	return NULL;
}

// Every transaction that is not over holds its own virtual id.
static bool ask_open(struct measure *measure, bool *open, struct err *err)
{
	char sql[256];
	snprintf(sql, sizeof sql, "select exists (select from pg_catalog.pg_locks l where l.pid = %d and l.locktype = 'virtualxid' and l.granted "
	         "and l.virtualxid = l.virtualtransaction)", measure->pid);
	auto_pgresult result = measure_ask(measure->side, sql, err);
	*open = result != NULL && PQgetvalue(result, 0, 0)[0] == 't';
	return result != NULL;
}

// The longest statement of the transaction that had the lock to give the relation a new file.
static struct step *blamed(const struct measure *measure, const char *relation)
{
	struct step *longest = measure->open_steps[measure->n_open_steps - 1];
	bool held = false, found = false;
	for (size_t i = 0; i < measure->n_open_steps; i++) {
		struct step *step = measure->open_steps[i];
		for (size_t j = 0; j < step->n_locks; j++)
			held |= strcmp(step->locks[j].relation, relation) == 0 && strcmp(step->locks[j].mode, "AccessExclusiveLock") == 0;
		if (held && (!found || step->duration_ms > longest->duration_ms)) {
			longest = step;
			found = true;
		}
	}
	return longest;
}

static const char **added(struct measure *measure, const char **names, size_t *n, const char *name)
{
	const char **more = arena_array(measure->arena, *n + 1, sizeof *more);
	if (*n > 0)
		memcpy(more, names, *n * sizeof *more);
	more[(*n)++] = name;
	return more;
}

bool measure_settle(struct measure *measure, struct err *err)
{
	struct step all = { 0 };
	measure_end_transaction(measure, measure->done_us);
	if (measure->n_open_steps == 0)
		return true;
	bool ok = measure_take_files(measure, measure->side, true, &all, err);
	for (size_t i = 0; i < all.n_rewrites; i++) {
		struct step *step = blamed(measure, all.rewrites[i]);
		step->rewrites = added(measure, step->rewrites, &step->n_rewrites, all.rewrites[i]);
	}
	struct step *first = measure->open_steps[0];
	for (size_t i = 0; i < all.n_made; i++)
		first->made = added(measure, first->made, &first->n_made, all.made[i]);
	for (size_t i = 0; i < all.n_invalid_indexes; i++)
		first->invalid_indexes = added(measure, first->invalid_indexes, &first->n_invalid_indexes, all.invalid_indexes[i]);
	measure->n_open_steps = 0;
	return ok;
}

bool measure_before(struct measure *measure, const char *sql, struct step *step, struct err *err)
{
	double asked_us = (double)clock_us();
	if (!ask_open(measure, &measure->was_open, err) || (!measure->was_open && !measure_settle(measure, err)) ||
	    !measure_wal(measure->side, &measure->wal_before, err))
		return false;
	*measure->counter += !measure->was_open;
	measure_start_step(measure, sql, step, asked_us);
	step->transaction = *measure->counter;
	if (measure->was_open && measure->n_open_steps > 0)
		step->transaction = measure->open_steps[0]->transaction;
	measure->open_steps = arena_grow(measure->arena, measure->open_steps, measure->n_open_steps, &measure->open_capacity, sizeof *measure->open_steps);
	measure->open_steps[measure->n_open_steps++] = step;
	watch_sync(measure->watch); // a sample of the statement before may still be under way
	watch_mark(measure->watch);
	measure->asked_us += (double)clock_us() - asked_us;
	return true;
}

bool measure_after(struct measure *measure, const struct tapped *tapped, struct step *step, struct err *err)
{
	double asked_us = (double)clock_us();
	bool is_open;
	size_t n_seen;
	long long wal;
	const struct seen_lock *seen = watch_seen(measure->watch, measure->arena, &n_seen);
	step->start_ms = (tapped->sent_us - measure->zero_us) / 1000;
	step->duration_ms = (tapped->done_us - tapped->sent_us) / 1000;
	step->lock_wait_ms = measure_waited_ms(seen, n_seen, measure->pid);
	step->temp_bytes = watch_temp_bytes(measure->watch);
	step->error = arena_strdup(measure->arena, tapped->error);
	step->sqlstate = tapped->error == NULL ? NULL : arena_strdup(measure->arena, tapped->sqlstate == NULL ? "" : tapped->sqlstate);
	measure->done_us = tapped->done_us;
	if (!ask_open(measure, &is_open, err) || !measure_wal(measure->side, &wal, err))
		return false;
	step->wal_bytes = wal - measure->wal_before;
	bool ok = true;
	if (is_open)
		ok = measure_take_locks(measure, step, seen, n_seen, tapped->sent_us, tapped->done_us, err);
	else if (!measure->was_open) // what a transaction held before it ended is its earlier steps'
		measure_take_seen_locks(measure, step, seen, n_seen, tapped->done_us);
	if (ok && !is_open)
		ok = measure_settle(measure, err);
	measure->asked_us += (double)clock_us() - asked_us;
	return ok;
}
