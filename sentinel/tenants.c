// SPDX-License-Identifier: PostgreSQL
// A fleet of tenants: see tenants.h. What one look finds is believed where a second look at the whole database gives the tenant
// the same key: see tenants_look.c.
#include "sentinel/tenants.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "sentinel/cron.h"
#include "sentinel/servers.h"
#include "sentinel/source_read.h"
#include "sentinel/tenants_look.h"
#include "sentinel/tenants_report.h"
#include "sentinel/tenants_versions.h"

enum { LOOKS_MAX = 3 };

// Looks.

static int member_compare(const void *a, const void *b)
{
	const char *left = ((const struct member *)a)->schema, *right = ((const struct member *)b)->schema;
	if (left == NULL || right == NULL)
		return (left == NULL) - (right == NULL);
	return strcmp(left, right);
}

// Whether a member of the last look has to be looked at again before its findings are believed.
static bool is_open(const struct member *member, const struct look *before)
{
	if (member->shape == NULL || member->shape->report->n_findings == 0)
		return false;
	if (before->n == 0)
		return true;
	const struct member *was = bsearch(member, before->members, before->n, sizeof *before->members, member_compare);
	return was == NULL || strcmp(was->key, member->key) != 0;
}

static bool is_drift(const struct member *member)
{
	return member->shape != NULL && member->shape->report->verdict == VERDICT_DRIFT;
}

static size_t count_open(const struct look *look, const struct look *before, bool drift_alone)
{
	size_t n = 0;
	for (size_t i = 0; i < look->n; i++)
		n += is_open(&look->members[i], before) && (!drift_alone || is_drift(&look->members[i]));
	return n;
}

// Those that are still open are in trouble.
static void close_open(struct tenants *tenants, struct look *look, const struct look *before, bool drift_alone, const struct err *err)
{
	for (size_t i = 0; i < look->n; i++) {
		if (is_open(&look->members[i], before) && (!drift_alone || is_drift(&look->members[i])))
			member_trouble(tenants, &look->members[i], err);
	}
}

// How many had drift in one look and are clean in the next.
static size_t count_gone(const struct look *before, const struct look *look)
{
	size_t n = 0;
	for (size_t i = 0; i < before->n; i++) {
		const struct member *was = &before->members[i];
		const struct member *is = bsearch(was, look->members, look->n, sizeof *look->members, member_compare);
		n += is_drift(was) && is != NULL && is->shape != NULL && !is_drift(is);
	}
	return n;
}

// With --confirm-after the second look comes later. False: there is no time for it.
static bool wait_for_look(const struct tenants *tenants, struct err *err)
{
	struct run *run = tenants->run;
	long long wait_s = run->cron->confirm_after_s;
	if (wait_s == 0)
		return true;
	if (run->check_until_us > 0 && clock_us() + wait_s * 1000000 >= run->check_until_us)
		return err_set(err, "time-limit", NULL, "give the run more time: --time-limit",
		               "there was no time for a second look at what the first found");
	log_info(run->log, "%s: there is drift: looking again in %s", tenants->env->name, duration_text(run->arena, wait_s));
	clock_sleep_ms(wait_s * 1000);
	return true;
}

static struct snapshot *read_again(const struct tenants *tenants, struct arena *arena, struct err *err)
{
	struct envs *envs = tenants->envs;
	const size_t env = (size_t)(tenants->env - envs->items);
	struct read_options options = env_read_options(tenants->run, tenants->env);
	servers_enter(envs->servers, env);
	struct snapshot *database = env_read(tenants->run, envs, tenants->env, &options, arena, err);
	servers_leave(envs->servers, env);
	return database;
}

static struct look look_until_sure(struct tenants *tenants, struct snapshot *database, struct arena **arena, size_t *n_gone)
{
	struct look look = { 0 }, before;
	*n_gone = 0;
	for (int n = 1;; n++) {
		before = look;
		look = tenants_look(tenants, database);
		arena_release(arena);
		*arena = NULL;
		*n_gone += count_gone(&before, &look);
		if (count_open(&look, &before, false) == 0)
			return look;
		struct err err = { 0 };
		if (n == LOOKS_MAX)
			err_set(&err, "changing", NULL, "run again when nobody changes the schema",
			        "the schema changed each time that it was read");
		else if (count_open(&look, &before, true) == 0 || wait_for_look(tenants, &err))
			database = read_again(tenants, *arena = arena_new(), &err);
		if (err.code[0] != '\0') {
			close_open(tenants, &look, &before, strcmp(err.code, "time-limit") == 0, &err);
			return look;
		}
	}
}

// Reports.

