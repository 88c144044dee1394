// SPDX-License-Identifier: PostgreSQL
// An SQL file as psql reads it, in pieces: plain SQL, COPY ... FROM stdin with the data that follows it, and psql's own
// commands. Schema dumps are made of these.
#ifndef MIGRATIONS_DUMP_H
#define MIGRATIONS_DUMP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum dump_type { DUMP_SQL, DUMP_COPY, DUMP_META };

struct dump_piece {
	enum dump_type type;
	const char *text; // the SQL, the COPY statement, or the command to the end of its line; copied
	unsigned line;    // of the text's first byte in the file, from 1
	const char *data; // COPY: whole lines, without the ending "\."
	size_t data_length;
};

struct dump {
	const char *at; // the file's text, later what is left of it
	unsigned line;  // of `at`; from 1
};

// The next piece; false at the end. SQL that is only blanks and comments is passed over.
bool dump_next(struct arena *arena, struct dump *dump, struct dump_piece *piece);

#endif
