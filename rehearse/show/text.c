// SPDX-License-Identifier: PostgreSQL
// A rehearsal for a person in a terminal: the verdict, trouble, then the statements that deserve a word, the worst first, then what it
// rests on. The statements that nobody felt are one line. Prose is wrapped, SQL is cut.
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rehearse/show/render.h"
#include "reporters/show.h"

enum { SQL_SHOWN = 100, MARGIN = 13, WIDTH_DEFAULT = 120, REASONS_MOST = 5 };

enum style { PLAIN, RED, YELLOW, GREEN, BOLD, DIM };

struct page {
	struct buf *out;
	const struct rehearsal *rehearsal;
	const struct render_options *options;
	size_t width;
};

static void paint(const struct page *page, enum style style, const char *text)
{
	static const char *const codes[] = { "", "\033[31m", "\033[33m", "\033[32m", "\033[1m", "\033[2m" };
	bool color = page->options->color && style != PLAIN;
	buf_addf(page->out, "%s%s%s", color ? codes[style] : "", text, color ? "\033[0m" : "");
}

// Harmless prose from column `at` on, broken between words before the edge; what follows stands at `margin`.
static void wrap(const struct page *page, enum style style, const char *text, size_t at, size_t margin)
{
	auto_buf line = BUF_INIT;
	while (*text != '\0') {
		auto_buf word = BUF_INIT;
		size_t length = strcspn(text, " ");
		buf_add(&word, text, length);
		text += length + strspn(text + length, " ");
		if (line.length > 0 && at + show_width(line.data) + 1 + show_width(word.data) > page->width) {
			paint(page, style, line.data);
			buf_addf(page->out, "\n%*s", (int)margin, "");
			buf_reset(&line);
			at = margin;
		}
		buf_addf(&line, "%s%s", line.length > 0 ? " " : "", word.data);
	}
	paint(page, style, line.data);
	buf_addc(page->out, '\n');
}

// "    victims  118 of 120 ...": nothing for an empty text, which is harmless already.
static void labelled(const struct page *page, enum style style, const char *label, const char *text)
{
	if (*text == '\0')
		return;
	buf_adds(page->out, "    ");
	paint(page, style, label);
	buf_addf(page->out, "%*s", (int)(MARGIN - 4 - strlen(label)), "");
	wrap(page, PLAIN, text, MARGIN, MARGIN);
}

static void foreign(const struct page *page, enum style style, const char *label, const char *text)
{
	auto_buf line = BUF_INIT;
	show_line(&line, text == NULL ? "" : text);
	labelled(page, style, label, line.data);
}

static void add_sql(struct buf *out, const char *sql)
{
	auto_buf line = BUF_INIT, shown = BUF_INIT;
	for (const char *c = sql; *c != '\0'; c++) { // white space as one blank
		if (strchr(" \t\r\n", *c) == NULL)
			buf_addc(&line, *c);
		else if (line.length > 0 && line.data[line.length - 1] != ' ')
			buf_addc(&line, ' ');
	}
	size_t length = line.length < SQL_SHOWN ? line.length : SQL_SHOWN;
	while (length < line.length && length > 0 && ((unsigned char)line.data[length] & 0xc0) == 0x80) // not within a character
		length--;
	buf_add(&shown, line.data, length);
	show_line(out, shown.data);
	buf_adds(out, length < line.length ? " ..." : "");
}

static void add_victims(const struct page *page, const struct step *step)
{
	bool first = true;
	for (size_t i = 0; i < step->n_victims; i++) {
		auto_buf line = BUF_INIT;
		if (!victim_is_worth_a_word(&step->victims[i]) && !page->options->verbose)
			continue;
		show_victim(&line, &step->victims[i], show_plain);
		labelled(page, PLAIN, first ? "victims" : "", line.data);
		first = false;
	}
}

// The safer way, which may be several statements: a line each, beneath each other.
static void add_remedy(const struct page *page, const char *remedy)
{
	const char *label = "instead";
	for (const char *line = remedy; line != NULL; label = "") {
		size_t length = strcspn(line, "\n");
		auto_buf text = BUF_INIT;
		buf_add(&text, line, length);
		foreign(page, PLAIN, label, text.data);
		line = line[length] == '\0' ? NULL : line + length + 1;
	}
}

static void add_locks(const struct page *page, const struct step *step)
{
	bool first = true;
	for (size_t i = 0; i < step->n_locks; i++) {
		auto_buf line = BUF_INIT;
		if (!lock_is_worth_a_word(page->rehearsal, step, &step->locks[i]) && !page->options->verbose)
			continue;
		show_lock(&line, &step->locks[i], show_plain);
		labelled(page, PLAIN, first ? "locks" : "", line.data);
		first = false;
	}
}

