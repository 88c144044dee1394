// SPDX-License-Identifier: PostgreSQL
// The chain of migrations that made an environment: what it has recorded as applied, each with the text that was applied.
#ifndef MIGRATIONS_CHAIN_H
#define MIGRATIONS_CHAIN_H

#include "migrations/framework.h"

struct link {
	const struct migration *migration;
	bool late;         // not recorded: it is here because others of the chain need it
	bool foreign;      // not in the checkout: its file was found on another git reference
	bool text_unknown; // recorded with another text than any that was found: the repository's stands in
};

struct chain {
	struct link *links;
	size_t n, capacity;
	const char **lost; // recorded versions of which no file was found anywhere
	size_t n_lost;
};

// The applied set, in the recorded order, without failed runs. A text whose stored checksum does not fit the file is looked
// for in the file's git history; a version without file is looked for on all git references.
struct chain chain_applied(struct arena *arena, const struct migrations *set, const struct applied_set *applied);

// The same with the late migrations of the repository put in, in the repository's order: for an applied set with holes that
// does not run as it is.
struct chain chain_filled(struct arena *arena, const struct migrations *set, const struct standings *standings, const struct chain *applied);

// Every migration of the repository, in its order.
struct chain chain_repo(struct arena *arena, const struct migrations *set);

const struct migration **chain_migrations(struct arena *arena, const struct chain *chain);

#endif
