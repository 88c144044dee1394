// SPDX-License-Identifier: PostgreSQL
// Flyway, as of commit c5e20fc77 (13.0.0): versioned (V), repeatable (R) and baseline (B) migrations in SQL. Undo scripts (U)
// are not run forward and left out. Migrations in Java and shell are listed and cannot be run; callbacks are not run, which
// a note says. Of its configuration, what is near the folder and in the environment is read; what a build tool or a YAML
// file holds is not.
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "migrations/lexer.h"
#include "migrations/listing.h"

// File names: PREFIX [VERSION] "__" DESCRIPTION ENDING.

static const struct ending {
	const char *ending, *not_runnable; // NULL: SQL
} endings[] = {
	{ ".sql", NULL },
	{ ".java", "a Java migration" },
	{ ".class", "a Java migration" },
	{ ".kt", "a Kotlin migration" },
	{ ".groovy", "a Groovy migration" },
	{ ".scala", "a Scala migration" },
	{ ".sh", "a shell script" },
	{ ".bash", "a shell script" },
	{ ".ps1", "a PowerShell script" },
	{ ".cmd", "a batch script" },
	{ ".bat", "a batch script" },
	{ ".py", "a Python script" },
};

struct name {
	char prefix; // V, R, B or U
	const char *version, *description;
	const struct ending *ending;
};

static bool is_version(const char *text)
{
	return isdigit((unsigned char)*text) && text[strspn(text, "0123456789._")] == '\0';
}

static bool parse_name(struct arena *arena, const char *base, struct name *name)
{
	size_t length = strlen(base), n = sizeof endings / sizeof *endings, i = 0;
	for (; i < n; i++) {
		size_t ending = strlen(endings[i].ending);
		if (length > ending && strcasecmp(base + length - ending, endings[i].ending) == 0)
			break;
	}
	if (i == n || strchr("VRBU", *base) == NULL)
		return false;
	char *version = arena_strndup(arena, base + 1, length - strlen(endings[i].ending) - 1);
	char *separator = strstr(version, "__"), *description = separator == NULL ? version + strlen(version) : separator + 2;
	if (separator != NULL)
		*separator = '\0';
	for (char *c = version; *c != '\0'; c++)
		*c = *c == '_' ? '.' : *c;
	for (char *c = description; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c;
	*name = (struct name){ *base, version, description, &endings[i] };
	return *base == 'R' ? *version == '\0' && separator != NULL : is_version(version);
}

// Part by part as numbers; a missing part is 0: 1 = 1.0 = 01, 1.10 > 1.9.
static int compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		int order = digits_compare(a, b);
		if (order != 0)
			return order;
		a += digits_length(a);
		b += digits_length(b);
		a += strspn(a, ".");
		b += strspn(b, ".");
	}
	return 0;
}

// Configuration: keys without "flyway.", lower case, without '-' and '_', so that defaultSchema, default-schema and
// FLYWAY_DEFAULT_SCHEMA are one; placeholders under their own names. The first value that is found for a key counts.

struct config {
	struct arena *arena;
	struct pair {
		const char *key, *value;
	} *pairs, *placeholders;
	size_t n_pairs, pairs_capacity, n_placeholders, placeholders_capacity;
};

static const char *const config_files[] = {
	"flyway.user.toml", "flyway.toml", "flyway.conf", "conf/flyway.toml", "conf/flyway.conf", "application.properties", NULL,
};

static void add_pair(struct config *config, const char *key, const char *value)
{
	static const char *const prefixes[] = { "spring.", "flyway.", "environments.default." };
	static const char placeholders[] = "placeholders.";
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		key += strncmp(key, prefixes[i], strlen(prefixes[i])) == 0 ? strlen(prefixes[i]) : 0;
	bool placeholder = strncasecmp(key, placeholders, sizeof placeholders - 1) == 0;
	if (placeholder) {
		key += sizeof placeholders - 1;
		config->placeholders = arena_grow(config->arena, config->placeholders, config->n_placeholders,
		                                  &config->placeholders_capacity, sizeof *config->placeholders);
		config->placeholders[config->n_placeholders++] = (struct pair){ key, value };
		return;
	}
	char *plain = arena_strdup(config->arena, key), *to = plain;
	for (const char *from = key; *from != '\0'; from++) {
		if (*from != '_' && *from != '-')
			*to++ = (char)tolower((unsigned char)*from);
	}
	*to = '\0';
	config->pairs = arena_grow(config->arena, config->pairs, config->n_pairs, &config->pairs_capacity, sizeof *config->pairs);
	config->pairs[config->n_pairs++] = (struct pair){ plain, value };
}

