// SPDX-License-Identifier: PostgreSQL
// The reports, made by hand and rendered: golden texts in tests/golden (UPDATE=1 rewrites them), the keys of the JSON
// contract one by one, and names that try to break out of each format.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "reporters/line_diff.h"
#include "reporters/report_json.h"
#include "reporters/reporter.h"
#include "reporters/show.h"

#define LENGTH(array) (sizeof array / sizeof *array)

static struct finding *finding_new(struct arena *arena, enum finding_class class, enum severity severity, enum change_word change,
                                   const char *kind, const char *const *path, unsigned n_path)
{
	struct finding *finding = arena_alloc(arena, sizeof *finding);
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL);
	struct object *object = snapshot_add(snapshot, kind_find(kind), path, n_path);
	finding->class = class;
	finding->severity = severity;
	finding->change = change;
	finding->object = object;
	finding->have = change == CHANGE_REMOVED ? NULL : object;
	finding->want = change == CHANGE_ADDED ? NULL : object;
	finding->name = object_name_copy(arena, object);
	return finding;
}

#define FINDING(class, severity, change, kind, ...) \
	finding_new(arena, class, severity, change, kind, (const char *const[]){ __VA_ARGS__ }, \
	            LENGTH(((const char *const[]){ __VA_ARGS__ })))

static struct finding_attr *attr_add(struct arena *arena, struct finding *finding, const char *name, const char *want,
                                     const char *have)
{
	struct finding_attr *attrs = arena_array(arena, finding->n_attrs + 1, sizeof *attrs);
	if (finding->n_attrs > 0)
		memcpy(attrs, finding->attrs, finding->n_attrs * sizeof *attrs);
	finding->attrs = attrs;
	struct finding_attr *attr = &attrs[finding->n_attrs++];
	attr->attr = kind_attr(finding->object->kind, name);
	assert_true(attr->attr >= 0);
	attr->want = want;
	attr->have = have;
	return attr;
}

static void remedy_set(struct remedy_statement **into, size_t *n, struct remedy_statement *statements, size_t n_statements)
{
	*into = statements;
	*n = n_statements;
}

static const char body_want[] =
	"\nDECLARE\n  total numeric;\nBEGIN\n  SELECT sum(amount) INTO total\n    FROM public.items\n   WHERE order_id = $1;\n"
	"  IF total IS NULL THEN\n    RETURN 0;\n  END IF;\n  RETURN total;\nEND\n";
static const char body_have[] =
	"\nDECLARE\n  total numeric;\nBEGIN\n  SELECT sum(amount) INTO total\n    FROM public.items\n   WHERE order_id = $1;\n"
	"  IF total IS NULL THEN\n    RETURN -1;\n  END IF;\n  RAISE NOTICE 'total %', total;\n  RETURN total;\nEND\n";

static struct repo_report repo = {
	.name = "app", .path = "db/migrations", .framework = "dbmate", .n_migrations = 42, .head = "0042",
	.git = "3f786850e387550fdab836ed7e6dc881de23001b",
};

static struct env_report *prod(struct arena *arena)
{
	struct env_report *env = arena_alloc(arena, sizeof *env);
	*env = (struct env_report){ .name = "prod", .engine = ENGINE_POSTGRESQL, .server = "15.20", .database = "shop", .complete = false,
	                            .reached = true, .verdict = VERDICT_DRIFT, .repo = &repo, .versions_known = true,
	                            .version_table = "public.schema_migrations", .version_head = "0041", .state = STATE_BEHIND };
	static const char *pending[] = { "0042" }, *edited[] = { "0007" };
	env->pending = (struct versions){ pending, 1 };
	env->edited = (struct versions){ edited, 1 };
	static struct pending_line lines[] = {
		{ "0042", "0042_invoices.sql", "db/migrations/0042_invoices.sql", "table public.invoices, 2 indexes", false },
	};
	env->pending_lines = lines;
	env->n_pending_lines = LENGTH(lines);

	struct finding *collision = FINDING(CLASS_COLLISION, SEVERITY_ALARM, CHANGE_ALTERED, "column", "public", "invoices", "note");
	*attr_add(arena, collision, "type", "text", "character varying(200)") =
		(struct finding_attr){ kind_attr(collision->object->kind, "type"), "text", "character varying(200)",
		                       "character varying(80)", true };
	collision->evidence = "0042 changes it too: its next deploy is at risk";
	static struct origin origin_0042 = { "0042", "0042_invoices.sql", "db/migrations/0042_invoices.sql", 9, true, NULL };
	collision->origin = &origin_0042;

