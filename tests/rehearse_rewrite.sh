#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse --try-rewrite`: the safer statements run in the place of those that fail or warn, on a second clone, and both runs
# must end in the same schema. Nothing that is asserted depends on how long anything took: the limit is one that every statement
# exceeds, and what a lock is held for is told by its mode and by what is read under it, not by its length.
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

# has WHAT FILTER: the jq filter is true of the result.
has() {
	jq -e "def at(\$n): .steps[] | select(.file == \"shop/000\(\$n)_step.up.sql\"); $2" out >/dev/null 2>&1
	judge $? "$1" <both
}

cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "$url" }
rehearse { lock_timeout = "0.001ms" statement_timeout = "1h" }
CONF

base='CREATE TABLE users (id bigserial PRIMARY KEY, email text, phone text);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL, total numeric(12,2) NOT NULL, state text);
CREATE INDEX orders_state ON orders (state);
CREATE MATERIALIZED VIEW totals AS SELECT id, state FROM orders;
CREATE UNIQUE INDEX totals_id ON totals (id);
CREATE TABLE days (day date NOT NULL, n int) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('\''2024-01-01'\'') TO ('\''2025-01-01'\'');
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('\''2025-01-01'\'') TO ('\''2026-01-01'\'');'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email, phone) SELECT 'u' || g || '@example.org', '555-' || g FROM generate_series(1, 30000) g;
INSERT INTO orders (user_id, total, state) SELECT g % 100 + 1, g % 900, 'new' FROM generate_series(1, 60000) g;
INSERT INTO days SELECT date '2024-01-01' + g % 700, g FROM generate_series(1, 20000) g;
ANALYZE;
SQL

repository shop "$base" 'CREATE INDEX orders_total ON orders (total);' 'ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0);' \
	'ALTER TABLE users ALTER COLUMN email SET NOT NULL;' 'ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;' \
	'ALTER TABLE orders ADD UNIQUE (id, total);' 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1);' 'DROP INDEX orders_state;' \
	"ALTER TABLE users ADD COLUMN nr serial UNIQUE;
ALTER TABLE users ADD COLUMN note text;"
rehearse --try-rewrite --one-size
[ "$status" = 1 ]
judge $? 'the exit status is that of the migrations as they are' <both
# ran N STATEMENT...: what took the place of a migration's statement, in this order, and ended in the same schema.
ran() {
	local n=$1
	shift
	has "$n: $1" "at($n) | select(.line == 1) | .rewriting | .tried and .failure == null and .schema == \"equal\" and [.steps[].error] == [.statements[] | null] and
		[.steps[].sql] == .statements and (.statements as \$s | $(printf '%s\n' "$@" | jq -R . | jq -cs .) as \$want |
		(\$s | length) == (\$want | length) and ([\$s, \$want] | transpose | map(.[1] as \$w | .[0] | startswith(\$w)) | all))"
}
ran 2 'CREATE INDEX CONCURRENTLY orders_total'
ran 3 'ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID' 'ALTER TABLE orders VALIDATE'
ran 4 'ALTER TABLE users ADD CONSTRAINT users_email_is_set' 'ALTER TABLE users VALIDATE' 'ALTER TABLE users ALTER COLUMN email SET NOT NULL' 'ALTER TABLE users DROP CONSTRAINT'
ran 5 'ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY' 'ALTER TABLE orders VALIDATE'
ran 6 'CREATE UNIQUE INDEX CONCURRENTLY orders_id_total_key' 'ALTER TABLE orders ADD CONSTRAINT orders_id_total_key UNIQUE USING INDEX'
ran 8 'DROP INDEX CONCURRENTLY orders_state'
ran 9 'CREATE SEQUENCE' 'ALTER TABLE users ADD COLUMN nr' 'ALTER SEQUENCE' 'DO ' 'ALTER TABLE users ADD CONSTRAINT' 'ALTER TABLE users VALIDATE' \
	'ALTER TABLE users ALTER COLUMN nr SET NOT NULL' 'ALTER TABLE users DROP CONSTRAINT' 'CREATE UNIQUE INDEX CONCURRENTLY' 'ALTER TABLE users ADD CONSTRAINT'
has 'the schema is the same in the end' '.rewritten | .schema == "equal" and .differences == [] and .replaced == 7 and .clones == 1 and .why_not == null'
has 'the verdict of the whole is still given: a statement has advice only' '.rewritten.verdict == "do-not-ship"'
has 'which is said to be not tried' 'at(7) | .rewriting | .tried == false and .statements == [] and (.why_not | test("advice")) and .schema == "not-compared"'
has 'before: the lock of the statement' 'at(2) | .rewriting.longest_hold_before | .relation == "public.orders" and .mode == "ShareLock" and .held_ms > 0'
has 'after: CONCURRENTLY stops no client' 'at(2) | .rewriting.longest_hold_after == null and ([.rewriting.steps[].locks[].mode] | index("ShareUpdateExclusiveLock") != null)'
has 'after: no scan is under a lock that stops clients' '[.steps[].rewriting | select(.tried == true) | .steps[] | select(.rows_read >= 30000) | .locks[] |
	select(.relation == "public.orders" or .relation == "public.users") | .mode] - ["ShareUpdateExclusiveLock", "RowShareLock", "RowExclusiveLock", "AccessShareLock"] == []'
has 'what it means for the file' '[at(2), at(3), (at(9) | select(.line == 1)) | .rewriting.file] == ["nothing else may be in it", "2 migrations instead of one, a statement each",
	"out of this one, into 10 migrations, a statement each"]'
