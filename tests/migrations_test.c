// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <pg_query.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "migrations/framework.h"
#include "migrations/grants.h"
#include "migrations/listing.h"

#define PG ENGINE_POSTGRESQL
#define LITE ENGINE_SQLITE
#define LENGTH(array) (sizeof array / sizeof *array)

static const char s1[] = "CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  name text NOT NULL\n);\n";
static const char s2[] = "ALTER TABLE users ADD COLUMN email text;\nCREATE INDEX users_email_idx ON users (email);\n";

// A folder of one test: a repository (it has .git) with the files of a case.

struct file { const char *path, *text; };
enum { FILES_MAX = 12 };

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

static void tree_remove(char (*root)[64])
{
	nftw(*root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
#define auto_tree __attribute__((cleanup(tree_remove))) char

static void tree_write(const char *root, const char *path, const char *text)
{
	char whole[512];
	snprintf(whole, sizeof whole, "%s/%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
		*slash = '\0';
		mkdir(whole, 0755);
	}
	FILE *file = fopen(whole, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void tree_make(char root[64], const struct file *files)
{
	const char *parent = getenv("TMPDIR");
	snprintf(root, 64, "%s/driftcheck-test-XXXXXX", parent == NULL || strlen(parent) > 32 ? "/tmp" : parent);
	assert_non_null(mkdtemp(root));
	tree_write(root, ".git/HEAD", "");
	tree_write(root, "m/.hidden", "");
	for (size_t i = 0; i < FILES_MAX && files[i].path != NULL; i++)
		tree_write(root, files[i].path, files[i].text);
}

// Loads root/m (and root/n, where a case has it).
static struct migrations *load(struct arena *arena, const char *root, const char *framework,
                               const struct migration_settings *settings, struct err *err)
{
	const char **folders = arena_array(arena, 3, sizeof *folders);
	folders[0] = arena_printf(arena, "%s/m", root);
	folders[1] = arena_printf(arena, "%s/n", root);
	if (access(folders[1], F_OK) != 0)
		folders[1] = NULL;
	return migrations_load(arena, "", folders, framework, settings, err);
}

// Lists.

#define UP "-- migrate:up\nSELECT 1;\n-- migrate:down\n"
#define GOOSE "-- +goose Up\nSELECT 1;\n"

static const struct list_case {
	const char *framework; // what is detected
	struct file files[FILES_MAX];
	const char *want; // "version:label" of each, joined by '|'; R for repeatable, ! for not runnable
} list_cases[] = {
	{ "golang-migrate",
	  { { "m/000010_b.up.sql", s1 }, { "m/000010_b.down.sql", "" }, { "m/9_a.up.sql", "" }, { "m/11_c.down.sql", "" },
	    { "m/12_d.up..sql", "" }, { "m/13_e.sql", "" }, { "m/sub/14_f.up.sql", "" }, { "m/README.md", "" },
	    { "m/99999999999999999999_g.up.sql", "" }, { "m/1_x.up.down.sql", "" } },
	  "1:1_x.up.down.sql|9:9_a.up.sql|10:000010_b.up.sql|11:11_c.down.sql|12:12_d.up..sql" },
	{ "golang-migrate", { { "m/1_a.up.sql", "" }, { "n/2_b.up.sql", "" }, { "m/3_c.up.sql", "" } },
	  "1:1_a.up.sql|2:2_b.up.sql|3:3_c.up.sql" },
	{ "golang-migrate", { { "m/1_a.up.sql", "" }, { "go.mod", "require github.com/golang-migrate/migrate/v4 v4.1\n" } },
	  "1:1_a.up.sql" },
	{ "dbmate", { { "m/2_b.sql", UP }, { "m/10_a.sql", UP }, { "m/010x.sql", UP }, { "m/notes.sql", "" } },
	  "010:010x.sql|10:10_a.sql|2:2_b.sql" },
	{ "goose",
	  { { "m/002_b.sql", GOOSE }, { "m/10_a.sql", GOOSE }, { "m/3_c.go", "package m" }, { "m/3_c_test.go", "" },
	    { "m/x_d.sql", "" },
	    { "m/0_e.sql", "" }, { "m/4.sql", "" } },
	  "2:002_b.sql|3!:3_c.go|10:10_a.sql" },
	{ "goose", { { "m/1_a.go", "func init() { goose.AddMigrationContext(up, down) }" } }, "1!:1_a.go" },
	{ "flyway",
	  { { "m/V1_1__a_b.sql", "" }, { "m/sub/V1.10__c.sql", "" }, { "m/V01.9.0__d.sql", "" }, { "m/R__b_view.sql", "" },
	    { "m/R__a_view.sql", "" }, { "m/U1.1__a.sql", "" }, { "m/V2__J.java", "" }, { "m/V3.SQL", "" }, { "m/v4__x.sql", "" },
	    { "m/afterMigrate.sql", "" }, { "m/Vx__y.sql", "" } },
	  "1.1:V1_1__a_b.sql|01.9.0:V01.9.0__d.sql|1.10:V1.10__c.sql|2!:V2__J.java|3:V3.SQL|"
	  "a viewR:R__a_view.sql|b viewR:R__b_view.sql" },
	{ "flyway", { { "m/V1__a.sql", "" }, { "m/V2__b.sql", "" }, { "m/B2__all.sql", "" } }, "1:V1__a.sql|2:V2__b.sql" },
	{ "flyway", { { "m/B1__old.sql", "" }, { "m/B3__all.sql", "" }, { "m/V4__b.sql", "" } }, "3:B3__all.sql|4:V4__b.sql" },
	{ "prisma",
	  { { "m/migration_lock.toml", "provider = \"postgresql\"\n" }, { "m/20240102000000_b/migration.sql", s2 },
	    { "m/20240101000000_a/migration.sql", s1 } },
	  "20240101000000_a:20240101000000_a|20240102000000_b:20240102000000_b" },
	{ "plain",
	  { { "m/8_b.sql", "" }, { "m/039_c.sql", "" }, { "m/1.sql", "" }, { "m/1.down.sql", "" }, { "m/40_x_up.sql", "" },
	    { "m/40_x_down.sql", "" }, { "m/41_slow_down.sql", "" }, { "m/seed.sql", "" } },
	  "1:1.sql|8:8_b.sql|039:039_c.sql|40:40_x_up.sql|41:41_slow_down.sql" },
};

static void describe_list(struct buf *buf, const struct migrations *set)
{
	for (size_t i = 0; i < set->n_items; i++) {
		const struct migration *item = &set->items[i];
		buf_addf(buf, "%s%s%s%s:%s", i > 0 ? "|" : "", item->version, item->repeatable ? "R" : "",
		         item->not_runnable != NULL ? "!" : "", item->label);
	}
}

static void lists_in_the_frameworks_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(list_cases); i++) {
		auto_arena arena = arena_new();
		auto_tree root[64];
		auto_buf have = BUF_INIT;
		struct err err;
		tree_make(root, list_cases[i].files);
		struct migrations *set = load(arena, root, NULL, NULL, &err);
		if (set == NULL)
			fail_msg("list case %zu: %s: %s", i, err.where, err.text);
		assert_string_equal(set->framework->name, list_cases[i].framework);
		describe_list(&have, set);
		assert_string_equal(have.data, list_cases[i].want);
	}
}

// Errors. `where` is relative to the case's folder.
static const struct error_case {
	const char *framework;
	struct file files[FILES_MAX];
	const char *where, *text, *hint;
} error_cases[] = {
	{ NULL, { { NULL } }, "m", "the folder is empty", "--framework" },
	{ NULL, { { "m/README.md", "" } }, "m", "no migrations of a known form", "driftcheck frameworks" },
	{ NULL, { { "m/deep/x.sql", "" } }, "m", "no migrations of a known form", "m/deep; or" },
	{ NULL, { { "m/deep/1_a/migration.sql", "" } }, "m", "no migrations of a known form", "m/deep; or" },
	{ "nosuch", { { NULL } }, NULL, "no migration framework `nosuch`", "golang-migrate" },
	{ "goose", { { "m/1_a.up", "" } }, "m", "no migration of goose is in it", "driftcheck frameworks" },
	// several or other frameworks
	{ NULL, { { "m/1_a.sql", UP }, { "m/2_b.sql", GOOSE } }, "m",
	  "several frameworks: dbmate (1_a.sql has the line `-- migrate:up`) and goose (2_b.sql has the line `-- +goose Up`)",
	  "framework = \"goose\" in the migrations section of driftcheck.conf, or --framework goose" },
	{ NULL, { { "m/1_a.sql", UP }, { "m/atlas.sum", "" } }, "m", "Atlas (it has `atlas.sum`)", "framework = \"dbmate\"" },
	{ NULL, { { "m/1_a/up.sql", "" } }, "m",
	  "this looks like Diesel or Hasura (it has `1_a/up.sql`), which this version does not replay yet",
	  "dbmate" },
	{ NULL, { { "m/1_a.sql", "-- +migrate Up\n" } }, "m", "sql-migrate (1_a.sql has the line `-- +migrate Up`)", "name it" },
	{ NULL, { { "m/a.sql", "\n--liquibase formatted sql\n" } }, "m", "Liquibase", "name it" },
	{ NULL, { { "m/meta/_journal.json", "{}" }, { "m/0000_a.sql", "" } }, "m", "Drizzle", "name it" },
	{ NULL, { { "m/sqitch.plan", "" } }, "m", "Sqitch", "name it" },
	{ NULL, { { "m/versions/1_a.py", "" } }, "m", "Alembic", "name it" },
	{ NULL, { { "m/20240101_a.rb", "" } }, "m", "Rails", "name it" },
	{ NULL, { { "m/1_a.up.sql", "" }, { "Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n" } }, "m",
	  "sqlx (the nearest Cargo.toml mentions sqlx)", "golang-migrate" },
	{ NULL, { { "m/1_a.sql", "" }, { "sqlx.toml", "" } }, "m", "sqlx (sqlx.toml lies near it)", "plain" },
	{ NULL, { { "m/1_a.up.sql", "" }, { "Cargo.toml", "sqlx = 1" }, { "go.mod", "github.com/golang-migrate/migrate/v4" } }, "m",
	  "golang-migrate (the nearest go.mod", "framework = \"golang-migrate\"" },
	{ NULL, { { "m/V1__a.sql", "" }, { "Cargo.toml", "refinery = 1" } }, "m", "refinery", "flyway" },
	// two of one version
	{ NULL, { { "m/1_a.up.sql", "" }, { "m/001_b.up.sql", "" } }, "m/1_a.up.sql", "m/001_b.up.sql and ", "another version" },
	{ NULL, { { "m/1_a.up.sql", "" }, { "n/1_b.up.sql", "" } }, "n/1_b.up.sql", "two migrations have the version 1: ", "" },
	{ NULL, { { "m/1_a.up.sql", "" }, { "m/1_a.down.sql", "" }, { "m/1_b.down.sql", "" } }, "m/1_b.down.sql",
	  "two down migrations have one version", "" },
	{ NULL, { { "m/1_b.sql", UP }, { "m/1-a.sql", UP }, { "m/10_c.sql", UP } }, "m/1_b.sql",
	  "two migrations have the version 1", "" },
	{ NULL, { { "m/1_a.sql", GOOSE }, { "m/01_b.sql", GOOSE } }, "m/1_a.sql", "two migrations have the version 1", "" },
	{ "flyway", { { "m/V1__a.sql", "" }, { "m/x/V1.0__b.sql", "" } }, "m/V1__a.sql", "two migrations have the version 1.0", "" },
	{ "flyway", { { "m/R__a.sql", "" }, { "m/x/R__a.sql", "" } }, "m/x/R__a.sql", "two migrations have the version a", "" },
	// files that cannot be read
	{ NULL, { { "m/1_a.sql", "-- migrate:up\nSELECT 1;\n" } }, "m/1_a.sql:2", "no line `-- migrate:down`", "-- migrate:up" },
	{ "dbmate", { { "m/1_a.sql", "SELECT 1;\n" } }, "m/1_a.sql:1", "a statement stands before `-- migrate:up`", "" },
	{ "dbmate", { { "m/1_a.sql", "-- x\n\n" } }, "m/1_a.sql:1", "no line `-- migrate:up`", "" },
	{ "dbmate", { { "m/1_a.sql", "\n-- migrate:down\n-- migrate:up\n" } }, "m/1_a.sql:2", "stands before `-- migrate:up`", "" },
	{ "dbmate", { { "m/1_a.sql", "-- migrate:up\n-- migrate:up\n" } }, "m/1_a.sql:2", "a second `-- migrate:up`", "" },
	{ "goose", { { "m/1_a.sql", "SELECT 1;\n" } }, "m/1_a.sql:1", "before `-- +goose Up`", "" },
	{ "goose", { { "m/1_a.sql", "" } }, "m/1_a.sql:1", "no line `-- +goose Up`", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\nSELECT 1\n" } }, "m/1_a.sql:2", "no semicolon", "StatementBegin" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\n\nSELECT 1\n-- +goose Down\n" } }, "m/1_a.sql:3", "no semicolon", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\n -- +goose Down\n" } }, "m/1_a.sql:2", "does not start its line", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\n-- +goose Sideways\n" } }, "m/1_a.sql:2", "knows no such annotation", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\n-- +goose Up\n" } }, "m/1_a.sql:2", "cannot stand here", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose StatementBegin\n" } }, "m/1_a.sql:1", "no `-- +goose Up` stands before", "" },
	{ "goose", { { "m/1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n" } }, "m/1_a.sql:3",
	  "no `-- +goose StatementEnd`", "" },
	{ NULL, { { "m/migration_lock.toml", "" }, { "m/2024_a/notes.md", "" } }, "m/2024_a", "it has no migration.sql",
	  "Prisma refuses" },
	{ "flyway", { { "m/V1__a.sql", "" }, { "flyway.conf", "flyway.sqlMigrationPrefix=X\n" } }, "m",
	  "sqlmigrationprefix is `X`, not `V`", "" },
};

