DROP TRIGGER order_lines_total ON order_lines;
DROP FUNCTION order_total_refresh();
