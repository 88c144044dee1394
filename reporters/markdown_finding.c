// SPDX-License-Identifier: PostgreSQL
// Findings and versions in Markdown: see markdown.h.
#include "reporters/markdown.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"

enum { DIFF_CONTEXT = 3, HASH_SHOWN = 12 };

static bool add_lines(struct arena *arena, struct buf *content, const char *prefix, const char *text)
{
	size_t n;
	const char **lines = text_lines(arena, text, &n);
	bool escaped = false;
	for (size_t i = 0; i < n; i++) {
		buf_adds(content, prefix);
		escaped |= show_code(content, lines[i]);
		buf_addc(content, '\n');
	}
	return escaped;
}

static bool has_source(const struct kind *kind)
{
	for (unsigned i = 0; i < kind->n_attrs; i++) {
		if (kind->attrs[i].form == FORM_BODY)
			return true;
	}
	return false;
}

// Whether an attribute is the source of a function: its body, or the statement that some functions have instead.
static bool is_source(const struct kind *kind, const struct attr *attr)
{
	return attr->form == FORM_BODY || (attr->form == FORM_STATEMENT && has_source(kind));
}

// A value as this style shows it: what a function does may be nobody else's business, and its hash still tells equal from not.
static const char *styled(struct arena *arena, const struct kind *kind, const struct attr *attr, const char *value,
                          const struct markdown_style *style)
{
	if (style->bodies == BODIES_DIFF || value == NULL || value == VALUE_UNREAD || !is_source(kind, attr))
		return value;
	char hash[DIGEST_SHA256_HEX];
	size_t n;
	digest_sha256_hex(value, strlen(value), hash);
	text_lines(arena, value, &n);
	return arena_printf(arena, "%zu line%s, SHA-256 %.*s", n, n == 1 ? "" : "s", HASH_SHOWN, hash);
}

static void attribute_lines(struct arena *arena, struct buf *content, const struct attr *attr, const struct finding_attr *change)
{
	const char *want = show_value(attr, change->want), *have = show_value(attr, change->have);
	auto_buf name = BUF_INIT;
	show_attr_name(&name, attr);
	if (strchr(want, '\n') == NULL && strchr(have, '\n') == NULL) {
		const struct { const char *mark, *value; } sides[] = { { "-", want }, { "+", have } };
		for (size_t i = 0; i < 2; i++) {
			buf_addf(content, "%s %s: ", sides[i].mark, name.data);
			show_line(content, sides[i].value);
			buf_addc(content, '\n');
		}
	} else {
		buf_addf(content, "@@ %s @@\n", name.data);
		size_t n;
		struct diff_line *lines = line_diff(arena, change->want == NULL ? "" : want, change->have == NULL ? "" : have,
		                                    DIFF_CONTEXT, &n);
		for (size_t i = 0; i < n; i++) {
			if (lines[i].mark == LINE_GAP) {
				buf_adds(content, "  …\n");
				continue;
			}
			buf_addf(content, "%c ", lines[i].mark);
			show_code(content, lines[i].text);
			buf_addc(content, '\n');
		}
	}
	if (change->base_differs) {
		buf_addf(content, "  %s, as applied: ", name.data);
		show_line(content, show_value(attr, change->base));
		buf_addc(content, '\n');
	}
}

// What the repository has is `-`, what the environment has is `+`.
void markdown_definition(struct buf *out, struct arena *arena, const struct finding *finding, bool remedy_shows_it,
                         const struct markdown_style *style)
{
	const struct kind *kind = finding->object->kind;
	auto_buf content = BUF_INIT;
	size_t n;
	const struct finding_attr *attrs = show_attrs(arena, finding, &n);
	for (size_t i = 0; i < n; i++) {
		const struct attr *attr = &kind->attrs[attrs[i].attr];
		struct finding_attr shown = attrs[i];
		shown.want = styled(arena, kind, attr, shown.want, style);
		shown.have = styled(arena, kind, attr, shown.have, style);
		shown.base = shown.base_differs ? styled(arena, kind, attr, shown.base, style) : NULL;
		const char *value = finding->change == CHANGE_ADDED ? shown.have : shown.want;
		if (finding->change == CHANGE_ALTERED) {
			attribute_lines(arena, &content, attr, &shown);
		} else if (value != NULL && !remedy_shows_it) {
			const char *mark = finding->change == CHANGE_ADDED ? "+ " : "- ";
			auto_buf name = BUF_INIT;
			show_attr_name(&name, attr);
			bool lines = strchr(value, '\n') != NULL;
			buf_addf(&content, "%s%s:%s", mark, name.data, lines ? "\n" : " ");
			if (lines)
				add_lines(arena, &content, mark, value);
			else
				show_line(&content, show_value(attr, value));
			buf_adds(&content, lines ? "" : "\n");
		}
	}
	if (content.length > 0)
		markdown_fence(out, "diff", content.data);
}

// Whether a statement holds the source of the function that it is about. (Whoever makes or replaces one must say it.)
static bool tells_source(const struct finding *finding, const char *sql)
{
	return has_source(finding->object->kind) && strcasestr(sql, "create") != NULL;
}

