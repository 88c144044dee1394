// SPDX-License-Identifier: PostgreSQL
// Tenants' parts of a snapshot, without a server: which words of which texts are the schema's name, that every text gives
// the tenant's own back, and that parts are equal exactly where tenants are alike.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "introspect/tenant.h"

static void set(struct object *object, const char *attr, const char *value)
{
	int at = kind_attr(object->kind, attr);
	assert_true(at >= 0);
	object->values[at] = value;
}

static struct object *add(struct snapshot *snapshot, const char *kind, const char *schema, const char *name, const char *child)
{
	const char *path[] = { schema, name, child };
	return snapshot_add(snapshot, kind_find(kind), path, name == NULL ? 1 : child == NULL ? 2 : 3);
}

// A database with one schema, and in it one object that has one text.
static struct snapshot *with_text(struct arena *arena, const char *schema, const char *kind, const char *attr, const char *text)
{
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL);
	add(snapshot, "schema", schema, NULL, NULL);
	bool child = kind_find(kind)->child;
	set(add(snapshot, kind, schema, kind_find(kind)->arguments ? "f(integer)" : "t", child ? "c" : NULL), attr, text);
	snapshot_sort(snapshot);
	return snapshot;
}

static const char *text_of(const struct snapshot *snapshot, const char *kind, const char *attr)
{
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		if (strcmp(object->kind->name, kind) == 0)
			return object->values[kind_attr(object->kind, attr)];
	}
	return NULL;
}

#define P "driftcheck_tenant"

struct text_case {
	const char *schema, *kind, *attr, *text;
	const char *wanted;    // with the placeholder; NULL: as it is
	const char *reference; // what the replay has; NULL: nothing
};

static const struct text_case text_cases[] = {
	// qualified names, as the server prints them
	{ "tenant_1", "column", "type", "tenant_1.mood", P ".mood", NULL },
	{ "tenant_1", "constraint", "references", "tenant_1.users(id)", P ".users(id)", NULL },
	{ "tenant_1", "constraint", "references", "tenant_2.users(id)", NULL, NULL },
	{ "tenant_1", "constraint", "references", "tenant_10.users(id)", NULL, NULL },
	{ "tenant_10", "constraint", "references", "tenant_1.users(id)", NULL, NULL },
	{ "tenant_1", "constraint", "references", "public.plans(id)", NULL, NULL },
	{ "Upper", "constraint", "references", "\"Upper\".users(id)", P ".users(id)", NULL },
	{ "Upper", "constraint", "references", "upper.users(id)", NULL, NULL },
	{ "upper", "constraint", "references", "\"Upper\".users(id)", NULL, NULL },
	{ "a\"b", "constraint", "references", "\"a\"\"b\".users(id)", P ".users(id)", NULL },
	{ "a.b", "constraint", "references", "\"a.b\".users(id)", P ".users(id)", NULL },
	{ "a", "constraint", "references", "\"a.b\".users(id)", NULL, NULL },
	{ "order", "constraint", "references", "\"order\".users(id)", P ".users(id)", NULL },
	{ "tenant_1", "sequence", "owned_by", "tenant_1.users.id", P ".users.id", NULL },
	{ "tenant_1", "table", "inherits", "tenant_1.a, tenant_2.a", P ".a, tenant_2.a", NULL },
	{ "tenant_1", "view", "definition", " SELECT t.id\n   FROM tenant_1.t,\n    tenant_2.t t_1;", " SELECT t.id\n   FROM " P ".t,\n    tenant_2.t t_1;", NULL },
	// names of columns are nobody's schema
	{ "tenant_1", "constraint", "columns", "tenant_1, id", NULL, NULL },
	{ "id", "view", "columns", "id integer, name text", NULL, NULL },
	// literals
	{ "tenant_1", "column", "default", "nextval('tenant_1.t_id_seq'::regclass)", "nextval('" P ".t_id_seq'::regclass)", NULL },
	{ "o'b", "column", "default", "nextval('\"o''b\".t_id_seq'::regclass)", "nextval('" P ".t_id_seq'::regclass)", NULL },
	{ "Up", "column", "default", "nextval('\"Up\".\"T_seq\"'::regclass)", "nextval('" P ".\"T_seq\"'::regclass)", NULL },
	{ "tenant_1", "column", "default", "nextval(('tenant_1.t_id_seq'::text)::regclass)", "nextval(('" P ".t_id_seq'::text)::regclass)", NULL },
	{ "tenant_1", "column", "default", "'tenant_1'::text", "'" P "'::text", NULL },
	{ "tenant_1", "column", "default", "'tenant_1 and more'::text", NULL, NULL },
	{ "www", "column", "default", "'www.example.com'::text", NULL, NULL },
	{ "tenant_1", "trigger", "definition", "CREATE TRIGGER c AFTER INSERT ON tenant_1.t FOR EACH ROW EXECUTE FUNCTION tenant_1.f('tenant_1', 'x')",
	  "CREATE TRIGGER c AFTER INSERT ON " P ".t FOR EACH ROW EXECUTE FUNCTION " P ".f('" P "', 'x')", NULL },
	{ "tenant_1", "column", "default", "E'a\\\\'''::text || tenant_1.f()", "E'a\\\\'''::text || " P ".f()", NULL },
	{ "tenant_1", "column", "default", "E'it\\'s tenant_1.'::text", NULL, NULL },
	// what somebody typed
	{ "tenant_1", "function", "body", "SELECT * FROM tenant_1.users -- of tenant_1, not tenant_10", "SELECT * FROM " P ".users -- of " P ", not tenant_10", NULL },
	{ "tenant_1", "function", "body", "SELECT * FROM \"tenant_1\".users", "SELECT * FROM \"" P "\".users", NULL },
	{ "Up", "function", "body", "SELECT * FROM \"Up\".users; -- Up", "SELECT * FROM " P ".users; -- Up", NULL },
	{ "tenant_1", "function", "body", "SELECT xtenant_1.a, tenant_1é.b", NULL, NULL },
	{ "tenant_1", "function", "settings", "search_path=tenant_1, public, work_mem=64MB", "search_path=" P ", public, work_mem=64MB", NULL },
	{ "a b", "function", "settings", "search_path=\"a b\", public", "search_path=" P ", public", NULL },
	{ "tenant_1", "policy", "roles", "admin, tenant_1, tenant_10", "admin, " P ", tenant_10", NULL },
	{ "a b", "policy", "roles", "a b", P, NULL },
	// words that happen to be the name: the replay knows
	{ "users", "view", "definition", " SELECT users.id\n   FROM users.users;", " SELECT users.id\n   FROM " P ".users;",
	  " SELECT users.id\n   FROM " P ".users;" },
	{ "acme", "column", "default", "'acme'::text", "'acme'::text", "'acme'::text" },
	{ "acme", "column", "default", "'acme'::text", "'" P "'::text", "'" P "'::text" },
	{ "o'b", "column", "default", "'o''b'::text", "'" P "'::text", "'" P "'::text" },
	{ "tenant_1", "function", "body", "SELECT 'tenant_1', tenant_1.f()", "SELECT 'tenant_1', " P ".f()", "SELECT 'tenant_1', " P ".f()" },
	{ "Up", "function", "body", "SELECT 'Up', \"Up\".f()", "SELECT '" P "', " P ".f()", "SELECT '" P "', " P ".f()" },
};

