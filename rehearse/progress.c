// SPDX-License-Identifier: PostgreSQL
// The line of a terminal that says how far a rehearsal is: see progress.h. It fits into 80 columns, since a longer one could not be
// overwritten.
#include "rehearse/progress.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "rehearse/show/render.h"

enum { WIDTH = 79, PATIENCE_MS = 2000 };

void progress_begin(struct progress *progress, struct log *log, const double *sizes, int n_passes)
{
	*progress = (struct progress){ .log = log, .sizes = sizes, .n_passes = n_passes, .pass = -1, .ms = { -1, -1, -1 } };
}

static double elapsed_ms(const struct progress *progress, double now_us)
{
	return (now_us - progress->begun_us) / 1000;
}

void progress_stage(struct progress *progress, enum stage stage)
{
	double now_us = (double)clock_us();
	if (progress->pass >= 0)
		progress->spent_ms[progress->stage] = elapsed_ms(progress, now_us);
	for (int i = 0; stage == STAGE_REPLAY && progress->pass >= 0 && i < N_STAGES; i++)
		progress->ms[i] = progress->spent_ms[i];
	progress->pass += stage == STAGE_REPLAY || progress->pass < 0;
	progress->stage = stage;
	progress->begun_us = now_us;
	atomic_store(&progress->n_rows, 0);
}

// Of a stage of a pass of another size, if it took `ms` in one of size `of`.
static double scaled(double ms, enum stage stage, double of, double size)
{
	return stage == STAGE_REPLAY || of <= 0 ? ms : ms * size / of;
}

double progress_left_ms(const struct progress *progress, double now_us)
{
	double spent_ms = elapsed_ms(progress, now_us), left_ms = 0, size = progress->sizes[progress->pass];
	double n_rows = (double)atomic_load(&progress->n_rows);
	bool known = progress->pass > 0;
	for (int stage = (int)progress->stage; stage < N_STAGES; stage++) {
		double all_ms = known ? scaled(progress->ms[stage], (enum stage)stage, progress->sizes[progress->pass - 1], size) : 0;
		bool runs = stage == (int)progress->stage;
		if (runs && stage == STAGE_FILL && n_rows > 0 && spent_ms >= PATIENCE_MS) {
			all_ms = spent_ms * (double)progress->n_rows_all / n_rows;
			known = true;
		}
		if (all_ms > (runs ? spent_ms : 0))
			left_ms += all_ms - (runs ? spent_ms : 0);
	}
	for (int pass = progress->pass + 1; pass < progress->n_passes; pass++) {
		for (int stage = 0; stage < N_STAGES; stage++) {
			bool over = stage < (int)progress->stage, earlier = progress->pass > 0;
			if (over)
				left_ms += scaled(progress->spent_ms[stage], (enum stage)stage, size, progress->sizes[pass]);
			else if (stage == (int)progress->stage && stage == STAGE_FILL && n_rows > 0)
				left_ms += scaled(spent_ms * (double)progress->n_rows_all / n_rows, STAGE_FILL, size, progress->sizes[pass]);
			else if (earlier)
				left_ms += scaled(progress->ms[stage], (enum stage)stage, progress->sizes[progress->pass - 1], progress->sizes[pass]);
			known |= over;
		}
	}
	return known ? left_ms : -1;
}

// Cut between characters.
static void show(const struct progress *progress, const char *what)
{
	auto_buf line = BUF_INIT, left = BUF_INIT;
	double left_ms = progress->pass < 0 ? -1 : progress_left_ms(progress, (double)clock_us());
	if (progress->n_passes > 1)
		buf_addf(&line, "size %d of %d: ", progress->pass + 1, progress->n_passes);
	if (left_ms >= 1000) {
		buf_adds(&left, progress->pass == 0 && progress->n_passes > 1 ? ", at least " : ", about ");
		if (left_ms < 100 * 1000)
			buf_addf(&left, "%ld s", (long)(left_ms / 1000));
		else
			show_duration(&left, left_ms);
		buf_adds(&left, " left");
	}
	size_t length = strlen(what), room = WIDTH - line.length - left.length;
	while (length > room && length > 0) {
		length--;
		while (length > 0 && ((unsigned char)what[length] & 0xc0) == 0x80)
			length--;
	}
	buf_add(&line, what, length);
	log_progress(progress->log, "%s%s", line.data, left.length > 0 ? left.data : "");
}

static bool is_shown(const struct progress *progress)
{
	return progress != NULL && progress->log != NULL && progress->log->progress;
}

void progress_rows(struct progress *progress, long long n)
{
	auto_buf what = BUF_INIT;
	if (progress == NULL)
		return;
	long long n_rows = atomic_fetch_add(&progress->n_rows, n) + n;
	if (!is_shown(progress))
		return;
	buf_adds(&what, "filling, ");
	show_number(&what, n_rows);
	buf_adds(&what, " of ");
	show_number(&what, progress->n_rows_all);
	buf_adds(&what, " rows");
	show(progress, what.data);
}

void progress_build(struct progress *progress, const char *kind, const char *name)
{
	auto_buf what = BUF_INIT;
	if (!is_shown(progress))
		return;
	buf_addf(&what, "%s %s", kind, name);
	show(progress, what.data);
}

void progress_statement(struct progress *progress, size_t i, size_t n, const char *label)
{
	auto_buf what = BUF_INIT;
	if (!is_shown(progress))
		return;
	buf_addf(&what, "statement %zu", i);
	if (n > 0)
		buf_addf(&what, " of %zu", n);
	buf_addf(&what, ", %s", label);
	show(progress, what.data);
}
