// SPDX-License-Identifier: PostgreSQL
// What tenants have applied: see tenants_versions.h.
#include "sentinel/tenants_versions.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "sentinel/versions.h"

bool tenants_applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                     struct applied_set *applied, struct err *err)
{
	*applied = (struct applied_set){ 0 };
	return set->framework->table == NULL || set->framework->applied(arena, set, table, applied, err);
}

static void add_field(struct buf *bytes, const char *text)
{
	buf_addc(bytes, text == NULL ? '-' : '=');
	buf_add(bytes, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

void tenants_applied_key(const struct applied_set *applied, char key[DIGEST_SHA256_HEX])
{
	auto_buf bytes = BUF_INIT;
	buf_addf(&bytes, "%d%d", applied->tracked, applied->head_only);
	add_field(&bytes, applied->head);
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *one = &applied->items[i];
		buf_addf(&bytes, "%d%d", one->repeatable, one->failed);
		add_field(&bytes, one->version);
		add_field(&bytes, one->checksum);
	}
	digest_sha256_hex(bytes.data, bytes.length, key);
}

bool tenants_share_table(const struct snapshot *database)
{
	bool shared = database->version.name != NULL;
	for (size_t i = 0; shared && i < database->n_tenants; i++)
		shared = database->tenants[i].version.name == NULL;
	return shared;
}

bool tenants_any(const struct env *env, const struct snapshot *database, struct err *err)
{
	return database->n_tenants > 0 ||
	       err_set(err, "no-tenants", env->name, "schemas is a pattern of their names, as a shell has it: schemas = \"tenant_*\"",
	               "no schema of the database is called like \"%s\"", env->tenants);
}

// A report and its members while they are gathered.
struct gathered {
	struct env_report *report;
	size_t capacity;
};

static struct gathered *gather(struct run *run, const struct env *env, const char *tenant, const char *key,
                               const struct env_report *frame, struct oid_map *kept)
{
	uint64_t hash = oid_map_hash(OID_MAP_HASH, key, false);
	const char *name = arena_printf(run->arena, "%s/%s", env->name, tenant);
	struct gathered *gathered = oid_map_get(kept, hash);
	if (gathered == NULL) {
		gathered = arena_alloc(run->arena, sizeof *gathered);
		gathered->report = arena_alloc(run->arena, sizeof *gathered->report);
		*gathered->report = *frame;
		gathered->report->name = name;
		gathered->report->fleet = env->name;
		oid_map_put(kept, hash, gathered);
	}
	struct versions *members = &gathered->report->members;
	members->items = arena_grow(run->arena, members->items, members->n, &gathered->capacity, sizeof *members->items);
	members->items[members->n++] = name;
	return gathered;
}

void tenants_report_trouble(struct run *run, const struct env *env, const char *tenant, const struct err *trouble,
                            const struct env_report *frame, struct oid_map *kept, struct env_reports *reports)
{
	struct env_report *report = gather(run, env, tenant, trouble->code, frame, kept)->report;
	if (report->members.n == 1) {
		report_trouble(run, report, trouble);
		env_reports_add(run->arena, reports, report);
	}
	err_where(report->trouble, "%s", report->name);
	if (report->members.n > 1)
		err_where(report->trouble, "%s and %zu more", report->name, report->members.n - 1);
}

static void report_versions_of(struct run *run, const struct env *env, const struct snapshot *database,
                               const struct tenant *tenant, struct env_report *report)
{
	struct snapshot *snapshot = arena_alloc(run->arena, sizeof *snapshot);
	*snapshot = *database;
	snapshot->version = tenant->version;
	struct env_versions versions;
	versions_report(run, env, snapshot, report, &versions);
}

void tenants_versions(struct run *run, const struct env *env, const struct snapshot *database, struct env_report *frame,
                      struct env_reports *reports)
{
	struct err err = { 0 };
	if (!tenants_any(env, database, &err)) {
		frame->fleet = env->name;
		report_trouble(run, frame, &err);
		env_reports_add(run->arena, reports, frame);
	}
	struct oid_map alike = { .arena = run->arena }, troubles = { .arena = run->arena };
	bool share = tenants_share_table(database);
	for (size_t i = 0; i < database->n_tenants; i++) {
		struct tenant tenant = database->tenants[i];
		tenant.version = share ? database->version : tenant.version;
		auto_arena arena = arena_new();
		struct applied_set applied;
		char key[DIGEST_SHA256_HEX];
		if (tenant.trouble != NULL || !tenants_applied(arena, env->set, &tenant.version, &applied, &err)) {
			const struct err *trouble = tenant.trouble != NULL ? tenant.trouble : &err;
			tenants_report_trouble(run, env, tenant.schema, trouble, frame, &troubles, reports);
			continue;
		}
		tenants_applied_key(&applied, key);
		struct env_report *report = gather(run, env, tenant.schema, key, frame, &alike)->report;
		if (report->members.n > 1)
			continue;
		report_versions_of(run, env, database, &tenant, report);
		env_reports_add(run->arena, reports, report);
	}
}
