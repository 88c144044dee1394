#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse --clone`: a database that the user gives up to the rehearsal is refused where it may be somebody's, and used
# where it is nobody's; safer statements are named.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
psql -Xq -c 'CREATE DATABASE shop' -c 'CREATE ROLE looker LOGIN'
at() { # database [user]
	echo "postgresql:///$1?host=$PGHOST&port=$PGPORT&user=${2:-$PGUSER}"
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

configure() { # further environments
	cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "$(at shop looker)" }
rehearse { lock_timeout = "1ms" statement_timeout = "1h" }
$1
CONF
}

# A copy of the environment, with its version table.
copy() {
	psql -Xq -c 'DROP DATABASE IF EXISTS copy' -c 'CREATE DATABASE copy TEMPLATE shop'
}

base='CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric(12,2) NOT NULL);
CREATE TABLE other (id bigserial PRIMARY KEY);'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email) SELECT 'u' || g || '@example.org' FROM generate_series(1, 3000) g;
INSERT INTO orders (user_id, total) SELECT g % 3000 + 1, g % 900 FROM generate_series(1, 60000) g;
ANALYZE;
GRANT SELECT ON schema_migrations TO looker;
SQL
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1);' \
	'CREATE INDEX orders_total ON orders (total);'
configure ''

refused 'the environment itself' 'the clone is the environment prod itself' --clone "$(at shop)"
refused 'the environment itself, by another name' 'the clone is the environment prod itself' --clone "$(at shop)&application_name=x" --clone-anyway
configure "env \"staging\" { url = \"$(at shop)\" }"
copy
refused 'what is no server' 'the clone cannot be reached' --clone "postgresql:///shop?host=$run_folder"
refused 'what is no database' 'is no PostgreSQL database' --clone sqlite:x.db
configure "env \"staging\" { url = \"postgresql:///shop?host=$run_folder/nowhere\" }"
refused 'an environment that cannot be asked' 'whether the clone is the environment staging cannot be told' --clone "$(at copy)"
# shellcheck disable=SC2016 # of the configuration
configure 'env "staging" { url = "${NO_SUCH_VARIABLE}" }'
refused 'one whose address is not known' 'whether the clone is the environment staging cannot be told' --clone "$(at copy)"
configure ''

psql -Xq -d copy -c "SET application_name = 'app'; SELECT pg_sleep(600)" >/dev/null 2>&1 &
client=$!
for _ in $(seq 200); do
	[ "$(psql -XqAt -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'copy' AND application_name = 'app'")" = 1 ] && break
	sleep 0.05
done
refused 'a database that others use' 'other clients have sessions in the clone: 1 \(.* app\)' --clone "$(at copy)"
psql -Xq -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'copy'" >/dev/null
wait "$client" 2>/dev/null

pg_receivewal --no-sync -D "$(mktemp -d -p "$run_folder")" >/dev/null 2>&1 &
receiver=$!
for _ in $(seq 2400); do
	[ "$(psql -XqAt -c 'SELECT count(*) FROM pg_stat_replication')" = 1 ] && break
	sleep 0.05
done
refused 'a server that feeds replicas' "the clone's server feeds replicas: 1 \(pg_receivewal\)" --clone "$(at copy)"
refused 'also one whose reader sees little' "the clone's server feeds replicas: 1" --clone "$(at copy looker)"
kill -INT "$receiver"
wait "$receiver" 2>/dev/null
for _ in $(seq 2400); do # its walsender may take a moment to see that
	[ "$(psql -XqAt -c 'SELECT count(*) FROM pg_stat_replication')" = 0 ] && break
	sleep 0.05
done

psql -Xq -c "SELECT pg_create_physical_replication_slot('follower')" >/dev/null
refused 'a server with replication slots' "the clone's server has replication slots: 1 \(follower\)" --clone "$(at copy)"
[ "$(psql -XqAt -d copy -c "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'")" = 3 ]
judge $? 'what is refused is not touched' </dev/null

# A standby of the environment: its locks are its own, so it is told by being one.
as=()
standby=$(mktemp -d /tmp/driftcheck-standby.XXXXXX)
pg_basebackup -D "$standby/data" -R -c fast
[ "$(id -u)" != 0 ] || { as=(--reuid="$(stat -c %U "$PGHOST")" --regid="$(stat -c %G "$PGHOST/data")" --clear-groups) && chown -R "$(stat -c %U:%G "$PGHOST/data")" "$standby"; }
(cd "$standby" && exec setpriv "${as[@]}" --pdeathsig QUIT "$(cluster_bindir)/postgres" -D data -k "$standby" -p 5433 -c listen_addresses= -c max_locks_per_transaction=256 >log 2>&1 </dev/null) &
server=$!
for _ in $(seq 2400); do
	psql -XqAt -h "$standby" -p 5433 -c 'SELECT 1' >/dev/null 2>&1 && break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.05
done
refused 'a standby' 'the clone is a standby: nothing can be written to it' --clone "postgresql:///shop?host=$standby&port=5433&user=$PGUSER" --clone-anyway
kill -QUIT "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$standby"

rehearse --clone "$(at copy)" --clone-anyway
[ "$status" = 1 ]
judge $? 'unless told: the dangerous migrations exit 1' <both
has 'that it has slots is noted' '[.notes[] | select(test("has replication slots: 1"))] | length == 1'
psql -Xq -c "SELECT pg_drop_replication_slot('follower')" >/dev/null
has 'and that it is on the server of an environment' '[.notes[] | select(test("on the server of prod"))] | length == 1'
has 'the clone is a clone' '.clone.kind == "clone"'
has 'with its own tables' '[.clone.tables[] | select(.rows > 1) | "\(.name) \(.rows) \(.rows_of_env)"] == ["public.orders 60000 60000", "public.users 3000 3000"]'
has 'every pending migration ran' '[.steps[] | select(.file != null) | .file] == ["shop/0002_step.up.sql", "shop/0003_step.up.sql", "shop/0004_step.up.sql"]'
has 'clients used what the statements touch, and its neighbours' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .victims[].relation] | unique == ["public.orders"]'
has 'a rewrite grows with the table' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .growth] == ["linear"]'
has 'a change of the catalog alone: not known' '[.steps[] | select(.file == "shop/0002_step.up.sql") | .growth] == ["unknown"]'
has 'the safer index is named' '[.steps[] | select(.file == "shop/0004_step.up.sql") | .findings[].remedy] | unique | any(test("^-- outside of a transaction\nCREATE INDEX CONCURRENTLY orders_total ON orders"))'
has 'a type has advice' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .findings[] | select(.rule == "rewrites-table") | .remedy | test("add a new column")] == [true]'
[ "$(psql -XqAt -d copy -c "SELECT version FROM schema_migrations")" = 4 ]
judge $? 'the clone was used up' </dev/null
[ "$(psql -XqAt -d shop -c "SELECT version FROM schema_migrations")" = 1 ]
judge $? 'the environment was not' </dev/null
refused 'a clone that has everything' 'has every migration' --clone "$(at copy)"

