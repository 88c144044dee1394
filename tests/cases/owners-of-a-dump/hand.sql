ALTER TABLE a OWNER TO app_write;
ALTER TABLE b OWNER TO app_write;
ALTER TABLE c OWNER TO app_write;
