CREATE VIEW open_orders AS
	SELECT id, user_id, total FROM orders WHERE state = 'new';
CREATE INDEX orders_state_idx ON orders (state);
