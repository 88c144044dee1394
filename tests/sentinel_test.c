// SPDX-License-Identifier: PostgreSQL
// The command line without its commands: options, configuration, sources, secrets, suggestions. Tables of what people write
// and what must come of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/kind.h"
#include "sentinel/config.h"
#include "sentinel/options.h"
#include "sentinel/output.h"
#include "sentinel/platform.h"
#include "base/secret.h"
#include "sentinel/source.h"
#include "sentinel/suggest.h"

#define LENGTH(array) (sizeof array / sizeof *array)
#define ARGS(...) (const char *const[]){ "driftcheck", __VA_ARGS__, NULL }

static void assert_has(const char *text, const char *part)
{
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" is in \"%s\"", part, text);
}

static bool parse(struct arena *arena, const char *const *argv, struct options *options, struct err *err)
{
	int argc = 0;
	while (argv[argc] != NULL)
		argc++;
	return options_parse(arena, argc, argv, options, err);
}

static void test_options(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct options options;
	struct err err = { 0 };
	assert_true(parse(arena, ARGS("check", "--migrations", "a", "staging", "--migrations=b", "--include=comment,owner", "-v", "--jobs", "3",
	                              "--fail-on=drift", "--output", "-", "--", "--prod"), &options, &err));
	assert_int_equal(options.migrations.n, 2);
	assert_string_equal(options.migrations.items[1], "b");
	assert_null(options.migrations.items[2]);
	assert_int_equal(options.groups, 1u << GROUP_COMMENT | 1u << GROUP_OWNER);
	assert_int_equal(options.jobs, 3);
	assert_true(options.verbose);
	assert_false(options.quiet);
	assert_string_equal(options.fail_on, "drift");
	assert_string_equal(options.format, "text");
	assert_string_equal(options.output, "-");
	assert_int_equal(options.words.n, 3);
	assert_string_equal(options.words.items[2], "--prod");
	assert_false(options.first_after_end);

	assert_true(parse(arena, ARGS("--include", "all", "--", "check"), &options, &err));
	assert_int_equal(options.groups, 1u << GROUP_COMMENT | 1u << GROUP_COLUMN_ORDER | 1u << GROUP_OWNER | 1u << GROUP_ACL | 1u << GROUP_COSMETIC);
	assert_true(options.first_after_end);
}

static void test_options_refused(void **state)
{
	(void)state;
	static const struct {
		const char *given, *value, *text, *hint;
	} cases[] = {
		{ "--confg", "x", "unknown option --confg", "did you mean --config?" },
		{ "--qiet", NULL, "unknown option --qiet", "did you mean --quiet?" },
		{ "--colour=never", NULL, "unknown option --colour", "did you mean --color?" },
		{ "-x", NULL, "unknown option -x", NULL },
		{ "--config", NULL, "--config needs a value", NULL },
		{ "--config", "--quiet", "--config needs a value", NULL },
		{ "--quiet=yes", NULL, "--quiet takes no value", NULL },
		{ "--jobs", "0", "\"0\" is no number from 1 to 256", NULL },
		{ "--jobs", "4x", "\"4x\" is no number", NULL },
		{ "--timeout", "99999999999999999999", "is no number", NULL },
		{ "--fail-on", "skw", "\"skw\" is not one of its values", "did you mean \"skew\"?" },
		{ "--include", "owner,comments", "\"comments\" is not one", "did you mean \"comment\"?" },
		{ "--color", "red", "\"red\" is not one", "known: auto, always, never" },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct options options;
		struct err err = { 0 };
		assert_false(parse(arena, ARGS(cases[i].given, cases[i].value), &options, &err));
		assert_string_equal(err.code, "usage");
		assert_has(err.text, cases[i].text);
		assert_has(err.hint, cases[i].hint);
	}
}

