// SPDX-License-Identifier: PostgreSQL
// What answers mean: the table of outcomes row by row, waiting for rate limits, links to further pages; which issues are ours;
// where HTTP may go.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "reporters/github.h"

#define LENGTH(array) (sizeof array / sizeof *array)
#define HEADERS(...) (const char *const[]){ __VA_ARGS__, NULL }

enum { READS = 1 << CALL_LIST | 1 << CALL_READ | 1 << CALL_LABEL_READ, ALL = (1 << N_CALLS) - 1 };

static struct http_answer answer_of(int status, const char *body, const char *const *headers)
{
	return (struct http_answer){ .end = HTTP_ANSWERED, .status = status, .body = body, .headers = headers, .retry_after_s = -1 };
}

static void each_answer_has_its_outcome(void **state)
{
	(void)state;
	static const char forbidden[] = "{\"message\": \"Resource not accessible by integration\"}";
	static const char secondary[] = "{\"message\": \"You have exceeded a secondary rate limit.\"}";
	static const char too_long[] = "{\"errors\": [{\"message\": \"body is too long (maximum is 65536 characters)\"}]}";
	const struct {
		unsigned calls;
		enum http_end end;
		int status;
		bool usable;
		const char *body;
		const char *const *headers;
		long long retry_after_s;
		enum github_step step;
	} cases[] = {
		{ ALL, HTTP_IMPOSSIBLE, 0, false, "", NULL, -1, STEP_GIVE_UP },
		{ ALL, HTTP_NOT_SENT, 0, false, "", NULL, -1, STEP_RETRY },
		{ READS | 1 << CALL_UPDATE | 1 << CALL_LABEL_MAKE, HTTP_UNKNOWN, 0, false, "", NULL, -1, STEP_RETRY },
		{ 1 << CALL_CREATE, HTTP_UNKNOWN, 0, false, "", NULL, -1, STEP_UNKNOWN },
		{ 1 << CALL_COMMENT, HTTP_UNKNOWN, 0, false, "", NULL, -1, STEP_SKIP },
		{ ALL, HTTP_ANSWERED, 200, true, "[]", NULL, -1, STEP_DONE },
		{ ALL, HTTP_ANSWERED, 201, true, "{}", NULL, -1, STEP_DONE },
		{ READS | 1 << CALL_UPDATE, HTTP_ANSWERED, 200, false, "<html>", NULL, -1, STEP_RETRY },
		{ 1 << CALL_CREATE, HTTP_ANSWERED, 201, false, "<html>", NULL, -1, STEP_UNKNOWN },
		{ READS | 1 << CALL_UPDATE, HTTP_ANSWERED, 502, true, "", NULL, -1, STEP_RETRY },
		{ READS | 1 << CALL_UPDATE, HTTP_ANSWERED, 408, true, "", NULL, -1, STEP_RETRY },
		{ 1 << CALL_CREATE, HTTP_ANSWERED, 503, true, "", NULL, -1, STEP_UNKNOWN },
		{ 1 << CALL_CREATE, HTTP_ANSWERED, 408, true, "", NULL, -1, STEP_UNKNOWN },
		{ 1 << CALL_COMMENT, HTTP_ANSWERED, 500, true, "", NULL, -1, STEP_SKIP },
		{ ALL, HTTP_ANSWERED, 429, true, "{}", NULL, -1, STEP_WAIT },
		{ ALL, HTTP_ANSWERED, 403, true, secondary, NULL, -1, STEP_WAIT },
		{ ALL, HTTP_ANSWERED, 403, true, forbidden, NULL, 30, STEP_WAIT },
		{ ALL, HTTP_ANSWERED, 403, true, forbidden, HEADERS("X-RateLimit-Remaining", "0"), -1, STEP_WAIT },
		{ ALL & ~(1 << CALL_LABEL_MAKE), HTTP_ANSWERED, 403, true, forbidden, HEADERS("X-RateLimit-Remaining", "10"), -1, STEP_GIVE_UP },
		{ 1 << CALL_LABEL_MAKE, HTTP_ANSWERED, 403, true, forbidden, NULL, -1, STEP_SKIP },
		{ 1 << CALL_COMMENT, HTTP_ANSWERED, 403, true, "{\"message\": \"issue is locked\"}", NULL, -1, STEP_SKIP },
		{ ALL, HTTP_ANSWERED, 401, true, "{}", NULL, -1, STEP_GIVE_UP },
		{ ALL, HTTP_ANSWERED, 301, true, "{}", NULL, -1, STEP_GIVE_UP },
		{ ALL, HTTP_ANSWERED, 307, true, "{}", NULL, -1, STEP_GIVE_UP },
		{ 1 << CALL_READ | 1 << CALL_LABEL_READ, HTTP_ANSWERED, 404, true, "{}", NULL, -1, STEP_GONE },
		{ 1 << CALL_LIST | 1 << CALL_CREATE | 1 << CALL_UPDATE | 1 << CALL_COMMENT, HTTP_ANSWERED, 404, true, "{}", NULL, -1, STEP_GIVE_UP },
		{ 1 << CALL_READ | 1 << CALL_UPDATE | 1 << CALL_COMMENT, HTTP_ANSWERED, 410, true, "{}", NULL, -1, STEP_GONE },
		{ 1 << CALL_LIST | 1 << CALL_CREATE, HTTP_ANSWERED, 410, true, "{}", NULL, -1, STEP_GIVE_UP },
		{ 1 << CALL_CREATE | 1 << CALL_UPDATE, HTTP_ANSWERED, 422, true, too_long, NULL, -1, STEP_TOO_LONG },
		{ 1 << CALL_LABEL_MAKE, HTTP_ANSWERED, 422, true, "{\"errors\": [{\"code\": \"already_exists\"}]}", NULL, -1, STEP_SKIP },
		{ READS | 1 << CALL_CREATE | 1 << CALL_UPDATE | 1 << CALL_COMMENT, HTTP_ANSWERED, 422, true, "{}", NULL, -1, STEP_STOP },
		{ ALL, HTTP_ANSWERED, 400, true, "{}", NULL, -1, STEP_STOP },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct http_answer answer = answer_of(cases[i].status, cases[i].body, cases[i].headers);
		answer.end = cases[i].end;
		answer.retry_after_s = cases[i].retry_after_s;
		for (int call = 0; call < N_CALLS; call++) {
			if (cases[i].calls & 1u << call)
				assert_int_equal(github_rule((enum github_call)call, &answer, cases[i].usable)->step, cases[i].step);
		}
	}
}

