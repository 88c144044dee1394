// SPDX-License-Identifier: PostgreSQL
// Prisma Migrate, from prisma-engines as of 2025 and 2026. A migration is a folder with migration.sql in it. Until 7.4 the
// file is one message on PostgreSQL; since then its statements go one by one without a transaction, so the version that the
// project asks for is sought in its lock file, else in its package.json. The checksum is the SHA-256 of the text.
#include <jansson.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/sql.h"
#include "migrations/listing.h"

static const char lock_name[] = "migration_lock.toml", file_name[] = "migration.sql";

static const char *detect(struct arena *arena, const struct folder *folder)
{
	for (size_t i = 0; i < folder->n_files; i++) {
		if (strcmp(folder->files[i].name, lock_name) == 0)
			return arena_printf(arena, "it has `%s`", lock_name);
	}
	return NULL;
}

// The first version number in a text: "^7.4.1" is 7.4.
static bool read_version(const char *text, unsigned version[2])
{
	text += strcspn(text, "0123456789\n");
	if (*text == '\0' || *text == '\n')
		return false;
	char *end;
	version[0] = (unsigned)strtoul(text, &end, 10);
	version[1] = *end == '.' ? (unsigned)strtoul(end + 1, NULL, 10) : 0;
	return true;
}

static bool npm_lock_version(const char *text, unsigned version[2])
{
	json_t *json = json_loads(text, 0, NULL), *packages = json_object_get(json, "packages");
	json_t *package = json_object_get(packages != NULL ? packages : json_object_get(json, "dependencies"),
	                                  packages != NULL ? "node_modules/prisma" : "prisma");
	const char *written = json_string_value(json_object_get(package, "version"));
	bool found = written != NULL && read_version(written, version);
	json_decref(json);
	return found;
}

// pnpm has `prisma@7.4.0:` or `/prisma@7.4.0`; yarn has `prisma@^7.0.0:` and on the next line `version "7.4.0"`.
static bool line_lock_version(const char *text, unsigned version[2])
{
	static const char word[] = "prisma@", field[] = "version";
	for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
		const char *before = at == text ? "\n" : at - 1;
		const char *next = strchr(at, '\n'), *line = before;
		while (line > text && line[-1] != '\n')
			line--;
		if (strchr("\n \"'/", *before) == NULL || (*before == '/' && strspn(line, " \"'") != (size_t)(before - line)))
			continue; // @prisma/x@..., x-prisma@...
		const char *written = next == NULL ? "" : next + 1 + strspn(next + 1, " ");
		if (strncmp(written, field, sizeof field - 1) == 0)
			return read_version(written, version);
		if (strspn(at + sizeof word - 1, "0123456789") > 0)
			return read_version(at + sizeof word - 1, version);
	}
	return false;
}

static bool package_version(const char *text, unsigned version[2])
{
	static const char *const sections[] = { "dependencies", "devDependencies", "optionalDependencies" };
	static const char *const packages[] = { "prisma", "@prisma/client" };
	json_t *json = json_loads(text, 0, NULL);
	bool found = false;
	for (size_t i = 0; i < 6 && !found; i++) {
		const char *written = json_string_value(json_object_get(json_object_get(json, sections[i % 3]), packages[i / 3]));
		found = written != NULL && read_version(written, version);
	}
	json_decref(json);
	return found;
}

// What says which version is used, the surer ones first: a lock file anywhere above beats a package.json.
static const struct {
	const char *file;
	bool (*read)(const char *text, unsigned version[2]);
} version_files[] = {
	{ "package-lock.json", npm_lock_version },
	{ "pnpm-lock.yaml", line_lock_version },
	{ "yarn.lock", line_lock_version },
	{ "package.json", package_version },
};

static bool is_statement_wise(struct arena *arena, const char *folder)
{
	const char *const *ancestors = folder_ancestors(arena, folder);
	for (size_t i = 0; i < sizeof version_files / sizeof *version_files; i++) {
		for (size_t a = 0; ancestors[a] != NULL; a++) {
			const char *text = folder_nearby(arena, ancestors[a], version_files[i].file);
			unsigned version[2];
			if (text != NULL && version_files[i].read(text, version))
				return version[0] > 7 || (version[0] == 7 && version[1] >= 4);
		}
	}
	return false;
}

static bool is_in_folder(const struct folder_file *file, const char *folder, size_t length)
{
	return strncmp(file->name, folder, length) == 0 && file->name[length] == '/';
}

// The files are sorted, so those of one subfolder are neighbours.
static bool list_folder(struct listing *listing, const struct folder *folder, struct err *err)
{
	for (size_t i = 0, next; i < folder->n_files; i = next) {
		const struct folder_file *file = &folder->files[i], *found = NULL;
		size_t length = strcspn(file->name, "/");
		next = i + 1;
		if (folder_is_flat(file))
			continue;
		const char *name = arena_strndup(listing->set->arena, file->name, length);
		for (next = i; next < folder->n_files && is_in_folder(&folder->files[next], name, length); next++) {
			if (strcmp(folder->files[next].name + length + 1, file_name) == 0)
				found = &folder->files[next];
		}
		if (found == NULL) {
			err_set(err, "migrations", NULL, "Prisma refuses such a folder: remove it, or restore the file", "it has no %s",
			        file_name);
			return err_where(err, "%s/%s", folder->path, name);
		}
		struct migration *migration = listing_add(listing, found, name, err);
		if (migration == NULL)
			return false;
		migration->label = name;
		char *hex = arena_alloc(listing->set->arena, DIGEST_SHA256_HEX);
		digest_sha256_hex(migration->text, migration->length, hex);
		migration->checksum = hex;
	}
	return true;
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	struct listing listing = listing_of(set);
	for (size_t f = 0; f < n_folders; f++) {
		if (!list_folder(&listing, &folders[f], err))
			return false;
		set->settings.statement_wise = set->settings.statement_wise || is_statement_wise(set->arena, folders[f].path);
	}
	listing_sort(set, false);
	return true;
}