static void test_options_apply(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct options options;
	struct err err = { 0 };
	assert_true(parse(arena, ARGS("replay", "--to", "3", "--quiet"), &options, &err));
	assert_true(options_apply(&options, "replay", &err));
	assert_false(options_apply(&options, "check", &err));
	assert_has(err.text, "--to does not apply to `driftcheck check`, only to `driftcheck replay` and `driftcheck rehearse`");
	auto_buf all = BUF_INIT, replay = BUF_INIT;
	options_help(&all, NULL);
	options_help(&replay, "replay");
	assert_has(all.data, "--include GROUP,...");
	assert_has(all.data, "replay, rehearse: run up to and including");
	assert_has(replay.data, "--to V");
	assert_lacks(replay.data, "--at-least V");
	assert_has(replay.data, "-q, --quiet");
}

static void test_suggest(void **state)
{
	(void)state;
	static const char *const names[] = { "staging", "prod", "prod-eu" };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "stagin", "staging" }, { "stging", "staging" }, { "STAGING", "staging" }, { "prd", "prod" }, { "production", "prod" },
		{ "prod-us", "prod-eu" }, { "rpod", "prod" }, { "porduction", NULL }, { "st", "staging" }, { "zebra", NULL }, { "", NULL }, { "p", NULL },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		const char *nearest = suggest_nearest(cases[i].word, names, LENGTH(names));
		if (cases[i].nearest == NULL)
			assert_null(nearest);
		else
			assert_string_equal(nearest == NULL ? cases[i].word : nearest, cases[i].nearest);
	}
	struct err err = { 0 };
	suggest_hint(&err, "zebra", names, LENGTH(names));
	assert_string_equal(err.hint, "known: staging, prod, prod-eu");
}

// A folder of its own for each test that writes files; it is the working directory while the test runs.
static int make_folder(void **state)
{
	char *folder = strdup("/tmp/driftcheck-test-XXXXXX");
	if (folder == NULL || mkdtemp(folder) == NULL || chdir(folder) != 0)
		return -1;
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	char command[64], *folder = *state;
	snprintf(command, sizeof command, "rm -r '%s'", folder);
	free(folder);
	return chdir("/") == 0 ? system(command) : -1;
}

static void write_text(const char *path, const char *text)
{
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
}

static const char example[] =
	"# comment\n"
	"migrations \"app\" {\n"
	"  path      = \"db/migrations\"\n"
	"  framework = \"auto\"\n"
	"  table     = \"public.schema_migrations\"\n"
	"  schema    = \"app\"\n"
	"}\n"
	"migrations \"jobs\" { path = {\"jobs/a\", \"/abs/b\"} }\n"
	"env \"staging\" { url = \"${SENTINEL_TEST_URL}\"  migrations = \"app\" }\n"
	"env \"prod\" {\n"
	"  url        = \"service=prod-readonly\"\n"
	"  migrations = \"jobs\"\n"
	"}\n"
	"scratch {\n"
	"  bindir     = \"/usr/lib/postgresql/15/bin\"\n"
	"  url        = \"\"\n"
	"  role       = \"owner\"\n"
	"  extensions = {\"contrib\"}\n"
	"  prelude    = \"db/prelude.sql\"\n"
	"}\n"
	"ignore   { objects = {\"audit.*\", \"table:public.tmp_*\"} }\n"
	"github   { repository = \"owner/name\"  label = \"db/drift\"  skew_after = \"24h\" }\n"
	"rehearse { lock_timeout = \"3s\"  statement_timeout = \"60s\" }\n";

static void test_config(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err = { 0 };
	write_text("driftcheck.conf", example);
	struct config *config = config_read(arena, "driftcheck.conf", &err);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	assert_int_equal(config->n_migrations, 2);
	assert_string_equal(config->migrations[0].path.items[0].text, "db/migrations");
	assert_int_equal(config->migrations[0].path.items[0].line, 3);
	assert_string_equal(config->migrations[0].table.text, "public.schema_migrations");
	assert_null(config->migrations[1].table.text);
	assert_int_equal(config->migrations[1].path.n, 2);
	assert_int_equal(config->n_envs, 2);
	assert_string_equal(config_env(config, "staging")->url.text, "${SENTINEL_TEST_URL}");
	assert_int_equal(config_env(config, "prod")->url.line, 11);
	assert_null(config_env(config, "pro"));
	assert_string_equal(config->scratch.extensions.items[0].text, "contrib");
	assert_string_equal(config->scratch.url.text, "");
	assert_int_equal(config->ignore.n, 2);
	assert_string_equal(config->ignore.items[1].text, "table:public.tmp_*");
}

