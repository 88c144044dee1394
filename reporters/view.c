// SPDX-License-Identifier: PostgreSQL
// Folding: see view.h. What is equal is what is equal in JSON, but for the name, the database, where the trouble is and when it was last checked: so
// whatever is added to a report counts. Everything is sorted or hashed: a fleet may have thousands of members.
#include "reporters/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "introspect/oid_map.h"
#include "reporters/report_json.h"

struct item {
	struct env_report *env;
	size_t place;
	char digest[DIGEST_SHA256_HEX]; // of what is said; "": in no fleet, so it stays alone
	struct env_report *in;          // what it was folded into
	bool first;                     // of those that were
	bool told;                      // its trouble was
};

struct view {
	struct arena *arena;
	struct item *items;
	size_t n;
	bool counted;
	struct oid_map folded; // by hash of the trouble: the item
};

static void say(struct item *item, const struct report *report)
{
	auto_json json = env_report_to_json(report, item->env);
	static const char *const own[] = { "name", "members", "database", "last_success" };
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		json_object_del(json, own[i]);
	json_object_del(json_object_get(json, "trouble"), "where");
	auto_free text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	invariant(text != NULL, "JSON text");
	digest_sha256_hex(text, strlen(text), item->digest);
}

static int by_what_is_said(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = strcmp(one->digest, other->digest);
	return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static int worst_first(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = (int)other->in->verdict - (int)one->in->verdict;
	return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static size_t n_members(const struct env_report *env)
{
	return env->members.n == 0 ? 1 : env->members.n;
}

// One for the n items from the first: a copy, since the report is not ours.
static void fold(struct view *view, struct item *items, size_t n)
{
	struct env_report *env = items[0].env;
	size_t n_all = 0;
	for (size_t i = 0; i < n; i++)
		n_all += n_members(items[i].env);
	if (n_all > 1) {
		env = arena_alloc(view->arena, sizeof *env);
		*env = *items[0].env;
		env->members = (struct versions){ arena_array(view->arena, n_all, sizeof *env->members.items), 0 };
		for (size_t i = 0; i < n; i++) {
			const struct versions *members = &items[i].env->members;
			for (size_t m = 0; m < members->n; m++)
				env->members.items[env->members.n++] = members->items[m];
			if (members->n == 0)
				env->members.items[env->members.n++] = items[i].env->name;
		}
		if (view->counted)
			env->name = arena_printf(view->arena, "%s and %zu more", env->members.items[0], n_all - 1);
		env->database = n > 1 ? NULL : env->database;
		if (env->trouble != NULL) {
			env->trouble = arena_alloc(view->arena, sizeof *env->trouble);
			*env->trouble = *items[0].env->trouble;
			if (strcmp(env->trouble->where, items[0].env->name) == 0) // else it is somewhere else: in a migration
				err_where(env->trouble, "%s", env->name);
		}
	}
	for (size_t i = 0; i < n; i++) {
		items[i].in = env;
		items[i].first = i == 0;
	}
}

static uint64_t trouble_hash(const struct err *err)
{
	uint64_t hash = OID_MAP_HASH;
	const char *const texts[] = { err->code, err->where, err->text };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		hash = oid_map_hash(hash, texts[i], false);
	return hash;
}

static bool same_trouble(const struct err *a, const struct err *b)
{
	return strcmp(a->code, b->code) == 0 && strcmp(a->where, b->where) == 0 && strcmp(a->text, b->text) == 0 && strcmp(a->hint, b->hint) == 0;
}

// The trouble of those that were folded away is left out, that of the first says for how many it stands. Where it is not in the
// environments themselves (a migration fails), it is the same for all, and said once.
static void fold_troubles(struct view *view, const struct report *report, struct report *shown)
{
	for (size_t i = 0; i < view->n; i++) { // the first of each comes first
		struct item *item = &view->items[i];
		if (item->in == item->env || item->env->trouble == NULL)
			continue;
		uint64_t hash = trouble_hash(item->env->trouble);
		if (oid_map_get(&view->folded, hash) == NULL)
			oid_map_put(&view->folded, hash, item);
	}
	shown->troubles = arena_array(view->arena, report->n_troubles, sizeof *shown->troubles);
	shown->n_troubles = 0;
	for (size_t i = 0; i < report->n_troubles; i++) {
		const struct err *err = &report->troubles[i];
		struct item *item = oid_map_get(&view->folded, trouble_hash(err));
		bool is_folded = item != NULL && same_trouble(item->env->trouble, err);
		if (is_folded && (!item->first || item->told))
			continue;
		if (is_folded)
			item->told = true;
		shown->troubles[shown->n_troubles++] = is_folded ? *item->in->trouble : *err;
	}
}

const struct report *report_view(struct arena *arena, const struct report *report, bool counted)
{
	struct report *shown = arena_alloc(arena, sizeof *shown);
	*shown = *report;
	if (report->worst_first)
		return shown;
	struct view view = { .arena = arena, .items = arena_array(arena, report->n_envs, sizeof *view.items), .n = report->n_envs,
	                     .counted = counted, .folded = { .arena = arena } };
	for (size_t i = 0; i < view.n; i++) {
		view.items[i] = (struct item){ .env = report->envs[i], .place = i };
		if (report->envs[i]->fleet != NULL)
			say(&view.items[i], report);
	}
	qsort(view.items, view.n, sizeof *view.items, by_what_is_said);
	for (size_t i = 0, n; i < view.n; i += n) {
		for (n = 1; i + n < view.n && *view.items[i].digest != '\0' && strcmp(view.items[i].digest, view.items[i + n].digest) == 0;)
			n++;
		fold(&view, &view.items[i], n);
	}
	fold_troubles(&view, report, shown);
	qsort(view.items, view.n, sizeof *view.items, worst_first);
	shown->envs = arena_array(arena, view.n, sizeof *shown->envs);
	shown->n_envs = 0;
	for (size_t i = 0; i < view.n; i++) {
		if (view.items[i].first)
			shown->envs[shown->n_envs++] = view.items[i].in;
	}
	shown->worst_first = true;
	return shown;
}

size_t report_n_envs(const struct report *report)
{
	size_t n = 0;
	for (size_t i = 0; i < report->n_envs; i++)
		n += n_members(report->envs[i]);
	return n;
}
