// SPDX-License-Identifier: PostgreSQL
// Schemas for the tests of the SQLite reader: in pairs, and single ones with odd grammar.
#include "tests/sqlite_files.h"

#include <stddef.h>

// Schemas that must be equal after reading.
const struct sqlite_pair equal_pairs[] = {
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
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY ASC AUTOINCREMENT)",
	  "CREATE TABLE t(a INTEGER, PRIMARY KEY(\"a\" AUTOINCREMENT))" },
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
	{ "CREATE TABLE t(a CHECK (Replace(a, 'x', '') LIKE '%'))",
	  "CREATE TABLE t(a CHECK (\"replace\"([a],'x','') like '%'))" },
	{ "CREATE TABLE t(key, CHECK (key NOT LIKE 'a' AND like(key, 'b')))",
	  "CREATE TABLE t(\"key\", CHECK ([key] not like 'a' and LIKE(\"key\",'b')))" },
	{ "CREATE TABLE t(\"end\", CHECK (CASE WHEN \"end\" THEN 1 ELSE \"end\" END))",
	  "CREATE TABLE t(`end`, CHECK (case when `END` then 1 else [end] end))" },
	{ "CREATE TABLE t(left, right, CHECK (left < right))",
	  "CREATE TABLE t(\"left\", \"right\", CHECK (\"left\" < \"right\"))" },
	{ "CREATE TABLE t(a, b GENERATED ALWAYS AS (a+1))", "CREATE TABLE t(a, b AS ((a + 1)) VIRTUAL)" },
	{ "CREATE TABLE t(a INT, b INT GENERATED ALWAYS AS (a) STORED)", "CREATE TABLE t(a INT, b INT AS (\"A\") STORED)" },
	{ "CREATE TABLE p(x PRIMARY KEY); CREATE TABLE t(a REFERENCES p(x) ON DELETE CASCADE)",
	  "CREATE TABLE p(x PRIMARY KEY); CREATE TABLE t(a, FOREIGN KEY (a) REFERENCES P (X) ON UPDATE NO ACTION ON DELETE "
	  "CASCADE NOT DEFERRABLE)" },
	{ "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
	  "CREATE TABLE t(a, FOREIGN KEY(a) REFERENCES \"p\" MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED)" },
	{ "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY IMMEDIATE)", "CREATE TABLE t(a REFERENCES p)" },
	{ "CREATE TABLE t(a REFERENCES p, b DEFERRABLE INITIALLY DEFERRED)",
	  "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b)" },
	{ "CREATE TABLE t(a REFERENCES p, FOREIGN KEY (a) REFERENCES q)",
	  "CREATE TABLE t(a, FOREIGN KEY (a) REFERENCES q, FOREIGN KEY (a) REFERENCES p)" },
	{ "CREATE TABLE t(a CONSTRAINT unused, b, CONSTRAINT x CONSTRAINT y UNIQUE(b))",
	  "CREATE TABLE t(a, b, CONSTRAINT y UNIQUE(b))" },
	{ "CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY) without rowid" },
	{ "CREATE TABLE t(a TEXT, PRIMARY KEY(a)) STRICT", "CREATE TABLE t(a TEXT NOT NULL, PRIMARY KEY(a)) strict" },
	{ "CREATE TABLE t(a INT PRIMARY KEY) STRICT, WITHOUT ROWID",
	  "CREATE TABLE t(a INT PRIMARY KEY) WITHOUT ROWID, STRICT" },
	// ALTER TABLE edits the stored text
	{ "CREATE TABLE t(a INT, CHECK (a > 0)); ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x'",
	  "CREATE TABLE t(a INT, b TEXT DEFAULT 'x' NOT NULL, CHECK (a > 0))" },
	{ "CREATE TABLE o(a INT REFERENCES o(a)); CREATE INDEX i ON o(a); CREATE TRIGGER g AFTER INSERT ON o BEGIN DELETE "
	  "FROM o; END; CREATE VIEW v AS SELECT o.a FROM o; ALTER TABLE o RENAME TO t",
	  "CREATE TABLE t(a INT REFERENCES t(a)); CREATE INDEX i ON t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE "
	  "FROM t; END; CREATE VIEW v AS SELECT t.a FROM t" },
	{ "CREATE TABLE t(o INT CHECK (o > 0), UNIQUE (o)); CREATE INDEX i ON t(lower(o)) WHERE o IS NOT NULL; CREATE TRIGGER "
	  "g AFTER UPDATE OF o ON t WHEN new.o > 1 BEGIN UPDATE t SET o = new.o; END; ALTER TABLE t RENAME COLUMN o TO \"New\"",
	  "CREATE TABLE t(new INT CHECK (new > 0), UNIQUE (new)); CREATE INDEX i ON t(lower(new)) WHERE new IS NOT NULL; "
	  "CREATE TRIGGER g AFTER UPDATE OF new ON t WHEN new.new > 1 BEGIN UPDATE t SET new = new.new; END" },
	{ "CREATE TABLE t(a INT, b INT, c INT); ALTER TABLE t DROP COLUMN b", "CREATE TABLE t(a INT, c INT)" },
	{ "CREATE TABLE s(a VARCHAR(3), b REAL); CREATE TABLE t AS SELECT a, b, a || b AS c FROM s",
	  "CREATE TABLE s(a VARCHAR(3), b REAL); CREATE TABLE t(a TEXT, b REAL, c)" },
	// indexes
	{ "CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b DESC)",
	  "CREATE TABLE t(a, b); CREATE INDEX IF NOT EXISTS main.\"i\" ON \"t\" (\"a\" ASC, [b] desc)" },
	{ "CREATE TABLE t(a COLLATE NOCASE); CREATE INDEX i ON t(a COLLATE nocase)",
	  "CREATE TABLE t(a COLLATE NOCASE); CREATE INDEX i ON t(a)" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a COLLATE BINARY)", "CREATE TABLE t(a); CREATE INDEX i ON t((a))" },
	{ "CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(lower(a)) WHERE (a IS NOT NULL)",
	  "CREATE TABLE t(a); create unique index i on t( (LOWER( \"a\" )) ) where a is not null" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a = 'x'",
	  "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a = \"x\"" },
	// views
	{ "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a",
	  "CREATE TABLE t(a, b); create view if not exists \"v\" as select \"a\", COUNT( * ) as \"N\" from [t] group by `A`" },
	{ "CREATE TABLE t(a); CREATE VIEW v(x, y) AS SELECT a, 1 FROM t",
	  "CREATE TABLE t(a); CREATE VIEW v( \"x\",[Y] ) AS SELECT a,1 FROM t" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a \"Total\" FROM t ORDER BY \"Total\"",
	  "CREATE TABLE t(a); CREATE VIEW v AS SELECT a total FROM t ORDER BY total" },
	{ "CREATE TABLE t(key); CREATE VIEW v AS SELECT key key, t.key FROM t",
	  "CREATE TABLE t(key); CREATE VIEW v AS SELECT \"key\" \"key\", t.\"key\" FROM t" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT -a, - -a, +a, ~a, a - 1 FROM t",
	  "CREATE TABLE t(a); CREATE VIEW v AS SELECT - a, - - a, + a, ~ a, a-1 FROM t" },
	// triggers
	{ "CREATE TABLE t(a); CREATE TRIGGER g INSERT ON t BEGIN SELECT 1; END",
	  "CREATE TABLE t(a); CREATE TRIGGER IF NOT EXISTS \"g\" BEFORE INSERT ON \"t\" FOR EACH ROW BEGIN SELECT 1; END" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER UPDATE OF a ON t WHEN new.a > old.a BEGIN INSERT OR IGNORE INTO t(a) "
	  "VALUES (1); END",
	  "CREATE TABLE t(a); create trigger g after update of \"a\" on t when (NEW.a > OLD.a) begin insert or ignore into "
	  "\"t\" ([a]) values(1);end" },
	// virtual tables and what is SQLite's own
	{ "CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize = 'porter')",
	  "create virtual table \"f\" using FTS5 (title,body,/* */tokenize='porter')" },
	{ "CREATE VIRTUAL TABLE o USING fts5(a); ALTER TABLE o RENAME TO f", "CREATE VIRTUAL TABLE f USING fts5(a)" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1); CREATE INDEX i ON t(a); ANALYZE",
	  "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE INDEX i ON t(a)" },
	{ NULL, NULL, NULL },
};

