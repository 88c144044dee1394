#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What `driftcheck rehearse` is told and what it tells: for which environment or for none, what stays with --keep, what of the environment
# was not rehearsed, where its server differs, what a terminal shows.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server -c checkpoint_completion_target=0.5 -c maintenance_work_mem=33MB -c timezone=Europe/Berlin -c wal_level=logical || exit 0
export TMPDIR=$run_folder/t
mkdir "$TMPDIR"
chmod 755 "$TMPDIR"
[ "$(id -u)" != 0 ] || chmod 777 "$TMPDIR"
psql -Xq -c 'CREATE DATABASE shop'
at() { # database
	echo "postgresql:///$1?host=$PGHOST&port=$PGPORT&user=$PGUSER"
}

rehearse() { # options...
	run rehearse "$@"
	cat out err >both
}

has() { # what, filter: the jq filter is true of the result
	jq -e "$2" out >/dev/null 2>&1
	judge $? "$1" <both
}

says() { # exit status, what, pattern, options...
	local wanted=$1 what=$2 pattern=$3
	shift 3
	rehearse "$@"
	[ "$status" = "$wanted" ] && grep -qE -- "$pattern" both
	judge $? "$what" <both
}

configure() { # environments
	{
		echo 'migrations "shop" { path = "shop" framework = "golang-migrate" }'
		echo 'rehearse { lock_timeout = "1h" statement_timeout = "2h" }'
		for name in "$@"; do
			echo "env \"$name\" { url = \"$(at shop)\" }"
		done
	} >driftcheck.conf
}

files='[.steps[] | select(.file != null) | .file]'
base='CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, phone text);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric(12,2) NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE other (id bigserial PRIMARY KEY);'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (email) SELECT 'u' || g FROM generate_series(1, 500) g;
INSERT INTO orders (user_id, total) SELECT g % 500 + 1, g % 900 FROM generate_series(1, 2000) g;
ANALYZE;
SQL
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ADD COLUMN seen boolean;'

# Which environment.
configure prod staging
says 2 'of several environments one is named' 'several environments are configured: say for which one \(prod, staging\)'
says 2 'one that there is not' 'no environment "prud"' --env prud
says 2 'two' 'two environments are named, "prod" and --env staging' prod --env staging
says 2 'an environment says itself what it has' '--from is for rehearsals without' --env prod --from 2
rehearse --env staging --one-size --format json
has '--env NAME' '.environment == "staging" and .verdict == "ship"'
rehearse prod --env prod --one-size --format json
has 'named twice alike' '.environment == "prod"'
configure prod
rehearse --one-size --format json
has 'the only one need not be named' '.environment == "prod"'

# Where its server differs.
has 'the version of the server' '.clone.server | test("^[0-9]+[.]?")'
has 'what is taken over does not differ' '[.clone.settings[].name] | any(. == "maintenance_work_mem" or . == "TimeZone" or . == "wal_level" or . == "checkpoint_completion_target") | not'
has 'what differs is listed' '[.clone.settings[] | select(.name == "fsync" or .name == "full_page_writes")] == [{"name": "fsync", "clone": "on", "environment": "off"}, {"name": "full_page_writes", "clone": "on", "environment": "off"}]'
says 0 'in one line of the text' '^    server   PostgreSQL .*; other than in prod \(there\): ' --one-size
[ "$(grep -c fsync out)" = 1 ]
judge $? 'once' <both

# Drift.
rehearse --one-size --format json
has 'no drift, no word' '.unrehearsed == []'
psql -Xq -d shop <<'SQL'
ALTER TABLE orders ADD COLUMN legacy text;
ALTER TABLE orders ALTER COLUMN total TYPE numeric(14,2);
ALTER TABLE orders ALTER COLUMN at DROP DEFAULT;
CREATE INDEX by_hand ON orders (total);
ALTER TABLE other ADD COLUMN by_hand text;
SQL
rehearse --one-size --format json
has 'what differs in a table that is touched is named' '[.unrehearsed[] | .relation, (.differences | sort)] == ["public.orders", ["column at default: CURRENT_TIMESTAMP, in prod none", "column legacy is only in prod", "column total type: numeric(12,2), in prod numeric(14,2)", "index by_hand is only in prod"]] or
	[.unrehearsed[] | .relation, (.differences | sort)] == ["public.orders", ["column at default: now(), in prod none", "column legacy is only in prod", "column total type: numeric(12,2), in prod numeric(14,2)", "index by_hand is only in prod"]]'
