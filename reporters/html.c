// SPDX-License-Identifier: PostgreSQL
// The report as one HTML page for a browser, a mail or a build's artifacts: trouble first, then environments side by side,
// then each drift once with the environments that have it, then the migrations with where each environment stands. It has no
// script and asks for nothing from anywhere; the policy at its top makes the browser hold it to that.
#include "reporters/html.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "config.h"
#include "reporters/html_css.h"
#include "reporters/show.h"
#include "reporters/view.h"

const struct html_part html_parts[] = {
	{ "trouble", "Trouble", NULL, html_troubles },
	{ "unread", "Not read", "What could not be read is neither missing nor equal: nothing is known of it.", html_unread },
	{ "environments", "Environments", NULL, html_environments },
	{ "differences", "Differences", NULL, html_differences },
	{ "collisions", "Collisions", "Changed by hand where a pending migration changes it too: the next deploy is at risk.",
	  html_findings, CLASS_COLLISION },
	{ "hand-edits", "Hand edits", "Made, changed or removed in the environment by hand; the repository does not know.",
	  html_findings, CLASS_HAND_EDIT },
	{ "skipped", "Skipped", "In the repository, and not run in the environment, whatever its version table says.",
	  html_findings, CLASS_SKIPPED },
	{ "ahead", "Ahead", "The environment already has what a pending migration makes.", html_findings, CLASS_AHEAD },
	{ "skew", "Version skew", "The environment ran migrations that this checkout lacks, or has in another text.",
	  html_findings, CLASS_VERSION_SKEW },
	{ "migrations", "Migrations", NULL, html_migrations },
	{ "notes", "Notes", NULL, html_notes },
	{ .anchor = NULL },
};

// The marks, drawn once and used by name. Each has a shape of its own, since colour must not be needed to tell them apart.
static const struct {
	const char *name, *drawing; // within a square of 16
} marks[] = {
	{ "clean", "<circle cx=\"8\" cy=\"8\" r=\"7\"/><path class=\"on\" d=\"M4.8 8.4l2.2 2.2 4.3-5\"/>" },
	{ "skew", "<circle cx=\"8\" cy=\"8\" r=\"7\"/><path class=\"on\" d=\"M8 4.2V8l2.6 2\"/>" },
	{ "drift", "<path d=\"M8 .8l7.4 13.9H.6z\"/><path class=\"on\" d=\"M8 5.6v4.2M8 12v.6\"/>" },
	{ "trouble", "<path d=\"M5 1h6l4 4v6l-4 4H5l-4-4V5z\"/><path class=\"on\" d=\"M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2\"/>" },
	{ "applied", "<circle cx=\"8\" cy=\"8\" r=\"4\"/>" },
	{ "head", "<circle class=\"ring\" cx=\"8\" cy=\"8\" r=\"6.6\"/><circle cx=\"8\" cy=\"8\" r=\"3.6\"/>" },
	{ "touched", "<path class=\"ring\" d=\"M8 .9L15.1 8 8 15.1.9 8z\"/><circle cx=\"8\" cy=\"8\" r=\"2.6\"/>" },
	{ "hand", "<path d=\"M8 1.6L14.4 8 8 14.4 1.6 8z\"/>" },
	{ "pending", "<circle class=\"ring\" cx=\"8\" cy=\"8\" r=\"4.2\"/>" },
	{ "skipped", "<circle class=\"ring\" cx=\"8\" cy=\"8\" r=\"6.6\"/>"
	  "<path class=\"ring\" d=\"M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2\"/>" },
	{ "edited", "<circle class=\"ring\" cx=\"8\" cy=\"8\" r=\"6.6\"/><path class=\"ring\" d=\"M4.6 6.4h6.8M4.6 9.6h6.8\"/>" },
	{ "dirty", "<path class=\"ring\" d=\"M8 1.4l6.8 12.8H1.2zM8 6v3.6M8 11.6v.6\"/>" },
	{ "unknown", "<rect class=\"ring\" x=\"1.8\" y=\"1.8\" width=\"12.4\" height=\"12.4\"/>"
	  "<path class=\"ring\" d=\"M6 6.4c0-2.8 4-2.6 4-.2 0 1.6-2 1.6-2 3.4M8 11.4v.6\"/>" },
};

void html_marks(struct buf *out)
{
	buf_adds(out, "<svg class=\"symbols\" aria-hidden=\"true\">\n");
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		buf_addf(out, "<symbol id=\"mark-%s\" viewBox=\"0 0 16 16\">%s</symbol>\n", marks[i].name, marks[i].drawing);
	buf_adds(out, "</svg>\n");
}

// A style's hash, as the policy names it.
static void add_style_hash(struct buf *out, const struct buf *style)
{
	unsigned char digest[EVP_MAX_MD_SIZE], base64[2 * EVP_MAX_MD_SIZE];
	unsigned n = 0;
	invariant(EVP_Digest(style->data, style->length, digest, &n, EVP_sha256(), NULL) == 1, "libcrypto has no SHA-256");
	EVP_EncodeBlock(base64, digest, (int)n);
	buf_addf(out, "sha256-%s", (const char *)base64);
}

