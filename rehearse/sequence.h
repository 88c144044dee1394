// SPDX-License-Identifier: PostgreSQL
// The statements of migrations as a rehearsal sends them: one by one, with the same transactions that their framework uses.
#ifndef REHEARSE_SEQUENCE_H
#define REHEARSE_SEQUENCE_H

#include "migrations/framework.h"

struct sequenced {
	const struct migration *migration;
	const char *file; // of the migration; NULL: a statement of ours or of the framework's (BEGIN, the version table)
	unsigned line;
	const char *sql;
};

// All statements of a migration. A message of several statements is a transaction, whether the framework opens one or not; a
// file's own BEGIN and COMMIT are kept as they are. Errors: those of framework->script; "meta-command".
struct sequenced *sequence_of(struct arena *arena, const struct migrations *set, enum engine engine,
                                           const struct migration *migration, const char *version_table, size_t rank, size_t *n,
                                           struct err *err);

// Whether a statement begins, ends or divides a transaction.
bool sequence_is_control(const char *sql);

#endif
