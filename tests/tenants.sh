#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A fleet of tenants, each with a schema of one database: what of it is found, as what, and how the tenants are grouped. Names
# of all sorts, names that begin alike, names in literals. `tests/tenants.sh --bless` rewrites the goldens in tests/tenants.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
goldens=$source_folder/tests/tenants
bless=${1:-}

server || exit
psql -X -q -c 'CREATE ROLE reader LOGIN' -c 'CREATE DATABASE saas'
url="postgresql:///saas?host=$PGHOST&port=$PGPORT&user=reader"
saas() { psql -X -q -v ON_ERROR_STOP=1 -d saas "$@"; }

# Everything that can name the schema: types, sequences, foreign keys, views, functions with a search path, bodies that name it
# because the migration asked where it runs, triggers with arguments, and a literal that a tenant's name may be.
repository app '
CREATE TYPE mood AS ENUM ($$calm$$, $$tense$$);
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT $$calm$$, kind text DEFAULT $$acme$$);
CREATE TABLE orders (id serial PRIMARY KEY, user_id integer REFERENCES users, total numeric(12,2) NOT NULL CHECK (total >= 0));' '
CREATE VIEW acme AS SELECT users.id, users.mood, acme.total FROM users JOIN orders acme ON acme.user_id = users.id;
CREATE FUNCTION loudest(m mood) RETURNS SETOF users LANGUAGE sql STABLE AS $$SELECT * FROM users WHERE mood = m$$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
DO $$BEGIN
	EXECUTE format($f$ALTER FUNCTION note() SET search_path = %I, public$f$, current_schema());
	EXECUTE format($f$CREATE FUNCTION count_users() RETURNS bigint LANGUAGE sql AS %L$f$, format($q$SELECT count(*) FROM %I.users$q$, current_schema()));
	EXECUTE format($f$CREATE TRIGGER noted AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note(%L)$f$, current_schema());
	EXECUTE format($f$ALTER TABLE users ADD COLUMN home text DEFAULT %L$f$, current_schema());
END$$;' '
CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id integer NOT NULL REFERENCES orders);
CREATE INDEX invoices_order_idx ON invoices (order_id);'

# Makes a tenant as a deploy with its schema on the search path does.
tenant() { # name version
	local i
	{
		printf 'CREATE SCHEMA "%s"; SET search_path = "%s", public; GRANT USAGE ON SCHEMA "%s" TO reader;\n' "${1//\"/\"\"}" "${1//\"/\"\"}" "${1//\"/\"\"}"
		echo 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null); GRANT SELECT ON schema_migrations TO reader;'
		for ((i = 1; i <= $2; i++)); do
			cat "app/000${i}_step.up.sql"
		done
		echo "INSERT INTO schema_migrations VALUES ($2, false);"
	} >tenant.sql
	saas <tenant.sql >tenant.log 2>&1 || not_ok "tenant $1 could not be made" <tenant.log
}

for i in {1..30}; do
	tenant "tenant_$i" 3
done
tenant 'tenant_Upper' 3
tenant 'tenant_"quoted"' 3
tenant "tenant_o'brien" 3
tenant 'tenant_with blank' 3
for i in 31 32 33; do
	tenant "tenant_$i" 2
done
tenant tenant_linked 3
tenant tenant_untracked 3
tenant tenant_ 3
cat >driftcheck.conf <<CONF
migrations "app" { path = "app" }
fleet "saas" { url = "$url"  schemas = "tenant_*"  migrations = "app" }
CONF

run
judge "$([ "$status" = 1 ] && echo 0 || echo 1)" 'three tenants are behind, and that is all' < <(cat out err)
jq -r '.environments[] | [.name, .verdict, (.members | length), .fleet] | @tsv' < <("$DRIFTCHECK" --format json) >shapes
diff shapes - >diff <<'TSV'
saas/tenant_	clean	37	saas
saas/tenant_31	skew	3	saas
TSV
judge $? 'forty tenants are two shapes, whatever their names' <diff
cp out first.out

# Schema edits by hand, each in its tenant.
saas <<'SQL'
ALTER TABLE tenant_5.invoices DROP COLUMN order_id;
ALTER TABLE tenant_7.users ADD COLUMN vip boolean;
ALTER TABLE "tenant_with blank".users ADD COLUMN vip boolean;
ALTER TABLE tenant_linked.orders DROP CONSTRAINT orders_user_id_fkey, ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES tenant_1.users;
DROP TABLE tenant_untracked.schema_migrations;
CREATE OR REPLACE FUNCTION "tenant_o'brien".count_users() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM "tenant_o'brien".orders$$;
SQL
cat out >/dev/null
run --format json
cat out >report.raw
cat out err | head -c 300000 > /tmp/tn/out.json
run
cat out err
