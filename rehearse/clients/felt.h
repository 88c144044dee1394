// SPDX-License-Identifier: PostgreSQL
// What clients felt in a span of time, summed up: how many tries, how long they took, how many of them waited for a lock.
#ifndef REHEARSE_CLIENTS_FELT_H
#define REHEARSE_CLIENTS_FELT_H

#include "rehearse/rehearsal.h"

struct arena;

struct felt {
	struct arena *arena; // of the times
	double *times_ms;
	size_t n_times, capacity;
	size_t n_tries, n_blocked, n_errors; // a try that failed may have no time
	double behind_ms;
};

void felt_add(struct felt *felt, double ms);

// Fills the figures of a victim. Without a time in the baseline, baseline_p99_ms is -1. Sorts the times.
void felt_sum_up(struct felt *felt, struct felt *baseline, struct step_victim *victim);

#endif
