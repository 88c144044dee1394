// SPDX-License-Identifier: PostgreSQL
// Redaction of a report: see redact.h. It walks the report's data and knows no secrets itself. Ids stay: they hold no values.
#include "reporters/redact.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "diff/remedy.h"

// The text itself where there is nothing to mask, so that what is compared by its pointer (VALUE_UNREAD) stays the same.
static const char *clean(struct arena *arena, const char *text)
{
	auto_buf masked = BUF_INIT;
	return text != NULL && secret_mask(&masked, text) ? buf_copy(&masked, arena) : text;
}

static void clean_text(struct arena *arena, const char **text)
{
	*text = clean(arena, *text);
}

static const char **clean_copies(struct arena *arena, const char *const *texts, size_t n)
{
	const char **copies = arena_array(arena, n, sizeof *copies);
	for (size_t i = 0; i < n; i++)
		copies[i] = clean(arena, texts[i]);
	return copies;
}

static void clean_versions(struct arena *arena, struct versions *versions)
{
	versions->items = clean_copies(arena, versions->items, versions->n);
}

// A default may be a password that nothing but the column's name tells: it is masked together with that.
static const char *clean_value(struct arena *arena, const struct object *object, int attr, const char *value)
{
	const char *name = object->path[object->n_path - 1];
	if (value == NULL || value == VALUE_UNREAD || strcmp(object->kind->attrs[attr].name, "default") != 0)
		return clean(arena, value);
	const char *named = arena_printf(arena, "%s := %s", name, value), *masked = clean(arena, named);
	size_t before = strlen(name) + strlen(" := ");
	return masked != named && strncmp(masked, named, before) == 0 ? masked + before : clean(arena, value);
}

static const struct object *clean_object(struct arena *arena, const struct object *object)
{
	if (object == NULL)
		return NULL;
	struct object *copy = arena_alloc(arena, sizeof *copy);
	*copy = (struct object){ object->kind, clean_copies(arena, object->path, object->n_path), object->n_path,
	                         arena_array(arena, object->kind->n_attrs, sizeof *copy->values) };
	for (unsigned i = 0; i < object->kind->n_attrs; i++)
		copy->values[i] = clean_value(arena, object, (int)i, object->values[i]);
	return copy;
}

static void clean_objects(struct arena *arena, struct finding *finding)
{
	const struct object *const have = finding->have, *const want = finding->want, *const named = finding->object;
	finding->have = clean_object(arena, have);
	finding->want = want == have ? finding->have : clean_object(arena, want);
	finding->base = finding->base == want ? finding->want : clean_object(arena, finding->base);
	finding->object = named == have ? finding->have : named == want ? finding->want : clean_object(arena, named);
}

static void clean_remedy(struct arena *arena, struct remedy_statement **statements, size_t *n)
{
	static const struct remedy_statement reason = { "-- not to be run as it is: it holds a secret, which is hidden here", NULL };
	bool altered = false;
	for (size_t i = 0; i < *n; i++) {
		const char *sql = clean(arena, (*statements)[i].sql);
		altered |= sql != (*statements)[i].sql;
		(*statements)[i].sql = sql;
		clean_text(arena, &(*statements)[i].risk);
	}
	if (!altered)
		return;
	struct remedy_statement *all = arena_array(arena, *n + 1, sizeof *all);
	all[0] = reason;
	for (size_t i = 0; i < *n; i++)
		all[i + 1] = (struct remedy_statement){ remedy_comment_out(arena, (*statements)[i].sql), (*statements)[i].risk };
	bool again = strcmp((*statements)[0].sql, reason.sql) == 0;
	*statements = again ? all + 1 : all;
	*n += again ? 0 : 1;
}

static void clean_origin(struct arena *arena, struct origin *origin)
{
	const char **const texts[] = { &origin->version, &origin->label, &origin->file, &origin->statement };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		clean_text(arena, texts[i]);
}

static void clean_finding(struct arena *arena, struct finding *finding)
{
	for (size_t i = 0; i < finding->n_attrs; i++) {
		struct finding_attr *attr = &finding->attrs[i];
		attr->want = clean_value(arena, finding->object, attr->attr, attr->want);
		attr->have = clean_value(arena, finding->object, attr->attr, attr->have);
		if (attr->base_differs)
			attr->base = clean_value(arena, finding->object, attr->attr, attr->base);
	}
	clean_objects(arena, finding);
	clean_text(arena, &finding->name);
	clean_text(arena, &finding->evidence);
	clean_text(arena, &finding->dated_after);
	clean_text(arena, &finding->dated_before);
	clean_text(arena, &finding->dated_at);
	if (finding->origin != NULL)
		clean_origin(arena, finding->origin);
	clean_remedy(arena, &finding->env, &finding->n_env);
	clean_remedy(arena, &finding->repo, &finding->n_repo);
}

static void clean_unread(struct arena *arena, struct unread *unread)
{
	if (unread->path != NULL)
		unread->path = clean_copies(arena, unread->path, unread->n_path);
	clean_text(arena, &unread->why);
}

static void clean_env(struct arena *arena, struct env_report *env)
{
	const char **const texts[] = { &env->name, &env->fleet, &env->server, &env->database, &env->version_table, &env->version_head };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		clean_text(arena, texts[i]);
	struct versions *const lists[] = { &env->members, &env->pending, &env->skipped, &env->unknown, &env->edited, &env->dirty };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		clean_versions(arena, lists[i]);
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		struct pending_line *line = &env->pending_lines[i];
		const char **const of_line[] = { &line->version, &line->label, &line->path, &line->effects };
		for (size_t t = 0; t < sizeof of_line / sizeof *of_line; t++)
			clean_text(arena, of_line[t]);
	}
	for (size_t i = 0; i < env->n_findings; i++)
		clean_finding(arena, env->findings[i]);
	for (size_t i = 0; i < env->n_unread; i++)
		clean_unread(arena, &env->unread[i]);
	env->notes = clean_copies(arena, env->notes, env->n_notes);
	if (env->trouble != NULL)
		secret_mask_err(env->trouble);
}

void report_redact(struct arena *arena, struct report *report)
{
	clean_text(arena, &report->want_name);
	clean_text(arena, &report->have_name);
	for (size_t i = 0; i < report->n_repos; i++) {
		struct repo_report *repo = &report->repos[i];
		const char **const texts[] = { &repo->name, &repo->path, &repo->head };
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			clean_text(arena, texts[t]);
		for (size_t f = 0; f < repo->n_folders; f++) {
			clean_text(arena, &repo->folders[f].path);
			clean_text(arena, &repo->folders[f].in_git);
		}
		for (size_t l = 0; repo->lines != NULL && l < repo->n_migrations; l++) {
			clean_text(arena, &repo->lines[l].version);
			clean_text(arena, &repo->lines[l].label);
		}
	}
	for (size_t i = 0; i < report->n_envs; i++)
		clean_env(arena, report->envs[i]);
	for (size_t i = 0; i < report->n_troubles; i++)
		secret_mask_err(&report->troubles[i]);
}
