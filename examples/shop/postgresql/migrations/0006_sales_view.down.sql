DROP VIEW daily_sales;
