// SPDX-License-Identifier: PostgreSQL
// Making owners and privileges of two databases comparable: see align.h. The rule behind all of it: what the migrations say
// by name is held against the environment by name; what they leave to whoever runs them, or to the server, is not.
#include "diff/align.h"

#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "introspect/privileges.h"

enum { STAND_IN_LEAST = 3, MAJOR_PUBLIC = 15, MAJOR_MAINTAIN = 17 };

static bool same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

// The schema that initdb makes.
static bool is_public(const struct object *object)
{
	return object->kind->namespace && strcmp(object->path[0], "public") == 0;
}

// Votes: which role owns how many.
struct votes {
	struct vote { const char *repo, *live; size_t n; } *items;
	size_t n, capacity;
};

static void vote(struct arena *arena, struct votes *votes, const char *repo, const char *live)
{
	size_t i = 0;
	while (i < votes->n && !(strcmp(votes->items[i].repo, repo) == 0 && strcmp(votes->items[i].live, live) == 0))
		i++;
	if (i == votes->n) {
		votes->items = arena_grow(arena, votes->items, votes->n, &votes->capacity, sizeof *votes->items);
		votes->items[votes->n++] = (struct vote){ repo, live, 0 };
	}
	votes->items[i].n++;
}

// The live role with most votes for a role of the repository.
static const char *winner(const struct votes *votes, const char *repo)
{
	const struct vote *best = NULL;
	for (size_t i = 0; i < votes->n; i++) {
		const struct vote *one = &votes->items[i];
		bool better = best == NULL || one->n > best->n || (one->n == best->n && strcmp(one->live, best->live) < 0);
		if (strcmp(one->repo, repo) == 0 && better)
			best = one;
	}
	return best == NULL ? NULL : best->live;
}

const char *align_runner(const struct snapshot *live)
{
	const char *path[2], *version_owner = NULL;
	size_t n_others = 0;
	auto_arena arena = arena_new();
	struct votes votes = { 0 };
	const struct object *table = NULL;
	if (live->runner != NULL)
		return live->runner;
	if (live->version.name != NULL && sql_name_split(arena, live->version.name, path, 2) == 2)
		table = snapshot_find(live, &kind_table, path, 2);
	version_owner = table == NULL ? NULL : table->values[ATTR_OWNER];
	for (size_t i = 0; i < live->n_objects; i++) {
		const struct object *object = live->objects[i];
		const char *owner = object->values[ATTR_OWNER];
		if (owner == NULL || is_public(object))
			continue;
		vote(arena, &votes, "", owner);
		n_others += object->kind == &kind_table && object != table && same(owner, version_owner);
	}
	return n_others > 0 ? version_owner : winner(&votes, "");
}

// Who owns in the environment what each role owns in the replay.
static struct votes compare_owners(struct arena *arena, const struct snapshot *live, const struct snapshot *base)
{
	struct votes votes = { 0 };
	for (size_t i = 0; i < base->n_objects; i++) {
		const struct object *wanted = base->objects[i];
		if (wanted->values[ATTR_OWNER] == NULL || is_public(wanted))
			continue;
		const struct object *object = snapshot_find(live, wanted->kind, wanted->path, wanted->n_path);
		if (object != NULL && object->values[ATTR_OWNER] != NULL)
			vote(arena, &votes, wanted->values[ATTR_OWNER], object->values[ATTR_OWNER]);
	}
	return votes;
}

static void note(struct alignment *alignment, const char *text)
{
	if (alignment->n_notes < sizeof alignment->notes / sizeof *alignment->notes)
		alignment->notes[alignment->n_notes++] = text;
}

// A role of the migrations that has another name in the environment: all of several objects are that one's there.
static void find_stand_ins(struct alignment *alignment, const struct votes *votes)
{
	alignment->stand_ins = arena_array(alignment->arena, votes->n, sizeof *alignment->stand_ins);
	for (size_t i = 0; i < votes->n; i++) {
		const struct vote *one = &votes->items[i];
		bool only = one->n >= STAND_IN_LEAST && strcmp(one->repo, one->live) != 0;
		for (size_t j = 0; j < votes->n; j++)
			only = only && (j == i || strcmp(votes->items[j].repo, one->repo) != 0);
		if (!only || same(one->repo, alignment->repo_runner) || same(one->repo, alignment->runner))
			continue;
		alignment->stand_ins[alignment->n_stand_ins++] = (struct stand_in){ one->repo, one->live };
		if (alignment->groups & 1u << GROUP_OWNER)
			note(alignment, arena_printf(alignment->arena, "all that the migrations give to the role %s belongs to %s here: taken for the same",
			                             one->repo, one->live));
	}
}

static const struct object *public_schema(const struct snapshot *snapshot)
{
	return snapshot_find(snapshot, &kind_schema, (const char *[]){ "public" }, 1);
}

static bool public_as_made(const struct alignment *alignment, const struct snapshot *snapshot)
{
	const struct object *schema = public_schema(snapshot);
	const char *owner = schema == NULL ? NULL : schema->values[ATTR_OWNER];
	return owner == NULL || same(owner, "pg_database_owner") || same(owner, alignment->repo_runner);
}

static bool mentions(const struct snapshot *snapshot, const char *grantee)
{
	auto_arena arena = arena_new();
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		struct privileges privileges = privileges_parse(arena, snapshot->objects[i]->values[ATTR_PRIVILEGES]);
		for (size_t j = 0; j < privileges.n; j++) {
			if (strcmp(privileges.items[j].grantee, grantee) == 0)
				return true;
		}
	}
	return false;
}

