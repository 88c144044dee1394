// SPDX-License-Identifier: PostgreSQL
// What a run by a clock needs around the check itself: a random delay, a lock for each environment, a time limit, a second look
// before an alarm, somebody who notices when it does not run. The settings come from the command line and, with --cron, from section `cron` of driftcheck.conf: whoever
// runs driftcheck by hand beside the same file neither waits nor tells anybody.
#ifndef SENTINEL_CRON_H
#define SENTINEL_CRON_H

#include <stdbool.h>

#include "sentinel/command.h"

struct envs;

extern const char *const cron_keys[]; // of the section; NULL-ended

struct cron {
	bool on;                                            // --cron
	long long jitter_s, confirm_after_s, time_limit_s; // 0: none
	const char *ping_url;                               // NULL: none
	const char *metrics;                                // a file for Prometheus; NULL: none
};

// Fills run->cron, before anything is waited for. Errors: code "usage" or "config".
bool cron_prepare(struct run *run, struct err *err);

// Waits for the random delay, pings, starts the time limit and tells the supervisor of it, and takes the lock of each environment if
// the run sends or keeps anything. An environment whose lock another run keeps has trouble "locked".
void cron_begin(struct run *run, struct envs *envs);

// Pings that the run has ended: trouble is a failure, findings are none. Nothing where cron_prepare was not reached.
void cron_end(struct run *run, enum exit_status status);

// Whether the time for checking is over; then err has code "time-limit". The last part of --time-limit is left for the report.
bool cron_time_is_up(const struct run *run, struct err *err);

#endif
