// SPDX-License-Identifier: PostgreSQL
// The statements that SQLite stores in sqlite_schema, as items: every form of CREATE TABLE, VIRTUAL TABLE, INDEX, VIEW and
// TRIGGER (https://www.sqlite.org/lang.html), also as ALTER TABLE left them.
#ifndef INTROSPECT_SQLITE_PARSE_H
#define INTROSPECT_SQLITE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/sqlite_read.h"

struct arena;

// A set of names, grown in an arena.
struct sqlite_names {
	const char **items;
	size_t n, capacity;
};

// What a statement is parsed against: an index against the item of its table, a view or trigger against all names of the
// database (sorted by sqlite3_stricmp; see struct sqlite_scope). Neither is needed for a table.
struct sqlite_context {
	const struct sqlite_item *table;
	const struct sqlite_names *names;
};

// Fills the item from the stored statement. Everything in it lives in the arena; `sql` is kept. False: the statement is not
// understood, and `*why` says where.
bool sqlite_parse(struct arena *arena, const char *sql, const struct sqlite_context *context, struct sqlite_item *item,
                  const char **why);

// Adds the names that a view or trigger gives to columns and subqueries of its own (AS).
void sqlite_names_collect(struct arena *arena, struct sqlite_names *names, const char *sql);
void sqlite_names_add(struct arena *arena, struct sqlite_names *names, const char *name);
void sqlite_names_sort(struct sqlite_names *names);

#endif
