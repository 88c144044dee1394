// SPDX-License-Identifier: PostgreSQL
// A rehearsal as one HTML page: the verdict, who stalls whom over time, then each statement that deserves a word, then what the
// rehearsal rests on. Like the other pages it loads and runs nothing: see reporters/html.h. A clean run is a short page: a sentence,
// the statements, the clone.
#include "rehearse/show/html.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "config.h"
#include "rehearse/show/rehearsal_css.h"
#include "rehearse/show/render.h"
#include "reporters/html.h"

enum { SQL_LINES_SHOWN = 12, TABLES_SHOWN = 15 };

static const double long_ms = 1000; // a statement that has a lane though nobody felt it

static const char *const verdict_marks[] = { "clean", "skew", "drift", "trouble" };

static void count_shown(struct rehearsal_page *page)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	bool any = false;
	for (size_t i = 0; i < rehearsal->n_steps; i++)
		any = any || step_weigh(&rehearsal->steps[i]) != STEP_QUIET;
	page->shown = arena_array(page->arena, rehearsal->n_steps + 1, sizeof *page->shown);
	for (size_t i = 0; i < rehearsal->n_steps && any; i++) {
		const struct step *step = &rehearsal->steps[i];
		bool is_long = step_is_of_migration(step) && step->duration_ms >= long_ms;
		if (step_weigh(step) == STEP_QUIET && !is_long) {
			page->n_after += step_is_of_migration(step);
			continue;
		}
		page->shown[page->n_shown++] = (struct shown_step){ step, page->n_after };
		page->n_after = 0;
	}
}

static void fact(const struct rehearsal_page *page, const char *label, const struct buf *text)
{
	if (text->length > 0)
		buf_addf(page->out, "<div><dt>%s</dt><dd>%s</dd></div>\n", label, text->data);
}

static void card_sql(const struct rehearsal_page *page, const char *sql)
{
	size_t n_lines = 1;
	for (const char *c = sql; *c != '\0'; c++)
		n_lines += *c == '\n';
	bool folded = n_lines > SQL_LINES_SHOWN;
	if (folded)
		buf_addf(page->out, "<details class=\"text\">\n<summary>the statement, %zu lines</summary>\n", n_lines);
	buf_adds(page->out, "<pre class=\"sql\"><code>");
	html_lines(page->out, sql);
	buf_adds(page->out, "</code></pre>\n");
	buf_adds(page->out, folded ? "</details>\n" : "");
}

static void card_findings(const struct rehearsal_page *page, const struct step *step)
{
	if (step->n_findings == 0 && step->error == NULL)
		return;
	buf_adds(page->out, "<ul class=\"findings\">\n");
	for (size_t i = 0; i < step->n_findings; i++) {
		const struct step_finding *finding = step_finding_at(step, i);
		buf_addf(page->out, "<li class=\"%s\"><b>%s</b> ", finding->fails ? "fail" : "warn", finding->fails ? "fails:" : "warns:");
		html_prose(page->out, finding->text);
		if (show_remedy(step, i)) {
			bool sql = remedy_is_sql(finding->remedy);
			buf_adds(page->out, sql ? "<div class=\"instead\"><i>instead</i><pre>" : "<div class=\"instead\"><i>instead</i> ");
			(sql ? html_lines : html_prose)(page->out, finding->remedy);
			buf_adds(page->out, sql ? "</pre></div>" : "</div>");
		}
		buf_adds(page->out, "</li>\n");
	}
	if (step->n_findings == 0 && step->error != NULL) {
		buf_adds(page->out, "<li class=\"fail\"><b>fails:</b> ");
		html_prose(page->out, step->error);
		buf_adds(page->out, "</li>\n");
	}
	buf_adds(page->out, "</ul>\n");
}

static void separate(struct buf *list)
{
	buf_adds(list, list->length > 0 ? "<br>" : "");
}

static void card_facts(const struct rehearsal_page *page, const struct step *step)
{
	auto_buf took = BUF_INIT, growth = BUF_INIT, work = BUF_INIT, tries = BUF_INIT, locks = BUF_INIT, victims = BUF_INIT, tried = BUF_INIT,
	         file = BUF_INIT;
	show_took(&took, step);
	show_growth(&growth, step);
	show_work(&work, step, html_code);
	show_tries(&tries, step);
	for (size_t i = 0; i < step->n_locks; i++) {
		if (!lock_is_worth_a_word(page->rehearsal, step, &step->locks[i]))
			continue;
		separate(&locks);
		show_lock(&locks, &step->locks[i], html_code);
	}
	for (size_t i = 0; i < step->n_victims; i++) {
		if (!victim_is_worth_a_word(&step->victims[i]))
			continue;
		separate(&victims);
		show_victim(&victims, &step->victims[i], html_code);
	}
	show_rewriting(&tried, step, html_prose);
	show_rewriting_file(&file, step, html_prose);
	buf_adds(page->out, "<dl class=\"facts\">\n");
	fact(page, "tried", &tried);
	fact(page, "file", &file);
	fact(page, "took", &took);
	fact(page, "locks", &locks);
	fact(page, "victims", &victims);
	fact(page, "growth", &growth);
	fact(page, "work", &work);
	fact(page, "tries", &tries);
	buf_adds(page->out, "</dl>\n");
}

