-- +goose Up
CREATE TABLE tags (
	id integer PRIMARY KEY,
	word text NOT NULL UNIQUE
);

-- +goose Down
DROP TABLE tags;
