CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE people (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	number serial,
	state varchar(5) NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'old')),
	mood mood DEFAULT 'ok',
	born date CHECK (born > '1900-01-01'),
	label text GENERATED ALWAYS AS (upper(state)) STORED,
	parent bigint REFERENCES people (id),
	unused text
);
ALTER TABLE people DROP COLUMN unused;
ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok';
CREATE INDEX people_new_idx ON people (lower(label)) WHERE state IN ('new', 'old');
CREATE VIEW young AS SELECT id, label AS name, date_part('year', born) AS year FROM people WHERE state IN ('new', 'x') AND born > '2000-01-01';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.born := now();
	RETURN NEW;
END
$$;
CREATE TRIGGER people_touch BEFORE UPDATE ON people FOR EACH ROW WHEN (NEW.state IN ('new', 'old')) EXECUTE FUNCTION touch();
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY people_all ON people USING (state IN ('new', 'old'));
