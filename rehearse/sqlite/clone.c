// SPDX-License-Identifier: PostgreSQL
// Clones of SQLite files: see clone.h. No statement here runs a trigger or enforces a foreign key: they are the
// repository's or the environment's, and thinning out or filling a table is no work of theirs.
#include "rehearse/sqlite/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/reader.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_open.h"
#include "migrations/process.h"
#include "rehearse/room.h"

enum {
	PAGES_AT_A_TIME = 512, RESTARTS_MAX = 5, BUSY_MS = 10, BUSY_TRIES = 1000, BUSY_TIMEOUT_MS = 10000,
	THIN_FROM_ROWS = 1000, // smaller tables are kept whole: versions, settings
	HEADER_WRITE_VERSION = 18, DEPTH_MAX = 8,
};

static bool failed(sqlite3 *db, const char *code, const char *doing, struct err *err)
{
	return err_set(err, code, NULL, NULL, "%s: %s", doing, sqlite3_errmsg(db));
}

static bool execute(sqlite3 *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(db, "fill", sql, err);
}

static bool open_clone(const char *path, int flags, sqlite3 **db, struct err *err)
{
	if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		return failed(*db, "clone", "opening the clone", err);
	sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	return true;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *argument)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && argument != NULL)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_TRANSIENT);
	return statement;
}

static const char *text(struct arena *arena, sqlite3_stmt *statement, int column)
{
	return arena_strdup(arena, (const char *)sqlite3_column_text(statement, column));
}

// Copying.

AUTO_DEFINE(auto_backup_cleanup, sqlite3_backup *, sqlite3_backup_finish)
#define auto_backup __attribute__((cleanup(auto_backup_cleanup))) sqlite3_backup *

static bool is_wal(sqlite3 *db)
{
	sqlite3_file *file = NULL;
	unsigned char version = 0;
	sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	return file != NULL && file->pMethods != NULL && file->pMethods->xRead(file, &version, 1, HEADER_WRITE_VERSION) == SQLITE_OK && version == 2;
}

// In steps. With a rollback journal the lock is given back between them, so that a writer can commit: then the copy begins anew.
static bool copy_pages(sqlite3 *from, sqlite3 *to, const char *where, struct log *log, struct err *err)
{
	auto_backup backup = sqlite3_backup_init(to, "main", from, "main");
	if (backup == NULL)
		return failed(to, "clone", "copying the file", err);
	int n_restarts = 0, n_busy = 0, left = -1, result;
	while ((result = sqlite3_backup_step(backup, PAGES_AT_A_TIME)) != SQLITE_DONE) {
		bool busy = result == SQLITE_BUSY || result == SQLITE_LOCKED;
		if (result != SQLITE_OK && !busy)
			return err_set(err, "clone", where, NULL, "copying the file: %s", sqlite3_errstr(result));
		n_busy = busy ? n_busy + 1 : 0;
		n_restarts += !busy && left >= 0 && sqlite3_backup_remaining(backup) >= left;
		left = busy ? left : sqlite3_backup_remaining(backup);
		if (n_restarts > RESTARTS_MAX || n_busy > BUSY_TRIES)
			return err_set(err, "locked", where, "run again when less is written, or rehearse with --rows",
			               "the file is written to all the time: a copy of it would not be consistent");
		if (busy)
			clock_sleep_ms(BUSY_MS);
		int n = sqlite3_backup_pagecount(backup);
		if (left >= 0 && n > 0)
			log_progress(log, "copying the file: %d of %d pages", n - left, n);
	}
	log_progress(log, "%s", "");
	return true;
}

