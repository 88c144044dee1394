// SPDX-License-Identifier: PostgreSQL
// The HTML report: names that try to break out of it, the same drift in several environments, and the timeline of migrations.
// How whole pages look is told by the goldens of reporters_test.c and the cases; that their tags are closed and in place, by
// html_check.py over every case.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/reporter.h"

#define LENGTH(array) (sizeof array / sizeof *array)

static struct finding *finding_new(struct arena *arena, enum finding_class class, enum change_word change, const char *kind,
                                   const char *table, const char *name)
{
	const char *const path[] = { "public", table, name };
	struct finding *finding = arena_alloc(arena, sizeof *finding);
	struct object *object = snapshot_add(snapshot_new(arena, ENGINE_POSTGRESQL), kind_find(kind), path, name == NULL ? 2 : 3);
	finding->class = class;
	finding->severity = SEVERITY_ALARM;
	finding->change = change;
	finding->object = object;
	finding->have = change == CHANGE_REMOVED ? NULL : object;
	finding->want = change == CHANGE_ADDED ? NULL : object;
	finding->name = object_name_copy(arena, object);
	return finding;
}

static void attr_add(struct arena *arena, struct finding *finding, const char *name, const char *want, const char *have)
{
	struct finding_attr *attrs = arena_array(arena, finding->n_attrs + 1, sizeof *attrs);
	if (finding->n_attrs > 0)
		memcpy(attrs, finding->attrs, finding->n_attrs * sizeof *attrs);
	attrs[finding->n_attrs] = (struct finding_attr){ .attr = kind_attr(finding->object->kind, name), .want = want, .have = have };
	assert_true(attrs[finding->n_attrs++].attr >= 0);
	finding->attrs = attrs;
	finding_identify(finding);
}

static struct finding *vip(struct arena *arena, const char *type)
{
	struct finding *finding = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ADDED, "column", "users", "vip");
	attr_add(arena, finding, "type", NULL, type);
	static struct remedy_statement undo[] = { { "-- ALTER TABLE public.users DROP COLUMN vip;", "the column's data is lost" } };
	finding->env = undo;
	finding->n_env = LENGTH(undo);
	return finding;
}

static void origin_set(struct arena *arena, struct finding *finding, const char *version)
{
	finding->origin = arena_alloc(arena, sizeof *finding->origin);
	*finding->origin = (struct origin){ version, version, arena_printf(arena, "db/%s.sql", version), 3, true, NULL };
}

static struct repo_report *repo_new(struct arena *arena, size_t n_migrations)
{
	struct repo_report *repo = arena_alloc(arena, sizeof *repo);
	*repo = (struct repo_report){ .name = "app", .path = "db", .framework = "dbmate", .n_migrations = n_migrations,
	                              .lines = arena_array(arena, n_migrations, sizeof *repo->lines) };
	for (size_t i = 0; i < n_migrations; i++) {
		repo->lines[i].version = repo->head = arena_printf(arena, "%04zu", i + 1);
		repo->lines[i].label = arena_printf(arena, "%04zu_step.sql", i + 1);
	}
	return repo;
}

// An environment at the head'th migration, with those after it pending.
static struct env_report *env_new(struct arena *arena, const struct repo_report *repo, const char *name, size_t head)
{
	struct env_report *env = arena_alloc(arena, sizeof *env);
	*env = (struct env_report){ .name = name, .engine = ENGINE_POSTGRESQL, .server = "15.20", .database = name, .complete = true,
	                            .reached = true, .repo = repo, .versions_known = true, .version_table = "schema_migrations",
	                            .version_head = arena_printf(arena, "%04zu", head) };
	env->state = head < repo->n_migrations ? STATE_BEHIND : STATE_CURRENT;
	env->verdict = head < repo->n_migrations ? VERDICT_SKEW : VERDICT_CLEAN;
	env->pending.items = arena_array(arena, repo->n_migrations, sizeof *env->pending.items);
	for (size_t i = head; i < repo->n_migrations; i++)
		env->pending.items[env->pending.n++] = arena_printf(arena, "%04zu", i + 1);
	return env;
}

static void versions_add(struct arena *arena, struct versions *versions, const char *version)
{
	const char **items = arena_array(arena, versions->n + 1, sizeof *items);
	if (versions->n > 0)
		memcpy(items, versions->items, versions->n * sizeof *items);
	items[versions->n++] = version;
	versions->items = items;
}

