// SPDX-License-Identifier: PostgreSQL
// Running steps, one after the other and on one connection, on a scratch database: what replay.c hands to the two engines'
// runners. A step is a migration, or something of ours around it.
#ifndef MIGRATIONS_RUN_H
#define MIGRATIONS_RUN_H

#include <sys/types.h>

#include "migrations/framework.h"
#include "migrations/replay.h"

struct run_step {
	const struct migration *migration; // NULL: it is none
	const char *path;     // of the file, for messages
	const char *label;    // for progress
	struct script script;
	const char *record;   // SQL that the framework sends after the units; NULL: none
	bool dump;            // the units are files as psql reads them, each statement by itself
	bool superuser;       // PostgreSQL: on a connection of its own, as superuser
};

struct run {
	struct arena *arena;
	struct scratch *scratch;
	const struct scratch_settings *settings;
	const char *framework; // its name, for messages; NULL: none
	const struct run_step *steps;
	size_t n_steps;
	size_t n_setup; // how many of them, the first, are ours and no progress
	// Called before the first step and after each, with the number of those done; nothing of ours is open meanwhile.
	bool (*reached)(void *argument, size_t n_done, struct err *err);
	void *argument;
	struct log *log;
};

struct run_failure {
	const struct run_step *step; // NULL: it was not a step that failed
	unsigned line;
	const char *statement;    // its first line
	const char *sqlstate;     // "" where there is none
	const char *missing_role; // a role that the server misses; NULL: it was something else
};

// Errors: as for replay().
bool run_postgres(const struct run *run, struct run_failure *failure, struct err *err);
bool run_sqlite(const struct run *run, struct run_failure *failure, struct err *err);

// What keeps SQLite's child processes in: the rights of a fresh one (its user, its limits, its tie to its parent), the authorizer
// for sqlite3_set_authorizer (no other file is reached), and why one that has ended did so (code "wall-clock", "disk", "scratch").
bool run_sqlite_settle(const struct scratch *scratch, const struct scratch_settings *settings, pid_t parent);
int run_sqlite_authorize(void *unused, int action, const char *a, const char *b, const char *database, const char *trigger);
bool run_sqlite_died(pid_t child, struct err *err);

// The first line of a statement, cut to what can be shown.
const char *first_line_of(struct arena *arena, const char *statement);

// The line in its file on which a unit's text begins (unit->line is that of its first non-blank byte).
unsigned unit_first_line(const struct unit *unit);

#endif
