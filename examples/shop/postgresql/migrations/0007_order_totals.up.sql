CREATE FUNCTION order_total_refresh() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE orders
	SET total = (SELECT coalesce(sum(quantity * price), 0) FROM order_lines WHERE order_id = NEW.order_id)
	WHERE id = NEW.order_id;
	RETURN NULL;
END
$$;

CREATE TRIGGER order_lines_total AFTER INSERT OR UPDATE ON order_lines
	FOR EACH ROW EXECUTE FUNCTION order_total_refresh();