says 0 'in the text' '^    drift    public.orders, which was not rehearsed as it is in prod: ' --one-size
says 0 'in Markdown' 'drift\*\*: .public.orders., which was not rehearsed as it is in .prod.: ' --one-size --format markdown
says 0 'in HTML' 'Drift</strong>: public.orders, which was not rehearsed as it is in prod: ' --one-size --format html
echo 'ignore { objects = {"public.orders"} }' >>driftcheck.conf
says 0 'what is ignored is not' '"unrehearsed": \[\]' --one-size --format json
configure prod
repository shop "$base" 'ALTER TABLE orders DROP COLUMN legacy;'
says 1 'a statement that fails for what is only there' 'drift +public.orders, which' --one-size

# What stays.
repository shop "$base" 'ALTER TABLE users ADD COLUMN note text;'
rehearse --keep --one-size --quiet
kept=$(find "$TMPDIR" -maxdepth 1 -name 'driftcheck-kept-*')
[ "$status" = 0 ] && [ ! -s out ] && [ -d "$kept" ] && grep -qF "the clone stays, as the migrations left it: $kept" err
judge $? '--keep says where the clone is, also with --quiet' <both
connect=$(sed -n 's/^driftcheck: connect to it: //p' err)
[ "$(eval "$connect -XAtc 'SELECT count(note), count(*) FROM users'")" = '0|500' ]
judge $? 'and how to connect to it' <both
remove=$(sed -n 's/^driftcheck: remove it: *//p' err)
rehearse --one-size
[ "$(find "$TMPDIR" -mindepth 1 -maxdepth 1)" = "$kept" ] && eval "$connect -XAtc 'SELECT 1'" >/dev/null
judge $? 'another run leaves it alone, and nothing else is left' < <(find "$TMPDIR" -maxdepth 1)
eval "$remove" >both 2>&1
[ -z "$(find "$TMPDIR" -mindepth 1 -maxdepth 1)" ] && ! eval "$connect -XAtc 'SELECT 1'" 2>/dev/null
judge $? 'and how to remove it' <both
pg_dump -d shop >shop.sql
rehearse --dump shop.sql --keep
eval "$(sed -n 's/^driftcheck: connect to it: //p' err) -XAtc 'SELECT note, legacy FROM users, orders LIMIT 1'" >/dev/null
judge $? 'what a dump restores to' <both
eval "$(sed -n 's/^driftcheck: remove it: *//p' err)" >/dev/null
says 2 'a clone that is not ours' '--keep is of a clone that is ours' --clone "$(at shop)" --keep

