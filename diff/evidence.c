// SPDX-License-Identifier: PostgreSQL
// Whether each migration of a chain ran: see evidence.h. What became of single values is classify.c's business.
#include "diff/evidence.h"

#include <stdlib.h>

#include "base/arena.h"

uint64_t path_key(const struct comparer *comparer, const char *kind, const char *const *path, unsigned n_path, unsigned value)
{
	uint64_t hash = oid_map_hash(OID_MAP_HASH, kind, false);
	for (unsigned i = 0; i < n_path; i++)
		hash = oid_map_hash(hash, path[i], comparer->engine == ENGINE_SQLITE);
	return (hash ^ value) * 0x100000001b3u;
}

uint64_t object_key(const struct comparer *comparer, const struct object *object, unsigned value)
{
	return path_key(comparer, object->kind->name, object->path, object->n_path, value);
}

enum presence presence_of(const struct snapshot *snapshot, const struct object *object, const struct snapshot *its)
{
	if (snapshot_find(snapshot, object->kind, object->path, object->n_path) != NULL)
		return PRESENT;
	const struct object *parent = object_parent(its, object);
	if (parent == NULL)
		return ABSENT;
	const struct kind *kind = object->kind->child ? NULL : parent->kind; // any relation can be hung on
	return snapshot_find(snapshot, kind, parent->path, parent->n_path) == NULL ? WITHOUT_PARENT : ABSENT;
}

// What each migration touched.

static const struct object *changed(const struct change *change)
{
	return change->have != NULL ? change->have : change->want;
}

void effects_touch(const struct comparer *comparer, struct oid_map *map, const struct effects *effects)
{
	for (size_t i = 0; i < effects->changes.n; i++) {
		const struct change *change = &effects->changes.items[i];
		const struct object *object = changed(change);
		bool existence = change->want == NULL || change->have == NULL;
		if (existence)
			oid_map_put(map, object_key(comparer, object, VALUE_EXISTENCE), (void *)effects);
		for (unsigned attr = 0; attr < object->kind->n_attrs; attr++) {
			if (existence || change->attrs & 1u << attr)
				oid_map_put(map, object_key(comparer, object, attr), (void *)effects);
		}
	}
}

const struct effects *effects_toucher(const struct comparer *comparer, const struct oid_map *map, const struct object *object, unsigned value)
{
	return oid_map_get(map, object_key(comparer, object, value));
}

// Evidence: is there anything in `live` of what a migration did and later ones left alone?

struct evidence {
	struct comparer *comparer;
	const struct snapshot *live, *base; // base: what the whole chain makes
	const struct oid_map *last; // (object, value) -> the last migration of the chain that touched it
	struct oid_map made; // object -> the last migration of the chain that made it
	struct oid_map used; // relations on which a migration that did run built
	const struct effects *chain;
	const bool *missing; // parallel to the chain: what is known so far
};

static int dropped_columns(const struct object *relation)
{
	for (unsigned i = 0; i < relation->kind->n_attrs; i++) {
		if (relation->kind->attrs[i].group == GROUP_EVIDENCE)
			return relation->values[i] == NULL ? 0 : atoi(relation->values[i]);
	}
	return 0;
}

bool dropped_by_hand(const struct snapshot *live, const struct snapshot *base, const struct object *column)
{
	if (column->kind != &kind_column)
		return false;
	const struct object *now = snapshot_find(live, NULL, column->path, column->n_path - 1);
	const struct object *then = snapshot_find(base, NULL, column->path, column->n_path - 1);
	if (now == NULL || then == NULL || now->kind != then->kind)
		return false;
	int n_more = dropped_columns(now) - dropped_columns(then), n_missing = 0;
	size_t first, n = snapshot_range(base, then->path, then->n_path, &first);
	for (size_t i = first; i < first + n; i++) {
		const struct object *one = base->objects[i];
		n_missing += one->kind == column->kind && snapshot_find(live, one->kind, one->path, one->n_path) == NULL;
	}
	return n_more > 0 && n_more >= n_missing;
}

// What is left in `live` of one change of a migration.
struct weight {
	size_t n_own;   // values that later migrations left alone
	bool as_before; // all of them are as they were before it
	bool there;     // one of them is as it is after it
};

