#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The mistakes that a user makes, and what a server can do to one: each must end with exit status 2, say what is wrong and
# where, say what to do next, spare the other environments, and leave nothing behind.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export TMPDIR=$run_folder/tmp
mkdir "$TMPDIR"

# The whole output of driftcheck with these arguments must match each of the patterns, which end with `--`.
mistake() { # what pattern... -- argument...
	local what=$1 pattern patterns=()
	shift
	while [ "$1" != -- ]; do
		patterns+=("$1")
		shift
	done
	shift
	run "$@"
	cat out err >both
	[ "$status" = 2 ] || { not_ok "$what: exit status $status, expected 2" <both && return; }
	for pattern in "${patterns[@]}"; do
		grep -qE -- "$pattern" both || { not_ok "$what: nothing matches /$pattern/" <both && return; }
	done
	ok "$what"
}

repository good 'CREATE TABLE users (id integer PRIMARY KEY, name text);'
applied good sqlite | sqlite3 staging.db
cp staging.db prod.db
cat >driftcheck.conf <<'CONF'
migrations "app" { path = "good" }
env "staging" { url = "sqlite:staging.db" }
env "prod" { url = "sqlite:prod.db" }
CONF
run staging prod
[ "$status" = 0 ]
judge $? 'the setting itself is clean' < <(cat out err)

# The command line.
mistake 'an unknown environment' 'prdo' 'prod' -- prdo
mistake 'an unknown command' 'chekc' 'check' -- chekc
mistake 'an unknown option' 'formt' 'format' -- --formt json
mistake 'an unknown value of an option' 'jsn' 'json' -- --format jsn
mistake 'an option of another command' 'at-least' 'assert' -- check --at-least 3

# The configuration.
conf() { cat >other.conf; }
conf <<'CONF'
migrations "app" { path = "good" }
env "prod" { ulr = "sqlite:prod.db" }
CONF
mistake 'an unknown key' 'other\.conf:2' 'ulr' 'url' -- --config other.conf prod
conf <<'CONF'
migration "app" { path = "good" }
CONF
mistake 'an unknown section' 'other\.conf:1' 'migration' 'migrations' -- --config other.conf
conf <<'CONF'
migrations "app" { path = "good" }
env "prod" { url = "sqlite:prod.db" }
env "prod" { url = "sqlite:staging.db" }
CONF
mistake 'two environments with one name' 'other\.conf:3' 'prod' -- --config other.conf
conf <<'CONF'
migrations "app" { path = "good" }
env "prod" { url = "${NOT_SET_ANYWHERE}" }
CONF
mistake 'a variable that is not set' 'NOT_SET_ANYWHERE' -- --config other.conf prod
mistake 'a configuration that is not there' 'nowhere\.conf' -- --config nowhere.conf prod

conf <<'CONF'
migrations "app" { path = "good" }
env "prod" { url = "sqlite:prod.db" }
ignore { objects = {"tabel:users"} }
CONF
mistake 'a kind that is none in a pattern' 'other\.conf:3' 'tabel' 'table' -- --config other.conf prod

# The migrations.
mistake 'a folder that is not there' 'nowhere' -- prod=sqlite:prod.db --migrations nowhere
mkdir empty
mistake 'a folder without migrations' 'empty' -- prod=sqlite:prod.db --migrations empty
mkdir ambiguous
printf -- '-- migrate:up\nSELECT 1;\n-- migrate:down\n' >ambiguous/1_a.sql
printf -- '-- +goose Up\nSELECT 1;\n' >ambiguous/2_b.sql
mistake 'a folder that two frameworks claim' 'dbmate' 'goose' '--framework|framework *=' -- prod=sqlite:prod.db --migrations ambiguous
cp -R good twice
cp twice/0001_step.up.sql twice/1_again.up.sql
mistake 'two migrations with one version' '0001_step' '1_again' -- prod=sqlite:prod.db --migrations twice
repository wrong 'CREATE TABLE users (id integer PRIMARY KEY, name text);' $'CREATE TABLE a (id integer);\nCREATE TABEL b (id integer);'
mistake 'a migration that cannot be parsed' 'wrong/0002_step\.up\.sql:2' 'syntax error' -- prod=sqlite:prod.db --migrations wrong
mistake 'an unknown framework' 'golang-migrat' 'golang-migrate' -- prod=sqlite:prod.db --migrations good --framework golang-migrat

