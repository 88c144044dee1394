// SPDX-License-Identifier: PostgreSQL
// Reading SQLite databases: what must be equal, what must differ and in what, the parser against SQLite's own pragmas and
// against any bytes, and that opening a live file leaves no trace.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/reader.h"
#include "introspect/sqlite_handles.h"
#include "introspect/sqlite_parse.h"
#include "introspect/sqlite_token.h"

enum { NOBODY = 65534 };

// Files.

static char folder[64]; // of this run

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

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/driftcheck-test-XXXXXX");
	return mkdtemp(folder) == NULL || chmod(folder, 0755) != 0;
}

static int folder_drop(void **state)
{
	(void)state;
	remove_tree(folder);
	return 0;
}

// A folder of its own beneath it for one case.
static const char *subfolder(struct arena *arena, const char *name, mode_t mode, uid_t owner)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

// Names, owners, sizes, times and contents of all that is in a folder.
static const char *folder_print(struct arena *arena, const char *path)
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
		buf_addf(&print, "%s %o %u %lld %lld.%09ld %llx\n", entries[i]->d_name, status.st_mode, status.st_uid,
		         (long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec, (unsigned long long)hash);
		free(entries[i]);
	}
	free(entries);
	return buf_copy(&print, arena);
}

static bool folder_is_empty(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n == 2;
}

static void file_write(const char *path, const void *bytes, size_t n)
{
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
}

static void file_copy(const char *from, const char *to)
{
	auto_file in = fopen(from, "r");
	auto_file out = fopen(to, "w");
	assert_non_null(in);
	assert_non_null(out);
	for (int c; (c = fgetc(in)) != EOF;)
		fputc(c, out);
}

