// SPDX-License-Identifier: PostgreSQL
// Summing up what clients felt: see felt.h.
#include "rehearse/clients/felt.h"

#include <stdlib.h>

#include "base/arena.h"

void felt_add(struct felt *felt, double ms)
{
	felt->times_ms = arena_grow(felt->arena, felt->times_ms, felt->n_times, &felt->capacity, sizeof *felt->times_ms);
	felt->times_ms[felt->n_times++] = ms;
}

static int compare_times(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static double percentile_99(const struct felt *felt, double none)
{
	return felt->n_times == 0 ? none : felt->times_ms[(felt->n_times * 99 + 99) / 100 - 1]; // the nearest rank: of few tries, the longest
}

static void sort(struct felt *felt)
{
	if (felt->n_times > 0)
		qsort(felt->times_ms, felt->n_times, sizeof *felt->times_ms, compare_times);
}

void felt_sum_up(struct felt *felt, struct felt *baseline, struct step_victim *victim)
{
	sort(felt);
	sort(baseline);
	victim->n_tries = felt->n_tries;
	victim->n_blocked = felt->n_blocked;
	victim->n_errors = felt->n_errors;
	victim->max_ms = felt->n_times == 0 ? 0 : felt->times_ms[felt->n_times - 1];
	victim->p99_ms = percentile_99(felt, 0);
	victim->baseline_p99_ms = percentile_99(baseline, -1);
	victim->behind_waiting_ms = felt->behind_ms;
}