static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	(void)err;
	*script = (struct script){ .transaction = false };
	if (engine == ENGINE_POSTGRESQL && set->settings.statement_wise)
		script_statements(arena, script, engine, migration->text);
	else
		script_whole(arena, script, migration->text);
	return true;
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	bool postgresql = engine == ENGINE_POSTGRESQL;
	const char *time = postgresql ? "TIMESTAMPTZ" : "DATETIME";
	buf_addf(sql,
	         "CREATE TABLE IF NOT EXISTS %s (id %s PRIMARY KEY NOT NULL, checksum %s NOT NULL, finished_at %s, "
	         "migration_name %s NOT NULL, logs TEXT, rolled_back_at %s, started_at %s NOT NULL DEFAULT %s, "
	         "applied_steps_count %s NOT NULL DEFAULT 0);\n",
	         table, postgresql ? "VARCHAR(36)" : "TEXT", postgresql ? "VARCHAR(64)" : "TEXT", time,
	         postgresql ? "VARCHAR(255)" : "TEXT", time, time, postgresql ? "now()" : "current_timestamp",
	         postgresql ? "INTEGER" : "INTEGER UNSIGNED");
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	buf_addf(sql, "INSERT INTO %s (id, checksum, finished_at, migration_name, applied_steps_count) VALUES (", table);
	buf_addf(sql, "'00000000-0000-0000-0000-%012zu', ", rank);
	sql_literal(sql, migration->checksum);
	buf_addf(sql, ", %s, ", engine == ENGINE_POSTGRESQL ? "now()" : "current_timestamp");
	sql_literal(sql, migration->version);
	buf_adds(sql, ", 1);\n");
}

// Rolled-back rows are history. Of the others a finished one is applied; one that is neither failed or still runs, and
// counts only where the migration was not finished by another.
static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	recorded_begin(arena, set, table, applied);
	enum { NAME, CHECKSUM, FINISHED, ROLLED_BACK };
	static const char *const names[] = { "migration_name", "checksum", "finished_at", "rolled_back_at" };
	size_t columns[4];
	if (table->name == NULL)
		return true;
	if (!recorded_columns(set, table, names, 4, columns, err))
		return false;
	for (size_t i = 0; i < table->n_rows; i++) {
		const char *const *row = table->rows[i];
		if (row[columns[ROLLED_BACK]] != NULL || row[columns[NAME]] == NULL)
			continue;
		const char *finished = row[columns[FINISHED]];
		struct applied item = { row[columns[NAME]], row[columns[CHECKSUM]], finished, .failed = finished == NULL };
		struct applied *known = NULL;
		for (size_t j = 0; j < applied->n_items && known == NULL; j++)
			known = strcmp(applied->items[j].version, item.version) == 0 ? &applied->items[j] : NULL;
		if (known == NULL)
			*recorded_add(applied) = item;
		else if (known->failed)
			*known = item;
	}
	recorded_end(set, applied);
	return true;
}

// The stored form with one hex digit for a byte below 16, as old versions wrote it.
static void without_padding(const char *hex, char *out)
{
	for (; *hex != '\0'; hex += 2) {
		if (hex[0] != '0')
			*out++ = hex[0];
		*out++ = hex[1];
	}
	*out = '\0';
}

static bool text_fits(const struct buf *text, const char *stored)
{
	char hex[DIGEST_SHA256_HEX], bare[DIGEST_SHA256_HEX];
	digest_sha256_hex(text->data, text->length, hex);
	without_padding(hex, bare);
	return strcmp(stored, hex) == 0 || strcmp(stored, bare) == 0;
}

// The text may have been checked out with other line ends than it was applied with.
static bool checksum_fits(const struct migrations *set, const struct migration *migration, const char *stored)
{
	(void)set;
	auto_buf as_is = BUF_INIT, unix_ends = BUF_INIT, dos_ends = BUF_INIT;
	buf_add(&as_is, migration->text, migration->length);
	for (const char *c = migration->text; *c != '\0'; c++) {
		if (c[0] == '\r' && c[1] == '\n')
			continue;
		buf_addc(&unix_ends, *c);
		buf_adds(&dos_ends, *c == '\n' ? "\r\n" : (char[]){ *c, '\0' });
	}
	return text_fits(&as_is, stored) || text_fits(&unix_ends, stored) || text_fits(&dos_ends, stored);
}

static bool lock_key(const char *database, const char *schema, const char *table, unsigned nth, long long *key)
{
	(void)database;
	(void)schema;
	(void)table;
	*key = 72707369;
	return nth == 0;
}

const struct framework framework_prisma = {
	.name = "prisma",
	.summary = "Prisma Migrate: a folder with migration.sql for each migration, beside migration_lock.toml",
	.files = "NAME/migration.sql",
	.deploy = "npx prisma migrate deploy",
	.repair = "npx prisma migrate resolve --rolled-back NAME",
	.late = LATE_RUNS,
	.sqlite_foreign_keys = true, // its engine bundles a SQLite built with SQLITE_DEFAULT_FOREIGN_KEYS=1 (libsqlite3-sys)
	.lock_wait_s = 10, // not configurable
	.lock_wait_end = "fails with P1002, \"Timed out trying to acquire a postgres advisory lock\"",
	.table = "_prisma_migrations",
	.detect = detect,
	.list = list,
	.script = script,
	.create_table = create_table,
	.record = record,
	.order = "started_at, migration_name",
	.applied = applied,
	.checksum_fits = checksum_fits,
	.lock_key = lock_key,
};
