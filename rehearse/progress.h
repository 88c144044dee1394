// SPDX-License-Identifier: PostgreSQL
// What a terminal shows while a rehearsal runs: which size, what of it, and how long the rest may take. The times of the sizes that are
// over say how long those to come take: replaying as long, filling and statements as much longer as there are more rows.
#ifndef REHEARSE_PROGRESS_H
#define REHEARSE_PROGRESS_H

#include <stdatomic.h>
#include <stddef.h>

struct log;

enum stage { STAGE_REPLAY, STAGE_FILL, STAGE_STATEMENTS, N_STAGES };

struct progress {
	struct log *log;           // NULL, or no terminal: nothing is shown
	const double *sizes;       // of the passes, each relative to the same whole
	int n_passes, pass;        // pass: the one that runs, from 0
	enum stage stage;
	double begun_us;           // of the stage
	double ms[N_STAGES];       // of the pass that is over; < 0: there is none yet
	double spent_ms[N_STAGES]; // of the one that runs
	atomic_llong n_rows;       // that are filled
	long long n_rows_all;
};

void progress_begin(struct progress *progress, struct log *log, const double *sizes, int n_passes);

// From here on it is this stage; STAGE_REPLAY is the first of the next pass.
void progress_stage(struct progress *progress, enum stage stage);

// From any thread, after progress_stage(STAGE_FILL): `n` rows more are there; an index or a materialized view is being built.
void progress_rows(struct progress *progress, long long n);
void progress_build(struct progress *progress, const char *kind, const char *name);

// The `i`th of `n` statements is about to run; n 0: nobody knows how many there are.
void progress_statement(struct progress *progress, size_t i, size_t n, const char *label);

// How long the rest may take, in ms; < 0: nothing is known yet.
double progress_left_ms(const struct progress *progress, double now_us);

#endif
