// SPDX-License-Identifier: PostgreSQL
// What to do about a finding, as SQL: the way back in the environment, and the way into the repository as a new migration.
// Pure: the statements are written, never run. Unproven; see struct finding's `proven`.
#ifndef DIFF_REMEDY_H
#define DIFF_REMEDY_H

#include "diff/finding.h"

struct arena;

// Fills finding->env and finding->repo. `deploy` is the framework's command that applies pending migrations. The finding's
// origin is used where it is known: its own statement is preferred for what is missing, where it makes just that.
//
// - Statements that wait for a strong lock come after SET lock_timeout = '3s', those that run CONCURRENTLY after SET
//   lock_timeout = 0 (a timeout would leave an invalid index behind).
// - A remedy that could lose data is commented out, line by line, as a whole.
// - The statements for the repository skip what is there already, where SQL has a form for it.
// - `risk` says what a statement locks, reads or loses.
void remedy_find(struct arena *arena, const struct snapshot *live, const struct snapshot *base, const struct snapshot *head,
                 struct finding *finding, const char *deploy);

// The SQL with each of its lines as a comment; those that are one stay.
const char *remedy_comment_out(struct arena *arena, const char *sql);

// The statements that make `from` (NULL: not there) of snapshot `in_from` into `to` of `in_to`; their number in *n. One of
// both is there; where both are, only the attributes in `attrs` (bits by index) are made equal.
struct remedy_statement *remedy_statements(struct arena *arena, const struct snapshot *in_from, const struct object *from,
                                           const struct snapshot *in_to, const struct object *to, uint32_t attrs, size_t *n);

// Whether changing a column from one type to another keeps every value: 0 it need not, 1 it does but writes the whole table
// anew, 2 it does and leaves the table as it is. (PostgreSQL 12-18; facts measured.)
int remedy_type_change(const char *from, const char *to);

#endif
