// SPDX-License-Identifier: PostgreSQL
// What a rehearsal found, as plain data in the arena of whoever made it. The parts of rehearse/ fill it, the reporters of a
// rehearsal only read it. Times are milliseconds since the first statement was sent, or durations; relations are qualified and
// quoted as SQL; lock modes carry the names of pg_locks ("AccessExclusiveLock"); SQLite's are of the relation "main": "RESERVED",
// "PENDING", "EXCLUSIVE", and in WAL mode "WAL write lock".
#ifndef REHEARSE_REHEARSAL_H
#define REHEARSE_REHEARSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "introspect/kind.h"

enum rehearsal_verdict { REHEARSAL_SHIP, REHEARSAL_WARN, REHEARSAL_DO_NOT_SHIP, REHEARSAL_TROUBLE }; // ascending: the worst wins
extern const char *const rehearsal_verdict_names[]; // "ship", "ship-with-warnings", "do-not-ship", "trouble"

enum growth { GROWTH_UNKNOWN, GROWTH_CONSTANT, GROWTH_LINEAR, GROWTH_SUPERLINEAR };
extern const char *const growth_names[];

// A lock on a relation that a step's transaction took with this statement, or that it made stronger.
struct step_lock {
	const char *relation; // an index or toast table by its own name
	const char *mode;
	double acquire_ms;    // when it was granted
	double held_ms;       // from then until the transaction ended, which may be many steps later
	double wait_ms;       // how long it was waited for
	bool read_only;       // clients never write to the relation: a materialized view
};

enum operation { OPERATION_READ, OPERATION_WRITE };
extern const char *const operation_names[]; // "read", "write"

// What clients of one table, or of one script of the user's, felt while the statement ran (and, where it holds locks on, until its
// transaction ended).
struct step_victim {
	const char *relation; // the script's file, as given
	enum operation operation;
	size_t n_tries, n_blocked, n_errors; // blocked: it waited for a lock
	double max_ms, p99_ms, baseline_p99_ms; // the last < 0: not known
	double behind_waiting_ms; // of the blocked time: behind a statement of the migration that was itself waiting
	bool script;              // a script's transactions
	const char *error;        // what ended a script's client, of those errors; NULL: nothing did
};

struct step_finding {
	const char *rule;   // "fk-validate-inline": of rules.def
	bool fails;         // else it warns
	const char *text;   // what, with the measured figures
	const char *remedy; // a safer way; NULL: none is known
};

// What a migration lost that none of its statements names: SQLite changes most of a table by copying it into a new one.
enum loss {
	LOSS_ROWS,             // of a table that refers to one that was dropped
	LOSS_VALUES,           // of its foreign key: ON DELETE SET NULL
	LOSS_ROWS_IF_ENFORCED, // they would be, on a connection that enforces foreign keys
	LOSS_INDEX, LOSS_TRIGGER,
	LOSS_CONSTRAINTS,      // all of a table's
	LOSS_REFERENCE,        // a foreign key leads to a table that is not there
	N_LOSSES,
};

struct step_loss {
	enum loss loss;
	const char *relation, *name; // of what; the index, the trigger, the table that was dropped or is referred to
	long long rows;
};

// Whether two runs end in the same schema.
enum schema_match { SCHEMA_NOT_COMPARED, SCHEMA_EQUAL, SCHEMA_DIFFERENT };
extern const char *const schema_match_names[]; // "not-compared", "equal", "different"

// A step's safer statements, and what came of them when they ran in its place (--try-rewrite).
struct step_rewriting {
	const char *const *statements; // none: there is only advice
	size_t n_statements;
	const char *file;              // what they mean for the migration's file; NULL: nothing was tried
	const char *why_not;           // they were not tried; NULL: they were
	const char *failure;           // what the server refused with them; they were then left out of the run; NULL: nothing
	const struct step *steps;      // what they did, in the run of struct rewritten
	size_t n_steps;
	// The lock that stops clients for longest, of the step (or held on by its transaction) and of what replaces it; NULL: none does
	const struct step_lock *before, *after;
	enum schema_match schema;      // in what they touch
	const char *const *differences;
	size_t n_differences;
};

