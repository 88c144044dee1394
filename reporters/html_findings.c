// SPDX-License-Identifier: PostgreSQL
// The findings of the HTML report. The same drift in several environments is one card that names them all; where they differ
// in what is there, or in what to do about it, the card has a part for each way of it.
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/html.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"

// The order of reports; then what keeps groups apart. PostgreSQL's order of names serves for both engines: it is never
// ambiguous.
static int compare_findings(const struct html_item *a, const struct html_item *b)
{
	int order = finding_compare(ENGINE_POSTGRESQL, a->finding, b->finding);
	const char *a_repo = a->env->repo != NULL ? a->env->repo->name : "";
	const char *b_repo = b->env->repo != NULL ? b->env->repo->name : "";
	order = order != 0 ? order : strcmp(a->finding->id, b->finding->id);
	order = order != 0 ? order : strcmp(a_repo, b_repo);
	return order != 0 ? order : (int)a->env->engine - (int)b->env->engine;
}

struct numbered {
	struct html_item item;
	size_t n; // keeps equal ones in their order
};

static int compare_numbered(const void *left, const void *right)
{
	const struct numbered *a = left, *b = right;
	int order = compare_findings(&a->item, &b->item);
	return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

// By the finding's id, which is the same in every run; what shares one has a number after it.
static const char *anchor(const struct html_page *page, const struct finding *finding, size_t n_same_id)
{
	const char *severity = finding->severity == SEVERITY_ALARM ? "" : severity_names[finding->severity];
	return n_same_id == 0 ? arena_printf(page->arena, "f%s%s", finding->id, severity)
	                      : arena_printf(page->arena, "f%s%s-%zu", finding->id, severity, n_same_id + 1);
}

void html_group_findings(struct html_page *page)
{
	const struct report *report = page->report;
	size_t n = 0, n_same_id = 0;
	for (size_t e = 0; e < report->n_envs; e++)
		n += report->envs[e]->n_findings;
	struct numbered *all = arena_array(page->arena, n, sizeof *all);
	n = 0;
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = show_env(report, e);
		for (size_t i = 0; i < env->n_findings; i++) {
			if (!show_as_pending(env, env->findings[i]))
				all[n] = (struct numbered){ { env, env->findings[i] }, n }, n++;
		}
	}
	if (n > 0)
		qsort(all, n, sizeof *all, compare_numbered);
	struct html_item *items = arena_array(page->arena, n, sizeof *items);
	page->groups = arena_array(page->arena, n, sizeof *page->groups);
	for (size_t i = 0; i < n; i++) {
		items[i] = all[i].item;
		if (i == 0 || compare_findings(&items[i - 1], &items[i]) != 0) {
			const struct finding *finding = items[i].finding, *before = i > 0 ? items[i - 1].finding : NULL;
			bool same_id = before != NULL && strcmp(before->id, finding->id) == 0 && before->severity == finding->severity;
			n_same_id = same_id ? n_same_id + 1 : 0;
			page->groups[page->n_groups++] = (struct html_group){ anchor(page, finding, n_same_id), &items[i], 0 };
		}
		page->groups[page->n_groups - 1].n++;
	}
}

static void fact(struct buf *out, const char *term, const char *html)
{
	buf_addf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", term, html);
}

static void remedy(const struct html_page *page, const char *summary, const struct remedy_statement *statements, size_t n)
{
	auto_buf sql = BUF_INIT, shown = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		const char *risk = show_risk(statements, i);
		if (risk != NULL) {
			buf_adds(&sql, "-- ");
			show_line(&sql, risk);
			buf_addc(&sql, '\n');
		}
		buf_adds(&sql, statements[i].sql);
		if (sql.length > 0 && sql.data[sql.length - 1] != '\n')
			buf_addc(&sql, '\n');
	}
	html_lines(&shown, sql.data);
	buf_addf(page->out, "<details class=\"remedy\"><summary>%s</summary>\n", summary);
	buf_addf(page->out, "<pre class=\"sql\" tabindex=\"0\"><code>%s</code></pre>\n", shown.data);
	bool escaped = false;
	size_t n_lines;
	const char **lines = text_lines(page->arena, sql.data, &n_lines);
	for (size_t i = 0; i < n_lines; i++) {
		auto_buf line = BUF_INIT;
		escaped |= show_code(&line, lines[i]);
	}
	if (escaped)
		buf_adds(page->out, "<p>Characters that cannot be seen are shown escaped above; "
		         "the JSON report has the exact text.</p>\n");
	buf_adds(page->out, "</details>\n");
}

// The deploy command may stand in the place of a remedy, as a comment: then it is no SQL.
static bool is_deploy(const struct html_item *item, const struct remedy_statement *statements)
{
	const char *deploy = show_deploy(item->env);
	return deploy != NULL && strcmp(statements[0].sql + strspn(statements[0].sql, "- "), deploy) == 0;
}

