// SPDX-License-Identifier: PostgreSQL
// The victims of a rehearsal: clients that read and write rows of given tables by primary key, at a steady pace, each try in a
// transaction of its own that is rolled back, and note how long each took and whether it waited for a lock.
#ifndef REHEARSE_CLIENTS_TRAFFIC_H
#define REHEARSE_CLIENTS_TRAFFIC_H

#include "rehearse/clients/pgbench.h"

struct arena;

struct traffic_request {
	const char *conninfo;         // of the clone's database, as superuser
	const char *const *relations; // qualified names of the tables that are touched; NULL-ended
	int n_clients;                // of each table and operation; 0: 1
	double pause_ms;              // between two tries of a client; 0: 5
	double long_transaction_s;    // a reader that keeps its transaction open this long, again and again; 0: none
	const struct pgbench_request *pgbench; // runs in place of the clients; NULL: they run
	int timeout_ms;               // of a try, so that a client ends: it counts as an error; 0: 30000
};

struct traffic;

// Starts the clients (a thread and a connection each) and lets them run for `baseline_ms`, with which the rest is compared, before it
// returns. A table without rows or without a primary key is read only; what is no table any more or cannot be read has no
// clients. Errors: code "traffic"; "pgbench": a script fails.
struct traffic *traffic_start(struct arena *arena, const struct traffic_request *request, double baseline_ms, struct err *err);

// What was felt between two times of clock_us: a row for each table and operation; one between two
// tries felt nothing.
struct step_victim *traffic_felt(struct traffic *traffic, struct arena *arena, double from_us, double to_us, size_t *n);

// The same of scripts, once they have ended: see pgbench_felt. Nothing without scripts.
bool traffic_end_scripts(struct traffic *traffic, struct err *err);
struct step_victim *traffic_scripts_felt(struct traffic *traffic, struct arena *arena, const struct step *step, struct pgbench_span span,
                                         struct pgbench_span errors, size_t *n);

// Tries to take a lock as a migration would: LOCK TABLE in the mode of pg_locks, within timeout_ms, rolled back. Returns whether it
// was granted; false with err->code set: it could not be tried.
bool traffic_try_lock(struct traffic *traffic, const char *relation, const char *mode, double timeout_ms, struct err *err);

void traffic_stop(struct traffic *traffic); // NULL is nothing

#endif
