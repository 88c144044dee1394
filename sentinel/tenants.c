// SPDX-License-Identifier: PostgreSQL
// A fleet of tenants: see tenants.h. A look reads the whole database at once and gives each tenant a key: the digest of its
// part of the schema, with the placeholder in place of its own name, and of what it has applied. Equal keys are one shape,
// which is checked once, on its first tenant. Where something was found, a second look has to give the tenant the same key.
#include "sentinel/tenants.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/buf.h"
#include "base/sql.h"
#include "diff/ignore.h"
#include "introspect/oid_map.h"
#include "introspect/tenant.h"
#include "migrations/chain.h"
#include "migrations/replay.h"
#include "reporters/report_json.h"
#include "sentinel/check.h"
#include "sentinel/run_report.h"
#include "sentinel/servers.h"
#include "sentinel/source_read.h"
#include "sentinel/tenants_report.h"
#include "sentinel/tenants_versions.h"

enum { LOOKS_MAX = 3 };

// The tenants that have applied the same.
struct group {
	char key[DIGEST_SHA256_HEX];
	const struct snapshot *references[2]; // the replay of just that, if it is another, and of HEAD
	size_t n_references;
};

struct shape {
	char alike[DIGEST_SHA256_HEX]; // of the group and the part without its evidence
	const char *schema;            // of the tenant that was checked; NULL: what is shared
	struct env env;
	struct env_report *report;
	struct shape *same;  // the first that says the same of parts that differ in nothing but their evidence; itself, if it is that
	struct shape *next;  // of those alike
	const char **members;
	size_t n_members, members_capacity;
	const char *first;   // schema of the first member
};

// A tenant in one look; `schema` NULL: what is shared.
struct member {
	const char *schema;
	char key[DIGEST_SHA256_HEX];
	struct shape *shape;
	struct err *trouble; // it has no shape
};

struct look {
	struct member *members; // by name; what is shared comes last
	size_t n;
	size_t n_ignored; // tenants
	size_t n_outside; // objects that are no tenant's
	const char **notes;
	size_t n_notes;
};

struct tenants {
	struct run *run;
	struct envs *envs;
	const struct env *env;
	struct arena *arena;
	const struct report *report;
	const struct env_report *frame;
	struct migrations *set; // the fleet's, in the placeholder's schema
	struct snapshot *head; // a replay of all of it
	bool compare_shared;
	struct oid_map groups, shapes, alike; // by the first half of their keys
};

static uint64_t map_key(const char *hex)
{
	return oid_map_hash(OID_MAP_HASH, hex, false);
}

static const char *name_of(const struct tenants *tenants, const char *schema)
{
	return arena_printf(tenants->arena, "%s/%s", tenants->env->name, schema);
}

// What is applied.

static bool replay_chain(const struct tenants *tenants, const struct chain *chain, int major, const size_t *stops, size_t n_stops,
                         struct snapshot **snapshots, struct err *err)
{
	const struct replay_request request = {
		.set = tenants->set, .engine = ENGINE_POSTGRESQL, .major = major, .chain = chain_migrations(tenants->arena, chain),
		.n_chain = chain->n, .stops = stops, .n_stops = n_stops, .groups = tenants->run->options->groups,
		.scratch = &tenants->envs->scratch, .cache = tenants->envs->cache, .log = tenants->run->log,
	};
	servers_pause(tenants->envs->servers); // a replay forks
	bool ok = replay(tenants->arena, &request, snapshots, NULL, err);
	servers_resume(tenants->envs->servers);
	return ok;
}

static bool is_all(const struct migrations *set, const struct chain *chain)
{
	bool all = chain->n == set->n_items;
	for (size_t i = 0; all && i < chain->n; i++)
		all = chain->links[i].migration == &set->items[i];
	return all;
}

static struct group *group_of(struct tenants *tenants, const struct applied_set *applied, int major)
{
	char key[DIGEST_SHA256_HEX];
	tenants_applied_key(applied, key);
	struct group *group = oid_map_get(&tenants->groups, map_key(key));
	if (group != NULL)
		return group;
	group = arena_alloc(tenants->arena, sizeof *group);
	memcpy(group->key, key, sizeof key);
	auto_arena arena = arena_new();
	const struct chain chain = chain_applied(arena, tenants->set, applied);
	struct snapshot *base = NULL;
	struct err ignored = { 0 }; // one that cannot be replayed is the check's to tell
	if (applied->tracked && !is_all(tenants->set, &chain) && replay_chain(tenants, &chain, major, &chain.n, 1, &base, &ignored))
		group->references[group->n_references++] = base;
	group->references[group->n_references++] = tenants->head;
	oid_map_put(&tenants->groups, map_key(key), group);
	return group;
}