# SQLite files.
mistake 'a SQLite file that is not there' 'nowhere\.db' -- prod=sqlite:nowhere.db --migrations good
mistake 'a folder for a SQLite file' 'good' -- prod=sqlite:good --migrations good
head -c 8192 /dev/zero | tr '\0' 'x' >text.db
mistake 'a SQLite file that is no database' 'text\.db' 'not a (SQLite )?database' -- prod=sqlite:text.db --migrations good
(
	echo 'PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE; CREATE TABLE x (a);'
	echo '.print locked'
	while [ ! -e unlock ]; do sleep 0.1; done
) | sqlite3 -cmd '.timeout 5000' prod.db >locked.out &
until grep -qs locked locked.out; do sleep 0.05; done
mistake 'a locked SQLite file; the other environment is still reported' 'locked' '^staging +(clean|current)' -- staging prod
touch unlock
wait
mkdir closed
cp staging.db closed/wal.db
sqlite3 closed/wal.db 'PRAGMA journal_mode = wal' >/dev/null
chmod 555 closed
as=()
if [ "$(id -u)" = 0 ]; then # root may write everywhere
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups env -u XDG_CACHE_HOME HOME="$run_folder/home")
	chmod 1777 "$TMPDIR"
	mkdir -m 777 home
fi
"${as[@]}" "$DRIFTCHECK" prod=sqlite:closed/wal.db --migrations good >out 2>err
status=$?
# Whether it can be read by way of a private copy or not: it is read, or the error says why not. It is never left changed.
if [ "$status" = 0 ] || { [ "$status" = 2 ] && cat out err | grep -qi wal; }; then
	ok 'a SQLite file in WAL mode in a folder that cannot be written'
else
	not_ok 'a SQLite file in WAL mode in a folder that cannot be written' < <(cat out err)
fi
[ "$(ls closed)" = wal.db ]
judge $? 'nothing is left beside it' < <(ls -la closed)
chmod 755 closed

# Servers.
mistake 'a server that does not answer; the other environment is still reported' 'gone' '^staging +(clean|current)' -- \
	gone='postgresql://127.0.0.1:1/app?connect_timeout=2' staging
mistake 'an address that cannot be read' 'prod' -- prod=postgresql://[::1/app --migrations good
if server -c max_connections=50; then
	psql -X -q <<'SQL'
CREATE ROLE secretive LOGIN PASSWORD 'right';
CREATE ROLE nobody_here LOGIN;
CREATE ROLE blind LOGIN;
CREATE DATABASE app;
CREATE DATABASE closed;
REVOKE CONNECT ON DATABASE closed FROM PUBLIC;
SQL
	sed -i '1i local all secretive scram-sha-256' "$cluster_folder/data/pg_hba.conf"
	psql -X -q -c 'SELECT pg_reload_conf()' >/dev/null
	applied good postgresql | psql -X -q -d app
	at="host=$PGHOST&port=$PGPORT"
	mistake 'a wrong password' 'prod' 'assword|uthentication' -- prod="postgresql://secretive:geheim-123@/app?$at" --migrations good
	! grep -qF geheim-123 both
	judge $? 'the password is not echoed' <both
	mistake 'a role that may not connect' 'CONNECT|permission' -- prod="postgresql:///closed?$at&user=nobody_here" --migrations good
	mistake 'a role that may not read the version table' 'schema_migrations' 'GRANT SELECT|permission' -- \
		prod="postgresql:///app?$at&user=blind" --migrations good
	mistake 'a database that is not there' 'nowhere' -- prod="postgresql:///nowhere?$at&user=postgres" --migrations good
	repository extension 'CREATE EXTENSION not_to_be_found;'
	mistake 'an extension that the scratch server lacks' 'extension/0001_step\.up\.sql:1' 'not_to_be_found' -- \
		prod="postgresql:///app?$at&user=postgres" --migrations extension
	repository privileged 'ALTER SYSTEM SET work_mem = 1000;'
	mistake 'a migration that only a superuser may run' 'privileged/0001_step\.up\.sql:1' 'superuser' -- \
		prod="postgresql:///app?$at&user=postgres" --migrations privileged
	cat >other.conf <<CONF
migrations "app" { path = "good" }
env "prod" { url = "postgresql:///app?$at&user=postgres" }
scratch { url = "postgresql:///app?$at&user=postgres" }
CONF
	mistake 'a scratch server on which an environment lives' 'scratch' 'prod' -- --config other.conf --no-cache prod
	cat >other.conf <<CONF
migrations "app" { path = "good" }
scratch { url = "postgresql:///postgres?$at&user=postgres" }
CONF
	mistake 'a scratch server on which an environment lives that goes by another name' 'scratch-in-use' 'prod' -- \
		--config other.conf --no-cache prod='dbname=app user=postgres'
	mistake 'a scratch server on which a side of a diff lives' 'diffed|app' 'lives on that server' -- \
		--config other.conf --no-cache diff repo 'dbname=app user=postgres'
	psql -XAtc "SELECT count(*) FROM pg_database WHERE datname LIKE 'driftcheck%'" postgres | grep -qx 0
	judge $? 'nothing was made on that server' </dev/null
fi

cluster_stop # it lies there, too
rest=$(find "$TMPDIR" -mindepth 1 | head)
[ -z "$rest" ]
judge $? 'nothing is left behind' <<<"$rest"
