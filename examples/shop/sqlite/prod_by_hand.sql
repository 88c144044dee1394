-- What people did to prod's database by hand.

-- Marketing needed to mark some customers, on a Friday evening.
ALTER TABLE customers ADD COLUMN vip INTEGER;

-- An import failed on free samples with a negative price, so the table was made anew without the check, and with a type
-- that seemed right.
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TABLE products_new (
	id INTEGER PRIMARY KEY,
	sku TEXT NOT NULL UNIQUE,
	title TEXT NOT NULL,
	price REAL NOT NULL,
	in_stock INTEGER NOT NULL DEFAULT 0
);
INSERT INTO products_new SELECT id, sku, title, price, in_stock FROM products;
DROP TABLE products;
ALTER TABLE products_new RENAME TO products;
COMMIT;

-- "Nobody uses this one."
DROP INDEX invoices_issued_on_idx;