// A look.

static void drop_version_table(struct arena *arena, struct snapshot *part)
{
	const char *path[2];
	size_t n = part->version.name == NULL ? 0 : sql_name_split(arena, part->version.name, path, 2);
	if (n > 0)
		snapshot_drop_path(part, path, (unsigned)n);
}

// What the ignore list takes out of the replay under this tenant's name: patterns may be meant for one tenant alone.
static void add_ignored(const struct tenants *tenants, struct arena *arena, const char *schema, struct buf *bytes)
{
	if (tenants->envs->n_ignore == 0)
		return;
	struct snapshot rest = *tenants->head;
	rest.arena = arena;
	rest.objects = arena_array(arena, rest.n_objects, sizeof *rest.objects);
	memcpy(rest.objects, tenants->head->objects, rest.n_objects * sizeof *rest.objects);
	ignore_apply_as(&rest, tenants->envs->ignore, tenants->envs->n_ignore, TENANT_PLACEHOLDER, schema);
	struct tenant_digest digest;
	tenant_digest(&rest, &digest);
	buf_adds(bytes, digest.structure);
}

static struct snapshot *member_part(struct arena *arena, const struct snapshot *database, const struct tenant *tenant,
                                    const struct group *group)
{
	if (tenant->schema != NULL)
		return tenant_part(arena, database, tenant, group->references, group->n_references);
	struct snapshot *part = tenant_shared(arena, database);
	part->version = tenant->version;
	return part;
}

static struct shape *check_shape(struct tenants *tenants, const struct tenant *tenant, struct snapshot *part)
{
	struct shape *shape = arena_alloc(tenants->arena, sizeof *shape);
	shape->schema = tenant->schema;
	shape->env = *tenants->env;
	shape->env.name = name_of(tenants, tenant->schema == NULL ? "shared" : tenant->schema);
	shape->env.set = tenants->set;
	shape->env.tenants = NULL;
	shape->env.part = tenant->schema == NULL ? PART_SHARED : PART_TENANT;
	shape->env.tenant = tenant->schema;
	struct env_report report = *tenants->frame;
	report.name = shape->env.name;
	auto_arena arena = arena_new();
	log_progress(tenants->run->log, "%s: checking %s", tenants->env->name, shape->env.name);
	check_env(tenants->run, tenants->envs, &shape->env, part, arena, &report);
	shape->report = env_report_copy(tenants->arena, tenants->report, &report);
	return shape;
}

// Among the shapes that differ from this one in nothing but evidence: one whose report says the same.
static void find_same(struct tenants *tenants, struct shape *shape)
{
	shape->same = shape;
	struct shape *first = oid_map_get(&tenants->alike, map_key(shape->alike));
	for (struct shape *other = first; other != NULL && shape->same == shape; other = other->next) {
		if (tenants_reports_equal(other->report, shape->report))
			shape->same = other->same;
	}
	shape->next = first;
	oid_map_put(&tenants->alike, map_key(shape->alike), shape);
}

// Fills the member's key and shape; checks the shape if it is new.
static bool take_member(struct tenants *tenants, const struct snapshot *database, const struct tenant *tenant,
                        struct member *member, struct err *err)
{
	struct applied_set applied;
	auto_arena arena = arena_new();
	if (!tenants_applied(arena, tenants->set, &tenant->version, &applied, err))
		return false;
	const struct group *group = group_of(tenants, &applied, database->major);
	struct snapshot *part = member_part(arena, database, tenant, group);
	drop_version_table(arena, part);
	struct tenant_digest digest;
	tenant_digest(part, &digest);
	auto_buf bytes = BUF_INIT;
	buf_adds(&bytes, group->key);
	if (tenant->schema != NULL)
		add_ignored(tenants, arena, tenant->schema, &bytes);
	if (tenant->schema == NULL || part->n_unread > 0) // what is unread is unread in this one
		buf_addf(&bytes, "/%s", tenant->schema == NULL ? "" : tenant->schema);
	buf_adds(&bytes, digest.structure);
	char alike[DIGEST_SHA256_HEX];
	digest_sha256_hex(bytes.data, bytes.length, alike);
	buf_adds(&bytes, digest.whole);
	digest_sha256_hex(bytes.data, bytes.length, member->key);
	member->shape = oid_map_get(&tenants->shapes, map_key(member->key));
	if (member->shape != NULL)
		return true;
	member->shape = check_shape(tenants, tenant, member_part(arena, database, tenant, group));
	memcpy(member->shape->alike, alike, sizeof alike);
	find_same(tenants, member->shape);
	oid_map_put(&tenants->shapes, map_key(member->key), member->shape);
	return true;
}

