// SPDX-License-Identifier: PostgreSQL
// The clock and its stand-in for tests: see clock.h.
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/err.h"

static _Atomic long long slept_us; // under a test clock

static const char *test_clock(void)
{
	return getenv("DRIFTCHECK_TEST_CLOCK");
}

long long clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000 + atomic_load(&slept_us);
}

time_t clock_now(void)
{
	const char *start = test_clock();
	return start == NULL ? time(NULL) : (time_t)(strtoll(start, NULL, 10) + atomic_load(&slept_us) / 1000000);
}

const char *clock_rfc3339(struct arena *arena, time_t time)
{
	struct tm utc;
	char text[sizeof "2024-01-01T00:00:00Z"];
	gmtime_r(&time, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return arena_strdup(arena, text);
}

time_t clock_parse(const char *rfc3339)
{
	struct tm utc = { 0 };
	const char *end = strptime(rfc3339, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return end == NULL || *end != '\0' ? 0 : timegm(&utc);
}

void clock_sleep_ms(long long ms)
{
	if (test_clock() != NULL) {
		atomic_fetch_add(&slept_us, ms * 1000);
		return;
	}
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

void clock_wait_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

long long clock_random(long long most)
{
	unsigned long long number = (unsigned long long)clock_now() * 2654435761u;
	if (test_clock() == NULL)
		invariant(getrandom(&number, sizeof number, 0) == sizeof number, "no random numbers");
	return most <= 0 ? 0 : (long long)(number % ((unsigned long long)most + 1));
}
