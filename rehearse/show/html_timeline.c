// SPDX-License-Identifier: PostgreSQL
// Who stalls whom, at a glance: over one axis of time the waits of clients, beneath them the statements with what they waited and
// worked, beneath them the locks until they were given back. A failing statement's column runs through all three. Positions are
// percentages within drawings as wide as the page, so that the same lanes serve a telephone and a wall; every figure stands in
// words beside its lane as well.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rehearse/show/html.h"
#include "rehearse/show/render.h"
#include "rehearse/verdict.h"
#include "reporters/html.h"

static const double narrowest = 0.45, room_for_number = 2.2, room_for_words = 8, told_lock_ms = 50;

struct chart {
	const struct rehearsal_page *page;
	struct buf *out;
	struct time_axis axis;
	double tallest_ms; // of the scale of waits
};

static void duration(struct buf *out, double ms)
{
	show_duration(out, ms);
}

static void heading(const struct chart *chart, const char *word, const char *lead)
{
	buf_addf(chart->out, "<div class=\"panel\"><h3>%s</h3><p>%s</p></div>\n", word, lead);
}

static void begin_row(const struct chart *chart, const char *class)
{
	buf_addf(chart->out, "<div class=\"row %s\"><div class=\"who\">", class);
}

static void begin_track(const struct chart *chart)
{
	buf_adds(chart->out, "</div><svg class=\"track\" aria-hidden=\"true\">");
}

static void end_row(const struct chart *chart)
{
	buf_adds(chart->out, "</svg></div>\n");
}

// A bar between two times; y and height in percent.
static void bar(const struct chart *chart, const char *class, double from_ms, double to_ms, double y, double height)
{
	double x = time_axis_x(&chart->axis, from_ms), width = time_axis_x(&chart->axis, to_ms) - x;
	width = width < narrowest ? narrowest : width;
	x = x + width > 100 ? 100 - width : x;
	buf_addf(chart->out, "<rect class=\"%s\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%.1f%%\" height=\"%.1f%%\"%s/>", class, x, width, y, height,
	         strcmp(class, "wait") == 0 ? " fill=\"url(#waiting)\"" : strcmp(class, "stops-writers") == 0 ? " fill=\"url(#half)\"" : "");
}

static void tick(const struct chart *chart, const char *class, double at_ms, double y, double height)
{
	double x = time_axis_x(&chart->axis, at_ms);
	buf_addf(chart->out, "<line class=\"%s\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f%%\" y2=\"%.1f%%\"/>", class, x, x, y, y + height);
}

// Beside what ends at a time; to the left of what begins there, where the right has no room.
static void caption(const struct chart *chart, double from_ms, double to_ms, double ms)
{
	double x = time_axis_x(&chart->axis, to_ms);
	bool left = x > 82;
	buf_addf(chart->out, "<text class=\"%s\" x=\"%.2f%%\" y=\"50%%\" dx=\"%s\" dy=\".35em\">", left ? "before" : "after",
	         left ? time_axis_x(&chart->axis, from_ms) : x, left ? "-6" : "6");
	duration(chart->out, ms);
	buf_adds(chart->out, "</text>");
}

static double end_of(const struct step *step)
{
	return step->start_ms + step->duration_ms;
}

// The columns of what fails or warns, behind all lanes, and where each statement begins.
static void ground(const struct chart *chart)
{
	static const char *const classes[] = { "column fails", "column warns", "column felt", "column" };
	buf_adds(chart->out, "<svg class=\"ground\" aria-hidden=\"true\">");
	for (size_t i = 0; i < chart->page->n_shown; i++) {
		const struct step *step = chart->page->shown[i].step;
		double x = time_axis_x(&chart->axis, step->start_ms), width = time_axis_x(&chart->axis, end_of(step)) - x;
		buf_addf(chart->out, "<rect class=\"%s\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"0\" height=\"100%%\"/>", classes[step_weigh(step)], x,
		         width < narrowest ? narrowest : width);
		buf_addf(chart->out, "<line class=\"edge\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"0\" y2=\"100%%\"/>", x, x);
	}
	buf_adds(chart->out, "</svg>\n");
}

static void numbers(const struct chart *chart)
{
	double free_from = -100;
	begin_row(chart, "numbers");
	buf_adds(chart->out, "<span class=\"quiet\">statement</span>");
	begin_track(chart);
	for (size_t i = 0; i < chart->page->n_shown; i++) {
		const struct step *step = chart->page->shown[i].step;
		double x = (time_axis_x(&chart->axis, step->start_ms) + time_axis_x(&chart->axis, end_of(step))) / 2;
		if (x < free_from)
			continue;
		buf_addf(chart->out, "<text class=\"number\" x=\"%.2f%%\" y=\"50%%\" dy=\".35em\">%zu</text>", x, i + 1);
		free_from = x + room_for_number;
	}
	end_row(chart);
}

