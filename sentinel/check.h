// SPDX-License-Identifier: PostgreSQL
// The check of one environment against its set of migrations: applied set, replays, classification, proofs, report.
#ifndef SENTINEL_CHECK_H
#define SENTINEL_CHECK_H

#include "sentinel/env.h"
#include "reporters/report.h"

// Fills `report` from what was read of the environment. Whatever keeps it from being complete is in report->trouble; the
// findings there are stand all the same. `arena` must live as long as the report. Main thread only.
void check_env(struct run *run, struct envs *envs, const struct env *env, struct snapshot *live, struct arena *arena,
               struct env_report *report);

#endif
