// SPDX-License-Identifier: PostgreSQL
// A whole rehearsal: a clone, the pending migrations on it under traffic, at several sizes, and the verdict.
#ifndef REHEARSE_REHEARSE_H
#define REHEARSE_REHEARSE_H

#include "migrations/framework.h"
#include "migrations/scratch.h"
#include "rehearse/clients/traffic.h"
#include "rehearse/rehearsal.h"
#include "rehearse/statistics.h"
#include "rehearse/verdict.h"

struct arena;
struct log;

// An environment that a user's own clone must not be.
struct clone_env {
	const char *name, *conninfo; // conninfo NULL: it cannot be asked
	const char *why;             // not
};

struct rehearsal_request {
	const char *env;                        // its name, for messages; NULL: none
	const char *sqlite_path;                // of the environment's file; NULL: it is no SQLite environment
	bool foreign_keys;                      // SQLite: whether the migrations' connection enforces them at its start
	const struct statistics *statistics;    // of the environment; NULL: none, then `rows` for every table
	const struct migrations *set;
	const char *version_table;              // as the pending migrations find it, qualified and quoted; NULL: none
	const struct migration *const *applied; // what the environment has, in its order
	size_t n_applied;
	const struct migration *const *pending; // what is rehearsed
	size_t n_pending;
	// A database that the user gives up to the rehearsal, instead of a synthetic clone; NULL: none. See clone.h
	const char *clone;
	const struct clone_env *clone_envs;     // all that are configured, of PostgreSQL
	size_t n_clone_envs;
	bool clone_anyway;                      // what speaks against it is only noted
	const char *dump;                       // a file that is restored, instead of a synthetic clone: plain SQL or of pg_dump's formats; NULL: none
	const char *exec;                       // a command that runs the migrations, instead of the pending ones; NULL: none
	bool as_sent;                           // its messages of several statements are not taken apart
	// Asks a clone that brings its own version table what it has, and fills applied, pending and version_table; NULL: they are as they are
	bool (*ask_versions)(void *argument, const char *conninfo, struct rehearsal_request *request, struct err *err);
	// Told once, before anything runs on it, what the clone is; `scratch` is its server, NULL: the user's own. NULL: nobody is told
	bool (*look)(void *argument, const struct snapshot *schema, struct scratch *scratch, struct err *err);
	void *argument;
	bool try_rewrite;                       // what fails or warns is rehearsed with its safer statements as well; not with `clone` or `exec`
	struct scratch_kept *kept;              // the clone is left to the user, and this says where; NULL: it is removed
	double scale;                           // of the environment's rows
	long long rows;                         // of tables without statistics; -1: 100,000
	bool one_size;                          // not also at a sixteenth and a quarter
	double long_transaction_s;
	const struct pgbench_request *pgbench;  // the user's own traffic in place of made-up clients; NULL: none
	int n_lock_tries;
	struct thresholds thresholds;
	const struct scratch_settings *scratch;
	int major;                              // of the environment's server; 0: any
	struct log *log;
};

// Runs it on a clone, by default a synthetic one, and fills the rehearsal, verdict included. Errors that keep it from being a rehearsal at all: those of the
// scratch, the replay of what is applied and the filling; "space": the clone would not fit; "clone": the user's own is none. A statement that fails is a result, not
// an error. From the main thread.
bool rehearse(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err);

void rehearsal_note(struct arena *arena, struct rehearsal *rehearsal, const char *text);

// The same for an environment that is a SQLite file (sqlite_path): in a private copy of it, or with `rows` >= 0 in made-up rows. Errors
// are those of rehearse() and of clone_copy.
bool rehearse_sqlite(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err);

#endif