// From a folder below, paths are seen from there; a single string may stand for a list, and comments of all three sorts do.
static void test_config_found(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err = { 0 };
	write_text("driftcheck.conf", "migrations m { path = db } // c\n/* c */ ignore { objects = \"audit.*\" } # ${NOT_THIS}\n");
	assert_int_equal(mkdir("a", 0700) | mkdir("a/b", 0700) | chdir("a/b"), 0);
	const char *path;
	assert_true(config_find(arena, NULL, &path, &err));
	assert_string_equal(path, "../../driftcheck.conf");
	struct config *config = config_read(arena, path, &err);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	assert_string_equal(config_path(arena, config, "db"), "../../db");
	assert_string_equal(config_path(arena, config, "/db"), "/db");
	assert_string_equal(config->ignore.items[0].text, "audit.*");
	assert_true(config_find(arena, "given.conf", &path, &err));
	assert_string_equal(path, "given.conf");
	assert_null(config_read(arena, path, &err));
	assert_has(err.text, "cannot be opened");
	assert_non_null(config_read(arena, NULL, &err));
}

// A configuration above the working directory that belongs to somebody else is not taken by itself.
static void test_config_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); // only root can make a file that belongs to another user
	auto_arena arena = arena_new();
	struct err err = { 0 };
	const char *path;
	write_text("driftcheck.conf", "");
	assert_int_equal(chown("driftcheck.conf", 12345, 12345) | mkdir("a", 0700), 0);
	assert_true(config_find(arena, NULL, &path, &err));
	assert_string_equal(path, "driftcheck.conf");
	assert_int_equal(chdir("a"), 0);
	assert_false(config_find(arena, NULL, &path, &err));
	assert_string_equal(err.where, "../driftcheck.conf");
	assert_has(err.hint, "--config");
}

static void test_config_refused(void **state)
{
	(void)state;
	static const struct {
		const char *file, *where, *text, *hint;
	} cases[] = {
		{ "migratons \"a\" { }\n", ":1", "unknown section or option \"migratons\"", "did you mean \"migrations\"?" },
		{ "env \"p\" {\n  url = \"service=x\"\n  migration = \"a\"\n}\n", ":3", "unknown option \"migration\" in env \"p\"",
		  "did you mean \"migrations\"?" },
		{ "scratch {\n\n bin = \"x\" }\n", ":3", "unknown option \"bin\" in scratch", "did you mean \"bindir\"?" },
		{ "env \"p\" { url = \"service=x\" }\nenv \"p\" { url = \"service=y\" }\n", ":2", "a second section with the name \"p\"", NULL },
		{ "env \"p\" {\n url = \"service=x\"\n url = \"service=y\" }\n", ":3", "the option url stands twice", NULL },
		{ "migrations \"a\" {\n path = {\"x\", \"y\"}\n path = \"z\" }\n", ":3", "the option path stands twice", NULL },
		{ "ignore { objects = \"a.*\" }\nignore { objects = \"b.*\" }\n", ":2", "a second section \"ignore\"", NULL },
		{ "env \"p\" { url = service=x }\n", ":1", "unexpected token", "double quotes" },
		{ "env \"p\" { url = ${X} }\n", ":1", "unexpected token", "double quotes" },
		{ "env \"p\"\n", NULL, "premature end of file", NULL },
		{ "# it's\n\nenv \"p\" { url = \"service=x }\n\n", ":3", "never closed", NULL },
		{ "\n/* comment\n", ":2", "never closed", NULL },
		{ "\nenv \"p\" {\n  url = \"service=x\"\n", ":2", "brace", NULL },
		{ "/* a\n b */ # c\n// d \"\nx = \"y\"\n", ":4", "unknown section or option \"x\"", NULL },
		{ "}\n", ":1", "unexpected closing brace", NULL },
		{ "\n\nenv \"p\" { migrations = \"a\" }\n", ":3", "env \"p\" has no url", "say how to reach it" },
		{ "migrations \"a\" { framework = \"auto\" }\n", ":1", "migrations \"a\" has no path", NULL },
		{ "migrations \"app\" { path = \"x\" }\nenv \"p\" {\n url = \"service=x\"\n migrations = \"ap\"\n}\n", ":4",
		  "env \"p\" names migrations \"ap\"", "did you mean \"app\"?" },
		{ "env \"repo\" { url = \"service=x\" }\n", ":1", "\"repo\" cannot be the name of an environment", NULL },
		{ "env \"a b\" { url = \"service=x\" }\n", ":1", "\"a b\" cannot be the name", NULL },
		{ "env \"${X}\" { url = \"service=x\" }\n", ":1", "cannot be the name", NULL },
		{ "\nenv \"p\" { url = \"postgresql://u:swordfish@h/db\" }\n", ":2", "env \"p\": a password stands in the file", "${DATABASE_URL}" },
		{ "env \"p\" { url = \"host=h password=swordfish\" }\n", ":1", "a password stands in the file", NULL },
		{ "env \"p\" { url = \"${U:-postgresql://u:swordfish@h/db}\" }\n", ":1", "a password stands in the file", NULL },
		{ "scratch { url = \"postgresql://u:swordfish@h/db\" }\n", ":1", "scratch: a password stands in the file", NULL },
		{ "env \001\n", NULL, "this is no configuration", NULL },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		write_text("c.conf", cases[i].file);
		assert_null(config_read(arena, "c.conf", &err));
		assert_string_equal(err.code, "config");
		assert_has(err.text, cases[i].text);
		assert_has(err.hint, cases[i].hint);
		assert_has(err.where, "c.conf");
		assert_has(err.where, cases[i].where);
		assert_lacks(err.text, "swordfish");
		assert_lacks(err.hint, "swordfish");
	}
}

