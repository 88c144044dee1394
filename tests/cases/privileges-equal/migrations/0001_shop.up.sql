CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO app_read, app_write;
CREATE TABLE shop.customers (id bigint PRIMARY KEY, name text, email text);
CREATE TABLE shop.orders (id bigserial PRIMARY KEY, customer bigint, note text);
CREATE VIEW shop.names AS SELECT id, name FROM shop.customers;
CREATE FUNCTION shop.purge() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM shop.orders';