	struct finding *added = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "column", "public", "users", "vip");
	attr_add(arena, added, "type", NULL, "boolean");
	attr_add(arena, added, "not_null", NULL, "true");
	attr_add(arena, added, "default", NULL, "false");
	added->dated_after = "0041";
	static struct origin origin_0001 = { "0001", "0001_init.sql", "db/migrations/0001_init.sql", 3, true, NULL };
	added->origin = &origin_0001;
	static struct remedy_statement keep_vip[] = {
		{ "SET lock_timeout = '3s';", NULL },
		{ "ALTER TABLE public.users ADD COLUMN vip boolean DEFAULT false NOT NULL;", "locks public.users for a moment" },
	};
	static struct remedy_statement undo_vip[] = { { "-- ALTER TABLE public.users DROP COLUMN vip;", "loses the column's data" } };
	remedy_set(&added->repo, &added->n_repo, keep_vip, LENGTH(keep_vip));
	remedy_set(&added->env, &added->n_env, undo_vip, LENGTH(undo_vip));

	struct finding *altered = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ALTERED, "column", "public", "orders", "total");
	attr_add(arena, altered, "type", "numeric(12,2)", "numeric(10,2)");
	attr_add(arena, altered, "not_null", "true", NULL);
	static struct origin origin_0002 = { "0002", "0002_orders.sql", "db/migrations/0002_orders.sql", 4, true, NULL };
	altered->origin = &origin_0002;

	struct finding *function = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ALTERED, "function", "public", "total(integer)");
	attr_add(arena, function, "body", body_want, body_have);

	struct finding *check = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ALTERED, "constraint", "public", "orders", "orders_state_ck");
	attr_add(arena, check, "expression",
	         "((state)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying, 'void'::character varying])::text[]))",
	         "((state)::text = ANY ((ARRAY['new'::character varying, 'paid'::character varying, 'lost'::character varying])::text[]))");

	struct finding *skipped = FINDING(CLASS_SKIPPED, SEVERITY_ALARM, CHANGE_REMOVED, "constraint", "public", "orders", "orders_total_ck");
	attr_add(arena, skipped, "expression", "(total >= (0)::numeric)", NULL);
	static struct origin origin_0003 = { "0003", "0003_check.sql", "db/migrations/0003_check.sql", 1, true, NULL };
	skipped->origin = &origin_0003;
	skipped->evidence = "recorded as applied, but its only effect is missing: never run, or undone by hand";
	static struct remedy_statement run_check[] = {
		{ "SET lock_timeout = '3s';", NULL },
		{ "ALTER TABLE public.orders ADD CONSTRAINT orders_total_ck CHECK (total >= 0) NOT VALID;", "locks public.orders for a moment" },
		{ "ALTER TABLE public.orders VALIDATE CONSTRAINT orders_total_ck;", "reads the whole table; reads and writes go on" },
	};
	remedy_set(&skipped->env, &skipped->n_env, run_check, LENGTH(run_check));

	struct finding *ahead = FINDING(CLASS_AHEAD, SEVERITY_WARN, CHANGE_ADDED, "index", "public", "orders", "orders_user_idx");
	ahead->evidence = "0042 makes it without IF NOT EXISTS and will fail on it at the next deploy";
	struct finding *skew = FINDING(CLASS_VERSION_SKEW, SEVERITY_INFO, CHANGE_REMOVED, "table", "public", "invoices");
	skew->origin = &origin_0042;

	struct finding *all[] = { collision, added, altered, function, check, skipped, ahead, skew };
	env->n_findings = LENGTH(all);
	env->findings = arena_array(arena, LENGTH(all), sizeof *env->findings);
	memcpy(env->findings, all, sizeof all);
	for (size_t i = 0; i < LENGTH(all); i++)
		finding_identify(all[i]);

	static const char *const view_path[] = { "public", "report" };
	static struct unread unread[] = { { "view", view_path, 2, "locked by another session" } };
	env->unread = unread;
	env->n_unread = LENGTH(unread);
	static const char *notes[] = { "no PostgreSQL 15 found here: replayed on 16, whose texts differ in places" };
	env->notes = notes;
	env->n_notes = LENGTH(notes);
	return env;
}

static struct env_report *small(struct arena *arena, const char *name, enum verdict verdict, enum version_state state)
{
	struct env_report *env = arena_alloc(arena, sizeof *env);
	*env = (struct env_report){ .name = name, .engine = ENGINE_SQLITE, .server = "3.40.1", .database = "var/app.db", .complete = true,
	                            .reached = true, .verdict = verdict, .repo = &repo, .versions_known = true,
	                            .version_table = "schema_migrations", .version_head = "0042", .state = state };
	static const char *pending[] = { "0042" };
	static struct pending_line lines[] = {
		{ "0042", "0042_invoices.sql", "db/migrations/0042_invoices.sql", "table invoices, 2 indexes", false },
	};
	if (state == STATE_BEHIND) {
		env->version_head = "0041";
		env->pending = (struct versions){ pending, 1 };
		env->pending_lines = lines;
		env->n_pending_lines = 1;
	}
	return env;
}

