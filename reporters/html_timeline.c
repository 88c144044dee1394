// SPDX-License-Identifier: PostgreSQL
// Where each environment stands among the migrations: see html_timeline.h.
#include "reporters/html_timeline.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { LANES_OF_ONE = 6 }; // up to so many environments each has a lane of its own

const char *const html_standing_names[] = {
	[STANDING_APPLIED] = "applied", [STANDING_PENDING] = "pending", [STANDING_SKIPPED] = "skipped", [STANDING_EDITED] = "edited",
	[STANDING_DIRTY] = "dirty", [STANDING_UNKNOWN] = "unknown", [STANDING_ABSENT] = "",
};

struct place {
	const char *version;
	size_t step;
};

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->version, ((const struct place *)b)->version);
}

static size_t find(const struct place *places, size_t n, const char *version)
{
	const struct place key = { version, 0 };
	const struct place *place = version == NULL || n == 0 ? NULL : bsearch(&key, places, n, sizeof *places, compare_places);
	return place == NULL ? SIZE_MAX : place->step;
}

struct making {
	const struct html_page *page;
	struct timeline *timeline;
	size_t capacity;
	struct place *places; // sorted by version
};

static void sort_places(struct making *making)
{
	struct timeline *timeline = making->timeline;
	making->places = arena_array(making->page->arena, timeline->n_steps, sizeof *making->places);
	for (size_t i = 0; i < timeline->n_steps; i++)
		making->places[i] = (struct place){ timeline->steps[i].version, i };
	if (timeline->n_steps > 0)
		qsort(making->places, timeline->n_steps, sizeof *making->places, compare_places);
}

static bool has_version(const struct timeline *timeline, size_t from, const char *version)
{
	for (size_t i = from; i < timeline->n_steps; i++) {
		if (strcmp(timeline->steps[i].version, version) == 0)
			return true;
	}
	return false;
}

static void add_step(struct making *making, struct migration_line step)
{
	struct timeline *timeline = making->timeline;
	timeline->steps = arena_grow(making->page->arena, timeline->steps, timeline->n_steps, &making->capacity,
	                             sizeof *timeline->steps);
	timeline->steps[timeline->n_steps++] = step;
}

static void add_versions(struct making *making, const struct versions *versions, size_t from)
{
	for (size_t i = 0; i < versions->n; i++) {
		if (!has_version(making->timeline, from, versions->items[i]))
			add_step(making, (struct migration_line){ versions->items[i], versions->items[i] });
	}
}

// The repository's migrations (where the report does not list them, those that it names), then the unknown ones.
static void add_steps(struct making *making, const struct env_report *const *envs, size_t n_envs)
{
	struct timeline *timeline = making->timeline;
	const struct repo_report *repo = timeline->repo;
	for (size_t i = 0; repo->lines != NULL && i < repo->n_migrations; i++)
		add_step(making, repo->lines[i]);
	for (size_t e = 0; repo->lines == NULL && e < n_envs; e++) {
		add_versions(making, &envs[e]->edited, 0);
		add_versions(making, &envs[e]->skipped, 0);
	}
	for (size_t e = 0; repo->lines == NULL && e < n_envs; e++)
		add_versions(making, &envs[e]->pending, 0);
	timeline->n_known = timeline->n_steps;
	for (size_t e = 0; e < n_envs; e++)
		add_versions(making, &envs[e]->unknown, timeline->n_known);
}

static void set_standing(const struct making *making, struct lane *lane, const struct versions *versions, enum standing standing)
{
	for (size_t i = 0; i < versions->n; i++) {
		size_t step = find(making->places, making->timeline->n_steps, versions->items[i]);
		if (step != SIZE_MAX)
			lane->standing[step] = (unsigned char)standing;
	}
}

static struct lane lane_of(const struct making *making, const struct env_report *env)
{
	const struct timeline *timeline = making->timeline;
	struct lane lane = { .standing = arena_array(making->page->arena, timeline->n_steps, sizeof *lane.standing) };
	for (size_t i = 0; i < timeline->n_steps; i++)
		lane.standing[i] = i < timeline->n_known ? STANDING_APPLIED : STANDING_ABSENT;
	// the graver standing is set later
	set_standing(making, &lane, &env->pending, STANDING_PENDING);
	set_standing(making, &lane, &env->edited, STANDING_EDITED);
	set_standing(making, &lane, &env->unknown, STANDING_UNKNOWN);
	set_standing(making, &lane, &env->skipped, STANDING_SKIPPED);
	set_standing(making, &lane, &env->dirty, STANDING_DIRTY);
	lane.head = find(making->places, timeline->n_steps, env->version_head);
	return lane;
}