static bool check_space(struct arena *arena, sqlite3 *from, const char *to, struct log *log, struct err *err)
{
	auto_sqlite_stmt size = prepare(from, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", NULL);
	const char *folder = arena_strndup(arena, to, (size_t)(strrchr(to, '/') - to));
	const char *above = arena_strndup(arena, folder, (size_t)(strrchr(folder, '/') - folder)); // the folder itself is ours
	if (sqlite3_step(size) != SQLITE_ROW)
		return true;
	long long bytes = sqlite3_column_int64(size, 0);
	return room_check_at(log, above, bytes + bytes / 4, ROOM_TELL, "set TMPDIR to a larger disk, or rehearse with --rows", err);
}

bool clone_copy(struct arena *arena, const char *from, const char *to, struct log *log, struct err *err)
{
	auto_sqlite_session session = { NULL };
	const struct read_options options = { .log = log };
	if (!sqlite_session_open(&session, from, &options, err))
		return false;
	sqlite3_set_authorizer(session.db, NULL, NULL); // it would refuse the question for the size; the file is open for reading alone
	auto_sqlite copy = NULL;
	if (!check_space(arena, session.db, to, log, err) || !open_clone(to, SQLITE_OPEN_READWRITE, &copy, err))
		return false;
	bool wal = is_wal(session.db);
	// one look at a WAL: its writers go on meanwhile
	if (wal && sqlite3_exec(session.db, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_session_error(&session, "copying the file", err);
	return execute(copy, "PRAGMA synchronous = OFF", err) && copy_pages(session.db, copy, arena_strdup(arena, session.where), log, err) &&
	       (!wal || execute(copy, "PRAGMA journal_mode = WAL", err));
}

static bool make_file(const char *path, const struct run_user *user, struct err *err)
{
	auto_fd file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return (file >= 0 && (!user->other || fchown(file, user->uid, user->gid) == 0)) ||
	       err_set(err, "clone", path, NULL, "cannot make the file: %s", strerror(errno));
}

// The tables that hold rows of their own. Shadow tables are left out: only their virtual table may change them.
#define TABLES_SQL "SELECT l.name, l.wr FROM pragma_table_list l WHERE l.schema = 'main' AND l.type = 'table' " \
	"AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY l.name"

// All of them, or those with a value in a column.
static long long count_rows(sqlite3 *db, const char *table, const char *column)
{
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT count(");
	column == NULL ? buf_addc(&sql, '*') : sql_ident(&sql, column);
	buf_adds(&sql, ") FROM ");
	sql_ident(&sql, table);
	auto_sqlite_stmt count = prepare(db, sql.data, NULL);
	return sqlite3_step(count) == SQLITE_ROW ? sqlite3_column_int64(count, 0) : 0;
}

bool clone_thin(const char *from, const char *to, const struct run_user *user, int keep_one_of, struct err *err)
{
	auto_arena arena = arena_new();
	auto_sqlite source = NULL;
	auto_sqlite db = NULL;
	if (!make_file(to, user, err) || !open_clone(from, SQLITE_OPEN_READONLY, &source, err) || !open_clone(to, SQLITE_OPEN_READWRITE, &db, err) ||
	    !execute(db, "PRAGMA synchronous = OFF", err) || !copy_pages(source, db, from, NULL, err) ||
	    (is_wal(source) && !execute(db, "PRAGMA journal_mode = WAL", err)))
		return false;
	auto_sqlite_stmt tables = prepare(source, TABLES_SQL, NULL);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *table = text(arena, tables, 0);
		bool without_rowid = sqlite3_column_int(tables, 1) != 0;
		if (without_rowid || count_rows(db, table, NULL) < THIN_FROM_ROWS)
			continue;
		auto_buf sql = BUF_INIT;
		buf_adds(&sql, "DELETE FROM ");
		sql_ident(&sql, table);
		buf_addf(&sql, " WHERE rowid %% %d <> 0", keep_one_of);
		if (!execute(db, sql.data, err))
			return false;
	}
	return execute(db, "VACUUM", err);
}

// Made-up rows.

struct column {
	const char *name, *type;
};

// The column that a foreign key's column leads to in the end, whose values it must have.
static struct column source_of(struct arena *arena, sqlite3 *db, const char *table, struct column column, int depth)
{
	auto_sqlite_stmt key = prepare(db,
		"SELECT f.\"table\", coalesce(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") p WHERE p.pk = f.seq + 1)) "
		"FROM pragma_foreign_key_list(?1) f WHERE f.\"from\" = ?2 COLLATE NOCASE", table);
	sqlite3_bind_text(key, 2, column.name, -1, SQLITE_TRANSIENT);
	if (depth == DEPTH_MAX || sqlite3_step(key) != SQLITE_ROW || sqlite3_column_type(key, 1) == SQLITE_NULL)
		return column;
	const char *parent = text(arena, key, 0);
	struct column to = { text(arena, key, 1), column.type };
	auto_sqlite_stmt type = prepare(db, "SELECT type FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE", parent);
	sqlite3_bind_text(type, 2, to.name, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(type) == SQLITE_ROW)
		to.type = text(arena, type, 0);
	return source_of(arena, db, parent, to, depth + 1);
}

