ALTER TABLE shop.orders OWNER TO app_read;
ALTER FUNCTION shop.one() OWNER TO shop_owner;
