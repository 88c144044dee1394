// SPDX-License-Identifier: PostgreSQL
// What the tests of the SQLite reader share: a folder of their own, databases made from SQL, and comparing what was read.
// Everything that fails fails the test.
#ifndef TESTS_SQLITE_FILES_H
#define TESTS_SQLITE_FILES_H

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "introspect/reader.h"
#include "introspect/sqlite_read.h"

struct sqlite_names;

extern char folder[64]; // of this run: made by folder_make, removed by folder_drop
int folder_make(void **state);
int folder_drop(void **state);
// A folder in it. The owner is set if we are root.
const char *subfolder(struct arena *arena, const char *name, mode_t mode, uid_t owner);
// Names, owners, sizes, times and contents of all that is in a folder.
const char *folder_print(struct arena *arena, const char *path);
bool folder_is_empty(const char *path);

void file_write(const char *path, const void *bytes, size_t n);
void file_copy(const char *from, const char *to);
bool file_exists(const char *path, const char *suffix);

sqlite3 *database_open(const char *path);
void execute(sqlite3 *db, const char *sql);
sqlite3_stmt *query(sqlite3 *db, const char *sql, const char *argument); // ?1; may be NULL
const char *text_of(sqlite3_stmt *statement, int column);
const char *database_make(struct arena *arena, const char *path, const char *sql); // anew; returns a copy of the path
const char *scratch_database(struct arena *arena, const char *name, const char *sql); // in the folder of this run

struct snapshot *read_with(struct arena *arena, const char *path, const struct read_options *options);
struct snapshot *read_database(struct arena *arena, const char *path); // whole, with nothing unread
// One line for each object that only one of them has, and for each attribute of structure that differs; "" if they are equal.
const char *differences(struct arena *arena, const struct snapshot *a, const struct snapshot *b);
struct sqlite_item parse(struct arena *arena, const char *sql, const struct sqlite_item *table, const struct sqlite_names *names);

struct sqlite_pair {
	const char *a, *b;
	const char *difference; // what `differences` says; NULL: none
};
extern const struct sqlite_pair equal_pairs[], different_pairs[]; // ended by NULLs
void for_every_fixture(void (*check)(const char *sql));

#endif