static void add_lane(const struct making *making, const struct env_report *env, bool shared)
{
	struct timeline *timeline = making->timeline;
	struct lane lane = lane_of(making, env);
	size_t i = 0;
	while (i < timeline->n_lanes && (!shared || timeline->lanes[i].head != lane.head ||
	                                 memcmp(timeline->lanes[i].standing, lane.standing, timeline->n_steps) != 0))
		i++;
	if (i == timeline->n_lanes) {
		lane.envs = arena_array(making->page->arena, making->page->report->n_envs, sizeof *lane.envs);
		timeline->lanes[timeline->n_lanes++] = lane;
	}
	timeline->lanes[i].envs[timeline->lanes[i].n++] = env;
}

static void add_mark(const struct making *making, enum mark_place place, const char *version, const struct html_group *group,
                     const struct html_item *item)
{
	struct timeline *timeline = making->timeline;
	size_t step = find(making->places, timeline->n_steps, version);
	if (step != SIZE_MAX)
		timeline->marks[timeline->n_marks++] = (struct mark){ place, step, group, item };
}

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	if (a->step != b->step)
		return a->step < b->step ? -1 : 1;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1; // elements of one array
	return (a->item > b->item) - (a->item < b->item);
}

static void add_marks(const struct making *making)
{
	const struct html_page *page = making->page;
	struct timeline *timeline = making->timeline;
	size_t n = 0;
	for (size_t g = 0; g < page->n_groups; g++)
		n += page->groups[g].n;
	timeline->marks = arena_array(page->arena, n, sizeof *timeline->marks);
	for (size_t g = 0; g < page->n_groups; g++) {
		const struct html_group *group = &page->groups[g];
		for (size_t i = 0; i < group->n && group->items[i].env->repo == timeline->repo; i++) {
			const struct finding *finding = group->items[i].finding;
			if (finding->dated_after != NULL)
				add_mark(making, PLACE_AFTER, finding->dated_after, group, &group->items[i]);
			else if (finding->dated_before != NULL)
				add_mark(making, PLACE_BEFORE, finding->dated_before, group, &group->items[i]);
			else if (finding->origin != NULL)
				add_mark(making, PLACE_AT, finding->origin->version, group, &group->items[i]);
		}
	}
	if (timeline->n_marks > 0)
		qsort(timeline->marks, timeline->n_marks, sizeof *timeline->marks, compare_marks);
}

void html_timeline_make(const struct html_page *page, const struct repo_report *repo, struct timeline *timeline)
{
	const struct report *report = page->report;
	*timeline = (struct timeline){ .repo = repo };
	struct making making = { .page = page, .timeline = timeline };
	const struct env_report **envs = arena_array(page->arena, report->n_envs, sizeof *envs);
	timeline->unread = arena_array(page->arena, report->n_envs, sizeof *timeline->unread);
	timeline->lanes = arena_array(page->arena, report->n_envs, sizeof *timeline->lanes);
	size_t n_envs = 0;
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		if (env->repo == repo && env->versions_known)
			envs[n_envs++] = env;
		else if (env->repo == repo)
			timeline->unread[timeline->n_unread++] = env;
	}
	add_steps(&making, envs, n_envs);
	sort_places(&making);
	for (size_t e = 0; e < n_envs; e++)
		add_lane(&making, envs[e], n_envs > LANES_OF_ONE);
	add_marks(&making);
}

const struct mark *html_timeline_marks(const struct timeline *timeline, size_t step, size_t *n)
{
	size_t low = 0, high = timeline->n_marks;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (timeline->marks[middle].step < step)
			low = middle + 1;
		else
			high = middle;
	}
	*n = 0;
	while (low + *n < timeline->n_marks && timeline->marks[low + *n].step == step)
		(*n)++;
	return timeline->marks + low;
}

bool html_timeline_is_plain(const struct timeline *timeline, size_t step)
{
	size_t n_marks;
	const char *head = timeline->repo->head;
	html_timeline_marks(timeline, step, &n_marks);
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		if (timeline->lanes[l].head == step)
			return false;
	}
	return n_marks == 0 && (head == NULL || strcmp(head, timeline->steps[step].version) != 0);
}

bool html_timeline_is_same(const struct timeline *timeline, size_t a, size_t b)
{
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		if (timeline->lanes[l].standing[a] != timeline->lanes[l].standing[b])
			return false;
	}
	return true;
}

bool html_timeline_is_applied(const struct timeline *timeline, size_t step)
{
	for (size_t l = 0; l < timeline->n_lanes; l++) {
		if (timeline->lanes[l].standing[step] != STANDING_APPLIED)
			return false;
	}
	return true;
}
