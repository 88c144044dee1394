// SPDX-License-Identifier: PostgreSQL
// Dating findings: see dating.h. What is asked of the server is the last change of an object's catalog rows; it is said only
// where those rows hold what differs.
#include "sentinel/dating.h"

#include <string.h>

#include "base/arena.h"
#include "introspect/dating.h"

static bool is_datable(const struct finding *finding)
{
	const struct kind *kind = finding->object->kind;
	bool hand = finding->class == CLASS_HAND_EDIT || finding->class == CLASS_COLLISION; // what never ran has no date
	if (!hand || (finding->change == CHANGE_REMOVED ? kind->dated_gone : kind->dated) == NULL)
		return false;
	for (size_t i = 0; finding->change == CHANGE_ALTERED && i < finding->n_attrs; i++) {
		if ((kind->dated_elsewhere | 1u << ATTR_COMMENT) & 1u << finding->attrs[i].attr)
			return false;
	}
	return true;
}

// The row that recorded a version: the framework took its text from there.
static size_t row_of(const struct version_table *version, const char *text)
{
	for (size_t i = 0; i < version->n_rows; i++) {
		for (size_t j = 0; j < version->n_columns; j++) {
			if (version->rows[i][j] == text)
				return i;
		}
	}
	return version->n_rows;
}

// The versions in the order in which their rows were written. A row that is younger than a later one was written again (a
// repair), which dates nothing.
struct anchors {
	struct anchor { const char *version; long long age; } *items;
	size_t n;
};

static struct anchors find_anchors(struct arena *arena, const struct version_table *version, const struct applied_set *applied,
                                   const long long *row_ages)
{
	struct anchors anchors = { arena_array(arena, applied->n_items, sizeof *anchors.items), 0 };
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *one = &applied->items[i];
		size_t row = row_of(version, one->version);
		if (row == version->n_rows || row_ages[row] < 0 || one->failed || one->repeatable)
			continue;
		while (anchors.n > 0 && anchors.items[anchors.n - 1].age <= row_ages[row])
			anchors.n--;
		anchors.items[anchors.n++] = (struct anchor){ one->version, row_ages[row] };
	}
	return anchors;
}

static void date(struct finding *finding, const struct dated *dated, const struct anchors *anchors)
{
	// what was added or dropped left its rows then; what was altered is as its last written row, if only a change writes it
	bool altered = finding->change == CHANGE_ALTERED, touched = altered && finding->object->kind->dated_touched;
	const long long since = altered ? dated->youngest : dated->oldest;
	for (size_t i = 0; i < anchors->n; i++) {
		const struct anchor *anchor = &anchors->items[i];
		if (anchor->age > since && !touched)
			finding->dated_after = anchor->version;
		if (anchor->age < dated->youngest && finding->dated_before == NULL)
			finding->dated_before = anchor->version;
	}
	finding->dated_at = touched ? NULL : dated->at;
}

void date_findings(struct run *run, const struct env *env, const struct version_table *version, const struct applied_set *applied,
                   struct finding *const *findings, size_t n, struct arena *arena)
{
	struct dated *objects = arena_array(arena, n, sizeof *objects);
	struct finding **of = arena_array(arena, n, sizeof *of);
	size_t n_objects = 0;
	for (size_t i = 0; i < n; i++) {
		const struct finding *finding = findings[i];
		if (!is_datable(finding))
			continue;
		of[n_objects] = findings[i];
		objects[n_objects++] = (struct dated){ .kind = finding->object->kind, .path = finding->object->path,
		                                       .n_path = finding->object->n_path, .gone = finding->change == CHANGE_REMOVED };
	}
	if (env->source.type != SOURCE_POSTGRESQL || n_objects == 0 || !applied->tracked)
		return;
	long long *row_ages = arena_array(arena, version->n_rows, sizeof *row_ages);
	const struct read_options options = env_read_options(run, env);
	if (!postgres_date(arena, env->source.conninfo, &options, version, env->versions[0].order, objects, n_objects, row_ages))
		return;
	const struct anchors anchors = find_anchors(arena, version, applied, row_ages);
	for (size_t i = 0; i < n_objects; i++) {
		if (objects[i].known)
			date(of[i], &objects[i], &anchors);
	}
}