static const char *config_value(const struct config *config, const char *key)
{
	for (size_t i = 0; i < config->n_pairs; i++) {
		if (strcmp(config->pairs[i].key, key) == 0)
			return config->pairs[i].value;
	}
	return NULL;
}

static char *trimmed(struct arena *arena, const char *start, size_t length, const char *cut)
{
	while (length > 0 && strchr(cut, *start) != NULL) {
		start++;
		length--;
	}
	while (length > 0 && strchr(cut, start[length - 1]) != NULL)
		length--;
	return arena_strndup(arena, start, length);
}

// Lines `key = value` of a .conf, .properties or .toml file, and the latter's [sections]. Quotes around a value go; of an
// array the first element is taken.
static void read_config(struct config *config, const char *text)
{
	const char *section = "";
	for (const char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n"), blanks = strspn(line, " \t");
		const char *equals = memchr(line, '=', length);
		if (line[blanks] == '[') {
			section = trimmed(config->arena, line, length, " \t\r[]");
			section = arena_printf(config->arena, "%s.", section);
		} else if (line[blanks] != '#' && equals != NULL) {
			const char *key = trimmed(config->arena, line, (size_t)(equals - line), " \t\"'");
			char *value = trimmed(config->arena, equals + 1, length - (size_t)(equals - line) - 1, " \t\r");
			if (*value == '[')
				value = trimmed(config->arena, value, strcspn(value, ","), " \t[]");
			size_t n = strlen(value);
			if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value)
				value = arena_strndup(config->arena, value + 1, n - 2);
			add_pair(config, arena_printf(config->arena, "%s%s", section, key), value);
		}
		line += length;
		line += *line == '\n';
	}
}

static void read_environment(struct config *config)
{
	static const char prefix[] = "FLYWAY_", placeholders[] = "PLACEHOLDERS_";
	for (char **variable = environ; *variable != NULL; variable++) {
		const char *equals = strchr(*variable, '=');
		if (strncmp(*variable, prefix, sizeof prefix - 1) != 0 || equals == NULL)
			continue;
		const char *name = *variable + sizeof prefix - 1;
		bool placeholder = strncmp(name, placeholders, sizeof placeholders - 1) == 0;
		name += placeholder ? sizeof placeholders - 1 : 0;
		const char *key = arena_strndup(config->arena, name, (size_t)(equals - name));
		add_pair(config, placeholder ? arena_printf(config->arena, "placeholders.%s", key) : key, equals + 1);
	}
}

static bool is_true(const char *value)
{
	return value != NULL && strcasecmp(value, "true") == 0;
}

static bool is_false(const char *value)
{
	return value != NULL && strcasecmp(value, "false") == 0;
}

// What would change which files count or how they are read, and is not supported with another value.
static bool check_config(const struct config *config, const char *folder, struct err *err)
{
	static const struct pair fixed[] = {
		{ "sqlmigrationprefix", "V" },   { "repeatablesqlmigrationprefix", "R" }, { "sqlmigrationseparator", "__" },
		{ "sqlmigrationsuffixes", ".sql" }, { "encoding", "UTF-8" },
	};
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		const char *value = config_value(config, fixed[i].key);
		if (value != NULL && strcasecmp(value, fixed[i].value) != 0)
			return err_set(err, "migrations", folder, "this version reads Flyway migrations with Flyway's default for it only",
			               "the Flyway setting %s is `%s`, not `%s`", fixed[i].key, value, fixed[i].value);
	}
	return true;
}

