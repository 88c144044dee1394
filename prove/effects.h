// SPDX-License-Identifier: PostgreSQL
// The effects of single migrations: of a chain that was replayed with a snapshot after each, neighbours compared.
#ifndef PROVE_EFFECTS_H
#define PROVE_EFFECTS_H

#include "diff/classify.h"
#include "migrations/migration.h"

// Fills one struct effects for each of the n migrations of a chain: `snapshots` are n + 1, before the first and after each;
// `roles` and `text_unknown` (NULL: none) are parallel to the chain.
struct effects *effects_compare(struct comparer *comparer, const struct migration *const *chain, size_t n,
                                struct snapshot *const *snapshots, const enum effects_role *roles, const bool *text_unknown);

// What a migration does, for people: "table public.invoices, 2 indexes; drops column public.users.name"; NULL: nothing that
// the model sees.
const char *effects_text(struct arena *arena, const struct effects *effects);

#endif
