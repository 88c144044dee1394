// SPDX-License-Identifier: PostgreSQL
// The report as JUnit XML, which CI services show as tests: a suite for each environment, in it a test for the environment
// itself and one for each finding. Drift is a failure, trouble an error; what --fail-on accepts passes. XML 1.0 cannot hold
// most control characters at all, so they are escaped as for people.
#include "reporters/reporter.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/brief.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"

enum { DIFF_CONTEXT = 3 };

struct suite {
	struct buf cases;
	size_t n_tests, n_failures, n_errors;
};

static void xml(struct buf *out, const char *safe)
{
	static const struct { char c; const char *entity; } entities[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" },
	};
	for (; *safe != '\0'; safe++) {
		size_t i = 0;
		while (i < sizeof entities / sizeof *entities && entities[i].c != *safe)
			i++;
		if (i < sizeof entities / sizeof *entities)
			buf_adds(out, entities[i].entity);
		else
			buf_addc(out, *safe);
	}
}

static void attribute(struct buf *out, const char *name, const char *foreign)
{
	auto_buf line = BUF_INIT;
	show_line(&line, foreign);
	buf_addf(out, " %s=\"", name);
	xml(out, line.data);
	buf_addc(out, '"');
}

static void add_line(struct buf *body, const char *label, const char *foreign)
{
	buf_adds(body, label);
	show_code(body, foreign);
	buf_addc(body, '\n');
}

static void add_attr(struct buf *body, struct arena *arena, const struct attr *attr, const struct finding_attr *change)
{
	const char *want = show_value(attr, change->want), *have = show_value(attr, change->have);
	show_attr_name(body, attr);
	if (strchr(want, '\n') == NULL && strchr(have, '\n') == NULL) {
		buf_adds(body, ": in the repository ");
		show_line(body, want);
		buf_adds(body, ", here ");
		show_line(body, have);
		buf_addc(body, '\n');
		return;
	}
	buf_adds(body, " (- repository, + here):\n");
	size_t n;
	const struct diff_line *lines = line_diff(arena, change->want == NULL ? "" : want, change->have == NULL ? "" : have,
	                                          DIFF_CONTEXT, &n);
	for (size_t i = 0; i < n; i++) {
		const char mark[] = { (char)lines[i].mark, ' ', '\0' };
		if (lines[i].mark == LINE_GAP)
			buf_adds(body, "  …\n");
		else
			add_line(body, mark, lines[i].text);
	}
}

static void add_remedy(struct buf *body, struct arena *arena, const char *label, const struct remedy_statement *statements,
                       size_t n)
{
	if (label == NULL)
		return;
	buf_addf(body, "%s:\n", label);
	for (size_t i = 0; i < n; i++) {
		size_t n_lines;
		const char **lines = text_lines(arena, statements[i].sql, &n_lines);
		for (size_t l = 0; l < n_lines; l++)
			add_line(body, "  ", lines[l]);
	}
}

static void add_finding(struct buf *body, struct arena *arena, const struct finding *finding, bool is_diff)
{
	for (size_t i = 0; i < finding->n_attrs; i++)
		add_attr(body, arena, &finding->object->kind->attrs[finding->attrs[i].attr], &finding->attrs[i]);
	if (finding->origin != NULL && finding->origin->file != NULL) {
		auto_buf from = BUF_INIT;
		buf_addf(&from, "%s:%u", finding->origin->file, finding->origin->line);
		add_line(body, "from: ", from.data);
	}
	add_remedy(body, arena, is_diff ? NULL : show_repo_label(finding), finding->repo, finding->n_repo);
	add_remedy(body, arena, is_diff ? "run" : show_env_label(finding), finding->env, finding->n_env);
}

// `element` NULL: it passes.
static void add_case(struct suite *suite, const char *class, const char *name, const char *element, const char *type,
                     const char *message, const char *body)
{
	suite->n_tests++;
	buf_adds(&suite->cases, "    <testcase");
	attribute(&suite->cases, "classname", class);
	attribute(&suite->cases, "name", name);
	if (element == NULL && *body == '\0') {
		buf_adds(&suite->cases, "/>\n");
		return;
	}
	suite->n_failures += element != NULL && strcmp(element, "failure") == 0;
	suite->n_errors += element != NULL && strcmp(element, "error") == 0;
	const char *tag = element == NULL ? "system-out" : element;
	buf_addf(&suite->cases, ">\n      <%s", tag);
	if (element != NULL) {
		attribute(&suite->cases, "type", type);
		attribute(&suite->cases, "message", message);
	}
	buf_addc(&suite->cases, '>');
	xml(&suite->cases, body);
	buf_addf(&suite->cases, "</%s>\n    </testcase>\n", tag);
}

