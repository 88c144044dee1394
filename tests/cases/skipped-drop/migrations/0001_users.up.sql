CREATE TABLE users (
	id integer PRIMARY KEY,
	email varchar(200) NOT NULL,
	name text
);
CREATE UNIQUE INDEX users_email_key ON users (email);