static bool file_exists(const char *path, const char *suffix)
{
	char name[512];
	snprintf(name, sizeof name, "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

static sqlite3 *database_open(const char *path)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void execute(sqlite3 *db, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s\nin: %s", message, sql);
}

static const char *database_make(struct arena *arena, const char *path, const char *sql)
{
	unlink(path);
	auto_sqlite db = database_open(path);
	execute(db, "PRAGMA synchronous = OFF");
	execute(db, sql);
	return arena_strdup(arena, path);
}

static const char *scratch_database(struct arena *arena, const char *name, const char *sql)
{
	return database_make(arena, arena_printf(arena, "%s/%s.db", folder, name), sql);
}

static struct snapshot *read_with(struct arena *arena, const char *path, const struct read_options *options)
{
	struct err err;
	struct snapshot *snapshot = sqlite_read(arena, path, options, &err);
	if (snapshot == NULL)
		fail_msg("%s: %s: %s", path, err.code, err.text);
	return snapshot;
}

static struct snapshot *read_database(struct arena *arena, const char *path)
{
	struct snapshot *snapshot = read_with(arena, path, &(struct read_options){ 0 });
	for (size_t i = 0; i < snapshot->n_unread; i++)
		fail_msg("%s: unread: %s", snapshot->unread[i].path[0], snapshot->unread[i].why);
	assert_true(snapshot->complete);
	return snapshot;
}

// Comparing.

static void add_object(struct buf *buf, char mark, const struct object *object)
{
	buf_addf(buf, "%c %s ", mark, object->kind->name);
	object_name(buf, object);
	buf_adds(buf, "\n");
}

static const char *differences(struct arena *arena, const struct snapshot *a, const struct snapshot *b)
{
	auto_buf list = BUF_INIT;
	for (size_t i = 0, j = 0; i < a->n_objects || j < b->n_objects;) {
		int order = i == a->n_objects ? 1 : j == b->n_objects ? -1 : object_compare(ENGINE_SQLITE, a->objects[i], b->objects[j]);
		if (order != 0) {
			add_object(&list, order < 0 ? '-' : '+', order < 0 ? a->objects[i++] : b->objects[j++]);
			continue;
		}
		const struct object *x = a->objects[i++], *y = b->objects[j++];
		for (unsigned k = 0; k < x->kind->n_attrs; k++) {
			if (x->values[k] == y->values[k] || (x->values[k] != NULL && y->values[k] != NULL && strcmp(x->values[k], y->values[k]) == 0))
				continue;
			buf_addf(&list, "%s ", x->kind->name);
			object_name(&list, x);
			buf_addf(&list, ": %s\n", x->kind->attrs[k].name);
		}
	}
	return buf_copy(&list, arena);
}

static const char *value(const struct snapshot *snapshot, const char *kind, const char *const *path, unsigned n_path, const char *attr)
{
	const struct object *object = snapshot_find(snapshot, kind_find(kind), path, n_path);
	if (object == NULL)
		fail_msg("no %s %s", kind, path[n_path - 1]);
	return object->values[kind_attr(object->kind, attr)];
}

#define PATH(...) (const char *const[]){ __VA_ARGS__ }, sizeof(const char *const[]){ __VA_ARGS__ } / sizeof(char *)

// Fixtures.

static const struct { const char *a, *b; } equal_pairs[] = {
	{ "CREATE TABLE t(a INT, b TEXT)", "create  table \"t\" ( [a] int , `b` text ) ; " },
	{ "CREATE TABLE t(a INT)", "CREATE TABLE t(--c\n a /* , b */ INT\n/* end */)" },
	{ "CREATE TABLE T(A INT)", "CREATE TABLE t(a INT)" },
	{ "CREATE TABLE 't'('a' 'INT')", "CREATE TABLE t(a INT)" },
	{ "CREATE TABLE t(a VARCHAR(10), b DECIMAL(10,2))", "CREATE TABLE t(a varchar ( 10 ), b Decimal( 10 , 2 ))" },
	{ "CREATE TABLE t(a UNSIGNED BIG INT)", "CREATE TABLE t(a unsigned  big\nint)" },
	{ "CREATE TABLE t(a TIMESTAMP WITH TIME ZONE)", "CREATE TABLE t(a timestamp with time zone)" },
	{ "CREATE TABLE t(a DEFAULT 0)", "CREATE TABLE t(a DEFAULT (0))" },
	{ "CREATE TABLE t(a DEFAULT -1)", "CREATE TABLE t(a DEFAULT ((- 1)))" },
	{ "CREATE TABLE t(a DEFAULT 'x')", "CREATE TABLE t(a DEFAULT \"x\")" },
	{ "CREATE TABLE t(a DEFAULT 'it''s')", "CREATE TABLE t(a DEFAULT \"it's\")" },
	{ "CREATE TABLE t(a DEFAULT Foo)", "CREATE TABLE t(a DEFAULT 'Foo')" },
	{ "CREATE TABLE t(a DEFAULT NULL)", "CREATE TABLE t(a)" },
	{ "CREATE TABLE t(a DEFAULT current_timestamp)", "CREATE TABLE t(a DEFAULT (CURRENT_TIMESTAMP))" },
	{ "CREATE TABLE t(a DEFAULT true)", "CREATE TABLE t(a DEFAULT (TRUE))" },
	{ "CREATE TABLE t(a DEFAULT (datetime( 'now' )))", "CREATE TABLE t(a DEFAULT (DATETIME('now')))" },
	{ "CREATE TABLE t(a NULL)", "CREATE TABLE t(a)" },
	{ "CREATE TABLE t(a NOT NULL ON CONFLICT ABORT)", "CREATE TABLE t(a CONSTRAINT nn NOT NULL)" },
	{ "CREATE TABLE t(a COLLATE binary)", "CREATE TABLE t(a)" },
	{ "CREATE TABLE t(a COLLATE nocase)", "CREATE TABLE t(a COLLATE \"NoCase\")" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY)", "CREATE TABLE t(a INTEGER, PRIMARY KEY (A ASC))" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY ASC AUTOINCREMENT)", "CREATE TABLE t(a INTEGER, PRIMARY KEY(\"a\" AUTOINCREMENT))" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY)", "CREATE TABLE t(a INTEGER, PRIMARY KEY (a DESC))" },
	{ "CREATE TABLE t(a TEXT PRIMARY KEY DESC)", "CREATE TABLE t(a TEXT, PRIMARY KEY (a DESC))" },
	{ "CREATE TABLE t(a UNIQUE)", "CREATE TABLE t(a, UNIQUE ('a'))" },
	{ "CREATE TABLE t(a CONSTRAINT u UNIQUE)", "CREATE TABLE t(a, CONSTRAINT \"u\" UNIQUE (a))" },
	{ "CREATE TABLE t(a COLLATE NOCASE, UNIQUE(a COLLATE nocase))", "CREATE TABLE t(a UNIQUE COLLATE NOCASE)" },
	{ "CREATE TABLE t(a, b, UNIQUE(a,b), UNIQUE(b))", "CREATE TABLE t(a, b, UNIQUE(b) UNIQUE(a, b))" },
	{ "CREATE TABLE t(a, UNIQUE(a), UNIQUE(a))", "CREATE TABLE t(a UNIQUE)" },
	{ "CREATE TABLE t(a CHECK (a>0))", "CREATE TABLE t(a, CHECK(( (\"A\" > 0) )))" },
	{ "CREATE TABLE t(a, CHECK (a == 1 AND a != 2))", "CREATE TABLE t(a, CHECK (a = 1 and a <> 2))" },
	{ "CREATE TABLE t(a CHECK (a IN ('x','Y')))", "CREATE TABLE t(a CHECK (a in (\"x\", \"Y\")))" },
	{ "CREATE TABLE t(a, b CHECK (\"a\" > 0))", "CREATE TABLE t(a, b CHECK (a > 0))" },
	{ "CREATE TABLE t(a CHECK (Replace(a, 'x', '') LIKE '%'))", "CREATE TABLE t(a CHECK (\"replace\"([a],'x','') like '%'))" },
	{ "CREATE TABLE t(key, CHECK (key NOT LIKE 'a' AND like(key, 'b')))", "CREATE TABLE t(\"key\", CHECK ([key] not like 'a' and LIKE(\"key\",'b')))" },
	{ "CREATE TABLE t(\"end\", CHECK (CASE WHEN \"end\" THEN 1 ELSE \"end\" END))", "CREATE TABLE t(`end`, CHECK (case when `END` then 1 else [end] end))" },
	{ "CREATE TABLE t(left, right, CHECK (left < right))", "CREATE TABLE t(\"left\", \"right\", CHECK (\"left\" < \"right\"))" },
	{ "CREATE TABLE t(a, b GENERATED ALWAYS AS (a+1))", "CREATE TABLE t(a, b AS ((a + 1)) VIRTUAL)" },
	{ "CREATE TABLE t(a INT, b INT GENERATED ALWAYS AS (a) STORED)", "CREATE TABLE t(a INT, b INT AS (\"A\") STORED)" },
	{ "CREATE TABLE p(x PRIMARY KEY); CREATE TABLE t(a REFERENCES p(x) ON DELETE CASCADE)",
	  "CREATE TABLE p(x PRIMARY KEY); CREATE TABLE t(a, FOREIGN KEY (a) REFERENCES P (X) ON UPDATE NO ACTION ON DELETE CASCADE NOT DEFERRABLE)" },
	{ "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)", "CREATE TABLE t(a, FOREIGN KEY(a) REFERENCES \"p\" MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED)" },
	{ "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY IMMEDIATE)", "CREATE TABLE t(a REFERENCES p)" },
	{ "CREATE TABLE t(a REFERENCES p, b DEFERRABLE INITIALLY DEFERRED)", "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b)" },
	{ "CREATE TABLE t(a REFERENCES p, FOREIGN KEY (a) REFERENCES q)", "CREATE TABLE t(a, FOREIGN KEY (a) REFERENCES q, FOREIGN KEY (a) REFERENCES p)" },
	{ "CREATE TABLE t(a CONSTRAINT unused, b, CONSTRAINT x CONSTRAINT y UNIQUE(b))", "CREATE TABLE t(a, b, CONSTRAINT y UNIQUE(b))" },
	{ "CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY) without rowid" },
	{ "CREATE TABLE t(a TEXT, PRIMARY KEY(a)) STRICT", "CREATE TABLE t(a TEXT NOT NULL, PRIMARY KEY(a)) strict" },
	{ "CREATE TABLE t(a INT PRIMARY KEY) STRICT, WITHOUT ROWID", "CREATE TABLE t(a INT PRIMARY KEY) WITHOUT ROWID, STRICT" },
	// ALTER TABLE edits the stored text
	{ "CREATE TABLE t(a INT, CHECK (a > 0)); ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x'",
	  "CREATE TABLE t(a INT, b TEXT DEFAULT 'x' NOT NULL, CHECK (a > 0))" },
	{ "CREATE TABLE o(a INT REFERENCES o(a)); CREATE INDEX i ON o(a); CREATE TRIGGER g AFTER INSERT ON o BEGIN DELETE FROM o; END; "
	  "CREATE VIEW v AS SELECT o.a FROM o; ALTER TABLE o RENAME TO t",
	  "CREATE TABLE t(a INT REFERENCES t(a)); CREATE INDEX i ON t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END; "
	  "CREATE VIEW v AS SELECT t.a FROM t" },
	{ "CREATE TABLE t(o INT CHECK (o > 0), UNIQUE (o)); CREATE INDEX i ON t(lower(o)) WHERE o IS NOT NULL; "
	  "CREATE TRIGGER g AFTER UPDATE OF o ON t WHEN new.o > 1 BEGIN UPDATE t SET o = new.o; END; ALTER TABLE t RENAME COLUMN o TO \"New\"",
	  "CREATE TABLE t(new INT CHECK (new > 0), UNIQUE (new)); CREATE INDEX i ON t(lower(new)) WHERE new IS NOT NULL; "
	  "CREATE TRIGGER g AFTER UPDATE OF new ON t WHEN new.new > 1 BEGIN UPDATE t SET new = new.new; END" },
	{ "CREATE TABLE t(a INT, b INT, c INT); ALTER TABLE t DROP COLUMN b", "CREATE TABLE t(a INT, c INT)" },
	{ "CREATE TABLE s(a VARCHAR(3), b REAL); CREATE TABLE t AS SELECT a, b, a || b AS c FROM s",
	  "CREATE TABLE s(a VARCHAR(3), b REAL); CREATE TABLE t(a TEXT, b REAL, c)" },
	// indexes
	{ "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b DESC)", "CREATE TABLE t(a, b); CREATE INDEX IF NOT EXISTS main.\"i\" ON \"t\" (\"a\" ASC, [b] desc)" },
	{ "CREATE TABLE t(a COLLATE NOCASE); CREATE INDEX i ON t(a COLLATE nocase)", "CREATE TABLE t(a COLLATE NOCASE); CREATE INDEX i ON t(a)" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a COLLATE BINARY)", "CREATE TABLE t(a); CREATE INDEX i ON t((a))" },
	{ "CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(lower(a)) WHERE (a IS NOT NULL)",
	  "CREATE TABLE t(a); create unique index i on t( (LOWER( \"a\" )) ) where a is not null" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a = 'x'", "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a = \"x\"" },
	// views
	{ "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a",
	  "CREATE TABLE t(a, b); create view if not exists \"v\" as select \"a\", COUNT( * ) as \"N\" from [t] group by `A`" },
	{ "CREATE TABLE t(a); CREATE VIEW v(x, y) AS SELECT a, 1 FROM t", "CREATE TABLE t(a); CREATE VIEW v( \"x\",[Y] ) AS SELECT a,1 FROM t" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a \"Total\" FROM t ORDER BY \"Total\"", "CREATE TABLE t(a); CREATE VIEW v AS SELECT a total FROM t ORDER BY total" },
	{ "CREATE TABLE t(key); CREATE VIEW v AS SELECT key key, t.key FROM t", "CREATE TABLE t(key); CREATE VIEW v AS SELECT \"key\" \"key\", t.\"key\" FROM t" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT -a, - -a, +a, ~a, a - 1 FROM t", "CREATE TABLE t(a); CREATE VIEW v AS SELECT - a, - - a, + a, ~ a, a-1 FROM t" },
	// triggers
	{ "CREATE TABLE t(a); CREATE TRIGGER g INSERT ON t BEGIN SELECT 1; END",
	  "CREATE TABLE t(a); CREATE TRIGGER IF NOT EXISTS \"g\" BEFORE INSERT ON \"t\" FOR EACH ROW BEGIN SELECT 1; END" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER UPDATE OF a ON t WHEN new.a > old.a BEGIN INSERT OR IGNORE INTO t(a) VALUES (1); END",
	  "CREATE TABLE t(a); create trigger g after update of \"a\" on t when (NEW.a > OLD.a) begin insert or ignore into \"t\" ([a]) values(1);end" },
	// virtual tables and what is SQLite's own
	{ "CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize = 'porter')", "create virtual table \"f\" using FTS5 (title,body,/* */tokenize='porter')" },
	{ "CREATE VIRTUAL TABLE o USING fts5(a); ALTER TABLE o RENAME TO f", "CREATE VIRTUAL TABLE f USING fts5(a)" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); CREATE INDEX i ON t(a); ANALYZE",
	  "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE INDEX i ON t(a)" },
};

static void formatting_is_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof equal_pairs / sizeof *equal_pairs; i++) {
		auto_arena arena = arena_new();
		const struct snapshot *a = read_database(arena, scratch_database(arena, "a", equal_pairs[i].a));
		const struct snapshot *b = read_database(arena, scratch_database(arena, "b", equal_pairs[i].b));
		const char *list = differences(arena, a, b);
		if (*list != '\0')
			print_message("%s\n%s\n", equal_pairs[i].a, equal_pairs[i].b);
		assert_string_equal(list, "");
	}
}