static void finding_add(struct arena *arena, struct env_report *env, struct finding *finding)
{
	struct finding **findings = arena_array(arena, env->n_findings + 1, sizeof *findings);
	if (env->n_findings > 0)
		memcpy(findings, env->findings, env->n_findings * sizeof *findings);
	findings[env->n_findings++] = finding;
	env->findings = findings;
	env->verdict = VERDICT_DRIFT;
}

static struct report report_of(struct env_report **envs, size_t n_envs)
{
	return (struct report){ .command = "check", .complete = true, .started = "2026-11-20T07:00:00Z", .duration_ms = 412, .envs = envs,
	                        .n_envs = n_envs, .repos = n_envs > 0 ? (struct repo_report *)envs[0]->repo : NULL, .n_repos = n_envs > 0 };
}

// The page's body: the style stands before it.
static const char *render(struct arena *arena, const struct report *report)
{
	auto_buf out = BUF_INIT;
	const struct render_options options = { 0 };
	reporter_find("html")->render(&out, report, &options);
	const char *page = buf_copy(&out, arena), *body = strstr(page, "<body");
	assert_non_null(body);
	return body;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		n++;
	return n;
}

#define CHECK(n_wanted, text, word) \
	do { \
		if (count(text, word) != (n_wanted)) \
			fail_msg("%zu times %s, not %zu: %s", count(text, word), word, (size_t)(n_wanted), text); \
	} while (0)

static const char *const hostile[] = {
	"<script>alert(1)</script>", "</style><script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</pre></details></body>",
	"&lt;b&gt; &amp; &#60;", "<!-- -->", "<![CDATA[", "]]>", "javascript:alert(1)", "a\nb\r\nc", "\x1b[31m", "admin\xe2\x80\xaetxt",
	"zero\xe2\x80\x8bwidth", "\xff\xfe raw", ("\xc2\x9b" "31m"), "\t", "", "`<b>`", "``", "`", "<", "&", "\xf4\x90\x80\x80", "{env}", "%s%n",
};

static struct report *hostile_report(struct arena *arena, const char *text)
{
	struct repo_report *repo = repo_new(arena, 3);
	repo->name = repo->path = repo->framework = repo->git = text;
	repo->lines[0] = repo->lines[1] = repo->lines[2] = (struct migration_line){ text, text };
	repo->head = text;
	struct env_report *env = env_new(arena, repo, text, 1);
	env->server = env->database = env->version_head = env->version_table = text;
	static const enum change_word changes[] = { CHANGE_ALTERED, CHANGE_ADDED, CHANGE_REMOVED };
	for (size_t i = 0; i < LENGTH(changes); i++) {
		struct finding *finding = finding_new(arena, CLASS_HAND_EDIT, changes[i], "function", text, NULL);
		attr_add(arena, finding, "body", changes[i] == CHANGE_ADDED ? NULL : arena_printf(arena, "%s\n1\n%s", text, text),
		         changes[i] == CHANGE_REMOVED ? NULL : arena_printf(arena, "%s\n2\n%s", text, text));
		attr_add(arena, finding, "result", changes[i] == CHANGE_ADDED ? NULL : text, changes[i] == CHANGE_REMOVED ? NULL : "text a b c");
		finding->evidence = text;
		if (i == 0)
			finding->dated_after = finding->dated_before = text;
		origin_set(arena, finding, text);
		struct remedy_statement *statement = arena_alloc(arena, sizeof *statement);
		*statement = (struct remedy_statement){ arena_printf(arena, "SELECT %s;", text), text };
		finding->repo = statement;
		finding->n_repo = 1;
		if (i == 1)
			finding->env = statement, finding->n_env = 1;
		finding_add(arena, env, finding);
	}
	struct versions all = { 0 };
	versions_add(arena, &all, text);
	versions_add(arena, &all, arena_printf(arena, "%s!", text));
	env->pending = env->skipped = env->unknown = env->edited = env->dirty = env->members = all;
	env->notes = all.items;
	env->n_notes = all.n;
	struct pending_line *line = arena_alloc(arena, sizeof *line);
	*line = (struct pending_line){ text, text, text, text, true };
	env->pending_lines = line;
	env->n_pending_lines = 1;
	struct unread *unread = arena_alloc(arena, sizeof *unread);
	*unread = (struct unread){ "table", all.items, 1, text };
	env->unread = unread;
	env->n_unread = 1;
	struct env_report **envs = arena_alloc(arena, sizeof *envs);
	*envs = env;
	struct report *report = arena_alloc(arena, sizeof *report);
	*report = report_of(envs, 1);
	report->troubles = arena_alloc(arena, sizeof *report->troubles);
	err_set(report->troubles, text, text, text, "%s", text);
	report->n_troubles = 1;
	report->started = report->want_name = report->have_name = text;
	return report;
}

