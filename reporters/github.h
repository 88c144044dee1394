// SPDX-License-Identifier: PostgreSQL
// The parts of the sink `github` that share its work: settings (github_settings.c), finding the issue (github_look.c), and what
// there is to tell and to do (github.c).
#ifndef REPORTERS_GITHUB_H
#define REPORTERS_GITHUB_H

#include "reporters/github_api.h"
#include "reporters/github_body.h"
#include "reporters/sink.h"

extern const char *const github_keys[];

struct github_settings {
	const char *repository, *label, *api, *token;
	long long skew_after_s;
};

// Settings from the section, the environment and the token's file, into delivery->own.
bool github_prepare(struct delivery *delivery, struct err *err);

// What is known of a subject.
enum stand {
	STAND_UNKNOWN, // nothing was found, but something was not checked: of this subject, or anywhere in the run
	STAND_NOTHING, // all was checked, and nothing was found here
	STAND_YOUNG,   // nothing but skew that is not old enough to be told
	STAND_PARTLY,  // drift was found, and not all of it was checked
	STAND_DRIFT,   // all of it was checked; there is drift, or skew that is old enough
	N_STANDS,
};

struct work {
	struct delivery *delivery;
	const struct github_settings *settings;
	const struct report *report;
	struct github github;
	struct github_issues overview; // open issues with the label, as the run found them
};

struct job { // one subject of the run
	struct subject subject;
	enum stand stand;
	const char *state_name;
	long long known; // number of its issue, as the state or this run remembers; 0: none
	bool created;    // by this run
};

enum found {
	FOUND_NONE,
	FOUND_SAME,   // an open issue that says just this
	FOUND_MORE,   // an open issue that says this and more
	FOUND_OTHER,  // an open issue that says something else
	FOUND_WAIVED, // a closed one that says just this, "not planned"
	FOUND_CLOSED, // a closed one, closed by hand as if it were done, of which something is still there
	N_FOUND,
};

struct look {
	enum found found;
	struct github_issue issue;  // unless FOUND_NONE
	struct github_issue *extra; // open issues of the same subject with higher numbers
	size_t n_extra;
	struct items_change change; // from what the issue says
};

// Whether the issue carries the marker of the subject, and not by a stranger's hand.
bool github_is_of(const struct github_issue *issue, const struct job *job);

// Looks for the open issue of a subject in a list; whether there is one.
bool github_look_in(const struct work *work, const struct job *job, const struct github_issues *issues, struct look *look);

// Asks GitHub for it, as far as it may matter: open, closed, without the label.
enum github_step github_look(struct work *work, const struct job *job, struct look *look, struct err *err);

// The open issues with our label.
enum github_step github_overview(struct github *github, struct github_issues *issues, struct err *err);

#endif