static const struct { const char *a, *b, *difference; } different_pairs[] = {
	{ "CREATE TABLE t(a INT)", "CREATE TABLE t(a INT) STRICT", "table t: strict\n" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY, b)", "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)", "table t: autoincrement\n" },
	{ "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY)", "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID", "table t: without_rowid\n" },
	{ "CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE f USING fts5(a, b)", "table f: module\n" },
	{ "CREATE TABLE t(a INT PRIMARY KEY)", "CREATE TABLE t(a INTEGER PRIMARY KEY)", "column t.a: type\n" },
	{ "CREATE TABLE t(a VARCHAR(10))", "CREATE TABLE t(a VARCHAR(11))", "column t.a: type\n" },
	{ "CREATE TABLE t(a)", "CREATE TABLE t(a TEXT)", "column t.a: type\n" },
	{ "CREATE TABLE t(a TEXT)", "CREATE TABLE t(a TEXT COLLATE NOCASE)", "column t.a: collation\n" },
	{ "CREATE TABLE t(a DEFAULT 0)", "CREATE TABLE t(a DEFAULT 1)", "column t.a: default\n" },
	{ "CREATE TABLE t(a DEFAULT 'x')", "CREATE TABLE t(a DEFAULT 'X')", "column t.a: default\n" },
	{ "CREATE TABLE t(a DEFAULT 0)", "CREATE TABLE t(a DEFAULT '0')", "column t.a: default\n" },
	{ "CREATE TABLE t(a DEFAULT true)", "CREATE TABLE t(a DEFAULT \"true\")", "column t.a: default\n" },
	{ "CREATE TABLE t(a)", "CREATE TABLE t(a DEFAULT 'NULL')", "column t.a: default\n" },
	{ "CREATE TABLE t(a DEFAULT CURRENT_DATE)", "CREATE TABLE t(a DEFAULT 'CURRENT_DATE')", "column t.a: default\n" },
	{ "CREATE TABLE t(a)", "CREATE TABLE t(a NOT NULL)", "column t.a: not_null\n" },
	{ "CREATE TABLE t(a NOT NULL)", "CREATE TABLE t(a NOT NULL ON CONFLICT REPLACE)", "column t.a: conflict\n" },
	{ "CREATE TABLE t(a, b AS (a + 1))", "CREATE TABLE t(a, b AS (a + 2))", "column t.b: generated\n" },
	{ "CREATE TABLE t(a, b AS (a + 1) STORED)", "CREATE TABLE t(a, b AS (a + 1))", "column t.b: generated\n" },
	{ "CREATE TABLE t(a, b, CONSTRAINT k PRIMARY KEY (a))", "CREATE TABLE t(a, b, CONSTRAINT k UNIQUE (a))", "constraint t.k: type\n" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY)", "CREATE TABLE t(a INTEGER PRIMARY KEY DESC)", "constraint t.primary_key: columns\n" },
	{ "CREATE TABLE t(a, b, PRIMARY KEY (a, b))", "CREATE TABLE t(a, b, PRIMARY KEY (b, a))", "constraint t.primary_key: columns\n" },
	{ "CREATE TABLE t(a UNIQUE)", "CREATE TABLE t(a, UNIQUE (a COLLATE NOCASE))", "constraint t.\"unique(a)\": columns\n" },
	{ "CREATE TABLE t(a UNIQUE)", "CREATE TABLE t(a UNIQUE ON CONFLICT IGNORE)", "constraint t.\"unique(a)\": conflict\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a > 0))", "CREATE TABLE t(a CONSTRAINT c CHECK (a >= 0))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a = 'x'))", "CREATE TABLE t(a CONSTRAINT c CHECK (a = \"X\"))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a + 1 * 2))", "CREATE TABLE t(a CONSTRAINT c CHECK ((a + 1) * 2))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a REFERENCES p)", "CREATE TABLE t(a REFERENCES q)", "constraint t.\"foreign_key(a)\": references\n" },
	{ "CREATE TABLE t(a REFERENCES p(x))", "CREATE TABLE t(a REFERENCES p(y))", "constraint t.\"foreign_key(a)\": references\n" },
	{ "CREATE TABLE t(a REFERENCES p ON DELETE CASCADE)", "CREATE TABLE t(a REFERENCES p ON DELETE SET NULL)", "constraint t.\"foreign_key(a)\": on_delete\n" },
	{ "CREATE TABLE t(a REFERENCES p)", "CREATE TABLE t(a REFERENCES p ON UPDATE RESTRICT)", "constraint t.\"foreign_key(a)\": on_update\n" },
	{ "CREATE TABLE t(a REFERENCES p)", "CREATE TABLE t(a REFERENCES p MATCH FULL)", "constraint t.\"foreign_key(a)\": match\n" },
	{ "CREATE TABLE t(a REFERENCES p)", "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)", "constraint t.\"foreign_key(a)\": deferrable\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(a)", "index t.i: unique\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE TABLE t(a); CREATE INDEX i ON t(a DESC)", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE TABLE t(a); CREATE INDEX i ON t(a COLLATE NOCASE)", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(lower(a))", "CREATE TABLE t(a); CREATE INDEX i ON t(upper(a))", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)", "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a > 0", "index t.i: predicate\n" },
	{ "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a FROM t", "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT b FROM t", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT 'x' FROM t", "CREATE TABLE t(a); CREATE VIEW v AS SELECT 'X' FROM t", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t", "CREATE TABLE t(a); CREATE VIEW v(b) AS SELECT a FROM t", "view v: columns\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t WHERE a = \"Yes\"", "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t WHERE a = \"yes\"", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 2; END", "trigger t.g: definition\n" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "CREATE TABLE t(a); CREATE TRIGGER g INSERT ON t BEGIN SELECT 1; END", "trigger t.g: definition\n" },
};

static void each_attribute_is_a_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof different_pairs / sizeof *different_pairs; i++) {
		auto_arena arena = arena_new();
		const struct snapshot *a = read_database(arena, scratch_database(arena, "a", different_pairs[i].a));
		const struct snapshot *b = read_database(arena, scratch_database(arena, "b", different_pairs[i].b));
		assert_string_equal(differences(arena, a, b), different_pairs[i].difference);
	}
}

