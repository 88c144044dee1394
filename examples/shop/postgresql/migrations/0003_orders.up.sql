CREATE TYPE order_state AS ENUM ('new', 'paid', 'shipped', 'void');

CREATE TABLE orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES customers (id),
	state order_state NOT NULL DEFAULT 'new',
	total numeric(12,2) NOT NULL DEFAULT 0,
	placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
	order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
	line smallint NOT NULL,
	product_id bigint NOT NULL REFERENCES products (id),
	quantity integer NOT NULL,
	price numeric(12,2) NOT NULL,
	PRIMARY KEY (order_id, line),
	CONSTRAINT order_lines_quantity_ck CHECK (quantity > 0)
);
