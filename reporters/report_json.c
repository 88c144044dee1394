// SPDX-License-Identifier: PostgreSQL
// Reading a report back from its JSON: see report_json.h. Keys that were added after the first version of the schema may be
// missing; what is there must be of the right type. Objects come back with the values that the report shows, and no others.
#include "reporters/report_json.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

const char *const report_json_sides[] = { [SIDE_WANT] = "want", [SIDE_HAVE] = "have", [SIDE_BASE] = "base" };

// The first error counts; after it everything reads as absent.
struct reading {
	struct arena *arena;
	const char *where;
	struct err *err;
	bool failed;
};

static const char again_hint[] = "write it again: driftcheck check --format json --output FILE.json";

static void malformed(struct reading *reading, const char *key, const char *wanted)
{
	if (!reading->failed)
		err_set(reading->err, "report-file", reading->where, again_hint, "this is no report: `%s` is %s", key, wanted);
	reading->failed = true;
}

static void unknown(struct reading *reading, const char *key, const char *word)
{
	if (!reading->failed)
		err_set(reading->err, "report-file", reading->where, "read it with the driftcheck that wrote it, or a newer one",
		        "this version knows no %s \"%s\"", key, word);
	reading->failed = true;
}

// NULL: it is null or not there.
static const char *get_text(struct reading *reading, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (value == NULL || json_is_null(value))
		return NULL;
	if (!json_is_string(value))
		malformed(reading, key, "no text");
	return arena_strdup(reading->arena, json_string_value(value));
}

static const char *need_text(struct reading *reading, const json_t *object, const char *key)
{
	const char *value = get_text(reading, object, key);
	if (value == NULL)
		malformed(reading, key, "missing");
	return value == NULL ? "" : value;
}

static long long get_number(struct reading *reading, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		malformed(reading, key, "no number");
	return json_integer_value(value);
}

static bool get_flag(struct reading *reading, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_boolean(value))
		malformed(reading, key, "neither true nor false");
	return json_is_true(value);
}

// An empty one where it is not there: that is for keys that were added later.
static const json_t *get_array(struct reading *reading, const json_t *object, const char *key, size_t *n)
{
	const json_t *value = json_object_get(object, key);
	if (value != NULL && !json_is_array(value))
		malformed(reading, key, "no list");
	*n = json_array_size(value);
	return value;
}

static const json_t *need_array(struct reading *reading, const json_t *object, const char *key, size_t *n)
{
	if (json_object_get(object, key) == NULL)
		malformed(reading, key, "missing");
	return get_array(reading, object, key, n);
}

// NULL: it is null or not there.
static const json_t *get_object(struct reading *reading, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (value == NULL || json_is_null(value))
		return NULL;
	if (!json_is_object(value))
		malformed(reading, key, "no object");
	return value;
}

static int get_word(struct reading *reading, const json_t *object, const char *key, const char *const *words, int n)
{
	const char *value = need_text(reading, object, key);
	for (int i = 0; i < n; i++) {
		if (strcmp(words[i], value) == 0)
			return i;
	}
	unknown(reading, key, value);
	return 0;
}

static const char **get_texts(struct reading *reading, const json_t *object, const char *key, size_t *n)
{
	const json_t *array = get_array(reading, object, key, n);
	const char **texts = arena_array(reading->arena, *n, sizeof *texts);
	for (size_t i = 0; i < *n; i++) {
		const char *value = json_string_value(json_array_get(array, i));
		if (value == NULL)
			malformed(reading, key, "no list of texts");
		texts[i] = value == NULL ? "" : arena_strdup(reading->arena, value);
	}
	return texts;
}

static struct versions get_versions(struct reading *reading, const json_t *object, const char *key)
{
	struct versions versions;
	versions.items = get_texts(reading, object, key, &versions.n);
	return versions;
}

static enum engine get_engine(struct reading *reading, const json_t *object)
{
	const char *name = get_text(reading, object, "engine");
	if (name == NULL)
		return 0;
	static const enum engine engines[] = { ENGINE_POSTGRESQL, ENGINE_SQLITE };
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		if (strcmp(name, engine_name(engines[i])) == 0)
			return engines[i];
	}
	unknown(reading, "engine", name);
	return 0;
}

