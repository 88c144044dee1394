// SPDX-License-Identifier: PostgreSQL
// The effects of single migrations: a chain replayed with a snapshot after each, neighbours compared.
#ifndef PROVE_EFFECTS_H
#define PROVE_EFFECTS_H

#include "diff/classify.h"
#include "migrations/replay.h"

// Replays the chain of `request` (its stops are set here) and fills one struct effects for each of its migrations; `roles`
// and `text_unknown` (NULL: none) are parallel to the chain. `prepare` (NULL: nothing) is done to every snapshot before it is
// compared. Errors are those of replay().
bool effects_read(struct comparer *comparer, const struct replay_request *request, const enum effects_role *roles,
                  const bool *text_unknown, void (*prepare)(struct snapshot *snapshot, void *argument), void *argument,
                  struct effects **effects, struct err *err);

// What a migration does, for people: "table public.invoices, 2 indexes; drops column public.users.name"; NULL: nothing that
// the model sees.
const char *effects_text(struct arena *arena, const struct effects *effects);

#endif