static void says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(error_cases); i++) {
		const struct error_case *c = &error_cases[i];
		auto_arena arena = arena_new();
		auto_tree root[64];
		struct err err = { .code = "" };
		tree_make(root, c->files);
		if (load(arena, root, c->framework, NULL, &err) != NULL)
			fail_msg("error case %zu: no error", i);
		if (strcmp(err.code, "migrations") != 0 || strstr(err.text, c->text) == NULL || strstr(err.hint, c->hint) == NULL ||
		    (c->where != NULL && strcmp(err.where, arena_printf(arena, "%s/%s", root, c->where)) != 0))
			fail_msg("error case %zu: [%s] %s: %s (%s)", i, err.code, err.where, err.text, err.hint);
	}
}

static void says_what_is_wrong_with_a_folder(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_tree root[64];
	struct err err;
	tree_make(root, (const struct file[FILES_MAX]){ { "m/1.sql", "" }, { "file", "" }, { "nul/1.sql", "" } });
	assert_null(folder_read(arena, arena_printf(arena, "%s/none", root), &err));
	assert_string_equal(err.text, "there is no such folder");
	assert_null(folder_read(arena, arena_printf(arena, "%s/file", root), &err));
	assert_string_equal(err.text, "it is no folder");
	assert_int_equal(symlink("nowhere", arena_printf(arena, "%s/m/2.sql", root)), 0);
	assert_null(folder_read(arena, arena_printf(arena, "%s/m/", root), &err));
	assert_string_equal(err.where, arena_printf(arena, "%s/m/2.sql", root));
	assert_int_equal(symlink(".", arena_printf(arena, "%s/nul/loop", root)), 0);
	assert_null(folder_read(arena, arena_printf(arena, "%s/nul", root), &err));
	assert_non_null(strstr(err.text, "nested"));
	assert_int_equal(unlink(arena_printf(arena, "%s/nul/loop", root)), 0);
	auto_fd fd = open(arena_printf(arena, "%s/nul/1.sql", root), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "S\0E\0", 4), 4);
	const char *const folders[] = { arena_printf(arena, "%s/nul", root), NULL };
	assert_null(migrations_load(arena, "", folders, "plain", NULL, &err));
	assert_non_null(strstr(err.text, "UTF-16"));
}

