// SPDX-License-Identifier: PostgreSQL
// The eyes of a rehearsal: a second connection that samples, every few milliseconds and in a thread of its own, which locks the
// watched backend holds or waits for and who waits for whom. What the backend itself can tell after a statement is measure.c's.
#ifndef REHEARSE_WATCH_H
#define REHEARSE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

// One lock as a series of samples saw it.
struct seen_lock {
	int pid;
	unsigned relation;      // OID; 0: not on a relation
	const char *locktype;   // "relation", "virtualxid", "transactionid", ...
	const char *mode;
	double requested_us, granted_us; // of clock_us; granted < 0: never seen granted. waitstart where the server has it
	double last_us;         // last seen
	int blocked_by;         // a pid that it was seen waiting for; 0: none
};

struct watch;

// Starts sampling the backend (and, with it, every backend that waits for a lock in the database). Errors: code "watch".
struct watch *watch_start(const char *conninfo, int pid, double interval_ms, struct err *err);

// From now on what is seen belongs to another statement.
void watch_mark(struct watch *watch);

// What was seen since the last mark; in `arena`.
struct seen_lock *watch_seen(struct watch *watch, struct arena *arena, size_t *n);

// Ends it; false: it could not see everything (code "watch": the connection broke).
bool watch_stop(struct watch *watch, struct err *err);

#endif