// Schemas that must differ in one attribute.
const struct sqlite_pair different_pairs[] = {
	{ "CREATE TABLE t(a INT)", "CREATE TABLE t(a INT) STRICT", "table t: strict\n" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
	  "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)", "table t: autoincrement\n" },
	{ "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY)",
	  "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID", "table t: without_rowid\n" },
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
	{ "CREATE TABLE t(a, b, CONSTRAINT k PRIMARY KEY (a))",
	  "CREATE TABLE t(a, b, CONSTRAINT k UNIQUE (a))", "constraint t.k: type\n" },
	{ "CREATE TABLE t(a INTEGER PRIMARY KEY)",
	  "CREATE TABLE t(a INTEGER PRIMARY KEY DESC)", "constraint t.primary_key: columns\n" },
	{ "CREATE TABLE t(a, b, PRIMARY KEY (a, b))",
	  "CREATE TABLE t(a, b, PRIMARY KEY (b, a))", "constraint t.primary_key: columns\n" },
	{ "CREATE TABLE t(a UNIQUE)", "CREATE TABLE t(a, UNIQUE (a COLLATE NOCASE))", "constraint t.\"unique(a)\": columns\n" },
	{ "CREATE TABLE t(a UNIQUE)", "CREATE TABLE t(a UNIQUE ON CONFLICT IGNORE)", "constraint t.\"unique(a)\": conflict\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a > 0))",
	  "CREATE TABLE t(a CONSTRAINT c CHECK (a >= 0))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a = 'x'))",
	  "CREATE TABLE t(a CONSTRAINT c CHECK (a = \"X\"))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a CONSTRAINT c CHECK (a + 1 * 2))",
	  "CREATE TABLE t(a CONSTRAINT c CHECK ((a + 1) * 2))", "constraint t.c: expression\n" },
	{ "CREATE TABLE t(a REFERENCES p)", "CREATE TABLE t(a REFERENCES q)", "constraint t.\"foreign_key(a)\": references\n" },
	{ "CREATE TABLE t(a REFERENCES p(x))",
	  "CREATE TABLE t(a REFERENCES p(y))", "constraint t.\"foreign_key(a)\": references\n" },
	{ "CREATE TABLE t(a REFERENCES p ON DELETE CASCADE)",
	  "CREATE TABLE t(a REFERENCES p ON DELETE SET NULL)", "constraint t.\"foreign_key(a)\": on_delete\n" },
	{ "CREATE TABLE t(a REFERENCES p)",
	  "CREATE TABLE t(a REFERENCES p ON UPDATE RESTRICT)", "constraint t.\"foreign_key(a)\": on_update\n" },
	{ "CREATE TABLE t(a REFERENCES p)",
	  "CREATE TABLE t(a REFERENCES p MATCH FULL)", "constraint t.\"foreign_key(a)\": match\n" },
	{ "CREATE TABLE t(a REFERENCES p)",
	  "CREATE TABLE t(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)", "constraint t.\"foreign_key(a)\": deferrable\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)",
	  "CREATE TABLE t(a); CREATE UNIQUE INDEX i ON t(a)", "index t.i: unique\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)",
	  "CREATE TABLE t(a); CREATE INDEX i ON t(a DESC)", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)",
	  "CREATE TABLE t(a); CREATE INDEX i ON t(a COLLATE NOCASE)", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(lower(a))",
	  "CREATE TABLE t(a); CREATE INDEX i ON t(upper(a))", "index t.i: columns\n" },
	{ "CREATE TABLE t(a); CREATE INDEX i ON t(a)",
	  "CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a > 0", "index t.i: predicate\n" },
	{ "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT a FROM t",
	  "CREATE TABLE t(a, b); CREATE VIEW v AS SELECT b FROM t", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT 'x' FROM t",
	  "CREATE TABLE t(a); CREATE VIEW v AS SELECT 'X' FROM t", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t",
	  "CREATE TABLE t(a); CREATE VIEW v(b) AS SELECT a FROM t", "view v: columns\n" },
	{ "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t WHERE a = \"Yes\"",
	  "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t WHERE a = \"yes\"", "view v: definition\n" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
	  "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 2; END", "trigger t.g: definition\n" },
	{ "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
	  "CREATE TABLE t(a); CREATE TRIGGER g INSERT ON t BEGIN SELECT 1; END", "trigger t.g: definition\n" },
	{ NULL, NULL, NULL },
};