// No answer, however odd, is without a row; and none makes a POST be sent again that may have been done.
static void every_answer_has_an_outcome(void **state)
{
	(void)state;
	for (int call = 0; call < N_CALLS; call++) {
		for (int status = 0; status < 1000; status++) {
			struct http_answer answer = answer_of(status, "{}", NULL);
			enum github_step step = github_rule((enum github_call)call, &answer, status % 2 == 0)->step;
			if ((call == CALL_CREATE || call == CALL_COMMENT) && status != 429)
				assert_true(step != STEP_RETRY && step != STEP_WAIT);
		}
	}
}

static void limits_are_waited_for(void **state)
{
	(void)state;
	struct http_answer answer = answer_of(429, "{}", NULL);
	answer.retry_after_s = 7;
	assert_int_equal(github_limit_s(&answer, 3), 7);
	answer.retry_after_s = -1;
	assert_int_equal(github_limit_s(&answer, 0), 60);
	assert_int_equal(github_limit_s(&answer, 2), 240);
	// by the server's clock: 90 seconds on from the date that it says
	answer.headers = HEADERS("x-ratelimit-remaining", "0", "x-ratelimit-reset", "784111867", "date", "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(github_limit_s(&answer, 0), 91);
	answer.headers = HEADERS("x-ratelimit-remaining", "0", "x-ratelimit-reset", "784111000", "date", "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(github_limit_s(&answer, 0), 1);
	answer.headers = HEADERS("x-ratelimit-remaining", "1", "x-ratelimit-reset", "784111867");
	assert_int_equal(github_limit_s(&answer, 1), 120);
}

static void next_pages_are_found(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const struct { const char *link, *next; } cases[] = {
		{ NULL, NULL },
		{ "", NULL },
		{ "<https://h/i?page=2>; rel=\"next\"", "https://h/i?page=2" },
		{ "<https://h/i?page=1>; rel=\"prev\", <https://h/i?page=3>; rel=\"next\", <https://h/i?page=9>; rel=\"last\"", "https://h/i?page=3" },
		{ "<https://h/i?a=1,2&page=4>; rel=\"last\", <https://h/i?a=1,2&page=3>; rel=\"next\"", "https://h/i?a=1,2&page=3" },
		{ "<https://h/i?page=1>; rel=\"first\", <https://h/i?page=8>; rel=\"prev\"", NULL },
		{ "<https://h/i", NULL },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *next = github_next(arena, cases[i].link);
		if (cases[i].next == NULL)
			assert_null(next);
		else
			assert_string_equal(next, cases[i].next);
	}
	assert_string_equal(github_encode(arena, "db/drift & ü,"), "db%2Fdrift%20%26%20%C3%BC%2C");
}

// Which of the issues in a list is that of prod, and how it stands to what was found now.
static void issues_are_known_again(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct delivery delivery = { .arena = arena };
	struct work work = { .delivery = &delivery, .github = { .arena = arena, .label = "db/drift" } };
	struct job job = { .subject = { .name = "prod" }, .stand = STAND_DRIFT };
	items_none(job.subject.items.fingerprint); // stands for any
	const char *fp = job.subject.items.fingerprint;
	static const char ours[] = "Schema drift detected: prod";
	const struct {
		const char *what, *env, *fingerprint, *title, *label, *type, *association;
		bool taken;
		enum found found;
	} cases[] = {
		{ "the marker, the label", "prod", fp, "edited", "db/drift", "User", "NONE", true, FOUND_SAME },
		{ "another fingerprint", "prod", "00", ours, "DB/Drift", "User", "NONE", true, FOUND_OTHER },
		{ "of another environment", "staging", fp, ours, "db/drift", "User", "OWNER", false, FOUND_NONE },
		{ "no label, written by an app", "prod", fp, ours, "bug", "Bot", "NONE", true, FOUND_SAME },
		{ "no label, written by a member", "prod", fp, ours, "bug", "User", "MEMBER", true, FOUND_SAME },
		{ "no label, forged by a stranger", "prod", fp, ours, "bug", "User", "CONTRIBUTOR", false, FOUND_NONE },
		{ "no marker, but label and title", NULL, NULL, ours, "db/drift", "User", "NONE", true, FOUND_OTHER },
		{ "no marker, another title", NULL, NULL, "Schema drift detected: prod2", "db/drift", "User", "OWNER", false, FOUND_NONE },
		{ "no marker, no label", NULL, NULL, ours, "bug", "User", "OWNER", false, FOUND_NONE },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_buf body = BUF_INIT;
		if (cases[i].env != NULL)
			marker_add(&body, cases[i].env, cases[i].fingerprint, "11", NULL);
		buf_adds(&body, "text\n");
		auto_json json = json_pack("{s:i, s:s, s:s, s:s, s:n, s:[{s:s}], s:{s:s}, s:s}", "number", 7, "title", cases[i].title, "body",
		                           body.data, "state", "open", "state_reason", "labels", "name", cases[i].label, "user", "type",
		                           cases[i].type, "author_association", cases[i].association);
		struct github_issue issue = github_issue_of(&work.github, json);
		struct github_issues issues = { .items = &issue, .n = 1 };
		struct look look = { 0 };
		if (github_look_in(&work, &job, &issues, &look) != cases[i].taken || look.found != cases[i].found)
			fail_msg("%s", cases[i].what);
		issue.open = false;
		assert_false(github_look_in(&work, &job, &issues, &look));
	}
}

static void the_lowest_number_stays(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct delivery delivery = { .arena = arena };
	struct work work = { .delivery = &delivery };
	struct job job = { .subject = { .name = "prod" }, .stand = STAND_DRIFT };
	auto_buf body = BUF_INIT;
	marker_add(&body, "prod", "00", "11", NULL);
	struct github_issue list[3];
	static const long long numbers[] = { 9, 3, 5 };
	for (size_t i = 0; i < LENGTH(list); i++) {
		list[i] = (struct github_issue){ .number = numbers[i], .title = "", .body = body.data, .reason = "", .open = true, .trusted = true };
		list[i].marked = marker_find(arena, body.data, &list[i].marker);
	}
	struct look look = { 0 };
	assert_true(github_look_in(&work, &job, &(struct github_issues){ .items = list, .n = LENGTH(list) }, &look));
	assert_int_equal(look.issue.number, 3);
	assert_int_equal(look.n_extra, 2);
	assert_int_equal(look.extra[0].number, 5);
	assert_int_equal(look.extra[1].number, 9);
}

static void http_goes_only_where_it_may(void **state)
{
	(void)state;
	static const struct { const char *url; bool may; } cases[] = {
		{ "https://api.github.com", true }, { "https://ghe.example/api/v3", true }, { "http://127.0.0.1:8080", true },
		{ "http://127.9.9.9", true }, { "http://localhost:1", true }, { "http://[::1]:1/x", true },
		{ "http://api.github.com", false }, { "http://127.0.0.1.example.com", false }, { "http://127.0.0.1@evil.example/", false },
		{ "http://localhost.evil.example", false }, { "http://[::2]/", false }, { "ftp://127.0.0.1/", false }, { "file:///etc/passwd", false },
		{ "", false }, { "nonsense", false }, { "http://10.0.0.1", false },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		assert_int_equal(http_url_check(cases[i].url, "api_url", &err), cases[i].may);
		assert_int_equal(err.code[0] == '\0', cases[i].may);
	}
	struct err err = { 0 };
	assert_false(http_url_check("http://me:hunter2@evil.example/hooks/hunter2", "url", &err));
	assert_null(strstr(err.text, "hunter2"));
}

static void secrets_stay_with_their_origin(void **state)
{
	(void)state;
	static const struct { const char *from, *to; bool same; } cases[] = {
		{ "https://a.example/x", "https://a.example:443/y?z", true }, { "https://A.example", "https://a.example", true },
		{ "https://a.example", "http://a.example", false }, { "https://a.example", "https://a.example:8443", false },
		{ "https://a.example", "https://b.a.example", false }, { "https://a.example", "https://x@a.example", false },
		{ "http://127.0.0.1:80", "http://localhost:80", false }, { "https://a.example", "nonsense", false },
	};
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_int_equal(http_same_origin(cases[i].from, cases[i].to), cases[i].same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_outcome), cmocka_unit_test(every_answer_has_an_outcome),
		cmocka_unit_test(limits_are_waited_for), cmocka_unit_test(next_pages_are_found), cmocka_unit_test(issues_are_known_again), cmocka_unit_test(the_lowest_number_stays),
		cmocka_unit_test(http_goes_only_where_it_may),
		cmocka_unit_test(secrets_stay_with_their_origin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
