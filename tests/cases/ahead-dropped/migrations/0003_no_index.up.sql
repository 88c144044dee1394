DROP INDEX orders_user_id_idx;
CREATE TABLE tags (id integer PRIMARY KEY);