static void each_text_names_the_schema_where_it_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
		const struct text_case *of = &text_cases[i];
		auto_arena arena = arena_new();
		const struct snapshot *database = with_text(arena, of->schema, of->kind, of->attr, of->text);
		const struct snapshot *reference = of->reference == NULL ? NULL : with_text(arena, P, of->kind, of->attr, of->reference);
		const struct tenant tenant = { .schema = of->schema };
		const struct snapshot *part = tenant_part(arena, database, &tenant, &reference, reference != NULL);
		assert_string_equal(text_of(part, of->kind, of->attr), of->wanted == NULL ? of->text : of->wanted);
		for (size_t j = 0; j < part->n_objects; j++) { // and back
			const struct object *object = tenant_object(arena, part->objects[j], of->schema);
			assert_string_equal(object->path[0], of->schema);
			if (strcmp(object->kind->name, of->kind) == 0)
				assert_string_equal(object->values[kind_attr(object->kind, of->attr)], of->text);
		}
	}
}

// What every tenant has, under its own name, which is quoted as `quoted`.
static void add_tenant(struct snapshot *database, const char *schema, const char *quoted)
{
	struct arena *arena = database->arena;
	add(database, "schema", schema, NULL, NULL);
	add(database, "table", schema, "users", NULL);
	set(add(database, "column", schema, "users", "id"), "default", arena_printf(arena, "nextval('%s.s'::regclass)", quoted));
	set(add(database, "column", schema, "users", "mood"), "type", arena_printf(arena, "%s.mood", quoted));
	set(add(database, "enum", schema, "mood", NULL), "labels", "'calm'");
	set(add(database, "function", schema, arena_printf(arena, "f(%s.mood)", quoted), NULL), "body", "SELECT 1");
	set(add(database, "function", schema, "f(integer)", NULL), "body", "SELECT 2");
}

static const char *digest(struct arena *arena, const struct snapshot *database, const char *schema)
{
	struct tenant_digest made;
	tenant_digest(tenant_part(arena, database, &(struct tenant){ .schema = schema }, NULL, 0), &made);
	return arena_strdup(arena, made.structure);
}