// Every tag of the page is one that the program writes, with attributes that it writes, whatever was put between them.
static void tags_are_ours(const char *page)
{
	static const char tags[] = " a article b body br circle code dd del details div dl dt figcaption figure footer h1 h2 h3 header i ins li main "
	                           "mark nav ol p path pre rect section small span summary svg symbol table tbody td th thead time tr ul use html ";
	static const char attributes[] = " aria-hidden aria-label aria-labelledby class cx cy d data-label datetime height href id r reversed role "
	                                 "scope tabindex viewBox width x y ";
	for (const char *at = page; (at = strchr(at, '<')) != NULL;) {
		bool closing = *++at == '/';
		at += closing;
		char word[32];
		size_t n = strcspn(at, " />");
		assert_true(snprintf(word, sizeof word, " %.*s ", (int)n, at) < (int)sizeof word);
		if (strstr(tags, word) == NULL)
			fail_msg("<%s> in %s", word, page);
		for (at += n; *at == ' '; at += n) {
			at++;
			n = strcspn(at, "=/> ");
			assert_true(snprintf(word, sizeof word, " %.*s ", (int)n, at) < (int)sizeof word);
			if (closing || strstr(attributes, word) == NULL)
				fail_msg("attribute %s in %s", word, page);
			at += n;
			n = 0;
			if (*at == '=') {
				assert_int_equal(at[1], '"');
				assert_true(strcmp(word, " href ") != 0 || at[2] == '#');
				n = 2 + strcspn(at + 2, "\"<>&\n");
				n += strncmp(at + n, "&", 1) == 0 ? strcspn(at + n, "\"<>") : 0;
				assert_int_equal(at[n], '"');
				n++;
			}
		}
		at += *at == '/'; // of the marks, which are ours throughout
		assert_int_equal(*at, '>');
	}
}

static void hostile_text_is_text(void **state)
{
	(void)state;
	static const char *const commands[] = { "check", "status", "diff" };
	for (size_t i = 0; i < LENGTH(hostile) * LENGTH(commands); i++) {
		auto_arena arena = arena_new();
		struct report *report = hostile_report(arena, hostile[i % LENGTH(hostile)]);
		report->command = commands[i / LENGTH(hostile)];
		const char *page = render(arena, report);
		tags_are_ours(page);
		for (const unsigned char *c = (const unsigned char *)page; *c != '\0'; c++) {
			assert_false((*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f || *c >= 0xf4);
			assert_false(c[0] == 0xc2 && c[1] < 0xa0);
			assert_false(c[0] == 0xe2 && c[1] == 0x80 && ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae)));
		}
	}
	auto_arena arena = arena_new();
	const char *page = render(arena, hostile_report(arena, "<&>\"'"));
	CHECK(0, page, "<&>");
	assert_true(count(page, "&lt;&amp;&gt;&quot;&#39;") > 20);
}

static void the_same_report_is_the_same_page(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(hostile); i++)
		assert_string_equal(render(arena, hostile_report(arena, hostile[i])), render(arena, hostile_report(arena, hostile[i])));
}

static void same_drift_is_said_once(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 3);
	struct env_report *envs[] = { env_new(arena, repo, "staging", 3), env_new(arena, repo, "eu", 3), env_new(arena, repo, "us", 3) };
	for (size_t i = 0; i < LENGTH(envs); i++)
		finding_add(arena, envs[i], vip(arena, "boolean"));
	const struct report report = report_of(envs, LENGTH(envs));
	const char *page = render(arena, &report);
	CHECK(1, page, "<article");
	CHECK(1, page, "applied in <b>staging, eu and us</b>, missing in repo");
	CHECK(1, page, "undo in <b>staging, eu and us</b>");
	CHECK(1, page, "DROP COLUMN vip;");
	CHECK(1, page, "Hand edits</a> 1</li>");
}

