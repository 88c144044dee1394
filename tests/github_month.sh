#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A month of nightly runs: two real environments, PostgreSQL (prod) and SQLite (edge), that people and deploys change by day, and
# the fake GitHub with its people and its bad nights. What happened, and the whole conversation that driftcheck had with GitHub, is
# printed and held against tests/golden/github-month.txt, which is meant to be read. `--bless` makes what is said now the golden.
bless=${1:-}
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
golden=$source_folder/tests/golden/github-month.txt
fake=$source_folder/tests/github/fake.py
story=$run_folder/story

server -c max_connections=50 || exit

coproc FAKE { exec python3 "$fake"; }
read -r -u "${FAKE[0]}" port
stop_fake() { # the exit status so far, which is kept
	kill "$FAKE_PID" 2>/dev/null
	wait "$FAKE_PID" 2>/dev/null
	return "$1"
}
trap 'stop_fake $?; harness_finish' EXIT

ctl() { python3 "$fake" ctl "$port" "$@" >"$run_folder/ctl.out" || not_ok "the fake does not understand: $*" </dev/null; }

here=$run_folder/shop
mkdir -p "$here"/{migrations,edge}
export XDG_STATE_HOME=$run_folder/state GITHUB_API_URL=http://127.0.0.1:$port GITHUB_REPOSITORY=team/shop \
	GITHUB_TOKEN=ghs_ofthenight HOME=$run_folder
unset GH_TOKEN GITHUB_ACTIONS GITHUB_STEP_SUMMARY DRIFTCHECK_TEST_CLOCK http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY

# --- the repository and its two environments

