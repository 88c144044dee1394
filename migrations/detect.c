// SPDX-License-Identifier: PostgreSQL
// Which framework a folder is laid out for. Markers decide: each supported framework has its own, and the tables below
// have those of the ones that are recognised but not replayed. The shape of file names alone is asked for last, because
// shapes collide; then the project's files above the folder break the tie. Where two remain, it is an error: a wrong guess
// would read the wrong version table.
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "migrations/folder.h"
#include "migrations/listing.h"

// Unambiguous markers of other frameworks: a file in the folder, a comment line in its SQL files, or the folder's own path.
static const struct marker {
	const char *framework, *file, *comment, *folder;
} markers[] = {
	{ "Drizzle", "meta/_journal.json" },
	{ "Drizzle", "*/snapshot.json" },
	{ "Supabase", .folder = "supabase/migrations" },
	{ "Sqitch", "sqitch.plan" },
	{ "Atlas", "atlas.sum" },
	{ "Diesel or Hasura", "*/up.sql" },
	{ "graphile-migrate", .comment = "! Previous:" },
	{ "graphile-migrate", "committed/*.sql" },
	{ "Liquibase", .comment = "liquibase formatted" },
	{ "sql-migrate", .comment = "+migrate Up" },
	{ "Boostport/migration", .comment = "+migration " },
	{ "tern", .comment = "create above / drop below" },
	{ "node-pg-migrate", .comment = "Up Migration" },
	{ "Ory popx", "*.autocommit.up.sql" },
	{ "Ory popx", "*.postgres.up.sql" },
	{ "Ory popx", "*.cockroach.up.sql" },
	{ "Ory popx", "*.sqlite3.up.sql" },
};

// What the nearest folder above says where only the shape of the names (that of `shape`) is known.
static const struct tie_break {
	const char *shape, *file, *mentions, *framework;
} tie_breaks[] = {
	{ "golang-migrate", "go.mod", "github.com/golang-migrate/migrate", "golang-migrate" },
	{ "golang-migrate", "go.mod", "github.com/ory/x", "Ory popx" },
	{ "golang-migrate", "go.mod", "github.com/gobuffalo/pop", "pop" },
	{ "golang-migrate", "sqlx.toml", NULL, "sqlx" },
	{ "golang-migrate", "Cargo.toml", "sqlx", "sqlx" },
	{ "golang-migrate", "package.json", "node-pg-migrate", "node-pg-migrate" },
	{ "flyway", "Cargo.toml", "refinery", "refinery" },
	{ "plain", "sqlx.toml", NULL, "sqlx" },
	{ "plain", "Cargo.toml", "sqlx", "sqlx" },
	{ "plain", "package.json", "node-pg-migrate", "node-pg-migrate" },
	{ "plain", "atlas.hcl", NULL, "Atlas" },
};

// Migrations in other languages, for the message where nothing else is found.
static const struct marker code_markers[] = {
	{ "Alembic", "versions/*.py" }, { "Alembic", "env.py" },       { "Django", "[0-9]*_*.py" },
	{ "Rails", "[0-9]*_*.rb" },     { "Ecto", "[0-9]*_*.exs" },    { "Phinx or Laravel", "[0-9]*_*.php" },
	{ "Knex, TypeORM or another JavaScript tool", "[0-9]*.[jt]s" }, { "Liquibase", "*changelog*.[xy]*ml" },
};

enum { CANDIDATES_MAX = 16 };

struct candidates {
	struct arena *arena;
	struct candidate {
		const char *name, *marker;
		const struct framework *framework; // NULL: recognised, not supported
	} list[CANDIDATES_MAX];
	size_t n;
};

static void add(struct candidates *candidates, const char *name, const char *marker)
{
	for (size_t i = 0; i < candidates->n; i++) {
		if (strcmp(candidates->list[i].name, name) == 0)
			return;
	}
	if (marker != NULL && candidates->n < CANDIDATES_MAX)
		candidates->list[candidates->n++] = (struct candidate){ name, marker, framework_find(name) };
}

static const char *marker_in(struct arena *arena, const struct marker *marker, const struct folder *folder)
{
	if (marker->file != NULL)
		return folder_has(arena, folder, marker->file);
	if (marker->comment != NULL)
		return folder_comment(arena, folder, "*.sql", marker->comment);
	return folder_ends_with(arena, folder, marker->folder) ? arena_printf(arena, "its path is %s", marker->folder) : NULL;
}

static void ask_markers(struct candidates *candidates, const struct folder *folder, const struct marker *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(candidates, list[i].framework, marker_in(candidates->arena, &list[i], folder));
}

// The nearest folder above in which any tie-break for the shape holds decides.
static void break_tie(struct candidates *candidates, const char *shape, const struct folder *folder)
{
	const char *const *ancestors = folder_ancestors(candidates->arena, folder->path);
	for (size_t a = 0; ancestors[a] != NULL && candidates->n == 0; a++) {
		for (size_t i = 0; i < sizeof tie_breaks / sizeof *tie_breaks; i++) {
			const struct tie_break *tie = &tie_breaks[i];
			const char *text = strcmp(tie->shape, shape) == 0 ? folder_nearby(candidates->arena, ancestors[a], tie->file) : NULL;
			if (text == NULL || (tie->mentions != NULL && !text_mentions(text, tie->mentions)))
				continue;
			add(candidates, tie->framework,
			    tie->mentions == NULL ? arena_printf(candidates->arena, "%s lies near it", tie->file)
			                          : arena_printf(candidates->arena, "the nearest %s mentions %s", tie->file, tie->mentions));
		}
	}
}

