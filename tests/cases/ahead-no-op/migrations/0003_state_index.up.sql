CREATE INDEX IF NOT EXISTS orders_state_idx ON orders (state);
CREATE TABLE tags (id integer PRIMARY KEY);
