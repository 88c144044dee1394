CREATE VIEW daily_sales AS
	SELECT date(placed_at) AS day, count(*) AS orders, sum(total) AS total
	FROM orders
	WHERE state <> 'void'
	GROUP BY date(placed_at);