cat >"$here/migrations/0001_customers.up.sql" <<'SQL'
CREATE TABLE customers (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL
);
SQL
cat >"$here/migrations/0002_orders.up.sql" <<'SQL'
CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    total       numeric(12,2) NOT NULL DEFAULT 0
);
CREATE INDEX orders_customer_idx ON orders (customer_id);
SQL
cat >"$here/migrations/0003_discount.up.sql" <<'SQL'
CREATE FUNCTION discount(total numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT total * 0.95';
SQL
cat >"$here/edge/0001_stock.up.sql" <<'SQL'
CREATE TABLE stock (sku text PRIMARY KEY, n integer NOT NULL DEFAULT 0);
SQL
cat >"$here/driftcheck.conf" <<'CONF'
migrations "shop" { path = "migrations" }
migrations "edge" { path = "edge" }
env "prod" {
  url        = "postgresql:///prod?user=reader"
  migrations = "shop"
}
env "edge" {
  url        = "sqlite:edge.db"
  migrations = "edge"
}
CONF

prod() { psql -X -q -v ON_ERROR_STOP=1 -d prod "${@/#/-c}" 2>&1; } # a statement in each argument
edge() { sqlite3 -bail "$here/edge.db" "$@"; }
deploy() { # a migration of shop, as golang-migrate does
	psql -X -q -v ON_ERROR_STOP=1 -d prod -f "$here/migrations/$1".up.sql
	prod "UPDATE schema_migrations SET version = ${1%%_*}"
}

psql -X -q -c 'CREATE ROLE reader LOGIN' -c 'CREATE DATABASE prod'
environment_sql golang-migrate postgresql schema_migrations '0001 0002 0003' "$here/migrations" | psql -X -q -v ON_ERROR_STOP=1 -d prod
prod 'GRANT SELECT ON schema_migrations TO reader'
environment_sql golang-migrate sqlite schema_migrations 0001 "$here/edge" | sqlite3 -bail "$here/edge.db"

# --- how the story is told

today=0
tell() { printf '%s\n' "$@" >>"$story"; }
day() { # what happened by day
	today=$((today + 1))
	DRIFTCHECK_TEST_CLOCK=$(date -u -d "2026-03-$(printf %02d "$today") 03:17" +%s)
	export DRIFTCHECK_TEST_CLOCK
	ctl set "{\"clock\": $DRIFTCHECK_TEST_CLOCK}"
	tell '' "=== $today March. $1"
}

steady() {
	sed -E "s|$run_folder|WORK|g; s|$PGHOST|PGHOST|g; s|$GITHUB_API_URL|GITHUB|g; s|[0-9T:Z-]+-[0-9]+\.json|REPORT.json|g; s|repositories/[0-9]+|repositories/N|"
}

# Runs driftcheck and tells how it ended, what was trouble, what it said on stderr, and the conversation.
speak() {
	(cd "$here" && "$DRIFTCHECK" "$@" --report json:"$run_folder/report.json") >"$run_folder/out" 2>"$run_folder/err" </dev/null
	status=$?
	tell "   exit status $status"
	{
		jq -r '.trouble[] | "trouble: \(.where): \(.text)", "         \(.hint)"' "$run_folder/report.json"
		cat "$run_folder/err"
	} 2>&1 | steady | sed 's/^/   ! /' >>"$story"
	rm -f "$run_folder/report.json"
	python3 "$source_folder/tests/github/tell.py" "$port" "$run_folder/memory" | steady >>"$story"
}

night() { speak --quiet --report github; }
person() { ctl edit "{\"repo\": \"team/shop\", \"number\": $1, $2}"; }
fault() { ctl fault "$1"; }

# --- the month

day 'All is well.'
night
day 'All is well.'
night

day 'Somebody adds a column to prod by hand.'
prod 'ALTER TABLE customers ADD COLUMN vip boolean'
night
day 'Nobody does anything about it.'
night
day 'Somebody drops an index in prod.'
prod 'DROP INDEX orders_customer_idx'
night
day 'The index is made again, as the migration has it. The column stays.'
prod 'CREATE INDEX orders_customer_idx ON orders (customer_id)'
night
day 'Somebody closes the issue as completed, but nobody has touched the database.'
person 1 '"state": "closed", "state_reason": "completed"'
night
day 'The column is dropped: prod is what the repository says.'
prod 'ALTER TABLE customers DROP COLUMN vip'
night
day 'All is well.'
night

day 'Migration 0004 is merged. It waits for the next deploy.'
echo 'ALTER TABLE orders ADD COLUMN note text;' >"$here/migrations/0004_order_note.up.sql"
night
day 'Still not deployed, and by now for a day.'
night
day 'Deployed.'
deploy 0004_order_note
night

day 'Somebody leaves a table in edge.'
edge 'CREATE TABLE stock_backup AS SELECT * FROM stock'
night
day 'Prod cannot be reached tonight.'
psql -X -q -c 'ALTER DATABASE prod RENAME TO prod_away'
night
psql -X -q -c 'ALTER DATABASE prod_away RENAME TO prod'

day 'Prod is back, and somebody has changed the body of a function there.'
prod "CREATE OR REPLACE FUNCTION discount(total numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT total * 0.5'"
night
day 'Prod cannot be reached again: nothing is known, so nothing is closed.'
psql -X -q -c 'ALTER DATABASE prod RENAME TO prod_away'
night
psql -X -q -c 'ALTER DATABASE prod_away RENAME TO prod'

day 'Somebody widens a column in prod, and GitHub is down all night: the report is kept.'
prod 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(14,2)'
fault '{"match": ".", "kind": "status", "status": 503, "times": 1000, "body": {"message": "Service Unavailable"}}'
night
tell '   --- in the morning GitHub is well again, and the report is sent'
report=$(find "$XDG_STATE_HOME/driftcheck/v1/unsent" -name '*.json' 2>/dev/null | head -n 1)
[ -n "$report" ]
judge $? 'the report of the night on which GitHub was down lies on disk' <"$run_folder/out"
speak report "$report" --report github

day 'GitHub says that we ask too often. We wait as long as it says.'
fault '{"match": ".", "kind": "status", "status": 429, "headers": {"Retry-After": "120"}, "body": {"message": "API rate limit exceeded"}}'
night

day 'The team decides that backup tables of edge are none of its business.'
echo 'ignore { objects = {"stock_backup"} }' >>"$here/driftcheck.conf"
night

day 'An index by hand in edge, and the answer to creating the issue is lost on its way.'
edge 'CREATE INDEX stock_n ON stock (n)'
fault '{"match": "POST .*/issues$", "kind": "drop_after"}'
night

day 'Somebody closes the issue of edge as not planned: it is known, and stays.'
person 5 '"state": "closed", "state_reason": "not_planned"'
night
day 'And it stays.'
night

day 'More is done by hand in edge: that is not what was waved through.'
edge 'ALTER TABLE stock ADD COLUMN place text'
night

day 'The team removes our label, puts another title on the issue of prod, and talks.'
person 4 '"labels": ["bug"], "title": "prod: who was that?", "comment": "Looking into it. closes #1"'
night

day 'The column of prod gets its old type again; the function still differs.'
prod 'ALTER TABLE orders ALTER COLUMN total TYPE numeric(12,2)'
night

day 'The repository is renamed on GitHub.'
ctl set '{"repo": "team/shop", "moved_to": "team/store"}'
night
day 'The new name is set. Nothing else happens.'
export GITHUB_REPOSITORY=team/store
night

day 'The function is put right in prod.'
prod "CREATE OR REPLACE FUNCTION discount(total numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT total * 0.95'"
night

day 'Edge is put right. The network loses every other answer.'
edge 'DROP INDEX stock_n' 'ALTER TABLE stock DROP COLUMN place'
for skip in 0 1 2 3; do
	fault "{\"match\": \".\", \"kind\": \"drop_after\", \"skip\": $skip}"
done
night

day 'Migration 0005 is merged, and somebody has already made another table of that name in prod by hand.'
echo 'CREATE TABLE invoices (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL);' >"$here/migrations/0005_invoices.up.sql"
prod 'CREATE TABLE invoices (id bigint PRIMARY KEY, amount integer)'
night

day 'The table made by hand is dropped, and 0005 is deployed.'
prod 'DROP TABLE invoices'
deploy 0005_invoices
night

tell '' '=== What the month left'
python3 "$fake" ctl "$port" state | jq -r '.repos["team/store"].issues[] |
	"   #\(.number) \(.title): \(.state)\(if .state_reason then " as \(.state_reason)" else "" end), from \(.created_at[8:10] | tonumber) to \(.closed_at // "open" | .[8:10] | if . == "" then "open" else tonumber end) March, \(.comments | length) comments"' >>"$story"

# --- what must hold, whatever the golden says

if [ "$bless" = --bless ]; then
	cp "$story" "$golden"
fi
diff -u "$golden" "$story" >"$run_folder/diff"
judge $? 'the month went as tests/golden/github-month.txt tells it' <"$run_folder/diff"
! grep -qF "$GITHUB_TOKEN" "$story" "$run_folder/ctl.out"
judge $? 'the token is nowhere in it' </dev/null
[ -z "$(find "$XDG_STATE_HOME/driftcheck/v1/unsent" -name '*.json' 2>/dev/null)" ]
judge $? 'no report is left that did not arrive' < <(ls "$XDG_STATE_HOME/driftcheck/v1/unsent")
