ALTER TABLE users ADD COLUMN vip boolean;