// Words that are keywords in one place and names in another, odd grammar, and shapes of real schemas.
static const char *const schemas[] = {
	"CREATE TABLE abort(action, after, always, analyze, asc, attach, before, begin, by, cascade, cast, column, conflict, "
	"cross, current, database, deferred, desc, detach, do, each, end, exclude, exclusive, explain, fail, filter, first, "
	"following, for, full, generated, glob, groups, if, ignore, immediate, indexed, initially, inner, instead, key, last, "
	"left, like, match, materialized, natural, no, nulls, of, offset, others, outer, over, partition, plan, pragma, "
	"preceding, query, raise, range, recursive, regexp, reindex, release, rename, replace, restrict, right, rollback, "
	"row, rows, savepoint, temp, temporary, ties, trigger, unbounded, vacuum, view, virtual, window, with, without, CHECK "
	"(action + after + asc + before + begin + by + conflict + current + desc + do + end + exclude + key + left + like + "
	"match + no + of + offset + over + range + replace + row + rows + temp + view + window > 0)); CREATE INDEX \"if\" ON "
	"abort(if, key desc, asc asc, desc desc, end) WHERE left IS NOT NULL AND right NOT LIKE 'x' ESCAPE '!' AND no "
	"NOTNULL; CREATE VIEW replace AS SELECT key AS key, abort.end, row AS \"row\", replace(plan, 'a', 'b') AS replace, "
	"like(left, right), glob('a*', \"match\"), CASE begin WHEN 1 THEN 2 ELSE 3 END AS \"case\", 1 IN (SELECT of FROM "
	"abort), key NOT IN (1, 2), row NOT BETWEEN 1 AND 2, key IS NOT DISTINCT FROM 1, key ISNULL, x'00ff', CAST(key AS "
	"VARCHAR(10)), key COLLATE nocase FROM abort NATURAL LEFT OUTER JOIN abort b CROSS JOIN abort AS \"do\" WHERE EXISTS "
	"(SELECT 1) GROUP BY key, (row) HAVING count(*) > 1 ORDER BY key ASC NULLS FIRST, row DESC NULLS LAST LIMIT 1 OFFSET 2",
	"CREATE TABLE t(a INT, b INT, c TEXT); CREATE VIEW w AS SELECT row_number() OVER (PARTITION BY a ORDER BY b ROWS "
	"BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES) AS r, sum(b) FILTER (WHERE a > 0) OVER win, max(b) OVER "
	"(ROWS 2 PRECEDING), min(b) OVER (win RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS), avg(b) "
	"OVER (GROUPS CURRENT ROW), total(b) OVER (ORDER BY a ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) FROM t WINDOW win "
	"AS (PARTITION BY c), w2 AS (ORDER BY a); CREATE VIEW r AS WITH RECURSIVE n(i) AS NOT MATERIALIZED (VALUES (1) UNION "
	"ALL SELECT i + 1 FROM n WHERE i < 9), m AS MATERIALIZED (SELECT 1 AS x) SELECT i, x, (SELECT max(a) FROM t WHERE t.a "
	"= n.i) FROM n, m UNION SELECT 1, 2, 3 EXCEPT SELECT 4, 5, 6 INTERSECT SELECT 7, 8, 9; CREATE VIEW j AS SELECT t.c -> "
	"'$.a', t.c ->> '$.b', t.c -> \"x\" FROM t INDEXED BY i LEFT JOIN json_each(t.c) AS e ON e.key = t.a JOIN t AS t2 "
	"USING (a); CREATE INDEX i ON t(a); CREATE INDEX i2 ON t(c ->> 'x', a + b, (a), coalesce(b, -1) DESC, c COLLATE "
	"NOCASE)",
	"CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, n INT, end); CREATE TABLE log(at DEFAULT CURRENT_TIMESTAMP, what "
	"TEXT); CREATE TRIGGER g1 AFTER INSERT ON t WHEN CASE WHEN new.end THEN 1 ELSE new.b END BEGIN INSERT INTO log(what) "
	"SELECT 'a;b' WHERE new.b <> 'END'; UPDATE OR IGNORE t SET n = n + 1, b = CASE n WHEN 1 THEN 'x' END WHERE a = new.a; "
	"DELETE FROM log WHERE what = old_value(1); REPLACE INTO log VALUES (1, 2); SELECT RAISE(ABORT, 'no') WHERE new.n < "
	"0; INSERT INTO t(b) VALUES (new.b) ON CONFLICT (b) DO UPDATE SET n = excluded.n WHERE n > 1 ON CONFLICT DO NOTHING; "
	"INSERT OR ROLLBACK INTO log(what) SELECT x FROM (SELECT 1 AS x) AS c; UPDATE t SET (b, n) = (SELECT 1, 2) FROM log "
	"WHERE log.at = t.a; END; CREATE TRIGGER g2 BEFORE DELETE ON t BEGIN SELECT RAISE(IGNORE), RAISE(ROLLBACK, 'x'), "
	"RAISE(FAIL, 'y'); END; CREATE VIEW v AS SELECT * FROM t; CREATE TRIGGER g3 INSTEAD OF UPDATE OF a, b ON v FOR EACH "
	"ROW BEGIN SELECT new.*; END",
	"CREATE TABLE \"odd \"\"name\"(\"a b\" INT, [c\"d] TEXT, `e``f` INT, \"\xc3\xa9t\xc3\xa9\" REAL, \"select\" INT, "
	"UNIQUE (\"a b\", \"select\"), CHECK (\"select\" > \"a b\"), FOREIGN KEY (\"a b\") REFERENCES \"odd "
	"\"\"name\"(\"select\")); CREATE INDEX \"i i\" ON \"odd \"\"name\"(\"\xc3\xa9t\xc3\xa9\")",
	"CREATE TABLE users(id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, email VARCHAR(255) NOT NULL COLLATE NOCASE "
	"CONSTRAINT users_email_key UNIQUE ON CONFLICT FAIL CHECK (email LIKE '%@%'), state TEXT NOT NULL DEFAULT 'new' CHECK "
	"(state IN ('new', 'paid', 'void')), balance DECIMAL(12, 2) DEFAULT 0.00, created_at DATETIME DEFAULT "
	"(strftime('%Y-%m-%d %H:%M:%f', 'now')), parent INT REFERENCES users ON DELETE SET NULL ON UPDATE CASCADE MATCH FULL "
	"NOT DEFERRABLE INITIALLY IMMEDIATE, full TEXT GENERATED ALWAYS AS (email || ' ' || state) STORED, short AS "
	"(substr(email, 1, 3)), CONSTRAINT one UNIQUE (state, email DESC) ON CONFLICT REPLACE CONSTRAINT two CHECK (balance "
	">= 0) ON CONFLICT IGNORE, FOREIGN KEY (state, email) REFERENCES other(x, y) ON INSERT CASCADE ON DELETE SET DEFAULT "
	"ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED)",
	"CREATE TABLE w(a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (b DESC, a COLLATE BINARY, a)) WITHOUT ROWID; CREATE "
	"TABLE s(a INT PRIMARY KEY, b TEXT, c ANY, d BLOB, e REAL, f INTEGER NOT NULL) STRICT; CREATE TABLE k(a INTEGER "
	"PRIMARY KEY ON CONFLICT REPLACE, b INT, UNIQUE (a), UNIQUE (b, a) ON CONFLICT IGNORE); CREATE TABLE d(a INTEGER "
	"PRIMARY KEY DESC); CREATE UNIQUE INDEX x ON w(c) WHERE c IS NOT NULL AND c NOT IN (1, 2)",
	"CREATE TABLE f(a DEFAULT 1.5e-3, b DEFAULT +0x1F, c DEFAULT x'41', d DEFAULT (1 + 2), e DEFAULT ('a' || 'b'), f "
	"DEFAULT (abs(-5)), g DEFAULT \"two words\", h DEFAULT [x], i DEFAULT key, j DEFAULT FALSE, k DEFAULT (NULL), l "
	"DEFAULT .5, m DEFAULT (CASE WHEN 1 THEN 2 END), n DEFAULT (json('[]'))); CREATE VIRTUAL TABLE ft USING fts5(title, "
	"body UNINDEXED, content = '', prefix = '2 3', tokenize = \"unicode61 remove_diacritics 2\"); CREATE VIRTUAL TABLE rt "
	"USING rtree(id, x0, x1, +label TEXT); CREATE TABLE after_all(x REFERENCES f(a))",
};

void for_every_fixture(void (*check)(const char *sql))
{
	const struct sqlite_pair *const lists[] = { equal_pairs, different_pairs };
	for (size_t i = 0; i < 2; i++) {
		for (const struct sqlite_pair *pair = lists[i]; pair->a != NULL; pair++) {
			check(pair->a);
			check(pair->b);
		}
	}
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
		check(schemas[i]);
}
