// SPDX-License-Identifier: PostgreSQL
// Understanding sources. libpq's own parser has the last word on every connection string; before it, what frameworks add
// to their URLs is taken out. It does not connect and does not read: see source_read.c.
#include "sentinel/source.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "base/secret.h"

AUTO_DEFINE(auto_conninfo_cleanup, PQconninfoOption *, PQconninfoFree)
#define auto_conninfo __attribute__((cleanup(auto_conninfo_cleanup))) PQconninfoOption *

// The bytes that %XX stand for; a lone '%' stays.
static char *decode(struct arena *arena, const char *text, size_t length)
{
	auto_buf out = BUF_INIT;
	for (size_t i = 0; i < length; i++) {
		unsigned byte;
		if (text[i] == '%' && i + 2 < length && isxdigit((unsigned char)text[i + 1]) &&
		    isxdigit((unsigned char)text[i + 2]) && sscanf(text + i + 1, "%2x", &byte) == 1 && byte != 0) {
			buf_addc(&out, (char)byte);
			i += 2;
		} else {
			buf_addc(&out, text[i]);
		}
	}
	return buf_copy(&out, arena);
}

struct framework_words { // gathered before they are put into the settings, because they depend on each other
	const char *table;
	bool table_quoted;
};

struct parameter {
	const char *name;
	void (*take)(struct arena *arena, struct source *source, struct framework_words *words, const char *value);
};

static bool is_true(const char *value)
{
	return *value == '\0' || strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0;
}

static void take_schema(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)words;
	size_t length = strcspn(value, ","); // of a search path, the first: that is where the version table lies
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value++;
		length -= 2;
	}
	if (length > 0)
		source->settings.schema = arena_strndup(arena, value, length);
}

static void take_table(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)source;
	words->table = *value == '\0' ? NULL : arena_strdup(arena, value);
}

static void take_table_quoted(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)arena, (void)source;
	words->table_quoted = is_true(value);
}

static void take_multi_statement(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)arena, (void)words;
	source->settings.multi_statement = is_true(value);
}

static void take_no_transaction(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)arena, (void)words;
	source->settings.no_transaction = is_true(value);
}

static void take_pooler(struct arena *arena, struct source *source, struct framework_words *words, const char *value)
{
	(void)arena, (void)words;
	source->pooler = is_true(value);
}

// Parameters that mean something to us. All others that libpq does not know are removed: they are the frameworks' own
// (connection_limit, sslaccept, ApplicationName, ...).
static const struct parameter parameters[] = {
	{ "schema", take_schema },             // Prisma
	{ "search_path", take_schema },        // dbmate, lib/pq
	{ "currentSchema", take_schema },      // JDBC
	{ "x-migrations-table", take_table },  // golang-migrate, these four
	{ "x-migrations-table-quoted", take_table_quoted },
	{ "x-multi-statement", take_multi_statement },
	{ "x-no-tx-wrap", take_no_transaction },
	{ "pgbouncer", take_pooler },          // Prisma
};

static bool take_parameter(struct arena *arena, struct source *source, struct framework_words *words, const char *name,
                           const char *value)
{
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
		if (strcmp(parameters[i].name, name) == 0) {
			parameters[i].take(arena, source, words, value);
			return true;
		}
	}
	return false;
}

// x-migrations-table is a bare name unless it is said to be quoted already; our settings hold names as SQL.
static void settle_words(struct arena *arena, struct source *source, const struct framework_words *words)
{
	if (words->table == NULL)
		return;
	const char *part = words->table;
	source->settings.table = words->table_quoted ? words->table : sql_name_copy(arena, &part, 1);
}

static bool libpq_knows(const PQconninfoOption *known, const char *name)
{
	if (strcmp(name, "ssl") == 0) // libpq takes JDBC's ssl=true in a URI
		return true;
	for (; known->keyword != NULL; known++) {
		if (strcmp(known->keyword, name) == 0)
			return true;
	}
	return false;
}