// A value for row number i. Types are words in SQLite; the first that occurs decides.
static const char *value_of(const char *type)
{
	static const struct { const char *part, *value; } values[] = {
		{ "BOOL", "i % 2" }, { "DATE", "datetime(1577836800 + i * 60, 'unixepoch')" }, { "TIME", "datetime(1577836800 + i * 60, 'unixepoch')" },
		{ "INT", "i" }, { "CHAR", "printf('value %d', i)" }, { "CLOB", "printf('value %d', i)" }, { "TEXT", "printf('value %d', i)" },
		{ "BLOB", "CAST(printf('%032d', i) AS BLOB)" }, { "REAL", "i * 0.5" }, { "FLOA", "i * 0.5" }, { "DOUB", "i * 0.5" },
	};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		for (const char *at = type; *at != '\0'; at++) {
			if (sqlite3_strnicmp(at, values[i].part, (int)strlen(values[i].part)) == 0)
				return values[i].value;
		}
	}
	return "i";
}

static bool fill_table(struct arena *arena, sqlite3 *db, const char *table, long long rows, struct err *err)
{
	auto_buf names = BUF_INIT, values = BUF_INIT, sql = BUF_INIT;
	auto_sqlite_stmt columns = prepare(db, "SELECT name, type FROM pragma_table_info(?1)", table);
	while (sqlite3_step(columns) == SQLITE_ROW) {
		struct column column = { text(arena, columns, 0), text(arena, columns, 1) };
		buf_adds(&names, names.length > 0 ? ", " : "");
		sql_ident(&names, column.name);
		buf_addf(&values, "%s%s", values.length > 0 ? ", " : "", value_of(source_of(arena, db, table, column, 0).type));
	}
	buf_adds(&sql, "INSERT OR IGNORE INTO ");
	sql_ident(&sql, table);
	buf_addf(&sql, " (%s) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) SELECT %s FROM n", names.data, rows,
	         values.data);
	return execute(db, sql.data, err);
}

bool clone_fill(struct arena *arena, const char *path, const char *like, long long rows, struct log *log, const char ***notes, size_t *n_notes,
                struct err *err)
{
	auto_sqlite_session session = { NULL };
	const struct read_options options = { .log = log };
	size_t capacity = 0;
	auto_sqlite db = NULL;
	auto_sqlite reader = NULL;
	*notes = NULL;
	*n_notes = 0;
	if (!open_clone(path, SQLITE_OPEN_READWRITE, &db, err) || !open_clone(path, SQLITE_OPEN_READONLY, &reader, err) ||
	    !execute(db, "PRAGMA synchronous = OFF", err) || (like != NULL && !sqlite_session_open(&session, like, &options, err)) ||
	    (like != NULL && is_wal(session.db) && !execute(db, "PRAGMA journal_mode = WAL", err)))
		return false;
	struct { const char **items; size_t n, capacity; } list = { 0 };
	auto_sqlite_stmt tables = prepare(reader, TABLES_SQL, NULL);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		list.items = arena_grow(arena, list.items, list.n, &list.capacity, sizeof *list.items);
		list.items[list.n++] = text(arena, tables, 0);
	}
	sqlite3_reset(tables); // its read would keep the writes out
	for (size_t i = 0; i < list.n; i++) {
		struct err why = { 0 };
		if (count_rows(db, list.items[i], NULL) > 0)
			continue;
		bool filled = fill_table(arena, db, list.items[i], rows, &why);
		long long n = count_rows(db, list.items[i], NULL);
		if (n == rows)
			continue;
		*notes = arena_grow(arena, *notes, *n_notes, &capacity, sizeof **notes);
		(*notes)[(*n_notes)++] = arena_printf(arena, "%s has %lld rows, not %lld: %s", list.items[i], n, rows,
		                                      filled ? "its constraints refuse more of the made-up rows" : why.text);
	}
	return true;
}

// What is in it.

#define FROM_KEYS "FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.seq = 0 AND "

static bool take_dangling(struct arena *arena, sqlite3 *db, struct inventory *inventory, struct err *err)
{
	size_t capacity = 0;
	auto_sqlite_stmt keys = prepare(db, "SELECT DISTINCT m.name, f.\"table\" " FROM_KEYS "NOT EXISTS (SELECT 1 FROM sqlite_schema p "
	                                    "WHERE p.type = 'table' AND p.name = f.\"table\" COLLATE NOCASE)", NULL);
	int result;
	while ((result = sqlite3_step(keys)) == SQLITE_ROW) {
		inventory->dangling = arena_grow(arena, inventory->dangling, inventory->n_dangling, &capacity, sizeof *inventory->dangling);
		inventory->dangling[inventory->n_dangling++] = (struct dangling){ text(arena, keys, 0), text(arena, keys, 1) };
	}
	return result == SQLITE_DONE || failed(db, "clone", "reading the clone's foreign keys", err);
}

