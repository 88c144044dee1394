// SPDX-License-Identifier: PostgreSQL
// The compressed axis of time under the page of a rehearsal: see html.h.
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "rehearse/show/html.h"
#include "rehearse/show/render.h"

static const double shortest_ms = 0.001;
// Widths, before they are made to add up: a statement of no time, each tenfold of time, a run of quiet statements, and a gap.
static const double width_least = 1, width_tenfold = 2.2, width_quiet = 1.1, width_gap = 0.12, tenfold_from_ms = 10;

static int by_time(const void *a, const void *b)
{
	const struct time_mark *one = a, *other = b;
	return (one->ms > other->ms) - (one->ms < other->ms);
}

static double end_of(const struct step *step)
{
	return step->start_ms + (step->duration_ms > shortest_ms ? step->duration_ms : shortest_ms);
}

static double width_of(const struct rehearsal_page *page, double from_ms, double to_ms)
{
	double middle = (from_ms + to_ms) / 2;
	for (size_t i = 0; i < page->n_shown; i++) {
		const struct step *step = page->shown[i].step;
		if (middle >= step->start_ms && middle <= end_of(step))
			return width_least + width_tenfold * log10(1 + (to_ms - from_ms) / tenfold_from_ms);
	}
	for (size_t i = 0; i < page->rehearsal->n_steps; i++) {
		const struct step *step = &page->rehearsal->steps[i];
		if (step_is_of_migration(step) && step->start_ms < to_ms && end_of(step) > from_ms)
			return width_quiet;
	}
	return width_gap;
}

void time_axis_make(struct time_axis *axis, const struct rehearsal_page *page)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	struct time_mark *marks = arena_array(page->arena, 2 * page->n_shown + 2, sizeof *marks);
	double first = 0, last = 0;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		double release_ms = step_release_ms(step);
		first = i == 0 || step->start_ms < first ? step->start_ms : first;
		last = i == 0 || release_ms > last ? release_ms : last;
		last = end_of(step) > last ? end_of(step) : last;
	}
	size_t n = 0, n_kept = 1;
	marks[n++].ms = first;
	for (size_t i = 0; i < page->n_shown; i++) {
		marks[n++].ms = page->shown[i].step->start_ms;
		marks[n++].ms = end_of(page->shown[i].step);
	}
	marks[n++].ms = last;
	qsort(marks, n, sizeof *marks, by_time);
	marks[0].x = 0;
	for (size_t i = 1; i < n; i++) {
		struct time_mark *before = &marks[n_kept - 1];
		if (marks[i].ms <= before->ms)
			continue;
		double x = before->x + width_of(page, before->ms, marks[i].ms);
		marks[n_kept++] = (struct time_mark){ marks[i].ms, x };
	}
	double all = marks[n_kept - 1].x;
	for (size_t i = 0; i < n_kept; i++)
		marks[i].x *= all > 0 ? 100 / all : 0;
	*axis = (struct time_axis){ marks, n_kept };
}

double time_axis_x(const struct time_axis *axis, double ms)
{
	const struct time_mark *last = &axis->marks[axis->n - 1];
	if (ms >= last->ms || isnan(ms))
		return last->x;
	for (const struct time_mark *mark = axis->marks; mark < last; mark++) {
		if (ms < mark[1].ms)
			return ms <= mark->ms ? mark->x : mark->x + (mark[1].x - mark->x) * (ms - mark->ms) / (mark[1].ms - mark->ms);
	}
	return last->x;
}
