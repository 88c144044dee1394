// SPDX-License-Identifier: PostgreSQL
// What the two halves of the HTML report of a rehearsal share: html.c and its timeline.
#ifndef REHEARSE_SHOW_HTML_H
#define REHEARSE_SHOW_HTML_H

#include <stddef.h>

struct arena;
struct buf;
struct rehearsal;
struct step;

// A statement that has a lane and, unless nobody felt it, a card. They are numbered from 1 in the order of the run.
struct shown_step {
	const struct step *step;
	size_t n_before; // quiet statements since the one before it
};

struct rehearsal_page {
	struct buf *out;
	struct arena *arena;
	const struct rehearsal *rehearsal;
	struct shown_step *shown;
	size_t n_shown, n_after; // quiet statements after the last one
};

// Victims, statements and locks over one axis of time; nothing where no statement is shown.
void html_run(const struct rehearsal_page *page);

// Where the times of a run lie on the page, in percent of its width. Time is compressed: a statement's width grows with the logarithm
// of its duration, and what passes between statements takes next to none, so that 5 minutes and a millisecond can be read
// side by side. Monotonic: what is earlier is never farther right.
struct time_axis {
	struct time_mark { double ms, x; } *marks;
	size_t n;
};
void time_axis_make(struct time_axis *axis, const struct rehearsal_page *page);
double time_axis_x(const struct time_axis *axis, double ms);

#endif
