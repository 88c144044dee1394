-- What people did to prod's database by hand.

-- Marketing needed to mark some customers, on a Friday evening.
ALTER TABLE customers ADD COLUMN vip boolean;

-- An import failed on free samples with a negative price.
ALTER TABLE products DROP CONSTRAINT products_price_check;

-- A report was slow; somebody thought that a smaller number would help.
ALTER TABLE order_lines ALTER COLUMN price TYPE numeric(10,2);

-- New orders were to be paid at once, for a day.
ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'paid';

-- "Nobody uses this one."
DROP INDEX invoices_issued_on_idx;
