#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse` on a real environment: a clone is made from its statistics, the pending migrations run on it under traffic, and
# the verdict follows from what was measured. What is asserted holds on a machine of any speed: limits are far below or far
# above what the statements can take.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
psql -Xq -c 'CREATE DATABASE shop' -c 'CREATE ROLE looker LOGIN'
url="postgresql:///shop?host=$PGHOST&port=$PGPORT&user=$PGUSER"

rehearse() { # options...: leaves the JSON in out
	run rehearse prod --config driftcheck.conf --format json "$@"
	cat out err >both
}

# has WHAT FILTER: the jq filter is true of the result.
has() {
	jq -e "$2" out >/dev/null 2>&1
	judge $? "$1" <both
}

limits() { # lock_timeout
	cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "$url" }
rehearse { lock_timeout = "$1" statement_timeout = "1h" }
CONF
}

base='CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, phone text);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric(12,2) NOT NULL, state text NOT NULL);'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email, phone) SELECT 'u' || g || '@example.org', CASE WHEN g % 4 > 0 THEN '555-' || g END FROM generate_series(1, 3000) g;
INSERT INTO orders (user_id, total, state) SELECT g % 3000 + 1, g % 900, (ARRAY['new', 'paid', 'sent'])[g % 3 + 1] FROM generate_series(1, 12000) g;
ANALYZE;
SQL

limits 1h
rehearse
[ "$status" = 2 ] && grep -q 'has every migration' both
judge $? 'nothing is pending: there is nothing to rehearse' <both

repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ADD COLUMN seen boolean NOT NULL DEFAULT false;'
rehearse
[ "$status" = 0 ]
judge $? 'harmless migrations exit 0' <both
has 'and ship' '.verdict == "ship" and .complete and .command == "rehearse"'
has 'the clone has the rows of the environment' '[.clone.tables[] | select(.name == "public.orders") | .rows, .rows_of_env] | . == [12000, 12000]'
has 'each statement has its place' '[.steps[] | select(.file != null) | "\(.file):\(.line)"] == ["shop/0002_step.up.sql:1", "shop/0003_step.up.sql:1"]'
has 'the lock is measured' '[.steps[] | select(.file != null) | .locks[] | "\(.relation) \(.mode)"] | unique == ["public.orders AccessExclusiveLock"]'
has 'readers and writers of the table were there' '[.steps[].victims[] | "\(.relation) \(.operation)"] | unique == ["public.orders read", "public.orders write"]'
has 'nothing is rewritten' '[.steps[].rewrites[]] == []'
has 'the limits are those of the configuration' '.limits.lock_timeout_ms == 3600000 and .limits.statement_timeout_ms == 3600000'

limits 1ms
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ALTER COLUMN id TYPE numeric;' \
	'CREATE INDEX CONCURRENTLY orders_state ON orders (state);' 'ALTER TABLE users ALTER COLUMN phone SET NOT NULL;' 'SELECT 1;'
rehearse --scale 5
[ "$status" = 1 ]
judge $? 'dangerous migrations exit 1' <both
has 'and are not to be shipped' '.verdict == "do-not-ship"'
has 'the rewrite is seen' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .rewrites[]] == ["public.orders"]'
has 'and held against the limit' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .findings[] | select(.rule == "holds-lock") | .severity] == ["fail"]'
has 'CONCURRENTLY runs outside of a transaction' '[.steps[] | select(.file == "shop/0004_step.up.sql") | .transaction, .error] == [0, null]'
has 'a column with NULLs cannot be NOT NULL' '[.steps[] | select(.file == "shop/0005_step.up.sql") | .error.sqlstate] == ["23502"]'
has 'after it nothing runs' '[.steps[] | select(.file == "shop/0006_step.up.sql")] == []'
has 'five times the rows' '[.clone.tables[] | select(.name == "public.users") | .rows] == [15000]'
run rehearse prod --config driftcheck.conf --to 2 --verbose
[ "$status" != 2 ] && grep -q '0002_step' out && ! grep -q '0003_step' out
judge $? 'up to a version' <out

run rehearse prod --config driftcheck.conf --to 2 --one-size --format html --output page.html
python3 "$source_folder/tests/html_check.py" page.html >both 2>&1
judge $? 'a page' <both

# A role that may only connect sees no statistics: sizes come from pg_class, and that is said.
url="postgresql:///shop?host=$PGHOST&port=$PGPORT&user=looker"
limits 1h
psql -Xq -d shop -c 'GRANT SELECT ON schema_migrations TO looker'
rehearse --to 2
[ "$status" = 0 ]
judge $? 'a role that may only connect' <both
has 'is told what rests on less' '[.clone.tables[] | select(.name == "public.orders") | .rests_on] | .[0] != null'
[ "$(psql -XqAt -d shop -c 'SELECT count(*) FROM orders')" = 12000 ]
judge $? 'the environment is as it was' </dev/null
[ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'driftcheck-scratch-*' -user "$(id -un)" -newer driftcheck.conf 2>/dev/null)" ]
judge $? 'no server is left' < <(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'driftcheck-scratch-*')

says_2() { # what, pattern, arguments...
	local what=$1 pattern=$2
	shift 2
	run "$@"
	cat out err >both
	[ "$status" = 2 ] && grep -qE -- "$pattern" both
	judge $? "$what" <both
}
says_2 'a scale that is none' 'is no number above 0' rehearse prod --config driftcheck.conf --scale many
says_2 'a version that there is not' 'no migration with the version' rehearse prod --config driftcheck.conf --to 77
says_2 'a format that there is not' '--format sarif' rehearse prod --config driftcheck.conf --format sarif
says_2 'a file that is not there' 'nothing.db' rehearse prod=sqlite:nothing.db --migrations shop
echo '{}' >snapshot.json
says_2 'an environment that is no database' 'only live databases' rehearse prod=snapshot.json --migrations shop
