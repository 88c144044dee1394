-- PostgreSQL 17: exclusion constraints of partitioned tables, JSON_TABLE and its like, AT LOCAL,
-- MERGE ... RETURNING in bodies.
CREATE TABLE app.split (id bigint, at date NOT NULL, room integer,
	CONSTRAINT split_no_overlap EXCLUDE USING gist (at WITH =, room WITH =)) PARTITION BY RANGE (at);
CREATE TABLE app.split_2026 PARTITION OF app.split FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW app.json_tables AS SELECT j.a, json_value(u.h, '$.a' RETURNING integer DEFAULT 0 ON EMPTY) AS v, json_exists(u.h, '$.b') AS e
	FROM app.checks u, JSON_TABLE(u.h, '$[*]' COLUMNS (a integer PATH '$.a', n FOR ORDINALITY)) j;
CREATE VIEW app.local_time AS SELECT touched AT LOCAL AS t FROM app.users;
CREATE FUNCTION app.merged(n bigint) RETURNS SETOF bigint LANGUAGE sql BEGIN ATOMIC
	MERGE INTO app.members m USING app.users u ON m.user_id = u.id WHEN MATCHED THEN UPDATE SET level = n
	WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING m.user_id; END;
