#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The command line as a person meets it: the mistakes that new users make, and what they are told; exit statuses; that no
# password is shown. Each step runs driftcheck once and looks at its exit status and at what it printed. Uses a throwaway
# PostgreSQL; without the binaries that part is skipped, in CI (CI=true) it is a failure.
set -u
source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DRIFTCHECK=${DRIFTCHECK:-$PWD/driftcheck}
# shellcheck source=scripts/cluster.sh
. "$source_folder/scripts/cluster.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/driftcheck-cli.XXXXXX") || exit 1
trap 'cluster_stop; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache HOME=$work NO_COLOR=1
unset DATABASE_URL STAGING_DATABASE_URL PROD_DATABASE_URL PGSERVICE PGPASSWORD
passed=0 failed=0 skipped=0

# Runs driftcheck in the folder $work/here; keeps stdout, stderr and status.
run() {
	(cd "$work/here" && "$DRIFTCHECK" "$@") >"$work/out" 2>"$work/err"
	status=$?
	shown="driftcheck $*"
}

# step NAME STATUS [+PATTERN | -PATTERN]...: + (a fixed string) must be in what was printed, - must not.
step() {
	local name=$1 wanted=$2 wrong='' pattern
	shift 2
	cat "$work/out" "$work/err" >"$work/both"
	[ "$status" = "$wanted" ] || wrong="exit status $status, not $wanted"
	for pattern; do
		case $pattern in
		+*) grep -qF -- "${pattern#+}" "$work/both" || wrong="$wrong; lacks: ${pattern#+}" ;;
		-*) ! grep -qF -- "${pattern#-}" "$work/both" || wrong="$wrong; has: ${pattern#-}" ;;
		esac
	done
	# whatever happens, this never shows
	! grep -q swordfish "$work/both" || wrong="$wrong; shows a password"
	! grep -qi 'internal error' "$work/both" || wrong="$wrong; internal error"
	if [ -z "$wrong" ]; then
		passed=$((passed + 1))
		echo "ok - $name"
	else
		failed=$((failed + 1))
		printf 'not ok - %s\n# %s\n# %s\n' "$name" "$shown" "$wrong"
		sed 's/^/#   /' "$work/both"
	fi
}

folder() { # an empty folder $work/here
	rm -rf "$work/here"
	mkdir "$work/here"
}

migrations() { # two migrations of golang-migrate in $work/here/db/migrations
	mkdir -p "$work/here/db/migrations"
	echo 'CREATE TABLE users (id integer PRIMARY KEY, name text);' >"$work/here/db/migrations/0001_users.up.sql"
	echo 'CREATE TABLE orders (id integer PRIMARY KEY, total integer);' >"$work/here/db/migrations/0002_orders.up.sql"
	echo 'DROP TABLE users;' >"$work/here/db/migrations/0001_users.down.sql"
	echo 'DROP TABLE orders;' >"$work/here/db/migrations/0002_orders.down.sql"
}

conf() { cat >"$work/here/driftcheck.conf"; }

database() { # FILE VERSION: an SQLite database as golang-migrate leaves it
	{
		echo 'CREATE TABLE schema_migrations (version uint64,dirty bool);'
		echo 'CREATE UNIQUE INDEX version_unique ON schema_migrations (version);'
		[ "$2" -lt 1 ] || cat "$work/here/db/migrations/0001_users.up.sql"
		[ "$2" -lt 2 ] || cat "$work/here/db/migrations/0002_orders.up.sql"
		echo "INSERT INTO schema_migrations VALUES ($2, false);"
	} | sqlite3 "$work/here/$1"
}

# --- words and options
folder
run --version
step 'version' 0 '+driftcheck '
run --help
step 'help' 0 '+Commands' '+--migrations DIR' '+Exit status: 0 clean, 1 findings, 2 trouble'
for command in check diff snapshot status assert replay init doctor kinds frameworks; do
	run "$command" --help
	step "help of $command" 0 "+Usage: driftcheck $command" '+Options:'