static void drift_that_differs_has_its_parts(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 3);
	struct env_report *envs[] = { env_new(arena, repo, "staging", 3), env_new(arena, repo, "eu", 3), env_new(arena, repo, "us", 3) };
	finding_add(arena, envs[0], vip(arena, "boolean"));
	finding_add(arena, envs[1], vip(arena, "text"));
	finding_add(arena, envs[2], vip(arena, "boolean"));
	const struct report report = report_of(envs, LENGTH(envs));
	const char *page = render(arena, &report);
	CHECK(1, page, "<article");
	CHECK(1, page, "applied in <b>staging and us</b>");
	CHECK(1, page, "applied in <b>eu</b>");
	CHECK(1, page, "<code>text</code>");
	// another date makes no part of its own: it is told for each
	envs[0]->findings[0]->dated_after = "0002";
	page = render(arena, &report);
	CHECK(1, page, "applied in <b>staging and us</b>");
	CHECK(1, page, "<b>staging</b>: last changed after <code>0002</code> was applied there");
}

// The same object in environments that are compared with different migrations is not the same drift.
static void other_migrations_are_another_drift(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repos = arena_array(arena, 2, sizeof *repos);
	repos[0] = *repo_new(arena, 1);
	repos[1] = *repo_new(arena, 1);
	repos[1].name = "other";
	struct env_report *envs[] = { env_new(arena, &repos[0], "a", 1), env_new(arena, &repos[1], "b", 1) };
	for (size_t i = 0; i < LENGTH(envs); i++)
		finding_add(arena, envs[i], vip(arena, "boolean"));
	struct report report = report_of(envs, LENGTH(envs));
	report.n_repos = 2;
	const char *page = render(arena, &report);
	CHECK(2, page, "<article");
	char anchor[64];
	snprintf(anchor, sizeof anchor, "id=\"f%s\"", envs[0]->findings[0]->id);
	CHECK(1, page, anchor);
	snprintf(anchor, sizeof anchor, "id=\"f%s-2\"", envs[0]->findings[0]->id);
	CHECK(1, page, anchor);
}

static void words_that_differ_are_marked(void **state)
{
	(void)state;
	static const struct { const char *want, *have, *html; } cases[] = {
		{ "numeric(12,2)", "numeric(10,2)", "<code>numeric(<mark>12</mark>,2)</code></td><td class=\"have\"><code>numeric(<mark>10</mark>,2)</code>" },
		{ "integer", "text", "<code>integer</code></td><td class=\"have\"><code>text</code>" },
		{ "a b c", "a b <x> c", "<code>a b c</code></td><td class=\"have\"><code>a b <mark>&lt;x&gt; </mark>c</code>" },
		{ "a", NULL, "<code>a</code></td><td class=\"have\"><i>none</i>" },
		{ "größe", "größe 1", "<code>größe</code></td><td class=\"have\"><code>größe<mark> 1</mark></code>" },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena arena = arena_new();
		struct env_report *env = env_new(arena, repo_new(arena, 1), "prod", 1);
		struct finding *finding = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ALTERED, "column", "users", "vip");
		attr_add(arena, finding, "type", cases[i].want, cases[i].have);
		finding_add(arena, env, finding);
		const struct report report = report_of(&env, 1);
		CHECK(1, render(arena, &report), cases[i].html);
	}
}

// From the heading of the timeline to its end.
static const char *timeline(struct arena *arena, const char *page)
{
	const char *from = strstr(page, "<table class=\"timeline"), *until = from == NULL ? NULL : strstr(from, "</table>");
	assert_non_null(until);
	return arena_strndup(arena, from, (size_t)(until - from));
}