static void card(const struct rehearsal_page *page, size_t index)
{
	static const char *const classes[] = { "card alarm", "card warn", "card", "card" };
	const struct step *step = page->shown[index].step;
	buf_addf(page->out, "<article class=\"%s\" id=\"statement-%zu\">\n<h3><b class=\"no\">%zu</b> <span class=\"name\">", classes[step_weigh(step)],
	         index + 1, index + 1);
	show_place(page->out, step, html_text);
	buf_adds(page->out, "</span></h3>\n");
	card_findings(page, step);
	card_sql(page, step->sql);
	card_facts(page, step);
	buf_adds(page->out, "</article>\n");
}

static void cards(const struct rehearsal_page *page, enum step_weight weight)
{
	for (size_t i = 0; i < page->n_shown; i++) {
		if (step_weigh(page->shown[i].step) == weight)
			card(page, i);
	}
}

static void failing(const struct rehearsal_page *page)
{
	cards(page, STEP_FAILS);
}

static void warning(const struct rehearsal_page *page)
{
	cards(page, STEP_WARNS);
}

static void felt(const struct rehearsal_page *page)
{
	cards(page, STEP_FELT);
}

static void troubles(const struct rehearsal_page *page)
{
	for (size_t i = 0; i < page->rehearsal->n_troubles; i++) {
		const struct err *err = &page->rehearsal->troubles[i];
		buf_adds(page->out, "<article class=\"card alarm\">\n<h3>");
		html_mark(page->out, "trouble");
		buf_adds(page->out, "<span class=\"name\">");
		html_text(page->out, err->where[0] != '\0' ? err->where : err->code);
		buf_adds(page->out, "</span></h3>\n<p>");
		html_prose(page->out, err->text);
		buf_adds(page->out, "</p>\n");
		if (err->hint[0] != '\0') {
			buf_adds(page->out, "<dl class=\"facts\"><div><dt>do</dt><dd>");
			html_prose(page->out, err->hint);
			buf_adds(page->out, "</dd></div></dl>\n");
		}
		buf_adds(page->out, "</article>\n");
	}
}

// The strongest lock of a step that clients can meet, and of equal ones the longest; NULL: none.
static const struct step_lock *strongest_lock(const struct rehearsal *rehearsal, const struct step *step)
{
	const struct step_lock *best = NULL;
	for (size_t i = 0; i < step->n_locks; i++) {
		const struct step_lock *lock = &step->locks[i];
		if (!lock_is_worth_a_word(rehearsal, step, lock))
			continue;
		bool stronger = best == NULL || strcmp(lock_stops(lock->mode), lock_stops(best->mode)) < 0; // "readers ..." < "writers"
		bool longer = best != NULL && strcmp(lock_stops(lock->mode), lock_stops(best->mode)) == 0 && lock->held_ms > best->held_ms;
		best = stronger || longer ? lock : best;
	}
	return best;
}

static void statement_row(const struct rehearsal_page *page, const struct step *step)
{
	static const char *const classes[] = { "fails", "warns", "felt", "" };
	const struct step_lock *lock = strongest_lock(page->rehearsal, step);
	buf_addf(page->out, "<tr class=\"%s\"><th scope=\"row\">", classes[step_weigh(step)]);
	show_place(page->out, step, html_text);
	buf_adds(page->out, "</th><td class=\"count\" data-label=\"took\">");
	show_duration(page->out, step->duration_ms);
	buf_adds(page->out, "</td><td class=\"count\" data-label=\"a client waited\">");
	if (step_worst_wait_ms(step) > 0)
		show_duration(page->out, step_worst_wait_ms(step));
	else
		buf_adds(page->out, "-");
	buf_adds(page->out, "</td><td data-label=\"stops\">");
	if (lock != NULL) {
		buf_addf(page->out, "%s of ", lock_stops(lock->mode));
		html_code(page->out, lock->relation);
		buf_adds(page->out, " for ");
		show_duration(page->out, lock->held_ms);
	} else {
		buf_adds(page->out, "nobody");
	}
	buf_adds(page->out, "</td></tr>\n");
}