// The lane of one table and operation: the worst of it decides whether and where it is shown.
struct wait_lane {
	const char *relation;
	enum operation operation;
	const char *noun;
	double worst_ms;
	bool told;
};

static const struct step_victim *victim_of(const struct step *step, const struct wait_lane *lane)
{
	for (size_t i = 0; i < step->n_victims; i++) {
		if (step->victims[i].operation == lane->operation && strcmp(step->victims[i].relation, lane->relation) == 0)
			return &step->victims[i];
	}
	return NULL;
}

static struct wait_lane *wait_lanes(const struct rehearsal_page *page, size_t *n_lanes)
{
	size_t n = 0, capacity = 0;
	struct wait_lane *lanes = NULL;
	for (size_t i = 0; i < page->n_shown; i++) {
		for (size_t v = 0; v < page->shown[i].step->n_victims; v++) {
			const struct step_victim *victim = &page->shown[i].step->victims[v];
			size_t at = 0;
			while (at < n && (lanes[at].operation != victim->operation || strcmp(lanes[at].relation, victim->relation) != 0))
				at++;
			if (at == n) {
				lanes = arena_grow(page->arena, lanes, n, &capacity, sizeof *lanes);
				lanes[n++] = (struct wait_lane){ .relation = victim->relation, .operation = victim->operation, .noun = victim_noun(victim) };
			}
			lanes[at].worst_ms = victim->max_ms > lanes[at].worst_ms ? victim->max_ms : lanes[at].worst_ms;
			lanes[at].told = lanes[at].told || victim_is_worth_a_word(victim);
		}
	}
	for (size_t i = 1; i < n; i++) { // the worst first; equal ones as they came
		struct wait_lane lane = lanes[i];
		size_t at = i;
		for (; at > 0 && lanes[at - 1].worst_ms < lane.worst_ms; at--)
			lanes[at] = lanes[at - 1];
		lanes[at] = lane;
	}
	*n_lanes = n;
	return lanes;
}

// The height of a wait, in percent. The cube root keeps a second visible beside five minutes, and the five minutes taller.
static double height_of(const struct chart *chart, double ms)
{
	return ms <= 0 ? 0 : 96 * cbrt(ms / chart->tallest_ms);
}

static void wait_bars(const struct chart *chart, const struct step *step, const struct step_victim *victim)
{
	double limit = (double)chart->page->rehearsal->lock_timeout_ms;
	double x = time_axis_x(&chart->axis, step->start_ms), width = time_axis_x(&chart->axis, end_of(step)) - x;
	bool over = victim->n_errors > 0 || (limit > 0 && victim->max_ms > limit), felt = victim_is_worth_a_word(victim);
	const char *colour = !felt ? "calm" : over ? "over" : "slow";
	const struct { const char *class; double ms; } bars[] = { { "max", victim->max_ms }, { "p99", victim->p99_ms } };
	width = width < narrowest ? narrowest : width;
	for (size_t i = 0; i < 2; i++) {
		double height = height_of(chart, bars[i].ms);
		buf_addf(chart->out, "<rect class=\"%s %s\" x=\"%.2f%%\" width=\"%.2f%%\" y=\"%.1f%%\" height=\"%.1f%%\"/>", bars[i].class, colour, x, width,
		         100 - height, height);
	}
	double baseline = 100 - height_of(chart, victim->baseline_p99_ms);
	buf_addf(chart->out, "<line class=\"baseline\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%.1f%%\" y2=\"%.1f%%\"/>", x, x + width, baseline, baseline);
}

static void wait_figure(const struct chart *chart, const struct step *step, const struct step_victim *victim)
{
	double x = time_axis_x(&chart->axis, step->start_ms), width = time_axis_x(&chart->axis, end_of(step)) - x;
	double height = height_of(chart, victim->max_ms);
	bool inside = height > 55, on_pale = height_of(chart, victim->p99_ms) < height - 20;
	if (!victim_is_worth_a_word(victim) || width < room_for_words)
		return;
	buf_addf(chart->out, "<text class=\"%s\" x=\"%.2f%%\" y=\"%.1f%%\" dy=\"%s\">", !inside ? "above" : on_pale ? "pale" : "inside", x + width / 2, 100 - height,
	         inside ? "1.3em" : "-.4em");
	duration(chart->out, victim->max_ms);
	buf_adds(chart->out, "</text>");
}

