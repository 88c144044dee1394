CREATE TABLE vouchers (
	code text PRIMARY KEY,
	percent smallint NOT NULL CHECK (percent BETWEEN 1 AND 100),
	valid_until date
);
ALTER TABLE orders ADD COLUMN voucher_code text REFERENCES vouchers (code);
