// SPDX-License-Identifier: PostgreSQL
// Migrations as the repository has them, what an environment says it has applied, and where the two stand to each other.
// Plain data: the frameworks (framework.h) fill it, the replay (replay.h) runs it.
#ifndef MIGRATIONS_MIGRATION_H
#define MIGRATIONS_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"
#include "introspect/snapshot.h"

struct arena;
struct err;
struct framework;

// One versioned change. For a repeatable one `version` is what the framework identifies it by (Flyway: its description).
struct migration {
	const char *version;  // as the version table writes it: "20240101000000", "1.2", "0042_name" where the name is the key
	const char *label;    // what a person calls it: its file name, or its folder's
	const char *path;     // of the file with the forward SQL, as it is shown: relative to the working directory
	const char *text;     // the file's bytes; NUL-terminated beyond `length`
	size_t length;
	const char *checksum; // as the framework would store it; NULL where it stores none
	const char *options;  // text of a settings file beside it (Flyway's V1__x.sql.conf); NULL: none
	bool repeatable;
	const char *not_runnable; // why it cannot be replayed ("a Go migration"); NULL: it can
};

// What of the framework's own settings matters here. Unset is NULL or false: the framework's default.
struct migration_settings {
	const char *table;       // the version table, maybe qualified; NULL: framework->table
	const char *schema;      // made for the replay and on its search_path; NULL: where the version table lies
	bool multi_statement;    // golang-migrate's x-multi-statement
	bool no_transaction;     // golang-migrate's x-no-tx-wrap (SQLite)
	bool out_of_order;       // goose -allow-missing, Flyway outOfOrder
	bool statement_wise;     // Prisma 7.4 and later: statements one by one, no transaction
	// Flyway. Name, value, name, value, ..., NULL. Besides the project's own, the caller may give flyway:database, which
	// only the target can tell, and flyway:user.
	const char *const *placeholders;
	const char *placeholder_prefix, *placeholder_suffix; // NULL: "${" and "}"
	bool no_placeholders;                                // placeholderReplacement=false
};

// One set of migrations: a section `migrations "name"` of the configuration, or the folder given by --migrations.
struct migrations {
	struct arena *arena;
	const char *name;              // "app"; "" where there is but one
	const char *const *folders;    // NULL-ended, as given
	const struct framework *framework;
	struct migration_settings given;    // as migrations_load got them
	struct migration_settings settings; // with what the framework's own configuration adds
	struct migration *items;       // in the framework's order; repeatable ones last
	size_t n_items;
	const char *const *notes;      // what a reader should know: callbacks that a replay does not run, ...
	size_t n_notes;
};

// Lists the set in `folders` (several are merged by version). `framework_name` "auto" or NULL detects it. `settings` may be
// NULL; what they leave open, the framework's own configuration near the folders (flyway.conf, package.json) and its
// variables in the environment (GOOSE_TABLE, FLYWAY_...) fill in. Errors: code "migrations": no such folder, no framework
// or an ambiguous one (the candidates and the setting are named), two migrations with one version (both files are named),
// a file that its framework could not read.
struct migrations *migrations_load(struct arena *arena, const char *name, const char *const *folders, const char *framework_name,
                                   const struct migration_settings *settings, struct err *err);

// By its version as the set has it; else as a person may write it: another number of leading zeros, or its label. NULL if
// there is none, or several.
struct migration *migrations_find(const struct migrations *set, const char *version);

// One row of what an environment recorded, in the recorded order. A row of a failed or unfinished run has `failed`.
struct applied {
	const char *version;
	const char *checksum; // NULL: none stored
	const char *at;       // when, as the database printed it; NULL where it is not kept
	bool repeatable;
	bool failed;
};

struct applied_set {
	bool tracked;   // a version table was found
	bool head_only; // it keeps one version; `items` has everything in the repository up to it
	const char *head; // the newest version, as recorded; NULL: nothing applied
	struct applied *items;
	size_t n_items;
};

// A migration's standing in one environment.
enum standing {
	STANDING_APPLIED,
	STANDING_PENDING,  // not applied, sorts after the newest applied one (or is repeatable: never run, or outdated)
	STANDING_SKIPPED,  // not applied, sorts before the newest applied one
	STANDING_EDITED,   // applied, but the stored checksum does not fit the file
	STANDING_DIRTY,    // its run failed or was not finished
	STANDING_UNKNOWN,  // recorded in the environment, not in the repository
};

enum version_state { STATE_CURRENT, STATE_BEHIND, STATE_NEWER, STATE_DIVERGED, STATE_DIRTY, STATE_UNTRACKED };
extern const char *const version_state_names[]; // "current", ...

struct standings {
	enum version_state state;
	enum standing *of;    // parallel to migrations.items
	const char **unknown; // versions in the environment that the repository lacks, in recorded order
	size_t n_unknown;
	const char **unknown_dirty; // those of them whose run failed
	size_t n_unknown_dirty;
	size_t n[STANDING_UNKNOWN + 1]; // how many of each, unknown ones included
};

// Pure. An untracked set (no version table) has every migration pending and state untracked: what is really there is
// for the classification to find out.
struct standings standings_of(struct arena *arena, const struct migrations *set, const struct applied_set *applied);

#endif