static bool is_ignored(const struct snapshot *database, const char *schema)
{
	return snapshot_find(database, &kind_schema, &schema, 1) == NULL;
}

// What is shared has the version table of the database; without one, it is as far as the tenant that is farthest.
static struct tenant shared_tenant(const struct tenants *tenants, const struct snapshot *database)
{
	struct tenant shared = { .version = database->version };
	size_t most = 0;
	for (size_t i = 0; database->version.name == NULL && i < database->n_tenants; i++) {
		auto_arena arena = arena_new();
		struct applied_set applied;
		struct err ignored;
		const struct version_table *version = &database->tenants[i].version;
		if (version->name == NULL || !tenants_applied(arena, tenants->set, version, &applied, &ignored))
			continue;
		if (shared.version.name == NULL || applied.n_items > most) {
			shared.version = *version;
			most = applied.n_items;
		}
	}
	return shared;
}

static void member_trouble(struct tenants *tenants, struct member *member, const struct err *err)
{
	member->shape = NULL;
	member->trouble = arena_alloc(tenants->arena, sizeof *member->trouble);
	*member->trouble = *err;
}

static size_t count_outside(const struct snapshot *database)
{
	auto_arena arena = arena_new();
	const struct snapshot *shared = tenant_shared(arena, database);
	size_t n = 0;
	for (size_t i = 0; i < shared->n_objects; i++)
		n += shared->objects[i]->n_path == 2;
	return n;
}

static struct look take_look(struct tenants *tenants, struct snapshot *database)
{
	struct look look = { .members = arena_array(tenants->arena, database->n_tenants + 1, sizeof *look.members) };
	ignore_apply(database, tenants->envs->ignore, tenants->envs->n_ignore);
	look.n_outside = count_outside(database);
	look.n_notes = database->n_notes;
	look.notes = arena_array(tenants->arena, database->n_notes, sizeof *look.notes);
	for (size_t i = 0; i < database->n_notes; i++)
		look.notes[i] = arena_strdup(tenants->arena, database->notes[i]);
	bool shares = tenants_share_table(database);
	for (size_t i = 0; i < database->n_tenants + tenants->compare_shared; i++) {
		bool is_shared = i == database->n_tenants;
		struct tenant tenant = is_shared ? shared_tenant(tenants, database) : database->tenants[i];
		if (!is_shared && is_ignored(database, tenant.schema)) {
			look.n_ignored++;
			continue;
		}
		if (shares)
			tenant.version = database->version;
		struct member *member = &look.members[look.n++];
		*member = (struct member){ .schema = arena_strdup(tenants->arena, tenant.schema) };
		struct err err = { 0 };
		if (tenant.trouble != NULL)
			member_trouble(tenants, member, tenant.trouble);
		else if (!take_member(tenants, database, &tenant, member, &err))
			member_trouble(tenants, member, &err);
	}
	return look;
}

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

static bool any_open(const struct look *look, const struct look *before)
{
	bool any = false;
	for (size_t i = 0; i < look->n; i++)
		any = any || is_open(&look->members[i], before);
	return any;
}

// Those that are still open are in trouble.
static void close_open(struct tenants *tenants, struct look *look, const struct look *before, const struct err *err)
{
	for (size_t i = 0; i < look->n; i++) {
		if (is_open(&look->members[i], before))
			member_trouble(tenants, &look->members[i], err);
	}
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

static struct look look_until_sure(struct tenants *tenants, struct snapshot *database, struct arena **arena)
{
	struct look look = { 0 }, before;
	for (int n = 1;; n++) {
		before = look;
		look = take_look(tenants, database);
		arena_release(arena);
		*arena = NULL;
		if (!any_open(&look, &before))
			return look;
		struct err err = { 0 };
		if (n == LOOKS_MAX)
			err_set(&err, "changing", NULL, "run again when nobody changes the schema",
			        "the schema changed each time that it was read");
		else
			database = read_again(tenants, *arena = arena_new(), &err);
		if (err.code[0] != '\0') {
			close_open(tenants, &look, &before, &err);
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
		shape->members[shape->n_members++] = name_of(tenants, member->schema == NULL ? "shared" : member->schema);
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
	if (!replay_chain(tenants, &all, major, stops, 2, snapshots, err))
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
	const struct look look = look_until_sure(&tenants, database, arena);
	size_t n, first = reports->n;
	struct shape **shapes = shapes_of(&tenants, &look, &n);
	for (size_t i = 0; i < n; i++)
		report_shape(&tenants, shapes[i], reports);
	report_troubles(&tenants, &look, reports);
	if (reports->n > first)
		note_database(&tenants, &look, reports->items[first]);
}
