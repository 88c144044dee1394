// SPDX-License-Identifier: PostgreSQL
// What an issue says: the marker, the fingerprint and what is different, the body (a golden text in tests/golden; UPDATE=1
// rewrites it), its limits, and hostile names, which are also rendered by cmark-gfm, GitHub's own parser.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "reporters/github_body.h"
#include "reporters/github_marker.h"

#define LENGTH(array) (sizeof array / sizeof *array)

static const char run_nonce[] = "0123456789abcdef";
static const char body_want[] = "\nBEGIN\n  RETURN 0; -- the secret sauce\nEND\n", body_have[] = "\nBEGIN\n  RETURN -1; -- the secret sauce\nEND\n";

static struct finding *finding_new(struct arena *arena, enum finding_class class, enum change_word change, const char *kind,
                                   const char *table, const char *name)
{
	const char *const path[] = { "public", table, name };
	struct finding *finding = arena_alloc(arena, sizeof *finding);
	struct object *object = snapshot_add(snapshot_new(arena, ENGINE_POSTGRESQL), kind_find(kind), path, name == NULL ? 2 : 3);
	finding->class = class;
	finding->severity = class == CLASS_VERSION_SKEW ? SEVERITY_INFO : class == CLASS_AHEAD ? SEVERITY_WARN : SEVERITY_ALARM;
	finding->change = change;
	finding->object = object;
	finding->have = change == CHANGE_REMOVED ? NULL : object;
	finding->want = change == CHANGE_ADDED ? NULL : object;
	finding->name = object_name_copy(arena, object);
	return finding;
}

static void attr_set(struct arena *arena, struct finding *finding, const char *name, const char *want, const char *have)
{
	finding->attrs = arena_alloc(arena, sizeof *finding->attrs);
	finding->n_attrs = 1;
	finding->attrs[0] = (struct finding_attr){ .attr = kind_attr(finding->object->kind, name), .want = want, .have = have };
	finding_identify(finding);
}

static struct remedy_statement *statement(struct arena *arena, const char *sql, const char *risk)
{
	struct remedy_statement *statement = arena_alloc(arena, sizeof *statement);
	*statement = (struct remedy_statement){ sql, risk };
	return statement;
}

static struct env_report *env_new(struct arena *arena, const char *name, size_t n_findings)
{
	static struct repo_report repo = { .name = "app", .path = "db/migrations", .framework = "dbmate", .n_migrations = 42, .head = "0042",
	                                   .git = "3f786850e387550fdab836ed7e6dc881de23001b" };
	struct env_report *env = arena_alloc(arena, sizeof *env);
	*env = (struct env_report){ .name = name, .engine = ENGINE_POSTGRESQL, .server = "15.20", .database = "shop", .complete = true,
	                            .reached = true, .verdict = VERDICT_DRIFT, .repo = &repo, .versions_known = true,
	                            .version_head = "0041", .state = STATE_BEHIND };
	env->findings = arena_array(arena, n_findings, sizeof *env->findings);
	return env;
}

static void pending_add(struct arena *arena, struct env_report *env)
{
	static const char *pending[] = { "0042" };
	env->pending = (struct versions){ pending, 1 };
	env->pending_lines = arena_alloc(arena, sizeof *env->pending_lines);
	env->pending_lines[0] = (struct pending_line){ "0042", "0042_invoices.sql", "db/migrations/0042_invoices.sql", "table public.invoices", false };
	env->n_pending_lines = 1;
}

