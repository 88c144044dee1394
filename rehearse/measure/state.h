// SPDX-License-Identifier: PostgreSQL
// What the two ways of measuring share: the statements that we send (measure.c), and those of another client (tapped.c).
#ifndef REHEARSE_MEASURE_STATE_H
#define REHEARSE_MEASURE_STATE_H

#include "introspect/oid_map.h"
#include "introspect/pg.h"
#include "rehearse/measure/measure.h"
#include "rehearse/measure/watch.h"

struct relation {
	unsigned oid;
	const char *name;
	const char *former; // its name before the step: what others know it by
	char relkind;
	unsigned filenode;
	bool valid;     // of an index
	int mode;       // the strongest that the open transaction holds; -1: none
	bool known;     // it was there before the step
	bool empty_file; // it had no row before: a new file is no rewrite
};

struct held {
	struct step_lock *lock;
	double acquire_us, asked_us; // the second: measure->asked_us when it was taken
};

struct measure {
	struct arena *arena;
	PGconn *own, *side; // runs the statements (NULL when tapped); asks what any backend may answer
	const char *conninfo, *watcher;
	struct watch *watch;
	int pid;
	int major;
	double zero_us;
	struct oid_map relations; // oid -> struct relation
	struct relation **list;
	size_t n_list, list_capacity;
	struct held *held; // of the open transaction
	size_t n_held, held_capacity;
	int n_transactions;
	long long seq_read; // what the open transaction had read
	long long shared_read; // what everybody's transactions had read when it began
	bool among_scans;   // of others
	// of another client's statements
	bool tapped, was_open;          // was_open: a transaction was, when the statement began
	struct step **open_steps;       // of the transaction that is open
	size_t n_open_steps, open_capacity;
	int *counter;                   // of transactions, shared with other clients'
	double done_us;                 // the end of the last statement
	long long wal_before;
	double asked_us;    // spent on our questions in the open transaction: no part of what it holds its locks for
};

PGresult *measure_ask(PGconn *conn, const char *sql, struct err *err); // rows, or NULL
bool measure_lost(struct err *err, const char *doing, PGconn *conn);

void measure_start_step(struct measure *measure, const char *sql, struct step *step, double now_us);
double measure_waited_ms(const struct seen_lock *seen, size_t n_seen, int pid);
bool measure_wal(PGconn *conn, long long *wal, struct err *err);

// All relations that there are, before the first statement.
bool measure_read_relations(struct measure *measure, struct err *err);

// Rows that sequential scans read: what the open transaction did so far (and where the WAL stands) by its own backend, which is to be
// noted where it begins; what its parallel workers did since they were last asked for; and what everybody's did, after the backend
// of the measured statements has sent its counts.
bool measure_own_counts(PGconn *conn, long long *seq_read, long long *wal, struct err *err);
bool measure_counts_begin(struct measure *measure, long long *wal, struct err *err);
bool measure_workers_read(struct measure *measure, long long *read, struct err *err);
bool measure_flushed_seq_read(struct measure *measure, long long *read, struct err *err);

// Locks of the transaction that is open; those that were seen of one that is over; what it held ends.
bool measure_take_locks(struct measure *measure, struct step *step, const struct seen_lock *seen, size_t n_seen, double start_us,
                        double end_us, struct err *err);
void measure_take_seen_locks(struct measure *measure, struct step *step, const struct seen_lock *seen, size_t n_seen, double end_us);
void measure_end_transaction(struct measure *measure, double end_us);

// What changed of the relations that the statement locked, or of all: new files, invalid indexes. `conn` must see what it did.
bool measure_take_files(struct measure *measure, PGconn *conn, bool all, struct step *step, struct err *err);

// Ends the transaction of another client that is no longer open.
bool measure_settle(struct measure *measure, struct err *err);

#endif