static bool configure(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	struct config config = { .arena = set->arena };
	read_environment(&config);
	for (size_t f = 0; f < n_folders; f++) {
		const char *const *ancestors = folder_ancestors(set->arena, folders[f].path);
		for (; *ancestors != NULL; ancestors++) {
			for (size_t i = 0; config_files[i] != NULL; i++) {
				const char *text = folder_nearby(set->arena, *ancestors, config_files[i]);
				if (text != NULL)
					read_config(&config, text);
			}
		}
	}
	struct migration_settings *settings = &set->settings;
	const char *schema = config_value(&config, "defaultschema");
	if (schema == NULL && (schema = config_value(&config, "schemas")) != NULL)
		schema = trimmed(set->arena, schema, strcspn(schema, ","), " ");
	settings->table = settings->table != NULL ? settings->table : config_value(&config, "table");
	settings->schema = settings->schema != NULL ? settings->schema : schema;
	settings->out_of_order = settings->out_of_order || is_true(config_value(&config, "outoforder"));
	settings->no_placeholders = settings->no_placeholders || is_false(config_value(&config, "placeholderreplacement"));
	if (settings->placeholder_prefix == NULL)
		settings->placeholder_prefix = config_value(&config, "placeholderprefix");
	if (settings->placeholder_suffix == NULL)
		settings->placeholder_suffix = config_value(&config, "placeholdersuffix");

	size_t given = 0;
	while (settings->placeholders != NULL && settings->placeholders[given] != NULL)
		given++;
	const char **all = arena_array(set->arena, given + 2 * config.n_placeholders + 1, sizeof *all);
	if (given > 0)
		memcpy(all, settings->placeholders, given * sizeof *all);
	for (size_t i = 0; i < config.n_placeholders; i++) {
		all[given + 2 * i] = config.placeholders[i].key;
		all[given + 2 * i + 1] = config.placeholders[i].value;
	}
	settings->placeholders = all;
	return check_config(&config, folders[0].path, err);
}

// Placeholders.

static const char *built_in(struct arena *arena, const struct migrations *set, enum engine engine,
                            const struct migration *migration, const char *name)
{
	const struct migration_settings *settings = &set->settings;
	const char *schema = settings->schema != NULL ? settings->schema : engine == ENGINE_POSTGRESQL ? "public" : "main";
	const char *table = settings->table != NULL ? settings->table : set->framework->table;
	const struct pair values[] = {
		{ "flyway:defaultSchema", schema },
		{ "flyway:table", strrchr(table, '.') != NULL ? strrchr(table, '.') + 1 : table },
		{ "flyway:filename", migration->label },
		{ "flyway:environment", "default" },
		{ "flyway:user", "CURRENT_USER" }, // a word that stands where a role's name may
		// the same for every replay, so that equal inputs give equal results
		{ "flyway:timestamp", "1970-01-01 00:00:00" },
		{ "flyway:workingDirectory", "." },
	};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		if (strcasecmp(values[i].key, name) == 0)
			return arena_strdup(arena, values[i].value);
	}
	return NULL;
}

static const char *placeholder_value(struct arena *arena, const struct migrations *set, enum engine engine,
                                     const struct migration *migration, const char *name)
{
	for (const char *const *pair = set->settings.placeholders; pair != NULL && *pair != NULL; pair += 2) {
		if (strcasecmp(*pair, name) == 0)
			return pair[1];
	}
	return built_in(arena, set, engine, migration, name);
}

static const char *prefix_of(const struct migrations *set)
{
	return set->settings.placeholder_prefix != NULL ? set->settings.placeholder_prefix : "${";
}

// The text with its placeholders replaced, in comments and strings too; NULL where one has no value.
static const char *replaced(struct arena *arena, const struct migrations *set, enum engine engine,
                            const struct migration *migration, struct err *err)
{
	const char *prefix = prefix_of(set);
	const char *suffix = set->settings.placeholder_suffix != NULL ? set->settings.placeholder_suffix : "}";
	const char *at = migration->text, *open, *close;
	if (set->settings.no_placeholders || *prefix == '\0' || *suffix == '\0')
		return at;
	auto_buf out = BUF_INIT;
	while ((open = strstr(at, prefix)) != NULL && (close = strstr(open + strlen(prefix), suffix)) != NULL) {
		const char *start = open + strlen(prefix), *name = arena_strndup(arena, start, (size_t)(close - start));
		const char *value = placeholder_value(arena, set, engine, migration, name);
		if (value == NULL) {
			unsigned line = 1;
			for (const char *c = migration->text; c < open; c++)
				line += *c == '\n';
			err_set(err, "migrations", NULL, NULL, "the Flyway placeholder %s%s%s has no value", prefix, name, suffix);
			err_where(err, "%s:%u", migration->path, line);
			err_hint(err, "set flyway.placeholders.%s in flyway.conf or flyway.toml near the migrations, or "
			              "FLYWAY_PLACEHOLDERS_... in the environment, as your deploys do", name);
			return NULL;
		}
		buf_add(&out, at, (size_t)(open - at));
		buf_adds(&out, value);
		at = close + strlen(suffix);
	}
	buf_adds(&out, at);
	return buf_copy(&out, arena);
}

