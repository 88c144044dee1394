CREATE TABLE events (
	id bigint NOT NULL,
	at date NOT NULL,
	what text NOT NULL DEFAULT 'none',
	PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_what_idx ON events (what);
