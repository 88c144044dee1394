// SPDX-License-Identifier: PostgreSQL
// Owners and privileges name roles, and roles are another thing in each database by nature: who runs the migrations has one
// name here and another there. Before two databases are compared in owners or privileges, they are made alike in what nobody
// decided. Pure: works on snapshots as they were read.
#ifndef DIFF_ALIGN_H
#define DIFF_ALIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/snapshot.h"

struct arena;

struct stand_in { // all that the migrations give to `repo` belongs to `live` in the environment
	const char *repo, *live;
};

struct alignment {
	struct arena *arena;
	unsigned groups;         // that are compared
	const char *runner;      // who runs the migrations in the environment; NULL: unknown
	const char *repo_runner; // who ran the replay
	const char *reader;      // whose privileges are left out, as a grantee; NULL: nobody's
	struct stand_in *stand_ins;
	size_t n_stand_ins;
	bool public_owner;    // who owns the schema public is nothing that the migrations say
	bool public_create;   // whether PUBLIC may create in it is not compared
	bool maintain;        // one side knows no MAINTAIN (before PostgreSQL 17)
	bool found;           // what went before is set: nothing is applied otherwise
	const char *notes[4]; // what a person should know of it
	size_t n_notes;
};

// The role that runs the migrations in a live database: whoever owns the version table, if other tables are that one's as
// well; else whoever owns most. NULL: owners were not read.
const char *align_runner(const struct snapshot *live);

// Finds what differs by nature between an environment (or the one side of a comparison) and what the repository makes (or the
// other). `head` may be `base`.
void align_find(struct alignment *alignment, struct arena *arena, unsigned groups, const struct snapshot *live,
                const struct snapshot *base, const struct snapshot *head);

// Rewrites owners and privileges of a snapshot so that they compare: the runner's name becomes nobody's. `replayed`: it is of
// the repository's side. Does nothing before align_find, and nothing to a snapshot that was aligned.
void align(const struct alignment *alignment, struct snapshot *snapshot, bool replayed);
// The same for a snapshot that others use as well: a copy in the arena, or itself where neither owners nor privileges are
// compared.
struct snapshot *align_copy(const struct alignment *alignment, struct arena *arena, struct snapshot *snapshot, bool replayed);

#endif