// Scripts: "T" or "-" for the transaction, then "line:text" of each unit, joined by '|'.
static const struct script_case {
	const char *framework, *name, *text;
	enum engine engine;
	struct migration_settings settings;
	const char *want; // NULL: an error
	const char *near, *near_text; // one more file
} script_cases[] = {
	{ "golang-migrate", "1_a.up.sql", "\n\nSELECT 1;\nSELECT 2;\n", PG, { 0 }, "-|3:SELECT 1;\nSELECT 2;\n" },
	{ "golang-migrate", "1_a.up.sql", "SELECT 1;\nSELECT 2;\n", LITE, { 0 }, "T|1:SELECT 1;\nSELECT 2;\n" },
	{ "golang-migrate", "1_a.up.sql", "SELECT 1;", LITE, { .no_transaction = true }, "-|1:SELECT 1;" },
	{ "golang-migrate", "1_a.up.sql", "SELECT 1;\n ;\nSELECT ';';\n ", PG, { .multi_statement = true },
	  "-|1:SELECT 1;|2:;|3:SELECT ';|3:';" },
	{ "golang-migrate", "1_a.up.sql", " \n", PG, { 0 }, "-" },
	{ "golang-migrate", "1_a.down.sql", "DROP TABLE t", PG, { 0 }, "-" },
	{ "plain", "1.sql", "-- c\nBEGIN;\nCREATE TABLE t();\nCOMMIT;", PG, { 0 }, "-|2:BEGIN|3:CREATE TABLE t()|4:COMMIT" },
	{ "dbmate", "1.sql", "-- head\n\n-- migrate:up\nSELECT 1;\nSELECT 2;\n-- migrate:down\nSELECT 3;", PG, { 0 },
	  "T|3:-- migrate:up\nSELECT 1;\nSELECT 2;\n" },
	{ "dbmate", "1.sql", "--migrate:up x:y transaction:false\r\nSELECT 1;\n--  migrate:down\nSELECT 3;", PG, { 0 },
	  "-|1:--migrate:up x:y transaction:false\r\nSELECT 1;\n" },
	{ "dbmate", "1.sql", "-- migrate:upper\n-- migrate:up\n--migrate:down transaction:false\n", PG, { 0 },
	  "T|2:-- migrate:up\n" },
	{ "dbmate", "1.sql", "-- migrate:up\nA;\n-- migrate:down\n-- migrate:up transaction:false\nB;\n-- migrate:down\n", PG, { 0 },
	  "-|1:BEGIN|1:-- migrate:up\nA;\n|1:COMMIT|4:-- migrate:up transaction:false\nB;\n" },
	{ "goose", "1_a.sql", "-- +goose Up\n-- c\n\nSELECT 1\n-- inside\n;\nSELECT 2; -- end; x\n-- +goose Down\nDROP TABLE t;\n",
	  PG, { 0 },
	  "T|4:SELECT 1\n-- inside\n;|7:SELECT 2; -- end; x" },
	{ "goose", "1_a.sql", "--+goose up\n-- +goose StatementBegin\nSELECT 1;\nSELECT 2\n-- +goose StatementEnd\nSELECT 3;", PG,
	  { 0 },
	  "T|3:SELECT 1;\nSELECT 2|6:SELECT 3;" },
	{ "goose", "1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\r\nSELECT 'a;\r\nb';\n  \nSELECT 2;", PG, { 0 },
	  "-|3:SELECT 'a;|4:b';|6:SELECT 2;" },
	{ "goose", "1_a.sql",
	  "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n", LITE,
	  { 0 }, "T|2:SELECT 1;" },
	{ "goose", "1_a.sql",
	  "-- +goose Up\nSELECT '$DC_A';\n-- +goose ENVSUB ON\nSELECT '$DC_A ${DC_A} ${DC_NO:-d ${DC_A}} "
	  "${DC_EMPTY-x}${DC_EMPTY:-y} $$ \\$ ${DC_A:1:2} ${DC_A:2} $1';\n-- +goose ENVSUB OFF\nSELECT '${DC_A}';\n",
	  PG, { 0 }, "T|2:SELECT '$DC_A';|4:SELECT 'abcd abcd d abcd y $ $ bc cd $1';|6:SELECT '${DC_A}';" },
	{ "goose", "1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${DC_NO:?missing}';\n", PG, { 0 }, NULL },
	{ "flyway", "V1__a.sql", "\xef\xbb\xbfSELECT 1;\nCREATE TABLE ${T}.${flyway:defaultschema} (/* ${t} */);\n", PG,
	  { .placeholders = (const char *const[]){ "t", "x", NULL } }, "T|1:SELECT 1|2:CREATE TABLE x.public (/* x */)" },
	{ "flyway", "V1__a.sql", "SELECT '${unknown}'", PG, { 0 }, NULL },
	{ "flyway", "V1__a.sql", "GRANT ALL ON t TO ${flyway:user}", PG, { 0 }, "T|1:GRANT ALL ON t TO CURRENT_USER" },
	{ "flyway", "V1__a.sql", "ALTER DATABASE ${flyway:database} SET x = 1", PG,
	  { .placeholders = (const char *const[]){ "flyway:database", "d", NULL } }, "T|1:ALTER DATABASE d SET x = 1" },
	{ "flyway", "V1__a.sql", "SELECT '${unknown}'", PG, { .no_placeholders = true }, "T|1:SELECT '${unknown}'" },
	{ "flyway", "V1__a.sql", "SELECT '${a}', '@b@'", PG,
	  { .placeholder_prefix = "@", .placeholder_suffix = "@", .placeholders = (const char *const[]){ "B", "c", NULL } },
	  "T|1:SELECT '${a}', 'c'" },
	{ "flyway", "V1__a.sql", "SELECT '${from_conf} ${FROM_TOML} ${dc_env} ${flyway:table}'", PG, { .table = "a.t" },
	  "T|1:SELECT 'one two three t'",
	  "flyway.conf", "# c\nflyway.placeholders.from_conf = one\n[flyway.placeholders]\nfrom_toml = \"two\"\n" },
	{ "flyway", "V1__a.sql", "SELECT 1; create index concurrently i ON t (a);", PG, { 0 },
	  "-|1:SELECT 1|1:create index concurrently i ON t (a)" },
	{ "flyway", "V1__a.sql", "PRAGMA foreign_keys = off;", LITE, { 0 }, "-|1:PRAGMA foreign_keys = off" },
	{ "flyway", "V1__a.sql", "VACUUM;", LITE, { 0 }, "T|1:VACUUM" },
	{ "flyway", "V1__a.sql", "SELECT '${x}'", PG, { 0 }, "-|1:SELECT '${x}'", "m/V1__a.sql.conf",
	  "executeInTransaction=false\nplaceholderReplacement=false\n" },
	{ "flyway", "V1__a.sql", "SELECT 1", PG, { 0 }, "T", "m/V1__a.sql.conf", "shouldExecute = false" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", PG, { 0 }, "-|1:SELECT 1; SELECT 2;", "package.json",
	  "{\"devDependencies\": {\"prisma\": \"~7.3.9\"}}" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", PG, { 0 }, "-|1:SELECT 1|1:SELECT 2", "package.json",
	  "{\"dependencies\": {\"@prisma/client\": \"^7.4.0\"}}" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", PG, { 0 }, "-|1:SELECT 1|1:SELECT 2", "package-lock.json",
	  "{\"packages\": {\"node_modules/prisma\": {\"version\": \"8.0.1\"}}}" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", PG, { 0 }, "-|1:SELECT 1|1:SELECT 2", "pnpm-lock.yaml",
	  "packages:\n  '@prisma/client@6.0.0(prisma@6.0.0)':\n  prisma@7.10.0:\n    resolution: {}\n" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", PG, { 0 }, "-|1:SELECT 1; SELECT 2;", "yarn.lock",
	  "\"prisma@npm:^7.4.0\":\n  version: 6.9.0\n" },
	{ "prisma", "1_a/migration.sql", "SELECT 1; SELECT 2;", LITE, { .statement_wise = true }, "-|1:SELECT 1; SELECT 2;" },
};