static void wait_lane(const struct chart *chart, const struct wait_lane *lane)
{
	double limit = (double)chart->page->rehearsal->lock_timeout_ms;
	begin_row(chart, "waits");
	buf_addf(chart->out, "<span class=\"quiet\">%ss of</span> <span class=\"name\">", lane->noun);
	html_text(chart->out, lane->relation);
	buf_adds(chart->out, "</span> <small>up to <b>");
	duration(chart->out, lane->worst_ms);
	buf_adds(chart->out, "</b></small>");
	begin_track(chart);
	for (size_t i = 0; i < chart->page->n_shown; i++) {
		const struct step *step = chart->page->shown[i].step;
		const struct step_victim *victim = victim_of(step, lane);
		if (victim != NULL && victim->n_tries > 0)
			wait_bars(chart, step, victim);
	}
	if (limit > 0) {
		double y = 100 - height_of(chart, limit);
		buf_addf(chart->out, "<line class=\"limit\" x1=\"0\" x2=\"100%%\" y1=\"%.1f%%\" y2=\"%.1f%%\"/>", y, y);
	}
	for (size_t i = 0; i < chart->page->n_shown; i++) { // over the line
		const struct step_victim *victim = victim_of(chart->page->shown[i].step, lane);
		if (victim != NULL)
			wait_figure(chart, chart->page->shown[i].step, victim);
	}
	end_row(chart);
}

static void waits(struct chart *chart)
{
	size_t n, n_told = 0, n_calm = 0;
	double calm_ms = 0;
	const struct wait_lane *lanes = wait_lanes(chart->page, &n);
	double limit = (double)chart->page->rehearsal->lock_timeout_ms;
	chart->tallest_ms = limit > 10 ? limit * 1.25 : 10;
	for (size_t i = 0; i < n; i++) {
		chart->tallest_ms = lanes[i].worst_ms > chart->tallest_ms ? lanes[i].worst_ms : chart->tallest_ms;
		n_told += lanes[i].told;
	}
	if (n_told > 0) {
		auto_buf lead = BUF_INIT;
		buf_adds(&lead, "what reads and writes took: the longest; full colour: p99");
		if (limit > 0) {
			buf_adds(&lead, "; the dashed line is lock_timeout, ");
			duration(&lead, limit);
		}
		heading(chart, "Who waited", lead.data);
	}
	for (size_t i = 0; i < n; i++) {
		if (lanes[i].told) {
			wait_lane(chart, &lanes[i]);
			continue;
		}
		n_calm++;
		calm_ms = lanes[i].worst_ms > calm_ms ? lanes[i].worst_ms : calm_ms;
	}
	if (n_calm > 0) {
		buf_adds(chart->out, "<p class=\"rest\">");
		html_count(chart->out, n_calm, "other kind of read or write", "other kinds of reads and writes");
		buf_adds(chart->out, " never took longer than ");
		duration(chart->out, calm_ms);
		buf_adds(chart->out, "</p>\n");
	}
}

static void quiet_row(const struct chart *chart, size_t n, double from_ms, double to_ms)
{
	if (n == 0)
		return;
	begin_row(chart, "calm");
	buf_adds(chart->out, "<span class=\"quiet\">");
	html_count(chart->out, n, "statement that nobody felt", "statements that nobody felt");
	buf_adds(chart->out, "</span>");
	begin_track(chart);
	bar(chart, "idle", from_ms, to_ms, 40, 20);
	end_row(chart);
}

static void waiting_bars(const struct chart *chart, const struct step *step)
{
	bool seen = false;
	for (size_t i = 0; i < step->n_locks; i++) {
		const struct step_lock *lock = &step->locks[i];
		if (lock->wait_ms < 1)
			continue;
		double from_ms = lock->acquire_ms - lock->wait_ms;
		bar(chart, "wait", from_ms > step->start_ms ? from_ms : step->start_ms, lock->acquire_ms, 15, 70);
		seen = true;
	}
	if (!seen && step->lock_wait_ms >= 1)
		bar(chart, "wait", step->start_ms, step->start_ms + step->lock_wait_ms, 15, 70);
}

