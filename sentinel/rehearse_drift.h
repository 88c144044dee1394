// SPDX-License-Identifier: PostgreSQL
// What was changed by hand in an environment is not in the clone: which of it a rehearsal has not seen.
#ifndef SENTINEL_REHEARSE_DRIFT_H
#define SENTINEL_REHEARSE_DRIFT_H

#include "diff/compare.h"
#include "rehearse/rehearse.h"
#include "sentinel/env.h"

struct rehearse_drift {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	struct snapshot *live;       // NULL: it could not be read
	const struct snapshot *clone;
	struct comparer comparer;
	struct changes changes;
	const char *why;             // it is not known; NULL: it is
};

// Reads the environment's schema. That it cannot be read is no error: see `why`.
void rehearse_drift_read(struct rehearse_drift *drift);

// Holds the clone against it, before anything runs there; texts that differ are judged on the scratch, if there is one. Errors: "scratch".
bool rehearse_drift_look(struct rehearse_drift *drift, const struct snapshot *clone, const char *version_table, struct scratch *scratch,
                         struct err *err);

// Names, in the rehearsal, the relations that its statements lock or name and that differ.
void rehearse_drift_report(struct rehearse_drift *drift, struct rehearsal *rehearsal);

#endif