static struct weight weigh(struct evidence *evidence, const struct effects *effects, const struct change *change)
{
	struct weight weight = { .as_before = true };
	const struct object *object = changed(change);
	const struct object *live = snapshot_find(evidence->live, object->kind, object->path, object->n_path);
	// what was never made is not there, whether it was altered or dropped later or not
	const struct effects *maker = oid_map_get(&evidence->made, object_key(evidence->comparer, object, VALUE_EXISTENCE));
	if (live == NULL && maker != NULL && maker < effects && evidence->missing[maker - evidence->chain])
		return weight;
	if (change->want == NULL || change->have == NULL) {
		if (oid_map_get(evidence->last, object_key(evidence->comparer, object, VALUE_EXISTENCE)) != effects)
			return weight;
		const struct snapshot *with = change->have != NULL ? effects->after : effects->before;
		bool by_hand = change->have != NULL && dropped_by_hand(evidence->live, evidence->base, object);
		weight.n_own = 1;
		weight.there = (live != NULL) == (change->have != NULL) || by_hand;
		weight.as_before = !by_hand && presence_of(evidence->live, object, with) == presence_of(effects->before, object, with);
		return weight;
	}
	for (unsigned attr = 0; attr < object->kind->n_attrs; attr++) {
		if (!(change->attrs & 1u << attr) || oid_map_get(evidence->last, object_key(evidence->comparer, object, attr)) != effects)
			continue;
		weight.n_own++;
		bool before = live != NULL && values_equal(evidence->comparer, live, change->want, attr);
		weight.as_before = weight.as_before && before;
		weight.there = weight.there || (live != NULL && !before);
	}
	return weight;
}

static bool builds_on(struct evidence *evidence, const struct object *object)
{
	unsigned n_path = object->kind->child ? object->n_path - 1 : object->n_path;
	return oid_map_get(&evidence->used, path_key(evidence->comparer, "", object->path, n_path, 0)) != NULL;
}

// Whether each ran. A later one is judged by what an earlier one made, an earlier one by what later ones built on: to be
// repeated until nothing changes. What is missing stays so, since evidence only falls away.
static bool judge_once(struct evidence *evidence, const struct effects *chain, size_t n, bool *missing, size_t *n_missing,
                       size_t *n_effects)
{
	bool changed_any = false;
	evidence->used = (struct oid_map){ .arena = evidence->used.arena };
	for (size_t i = n; i-- > 0;) {
		const struct effects *effects = &chain[i];
		bool ran = false;
		n_missing[i] = n_effects[i] = 0;
		for (size_t j = 0; j < effects->changes.n; j++) {
			const struct change *change = &effects->changes.items[j];
			const struct weight weight = weigh(evidence, effects, change);
			bool made = change->want == NULL && !change->have->kind->child;
			ran = ran || !weight.as_before || (made && builds_on(evidence, change->have));
			if (weight.n_own == 0 || change_implied(effects->before, effects->after, change))
				continue;
			n_effects[i]++;
			n_missing[i] += !weight.there;
		}
		changed_any = changed_any || missing[i] != (n_effects[i] > 0 && !ran);
		missing[i] = n_effects[i] > 0 && !ran;
		for (size_t j = 0; ran && n_effects[i] > 0 && j < effects->changes.n; j++) { // it ran: what it built on was there
			const struct object *object = changed(&effects->changes.items[j]);
			unsigned n_path = object->kind->child ? object->n_path - 1 : object->n_path;
			bool made_here = effects->changes.items[j].want == NULL && !object->kind->child;
			if (!made_here)
				oid_map_put(&evidence->used, path_key(evidence->comparer, "", object->path, n_path, 0), evidence);
		}
	}
	return changed_any;
}

void effects_judge(struct comparer *comparer, const struct effects *chain, size_t n, const struct snapshot *live, const struct snapshot *base,
                   const struct oid_map *touched, bool *missing, size_t *n_missing, size_t *n_effects)
{
	struct evidence evidence = { .comparer = comparer, .live = live, .base = base, .last = touched, .made = { .arena = comparer->arena },
	                             .used = { .arena = comparer->arena }, .chain = chain, .missing = missing };
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < chain[i].changes.n; j++) {
			const struct change *change = &chain[i].changes.items[j];
			if (change->want == NULL)
				oid_map_put(&evidence.made, object_key(comparer, change->have, VALUE_EXISTENCE), (void *)&chain[i]);
		}
	}
	for (size_t i = 0; judge_once(&evidence, chain, n, missing, n_missing, n_effects) && i < n; i++) {
	}
}

void effects_missing(struct comparer *comparer, const struct effects *chain, size_t n, const struct snapshot *live, size_t *n_missing,
                     size_t *n_effects)
{
	struct oid_map touched = { .arena = comparer->arena };
	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		effects_touch(comparer, &touched, &chain[i]);
	bool *missing = arena_array(comparer->arena, n, sizeof *missing);
	effects_judge(comparer, chain, n, live, chain[n - 1].after, &touched, missing, n_missing, n_effects);
}
