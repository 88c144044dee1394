// SPDX-License-Identifier: PostgreSQL
// Reports on tenants: see tenants_report.h. Findings are plain data; those of one report share their objects with no other.
#include "sentinel/tenants_report.h"

#include <string.h>

#include "base/arena.h"
#include "introspect/tenant.h"

struct renaming {
	struct arena *arena;
	const char *schema;
};

static const struct object *object_of(const struct renaming *to, const struct object *object)
{
	return object == NULL ? NULL : tenant_object(to->arena, object, to->schema);
}

static const char *text_of(const struct renaming *to, const char *text)
{
	return tenant_text(to->arena, text, to->schema);
}

static void rename_statements(const struct renaming *to, struct remedy_statement *statements, size_t n, bool for_repo)
{
	for (size_t i = 0; i < n; i++) {
		const char *sql = statements[i].sql;
		statements[i].sql = for_repo ? tenant_text_unqualified(to->arena, sql, to->schema) : text_of(to, sql);
		statements[i].risk = text_of(to, statements[i].risk);
	}
}

static void rename_finding(const struct renaming *to, struct finding *finding)
{
	const struct object *named = finding->object;
	const struct object **const sides[] = { &finding->have, &finding->want, &finding->base };
	finding->object = NULL;
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
		const struct object *was = *sides[i];
		*sides[i] = object_of(to, was);
		finding->object = was == named && finding->object == NULL ? *sides[i] : finding->object;
	}
	if (finding->object == NULL)
		finding->object = object_of(to, named);
	finding->name = object_name_copy(to->arena, finding->object);
	for (size_t i = 0; i < finding->n_attrs; i++) {
		struct finding_attr *attr = &finding->attrs[i];
		const struct attr *of = &finding->object->kind->attrs[attr->attr];
		attr->want = tenant_value(to->arena, attr->want, of, to->schema);
		attr->have = tenant_value(to->arena, attr->have, of, to->schema);
		attr->base = tenant_value(to->arena, attr->base, of, to->schema);
	}
	finding->evidence = text_of(to, finding->evidence);
	if (finding->origin != NULL) // several may share it
		finding->origin->statement = text_of(to, finding->origin->statement);
	rename_statements(to, finding->env, finding->n_env, false);
	rename_statements(to, finding->repo, finding->n_repo, true);
}

void tenants_report_name(struct arena *arena, struct env_report *report, const char *schema)
{
	const struct renaming to = { arena, schema };
	report->version_table = text_of(&to, report->version_table);
	for (size_t i = 0; i < report->n_findings; i++)
		rename_finding(&to, report->findings[i]);
	for (size_t i = 0; i < report->n_pending_lines; i++)
		report->pending_lines[i].effects = text_of(&to, report->pending_lines[i].effects);
	for (size_t i = 0; i < report->n_notes; i++)
		report->notes[i] = text_of(&to, report->notes[i]);
	for (size_t i = 0; i < report->n_unread; i++) {
		struct unread *unread = &report->unread[i];
		const char **path = arena_array(arena, unread->n_path, sizeof *path);
		for (unsigned j = 0; j < unread->n_path; j++)
			path[j] = j == 0 ? schema : text_of(&to, unread->path[j]);
		unread->path = unread->path == NULL ? NULL : path;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool tenants_reports_equal(const struct env_report *a, const struct env_report *b)
{
	if (a->verdict != b->verdict || a->n_findings != b->n_findings || a->trouble != NULL || b->trouble != NULL ||
	    a->skipped.n != b->skipped.n || a->n_notes != b->n_notes)
		return false;
	for (size_t i = 0; i < a->n_notes; i++) {
		if (strcmp(a->notes[i], b->notes[i]) != 0)
			return false;
	}
	for (size_t i = 0; i < a->n_findings; i++) {
		if (strcmp(a->findings[i]->id, b->findings[i]->id) != 0 || !same_text(a->findings[i]->evidence, b->findings[i]->evidence))
			return false;
	}
	return true;
}
