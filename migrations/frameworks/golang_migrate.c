// SPDX-License-Identifier: PostgreSQL
// golang-migrate/migrate, as of commit 18966c75. Its version table keeps the head alone: what was merged below it later
// counts as applied and never runs. It stores no checksums. A down file without an up file is a version all the same, with
// nothing to run.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "migrations/listing.h"

// Its pattern is ^([0-9]+)_(.*)\.(down|up)\.(.*)$: any ending will do, and of several directions in a name the last counts.
// Returns 'u' or 'd', 0 for other names. A number beyond uint64 is none to it.
static char direction_of(const struct folder_file *file, uint64_t *version)
{
	size_t digits = digits_length(file->name);
	if (!folder_is_flat(file) || digits == 0 || file->name[digits] != '_')
		return 0;
	errno = 0;
	*version = strtoull(file->name, NULL, 10);
	char direction = 0;
	for (const char *at = file->name + digits + 1; errno == 0 && (at = strchr(at, '.')) != NULL; at++) {
		if (strncmp(at, ".up.", 4) == 0 || strncmp(at, ".down.", 6) == 0)
			direction = at[1];
	}
	return direction;
}

static bool resembles(const struct folder *folder)
{
	uint64_t version;
	for (size_t i = 0; i < folder->n_files; i++) {
		if (direction_of(&folder->files[i], &version) == 'u')
			return true;
	}
	return false;
}

// Two files of one direction are an error to it; for two up files the common check says so.
static bool check_downs(const struct folder_file *file, const struct folder_file *before, struct err *err)
{
	return err_set(err, "migrations", file->path, "give one of them another version",
	               "two down migrations have one version: %s and %s", before->path, file->path);
}

struct down {
	uint64_t version;
	const struct folder_file *file;
};

static int by_number(const void *left, const void *right)
{
	const struct down *a = left, *b = right;
	return (a->version > b->version) - (a->version < b->version);
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	struct listing listing = listing_of(set);
	struct down *downs = NULL;
	size_t n_downs = 0, capacity = 0;
	for (size_t f = 0; f < n_folders; f++) {
		for (size_t i = 0; i < folders[f].n_files; i++) {
			const struct folder_file *file = &folders[f].files[i];
			uint64_t version;
			char direction = direction_of(file, &version);
			if (direction == 'u' && !listing_add(&listing, file, arena_printf(set->arena, "%" PRIu64, version), err))
				return false;
			if (direction == 'd') {
				downs = arena_grow(set->arena, downs, n_downs, &capacity, sizeof *downs);
				downs[n_downs++] = (struct down){ version, file };
			}
		}
	}
	if (n_downs > 0)
		qsort(downs, n_downs, sizeof *downs, by_number);
	listing_sort(set, false);
	size_t n_ups = set->n_items;
	for (size_t i = 0, up = 0; i < n_downs; i++) {
		if (i > 0 && downs[i].version == downs[i - 1].version)
			return check_downs(downs[i].file, downs[i - 1].file, err);
		const char *version = arena_printf(set->arena, "%" PRIu64, downs[i].version);
		while (up < n_ups && digits_compare(set->items[up].version, version) < 0)
			up++;
		if (up == n_ups || digits_compare(set->items[up].version, version) != 0)
			listing_add_bare(&listing, downs[i].file, version, NULL); // no text to run, but a version
	}
	listing_sort(set, false);
	return true;
}

// x-multi-statement cuts after every semicolon byte, inside quotes as well.
static void cut_at_semicolons(struct arena *arena, const char *text, struct script *script)
{
	size_t capacity = 0;
	unsigned line = 1;
	for (const char *start = text; *start != '\0';) {
		const char *end = start + strcspn(start, ";");
		end += *end == ';';
		script_add(arena, script, &capacity, arena_strndup(arena, start, (size_t)(end - start)), line);
		for (; start < end; start++)
			line += *start == '\n';
	}
}

