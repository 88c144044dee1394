// SPDX-License-Identifier: PostgreSQL
// The evidence of single migrations: what each of them changed in a replay, and whether the environment shows anything of it.
// A migration that is recorded as applied and of which nothing is there never ran; one whose work is there in part was undone
// by somebody. Pure, like the rest of diff/.
#ifndef DIFF_EVIDENCE_H
#define DIFF_EVIDENCE_H

#include "diff/compare.h"
#include "introspect/oid_map.h"

// What a migration is to the environment.
enum effects_role {
	ROLE_APPLIED,
	ROLE_PENDING,
	ROLE_LATE,    // not applied, sorts below the newest applied one
	ROLE_EDITED,  // applied with another text than the repository's; in the repository's chain
	ROLE_FAILED,  // its run failed: counts as not applied
	ROLE_FOREIGN, // applied, not in this checkout, but found on another git ref; in the applied chain
};

// What one migration of a replay changed.
struct effects {
	const char *version, *label;
	enum effects_role role;
	bool applied_text_unknown; // ROLE_EDITED: what it did in the environment cannot be known
	const struct snapshot *before, *after;
	struct changes changes; // want: before, have: after
};

// A value is present, absent while what it hangs on is there, or without that: three different values.
enum presence { PRESENT, ABSENT, WITHOUT_PARENT };

enum presence presence_of(const struct snapshot *snapshot, const struct object *object, const struct snapshot *its);

// What of an object is meant: an attribute by its index, or that it exists.
enum { VALUE_EXISTENCE = ATTRS_MAX };

// A key of an object, or of one of its values, for an oid_map; the path alone with kind "".
uint64_t object_key(const struct comparer *comparer, const struct object *object, unsigned value);
uint64_t path_key(const struct comparer *comparer, const char *kind, const char *const *path, unsigned n_path, unsigned value);

// Notes in a map what a migration touched; called in the order of the chain, the map then holds the last that touched each value.
void effects_touch(const struct comparer *comparer, struct oid_map *touched, const struct effects *effects);
const struct effects *effects_toucher(const struct comparer *comparer, const struct oid_map *touched, const struct object *object,
                                      unsigned value);

// A column that is missing was dropped by hand if the table has so many more dropped columns than the migrations left that
// they account for every column that is missing.
bool dropped_by_hand(const struct snapshot *live, const struct snapshot *base, const struct object *column);

// For each migration of the chain that makes `base`: whether it never ran in `live`, how many of its effects that later ones left
// alone are missing there, and how many there are (an added or removed object counts once, with all that hangs on it). `touched`
// is that of the whole chain. The arrays are parallel to the chain and zeroed.
void effects_judge(struct comparer *comparer, const struct effects *chain, size_t n, const struct snapshot *live, const struct snapshot *base,
                   const struct oid_map *touched, bool *missing, size_t *n_missing, size_t *n_effects);

// The counts alone, of a whole chain. For untracked environments.
void effects_missing(struct comparer *comparer, const struct effects *chain, size_t n, const struct snapshot *live, size_t *n_missing,
                     size_t *n_effects);

#endif