// Takes the parameters after '?' apart; those for libpq are added to `url` again, as they were written.
static void read_query(struct arena *arena, const char *query, const PQconninfoOption *known, struct source *source,
                       struct buf *url)
{
	struct framework_words words = { 0 };
	char separator = '?';
	while (*query != '\0') {
		size_t length = strcspn(query, "&"), n_name = strcspn(query, "=&");
		const char *name = decode(arena, query, n_name);
		const char *value = n_name < length ? decode(arena, query + n_name + 1, length - n_name - 1) : "";
		if (!take_parameter(arena, source, &words, name, value) && known != NULL && libpq_knows(known, name)) {
			buf_addc(url, separator);
			buf_add(url, query, length);
			separator = '&';
		}
		query += length + (query[length] == '&' ? 1 : 0);
	}
	settle_words(arena, source, &words);
}

static const char encode_hint[] = "in a URL the characters @ : / ? # % of a name or password are written %40 %3A %2F %3F %23 %25";

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

// libpq's parser has the last word. Its message may quote any part of the text, so it is shown only if nothing in the text
// is secret.
static bool check_conninfo(struct arena *arena, const char *text, struct source *source, struct err *err)
{
	auto_free message = NULL;
	auto_conninfo options = PQconninfoParse(source->conninfo, &message);
	source->secrets = secret_list(arena, text, options == NULL ? NULL : option_value(options, "password"));
	if (options == NULL) {
		bool secret = source->secrets[0] != NULL;
		return err_set(err, "source", source->shown, strstr(text, "://") != NULL ? encode_hint :
		               "write name=value pairs; a value with blanks stands in single quotes", "%s", secret || message == NULL ?
		               "this is no connection string that libpq takes" : message);
	}
	source->host = arena_strdup(arena, option_value(options, "host"));
	if (source->host == NULL)
		source->host = arena_strdup(arena, option_value(options, "hostaddr"));
	source->port = arena_strdup(arena, option_value(options, "port"));
	source->sslmode = arena_strdup(arena, option_value(options, "sslmode"));
	return true;
}

// `rest` is what follows "scheme://". libpq takes what stands before the first '@' for the user, if no '/' comes first.
static bool parse_url(struct arena *arena, const char *text, const char *rest, struct source *source, struct err *err)
{
	source->type = SOURCE_POSTGRESQL;
	size_t user = strcspn(rest, "@/");
	const char *host = rest[user] == '@' ? rest + user + 1 : rest;
	size_t length = strcspn(host, "?");
	if (memchr(host, '@', length) != NULL)
		return err_set(err, "source", source->shown, encode_hint, "there is an @ where none can stand in a URL");
	auto_conninfo known = PQconndefaults();
	invariant(known != NULL, "libpq has no options");
	auto_buf url = BUF_INIT;
	buf_adds(&url, "postgresql://");
	buf_add(&url, rest, (size_t)(host - rest) + length);
	if (host[length] == '?')
		read_query(arena, host + length + 1, known, source, &url);
	source->conninfo = buf_copy(&url, arena);
	return check_conninfo(arena, text, source, err);
}

// jdbc:postgresql://host/db, jdbc:postgresql:db, jdbc:postgresql:/ (the database and its parameters alone).
static bool parse_jdbc(struct arena *arena, const char *text, const char *rest, struct source *source, struct err *err)
{
	if (strncmp(rest, "//", 2) == 0)
		return parse_url(arena, text, rest + 2, source, err);
	return parse_url(arena, text, arena_printf(arena, "/%s", rest + strspn(rest, "/")), source, err);
}

// Reads one name=value of a keyword string, as libpq does: blanks around '=', quotes and backslashes. False at the end or
// where it is none (libpq says so in check_conninfo).
static bool next_pair(struct arena *arena, const char **at, const char **name, const char **value)
{
	const char *p = *at + strspn(*at, " \t\n");
	size_t length = strcspn(p, "= \t\n");
	const char *equals = p + length + strspn(p + length, " \t\n");
	if (length == 0 || *equals != '=')
		return false;
	*name = arena_strndup(arena, p, length);
	p = equals + 1 + strspn(equals + 1, " \t\n");
	bool quoted = *p == '\'';
	auto_buf out = BUF_INIT;
	for (p += quoted ? 1 : 0; *p != '\0' && strchr(quoted ? "'" : " \t\n", *p) == NULL; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		buf_addc(&out, *p);
	}
	if (quoted && *p == '\0') // an open quote: libpq says so
		return false;
	*value = buf_copy(&out, arena);
	*at = p + (quoted ? 1 : 0);
	return true;
}

