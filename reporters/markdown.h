// SPDX-License-Identifier: PostgreSQL
// GitHub-flavoured Markdown, for whatever is made of it: the Markdown report, an issue, a summary. Names, bodies and messages
// come out of a database that somebody else may control: they stand in code spans and fences alone, each longer than any run
// of backticks inside, since nothing else keeps a renderer from making mentions, links, references or HTML of them.
// (Backslashes and entities do not: they are resolved before mentions are looked for.)
#ifndef REPORTERS_MARKDOWN_H
#define REPORTERS_MARKDOWN_H

#include "reporters/report.h"
#include "reporters/sink.h"

struct arena;
struct buf;

// Foreign text as a code span; in the cell of a table; as sentences of which plain words stay words.
void markdown_span(struct buf *out, const char *text);
void markdown_cell(struct buf *out, const char *text);
void markdown_prose(struct buf *out, const char *text);

// A fenced block. `content` has gone through show_code, line by line; `info` is ours.
void markdown_fence(struct buf *out, const char *info, const char *content);

struct markdown_style {
	const char *heading; // "####"
	enum bodies bodies;  // of functions
};

// A finding with all that is known of it.
void markdown_finding(struct buf *out, struct arena *arena, const struct env_report *env, const struct finding *finding,
                      const struct markdown_style *style);

// What differs, as a diff from the repository to the environment; nothing that the remedy beside it shows anyway.
void markdown_definition(struct buf *out, struct arena *arena, const struct finding *finding, bool remedy_shows_it,
                         const struct markdown_style *style);
void markdown_remedy(struct buf *out, struct arena *arena, const char *label, const struct finding *finding, bool in_env,
                     const struct markdown_style *style);

// Items of a list: what is to be said of the versions, with what is pending last; what was not read, and the notes.
void markdown_versions(struct buf *list, const struct env_report *env);
void markdown_unread(struct buf *list, const struct env_report *env);
void markdown_notes(struct buf *list, const struct env_report *env);

#endif
