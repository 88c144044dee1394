// SPDX-License-Identifier: PostgreSQL
// The HTML report above the findings and below the timeline: the headline, trouble, what could not be read, the environments
// side by side, and the notes. What several environments share is said once.
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/html.h"
#include "reporters/show.h"

static const struct env_report **with_verdict(const struct html_page *page, enum verdict verdict, size_t *n)
{
	const struct report *report = page->report;
	const struct env_report **envs = arena_array(page->arena, report->n_envs, sizeof *envs);
	*n = 0;
	for (size_t i = 0; i < report->n_envs; i++) {
		if (report->envs[i]->verdict == verdict)
			envs[(*n)++] = report->envs[i];
	}
	return envs;
}

// What is said of environments by their verdict: of one, of several; [1] where only versions were read.
static const char *const phrases[][2][2] = {
	[VERDICT_CLEAN] = { { "matches the repository", "match the repository" }, { "is up to date", "are up to date" } },
	[VERDICT_SKEW] = { { "is at another version", "are at other versions" },
	                   { "is at another version", "are at other versions" } },
	[VERDICT_DRIFT] = { { "has drifted", "have drifted" },
	                    { "has skipped or failed migrations", "have skipped or failed migrations" } },
	[VERDICT_TROUBLE] = { { "could not be checked", "could not be checked" },
	                      { "could not be checked", "could not be checked" } },
};

static bool add_phrase(struct buf *out, const struct html_page *page, enum verdict verdict)
{
	size_t n, n_all = 0, n_here = 0;
	const struct env_report **envs = with_verdict(page, verdict, &n);
	for (size_t i = 0; i < page->report->n_envs; i++)
		n_all += html_env_weight(page->report->envs[i]);
	for (size_t i = 0; i < n; i++)
		n_here += html_env_weight(envs[i]);
	if (n == 0)
		return false;
	buf_adds(out, out->length > 0 ? "; " : "");
	if (n_here == n && n <= 2)
		html_text(out, html_env_names(page->arena, envs, n));
	else if (n_here == n_all)
		buf_addf(out, "All %zu environments", n_all);
	else
		buf_addf(out, "%zu of %zu environments", n_here, n_all);
	bool behind = verdict == VERDICT_SKEW, in_part = verdict == VERDICT_TROUBLE;
	for (size_t i = 0; i < n; i++) {
		behind = behind && envs[i]->versions_known && envs[i]->state == STATE_BEHIND;
		in_part = in_part && envs[i]->reached;
	}
	const char *phrase = phrases[verdict][html_versions_only(page->report)][n_here > 1];
	buf_addf(out, " %s%s", !behind ? phrase : n_here > 1 ? "are behind the repository" : "is behind the repository",
	         in_part ? " completely" : "");
	return true;
}

void html_headline(struct buf *out, const struct html_page *page)
{
	const struct report *report = page->report;
	if (html_is_diff(report)) {
		html_text(out, report->have_name);
		buf_adds(out, report->n_envs == 0 ? " could not be compared with "
		              : !report->complete ? " could not be compared completely with "
		              : report->equal ? " equals " : " differs from ");
		html_text(out, report->want_name);
		return;
	}
	bool trouble = add_phrase(out, page, VERDICT_TROUBLE);
	if (!trouble && (report->n_troubles > 0 || !report->complete))
		buf_adds(out, "The run was not complete");
	bool said = add_phrase(out, page, VERDICT_DRIFT) || out->length > 0 || add_phrase(out, page, VERDICT_SKEW) ||
	            add_phrase(out, page, VERDICT_CLEAN);
	if (!said)
		buf_adds(out, "No environment was checked");
}