void html_head(struct buf *out, const char *title, const char *css)
{
	auto_buf style = BUF_INIT;
	buf_adds(&style, html_css);
	buf_adds(&style, css);
	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '");
	add_style_hash(out, &style);
	buf_addf(out, "'; base-uri 'none'; form-action 'none'\">\n"
	         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	         "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	         "<title>%s - driftcheck</title>\n<style>%s</style>\n</head>\n", title, style.data);
}

void html_time(struct buf *out, const char *rfc3339)
{
	static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
	                                      "October", "November", "December" };
	int year, month, day, hour, minute;
	buf_adds(out, "<time datetime=\"");
	html_text(out, rfc3339);
	buf_adds(out, "\">");
	bool utc = *rfc3339 != '\0' && rfc3339[strlen(rfc3339) - 1] == 'Z';
	if (utc && sscanf(rfc3339, "%4d-%2d-%2dT%2d:%2d:", &year, &month, &day, &hour, &minute) == 5 && month >= 1 && month <= 12)
		buf_addf(out, "%d %s %d, %02d:%02d UTC", day, months[month - 1], year, hour, minute);
	else
		html_text(out, rfc3339);
	buf_adds(out, "</time>");
}

static void add_repo(struct buf *out, const struct repo_report *repo)
{
	enum { SHORT_COMMIT = 12 };
	html_code(out, repo->path);
	buf_adds(out, ", ");
	html_count(out, repo->n_migrations, "migration", "migrations");
	buf_adds(out, " for ");
	html_text(out, repo->framework);
	if (repo->git != NULL) {
		char commit[SHORT_COMMIT + 1];
		snprintf(commit, sizeof commit, "%s", repo->git);
		buf_adds(out, ", commit ");
		html_code(out, commit);
	}
}

static enum verdict worst(const struct report *report)
{
	enum verdict worst = report->n_troubles > 0 || !report->complete ? VERDICT_TROUBLE : VERDICT_CLEAN;
	for (size_t i = 0; i < report->n_envs; i++)
		worst = report->envs[i]->verdict > worst ? report->envs[i]->verdict : worst;
	return worst;
}

static void banner(const struct html_page *page, const char *headline, const struct buf *navigation)
{
	const struct report *report = page->report;
	buf_addf(page->out, "<header class=\"banner\">\n<h1>");
	html_mark(page->out, verdict_names[worst(report)]);
	buf_addf(page->out, "<span>%s</span></h1>\n<ul class=\"about\">\n<li><code>driftcheck ", headline);
	html_text(page->out, report->command);
	buf_adds(page->out, "</code></li>\n<li>");
	html_time(page->out, report->started);
	buf_adds(page->out, "</li>\n");
	for (size_t i = 0; i < report->n_repos; i++) {
		buf_adds(page->out, "<li>");
		add_repo(page->out, &report->repos[i]);
		buf_adds(page->out, "</li>\n");
	}
	buf_addf(page->out, "</ul>\n%s</header>\n", navigation->data);
}

static void section(struct buf *body, struct buf *navigation, const struct html_page *page, const struct html_part *part)
{
	auto_buf content = BUF_INIT;
	struct html_page inner = *page;
	inner.out = &content;
	size_t n = part->render(&inner, part);
	if (content.length == 0)
		return;
	buf_addf(body, "<section id=\"%s\" aria-labelledby=\"%s-heading\">\n<h2 id=\"%s-heading\">%s", part->anchor, part->anchor,
	         part->anchor, part->word);
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

static void footer(const struct html_page *page)
{
	auto_buf legend = BUF_INIT;
	show_legend(&legend, page->report);
	buf_adds(page->out, "<footer>\n");
	if (legend.length > 0)
		buf_addf(page->out, "<p>%s</p>\n", legend.data);
	buf_adds(page->out, "<p>");
	show_closing(page->out, page->report);
	buf_addf(page->out, "</p>\n<p>driftcheck %s</p>\n</footer>\n", PACKAGE_VERSION);
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	report = report_view(arena, report, false);
	struct html_page page = { out, arena, report, options };
	html_group_findings(&page);
	auto_buf headline = BUF_INIT, body = BUF_INIT, navigation = BUF_INIT;
	html_headline(&headline, &page);
	buf_adds(&navigation, "<nav aria-label=\"Sections\">\n<ul>\n");
	for (const struct html_part *part = html_parts; part->anchor != NULL; part++)
		section(&body, &navigation, &page, part);
	buf_adds(&navigation, "</ul>\n</nav>\n");
	if (show_is_clean(report))
		buf_reset(&navigation);

	html_head(out, headline.data, NULL);
	buf_addf(out, "<body class=\"%s\">\n", verdict_names[worst(report)]);
	html_marks(out);
	banner(&page, headline.data, &navigation);
	buf_addf(out, "<main>\n%s</main>\n", body.data);
	footer(&page);
	buf_adds(out, "</body>\n</html>\n");
}

const struct reporter reporter_html = {
	.name = "html",
	.summary = "for a browser: one page, complete in itself",
	.render = render,
};
