// SPDX-License-Identifier: PostgreSQL
// What is not to be compared: see ignore.h.
#include "diff/ignore.h"

#include <fnmatch.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "diff/compare.h"

static bool pattern_matches(const char *pattern, const struct object *object, const char *name)
{
	const char *colon = strchr(pattern, ':');
	if (colon != NULL) {
		size_t length = strlen(object->kind->name);
		if ((size_t)(colon - pattern) == length && strncmp(pattern, object->kind->name, length) == 0)
			return fnmatch(colon + 1, name, 0) == 0;
		auto_buf word = BUF_INIT; // a colon may be part of a name
		buf_add(&word, pattern, (size_t)(colon - pattern));
		if (kind_find(word.data) != NULL)
			return false;
	}
	if (fnmatch(pattern, name, 0) == 0)
		return true;
	size_t length = strlen(name);
	return object->kind->namespace && strncmp(pattern, name, length) == 0 && strcmp(pattern + length, ".*") == 0;
}

size_t ignore_apply(struct snapshot *snapshot, const char *const *patterns, size_t n_patterns)
{
	return ignore_apply_as(snapshot, patterns, n_patterns, NULL, NULL);
}

size_t ignore_apply_as(struct snapshot *snapshot, const char *const *patterns, size_t n_patterns, const char *schema, const char *called)
{
	if (n_patterns == 0)
		return 0;
	bool *ignored = arena_array(snapshot->arena, snapshot->n_objects, sizeof *ignored);
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		auto_buf name = BUF_INIT;
		bool renamed = schema != NULL && strcmp(object->path[0], schema) == 0;
		for (unsigned part = 0; part < object->n_path; part++)
			buf_addf(&name, "%s%s", part > 0 ? "." : "", part == 0 && renamed ? called : object->path[part]);
		for (size_t j = 0; j < n_patterns && !ignored[i]; j++)
			ignored[i] = pattern_matches(patterns[j], object, name.data);
		bool beneath = object->kind->relation || object->kind->namespace;
		if (!ignored[i] || !beneath)
			continue;
		size_t first, n = snapshot_range(snapshot, object->path, object->n_path, &first);
		for (size_t j = first; j < first + n; j++)
			ignored[j] = ignored[j] || snapshot->objects[j]->n_path > object->n_path;
	}
	// sequences of ignored columns, wherever they lie; found while the list is still whole
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (ignored[i] || snapshot->objects[i]->kind->owned_by == 0)
			continue;
		const struct object *parent = object_parent(snapshot, snapshot->objects[i]);
		size_t first, n = parent == NULL ? 0 : snapshot_range(snapshot, parent->path, parent->n_path, &first);
		for (size_t j = 0; j < n; j++)
			ignored[i] = ignored[i] || (snapshot->objects[first + j] == parent && ignored[first + j]);
	}
	size_t kept = 0;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (!ignored[i])
			snapshot->objects[kept++] = snapshot->objects[i];
	}
	size_t n = snapshot->n_objects - kept;
	snapshot->n_objects = kept;
	return n;
}
