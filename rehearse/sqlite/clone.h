// SPDX-License-Identifier: PostgreSQL
// The clone of a rehearsal on SQLite: a private copy of the environment's file, or made-up rows in the schema that the applied
// migrations make; smaller copies of it; and what is in one.
#ifndef REHEARSE_SQLITE_CLONE_H
#define REHEARSE_SQLITE_CLONE_H

#include "introspect/snapshot.h"
#include "rehearse/rehearsal.h"

struct arena;
struct log;
struct run_user;

// Copies a live file to the existing empty file `to`, as readers open it: its writers are not held up. Errors: those of
// sqlite_session_open, "locked" (it is written to all the time), "space".
bool clone_copy(struct arena *arena, const char *from, const char *to, struct log *log, struct err *err);

// Fills the tables of `path` that are empty with `rows` rows each, and gives it the journal mode of the live file `like`
// (NULL: there is none). What cannot be
// satisfied is noted. Errors: code "fill", those of sqlite_session_open.
bool clone_fill(struct arena *arena, const char *path, const char *like, long long rows, struct log *log, const char ***notes, size_t *n_notes, struct err *err);

// Makes `to` (owned by `user`) a copy of `from`, of whose larger tables every `keep_one_of`th row is kept. Errors: code "fill".
bool clone_thin(const char *from, const char *to, const struct run_user *user, int keep_one_of, struct err *err);

// What is in a database: to be held against what is there after a migration.
struct inventory_table {
	const char *name;
	long long rows, pages; // pages: with its indexes; 0: not known
	long long own_pages;   // of the table alone
	long long root;        // its first page
};

struct dangling {
	const char *table, *parent; // a foreign key to a table that is not there
};

struct action {
	const char *table, *parent, *column;
	bool cascade;    // deletes the row; else it clears the column (SET NULL, SET DEFAULT)
	long long n_set; // rows whose column is not NULL
};

struct inventory {
	struct inventory_table *tables; // ordinary ones, by name
	size_t n_tables;
	struct dangling *dangling;
	size_t n_dangling;
	struct action *actions; // foreign keys that do something when a row of the parent is deleted
	size_t n_actions;
	long long n_objects; // in the schema
	int page_size;
	bool wal;
	const struct snapshot *snapshot;
};

// Errors: code "clone", and those of sqlite_read.
bool inventory_take(struct arena *arena, const char *path, struct log *log, struct inventory *inventory, struct err *err);
const struct inventory_table *inventory_find(const struct inventory *inventory, const char *table); // NULL: it is not there

#endif