static void statement_row(const struct chart *chart, size_t index)
{
	static const char *const classes[] = { "statement fails", "statement warns", "statement felt", "statement" };
	const struct rehearsal *rehearsal = chart->page->rehearsal;
	const struct step *step = chart->page->shown[index].step;
	double end_ms = end_of(step), held_until_ms = end_ms;
	bool reads = false;
	for (size_t i = 0; i < step->n_locks; i++) {
		double until_ms = step->locks[i].acquire_ms + step->locks[i].held_ms;
		if (!lock_is_worth_a_word(rehearsal, step, &step->locks[i]))
			continue;
		held_until_ms = until_ms > held_until_ms ? until_ms : held_until_ms;
		reads = reads || lock_blocks(step->locks[i].mode, OPERATION_READ);
	}
	begin_row(chart, classes[step_weigh(step)]);
	auto_buf place = BUF_INIT;
	buf_addf(&place, "%s:%u", step->label != NULL ? step->label : step->file != NULL ? step->file : "", step->line);
	bool linked = step_weigh(step) != STEP_QUIET;
	if (linked)
		buf_addf(chart->out, "<a href=\"#statement-%zu\">", index + 1);
	buf_addf(chart->out, "<b class=\"no\">%zu</b> <span class=\"name\">", index + 1);
	html_text(chart->out, step->label != NULL || step->file != NULL ? place.data : "(no file)");
	buf_addf(chart->out, "</span>%s", linked ? "</a>" : "");
	begin_track(chart);
	if (held_until_ms > end_ms)
		bar(chart, reads ? "tail reads" : "tail", end_ms, held_until_ms, 44, 12);
	bar(chart, "work", step->start_ms, end_ms, 15, 70);
	waiting_bars(chart, step);
	double limit = (double)rehearsal->statement_timeout_ms;
	if (limit > 0 && step->duration_ms > limit)
		tick(chart, "limit", step->start_ms + limit, 0, 100);
	caption(chart, step->start_ms, held_until_ms, step->duration_ms);
	end_row(chart);
}

static void statements(const struct chart *chart)
{
	const struct rehearsal_page *page = chart->page;
	const struct rehearsal *rehearsal = page->rehearsal;
	double from_ms = rehearsal->steps[0].start_ms;
	heading(chart, "What ran", "the statements that somebody felt or that took a second, one lane each");
	for (size_t i = 0; i < page->n_shown; i++) {
		quiet_row(chart, page->shown[i].n_before, from_ms, page->shown[i].step->start_ms);
		statement_row(chart, i);
		from_ms = end_of(page->shown[i].step);
	}
	quiet_row(chart, page->n_after, from_ms, end_of(&rehearsal->steps[rehearsal->n_steps - 1]));
}

static void lock_bars(const struct chart *chart, const char *relation, enum operation operation, double limit)
{
	const struct rehearsal *rehearsal = chart->page->rehearsal;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		for (size_t j = 0; j < rehearsal->steps[i].n_locks; j++) {
			const struct step_lock *lock = &rehearsal->steps[i].locks[j];
			bool reads = lock_blocks(lock->mode, OPERATION_READ), writes = lock_blocks(lock->mode, OPERATION_WRITE);
			if (strcmp(lock->relation, relation) != 0 || !(reads || writes) || reads != (operation == OPERATION_READ))
				continue;
			double until_ms = lock->acquire_ms + lock->held_ms;
			if (lock->wait_ms >= 1)
				bar(chart, "wait", lock->acquire_ms - lock->wait_ms, lock->acquire_ms, 20, 60);
			bar(chart, reads ? "stops-all" : "stops-writers", lock->acquire_ms, until_ms, 20, 60);
			if (limit > 0 && lock->held_ms > limit)
				tick(chart, "limit", lock->acquire_ms + limit, 0, 100);
		}
	}
}

// The longest hold of a relation by a lock that is worth a word, and its mode.
struct lock_lane {
	const char *relation, *mode;
	double held_ms, wait_ms;
	bool told;
};

static struct lock_lane *lock_lanes(const struct rehearsal_page *page, size_t *n_lanes)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	size_t n = 0, capacity = 0;
	struct lock_lane *lanes = NULL;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		for (size_t j = 0; j < step->n_locks; j++) {
			const struct step_lock *lock = &step->locks[j];
			if (!lock_is_worth_a_word(rehearsal, step, lock))
				continue;
			size_t at = 0;
			while (at < n && strcmp(lanes[at].relation, lock->relation) != 0)
				at++;
			if (at == n) {
				lanes = arena_grow(page->arena, lanes, n, &capacity, sizeof *lanes);
				lanes[n++] = (struct lock_lane){ .relation = lock->relation, .mode = lock->mode };
			}
			if (lock->held_ms > lanes[at].held_ms) {
				lanes[at].held_ms = lock->held_ms;
				lanes[at].mode = lock->mode;
			}
			lanes[at].wait_ms = lock->wait_ms > lanes[at].wait_ms ? lock->wait_ms : lanes[at].wait_ms;
			lanes[at].told = lanes[at].told || lock->held_ms >= told_lock_ms || lock->wait_ms >= told_lock_ms;
		}
	}
	*n_lanes = n;
	return lanes;
}