// Words that are keywords in one place and names in another, odd grammar, and shapes of real schemas.
static const char *const schemas[] = {
	"CREATE TABLE abort(action, after, always, analyze, asc, attach, before, begin, by, cascade, cast, column, conflict, cross, current, "
	"database, deferred, desc, detach, do, each, end, exclude, exclusive, explain, fail, filter, first, following, for, full, generated, "
	"glob, groups, if, ignore, immediate, indexed, initially, inner, instead, key, last, left, like, match, materialized, natural, no, "
	"nulls, of, offset, others, outer, over, partition, plan, pragma, preceding, query, raise, range, recursive, regexp, reindex, release, "
	"rename, replace, restrict, right, rollback, row, rows, savepoint, temp, temporary, ties, trigger, unbounded, vacuum, view, virtual, "
	"window, with, without, CHECK (action + after + asc + before + begin + by + conflict + current + desc + do + end + exclude + key + "
	"left + like + match + no + of + offset + over + range + replace + row + rows + temp + view + window > 0)); "
	"CREATE INDEX \"if\" ON abort(if, key desc, asc asc, desc desc, end) WHERE left IS NOT NULL AND right NOT LIKE 'x' ESCAPE '!' AND no NOTNULL; "
	"CREATE VIEW replace AS SELECT key AS key, abort.end, row AS \"row\", replace(plan, 'a', 'b') AS replace, like(left, right), "
	"glob('a*', \"match\"), CASE begin WHEN 1 THEN 2 ELSE 3 END AS \"case\", 1 IN (SELECT of FROM abort), key NOT IN (1, 2), "
	"row NOT BETWEEN 1 AND 2, key IS NOT DISTINCT FROM 1, key ISNULL, x'00ff', CAST(key AS VARCHAR(10)), key COLLATE nocase "
	"FROM abort NATURAL LEFT OUTER JOIN abort b CROSS JOIN abort AS \"do\" WHERE EXISTS (SELECT 1) GROUP BY key, (row) HAVING count(*) > 1 "
	"ORDER BY key ASC NULLS FIRST, row DESC NULLS LAST LIMIT 1 OFFSET 2",
	"CREATE TABLE t(a INT, b INT, c TEXT); CREATE VIEW w AS SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING "
	"AND 1 FOLLOWING EXCLUDE TIES) AS r, sum(b) FILTER (WHERE a > 0) OVER win, max(b) OVER (ROWS 2 PRECEDING), min(b) OVER (win RANGE BETWEEN "
	"CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS), avg(b) OVER (GROUPS CURRENT ROW), total(b) OVER (ORDER BY a ROWS UNBOUNDED PRECEDING "
	"EXCLUDE CURRENT ROW) FROM t WINDOW win AS (PARTITION BY c), w2 AS (ORDER BY a); "
	"CREATE VIEW r AS WITH RECURSIVE n(i) AS NOT MATERIALIZED (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9), m AS MATERIALIZED (SELECT 1 AS x) "
	"SELECT i, x, (SELECT max(a) FROM t WHERE t.a = n.i) FROM n, m UNION SELECT 1, 2, 3 EXCEPT SELECT 4, 5, 6 INTERSECT SELECT 7, 8, 9; "
	"CREATE VIEW j AS SELECT t.c -> '$.a', t.c ->> '$.b', t.c -> \"x\" FROM t INDEXED BY i LEFT JOIN json_each(t.c) AS e ON e.key = t.a JOIN t AS t2 USING (a); "
	"CREATE INDEX i ON t(a); CREATE INDEX i2 ON t(c ->> 'x', a + b, (a), coalesce(b, -1) DESC, c COLLATE NOCASE)",
	"CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, n INT, end); CREATE TABLE log(at DEFAULT CURRENT_TIMESTAMP, what TEXT); "
	"CREATE TRIGGER g1 AFTER INSERT ON t WHEN CASE WHEN new.end THEN 1 ELSE new.b END BEGIN "
	"INSERT INTO log(what) SELECT 'a;b' WHERE new.b <> 'END'; UPDATE OR IGNORE t SET n = n + 1, b = CASE n WHEN 1 THEN 'x' END WHERE a = new.a; "
	"DELETE FROM log WHERE what = old_value(1); REPLACE INTO log VALUES (1, 2); SELECT RAISE(ABORT, 'no') WHERE new.n < 0; "
	"INSERT INTO t(b) VALUES (new.b) ON CONFLICT (b) DO UPDATE SET n = excluded.n WHERE n > 1 ON CONFLICT DO NOTHING; "
	"INSERT OR ROLLBACK INTO log(what) SELECT x FROM (SELECT 1 AS x) AS c; "
	"UPDATE t SET (b, n) = (SELECT 1, 2) FROM log WHERE log.at = t.a; END; "
	"CREATE TRIGGER g2 BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE), RAISE(ROLLBACK, 'x'), RAISE(FAIL, 'y'); END; "
	"CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER g3 INSTEAD OF UPDATE OF a, b ON v FOR EACH ROW BEGIN SELECT new.*; END",
	"CREATE TABLE \"odd \"\"name\"(\"a b\" INT, [c\"d] TEXT, `e``f` INT, \"\xc3\xa9t\xc3\xa9\" REAL, \"select\" INT, UNIQUE (\"a b\", \"select\"), "
	"CHECK (\"select\" > \"a b\"), FOREIGN KEY (\"a b\") REFERENCES \"odd \"\"name\"(\"select\")); CREATE INDEX \"i i\" ON \"odd \"\"name\"(\"\xc3\xa9t\xc3\xa9\")",
	"CREATE TABLE users(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, email VARCHAR(255) NOT NULL COLLATE NOCASE CONSTRAINT users_email_key UNIQUE ON CONFLICT FAIL "
	"CHECK (email LIKE '%@%'), state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'paid', 'void')), balance DECIMAL(12, 2) DEFAULT 0.00, "
	"created_at DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')), parent INT REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE MATCH FULL "
	"NOT DEFERRABLE INITIALLY IMMEDIATE, full TEXT GENERATED ALWAYS AS (email || ' ' || state) STORED, short AS (substr(email, 1, 3)), "
	"CONSTRAINT one UNIQUE (state, email DESC) ON CONFLICT REPLACE CONSTRAINT two CHECK (balance >= 0) ON CONFLICT IGNORE, "
	"FOREIGN KEY (state, email) REFERENCES other(x, y) ON INSERT CASCADE ON DELETE SET DEFAULT ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED)",
	"CREATE TABLE w(a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (b DESC, a COLLATE BINARY, a)) WITHOUT ROWID; CREATE TABLE s(a INT PRIMARY KEY, b TEXT, c ANY, d BLOB, e REAL, "
	"f INTEGER NOT NULL) STRICT; CREATE TABLE k(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b INT, UNIQUE (a), UNIQUE (b, a) ON CONFLICT IGNORE); "
	"CREATE TABLE d(a INTEGER PRIMARY KEY DESC); CREATE UNIQUE INDEX x ON w(c) WHERE c IS NOT NULL AND c NOT IN (1, 2)",
	"CREATE TABLE f(a DEFAULT 1.5e-3, b DEFAULT +0x1F, c DEFAULT x'41', d DEFAULT (1 + 2), e DEFAULT ('a' || 'b'), f DEFAULT (abs(-5)), g DEFAULT \"two words\", "
	"h DEFAULT [x], i DEFAULT key, j DEFAULT FALSE, k DEFAULT (NULL), l DEFAULT .5, m DEFAULT (CASE WHEN 1 THEN 2 END), n DEFAULT (json('[]'))); "
	"CREATE VIRTUAL TABLE ft USING fts5(title, body UNINDEXED, content = '', prefix = '2 3', tokenize = \"unicode61 remove_diacritics 2\"); "
	"CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1, +label TEXT); CREATE TABLE after_all(x REFERENCES f(a))",
};

// What SQLite says of a table, and what was parsed of it, as the same text.

static sqlite3_stmt *query(sqlite3 *db, const char *sql, const char *argument)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (argument != NULL)
		sqlite3_bind_text(statement, 1, argument, -1, SQLITE_TRANSIENT);
	return statement;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
	return (const char *)sqlite3_column_text(statement, column);
}

static struct sqlite_item parse(struct arena *arena, const char *sql, const struct sqlite_item *table, const struct sqlite_names *names)
{
	struct sqlite_item item;
	const char *why;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ table, names }, &item, &why))
		fail_msg("%s\nin: %s", why, sql);
	return item;
}

// SQLite keeps the type as it was written.
static const char *squeezed(struct arena *arena, const char *type)
{
	char *copy = arena_strdup(arena, type), *to = copy;
	for (const char *c = copy; *c != '\0'; c++) {
		if (strchr(" \t\n\"'[]`", *c) == NULL)
			*to++ = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	}
	*to = '\0';
	return copy;
}

// A default as SQLite keeps it, in canonical form.
static const char *canonical_default(struct arena *arena, const char *text)
{
	if (text == NULL)
		return NULL;
	bool plain = strpbrk(text, "(+*|") == NULL && strncmp(text, "CASE", 4) != 0;
	return parse(arena, arena_printf(arena, plain ? "CREATE TABLE t(a DEFAULT %s)" : "CREATE TABLE t(a DEFAULT (%s))", text), NULL, NULL)
		.columns[0].default_;
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *sorted_lines(struct arena *arena, const char *text)
{
	const char *lines[256];
	size_t n = 0;
	char *copy = arena_strdup(arena, text), *rest;
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL && n < 256; line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	qsort(lines, n, sizeof *lines, line_compare);
	auto_buf sorted = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
			buf_addf(&sorted, "%s\n", lines[i]);
	}
	return buf_copy(&sorted, arena);
}

static const struct sqlite_constraint *primary_key_of(const struct sqlite_item *table)
{
	for (size_t i = 0; i < table->n_constraints; i++) {
		if (table->constraints[i].type == SQLITE_PRIMARY_KEY)
			return &table->constraints[i];
	}
	return NULL;
}

static void columns_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_sqlite_stmt info = query(db, "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)", table->name);
	size_t i = 0;
	for (; sqlite3_step(info) == SQLITE_ROW; i++) {
		assert_true(i < table->n_columns);
		const struct sqlite_column *column = &table->columns[i];
		assert_string_equal(column->name, text_of(info, 0));
		assert_string_equal(squeezed(arena, column->type), squeezed(arena, text_of(info, 1)));
		assert_int_equal(column->not_null, sqlite3_column_int(info, 2));
		const char *text = canonical_default(arena, text_of(info, 3));
		assert_string_equal(column->default_ == NULL ? "none" : column->default_, text == NULL ? "none" : text);
		assert_int_equal(column->generated == NULL ? 0 : column->stored ? 3 : 2, sqlite3_column_int(info, 5));
	}
	assert_int_equal(i, table->n_columns);
}

// The keys of an index as the parser prints them; "" if one of them is an expression.
static const char *index_keys(struct arena *arena, sqlite3 *db, const char *index, const struct sqlite_item *table)
{
	auto_sqlite_stmt info = query(db, "SELECT name, desc, coll, cid FROM pragma_index_xinfo(?1) WHERE key", index);
	auto_buf keys = BUF_INIT;
	while (sqlite3_step(info) == SQLITE_ROW) {
		int cid = sqlite3_column_int(info, 3);
		if (cid < 0)
			return "";
		buf_adds(&keys, keys.length > 0 ? ", " : "");
		sqlite_name_print(&keys, text_of(info, 0));
		const char *own = table->columns[cid].collation == NULL ? "BINARY" : table->columns[cid].collation;
		auto_buf collation = BUF_INIT;
		sqlite_upper_print(&collation, text_of(info, 2));
		if (strcmp(collation.data, own) != 0)
			buf_addf(&keys, " COLLATE %s", collation.data);
		buf_adds(&keys, sqlite3_column_int(info, 1) ? " DESC" : "");
	}
	return buf_copy(&keys, arena);
}