copy
psql -Xq -d copy -c 'ALTER TABLE orders ADD COLUMN note text; UPDATE schema_migrations SET version = 2'
rehearse --clone "$(at copy)"
has 'what the clone has is not run again' '[.steps[] | select(.file != null) | .file] == ["shop/0003_step.up.sql", "shop/0004_step.up.sql"]'
copy
psql -Xq -d copy -c 'DROP TABLE schema_migrations'
rehearse --clone "$(at copy)" --to 2
has 'a clone without a version table has what the environment has' '[.steps[] | select(.file != null) | .file] == ["shop/0002_step.up.sql"]'

# What is locked beside the table that is named has clients as well: the other end of a foreign key, the default partition.
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' "CREATE TABLE events_new PARTITION OF events FOR VALUES FROM (1000) TO (2000);" \
	'CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users);'
copy
psql -Xq -d copy -c 'ALTER TABLE orders ADD COLUMN note text; UPDATE schema_migrations SET version = 2' \
	-c 'CREATE TABLE events (id bigint PRIMARY KEY, note text) PARTITION BY RANGE (id)' -c 'CREATE TABLE events_rest PARTITION OF events DEFAULT' \
	-c 'INSERT INTO events SELECT g, g FROM generate_series(1, 500) g'
rehearse --clone "$(at copy)"
has 'the default partition has victims' '[.steps[] | select(.file == "shop/0003_step.up.sql") | .victims[] | "\(.relation) \(.operation)"] | index("public.events_rest read") != null and index("public.events_rest write") != null'
has 'the table that a foreign key leads to, too' '[.steps[] | select(.file == "shop/0004_step.up.sql") | .victims[] | "\(.relation) \(.operation)"] | sort == ["public.users read", "public.users write"]'
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(10,1);' \
	'CREATE INDEX orders_total ON orders (total);'

# Dumps.
psql -Xq -d shop -c 'CREATE ROLE app' -c 'ALTER TABLE other OWNER TO app' -c 'GRANT SELECT ON orders TO app'
pg_dump -d shop >shop.sql
pg_dump -d shop --format=custom --file=shop.dump
pg_dump -d shop --format=directory --file=shop.dir
for dump in shop.sql shop.dump shop.dir; do
	rehearse --dump $dump
	[ "$status" = 1 ]
	judge $? "$dump: the dangerous migrations exit 1" <both
	has "$dump is restored" '.clone.kind == "dump" and ([.clone.tables[] | select(.rows > 1) | "\(.name) \(.rows)"] == ["public.orders 60000", "public.users 3000"])'
	has "$dump: what is pending follows from its version table" '[.steps[] | select(.file != null) | .file] == ["shop/0002_step.up.sql", "shop/0003_step.up.sql", "shop/0004_step.up.sql"]'
	has "$dump: a rewrite grows with the table" '[.steps[] | select(.file == "shop/0003_step.up.sql") | .growth, .rewrites] == ["linear", ["public.orders"]]'
	has "$dump: clients were there" '[.steps[] | select(.file == "shop/0003_step.up.sql") | .victims[].relation] | unique == ["public.orders"]'
done
refused 'a dump that is not there' 'nowhere.sql: it cannot be read|cannot be read: No such file' --dump nowhere.sql
head -c 3000 shop.dump >cut.dump
refused 'a dump that was cut off' 'pg_restore cannot read it' --dump cut.dump
{ cat shop.sql; echo 'SELECT nonsense();'; } >broken.sql
refused 'a dump that fails names its line' "broken.sql:$(wc -l <broken.sql)" --dump broken.sql
refused 'both' '--clone and --dump' --dump shop.sql --clone "$(at copy)"
