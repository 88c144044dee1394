// SPDX-License-Identifier: PostgreSQL
// What GitHub's answers mean, as a table: see github_api.h. A POST is never simply repeated after an answer that leaves open
// whether it was done: a second issue would be worse than none, a second comment worse than a lost one.
#include "reporters/github_api.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

// What was seen, besides a status.
enum {
	SEEN_IMPOSSIBLE = -3,
	SEEN_NOT_SENT = -2,
	SEEN_LOST = -1, // no answer that can be used: cut off, timed out, 5xx, HTML
	SEEN_LIMIT = 429,
};

enum { LIMIT_S = 60, LIMIT_DOUBLINGS = 4 };

#define IN(call) (1u << (call))
enum { ALL = ~0u };

static const char right_hint[] = "the token needs the repository permission \"Issues: write\" (in Actions: permissions: issues: write)";

static const struct {
	unsigned calls;
	int least, most;   // statuses, or one of the above
	const char *words; // in the answer; NULL: any
	struct github_rule rule;
} rules[] = { // the first that fits
	{ ALL, SEEN_IMPOSSIBLE, SEEN_IMPOSSIBLE, NULL,
	  { STEP_GIVE_UP, "check api_url; CURL_CA_BUNDLE names a file of certificates to trust" } },
	{ ALL, SEEN_NOT_SENT, SEEN_NOT_SENT, NULL, { STEP_RETRY, "is api.github.com, or api_url, reachable from here? a proxy is named by HTTPS_PROXY" } },
	{ IN(CALL_CREATE), SEEN_LOST, SEEN_LOST, NULL, { STEP_UNKNOWN, "look whether it is there; the next run finds it by its marker" } },
	{ IN(CALL_COMMENT), SEEN_LOST, SEEN_LOST, NULL, { STEP_SKIP, NULL } },
	{ ALL, SEEN_LOST, SEEN_LOST, NULL, { STEP_RETRY, NULL } },
	{ ALL, 200, 299, NULL, { STEP_DONE, NULL } },
	{ ALL, SEEN_LIMIT, SEEN_LIMIT, NULL, { STEP_WAIT, NULL } },
	{ ALL, 403, 403, "rate limit", { STEP_WAIT, NULL } },
	{ ALL, 403, 403, "abuse detection", { STEP_WAIT, NULL } }, // what older Enterprise Servers call it
	{ ALL, 300, 399, NULL, { STEP_GIVE_UP, "a redirect to another host is not followed, since it would get the token: correct repository or api_url" } },
	{ ALL, 401, 401, NULL, { STEP_GIVE_UP, "the token (GITHUB_TOKEN, GH_TOKEN or token_file) is wrong, revoked or expired" } },
	{ IN(CALL_LABEL_READ), 404, 404, NULL, { STEP_GONE, NULL } },
	{ IN(CALL_LABEL_MAKE), 403, 404, NULL, { STEP_SKIP, NULL } }, // the issue may be created without it
	{ IN(CALL_LABEL_MAKE), 422, 422, NULL, { STEP_SKIP, NULL } }, // already_exists: somebody else was quicker
	{ IN(CALL_COMMENT), 403, 403, "locked", { STEP_SKIP, NULL } },
	{ IN(CALL_READ), 404, 404, NULL, { STEP_GONE, NULL } },
	{ IN(CALL_READ) | IN(CALL_UPDATE) | IN(CALL_COMMENT), 410, 410, NULL, { STEP_GONE, NULL } },
	{ ALL, 403, 403, NULL, { STEP_GIVE_UP, right_hint } },
	{ ALL, 404, 404, NULL, { STEP_GIVE_UP, "there is no such repository, or the token has no right to it (it needs \"Issues: write\")" } },
	{ ALL, 410, 410, NULL, { STEP_GIVE_UP, "switch on the issues of the repository (Settings, General, Features)" } },
	{ IN(CALL_CREATE) | IN(CALL_UPDATE), 422, 422, "too long", { STEP_TOO_LONG, NULL } },
	{ ALL, 100, 599, NULL, { STEP_STOP, NULL } },
};

static int seen(const struct http_answer *answer, bool usable)
{
	static const int ends[] = { [HTTP_IMPOSSIBLE] = SEEN_IMPOSSIBLE, [HTTP_NOT_SENT] = SEEN_NOT_SENT, [HTTP_UNKNOWN] = SEEN_LOST };
	if (answer->end != HTTP_ANSWERED)
		return ends[answer->end];
	int status = answer->status;
	const char *remaining = http_header(answer, "x-ratelimit-remaining");
	if (status == 403 && (answer->retry_after_s >= 0 || (remaining != NULL && strcmp(remaining, "0") == 0)))
		return SEEN_LIMIT;
	if (status == 408 || status < 100 || status > 499 || (status >= 200 && status <= 299 && !usable))
		return SEEN_LOST;
	return status;
}

const struct github_rule *github_rule(enum github_call call, const struct http_answer *answer, bool usable)
{
	int what = seen(answer, usable);
	size_t i = 0;
	while (!(rules[i].calls & IN(call) && what >= rules[i].least && what <= rules[i].most &&
	         (rules[i].words == NULL || strcasestr(answer->body, rules[i].words) != NULL)))
		i++; // the last rows fit everything that seen() returns
	return &rules[i].rule;
}

long long github_limit_s(const struct http_answer *answer, int times)
{
	if (answer->retry_after_s >= 0)
		return answer->retry_after_s;
	const char *remaining = http_header(answer, "x-ratelimit-remaining"), *reset = http_header(answer, "x-ratelimit-reset");
	if (remaining != NULL && strcmp(remaining, "0") == 0 && reset != NULL) {
		// by GitHub's own clock, if it tells the time: ours may go wrong
		const char *date = http_header(answer, "date");
		time_t now = date == NULL ? -1 : curl_getdate(date, NULL);
		long long left_s = strtoll(reset, NULL, 10) - (now == -1 ? clock_now() : now);
		return left_s < 0 ? 1 : left_s + 1;
	}
	return (long long)LIMIT_S << (times < LIMIT_DOUBLINGS ? times : LIMIT_DOUBLINGS);
}

// Link: <https://...&page=2>; rel="next", <...>; rel="last" (RFC 8288).
const char *github_next(struct arena *arena, const char *link)
{
	while (link != NULL && (link = strchr(link, '<')) != NULL) {
		const char *close = strchr(link, '>');
		if (close == NULL)
			return NULL;
		const char *parameters = close + 1, *end = strchr(parameters, '<');
		size_t length = end == NULL ? strlen(parameters) : (size_t)(end - parameters);
		if (memmem(parameters, length, "rel=\"next\"", strlen("rel=\"next\"")) != NULL)
			return arena_strndup(arena, link + 1, (size_t)(close - link - 1));
		link = end;
	}
	return NULL;
}