static bool parse_keywords(struct arena *arena, const char *text, struct source *source, struct err *err)
{
	source->type = SOURCE_POSTGRESQL;
	auto_buf out = BUF_INIT;
	struct framework_words words = { 0 };
	const char *at = text, *name, *value;
	while (next_pair(arena, &at, &name, &value)) {
		if (take_parameter(arena, source, &words, name, value))
			continue;
		buf_addf(&out, "%s%s='", out.length == 0 ? "" : " ", name);
		for (const char *c = value; *c != '\0'; c++)
			buf_addf(&out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
		buf_addc(&out, '\'');
	}
	buf_adds(&out, at); // what is left, if anything, is for libpq to refuse
	settle_words(arena, source, &words);
	source->conninfo = buf_copy(&out, arena);
	return check_conninfo(arena, text, source, err);
}

static bool is_keyword_string(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
	if (length == 0 || text[length + strspn(text + length, " \t")] != '=')
		return false;
	char name[32];
	snprintf(name, sizeof name, "%.*s", (int)length, text);
	auto_conninfo known = PQconndefaults();
	return known != NULL && libpq_knows(known, name);
}

static const char *beneath(struct arena *arena, const char *folder, const char *path)
{
	return path[0] == '/' ? arena_strdup(arena, path) : arena_printf(arena, "%s%s", folder, path);
}

static bool set_sqlite(struct arena *arena, const char *path, const char *folder, struct source *source, struct err *err)
{
	source->type = SOURCE_SQLITE;
	if (*path == '\0' || strcmp(path, ":memory:") == 0)
		return err_set(err, "source", source->shown, "name the database file: sqlite:PATH", "this names no SQLite file");
	source->path = beneath(arena, folder, path);
	return true;
}

// sqlite:PATH, and the URLs that frameworks make of it: sqlite:///abs and sqlite:/abs are absolute, sqlite://rel and
// sqlite:rel relative; parameters (mode, cache, connection_limit) are dropped.
static bool parse_sqlite(struct arena *arena, const char *text, const char *rest, const char *folder, struct source *source,
                         struct err *err)
{
	bool url = strncmp(rest, "//", 2) == 0;
	const char *path = url ? rest + 2 : rest;
	size_t length = strcspn(path, "?");
	auto_buf none = BUF_INIT;
	if (path[length] == '?')
		read_query(arena, path + length + 1, NULL, source, &none);
	path = url ? decode(arena, path, length) : arena_strndup(arena, path, length);
	if (!set_sqlite(arena, path, folder, source, err))
		return false;
	// Prisma's file: is relative to the folder of its schema
	const char *prisma = beneath(arena, folder, arena_printf(arena, "prisma/%s", path));
	if (strncmp(text, "file:", 5) == 0 && path[0] != '/' && access(source->path, F_OK) != 0 && access(prisma, F_OK) == 0)
		source->path = prisma;
	return true;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), n_suffix = strlen(suffix);
	return n > n_suffix && strcasecmp(text + n - n_suffix, suffix) == 0;
}

static bool is_sqlite_file(const char *path)
{
	char head[16] = "";
	auto_file file = fopen(path, "rb");
	return file != NULL && fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "SQLite format 3", 16) == 0;
}

