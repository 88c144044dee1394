// SPDX-License-Identifier: PostgreSQL
// The chain of migrations that made an environment: see chain.h.
#include "migrations/chain.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "migrations/git.h"

static void add(struct arena *arena, struct chain *chain, struct link link)
{
	chain->links = arena_grow(arena, chain->links, chain->n, &chain->capacity, sizeof *chain->links);
	chain->links[chain->n++] = link;
}

static const char *folder_of(struct arena *arena, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	*name = slash == NULL ? path : slash + 1;
	return slash == NULL ? "." : arena_strndup(arena, path, (size_t)(slash - path));
}

// The migration with the text that the stored checksum fits; NULL if it is not in the file's history.
static const struct migration *applied_text(struct arena *arena, const struct migrations *set, const struct migration *migration,
                                            const char *checksum)
{
	const char *name, *folder = folder_of(arena, migration->path, &name);
	struct git_blob *blobs;
	size_t n = git_blobs(arena, folder, name, &blobs);
	for (size_t i = 0; i < n; i++) {
		struct migration *copy = arena_alloc(arena, sizeof *copy);
		*copy = *migration;
		copy->text = git_blob_text(arena, folder, &blobs[i], &copy->length);
		if (copy->text != NULL && set->framework->checksum_fits(set, copy, checksum))
			return copy;
	}
	return NULL;
}

// Whether a file may hold a version: its name has the version's letters and digits in a row, whatever stands between them.
// Saves asking for the text of every file that ever was.
static bool may_hold(const char *path, const char *version)
{
	for (const char *start = path; *start != '\0'; start++) {
		const char *c = start, *v = version;
		for (; *v != '\0'; v++) {
			if (!isalnum((unsigned char)*v))
				continue;
			while (*c != '\0' && !isalnum((unsigned char)*c))
				c++;
			if (*c != *v)
				break;
			c++;
		}
		if (*v == '\0')
			return true;
	}
	return false;
}

// A migration whose file is only in the history. Each file that ever lay there is listed by itself, as its framework would.
static const struct migration *foreign(struct arena *arena, const struct migrations *set, const struct applied *applied)
{
	for (size_t f = 0; set->folders[f] != NULL; f++) {
		struct git_blob *blobs;
		size_t n = git_blobs(arena, set->folders[f], NULL, &blobs);
		for (size_t i = 0; i < n; i++) {
			if (!may_hold(blobs[i].path, applied->version))
				continue;
			struct folder_file file = { .name = blobs[i].path,
			                            .path = arena_printf(arena, "%s/%s", set->folders[f], blobs[i].path) };
			file.text = git_blob_text(arena, set->folders[f], &blobs[i], &file.length);
			if (file.text == NULL)
				continue;
			struct migrations one = *set;
			one.items = NULL;
			one.n_items = 0;
			struct err ignored;
			const struct folder folder = { set->folders[f], &file, 1 };
			if (!set->framework->list(&one, &folder, 1, &ignored))
				continue;
			for (size_t j = 0; j < one.n_items; j++) {
				const struct migration *found = &one.items[j];
				bool fits = applied->checksum == NULL || set->framework->checksum_fits == NULL ||
				            set->framework->checksum_fits(set, found, applied->checksum);
				if (strcmp(found->version, applied->version) == 0 && found->repeatable == applied->repeatable && fits &&
				    found->length > 0)
					return found;
			}
		}
	}
	return NULL;
}

static const struct migration *find(const struct migrations *set, const struct applied *applied)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (set->items[i].repeatable == applied->repeatable && strcmp(set->items[i].version, applied->version) == 0)
			return &set->items[i];
	}
	return NULL;
}

struct chain chain_applied(struct arena *arena, const struct migrations *set, const struct applied_set *applied)
{
	struct chain chain = { 0 };
	chain.lost = arena_array(arena, applied->n_items, sizeof *chain.lost);
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *one = &applied->items[i];
		if (one->failed)
			continue;
		struct link link = { .migration = find(set, one) };
		if (link.migration == NULL) {
			link.migration = foreign(arena, set, one);
			link.foreign = true;
		} else if (one->checksum != NULL && set->framework->checksum_fits != NULL &&
		           !set->framework->checksum_fits(set, link.migration, one->checksum)) {
			const struct migration *as_applied = applied_text(arena, set, link.migration, one->checksum);
			link.text_unknown = as_applied == NULL;
			link.migration = as_applied != NULL ? as_applied : link.migration;
		}
		if (link.migration == NULL)
			chain.lost[chain.n_lost++] = one->version;
		else
			add(arena, &chain, link);
	}
	return chain;
}

static const struct link *link_of(const struct chain *chain, const struct migration *migration)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct migration *one = chain->links[i].migration;
		if (one->repeatable == migration->repeatable && strcmp(one->version, migration->version) == 0)
			return &chain->links[i];
	}
	return NULL;
}

struct chain chain_filled(struct arena *arena, const struct migrations *set, const struct standings *standings, const struct chain *applied)
{
	struct chain chain = { .lost = applied->lost, .n_lost = applied->n_lost };
	for (size_t i = 0; i < set->n_items; i++) {
		const struct link *recorded = link_of(applied, &set->items[i]);
		if (recorded != NULL)
			add(arena, &chain, *recorded);
		else if (standings->of[i] == STANDING_SKIPPED)
			add(arena, &chain, (struct link){ .migration = &set->items[i], .late = true });
	}
	for (size_t i = 0; i < applied->n; i++) {
		if (applied->links[i].foreign)
			add(arena, &chain, applied->links[i]);
	}
	return chain;
}

struct chain chain_repo(struct arena *arena, const struct migrations *set)
{
	struct chain chain = { 0 };
	for (size_t i = 0; i < set->n_items; i++)
		add(arena, &chain, (struct link){ .migration = &set->items[i] });
	return chain;
}

const struct migration **chain_migrations(struct arena *arena, const struct chain *chain)
{
	const struct migration **migrations = arena_array(arena, chain->n, sizeof *migrations);
	for (size_t i = 0; i < chain->n; i++)
		migrations[i] = chain->links[i].migration;
	return migrations;
}
