CREATE TABLE users (
	id INTEGER PRIMARY KEY,
	email TEXT NOT NULL,
	name TEXT COLLATE NOCASE,
	age INTEGER DEFAULT 0,
	state TEXT NOT NULL DEFAULT 'new',
	label TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
	CONSTRAINT users_age_ck CHECK (age >= 0),
	CONSTRAINT users_email_key UNIQUE (email)
);
CREATE INDEX users_name_idx ON users (name);
CREATE INDEX users_state_idx ON users (state) WHERE age > 18;
CREATE TABLE groups (
	id INTEGER PRIMARY KEY,
	title TEXT NOT NULL,
	owner_id INTEGER,
	deputy_id INTEGER,
	CONSTRAINT groups_owner_fk FOREIGN KEY (owner_id) REFERENCES users (id)
);
CREATE TABLE words (word TEXT NOT NULL PRIMARY KEY, n INTEGER);
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
CREATE VIRTUAL TABLE search USING fts5(body);
CREATE VIEW adults AS SELECT id, name FROM users WHERE age >= 18;
CREATE TRIGGER users_touch AFTER UPDATE ON users
BEGIN
	UPDATE users SET state = 'touched' WHERE id = NEW.id;
END;
