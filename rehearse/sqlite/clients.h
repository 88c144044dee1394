// SPDX-License-Identifier: PostgreSQL
// The victims on SQLite: a reader and a writer beside the migrations, each a thread with a connection, at a steady pace. SQLite locks
// the database as a whole, so the writer takes the write lock and gives it back, and the reader reads the schema: neither runs any SQL
// that the database brings (triggers, expressions).
#ifndef REHEARSE_SQLITE_CLIENTS_H
#define REHEARSE_SQLITE_CLIENTS_H

#include "rehearse/rehearsal.h"

struct arena;

struct clients;

// Starts them and lets them run for `baseline_ms` before it returns. They give up after `busy_timeout_ms`, which counts as an error.
// `long_transaction_s`: another reader keeps its transaction open this long, again and again; 0: none. Errors: code "traffic".
struct clients *clients_start(const char *path, double busy_timeout_ms, double long_transaction_s, double baseline_ms, struct err *err);

// What was felt between two times of clock_us: a row for each operation that had a try then.
struct step_victim *clients_felt(struct clients *clients, struct arena *arena, double from_us, double to_us, size_t *n);

void clients_stop(struct clients *clients); // NULL is nothing

#endif