done
run
step 'nothing to do' 2 '+no environment is named' '+driftcheck init'
run chekc
step 'unknown command' 2 '+"chekc" is no command and no environment' '+did you mean "check"?'
run staging
step 'unknown environment without a configuration' 2 '+"staging" is no command and no environment' '+there is no driftcheck.conf'
run --qiet
step 'unknown option' 2 '+unknown option --qiet' '+did you mean --quiet?'
run check --format jsn
step 'unknown format' 2 '+there is no format "jsn"' '+did you mean "json"?'
run check --report json
step 'a format is no report' 2 '+--report json:FILE'
run check --include coment
step 'unknown group' 2 '+did you mean "comment"?'
run replay --at-least 3
step 'option of another command' 2 '+--at-least does not apply'
run diff one
step 'too few words' 2 '+usage: driftcheck diff WANT HAVE'
run kinds
step 'kinds' 0 '+materialized view' '+--include comment'
run kinds --format json
step 'kinds as JSON' 0 '+"kinds": ['
run frameworks
step 'frameworks' 0 '+golang-migrate' '+flyway_schema_history'
run init --config nowhere/driftcheck.conf
step 'a folder that is not there' 2 '+nowhere/driftcheck.conf: cannot be written'
run kinds --output nowhere/kinds.txt
step 'output into a folder that is not there' 2 '+nowhere/kinds.txt: cannot be written'
run kinds --output kinds.txt
step 'output' 0
cp "$work/here/kinds.txt" "$work/out"
step 'output is in the file' 0 '+materialized view'
(cd "$work/here" && "$DRIFTCHECK" kinds 2>"$work/err" | head -n 1 >"$work/out"; exit "${PIPESTATUS[0]}")
status=$? shown='driftcheck kinds | head -n 1'
step 'a reader that goes away' 0

# --- configuration
folder
conf <<<'env "prod" { ulr = "service=x" }'
run prod
step 'unknown key' 2 '+driftcheck.conf:1: unknown option "ulr" in env "prod"' '+did you mean "url"?'
conf <<<$'\nenvironment "prod" { url = "service=x" }'
run prod
step 'unknown section' 2 '+driftcheck.conf:2: unknown section or option "environment"'
conf <<<'env "prod" { url = "postgresql://u:swordfish@h/db" }'
run prod
step 'a password in the configuration' 2 '+driftcheck.conf:1: env "prod": a password stands in the file'
conf <<'END'
migrations "app" { path = "db/migrations" }
env "staging" { url = "sqlite:staging.db" }
env "prod" { url = "${PROD_DATABASE_URL}" }
END
run stagin
step 'unknown environment' 2 '+did you mean "staging"?'
run check stagin
step 'unknown environment of check' 2 '+there is no environment "stagin"' '+did you mean "staging"?'
run status stagin --format json
step 'trouble as JSON' 2 '+"code": "unknown-env"' '-"environments": [ {'
run status staging
step 'missing migrations folder' 2 '+db/migrations'
migrations
database staging.db 2
run status staging
step 'current' 0 '+current'
run assert staging
step 'assert' 0
run status
step 'an unset variable' 2 '+driftcheck.conf:3' '+PROD_DATABASE_URL is not set' '+current'
database prod.db 1
export PROD_DATABASE_URL=sqlite:prod.db
run status
step 'behind' 1 '+1 pending' '+0002_orders.up.sql' '+current'
run status --fail-on drift
step 'behind is accepted' 0 '+1 pending'
run assert prod
step 'assert fails' 1 '+behind'
run assert prod --at-least 1
step 'assert a floor' 0
run assert prod --at-least 2
step 'assert a floor that is not reached' 1
run assert prod --at-least 3
step 'assert an unknown version' 2 '+know the version "3"'
run status staging --quiet
step 'quiet' 0
[ ! -s "$work/both" ] && run status staging --format json
step 'status as JSON' 0 '+"state": "current"' '+"schema": 1' '+"framework": "golang-migrate"'
mkdir "$work/here/below"
(cd "$work/here/below" && "$DRIFTCHECK" status) >"$work/out" 2>"$work/err"
status=$? shown='driftcheck status (in a folder below)'
step 'the configuration is found upward' 1 '+1 pending' '+0002_orders.up.sql'
run status --framework dbmat
step 'unknown framework' 2 '+dbmat' '+dbmate'
run staging staging
step 'an environment twice' 2 '+named twice'
run snapshot staging --output staging.json
step 'snapshot' 0
run snapshot nowhere.db --output staging.json
step 'a failure leaves the file from before' 2
run diff staging.json staging
step 'a snapshot equals its database' 0
run diff staging prod
step 'diff' 1 '+orders' '-schema_migrations'
run diff staging prod --format json
step 'diff as JSON' 1 '+"equal": false' '+"change": "removed"' '+"kind": "table"'
run diff staging nowhere.json
step 'a snapshot that is not there' 2 '+nowhere.json: cannot be opened'
echo '{' >"$work/here/broken.json"
run diff staging broken.json
step 'a broken snapshot' 2 '+broken.json' '+this is no JSON'
run diff staging mysql://u:swordfish@h/db
step 'another database' 2 '+not mysql'
unset PROD_DATABASE_URL

