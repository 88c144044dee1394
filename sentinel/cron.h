// SPDX-License-Identifier: PostgreSQL
// What a run by a clock needs around the check itself: section `cron` of driftcheck.conf.
#ifndef SENTINEL_CRON_H
#define SENTINEL_CRON_H

extern const char *const cron_keys[]; // of the section; NULL-ended

#endif
