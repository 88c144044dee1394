// SPDX-License-Identifier: PostgreSQL
// GitHub's REST interface, as far as issues need it: the calls, what each answer means (a table), and how long to wait.
// Sources: GitHub's OpenAPI description (api.github.com and Enterprise Server), and its pages on best practices and rate limits.
#ifndef REPORTERS_GITHUB_API_H
#define REPORTERS_GITHUB_API_H

#include <jansson.h>

#include "base/auto.h"
#include "reporters/github_marker.h"
#include "reporters/http.h"
#include "reporters/sink.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t * // one a line

enum github_call {
	CALL_LIST, CALL_READ, CALL_LABEL_READ, CALL_LABEL_MAKE, CALL_CREATE, CALL_UPDATE, CALL_COMMENT, N_CALLS,
};

// What is to be done after an answer.
enum github_step {
	STEP_DONE,
	STEP_SKIP,     // not done, and to be left at that
	STEP_RETRY,    // again, after 1, 2, 4, 8 seconds
	STEP_WAIT,     // a rate limit: again, when GitHub says
	STEP_GONE,     // what was asked for is not there
	STEP_UNKNOWN,  // it may have been done: look, before it is done again
	STEP_TOO_LONG, // again with less
	STEP_STOP,     // no use for this issue
	STEP_GIVE_UP,  // no use for any issue
};

struct github_rule {
	enum github_step step;
	const char *hint;
};

// What an answer means. `usable`: its body is the JSON that the call is to return.
const struct github_rule *github_rule(enum github_call call, const struct http_answer *answer, bool usable);

// Seconds to wait after a rate limit has been hit; `times`: how often it has been hit before.
long long github_limit_s(const struct http_answer *answer, int times);

// The address of rel="next" in a Link header; NULL: there is none.
const char *github_next(struct arena *arena, const char *link);

struct github {
	struct arena *arena;
	struct log *log;
	const char *api, *repository, *label;
	const char *const *headers; // with the token
	const char *const *secrets; // the token, for secret_scrub
	struct http *http;
	char run[17]; // nonce of this run
	long long deadline_us, written_us;
	struct buf *out; // of a dry run; NULL: the calls are made
	bool moved_said;
};

struct github_issue {
	long long number;
	const char *title, *body;
	bool open, labelled, marked;
	bool trusted; // by somebody with a say in the repository: it has the label, which strangers cannot set, or such an author
	const char *reason; // of its state; "" where none is said
	struct marker marker;
};

struct github_issues {
	struct github_issue *items;
	size_t n, capacity;
};

// Each returns STEP_DONE, or a step that is left to the caller with `err` filled: code "report", or "report-unknown" after
// STEP_UNKNOWN. Issues are those that could be ours: with a marker, or with a title like ours; pull requests never.
enum github_step github_list(struct github *github, const char *query, int pages_most, struct github_issues *issues, struct err *err);
enum github_step github_read(struct github *github, long long number, struct github_issue *issue, struct err *err);
enum github_step github_ensure_label(struct github *github, struct err *err);
// `number` 0: this is a dry run.
enum github_step github_create(struct github *github, const char *title, const char *body, long long *number, struct err *err);
enum github_step github_update(struct github *github, long long number, const char *body, const char *state, const char *reason,
                               struct err *err);
enum github_step github_comment(struct github *github, long long number, const char *body, struct err *err);

// An issue as GitHub describes it.
struct github_issue github_issue_of(const struct github *github, const json_t *json);

// A text with everything but letters, digits and -._~ as %XX: for a path or a query.
const char *github_encode(struct arena *arena, const char *text);

#endif
