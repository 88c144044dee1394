// SPDX-License-Identifier: PostgreSQL
// Finds the issue of a subject: see github.h. By listing, never by search (its index is late) and never by author (a token may
// not know who it is); by the marker, and by label and title only where there is none.
#include "reporters/github.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

enum {
	PAGES_MOST = 1000, // of our label; the time bounds it
	PAGES_WITHOUT_LABEL = 30,
	CLOSED_S = 30 * 24 * 3600, // how far back closed issues count
};

bool github_is_of(const struct github_issue *issue, const struct job *job)
{
	return issue->marked && issue->trusted && marker_is_of(&issue->marker, job->subject.name);
}

// The open issues of a subject, the lowest number first, into look; whether there is any. One without any marker is taken
// over by its label and title: a person has edited the marker out, or it is older than the marker.
bool github_look_in(const struct work *work, const struct job *job, const struct github_issues *issues, struct look *look)
{
	struct arena *arena = work->delivery->arena;
	struct github_issue *ours = arena_array(arena, issues->n, sizeof *ours);
	size_t n = 0;
	const char *title = github_title(arena, job->subject.name);
	for (int by_title = 0; by_title < 2 && n == 0; by_title++) {
		for (size_t i = 0; i < issues->n; i++) {
			const struct github_issue *issue = &issues->items[i];
			bool taken = by_title ? !issue->marked && issue->labelled && strcmp(issue->title, title) == 0 : github_is_of(issue, job);
			if (!taken || !issue->open)
				continue;
			size_t at = n++;
			for (; at > 0 && ours[at - 1].number > issue->number; at--)
				ours[at] = ours[at - 1];
			ours[at] = *issue;
			if (by_title) // who wrote two of them is not known
				break;
		}
	}
	if (n == 0)
		return false;
	look->issue = ours[0];
	look->extra = ours + 1;
	look->n_extra = n - 1;
	const struct items *items = &job->subject.items;
	look->change = items_compare(arena, items, ours[0].marker.list);
	bool nothing_new = !look->change.known || look->change.n_new + look->change.n_changed == 0;
	if (ours[0].marked && strcmp(ours[0].marker.fingerprint, items->fingerprint) == 0)
		look->found = FOUND_SAME;
	else
		look->found = ours[0].marked && job->stand == STAND_PARTLY && nothing_new ? FOUND_MORE : FOUND_OTHER;
	return true;
}

// Closed issues: one that waives just this, or else the last one, if a person closed it and something of it is still there.
// (When driftcheck closes an issue, it gives it the fingerprint of nothing; what it closes as a duplicate does not count.)
static void look_among_closed(const struct work *work, const struct job *job, const struct github_issues *issues, struct look *look)
{
	const struct items *items = &job->subject.items;
	const struct github_issue *last = NULL;
	for (size_t i = 0; i < issues->n; i++) {
		const struct github_issue *issue = &issues->items[i];
		if (!github_is_of(issue, job) || issue->open || strcmp(issue->reason, "duplicate") == 0)
			continue;
		if (strcmp(issue->reason, "not_planned") == 0 && strcmp(issue->marker.fingerprint, items->fingerprint) == 0) {
			look->found = FOUND_WAIVED;
			look->issue = *issue;
			return;
		}
		last = last == NULL || issue->number > last->number ? issue : last;
	}
	char none[DIGEST_SHA256_HEX];
	items_none(none);
	if (last == NULL || strcmp(last->reason, "not_planned") == 0 || strcmp(last->marker.fingerprint, none) == 0)
		return;
	look->change = items_compare(work->delivery->arena, items, last->marker.list);
	if (strcmp(last->marker.fingerprint, items->fingerprint) == 0 || look->change.n_kept > 0) {
		look->found = FOUND_CLOSED;
		look->issue = *last;
	}
}

// The oldest first: what is created while pages are turned comes behind the last.
static const char *labelled(const struct github *github, const char *state)
{
	return arena_printf(github->arena, "state=%s&labels=%s&sort=created&direction=asc&per_page=100", state,
	                    github_encode(github->arena, github->label));
}

enum github_step github_overview(struct github *github, struct github_issues *issues, struct err *err)
{
	return github_list(github, labelled(github, "open"), PAGES_MOST, issues, err);
}

// Looks for the issue of a subject, as far as it may matter.
enum github_step github_look(struct work *work, const struct job *job, struct look *look, struct err *err)
{
	struct github *github = &work->github;
	struct arena *arena = work->delivery->arena;
	bool wanted = job->stand == STAND_PARTLY || job->stand == STAND_DRIFT;
	struct github_issues issues, closed = { 0 };
	*look = (struct look){ 0 };
	enum github_step step = github_overview(github, &issues, err);
	if (step != STEP_DONE || github_look_in(work, job, &issues, look))
		return step;
	if (job->known != 0) { // its label may have been taken away
		struct github_issues known = { .items = arena_alloc(arena, sizeof *known.items), .n = 1 };
		step = github_read(github, job->known, &known.items[0], err);
		if (step != STEP_DONE && step != STEP_GONE)
			return step;
		known.items[0].trusted = true; // we wrote it down ourselves
		if (step == STEP_DONE && github_look_in(work, job, &known, look))
			return step;
		if (step == STEP_DONE && wanted)
			look_among_closed(work, job, &known, look);
		if (look->found != FOUND_NONE)
			return step;
	}
	if (!wanted || job->created)
		return STEP_DONE;
	// Labels are dropped where the token has no right to set them, and people take them away.
	step = github_list(github, "state=open&sort=created&direction=desc&per_page=100", PAGES_WITHOUT_LABEL, &issues, err);
	for (size_t i = 0; i < issues.n; i++)
		issues.items[i].labelled = false; // those were seen above, and a title alone proves nothing
	if (step != STEP_DONE || github_look_in(work, job, &issues, look))
		return step;
	const char *since = clock_rfc3339(arena, clock_now() - CLOSED_S);
	step = github_list(github, arena_printf(arena, "%s&since=%s", labelled(github, "closed"), since), PAGES_MOST, &closed, err);
	if (step == STEP_DONE)
		look_among_closed(work, job, &closed, look);
	return step;
}
