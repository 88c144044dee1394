// SPDX-License-Identifier: PostgreSQL
// Cutting SQL text into statements, with the line of each. PostgreSQL: libpg_query's parser first, then (for what its
// grammar, 15's, does not know) its scanner, with BEGIN ATOMIC ... END kept together. SQLite: its own sqlite3_complete.
// The statements' text is left as it is, without the ending semicolon and the blanks and comments before and after. All
// functions may be called from several threads.
#ifndef MIGRATIONS_SPLIT_H
#define MIGRATIONS_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"

struct arena;
struct err;

struct statement {
	const char *text; // NUL-terminated copy
	size_t offset;    // of its first byte in the input
	unsigned line;    // from 1
};

// Never fails on SQL that is merely wrong: the server is to say so. Returns the statements and their number. A psql
// meta-command (a backslash outside quotes and comments) is no statement: see split_meta_command.
struct statement *split_statements(struct arena *arena, enum engine engine, const char *text, size_t *n);

// The first psql meta-command of a text ("\\copy ...", to the end of its line; "\\." after the data of a COPY), or NULL.
const char *split_meta_command(struct arena *arena, const char *text, unsigned *line);

// Whether the statement (of either engine) makes, changes, drops or names the object at `path`, as far as its tokens or
// parse tree show: 0 no, 1 its relation is named, 2 the object itself is named. Statements that only read or write rows
// name nothing; names that the server makes up (t_a_key, t_id_seq) count as named where they are made.
int statement_names(enum engine engine, const char *statement, const struct kind *kind, const char *const *path, unsigned n_path);

#endif
