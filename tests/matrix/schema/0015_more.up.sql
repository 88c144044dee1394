-- PostgreSQL 15: NULLS NOT DISTINCT, ON DELETE SET NULL of some columns, security_invoker, unlogged sequences, numeric scales
-- beyond the precision.
CREATE UNIQUE INDEX members_level_idx ON app.members (level) NULLS NOT DISTINCT;
ALTER TABLE app.members ADD CONSTRAINT members_level_key UNIQUE NULLS NOT DISTINCT (level, user_id);
ALTER TABLE app.members DROP CONSTRAINT members_group_fk;
ALTER TABLE app.members ADD CONSTRAINT members_group_fk FOREIGN KEY (group_part, group_id) REFERENCES app.groups (part, id) ON DELETE SET NULL (group_id);
CREATE VIEW app.invoked WITH (security_invoker = true) AS SELECT id FROM app.users;
CREATE UNLOGGED SEQUENCE app.fleeting;
CREATE TABLE app.scaled (a numeric(2,-3), b numeric(3,5));
CREATE FUNCTION app.regular(a text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN regexp_count(a, 'x');