static void test_expand(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expanded, *error;
	} cases[] = {
		{ "plain $HOME", "plain $HOME", NULL },
		{ "${SENTINEL_SET}", "value", NULL },
		{ "a${SENTINEL_SET}b${SENTINEL_SET}c", "avaluebvaluec", NULL },
		{ "${SENTINEL_UNSET:-default}", "default", NULL },
		{ "${SENTINEL_EMPTY:-default}", "default", NULL },
		{ "${SENTINEL_SET:-default}", "value", NULL },
		{ "${SENTINEL_UNSET:-}", "", NULL },
		{ "${SENTINEL_UNSET:-postgresql://h/db}", "postgresql://h/db", NULL },
		{ "x${SENTINEL_UNSET}", NULL, "the variable SENTINEL_UNSET is not set" },
		{ "${SENTINEL_SET", NULL, "a variable is miswritten" },
		{ "${}", NULL, "a variable is miswritten" },
		{ "${A B}", NULL, "a variable is miswritten" },
		{ "${A:?x}", NULL, "a variable is miswritten" },
	};
	auto_arena arena = arena_new();
	const struct config config = { .path = "c.conf", .folder = "" };
	assert_int_equal(setenv("SENTINEL_SET", "value", 1) | setenv("SENTINEL_EMPTY", "", 1) | unsetenv("SENTINEL_UNSET"), 0);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		const char *text;
		bool ok = config_expand(arena, &config, &(struct setting){ cases[i].text, 7 }, &text, &err);
		assert_int_equal(ok, cases[i].error == NULL);
		if (ok)
			assert_string_equal(text, cases[i].expanded);
		else
			assert_string_equal(err.where, "c.conf:7");
		assert_has(err.text, cases[i].error);
	}
}

