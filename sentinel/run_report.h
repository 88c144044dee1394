// SPDX-License-Identifier: PostgreSQL
// The frame of a report, which check, status, assert and diff share: what it says of the run, of the repository and of an
// environment's versions, and how it is ended: verdicts, exit status, rendering.
#ifndef SENTINEL_RUN_REPORT_H
#define SENTINEL_RUN_REPORT_H

#include "sentinel/env.h"

// A report of run->command with a repo for each set in envs (NULL: none), and an empty env_report for each environment,
// not read yet; one whose environment has trouble has its trouble. All in the run's arena.
struct report *report_start(struct run *run, const struct envs *envs);

// The empty env_report of one of them, as report_start makes it; its trouble included.
struct env_report *report_env(struct run *run, const struct report *report, const struct envs *envs, size_t i);

// A list of reports: an environment that turns out to be several has one for each.
struct env_reports {
	struct env_report **items;
	size_t n, capacity;
};
void env_reports_add(struct arena *arena, struct env_reports *reports, struct env_report *report);

// Fills what the versions say: table, head, state and the lists.
void report_versions(struct run *run, struct env_report *env, const struct migrations *set, const struct applied_set *applied,
                     const struct standings *standings, const char *table);

// The verdict that versions alone give: dirty or skipped is drift, pending, unknown or edited is skew.
enum verdict report_versions_verdict(const struct standings *standings);

// Notes what kept an environment from being checked completely (a copy): its verdict is trouble.
void report_trouble(struct run *run, struct env_report *env, const struct err *err);

// Ends a report: `complete`, the list of troubles, the duration; renders it into run->out. The exit status follows from the
// verdicts (for diff: from `equal`), the troubles and --fail-on.
enum exit_status report_finish(struct run *run, struct report *report);

// Sends and renders a report that is complete as it is, and says the exit status; report_finish ends with it.
enum exit_status report_hand_out(struct run *run, struct report *report);

// What a command that died of an error leaves for machines: a report with that one trouble, where a format other than text was
// asked for and nothing is in run->out yet.
void report_failure(struct run *run, const struct err *err);

#endif
