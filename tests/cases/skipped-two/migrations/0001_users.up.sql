CREATE TABLE users (id integer PRIMARY KEY, name varchar(100));
CREATE INDEX users_name_idx ON users (name);