static void keys_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_buf sqlite = BUF_INIT, parsed = BUF_INIT;
	const struct sqlite_constraint *key = primary_key_of(table);
	auto_sqlite_stmt list = query(db, "SELECT name, origin, partial, \"unique\" FROM pragma_index_list(?1)", table->name);
	bool key_has_index = false;
	while (sqlite3_step(list) == SQLITE_ROW) {
		const char *keys = index_keys(arena, db, text_of(list, 0), table);
		if (strcmp(text_of(list, 1), "c") != 0) {
			key_has_index |= strcmp(text_of(list, 1), "pk") == 0;
			buf_addf(&sqlite, "%s\n", keys);
			continue;
		}
		auto_sqlite_stmt row = query(db, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1", text_of(list, 0));
		assert_int_equal(sqlite3_step(row), SQLITE_ROW);
		struct sqlite_item index = parse(arena, text_of(row, 0), table, NULL);
		if (*keys != '\0')
			assert_string_equal(index.parts, keys);
		assert_int_equal(index.predicate != NULL, sqlite3_column_int(list, 2));
		assert_int_equal(index.unique, sqlite3_column_int(list, 3));
	}
	for (size_t i = 0; i < table->n_constraints; i++) {
		const struct sqlite_constraint *constraint = &table->constraints[i];
		if (constraint->type == SQLITE_UNIQUE || (constraint == key && key_has_index)) // a key that is the rowid has no index
			buf_addf(&parsed, "%s\n", constraint->columns);
	}
	assert_string_equal(sorted_lines(arena, parsed.data), sorted_lines(arena, sqlite.data));
}

static void foreign_keys_agree(struct arena *arena, sqlite3 *db, const struct sqlite_item *table)
{
	auto_buf sqlite = BUF_INIT, parsed = BUF_INIT, from = BUF_INIT, to = BUF_INIT;
	auto_sqlite_stmt list = query(db, "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete, lead(id) OVER (ORDER BY id, seq) "
	                                  "FROM pragma_foreign_key_list(?1) ORDER BY id, seq", table->name);
	while (sqlite3_step(list) == SQLITE_ROW) {
		buf_adds(&from, from.length > 0 ? ", " : "");
		sqlite_name_print(&from, text_of(list, 2));
		if (text_of(list, 3) != NULL) {
			buf_adds(&to, to.length > 0 ? ", " : " (");
			sqlite_name_print(&to, text_of(list, 3));
		}
		if (sqlite3_column_type(list, 6) != SQLITE_NULL && sqlite3_column_int(list, 6) == sqlite3_column_int(list, 0))
			continue;
		buf_adds(&to, to.length > 0 ? ")" : "");
		buf_addf(&sqlite, "%s -> ", from.data);
		sqlite_name_print(&sqlite, text_of(list, 1));
		buf_addf(&sqlite, "%s %s %s\n", to.data, text_of(list, 4), text_of(list, 5));
		buf_reset(&from);
		buf_reset(&to);
	}
	for (size_t i = 0; i < table->n_constraints; i++) {
		const struct sqlite_constraint *key = &table->constraints[i];
		if (key->type == SQLITE_FOREIGN_KEY)
			buf_addf(&parsed, "%s -> %s %s %s\n", key->columns, key->references, key->on_update == NULL ? "NO ACTION" : key->on_update,
			         key->on_delete == NULL ? "NO ACTION" : key->on_delete);
	}
	assert_string_equal(sorted_lines(arena, parsed.data), sorted_lines(arena, sqlite.data));
}

static void schema_agrees_with_pragmas(const char *sql)
{
	auto_arena arena = arena_new();
	auto_sqlite db = database_open(":memory:");
	execute(db, sql);
	auto_sqlite_stmt rows = query(db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", NULL);
	while (sqlite3_step(rows) == SQLITE_ROW) {
		struct sqlite_item table = parse(arena, arena_strdup(arena, text_of(rows, 0)), NULL, NULL);
		columns_agree(arena, db, &table);
		keys_agree(arena, db, &table);
		foreign_keys_agree(arena, db, &table);
	}
}

static void for_every_fixture(void (*check)(const char *sql))
{
	for (size_t i = 0; i < sizeof equal_pairs / sizeof *equal_pairs; i++) {
		check(equal_pairs[i].a);
		check(equal_pairs[i].b);
	}
	for (size_t i = 0; i < sizeof different_pairs / sizeof *different_pairs; i++) {
		check(different_pairs[i].a);
		check(different_pairs[i].b);
	}
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
		check(schemas[i]);
}

static void the_parser_agrees_with_the_pragmas(void **state)
{
	(void)state;
	for_every_fixture(schema_agrees_with_pragmas);
}

// A snapshot as SQL again: what was read must be valid, and must say all.

static bool is_child_of(const struct object *object, const struct object *table, const char *kind)
{
	return strcmp(object->kind->name, kind) == 0 && object->n_path == 2 && sqlite3_stricmp(object->path[0], table->path[0]) == 0;
}

static const char *attribute(const struct object *object, const char *name)
{
	return object->values[kind_attr(object->kind, name)];
}

static void add_clause(struct buf *sql, const char *before, const char *text, const char *after)
{
	if (text != NULL)
		buf_addf(sql, "%s%s%s", before, text, after);
}

static void add_column(struct buf *sql, const struct object *column, const char *key)
{
	sql_ident(sql, column->path[1]);
	const char *type = attribute(column, "type");
	bool plain = type[strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 (),-+")] == '\0';
	buf_addf(sql, plain ? " %s" : " \"%s\"", type);
	add_clause(sql, " COLLATE ", attribute(column, "collation"), "");
	add_clause(sql, " NOT NULL", attribute(column, "not_null") ? "" : NULL, "");
	add_clause(sql, " ON CONFLICT ", attribute(column, "conflict"), "");
	add_clause(sql, " DEFAULT (", attribute(column, "default"), ")");
	const char *generated = attribute(column, "generated");
	if (generated != NULL)
		buf_addf(sql, " AS (%.*s)%s", (int)(strrchr(generated, ' ') - generated), generated, strrchr(generated, ' '));
	auto_buf descending = BUF_INIT;
	sqlite_name_print(&descending, column->path[1]);
	buf_adds(&descending, " DESC");
	if (key != NULL && strcmp(key, descending.data) == 0)
		buf_adds(sql, " PRIMARY KEY DESC");
}

static void add_constraint(struct buf *sql, const struct object *constraint, bool autoincrement)
{
	const char *name = constraint->path[1], *type = attribute(constraint, "type");
	if (strncmp(name, "unique(", 7) != 0 && strncmp(name, "check(", 6) != 0 && strncmp(name, "foreign_key(", 12) != 0 &&
	    strcmp(name, "primary_key") != 0) {
		buf_adds(sql, "CONSTRAINT ");
		sql_ident(sql, name);
		buf_addc(sql, ' ');
	}
	buf_adds(sql, type);
	add_clause(sql, " (", attribute(constraint, "columns"), autoincrement && *type == 'P' ? " AUTOINCREMENT)" : ")");
	add_clause(sql, " (", attribute(constraint, "expression"), ")");
	add_clause(sql, " ON CONFLICT ", attribute(constraint, "conflict"), "");
	add_clause(sql, " REFERENCES ", attribute(constraint, "references"), "");
	add_clause(sql, " ON UPDATE ", attribute(constraint, "on_update"), "");
	add_clause(sql, " ON DELETE ", attribute(constraint, "on_delete"), "");
	add_clause(sql, " MATCH ", attribute(constraint, "match"), "");
	add_clause(sql, " ", attribute(constraint, "deferrable"), "");
}

static void add_table(struct buf *sql, const struct snapshot *snapshot, const struct object *table)
{
	const char *module = attribute(table, "module");
	buf_addf(sql, "CREATE %sTABLE ", module == NULL ? "" : "VIRTUAL ");
	sql_ident(sql, table->path[0]);
	if (module != NULL) {
		buf_addf(sql, " USING %s;\n", module);
		return;
	}
	const char *separator = " (";
	const struct object *key = snapshot_find(snapshot, &kind_constraint, (const char *[]){ table->path[0], "primary_key" }, 2);
	const char *column_key = key == NULL || attribute(table, "without_rowid") ? NULL : attribute(key, "columns");
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (!is_child_of(snapshot->objects[i], table, "column"))
			continue;
		bool integer = strcmp(attribute(snapshot->objects[i], "type"), "INTEGER") == 0;
		buf_adds(sql, separator);
		size_t before = sql->length;
		add_column(sql, snapshot->objects[i], integer ? column_key : NULL);
		if (strstr(sql->data + before, " PRIMARY KEY DESC") != NULL)
			key = NULL, column_key = "";
		separator = ", ";
	}
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		bool done = column_key != NULL && *column_key == '\0' && strcmp(snapshot->objects[i]->path[snapshot->objects[i]->n_path - 1], "primary_key") == 0;
		if (!is_child_of(snapshot->objects[i], table, "constraint") || done)
			continue;
		buf_adds(sql, separator);
		add_constraint(sql, snapshot->objects[i], attribute(table, "autoincrement") != NULL);
	}
	buf_addf(sql, ")%s%s%s;\n", attribute(table, "strict") ? " STRICT" : "",
	         attribute(table, "strict") && attribute(table, "without_rowid") ? "," : "", attribute(table, "without_rowid") ? " WITHOUT ROWID" : "");
}