// CRC32 over the lines without their ends, a byte order mark left out, as a signed number.
static int checksum_of(const char *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	uLong sum = crc32(0, NULL, 0);
	if (strncmp(text, mark, sizeof mark - 1) == 0)
		text += sizeof mark - 1;
	while (*text != '\0') {
		size_t length = strcspn(text, "\r\n");
		sum = crc32_z(sum, (const unsigned char *)text, length);
		text += length;
		text += *text == '\r' && text[1] == '\n' ? 2 : *text != '\0';
	}
	return (int)(unsigned)sum;
}

// Of a repeatable migration the text with its placeholders replaced counts, so that a new value runs it again.
static int migration_checksum(struct arena *arena, const struct migrations *set, const struct migration *migration)
{
	struct err ignored;
	const char *text = migration->repeatable ? replaced(arena, set, ENGINE_POSTGRESQL, migration, &ignored) : migration->text;
	return checksum_of(text != NULL ? text : migration->text);
}

static bool checksum_fits(const struct migrations *set, const struct migration *migration, const char *stored)
{
	auto_arena arena = arena_new();
	long number = strtol(stored, NULL, 10);
	const char *changes = arena_printf(arena, "%sflyway:timestamp", prefix_of(set)); // runs every time: never outdated
	return number == checksum_of(migration->text) || number == migration_checksum(arena, set, migration) ||
	       (migration->repeatable && strcasestr(migration->text, changes) != NULL);
}

// Detection and listing.

static bool has_prefix(const struct folder *folder, const char *prefixes)
{
	auto_arena arena = arena_new();
	for (size_t i = 0; i < folder->n_files; i++) {
		struct name name;
		if (parse_name(arena, folder_base(&folder->files[i]), &name) && strchr(prefixes, name.prefix) != NULL &&
		    name.ending->not_runnable == NULL)
			return true;
	}
	return false;
}

static bool resembles(const struct folder *folder)
{
	return has_prefix(folder, "VB");
}

static const char *detect(struct arena *arena, const struct folder *folder)
{
	if (!has_prefix(folder, "VRB"))
		return NULL;
	if (folder_ends_with(arena, folder, "db/migration"))
		return "its path is db/migration, with files named V1__name.sql";
	const char *marker = folder_has(arena, folder, "*.sql.conf");
	for (const char *const *ancestor = folder_ancestors(arena, folder->path); *ancestor != NULL && marker == NULL; ancestor++) {
		for (size_t i = 0; config_files[i] != NULL && marker == NULL; i++) {
			const char *text = folder_nearby(arena, *ancestor, config_files[i]);
			if (text != NULL && strcasestr(text, "flyway") != NULL)
				marker = arena_printf(arena, "%s lies near it", config_files[i]);
		}
	}
	return marker != NULL ? marker : has_prefix(folder, "R") ? "it has files named R__name.sql" : NULL;
}

static const char *script_options(const struct folder *folder, const struct folder_file *file)
{
	size_t length = strlen(file->name);
	for (size_t i = 0; i < folder->n_files; i++) {
		const char *name = folder->files[i].name;
		if (strncmp(name, file->name, length) == 0 && strcmp(name + length, ".conf") == 0)
			return folder->files[i].text;
	}
	return NULL;
}

// Of a list that is sorted by version, with B files among the V files. A new database begins with a B file in place of
// everything up to it; other databases ran the V files. Both end alike, so the V files are taken where they are still there,
// and of the B files only the highest one that has no V file at or below it.
static void choose_baseline(struct migrations *set)
{
	size_t n = 0, baseline = 0;
	bool found = false;
	for (size_t i = 0; i < set->n_items && *set->items[i].label == 'B' && !set->items[i].repeatable; i++) {
		bool shared = i + 1 < set->n_items && *set->items[i + 1].label == 'V' &&
		              compare(set->items[i].version, set->items[i + 1].version) == 0;
		if (shared)
			break;
		baseline = i;
		found = true;
	}
	for (size_t i = 0; i < set->n_items; i++) {
		if (set->items[i].repeatable || *set->items[i].label == 'V' || (found && i == baseline))
			set->items[n++] = set->items[i];
	}
	set->n_items = n;
}

