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
CREATE TABLE app.typed OF app.point3;
