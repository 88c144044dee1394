-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE tags (id integer PRIMARY KEY);
CREATE INDEX users_name_idx ON users (name);

-- +goose Down
DROP INDEX users_name_idx;
DROP TABLE tags;