size_t html_troubles(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	size_t n = 0;
	for (size_t i = 0; i < page->report->n_troubles; i++) {
		const struct err *err = &page->report->troubles[i];
		if (show_trouble_again(page->report, i))
			continue;
		n++;
		buf_adds(page->out, "<article class=\"card alarm\">\n<h3>");
		html_mark(page->out, "trouble");
		buf_adds(page->out, "<span class=\"name\">");
		html_text(page->out, err->where[0] != '\0' ? err->where : err->code);
		buf_adds(page->out, "</span>");
		if (err->where[0] != '\0') {
			buf_adds(page->out, " <span class=\"kind\">");
			html_text(page->out, err->code);
			buf_adds(page->out, "</span>");
		}
		buf_adds(page->out, "</h3>\n<p>");
		html_prose(page->out, err->text);
		buf_adds(page->out, "</p>\n");
		if (err->hint[0] != '\0') {
			buf_adds(page->out, "<dl class=\"facts\"><div><dt>do</dt><dd>");
			html_prose(page->out, err->hint);
			buf_adds(page->out, "</dd></div></dl>\n");
		}
		buf_adds(page->out, "</article>\n");
	}
	return n;
}

// Lines that environments have in common, each once, with the environments that have it.
struct line {
	const char *html;
	const struct env_report **envs;
	size_t n_envs;
};

struct lines {
	struct line *items;
	size_t n, capacity;
};

static void add_line(const struct html_page *page, struct lines *lines, const char *html, const struct env_report *env)
{
	size_t i = 0;
	while (i < lines->n && strcmp(lines->items[i].html, html) != 0)
		i++;
	if (i == lines->n) {
		lines->items = arena_grow(page->arena, lines->items, lines->n, &lines->capacity, sizeof *lines->items);
		const struct env_report **envs = arena_array(page->arena, page->report->n_envs, sizeof *envs);
		lines->items[lines->n++] = (struct line){ html, envs, 0 };
	}
	struct line *line = &lines->items[i];
	if (line->n_envs == 0 || line->envs[line->n_envs - 1] != env)
		line->envs[line->n_envs++] = env;
}

static void list(const struct html_page *page, const struct lines *lines)
{
	buf_adds(page->out, lines->n > 0 ? "<ul class=\"lines\">\n" : "");
	for (size_t i = 0; i < lines->n; i++) {
		buf_adds(page->out, "<li>");
		if (page->report->n_envs > 1) {
			html_env(page->out, html_env_names(page->arena, lines->items[i].envs, lines->items[i].n_envs));
			buf_adds(page->out, ": ");
		}
		buf_addf(page->out, "%s</li>\n", lines->items[i].html);
	}
	buf_adds(page->out, lines->n > 0 ? "</ul>\n" : "");
}

size_t html_unread(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	struct lines lines = { 0 };
	for (size_t e = 0; e < page->report->n_envs; e++) {
		const struct env_report *env = show_env(page->report, e);
		for (size_t i = 0; i < env->n_unread; i++) {
			auto_buf line = BUF_INIT;
			show_unread(&line, &env->unread[i], html_code);
			add_line(page, &lines, buf_copy(&line, page->arena), env);
		}
	}
	list(page, &lines);
	return lines.n;
}

size_t html_notes(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	struct lines lines = { 0 };
	for (size_t e = 0; e < page->report->n_envs; e++) {
		const struct env_report *env = show_env(page->report, e);
		for (size_t i = 0; i < env->n_notes; i++) {
			auto_buf line = BUF_INIT;
			html_prose(&line, env->notes[i]);
			add_line(page, &lines, buf_copy(&line, page->arena), env);
		}
	}
	list(page, &lines);
	return lines.n;
}

static size_t count(const struct env_report *env, enum finding_class class)
{
	size_t n = 0;
	for (size_t i = 0; i < env->n_findings; i++)
		n += env->findings[i]->class == class && !show_as_pending(env, env->findings[i]);
	return n;
}

static void version_counts(struct buf *out, const struct env_report *env)
{
	struct version_words words[VERSION_WORDS];
	size_t n = 0;
	show_version_words(env, words);
	if (env->pending.n > 0)
		buf_addf(out, "%s%zu pending", n++ > 0 ? ", " : "", env->pending.n);
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		if (words[i].versions->n > 0)
			buf_addf(out, "%s%zu %s", n++ > 0 ? ", " : "", words[i].versions->n, words[i].word);
	}
}