static void add_other(struct buf *sql, const struct object *object)
{
	const char *kind = object->kind->name, *word = strcmp(kind, "index") == 0 && attribute(object, "unique") ? "UNIQUE INDEX" : kind;
	buf_addf(sql, "CREATE %s ", word);
	sql_ident(sql, object->path[object->n_path - 1]);
	if (strcmp(kind, "index") == 0) {
		buf_adds(sql, " ON ");
		sql_ident(sql, object->path[0]);
		add_clause(sql, " (", attribute(object, "columns"), ")");
		add_clause(sql, " WHERE ", attribute(object, "predicate"), "");
	} else {
		if (strcmp(kind, "view") == 0)
			add_clause(sql, " (", attribute(object, "columns"), ")");
		buf_addf(sql, " %s", attribute(object, "definition"));
	}
	buf_adds(sql, ";\n");
}

static void survives_the_round_trip(const char *sql)
{
	auto_arena arena = arena_new();
	const struct snapshot *first = read_database(arena, scratch_database(arena, "a", sql));
	auto_buf again = BUF_INIT;
	static const char *const others[] = { "index", "view", "trigger" };
	for (size_t i = 0; i < first->n_objects; i++) {
		if (first->objects[i]->kind == &kind_table)
			add_table(&again, first, first->objects[i]);
	}
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < first->n_objects; i++) {
			if (strcmp(first->objects[i]->kind->name, others[k]) == 0)
				add_other(&again, first->objects[i]);
		}
	}
	const struct snapshot *second = read_database(arena, scratch_database(arena, "b", again.data));
	const char *list = differences(arena, first, second);
	if (*list != '\0')
		print_message("%s\n%s\n", sql, again.data);
	assert_string_equal(list, "");
}

static void canonical_text_is_sql_again(void **state)
{
	(void)state;
	for_every_fixture(survives_the_round_trip);
}

static void words_mean_what_sqlite_takes_them_for(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = read_database(arena, scratch_database(arena, "a",
		"CREATE TABLE t(a INT, key TEXT CHECK (Key Not In (\"x\",'Y') and lower(\"KEY\")==\"z\"), d DEFAULT \"Foo\");"
		"CREATE INDEX i ON t(key collate NoCase desc, Upper(key)) WHERE \"A\" is not null;"
		"CREATE VIEW v AS SELECT count(*)n, -a FROM t WHERE a like 'x' /* all */ GROUP BY a;"
		"CREATE TRIGGER g UPDATE OF key ON t WHEN (new.key<>old.key) BEGIN SELECT raise(ignore);END"));
	assert_string_equal(value(snapshot, "index", PATH("t", "i"), "columns"), "\"key\" COLLATE NOCASE DESC, upper(\"key\")");
	assert_string_equal(value(snapshot, "index", PATH("t", "i"), "predicate"), "a IS NOT NULL");
	assert_string_equal(value(snapshot, "view", PATH("v"), "definition"), "AS SELECT count(*) n, -a FROM t WHERE a LIKE 'x' GROUP BY a");
	assert_string_equal(value(snapshot, "trigger", PATH("t", "g"), "definition"),
	                    "BEFORE UPDATE OF \"key\" ON t WHEN new.\"key\" <> old.\"key\" BEGIN SELECT RAISE(IGNORE); END");
	assert_string_equal(value(snapshot, "column", PATH("t", "d"), "default"), "'Foo'");
	assert_string_equal(value(snapshot, "constraint", PATH("t", "check(\"key\" NOT IN ('x', 'Y') AND lower(\"key\") = 'z')"), "expression"),
	                    "\"key\" NOT IN ('x', 'Y') AND lower(\"key\") = 'z'");
}

static void made_names_do_not_depend_on_the_order(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct sqlite_item item = parse(arena, "CREATE TABLE t(a REFERENCES q REFERENCES p, b CONSTRAINT x CHECK (b) CONSTRAINT X CHECK (a), "
	                                       "c PRIMARY KEY UNIQUE, CHECK (a > 0), CHECK (a > 0), UNIQUE (a, \"B\"))", NULL, NULL);
	static const char *const names[] = { "check(a > 0)", "foreign_key(a)", "foreign_key(a) 2", "primary_key", "unique(a,b)", "unique(c)", "X", "x 2" };
	assert_int_equal(item.n_constraints, sizeof names / sizeof *names);
	for (size_t i = 0; i < item.n_constraints; i++)
		assert_int_equal(sqlite3_stricmp(item.constraints[i].name, names[i]), 0);
	assert_string_equal(item.constraints[1].references, "p");
	assert_string_equal(item.constraints[6].expression, "a");
}

static void column_order_is_read_if_asked_for(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "a", "CREATE TABLE t(b, a)");
	assert_null(value(read_database(arena, path), "column", PATH("t", "a"), "position"));
	struct read_options options = { .groups = 1u << GROUP_COLUMN_ORDER };
	assert_string_equal(value(read_with(arena, path, &options), "column", PATH("t", "a"), "position"), "2");
}

// Any bytes.

static void parse_anything(const char *bytes, size_t n)
{
	char *sql = malloc(n + 1); // exactly as long, so that the sanitizer sees a step too far
	assert_non_null(sql);
	memcpy(sql, bytes, n);
	sql[n] = '\0';
	auto_arena arena = arena_new();
	struct sqlite_column column = { .name = "a", .type = "" };
	struct sqlite_item table = { .columns = &column, .n_columns = 1 }, item;
	struct sqlite_names names = { 0 };
	sqlite_names_add(arena, &names, "a");
	sqlite_names_collect(arena, &names, sql);
	sqlite_names_sort(&names);
	const char *why = NULL;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ &table, &names }, &item, &why))
		assert_non_null(why);
	why = NULL;
	if (!sqlite_parse(arena, sql, &(struct sqlite_context){ NULL, &names }, &item, &why))
		assert_non_null(why);
	free(sql);
}

static void parse_damaged(const char *sql)
{
	static const char damage[] = { '(', ')', '"', '\'', ',', ';', '[', '-', '.', '\x80', ' ' };
	size_t n = strlen(sql);
	char *copy = strdup(sql);
	for (size_t i = 0; i <= n; i++) {
		parse_anything(sql, i);
		if (i < n) {
			copy[i] = damage[i % sizeof damage];
			parse_anything(copy, n);
			copy[i] = sql[i];
		}
	}
	free(copy);
}

static void damage_statements(const char *sql)
{
	auto_sqlite db = database_open(":memory:");
	execute(db, sql);
	auto_sqlite_stmt rows = query(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", NULL);
	while (sqlite3_step(rows) == SQLITE_ROW)
		parse_damaged(text_of(rows, 0));
}

static void the_parser_survives_any_bytes(void **state)
{
	(void)state;
	for_every_fixture(damage_statements);
	static const char *const starts[] = { "", "CREATE TABLE t(", "CREATE VIEW v AS SELECT ", "CREATE TRIGGER g AFTER INSERT ON t WHEN ", "CREATE INDEX i ON t(" };
	static const char alphabet[] = "()\"'[]`,.;-/*+=<>!|& \n\taAeEsS09xX_$?:@#~\x80\xff\x01{}\\";
	uint32_t random = 12345;
	for (int i = 0; i < 2000; i++) {
		char bytes[128];
		int n = snprintf(bytes, sizeof bytes, "%s", starts[i % 5]);
		while (n < 100) {
			random = random * 1664525 + 1013904223;
			bytes[n++] = alphabet[(random >> 16) % (sizeof alphabet - 1)];
		}
		parse_anything(bytes, (size_t)n);
	}
}

// Many of a kind: nothing in it may grow with the square, or with the depth.
static void the_parser_survives_length_and_depth(void **state)
{
	(void)state;
	static const char *const repeated[][3] = {
		{ "CREATE TABLE t(a, CHECK (", "(", "" }, { "CREATE VIEW v AS SELECT ", "CAST(", "" }, { "CREATE TABLE t(", "a,", "b)" },
		{ "CREATE TABLE t(a CHECK (a IN (", "\"x\",", "1)))" }, { "CREATE TABLE t(a ", "CHECK (1) ", ")" }, { "CREATE INDEX i ON t(", "a,", "b)" },
	};
	for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
		auto_buf sql = BUF_INIT;
		buf_adds(&sql, repeated[i][0]);
		for (int j = 0; j < 20000; j++)
			buf_adds(&sql, repeated[i][1]);
		buf_adds(&sql, repeated[i][2]);
		parse_anything(sql.data, sql.length);
	}
	auto_buf nested = BUF_INIT;
	buf_adds(&nested, "CREATE TABLE t(a DEFAULT ");
	for (int j = 0; j < 20000; j++)
		buf_addc(&nested, '(');
	for (int j = 0; j < 20000; j++)
		buf_addc(&nested, ')');
	buf_addc(&nested, ')');
	parse_anything(nested.data, nested.length);
}

// Opening.