static struct err get_trouble(struct reading *reading, const json_t *object)
{
	struct err trouble;
	err_set(&trouble, need_text(reading, object, "code"), get_text(reading, object, "where"), get_text(reading, object, "hint"), "%s",
	        need_text(reading, object, "text"));
	return trouble;
}

// Findings.

static const char *get_side(struct reading *reading, const json_t *attribute, enum finding_side side)
{
	size_t n;
	const json_t *unread = get_array(reading, attribute, "unread", &n);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(unread, i));
		if (name != NULL && strcmp(name, report_json_sides[side]) == 0)
			return VALUE_UNREAD;
	}
	return get_text(reading, attribute, report_json_sides[side]);
}

static void get_attributes(struct reading *reading, const json_t *json, struct finding *finding, struct object *objects[N_FINDING_SIDES])
{
	const struct kind *kind = finding->object->kind;
	size_t n;
	const json_t *array = need_array(reading, json, "attributes", &n);
	finding->attrs = arena_array(reading->arena, n, sizeof *finding->attrs);
	for (size_t i = 0; i < n && !reading->failed; i++) {
		const json_t *attribute = json_array_get(array, i);
		const char *name = need_text(reading, attribute, "name");
		struct finding_attr one = { .attr = kind_attr(kind, name) };
		if (one.attr < 0) {
			unknown(reading, "attribute", name);
			return;
		}
		one.want = get_side(reading, attribute, SIDE_WANT);
		one.have = get_side(reading, attribute, SIDE_HAVE);
		one.base_differs = json_object_get(attribute, "base") != NULL;
		one.base = one.base_differs ? get_side(reading, attribute, SIDE_BASE) : one.want;
		const char *const values[] = { one.want, one.have, one.base };
		for (size_t side = 0; side < N_FINDING_SIDES; side++)
			objects[side]->values[one.attr] = values[side];
		finding->attrs[finding->n_attrs++] = one;
	}
}

static struct object *new_object(struct reading *reading, const struct kind *kind, const char *const *path, unsigned n_path)
{
	struct object *object = arena_alloc(reading->arena, sizeof *object);
	*object = (struct object){ kind, path, n_path, arena_array(reading->arena, kind->n_attrs, sizeof *object->values) };
	return object;
}

static void get_what(struct reading *reading, const json_t *json, struct finding *finding)
{
	const char *word = need_text(reading, json, "kind");
	const struct kind *kind = kind_find(word);
	if (kind == NULL) {
		unknown(reading, "kind", word);
		return;
	}
	size_t n_path;
	const char **path = get_texts(reading, json, "path", &n_path);
	struct object *objects[N_FINDING_SIDES];
	for (size_t side = 0; side < N_FINDING_SIDES; side++)
		objects[side] = new_object(reading, kind, path, (unsigned)n_path);
	finding->want = finding->change == CHANGE_ADDED ? NULL : objects[SIDE_WANT];
	finding->have = finding->change == CHANGE_REMOVED ? NULL : objects[SIDE_HAVE];
	finding->object = finding->have != NULL ? finding->have : finding->want;
	get_attributes(reading, json, finding, objects);
}

static struct origin *get_origin(struct reading *reading, const json_t *finding)
{
	const json_t *json = get_object(reading, finding, "origin");
	if (json == NULL)
		return NULL;
	struct origin *origin = arena_alloc(reading->arena, sizeof *origin);
	*origin = (struct origin){
		.version = need_text(reading, json, "version"), .label = get_text(reading, json, "label"), .file = get_text(reading, json, "file"),
		.line = (unsigned)get_number(reading, json, "line"), .exact = get_flag(reading, json, "exact"),
		.statement = get_text(reading, json, "statement"),
	};
	return origin;
}

// "" is how a risk or an evidence that is none is written.
static const char *get_remark(struct reading *reading, const json_t *object, const char *key)
{
	const char *value = get_text(reading, object, key);
	return value == NULL || *value == '\0' ? NULL : value;
}

static struct remedy_statement *get_statements(struct reading *reading, const json_t *remedy, const char *key, size_t *n)
{
	const json_t *array = need_array(reading, remedy, key, n);
	struct remedy_statement *statements = arena_array(reading->arena, *n, sizeof *statements);
	for (size_t i = 0; i < *n; i++) {
		const json_t *statement = json_array_get(array, i);
		statements[i] = (struct remedy_statement){ need_text(reading, statement, "sql"), get_remark(reading, statement, "risk") };
	}
	return statements;
}