static void members(const struct html_page *page, const struct env_report *env)
{
	if (env->members.n <= 1)
		return;
	buf_addf(page->out, "<details><summary>and %zu more like it</summary><p>", env->members.n - 1);
	for (size_t i = 0; i < env->members.n; i++) {
		buf_adds(page->out, i > 0 ? ", " : "");
		html_text(page->out, env->members.items[i]);
	}
	buf_adds(page->out, "</p></details>");
}

// The columns of counts: the sections of findings that there are, by their words.
struct columns {
	const struct html_part **parts;
	size_t n;
};

static struct columns find_columns(const struct html_page *page)
{
	size_t n_parts = 0;
	while (html_parts[n_parts].anchor != NULL)
		n_parts++;
	struct columns columns = { arena_array(page->arena, n_parts, sizeof *columns.parts), 0 };
	for (size_t i = 0; i < n_parts; i++) {
		size_t n = 0;
		for (size_t e = 0; html_parts[i].render == html_findings && e < page->report->n_envs; e++)
			n += count(page->report->envs[e], html_parts[i].class);
		if (n > 0)
			columns.parts[columns.n++] = &html_parts[i];
	}
	return columns;
}

static void environment(const struct html_page *page, const struct env_report *env, const struct columns *columns)
{
	struct buf *out = page->out;
	bool versions_only = html_versions_only(page->report) && env->versions_known && env->verdict != VERDICT_TROUBLE;
	buf_addf(out, "<tr class=\"%s\"><th scope=\"row\">", verdict_names[env->verdict]);
	html_mark(out, verdict_names[env->verdict]);
	html_text(out, env->name);
	members(page, env);
	buf_addf(out, "</th><td class=\"verdict\">%s", versions_only ? version_state_names[env->state] : show_verdict(env));
	if (env->trouble != NULL) {
		buf_adds(out, "<small>");
		html_text(out, env->trouble->code);
		buf_adds(out, "</small>");
	}
	buf_adds(out, "</td>");
	for (size_t c = 0; c < columns->n; c++) {
		size_t n = count(env, columns->parts[c]->class);
		buf_addf(out, "<td class=\"count%s\" data-label=\"%s\">", n == 0 ? " none" : "", columns->parts[c]->word);
		buf_addf(out, env->reached || n > 0 ? "%zu</td>" : "</td>", n);
	}
	buf_adds(out, "<td>");
	show_versions(out, env, html_text);
	auto_buf counts = BUF_INIT;
	if (env->versions_known)
		version_counts(&counts, env);
	buf_addf(out, counts.length > 0 ? "<small>%s</small></td><td>" : "%s</td><td>", counts.data);
	show_server(out, env, html_text);
	if (env->reached && env->database != NULL) {
		buf_adds(out, "<small>");
		html_text(out, env->database);
		buf_adds(out, "</small>");
	}
	buf_adds(out, "</td></tr>\n");
}

size_t html_environments(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	const struct report *report = page->report;
	if (html_is_diff(report) || report->n_envs == 0)
		return 0;
	const struct columns columns = find_columns(page);
	buf_adds(page->out, "<table class=\"environments\">\n<thead><tr><th scope=\"col\">Environment</th>"
	         "<th scope=\"col\">Verdict</th>");
	for (size_t c = 0; c < columns.n; c++)
		buf_addf(page->out, "<th scope=\"col\" class=\"count\">%s</th>", columns.parts[c]->word);
	buf_adds(page->out, "<th scope=\"col\">Version</th><th scope=\"col\">Server</th></tr></thead>\n<tbody>\n");
	for (size_t e = 0; e < report->n_envs; e++)
		environment(page, show_env(report, e), &columns);
	buf_adds(page->out, "</tbody>\n</table>\n");
	return 0;
}
