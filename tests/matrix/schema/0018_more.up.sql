-- PostgreSQL 18: virtual columns, constraints that are not enforced, temporal keys, NOT NULL constraints by name.
CREATE TABLE app.modern (
	id integer, during daterange, price numeric, taxed numeric GENERATED ALWAYS AS (price * 1.2) VIRTUAL, plain numeric GENERATED ALWAYS AS (price + 1),
	a integer CONSTRAINT modern_a_there NOT NULL NO INHERIT, b integer, c integer NOT NULL,
	CONSTRAINT modern_pk PRIMARY KEY (id, during WITHOUT OVERLAPS),
	CONSTRAINT modern_price_ck CHECK (price > 0) NOT ENFORCED
);
ALTER TABLE app.modern ADD CONSTRAINT modern_b_there NOT NULL b NOT VALID;
CREATE TABLE app.modern_rows (
	id integer, during daterange, user_id bigint,
	CONSTRAINT modern_rows_fk FOREIGN KEY (id, PERIOD during) REFERENCES app.modern (id, PERIOD during),
	CONSTRAINT modern_rows_user_fk FOREIGN KEY (user_id) REFERENCES app.users NOT ENFORCED
);
CREATE TABLE app.virtual (price numeric, taxed numeric GENERATED ALWAYS AS (price * 1.2));
CREATE TABLE app.modern_old_name (a integer NOT NULL);
ALTER TABLE app.modern_old_name RENAME TO modern_new_name;
CREATE TABLE app.modern_child (d text) INHERITS (app.modern_new_name);
CREATE FUNCTION app.old_and_new(n bigint) RETURNS SETOF bigint LANGUAGE sql BEGIN ATOMIC
	UPDATE app.members SET level = n RETURNING OLD.level + NEW.level; END;
