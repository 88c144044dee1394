// SPDX-License-Identifier: PostgreSQL
// A migration framework, as data: how its files lie and sort, what it sends to the server and in which transactions, and
// what it writes into its version table. The facts are from each framework's source at the commit named in its file.
//
// How to add a framework: write frameworks/<name>.c, which defines `const struct framework framework_<name>`; add its line
// to frameworks.def (detection asks in that order) and the file to local.mk; add a folder of its layout to tests/cases.
#ifndef MIGRATIONS_FRAMEWORK_H
#define MIGRATIONS_FRAMEWORK_H

#include "introspect/reader.h"
#include "migrations/migration.h"

struct arena;
struct buf;
struct err;

// A file or subfolder of a migrations folder, read whole.
struct folder_file {
	const char *name; // relative to the folder: "0001_init.up.sql", "20240101_x/migration.sql"
	const char *path; // as shown: the folder as given + "/" + name
	const char *text; // NUL-terminated; NULL for files that are no text (over 16 MiB, or other than .sql, .toml, .json, .conf, .go ...)
	size_t length;
};

struct folder {
	const char *path;
	struct folder_file *files; // sorted by name, bytewise; subfolders walked, dot files left out
	size_t n_files;
};

// One message as the framework sends it, with the line of its first non-blank byte in the file.
struct unit {
	const char *text; // NUL-terminated
	unsigned line;    // from 1
};

// What the framework sends for one migration.
struct script {
	bool transaction; // BEGIN; units; (the row of the version table;) COMMIT. Else each unit is sent by itself
	struct unit *units;
	size_t n_units;
};

// What it does with a migration that sorts below the newest applied one.
enum late { LATE_RUNS, LATE_REFUSES, LATE_NEVER };

struct framework {
	const char *name;    // "golang-migrate"
	const char *summary; // one line for `driftcheck frameworks`
	const char *files;   // how a migration lies on disk, for `driftcheck frameworks`: "N_name.up.sql"
	const char *deploy;  // the command that applies pending migrations: "dbmate up"
	const char *repair;  // what has to come first after a failed run: "flyway repair"; NULL: nothing but another try
	const char *no_transaction; // how a migration says that it is to run outside of a transaction; NULL: a single statement does
	enum late late;
	const char *late_flag; // the flag or setting that makes it run a late one ("-allow-missing"); NULL: there is none
	bool sqlite_foreign_keys; // its connections to SQLite enforce foreign keys unless told otherwise
	// On PostgreSQL, how long an instance waits by default for another one that migrates, and what it does then ("fails with ..."). 0: it
	// takes no lock, or waits without end, or not known.
	int lock_wait_s;
	const char *lock_wait_end;
	const char *table;     // default version table; NULL: it has none (untracked)

	// A sentence naming the marker that shows this framework ("0001_init.sql has the line `-- +goose Up`"), in the arena;
	// NULL if there is none. Markers are unambiguous; the shape of file names alone is only asked for by `resembles`. The
	// function itself is NULL where a framework has no markers.
	const char *(*detect)(struct arena *arena, const struct folder *folder);
	// Whether the file names have this framework's shape: asked only when no framework finds a marker. NULL: never.
	bool (*resembles)(const struct folder *folder);

	// Fills set->items from the folders (already sorted and read), in the framework's order, without duplicates.
	bool (*list)(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err);

	// The order of two versions, <0, 0 or >0; 0 means that they are the same one. NULL: bytewise.
	int (*compare)(const char *a, const char *b);

	// What it sends for a migration on this engine. `set` gives settings and placeholders.
	bool (*script)(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
	               struct script *script, struct err *err);

	// The version table: statements that make it under `table` (SQL-quoted, maybe qualified) ...
	void (*create_table)(struct buf *sql, enum engine engine, const char *table);
	// ... the statement that records a migration as applied there, as the framework does (after running it) ...
	void (*record)(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank);
	// ... the columns to order its rows by ("installed_rank"; NULL: none) ...
	const char *order;
	// ... and what its rows say. A version_table without name gives an untracked set. Fails (code "version-table") on
	// rows that make no sense.
	bool (*applied)(struct arena *arena, const struct migrations *set, const struct version_table *table,
	                struct applied_set *applied, struct err *err);

	// Whether a stored checksum fits the text (line ends and older forms are tolerated as the framework does); NULL where
	// none is stored.
	bool (*checksum_fits)(const struct migrations *set, const struct migration *migration, const char *stored);

	// The key of the advisory lock held on PostgreSQL while it migrates, for "a deploy is in flight". A framework may take
	// one of several: nth counts from 0, and false ends them. NULL: none known.
	bool (*lock_key)(const char *database, const char *schema, const char *table, unsigned nth, long long *key);
};

extern const struct framework *const frameworks[]; // in the order of frameworks.def; NULL-ended
const struct framework *framework_find(const char *name);
int framework_compare(const struct framework *framework, const char *a, const char *b); // of two versions

// Which framework the folders are laid out for: by markers, else by the shape of the names and what the project's files
// above the folders (go.mod, Cargo.toml, package.json) say. `marker` gets the sentence that shows it. Errors: see
// migrations_load.
const struct framework *framework_detect(struct arena *arena, const struct folder *folders, size_t n_folders, const char **marker,
                                         struct err *err);

// The version table of a set, for the reader: its configured or default name and the order of its rows. `queries` has
// room for two; the last has a NULL table.
void framework_version_query(const struct migrations *set, struct version_query queries[2]);

#endif