static void sends_what_the_framework_sends(void **state)
{
	(void)state;
	setenv("DC_A", "abcd", 1);
	setenv("DC_EMPTY", "", 1);
	setenv("FLYWAY_PLACEHOLDERS_DC_ENV", "three", 1);
	for (size_t i = 0; i < LENGTH(script_cases); i++) {
		const struct script_case *c = &script_cases[i];
		auto_arena arena = arena_new();
		auto_tree root[64];
		auto_buf have = BUF_INIT;
		struct err err;
		struct script script;
		tree_make(root, (const struct file[FILES_MAX]){
			{ arena_printf(arena, "m/%s", c->name), c->text }, { c->near, c->near_text } });
		struct migrations *set = load(arena, root, c->framework, &c->settings, &err);
		if (set == NULL)
			fail_msg("script case %zu: %s", i, err.text);
		bool done = set->framework->script(arena, set, c->engine, &set->items[0], &script, &err);
		if (c->want == NULL) {
			assert_false(done);
			assert_non_null(strstr(err.where, c->name));
			assert_non_null(strrchr(err.where, ':'));
			continue;
		}
		if (!done)
			fail_msg("script case %zu: %s: %s", i, err.where, err.text);
		buf_adds(&have, script.transaction ? "T" : "-");
		for (size_t j = 0; j < script.n_units; j++)
			buf_addf(&have, "|%u:%s", script.units[j].line, script.units[j].text);
		assert_string_equal(have.data, c->want);
	}
}

