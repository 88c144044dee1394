// SPDX-License-Identifier: PostgreSQL
// When each environment was last checked completely: kept from run to run, for reporters that show it.
#ifndef SENTINEL_LAST_SUCCESS_H
#define SENTINEL_LAST_SUCCESS_H

struct report;
struct run;

// Fills last_success_s of each environment of a check: this run's time, which is kept, or the one that was kept before.
void last_success_fill(struct run *run, struct report *report);

#endif
