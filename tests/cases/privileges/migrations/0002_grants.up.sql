GRANT SELECT ON ALL TABLES IN SCHEMA shop TO app_read;
GRANT SELECT, INSERT, UPDATE ON shop.orders TO app_write;
GRANT USAGE ON SEQUENCE shop.orders_id_seq TO app_write;
GRANT UPDATE (name) ON shop.customers TO app_write;
REVOKE EXECUTE ON FUNCTION shop.purge() FROM PUBLIC;
-- he owns it all there: says nothing
GRANT ALL ON ALL TABLES IN SCHEMA shop TO shop_owner;
REVOKE TRUNCATE ON shop.orders FROM shop_owner;
-- for what comes later
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA shop GRANT SELECT ON TABLES TO app_read;
