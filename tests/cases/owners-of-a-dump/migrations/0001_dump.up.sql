GRANT CREATE ON SCHEMA public TO shop_owner;
CREATE TABLE a (id bigint PRIMARY KEY);
CREATE TABLE b (id bigint PRIMARY KEY);
CREATE TABLE c (id bigint PRIMARY KEY);
ALTER TABLE a OWNER TO shop_owner;
ALTER TABLE b OWNER TO shop_owner;
ALTER TABLE c OWNER TO shop_owner;
