// SPDX-License-Identifier: PostgreSQL
// The eyes of a rehearsal: a second connection that samples, every few milliseconds and in a thread of its own, which locks the
// watched backend holds or waits for, who waits behind it, and what its temporary files grow to. What the backend itself can
// tell after a statement is measure.c's.
#ifndef REHEARSE_MEASURE_WATCH_H
#define REHEARSE_MEASURE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

// One lock as a series of samples saw it, since the last mark. Only locks on relations of users and what is waited for are kept.
struct seen_lock {
	int pid;
	unsigned relation;           // OID; 0: not on a relation
	const char *locktype, *mode; // "relation", "virtualxid", "transactionid", ...; as pg_locks names them
	double first_us, last_us;    // of clock_us: first and last seen, in either state
	double requested_us;         // when the wait began: first seen waiting; < 0: never seen waiting
	double granted_us;           // first seen granted; < 0: never
	int blocked_by;              // a pid that it was seen waiting for; 0: none
	bool blocker_waits;          // that one was itself waiting, for a lock on the same relation
};

struct watch;

// Starts sampling the backend `pid` and every backend of the database that waits for a lock. `conninfo`: a superuser's. Errors: code
// "watch".
struct watch *watch_start(const char *conninfo, int pid, double interval_ms, struct err *err);

// From now on what is seen belongs to another statement.
void watch_mark(struct watch *watch);

// Another interval from now on; 0: one sample after the other, for statements that are over in a few milliseconds.
void watch_pace(struct watch *watch, double interval_ms);

// Waits until a sample that began after the call is done, so that what is there now has been seen.
void watch_sync(struct watch *watch);

// What was seen since the last mark, in `arena`.
struct seen_lock *watch_seen(struct watch *watch, struct arena *arena, size_t *n);
long long watch_temp_bytes(struct watch *watch); // the most that the backend's temporary files held since the last mark

// Ends it; false: it could not see everything (code "watch": its connection broke).
bool watch_stop(struct watch *watch, struct err *err);

#endif
