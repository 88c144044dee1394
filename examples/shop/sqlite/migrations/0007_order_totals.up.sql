CREATE TRIGGER order_lines_total AFTER INSERT ON order_lines
BEGIN
	UPDATE orders
	SET total = (SELECT coalesce(sum(quantity * price), 0) FROM order_lines WHERE order_id = NEW.order_id)
	WHERE id = NEW.order_id;
END;