static struct report *report_new(struct arena *arena, const char *command, struct env_report *const *envs, size_t n_envs)
{
	struct report *report = arena_alloc(arena, sizeof *report);
	*report = (struct report){ .command = command, .complete = true, .started = "2026-11-20T07:00:00Z", .duration_ms = 412,
	                           .repos = &repo, .n_repos = 1, .n_envs = n_envs };
	report->envs = arena_array(arena, n_envs, sizeof *report->envs);
	if (n_envs > 0)
		memcpy(report->envs, envs, n_envs * sizeof *envs);
	return report;
}

static struct report *full_report(struct arena *arena)
{
	struct env_report *down = arena_alloc(arena, sizeof *down);
	*down = (struct env_report){ .name = "eu", .engine = ENGINE_POSTGRESQL, .verdict = VERDICT_TROUBLE, .repo = &repo };
	static struct err trouble;
	err_set(&trouble, "unreachable", "eu", "check the host name and the firewall; `driftcheck doctor eu` tries each step",
	        "connection to server at \"db.eu\" (10.0.0.7), port 5432 failed: Connection refused\n"
	        "\tIs the server running on that host and accepting TCP/IP connections?");
	down->trouble = &trouble;
	struct env_report *envs[] = { small(arena, "dev", VERDICT_CLEAN, STATE_CURRENT), small(arena, "staging", VERDICT_SKEW, STATE_BEHIND),
	                              prod(arena), down };
	struct report *report = report_new(arena, "check", envs, LENGTH(envs));
	report->complete = false;
	report->troubles = &trouble;
	report->n_troubles = 1;
	return report;
}

static struct report *diff_report(struct arena *arena)
{
	struct env_report *env = prod(arena);
	env->versions_known = false;
	env->n_notes = env->n_unread = 0;
	struct finding *changes[] = { env->findings[1], env->findings[2], env->findings[5] };
	env->n_findings = LENGTH(changes);
	memcpy(env->findings, changes, sizeof changes);
	struct report *report = report_new(arena, "diff", &env, 1);
	report->want_name = "repo@0041";
	report->have_name = "prod";
	return report;
}

static struct report *status_report(struct arena *arena)
{
	struct env_report *behind = small(arena, "staging", VERDICT_SKEW, STATE_BEHIND);
	behind->n_pending_lines = 0;
	behind->reached = false;
	static const char *unknown[] = { "0043" }, *dirty[] = { "0042" };
	struct env_report *dirty_env = small(arena, "prod", VERDICT_DRIFT, STATE_DIRTY);
	dirty_env->unknown = (struct versions){ unknown, 1 };
	dirty_env->dirty = (struct versions){ dirty, 1 };
	struct env_report *envs[] = { behind, dirty_env };
	return report_new(arena, "status", envs, LENGTH(envs));
}

static struct report *clean_report(struct arena *arena)
{
	struct env_report *envs[] = { small(arena, "dev", VERDICT_CLEAN, STATE_CURRENT),
	                              small(arena, "staging-eu", VERDICT_CLEAN, STATE_CURRENT) };
	return report_new(arena, "check", envs, LENGTH(envs));
}

// Values that could not be read, a fleet's member that stands for others, and a shard.
static struct report *unread_report(struct arena *arena)
{
	struct env_report *env = prod(arena);
	static const char *members[] = { "prod", "prod-2" };
	static struct err trouble;
	err_set(&trouble, "unread", "prod", NULL, "1 object could not be read");
	env->fleet = "prods";
	env->members = (struct versions){ members, LENGTH(members) };
	env->trouble = &trouble;
	env->verdict = VERDICT_TROUBLE;
	attr_add(arena, env->findings[2], "default", VALUE_UNREAD, "0");
	*attr_add(arena, env->findings[2], "generated", "a", VALUE_UNREAD) =
		(struct finding_attr){ kind_attr(env->findings[2]->object->kind, "generated"), "a", VALUE_UNREAD, VALUE_UNREAD, true };
	struct report *report = report_new(arena, "check", &env, 1);
	report->complete = false;
	report->troubles = &trouble;
	report->n_troubles = 1;
	report->shard_index = 2;
	report->shard_count = 3;
	return report;
}

static void render(struct buf *out, const char *reporter, const struct report *report, struct render_options options)
{
	const struct reporter *found = reporter_find(reporter);
	assert_non_null(found);
	found->render(out, report, &options);
}

