-- +goose NO TRANSACTION
-- +goose Up
ALTER TABLE users ADD COLUMN phone text;
CREATE INDEX CONCURRENTLY users_phone_idx ON users (phone);

-- +goose Down
DROP INDEX CONCURRENTLY users_phone_idx;
