// SPDX-License-Identifier: PostgreSQL
// One statement at a time on the clone, with everything that it did: time split into waiting for locks and working, locks of its
// own backend and those that only another connection sees (CONCURRENTLY, dropped relations), rewrites, rows read by scans, WAL,
// temporary files, invalid indexes left behind.
#ifndef REHEARSE_MEASURE_MEASURE_H
#define REHEARSE_MEASURE_MEASURE_H

#include "rehearse/rehearsal.h"

struct arena;
struct measure;
struct tapped;

// Connects: `conninfo` as the role that runs the migrations, `watcher` as superuser for the second connection. `arena` holds
// the steps' texts. Errors: code "measure".
struct measure *measure_open(struct arena *arena, const char *conninfo, const char *watcher, struct err *err);

// Sends the statement by itself in a simple query and fills the step's measured fields (not version, file, line, victims, growth,
// findings). A statement that the server refuses is no failure: step->error, sqlstate. Locks of a step in an open transaction
// are completed (held_ms) when that transaction ends, so the step must stay where it is until then. False: the connection or the
// watch is lost (code "measure"). The statement is sent as it is; BEGIN and COMMIT are steps as well.
bool measure_step(struct measure *measure, const char *sql, struct step *step, struct err *err);

// Others scan tables meanwhile: what a statement in transactions of its own reads cannot be told from what they do.
void measure_among_scans(struct measure *measure);

// The time that step->start_ms counts from: that of the first step.
double measure_zero_us(const struct measure *measure);

// Whether a transaction is open.
bool measure_is_open(const struct measure *measure);

// For the statements of another client, whose backend is `pid`: what it holds is seen from beside, between a statement's end and the
// client's hearing of it. Rows read by scans are scans.h's. `counter` numbers the transactions of all clients; `zero_us` is
// the time to count from, < 0: the first statement's. Errors: code "measure", "watch".
struct measure *measure_open_tapped(struct arena *arena, const char *watcher, unsigned pid, int *counter, double zero_us, struct err *err);

// Before a statement is handed to the server, and after its end. The step must stay where it is until measure_close.
bool measure_before(struct measure *measure, const char *sql, struct step *step, struct err *err);
bool measure_after(struct measure *measure, const struct tapped *tapped, struct step *step, struct err *err);

bool measure_close(struct measure *measure, struct err *err); // an open transaction is lost; what it held ends now

#endif
