#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `driftcheck rehearse` on an environment that is a SQLite file: a release whose rebuild of a table would delete its children is held
# back, with the way that does not; the file stays as it is.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1

rehearse() { # options...: leaves the JSON in out
	run rehearse prod --config driftcheck.conf --format json "$@"
	cat out err >both
}

# has WHAT FILTER: the jq filter is true of the result.
has() {
	jq -e "$2" out >/dev/null 2>&1
	judge $? "$1" <both
}

configure() { # foreign_keys
	cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "golang-migrate" }
env "prod" { url = "sqlite:prod.db" }
rehearse { lock_timeout = "1h" foreign_keys = "$1" }
CONF
}

base='CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
CREATE INDEX users_email ON users (email);
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users ON DELETE CASCADE);'
rebuild='CREATE TABLE users_new (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
INSERT INTO users_new SELECT id, email FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;'
repository shop "$base"
applied shop sqlite | sqlite3 prod.db
sqlite3 prod.db <<'SQL'
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO users SELECT i, 'u' || i FROM n;
INSERT INTO orders SELECT id, id FROM users;
SQL
sum=$(sha256sum prod.db)

configure on
rehearse
[ "$status" = 2 ] && grep -q 'has every migration' both
judge $? 'nothing is pending: there is nothing to rehearse' <both

repository shop "$base" 'ALTER TABLE users ADD COLUMN phone TEXT;'
rehearse
[ "$status" = 0 ]
judge $? 'a harmless migration exits 0' <both
has 'and ships' '.verdict == "ship" and .complete and .engine == "sqlite" and .clone.kind == "copy"'
has 'the write lock is measured' '[.steps[].locks[] | "\(.relation) \(.mode)"] | index("main RESERVED") != null'
has 'the limit is that of the configuration' '.limits.lock_timeout_ms == 3600000'
has 'the statement has its place' '[.steps[] | select(.file != null) | "\(.file):\(.line)"] == ["shop/0002_step.up.sql:1"]'

repository shop "$base" "$rebuild"
rehearse
[ "$status" = 1 ]
judge $? 'a rebuild that deletes children exits 1' <both
has 'the deleted rows are counted' '[.steps[].findings[] | select(.rule == "rebuild-deletes-children") | .text] | .[0] | test("^100 rows of orders")'
has 'the forgotten index is named' '[.steps[].findings[] | select(.rule == "rebuild-loses-index") | .text] | .[0] | test("users_email")'
configure off
rehearse
has 'where foreign keys are not enforced it is a warning' '[.steps[].findings[] | select(.rule == "rebuild-could-delete-children") | .severity] == ["warn"]'
run rehearse prod --config driftcheck.conf
grep -q 'Do not ship' out && grep -q 'loses the index users_email' out
judge $? 'as text' <out
rehearse --rows 5000
has 'with made-up rows' '.clone.kind == "synthetic" and ([.clone.tables[] | select(.name == "users") | .rows] == [5000])'
[ "$sum" = "$(sha256sum prod.db)" ]
judge $? 'the file is as it was' </dev/null
[ -z "$(find . -name 'prod.db-*')" ]
judge $? 'and nothing is left beside it' < <(find . -name 'prod.db-*')

says_2() { # what, pattern, arguments...
	local what=$1 pattern=$2
	shift 2
	run "$@"
	cat out err >both
	[ "$status" = 2 ] && grep -qE -- "$pattern" both
	judge $? "$what" <both
}
says_2 'a scale, which a copy does not have' 'in a copy of itself' rehearse prod --config driftcheck.conf --scale 2
configure maybe
says_2 'foreign_keys that is neither' 'neither on nor off' rehearse prod --config driftcheck.conf
