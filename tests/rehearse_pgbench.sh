#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse --pgbench`: scripts of the user's own run against the clone before and while the migrations run, and what their
# transactions felt is told. Judged are counts and structure, no times: a lock that is held through a sleep is met on any machine.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
if ! command -v pgbench >/dev/null && ! [ -x "$(cluster_bindir)/pgbench" ]; then
	[ "${CI:-}" = true ] && not_ok 'pgbench' <<<'it is not installed' || ok 'pgbench # SKIP it is not installed'
	exit 0
fi
psql -Xq -c 'CREATE DATABASE shop'
at() { # database
	echo "postgresql:///$1?host=$PGHOST&port=$PGPORT&user=$PGUSER"
}

rehearse() { # options...: leaves the JSON in out
	run rehearse prod --config driftcheck.conf --format json "$@"
	cat out err >both
}

has() { # what, filter: the jq filter is true of the result
	jq -e "$2" out >/dev/null 2>&1
	judge $? "$1" <both
}

refused() { # what, pattern, options...
	local what=$1 pattern=$2
	shift 2
	run rehearse prod --config driftcheck.conf "$@"
	cat out err >both
	[ "$status" = 2 ] && grep -qE -- "$pattern" both
	judge $? "$what" <both
}

configure() { # further keys of the section
	cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "$(at shop)" }
rehearse { lock_timeout = "1h" statement_timeout = "1h" boot_lock = "0" $1 }
CONF
}

copy() {
	psql -Xq -c 'DROP DATABASE IF EXISTS copy' -c 'CREATE DATABASE copy TEMPLATE shop'
}

base='CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, phone text);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL, total bigint NOT NULL);
CREATE TABLE paid (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email, phone) SELECT 'u' || g || '@example.org', '555-' || g FROM generate_series(1, 300) g;
INSERT INTO orders (user_id, total) SELECT g % 300 + 1, g % 900 FROM generate_series(1, 3000) g;
ANALYZE;
SQL
mkdir load
cat >load/read.sql <<'SQL'
\set id random(1, 100)
SELECT total FROM orders WHERE id = :id;
SQL
cat >load/pay.sql <<'SQL'
\set id random(1, 100)
BEGIN;
SELECT phone FROM users WHERE id = :id;
UPDATE orders SET total = total + 1 WHERE id = :id;
INSERT INTO paid DEFAULT VALUES;
COMMIT;
SQL
echo 'SELECT count(*) FROM users;' >load/other.sql
echo 'SELECT nothing FROM users;' >load/broken.sql
printf '%s\n' '\nonsense' >load/nonsense.sql

repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'LOCK TABLE orders; SELECT pg_sleep(2);' 'ALTER TABLE users DROP COLUMN phone;'
configure ''
copy
rehearse --clone "$(at copy)" --pgbench load/read.sql@2 --pgbench load/pay.sql@2 --pgbench load/other.sql
[ "$status" = 1 ]
judge $? 'a migration that breaks the traffic exits 1' <both
has 'each script is a victim of each statement' '[.steps[] | [.victims[].relation]] | unique == [["load/read.sql", "load/pay.sql", "load/other.sql"]]'
has 'named as a script, with what it does' '.steps[0].victims | map([.script, .operation]) == [["load/read.sql", "read"], ["load/pay.sql", "write"], ["load/other.sql", "read"]]'
lock='.steps[] | select(.sql | startswith("LOCK TABLE"))'
has 'who met the lock waited' "[$lock | .victims[] | select(.script != \"load/other.sql\") | .blocked > 0 and .blocked <= .tries and .max_ms >= .p99_ms] == [true, true]"
has 'who did not, did not' "[$lock | .victims[] | select(.script == \"load/other.sql\") | .blocked] == [0]"
has 'there was a baseline' '[.steps[0].victims[] | .baseline_p99_ms > 0] | length == 3 and (.[0] or .[1])'
drop='.steps[] | select(.sql | startswith("ALTER TABLE users DROP"))'
has 'what breaks the script is found' "[$drop | .findings[] | select(.rule == \"script-fails\") | .severity] == [\"fail\"]"
has "with the server's words" "[$drop | .victims[] | select(.script == \"load/pay.sql\") | .errors > 0, .error] == [true, \"column \\\"phone\\\" does not exist\"]"
has 'the others did not fail' '[.steps[].victims[] | select(.script != "load/pay.sql") | .errors, .error] | unique == [null, 0]'
has 'and nothing before it failed' '[.steps[] | select(.file == "shop/0002_step.up.sql" or .file == "shop/0003_step.up.sql") | .victims[].errors] | add == 0'
has 'that scripts write is said' '[.notes[] | select(test("4 of pgbench.s, 100 transactions a second in all; what their scripts wrote stayed"))] | length == 1'
[ "$(psql -XqAt -d copy -c 'SELECT count(*) > 0 FROM paid')" = t ]
judge $? 'and so it is' </dev/null
[ "$(psql -XqAt -d shop -c 'SELECT count(*) FROM paid')" = 0 ]
judge $? 'the environment is as it was' </dev/null
for _ in $(seq 200); do
	left=$(psql -XqAt -c "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'driftcheck%'")
	[ "$left" = 0 ] && break
	sleep 0.05
done
[ "$left" = 0 ]
judge $? 'no session is left' <<<"$left"
copy
run rehearse prod --config driftcheck.conf --clone "$(at copy)" --pgbench load/pay.sql
cat out err >both
grep -qE 'transactions of load/pay.sql waited, the longest' out && grep -q 'transactions of load/pay.sql fail from here on' out && grep -q 'a transaction of load/pay.sql took' out
judge $? 'in words' <both
copy
run rehearse prod --config driftcheck.conf --clone "$(at copy)" --pgbench load/pay.sql --format html --output page.html
python3 "$source_folder/tests/html_check.py" page.html >both 2>&1 && grep -q 'transactions of</span>' page.html
judge $? 'as a page' <both

# Two clients that write one row wait for each other, and a migration is not to blame.
repository shop "$base" 'ALTER TABLE users ADD COLUMN note text;' 'SELECT pg_sleep(1);'
cat >load/hot.sql <<'SQL'
BEGIN;
UPDATE orders SET total = total + 1 WHERE id = 1;
SELECT pg_sleep(0.02);
COMMIT;
SQL
copy
rehearse --clone "$(at copy)" --pgbench load/hot.sql --pgbench-clients 8 --pgbench-rate 0
[ "$status" = 0 ]
judge $? 'clients that meet only each other' <both
has 'are not blocked' '[.steps[].victims[].blocked] | add == 0'

# A statement that waits makes others wait.
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;'
copy
psql -Xq -d copy -c 'BEGIN; SELECT 1 FROM orders LIMIT 1; SELECT pg_sleep(15)' >/dev/null 2>&1 &
client=$!
for _ in $(seq 200); do
	[ "$(psql -XqAt -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'copy' AND query LIKE '%pg_sleep(15)'")" = 1 ] && break
	sleep 0.05
done
rehearse --clone "$(at copy)" --clone-anyway --pgbench load/read.sql
wait "$client"
has 'who queues behind a statement that waits' '[.steps[] | select(.file != null) | .victims[] | .blocked > 0 and .behind_waiting_ms > 0] == [true]'

