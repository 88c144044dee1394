// SPDX-License-Identifier: PostgreSQL
// The dead man's switch: see ping.h. A ping is repeated where it may not have arrived; twice told is as good as once.
#include "sentinel/ping.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "reporters/http.h"

enum { TIME_US = 10000000, ATTEMPTS_MAX = 3, BETWEEN_MS = 1000, ANSWER_MAX = 1 << 16 };

static const struct {
	const char *suffix, *name;
} pings[] = { [PING_START] = { "/start", "the start" }, [PING_SUCCESS] = { "", "the end" }, [PING_FAIL] = { "/fail", "the failure" } };

const char *ping_url(struct arena *arena, const char *url, enum ping ping)
{
	size_t path = strcspn(url, "?#"), length = path;
	while (*pings[ping].suffix != '\0' && length > 0 && url[length - 1] == '/')
		length--;
	return arena_printf(arena, "%.*s%s%s", (int)length, url, pings[ping].suffix, url + path);
}

void ping_send(struct arena *arena, struct log *log, const char *url, enum ping ping)
{
	auto_http http = http_new();
	const struct http_request request = {
		.method = "GET", .url = ping_url(arena, url, ping), .deadline_us = clock_us() + TIME_US, .most = ANSWER_MAX,
	};
	struct http_answer answer;
	for (int attempt = 1;; attempt++) {
		http_perform(http, arena, &request, &answer);
		bool arrived = answer.end == HTTP_ANSWERED && answer.status >= 200 && answer.status < 300;
		if (arrived)
			return;
		bool may_help = answer.end == HTTP_ANSWERED ? answer.status >= 500 : answer.end != HTTP_IMPOSSIBLE;
		if (!may_help || attempt == ATTEMPTS_MAX || clock_us() + BETWEEN_MS * 1000 >= request.deadline_us)
			break;
		clock_sleep_ms(BETWEEN_MS);
	}
	if (answer.end == HTTP_ANSWERED)
		log_warn(log, "ping_url was not told of %s: it answers %d", pings[ping].name, answer.status);
	else
		log_warn(log, "ping_url was not told of %s: %s", pings[ping].name, answer.why);
}
