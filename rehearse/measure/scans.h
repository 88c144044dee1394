// SPDX-License-Identifier: PostgreSQL
// The rows that statements of other clients read by sequential scans. Only a backend itself knows them at once; it adds them to the
// server's statistics when a transaction ends, at most once a second, and when it ends. So those of short statements are known only
// together; they are put down to the one that took nearly all of their time, and if there is none, rows_read is -1.
#ifndef REHEARSE_MEASURE_SCANS_H
#define REHEARSE_MEASURE_SCANS_H

#include "rehearse/rehearsal.h"

struct arena;
struct scans;

// What is read from now on by anybody counts: nobody else may scan tables. `conninfo`: a superuser's. Errors: code "measure".
struct scans *scans_open(struct arena *arena, const char *conninfo, struct err *err);

// A statement of a client begins, and is over. Its step stays where it is until scans_close; its transaction is known. At the beginning,
// what the statistics have got since the last one is put down to those before it.
bool scans_begin(struct scans *scans, int client, struct step *step, struct err *err);
void scans_done(struct scans *scans, const struct step *step);

// The last look, when the backends of these pids have ended. NULL is nothing.
bool scans_close(struct scans *scans, const int *pids, size_t n_pids, struct err *err);

#endif