// Two findings and a pending migration.
static struct env_report *prod(struct arena *arena)
{
	struct env_report *env = env_new(arena, "prod", 4);
	struct finding *vip = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ADDED, "column", "users", "vip");
	attr_set(arena, vip, "type", NULL, "boolean");
	vip->dated_after = "0041";
	vip->repo = statement(arena, "ALTER TABLE public.users ADD COLUMN vip boolean;", "locks public.users for a moment");
	vip->env = statement(arena, "-- ALTER TABLE public.users DROP COLUMN vip;", "loses the column's data");
	vip->n_repo = vip->n_env = 1;
	struct finding *total = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ALTERED, "function", "total()", NULL);
	attr_set(arena, total, "body", body_want, body_have);
	total->origin = arena_alloc(arena, sizeof *total->origin);
	*total->origin = (struct origin){ "0007", "0007_total.sql", "db/migrations/0007_total.sql", 3, true, NULL };
	total->env = statement(arena, arena_printf(arena, "CREATE OR REPLACE FUNCTION public.total() AS $$%s$$;", body_want), NULL);
	total->n_env = 1;
	env->findings[env->n_findings++] = vip;
	env->findings[env->n_findings++] = total;
	static const char *notes[] = { "replayed on 16" };
	env->notes = notes;
	env->n_notes = 1;
	pending_add(arena, env);
	return env;
}

static struct subject subject_of(struct arena *arena, struct env_report **envs, size_t n)
{
	struct subject subject = { .name = envs[0]->fleet != NULL ? envs[0]->fleet : envs[0]->name, .fleet = envs[0]->fleet != NULL,
	                           .envs = (const struct env_report **)envs, .n_envs = n, .complete = true };
	for (size_t i = 0; i < n; i++)
		subject.complete &= envs[i]->complete;
	subject.items = items_of(arena, subject.envs, n);
	return subject;
}

static struct report report_of(struct env_report **envs, size_t n)
{
	return (struct report){ .command = "check", .complete = true, .started = "2024-01-01T00:00:00Z", .envs = envs, .n_envs = n };
}

static const char *body_of(struct arena *arena, struct env_report **envs, size_t n, enum bodies bodies, size_t most)
{
	auto_buf body = BUF_INIT;
	struct subject subject = subject_of(arena, envs, n);
	struct report report = report_of(envs, n);
	github_body(&body, arena, &subject, &report, bodies, run_nonce, most);
	assert_true(body.length <= most);
	return buf_copy(&body, arena);
}

static void markers_are_found_again(void **state)
{
	(void)state;
	static const char *const names[] = { "prod", "p", "pr", "--> @x", "\xc3\xa4\n", "a b c d e f g" };
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(names); i++) {
		auto_buf body = BUF_INIT;
		marker_add(&body, names[i], "00ff", run_nonce, "f0-1");
		const char *end = strstr(body.data, "-->");
		assert_true(end != NULL && end[3] == '\n'); // no name ends the comment
		buf_adds(&body, "\ntext\n");
		struct marker marker;
		assert_true(marker_find(arena, body.data, &marker));
		assert_string_equal(marker.fingerprint, "00ff");
		assert_string_equal(marker.run, run_nonce);
		assert_string_equal(marker.list, "f0-1");
		for (size_t j = 0; j < LENGTH(names); j++)
			assert_int_equal(marker_is_of(&marker, names[j]), i == j);
		const char *other = marker_replace(arena, body.data, names[i], "11", "22");
		assert_true(marker_find(arena, other, &marker));
		assert_string_equal(marker.fingerprint, "11");
		assert_string_equal(marker.list, "f0-1");
		assert_non_null(strstr(other, "\n\ntext\n"));
	}
}

static void only_a_marker_at_the_top_counts(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char marker[] = "<!-- driftcheck:v1 env=cHJvZA== fp=00 run=11 -->";
	static const struct { const char *before, *after; bool marked, ours; } cases[] = {
		{ "", "\r\n<!-- driftcheck:findings x -->\r\ntext", true, true }, { "", "", true, true }, { "hello\n", "", false, false },
		{ "> ", "", false, false }, { "", " and more\n", true, false },
	};
	struct marker found;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_int_equal(marker_find(arena, arena_printf(arena, "%s%s%s", cases[i].before, marker, cases[i].after), &found), cases[i].marked);
		assert_int_equal(marker_is_of(&found, "prod"), cases[i].ours);
	}
	assert_true(marker_find(arena, "<!-- driftcheck:v2 something else -->", &found)); // somebody's, but not ours
	assert_false(marker_is_of(&found, "prod"));
}

