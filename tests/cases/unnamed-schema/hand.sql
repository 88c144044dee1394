CREATE SCHEMA reporting;
CREATE TABLE reporting.daily (day date PRIMARY KEY, total numeric);
CREATE VIEW reporting.latest AS SELECT * FROM reporting.daily ORDER BY day DESC LIMIT 1;