// Checksums: those of published files and of the reference inputs.
static const char couple[] = "create table COUPLE (\n    ID int not null,\n    PERSON1 int not null references PERSON(ID), \n"
                             "    PERSON2 int not null references PERSON(ID) \n);";

static const struct checksum_case {
	const char *framework, *name, *text, *want; // want: the one it stores
	const char *also;                           // NULL, or another that fits
} checksum_cases[] = {
	{ "flyway", "V1__a.sql", s1, "679045603", NULL },
	{ "flyway", "V1__a.sql", "\xef\xbb\xbf" "CREATE TABLE users (\r\n  id bigint PRIMARY KEY,\r  name text NOT NULL\n);",
	  "679045603", NULL },
	{ "flyway", "V1__a.sql", s2, "1227859050", NULL },
	{ "flyway", "V1__a.sql", couple, "-722651034", NULL },
	{ "flyway", "R__a.sql", "SELECT ${flyway:timestamp};", NULL, "1" },
	{ "prisma", "a/migration.sql", s1, "22531b4848055f950cef4b69eac52dd9e0702060de8cb2e546670fcbea4e43fc",
	  "22531b484855f95cef4b69eac52dd9e0702060de8cb2e54667fcbea4e43fc" },
	{ "prisma", "a/migration.sql", "CREATE TABLE users (\r\n  id bigint PRIMARY KEY,\r\n  name text NOT NULL\r\n);\r\n", NULL,
	  "22531b4848055f950cef4b69eac52dd9e0702060de8cb2e546670fcbea4e43fc" },
	{ "prisma", "a/migration.sql", s2, "f73afaffcdfec6433fe5dbc1fc23da5140a4e83f4f5fea76a32c21edce6127e1", NULL },
	{ "prisma", "a/migration.sql", "hello", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", NULL },
};

static void computes_checksums(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(checksum_cases); i++) {
		const struct checksum_case *c = &checksum_cases[i];
		auto_arena arena = arena_new();
		auto_tree root[64];
		struct err err;
		tree_make(root, (const struct file[FILES_MAX]){ { arena_printf(arena, "m/%s", c->name), c->text } });
		struct migrations *set = load(arena, root, c->framework, NULL, &err);
		assert_non_null(set);
		const struct migration *migration = &set->items[0];
		if (c->want != NULL)
			assert_string_equal(migration->checksum, c->want);
		assert_true(set->framework->checksum_fits(set, migration, migration->checksum));
		if (c->also != NULL)
			assert_true(set->framework->checksum_fits(set, migration, c->also));
		else
			assert_false(set->framework->checksum_fits(set, migration, "1"));
	}
}

// A file that was stored with CRLF and is checked out with LF.
static void tolerates_line_ends(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_tree root[64];
	struct err err;
	tree_make(root, (const struct file[FILES_MAX]){ { "m/a/migration.sql", "a\r\nb\r\n" }, { "m/b/migration.sql", "a\nb\n" } });
	struct migrations *set = load(arena, root, "prisma", NULL, &err);
	assert_string_not_equal(set->items[0].checksum, set->items[1].checksum);
	assert_true(set->framework->checksum_fits(set, &set->items[0], set->items[1].checksum));
	assert_true(set->framework->checksum_fits(set, &set->items[1], set->items[0].checksum));
}

