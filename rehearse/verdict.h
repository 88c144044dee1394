// SPDX-License-Identifier: PostgreSQL
// From measurements to findings and a verdict. Pure: it reads a rehearsal and the thresholds, and adds findings to its steps. The
// rules are data (rules.def): what they look at, how grave they are, what they say and the safer way.
#ifndef REHEARSE_VERDICT_H
#define REHEARSE_VERDICT_H

#include "rehearse/rehearsal.h"

struct arena;

struct thresholds {
	double lock_timeout_ms, statement_timeout_ms; // 0: none
	double hold_ms;        // a lock that blocks writers (or readers) may be held this long: default lock_timeout, else 1000
	double boot_lock_ms;   // the framework's own lock: how long a second instance waits at boot; 0: none
	double success_rate;   // least of the tries that must get their locks: default 0.9
};

// Fills findings of every step and rehearsal->verdict. A step that fails is an error finding of its own.
void verdict_reach(struct arena *arena, struct rehearsal *rehearsal, const struct thresholds *thresholds);

// Whether a lock of `held` makes an operation (read: AccessShareLock, write: RowExclusiveLock) wait.
bool lock_blocks(const char *held, enum operation operation);

// From durations at several sizes (rows ascending) to a class and a prediction at `rows`, with its error. Two sizes or fewer:
// unknown, unless the work is below what can be measured.
enum growth growth_fit(const double *rows, const double *ms, size_t n, double at_rows, double *predicted_ms, double *error_ms);

#endif
