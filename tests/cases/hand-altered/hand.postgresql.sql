DROP VIEW open_orders;
ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,2), ALTER COLUMN state DROP DEFAULT;
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
CREATE VIEW open_orders AS SELECT id, user_id, total FROM orders WHERE state = 'new';
