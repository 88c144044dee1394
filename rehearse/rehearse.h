// SPDX-License-Identifier: PostgreSQL
// A whole rehearsal: a clone, the pending migrations on it under traffic, at several sizes, and the verdict.
#ifndef REHEARSE_REHEARSE_H
#define REHEARSE_REHEARSE_H

#include "migrations/framework.h"
#include "migrations/scratch.h"
#include "rehearse/rehearsal.h"
#include "rehearse/statistics.h"
#include "rehearse/traffic.h"
#include "rehearse/verdict.h"
#include "reporters/reporter.h"

struct arena;
struct buf;
struct log;

struct rehearsal_request {
	const char *env;
	const char *env_conninfo;           // NULL: none is asked
	enum engine engine;
	const struct migrations *set;       // NULL with exec alone
	const struct migration *const *applied; // what the environment has, in its order
	size_t n_applied;
	const struct migration *const *pending; // what is rehearsed
	size_t n_pending;
	const char *exec;                   // a shell command to run through the tap instead; NULL: none
	bool as_sent;                       // multi-statement queries whole
	const char *clone_url, *dump;       // NULL: a synthetic clone
	bool clone_anyway;                  // the checks of a given clone only warn
	double scale;
	long long rows;                     // of tables without statistics
	size_t n_sizes;                     // 3: also at a sixteenth and a quarter
	struct traffic_request traffic;     // relations are filled in
	int n_lock_tries;
	bool try_rewrite, keep;
	struct thresholds thresholds;       // 0: from the environment's role
	const struct scratch_settings *scratch;
	struct log *log;
};

// Errors that keep it from being a rehearsal at all: those of the scratch, replay, fill, clone ("clone": it is an environment,
// feeds replicas, is in use), "space". A statement that fails is a result, not an error. Main thread.
bool rehearse(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err);

// The reports: text, json, markdown, html.
struct rehearsal_reporter {
	const char *name;
	void (*render)(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
};
extern const struct rehearsal_reporter rehearsal_reporters[]; // ended by a NULL name

#endif
