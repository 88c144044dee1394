DROP TRIGGER order_lines_total;
