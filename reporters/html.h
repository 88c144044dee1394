// SPDX-License-Identifier: PostgreSQL
// What the parts of the HTML report share. A page is one file that loads nothing and runs nothing: its style is inside, and
// the only style that its Content-Security-Policy lets through. Everything that comes out of a database or a repository
// passes html_text or html_lines: control characters and marks that turn text become escapes that can be seen, and what HTML
// would act on becomes a character reference.
#ifndef REPORTERS_HTML_H
#define REPORTERS_HTML_H

#include "reporters/reporter.h"

struct arena;
struct buf;

// A finding, in one environment.
struct html_item {
	const struct env_report *env;
	const struct finding *finding;
};

// The same object, class and attributes in several environments that are compared with the same migrations. What they say may
// still differ: see html_finding.
struct html_group {
	const char *anchor; // of its place in the page
	struct html_item *items;
	size_t n;
};

struct html_page {
	struct buf *out;
	struct arena *arena;
	const struct report *report;
	const struct render_options *options;
	struct html_group *groups; // by class, worst first, then by object; without what a pending migration tells
	size_t n_groups;
};

// Text: one line; and lines with their tabs and line ends (harmless within <pre>).
void html_text(struct buf *out, const char *text);
void html_lines(struct buf *out, const char *text);
// The same set off: as code ("(empty)" where there is nothing), and as the name of an environment. Both serve as `quote` of
// show.h.
void html_code(struct buf *out, const char *text);
void html_env(struct buf *out, const char *text);
// Sentences with foreign words in them: lines stay lines, what stands between backticks becomes code.
void html_prose(struct buf *out, const char *text);
// One of the marks drawn at the top of the page. It says nothing to a screen reader: a word must stand beside it.
void html_mark(struct buf *out, const char *mark);
// The page's head: doctype, policy, title (harmless already), and the style with what `css` adds to it (NULL: nothing).
void html_head(struct buf *out, const char *title, const char *css);
void html_marks(struct buf *out); // the drawings that html_mark uses; once, in the body
// "20 November 2026, 07:00 UTC"
void html_time(struct buf *out, const char *rfc3339);
// "3 findings"
void html_count(struct buf *out, size_t n, const char *one, const char *many);

// Names of environments as one text of our own making: "prod", "prod and staging", "prod and 6 more". An environment that
// stands for others (members) counts as many.
const char *html_env_names(struct arena *arena, const struct env_report *const *envs, size_t n);
size_t html_env_weight(const struct env_report *env);

bool html_is_diff(const struct report *report);
bool html_versions_only(const struct report *report); // a command that reads no schema

// A section of the page. It writes its content to page->out, nothing where it has nothing to say, and returns the number
// that stands beside its heading (0: none).
struct html_part {
	const char *anchor, *word;
	const char *lead; // a sentence beneath the heading; NULL: none
	size_t (*render)(const struct html_page *page, const struct html_part *part);
	enum finding_class class; // of html_findings
};
extern const struct html_part html_parts[]; // in their order; ended by one without an anchor
size_t html_troubles(const struct html_page *page, const struct html_part *part);
size_t html_unread(const struct html_page *page, const struct html_part *part);
size_t html_environments(const struct html_page *page, const struct html_part *part);
size_t html_findings(const struct html_page *page, const struct html_part *part);    // of one class
size_t html_differences(const struct html_page *page, const struct html_part *part); // of `diff`: all of them
size_t html_migrations(const struct html_page *page, const struct html_part *part);
size_t html_notes(const struct html_page *page, const struct html_part *part);

// What the run found, in one sentence.
void html_headline(struct buf *out, const struct html_page *page);
// Fills the groups.
void html_group_findings(struct html_page *page);
// What differs, in full; `have` is what the side that is looked at is called.
void html_definition(const struct html_page *page, const struct finding *finding, const char *have, bool remedy_shows_it);

#endif
