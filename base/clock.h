// SPDX-License-Identifier: PostgreSQL
// The time. All that waits or notes a time asks here, so that tests need not wait: with DRIFTCHECK_TEST_CLOCK set to seconds
// since 1970, that is the time at which the program starts, and a sleep returns at once with the clock advanced.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

struct arena;

time_t clock_now(void);

// A time as RFC 3339 in UTC: "2024-01-01T00:00:00Z".
const char *clock_rfc3339(struct arena *arena, time_t time);

// The time that such a text means; 0 where it is none.
time_t clock_parse(const char *rfc3339);

// Microseconds of the monotonic clock: for durations and deadlines. A sleep under a test clock advances it as well.
long long clock_us(void);

void clock_sleep_ms(long long ms);
// Really sleeps, under a test clock as well: for what another process or thread is about to do.
void clock_wait_ms(long ms);

// A number from 0 to most, for delays that shall differ from machine to machine; under a test clock it follows from the time.
long long clock_random(long long most);

#endif