static void a_long_past_is_folded(void **state)
{
	(void)state;
	enum { N = 300 };
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, N);
	struct env_report *envs[] = { env_new(arena, repo, "prod", 290), env_new(arena, repo, "staging", 298), env_new(arena, repo, "new", 20) };
	versions_add(arena, &envs[0]->skipped, "0250");
	finding_add(arena, envs[0], vip(arena, "boolean"));
	origin_set(arena, envs[0]->findings[0], "0100");
	const struct report report = report_of(envs, LENGTH(envs));
	const char *table = timeline(arena, render(arena, &report));
	assert_true(count(table, "<tr") < 35);
	for (size_t i = 0; i < N; i++) // folded or not, each is there, once
		CHECK(1, table, arena_printf(arena, "<code>%s</code>", repo->lines[i].label));
	CHECK(1, table, "<code>0290_step.sql</code> <span class=\"tag here\">prod</span>");
	CHECK(1, table, "<code>0298_step.sql</code> <span class=\"tag here\">staging</span>");
	CHECK(1, table, "<code>0300_step.sql</code> <span class=\"tag\">repo head</span>");
	CHECK(1, table, ">skipped</span>");
	CHECK(1, table, "19 more, 0001 to 0019, applied everywhere");
	CHECK(1, table, "applied, changed by hand since</span>");
	CHECK(1, table, "changed by hand since in <b>prod</b>: <a href=\"#f");
	CHECK(3, table, ", pending in <b>new</b></summary>");
}

static void what_is_dated_stands_between(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 6);
	struct env_report *env = env_new(arena, repo, "prod", 6);
	finding_add(arena, env, vip(arena, "boolean"));
	env->findings[0]->dated_after = "0004";
	const struct report report = report_of(&env, 1);
	const char *table = timeline(arena, render(arena, &report));
	const char *after = strstr(table, "0005_step"), *hand = strstr(table, "<tr class=\"between\">"), *before = strstr(table, "0004_step");
	assert_true(after != NULL && after < hand && hand < before);
	CHECK(1, table, "changed by hand after: <a href=\"#f");
	env->findings[0]->dated_after = NULL;
	env->findings[0]->dated_before = "0004";
	table = timeline(arena, render(arena, &report));
	before = strstr(table, "0004_step");
	hand = strstr(table, "<tr class=\"between\">");
	assert_true(before < hand && hand < strstr(table, "0003_step"));
}

static void unknown_versions_are_shown(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 3);
	struct env_report *envs[] = { env_new(arena, repo, "prod", 3), env_new(arena, repo, "dev", 3) };
	versions_add(arena, &envs[0]->unknown, "0009");
	versions_add(arena, &envs[0]->unknown, "0010");
	versions_add(arena, &envs[0]->dirty, "0010");
	envs[0]->version_head = "0010";
	const struct report report = report_of(envs, 2);
	const char *page = render(arena, &report), *table = timeline(arena, page);
	CHECK(1, table, "<code>0010</code> <span class=\"tag here\">prod</span> <span class=\"tag\">not in this checkout</span>");
	CHECK(1, table, ">unknown</span>");
	CHECK(1, table, ">dirty</span>");
	CHECK(1, page, "recorded in <b>prod</b>, not in this checkout");
	CHECK(1, page, "failed or not finished in <b>prod</b>");
}

// Where a report does not list the migrations, those that it names are still shown.
static void without_a_list_the_named_are_shown(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 9);
	struct env_report *env = env_new(arena, repo, "prod", 7);
	repo->lines = NULL;
	versions_add(arena, &env->skipped, "0004");
	static struct pending_line line = { "0009", "0009_step.sql", "db/0009_step.sql", "table public.t", false };
	env->pending_lines = &line;
	env->n_pending_lines = 1;
	const struct report report = report_of(&env, 1);
	const char *table = timeline(arena, render(arena, &report));
	CHECK(4, table, "<tr>"); // with the head of the table
	CHECK(2, table, ">pending</span>");
	CHECK(1, table, ">skipped</span>");
	CHECK(1, table, "<code>0009_step.sql</code> <span class=\"tag\">repo head</span> <span class=\"effects\">table public.t</span>");
}

static void many_environments_share_lanes(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 9);
	struct env_report *envs[40];
	for (size_t i = 0; i < LENGTH(envs); i++)
		envs[i] = env_new(arena, repo, arena_printf(arena, "e%zu", i), i % 2 == 0 ? 9 : 8);
	envs[0]->members = (struct versions){ arena_array(arena, 3, sizeof(char *)), 0 };
	versions_add(arena, &envs[0]->members, "e0");
	versions_add(arena, &envs[0]->members, "tenant_1");
	versions_add(arena, &envs[0]->members, "tenant_2");
	const struct report report = report_of(envs, LENGTH(envs));
	const char *page = render(arena, &report), *table = timeline(arena, page);
	CHECK(3, table, "scope=\"col\""); // two lanes and the migrations
	CHECK(1, table, "<span>e0 and 21 more</span>");
	CHECK(1, table, "<span>e1 and 19 more</span>");
	CHECK(1, page, "<summary>and 2 more like it</summary><p>e0, tenant_1, tenant_2</p>");
	CHECK(1, page, "<span>20 of 42 environments are behind the repository</span>");
}