static bool parse_file(struct arena *arena, const char *text, const char *folder, struct source *source, struct err *err)
{
	static const struct {
		const char *suffix;
		enum source_type type;
	} suffixes[] = {
		{ ".json", SOURCE_JSON }, { ".sql", SOURCE_SQL }, { ".db", SOURCE_SQLITE }, { ".sqlite", SOURCE_SQLITE },
		{ ".sqlite3", SOURCE_SQLITE }, { ".db3", SOURCE_SQLITE },
	};
	source->path = beneath(arena, folder, text);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		if (has_suffix(text, suffixes[i].suffix)) {
			source->type = suffixes[i].type;
			return true;
		}
	}
	source->type = SOURCE_SQLITE;
	if (is_sqlite_file(source->path))
		return true;
	struct stat stat_;
	if (stat(source->path, &stat_) == 0)
		return err_set(err, "source", source->path, "a source is a URL, sqlite:PATH, repo, FILE.json or FILE.sql",
		               S_ISDIR(stat_.st_mode) ? "this is a folder (migrations are given by --migrations)" :
		               "this file is no SQLite database");
	return err_set(err, "not-a-source", NULL,
	               "a source is the name of an environment, postgresql://..., service=..., sqlite:PATH, repo, FILE.json or FILE.sql",
	               "unknown source \"%s\"", source->shown);
}

// What a text may begin with. `rest` in the functions above is what follows.
static const struct prefix {
	const char *text;
	bool (*postgresql)(struct arena *, const char *, const char *, struct source *, struct err *);
	bool sqlite;
} prefixes[] = {
	{ "postgresql://", .postgresql = parse_url },
	{ "postgres://", .postgresql = parse_url },
	{ "pgx://", .postgresql = parse_url },  // golang-migrate's drivers
	{ "pgx4://", .postgresql = parse_url },
	{ "pgx5://", .postgresql = parse_url },
	{ "jdbc:postgresql:", .postgresql = parse_jdbc },
	{ "sqlite:", .sqlite = true },
	{ "sqlite3:", .sqlite = true },
	{ "jdbc:sqlite:", .sqlite = true },
	{ "file:", .sqlite = true },
};

bool source_parse(struct arena *arena, const char *text, const char *folder, struct source *source, struct err *err)
{
	*source = (struct source){ .shown = secret_redact(arena, text) };
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		const struct prefix *prefix = &prefixes[i];
		size_t length = strlen(prefix->text);
		if (strncasecmp(text, prefix->text, length) != 0)
			continue;
		if (prefix->sqlite)
			return parse_sqlite(arena, text, text + length, folder, source, err);
		return prefix->postgresql(arena, text, text + length, source, err);
	}
	size_t scheme = strcspn(text, ":/@ =");
	const char *plus = memchr(text, '+', scheme);
	if (strncmp(text + scheme, "://", 3) == 0 && plus != NULL && // postgresql+psycopg2://
	    (strncmp(text, "postgresql+", 11) == 0 || strncmp(text, "postgres+", 9) == 0))
		return parse_url(arena, text, text + scheme + 3, source, err);
	if (strncmp(text, "sqlite+", 7) == 0 && text[scheme] == ':') // sqlite+pysqlite:///x.db
		return parse_sqlite(arena, text, text + scheme + 1, folder, source, err);
	if (strncmp(text + scheme, "://", 3) == 0)
		return err_set(err, "source", source->shown, NULL, "driftcheck reads PostgreSQL and SQLite, not %.*s", (int)scheme, text);
	if (strcmp(text, "repo") == 0 || strncmp(text, "repo@", 5) == 0) {
		source->type = SOURCE_REPO;
		source->version = text[4] == '@' ? arena_strdup(arena, text + 5) : NULL;
		if (source->version != NULL && *source->version == '\0')
			return err_set(err, "source", source->shown, "write repo@VERSION, or repo for all migrations", "the version is missing");
		return true;
	}
	if (is_keyword_string(text))
		return parse_keywords(arena, text, source, err);
	return parse_file(arena, text, folder, source, err);
}

bool source_is_live(const struct source *source)
{
	return source->type == SOURCE_POSTGRESQL || source->type == SOURCE_SQLITE;
}

enum engine source_engine(const struct source *source)
{
	return source->type == SOURCE_POSTGRESQL ? ENGINE_POSTGRESQL : source->type == SOURCE_SQLITE ? ENGINE_SQLITE : (enum engine)0;
}
