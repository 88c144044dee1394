#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse --exec`: a command of the user's runs the migrations on the clone, and what it sends is measured.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
psql -Xq -c 'CREATE DATABASE shop'
url="postgresql:///shop?host=$PGHOST&port=$PGPORT&user=$PGUSER"

rehearse() { # options...: leaves the JSON in out
	run rehearse prod --config driftcheck.conf --format json "$@"
	cat out err >both
}

has() { # what, filter: the jq filter is true of the result
	jq -e "$2" out >/dev/null 2>&1
	judge $? "$1" <both
}

cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "$url" }
rehearse { lock_timeout = "1ms" statement_timeout = "1h" }
CONF
repository shop 'CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric(12,2) NOT NULL);'
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email) SELECT 'u' || g || '@example.org' FROM generate_series(1, 3000) g;
INSERT INTO orders (user_id, total) SELECT g % 3000 + 1, g % 900 FROM generate_series(1, 60000) g;
ANALYZE;
SQL

cat >release.sql <<'SQL'
BEGIN;
ALTER TABLE orders ADD COLUMN note text;
ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1);
CREATE TABLE notes (id int);
COMMIT;
CREATE INDEX CONCURRENTLY orders_total ON orders (total);
SQL
export RELEASE="$run_folder/release.sql"
# shellcheck disable=SC2016 # the command's own variables
rehearse --exec 'pwd; psql -Xq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -f "$RELEASE"'
[ "$status" = 1 ]
judge $? 'dangerous statements exit 1' <both
grep -qx "$run_folder" err
judge $? "what the command prints goes to stderr, and it runs here" <both
has 'each statement is a step, without a file' '[.steps[] | "\(.file) \(.sql)"] == ["null BEGIN;", "null ALTER TABLE orders ADD COLUMN note text;", "null ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1);", "null CREATE TABLE notes (id int);", "null COMMIT;", "null CREATE INDEX CONCURRENTLY orders_total ON orders (total);"]'
has 'its transaction is one' '[.steps[].transaction] | .[0] == .[1] and .[0] == .[4] and .[5] != .[0]'
has 'its locks are measured' '[.steps[1].locks[] | "\(.relation) \(.mode)"] | index("public.orders AccessExclusiveLock") != null'
has 'until the end of the transaction' '.steps[1].locks[] | select(.relation == "public.orders") | .held_ms >= 0'
has 'CONCURRENTLY is watched' '[.steps[5].locks[] | "\(.relation) \(.mode)"] | index("public.orders ShareUpdateExclusiveLock") != null'
has 'the rewrite is that of the statement' '[.steps[].rewrites] == [[], [], ["public.orders"], [], [], []]'
has 'a finding with advice' '[.steps[2].findings[] | select(.rule == "rewrites-table")] | length == 1'
has 'clients were there' '[.steps[].victims[].relation] | unique == ["public.orders"]'
[ "$(psql -XqAt -d shop -c "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'")" = 3 ]
judge $? 'the environment is as it was' </dev/null

# shellcheck disable=SC2016
rehearse --one-size --exec 'psql -Xq -c "ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int"'
[ "$status" -le 1 ]
judge $? 'the variables of libpq lead there, too' <both
has 'a message of several statements is taken apart' '[.steps[].sql] == ["BEGIN", "ALTER TABLE orders ADD COLUMN a int", "ALTER TABLE orders ADD COLUMN b int", "COMMIT"]'
rehearse --one-size --as-sent --exec 'psql -Xq -c "ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int"'
has 'or left as it is' '[.steps[].sql] == ["ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int"]'

rehearse --one-size --exec 'psql -Xq -v ON_ERROR_STOP=1 -c "ALTER TABLE nothing ADD COLUMN a int"'
[ "$status" = 1 ]
judge $? 'a statement that fails exits 1' <both
has 'and is found' '.steps[0].error.sqlstate == "42P01" and .steps[0].findings[0].rule == "statement-fails"'
has 'with the status of the command' '[.notes[] | select(test("ended with status 1"))] | length == 1'
rehearse --one-size --exec 'exit 7'
[ "$status" = 2 ]
judge $? 'a command that fails without a statement is trouble' <both
has 'with its status' '[.trouble[] | .text] == ["the command ended with status 7"]'
rehearse --one-size --exec 'true'
has 'one that sends nothing, too' '[.trouble[] | .text] == ["the command sent no statement to the clone"]'

rehearse --one-size --exec 'psql -Xq -c "ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1)"'
has 'the rows that a lone statement reads are counted' '[.steps[] | .rows_read >= 60000 and .rows_read % 60000 == 0] == [true]'

psql -Xq -c 'CREATE DATABASE copy TEMPLATE shop'
rehearse --clone "${url/shop/copy}" --exec 'psql -Xq -c "ALTER TABLE orders ADD COLUMN a int"'
[ "$status" -le 1 ]
judge $? 'on a clone of the user' <both
has 'its statement is measured' '[.steps[].sql] == ["ALTER TABLE orders ADD COLUMN a int"] and .clone.kind == "clone"'
