// SPDX-License-Identifier: PostgreSQL
// A timeline: the migrations of one repository in their order, and where each environment stands in it. Pure data, made from
// a report by html_timeline.c and written by html_migrations.c.
#ifndef REPORTERS_HTML_TIMELINE_H
#define REPORTERS_HTML_TIMELINE_H

#include "reporters/html.h"

// Besides enum standing: of a version that another environment has, and neither this one nor the repository.
enum { STANDING_ABSENT = STANDING_UNKNOWN + 1 };
extern const char *const html_standing_names[]; // "applied", ..., "" for absent

// Environments that stand at the same place.
struct lane {
	const struct env_report **envs;
	size_t n;
	unsigned char *standing; // enum standing, parallel to the steps
	size_t head;             // of the steps; SIZE_MAX: none
};

// Where a finding has its place: at the step of its origin; or, where it is dated, after or before a step.
enum mark_place { PLACE_AFTER, PLACE_AT, PLACE_BEFORE, N_PLACES };
struct mark {
	enum mark_place place;
	size_t step;
	const struct html_group *group;
	const struct html_item *item;
};

struct timeline {
	const struct repo_report *repo;
	struct migration_line *steps; // oldest first; versions that the repository lacks follow it
	size_t n_steps, n_known;      // n_known of the repository
	struct lane *lanes;
	size_t n_lanes;
	struct mark *marks; // by step; those of one step in the order of the findings
	size_t n_marks;
	const struct env_report **unread; // whose versions were not read
	size_t n_unread;
};

void html_timeline_make(const struct html_page *page, const struct repo_report *repo, struct timeline *timeline);

// The marks of a step: the first of them, and their number.
const struct mark *html_timeline_marks(const struct timeline *timeline, size_t step, size_t *n);

// Steps that say the same of every environment and carry nothing of their own, so that many can be folded into one.
bool html_timeline_is_plain(const struct timeline *timeline, size_t step);
bool html_timeline_is_same(const struct timeline *timeline, size_t a, size_t b);
bool html_timeline_is_applied(const struct timeline *timeline, size_t step); // everywhere

#endif