static struct finding *get_finding(struct reading *reading, const json_t *json, bool is_change)
{
	struct finding *finding = arena_alloc(reading->arena, sizeof *finding);
	const char *id = need_text(reading, json, "id");
	if (strlen(id) != sizeof finding->id - 1)
		malformed(reading, "id", "no id");
	else
		memcpy(finding->id, id, sizeof finding->id);
	if (!is_change)
		finding->class = (enum finding_class)get_word(reading, json, "class", finding_class_names, CLASS_COLLISION + 1);
	finding->severity = (enum severity)get_word(reading, json, "severity", severity_names, SEVERITY_ALARM + 1);
	finding->change = (enum change_word)get_word(reading, json, "change", change_names, CHANGE_ALTERED + 1);
	finding->name = need_text(reading, json, "name");
	get_what(reading, json, finding);
	finding->evidence = get_remark(reading, json, "evidence");
	finding->origin = get_origin(reading, json);
	const json_t *dated = get_object(reading, json, "dated");
	finding->dated_after = get_text(reading, dated, "after");
	finding->dated_before = get_text(reading, dated, "before");
	finding->dated_at = get_text(reading, dated, "at");
	const json_t *remedy = get_object(reading, json, "remedy");
	if (remedy != NULL) {
		finding->env = get_statements(reading, remedy, "env", &finding->n_env);
		finding->repo = get_statements(reading, remedy, "repo", &finding->n_repo);
		finding->proven = get_flag(reading, remedy, "proven");
	}
	return finding;
}

static void get_findings(struct reading *reading, const json_t *object, const char *key, bool is_change, struct env_report *env)
{
	size_t n;
	const json_t *array = need_array(reading, object, key, &n);
	env->findings = arena_array(reading->arena, n, sizeof *env->findings);
	for (size_t i = 0; i < n && !reading->failed; i++)
		env->findings[env->n_findings++] = get_finding(reading, json_array_get(array, i), is_change);
}

// Environments.

static void get_unread(struct reading *reading, const json_t *object, struct env_report *env)
{
	const json_t *array = get_array(reading, object, "unread", &env->n_unread);
	env->unread = arena_array(reading->arena, env->n_unread, sizeof *env->unread);
	for (size_t i = 0; i < env->n_unread; i++) {
		const json_t *json = json_array_get(array, i);
		struct unread *unread = &env->unread[i];
		unread->kind = need_text(reading, json, "kind");
		unread->why = need_text(reading, json, "why");
		if (json_is_null(json_object_get(json, "path")))
			continue;
		size_t n_path;
		unread->path = get_texts(reading, json, "path", &n_path);
		unread->n_path = (unsigned)n_path;
	}
}

static void get_version(struct reading *reading, const json_t *object, struct env_report *env)
{
	const json_t *json = get_object(reading, object, "version");
	env->versions_known = json != NULL;
	if (json == NULL)
		return;
	env->version_table = get_text(reading, json, "table");
	env->version_head = get_text(reading, json, "head");
	env->state = (enum version_state)get_word(reading, json, "state", version_state_names, STATE_UNTRACKED + 1);
	env->pending = get_versions(reading, json, "pending");
	env->skipped = get_versions(reading, json, "skipped");
	env->unknown = get_versions(reading, json, "unknown");
	env->edited = get_versions(reading, json, "edited");
	env->dirty = get_versions(reading, json, "dirty");
}

static void get_pending(struct reading *reading, const json_t *object, struct env_report *env)
{
	const json_t *array = get_array(reading, object, "pending", &env->n_pending_lines);
	env->pending_lines = arena_array(reading->arena, env->n_pending_lines, sizeof *env->pending_lines);
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		const json_t *json = json_array_get(array, i);
		env->pending_lines[i] = (struct pending_line){
			.version = need_text(reading, json, "version"), .label = need_text(reading, json, "label"),
			.path = get_text(reading, json, "path"), .effects = get_text(reading, json, "effects"),
			.outdated = get_flag(reading, json, "outdated"),
		};
	}
}

