CREATE VIEW open_orders AS
	SELECT id, user_id, total FROM orders WHERE state = 'new';
