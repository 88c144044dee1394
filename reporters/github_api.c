// SPDX-License-Identifier: PostgreSQL
// The calls to GitHub: see github_api.h. One after the other, never two at once; a second between writes; bounded in number
// and time. What an answer means is not decided here but in github_rules.c.
#include <config.h>

#include "reporters/github_api.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "reporters/github_body.h"
#include "reporters/show.h"

enum {
	RETRIES_MAX = 4, LIMITS_MAX = 5,
	JITTER_MS = 500,
	WRITE_GAP_MS = 1000,    // GitHub's advice
	ANSWER_MOST = 64 << 20, // a page of a hundred issues, each with the longest text
	MESSAGE_SHOWN = 200,
};

static const struct {
	const char *method, *doing;
	json_type returns;
} calls[N_CALLS] = {
	[CALL_LIST] = { "GET", "listing the issues", JSON_ARRAY },
	[CALL_READ] = { "GET", "reading an issue", JSON_OBJECT },
	[CALL_LABEL_READ] = { "GET", "looking up the label", JSON_OBJECT },
	[CALL_LABEL_MAKE] = { "POST", "making the label", JSON_OBJECT },
	[CALL_CREATE] = { "POST", "creating the issue", JSON_OBJECT },
	[CALL_UPDATE] = { "PATCH", "updating the issue", JSON_OBJECT },
	[CALL_COMMENT] = { "POST", "commenting on the issue", JSON_OBJECT },
};

static bool is_write(enum github_call call)
{
	return strcmp(calls[call].method, "GET") != 0;
}

const char *github_encode(struct arena *arena, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	auto_buf out = BUF_INIT;
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			buf_addc(&out, *text);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*text);
	}
	return buf_copy(&out, arena);
}

static void add_shown(struct buf *out, const char *before, const char *text)
{
	auto_buf shown = BUF_INIT;
	if (text == NULL)
		return;
	show_line(&shown, text);
	buf_addf(out, "%s%.*s", before, MESSAGE_SHOWN, shown.data);
}

// Adds "HTTP 403: Resource not accessible by integration" or what kept an answer from coming.
static void describe(struct buf *out, const struct http_answer *answer)
{
	if (answer->end != HTTP_ANSWERED) {
		add_shown(out, "", answer->why);
		return;
	}
	auto_json json = json_loadb(answer->body, answer->length, 0, NULL);
	const json_t *message = json_object_get(json, "message"), *first = json_array_get(json_object_get(json, "errors"), 0);
	buf_addf(out, "HTTP %d", answer->status);
	add_shown(out, ": ", json_string_value(message));
	add_shown(out, ", ", json_string_value(json_object_get(first, "message")));
	if (answer->status < 300)
		buf_adds(out, ", but no JSON that could be used");
	if (answer->status == 403 || answer->status == 404)
		add_shown(out, "; right that is needed: ", http_header(answer, "x-accepted-github-permissions"));
}

static enum github_step fail(const struct github *github, enum github_call call, const struct http_answer *answer,
                             const struct github_rule *rule, const char *more, struct err *err)
{
	auto_buf text = BUF_INIT;
	describe(&text, answer);
	err_set(err, rule->step == STEP_UNKNOWN ? "report-unknown" : "report", NULL, rule->hint, "%s: %s%s", calls[call].doing, text.data, more);
	err_where(err, "%s of %s", github->repository, http_origin(github->arena, github->api));
	secret_scrub(github->secrets, err);
	return rule->step;
}

static bool wait_s(const struct github *github, long long seconds)
{
	if (clock_us() + seconds * 1000000 > github->deadline_us)
		return false;
	clock_sleep_ms(seconds * 1000);
	return true;
}

static bool is_usable(enum github_call call, const json_t *json)
{
	bool numbered = call == CALL_READ || call == CALL_CREATE || call == CALL_UPDATE;
	return json != NULL && json_typeof(json) == calls[call].returns &&
	       (!numbered || json_integer_value(json_object_get(json, "number")) > 0);
}

static void say_moved(struct github *github, const char *asked, const struct http_answer *answer)
{
	if (github->moved_said || strcmp(asked, answer->url) == 0)
		return;
	github->moved_said = true;
	auto_buf url = BUF_INIT;
	show_line(&url, answer->url);
	log_warn(github->log, "%s has moved: %s; correct `repository`", github->repository, url.data);
}