static char *read_whole(const char *path)
{
	auto_file file = fopen(path, "r");
	auto_buf content = BUF_INIT;
	char chunk[4096];
	for (size_t n; file != NULL && (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
		buf_add(&content, chunk, n);
	return strdup(content.data);
}

static void expect_golden(const char *name, const char *text)
{
	auto_buf path = BUF_INIT;
	const char *srcdir = getenv("srcdir");
	buf_addf(&path, "%s/tests/golden/%s", srcdir != NULL ? srcdir : ".", name);
	const char *update = getenv("UPDATE");
	if (update != NULL && *update == '1') {
		auto_file file = fopen(path.data, "w");
		assert_non_null(file);
		fputs(text, file);
		return;
	}
	auto_free golden = read_whole(path.data);
	assert_string_equal(text, golden);
}

static void reports_look_as_blessed(void **state)
{
	(void)state;
	static const struct {
		const char *golden, *reporter;
		struct report *(*report)(struct arena *arena);
		struct render_options options;
	} cases[] = {
		{ "check.txt", "text", full_report, { .width = 120 } },
		{ "check-80.txt", "text", full_report, { .width = 80 } },
		{ "check-color.txt", "text", full_report, { .width = 120, .color = true } },
		{ "check-verbose.txt", "text", full_report, { .verbose = true } },
		{ "check-clean.txt", "text", clean_report, { .width = 0 } },
		{ "diff.txt", "text", diff_report, { .width = 100 } },
		{ "status.txt", "text", status_report, { .width = 100 } },
		{ "check.md", "markdown", full_report, { .width = 0 } },
		{ "check-clean.md", "markdown", clean_report, { .width = 0 } },
		{ "diff.md", "markdown", diff_report, { .width = 0 } },
		{ "check.sarif", "sarif", full_report, { .width = 0 } },
		{ "diff.sarif", "sarif", diff_report, { .width = 0 } },
		{ "check.junit", "junit", full_report, { .width = 0 } },
		{ "check-accepted.junit", "junit", full_report, { .accepted = VERDICT_SKEW } },
		{ "check.prom", "prometheus", full_report, { .width = 0 } },
		{ "status.prom", "prometheus", status_report, { .width = 0 } },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena arena = arena_new();
		auto_buf out = BUF_INIT;
		render(&out, cases[i].reporter, cases[i].report(arena), cases[i].options);
		expect_golden(cases[i].golden, out.data);
	}
}

static void quiet_is_silent_when_clean(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	for (size_t i = 0; reporters[i] != NULL; i++) {
		auto_buf clean = BUF_INIT, dirty = BUF_INIT;
		render(&clean, reporters[i]->name, clean_report(arena), (struct render_options){ .quiet = true });
		render(&dirty, reporters[i]->name, full_report(arena), (struct render_options){ .quiet = true });
		assert_string_equal(clean.data, "");
		assert_true(dirty.length > 0);
	}
}

// The keys of an object, in their order, joined by blanks.
static void expect_keys(json_t *object, const char *keys)
{
	assert_true(json_is_object(object));
	auto_buf found = BUF_INIT;
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
		buf_addf(&found, "%s%s", found.length > 0 ? " " : "", key);
	assert_string_equal(found.data, keys);
}

static json_t *parse(const struct report *report)
{
	auto_buf out = BUF_INIT;
	render(&out, "json", report, (struct render_options){ 0 });
	json_error_t error;
	json_t *root = json_loads(out.data, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(root);
	return root;
}

static void json_keeps_the_contract(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	json_t *root = parse(full_report(arena));
	expect_keys(root, "driftcheck schema command complete started duration_ms shard repo environments trouble");
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	expect_keys(json_array_get(json_object_get(root, "repo"), 0), "name path framework migrations head git timeline folders");
	json_t *envs = json_object_get(root, "environments"), *env;
	size_t i, j;
	assert_int_equal(json_array_size(envs), 4);
	json_array_foreach(envs, i, env) {
		expect_keys(env, "name fleet engine server database complete verdict repo version pending findings unread notes trouble last_success");
		json_t *version = json_object_get(env, "version");
		if (strcmp(json_string_value(json_object_get(env, "name")), "eu") == 0) {
			assert_true(json_is_null(version));
			assert_true(json_is_null(json_object_get(env, "server")));
		} else {
			expect_keys(version, "table head state pending skipped unknown edited dirty");
		}
		json_t *finding, *unread;
		json_array_foreach(json_object_get(env, "findings"), j, finding) {
			expect_keys(finding, "id class severity change kind name path attributes evidence origin dated remedy");
			assert_int_equal(strlen(json_string_value(json_object_get(finding, "id"))), 16);
			if (!json_is_null(json_object_get(finding, "origin")))
				expect_keys(json_object_get(finding, "origin"), "version file line exact label statement");
			if (!json_is_null(json_object_get(finding, "dated")))
				expect_keys(json_object_get(finding, "dated"), "after before at");
			if (!json_is_null(json_object_get(finding, "remedy")))
				expect_keys(json_object_get(finding, "remedy"), "env repo proven");
		}
		json_array_foreach(json_object_get(env, "unread"), j, unread)
			expect_keys(unread, "kind path why");
	}
	json_t *findings = json_object_get(json_array_get(envs, 2), "findings");
	json_t *collision = json_array_get(json_object_get(json_array_get(findings, 0), "attributes"), 0);
	expect_keys(collision, "name want have base");
	json_t *added = json_array_get(findings, 1), *type = json_array_get(json_object_get(added, "attributes"), 0);
	expect_keys(type, "name want have");
	assert_true(json_is_null(json_object_get(type, "want")));
	assert_string_equal(json_string_value(json_object_get(type, "have")), "boolean");
	expect_keys(json_array_get(json_object_get(json_object_get(added, "remedy"), "env"), 0), "sql risk");
	json_t *altered = json_array_get(findings, 2);
	assert_true(json_is_null(json_object_get(altered, "dated")));
	assert_true(json_is_null(json_object_get(altered, "remedy")));
	json_t *function = json_array_get(findings, 3);
	assert_true(json_is_null(json_object_get(function, "origin")));
	expect_keys(json_array_get(json_object_get(root, "trouble"), 0), "where code text hint");
	json_decref(root);

	root = parse(status_report(arena));
	expect_keys(root, "driftcheck schema command complete started duration_ms shard repo environments trouble");
	json_decref(root);

	root = parse(diff_report(arena));
	expect_keys(root, "driftcheck schema command complete started duration_ms shard repo want have engine server database equal changes unread notes "
	            "trouble");
	expect_keys(json_array_get(json_object_get(root, "changes"), 0),
	            "id severity change kind name path attributes evidence remedy");
	json_decref(root);
}

static void expect_unread(const char *json, const char *code, const char *text, const char *hint)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	auto_json root = json_loads(json, 0, NULL);
	assert_non_null(root);
	assert_null(report_from_json(arena, root, "old.json", &err));
	assert_string_equal(err.code, code);
	assert_string_equal(err.where, "old.json");
	if (strstr(err.text, text) == NULL || strstr(err.hint, hint) == NULL)
		fail_msg("%s / %s", err.text, err.hint);
}

#define HEAD "\"driftcheck\": \"0.1\", \"schema\": 1, \"command\": \"check\", \"complete\": true, \"started\": \"2026-11-20T07:00:00Z\", " \
	"\"duration_ms\": 1, \"repo\": [], \"trouble\": []"
#define ENV "\"name\": \"a\", \"engine\": null, \"server\": null, \"database\": null, \"complete\": true, \"version\": null, \"unread\": [], " \
	"\"notes\": []"
#define FINDING_OF(kind, attr) "{\"id\": \"0123456789abcdef\", \"class\": \"hand-edit\", \"severity\": \"alarm\", \"change\": \"added\", " \
	"\"kind\": \"" kind "\", \"name\": \"t.a\", \"path\": [\"t\", \"a\"], \"attributes\": [{\"name\": \"" attr "\"}]}"

static void what_is_no_report_is_refused(void **state)
{
	(void)state;
	expect_unread("{}", "report-file", "no report of driftcheck", "--format json");
	expect_unread("{\"driftcheck\": \"0.1\", \"schema\": 1, \"engine\": \"sqlite\", \"objects\": []}", "report-file", "a snapshot",
	              "driftcheck NAME=old.json");
	expect_unread("{\"driftcheck\": \"9.0\", \"schema\": 2, \"command\": \"check\"}", "report-file", "`schema` 2; this version reads 1",
	              "driftcheck 9.0");
	expect_unread("{\"driftcheck\": \"0.1\", \"schema\": 1, \"kinds\": []}", "report-file", "no report of a check", "");
	expect_unread("{" HEAD "}", "report-file", "`environments` is missing", "");
	expect_unread("{" HEAD ", \"environments\": 3}", "report-file", "`environments` is no list", "");
	expect_unread("{" HEAD ", \"environments\": [3]}", "report-file", "`name` is missing", "");
	expect_unread("{" HEAD ", \"environments\": [{" ENV ", \"verdict\": \"fine\", \"findings\": []}]}", "report-file",
	              "knows no verdict \"fine\"", "or a newer one");
	expect_unread("{" HEAD ", \"environments\": [{" ENV ", \"verdict\": \"drift\", \"findings\": [" FINDING_OF("column", "flavour") "]}]}",
	              "report-file", "knows no attribute \"flavour\"", "");
	expect_unread("{" HEAD ", \"environments\": [{" ENV ", \"verdict\": \"drift\", \"findings\": [" FINDING_OF("gadget", "type") "]}]}",
	              "report-file", "knows no kind \"gadget\"", "");
	expect_unread("{" HEAD ", \"environments\": [{" ENV ", \"verdict\": \"clean\", \"repo\": 1, \"findings\": []}]}", "report-file",
	              "`repo` is the number of none", "");
	expect_unread("{" HEAD ", \"shard\": {\"index\": 4, \"count\": 3}, \"environments\": []}", "report-file", "`shard`", "");
}

// What is read of a report that an earlier version of this schema wrote: keys that were added later are missing.
static void keys_that_were_added_may_be_missing(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	auto_json root = json_loads("{" HEAD ", \"environments\": [{" ENV ", \"verdict\": \"drift\", \"findings\": [" FINDING_OF("column", "type") "]}]}",
	                            0, NULL);
	const struct report *report = report_from_json(arena, root, "old.json", &err);
	assert_non_null(report);
	assert_int_equal(report->n_envs, 1);
	assert_int_equal(report->envs[0]->n_findings, 1);
	assert_null(report->envs[0]->repo);
	assert_int_equal(report->shard_count, 0);
}

static void json_is_the_same_for_the_same_input(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_buf first = BUF_INIT, second = BUF_INIT;
	render(&first, "json", full_report(arena), (struct render_options){ 0 });
	render(&second, "json", full_report(arena), (struct render_options){ 0 });
	assert_string_equal(first.data, second.data);
}

static const char *const hostile[] = {
	"\x1b[31mred\x1b[0m\x07", "a\nb\r\nc", "@everyone #1 GH-12 closes #3", "x|y||z", "```\n# out\n```", "````", "`", " ` ",
	"<script>alert(1)</script>",
	"[link](http://evil.example)", "![i](x)", "admin\xe2\x80\xaetxt", "zero\xe2\x80\x8bwidth", "\xff\xfe raw", ("\xc2\x9b" "31m"), "\t",
	"</details>", "https://evil.example www.evil.example a@b.example", "3f786850e387550fdab836ed7e6dc881de23001b", "$(rm -rf /)", "",
	"::error::x", "\xed\xa0\x80", "\xf4\x90\x80\x80",
};

// Everything in the report that comes from a database or a repository is the hostile text.
static struct report *hostile_report(struct arena *arena, const char *text)
{
	struct env_report *env = prod(arena);
	env->name = env->server = env->database = env->version_head = env->version_table = text;
	struct finding *finding = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ALTERED, "column", text, text, text);
	attr_add(arena, finding, "type", text, text);
	attr_add(arena, finding, "default", arena_printf(arena, "%s\n%s", text, text), text);
	finding->evidence = text;
	finding->dated_after = text;
	struct origin *origin = arena_alloc(arena, sizeof *origin);
	*origin = (struct origin){ text, text, text, 1, true, NULL };
	finding->origin = origin;
	struct remedy_statement *statements = arena_array(arena, 1, sizeof *statements);
	*statements = (struct remedy_statement){ arena_printf(arena, "SELECT %s;", text), text };
	remedy_set(&finding->env, &finding->n_env, statements, 1);
	remedy_set(&finding->repo, &finding->n_repo, statements, 1);
	struct finding *added = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "function", text, text);
	attr_add(arena, added, "body", NULL, arena_printf(arena, "%s\n%s\n", text, text));
	env->findings[0] = finding;
	env->findings[1] = added;
	env->n_findings = 2;
	const char **texts = arena_array(arena, 1, sizeof *texts);
	texts[0] = text;
	env->notes = texts;
	env->pending = env->unknown = env->skipped = env->dirty = env->edited = (struct versions){ texts, 1 };
	struct pending_line *line = arena_alloc(arena, sizeof *line);
	*line = (struct pending_line){ text, text, text, text, true };
	env->pending_lines = line;
	struct unread *unread = arena_alloc(arena, sizeof *unread);
	*unread = (struct unread){ "table", texts, 1, text };
	env->unread = unread;
	struct report *report = report_new(arena, "check", &env, 1);
	struct err *err = arena_alloc(arena, sizeof *err);
	err_set(err, text, text, text, "%s", text);
	report->troubles = err;
	report->n_troubles = 1;
	report->want_name = report->have_name = text;
	return report;
}