static void ask_shapes(struct candidates *candidates, const struct folder *folder)
{
	for (size_t i = 0; frameworks[i] != NULL; i++) {
		if (frameworks[i]->resembles == NULL || !frameworks[i]->resembles(folder))
			continue;
		break_tie(candidates, frameworks[i]->name, folder);
		if (candidates->n == 0)
			add(candidates, frameworks[i]->name, arena_printf(candidates->arena, "its files are named %s", frameworks[i]->files));
		return;
	}
}

static void supported_names(struct buf *buf)
{
	for (size_t i = 0; frameworks[i] != NULL; i++)
		buf_addf(buf, "%s%s", i > 0 ? ", " : "", frameworks[i]->name);
}

// The folder of the first SQL file that lies deeper; of Prisma's, the one above.
static void deeper_folder(struct buf *buf, const struct folder *folder)
{
	for (size_t i = 0; i < folder->n_files; i++) {
		const struct folder_file *file = &folder->files[i];
		if (folder_is_flat(file) || !ends_with(file->name, ".sql"))
			continue;
		size_t length = strlen(file->path) - strlen(folder_base(file)) - 1;
		while (strcmp(folder_base(file), "migration.sql") == 0 && length > 0 && file->path[length - 1] != '/')
			length--;
		length -= file->path[length - 1] == '/';
		if (length > strlen(folder->path))
			buf_addf(buf, "its SQL files lie deeper: try --migrations %.*s; or ", (int)length, file->path);
		return;
	}
}

static const struct framework *none_found(const struct folder *folders, size_t n_folders, struct err *err)
{
	auto_buf hint = BUF_INIT;
	for (size_t i = 0; i < n_folders && hint.length == 0; i++)
		deeper_folder(&hint, &folders[i]);
	buf_adds(&hint, "name the framework with --framework or `framework` in driftcheck.conf (");
	supported_names(&hint);
	buf_adds(&hint, "); `driftcheck frameworks` shows how the files of each are named");
	err_set(err, "migrations", folders[0].path, hint.data, "%s",
	        folders[0].n_files == 0 && n_folders == 1 ? "the folder is empty" : "no migrations of a known form are in it");
	return NULL;
}

static const struct framework *not_supported(const struct candidate *candidate, const char *where, struct err *err)
{
	auto_buf hint = BUF_INIT;
	buf_adds(&hint, "if its files are those of a supported framework, name it with --framework or `framework` in "
	                "driftcheck.conf: ");
	supported_names(&hint);
	err_set(err, "migrations", where, hint.data, "this looks like %s (%s), which this version does not replay yet",
	        candidate->name, candidate->marker);
	return NULL;
}

static const struct framework *ambiguous(const struct candidates *candidates, const char *where, struct err *err)
{
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < candidates->n; i++)
		buf_addf(&text, "%s%s (%s)", i == 0 ? "" : " and ", candidates->list[i].name, candidates->list[i].marker);
	const char *example = candidates->list[0].name;
	for (size_t i = 0; i < candidates->n; i++)
		example = candidates->list[i].framework != NULL ? candidates->list[i].name : example;
	err_set(err, "migrations", where, NULL, "it has the marks of several frameworks: %s", text.data);
	err_hint(err, "say which it is: framework = \"%s\" in the migrations section of driftcheck.conf, or --framework %s", example,
	         example);
	return NULL;
}

const struct framework *framework_detect(struct arena *arena, const struct folder *folders, size_t n_folders, const char **marker,
                                         struct err *err)
{
	struct candidates candidates = { .arena = arena };
	for (size_t i = 0; i < n_folders; i++) {
		for (size_t j = 0; frameworks[j] != NULL; j++) {
			if (frameworks[j]->detect != NULL)
				add(&candidates, frameworks[j]->name, frameworks[j]->detect(arena, &folders[i]));
		}
		ask_markers(&candidates, &folders[i], markers, sizeof markers / sizeof *markers);
	}
	for (size_t i = 0; i < n_folders && candidates.n == 0; i++)
		ask_shapes(&candidates, &folders[i]);
	for (size_t i = 0; i < n_folders && candidates.n == 0; i++)
		ask_markers(&candidates, &folders[i], code_markers, sizeof code_markers / sizeof *code_markers);
	if (candidates.n == 0)
		return none_found(folders, n_folders, err);
	if (candidates.n > 1)
		return ambiguous(&candidates, folders[0].path, err);
	if (candidates.list[0].framework == NULL)
		return not_supported(&candidates.list[0], folders[0].path, err);
	if (marker != NULL)
		*marker = candidates.list[0].marker;
	return candidates.list[0].framework;
}
