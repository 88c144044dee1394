// SPDX-License-Identifier: PostgreSQL
// The user's own traffic as the victims of a rehearsal: pgbench runs scripts of his against the clone, before the migration, which is the
// baseline, and while it runs. What each transaction took is in pgbench's own log; whether it waited for a lock is seen by the lookout.
// What scripts write stays: the clone is thrown away, or was given up.
#ifndef REHEARSE_CLIENTS_PGBENCH_H
#define REHEARSE_CLIENTS_PGBENCH_H

#include "rehearse/clients/lookout.h"
#include "rehearse/clients/pgbench_log.h"

struct pgbench_request {
	const struct pgbench_script *scripts;
	size_t n_scripts;
	const char *program;  // its path
	int n_clients;        // at least one for each script
	double rate;          // transactions a second, of all clients; 0: as fast as they go
	const char *protocol; // "simple", "extended", "prepared"
};

struct pgbench;

// Finds the program: among the server binaries of `bindir` (NULL: of this major, or the nearest), else in PATH. NULL: code "pgbench".
const char *pgbench_find(struct arena *arena, const char *bindir, int major, struct err *err);

// Runs each script once. Errors: code "pgbench", with what pgbench says.
bool pgbench_check(struct arena *arena, const struct pgbench_request *request, const char *conninfo, struct err *err);

// Starts the clients, a process and a thread each, and waits until all are connected; `conn` may look into pg_stat_activity. A client
// that ends begins anew. Errors: code "pgbench".
struct pgbench *pgbench_start(struct arena *arena, const struct pgbench_request *request, const char *conninfo, PGconn *conn, struct err *err);

void pgbench_note(struct pgbench *pgbench, const struct lookout_wait *wait); // of any session; in the lookout's thread

// Whether no client has ended yet; else code "pgbench", with what it said.
bool pgbench_is_well(struct pgbench *pgbench, struct err *err);

// Lets each client do something more, so that what follows from the last statement is met, ends them and reads their logs. Errors: code
// "pgbench": one did not end.
bool pgbench_end(struct pgbench *pgbench, PGconn *conn, struct err *err);

// Transactions that took place between two times of clock_us, before there is a migration.
struct pgbench_span {
	double from_us, to_us;
};

// What the scripts felt of a step that ran and held its locks in `span`, after pgbench_end: a row for each script. One that waited
// because of another step alone is that one's. Errors are those in `errors`.
struct step_victim *pgbench_felt(struct pgbench *pgbench, struct arena *arena, const struct step *step, struct pgbench_span span,
                                 struct pgbench_span errors, struct pgbench_span baseline, size_t *n);

void pgbench_stop(struct pgbench *pgbench); // NULL is nothing

#endif
