// SPDX-License-Identifier: PostgreSQL
// What the reports for people have in common: the words, the counts, and how foreign text (names, bodies, messages that
// come out of a database) is made harmless. How a piece of foreign text is set off differs (plain in a terminal, a code
// span in Markdown), so the functions that mix it with our own words take the function that writes it.
#ifndef REPORTERS_SHOW_H
#define REPORTERS_SHOW_H

#include "reporters/reporter.h"

struct arena;
struct buf;

// One line: control characters, line ends, marks that turn or hide text and bytes that are no UTF-8 become escapes that can
// be seen (\n, \x1b, \u202e, \xff). A tab stays with show_code. Both return whether anything had to be escaped.
bool show_line(struct buf *out, const char *text);
bool show_code(struct buf *out, const char *text);
void show_plain(struct buf *out, const char *text); // show_line, to be given as `quote`

// Columns that text takes in a terminal: one for each character.
size_t show_width(const char *text);

// The environments worst first, otherwise as they were named: the i-th of report->n_envs.
const struct env_report *show_env(const struct report *report, size_t i);

// Whom an environment stands for: "998 of shops: shop_0001, shop_0002, shop_0003 and 995 more"; nothing where that is itself
// alone.
void show_members(struct buf *out, const struct env_report *env, bool all, void (*quote)(struct buf *, const char *));

// Whether a finding is told by the line of its pending migration, and needs none of its own.
bool show_as_pending(const struct env_report *env, const struct finding *finding);
size_t show_n_findings(const struct env_report *env); // the others
bool show_is_clean(const struct report *report);      // nothing to say with --quiet

const char *show_class(const struct finding *finding);     // "hand edit"
const char *show_verdict(const struct env_report *env);    // "drift", "behind", "clean"
enum severity show_severity(const struct env_report *env); // of the verdict
// "applied in prod, missing in repo"
void show_phrase(struct buf *out, const struct finding *finding, const char *env, void (*quote)(struct buf *, const char *));
// "after 0041 was applied there"; nothing if it is not known
void show_dated(struct buf *out, const struct finding *finding, void (*quote)(struct buf *, const char *));
void show_counts(struct buf *out, const struct env_report *env); // "3 findings, 1 pending"
void show_server(struct buf *out, const struct env_report *env, void (*quote)(struct buf *, const char *));
// "at 0041, repo at 0042"
void show_versions(struct buf *out, const struct env_report *env, void (*quote)(struct buf *, const char *));
void show_closing(struct buf *out, const struct report *report); // "2 environments, 3 findings in 0.4 s. Nothing was written: ..."
// The risk of a statement, NULL where there is none or the statement before it has just said the same.
const char *show_risk(const struct remedy_statement *statements, size_t i);
// What the labels of the remedies mean, and that they are not proven; nothing if none is shown.
void show_legend(struct buf *out, const struct report *report);
void show_unread(struct buf *out, const struct unread *unread, void (*quote)(struct buf *, const char *));

// The lists of versions that need a word, in the order of their gravity.
struct version_words {
	const char *word;    // "unknown"
	const char *meaning; // with {env} for the environment
	const struct versions *versions;
};
enum { VERSION_WORDS = 4 };
void show_version_words(const struct env_report *env, struct version_words words[VERSION_WORDS]);

// Writes a template: {env} becomes the quoted name.
void show_template(struct buf *out, const char *template, const char *env, void (*quote)(struct buf *, const char *));

// Whether troubles[i] says what an earlier one says: environments that share a replay share its failure.
bool show_trouble_again(const struct report *report, size_t i);

// The command that applies pending migrations, or NULL.
const char *show_deploy(const struct env_report *env);
// What has to come before that where a run failed; NULL: nothing.
const char *show_repair(const struct env_report *env);

// The label of a remedy's direction ("undo", "keep", "run"); NULL: that direction has nothing to say for this class.
const char *show_env_label(const struct finding *finding);
const char *show_repo_label(const struct finding *finding);

// The attributes to show for a finding: its own or, for an added or removed object without any, those of the object.
struct finding_attr *show_attrs(struct arena *arena, const struct finding *finding, size_t *n);
// An attribute's name in words ("not null"), and a value of it in words: NULL is "none", flags are yes and no.
void show_attr_name(struct buf *out, const struct attr *attr);
const char *show_value(const struct attr *attr, const char *value);

#endif
