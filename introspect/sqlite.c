// SPDX-License-Identifier: PostgreSQL
// Reading a live SQLite database: the rows of sqlite_schema in one short transaction, parsed afterwards, when nothing is
// locked any more (a reader makes a writer's COMMIT wait). The kinds make objects of them. What SQLite itself says of a table
// is held against what was parsed, so that a statement that we misread is reported as unread and never as equal.
#include "introspect/reader.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_open.h"
#include "introspect/sqlite_parse.h"

enum { VERSION_TRIES = 3 };

// A row of sqlite_schema.
struct row {
	const char *type, *name, *table, *sql;
};

// What PRAGMA table_list says of a table or view.
struct listed {
	const char *name;
	size_t n_columns;
	bool shadow, without_rowid, strict;
};

struct reading {
	struct arena *arena;
	const struct read_options *options;
	struct sqlite_session *session;
	struct row *rows;
	size_t n_rows, rows_capacity;
	struct listed *listed; // sorted by name
	size_t n_listed, listed_capacity;
	struct sqlite_item *tables; // that were understood, sorted by name
	size_t n_tables;
};

// Statements.

static bool prepare(struct reading *reading, sqlite3_stmt **statement, const char *sql, const char *doing, struct err *err)
{
	log_query(reading->options->log, reading->session->where, sql);
	return sqlite3_prepare_v2(reading->session->db, sql, -1, statement, NULL) == SQLITE_OK ||
	       sqlite_session_error(reading->session, doing, err);
}

static bool run(struct reading *reading, const char *sql, struct err *err)
{
	auto_sqlite_stmt statement = NULL;
	return prepare(reading, &statement, sql, "reading", err) &&
	       (sqlite3_step(statement) == SQLITE_DONE || sqlite_session_error(reading->session, "reading", err));
}

static const char *column_text(struct reading *reading, sqlite3_stmt *statement, int column)
{
	return arena_strdup(reading->arena, (const char *)sqlite3_column_text(statement, column));
}

// The version table.

static bool version_rows(struct reading *reading, const struct version_query *query, struct version_table *version,
                         struct err *err)
{
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "SELECT * FROM ");
	sql_ident(&sql, version->name);
	if (query->order != NULL)
		buf_addf(&sql, " ORDER BY %s", query->order);
	auto_sqlite_stmt statement = NULL;
	if (!prepare(reading, &statement, sql.data, "reading the version table", err))
		return false;
	version->n_columns = (size_t)sqlite3_column_count(statement);
	version->columns = arena_array(reading->arena, version->n_columns, sizeof *version->columns);
	for (size_t i = 0; i < version->n_columns; i++)
		version->columns[i] = arena_strdup(reading->arena, sqlite3_column_name(statement, (int)i));
	int result;
	for (size_t capacity = 0; (result = sqlite3_step(statement)) == SQLITE_ROW;) {
		version->rows = arena_grow(reading->arena, version->rows, version->n_rows, &capacity, sizeof *version->rows);
		const char **row = arena_array(reading->arena, version->n_columns, sizeof *row);
		for (size_t i = 0; i < version->n_columns; i++)
			row[i] = column_text(reading, statement, (int)i);
		version->rows[version->n_rows++] = row;
	}
	return result == SQLITE_DONE || sqlite_session_error(reading->session, "reading the version table", err);
}

static bool version_query_read(struct reading *reading, const struct version_query *query, struct version_table *version,
                               struct err *err)
{
	const char *parts[2];
	size_t n = sql_name_split(reading->arena, query->table, parts, 2);
	if (n == 0)
		return err_set(err, "version-table", reading->session->where, "write it as table", "`%s` names no table",
		               query->table);
	if (n == 2 && sqlite3_stricmp(parts[0], "main") != 0 && sqlite3_stricmp(parts[0], "public") != 0)
		return true;
	auto_sqlite_stmt statement = NULL;
	if (!prepare(reading, &statement, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
	             "looking for the version table", err))
		return false;
	sqlite3_bind_text(statement, 1, parts[n - 1], -1, SQLITE_STATIC);
	int result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return true;
	if (result != SQLITE_ROW)
		return sqlite_session_error(reading->session, "looking for the version table", err);
	version->name = column_text(reading, statement, 0);
	return version_rows(reading, query, version, err);
}

static bool version_read(struct reading *reading, struct version_table *version, struct err *err)
{
	*version = (struct version_table){ 0 };
	if (reading->options->versions == NULL)
		return true;
	if (!run(reading, "BEGIN", err))
		return false;
	const struct version_query *query = reading->options->versions;
	for (; query->table != NULL && version->name == NULL; query++) {
		if (!version_query_read(reading, query, version, err))
			return false; // closing the connection ends the transaction
	}
	return run(reading, "COMMIT", err);
}