static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	(void)err;
	*script = (struct script){ .transaction = engine == ENGINE_SQLITE && !set->settings.no_transaction };
	if (engine == ENGINE_POSTGRESQL && set->settings.multi_statement)
		cut_at_semicolons(arena, migration->text, script);
	else
		script_whole(arena, script, migration->text);
	return true;
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	if (engine == ENGINE_POSTGRESQL)
		buf_addf(sql, "CREATE TABLE IF NOT EXISTS %s (version bigint not null primary key, dirty boolean not null);\n", table);
	else
		buf_addf(sql,
		         "CREATE TABLE IF NOT EXISTS %s (version uint64,dirty bool);\n"
		         "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON %s (version);\n",
		         table, table);
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	(void)rank;
	buf_addf(sql, "DELETE FROM %s;\nINSERT INTO %s (version, dirty) VALUES (%s, %s);\n", table, table, migration->version,
	         engine == ENGINE_POSTGRESQL ? "false" : "0");
}

// One row, or none. A dirty one names the version that was being made: of a failed up migration its own, of a failed down
// migration the one below, and -1 below the first. Which file broke cannot be told; the version itself is taken.
static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	recorded_begin(arena, set, table, applied);
	applied->items = arena_array(arena, set->n_items + 1, sizeof *applied->items);
	applied->head_only = true;
	size_t columns[2];
	if (table->name == NULL)
		return true;
	if (!recorded_columns(set, table, (const char *const[]){ "version", "dirty" }, 2, columns, err))
		return false;
	if (table->n_rows == 0)
		return true;
	const char *version = table->rows[0][columns[0]];
	if (table->n_rows > 1 || version == NULL)
		return err_set(err, "version-table", table->name,
		               "golang-migrate keeps one row: the version. Repair the table (`migrate force V`)",
		               table->n_rows > 1 ? "it has several rows" : "its version is null");
	bool dirty = recorded_true(table->rows[0][columns[1]]);
	if (*version == '-') { // nothing, or what a failed down migration of the first one left
		if (dirty && set->n_items > 0)
			*recorded_add(applied) = (struct applied){ .version = set->items[0].version, .failed = true };
		return true;
	}
	for (size_t i = 0; i < set->n_items && digits_compare(set->items[i].version, version) < 0; i++)
		*recorded_add(applied) = (struct applied){ .version = set->items[i].version };
	*recorded_add(applied) = (struct applied){ .version = version, .failed = dirty };
	applied->head = version;
	return true;
}

// The database's name is as the program was given it: from current_database(), or from a URL with the slash before it.
static bool lock_key(const char *database, const char *schema, const char *table, unsigned nth, long long *key)
{
	static const char *const before[] = { "", "/" };
	if (nth >= sizeof before / sizeof *before)
		return false;
	auto_buf name = BUF_INIT;
	buf_add(&name, schema, strlen(schema) + 1);
	buf_add(&name, table, strlen(table) + 1);
	buf_addf(&name, "%s%s", before[nth], database);
	uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)name.data, (unsigned)name.length);
	*key = (uint32_t)(sum * UINT32_C(1486364155));
	return true;
}

const struct framework framework_golang_migrate = {
	.name = "golang-migrate",
	.summary = "golang-migrate/migrate: a pair of SQL files for each version, one row in the version table",
	.files = "N_name.up.sql",
	.deploy = "migrate -path DIR -database \"$DATABASE_URL\" up",
	.repair = "migrate -path DIR -database \"$DATABASE_URL\" force V (V: the last version that is whole)",
	.late = LATE_NEVER,
	// migrate.go, DefaultLockTimeout; an instance whose connection is made only while another one migrates waits without end (issue 269)
	.lock_wait_s = 15,
	.lock_wait_end = "fails with \"timeout: can't acquire database lock\"",
	.table = "schema_migrations",
	.resembles = resembles,
	.list = list,
	VERSION_BY_NUMBER,
	.script = script,
	.create_table = create_table,
	.record = record,
	.order = "version",
	.applied = applied,
	.lock_key = lock_key,
};
