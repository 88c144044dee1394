ALTER TABLE users ADD COLUMN vip boolean;
CREATE INDEX users_name_idx ON users (name);
CREATE TABLE users_backup (id integer PRIMARY KEY, email text, UNIQUE (email));
