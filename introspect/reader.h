// SPDX-License-Identifier: PostgreSQL
// Reading a live database: what both engines' readers share. They never write: see postgres.c and sqlite.c for how that
// is kept, and docs/promises.md for the tests that hold them to it.
#ifndef INTROSPECT_READER_H
#define INTROSPECT_READER_H

#include <stdbool.h>

#include "introspect/snapshot.h"

struct log;

// Where a framework may keep its versions: asked for in this order, the first that exists is read. `columns` is what to
// select ("*" for all); `order` may be NULL.
struct version_query {
	const char *table; // may be qualified, quoted as SQL; unqualified means: in `schema`, or wherever the search path finds it
	const char *order; // a column list to order by, or NULL
	// The advisory locks one of which is held while migrations run, see framework.h; NULL: none known (PostgreSQL only)
	bool (*lock_key)(const char *database, const char *schema, const char *table, unsigned nth, long long *key);
};

struct read_options {
	struct log *log;
	const char *name;                       // of the environment, for messages
	const struct version_query *versions;   // NULL-table-ended; NULL: look for no version table
	const char *schema;                     // where an unqualified version table lies; NULL: the connection's search path
	const char *tenants;                    // PostgreSQL: a pattern (fnmatch) of schemas that are tenants, each with a version
	                                        // table of its own if that is unqualified; NULL: none
	bool versions_only;                     // read the version table and nothing else (status, assert)
	unsigned groups;                        // bits 1 << enum attr_group to read besides GROUP_STRUCTURE
	int lock_timeout_ms;                    // 0: 2000
	int statement_timeout_ms;               // 0: 60000
	int connect_timeout_s;                  // 0: 10
};

// Reads a PostgreSQL database over `conninfo` (a URI or keyword string that libpq takes) into a new snapshot, sorted.
// Errors: "unreachable", "authentication", "permission", "unsupported-server", "deploy-in-flight" (the version table changed
// while we read, three times over), "timeout", "attestation" (we left a trace: a fault of ours). A part that could not be
// read is no error: it is in the snapshot's `unread`, and the snapshot is not complete.
struct snapshot *postgres_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err);

// Runs one query of the user's own, in a read-only transaction with the limits of `options`, and hands each row to `each`, NULL
// for SQL NULL; it ends at the first false. The search path is the connection's. Errors: those of postgres_read, and "query".
bool postgres_query(struct arena *arena, const char *conninfo, const struct read_options *options, const char *sql,
                    bool (*each)(void *argument, const char *const *values, size_t n_values, struct err *err), void *argument,
                    struct err *err);

// postgres_read for the SQLite file at `path`; of a qualified version table, the schema is ignored if it is "main" or "public".
// Errors: "unreachable" (no such file, a folder), "not-a-database", "locked", "permission", "wal" (WAL without a writable
// folder where no private copy can be made), "hot-journal" (a writer died; only a writer can roll that back), "corrupt",
// "deploy-in-flight", "timeout".
struct snapshot *sqlite_read(struct arena *arena, const char *path, const struct read_options *options, struct err *err);

#endif
