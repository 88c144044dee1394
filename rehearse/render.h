// SPDX-License-Identifier: PostgreSQL
// The reports of a rehearsal. How to add one: write show_<name>.c with its function and add its row to the table in render.c.
#ifndef REHEARSE_RENDER_H
#define REHEARSE_RENDER_H

#include "rehearse/rehearsal.h"
#include "reporters/reporter.h"

struct buf;

struct rehearsal_reporter {
	const char *name; // the word of --format
	void (*render)(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
};

extern const struct rehearsal_reporter rehearsal_reporters[]; // ended by a NULL name
const struct rehearsal_reporter *rehearsal_reporter_find(const char *name);

void rehearsal_text(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
void rehearsal_json(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);

// "340 ms", "2.1 s", "12 min".
void show_duration(struct buf *out, double ms);

#endif
