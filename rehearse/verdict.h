// SPDX-License-Identifier: PostgreSQL
// From measurements to findings and a verdict. Pure: it reads a rehearsal and the thresholds, and adds findings to its steps. The
// rules are data (rules.def): how grave they are, what they say and the safer way.
#ifndef REHEARSE_VERDICT_H
#define REHEARSE_VERDICT_H

#include "rehearse/rehearsal.h"

struct arena;

// Fills the findings of every step, the thresholds that held, and the verdict. Everything else is there already.
void verdict_reach(struct arena *arena, struct rehearsal *rehearsal, const struct thresholds *thresholds);

// Whether a lock makes an operation wait (a read takes AccessShareLock, a write RowExclusiveLock). Source: the manual, "Table-Level
// Lock Modes".
bool lock_blocks(const char *mode, enum operation operation);

// Whether a lock of a step makes anybody's reads or writes wait.
bool lock_stops_clients(const struct step_lock *lock);

// Whether a statement was refused because of values that were made up, which says nothing of the environment's. Nothing after it ran:
// the rehearsal is incomplete.
bool step_fails_on_made_up_rows(const struct rehearsal *rehearsal, const struct step *step);

// The lock of a step (one of the rehearsal's) that makes clients wait and is held longest; NULL: none does.
const struct step_lock *step_worst_lock(const struct rehearsal *rehearsal, const struct step *step);
// The same; where it takes none itself, one that its transaction holds already.
const struct step_lock *step_works_under(const struct rehearsal *rehearsal, const struct step *step);

// Whether others use a relation when a step (one of the rehearsal's) runs: what the run has made until then is nobody's yet.
bool relation_is_shared(const struct rehearsal *rehearsal, const struct step *step, const char *relation);

// What a statement took and did with so many rows in its table. Counts that are not known are < 0.
struct growth_point {
	double rows, ms;
	long long rows_read, wal_bytes;
	long long pages;  // SQLite: read and changed; `ms` is the same
	bool rewrites;    // a table got a new file
};

// From measurements at several sizes (rows ascending) to a class and a prediction at `at_rows`, with its error. Fewer than three
// sizes: unknown. What does no work in proportion to the rows is constant, unless the times leave no doubt.
enum growth growth_fit(const struct growth_point *points, size_t n, double at_rows, double *predicted_ms, double *error_ms);

#endif
