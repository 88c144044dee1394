-- migrate:up
ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX orders_note_idx ON orders (note);

-- migrate:down
ALTER TABLE orders DROP COLUMN note;
