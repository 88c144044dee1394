// SPDX-License-Identifier: PostgreSQL
// The report for machines: one JSON document, its keys in a fixed order. Its shape is a contract: keys may be
// added, none is renamed or removed without raising REPORT_SCHEMA. Whatever a reporter shows must be in it: a report is kept
// as JSON, and rendered again from that (report_json.c).
#include "config.h"

#include "reporters/report_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "reporters/reporter.h"
#include "reporters/show.h"

// Text as it is, NULL as null. JSON holds UTF-8 alone: bytes that are none (a database in SQL_ASCII) become escapes.
static json_t *text(const char *value)
{
	if (value == NULL || value == VALUE_UNREAD)
		return json_null();
	json_t *string = json_string(value);
	if (string == NULL) {
		auto_buf shown = BUF_INIT;
		show_line(&shown, value);
		string = json_string(shown.data);
	}
	return string;
}

static json_t *text_or_empty(const char *value)
{
	return text(value == NULL ? "" : value);
}

static void put(json_t *object, const char *key, json_t *value)
{
	invariant(json_object_set_new(object, key, value) == 0, "JSON object");
}

static void append(json_t *array, json_t *value)
{
	invariant(json_array_append_new(array, value) == 0, "JSON array");
}

static json_t *path_json(const char *const *path, unsigned n_path)
{
	json_t *array = json_array();
	for (unsigned i = 0; i < n_path; i++)
		append(array, text(path[i]));
	return array;
}

static json_t *versions_json(const struct versions *versions)
{
	json_t *array = json_array();
	for (size_t i = 0; i < versions->n; i++)
		append(array, text(versions->items[i]));
	return array;
}

static json_t *statements_json(const struct remedy_statement *statements, size_t n)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *statement = json_object();
		put(statement, "sql", text(statements[i].sql));
		put(statement, "risk", text_or_empty(statements[i].risk));
		append(array, statement);
	}
	return array;
}

static json_t *remedy_json(const struct finding *finding)
{
	if (finding->n_env == 0 && finding->n_repo == 0)
		return json_null();
	json_t *remedy = json_object();
	put(remedy, "env", statements_json(finding->env, finding->n_env));
	put(remedy, "repo", statements_json(finding->repo, finding->n_repo));
	put(remedy, "proven", json_boolean(finding->proven));
	return remedy;
}

// Null is "none"; which of the values could not be read is said beside it.
static void put_unread(json_t *attribute, const struct finding_attr *change)
{
	const char *const values[] = { change->want, change->have, change->base_differs ? change->base : NULL };
	json_t *unread = json_array();
	for (size_t i = 0; i < N_FINDING_SIDES; i++) {
		if (values[i] == VALUE_UNREAD)
			append(unread, text(report_json_sides[i]));
	}
	if (json_array_size(unread) > 0)
		put(attribute, "unread", unread);
	else
		json_decref(unread);
}

static json_t *attributes_json(const struct finding *finding)
{
	json_t *attributes = json_array();
	for (size_t i = 0; i < finding->n_attrs; i++) {
		const struct finding_attr *change = &finding->attrs[i];
		json_t *attribute = json_object();
		put(attribute, "name", text(finding->object->kind->attrs[change->attr].name));
		put(attribute, "want", text(change->want));
		put(attribute, "have", text(change->have));
		if (change->base_differs)
			put(attribute, "base", text(change->base));
		put_unread(attribute, change);
		append(attributes, attribute);
	}
	return attributes;
}

static json_t *origin_json(const struct origin *origin)
{
	if (origin == NULL)
		return json_null();
	json_t *object = json_object();
	put(object, "version", text(origin->version));
	put(object, "file", text(origin->file));
	put(object, "line", json_integer(origin->line));
	put(object, "exact", json_boolean(origin->exact));
	put(object, "label", text(origin->label));
	put(object, "statement", text(origin->statement));
	return object;
}

static json_t *dated_json(const struct finding *finding)
{
	if (finding->dated_after == NULL && finding->dated_before == NULL && finding->dated_at == NULL)
		return json_null();
	json_t *dated = json_object();
	put(dated, "after", text(finding->dated_after));
	put(dated, "before", text(finding->dated_before));
	put(dated, "at", text(finding->dated_at));
	return dated;
}