static void statements(const struct rehearsal_page *page)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	bool folded = page->n_shown > 0;
	auto_buf quiet = BUF_INIT, rows = BUF_INIT;
	struct rehearsal_page inner = *page;
	inner.out = &rows;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		if (step_is_of_migration(&rehearsal->steps[i]) || step_weigh(&rehearsal->steps[i]) != STEP_QUIET)
			statement_row(&inner, &rehearsal->steps[i]);
	}
	if (rows.length == 0)
		return;
	show_quiet(&quiet, rehearsal);
	if (folded && quiet.length > 0)
		buf_addf(page->out, "<p>%s</p>\n", quiet.data);
	buf_addf(page->out, "%s<div class=\"scroll\"><table class=\"plain\">\n<thead><tr><th scope=\"col\">statement</th><th scope=\"col\" class=\"count\">took</th>"
	         "<th scope=\"col\" class=\"count\">a client waited</th><th scope=\"col\">stops</th></tr></thead>\n<tbody>\n%s</tbody>\n</table></div>\n%s",
	         folded ? "<details class=\"text\">\n<summary>all of them</summary>\n" : "", rows.data, folded ? "</details>\n" : "");
}

static void table_row(const struct rehearsal_page *page, const struct clone_table *table)
{
	buf_adds(page->out, "<tr><th scope=\"row\">");
	html_text(page->out, table->name);
	buf_adds(page->out, "</th><td class=\"count\" data-label=\"rows\">");
	show_number(page->out, table->rows);
	buf_adds(page->out, "</td><td class=\"count\" data-label=\"there\">");
	if (table->rows_of_env >= 0)
		show_number(page->out, table->rows_of_env);
	else
		buf_adds(page->out, "not known");
	buf_adds(page->out, "</td><td class=\"count\" data-label=\"size\">");
	show_bytes(page->out, table->bytes);
	buf_adds(page->out, "</td><td data-label=\"rests on\">");
	if (table->rests_on != NULL)
		html_prose(page->out, table->rests_on);
	else
		buf_adds(page->out, "full statistics");
	buf_adds(page->out, "</td></tr>\n");
}

static void clone(const struct rehearsal_page *page)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	bool folded = rehearsal->n_tables > TABLES_SHOWN;
	if (rehearsal->n_tables == 0)
		return;
	buf_addf(page->out, "%s<div class=\"scroll\"><table class=\"plain\">\n<thead><tr><th scope=\"col\">table</th><th scope=\"col\" class=\"count\">rows</th>"
	         "<th scope=\"col\" class=\"count\">rows there</th><th scope=\"col\" class=\"count\">size</th><th scope=\"col\">rests on</th></tr></thead>\n<tbody>\n",
	         folded ? "<details class=\"text\">\n<summary>its tables</summary>\n" : "");
	for (size_t i = 0; i < rehearsal->n_tables; i++)
		table_row(page, &rehearsal->tables[i]);
	buf_addf(page->out, "</tbody>\n</table></div>\n%s", folded ? "</details>\n" : "");
}

static void notes(const struct rehearsal_page *page)
{
	auto_buf server = BUF_INIT;
	buf_adds(page->out, "<ul class=\"lines\">\n");
	for (size_t i = 0; i < page->rehearsal->n_unrehearsed; i++) {
		buf_adds(page->out, "<li><strong>Drift</strong>: ");
		show_unrehearsed(page->out, page->rehearsal, &page->rehearsal->unrehearsed[i], html_text);
		buf_adds(page->out, "</li>\n");
	}
	buf_adds(page->out, "<li>Limits: ");
	show_limits(page->out, page->rehearsal, html_text);
	buf_adds(page->out, "</li>\n");
	show_clone_server(&server, page->rehearsal, html_text);
	buf_addf(page->out, server.length > 0 ? "<li>Server: %s</li>\n" : "%s", server.data);
	for (size_t i = 0; i < page->rehearsal->n_notes; i++) {
		buf_adds(page->out, "<li>");
		html_prose(page->out, page->rehearsal->notes[i]);
		buf_adds(page->out, "</li>\n");
	}
	buf_adds(page->out, "</ul>\n");
}

static const struct part {
	const char *anchor, *word, *lead;
	void (*render)(const struct rehearsal_page *page);
	enum step_weight counted; // STEP_QUIET: nothing
} parts[] = {
	{ "trouble", "Trouble", NULL, troubles, STEP_QUIET },
	{ "run", "Who stalls whom", NULL, html_run, STEP_QUIET },
	{ "failing", "Failing", "These do not pass: change them before the release.", failing, STEP_FAILS },
	{ "warnings", "Warnings", "These pass on this clone, under this traffic; read what they say.", warning, STEP_WARNS },
	{ "felt", "Within the limits", "Clients waited for these, no longer than the limits allow.", felt, STEP_FELT },
	{ "statements", "All statements", NULL, statements, STEP_QUIET },
	{ "clone", "The clone", NULL, clone, STEP_QUIET },
	{ "notes", "Limits and notes", NULL, notes, STEP_QUIET },
};