# On other clones.
configure 'pgbench = "load/read.sql@3 load/pay.sql" pgbench_clients = "2" pgbench_rate = "40.5" pgbench_protocol = "prepared"'
rehearse
[ "$status" = 0 ]
judge $? 'on a synthetic clone, as the configuration says' <both
has 'with its scripts' '[.steps[0].victims[].script] == ["load/read.sql", "load/pay.sql"] and ([.notes[] | select(test("clients were 2 of pgbench.s, 40.5 "))] | length == 1)'
has 'and the growth of three sizes' '[.steps[] | select(.file != null) | .growth] == ["constant"]'
pg_dump -d shop >shop.sql
rehearse --dump shop.sql
has 'on a dump' '.clone.kind == "dump" and ([.steps[0].victims[].script] == ["load/read.sql", "load/pay.sql"])'
rehearse --one-size --exec 'psql -Xq -c "LOCK TABLE orders; SELECT pg_sleep(2)"'
has 'beside a command' "[$lock | .victims[] | .blocked > 0] == [true, true]"
has 'whose scans cannot be told from theirs' '[.steps[].rows_read] | unique == [null]'

# Mistakes.
configure ''
refused 'a script that fails before the migration' 'load/broken.sql: pgbench cannot run it: column "nothing" does not exist' --pgbench load/read.sql --pgbench load/broken.sql
refused 'a script that is none' 'pgbench cannot run it: .*invalid command' --pgbench load/nonsense.sql
refused 'a script that is not there' 'load/none.sql cannot be read: No such file' --pgbench load/none.sql
refused 'a weight that is none' 'a weight is a number from 1' --pgbench load/read.sql@0
refused 'a rate that is none' '--pgbench-rate: "fast" is no number' --pgbench load/read.sql --pgbench-rate fast
refused 'clients without a script' 'add --pgbench FILE' --pgbench-clients 3
refused 'a protocol that is none' 'not one of its values' --pgbench load/read.sql --pgbench-protocol http
copy
psql -Xq -d copy -c 'ALTER TABLE users DROP COLUMN phone'
refused 'a script that does not fit the clone' 'column "phone" does not exist' --clone "$(at copy)" --pgbench load/pay.sql
[ "$(psql -XqAt -d copy -c 'SELECT version FROM schema_migrations')" = 1 ]
judge $? 'and nothing has run' </dev/null
mkdir bare empty
ln -s "$(cluster_bindir)"/* bare/
rm -f bare/pgbench
cat >>driftcheck.conf <<CONF
scratch { bindir = "$run_folder/bare" }
CONF
PATH_BEFORE=$PATH
PATH="$run_folder/empty" "$DRIFTCHECK" rehearse prod --config driftcheck.conf --pgbench load/read.sql >out 2>err </dev/null
status=$?
PATH=$PATH_BEFORE
cat out err >both
[ "$status" = 2 ] && grep -q 'there is no pgbench' both && grep -q 'postgresql-NN' both
judge $? 'without the program, with a hint' <both

mistaken() { # what, pattern, key
	configure "$3"
	refused "$1" "$2"
}
mistaken 'a key that there is not: the nearest one' 'did you mean "max_hold"' 'max_hol = "1s"'
mistaken 'a duration that is none' 'max_hold: "long" is no duration' 'max_hold = "long"'
mistaken 'a fraction that is none' 'lock_success: "90%" is no fraction' 'lock_success = "90%"'
mistaken 'a number that is none' 'scan_rows: "0" is no number from 1' 'scan_rows = "0"'
mistaken 'a protocol that is none' '"http" is no protocol of pgbench' 'pgbench = "load/read.sql" pgbench_protocol = "http"'
configure 'max_hold = "2s" max_queue = "3s" scan_rows = "70000" lock_tries = "2" lock_success = "0.5"'
rehearse --one-size
has 'thresholds are those of the configuration' '.limits | [.max_hold_ms, .max_queue_ms, .scan_rows, .lock_success, .boot_lock_ms] == [2000, 3000, 70000, 0.5, 0]'
has 'so many tries' '[.steps[] | select(.file != null) | .lock_tries] == [2]'
sed -i 's/ boot_lock = "0"//' driftcheck.conf
rehearse --one-size
has "a second instance's patience is the framework's" '.limits.boot_lock_ms == 15000'
