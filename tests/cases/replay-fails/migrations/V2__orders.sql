CREATE TABLE orders (
	id integer PRIMARY KEY,
	user_id integer NOT NULL REFERENCES users (id),
	total numeric(12,2) NOT NULL DEFAULT 0
);
CREATE INDEX orders_user_id_idx ON orders (user_id);
