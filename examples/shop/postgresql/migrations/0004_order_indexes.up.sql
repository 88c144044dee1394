CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE INDEX orders_open_idx ON orders (placed_at) WHERE state IN ('new', 'paid');
CREATE INDEX order_lines_product_id_idx ON order_lines (product_id);
