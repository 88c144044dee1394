// SPDX-License-Identifier: PostgreSQL
// The only place that quotes SQL. Identifiers are quoted where PostgreSQL's quote_ident would (anything but lower-case
// letters, digits and underscores, or a reserved word); the same form is valid in SQLite.
#ifndef BASE_SQL_H
#define BASE_SQL_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

void sql_ident(struct buf *buf, const char *name);

// A dotted name of n parts, each quoted where it must be.
void sql_name(struct buf *buf, const char *const *parts, size_t n);
char *sql_name_copy(struct arena *arena, const char *const *parts, size_t n);

// A string literal in single quotes; where the text holds a backslash, in PostgreSQL's E'' form.
void sql_literal(struct buf *buf, const char *text);

// Splits a dotted, possibly quoted name (a."b.c") into its parts, unquoted; unquoted parts keep their case. At most
// `size` parts; returns their number, 0 if the text is no such name.
size_t sql_name_split(struct arena *arena, const char *text, const char **parts, size_t size);

#endif
