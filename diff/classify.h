// SPDX-License-Identifier: PostgreSQL
// Drift as a three-way merge: what is in the environment (live), what its applied migrations make (base), and what the
// repository's HEAD makes (head). Pure: where the evidence of single migrations is needed it says so, and is called again.
#ifndef DIFF_CLASSIFY_H
#define DIFF_CLASSIFY_H

#include "diff/evidence.h"
#include "diff/finding.h"

struct classify_input {
	const struct snapshot *live, *base, *head;
	// The effects of the applied chain (base) and of the repository's (head), in their order. Not needed while live, base
	// and head are equal.
	bool effects_known;
	const struct effects *applied, *repo;
	size_t n_applied, n_repo;
	bool untracked;           // no version table: what is applied was concluded from what is there
	const char *unknown;      // applied versions whose effects cannot be known, and why ("0043, which this checkout lacks"); or NULL
	const char *late_text;    // what becomes of a late migration: "runs at the next `dbmate up`"
	bool late_runs;           // it will run by itself
};

struct classification {
	bool needs_effects; // call again with the effects; the findings are not there yet
	struct finding **findings; // sorted worst first
	size_t n_findings;
	const char **skipped;      // versions that the evidence shows as not run, though recorded
	size_t n_skipped;
	size_t n_parts;            // partitions made at run time: no findings
	const char *part_of;       // of the first of them
};

struct classification classify(struct comparer *comparer, const struct classify_input *input);

#endif
