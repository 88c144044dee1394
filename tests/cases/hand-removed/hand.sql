DROP INDEX orders_user_id_idx;
DROP VIEW open_orders;
