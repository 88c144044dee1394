ALTER TABLE orders ADD COLUMN note text;
DROP INDEX users_email_key;
