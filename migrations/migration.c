// SPDX-License-Identifier: PostgreSQL
// Loading a set of migrations, finding one of it, and where the set and an environment stand to each other. Pure but for
// migrations_load, which reads the folders. What is framework's own is asked of the framework.
#include "migrations/migration.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "migrations/listing.h"

const char *const version_state_names[] = { "current", "behind", "newer", "diverged", "dirty", "untracked", NULL };

static int by_version(const void *left, const void *right, void *argument)
{
	const struct migration *a = *(const struct migration *const *)left, *b = *(const struct migration *const *)right;
	if (a->repeatable != b->repeatable)
		return a->repeatable - b->repeatable;
	return a->repeatable ? strcmp(a->version, b->version) : framework_compare(argument, a->version, b->version);
}

// The items sorted by version alone, which is not always the framework's order.
static const struct migration **sorted_items(struct arena *arena, const struct migrations *set)
{
	const struct migration **sorted = arena_array(arena, set->n_items, sizeof *sorted);
	for (size_t i = 0; i < set->n_items; i++)
		sorted[i] = &set->items[i];
	if (set->n_items > 0)
		qsort_r(sorted, set->n_items, sizeof *sorted, by_version, (void *)set->framework);
	return sorted;
}

static bool versions_are_unique(const struct migrations *set, struct err *err)
{
	auto_arena arena = arena_new();
	const struct migration **sorted = sorted_items(arena, set);
	for (size_t i = 1; i < set->n_items; i++) {
		const struct migration *a = sorted[i - 1], *b = sorted[i];
		if (by_version(&a, &b, (void *)set->framework) == 0)
			return err_set(err, "migrations", b->path,
			               "give one of them another version; if both are applied somewhere, join them",
			               "two migrations have the version %s: %s and %s", a->version, a->path, b->path);
	}
	return true;
}

static const struct framework *named_framework(const char *name, struct err *err)
{
	const struct framework *framework = framework_find(name);
	if (framework != NULL)
		return framework;
	auto_buf hint = BUF_INIT;
	buf_adds(&hint, "name one of: auto");
	for (size_t i = 0; frameworks[i] != NULL; i++)
		buf_addf(&hint, ", %s", frameworks[i]->name);
	err_set(err, "migrations", name, hint.data, "this version knows no migration framework `%s`", name);
	return NULL;
}

static bool is_listed(const struct migrations *set, const char *path)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (strcmp(set->items[i].path, path) == 0)
			return true;
	}
	return false;
}

// Whether a file calls itself a migration: it has a number, and does not undo another.
static bool looks_numbered(const char *name)
{
	static const char *const undoing[] = { "down", "undo", "rollback", "revert" };
	for (size_t i = 0; i < sizeof undoing / sizeof *undoing; i++) {
		if (strcasestr(name, undoing[i]) != NULL)
			return false;
	}
	return digits_length(*name == 'V' || *name == 'v' ? name + 1 : name) > 0 && ends_with(name, ".sql");
}

// A file that looks like a migration, but whose name the framework does not know, is never run by it either: a slip that
// nobody sees otherwise.
static void note_left_out(struct migrations *set, const struct folder *folders, size_t n_folders)
{
	struct listing listing = listing_of(set);
	const char *first = NULL;
	size_t n = 0;
	for (size_t f = 0; f < n_folders; f++) {
		for (size_t i = 0; i < folders[f].n_files; i++) {
			const struct folder_file *file = &folders[f].files[i];
			if (!folder_is_flat(file) || !looks_numbered(file->name) || is_listed(set, file->path))
				continue;
			first = n++ == 0 ? file->name : first;
		}
	}
	if (n > 0)
		listing_note(&listing, "%s%s left out: %s looks for %s", first,
		             n == 1 ? " is" : arena_printf(set->arena, " and %zu more are", n - 1), set->framework->name,
		             set->framework->files);
}

struct migrations *migrations_load(struct arena *arena, const char *name, const char *const *folders, const char *framework_name,
                                   const struct migration_settings *settings, struct err *err)
{
	size_t n_folders = 0;
	while (folders[n_folders] != NULL)
		n_folders++;
	invariant(n_folders > 0, "a set of migrations without a folder");
	struct folder *read = arena_array(arena, n_folders, sizeof *read);
	for (size_t i = 0; i < n_folders; i++) {
		struct folder *folder = folder_read(arena, folders[i], err);
		if (folder == NULL)
			return NULL;
		read[i] = *folder;
	}
	bool detected = framework_name == NULL || strcmp(framework_name, "auto") == 0;
	struct migrations *set = arena_alloc(arena, sizeof *set);
	*set = (struct migrations){
		.arena = arena,
		.name = name,
		.folders = folders,
		.framework = detected ? framework_detect(arena, read, n_folders, NULL, err) : named_framework(framework_name, err),
	};
	if (settings != NULL)
		set->given = set->settings = *settings;
	if (set->framework == NULL || !set->framework->list(set, read, n_folders, err) || !versions_are_unique(set, err))
		return NULL;
	if (set->n_items == 0) {
		err_set(err, "migrations", folders[0], "`driftcheck frameworks` shows how the files of each framework are named",
		        "no migration of %s is in it: it looks for %s", set->framework->name, set->framework->files);
		return NULL;
	}
	note_left_out(set, read, n_folders);
	return set;
}

