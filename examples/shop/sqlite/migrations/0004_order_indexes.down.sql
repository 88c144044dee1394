DROP INDEX order_lines_product_id_idx;
DROP INDEX orders_open_idx;
DROP INDEX orders_customer_id_idx;