static void section(struct buf *body, struct buf *navigation, const struct rehearsal_page *page, const struct part *part)
{
	auto_buf content = BUF_INIT;
	struct rehearsal_page inner = *page;
	size_t n = 0;
	inner.out = &content;
	part->render(&inner);
	if (content.length == 0)
		return;
	for (size_t i = 0; i < page->n_shown && part->counted != STEP_QUIET; i++)
		n += step_weigh(page->shown[i].step) == part->counted;
	buf_addf(body, "<section id=\"%s\" aria-labelledby=\"%s-heading\">\n<h2 id=\"%s-heading\">%s", part->anchor, part->anchor, part->anchor, part->word);
	buf_addf(navigation, "<li><a href=\"#%s\">%s</a>", part->anchor, part->word);
	if (n > 0) {
		buf_addf(body, " <span class=\"n\">%zu</span>", n);
		buf_addf(navigation, " %zu", n);
	}
	buf_adds(navigation, "</li>\n");
	buf_adds(body, "</h2>\n");
	if (part->lead != NULL)
		buf_addf(body, "<p class=\"lead\">%s</p>\n", part->lead);
	buf_addf(body, "%s</section>\n", content.data);
}

static void banner(const struct rehearsal_page *page, const char *headline, const struct buf *navigation)
{
	const struct rehearsal *rehearsal = page->rehearsal;
	auto_buf summary = BUF_INIT, rewritten = BUF_INIT;
	buf_adds(page->out, "<header class=\"banner\">\n<h1>");
	html_mark(page->out, verdict_marks[rehearsal->verdict]);
	buf_addf(page->out, "<span>%s</span></h1>\n<ul class=\"about\">\n<li><code>driftcheck rehearse", headline);
	if (rehearsal->env != NULL) {
		buf_addc(page->out, ' ');
		html_text(page->out, rehearsal->env);
	}
	buf_adds(page->out, "</code></li>\n");
	if (rehearsal->started != NULL) {
		buf_adds(page->out, "<li>");
		html_time(page->out, rehearsal->started);
		buf_adds(page->out, "</li>\n");
	}
	buf_adds(page->out, "<li>");
	show_course(page->out, rehearsal);
	buf_adds(page->out, "</li>\n<li>clone: ");
	show_clone(page->out, rehearsal);
	buf_adds(page->out, "</li>\n</ul>\n");
	if (page->n_shown > 0)
		show_worst(&summary, rehearsal, html_code);
	else
		show_quiet(&summary, rehearsal);
	if (summary.length > 0)
		buf_addf(page->out, "<p class=\"summary\">%s</p>\n", summary.data);
	show_rewritten(&rewritten, rehearsal, html_prose);
	if (rewritten.length > 0)
		buf_addf(page->out, "<p class=\"summary\">%s</p>\n", rewritten.data);
	buf_addf(page->out, "%s</header>\n", navigation->data);
}

void rehearsal_html(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options)
{
	auto_arena arena = arena_new();
	auto_buf headline = BUF_INIT, body = BUF_INIT, navigation = BUF_INIT;
	struct rehearsal_page page = { .out = out, .arena = arena, .rehearsal = rehearsal };
	if (options->quiet && rehearsal->verdict == REHEARSAL_SHIP)
		return;
	count_shown(&page);
	show_headline(&headline, rehearsal, html_text);
	buf_adds(&navigation, "<nav aria-label=\"Sections\">\n<ul>\n");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		section(&body, &navigation, &page, &parts[i]);
	buf_adds(&navigation, "</ul>\n</nav>\n");
	if (page.n_shown == 0 && rehearsal->n_troubles == 0)
		buf_reset(&navigation);
	html_head(out, headline.data, rehearsal_css);
	buf_addf(out, "<body class=\"%s\">\n", verdict_marks[rehearsal->verdict]);
	html_marks(out);
	banner(&page, headline.data, &navigation);
	buf_addf(out, "<main>\n%s</main>\n<footer>\n<p>All of this ran on a clone. %s</p>\n<p>driftcheck %s</p>\n</footer>\n</body>\n</html>\n", body.data,
	         rehearsal->env != NULL ? "The environment was asked for its versions and statistics, read-only." : "", PACKAGE_VERSION);
}
