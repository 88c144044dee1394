// SPDX-License-Identifier: PostgreSQL
// Findings and versions as a set: see github_items.h. Compared are ids and values (what the repository wants and what the
// environment has), and, where an environment stands for several, which. Evidence, origin, dating and remedies are left out:
// they are words about the same drift, and may change with a migration that has nothing to do with it.
#include "reporters/github_items.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/show.h"

enum { LISTED_MAX = 300, WORD = 1 + (ITEM_ID - 1) + 1 + (ITEM_VALUE - 1) };

// Length before text, so that no two sequences of texts look the same.
static void put(struct buf *out, const char *text)
{
	if (text == VALUE_UNREAD)
		buf_adds(out, "?");
	else if (text == NULL)
		buf_adds(out, "-");
	else
		buf_addf(out, "%zu:%s", strlen(text), text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The environments that this one stands for, in the order of their names.
static void put_members(struct buf *out, struct arena *arena, const struct env_report *env)
{
	const char **names = arena_array(arena, env->members.n, sizeof *names);
	for (size_t i = 0; i < env->members.n; i++)
		names[i] = env->members.items[i];
	if (env->members.n > 0)
		qsort(names, env->members.n, sizeof *names, by_name);
	for (size_t i = 0; i < env->members.n; i++)
		put(out, names[i]);
}

struct pair { // an item and what it was made of
	struct item item;
	char digest[DIGEST_SHA256_HEX];
};

static void digest_of(struct pair *pair, const struct buf *canonical)
{
	digest_sha256_hex(canonical->data, canonical->length, pair->digest);
	memcpy(pair->item.value, pair->digest, ITEM_VALUE - 1);
}

static void finding_pair(struct arena *arena, const struct env_report *env, const struct finding *finding, struct pair *pair)
{
	pair->item = (struct item){ .sort = finding->class == CLASS_VERSION_SKEW ? ITEM_SKEW : ITEM_FINDING, .env = env, .finding = finding };
	memcpy(pair->item.id, finding->id, sizeof pair->item.id);
	auto_buf canonical = BUF_INIT;
	put(&canonical, finding->id);
	size_t n;
	const struct finding_attr *attrs = show_attrs(arena, finding, &n);
	for (size_t i = 0; i < n; i++) {
		put(&canonical, finding->object->kind->attrs[attrs[i].attr].name);
		put(&canonical, attrs[i].want);
		put(&canonical, attrs[i].have);
		put(&canonical, attrs[i].base_differs ? attrs[i].base : NULL);
	}
	put_members(&canonical, arena, env);
	digest_of(pair, &canonical);
}

static void version_pair(struct arena *arena, const struct env_report *env, enum item_sort sort, const char *word, const char *version,
                         struct pair *pair)
{
	pair->item = (struct item){ .sort = sort, .env = env };
	auto_buf canonical = BUF_INIT;
	put(&canonical, word);
	put(&canonical, version);
	char id[DIGEST_SHA256_HEX];
	digest_sha256_hex(canonical.data, canonical.length, id);
	memcpy(pair->item.id, id, ITEM_ID - 1);
	put_members(&canonical, arena, env);
	digest_of(pair, &canonical);
}

static int pair_compare(const void *a, const void *b)
{
	const struct pair *first = a, *second = b;
	int order = strcmp(first->item.id, second->item.id);
	return order != 0 ? order : strcmp(first->digest, second->digest);
}

void items_none(char fingerprint[DIGEST_SHA256_HEX])
{
	digest_sha256_hex("", 0, fingerprint);
}

struct items items_of(struct arena *arena, const struct env_report *const *envs, size_t n_envs)
{
	size_t n_most = 0, n = 0;
	for (size_t e = 0; e < n_envs; e++)
		n_most += envs[e]->n_findings + envs[e]->dirty.n + envs[e]->skipped.n + envs[e]->pending.n + envs[e]->unknown.n + envs[e]->edited.n;
	struct pair *pairs = arena_array(arena, n_most, sizeof *pairs);
	for (size_t e = 0; e < n_envs; e++) {
		const struct env_report *env = envs[e];
		for (size_t i = 0; i < env->n_findings; i++)
			finding_pair(arena, env, env->findings[i], &pairs[n++]);
		const struct { enum item_sort sort; const char *word; const struct versions *versions; } lists[] = {
			{ ITEM_VERSION, "dirty", &env->dirty }, { ITEM_VERSION, "skipped", &env->skipped }, { ITEM_SKEW, "pending", &env->pending },
			{ ITEM_SKEW, "unknown", &env->unknown }, { ITEM_SKEW, "edited", &env->edited },
		};
		for (size_t l = 0; env->versions_known && l < sizeof lists / sizeof *lists; l++) {
			for (size_t i = 0; i < lists[l].versions->n; i++)
				version_pair(arena, env, lists[l].sort, lists[l].word, lists[l].versions->items[i], &pairs[n++]);
		}
	}
	if (n > 0)
		qsort(pairs, n, sizeof *pairs, pair_compare);
	struct items items = { .items = arena_array(arena, n, sizeof *items.items), .n = n };
	auto_buf all = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		items.items[i] = pairs[i].item;
		items.n_findings += pairs[i].item.sort == ITEM_FINDING;
		items.n_versions += pairs[i].item.sort == ITEM_VERSION;
		items.n_skew += pairs[i].item.sort == ITEM_SKEW;
		buf_adds(&all, pairs[i].digest);
	}
	digest_sha256_hex(all.data, all.length, items.fingerprint);
	return items;
}

void items_list(struct buf *out, const struct items *items)
{
	for (size_t i = 0; i < items->n && items->n <= LISTED_MAX; i++)
		buf_addf(out, "%s%c%s-%s", i == 0 ? "" : " ", items->items[i].sort, items->items[i].id, items->items[i].value);
}

struct items_change items_compare(struct arena *arena, const struct items *items, const char *list)
{
	struct items_change change = { .is_new = arena_array(arena, items->n, sizeof *change.is_new) };
	size_t n = list == NULL ? 0 : (strlen(list) + 1) / (WORD + 1);
	if (list == NULL || n * (WORD + 1) != strlen(list) + 1)
		return change;
	change.known = true;
	bool *used = arena_array(arena, n, sizeof *used), *found = arena_array(arena, items->n, sizeof *found);
	// First those that are there unchanged, then those that have an id in common.
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < items->n; i++) {
			const struct item *item = &items->items[i];
			for (size_t j = 0; j < n && !found[i]; j++) {
				const char *word = list + j * (WORD + 1);
				bool same_id = word[0] == (char)item->sort && memcmp(word + 1, item->id, ITEM_ID - 1) == 0;
				bool same = same_id && memcmp(word + 1 + ITEM_ID, item->value, ITEM_VALUE - 1) == 0;
				if (used[j] || !(pass == 0 ? same : same_id))
					continue;
				used[j] = found[i] = true;
				change.is_new[i] = pass > 0;
				change.n_kept += item->sort == ITEM_FINDING;
				change.n_changed += pass > 0 && item->sort == ITEM_FINDING;
				change.versions = change.versions || (pass > 0 && item->sort == ITEM_VERSION);
			}
		}
	}
	for (size_t i = 0; i < items->n; i++) {
		change.is_new[i] = change.is_new[i] || !found[i];
		change.n_new += !found[i] && items->items[i].sort == ITEM_FINDING;
		change.versions = change.versions || (!found[i] && items->items[i].sort == ITEM_VERSION);
	}
	for (size_t j = 0; j < n; j++) {
		change.n_gone += !used[j] && list[j * (WORD + 1)] == ITEM_FINDING;
		change.versions = change.versions || (!used[j] && list[j * (WORD + 1)] == ITEM_VERSION);
	}
	return change;
}