static const char *fingerprint(struct arena *arena, struct env_report *env)
{
	return arena_strdup(arena, subject_of(arena, &env, 1).items.fingerprint);
}

static void the_fingerprint_is_of_what_differs(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *before = fingerprint(arena, prod(arena));
	// what changes from run to run, or is only said about it, does not count
	struct env_report *same = prod(arena);
	struct finding *first = same->findings[0];
	same->findings[0] = same->findings[1];
	same->findings[1] = first;
	first->evidence = first->dated_at = "2024-01-01T00:00:00Z";
	first->dated_after = NULL;
	first->n_env = first->n_repo = 0;
	same->findings[0]->origin->line = 99;
	same->server = "15.21";
	same->n_notes = 0;
	assert_string_equal(fingerprint(arena, same), before);
	// values, versions and members do
	struct env_report *others[] = { prod(arena), prod(arena), prod(arena), prod(arena) };
	static const char *members[] = { "prod", "b" };
	attr_set(arena, others[0]->findings[0], "type", NULL, "integer");
	others[1]->pending.n = 0;
	others[2]->n_findings = 1;
	others[3]->members = (struct versions){ members, 2 };
	for (size_t i = 0; i < LENGTH(others); i++)
		assert_string_not_equal(fingerprint(arena, others[i]), before);
	char none[DIGEST_SHA256_HEX];
	items_none(none);
	struct env_report *clean = env_new(arena, "prod", 0);
	assert_string_equal(fingerprint(arena, clean), none);
}

static void differences_are_counted(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct env_report *before = prod(arena), *after = prod(arena);
	struct subject old = subject_of(arena, &before, 1);
	auto_buf list = BUF_INIT;
	items_list(&list, &old.items);
	struct items_change change = items_compare(arena, &old.items, list.data);
	assert_true(change.known && change.n_kept == 2 && change.n_new + change.n_gone + change.n_changed == 0 && !change.versions);
	attr_set(arena, after->findings[0], "type", NULL, "integer");
	after->findings[1] = finding_new(arena, CLASS_SKIPPED, CHANGE_REMOVED, "index", "users", "users_email_idx");
	finding_identify(after->findings[1]);
	after->findings[2] = finding_new(arena, CLASS_SKIPPED, CHANGE_REMOVED, "index", "users", "users_name_idx");
	finding_identify(after->findings[2]);
	after->n_findings = 3;
	after->pending.n = 0;
	struct subject now = subject_of(arena, &after, 1);
	change = items_compare(arena, &now.items, list.data);
	assert_true(change.known && change.n_kept == 1 && change.n_new == 2 && change.n_changed == 1 && change.n_gone == 1 && !change.versions);
	auto_buf comment = BUF_INIT;
	github_comment_changed(&comment, &now, &change);
	assert_true(strncmp(comment.data, "2 new, 1 changed, 1 gone. Now: ", 31) == 0);
	assert_non_null(strstr(comment.data, "- skipped: index `public.users.users_name_idx`\n"));
	static const char *const unknown[] = { NULL, "", "nonsense", "f0123456789abcdef" };
	for (size_t i = 0; i < LENGTH(unknown); i++)
		assert_false(items_compare(arena, &now.items, unknown[i]).known);
}

static void the_body_looks_as_blessed(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct env_report *env = prod(arena);
	const char *body = body_of(arena, &env, 1, BODIES_HASH, GITHUB_BODY_MOST);
	const char *srcdir = getenv("srcdir"), *update = getenv("UPDATE");
	const char *path = arena_printf(arena, "%s/tests/golden/github.md", srcdir != NULL ? srcdir : ".");
	size_t length;
	if (update != NULL && *update == '1') {
		struct err err;
		auto_buf text = BUF_INIT;
		buf_adds(&text, body);
		assert_true(file_write(&text, path, &err));
	}
	const char *golden = file_read(arena, path, 1 << 20, &length);
	assert_non_null(golden);
	assert_string_equal(body, golden);
}

