CREATE TABLE shop.invoices (id bigint PRIMARY KEY, total numeric);
