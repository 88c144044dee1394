ALTER TABLE users ADD COLUMN phone varchar(20);
CREATE TABLE tags (id integer PRIMARY KEY, tag varchar(20));
