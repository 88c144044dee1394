// SPDX-License-Identifier: PostgreSQL
// Opening a live SQLite file without writing to it: what may be done to it, and where it cannot be read in place without
// leaving files behind that its owner could not write, a private copy.
#ifndef INTROSPECT_SQLITE_OPEN_H
#define INTROSPECT_SQLITE_OPEN_H

#include <sqlite3.h>
#include <stdbool.h>
#include <time.h>

struct err;
struct read_options;

struct sqlite_session {
	sqlite3 *db;
	const char *where;        // for messages
	struct timespec deadline; // statements are interrupted then
};

// Opens the file for reading and nothing else; the session must not move until it is closed. Errors as in reader.h.
bool sqlite_session_open(struct sqlite_session *session, const char *path, const struct read_options *options, struct err *err);
void sqlite_session_close(struct sqlite_session *session);
#define auto_sqlite_session __attribute__((cleanup(sqlite_session_close))) struct sqlite_session

// The error of the last call on the database, as "while doing ...: ...", with its code and hint. Returns false.
bool sqlite_session_error(const struct sqlite_session *session, const char *doing, struct err *err);

#endif