// Applied sets and standings. Rows are cells joined by ',', rows by '|'; an empty cell is NULL. `want`: the state, the head,
// then "version=letter" for each migration (a applied, p pending, s skipped, e edited, d dirty), "?version" for unknown ones,
// "!version" for unknown dirty ones.
static const struct standing_case {
	const char *framework;
	struct file files[FILES_MAX];
	const char *columns, *rows;
	const char *want; // NULL: an error
} standing_cases[] = {
#define GM { { "m/1_a.up.sql", "" }, { "m/02_b.up.sql", "" }, { "m/10_c.up.sql", "" } }
	{ "golang-migrate", GM, "version,dirty", "10,f", "current 10 1=a 2=a 10=a" },
	{ "golang-migrate", GM, "version,dirty", "2,f", "behind 2 1=a 2=a 10=p" },
	{ "golang-migrate", GM, "version,dirty", "3,0", "diverged 3 1=a 2=a 10=p ?3" },
	{ "golang-migrate", GM, "version,dirty", "11,f", "newer 11 1=a 2=a 10=a ?11" },
	{ "golang-migrate", GM, "version,dirty", "2,t", "dirty 2 1=a 2=d 10=p" },
	{ "golang-migrate", GM, "version,dirty", "7,1", "dirty 7 1=a 2=a 10=p ?7 !7" },
	{ "golang-migrate", GM, "version,dirty", "-1,t", "dirty - 1=d 2=p 10=p" },
	{ "golang-migrate", GM, "version,dirty", "", "behind - 1=p 2=p 10=p" },
	{ "golang-migrate", GM, NULL, NULL, "untracked - 1=p 2=p 10=p" },
	{ "golang-migrate", GM, "version,dirty", "1,f|2,f", NULL },
	{ "golang-migrate", GM, "version", "1", NULL },
#define DB { { "m/1_a.sql", UP }, { "m/2_b.sql", UP }, { "m/3_c.sql", UP } }
	{ "dbmate", DB, "version", "1|2|3", "current 3 1=a 2=a 3=a" },
	{ "dbmate", DB, "version", "1|3", "diverged 3 1=a 2=s 3=a" },
	{ "dbmate", DB, "version", "1|25", "diverged 25 1=a 2=s 3=p ?25" },
	{ "dbmate", DB, "version", "", "behind - 1=p 2=p 3=p" },
	{ "dbmate", DB, "version,dirty", "1,f", NULL },
	{ "dbmate", { { "m/2_b.sql", UP }, { "m/10_a.sql", UP } }, "version", "10", "behind 10 10=a 2=p" },
	{ "dbmate", { { "m/2_b.sql", UP }, { "m/10_a.sql", UP } }, "version", "2", "diverged 2 10=s 2=a" },
#define GO { { "m/1_a.sql", GOOSE }, { "m/2_b.sql", GOOSE }, { "m/10_c.go", "" } }
#define GO_COLUMNS "id,version_id,is_applied,tstamp"
	{ "goose", GO, GO_COLUMNS, "1,0,t,x|2,1,t,x|3,2,t,x|4,10,t,x", "current 10 1=a 2=a 10=a" },
	{ "goose", GO, GO_COLUMNS, "1,0,t,x|2,1,t,x|3,2,t,x|4,2,f,x", "behind 1 1=a 2=p 10=p" },
	{ "goose", GO, GO_COLUMNS, "1,0,1,x|2,1,1,x|3,2,1,x|4,2,0,x|5,2,1,x|6,11,1,x", "diverged 11 1=a 2=a 10=s ?11" },
	{ "goose", GO, "version,dirty", "1,f", NULL },
#define FLY { { "m/V1__a.sql", s1 }, { "m/V1.1__b.sql", s2 }, { "m/V2__c.sql", "" }, { "m/R__v.sql", s1 } }
#define FLY_COLUMNS "installed_rank,version,description,type,checksum,installed_on,success"
	{ "flyway", FLY, FLY_COLUMNS, "1,1,a,SQL,679045603,x,t|2,1.1,b,SQL,1227859050,x,t|3,2,c,SQL,0,x,t|4,,v,SQL,679045603,x,t",
	  "current 2 1=a 1.1=a 2=a v=a" },
	{ "flyway", FLY, FLY_COLUMNS, "0,,app,SCHEMA,,x,t|1,01.0,a,SQL,5,x,t|2,2,c,SQL,0,x,t|3,,v,SQL,1,x,t|4,,v,SQL,2,x,t",
	  "diverged 2 1=e 1.1=s 2=a v=p" },
	{ "flyway", FLY, FLY_COLUMNS, "1,1.1,<< Flyway Baseline >>,BASELINE,,x,1|2,2,c,SQL,0,x,0", "dirty 1.1 1=a 1.1=a 2=d v=p" },
	{ "flyway", FLY, FLY_COLUMNS,
	  "1,1,a,SQL,,x,t|2,1.1,b,SQL,,x,t|3,1.1,b,UNDO_SQL,,x,t|4,9,z,SQL,,x,t|5,9,z,DELETE,,x,t|6,,old,SQL,3,x,t",
	  "diverged 1 1=a 1.1=p 2=p v=p ?old" },
	{ "flyway", FLY, FLY_COLUMNS, "1,7,base,BASELINE,,x,t|2,,v,SQL,679045603,x,t", "current 7 1=a 1.1=a 2=a v=a" },
	{ "flyway", FLY, FLY_COLUMNS,
	  "1,1,b,BASELINE,,x,t|2,2,b,BASELINE,,x,t|3,1,b,BASELINE,,x,t|4,2,b,BASELINE,,x,t|5,2,b,BASELINE,,x,t",
	  "behind 2 1=a 1.1=a 2=a v=p" },
	{ "flyway", { { "m/B3__all.sql", s1 }, { "m/V4__d.sql", "" } }, FLY_COLUMNS,
	  "1,1,a,SQL,1,x,t|2,2,b,SQL,2,x,t|3,3,c,SQL,3,x,t|4,4,d,SQL,0,x,t", "current 4 3=a 4=a" },
	{ "flyway", { { "m/B3__all.sql", s1 }, { "m/V4__d.sql", "" } }, FLY_COLUMNS, "1,1,a,SQL,1,x,t|2,4,d,SQL,0,x,t",
	  "current 4 3=a 4=a" },
	{ "flyway", { { "m/B3__all.sql", s1 }, { "m/V4__d.sql", "" } }, FLY_COLUMNS, "1,3,all,SQL_BASELINE,1,x,t",
	  "behind 3 3=e 4=p" },
	{ "flyway", FLY, "version", "1", NULL },
#define PR { { "m/migration_lock.toml", "" }, { "m/1_a/migration.sql", "hello" }, { "m/2_b/migration.sql", "" } }
#define PR_COLUMNS "migration_name,checksum,finished_at,rolled_back_at"
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	{ "prisma", PR, PR_COLUMNS, "1_a," HELLO ",x,", "behind 1_a 1_a=a 2_b=p" },
	{ "prisma", PR, PR_COLUMNS, "1_a,abc,x,|2_b,abc,,", "dirty 1_a 1_a=e 2_b=d" },
	{ "prisma", PR, PR_COLUMNS, "1_a," HELLO ",,x|1_a," HELLO ",,|1_a," HELLO ",x,|1_a," HELLO ",,|3_c,x,x,",
	  "diverged 3_c 1_a=a 2_b=s ?3_c" },
	{ "prisma", PR, "version", "1", NULL },
	{ "plain", { { "m/1.sql", "" } }, NULL, NULL, "untracked - 1=p" },
};

static struct version_table table_of(struct arena *arena, const char *columns, const char *rows)
{
	struct version_table table = { .name = columns == NULL ? NULL : "public.versions" };
	if (columns == NULL)
		return table;
	table.columns = arena_array(arena, 8, sizeof *table.columns);
	for (char *rest = arena_strdup(arena, columns), *cell; (cell = strsep(&rest, ",")) != NULL;)
		table.columns[table.n_columns++] = cell;
	table.rows = arena_array(arena, 8, sizeof *table.rows);
	for (char *rest = arena_strdup(arena, rows), *row; *rows != '\0' && (row = strsep(&rest, "|")) != NULL; table.n_rows++) {
		const char **cells = table.rows[table.n_rows] = arena_array(arena, table.n_columns, sizeof *cells);
		char *cell;
		for (size_t i = 0; i < table.n_columns && (cell = strsep(&row, ",")) != NULL; i++)
			cells[i] = *cell == '\0' ? NULL : cell;
	}
	return table;
}

static void describe_standings(struct buf *buf, const struct migrations *set, const struct applied_set *applied)
{
	auto_arena arena = arena_new();
	struct standings standings = standings_of(arena, set, applied);
	buf_addf(buf, "%s %s", version_state_names[standings.state], applied->head == NULL ? "-" : applied->head);
	size_t n[STANDING_UNKNOWN + 1] = { 0 };
	for (size_t i = 0; i < set->n_items; i++) {
		buf_addf(buf, " %s=%c", set->items[i].version, "apsed"[standings.of[i]]);
		n[standings.of[i]]++;
	}
	for (size_t i = 0; i < standings.n_unknown; i++)
		buf_addf(buf, " ?%s", standings.unknown[i]);
	for (size_t i = 0; i < standings.n_unknown_dirty; i++)
		buf_addf(buf, " !%s", standings.unknown_dirty[i]);
	n[STANDING_UNKNOWN] = standings.n_unknown;
	assert_memory_equal(n, standings.n, sizeof n);
}

