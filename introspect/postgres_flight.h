// SPDX-License-Identifier: PostgreSQL
// The catalogs' queries on their way to a live PostgreSQL and back. All are sent at once, in one REPEATABLE READ READ ONLY
// transaction; what deparses is in savepoints of its own, and has second chances. A large database is read over two
// connections with one snapshot: the second deparses while the first reads rows. Where it may not open a second one, or that
// one lands on another server, the first does everything.
#ifndef INTROSPECT_POSTGRES_FLIGHT_H
#define INTROSPECT_POSTGRES_FLIGHT_H

#include "base/err.h"
#include "introspect/postgres_read.h"
#include "introspect/postgres_session.h"

enum { FLIGHT_MAX = 128 };

struct flight {
	const struct pg_query *queries[FLIGHT_MAX];
	const char *sql[FLIGHT_MAX];
	bool failed[FLIGHT_MAX]; // what deparses and was not read
	size_t n;
	struct err failure; // of the last one that failed
};

// Adds those of a NULL-name-ended array that the server's version and the groups that are read call for.
void flight_add(struct flight *flight, struct session *session, const struct pg_query *queries);

// Reads them into `read`. What cannot be deparsed even object by object stays VALUE_UNREAD, and flight->failed says so.
// `conninfo` is that of the session. Errors: those of postgres_read.
bool flight_run(struct flight *flight, struct session *session, const char *conninfo, struct postgres_read *read, struct err *err);

#endif
