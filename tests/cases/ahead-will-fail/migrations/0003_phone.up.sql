ALTER TABLE users ADD COLUMN phone text;
CREATE TABLE tags (id integer PRIMARY KEY);
