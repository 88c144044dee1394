-- Alone in its file: the whole file is one message to the server.
CREATE INDEX CONCURRENTLY users_email_idx ON users (email, id);