static void assert_fails(const char *path, const struct read_options *options, const char *code)
{
	auto_arena arena = arena_new();
	struct err err = { "" };
	assert_null(sqlite_read(arena, path, options, &err));
	assert_string_equal(err.code, code);
	assert_true(err.text[0] != '\0' && err.hint[0] != '\0' && err.where[0] != '\0');
}

static void what_is_no_database_has_its_own_error(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const struct read_options options = { .lock_timeout_ms = 1 };
	const char *path = arena_printf(arena, "%s/file", folder);
	assert_fails(path, &options, "unreachable");
	assert_false(file_exists(path, ""));
	assert_fails(folder, &options, "unreachable");
	file_write(path, "no database\n", 12);
	assert_fails(path, &options, "not-a-database");
	char page[8192];
	memset(page, 'x', sizeof page);
	file_write(path, page, sizeof page);
	assert_fails(path, &options, "not-a-database");
	file_write(path, "", 0); // what SQLite itself makes of an empty file: a database without tables
	assert_int_equal(read_database(arena, path)->n_objects, 0);

	database_make(arena, path, "CREATE TABLE t(a); CREATE TABLE u(b)");
	auto_file file = fopen(path, "r+");
	fseek(file, 100, SEEK_SET);
	fwrite(page, 1, 400, file);
	fflush(file);
	assert_fails(path, &options, "corrupt");

	database_make(arena, path, "CREATE TABLE t(a); PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a,,)'");
	assert_fails(path, &options, "corrupt");
}

static void a_locked_file_is_locked(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "locked", "CREATE TABLE t(a)");
	auto_sqlite writer = database_open(path);
	execute(writer, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
	assert_int_equal(read_database(arena, path)->n_objects, 2); // nothing is committed: readers go on
	execute(writer, "COMMIT; BEGIN EXCLUSIVE");
	assert_fails(path, &(struct read_options){ .lock_timeout_ms = 1 }, "locked");
}

static bool can_begin(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		bool ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
		_exit(ok ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

// A process that closes any descriptor of a file loses all its locks on it.
static void locks_of_this_process_survive_our_reading(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "locks", "CREATE TABLE t(a)");
	auto_sqlite writer = database_open(path);
	execute(writer, "BEGIN IMMEDIATE");
	assert_false(can_begin(path));
	read_database(arena, path);
	assert_false(can_begin(path));
}

static void a_hot_journal_is_left_to_a_writer(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "writer", "CREATE TABLE t(a)");
	const char *place = subfolder(arena, "hot", 0755, geteuid()), *crashed = arena_printf(arena, "%s/x.db", place);
	auto_sqlite writer = database_open(path);
	execute(writer, "PRAGMA cache_size = 2; BEGIN; CREATE TABLE uncommitted(a); "
	                "INSERT INTO t SELECT zeroblob(4000) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3), (SELECT 1 UNION SELECT 2 UNION SELECT 3)");
	file_copy(path, crashed);
	file_copy(arena_printf(arena, "%s-journal", path), arena_printf(arena, "%s-journal", crashed));
	const char *before = folder_print(arena, place);
	assert_fails(crashed, &(struct read_options){ 0 }, "hot-journal");
	assert_string_equal(folder_print(arena, place), before);
	auto_sqlite owner = database_open(crashed);
	execute(owner, "SELECT * FROM t");
	assert_int_equal(read_database(arena, crashed)->n_objects, 2);
}

static void nothing_is_written(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "still", 0755, geteuid());
	static const char *const modes[] = { "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF" };
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		const char *path = arena_printf(arena, "%s/%s.db", place, modes[i]);
		database_make(arena, path, arena_printf(arena, "PRAGMA journal_mode = %s; CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING fts5(a); "
		                                               "CREATE VIEW v AS SELECT * FROM f; INSERT INTO t VALUES (1)", modes[i]));
	}
	const char *before = folder_print(arena, place);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		read_database(arena, arena_printf(arena, "%s/%s.db", place, modes[i]));
	assert_string_equal(folder_print(arena, place), before);
}

// A name that would be cut or read as a parameter if it went into the URI as it is.
static void paths_are_taken_literally(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = arena_printf(arena, "%s/a b?mode=rwc&vfs=%%41#\xc3\xa9.db", folder);
	database_make(arena, path, "CREATE TABLE t(a)");
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	assert_int_equal(symlink(path, arena_printf(arena, "%s/link", folder)), 0);
	assert_int_equal(read_database(arena, arena_printf(arena, "%s/link", folder))->n_objects, 2);
}

// WAL. `wal_make` leaves a cleanly closed database; `wal_make_crashed` one whose only table is in the WAL, without -shm.

static const char *wal_make(struct arena *arena, const char *path, uid_t owner, mode_t mode)
{
	database_make(arena, path, "PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
	assert_false(file_exists(path, "-wal"));
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static const char *wal_make_crashed(struct arena *arena, const char *path, uid_t owner)
{
	const char *live = arena_printf(arena, "%s/live.db", folder);
	wal_make(arena, live, geteuid(), 0644);
	auto_sqlite writer = database_open(live);
	execute(writer, "CREATE TABLE u(b)");
	file_copy(live, path);
	file_copy(arena_printf(arena, "%s-wal", live), arena_printf(arena, "%s-wal", path));
	if (geteuid() == 0)
		assert_int_equal(chown(path, owner, owner) | chown(arena_printf(arena, "%s-wal", path), owner, owner), 0);
	return path;
}

// What another user reads: the tables, or the code of the error. The temporary folder must be empty afterwards.
static const char *read_as(struct arena *arena, uid_t user, const char *path, const char *temporary)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
			_exit(1);
		setenv("TMPDIR", temporary, 1);
		struct arena *own = arena_new();
		struct err err;
		auto_buf text = BUF_INIT;
		struct snapshot *snapshot = sqlite_read(own, path, &(struct read_options){ .lock_timeout_ms = 1 }, &err);
		for (size_t i = 0; snapshot != NULL && i < snapshot->n_objects; i++)
			buf_addf(&text, "%s", snapshot->objects[i]->n_path == 1 ? snapshot->objects[i]->path[0] : "");
		buf_adds(&text, snapshot == NULL ? err.code : "");
		_exit(write(ends[1], text.data, text.length) == (ssize_t)text.length ? 0 : 1);
	}
	close(ends[1]);
	char text[128] = "";
	assert_true(read(ends[0], text, sizeof text - 1) >= 0);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return arena_strdup(arena, text);
}

// Whether the user can write to the database, in a process of their own.
static bool can_write(uid_t user, const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		if (geteuid() == 0 && (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0))
			_exit(1);
		_exit(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL) == SQLITE_OK &&
		              sqlite3_close(db) == SQLITE_OK ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

static void the_owner_reads_wal_in_place_and_can_still_write(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "own", 0755, geteuid());
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), geteuid(), 0644);
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	assert_true(can_write(geteuid(), path));
	assert_false(file_exists(path, "-wal")); // and their last connection takes away what we left
	const char *crashed = wal_make_crashed(arena, arena_printf(arena, "%s/y.db", place), geteuid());
	assert_int_equal(read_database(arena, crashed)->n_objects, 4);
	assert_true(can_write(geteuid(), crashed));
}

static void a_live_writer_is_read_beside(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = wal_make(arena, arena_printf(arena, "%s/beside.db", folder), geteuid(), 0644);
	auto_sqlite writer = database_open(path);
	execute(writer, "CREATE TABLE committed(a); BEGIN; CREATE TABLE uncommitted(a)");
	const struct snapshot *snapshot = read_database(arena, path);
	assert_int_equal(snapshot->n_objects, 4);
	assert_null(snapshot_find(snapshot, &kind_table, (const char *[]){ "uncommitted" }, 1));
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void what_root_leaves_is_the_owners(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "roots", 0755, NOBODY);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), NOBODY, 0600);
	assert_int_equal(read_database(arena, path)->n_objects, 2);
	static const char *const suffixes[] = { "-wal", "-shm" };
	for (size_t i = 0; i < 2; i++) {
		struct stat status;
		if (stat(arena_printf(arena, "%s%s", path, suffixes[i]), &status) == 0)
			assert_int_equal(status.st_uid, NOBODY);
	}
	assert_true(can_write(NOBODY, path));
}

static void a_stranger_reads_a_private_copy(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *temporary = subfolder(arena, "temporary", 0700, NOBODY);
	static const mode_t modes[] = { 0755, 0777 }; // in a folder where anyone may make files it would be easy to leave some
	for (size_t i = 0; i < 2; i++) {
		const char *place = subfolder(arena, i == 0 ? "closed" : "open", modes[i], 0);
		const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), 0, 0644);
		const char *crashed = wal_make_crashed(arena, arena_printf(arena, "%s/y.db", place), 0);
		const char *before = folder_print(arena, place);
		assert_string_equal(read_as(arena, NOBODY, path, temporary), "t");
		assert_string_equal(read_as(arena, NOBODY, crashed, temporary), "tu"); // with what is only in the WAL
		assert_string_equal(folder_print(arena, place), before);
		assert_true(folder_is_empty(temporary));
		assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "wal");
		file_write(arena_printf(arena, "%s-journal", path), "\xd9\xd5\x05\xf9 not rolled back", 20);
		assert_string_equal(read_as(arena, NOBODY, path, temporary), "hot-journal");
	}
}