static void add_note(const struct tenants *tenants, struct env_report *report, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add_note(const struct tenants *tenants, struct env_report *report, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_vprintf(tenants->arena, format, arguments);
	va_end(arguments);
	const char **notes = arena_array(tenants->arena, report->n_notes + 1, sizeof *notes);
	for (size_t i = 0; i < report->n_notes; i++)
		notes[i] = report->notes[i];
	notes[report->n_notes++] = text;
	report->notes = notes;
}

static int shape_compare(const void *a, const void *b)
{
	const struct shape *left = *(struct shape *const *)a, *right = *(struct shape *const *)b;
	if ((left->schema == NULL) != (right->schema == NULL))
		return (left->schema == NULL) - (right->schema == NULL);
	if (left->n_members != right->n_members)
		return left->n_members < right->n_members ? 1 : -1;
	return left->schema == NULL ? 0 : strcmp(left->first, right->first);
}

// The shapes that have members, the largest first, and what is shared last.
static struct shape **shapes_of(struct tenants *tenants, const struct look *look, size_t *n)
{
	struct shape **shapes = arena_array(tenants->arena, look->n, sizeof *shapes);
	*n = 0;
	for (size_t i = 0; i < look->n; i++) {
		const struct member *member = &look->members[i];
		if (member->shape == NULL)
			continue;
		struct shape *shape = member->shape->same;
		if (shape->n_members == 0) {
			shapes[(*n)++] = shape;
			shape->first = member->schema;
		}
		shape->members = arena_grow(tenants->arena, shape->members, shape->n_members, &shape->members_capacity,
		                            sizeof *shape->members);
		shape->members[shape->n_members++] = member_name(tenants, member->schema);
	}
	if (*n > 0)
		qsort(shapes, *n, sizeof *shapes, shape_compare);
	return shapes;
}

static void report_shape(struct tenants *tenants, struct shape *shape, struct env_reports *reports)
{
	struct env_report *report = shape->report;
	if (shape->schema != NULL)
		tenants_report_name(tenants->arena, report, shape->first);
	if (shape->n_members > 1 && report->verdict == VERDICT_DRIFT)
		add_note(tenants, report, "shown as it is in %s; in the other members it is the same with their names", shape->first);
	report->name = shape->members[0];
	report->members = (struct versions){ shape->members, shape->n_members };
	env_reports_add(tenants->arena, reports, report);
}

static void report_troubles(struct tenants *tenants, const struct look *look, struct env_reports *reports)
{
	struct oid_map kept = { .arena = tenants->arena };
	for (size_t i = 0; i < look->n; i++) {
		const struct member *member = &look->members[i];
		const char *schema = member->schema == NULL ? "shared" : member->schema;
		if (member->trouble != NULL)
			tenants_report_trouble(tenants->run, tenants->env, schema, member->trouble, tenants->frame, &kept, reports);
	}
}

// What is to be known of the whole database is said once, with the first report.
static void note_database(struct tenants *tenants, const struct look *look, struct env_report *report)
{
	for (size_t i = 0; i < look->n_notes; i++)
		add_note(tenants, report, "%s", look->notes[i]);
	if (look->n_outside > 0 && !tenants->compare_shared)
		add_note(tenants, report, "%zu object%s outside of the tenants' schemas %s not compared: the migrations make none there",
		         look->n_outside, look->n_outside == 1 ? "" : "s", look->n_outside == 1 ? "is" : "are");
	if (look->n_ignored > 0)
		add_note(tenants, report, "%zu tenant%s ignored", look->n_ignored, look->n_ignored == 1 ? " is" : "s are");
}

static bool placeholder_free(const struct env *env, const struct snapshot *database, struct err *err)
{
	const char *path = TENANT_PLACEHOLDER;
	return snapshot_find(database, &kind_schema, &path, 1) == NULL ||
	       err_set(err, "tenant-schema", env->name, "rename or drop it: no tenant can be called so",
	               "the database has a schema %s, the name that stands for each tenant's own in comparisons", TENANT_PLACEHOLDER);
}

// Whether the migrations make anything outside of the schema in which they run that was not there before the first. An extension
// is in no schema.
static bool makes_shared(const struct snapshot *before, const struct snapshot *head)
{
	for (size_t i = 0; i < head->n_objects; i++) {
		const struct object *object = head->objects[i];
		bool beneath = object->n_path > 1 || object->kind->namespace;
		if (beneath && strcmp(object->path[0], TENANT_PLACEHOLDER) != 0 &&
		    snapshot_find(before, object->kind, object->path, object->n_path) == NULL)
			return true;
	}
	return false;
}

static bool replay_head(struct tenants *tenants, int major, struct err *err)
{
	const struct chain all = chain_repo(tenants->arena, tenants->set);
	const size_t stops[] = { 0, all.n };
	struct snapshot *snapshots[2];
	if (!tenants_replay(tenants, &all, major, stops, 2, snapshots, err))
		return false;
	tenants->head = snapshots[1];
	tenants->compare_shared = makes_shared(snapshots[0], snapshots[1]);
	return true;
}

void tenants_check(struct run *run, struct envs *envs, const struct env *env, struct snapshot *database, struct arena **arena,
                   const struct report *report, struct env_report *frame, struct env_reports *reports)
{
	struct tenants tenants = { .run = run, .envs = envs, .env = env, .arena = run->arena, .report = report, .frame = frame };
	tenants.set = arena_alloc(run->arena, sizeof *tenants.set);
	*tenants.set = *env->set;
	tenants.groups.arena = tenants.shapes.arena = tenants.alike.arena = run->arena;
	tenants.set->settings.schema = TENANT_PLACEHOLDER;
	struct err err = { 0 };
	if (!tenants_any(env, database, &err) || !placeholder_free(env, database, &err) ||
	    !replay_head(&tenants, database->major, &err)) {
		report_trouble(run, frame, &err);
		frame->fleet = env->name;
		env_reports_add(run->arena, reports, frame);
		return;
	}
	size_t n, n_gone, first = reports->n;
	const struct look look = look_until_sure(&tenants, database, arena, &n_gone);
	struct shape **shapes = shapes_of(&tenants, &look, &n);
	for (size_t i = 0; i < n; i++)
		report_shape(&tenants, shapes[i], reports);
	report_troubles(&tenants, &look, reports);
	if (reports->n == first)
		return;
	note_database(&tenants, &look, reports->items[first]);
	if (n_gone > 0)
		add_note(&tenants, reports->items[first], "%zu tenant%s had drift when first looked at and not when looked at again: not reported",
		         n_gone, n_gone == 1 ? "" : "s");
}