static void nothing_reaches_the_terminal_unescaped(const char *out)
{
	for (const unsigned char *c = (const unsigned char *)out; *c != '\0'; c++) {
		assert_false((*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f);
		assert_false(c[0] == 0xc2 && c[1] < 0xa0);                  // C1
		assert_false(c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0x8b && c[2] <= 0x8f); // zero width
		assert_false(c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae); // separators, bidi
		assert_false(c[0] == 0xff || c[0] == 0xfe || (c[0] == 0xed && c[1] == 0xa0));
	}
}

// The text outside code spans and fences, as CommonMark finds them: what a renderer could make something of.
static void outside_code(struct buf *outside, const char *markdown)
{
	size_t fence = 0;
	for (const char *line = markdown; *line != '\0';) {
		size_t length = strcspn(line, "\n"), run = strspn(line, "`");
		if (fence > 0) {
			if (run >= fence && run == length)
				fence = 0;
		} else if (run >= 3 && memchr(line + run, '`', length - run) == NULL) {
			fence = run;
		} else {
			for (size_t i = 0; i < length;) {
				size_t open = strspn(line + i, "`"), close = 0;
				for (size_t j = i + open; open > 0 && j < length; j += close > 0 ? close : 1) {
					close = strspn(line + j, "`");
					if (close == open) {
						close = j + open;
						break;
					}
					close = close > 0 ? close : 0;
					if (j + (close > 0 ? close : 1) >= length)
						close = 0;
				}
				if (open > 0) {
					assert_true(close > i + open); // every span is closed on its line
					i = close;
				} else {
					buf_addc(outside, line[i++]);
				}
			}
		}
		buf_addc(outside, '\n');
		line += length + (line[length] == '\n');
	}
	assert_int_equal(fence, 0);
}

static void hostile_text_is_harmless(void **state)
{
	(void)state;
	static const char *const commands[] = { "check", "status", "diff" };
	for (size_t i = 0; i < LENGTH(hostile) * LENGTH(commands); i++) {
		auto_arena arena = arena_new();
		struct report *report = hostile_report(arena, hostile[i % LENGTH(hostile)]);
		report->command = commands[i / LENGTH(hostile)];
		auto_buf text = BUF_INIT, markdown = BUF_INIT, outside = BUF_INIT;
		render(&text, "text", report, (struct render_options){ .width = 80 });
		nothing_reaches_the_terminal_unescaped(text.data);
		render(&markdown, "markdown", report, (struct render_options){ 0 });
		nothing_reaches_the_terminal_unescaped(markdown.data);
		outside_code(&outside, markdown.data);
		static const char *const live[] = { "@e", "#1", "#3", "GH-", "<", "](", "http", "www", "3f78", "\\`", "$(", "::e" };
		for (size_t l = 0; l < LENGTH(live); l++)
			assert_null(strstr(outside.data, live[l]));
		json_decref(parse(report)); // JSON takes anything, and gives back valid UTF-8
	}
}

// What there is of an environment in the report of `driftcheck diff`.
static void as_diff_makes_it(const struct report *report, struct env_report *env)
{
	env->name = report->have_name;
	env->repo = NULL;
	env->versions_known = false;
	env->n_pending_lines = 0;
	env->reached = true;
	env->complete = report->complete;
	env->verdict = !env->complete ? VERDICT_TROUBLE : env->n_findings > 0 ? VERDICT_DRIFT : VERDICT_CLEAN;
	for (size_t i = 0; i < env->n_findings; i++) {
		struct finding *change = env->findings[i];
		change->class = CLASS_HAND_EDIT;
		change->origin = NULL;
		change->dated_after = change->dated_before = change->dated_at = NULL;
	}
}

// Every reporter renders from what was read back what it renders from the report itself. Two things cannot be told from JSON,
// and are left out here: bytes that are no UTF-8 (they come back as their escapes) and an evidence that is an empty text.
static void expect_read_back(struct arena *arena, const struct report *report)
{
	for (size_t e = 0; e < report->n_envs; e++) {
		for (size_t i = 0; i < report->envs[e]->n_findings; i++)
			finding_identify(report->envs[e]->findings[i]);
		if (strcmp(report->command, "diff") == 0)
			as_diff_makes_it(report, report->envs[e]);
	}
	auto_json root = parse(report);
	struct err err;
	struct report *back = report_from_json(arena, root, "report.json", &err);
	if (back == NULL)
		fail_msg("%s", err.text);
	for (size_t i = 0; reporters[i] != NULL; i++) {
		for (int verbose = 0; verbose <= 1; verbose++) {
			auto_buf first = BUF_INIT, again = BUF_INIT;
			render(&first, reporters[i]->name, report, (struct render_options){ .width = 100, .verbose = verbose == 1 });
			render(&again, reporters[i]->name, back, (struct render_options){ .width = 100, .verbose = verbose == 1 });
			size_t at = 0;
			while (first.data[at] != '\0' && first.data[at] == again.data[at])
				at++;
			if (first.data[at] != again.data[at])
				fail_msg("%s: %.80s\nread back: %.80s", reporters[i]->name, first.data + at, again.data + at);
		}
	}
}

static void reports_are_read_back_whole(void **state)
{
	(void)state;
	struct report *(*const made[])(struct arena *) = { full_report, clean_report, diff_report, status_report, unread_report };
	for (size_t i = 0; i < LENGTH(made); i++) {
		auto_arena arena = arena_new();
		expect_read_back(arena, made[i](arena));
	}
	for (size_t i = 0; i < LENGTH(hostile); i++) {
		json_t *valid = json_string(hostile[i]);
		if (valid != NULL && *hostile[i] != '\0') {
			auto_arena arena = arena_new();
			expect_read_back(arena, hostile_report(arena, hostile[i]));
			struct report *diff = hostile_report(arena, hostile[i]);
			diff->command = "diff";
			diff->complete = false;
			expect_read_back(arena, diff);
		}
		json_decref(valid);
	}
}

// In a Markdown table every row has the same number of cells, whatever the cells hold.
static void tables_keep_their_columns(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_buf markdown = BUF_INIT;
	render(&markdown, "markdown", hostile_report(arena, "x|y||z"), (struct render_options){ 0 });
	const char *row = strstr(markdown.data, "\n| `");
	assert_non_null(row);
	size_t bars = 0;
	for (const char *c = row + 1; *c != '\n'; c++)
		bars += *c == '|' && c[-1] != '\\';
	assert_int_equal(bars, 6);
}

static void lines_are_compared(void **state)
{
	(void)state;
	static const struct { const char *a, *b, *diff; } cases[] = {
		{ "a\nb\nc\n", "a\nx\nc\n", " a-b+x c" },
		{ "", "a", "+a" },
		{ "a", "", "-a" },
		{ "a", "a\n", " a+" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nx\n6\n7\n8\n9", "~ 4-5+x 6~" },
		{ "a\nb\nc\nd", "b\nc\nd\ne", "-a b c d+e" },
		{ "same", "same", "~" },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena arena = arena_new();
		size_t n;
		bool all = strlen(cases[i].a) < 8 && cases[i].diff[0] != '~';
		struct diff_line *lines = line_diff(arena, cases[i].a, cases[i].b, all ? 9 : 1, &n);
		auto_buf found = BUF_INIT;
		for (size_t l = 0; l < n; l++)
			buf_addf(&found, "%c%s", lines[l].mark, lines[l].text != NULL ? lines[l].text : "");
		assert_string_equal(found.data, cases[i].diff);
	}
}

static void long_texts_are_compared_within_bounds(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_buf a = BUF_INIT, b = BUF_INIT;
	for (int i = 0; i < 3000; i++) {
		buf_addf(&a, "a%d\n", i);
		buf_addf(&b, "b%d\n", i);
	}
	size_t n;
	struct diff_line *lines = line_diff(arena, a.data, b.data, 2, &n);
	assert_int_equal(n, 6000);
	assert_int_equal(lines[0].mark, LINE_OLD);
	assert_int_equal(lines[3000].mark, LINE_NEW);
}

static void findings_are_known_again(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct finding *first = FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "column", "public", "users", "vip");
	attr_add(arena, first, "type", NULL, "boolean");
	struct finding *again = FINDING(CLASS_HAND_EDIT, SEVERITY_WARN, CHANGE_ADDED, "column", "public", "users", "vip");
	attr_add(arena, again, "type", NULL, "text"); // values do not count
	finding_identify(first);
	finding_identify(again);
	assert_string_equal(first->id, again->id);
	assert_int_equal(strspn(first->id, "0123456789abcdef"), 16);
	struct finding *others[] = {
		FINDING(CLASS_SKIPPED, SEVERITY_ALARM, CHANGE_ADDED, "column", "public", "users", "vip"),
		FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ALTERED, "column", "public", "users", "vip"),
		FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "constraint", "public", "users", "vip"),
		FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "column", "public", "user", "svip"),
	};
	for (size_t i = 0; i < LENGTH(others); i++) {
		if (i != 2)
			attr_add(arena, others[i], "type", NULL, "boolean");
		finding_identify(others[i]);
		assert_string_not_equal(first->id, others[i]->id);
	}
}

