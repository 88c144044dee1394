// SPDX-License-Identifier: PostgreSQL
// Who of a rehearsal's clients waits for a lock because of somebody who is none of them, and for which relation: asked every few
// milliseconds, in a thread and over a connection of its own. Clients that wait for each other alone (two that write one row) are no
// victims of a migration.
#ifndef REHEARSE_CLIENTS_LOOKOUT_H
#define REHEARSE_CLIENTS_LOOKOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "introspect/pg.h"

enum { LOOKOUT_MS = 5 };

// A session that waits.
struct lookout_row {
	int pid;
	const char *client;    // its application_name
	const char *relation;  // qualified and quoted; NULL: it waits for none
	const int *blockers;   // pids that it waits for, those before it in the queue included
	const bool *is_client; // of each of them: one of the clients
	size_t n_blockers;
};

struct lookout_wait {
	int pid;
	const char *client;
	const char *relation; // that the first of them waits for whom a stranger blocks; NULL: none
	bool behind;          // that stranger waits himself
	double at_us;         // of clock_us
	double for_us;        // since the look before
};

// Whether the i-th waits because of a stranger, be it through other clients; fills relation and behind.
bool lookout_resolve(const struct lookout_row *rows, size_t n, size_t i, struct lookout_wait *wait);

struct lookout;

// Calls `note` for each client that is seen waiting, in the lookout's thread. The connection is the lookout's from then on, failure
// included. Errors: code "traffic".
struct lookout *lookout_start(PGconn *conn, void (*note)(void *argument, const struct lookout_wait *wait), void *argument, struct err *err);
void lookout_stop(struct lookout *lookout); // NULL is nothing

#endif