static const struct repo_report *get_repo_of(struct reading *reading, const json_t *object, const struct report *report)
{
	const json_t *index = json_object_get(object, "repo");
	if (index == NULL || json_is_null(index))
		return NULL;
	if (!json_is_integer(index) || json_integer_value(index) < 0 || (size_t)json_integer_value(index) >= report->n_repos) {
		malformed(reading, "repo", "the number of none");
		return NULL;
	}
	return &report->repos[json_integer_value(index)];
}

static struct env_report *get_env(struct reading *reading, const json_t *json, const struct report *report)
{
	struct env_report *env = arena_alloc(reading->arena, sizeof *env);
	env->name = need_text(reading, json, "name");
	env->fleet = get_text(reading, json, "fleet");
	env->members = get_versions(reading, json, "members");
	env->engine = get_engine(reading, json);
	env->server = get_text(reading, json, "server");
	env->database = get_text(reading, json, "database");
	env->reached = env->server != NULL || env->database != NULL;
	env->complete = get_flag(reading, json, "complete");
	env->verdict = (enum verdict)get_word(reading, json, "verdict", verdict_names, VERDICT_TROUBLE + 1);
	env->repo = get_repo_of(reading, json, report);
	get_version(reading, json, env);
	get_pending(reading, json, env);
	get_findings(reading, json, "findings", false, env);
	get_unread(reading, json, env);
	env->notes = get_texts(reading, json, "notes", &env->n_notes);
	const json_t *trouble = get_object(reading, json, "trouble");
	if (trouble != NULL) {
		env->trouble = arena_alloc(reading->arena, sizeof *env->trouble);
		*env->trouble = get_trouble(reading, trouble);
	}
	const char *last_success = get_text(reading, json, "last_success");
	env->last_success_s = last_success == NULL ? 0 : clock_parse(last_success);
	return env;
}

// The whole.

static struct repo_report get_repo(struct reading *reading, const json_t *json)
{
	struct repo_report repo = {
		.name = need_text(reading, json, "name"), .path = need_text(reading, json, "path"),
		.framework = need_text(reading, json, "framework"), .n_migrations = (size_t)get_number(reading, json, "migrations"),
		.head = get_text(reading, json, "head"), .git = get_text(reading, json, "git"),
	};
	size_t n;
	const json_t *folders = get_array(reading, json, "folders", &repo.n_folders);
	repo.folders = arena_array(reading->arena, repo.n_folders, sizeof *repo.folders);
	for (size_t i = 0; i < repo.n_folders; i++) {
		const json_t *folder = json_array_get(folders, i);
		repo.folders[i] = (struct repo_folder){ need_text(reading, folder, "path"), get_text(reading, folder, "in_git") };
	}
	const json_t *timeline = get_array(reading, json, "timeline", &n);
	if (n != repo.n_migrations) // of a version that did not write it
		return repo;
	repo.lines = arena_array(reading->arena, n, sizeof *repo.lines);
	for (size_t i = 0; i < n; i++) {
		const json_t *line = json_array_get(timeline, i);
		repo.lines[i] = (struct migration_line){ need_text(reading, line, "version"), need_text(reading, line, "label") };
	}
	return repo;
}

static void get_envs(struct reading *reading, const json_t *root, struct report *report)
{
	size_t n;
	const json_t *array = need_array(reading, root, "environments", &n);
	report->envs = arena_array(reading->arena, n, sizeof *report->envs);
	for (size_t i = 0; i < n && !reading->failed; i++)
		report->envs[report->n_envs++] = get_env(reading, json_array_get(array, i), report);
}

static void get_differences(struct reading *reading, const json_t *root, struct report *report)
{
	report->want_name = need_text(reading, root, "want");
	report->have_name = need_text(reading, root, "have");
	report->equal = get_flag(reading, root, "equal");
	report->envs = arena_array(reading->arena, 1, sizeof *report->envs);
	struct env_report *env = report->envs[0] = arena_alloc(reading->arena, sizeof *env);
	env->name = report->have_name;
	env->engine = get_engine(reading, root);
	env->server = get_text(reading, root, "server");
	env->database = get_text(reading, root, "database");
	env->reached = env->engine != 0;
	env->complete = report->complete;
	get_findings(reading, root, "changes", true, env);
	get_unread(reading, root, env);
	env->notes = get_texts(reading, root, "notes", &env->n_notes);
	env->verdict = !env->complete ? VERDICT_TROUBLE : env->n_findings > 0 ? VERDICT_DRIFT : VERDICT_CLEAN;
	report->n_envs = env->reached ? 1 : 0;
}