// The schema.

// Names that SQLite reserves for itself: sqlite_sequence, sqlite_stat1, the indexes of constraints.
static const char rows_sql[] =
	"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND sql IS NOT NULL";
// Its columns: schema, name, type, ncol, wr, strict.
static const char listed_sql[] = "PRAGMA main.table_list";

static void row_add(struct reading *reading, sqlite3_stmt *statement)
{
	reading->rows = arena_grow(reading->arena, reading->rows, reading->n_rows, &reading->rows_capacity,
	                           sizeof *reading->rows);
	reading->rows[reading->n_rows++] = (struct row){
		column_text(reading, statement, 0), column_text(reading, statement, 1), column_text(reading, statement, 2),
		column_text(reading, statement, 3),
	};
}

static void listed_add(struct reading *reading, sqlite3_stmt *statement)
{
	reading->listed = arena_grow(reading->arena, reading->listed, reading->n_listed, &reading->listed_capacity,
	                             sizeof *reading->listed);
	reading->listed[reading->n_listed++] = (struct listed){
		.name = column_text(reading, statement, 1),
		.shadow = strcmp((const char *)sqlite3_column_text(statement, 2), "shadow") == 0,
		.n_columns = (size_t)sqlite3_column_int(statement, 3),
		.without_rowid = sqlite3_column_int(statement, 4) != 0,
		.strict = sqlite3_column_int(statement, 5) != 0,
	};
}

static bool read_rows(struct reading *reading, const char *sql, void (*add)(struct reading *, sqlite3_stmt *), struct err *err)
{
	auto_sqlite_stmt statement = NULL;
	if (!prepare(reading, &statement, sql, "reading the schema", err))
		return false;
	int result;
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		add(reading, statement);
	return result == SQLITE_DONE || sqlite_session_error(reading->session, "reading the schema", err);
}

static int name_first_compare(const void *a, const void *b) // elements that start with their name
{
	return sqlite3_stricmp(*(const char *const *)a, *(const char *const *)b);
}

static bool schema_read(struct reading *reading, struct err *err)
{
	if (!run(reading, "BEGIN", err) || !read_rows(reading, rows_sql, row_add, err) ||
	    !read_rows(reading, listed_sql, listed_add, err) || !run(reading, "COMMIT", err))
		return false;
	if (reading->n_listed > 0)
		qsort(reading->listed, reading->n_listed, sizeof *reading->listed, name_first_compare);
	return true;
}

static const struct listed *listed_find(const struct reading *reading, const char *name)
{
	if (reading->n_listed == 0)
		return NULL;
	return bsearch(&name, reading->listed, reading->n_listed, sizeof *reading->listed, name_first_compare);
}

// The objects.

static int item_compare(const void *a, const void *b)
{
	const struct sqlite_item *x = a, *y = b;
	return sqlite3_stricmp(x->name, y->name);
}

static const struct sqlite_item *table_find(const struct reading *reading, const char *name)
{
	struct sqlite_item key = { .name = name };
	if (reading->n_tables == 0)
		return NULL;
	return bsearch(&key, reading->tables, reading->n_tables, sizeof *reading->tables, item_compare);
}

// Holds what was parsed against what SQLite knows.
static bool table_agrees(const struct sqlite_item *item, const struct listed *listed, const char **why)
{
	*why = "its definition is not understood: SQLite sees other columns or options in it";
	if (listed == NULL || item->module != NULL)
		return listed != NULL;
	return listed->n_columns == item->n_columns && listed->without_rowid == item->without_rowid &&
	       listed->strict == item->strict;
}

static void item_add(struct sqlite_read *read, const struct sqlite_item *item)
{
	for (size_t i = 0; kinds[i] != NULL; i++) {
		if (kinds[i]->sqlite_read != NULL)
			kinds[i]->sqlite_read(read, item);
	}
}

static void row_unread(struct sqlite_read *read, const struct row *row, const char *why)
{
	bool child = strcmp(row->type, "index") == 0 || strcmp(row->type, "trigger") == 0;
	const char *path[] = { row->table, row->name };
	snapshot_unread(read->snapshot, row->type, child ? path : path + 1, child ? 2 : 1, why);
}

static bool is_unread(const struct snapshot *snapshot, const char *relation)
{
	for (size_t i = 0; i < snapshot->n_unread; i++) {
		if (snapshot->unread[i].n_path == 1 && sqlite3_stricmp(snapshot->unread[i].path[0], relation) == 0)
			return true;
	}
	return false;
}