static bool take_actions(struct arena *arena, sqlite3 *db, struct inventory *inventory, struct err *err)
{
	size_t capacity = 0;
	auto_sqlite_stmt keys = prepare(db, "SELECT m.name, f.\"table\", f.\"from\", f.on_delete = 'CASCADE' "
	                                    FROM_KEYS "f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')", NULL);
	int result;
	while ((result = sqlite3_step(keys)) == SQLITE_ROW) {
		inventory->actions = arena_grow(arena, inventory->actions, inventory->n_actions, &capacity, sizeof *inventory->actions);
		struct action *action = &inventory->actions[inventory->n_actions++];
		*action = (struct action){ text(arena, keys, 0), text(arena, keys, 1), text(arena, keys, 2), sqlite3_column_int(keys, 3) != 0, 0 };
		if (!action->cascade)
			action->n_set = count_rows(db, action->table, action->column);
	}
	return result == SQLITE_DONE || failed(db, "clone", "reading the clone's foreign keys", err);
}

// Not every SQLite is built with dbstat: then no sizes are known.
static void take_pages(sqlite3 *db, struct inventory *inventory)
{
	auto_sqlite_stmt pages = prepare(db, "SELECT s.tbl_name, s.name, count(*) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name GROUP BY s.name", NULL);
	while (pages != NULL && sqlite3_step(pages) == SQLITE_ROW) {
		const char *table = (const char *)sqlite3_column_text(pages, 0), *name = (const char *)sqlite3_column_text(pages, 1);
		for (size_t i = 0; i < inventory->n_tables; i++) {
			if (strcmp(inventory->tables[i].name, table) != 0)
				continue;
			inventory->tables[i].pages += sqlite3_column_int64(pages, 2);
			if (strcmp(name, table) == 0)
				inventory->tables[i].own_pages = sqlite3_column_int64(pages, 2);
		}
	}
}

bool inventory_take(struct arena *arena, const char *path, struct log *log, struct inventory *inventory, struct err *err)
{
	auto_sqlite db = NULL;
	size_t capacity = 0;
	*inventory = (struct inventory){ 0 };
	if (!open_clone(path, SQLITE_OPEN_READONLY, &db, err))
		return false;
	auto_sqlite_stmt tables = prepare(db, TABLES_SQL, NULL);
	int result;
	while ((result = sqlite3_step(tables)) == SQLITE_ROW) {
		inventory->tables = arena_grow(arena, inventory->tables, inventory->n_tables, &capacity, sizeof *inventory->tables);
		struct inventory_table *table = &inventory->tables[inventory->n_tables++];
		*table = (struct inventory_table){ .name = text(arena, tables, 0) };
		table->rows = count_rows(db, table->name, NULL);
		auto_sqlite_stmt root = prepare(db, "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?1", table->name);
		table->root = sqlite3_step(root) == SQLITE_ROW ? sqlite3_column_int64(root, 0) : 0;
	}
	if (result != SQLITE_DONE)
		return failed(db, "clone", "listing the clone's tables", err);
	auto_sqlite_stmt size = prepare(db, "PRAGMA page_size", NULL);
	inventory->page_size = sqlite3_step(size) == SQLITE_ROW ? sqlite3_column_int(size, 0) : 0;
	auto_sqlite_stmt objects = prepare(db, "SELECT count(*) FROM sqlite_schema", NULL);
	inventory->n_objects = sqlite3_step(objects) == SQLITE_ROW ? sqlite3_column_int64(objects, 0) : 0;
	inventory->wal = is_wal(db);
	take_pages(db, inventory);
	if (!take_dangling(arena, db, inventory, err) || !take_actions(arena, db, inventory, err))
		return false;
	const struct read_options options = { .log = log, .name = "the clone" };
	inventory->snapshot = sqlite_read(arena, path, &options, err);
	return inventory->snapshot != NULL;
}

const struct inventory_table *inventory_find(const struct inventory *inventory, const char *table)
{
	for (size_t i = 0; i < inventory->n_tables; i++) {
		if (sqlite3_stricmp(inventory->tables[i].name, table) == 0)
			return &inventory->tables[i];
	}
	return NULL;
}
