-- migrate:up
ALTER TABLE public.users ADD COLUMN name text;

-- migrate:down
ALTER TABLE public.users DROP COLUMN name;