static void test_sources(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum source_type type;
		const char *reach; // conninfo or path
		const char *schema, *table;
	} cases[] = {
		{ "postgresql://u@h:1/db", SOURCE_POSTGRESQL, "postgresql://u@h:1/db", NULL, NULL },
		{ "postgres://u:p@h/db?sslmode=require", SOURCE_POSTGRESQL, "postgresql://u:p@h/db?sslmode=require", NULL, NULL },
		{ "postgresql:///db?host=/run&user=u", SOURCE_POSTGRESQL, "postgresql:///db?host=/run&user=u", NULL, NULL },
		{ "postgresql://h/db?schema=app&connection_limit=5&sslmode=disable&sslaccept=strict", SOURCE_POSTGRESQL,
		  "postgresql://h/db?sslmode=disable", "app", NULL },
		{ "postgres://h/db?search_path=a,b&x-migrations-table=my.versions", SOURCE_POSTGRESQL, "postgresql://h/db", "a", "\"my.versions\"" },
		{ "postgres://h/db?x-migrations-table=%22s%22.%22t%22&x-migrations-table-quoted=1", SOURCE_POSTGRESQL, "postgresql://h/db", NULL,
		  "\"s\".\"t\"" },
		{ "postgres://h/db?x-migrations-table=versions&x-multi-statement=true&sslmode=disable", SOURCE_POSTGRESQL,
		  "postgresql://h/db?sslmode=disable", NULL, "versions" },
		{ "pgx5://u:p@h/db", SOURCE_POSTGRESQL, "postgresql://u:p@h/db", NULL, NULL },
		{ "postgresql+psycopg2://u:p@h/db", SOURCE_POSTGRESQL, "postgresql://u:p@h/db", NULL, NULL },
		{ "postgresql://u:a%40b@h1:1,h2:2/db", SOURCE_POSTGRESQL, "postgresql://u:a%40b@h1:1,h2:2/db", NULL, NULL },
		{ "jdbc:postgresql://h:5433/db?user=u&password=p&currentSchema=app&ApplicationName=x", SOURCE_POSTGRESQL,
		  "postgresql://h:5433/db?user=u&password=p", "app", NULL },
		{ "jdbc:postgresql:db?ssl=true", SOURCE_POSTGRESQL, "postgresql:///db?ssl=true", NULL, NULL },
		{ "service=prod", SOURCE_POSTGRESQL, "service='prod'", NULL, NULL },
		{ "host=h dbname = 'my db' password='it\\'s' search_path=app", SOURCE_POSTGRESQL,
		  "host='h' dbname='my db' password='it\\'s'", "app", NULL },
		{ "sqlite:x.db", SOURCE_SQLITE, "up/x.db", NULL, NULL },
		{ "sqlite3:x.db?mode=ro", SOURCE_SQLITE, "up/x.db", NULL, NULL },
		{ "sqlite:/abs/x.db", SOURCE_SQLITE, "/abs/x.db", NULL, NULL },
		{ "sqlite:///abs/x.db", SOURCE_SQLITE, "/abs/x.db", NULL, NULL },
		{ "sqlite3://rel/x.db?x-no-tx-wrap=true&x-migrations-table=v", SOURCE_SQLITE, "up/rel/x.db", NULL, "v" },
		{ "sqlite+pysqlite:///abs/x.db", SOURCE_SQLITE, "/abs/x.db", NULL, NULL },
		{ "jdbc:sqlite:x.db", SOURCE_SQLITE, "up/x.db", NULL, NULL },
		{ "file:./dev.db?connection_limit=1", SOURCE_SQLITE, "up/./dev.db", NULL, NULL },
		{ "sqlite://a%20b.db", SOURCE_SQLITE, "up/a b.db", NULL, NULL },
		{ "app.db", SOURCE_SQLITE, "up/app.db", NULL, NULL },
		{ "app.sqlite3", SOURCE_SQLITE, "up/app.sqlite3", NULL, NULL },
		{ "prod.json", SOURCE_JSON, "up/prod.json", NULL, NULL },
		{ "/x/schema.SQL", SOURCE_SQL, "/x/schema.SQL", NULL, NULL },
		{ "repo", SOURCE_REPO, NULL, NULL, NULL },
		{ "repo@0042", SOURCE_REPO, NULL, NULL, NULL },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		struct source source;
		if (!source_parse(arena, cases[i].text, "up/", &source, &err))
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(source.type, cases[i].type);
		const char *reach = source.type == SOURCE_POSTGRESQL ? source.conninfo : source.path;
		assert_string_equal(reach == NULL ? "" : reach, cases[i].reach == NULL ? "" : cases[i].reach);
		assert_string_equal(source.settings.schema == NULL ? "" : source.settings.schema, cases[i].schema == NULL ? "" : cases[i].schema);
		assert_string_equal(source.settings.table == NULL ? "" : source.settings.table, cases[i].table == NULL ? "" : cases[i].table);
	}
	struct err err = { 0 };
	struct source source;
	assert_true(source_parse(arena, "repo@0042", "", &source, &err));
	assert_string_equal(source.version, "0042");
	assert_true(source_parse(arena, "postgres://h/db?x-multi-statement=true&pgbouncer=true&sslmode=require", "", &source, &err));
	assert_true(source.settings.multi_statement && source.pooler && !source.settings.no_transaction);
	assert_string_equal(source.sslmode, "require");
	assert_string_equal(source.host, "h");
}