# --- NAME=SOURCE, without a configuration
rm "$work/here/driftcheck.conf"
run status a=sqlite:staging.db b=prod.db --migrations db/migrations
step 'without a configuration' 1 '+current' '+behind'
run status a=staging.json --migrations db/migrations
step 'a snapshot that was taken elsewhere' 0 '+current'
run status a=sqlite:staging.db
step 'no migrations' 2 '+no migrations are known' '+--migrations db/migrations (golang-migrate, found here)'
run status sqlite:staging.db
step 'a source without a name' 2 '+prod=sqlite:staging.db'
run status service=x
step 'a service without a name' 2 '+prod=service=x'
run status a=sqlite:nowhere.db --migrations db/migrations
step 'an SQLite file that is not there' 2 '+nowhere.db'
echo 'this is no database, whatever its name may say, and it is long enough to be looked at' >"$work/here/text.db"
run status a=sqlite:text.db b=sqlite:staging.db --migrations db/migrations
step 'an SQLite file that is no database' 2 '+not-a-database' '+current'
run status a=sqlite:staging.db --migrations nowhere
step 'a migrations folder that is not there' 2 '+nowhere'
echo 'SELECT 1;' >"$work/here/db/migrations/0002_again.up.sql"
run status a=sqlite:staging.db --migrations db/migrations
step 'two migrations with one version' 2 '+0002_again.up.sql' '+0002_orders.up.sql'
rm "$work/here/db/migrations/0002_again.up.sql"

# --- init
run init
step 'init' 0 '+wrote driftcheck.conf' '+db/migrations: golang-migrate, 2 migrations'
run init
step 'init does not overwrite' 2 '+driftcheck.conf: is there already'
STAGING_DATABASE_URL=sqlite:staging.db run status staging
step 'what init wrote works' 0 '+current'
rm "$work/here/driftcheck.conf"
QA_DATABASE_URL=postgresql://u:swordfish@db.x.supabase.co/postgres run init
step 'init reads the variables' 0 "+qa, from \${QA_DATABASE_URL}"
cp "$work/here/driftcheck.conf" "$work/out"
step 'init proposes what to ignore' 0 '+env "qa" { url = "${QA_DATABASE_URL}" }' '+"graphql.*"' '+Supabase'
rm "$work/here/driftcheck.conf"