has 'a statement of the same transaction ran all the same' '[.steps[] | select(.line == 2) | .error] == [null]'
has 'findings stand worst first' '[.steps[].findings | map(.severity) | . == sort] | all'

# What is not the same: CONCURRENTLY leaves a CHECK of the bound on what was the partition (from PostgreSQL 14 on).
major=$(psql -XqAt -c 'SHOW server_version_num')
if [ "$major" -ge 140000 ]; then
	repository shop "$base" 'ALTER TABLE days DETACH PARTITION days_1;' 'CREATE INDEX orders_total ON orders (total);' 'REFRESH MATERIALIZED VIEW totals;'
	rehearse --try-rewrite --one-size
	has 'another schema in the end is declared' '.rewritten | .schema == "different" and .differences == ["constraint public.days_1.days_1_day_check: is there only with the safer statements"]'
	has 'of the statement that it comes from' 'at(2) | .rewriting | .schema == "different" and (.differences | length) == 1'
	has 'and not of another' 'at(3) | .rewriting | .schema == "equal" and .differences == []'
	has 'nobody writes to a materialized view' 'at(4) | .rewriting | .statements == ["REFRESH MATERIALIZED VIEW CONCURRENTLY totals"] and .longest_hold_after == null and .file == null'
	run rehearse prod --config driftcheck.conf --try-rewrite --one-size --to 2
	grep -q '^With safer statements in the place of 1: .*NOT the same' out && tr -s ' \n' ' ' <out | grep -q 'tried .* NOT the same schema in the end: constraint public.days_1.days_1_day_check'
	judge $? 'which the text says' <out
fi

# A name that is found only within the transaction, and one that is taken by what came before: the server refuses the safer statement.
repository shop "$base" "SET LOCAL search_path = inner_one;
CREATE TABLE in_it (id bigint);
ALTER TABLE public.users ADD CHECK (phone <> 'x');
ALTER TABLE in_it ADD COLUMN n int;" 'CREATE INDEX orders_total ON orders (total);'
psql -Xq -d shop -c 'CREATE SCHEMA inner_one'
sed -i '1i CREATE SCHEMA inner_one;' shop/0001_step.up.sql
rehearse --try-rewrite --one-size
has 'what breaks the rest of its transaction is refused' '[.steps[] | select(.line == 3) | .rewriting.failure | test("what follows in its transaction is refused without it: relation \"in_it\" does not exist")] == [true]'
has 'and left out of another run' '.rewritten | .clones == 2 and .replaced == 1 and .schema == "equal"'
has 'with the others' 'at(3) | .rewriting.schema == "equal"'

# It is not the statement but the rest of its transaction that holds the lock.
sed -i 's/lock_timeout = "[^"]*"/lock_timeout = "4s"/' driftcheck.conf
repository shop "$base" 'ALTER TABLE users ADD COLUMN note text;
CREATE INDEX users_email ON users (email);
SELECT pg_sleep(6);'
rehearse --try-rewrite --one-size
has 'a statement that only has to leave its transaction is tried by itself' '[at(2) | select(.line == 1) | .findings[0].rule, .rewriting.statements, .rewriting.schema] ==
	["held-by-earlier", ["ALTER TABLE users ADD COLUMN note text"], "equal"]'
has 'as is what works under its lock' '[at(2) | select(.line == 2) | [.findings[].rule], .rewriting.longest_hold_before.mode, .rewriting.longest_hold_after] ==
	[["scans-table"], "AccessExclusiveLock", null]'
has 'and then all may ship' '.verdict == "do-not-ship" and .rewritten.verdict == "ship"'

# Where the migrations stop, what came before is tried.
repository shop "$base" 'CREATE INDEX orders_total ON orders (total);' 'SELECT nonsense();'
sed -i 's/lock_timeout = "[^"]*"/lock_timeout = "0.001ms"/' driftcheck.conf
rehearse --try-rewrite --one-size
has 'before a statement that is refused' 'at(2) | .rewriting.schema == "equal"'

# From a dump.
repository shop "$base" 'CREATE INDEX orders_total ON orders (total);'
pg_dump -d shop >shop.sql
rehearse --try-rewrite --dump shop.sql
has 'a dump is restored once more' '.clone.kind == "dump" and .rewritten.schema == "equal" and .rewritten.replaced == 1'
has 'notes are not doubled' '(.notes | length) == (.notes | unique | length)'

# Nothing to try; and where it cannot be.
repository shop "$base" 'SELECT 1;'
rehearse --try-rewrite --one-size
has 'nothing to try' '.verdict == "ship" and .rewritten.verdict == null and (.rewritten.why_not | test("no statement that fails or warns"))'
refused() { # what, pattern, options...
	local what=$1 pattern=$2
	shift 2
	run rehearse prod --config driftcheck.conf --try-rewrite "$@"
	cat out err >both
	[ "$status" = 2 ] && grep -qE -- "$pattern" both
	judge $? "$what" <both
}
psql -Xq -c 'CREATE DATABASE copy TEMPLATE shop'
refused 'there is only one database' '--clone gives one' --clone "postgresql:///copy?host=$PGHOST&port=$PGPORT&user=$PGUSER"
[ "$(psql -XqAt -d copy -c 'SELECT version FROM schema_migrations')" = 1 ]
judge $? 'which is not used up for it' </dev/null
refused 'what a command sends' 'cannot be replaced' --exec true
