CREATE TABLE vouchers (
	code TEXT PRIMARY KEY,
	percent INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 100),
	valid_until TEXT
) STRICT;
ALTER TABLE orders ADD COLUMN voucher_code TEXT REFERENCES vouchers (code);
