// SPDX-License-Identifier: PostgreSQL
// A look at a fleet of tenants: each gets a key, the digest of its part of the schema, with the placeholder in place of its own
// name, and of what it has applied. Equal keys are one shape, which is checked once, on its first tenant.
#include "sentinel/tenants_look.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/sql.h"
#include "diff/ignore.h"
#include "migrations/replay.h"
#include "reporters/report_json.h"
#include "sentinel/check.h"
#include "sentinel/cron.h"
#include "sentinel/servers.h"
#include "sentinel/tenants_report.h"
#include "sentinel/tenants_versions.h"

// The tenants that have applied the same.
struct group {
	char key[DIGEST_SHA256_HEX];
	const struct snapshot *references[2]; // the replay of just that, if it is another, and of HEAD
	size_t n_references;
};

static uint64_t map_key(const char *hex)
{
	return oid_map_hash(OID_MAP_HASH, hex, false);
}

const char *member_name(const struct tenants *tenants, const char *schema)
{
	return arena_printf(tenants->arena, "%s/%s", tenants->env->name, schema == NULL ? "shared" : schema);
}

// What is applied.

bool tenants_replay(const struct tenants *tenants, const struct chain *chain, int major, const size_t *stops, size_t n_stops,
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
	if (applied->tracked && !is_all(tenants->set, &chain) && tenants_replay(tenants, &chain, major, &chain.n, 1, &base, &ignored))
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
	shape->env.name = member_name(tenants, tenant->schema);
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

void member_trouble(struct tenants *tenants, struct member *member, const struct err *err)
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

struct look tenants_look(struct tenants *tenants, struct snapshot *database)
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
		else if (cron_time_is_up(tenants->run, &err) || !take_member(tenants, database, &tenant, member, &err))
			member_trouble(tenants, member, &err);
	}
	return look;
}