static void lock_lane(const struct chart *chart, const struct lock_lane *lane)
{
	double limit = (double)chart->page->rehearsal->lock_timeout_ms;
	begin_row(chart, "locks");
	buf_adds(chart->out, "<span class=\"name\">");
	html_text(chart->out, lane->relation);
	buf_addf(chart->out, "</span> <small>%s, <b>", lane->mode);
	duration(chart->out, lane->held_ms);
	buf_adds(chart->out, "</b>");
	if (lane->wait_ms >= told_lock_ms) {
		buf_adds(chart->out, " after waiting ");
		duration(chart->out, lane->wait_ms);
	}
	buf_adds(chart->out, "</small>");
	begin_track(chart);
	lock_bars(chart, lane->relation, OPERATION_WRITE, limit); // beneath
	lock_bars(chart, lane->relation, OPERATION_READ, limit);
	end_row(chart);
}

static void locks(const struct chart *chart)
{
	size_t n, n_told = 0, n_brief = 0;
	double brief_ms = 0;
	const struct lock_lane *lanes = lock_lanes(chart->page, &n);
	for (size_t i = 0; i < n; i++)
		n_told += lanes[i].told;
	if (n_told > 0)
		heading(chart, "What was locked", "until the end of the transaction that took the lock, whatever ran in between");
	for (size_t i = 0; i < n; i++) {
		if (lanes[i].told) {
			lock_lane(chart, &lanes[i]);
			continue;
		}
		n_brief++;
		brief_ms = lanes[i].held_ms > brief_ms ? lanes[i].held_ms : brief_ms;
	}
	if (n_brief > 0) {
		buf_adds(chart->out, "<p class=\"rest\">");
		html_count(chart->out, n_brief, n_told > 0 ? "other relation was" : "relation was", n_told > 0 ? "other relations were" : "relations were");
		buf_adds(chart->out, " locked, never longer than ");
		duration(chart->out, brief_ms);
		buf_adds(chart->out, "</p>\n");
	}
}

static void key(struct buf *out, const char *class, const char *fill, const char *text)
{
	buf_addf(out, "<li><svg class=\"key\" aria-hidden=\"true\"><rect class=\"%s\" x=\"0\" y=\"20%%\" width=\"100%%\" height=\"60%%\"%s/></svg> %s</li>\n", class, fill,
	         text);
}

static void keys(struct buf *out)
{
	buf_adds(out, "<figcaption>\n<ul class=\"keys\">\n");
	key(out, "p99 over", "", "clients that waited beyond lock_timeout, or failed");
	key(out, "p99 slow", "", "clients that waited less");
	key(out, "baseline-key", "", "p99 before the migration");
	key(out, "work", "", "working");
	key(out, "wait", " fill=\"url(#waiting)\"", "waiting for a lock: whoever comes later waits behind it");
	key(out, "stops-all", "", "stops readers and writers");
	key(out, "stops-writers", " fill=\"url(#half)\"", "stops writers");
	key(out, "limit-key", "", "the timeout passes here");
	buf_adds(out, "</ul>\n<p>Time runs to the right, and is compressed, as are the heights: ten times as long is drawn only a little larger, so that "
	         "what is short can be seen. The figures are the measured times.</p>\n</figcaption>\n");
}

void html_run(const struct rehearsal_page *page)
{
	struct chart chart = { .page = page, .out = page->out };
	if (page->n_shown == 0)
		return;
	time_axis_make(&chart.axis, page);
	buf_adds(page->out, "<svg class=\"symbols\" aria-hidden=\"true\">\n"
	         "<pattern id=\"waiting\" patternUnits=\"userSpaceOnUse\" width=\"6\" height=\"6\"><rect class=\"blank\" width=\"6\" height=\"6\"/><path class=\"stripe\" d=\"M-1 1l2-2M0 6l6-6M5 7l2-2\"/></pattern>\n"
	         "<pattern id=\"half\" patternUnits=\"userSpaceOnUse\" width=\"4\" height=\"4\"><rect class=\"blank\" width=\"4\" height=\"4\"/><rect class=\"half\" width=\"4\" height=\"4\"/>"
	         "<path class=\"grain\" d=\"M0 1h4M0 3h4\"/></pattern>\n</svg>\n<figure class=\"run\">\n<div class=\"lanes\">\n");
	ground(&chart);
	numbers(&chart);
	waits(&chart);
	statements(&chart);
	locks(&chart);
	buf_adds(page->out, "</div>\n");
	keys(page->out);
	buf_adds(page->out, "</figure>\n");
}