static void tells_where_an_environment_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(standing_cases); i++) {
		const struct standing_case *c = &standing_cases[i];
		auto_arena arena = arena_new();
		auto_tree root[64];
		auto_buf have = BUF_INIT;
		struct err err;
		tree_make(root, c->files);
		struct migrations *set = load(arena, root, c->framework, NULL, &err);
		if (set == NULL)
			fail_msg("standing case %zu: %s", i, err.text);
		struct version_table table = table_of(arena, c->columns, c->rows);
		struct applied_set applied;
		bool done = set->framework->applied(arena, set, &table, &applied, &err);
		if (c->want == NULL) {
			assert_false(done);
			assert_string_equal(err.code, "version-table");
			assert_string_equal(err.where, "public.versions");
			continue;
		}
		assert_true(done);
		assert_int_equal(applied.tracked, c->columns != NULL && strcmp(c->framework, "plain") != 0);
		describe_standings(&have, set, &applied);
		assert_string_equal(have.data, c->want);
	}
}

// The version table as each framework makes and fills it, on SQLite, read back by the same framework; for PostgreSQL the
// statements are parsed.
static const struct table_case {
	const char *framework;
	struct file files[FILES_MAX];
	const char *want;
} table_cases[] = {
	{ "golang-migrate", GM, "current 10 1=a 2=a 10=a" },
	{ "dbmate", DB, "current 3 1=a 2=a 3=a" },
	{ "goose", GO, "current 10 1=a 2=a 10=a" },
	{ "flyway", FLY, "current 2 1=a 1.1=a 2=a v=a" },
	{ "prisma", PR, "current 2_b 1_a=a 2_b=a" },
};

static void sqlite_run(sqlite3 *db, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static struct version_table sqlite_rows(struct arena *arena, sqlite3 *db, const struct version_query *query)
{
	struct version_table table = { .name = query->table };
	sqlite3_stmt *statement = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, arena_printf(arena, "SELECT * FROM %s ORDER BY %s", query->table, query->order), -1,
	                                    &statement, NULL), SQLITE_OK);
	table.n_columns = (size_t)sqlite3_column_count(statement);
	table.columns = arena_array(arena, table.n_columns, sizeof *table.columns);
	for (size_t i = 0; i < table.n_columns; i++)
		table.columns[i] = arena_strdup(arena, sqlite3_column_name(statement, (int)i));
	for (size_t capacity = 0; sqlite3_step(statement) == SQLITE_ROW; table.n_rows++) {
		table.rows = arena_grow(arena, table.rows, table.n_rows, &capacity, sizeof *table.rows);
		table.rows[table.n_rows] = arena_array(arena, table.n_columns, sizeof **table.rows);
		for (size_t i = 0; i < table.n_columns; i++)
			table.rows[table.n_rows][i] = arena_strdup(arena, (const char *)sqlite3_column_text(statement, (int)i));
	}
	sqlite3_finalize(statement);
	return table;
}

static void makes_and_reads_version_tables(void **state)
{
	(void)state;
	static const char *const names[] = { NULL, "my_versions" };
	for (size_t i = 0; i < 2 * LENGTH(table_cases); i++) {
		const struct table_case *c = &table_cases[i / 2];
		auto_arena arena = arena_new();
		auto_tree root[64];
		auto_buf have = BUF_INIT, lite = BUF_INIT, pg = BUF_INIT;
		struct err err;
		tree_make(root, c->files);
		struct migrations *set = load(arena, root, c->framework, &(struct migration_settings){ .table = names[i % 2] }, &err);
		assert_non_null(set);
		struct version_query queries[2];
		framework_version_query(set, queries);
		assert_string_equal(queries[0].table, names[i % 2] != NULL ? names[i % 2] : set->framework->table);
		assert_null(queries[1].table);
		set->framework->create_table(&lite, LITE, queries[0].table);
		set->framework->create_table(&pg, PG, queries[0].table);
		for (size_t j = 0; j < set->n_items; j++) {
			set->framework->record(&lite, LITE, queries[0].table, &set->items[j], j + 1);
			set->framework->record(&pg, PG, queries[0].table, &set->items[j], j + 1);
		}
		PgQueryParseResult parsed = pg_query_parse(pg.data);
		if (parsed.error != NULL)
			fail_msg("%s: %s", pg.data, parsed.error->message);
		pg_query_free_parse_result(parsed);
		sqlite3 *db = NULL;
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		sqlite_run(db, lite.data);
		struct version_table table = sqlite_rows(arena, db, &queries[0]);
		sqlite3_close(db);
		struct applied_set applied;
		if (!set->framework->applied(arena, set, &table, &applied, &err))
			fail_msg("%s: %s", c->framework, err.text);
		describe_standings(&have, set, &applied);
		assert_string_equal(have.data, c->want);
	}
}

static void takes_table_names_as_written(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct migrations set = { .arena = arena, .framework = framework_find("flyway") };
	static const struct { const char *table, *want; } cases[] = {
		{ NULL, "flyway_schema_history" }, { "app.Versions", "app.\"Versions\"" }, { "\"a.b\"", "\"a.b\"" },
	};
	struct version_query queries[2];
	for (size_t i = 0; i < LENGTH(cases); i++) {
		set.settings.table = cases[i].table;
		framework_version_query(&set, queries);
		assert_string_equal(queries[0].table, cases[i].want);
		assert_string_equal(queries[0].order, "installed_rank");
	}
	set = (struct migrations){ .arena = arena, .framework = framework_find("plain") };
	framework_version_query(&set, queries);
	assert_null(queries[0].table);
}

static void computes_lock_keys(void **state)
{
	(void)state;
	long long key;
	const struct framework *golang = framework_find("golang-migrate");
	assert_true(golang->lock_key("app", "public", "schema_migrations", 0, &key));
	assert_int_equal(key, 1787120056);
	assert_true(golang->lock_key("app", "public", "schema_migrations", 1, &key));
	assert_int_equal(key, 1726534663);
	assert_false(golang->lock_key("app", "public", "schema_migrations", 2, &key));
	assert_true(framework_find("prisma")->lock_key("app", "public", "x", 0, &key));
	assert_int_equal(key, 72707369);
	assert_false(framework_find("prisma")->lock_key("app", "public", "x", 1, &key));
}

