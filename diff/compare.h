// SPDX-License-Identifier: PostgreSQL
// Comparing snapshots: one merge of two sorted lists. Pure: no connection, no clock. Where two texts cannot be judged here
// it collects a question; prove/ answers it on a scratch server, and the comparison is made again with the answers.
#ifndef DIFF_COMPARE_H
#define DIFF_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diff/normalise.h"
#include "introspect/oid_map.h"
#include "introspect/snapshot.h"

// Do these two texts of one attribute mean the same? The objects are those that hold them.
struct question {
	const struct object *a, *b;
	unsigned attr;
	bool answered, equal;
};

struct comparer {
	struct arena *arena;
	enum engine engine;
	unsigned groups; // bits 1 << enum attr_group that are compared besides GROUP_STRUCTURE
	struct question **questions;
	size_t n_questions, questions_capacity;
	struct oid_map asked; // by hash of kind, attribute and both texts
	size_t n_rungs[RUNG_ROUND_TRIP + 1]; // how often which rung matched
};

void comparer_init(struct comparer *comparer, struct arena *arena, enum engine engine, unsigned groups);
bool comparer_compares(const struct comparer *comparer, const struct attr *attr);

// Whether two objects of one kind agree in an attribute. A value that was not read is neither equal nor different: it
// counts as equal here, and the snapshot that lacks it is not complete. A text that only a server can judge counts as
// different until its question is answered.
bool values_equal(struct comparer *comparer, const struct object *a, const struct object *b, unsigned attr);

// One difference. Where both objects are there, `attrs` has the bits of the attributes that differ; else it is 0.
struct change {
	const struct object *want, *have;
	uint32_t attrs;
};

struct changes {
	struct change *items;
	size_t n;
};

// What differs in `have` from `want`, in their sort order. Children of an added or removed object are in the list too:
// see changes_implied.
struct changes compare_snapshots(struct comparer *comparer, const struct snapshot *want, const struct snapshot *have);

// Whether a change follows from another in the same list: its object went or came together with what it hangs on.
bool change_implied(const struct snapshot *want, const struct snapshot *have, const struct change *change);

// What an object hangs on: its relation, its schema, or the table of the column that owns it. NULL: nothing in this snapshot.
const struct object *object_parent(const struct snapshot *snapshot, const struct object *object);

#endif