void align_find(struct alignment *alignment, struct arena *arena, unsigned groups, const struct snapshot *live,
                const struct snapshot *base, const struct snapshot *head)
{
	*alignment = (struct alignment){ .arena = arena, .groups = groups, .found = true };
	if (!(groups & (1u << GROUP_OWNER | 1u << GROUP_ACL)) || live->engine != ENGINE_POSTGRESQL)
		return;
	alignment->repo_runner = align_runner(base);
	struct votes votes = compare_owners(arena, live, base);
	const char *voted = alignment->repo_runner == NULL ? NULL : winner(&votes, alignment->repo_runner);
	alignment->runner = voted != NULL ? voted : align_runner(live);
	find_stand_ins(alignment, &votes);
	alignment->public_owner = public_as_made(alignment, base) && public_as_made(alignment, head);
	const struct object *schema = public_schema(live);
	bool made_before = live->major >= MAJOR_PUBLIC && schema != NULL && alignment->public_owner && !same(schema->values[ATTR_OWNER], "pg_database_owner");
	alignment->public_create = (live->major >= MAJOR_PUBLIC) != (base->major >= MAJOR_PUBLIC) || made_before;
	alignment->maintain = live->major < MAJOR_MAINTAIN || base->major < MAJOR_MAINTAIN;
	const char *reader = live->reader == NULL ? NULL : sql_name_copy(arena, &live->reader, 1);
	if (reader != NULL && !mentions(base, reader) && !mentions(head, reader)) // it is granted what it needs to look
		alignment->reader = reader;
}

static const char *align_owner(const struct alignment *alignment, const struct object *object, bool replayed)
{
	const char *owner = object->values[ATTR_OWNER];
	bool unsaid = !(alignment->groups & 1u << GROUP_OWNER) || (is_public(object) && alignment->public_owner);
	for (size_t i = 0; replayed && i < alignment->n_stand_ins; i++) {
		if (same(owner, alignment->stand_ins[i].repo))
			owner = alignment->stand_ins[i].live;
	}
	bool runner = same(owner, alignment->runner) || (replayed && same(owner, alignment->repo_runner));
	return unsaid || runner ? NULL : owner;
}

static bool left_out(const struct alignment *alignment, const struct object *object, const struct privilege *privilege,
                     const char *runner, bool runners)
{
	const char *grantee = privilege->grantee;
	// who runs the migrations has rights by owning, and may make things in schemas or could not run them
	bool to_runner = runner != NULL && strcmp(grantee, runner) == 0 && (runners || object->kind->namespace);
	bool to_reader = alignment->reader != NULL && strcmp(grantee, alignment->reader) == 0;
	bool create = alignment->public_create && is_public(object) && strcmp(grantee, GRANTEE_PUBLIC) == 0 &&
	              strcmp(privilege->name, "CREATE") == 0;
	return to_runner || to_reader || create || (alignment->maintain && strcmp(privilege->name, "MAINTAIN") == 0);
}

static const char *align_privileges(const struct alignment *alignment, const struct object *object, bool replayed)
{
	struct arena *arena = alignment->arena;
	if (object->values[ATTR_PRIVILEGES] == NULL)
		return NULL;
	const char *owner = object->values[ATTR_OWNER];
	const char *runner = alignment->runner == NULL ? NULL : sql_name_copy(arena, &alignment->runner, 1);
	const char *repo_runner = alignment->repo_runner == NULL ? NULL : sql_name_copy(arena, &alignment->repo_runner, 1);
	bool runners = replayed && same(owner, alignment->repo_runner); // where the replay has another name, runner is a stranger
	struct privileges all = privileges_parse(arena, object->values[ATTR_PRIVILEGES]), kept = { 0 };
	for (size_t i = 0; i < all.n; i++) {
		struct privilege privilege = all.items[i];
		if (replayed && runner != NULL && same(privilege.grantee, repo_runner))
			privilege.grantee = runner;
		if (!left_out(alignment, object, &privilege, runner, runners))
			privileges_add(arena, &kept, privilege);
	}
	return privileges_text(arena, &kept);
}

// Whether anything is to be done.
static bool aligns(const struct alignment *alignment, const struct snapshot *snapshot)
{
	return alignment->found && snapshot->engine == ENGINE_POSTGRESQL && snapshot->groups & (1u << GROUP_OWNER | 1u << GROUP_ACL);
}

static void align_object(const struct alignment *alignment, struct object *object, bool replayed)
{
	object->values[ATTR_PRIVILEGES] = align_privileges(alignment, object, replayed); // which asks for the owner
	object->values[ATTR_OWNER] = align_owner(alignment, object, replayed);
}

void align(const struct alignment *alignment, struct snapshot *snapshot, bool replayed)
{
	for (size_t i = 0; aligns(alignment, snapshot) && i < snapshot->n_objects; i++)
		align_object(alignment, snapshot->objects[i], replayed);
}

struct snapshot *align_copy(const struct alignment *alignment, struct arena *arena, struct snapshot *snapshot, bool replayed)
{
	if (!aligns(alignment, snapshot))
		return snapshot;
	struct snapshot *copy = arena_alloc(arena, sizeof *copy);
	*copy = *snapshot;
	copy->objects = arena_array(arena, snapshot->n_objects, sizeof *copy->objects);
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		struct object *object = copy->objects[i] = snapshot->objects[i];
		if (object->values[ATTR_PRIVILEGES] == NULL && object->values[ATTR_OWNER] == NULL)
			continue;
		struct object *own = copy->objects[i] = arena_alloc(arena, sizeof *own);
		*own = *object;
		own->values = arena_array(arena, object->kind->n_attrs, sizeof *own->values);
		memcpy(own->values, object->values, object->kind->n_attrs * sizeof *own->values);
		align_object(alignment, own, replayed);
	}
	return copy;
}