static void a_clean_run_is_a_calm_page(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 9);
	struct env_report *envs[] = { env_new(arena, repo, "prod", 9), env_new(arena, repo, "staging", 9) };
	const struct report report = report_of(envs, 2);
	const char *page = render(arena, &report);
	CHECK(1, page, "<span>prod and staging match the repository</span>");
	CHECK(1, page, "<section");
	CHECK(0, page, "<nav");
	CHECK(0, page, "class=\"timeline");
}

static void trouble_comes_first(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct repo_report *repo = repo_new(arena, 3);
	struct env_report *envs[] = { env_new(arena, repo, "prod", 2), env_new(arena, repo, "eu", 3) };
	envs[1]->verdict = VERDICT_TROUBLE;
	envs[1]->complete = envs[1]->reached = envs[1]->versions_known = false;
	finding_add(arena, envs[0], vip(arena, "boolean"));
	struct err trouble;
	err_set(&trouble, "unreachable", "eu", "try `driftcheck doctor eu`", "no <host>\n\tgiven");
	envs[1]->trouble = &trouble;
	struct report report = report_of(envs, 2);
	report.complete = false;
	report.troubles = &trouble;
	report.n_troubles = 1;
	const char *page = render(arena, &report), *first = strstr(page, "<section id=\"");
	assert_int_equal(strncmp(first, "<section id=\"trouble\"", 21), 0);
	CHECK(1, page, "<span>eu could not be checked; prod has drifted</span>");
	CHECK(1, page, "<p>no &lt;host&gt;<br>given</p>");
	CHECK(1, page, "try <code>driftcheck doctor eu</code>");
	CHECK(1, page, "Not shown, since no version was read there: <b>eu</b>.");
}

// `diff` knows two sides, and no repository.
static void differences_name_both_sides(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct finding *altered = finding_new(arena, 0, CHANGE_ALTERED, "function", "f()", NULL);
	attr_add(arena, altered, "body", "a\nb\n", "a\n<c>\n");
	struct env_report env = { .name = "prod", .engine = ENGINE_POSTGRESQL, .reached = true, .complete = true, .server = "15.20" };
	struct env_report *envs[] = { &env };
	finding_add(arena, &env, altered);
	finding_add(arena, &env, vip(arena, "boolean"));
	struct report report = { .command = "diff", .complete = true, .started = "", .want_name = "repo@0041", .have_name = "prod",
	                         .envs = envs, .n_envs = 1 };
	const char *page = render(arena, &report);
	CHECK(1, page, "<span>prod differs from repo@0041</span>");
	CHECK(1, page, "Differences</a> 2</li>");
	CHECK(1, page, "only in <b>prod</b>");
	CHECK(1, page, "- repo@0041</span> <span class=\"side\">+ prod</span>");
	CHECK(1, page, "<del><span class=\"sign\">- </span>b</del><ins><span class=\"sign\">+ </span>&lt;c&gt;</ins>");
	CHECK(0, page, "<table class=\"environments\"");
	env.n_findings = 0;
	env.verdict = VERDICT_CLEAN;
	report.equal = true;
	CHECK(1, render(arena, &report), "<span>prod equals repo@0041</span>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text_is_text), cmocka_unit_test(the_same_report_is_the_same_page),
		cmocka_unit_test(same_drift_is_said_once), cmocka_unit_test(drift_that_differs_has_its_parts),
		cmocka_unit_test(other_migrations_are_another_drift), cmocka_unit_test(words_that_differ_are_marked),
		cmocka_unit_test(a_long_past_is_folded), cmocka_unit_test(what_is_dated_stands_between),
		cmocka_unit_test(unknown_versions_are_shown), cmocka_unit_test(without_a_list_the_named_are_shown),
		cmocka_unit_test(many_environments_share_lanes), cmocka_unit_test(a_clean_run_is_a_calm_page),
		cmocka_unit_test(trouble_comes_first), cmocka_unit_test(differences_name_both_sides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