static void findings_sort_worst_first(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct finding *in_order[] = {
		FINDING(CLASS_COLLISION, SEVERITY_ALARM, CHANGE_ALTERED, "column", "public", "z", "a"),
		FINDING(CLASS_SKIPPED, SEVERITY_ALARM, CHANGE_REMOVED, "column", "public", "a", "a"),
		FINDING(CLASS_HAND_EDIT, SEVERITY_ALARM, CHANGE_ADDED, "column", "public", "b", "a"),
		FINDING(CLASS_SKIPPED, SEVERITY_WARN, CHANGE_REMOVED, "column", "public", "a", "b"),
		FINDING(CLASS_AHEAD, SEVERITY_WARN, CHANGE_ADDED, "column", "public", "a", "a"),
		FINDING(CLASS_VERSION_SKEW, SEVERITY_WARN, CHANGE_ADDED, "column", "public", "a", "a"),
		FINDING(CLASS_VERSION_SKEW, SEVERITY_INFO, CHANGE_REMOVED, "column", "public", "a", "a"),
	};
	for (size_t i = 0; i < LENGTH(in_order); i++) {
		for (size_t j = 0; j < LENGTH(in_order); j++) {
			int order = finding_compare(ENGINE_POSTGRESQL, in_order[i], in_order[j]);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_look_as_blessed), cmocka_unit_test(quiet_is_silent_when_clean),
		cmocka_unit_test(json_keeps_the_contract), cmocka_unit_test(json_is_the_same_for_the_same_input),
		cmocka_unit_test(what_is_no_report_is_refused), cmocka_unit_test(keys_that_were_added_may_be_missing),
		cmocka_unit_test(reports_are_read_back_whole),
		cmocka_unit_test(hostile_text_is_harmless), cmocka_unit_test(tables_keep_their_columns),
		cmocka_unit_test(lines_are_compared), cmocka_unit_test(long_texts_are_compared_within_bounds),
		cmocka_unit_test(findings_are_known_again), cmocka_unit_test(findings_sort_worst_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
