CREATE VIEW daily_sales AS
	SELECT placed_at::date AS day, count(*) AS orders, sum(total) AS total
	FROM orders
	WHERE state <> 'void'
	GROUP BY placed_at::date;
