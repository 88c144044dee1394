// SPDX-License-Identifier: PostgreSQL
// One connection to a live PostgreSQL database while it is read: what postgres.c (the catalogs) and postgres_versions.c (the
// version tables) share.
#ifndef INTROSPECT_POSTGRES_SESSION_H
#define INTROSPECT_POSTGRES_SESSION_H

#include "introspect/pg.h"
#include "introspect/reader.h"

struct arena;
struct err;

struct session {
	PGconn *conn;
	const struct read_options *options;
	struct arena *arena;
	int major;
};

extern const char session_begin[]; // every transaction of ours

// Connects, or fills err. session->conn is set either way, and the caller's to finish.
bool session_open(struct session *session, const char *conninfo, struct err *err);

// What a failed statement (NULL: the connection) means, as an error. Returns false.
bool session_error(const struct session *session, const PGresult *result, const char *doing, struct err *err);

// One statement outside of a pipeline; session_do wants no rows.
PGresult *session_run(struct session *session, const char *sql, int n, const char *const *values);
bool session_do(struct session *session, const char *sql, struct err *err);

// The limits of the options, or the usual ones.
int session_statement_timeout_ms(const struct session *session);
int session_lock_timeout_ms(const struct session *session);

// Begins a transaction with its limits, for what is read of users' tables.
bool session_start(struct session *session, int statement_timeout_ms, int lock_timeout_ms, struct err *err);

// The version tables of a database at one moment.
struct session_versions {
	struct version_table table; // the one of the database; with options->tenants, one that is no tenant's
	bool busy;                  // the framework's lock is held
	struct tenant *tenants;     // with options->tenants: every schema that is one, by name
	bool *tenants_busy;
	size_t n_tenants;
};

// Reads them in short transactions of their own: an AccessShareLock on a version table must not outlive them.
bool session_versions_read(struct session *session, struct session_versions *versions, struct err *err);

// Whether nothing was migrated between two moments, and nothing is under way.
bool session_versions_settled(const struct session_versions *before, const struct session_versions *after);
// Notes those tenants of `after` in which it is otherwise as being migrated.
void session_versions_note_unsettled(struct session *session, const struct session_versions *before, struct session_versions *after);

#endif