static void add_step(const struct page *page, const struct step *step)
{
	auto_buf took = BUF_INIT, growth = BUF_INIT, work = BUF_INIT, tries = BUF_INIT, place = BUF_INIT, tried = BUF_INIT, file = BUF_INIT;
	buf_adds(page->out, "\n  ");
	show_place(&place, step, show_plain);
	paint(page, BOLD, place.data);
	buf_adds(page->out, "\n    ");
	add_sql(page->out, step->sql);
	buf_addc(page->out, '\n');
	for (size_t i = 0; i < step->n_findings; i++) {
		const struct step_finding *finding = step_finding_at(step, i);
		foreign(page, finding->fails ? RED : YELLOW, finding->fails ? "fail" : "warn", finding->text);
		if (show_remedy(step, i))
			add_remedy(page, finding->remedy);
	}
	if (step->n_findings == 0)
		foreign(page, RED, "error", step->error);
	show_rewriting(&tried, step, show_plain);
	labelled(page, PLAIN, "tried", tried.data);
	show_rewriting_file(&file, step, show_plain);
	labelled(page, PLAIN, "file", file.data);
	show_took(&took, step);
	labelled(page, PLAIN, "took", took.data);
	add_locks(page, step);
	add_victims(page, step);
	show_growth(&growth, step);
	labelled(page, PLAIN, "growth", growth.data);
	show_work(&work, step, show_plain);
	labelled(page, PLAIN, "work", work.data);
	show_tries(&tries, step);
	labelled(page, PLAIN, "tries", tries.data);
}

static void add_troubles(const struct page *page)
{
	for (size_t i = 0; i < page->rehearsal->n_troubles; i++) {
		const struct err *err = &page->rehearsal->troubles[i];
		buf_adds(page->out, "\n  ");
		paint(page, RED, "trouble");
		buf_adds(page->out, "  ");
		show_line(page->out, err->where[0] != '\0' ? err->where : err->code);
		if (err->where[0] != '\0')
			buf_addf(page->out, " (%s)", err->code);
		buf_addc(page->out, '\n');
		foreign(page, PLAIN, "what", err->text);
		foreign(page, PLAIN, "do", err->hint);
	}
}

// What the rehearsal rests on.
static void add_ground(const struct page *page)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	auto_buf limits = BUF_INIT, clone = BUF_INIT, server = BUF_INIT;
	buf_addc(page->out, '\n');
	for (size_t i = 0; i < rehearsal->n_unrehearsed; i++) {
		auto_buf line = BUF_INIT;
		show_unrehearsed(&line, rehearsal, &rehearsal->unrehearsed[i], show_plain);
		labelled(page, YELLOW, "drift", line.data);
	}
	show_limits(&limits, rehearsal, show_plain);
	labelled(page, DIM, "limits", limits.data);
	show_clone(&clone, rehearsal);
	labelled(page, DIM, "clone", clone.data);
	size_t n_less = 0;
	for (size_t i = 0; i < rehearsal->n_tables && rehearsal->env != NULL; i++) {
		const struct clone_table *table = &rehearsal->tables[i];
		auto_buf line = BUF_INIT;
		if (table->rests_on == NULL || (++n_less > REASONS_MOST && !page->options->verbose))
			continue;
		buf_addf(&line, "%s: %s", table->name, table->rests_on);
		foreign(page, DIM, "", line.data);
	}
	if (n_less > REASONS_MOST && !page->options->verbose) {
		auto_buf line = BUF_INIT;
		buf_addf(&line, "and %zu more tables rest on less than full statistics (--verbose)", n_less - REASONS_MOST);
		labelled(page, DIM, "", line.data);
	}
	show_clone_server(&server, rehearsal, show_plain);
	labelled(page, DIM, "server", server.data);
	for (size_t i = 0; i < rehearsal->n_notes; i++)
		foreign(page, DIM, "note", rehearsal->notes[i]);
}

void rehearsal_text(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options)
{
	static const enum style styles[] = { GREEN, YELLOW, RED, RED };
	const struct page page = { out, rehearsal, options, options->width > 0 ? (size_t)options->width : WIDTH_DEFAULT };
	auto_buf headline = BUF_INIT, course = BUF_INIT, quiet = BUF_INIT, rewritten = BUF_INIT;
	if (options->quiet && rehearsal->verdict == REHEARSAL_SHIP)
		return;
	show_headline(&headline, rehearsal, show_plain);
	paint(&page, styles[rehearsal->verdict], headline.data);
	buf_addc(out, '\n');
	show_course(&course, rehearsal);
	buf_adds(&course, ". ");
	show_worst(&course, rehearsal, show_plain);
	wrap(&page, PLAIN, course.data, 0, 0);
	show_rewritten(&rewritten, rehearsal, show_plain);
	if (rewritten.length > 0)
		wrap(&page, PLAIN, rewritten.data, 0, 0);
	add_troubles(&page);
	for (enum step_weight weight = STEP_FAILS; weight <= STEP_QUIET; weight++) {
		for (size_t i = 0; i < rehearsal->n_steps; i++) {
			bool told = weight != STEP_QUIET || options->verbose;
			if (step_weigh(&rehearsal->steps[i]) == weight && told)
				add_step(&page, &rehearsal->steps[i]);
		}
	}
	show_quiet(&quiet, rehearsal);
	if (quiet.length > 0)
		buf_addf(out, "\n  %s\n", quiet.data);
	add_ground(&page);
}
