// SPDX-License-Identifier: PostgreSQL
// A replay: a chain of migrations run, as their framework would run them, into a scratch database, and read back. Replays
// are cached by everything that decides their result, so that an unchanged repository starts no server.
#ifndef MIGRATIONS_REPLAY_H
#define MIGRATIONS_REPLAY_H

#include "migrations/framework.h"
#include "migrations/scratch.h"

struct replay_request {
	const struct migrations *set;
	enum engine engine;
	int major;                                  // the environment's PostgreSQL major; 0: any
	const struct migration *const *chain;       // what to run, in this order
	size_t n_chain;
	const size_t *stops;                        // after how many migrations to read (0: before the first), ascending
	size_t n_stops;
	unsigned groups;                            // attribute groups to read, as in read_options
	const char *runner;                         // a role that the migrations name and that runs them in the environment: where owners or
	                                            // privileges are read the replay's owner takes its name; NULL: there is none
	const struct scratch_settings *scratch;
	const char *cache;                          // folder of the cache; NULL: none
	struct log *log;
	// Called with the scratch alive after the whole chain; NULL: not needed. Where it is given, the chain is run even if
	// every snapshot is cached. Its failure is the replay's.
	bool (*visit)(struct scratch *scratch, void *argument, struct err *err);
	void *argument;
};

struct replay_failure {  // filled when a migration failed
	const struct migration *migration;
	unsigned line;
	const char *statement; // its first line
	const char *sqlstate;  // "" on SQLite
};

// Fills snapshots[0..n_stops-1]. The version table and what belongs to it are not in them. Errors: those of the scratch;
// "replay" (where = file:line, text = statement and server message, hint), "meta-command" (psql syntax in a migration),
// "missing-extension", "privilege" (names role = "superuser" and what it means), "wall-clock", "disk", "file" (the prelude
// cannot be read). `failure` may be NULL. From the main thread; on SQLite, which is replayed in a forked child, while no other thread uses SQLite.
bool replay(struct arena *arena, const struct replay_request *request, struct snapshot **snapshots,
            struct replay_failure *failure, struct err *err);

// Replays one plain SQL file (a schema dump): \restrict, \unrestrict, settings of newer servers and COPY data are
// understood, any other psql command is an error. Errors: those of replay().
bool replay_file(struct arena *arena, const char *path, enum engine engine, int major, const struct scratch_settings *scratch,
                 const char *cache, unsigned groups, struct snapshot **snapshot, struct err *err);

// Replays the text of such a file, which may hold rows, and calls `visit` with the scratch alive; nothing is read or cached. `path` is
// for messages. Errors: those of replay(), and the visit's.
bool replay_text(struct arena *arena, const char *path, const char *text, int major, const struct scratch_settings *scratch,
                 bool (*visit)(struct scratch *scratch, void *argument, struct err *err), void *argument, struct err *err);

#endif
