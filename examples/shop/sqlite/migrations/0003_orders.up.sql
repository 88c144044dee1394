CREATE TABLE orders (
	id INTEGER PRIMARY KEY,
	customer_id INTEGER NOT NULL REFERENCES customers (id),
	state TEXT NOT NULL DEFAULT 'new',
	total NUMERIC NOT NULL DEFAULT 0,
	placed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
	CONSTRAINT orders_state_ck CHECK (state IN ('new', 'paid', 'shipped', 'void'))
);

CREATE TABLE order_lines (
	order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
	line INTEGER NOT NULL,
	product_id INTEGER NOT NULL REFERENCES products (id),
	quantity INTEGER NOT NULL,
	price NUMERIC NOT NULL,
	PRIMARY KEY (order_id, line),
	CONSTRAINT order_lines_quantity_ck CHECK (quantity > 0)
) WITHOUT ROWID;
