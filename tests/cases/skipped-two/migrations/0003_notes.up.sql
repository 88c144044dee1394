ALTER TABLE users RENAME COLUMN phone TO mobile;
CREATE INDEX users_mobile_idx ON users (mobile);
CREATE TABLE notes (id integer PRIMARY KEY, note text);
