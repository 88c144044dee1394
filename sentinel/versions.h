// SPDX-License-Identifier: PostgreSQL
// What `status` and `assert` share: an environment's versions, read and held against its migrations, without its schema.
#ifndef SENTINEL_VERSIONS_H
#define SENTINEL_VERSIONS_H

#include "sentinel/run_report.h"

struct env_versions {
	struct applied_set applied;
	struct standings standings;
};

// The two halves of versions_read: the reading (NULL: it is trouble), and what it says.
struct snapshot *versions_snapshot(struct run *run, struct envs *envs, const struct env *env, struct env_report *report);
bool versions_report(struct run *run, const struct env *env, const struct snapshot *snapshot, struct env_report *report,
                     struct env_versions *versions);

// Reads the versions of an environment and fills its report, verdict included. False: it is trouble, which is in the report.
bool versions_read(struct run *run, struct envs *envs, const struct env *env, struct env_report *report,
                   struct env_versions *versions);

#endif
