// SPDX-License-Identifier: PostgreSQL
// Folders and databases for the tests of the SQLite reader: see sqlite_files.h.
#include "config.h"

#include "tests/sqlite_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_parse.h"

char folder[64];

static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	if (dir == NULL) {
		unlink(path);
		return;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char name[512];
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_tree(name);
	}
	closedir(dir);
	rmdir(path);
}

int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/driftcheck-test-XXXXXX");
	return mkdtemp(folder) == NULL || chmod(folder, 0755) != 0;
}

int folder_drop(void **state)
{
	(void)state;
	remove_tree(folder);
	return 0;
}

// A folder of its own beneath it for one case.
const char *subfolder(struct arena *arena, const char *name, mode_t mode, uid_t owner)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

// Names, owners, sizes, times and contents of all that is in a folder.
const char *folder_print(struct arena *arena, const char *path)
{
	struct dirent **entries;
	auto_buf print = BUF_INIT;
	int n = scandir(path, &entries, NULL, alphasort);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = arena_printf(arena, "%s/%s", path, entries[i]->d_name);
		struct stat status;
		assert_int_equal(lstat(name, &status), 0);
		uint64_t hash = 14695981039346656037u;
		auto_file file = S_ISREG(status.st_mode) ? fopen(name, "r") : NULL;
		for (int c; file != NULL && (c = fgetc(file)) != EOF;)
			hash = (hash ^ (unsigned char)c) * 1099511628211u;
		buf_addf(&print, "%s %o %u %lld %lld.%09ld %016jx\n", entries[i]->d_name, status.st_mode, status.st_uid,
		         (long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec, (uintmax_t)hash);
		free(entries[i]);
	}
	free(entries);
	return buf_copy(&print, arena);
}

bool folder_is_empty(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n == 2;
}

void file_write(const char *path, const void *bytes, size_t n)
{
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
}

void file_copy(const char *from, const char *to)
{
	auto_file in = fopen(from, "r");
	auto_file out = fopen(to, "w");
	assert_non_null(in);
	assert_non_null(out);
	for (int c; (c = fgetc(in)) != EOF;)
		fputc(c, out);
}

bool file_exists(const char *path, const char *suffix)
{
	char name[512];
	snprintf(name, sizeof name, "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

sqlite3 *database_open(const char *path)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

void execute(sqlite3 *db, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s\nin: %s", message, sql);
}

const char *database_make(struct arena *arena, const char *path, const char *sql)
{
	unlink(path);
	auto_sqlite db = database_open(path);
	execute(db, "PRAGMA synchronous = OFF");
	execute(db, sql);
	return arena_strdup(arena, path);
}

const char *scratch_database(struct arena *arena, const char *name, const char *sql)
{
	return database_make(arena, arena_printf(arena, "%s/%s.db", folder, name), sql);
}

struct snapshot *read_with(struct arena *arena, const char *path, const struct read_options *options)
{
	struct err err;
	struct snapshot *snapshot = sqlite_read(arena, path, options, &err);
	if (snapshot == NULL)
		fail_msg("%s: %s: %s", path, err.code, err.text);
	return snapshot;
}

struct snapshot *read_database(struct arena *arena, const char *path)
{
	struct snapshot *snapshot = read_with(arena, path, &(struct read_options){ 0 });
	for (size_t i = 0; i < snapshot->n_unread; i++)
		fail_msg("%s: unread: %s", snapshot->unread[i].path[0], snapshot->unread[i].why);
	assert_true(snapshot->complete);
	return snapshot;
}

static void add_object(struct buf *buf, char mark, const struct object *object)
{
	buf_addf(buf, "%c %s ", mark, object->kind->name);
	object_name(buf, object);
	buf_adds(buf, "\n");
}

const char *differences(struct arena *arena, const struct snapshot *a, const struct snapshot *b)
{
	auto_buf list = BUF_INIT;
	for (size_t i = 0, j = 0; i < a->n_objects || j < b->n_objects;) {
		int order = i == a->n_objects ? 1 : j == b->n_objects ? -1 : 0;
		if (order == 0)
			order = object_compare(ENGINE_SQLITE, a->objects[i], b->objects[j]);
		if (order != 0) {
			add_object(&list, order < 0 ? '-' : '+', order < 0 ? a->objects[i++] : b->objects[j++]);
			continue;
		}
		const struct object *x = a->objects[i++], *y = b->objects[j++];
		for (unsigned k = 0; k < x->kind->n_attrs; k++) {
			const char *value_x = x->values[k], *value_y = y->values[k];
			bool equal = value_x == value_y || (value_x != NULL && value_y != NULL && strcmp(value_x, value_y) == 0);
			if (equal || x->kind->attrs[k].group != GROUP_STRUCTURE)
				continue;
			buf_addf(&list, "%s ", x->kind->name);
			object_name(&list, x);
			buf_addf(&list, ": %s\n", x->kind->attrs[k].name);
		}
	}
	return buf_copy(&list, arena);
}

sqlite3_stmt *query(sqlite3 *db, const char *sql, const char *argument)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (argument != NULL)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_TRANSIENT);
	return statement;
}

const char *text_of(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

struct sqlite_item parse(struct arena *arena, const char *sql, const struct sqlite_item *table, const struct sqlite_names *names)
{
	struct sqlite_item item;
	const char *why;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ table, names }, &item, &why))
		fail_msg("%s\nin: %s", why, sql);
	return item;
}
