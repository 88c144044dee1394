-- PostgreSQL 13 takes parameters of operator classes, and triggers before the row on partitioned tables.
CREATE INDEX users_signature_idx ON app.users USING gist (attributes gist_hstore_ops (siglen = 32), (name::text) app.gist_trgm_ops (siglen = 64));
CREATE TRIGGER events_before BEFORE INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.users ADD COLUMN token uuid DEFAULT gen_random_uuid();