struct migration *migrations_find(const struct migrations *set, const char *version)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (strcmp(set->items[i].version, version) == 0)
			return &set->items[i];
	}
	struct migration *found = NULL;
	bool number = *version != '\0' && version[digits_length(version)] == '\0';
	for (size_t i = 0; i < set->n_items; i++) {
		struct migration *item = &set->items[i];
		bool same_number = number && item->version[digits_length(item->version)] == '\0' &&
		                   digits_compare(item->version, version) == 0;
		if (!same_number && strcmp(item->label, version) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = item;
	}
	return found;
}

static int find_compare(const void *key, const void *element)
{
	const struct applied *item = key;
	const struct migration *migration = *(const struct migration *const *)element;
	if (item->repeatable != migration->repeatable)
		return item->repeatable - migration->repeatable;
	return strcmp(item->version, migration->version);
}

static int by_text(const void *left, const void *right)
{
	const struct migration *a = *(const struct migration *const *)left, *b = *(const struct migration *const *)right;
	return a->repeatable != b->repeatable ? a->repeatable - b->repeatable : strcmp(a->version, b->version);
}

static enum standing standing_of(const struct migrations *set, const struct migration *migration, const struct applied *item)
{
	if (item->failed)
		return STANDING_DIRTY;
	if (item->checksum == NULL || set->framework->checksum_fits == NULL ||
	    set->framework->checksum_fits(set, migration, item->checksum))
		return STANDING_APPLIED;
	return migration->repeatable ? STANDING_PENDING : STANDING_EDITED; // an outdated repeatable one runs again
}

static void add_unknown(struct arena *arena, struct standings *standings, size_t *capacity, size_t *dirty_capacity,
                        const struct applied *item)
{
	standings->unknown = arena_grow(arena, standings->unknown, standings->n_unknown, capacity, sizeof *standings->unknown);
	standings->unknown[standings->n_unknown++] = item->version;
	if (!item->failed)
		return;
	standings->unknown_dirty = arena_grow(arena, standings->unknown_dirty, standings->n_unknown_dirty, dirty_capacity,
	                                      sizeof *standings->unknown_dirty);
	standings->unknown_dirty[standings->n_unknown_dirty++] = item->version;
}

static enum version_state state_of(const struct standings *standings, const struct applied_set *applied)
{
	size_t pending = standings->n[STANDING_PENDING];
	if (!applied->tracked)
		return STATE_UNTRACKED;
	if (standings->n[STANDING_DIRTY] + standings->n_unknown_dirty > 0)
		return STATE_DIRTY;
	if (standings->n[STANDING_SKIPPED] > 0 || (standings->n_unknown > 0 && pending > 0))
		return STATE_DIVERGED;
	return standings->n_unknown > 0 ? STATE_NEWER : pending > 0 ? STATE_BEHIND : STATE_CURRENT;
}

struct standings standings_of(struct arena *arena, const struct migrations *set, const struct applied_set *applied)
{
	struct standings standings = { .of = arena_array(arena, set->n_items, sizeof *standings.of) };
	const struct applied **rows = arena_array(arena, set->n_items, sizeof *rows); // of each migration; the last one counts
	const struct migration **sorted = arena_array(arena, set->n_items, sizeof *sorted);
	for (size_t i = 0; i < set->n_items; i++)
		sorted[i] = &set->items[i];
	if (set->n_items > 0)
		qsort(sorted, set->n_items, sizeof *sorted, by_text);

	// A migration was passed over if one after it is applied: by place where both are known here, else by version.
	size_t n_passed = 0; // items before the newest applied one
	const char *newest_unknown = NULL;
	size_t capacity = 0, dirty_capacity = 0;
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *item = &applied->items[i];
		const struct migration *const *found =
			set->n_items == 0 ? NULL : bsearch(item, sorted, set->n_items, sizeof *sorted, find_compare);
		if (found == NULL)
			add_unknown(arena, &standings, &capacity, &dirty_capacity, item);
		else
			rows[*found - set->items] = item;
		if (item->repeatable || item->failed)
			continue;
		if (found != NULL && (size_t)(*found - set->items) > n_passed)
			n_passed = (size_t)(*found - set->items);
		if (found == NULL && (newest_unknown == NULL || framework_compare(set->framework, item->version, newest_unknown) > 0))
			newest_unknown = item->version;
	}
	for (size_t i = 0; i < set->n_items; i++) {
		const struct migration *migration = &set->items[i];
		bool passed = i < n_passed || (newest_unknown != NULL &&
		                               framework_compare(set->framework, migration->version, newest_unknown) < 0);
		passed = passed && !migration->repeatable;
		standings.of[i] = rows[i] != NULL ? standing_of(set, migration, rows[i]) : passed ? STANDING_SKIPPED : STANDING_PENDING;
		standings.n[standings.of[i]]++;
	}
	standings.n[STANDING_UNKNOWN] = standings.n_unknown;
	standings.state = state_of(&standings, applied);
	return standings;
}