static void parts_are_equal_where_tenants_are_alike(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *database = snapshot_new(arena, ENGINE_POSTGRESQL);
	add_tenant(database, "a", "a");
	add_tenant(database, "zz", "zz"); // another order of the functions
	add_tenant(database, "Q", "\"Q\"");
	add_tenant(database, "linked", "linked");
	set(add(database, "constraint", "linked", "users", "fk"), "references", "a.users(id)");
	add_tenant(database, "itself", "itself");
	set(add(database, "constraint", "itself", "users", "fk"), "references", "itself.users(id)");
	add(database, "extension", "a", NULL, NULL);
	snapshot_sort(database);
	const char *a = digest(arena, database, "a");
	assert_string_equal(digest(arena, database, "zz"), a);
	assert_string_equal(digest(arena, database, "Q"), a);
	assert_string_not_equal(digest(arena, database, "linked"), a);
	assert_string_not_equal(digest(arena, database, "itself"), a);
	assert_string_not_equal(digest(arena, database, "itself"), digest(arena, database, "linked"));

	const struct tenant tenants[] = { { "Q" }, { "a" }, { "itself" }, { "linked" } };
	database->tenants = (struct tenant *)tenants;
	database->n_tenants = 4;
	const struct snapshot *shared = tenant_shared(arena, database);
	assert_int_equal(shared->n_objects, 8); // that of zz, and the extension
}

static void evidence_is_no_structure(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *database = snapshot_new(arena, ENGINE_POSTGRESQL);
	add_tenant(database, "a", "a");
	add_tenant(database, "b", "b");
	snapshot_sort(database);
	set(snapshot_find(database, NULL, (const char *[]){ "b", "users" }, 2), "dropped_columns", "1");
	struct tenant_digest of_a, of_b;
	tenant_digest(tenant_part(arena, database, &(struct tenant){ .schema = "a" }, NULL, 0), &of_a);
	tenant_digest(tenant_part(arena, database, &(struct tenant){ .schema = "b" }, NULL, 0), &of_b);
	assert_string_equal(of_a.structure, of_b.structure);
	assert_string_not_equal(of_a.whole, of_b.whole);
}

// Where every tenant has a role of its own, its owner is as good as the usual one; a stranger's object is not.
static void the_usual_owner_is_each_tenants_own(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *database = snapshot_new(arena, ENGINE_POSTGRESQL);
	static const char *const owners[][2] = { { "a", "a" }, { "b", "role_b" }, { "c", "role_c" } };
	for (size_t i = 0; i < 3; i++) {
		set(add(database, "schema", owners[i][0], NULL, NULL), "owner", owners[i][1]);
		for (int t = 0; t < 3; t++)
			set(add(database, "table", owners[i][0], arena_printf(arena, "t%d", t), NULL), "owner", i == 2 && t == 1 ? "stranger" : owners[i][1]);
	}
	snapshot_sort(database);
	assert_string_equal(digest(arena, database, "a"), digest(arena, database, "b"));
	assert_string_not_equal(digest(arena, database, "a"), digest(arena, database, "c"));
}

static void the_version_table_is_the_tenants(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct snapshot *database = snapshot_new(arena, ENGINE_POSTGRESQL);
	add_tenant(database, "Q", "\"Q\"");
	snapshot_sort(database);
	snapshot_unread(database, "table", (const char *[]){ "Q", "users" }, 2, "locked");
	snapshot_unread(database, "table", (const char *[]){ "R", "users" }, 2, "locked");
	const struct tenant own = { .schema = "Q", .version = { .name = "\"Q\".versions" } };
	const struct snapshot *part = tenant_part(arena, database, &own, NULL, 0);
	assert_string_equal(part->version.name, P ".versions");
	assert_int_equal(part->n_unread, 1);
	assert_false(part->complete);
	assert_string_equal(part->unread[0].path[0], P);
	const struct tenant other = { .schema = "Q", .version = { .name = "public.versions" } };
	assert_string_equal(tenant_part(arena, database, &other, NULL, 0)->version.name, "public.versions");
}

static void remedies_for_the_repository_name_no_schema(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char sql[] = "ALTER TABLE " P ".users ADD CONSTRAINT c CHECK (a <> '" P ".x'); SET search_path = " P "; -- " P "s";
	assert_string_equal(tenant_text(arena, sql, "Q"),
	                    "ALTER TABLE \"Q\".users ADD CONSTRAINT c CHECK (a <> '\"Q\".x'); SET search_path = \"Q\"; -- " P "s");
	assert_string_equal(tenant_text_unqualified(arena, sql, "Q"),
	                    "ALTER TABLE users ADD CONSTRAINT c CHECK (a <> 'x'); SET search_path = \"Q\"; -- " P "s");
	assert_null(tenant_text(arena, NULL, "Q"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_names_the_schema_where_it_does),
		cmocka_unit_test(parts_are_equal_where_tenants_are_alike),
		cmocka_unit_test(evidence_is_no_structure),
		cmocka_unit_test(the_usual_owner_is_each_tenants_own),
		cmocka_unit_test(the_version_table_is_the_tenants),
		cmocka_unit_test(remedies_for_the_repository_name_no_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