static bool is_shadow(const struct reading *reading, const char *table)
{
	const struct listed *listed = listed_find(reading, table);
	return listed != NULL && listed->shadow;
}

// Tables first: what is on them refers to their columns.
static void tables_parse(struct reading *reading, struct sqlite_read *read)
{
	reading->tables = arena_array(reading->arena, reading->n_rows, sizeof *reading->tables);
	for (size_t i = 0; i < reading->n_rows; i++) {
		const struct row *row = &reading->rows[i];
		if (strcmp(row->type, "table") != 0 || is_shadow(reading, row->name))
			continue;
		struct sqlite_item *item = &reading->tables[reading->n_tables];
		const char *why;
		bool parsed = sqlite_parse(reading->arena, row->sql, &(struct sqlite_context){ NULL, NULL }, item, &why);
		item->name = row->name;
		if (!parsed || !table_agrees(item, listed_find(reading, row->name), &why)) {
			row_unread(read, row, why);
			continue;
		}
		item_add(read, item);
		reading->n_tables++;
	}
	if (reading->n_tables > 0)
		qsort(reading->tables, reading->n_tables, sizeof *reading->tables, item_compare);
}

// All that a name in double quotes may stand for in a view or a trigger.
static struct sqlite_names all_names(struct reading *reading)
{
	struct sqlite_names names = { 0 };
	for (size_t i = 0; i < reading->n_rows; i++) {
		const struct row *row = &reading->rows[i];
		sqlite_names_add(reading->arena, &names, row->name);
		if (strcmp(row->type, "view") == 0 || strcmp(row->type, "trigger") == 0)
			sqlite_names_collect(reading->arena, &names, row->sql);
	}
	for (size_t i = 0; i < reading->n_tables; i++) {
		for (size_t j = 0; j < reading->tables[i].n_columns; j++)
			sqlite_names_add(reading->arena, &names, reading->tables[i].columns[j].name);
	}
	sqlite_names_sort(&names);
	return names;
}

static void others_parse(struct reading *reading, struct sqlite_read *read)
{
	struct sqlite_names names = all_names(reading);
	for (size_t i = 0; i < reading->n_rows; i++) {
		const struct row *row = &reading->rows[i];
		if (strcmp(row->type, "table") == 0 || is_shadow(reading, row->table))
			continue;
		bool index = strcmp(row->type, "index") == 0;
		const struct sqlite_item *table = table_find(reading, row->table);
		const struct sqlite_context context = { index ? table : NULL, &names };
		struct sqlite_item item;
		const char *why = "the definition of what it is on is not understood";
		if ((index && table == NULL) || is_unread(read->snapshot, row->table) ||
		    !sqlite_parse(reading->arena, row->sql, &context, &item, &why)) {
			row_unread(read, row, why);
			continue;
		}
		item.name = row->name;
		item.table = table != NULL ? table->name : row->table;
		item_add(read, &item);
	}
}

static void objects_make(struct reading *reading, struct snapshot *snapshot)
{
	struct sqlite_read read = { snapshot, reading->arena };
	tables_parse(reading, &read);
	others_parse(reading, &read);
	snapshot->complete = snapshot->n_unread == 0;
	snapshot_sort(snapshot);
}

struct snapshot *sqlite_read(struct arena *arena, const char *path, const struct read_options *options, struct err *err)
{
	for (int attempt = 1;; attempt++) {
		struct snapshot *snapshot = snapshot_new(arena, ENGINE_SQLITE);
		snapshot->groups = GROUPS_ALL; // there is nothing that has to be asked for
		snapshot->major = 3;
		snapshot->server = arena_strdup(arena, sqlite3_libversion());
		snapshot->database = arena_strdup(arena, path);

		auto_sqlite_session session;
		struct reading reading = { .arena = arena, .options = options, .session = &session };
		struct version_table before;
		if (!sqlite_session_open(&session, path, options, err) || !version_read(&reading, &before, err))
			return NULL;
		snapshot->version = before;
		if (options->versions_only)
			return snapshot;
		if (!schema_read(&reading, err) || !version_read(&reading, &snapshot->version, err))
			return NULL;
		if (version_table_equal(&before, &snapshot->version)) {
			objects_make(&reading, snapshot);
			return snapshot;
		}
		if (attempt == VERSION_TRIES) {
			err_set(err, "deploy-in-flight", session.where, "run again when the deploy is done",
			        "migrations are being applied right now: the version table changed while we read");
			return NULL;
		}
		clock_wait_ms(500 * attempt);
	}
}
