// SPDX-License-Identifier: PostgreSQL
// What is not to be compared: patterns of the configuration's `ignore`, [KIND:]GLOB over dotted names ("audit.*",
// "table:public.tmp_*"). An ignored object takes what is beneath it along; "audit.*" takes the schema audit as well.
#ifndef DIFF_IGNORE_H
#define DIFF_IGNORE_H

#include <stddef.h>

#include "introspect/snapshot.h"

// Removes what matches from the snapshot; returns how many objects.
size_t ignore_apply(struct snapshot *snapshot, const char *const *patterns, size_t n_patterns);

// The same where the schema `schema` of the snapshot is what the patterns call `called`.
size_t ignore_apply_as(struct snapshot *snapshot, const char *const *patterns, size_t n_patterns, const char *schema, const char *called);

#endif
