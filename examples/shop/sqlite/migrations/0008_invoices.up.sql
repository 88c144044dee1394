CREATE TABLE invoices (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	order_id INTEGER NOT NULL UNIQUE REFERENCES orders (id),
	issued_on TEXT NOT NULL DEFAULT CURRENT_DATE,
	pdf_url TEXT
);
CREATE INDEX invoices_issued_on_idx ON invoices (issued_on);