// A change of `diff` is a finding without what only a repository can tell: class, origin, dating.
static json_t *finding_json(const struct finding *finding, bool is_change)
{
	json_t *object = json_object();
	put(object, "id", text(finding->id));
	if (!is_change)
		put(object, "class", text(finding_class_names[finding->class]));
	put(object, "severity", text(severity_names[finding->severity]));
	put(object, "change", text(change_names[finding->change]));
	put(object, "kind", text(finding->object->kind->name));
	put(object, "name", text(finding->name));
	put(object, "path", path_json(finding->object->path, finding->object->n_path));
	put(object, "attributes", attributes_json(finding));
	put(object, "evidence", text_or_empty(finding->evidence));
	if (!is_change) {
		put(object, "origin", origin_json(finding->origin));
		put(object, "dated", dated_json(finding));
	}
	put(object, "remedy", remedy_json(finding));
	return object;
}

static void add_findings(json_t *array, const struct env_report *env, bool is_change)
{
	for (size_t i = 0; i < env->n_findings; i++)
		append(array, finding_json(env->findings[i], is_change));
}

static void add_unread(json_t *array, const struct env_report *env)
{
	for (size_t i = 0; i < env->n_unread; i++) {
		const struct unread *unread = &env->unread[i];
		json_t *object = json_object();
		put(object, "kind", text(unread->kind));
		put(object, "path", unread->path == NULL ? json_null() : path_json(unread->path, unread->n_path));
		put(object, "why", text(unread->why));
		append(array, object);
	}
}

static void add_notes(json_t *array, const struct env_report *env)
{
	for (size_t i = 0; i < env->n_notes; i++)
		append(array, text(env->notes[i]));
}

static json_t *version_json(const struct env_report *env)
{
	if (!env->versions_known) // an empty list would say that nothing is pending
		return json_null();
	json_t *version = json_object();
	put(version, "table", text(env->version_table));
	put(version, "head", text(env->version_head));
	put(version, "state", text(version_state_names[env->state]));
	put(version, "pending", versions_json(&env->pending));
	put(version, "skipped", versions_json(&env->skipped));
	put(version, "unknown", versions_json(&env->unknown));
	put(version, "edited", versions_json(&env->edited));
	put(version, "dirty", versions_json(&env->dirty));
	return version;
}

static json_t *pending_json(const struct env_report *env)
{
	json_t *array = json_array();
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		const struct pending_line *line = &env->pending_lines[i];
		json_t *object = json_object();
		put(object, "version", text(line->version));
		put(object, "label", text(line->label));
		put(object, "path", text(line->path));
		put(object, "effects", text(line->effects));
		put(object, "outdated", json_boolean(line->outdated));
		append(array, object);
	}
	return array;
}

static json_t *trouble_json(const struct err *err)
{
	json_t *trouble = json_object();
	put(trouble, "where", text(err->where));
	put(trouble, "code", text(err->code));
	put(trouble, "text", text(err->text));
	put(trouble, "hint", text(err->hint));
	return trouble;
}

static json_t *repo_index(const struct report *report, const struct repo_report *repo)
{
	for (size_t i = 0; i < report->n_repos; i++) {
		if (&report->repos[i] == repo)
			return json_integer((json_int_t)i);
	}
	return json_null();
}

json_t *env_report_to_json(const struct report *report, const struct env_report *env)
{
	json_t *object = json_object(), *findings = json_array(), *unread = json_array(), *notes = json_array();
	put(object, "name", text(env->name));
	put(object, "fleet", text(env->fleet));
	if (env->members.n > 0)
		put(object, "members", versions_json(&env->members));
	put(object, "engine", env->engine == 0 ? json_null() : text(engine_name(env->engine)));
	put(object, "server", env->reached ? text(env->server) : json_null());
	put(object, "database", env->reached ? text(env->database) : json_null());
	put(object, "complete", json_boolean(env->complete));
	put(object, "verdict", text(verdict_names[env->verdict]));
	put(object, "repo", repo_index(report, env->repo));
	put(object, "version", version_json(env));
	put(object, "pending", pending_json(env));
	add_findings(findings, env, false);
	add_unread(unread, env);
	add_notes(notes, env);
	put(object, "findings", findings);
	put(object, "unread", unread);
	put(object, "notes", notes);
	put(object, "trouble", env->trouble == NULL ? json_null() : trouble_json(env->trouble));
	auto_arena arena = arena_new();
	put(object, "last_success", env->last_success_s == 0 ? json_null() : text(clock_rfc3339(arena, env->last_success_s)));
	return object;
}

