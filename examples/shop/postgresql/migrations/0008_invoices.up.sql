CREATE TABLE invoices (
	number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	order_id bigint NOT NULL UNIQUE REFERENCES orders (id),
	issued_on date NOT NULL DEFAULT CURRENT_DATE,
	pdf_url text
);
CREATE INDEX invoices_issued_on_idx ON invoices (issued_on);