// Makes one call until it is done or the table says to stop. `json` (NULL: not wanted) and `next` (of a list) on STEP_DONE.
static enum github_step perform(struct github *github, enum github_call call, const char *url, const json_t *body, json_t **json,
                                const char **next, struct err *err)
{
	auto_free text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	const struct http_request request = {
		.method = calls[call].method, .url = url, .headers = github->headers, .body = text, .length = text == NULL ? 0 : strlen(text),
		.deadline_us = github->deadline_us, .most = ANSWER_MOST,
	};
	if (github->out != NULL && text != NULL) {
		buf_addf(github->out, "%s %s\n%s\n", request.method, url, text);
		return STEP_DONE;
	}
	invariant(!is_write(call) || text != NULL, "a request that is no JSON");
	for (int retries = 0, limits = 0;;) {
		long long gap_ms = WRITE_GAP_MS - (clock_us() - github->written_us) / 1000;
		if (is_write(call) && github->written_us != 0 && gap_ms > 0)
			clock_sleep_ms(gap_ms);
		struct http_answer answer;
		auto_arena arena = arena_new(); // answers may be long
		http_perform(github->http, arena, &request, &answer);
		if (is_write(call))
			github->written_us = clock_us();
		auto_json parsed = answer.end == HTTP_ANSWERED ? json_loadb(answer.body, answer.length, 0, NULL) : NULL;
		const struct github_rule *rule = github_rule(call, &answer, is_usable(call, parsed));
		log_info(github->log, "%s %s: %d%s%s", request.method, url, answer.status, answer.why == NULL ? "" : ", ",
		         answer.why == NULL ? "" : answer.why);
		long long pause_s = 0;
		switch (rule->step) {
		case STEP_DONE:
			say_moved(github, url, &answer);
			if (next != NULL)
				*next = github_next(github->arena, http_header(&answer, "link"));
			if (json != NULL) {
				*json = parsed;
				parsed = NULL;
			}
			return STEP_DONE;
		case STEP_SKIP:
			log_info(github->log, "%s was left out: HTTP %d", calls[call].doing, answer.status);
			return STEP_DONE;
		case STEP_RETRY:
			if (retries == RETRIES_MAX)
				return fail(github, call, &answer, rule, ", five times", err);
			pause_s = 1LL << retries++;
			clock_sleep_ms(clock_random(JITTER_MS)); // so that those who failed together do not come back together
			break;
		case STEP_WAIT:
			if (limits == LIMITS_MAX)
				return fail(github, call, &answer, rule, ", again and again", err);
			pause_s = github_limit_s(&answer, limits++);
			log_info(github->log, "rate limit: waiting %lld s", pause_s);
			break;
		default:
			return fail(github, call, &answer, rule, "", err);
		}
		if (!wait_s(github, pause_s)) {
			auto_buf more = BUF_INIT;
			buf_addf(&more, "; to wait %lld s more is beyond --report-timeout", pause_s);
			return fail(github, call, &answer, rule, more.data, err);
		}
	}
}

static const char *url_of(const struct github *github, const char *path)
{
	return arena_printf(github->arena, "%s/repos/%s/%s", github->api, github->repository, path);
}

static const char *issue_url(const struct github *github, long long number, const char *more)
{
	return arena_printf(github->arena, "%s/repos/%s/issues/%lld%s", github->api, github->repository, number, more);
}

static const char *text_of(const struct github *github, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text == NULL ? "" : arena_strdup(github->arena, text);
}

static bool is_labelled(const struct github *github, const json_t *issue)
{
	size_t i;
	const json_t *label;
	json_array_foreach(json_object_get(issue, "labels"), i, label) {
		const char *name = json_string_value(json_is_string(label) ? label : json_object_get(label, "name"));
		if (name != NULL && strcasecmp(name, github->label) == 0)
			return true;
	}
	return false;
}

// In a public repository anybody may open an issue, and write a marker into it. Apps ("Bot") work where they were let in.
static bool has_a_say(const json_t *issue)
{
	static const char *const associations[] = { "OWNER", "MEMBER", "COLLABORATOR" };
	const char *type = json_string_value(json_object_get(json_object_get(issue, "user"), "type"));
	const char *association = json_string_value(json_object_get(issue, "author_association"));
	bool insider = type != NULL && strcmp(type, "Bot") == 0;
	for (size_t i = 0; association != NULL && i < sizeof associations / sizeof *associations; i++)
		insider = insider || strcmp(association, associations[i]) == 0;
	return insider;
}

struct github_issue github_issue_of(const struct github *github, const json_t *json)
{
	struct github_issue issue = {
		.number = json_integer_value(json_object_get(json, "number")), .title = text_of(github, json, "title"),
		.body = text_of(github, json, "body"), .reason = text_of(github, json, "state_reason"), .labelled = is_labelled(github, json),
	};
	const char *state = json_string_value(json_object_get(json, "state"));
	issue.open = state != NULL && strcmp(state, "open") == 0;
	issue.trusted = issue.labelled || has_a_say(json);
	issue.marked = marker_find(github->arena, issue.body, &issue.marker);
	return issue;
}

