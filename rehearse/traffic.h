// SPDX-License-Identifier: PostgreSQL
// The victims of a rehearsal: clients that read and write rows of given tables by primary key, at a steady pace, each try in a
// transaction of its own that is rolled back, and note how long each took and whom it waited for.
#ifndef REHEARSE_TRAFFIC_H
#define REHEARSE_TRAFFIC_H

#include "rehearse/rehearsal.h"

struct arena;
struct traffic_request {
	const char *conninfo;
	const char *const *relations; // qualified names of the tables touched; NULL-ended
	int n_clients;                // of each table and operation
	double pause_ms;              // between two tries of a client
	const char *script;           // a pgbench script to run instead; NULL: generated
	double long_transaction_s;    // a reader that keeps its transaction open this long, again and again; 0: none
	int timeout_ms;               // of a try, so that a client ends; counts as an error
};

struct traffic;

// Starts the clients (threads) and runs them for a baseline of `baseline_ms` before it returns. Tables that cannot be read or
// written by key (no primary key, a view) get what can be had (a LIMIT 1 read), said in notes. Errors: code "traffic".
struct traffic *traffic_start(struct arena *arena, const struct traffic_request *request, double baseline_ms, struct err *err);

// What was felt between two times of clock_us.
struct step_victim *traffic_felt(struct traffic *traffic, struct arena *arena, double from_us, double to_us, size_t *n);

bool traffic_stop(struct traffic *traffic, struct err *err);

#endif
