CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TYPE app.point3 AS (x integer, y integer);
CREATE DOMAIN app.word AS text;
CREATE SEQUENCE app.counter;
CREATE TABLE app.users (
	id bigint NOT NULL,
	name text,
	CONSTRAINT users_id_ck CHECK (id > 0)
);
CREATE TABLE app.plain (a integer, b integer);
CREATE INDEX users_name_idx ON app.users (name);
CREATE VIEW app.adults AS SELECT id, name FROM app.users;
CREATE MATERIALIZED VIEW app.totals AS SELECT name, count(*) AS n FROM app.users GROUP BY name;
CREATE FUNCTION app.twice(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
CREATE PROCEDURE app.tidy() LANGUAGE sql AS 'DELETE FROM app.users';
CREATE AGGREGATE app.smallest(integer) (SFUNC = int4smaller, STYPE = integer);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER users_touch BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE RULE users_no_delete AS ON DELETE TO app.users DO INSTEAD NOTHING;
CREATE POLICY users_own ON app.users USING (id > 0);
ALTER SCHEMA app OWNER TO shop_owner;
ALTER TYPE app.mood OWNER TO shop_owner;
ALTER TYPE app.point3 OWNER TO shop_owner;
ALTER DOMAIN app.word OWNER TO shop_owner;
ALTER SEQUENCE app.counter OWNER TO shop_owner;
ALTER TABLE app.users OWNER TO shop_owner;
ALTER TABLE app.plain OWNER TO shop_owner;
ALTER VIEW app.adults OWNER TO shop_owner;
ALTER MATERIALIZED VIEW app.totals OWNER TO shop_owner;
ALTER FUNCTION app.twice OWNER TO shop_owner;
ALTER FUNCTION app.touch OWNER TO shop_owner;
ALTER PROCEDURE app.tidy OWNER TO shop_owner;
ALTER AGGREGATE app.smallest(integer) OWNER TO shop_owner;