static void finds_migrations_as_people_write_them(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_tree root[64];
	struct err err;
	tree_make(root, (const struct file[FILES_MAX]){ { "m/0001_a.up.sql", "" }, { "m/0042_b.up.sql", "" } });
	struct migrations *set = load(arena, root, NULL, NULL, &err);
	static const struct { const char *version; int want; } cases[] = {
		{ "42", 1 }, { "0042", 1 }, { "0042_b.up.sql", 1 }, { "1", 0 }, { "2", -1 }, { "", -1 }, { "x", -1 },
	};
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_ptr_equal(migrations_find(set, cases[i].version), cases[i].want < 0 ? NULL : &set->items[cases[i].want]);
}

static void reads_flyway_settings(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_tree root[64];
	struct err err;
	tree_make(root, (const struct file[FILES_MAX]){
		{ "m/V2__a.sql", "" }, { "m/beforeMigrate.sql", "" }, { "m/beforehand.sql", "" },
		{ "flyway.toml", "[flyway]\ntable = \"hist\"\n[environments.default]\nschemas = [\"app\", \"b\"]\n" },
		{ "conf/flyway.conf", "flyway.table=other\nflyway.outOfOrder = true\n" } });
	struct migrations *set = load(arena, root, NULL, NULL, &err);
	assert_string_equal(set->settings.table, "hist");
	assert_string_equal(set->settings.schema, "app");
	assert_true(set->settings.out_of_order);
	assert_int_equal(set->n_notes, 1);
	assert_non_null(strstr(set->notes[0], "m/beforeMigrate.sql is a Flyway callback"));
}

static void lists_java_beside_resources(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	auto_tree root[64];
	auto_buf have = BUF_INIT;
	struct err err;
	tree_make(root, (const struct file[FILES_MAX]){
		{ "src/main/resources/db/migration/V1__a.sql", "" }, { "src/main/java/db/migration/V2__B.java", "" } });
	const char *folders[] = { arena_printf(arena, "%s/src/main/resources/db/migration", root), NULL };
	struct migrations *set = migrations_load(arena, "", folders, "auto", NULL, &err);
	assert_non_null(set);
	describe_list(&have, set);
	assert_string_equal(have.data, "1:V1__a.sql|2!:V2__B.java");
}

static void every_framework_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; frameworks[i] != NULL; i++) {
		const struct framework *framework = frameworks[i];
		assert_non_null(framework->summary);
		assert_non_null(framework->files);
		assert_non_null(framework->deploy);
		assert_true(framework->detect != NULL || framework->resembles != NULL);
		assert_non_null(framework->list);
		assert_non_null(framework->script);
		assert_non_null(framework->create_table);
		assert_non_null(framework->record);
		assert_non_null(framework->applied);
		assert_true(framework->table == NULL || framework->order != NULL);
		assert_ptr_equal(framework_find(framework->name), framework);
	}
	assert_null(framework_find("none"));
}

static void finds_who_may_do_what(void **state)
{
	(void)state;
	enum { ACL = 1u << GROUP_ACL, OWNER = 1u << GROUP_OWNER };
	static const struct { const char *sql; unsigned groups; } cases[] = {
		{ "GRANT SELECT ON t TO x", ACL },
		{ "-- c\n/* c */ grant select (a), update (b) on table t to x with grant option;", ACL },
		{ "SELECT 1; REVOKE ALL ON ALL TABLES IN SCHEMA s FROM PUBLIC", ACL },
		{ "ALTER DEFAULT PRIVILEGES FOR ROLE x GRANT SELECT ON TABLES TO y", ACL },
		{ "GRANT USAGE ON SCHEMA s TO x", ACL },
		{ "GRANT app_read TO app_write", 0 },
		{ "GRANT CONNECT ON DATABASE d TO x; GRANT USAGE ON LANGUAGE plpgsql TO x; GRANT USAGE ON FOREIGN SERVER f TO x", 0 },
		{ "COMMENT ON TABLE t IS 'GRANT SELECT ON t TO x'", 0 },
		{ "-- GRANT SELECT ON t TO x\nSELECT 'REVOKE ALL ON t FROM x'", 0 },
		{ "CREATE TABLE \"grant\" (\"on\" int); CREATE TABLE grants (on_ int)", 0 },
		{ "DO $$ BEGIN IF true THEN GRANT SELECT ON t TO x; END IF; END $$", ACL },
		{ "DO $$ BEGIN EXECUTE 'GRANT SELECT ON ' || quote_ident('t') || ' TO x'; END $$", ACL },
		{ "DO $$ BEGIN EXECUTE format('ALTER TABLE %I OWNER TO x', 't'); END $$", OWNER },
		{ "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN GRANT SELECT ON t TO x; END $$", 0 },
		{ "ALTER TABLE t OWNER TO x", OWNER },
		{ "ALTER MATERIALIZED VIEW IF EXISTS s.\"owner\" OWNER TO CURRENT_USER", OWNER },
		{ "ALTER DATABASE d OWNER TO x; ALTER PUBLICATION p OWNER TO x", 0 },
		{ "CREATE SCHEMA s AUTHORIZATION x", OWNER },
		{ "SET SESSION AUTHORIZATION x; ALTER TABLE t RENAME owner TO holder", 0 },
		{ "REASSIGN OWNED BY x TO y; GRANT SELECT ON t TO y", OWNER | ACL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (grants_find(cases[i].sql) != cases[i].groups)
			fail_msg("%s: %#x", cases[i].sql, grants_find(cases[i].sql));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_in_the_frameworks_order), cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(says_what_is_wrong_with_a_folder), cmocka_unit_test(sends_what_the_framework_sends),
		cmocka_unit_test(finds_who_may_do_what), cmocka_unit_test(computes_checksums), cmocka_unit_test(tolerates_line_ends),
		cmocka_unit_test(tells_where_an_environment_stands), cmocka_unit_test(makes_and_reads_version_tables),
		cmocka_unit_test(takes_table_names_as_written), cmocka_unit_test(computes_lock_keys),
		cmocka_unit_test(finds_migrations_as_people_write_them), cmocka_unit_test(reads_flyway_settings),
		cmocka_unit_test(lists_java_beside_resources), cmocka_unit_test(every_framework_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
