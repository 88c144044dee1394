-- PostgreSQL 14: bodies in standard SQL, compression, OUT arguments of procedures, multiranges, expressions in extended
-- statistics, SEARCH and CYCLE.
CREATE FUNCTION app.atomic(n integer) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) + n FROM app.users WHERE id > n; END;
CREATE FUNCTION app.returned(a date) RETURNS integer LANGUAGE sql IMMUTABLE RETURN extract(year from a) + 1;
CREATE PROCEDURE app.atomic_too(n bigint, OUT done boolean) LANGUAGE sql BEGIN ATOMIC DELETE FROM app.members WHERE user_id = n; SELECT true; END;
CREATE TABLE app.packed (a text COMPRESSION pglz, b text, spans int4multirange DEFAULT '{[1,2)}', CHECK (spans @> 3));
CREATE VIEW app.tree AS WITH RECURSIVE t(id, up) AS (SELECT id, owner_id FROM app.groups UNION ALL SELECT g.id, g.owner_id FROM app.groups g JOIN t ON g.id = t.up)
	SEARCH DEPTH FIRST BY id SET ordered CYCLE id SET looped USING path SELECT id, looped FROM t ORDER BY ordered;
CREATE VIEW app.aliased AS SELECT j.id FROM (app.users JOIN app.groups USING (id) AS j);
CREATE VIEW app.grouped_once AS SELECT part, title, count(*) AS n FROM app.groups GROUP BY DISTINCT ROLLUP (part, title), ROLLUP (title);