static void wal_in_an_unwritable_folder_is_copied(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *temporary = subfolder(arena, "temporary2", 0700, NOBODY), *place = subfolder(arena, "unwritable", 0755, 0);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), NOBODY, 0644); // its owner may not make files beside it
	const char *before = folder_print(arena, place);
	assert_string_equal(read_as(arena, NOBODY, path, temporary), "t");
	assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "wal");
	assert_string_equal(folder_print(arena, place), before);
}

static void a_stranger_reads_beside_a_live_writer(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "live", 0755, 0), *temporary = subfolder(arena, "temporary3", 0700, NOBODY);
	const char *path = wal_make(arena, arena_printf(arena, "%s/x.db", place), 0, 0644);
	auto_sqlite writer = database_open(path);
	execute(writer, "CREATE TABLE u(a)");
	assert_string_equal(read_as(arena, NOBODY, path, temporary), "tu");
	execute(writer, "CREATE TABLE w(a)");
	assert_string_equal(read_as(arena, NOBODY, path, "/nonexistent"), "tuw"); // in place: no copy is needed
}

static void an_unreadable_file_is_a_matter_of_permission(void **state)
{
	(void)state;
	need_root();
	auto_arena arena = arena_new();
	const char *place = subfolder(arena, "hidden", 0700, 0), *path = scratch_database(arena, "unreadable", "CREATE TABLE t(a)");
	assert_int_equal(chmod(path, 0600), 0);
	assert_string_equal(read_as(arena, NOBODY, path, "/tmp"), "permission");
	database_make(arena, arena_printf(arena, "%s/x.db", place), "CREATE TABLE t(a)");
	assert_string_equal(read_as(arena, NOBODY, arena_printf(arena, "%s/x.db", place), "/tmp"), "permission");
}

// The version table.

static const char versions_sql[] = "CREATE TABLE Schema_Migrations(version INT, name TEXT); INSERT INTO schema_migrations VALUES (2, 'b'), (1, NULL); "
                                   "CREATE TABLE other(x); CREATE VIEW flyway AS SELECT 1";

static void the_version_table_is_read(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "versions", versions_sql);
	static const char *const spellings[] = { "schema_migrations", "public.schema_migrations", "main.\"SCHEMA_MIGRATIONS\"" };
	for (size_t i = 0; i < 3; i++) {
		const struct version_query queries[] = { { .table = "flyway" }, { .table = "drizzle.other" }, { spellings[i], "version", NULL }, { NULL } };
		struct read_options options = { .versions = queries, .versions_only = i > 0 };
		const struct snapshot *snapshot = read_with(arena, path, &options);
		assert_string_equal(snapshot->version.name, "Schema_Migrations");
		assert_int_equal(snapshot->version.n_columns, 2);
		assert_string_equal(snapshot->version.columns[1], "name");
		assert_int_equal(snapshot->version.n_rows, 2);
		assert_string_equal(snapshot->version.rows[0][0], "1");
		assert_null(snapshot->version.rows[0][1]);
		assert_string_equal(snapshot->version.rows[1][1], "b");
		assert_int_equal(snapshot->n_objects, i > 0 ? 0 : 6);
	}
	const struct version_query missing[] = { { .table = "nothing" }, { NULL } };
	assert_null(read_with(arena, path, &(struct read_options){ .versions = missing })->version.name);
	const struct version_query wrong[] = { { .table = "a.b.c" }, { NULL } }, unordered[] = { { "schema_migrations", "installed_rank", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = wrong }, "version-table");
	assert_fails(path, &(struct read_options){ .versions = unordered }, "query");
}

// Statements that the caller's words would make of ours.
static void the_authorizer_lets_only_reading_pass(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = scratch_database(arena, "authorizer", versions_sql);
	const struct version_query loading[] = { { "other", "load_extension('x')", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = loading }, "query");
	const struct version_query endless[] = {
		{ "schema_migrations", "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)", NULL }, { NULL } };
	assert_fails(path, &(struct read_options){ .versions = endless, .statement_timeout_ms = 20 }, "timeout");
}

// A writer that adds a version whenever the schema is about to be read, so often as it was told.
struct deploy {
	const char *path;
	int left;
};

static ssize_t deploy_step(void *cookie, const char *text, size_t n)
{
	struct deploy *deploy = cookie;
	if (memmem(text, n, "table_list", 10) == NULL || deploy->left-- <= 0)
		return (ssize_t)n;
	sqlite3 *db = database_open(deploy->path);
	execute(db, "INSERT INTO schema_migrations VALUES ((SELECT max(version) + 1 FROM schema_migrations), 'c')");
	sqlite3_close(db);
	return (ssize_t)n;
}

static struct snapshot *read_during(struct arena *arena, struct deploy *deploy, struct err *err)
{
	auto_file stream = fopencookie(deploy, "w", (cookie_io_functions_t){ .write = deploy_step });
	setvbuf(stream, NULL, _IONBF, 0);
	struct log log = { .stream = stream, .show_queries = true };
	const struct version_query queries[] = { { "schema_migrations", "version", NULL }, { NULL } };
	return sqlite_read(arena, deploy->path, &(struct read_options){ .log = &log, .versions = queries }, err);
}

static void a_deploy_in_flight_is_noticed(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = wal_make(arena, arena_printf(arena, "%s/deploy.db", folder), geteuid(), 0644);
	auto_sqlite db = database_open(path);
	execute(db, versions_sql);
	struct err err;
	const struct snapshot *snapshot = read_during(arena, &(struct deploy){ path, 1 }, &err);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->version.n_rows, 3);
	assert_null(read_during(arena, &(struct deploy){ path, 100 }, &err));
	assert_string_equal(err.code, "deploy-in-flight");
}

static void *read_often(void *path)
{
	auto_arena arena = arena_new();
	for (int i = 0; i < 20; i++) {
		struct err err;
		struct snapshot *snapshot = sqlite_read(arena, path, &(struct read_options){ 0 }, &err);
		if (snapshot == NULL || snapshot->n_objects != 2)
			return path;
	}
	return NULL;
}

static void threads_read_side_by_side(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		char *path = arena_printf(arena, "%s/thread%d.db", folder, i / 2);
		if (i % 2 == 0)
			wal_make(arena, path, geteuid(), 0644);
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, path), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failed;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void what_is_not_the_users_is_left_out(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = read_database(arena, scratch_database(arena, "own",
		"CREATE VIRTUAL TABLE f USING fts5(a); CREATE VIRTUAL TABLE g USING fts4(a); CREATE VIRTUAL TABLE r USING rtree(id, x, y); "
		"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE); CREATE TABLE f_mine(a); CREATE INDEX i ON t(b); INSERT INTO t(b) VALUES (1); ANALYZE"));
	auto_buf names = BUF_INIT;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (snapshot->objects[i]->kind == &kind_table || strcmp(snapshot->objects[i]->kind->name, "index") == 0)
			buf_addf(&names, "%s ", snapshot->objects[i]->path[snapshot->objects[i]->n_path - 1]);
	}
	assert_string_equal(names.data, "f f_mine g r t i ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formatting_is_no_difference), cmocka_unit_test(each_attribute_is_a_difference),
		cmocka_unit_test(the_parser_agrees_with_the_pragmas), cmocka_unit_test(canonical_text_is_sql_again),
		cmocka_unit_test(words_mean_what_sqlite_takes_them_for), cmocka_unit_test(made_names_do_not_depend_on_the_order),
		cmocka_unit_test(column_order_is_read_if_asked_for), cmocka_unit_test(the_parser_survives_any_bytes),
		cmocka_unit_test(the_parser_survives_length_and_depth), cmocka_unit_test(what_is_no_database_has_its_own_error),
		cmocka_unit_test(a_locked_file_is_locked), cmocka_unit_test(locks_of_this_process_survive_our_reading),
		cmocka_unit_test(a_hot_journal_is_left_to_a_writer), cmocka_unit_test(nothing_is_written),
		cmocka_unit_test(paths_are_taken_literally), cmocka_unit_test(the_owner_reads_wal_in_place_and_can_still_write),
		cmocka_unit_test(a_live_writer_is_read_beside), cmocka_unit_test(what_root_leaves_is_the_owners),
		cmocka_unit_test(a_stranger_reads_a_private_copy), cmocka_unit_test(wal_in_an_unwritable_folder_is_copied),
		cmocka_unit_test(a_stranger_reads_beside_a_live_writer), cmocka_unit_test(an_unreadable_file_is_a_matter_of_permission),
		cmocka_unit_test(the_version_table_is_read), cmocka_unit_test(the_authorizer_lets_only_reading_pass),
		cmocka_unit_test(a_deploy_in_flight_is_noticed), cmocka_unit_test(threads_read_side_by_side),
		cmocka_unit_test(what_is_not_the_users_is_left_out),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