# Without an environment.
rm driftcheck.conf
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'ALTER TABLE orders ADD COLUMN seen boolean;'
says 2 'nothing to rehearse on' 'no environment is configured.*' --migrations shop
rehearse --rows 300 --migrations shop --format json
has '--rows: the last migration' ".environment == null and $files == [\"shop/0003_step.up.sql\"]"
has 'so many rows in each table' '[.clone.tables[] | select(.name != "public.schema_migrations") | .rows] == [300, 300, 300]'
has 'its version is recorded' '[.steps[] | select(.file == null) | .sql | test("schema_migrations")] | any'
has 'what it rests on is said' '[.notes[] | select(test("each table got 300 rows, and what comes before 0003_step.up.sql counts as applied"))] | length == 1'
rehearse --rows 300 --migrations shop --from 2 --one-size --format json
has '--from V: from there' "$files == [\"shop/0002_step.up.sql\", \"shop/0003_step.up.sql\"]"
rehearse --rows 300 --migrations shop --to 2 --one-size --format json
has '--to V: that one' "$files == [\"shop/0002_step.up.sql\"]"
says 2 'the wrong way round' '3 comes after 2' --rows 300 --migrations shop --from 3 --to 2
says 2 'a version that there is not' 'no migration with the version "9"' --rows 300 --migrations shop --from 9
rehearse --dump shop.sql --migrations shop --format json
has '--dump: what its version table lacks' "$files == [\"shop/0002_step.up.sql\", \"shop/0003_step.up.sql\"] and .clone.kind == \"dump\""
psql -Xq -c 'CREATE DATABASE copy TEMPLATE shop'
rehearse --clone "$(at copy)" --migrations shop --format json
has '--clone: what its version table lacks' "$files == [\"shop/0002_step.up.sql\", \"shop/0003_step.up.sql\"] and .clone.kind == \"clone\""
pg_dump -d shop --exclude-table=schema_migrations >bare.sql
says 2 'a dump without a version table' 'no version table.*nobody knows' --dump bare.sql --migrations shop
rehearse --dump bare.sql --migrations shop --from 3 --format json
has 'is told where to begin' "$files == [\"shop/0003_step.up.sql\"]"
says 2 'one with a version table is not' 'says itself what it has applied' --dump shop.sql --migrations shop --from 3

# Room, and what a terminal shows.
says 2 'what does not fit is refused before the first row' 'the clone takes about [0-9]+ (GB|TB), and as much again .*; .* are free in ' --rows 1000000000 --scale 100 --migrations shop
repository shop "$base" 'ALTER TABLE orders ADD COLUMN note text;' 'CREATE INDEX ON orders (total);'
script -qec "'$DRIFTCHECK' rehearse --rows 3200 --migrations shop" /dev/null >terminal 2>&1 </dev/null
tr '\r' '\n' <terminal >lines
grep -q 'the clone takes about [0-9.]* [kM]B, and as much again' lines
judge $? 'the size against the free disk' <lines
grep -q 'size 1 of 3: filling, 600 of 600 rows' lines && grep -q 'size 3 of 3: filling, 9,600 of 9,600 rows' lines
judge $? 'how far it is' <lines
grep -q 'size 3 of 3: index orders_pkey' lines && grep -q 'size 3 of 3: statement 1 of [0-9], 0003_step.up.sql' lines
judge $? 'what is done' <lines
rehearse --rows 200 --migrations shop --one-size
[ ! -s err ]
judge $? 'nothing of it where there is no terminal' <err
says 0 'but with --verbose' 'the clone takes about' --rows 200 --migrations shop --one-size --verbose
[ -z "$(find "$TMPDIR" -mindepth 1 -maxdepth 1)" ]
judge $? 'nothing is left' < <(find "$TMPDIR" -maxdepth 1)

# SQLite.
repository lite 'CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);' 'ALTER TABLE users ADD COLUMN phone TEXT;'
applied lite sqlite | sed '/phone/d; s/VALUES (2/VALUES (1/' | sqlite3 prod.db
rehearse prod=sqlite:prod.db --migrations lite --keep
path=$(sed -n 's/^driftcheck: the clone stays, as the migrations left it: //p' err)
[ "$(sqlite3 "$path" "SELECT count(*) FROM pragma_table_info('users')")" = 3 ]
judge $? 'SQLite: the copy stays' <both
eval "$(sed -n 's/^driftcheck: remove it: *//p' err)"
[ -z "$(find "$TMPDIR" -mindepth 1 -maxdepth 1)" ]
judge $? 'until it is removed' < <(find "$TMPDIR" -maxdepth 1)
mkdir sqlite && cp lite/* sqlite
rehearse --rows 50 --migrations sqlite --format json
has 'made-up rows without a file' '.engine == "sqlite" and .environment == null and [.clone.tables[] | select(.name == "users") | .rows] == [50]'
