// SPDX-License-Identifier: PostgreSQL
// A report: the findings and facts of one run. Plain data, in the arena of whoever made it; the reporters only read it.
#ifndef REPORTERS_REPORT_H
#define REPORTERS_REPORT_H

#include "base/err.h"
#include "diff/finding.h"
#include "migrations/migration.h"

enum verdict { VERDICT_CLEAN, VERDICT_SKEW, VERDICT_DRIFT, VERDICT_TROUBLE }; // ascending: the worst wins
extern const char *const verdict_names[];

// A migration, as a line of a timeline.
struct migration_line {
	const char *version, *label;
};

// A folder of migrations as it is shown, and as the checkout that it lies in has it.
struct repo_folder {
	const char *path;   // "../db/migrations"
	const char *in_git; // "services/app/db/migrations"; NULL: it lies in no checkout
};

struct repo_report {
	const char *name, *path, *framework; // path: the folders, joined by ", "
	struct repo_folder *folders;
	size_t n_folders;
	size_t n_migrations;
	const char *head; // newest version; NULL: no migrations
	const char *git;  // commit of the checkout; NULL: none
	struct migration_line *lines; // all migrations in their order; n_migrations
};

// A list of versions.
struct versions {
	const char **items;
	size_t n;
};

// What one pending (or skipped) migration would do: shown as one line of text.
struct pending_line {
	const char *version, *label, *path;
	const char *effects; // "table public.invoices, 2 indexes"; NULL: none that the model sees
	bool outdated;       // a repeatable migration whose text changed
};

struct env_report {
	const char *name;
	const char *fleet;       // the fleet that it belongs to, which is reported as one; NULL: none
	struct versions members; // the environments of the same shape that it stands for, itself first; none: itself alone.
	                         // Equal reports of a fleet are folded so for rendering: see view.h
	enum engine engine;
	const char *server, *database;
	bool complete;
	bool reached; // it was read: server and database are known
	enum verdict verdict;
	const struct repo_report *repo; // what it is compared with; NULL: nothing

	bool versions_known; // the fields below hold
	const char *version_table, *version_head;
	enum version_state state;
	struct versions pending, skipped, unknown, edited, dirty;
	struct pending_line *pending_lines;
	size_t n_pending_lines;

	struct finding **findings; // sorted worst first
	size_t n_findings;
	struct unread *unread;
	size_t n_unread;
	const char **notes;
	size_t n_notes;
	struct err *trouble; // what kept this environment from being checked completely; NULL: nothing
	long long last_success_s; // when it was last checked completely, by time(2); 0: not known. Only for reporters that ask for it
};

struct report {
	const char *version; // of the driftcheck that made it, where it was read back; NULL: this one
	const char *command; // "check", "diff", "status", "assert"
	bool complete;
	const char *started; // RFC 3339, UTC
	long long duration_ms;
	int shard_index, shard_count; // the part of the environments that was checked, from 1; count 0: all of them
	struct repo_report *repos;
	size_t n_repos;
	struct env_report **envs; // in the order of the command line; the text reporter shows the worst first
	size_t n_envs;
	bool worst_first; // in this order they stand: see view.h
	struct err *troubles; // all of the run, those of environments included
	size_t n_troubles;

	// command "diff"
	const char *want_name, *have_name;
	bool equal;
};

#endif