static void get_shard(struct reading *reading, const json_t *root, struct report *report)
{
	const json_t *shard = get_object(reading, root, "shard");
	if (shard == NULL)
		return;
	report->shard_index = (int)get_number(reading, shard, "index");
	report->shard_count = (int)get_number(reading, shard, "count");
	if (report->shard_index < 1 || report->shard_index > report->shard_count)
		malformed(reading, "shard", "none of its count");
}

// Whether it is a report at all, and one that this version can read.
static bool is_report(const json_t *root, const char *where, struct err *err)
{
	const char *made_by = json_string_value(json_object_get(root, "driftcheck"));
	if (made_by == NULL)
		return err_set(err, "report-file", where, again_hint, "this is no report of driftcheck");
	if (json_object_get(root, "objects") != NULL) {
		err_set(err, "report-file", where, NULL, "this is a snapshot, no report");
		return err_hint(err, "check it: driftcheck NAME=%s", where);
	}
	json_int_t schema = json_integer_value(json_object_get(root, "schema"));
	if (schema != REPORT_SCHEMA) {
		err_set(err, "report-file", where, NULL, "written by driftcheck %s as `schema` %lld; this version reads %d", made_by,
		        (long long)schema, REPORT_SCHEMA);
		return err_hint(err, "read it with driftcheck %s", made_by);
	}
	return json_object_get(root, "command") != NULL || err_set(err, "report-file", where, again_hint, "this is no report of a check");
}

struct report *report_from_json(struct arena *arena, const json_t *root, const char *where, struct err *err)
{
	struct reading reading = { arena, where, err, false };
	if (!is_report(root, where, err))
		return NULL;
	struct report *report = arena_alloc(arena, sizeof *report);
	report->version = need_text(&reading, root, "driftcheck");
	report->command = need_text(&reading, root, "command");
	report->complete = get_flag(&reading, root, "complete");
	report->started = need_text(&reading, root, "started");
	report->duration_ms = get_number(&reading, root, "duration_ms");
	get_shard(&reading, root, report);
	const json_t *repos = need_array(&reading, root, "repo", &report->n_repos);
	report->repos = arena_array(arena, report->n_repos, sizeof *report->repos);
	for (size_t i = 0; i < report->n_repos; i++)
		report->repos[i] = get_repo(&reading, json_array_get(repos, i));
	if (strcmp(report->command, "diff") == 0)
		get_differences(&reading, root, report);
	else
		get_envs(&reading, root, report);
	const json_t *troubles = need_array(&reading, root, "trouble", &report->n_troubles);
	report->troubles = arena_array(arena, report->n_troubles, sizeof *report->troubles);
	for (size_t i = 0; i < report->n_troubles; i++)
		report->troubles[i] = get_trouble(&reading, json_array_get(troubles, i));
	return reading.failed ? NULL : report;
}

struct report *report_read(struct arena *arena, const char *path, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *where = is_stdin ? "stdin" : path;
	auto_file file = fopen(is_stdin ? "/dev/stdin" : path, "rb");
	if (file == NULL) {
		err_set(err, "report-file", where, again_hint, "cannot be opened: %s", strerror(errno));
		return NULL;
	}
	json_error_t error = { 0 };
	auto_json root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (root != NULL)
		return report_from_json(arena, root, where, err);
	bool cut = json_error_code(&error) == json_error_premature_end_of_input;
	err_set(err, "report-file", where, again_hint, "%s%s", cut ? "the file ends too early: it was not written or copied whole" : "this is no JSON: ",
	        cut ? "" : error.text);
	err_where(err, "%s:%d", where, error.line);
	return NULL;
}

struct env_report *env_report_copy(struct arena *arena, const struct report *report, const struct env_report *env)
{
	auto_json json = env_report_to_json(report, env);
	struct err err;
	struct reading reading = { arena, "an environment", &err, false };
	struct env_report *copy = get_env(&reading, json, report);
	invariant(!reading.failed, err.text);
	return copy;
}
