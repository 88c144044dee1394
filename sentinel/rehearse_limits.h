// SPDX-License-Identifier: PostgreSQL
// What the section `rehearse` of driftcheck.conf, the command line and the environment's role say of a rehearsal: the thresholds of its
// verdict, and the user's own traffic.
#ifndef SENTINEL_REHEARSE_LIMITS_H
#define SENTINEL_REHEARSE_LIMITS_H

#include "rehearse/rehearse.h"
#include "sentinel/command.h"

extern const char *const rehearse_keys[]; // of the section; NULL-ended

// What the configuration says; *text NULL: nothing.
bool rehearse_configured(struct run *run, const char *key, const char **text, const char **where, struct err *err);

// A time as PostgreSQL writes its settings: "2s", "500ms", "1min", "0"; a number alone is milliseconds. -1: it is none.
double setting_ms(const char *text);

// Fills request->thresholds and n_lock_tries: from the configuration, else lock_timeout and statement_timeout from the role's settings
// in `statistics` (NULL: none) and boot_lock from the framework. *from: where the timeouts come from, if not from where it says.
bool rehearse_limits_find(struct run *run, const struct statistics *statistics, struct rehearsal_request *request, const char **from,
                          struct err *err);

// Fills request->pgbench where --pgbench or the configuration asks for it: scripts that can be read, and the program.
bool rehearse_pgbench_find(struct run *run, struct rehearsal_request *request, struct err *err);

#endif