static bool is_callback(const char *base)
{
	static const char *const events[] = { "before", "after", "createSchema" };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		size_t length = strlen(events[i]);
		if (strncmp(base, events[i], length) == 0 && ends_with(base, ".sql") && (isupper((unsigned char)base[length]) || i == 2))
			return true;
	}
	return false;
}

static bool list_folder(struct listing *listing, const struct folder *folder, bool only_code, struct err *err)
{
	struct migrations *set = listing->set;
	for (size_t i = 0; i < folder->n_files; i++) {
		const struct folder_file *file = &folder->files[i];
		struct name name;
		if (is_callback(folder_base(file)))
			listing_note(listing, "%s is a Flyway callback: a replay does not run it", file->path);
		if (!parse_name(set->arena, folder_base(file), &name) || name.prefix == 'U' ||
		    (only_code && name.ending->not_runnable == NULL))
			continue;
		bool repeatable = name.prefix == 'R';
		const char *version = repeatable ? name.description : name.version;
		struct migration *item = name.ending->not_runnable != NULL
		                                 ? listing_add_bare(listing, file, version, name.ending->not_runnable)
		                                 : listing_add(listing, file, version, err);
		if (item == NULL)
			return false;
		item->repeatable = repeatable;
		item->options = script_options(folder, file);
		if (item->not_runnable == NULL)
			item->checksum = arena_printf(set->arena, "%d", migration_checksum(set->arena, set, item));
	}
	return true;
}

// Maven and Gradle keep the migrations in Java beside those in SQL: src/main/java for src/main/resources.
static bool list_code_beside(struct listing *listing, const struct folder *folder, struct err *err)
{
	static const char resources[] = "/src/main/resources/";
	static const char *const languages[] = { "java", "kotlin", "groovy" };
	struct arena *arena = listing->set->arena;
	const char *whole = *folder_ancestors(arena, folder->path), *at = whole == NULL ? NULL : strstr(whole, resources);
	for (size_t i = 0; at != NULL && i < sizeof languages / sizeof *languages; i++) {
		const char *path = arena_printf(arena, "%.*s/src/main/%s/%s", (int)(at - whole), whole, languages[i],
		                                at + sizeof resources - 1);
		if (access(path, R_OK) != 0)
			continue;
		const struct folder *code = folder_read(arena, path, err);
		if (code == NULL || !list_folder(listing, code, true, err))
			return false;
	}
	return true;
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	struct listing listing = listing_of(set);
	if (!configure(set, folders, n_folders, err))
		return false;
	for (size_t f = 0; f < n_folders; f++) {
		if (!list_folder(&listing, &folders[f], false, err) || !list_code_beside(&listing, &folders[f], err))
			return false;
	}
	listing_sort(set, false);
	choose_baseline(set);
	return true;
}

// Running. A file is in a transaction unless it has a statement that cannot be in one, or its options say no. (Flyway refuses
// a file that mixes both kinds, unless `mixed` is set, which a build tool may have done: here such a file just runs.)

static const struct { enum engine engine; const char *words; } without_transaction[] = {
	{ ENGINE_POSTGRESQL, "CREATE DATABASE" },
	{ ENGINE_POSTGRESQL, "DROP DATABASE" },
	{ ENGINE_POSTGRESQL, "CREATE TABLESPACE" },
	{ ENGINE_POSTGRESQL, "DROP TABLESPACE" },
	{ ENGINE_POSTGRESQL, "CREATE SUBSCRIPTION" },
	{ ENGINE_POSTGRESQL, "DROP SUBSCRIPTION" },
	{ ENGINE_POSTGRESQL, "ALTER SYSTEM" },
	{ ENGINE_POSTGRESQL, "CREATE INDEX CONCURRENTLY" },
	{ ENGINE_POSTGRESQL, "CREATE UNIQUE INDEX CONCURRENTLY" },
	{ ENGINE_POSTGRESQL, "DROP INDEX CONCURRENTLY" },
	{ ENGINE_POSTGRESQL, "REINDEX SCHEMA" },
	{ ENGINE_POSTGRESQL, "REINDEX DATABASE" },
	{ ENGINE_POSTGRESQL, "REINDEX SYSTEM" },
	{ ENGINE_POSTGRESQL, "REINDEX VERBOSE SCHEMA" },
	{ ENGINE_POSTGRESQL, "REINDEX VERBOSE DATABASE" },
	{ ENGINE_POSTGRESQL, "REINDEX VERBOSE SYSTEM" },
	{ ENGINE_POSTGRESQL, "VACUUM" },
	{ ENGINE_POSTGRESQL, "DISCARD ALL" },
	{ ENGINE_SQLITE, "PRAGMA FOREIGN_KEYS" },
};