static void test_sqlite_file(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err = { 0 };
	struct source source;
	write_text("magic", "SQLite format 3");
	assert_int_equal(truncate("magic", 16), 0);
	assert_true(source_parse(arena, "magic", "", &source, &err));
	assert_int_equal(source.type, SOURCE_SQLITE);
	write_text("plain", "this is no database at all");
	assert_false(source_parse(arena, "plain", "", &source, &err));
	assert_has(err.text, "this file is no SQLite database");
	assert_int_equal(mkdir("prisma", 0700), 0);
	write_text("prisma/dev.db", "");
	assert_true(source_parse(arena, "file:./dev.db", "", &source, &err));
	assert_string_equal(source.path, "prisma/./dev.db");
	assert_true(source_parse(arena, "file:./other.db", "", &source, &err));
	assert_string_equal(source.path, "./other.db");
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_false(source_parse(arena, "folder", "", &source, &err));
	assert_has(err.text, "this is a folder");
	assert_false(source_parse(arena, "nothing", "", &source, &err));
	assert_string_equal(err.code, "not-a-source");
}

static void test_sources_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error, *hint;
	} cases[] = {
		{ "mysql://u:swordfish@h/db", "not mysql", NULL },
		{ "postgresql://u:sword@swordfish@h/db", "there is an @ where none can stand", "%40" },
		{ "postgresql://u:sword/swordfish@h/db", "there is an @ where none can stand", "%2F" },
		{ "postgresql://u:swordfish%zz@h/db", "no connection string that libpq takes", "%25" },
		{ "postgresql://u:swordfish@h:port/db:x?sslmode", "no connection string that libpq takes", NULL },
		{ "host=h password=swordfish swordfish", "no connection string that libpq takes", "single quotes" },
		{ "host=h password='swordfish", "no connection string that libpq takes", NULL },
		{ "host=h nonsense", "missing \"=\" after \"nonsense\"", NULL },
		{ "sqlite::memory:", "names no SQLite file", NULL },
		{ "sqlite:", "names no SQLite file", NULL },
		{ "repo@", "the version is missing", NULL },
		{ "stagin", "unknown source \"stagin\"", "postgresql://" },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct err err = { 0 };
		struct source source;
		if (source_parse(arena, cases[i].text, "", &source, &err))
			fail_msg("%s is no source", cases[i].text);
		assert_has(err.text, cases[i].error);
		assert_has(err.hint, cases[i].hint);
		assert_lacks(err.text, "swordfish");
		assert_lacks(err.where, "swordfish");
		assert_lacks(err.hint, "swordfish");
	}
}

