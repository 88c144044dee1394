-- migrate:up
CREATE TABLE public.users (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE public.users;
