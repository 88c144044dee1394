-- A schema that uses what the kinds can say of SQLite.
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL DEFAULT 'it''s' COLLATE NOCASE,
  age INTEGER CHECK (age >= 0),
  big REAL DEFAULT -1.5e3,
  born TEXT DEFAULT CURRENT_TIMESTAMP,
  code TEXT DEFAULT (lower(hex(randomblob(4)))),
  data BLOB DEFAULT x'00ff',
  both TEXT GENERATED ALWAYS AS (name || ' ' || age) STORED,
  half REAL AS (age / 2.0),
  untyped,
  "Order By" VARCHAR(20) NOT NULL ON CONFLICT IGNORE DEFAULT '',
  CONSTRAINT named UNIQUE (name, age) ON CONFLICT REPLACE,
  UNIQUE (code)
);
CREATE TABLE notes (
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
  title TEXT,
  extra TEXT,
  PRIMARY KEY (user_id, title),
  CONSTRAINT title_ck CHECK (length(title) > 0),
  FOREIGN KEY (title) REFERENCES topics
) WITHOUT ROWID;
CREATE TABLE topics (title TEXT PRIMARY KEY, n INT) STRICT;
CREATE TABLE plain (a, b);
CREATE VIRTUAL TABLE search USING fts5 (title, body);
CREATE INDEX users_lower ON users (lower(name), age DESC) WHERE age IS NOT NULL;
CREATE UNIQUE INDEX "Index; 1" ON plain (a COLLATE RTRIM, b);
CREATE VIEW adults AS SELECT id, name FROM users WHERE age > 17;
CREATE VIEW named_columns (x, "Y") AS SELECT id, name FROM adults;
CREATE TRIGGER touch AFTER UPDATE OF name ON users FOR EACH ROW WHEN new.age > 1 BEGIN
  UPDATE users SET born = ';' WHERE id = new.id;
  DELETE FROM notes WHERE CASE WHEN user_id = new.id THEN 1 ELSE 0 END;
END;
CREATE TRIGGER instead INSTEAD OF DELETE ON adults BEGIN DELETE FROM users WHERE id = old.id; END;