static void test_secrets(void **state)
{
	(void)state;
	static const struct {
		const char *text, *redacted;
	} cases[] = {
		{ "postgresql://u@h/db", "postgresql://u@h/db" },
		{ "postgresql://h:5432/db", "postgresql://h:5432/db" },
		{ "postgresql://u:p@h:5432/db", "postgresql://u:***@h:5432/db" },
		{ "postgresql://u:p@ss/w?rd@h/db", "postgresql://u:***@h/db" },
		{ "postgresql://u:@h/db", "postgresql://u:@h/db" },
		{ "postgresql://h/db?password=p&sslmode=x", "postgresql://h/db?password=***&sslmode=x" },
		{ "postgresql://u:p@h/db?sslpassword=q", "postgresql://u:***@h/db?sslpassword=***" },
		{ "jdbc:postgresql:db?user=u&password=a b'c", "jdbc:postgresql:db?user=u&password=***" },
		{ "host=h password=p user=u", "host=h password=*** user=u" },
		{ "host=h password = 'a \\' b' user=u", "host=h password = *** user=u" },
		{ "PASSWORD=p", "PASSWORD=***" },
		{ "password='never closed", "password=***" },
		{ "prod=postgresql://u:p@h/db", "prod=postgresql://u:***@h/db" },
		{ "passwords=p", "passwords=p" },
		{ "", "" },
	};
	auto_arena arena = arena_new();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		assert_string_equal(secret_redact(arena, cases[i].text), cases[i].redacted);
		char *copy = arena_strdup(arena, cases[i].text);
		secret_overwrite(copy);
		assert_int_equal(strlen(copy), strlen(cases[i].text));
		assert_int_equal(strcmp(copy, cases[i].text) == 0, strcmp(cases[i].text, cases[i].redacted) == 0);
	}
	assert_true(secret_is_literal(arena, "postgresql://u:p@h/db"));
	assert_true(secret_is_literal(arena, "postgresql://u:p${X}@h/db"));
	assert_true(secret_is_literal(arena, "${X:-postgresql://u:p@h/db}"));
	assert_false(secret_is_literal(arena, "postgresql://u:${X}@h/db"));
	assert_false(secret_is_literal(arena, "postgresql://${U}@h/db"));
	assert_false(secret_is_literal(arena, "service=x password=''"));

	struct err err;
	struct source source;
	assert_true(source_parse(arena, "postgresql://u:sword%66ish@h/db", "", &source, &err));
	err_set(&err, "x", "at swordfish", "swordfishswordfish", "both sword%%66ish and swordfish.");
	secret_scrub(source.secrets, &err);
	assert_string_equal(err.text, "both *** and ***.");
	assert_string_equal(err.where, "at ***");
	assert_string_equal(err.hint, "******");
	assert_string_equal(source.shown, "postgresql://u:***@h/db");
}

static void test_output(void **state)
{
	(void)state;
	struct err err = { 0 };
	auto_buf text = BUF_INIT;
	buf_adds(&text, "one\n");
	assert_true(output_write(&text, "out.txt", &err));
	buf_adds(&text, "two\n");
	assert_true(output_write(&text, "out.txt", &err));
	char content[16] = "";
	auto_file file = fopen("out.txt", "r");
	assert_int_equal(fread(content, 1, sizeof content - 1, file), 8);
	assert_string_equal(content, "one\ntwo\n");
	assert_false(output_write(&text, "nowhere/out.txt", &err));
	assert_string_equal(err.code, "output");
	assert_string_equal(err.where, "nowhere/out.txt");
	assert_true(output_write(&text, "/dev/null", &err));
	assert_int_equal(access("/dev/null", F_OK), 0);
}

static void test_platform(void **state)
{
	(void)state;
	assert_string_equal(platform_of_host("db.abc.supabase.co")->name, "Supabase");
	assert_string_equal(platform_of_host("ep-x-pooler.eu-central-1.aws.neon.tech")->name, "Neon");
	assert_null(platform_of_host("db.example.com"));
	assert_null(platform_of_host(NULL));
	assert_true(host_is_local("/run/postgresql") && host_is_local("localhost") && host_is_local("127.0.0.1") && host_is_local(NULL));
	assert_false(host_is_local("10.0.0.1"));
	assert_true(host_is_pooler("x", "6543") && host_is_pooler("ep-x-pooler.neon.tech", NULL));
	assert_false(host_is_pooler("h", "5432"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_options_refused),
		cmocka_unit_test(test_options_apply),
		cmocka_unit_test(test_suggest),
		cmocka_unit_test_setup_teardown(test_config, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_config_found, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_config_of_others, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_config_refused, make_folder, remove_folder),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_sources),
		cmocka_unit_test_setup_teardown(test_sqlite_file, make_folder, remove_folder),
		cmocka_unit_test(test_sources_refused),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test_setup_teardown(test_output, make_folder, remove_folder),
		cmocka_unit_test(test_platform),
	};
	return cmocka_run_group_tests_name("sentinel", tests, NULL, NULL);
}
