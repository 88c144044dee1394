// SPDX-License-Identifier: PostgreSQL
// dbmate, as of v2.35.0 (commit f3e08f1). Files sort by name, bytewise: 10_x comes before 2_x. It runs whatever has no row,
// wherever it sorts. It stores no checksums.
#include <ctype.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "migrations/listing.h"

// One block of a file: from its directive, which is sent along as the comment that it is, to the next one.
struct block {
	bool up, transaction;
	const char *start, *end;
	unsigned line;
};

// Whether a line is `-- migrate:up` or `-- migrate:down`, with or without options behind it. It must start the line.
static bool read_directive(const char *line, size_t length, struct block *block)
{
	static const struct { const char *word; bool up; } directives[] = { { "migrate:up", true }, { "migrate:down", false } };
	const char *end = line + length, *at = line + 2;
	if (length < 2 || strncmp(line, "--", 2) != 0)
		return false;
	while (at < end && isspace((unsigned char)*at))
		at++;
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(directives[i].word);
		if ((size_t)(end - at) < n || strncmp(at, directives[i].word, n) != 0 || (at + n < end && !isspace((unsigned char)at[n])))
			continue;
		static const char option[] = "transaction:false";
		*block = (struct block){ .up = directives[i].up, .transaction = true };
		for (at += n; at < end;) {
			at += isspace((unsigned char)*at) != 0;
			size_t word = 0;
			while (at + word < end && !isspace((unsigned char)at[word]))
				word++;
			if (word == sizeof option - 1 && strncmp(at, option, word) == 0)
				block->transaction = false;
			at += word;
		}
		return true;
	}
	return false;
}

static bool is_comment_or_blank(const char *line, size_t length)
{
	size_t blanks = 0;
	while (blanks < length && isspace((unsigned char)line[blanks]))
		blanks++;
	return blanks == length || (length - blanks >= 2 && strncmp(line + blanks, "--", 2) == 0);
}

static bool broken(const struct migration *migration, unsigned line, struct err *err, const char *text)
{
	err_set(err, "migrations", NULL, "a dbmate migration is `-- migrate:up`, statements, `-- migrate:down`, statements", "%s",
	        text);
	return err_where(err, "%s:%u", migration->path, line);
}

// The blocks of a file, up and down in turn. dbmate requires both, and nothing but comments before the first.
static bool parse(struct arena *arena, const struct migration *migration, struct block **blocks, size_t *n, struct err *err)
{
	size_t capacity = 0;
	unsigned line = 1;
	*blocks = NULL;
	*n = 0;
	for (const char *at = migration->text; *at != '\0'; line++) {
		size_t length = strcspn(at, "\n");
		struct block block;
		if (read_directive(at, length, &block)) {
			bool expects_up = *n % 2 == 0;
			if (block.up != expects_up)
				return broken(migration, line, err, expects_up ? "`-- migrate:down` stands before `-- migrate:up`"
				                                               : "a second `-- migrate:up` follows without `-- migrate:down`");
			block.start = at;
			block.line = line;
			*blocks = arena_grow(arena, *blocks, *n, &capacity, sizeof **blocks);
			(*blocks)[(*n)++] = block;
		} else if (*n == 0 && !is_comment_or_blank(at, length)) {
			return broken(migration, line, err, "a statement stands before `-- migrate:up`");
		}
		at += length;
		at += *at == '\n';
		if (*n > 0)
			(*blocks)[*n - 1].end = at;
	}
	if (*n == 0)
		return broken(migration, 1, err, "it has no line `-- migrate:up`");
	return *n % 2 == 0 || broken(migration, line > 1 ? line - 1 : 1, err, "it has no line `-- migrate:down`");
}

static const char *detect(struct arena *arena, const struct folder *folder)
{
	return folder_comment(arena, folder, "[0-9]*.sql", "migrate:up");
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	if (set->settings.table == NULL)
		set->settings.table = getenv("DBMATE_MIGRATIONS_TABLE");
	struct listing listing = listing_of(set);
	for (size_t f = 0; f < n_folders; f++) {
		for (size_t i = 0; i < folders[f].n_files; i++) {
			const struct folder_file *file = &folders[f].files[i];
			size_t digits = digits_length(file->name), n;
			struct block *blocks;
			if (!folder_is_flat(file) || digits == 0 || !ends_with(file->name, ".sql"))
				continue;
			const struct migration *item = listing_add(&listing, file, arena_strndup(set->arena, file->name, digits), err);
			if (item == NULL || !parse(set->arena, item, &blocks, &n, err))
				return false;
			if (n > 2)
				listing_note(&listing, "%s has several `-- migrate:up` blocks: dbmate records its version once for each, "
				                       "which fails; split the file", file->path);
		}
	}
	listing_sort(set, true);
	return true;
}

// A block is one message, in a transaction unless it says transaction:false. Several up blocks of one file have a
// transaction each.
static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	(void)set;
	(void)engine;
	struct block *blocks;
	size_t n, capacity = 0;
	if (!parse(arena, migration, &blocks, &n, err))
		return false;
	*script = (struct script){ .transaction = n == 2 && blocks[0].transaction };
	for (size_t i = 0; i < n; i += 2) {
		const struct block *block = &blocks[i];
		bool wrapped = block->transaction && !script->transaction;
		if (wrapped)
			script_add(arena, script, &capacity, "BEGIN", block->line);
		const char *text = arena_strndup(arena, block->start, (size_t)(block->end - block->start));
		script_add(arena, script, &capacity, text, block->line);
		if (wrapped)
			script_add(arena, script, &capacity, "COMMIT", block->line);
	}
	return true;
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	buf_addf(sql, "CREATE TABLE IF NOT EXISTS %s (version %s primary key);\n", table,
	         engine == ENGINE_POSTGRESQL ? "varchar" : "varchar(128)");
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	(void)engine;
	(void)rank;
	buf_addf(sql, "INSERT INTO %s (version) VALUES (", table);
	sql_literal(sql, migration->version);
	buf_adds(sql, ");\n");
}

static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	recorded_begin(arena, set, table, applied);
	size_t version;
	if (table->name == NULL)
		return true;
	if (!recorded_columns(set, table, (const char *const[]){ "version" }, 1, &version, err))
		return false;
	for (size_t i = 0; i < table->n_columns; i++) {
		if (strcmp(table->columns[i], "dirty") == 0)
			return err_set(err, "version-table", table->name,
			               "check that the migrations (--migrations, --framework) belong to this database",
			               "it has a column `dirty`: it is golang-migrate's version table, not dbmate's");
	}
	for (size_t i = 0; i < table->n_rows; i++) {
		if (table->rows[i][version] != NULL)
			*recorded_add(applied) = (struct applied){ .version = table->rows[i][version] };
	}
	recorded_end(set, applied);
	return true;
}

const struct framework framework_dbmate = {
	.name = "dbmate",
	.summary = "dbmate: one SQL file for each version, with `-- migrate:up` and `-- migrate:down`",
	.files = "N_name.sql with a line `-- migrate:up`",
	.deploy = "dbmate up",
	.no_transaction = "-- migrate:up transaction:false",
	.late = LATE_RUNS,
	.table = "schema_migrations",
	.detect = detect,
	.list = list,
	.script = script,
	.create_table = create_table,
	.record = record,
	.order = "version",
	.applied = applied,
};
