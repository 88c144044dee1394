CREATE TABLE notes (id integer PRIMARY KEY);

ALTER TABLE nobody
	ADD COLUMN name text;
