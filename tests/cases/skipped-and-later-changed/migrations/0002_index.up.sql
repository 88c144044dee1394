CREATE INDEX users_name_idx ON users (name);
CREATE TABLE tags (id integer PRIMARY KEY);
ALTER TABLE users ADD COLUMN phone text;
