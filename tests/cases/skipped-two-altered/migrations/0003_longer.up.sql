ALTER TABLE users ALTER COLUMN phone TYPE varchar(40);
CREATE INDEX users_phone_idx ON users (phone);
CREATE TABLE notes (id integer PRIMARY KEY, note text);