struct step {
	const char *version, *label, *file; // of the migration; NULL: ours (the version table) or tapped without a file
	unsigned line;
	const char *sql;         // the statement as sent
	int transaction;         // steps of one transaction share the number; 0: in none (autocommit counts as one of its own)
	double start_ms, duration_ms, lock_wait_ms;
	long long rows_read;     // by sequential scans of user tables; -1: not known
	const char **rewrites;   // relations that got a new file
	size_t n_rewrites;
	const char **made;       // relations that it made and left
	size_t n_made;
	long long wal_bytes, temp_bytes;
	long long pages_changed;      // SQLite: pages written to the WAL, or put into the rollback journal and added
	struct step_loss *losses;     // SQLite
	size_t n_losses;
	const char **invalid_indexes; // left behind
	size_t n_invalid_indexes;
	struct step_lock *locks;
	size_t n_locks;
	struct step_victim *victims;
	size_t n_victims;
	enum growth growth;
	double predicted_ms, predicted_error_ms; // at the environment's number of rows; < 0: not known
	double success_rate;     // of the tries to take its locks within lock_timeout under traffic; < 0: not tried
	size_t n_tries;
	const char *safer;       // SQL that does the same with less harm, or advice; NULL: none is known. Findings take it as their remedy
	bool stops_nobody;       // it is advice for a statement that, by itself, makes nobody wait
	struct step_finding *findings;
	size_t n_findings;
	const struct step_rewriting *rewriting; // NULL: not asked for, or there is nothing to replace
	const char *error, *sqlstate; // NULL: it worked
};

struct clone_table {
	const char *name;
	long long rows, bytes;
	long long rows_of_env;   // -1: not known
	const char *rests_on;    // less than full statistics: why; NULL: all of them
};

// What measurements are held against.
struct thresholds {
	double lock_timeout_ms, statement_timeout_ms; // 0: none
	double hold_ms;        // a lock that blocks readers or writers may be held this long; 0: lock_timeout, else a second
	double queue_ms;       // a statement may wait this long for such a lock, while others queue behind it; 0: a tenth of hold_ms
	double scan_rows;      // under such a lock a statement may read fewer rows than this; 0: 1000
	double success_rate;   // least of the tries that must get their locks; 0: 0.9
	double boot_lock_ms;   // the framework's own lock: how long a second instance waits for it; 0: none
	const char *boot_lock_end; // what it does then, in words; NULL: not known
	bool boot_lock_assumed;    // the framework's default: that there is a second instance is not known, so it only warns
};

// A setting in which the clone's server differs from the environment's; "" where it has none of that name.
struct setting_difference {
	const char *name, *clone, *env;
};

// A table that the migrations touch, and that is another in the environment than in the clone.
struct unrehearsed {
	const char *relation;
	const char **differences; // "column note is only in prod"
	size_t n_differences;
};

struct rewritten;

struct rehearsal {
	const char *env;         // the environment's name; NULL: none
	enum engine engine;
	const char *clone_kind;  // "synthetic", "clone", "dump", "copy"
	struct clone_table *tables;
	size_t n_tables;
	long long lock_timeout_ms, statement_timeout_ms; // 0: none
	const char *limits_from; // where they come from, in words
	struct thresholds thresholds; // as they held
	struct step *steps;
	size_t n_steps;
	const char *started;     // RFC 3339, UTC
	double duration_ms;      // of the whole run of the statements, at the largest size
	const char *server;      // the clone's version: "15.20"; NULL: SQLite
	struct setting_difference *settings; // of those that bear on durations; NULL: none, or there is no environment to hold against
	size_t n_settings;
	struct unrehearsed *unrehearsed;
	size_t n_unrehearsed;
	const char **notes;      // what else a reader should know
	size_t n_notes;
	struct err *troubles;
	size_t n_troubles;
	enum rehearsal_verdict verdict;
	const struct rewritten *rewritten; // NULL: not asked for
};

// The whole once more, on a second clone, with the safer statements in the place of those that fail or warn.
struct rewritten {
	const char *why_not;       // there was no such run; NULL: there was
	struct rehearsal run;      // its steps, findings and verdict
	enum schema_match schema;  // of the whole, in the end
	const char *why_not_compared; // NULL: it was
	const char *const *differences; // "constraint public.t.c: only with the safer statements"
	size_t n_differences;
	size_t n_replaced, n_runs; // a run for each time that safer statements were refused, and one
	double took_ms;            // of them all, clones included
};

#endif