// All of a finding but what names the environment's own time: what is equal here in two environments is said once.
static void details(const struct html_page *page, const struct html_item *item, const char *have, const char *dated)
{
	const struct finding *finding = item->finding;
	bool diff = html_is_diff(page->report);
	const char *keep = diff ? NULL : show_repo_label(finding);
	const char *run = diff && finding->n_env > 0 ? "run" : show_env_label(finding);
	html_definition(page, finding, have, finding->change == CHANGE_ADDED ? keep != NULL : run != NULL);
	auto_buf facts = BUF_INIT;
	if (finding->evidence != NULL && *finding->evidence != '\0') {
		auto_buf why = BUF_INIT;
		html_prose(&why, finding->evidence);
		fact(&facts, "why", why.data);
	}
	buf_adds(&facts, dated);
	if (finding->origin != NULL && finding->origin->file != NULL) {
		auto_buf from = BUF_INIT, shown = BUF_INIT;
		buf_addf(&from, "%s:%u", finding->origin->file, finding->origin->line);
		html_code(&shown, from.data);
		bool parent = finding->change == CHANGE_ADDED && finding->class == CLASS_HAND_EDIT && !diff;
		fact(&facts, parent ? "parent" : "from", shown.data);
	}
	if (run != NULL && is_deploy(item, finding->env)) {
		auto_buf deploy = BUF_INIT;
		html_code(&deploy, show_deploy(item->env));
		fact(&facts, run, deploy.data);
		run = NULL;
	}
	if (page->options->verbose) {
		auto_buf id = BUF_INIT;
		html_code(&id, finding->id);
		fact(&facts, "id", id.data);
	}
	if (facts.length > 0)
		buf_addf(page->out, "<dl class=\"facts\">\n%s</dl>\n", facts.data);
	if (keep != NULL)
		remedy(page, arena_printf(page->arena, "%s, in a new migration", keep), finding->repo, finding->n_repo);
	if (run != NULL) {
		auto_buf summary = BUF_INIT;
		buf_addf(&summary, "%s in ", run);
		html_env(&summary, have);
		remedy(page, summary.data, finding->env, finding->n_env);
	}
}

static const char *dated_of(const struct html_page *page, const struct html_item *item)
{
	auto_buf dated = BUF_INIT;
	show_dated(&dated, item->finding, html_code);
	return buf_copy(&dated, page->arena);
}

// When, which may be another time in each environment.
static void add_dated(const struct html_page *page, struct buf *facts, const struct html_item *items, size_t n)
{
	bool same = true;
	auto_buf each = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		const char *dated = dated_of(page, &items[i]);
		same = same && strcmp(dated, dated_of(page, &items[0])) == 0;
		if (*dated == '\0')
			continue;
		buf_adds(&each, each.length > 0 ? "<br>" : "");
		html_env(&each, items[i].env->name);
		buf_addf(&each, ": %s", dated);
	}
	if (each.length > 0)
		fact(facts, "when", same ? dated_of(page, &items[0]) : each.data);
}

static void phrase(const struct html_page *page, const struct finding *finding, const char *have)
{
	static const char *const differs[] = {
		[CHANGE_ADDED] = "only in ", [CHANGE_REMOVED] = "missing in ", [CHANGE_ALTERED] = "differs in ",
	};
	buf_adds(page->out, "<p class=\"phrase\">");
	if (html_is_diff(page->report)) {
		buf_adds(page->out, differs[finding->change]);
		html_env(page->out, have);
	} else {
		show_phrase(page->out, finding, have, html_env);
	}
	buf_adds(page->out, "</p>\n");
}

// A part of a card: the environments in which all of it is the same.
struct variant {
	const char *html; // without the names of the environments
	struct html_item *items;
	size_t n;
};

static void card(const struct html_page *page, const struct html_group *group)
{
	auto_arena arena = arena_new();
	struct html_page inner = { .arena = arena, .report = page->report, .options = page->options };
	struct variant *variants = arena_array(arena, group->n, sizeof *variants);
	size_t n_variants = 0;
	for (size_t i = 0; i < group->n; i++) {
		auto_buf html = BUF_INIT;
		inner.out = &html;
		details(&inner, &group->items[i], "", "");
		size_t v = 0;
		while (v < n_variants && strcmp(variants[v].html, html.data) != 0)
			v++;
		if (v == n_variants)
			variants[n_variants++] = (struct variant){ .html = buf_copy(&html, arena),
			                                           .items = arena_array(arena, group->n, sizeof *group->items) };
		variants[v].items[variants[v].n++] = group->items[i];
	}

	const struct finding *finding = group->items[0].finding;
	buf_addf(page->out, "<article class=\"card %s\" id=\"", severity_names[finding->severity]);
	html_text(page->out, group->anchor);
	buf_addf(page->out, "\">\n<h3><span class=\"kind\">%s</span> <span class=\"name\">", finding->object->kind->name);
	html_text(page->out, finding->name);
	buf_adds(page->out, "</span></h3>\n");
	inner.out = page->out;
	for (size_t v = 0; v < n_variants; v++) {
		const struct env_report **envs = arena_array(arena, variants[v].n, sizeof *envs);
		for (size_t i = 0; i < variants[v].n; i++)
			envs[i] = variants[v].items[i].env;
		const char *have = html_env_names(arena, envs, variants[v].n);
		auto_buf dated = BUF_INIT;
		add_dated(&inner, &dated, variants[v].items, variants[v].n);
		phrase(&inner, finding, have);
		details(&inner, &variants[v].items[0], have, dated.data);
	}
	buf_adds(page->out, "</article>\n");
}

size_t html_findings(const struct html_page *page, const struct html_part *part)
{
	size_t n = 0;
	for (size_t i = 0; i < page->n_groups && !html_is_diff(page->report); i++) {
		if (page->groups[i].items[0].finding->class != part->class)
			continue;
		card(page, &page->groups[i]);
		n++;
	}
	return n;
}

size_t html_differences(const struct html_page *page, const struct html_part *part)
{
	(void)part;
	for (size_t i = 0; i < page->n_groups && html_is_diff(page->report); i++)
		card(page, &page->groups[i]);
	return html_is_diff(page->report) ? page->n_groups : 0;
}