static json_t *repo_json(const struct repo_report *repo)
{
	json_t *object = json_object(), *timeline = json_array(), *folders = json_array();
	put(object, "name", text(repo->name));
	put(object, "path", text(repo->path));
	put(object, "framework", text(repo->framework));
	put(object, "migrations", json_integer((json_int_t)repo->n_migrations));
	put(object, "head", text(repo->head));
	put(object, "git", text(repo->git));
	for (size_t i = 0; repo->lines != NULL && i < repo->n_migrations; i++) {
		json_t *line = json_object();
		put(line, "version", text(repo->lines[i].version));
		put(line, "label", text(repo->lines[i].label));
		append(timeline, line);
	}
	for (size_t i = 0; i < repo->n_folders; i++) {
		json_t *folder = json_object();
		put(folder, "path", text(repo->folders[i].path));
		put(folder, "in_git", text(repo->folders[i].in_git));
		append(folders, folder);
	}
	put(object, "timeline", timeline);
	put(object, "folders", folders);
	return object;
}

static json_t *shard_json(const struct report *report)
{
	if (report->shard_count == 0)
		return json_null();
	json_t *shard = json_object();
	put(shard, "index", json_integer(report->shard_index));
	put(shard, "count", json_integer(report->shard_count));
	return shard;
}

// `diff` has no environment, but what it was compared with is one to the reporters.
static void put_differences(json_t *root, const struct report *report)
{
	json_t *changes = json_array(), *unread = json_array(), *notes = json_array();
	const struct env_report *have = report->n_envs > 0 ? report->envs[0] : NULL;
	for (size_t i = 0; i < report->n_envs; i++) {
		add_findings(changes, report->envs[i], true);
		add_unread(unread, report->envs[i]);
		add_notes(notes, report->envs[i]);
	}
	put(root, "want", text(report->want_name));
	put(root, "have", text(report->have_name));
	put(root, "engine", have == NULL ? json_null() : text(engine_name(have->engine)));
	put(root, "server", have == NULL ? json_null() : text(have->server));
	put(root, "database", have == NULL ? json_null() : text(have->database));
	put(root, "equal", json_boolean(report->equal));
	put(root, "changes", changes);
	put(root, "unread", unread);
	put(root, "notes", notes);
}

json_t *report_to_json(const struct report *report)
{
	json_t *root = json_object(), *repos = json_array(), *troubles = json_array();
	put(root, "driftcheck", text(report->version != NULL ? report->version : PACKAGE_VERSION));
	put(root, "schema", json_integer(REPORT_SCHEMA));
	put(root, "command", text(report->command));
	put(root, "complete", json_boolean(report->complete));
	put(root, "started", text(report->started));
	put(root, "duration_ms", json_integer(report->duration_ms));
	put(root, "shard", shard_json(report));
	for (size_t i = 0; i < report->n_repos; i++)
		append(repos, repo_json(&report->repos[i]));
	put(root, "repo", repos);
	if (strcmp(report->command, "diff") == 0) {
		put_differences(root, report);
	} else {
		json_t *envs = json_array();
		for (size_t i = 0; i < report->n_envs; i++)
			append(envs, env_report_to_json(report, report->envs[i]));
		put(root, "environments", envs);
	}
	for (size_t i = 0; i < report->n_troubles; i++)
		append(troubles, trouble_json(&report->troubles[i]));
	put(root, "trouble", troubles);
	return root;
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_json root = report_to_json(report);
	auto_free dump = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	invariant(dump != NULL, "JSON dump");
	buf_adds(out, dump);
	buf_addc(out, '\n');
}

const struct reporter reporter_json = {
	.name = "json",
	.summary = "for machines: one document, the same keys in the same order",
	.render = render,
};
