// SPDX-License-Identifier: PostgreSQL
// A safer way for a statement that locks too long: the same change in statements that each lock little, as SQL for this very
// statement; where there is none that a program may choose, advice. Pure: it reads the statement's parse tree and a snapshot.
#ifndef REHEARSE_REWRITE_REWRITE_H
#define REHEARSE_REWRITE_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/snapshot.h"

struct arena;

struct rewriting {
	const char *const *statements; // each is sent by itself, outside of a transaction; NULL: there is only advice
	size_t n;
	bool outside;                  // one of them cannot run in a transaction
	const char *text;              // for people: the statements with what is to be known of them, or the advice
	bool stops_nobody;             // by itself, the statement is as harmless as can be
};

struct rewrite_request {
	const char *sql;                 // one statement
	const struct snapshot *snapshot; // the schema before it, sorted; NULL: not known
	int major;                       // of the server
	bool rewrites;                   // it was seen to copy a table
};

// False: none is known, or the statement is not understood (libpg_query's grammar is 15's).
bool rewrite_find(struct arena *arena, const struct rewrite_request *request, struct rewriting *rewriting);

#endif