static bool needs_no_transaction(enum engine engine, const char *statement)
{
	for (size_t i = 0; i < sizeof without_transaction / sizeof *without_transaction; i++) {
		if (without_transaction[i].engine == engine && text_opens_with(engine, statement, without_transaction[i].words))
			return true;
	}
	return false;
}

static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	struct config options = { .arena = arena };
	read_config(&options, migration->options != NULL ? migration->options : "");
	*script = (struct script){ .transaction = !is_false(config_value(&options, "executeintransaction")) };
	if (is_false(config_value(&options, "shouldexecute")))
		return true;
	const char *text = is_false(config_value(&options, "placeholderreplacement")) ? migration->text
	                                                                              : replaced(arena, set, engine, migration, err);
	if (text == NULL)
		return false;
	script_statements(arena, script, engine, text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0));
	for (size_t i = 0; i < script->n_units && script->transaction; i++)
		script->transaction = !needs_no_transaction(engine, script->units[i].text);
	return true;
}

// The version table.

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	auto_arena arena = arena_new();
	const char *parts[2] = { NULL };
	size_t n = sql_name_split(arena, table, parts, 2);
	const char *name = n == 0 ? table : parts[n - 1];
	const char *index = arena_printf(arena, "%s_s_idx", name), *key = arena_printf(arena, "%s_pk", name);
	index = sql_name_copy(arena, &index, 1);
	key = sql_name_copy(arena, &key, 1);
	bool postgresql = engine == ENGINE_POSTGRESQL;
	buf_addf(sql,
	         "CREATE TABLE IF NOT EXISTS %s (installed_rank INT NOT NULL%s, version VARCHAR(50), "
	         "description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, "
	         "checksum INTEGER, installed_by VARCHAR(100) NOT NULL, "
	         "installed_on %s, execution_time INTEGER NOT NULL, success BOOLEAN NOT NULL",
	         table, postgresql ? "" : " PRIMARY KEY",
	         postgresql ? "TIMESTAMP NOT NULL DEFAULT now()" : "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))");
	if (postgresql)
		buf_addf(sql, ", CONSTRAINT %s PRIMARY KEY (installed_rank)", key);
	buf_addf(sql, ");\nCREATE INDEX IF NOT EXISTS %s ON %s (success);\n", index, table);
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	auto_arena arena = arena_new();
	struct name name = { .description = "" };
	parse_name(arena, migration->label, &name);
	buf_addf(sql, "INSERT INTO %s (installed_rank, version, description, type, script, checksum, installed_by, execution_time, "
	              "success) VALUES (%zu, ", table, rank);
	if (migration->repeatable)
		buf_adds(sql, "NULL");
	else
		sql_literal(sql, migration->version);
	buf_adds(sql, ", ");
	sql_literal(sql, name.description);
	buf_addf(sql, ", '%s', ", name.prefix == 'B' ? "SQL_BASELINE" : "SQL");
	sql_literal(sql, migration->label);
	buf_addf(sql, ", %s, ", migration->checksum != NULL ? migration->checksum : "NULL");
	buf_addf(sql, "%s, 0, %s);\n", engine == ENGINE_POSTGRESQL ? "current_user" : "''",
	         engine == ENGINE_POSTGRESQL ? "true" : "1");
}

// The version as the set spells it, or as the row does.
static const char *spelled(const struct migrations *set, const char *version)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (!set->items[i].repeatable && compare(set->items[i].version, version) == 0)
			return set->items[i].version;
	}
	return version;
}

static void forget(struct applied_set *applied, const char *version, bool repeatable)
{
	size_t n = 0;
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *item = &applied->items[i];
		bool same = item->repeatable == repeatable &&
		            (repeatable ? strcmp(item->version, version) : compare(item->version, version)) == 0;
		if (!same)
			applied->items[n++] = *item;
	}
	applied->n_items = n;
}

