// SPDX-License-Identifier: PostgreSQL
// Comparing snapshots: see compare.h.
#include "diff/compare.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sql.h"

void comparer_init(struct comparer *comparer, struct arena *arena, enum engine engine, unsigned groups)
{
	*comparer = (struct comparer){ .arena = arena, .engine = engine, .groups = groups, .asked = { .arena = arena } };
}

bool comparer_compares(const struct comparer *comparer, const struct attr *attr)
{
	return attr->group == GROUP_STRUCTURE || (attr->group != GROUP_EVIDENCE && comparer->groups & 1u << attr->group);
}

// Texts that PostgreSQL printed from a tree may come from other trees that mean the same: only a server can say.
static bool server_can_judge(const struct comparer *comparer, enum attr_form form)
{
	return comparer->engine == ENGINE_POSTGRESQL && (form == FORM_EXPRESSION || form == FORM_STATEMENT);
}

static bool ask(struct comparer *comparer, const struct object *a, const struct object *b, unsigned attr)
{
	uint64_t hash = oid_map_hash(OID_MAP_HASH, a->kind->name, false);
	hash = oid_map_hash(oid_map_hash(hash, a->kind->attrs[attr].name, false), a->values[attr], false);
	hash = oid_map_hash(hash, b->values[attr], false);
	for (unsigned i = 0; i < a->n_path; i++) // the same text may be judged otherwise over another table
		hash = oid_map_hash(hash, a->path[i], false);
	struct question *question = oid_map_get(&comparer->asked, hash);
	if (question == NULL) {
		question = arena_alloc(comparer->arena, sizeof *question);
		*question = (struct question){ a, b, attr, false, false };
		oid_map_put(&comparer->asked, hash, question);
		comparer->questions = arena_grow(comparer->arena, comparer->questions, comparer->n_questions, &comparer->questions_capacity,
		                                 sizeof *comparer->questions);
		comparer->questions[comparer->n_questions++] = question;
	}
	return question->answered && question->equal;
}

bool values_equal(struct comparer *comparer, const struct object *a, const struct object *b, unsigned attr)
{
	const char *text_a = a->values[attr], *text_b = b->values[attr];
	if (text_a == text_b || text_a == VALUE_UNREAD || text_b == VALUE_UNREAD)
		return true;
	enum attr_form form = a->kind->attrs[attr].form;
	enum rung rung = normalise_compare(form, text_a, text_b);
	if (rung == RUNG_DIFFERENT && text_a != NULL && text_b != NULL && server_can_judge(comparer, form) && ask(comparer, a, b, attr))
		rung = RUNG_ROUND_TRIP;
	comparer->n_rungs[rung]++;
	return rung != RUNG_DIFFERENT;
}

struct changes compare_snapshots(struct comparer *comparer, const struct snapshot *want, const struct snapshot *have)
{
	struct changes changes = { NULL, 0 };
	size_t capacity = 0;
	for (size_t i = 0, j = 0; i < want->n_objects || j < have->n_objects;) {
		const struct object *a = i < want->n_objects ? want->objects[i] : NULL, *b = j < have->n_objects ? have->objects[j] : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : object_compare(comparer->engine, a, b);
		struct change change = { order <= 0 ? a : NULL, order >= 0 ? b : NULL, 0 };
		i += order <= 0;
		j += order >= 0;
		for (unsigned attr = 0; order == 0 && attr < a->kind->n_attrs; attr++) {
			if (comparer_compares(comparer, &a->kind->attrs[attr]) && !values_equal(comparer, a, b, attr))
				change.attrs |= 1u << attr;
		}
		if (order == 0 && change.attrs == 0)
			continue;
		changes.items = arena_grow(comparer->arena, changes.items, changes.n, &capacity, sizeof *changes.items);
		changes.items[changes.n++] = change;
	}
	return changes;
}

const struct object *object_parent(const struct snapshot *snapshot, const struct object *object)
{
	if (object->kind->child)
		return snapshot_find(snapshot, NULL, object->path, object->n_path - 1);
	const char *owner = object->kind->owned_by > 0 ? object->values[object->kind->owned_by] : NULL;
	const char *column[3];
	if (owner != NULL && owner != VALUE_UNREAD && sql_name_split(snapshot->arena, owner, column, 3) == 3) {
		const struct object *found = snapshot_find(snapshot, &kind_column, column, 3);
		if (found != NULL)
			return found;
	}
	return object->n_path > 1 ? snapshot_find(snapshot, &kind_schema, object->path, object->n_path - 1) : NULL;
}

bool change_implied(const struct snapshot *want, const struct snapshot *have, const struct change *change)
{
	if (change->want != NULL && change->have != NULL)
		return false;
	const struct snapshot *with = change->want != NULL ? want : have, *without = change->want != NULL ? have : want;
	const struct object *parent = object_parent(with, change->want != NULL ? change->want : change->have);
	return parent != NULL && snapshot_find(without, parent->kind, parent->path, parent->n_path) == NULL;
}