static void sources_leave_the_house_only_when_told(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct env_report *env = prod(arena);
	const char *hash = body_of(arena, &env, 1, BODIES_HASH, GITHUB_BODY_MOST), *diff = body_of(arena, &env, 1, BODIES_DIFF, GITHUB_BODY_MOST);
	assert_null(strstr(hash, "secret sauce"));
	assert_null(strstr(hash, "RETURN"));
	assert_non_null(strstr(diff, "secret sauce"));
	assert_non_null(strstr(diff, "+   RETURN -1;"));
	attr_set(arena, env->findings[1], "sql_body", "RETURN a + b", "RETURN a - b");
	assert_null(strstr(body_of(arena, &env, 1, BODIES_HASH, GITHUB_BODY_MOST), "RETURN"));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void a_long_body_is_cut_between_findings(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	enum { N = 900 };
	struct env_report *env = env_new(arena, "prod", N);
	auto_buf large = BUF_INIT;
	for (int i = 0; i < 20000; i++)
		buf_addf(&large, "%s `x` %d\n", i % 1000 == 0 ? "```" : "", i);
	for (int i = 0; i < N; i++) {
		struct finding *finding = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ALTERED, "view", arena_printf(arena, "v%d", i), NULL);
		attr_set(arena, finding, "definition", i == 3 ? large.data : "SELECT 1\n", "SELECT 2\n");
		env->findings[env->n_findings++] = finding;
	}
	static const size_t limits[] = { GITHUB_BODY_MOST, GITHUB_BODY_MOST / 2, 5000 };
	for (size_t i = 0; i < LENGTH(limits); i++) {
		const char *body = body_of(arena, &env, 1, BODIES_HASH, limits[i]);
		size_t n_shown = count(body, "\n### hand edit: view ");
		assert_true(n_shown > 0);
		assert_non_null(strstr(body, arena_printf(arena, "**%zu more findings did not fit here** (%zu hand-edit)", N - n_shown, N - n_shown)));
		assert_int_equal(count(body, "The rest is too long for an issue"), 1);
		assert_int_equal(count(body, "\n```") % 2, 0); // no fence is left open
		assert_non_null(strstr(body, "### To see it yourself"));
	}
	assert_true(strlen(body_of(arena, &env, 1, BODIES_HASH, GITHUB_BODY_MOST)) > GITHUB_BODY_MOST - 2000); // the room is used
}

static void lists_and_titles_are_bounded(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	enum { N = 5000 };
	struct env_report *env = prod(arena);
	const char **versions = arena_array(arena, N, sizeof *versions);
	for (int i = 0; i < N; i++)
		versions[i] = arena_printf(arena, "%014d", i);
	env->pending = env->unknown = (struct versions){ versions, N };
	env->n_pending_lines = 0;
	const char *body = body_of(arena, &env, 1, BODIES_HASH, GITHUB_BODY_MOST);
	assert_non_null(strstr(body, "more lines did not fit here"));
	assert_non_null(strstr(body, "`public.users.vip`"));
	auto_buf name = BUF_INIT;
	for (int i = 0; i < 500; i++)
		buf_adds(&name, "\xc3\xa4");
	const char *title = github_title(arena, name.data);
	assert_true(strlen(title) <= GITHUB_TITLE_MOST && strlen(title) > GITHUB_TITLE_MOST - 4);
	assert_int_equal((unsigned char)title[strlen(title) - 1], 0xa4); // whole characters
	assert_string_equal(github_title(arena, "prod"), "Schema drift detected: prod");
}