void markdown_remedy(struct buf *out, struct arena *arena, const char *label, const struct finding *finding, bool in_env,
                     const struct markdown_style *style)
{
	const struct remedy_statement *statements = in_env ? finding->env : finding->repo;
	size_t n = in_env ? finding->n_env : finding->n_repo;
	auto_buf content = BUF_INIT;
	bool escaped = false;
	for (size_t i = 0; i < n; i++) {
		const char *risk = show_risk(statements, i);
		if (risk != NULL) {
			buf_adds(&content, "-- ");
			escaped |= show_line(&content, risk);
			buf_addc(&content, '\n');
		}
		if (style->bodies == BODIES_HASH && tells_source(finding, statements[i].sql))
			buf_adds(&content, "-- left out: a statement that holds the function's source; run driftcheck to see it\n");
		else
			escaped |= add_lines(arena, &content, "", statements[i].sql);
	}
	buf_addf(out, "\n%s:\n", label);
	markdown_fence(out, "sql", content.data);
	if (escaped)
		buf_adds(out, "\nCharacters that cannot be seen are shown escaped above; the JSON report has the exact text.\n");
}

static void facts(struct buf *out, const struct finding *finding)
{
	auto_buf list = BUF_INIT;
	if (finding->evidence != NULL) {
		buf_adds(&list, "- why: ");
		markdown_prose(&list, finding->evidence);
		buf_addc(&list, '\n');
	}
	auto_buf dated = BUF_INIT;
	show_dated(&dated, finding, markdown_span);
	if (dated.length > 0)
		buf_addf(&list, "- when: %s\n", dated.data);
	if (finding->origin != NULL && finding->origin->file != NULL) {
		auto_buf from = BUF_INIT;
		buf_addf(&from, "%s:%u", finding->origin->file, finding->origin->line);
		buf_addf(&list, "- %s: ", finding->change == CHANGE_ADDED && finding->class == CLASS_HAND_EDIT ? "parent" : "from");
		markdown_span(&list, from.data);
		buf_addc(&list, '\n');
	}
	if (list.length > 0)
		buf_addf(out, "\n%s", list.data);
}

void markdown_finding(struct buf *out, struct arena *arena, const struct env_report *env, const struct finding *finding,
                      const struct markdown_style *style)
{
	buf_addf(out, "\n%s %s: %s ", style->heading, show_class(finding), finding->object->kind->name);
	markdown_span(out, finding->name);
	buf_adds(out, "\n\n");
	show_phrase(out, finding, env->name, markdown_span);
	if (finding->change == CHANGE_ALTERED) {
		buf_adds(out, " (- repo, + ");
		markdown_span(out, env->name);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
	const char *keep = show_repo_label(finding), *run = show_env_label(finding);
	const char *makes_it = finding->change == CHANGE_ADDED ? keep : run; // the remedy that shows the definition as well
	bool withheld = style->bodies == BODIES_HASH && has_source(finding->object->kind);
	markdown_definition(out, arena, finding, makes_it != NULL && !withheld, style);
	facts(out, finding);
	if (keep != NULL)
		markdown_remedy(out, arena, keep, finding, false, style);
	if (run != NULL)
		markdown_remedy(out, arena, run, finding, true, style);
}

void markdown_versions(struct buf *list, const struct env_report *env)
{
	struct version_words words[VERSION_WORDS];
	show_version_words(env, words);
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		for (size_t v = 0; v < words[i].versions->n; v++) {
			buf_adds(list, v > 0 ? ", " : "");
			if (v == 0)
				buf_addf(list, "- %s: ", words[i].word);
			markdown_span(list, words[i].versions->items[v]);
		}
		if (words[i].versions->n > 0) {
			buf_adds(list, ": ");
			show_template(list, words[i].meaning, env->name, markdown_span);
			buf_addc(list, '\n');
		}
	}
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		const struct pending_line *pending = &env->pending_lines[i];
		buf_adds(list, "- pending: ");
		markdown_span(list, pending->label);
		buf_adds(list, pending->outdated ? ": its text changed since it last ran" : "");
		if (pending->effects != NULL && *pending->effects != '\0') {
			buf_adds(list, pending->outdated ? "; " : ": ");
			markdown_prose(list, pending->effects);
		}
		buf_addc(list, '\n');
	}
	for (size_t v = 0; env->n_pending_lines == 0 && v < env->pending.n; v++) {
		buf_adds(list, "- pending: ");
		markdown_span(list, env->pending.items[v]);
		buf_addc(list, '\n');
	}
	const char *const steps[][2] = { { "first", show_repair(env) },
	                                 { "run", env->pending.n > 0 || env->dirty.n > 0 ? show_deploy(env) : NULL } };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (steps[i][1] == NULL)
			continue;
		buf_addf(list, "- %s: ", steps[i][0]);
		markdown_span(list, steps[i][1]);
		buf_addc(list, '\n');
	}
}

void markdown_unread(struct buf *list, const struct env_report *env)
{
	for (size_t i = 0; i < env->n_unread; i++) {
		buf_adds(list, "- **unread** ");
		show_unread(list, &env->unread[i], markdown_span);
		buf_addc(list, '\n');
	}
}

void markdown_notes(struct buf *list, const struct env_report *env)
{
	for (size_t i = 0; i < env->n_notes; i++) {
		buf_adds(list, "- note: ");
		markdown_prose(list, env->notes[i]);
		buf_addc(list, '\n');
	}
}