// Where the set begins with a B file, an environment that is past it has it, and the rows below it are history.
static void fold_into_baseline(const struct migrations *set, struct applied_set *applied)
{
	if (set->n_items == 0 || *set->items[0].label != 'B')
		return;
	const char *baseline = set->items[0].version;
	size_t n = 0;
	bool past = applied->head != NULL && compare(applied->head, baseline) >= 0, seen = false;
	struct applied folded = { .version = baseline };
	for (size_t i = 0; i < applied->n_items; i++) {
		struct applied item = applied->items[i];
		int order = item.repeatable ? 1 : compare(item.version, baseline);
		seen = seen || order == 0;
		if (past && order < 0)
			folded.at = item.at;
		else
			applied->items[n++] = item;
	}
	applied->n_items = n;
	if (!past || seen)
		return;
	memmove(applied->items + 1, applied->items, n * sizeof *applied->items); // the dropped rows made room
	applied->items[0] = folded;
	applied->n_items++;
}

static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	recorded_begin(arena, set, table, applied);
	applied->items = arena_array(arena, table->n_rows + set->n_items + 1, sizeof *applied->items);
	enum { VERSION, DESCRIPTION, TYPE, CHECKSUM, AT, SUCCESS };
	static const char *const names[] = { "version", "description", "type", "checksum", "installed_on", "success" };
	static const char *const cancelling[] = { "DELETE", "UNDO_SQL", "UNDO_JDBC", "UNDO_SCRIPT" };
	size_t columns[6];
	const char *baseline = NULL;
	if (table->name == NULL)
		return true;
	if (!recorded_columns(set, table, names, 6, columns, err))
		return false;
	for (size_t i = 0; i < table->n_rows; i++) {
		const char *const *row = table->rows[i];
		const char *type = row[columns[TYPE]], *at = row[columns[AT]];
		bool repeatable = row[columns[VERSION]] == NULL, cancels = false;
		const char *version = repeatable ? row[columns[DESCRIPTION]] : spelled(set, row[columns[VERSION]]);
		if (type == NULL || version == NULL)
			return err_set(err, "version-table", table->name, "`flyway repair` may mend it",
			               "a row has neither version nor description");
		if (strcmp(type, "SCHEMA") == 0)
			continue;
		for (size_t j = 0; j < sizeof cancelling / sizeof *cancelling; j++)
			cancels = cancels || strcmp(type, cancelling[j]) == 0;
		forget(applied, version, repeatable);
		if (cancels)
			continue;
		if (strcmp(type, "BASELINE") == 0) { // everything up to it was there
			baseline = version;
			for (size_t j = 0; j < set->n_items && !set->items[j].repeatable; j++) {
				if (compare(set->items[j].version, version) > 0)
					break;
				forget(applied, set->items[j].version, false);
				*recorded_add(applied) = (struct applied){ .version = set->items[j].version, .at = at };
			}
			continue;
		}
		// what stands in for a B file was not made from its text
		bool other_text = set->n_items > 0 && *set->items[0].label == 'B' && strcmp(set->items[0].version, version) == 0 &&
		                  strcmp(type, "SQL_BASELINE") != 0;
		*recorded_add(applied) = (struct applied){ version, other_text ? NULL : row[columns[CHECKSUM]], at, repeatable,
			                                   !recorded_true(row[columns[SUCCESS]]) };
	}
	recorded_end(set, applied);
	if (baseline != NULL && (applied->head == NULL || compare(baseline, applied->head) > 0))
		applied->head = baseline;
	fold_into_baseline(set, applied);
	return true;
}

const struct framework framework_flyway = {
	.name = "flyway",
	.summary = "Flyway: versioned and repeatable migrations in SQL",
	.files = "V1__name.sql, R__name.sql",
	.deploy = "flyway migrate",
	.repair = "flyway repair",
	.no_transaction = "executeInTransaction=false in its .sql.conf",
	.late = LATE_REFUSES,
	.late_flag = "-outOfOrder=true",
	.lock_wait_s = 50, // lockRetryCount = 50, a second between two of them
	.lock_wait_end = "fails with \"Number of retries exceeded while attempting to acquire PostgreSQL advisory lock\"",
	.table = "flyway_schema_history",
	.detect = detect,
	.resembles = resembles,
	.list = list,
	.compare = compare,
	.script = script,
	.create_table = create_table,
	.record = record,
	.order = "installed_rank",
	.applied = applied,
	.checksum_fits = checksum_fits,
};