// An item of a list that could be ours is added, unless it is in the list: pages shift while they are turned.
static void add_issue(struct github *github, struct github_issues *issues, const json_t *json)
{
	long long number = json_integer_value(json_object_get(json, "number"));
	const char *title = json_string_value(json_object_get(json, "title"));
	for (size_t i = 0; i < issues->n; i++) {
		if (issues->items[i].number == number)
			return;
	}
	struct marker marker;
	const char *body = json_string_value(json_object_get(json, "body"));
	bool ours = (body != NULL && marker_find(github->arena, body, &marker)) ||
	            (title != NULL && strncmp(title, github_title_start, strlen(github_title_start)) == 0);
	if (number <= 0 || !ours || json_object_get(json, "pull_request") != NULL)
		return;
	issues->items = arena_grow(github->arena, issues->items, issues->n, &issues->capacity, sizeof *issues->items);
	issues->items[issues->n++] = github_issue_of(github, json);
}

enum github_step github_list(struct github *github, const char *query, int pages_most, struct github_issues *issues, struct err *err)
{
	*issues = (struct github_issues){ 0 };
	const char **asked = arena_array(github->arena, (size_t)pages_most, sizeof *asked);
	const char *url = arena_printf(github->arena, "%s?%s", url_of(github, "issues"), query);
	for (int page = 0; url != NULL && page < pages_most; page++) {
		for (int i = 0; i < page; i++) {
			if (strcmp(asked[i], url) == 0) // a server whose pages go round in a circle
				return STEP_DONE;
		}
		asked[page] = url;
		auto_json json = NULL;
		const char *next = NULL;
		enum github_step step = perform(github, CALL_LIST, url, NULL, &json, &next, err);
		if (step != STEP_DONE)
			return step;
		size_t i;
		const json_t *item;
		json_array_foreach(json, i, item)
			add_issue(github, issues, item);
		if (next != NULL && !http_same_origin(url, next)) { // it would take the token along
			err_set(err, "report", NULL, "is api_url the address by which the server knows itself?",
			        "listing the issues: the next page is on another host");
			err_where(err, "%s of %s", github->repository, http_origin(github->arena, github->api));
			return STEP_GIVE_UP;
		}
		url = next;
	}
	return STEP_DONE;
}

enum github_step github_read(struct github *github, long long number, struct github_issue *issue, struct err *err)
{
	auto_json json = NULL;
	enum github_step step = perform(github, CALL_READ, issue_url(github, number, ""), NULL, &json, NULL, err);
	if (step == STEP_DONE)
		*issue = github_issue_of(github, json);
	return step;
}

enum github_step github_ensure_label(struct github *github, struct err *err)
{
	const char *url = url_of(github, arena_printf(github->arena, "labels/%s", github_encode(github->arena, github->label)));
	enum github_step step = perform(github, CALL_LABEL_READ, url, NULL, NULL, NULL, err);
	if (step != STEP_GONE)
		return step;
	auto_json body = json_pack("{s:s, s:s, s:s}", "name", github->label, "color", "d93f0b", "description",
	                           "The database is not what the migrations say (driftcheck)");
	return perform(github, CALL_LABEL_MAKE, url_of(github, "labels"), body, NULL, NULL, err);
}

enum github_step github_create(struct github *github, const char *title, const char *body, long long *number, struct err *err)
{
	auto_json json = NULL;
	auto_json request = json_pack("{s:s, s:s, s:[s]}", "title", title, "body", body, "labels", github->label);
	enum github_step step = perform(github, CALL_CREATE, url_of(github, "issues"), request, &json, NULL, err);
	*number = json_integer_value(json_object_get(json, "number"));
	if (step == STEP_DONE && json != NULL && !is_labelled(github, json))
		log_warn(github->log, "%s: the label %s was not set on issue %lld; the token needs \"Issues: write\"", github->repository,
		         github->label, *number);
	return step;
}

enum github_step github_update(struct github *github, long long number, const char *body, const char *state, const char *reason,
                               struct err *err)
{
	// never `labels`: that would take away those that people set; never `title`: they may edit it
	auto_json request = json_object();
	const char *const fields[][2] = { { "body", body }, { "state", state }, { "state_reason", reason } };
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (fields[i][1] != NULL)
			json_object_set_new(request, fields[i][0], json_string(fields[i][1]));
	}
	return perform(github, CALL_UPDATE, issue_url(github, number, ""), request, NULL, NULL, err);
}

enum github_step github_comment(struct github *github, long long number, const char *body, struct err *err)
{
	auto_json request = json_pack("{s:s}", "body", body);
	return perform(github, CALL_COMMENT, issue_url(github, number, "/comments"), request, NULL, NULL, err);
}
