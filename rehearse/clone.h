// SPDX-License-Identifier: PostgreSQL
// A clone that the user provides (--clone): a database that is used up by the rehearsal, so it must be nobody's.
#ifndef REHEARSE_CLONE_H
#define REHEARSE_CLONE_H

#include "introspect/snapshot.h"
#include "rehearse/rehearse.h"
#include "rehearse/sequence.h"

struct clone_request {
	const char *conninfo;
	const struct clone_env *envs;
	size_t n_envs;
	bool anyway; // all but the first of the reasons are only noted
};

// Refuses (code "clone") what may be an environment: the same database of the same running server (a lock that is taken on the clone
// is seen from there); what cannot be told from one, since that cannot be asked; a server that feeds replicas, or has replication
// slots; a database that other clients use. Environments are only connected to and asked for their pg_locks, read-only. `notes`
// gets what a reader should know: another database on the server of an environment, and what was not refused. Also "clone": it cannot
// be reached, or is a standby.
bool clone_check(struct arena *arena, const struct clone_request *request, const char ***notes, size_t *n_notes, struct err *err);

// The tables of a schema that statements name, and those that foreign keys tie to them; NULL-ended. `version_table` is left out.
const char *const *clone_touched(struct arena *arena, const struct snapshot *schema, const struct sequenced *statements, size_t n_statements,
                                 const char *version_table);

// The tables of a database with their rows: estimates, but counted for those of `touched` that were never analysed.
bool clone_tables(struct arena *arena, const char *conninfo, const struct statistics *statistics, const char *const *touched,
                  struct clone_table **tables, size_t *n_tables, struct err *err);

#endif
