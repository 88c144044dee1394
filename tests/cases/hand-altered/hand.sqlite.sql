DROP VIEW open_orders;
CREATE TABLE copy (
	id integer PRIMARY KEY,
	user_id integer NOT NULL REFERENCES users (id),
	total numeric(10,2) NOT NULL DEFAULT 0,
	state text NOT NULL,
	CONSTRAINT orders_state_ck CHECK (state IN ('new', 'paid', 'void'))
);
INSERT INTO copy SELECT * FROM orders;
DROP TABLE orders;
ALTER TABLE copy RENAME TO orders;
CREATE INDEX orders_user_id_idx ON orders (user_id);
CREATE INDEX orders_state_idx ON orders (state);
CREATE VIEW open_orders AS SELECT id, user_id, total FROM orders WHERE state = 'new';
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = replace(sql, 'email varchar(200) NOT NULL', 'email varchar(200)') WHERE name = 'users';
PRAGMA writable_schema = reset;
