ALTER TABLE users ADD COLUMN phone varchar(20);
CREATE INDEX users_phone_idx ON users (phone);
