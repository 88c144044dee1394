// SPDX-License-Identifier: PostgreSQL
// libpg_query's parse trees as structures that can be read, changed and written as SQL again. Everything lives in the arena.
#ifndef REHEARSE_REWRITE_PARSE_TREE_H
#define REHEARSE_REWRITE_PARSE_TREE_H

#include <pg_query/pg_query.pb-c.h>
#include <stdbool.h>

struct arena;

// NULL: it cannot be parsed (the grammar is 15's).
PgQuery__ParseResult *tree_parse(struct arena *arena, const char *sql);

// Calls `visit` for a message and, where that returns true, for everything in it.
void tree_walk(ProtobufCMessage *message, bool (*visit)(void *argument, ProtobufCMessage *message), void *argument);

// A statement of the tree as SQL; NULL: what libpg_query writes does not mean the same. The places in the tree are lost.
const char *tree_sql(struct arena *arena, PgQuery__Node__NodeCase node_case, void *statement);

// Whether a text is that statement. The places in the tree are lost.
bool tree_says(struct arena *arena, const char *sql, PgQuery__Node__NodeCase node_case, void *statement);

#endif