# --- processes: neither `ps` nor a signal
mkfifo "$work/here/fifo.conf"
(cd "$work/here" && exec "$DRIFTCHECK" prod=postgresql://u:swordfish@h/db --config fifo.conf) >"$work/out" 2>"$work/err" &
pid=$!
exec 3>"$work/here/fifo.conf" # opens when driftcheck does; by then its argv is overwritten
worker=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
for process in $pid $worker; do tr '\0' ' ' <"/proc/$process/cmdline"; done >>"$work/cmdlines"
kill -TERM "$pid"
wait "$pid"
status=$? shown='driftcheck prod=... ended by SIGTERM'
exec 3>&-
cat "$work/cmdlines" >>"$work/out"
step 'no password in the list of processes' 143 '+u:xxxxxxxxx@h/db'
[ -z "$worker" ] || [ ! -e "/proc/$worker" ] || echo 'still there' >"$work/err"
step 'a signal ends all' 143 '-still there'

# --- PostgreSQL
if cluster_start 2>"$work/cluster.err"; then
	folder
	migrations
	{
		echo 'local all locked scram-sha-256'
		cat "$cluster_folder/data/pg_hba.conf"
	} >"$work/hba" && cat "$work/hba" >"$cluster_folder/data/pg_hba.conf"
	psql -X -q -c "CREATE DATABASE app" -c "CREATE ROLE reader LOGIN" -c "CREATE ROLE locked LOGIN PASSWORD 'right'" \
		-c 'SELECT pg_reload_conf()' >/dev/null
	psql -X -q -d app -c 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)' \
		-c 'INSERT INTO schema_migrations VALUES (2, false)' -f "$work/here/db/migrations/0001_users.up.sql" \
		-f "$work/here/db/migrations/0002_orders.up.sql"
	at="host=$PGHOST&port=$PGPORT"
	run status "a=postgresql:///app?$at&user=postgres&schema=public&connection_limit=1" --migrations db/migrations
	step 'a URL with the parameters of a framework' 0 '+current'
	run status "a=host=$PGHOST dbname=app user=postgres" --migrations db/migrations
	step 'a keyword string' 0 '+current'
	printf '[prod]\nhost=%s\ndbname=app\nuser=postgres\n' "$PGHOST" >"$work/here/services"
	PGSERVICEFILE=$work/here/services run status a=service=prod --migrations db/migrations
	step 'a service' 0 '+current'
	run status "a=postgresql://locked:swordfish@/app?$at" "b=postgresql:///app?$at" --migrations db/migrations
	step 'a wrong password, and the others are reported' 2 '+authentication' '+current'
	run status "a=postgresql:///nowhere?$at" --migrations db/migrations
	step 'a database that is not there' 2 '+nowhere'
	run status "a=postgresql:///app?$at&user=reader" --migrations db/migrations
	step 'no right to read the versions' 2 '+permission' '+GRANT SELECT'
	run status "a=postgresql://u:swordfish@127.0.0.1:1/app" --timeout 5 --migrations db/migrations
	step 'a server that is not there' 2 '+unreachable'
	run doctor "a=postgresql:///app?$at" --migrations db/migrations
	step 'doctor' 1 '+reachable: PostgreSQL' '+version table public.schema_migrations: 1 row' '+superuser' '+CREATE ROLE driftcheck' \
		'+GRANT CONNECT ON DATABASE app TO driftcheck;' '+GRANT USAGE ON SCHEMA public TO driftcheck;' \
		'+GRANT SELECT ON public.schema_migrations TO driftcheck;' '+2 migrations, golang-migrate' '-  fail'
	run doctor "a=postgresql://locked:swordfish@/app?$at" --migrations db/migrations
	step 'doctor, with a wrong password' 2 '+not reachable' '+GRANT CONNECT ON DATABASE app'
	run snapshot "postgresql:///app?$at" --output app.json
	step 'snapshot of PostgreSQL' 0
	run diff app.json "postgresql:///app?$at"
	step 'it equals its database' 0
	run diff repo "postgresql:///app?$at" --migrations db/migrations
	step 'the repository equals it, too' 0
	pg_dump -s -d app -f "$work/here/schema.sql"
	run diff schema.sql "postgresql:///app?$at"
	step 'a schema file equals it' 0
	run diff repo schema.sql --migrations db/migrations
	step 'a schema file equals the repository, but for the version table' 1 '+schema_migrations'
	run diff repo@1 "postgresql:///app?$at" --migrations db/migrations
	step 'an earlier version does not' 1 '+orders'
	run diff repo@7 app.json --migrations db/migrations
	step 'an unknown version' 2 '+there is no migration with the version "7"'
	run check "a=postgresql:///app?$at" b=app.json --migrations db/migrations
	step 'check' 0
	psql -X -q -d app -c 'ALTER TABLE users ADD COLUMN vip boolean'
	run "a=postgresql:///app?$at" --migrations db/migrations
	step 'a hand edit' 1 '+public.users.vip'
	run check "a=postgresql:///app?$at" c=sqlite:nowhere.db --migrations db/migrations
	step 'trouble wins, findings are reported' 2 '+public.users.vip' '+nowhere.db'
	run replay --migrations db/migrations
	step 'replay' 0 '+2 migrations replayed'
	run replay --to 1 --migrations db/migrations
	step 'replay to a version' 0 '+1 migration replayed'
	printf 'SELECT 1;\n\nCREATE TABLE broken (id nonsense);\n' >"$work/here/db/migrations/0003_broken.up.sql"
	run replay --migrations db/migrations
	step 'a migration that fails' 2 '+0003_broken.up.sql:3' '+nonsense'
	printf '\\copy users from x\n' >"$work/here/db/migrations/0003_broken.up.sql"
	run replay --migrations db/migrations
	step 'a psql command' 2 '+0003_broken.up.sql:1' '+\copy'
	echo 'CREATE EXTENSION no_such_extension;' >"$work/here/db/migrations/0003_broken.up.sql"
	run replay --migrations db/migrations
	step 'an extension that is not there' 2 '+0003_broken.up.sql:1' '+no_such_extension'
	conf <<END
env "a" { url = "postgresql:///app?$at" }
scratch { url = "postgresql:///postgres?$at" }
END
	run a --migrations db/migrations
	step 'a scratch on the server of an environment' 2 '+driftcheck.conf:2' '+the environment "a" lives on that server'
else
	cat "$work/cluster.err"
	if [ "${CI:-}" = true ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
	echo 'no PostgreSQL'
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
