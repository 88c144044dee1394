// SPDX-License-Identifier: PostgreSQL
// The origin of a finding: the statement of the migration that set the wanted value. Looked for only where something drifted.
#ifndef PROVE_ORIGIN_H
#define PROVE_ORIGIN_H

#include "diff/finding.h"
#include "migrations/framework.h"

// Fills file, line, exact and statement of finding->origin, whose version is known: the migration's last statement that names
// the object, or else its relation; if none does, the file's first statement, not exact. `chain` is where the version is
// looked for. For `ahead` it also says whether the migration will pass over what is there or fail on it.
void origin_find(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *const *chain,
                 size_t n_chain, const struct snapshot *live, struct finding *finding);

#endif