// The environment itself: what is said of it beside its findings.
static void add_env(struct suite *suite, const struct env_report *env, const struct brief *list, size_t n, enum verdict accepted)
{
	auto_buf message = BUF_INIT, body = BUF_INIT;
	buf_adds(&message, show_verdict(env));
	auto_buf counts = BUF_INIT;
	show_counts(&counts, env);
	if (env->trouble != NULL)
		buf_addf(&message, ": %s", env->trouble->text);
	else if (counts.length > 0)
		buf_addf(&message, ": %s", counts.data);
	for (size_t i = 0; i < n; i++) {
		if (list[i].env == env && list[i].finding == NULL)
			buf_addf(&body, "%s\n", list[i].text);
	}
	for (size_t i = 0; i < env->n_notes; i++)
		add_line(&body, "note: ", env->notes[i]);
	bool trouble = env->verdict == VERDICT_TROUBLE || !env->complete;
	const char *element = trouble ? "error" : env->verdict > accepted ? "failure" : NULL;
	const char *type = trouble && env->trouble != NULL ? env->trouble->code : verdict_names[env->verdict];
	add_case(suite, env->name, "environment", element, type, message.data, element == NULL ? "" : body.data);
}

static void add_suite(struct buf *out, const char *name, const struct report *report, const struct suite *suite)
{
	buf_adds(out, "  <testsuite");
	attribute(out, "name", name);
	buf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\"", suite->n_tests, suite->n_failures,
	         suite->n_errors);
	auto_buf started = BUF_INIT;
	buf_add(&started, report->started, strcspn(report->started, "Z")); // in UTC, without a zone
	attribute(out, "timestamp", started.data);
	buf_addf(out, " time=\"%lld.%03lld\">\n%s  </testsuite>\n", report->duration_ms / 1000, report->duration_ms % 1000,
	         suite->cases.data);
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	bool is_diff = strcmp(report->command, "diff") == 0;
	size_t n, n_tests = 0, n_failures = 0, n_errors = 0;
	const struct brief *list = brief_list(arena, report, &n);
	auto_buf suites = BUF_INIT;
	for (size_t e = 0; e <= report->n_envs; e++) { // the last is the run itself
		const struct env_report *env = e < report->n_envs ? report->envs[e] : NULL;
		struct suite suite = { .cases = BUF_INIT };
		if (env != NULL)
			add_env(&suite, env, list, n, options->accepted);
		for (size_t i = 0; i < n; i++) {
			if (list[i].env != env || (env != NULL && list[i].finding == NULL))
				continue;
			auto_buf name = BUF_INIT, body = BUF_INIT;
			const struct finding *finding = list[i].finding;
			const char *rule = brief_rules[list[i].rule].name;
			if (finding == NULL) {
				add_case(&suite, "driftcheck", list[i].title, "error", rule, list[i].text, "");
				continue;
			}
			buf_addf(&name, "%s %s: %s %s", rule, change_names[finding->change], finding->object->kind->name, finding->name);
			add_finding(&body, arena, finding, is_diff);
			bool accepted = options->accepted >= (list[i].rule == RULE_VERSION_SKEW ? VERDICT_SKEW : VERDICT_DRIFT);
			add_case(&suite, env->name, name.data, accepted ? NULL : "failure", rule, list[i].text, body.data);
		}
		n_tests += suite.n_tests;
		n_failures += suite.n_failures;
		n_errors += suite.n_errors;
		if (suite.n_tests > 0)
			add_suite(&suites, env != NULL ? env->name : "driftcheck", report, &suite);
		buf_release(&suite.cases);
	}
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"driftcheck\"");
	buf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%lld.%03lld\">\n%s</testsuites>\n", n_tests, n_failures,
	         n_errors, report->duration_ms / 1000, report->duration_ms % 1000, suites.data);
}

const struct reporter reporter_junit = {
	.name = "junit",
	.summary = "for CI services: JUnit XML, a test for each environment and finding",
	.render = render,
};