static void a_fleet_is_one_issue(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct env_report *envs[] = { prod(arena), env_new(arena, "tenant_9", 0) };
	static const char *members[] = { "prod", "tenant_2", "tenant_3" };
	envs[0]->members = (struct versions){ members, 3 };
	envs[1]->verdict = VERDICT_CLEAN;
	envs[0]->fleet = envs[1]->fleet = "tenants";
	const char *body = body_of(arena, envs, 2, BODIES_HASH, GITHUB_BODY_MOST);
	assert_non_null(strstr(body, "**drift** in the fleet `tenants`: 2 findings in 1 of 2 shapes."));
	assert_non_null(strstr(body, "| `prod` | 3 | drift | 2 findings, 1 pending |"));
	assert_non_null(strstr(body, "| `tenant_9` | 1 | clean |"));
	assert_int_equal(count(body, "## shape `prod`, 3 members"), 1);
	assert_null(strstr(body, "## shape `tenant_9`"));
	assert_non_null(strstr(body, "driftcheck tenants\n"));
}

// The text outside code spans and fences: what a renderer could make something of.
static void outside_code(struct buf *outside, const char *html)
{
	for (const char *at = html; *at != '\0';) {
		static const char *const closed[][2] = { { "<code", "</code>" }, { "<pre", "</pre>" }, { "<!--", "-->" } };
		const char *end = NULL;
		for (size_t i = 0; i < LENGTH(closed) && end == NULL; i++) {
			if (strncmp(at, closed[i][0], strlen(closed[i][0])) == 0) {
				end = strstr(at, closed[i][1]);
				assert_non_null(end);
				end += strlen(closed[i][1]);
			}
		}
		if (end != NULL)
			at = end;
		else
			buf_addc(outside, *at++);
	}
}

// Of all tags, only those that our own Markdown makes are there.
static void only_our_tags(const char *html)
{
	static const char *const tags[] = { "h2>", "h3>", "p>", "ul>", "li>", "strong>", "table>", "thead>", "tbody>", "tr>", "th>", "td>" };
	for (const char *at = html; (at = strchr(at, '<')) != NULL;) {
		at++;
		at += *at == '/';
		bool known = false;
		for (size_t i = 0; i < LENGTH(tags); i++)
			known = known || strncmp(at, tags[i], strlen(tags[i])) == 0;
		assert_true(known);
	}
}

static const char *rendered(struct arena *arena, const char *markdown)
{
	char path[] = "/tmp/driftcheck-github.XXXXXX";
	auto_fd fd = mkstemp(path);
	assert_true(fd >= 0);
	auto_buf text = BUF_INIT, html = BUF_INIT;
	buf_adds(&text, markdown);
	assert_true(file_write_all(fd, &text));
	FILE *pipe = popen(arena_printf(arena, "cmark-gfm --unsafe -e table -e autolink -e strikethrough -e tasklist %s", path), "r");
	assert_non_null(pipe);
	char part[4096];
	for (size_t n; (n = fread(part, 1, sizeof part, pipe)) > 0;)
		buf_add(&html, part, n);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	return buf_copy(&html, arena);
}

