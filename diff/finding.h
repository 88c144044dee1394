// SPDX-License-Identifier: PostgreSQL
// A finding: a change between environment and repository, with its class, severity, evidence, origin and remedy. Plain
// data, filled by classify and remedy, rendered by the reporters.
#ifndef DIFF_FINDING_H
#define DIFF_FINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/snapshot.h"

enum finding_class { CLASS_HAND_EDIT, CLASS_SKIPPED, CLASS_VERSION_SKEW, CLASS_AHEAD, CLASS_COLLISION };
enum severity { SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ALARM };
enum change_word { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_ALTERED };
extern const char *const finding_class_names[]; // "hand-edit", ...
extern const char *const severity_names[];
extern const char *const change_names[];

struct finding_attr {
	int attr;         // index into the kind's attributes
	const char *want; // NULL: none
	const char *have;
	const char *base; // meaningful only where `base_differs`
	bool base_differs; // from want
};

struct origin {
	const char *version, *label; // of the migration that set the wanted value; for `added`, what it hangs on
	const char *file; // as shown; NULL until it was looked for, or where it has none
	unsigned line;
	bool exact;
	const char *statement; // the origin's own statement, NULL if not exact
};

struct remedy_statement {
	const char *sql;  // whole statements, ended by semicolons; destructive ones are already commented out
	const char *risk; // what it locks or loses, one line; NULL: nothing to say
};

struct finding {
	char id[17];
	enum finding_class class;
	enum severity severity;
	enum change_word change;
	// The object in the environment and in the repository (want: at HEAD, or at what is applied for `ahead`); NULL where it
	// is not. At least one is there.
	const struct object *have, *want, *base;
	const struct object *object;   // the one of them to name: have, else want, else base
	const char *name;              // path quoted as SQL
	struct finding_attr *attrs;
	size_t n_attrs;
	const char *evidence; // NULL: nothing but the difference itself
	struct origin *origin; // NULL: none found
	const char *dated_after, *dated_before, *dated_at; // versions or RFC 3339; NULL: not known. All NULL: no dating
	struct remedy_statement *env, *repo; // NULL, 0: none
	size_t n_env, n_repo;
	bool proven;
};

// The first 64 bits of SHA-256 over kind, path, class, change and attribute names, as hex.
void finding_identify(struct finding *finding);

// Worst first: collision, hand-edit and skipped by severity, ahead, version-skew; then by object.
int finding_compare(enum engine engine, const struct finding *a, const struct finding *b);

#endif
