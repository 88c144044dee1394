DROP VIEW IF EXISTS totals;
CREATE VIEW totals AS SELECT user_id, sum(total) AS total, count(*) AS n FROM orders GROUP BY user_id;