static void hostile_names_stay_text(void **state)
{
	(void)state;
	static const char *const hostile[] = {
		"@octocat", "#1", "owner/repo#1", "closes #3", "Fixes: #4", "GH-12", "3f786850e387550fdab836ed7e6dc881de23001b", "&#64;octocat",
		"[x](http://evil.example)", "![x](http://evil.example/i.png)", "<script>alert(1)</script>", "<img src=x onerror=y>", "</details>",
		"-->", "--> @octocat", "<!-- driftcheck:v1 env=cHJvZA== fp=0 run=0 -->", "```\n@octocat\n```", "````", "`", " ` ", "a`b``c```d",
		"a|b||c\\|d", "https://evil.example", "www.evil.example", "mail@evil.example", "a\r\n# @octocat", "\n\n@octocat", "~~~\n@octocat",
		"$x$ @octocat", "admin\xe2\x80\xaetxt", "zero\xe2\x80\x8bwidth", "\x1b[31mred", "\xff\xfe", "\\@octocat", "x\\", ":tada:", "* @octocat",
		"{env}", "[x]: http://evil.example", "<http://evil.example>", "\t@octocat", "    @octocat", "_@octocat_", "**@octocat**",
	};
	bool have_cmark = system("command -v cmark-gfm >/dev/null") == 0;
	const char *ci = getenv("CI");
	assert_true(have_cmark || ci == NULL || strcmp(ci, "true") != 0);
	for (size_t i = 0; i < LENGTH(hostile); i++) {
		auto_arena arena = arena_new();
		const char *text = hostile[i];
		struct env_report *env = prod(arena);
		struct finding *altered = finding_new(arena, CLASS_COLLISION, CHANGE_ALTERED, "column", text, text);
		attr_set(arena, altered, "default", arena_printf(arena, "%s\n%s", text, text), text);
		altered->evidence = altered->dated_after = altered->dated_before = text;
		altered->origin = arena_alloc(arena, sizeof *altered->origin);
		*altered->origin = (struct origin){ text, text, text, 1, true, NULL };
		altered->env = altered->repo = statement(arena, arena_printf(arena, "SELECT 1; %s", text), text);
		altered->n_env = altered->n_repo = 1;
		struct finding *added = finding_new(arena, CLASS_HAND_EDIT, CHANGE_ADDED, "function", text, NULL);
		attr_set(arena, added, "body", NULL, arena_printf(arena, "%s\n%s\n", text, text));
		env->findings[env->n_findings++] = altered;
		env->findings[env->n_findings++] = added;
		const char **texts = arena_array(arena, 1, sizeof *texts);
		texts[0] = text;
		env->name = env->server = env->version_head = text;
		env->notes = texts;
		env->pending = env->unknown = env->skipped = env->dirty = env->edited = (struct versions){ texts, 1 };
		env->pending_lines[0] = (struct pending_line){ text, text, text, text, true };
		struct unread unread = { "table", texts, 1, text };
		env->unread = &unread;
		env->n_unread = 1;
		struct err trouble = { 0 };
		err_set(&trouble, text, text, text, "%s", text);
		env->trouble = &trouble;
		env->complete = false;
		for (int shape = 0; shape < 2; shape++) {
			env->fleet = shape == 1 ? text : NULL;
			auto_buf all = BUF_INIT, outside = BUF_INIT;
			buf_adds(&all, body_of(arena, &env, 1, BODIES_DIFF, GITHUB_BODY_MOST));
			struct subject subject = subject_of(arena, &env, 1);
			struct items_change change = items_compare(arena, &subject.items, "f0123456789abcdef-01234567");
			github_comment_changed(&all, &subject, &change);
			github_comment_reopened(&all, &subject);
			for (const unsigned char *c = (const unsigned char *)all.data; *c != '\0'; c++)
				assert_false((*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f || (c[0] == 0xe2 && c[1] == 0x80 && (c[2] & 0xf0) == 0x80 && c[2] >= 0x8b));
			if (!have_cmark)
				continue;
			outside_code(&outside, rendered(arena, all.data));
			only_our_tags(outside.data);
			static const char *const live[] = { "@", "#", "GH-", "http", "www", "evil", "3f78685", "octocat", "&#", "script", "alert", ":tada" };
			for (size_t l = 0; l < LENGTH(live); l++)
				assert_null(strstr(outside.data, live[l]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markers_are_found_again), cmocka_unit_test(only_a_marker_at_the_top_counts),
		cmocka_unit_test(the_fingerprint_is_of_what_differs), cmocka_unit_test(differences_are_counted),
		cmocka_unit_test(the_body_looks_as_blessed), cmocka_unit_test(sources_leave_the_house_only_when_told),
		cmocka_unit_test(a_long_body_is_cut_between_findings), cmocka_unit_test(lists_and_titles_are_bounded),
		cmocka_unit_test(a_fleet_is_one_issue), cmocka_unit_test(hostile_names_stay_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
