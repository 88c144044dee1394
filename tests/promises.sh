#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What docs/promises.md promises and no other test holds us to, on real databases.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1

# The promises name tests that exist.
gone=$(grep -oE '[`]tests/[a-z0-9_/.-]+' "$source_folder/docs/promises.md" | tr -d '`' | sort -u | while read -r path; do
	[ -e "$source_folder/$path" ] || echo "$path"
done)
[ -z "$gone" ]
judge $? 'every test that docs/promises.md names exists' <<<"$gone"

repository good 'CREATE TABLE users (id integer PRIMARY KEY, name text CHECK (length(name) > 1));' 'CREATE VIEW names AS SELECT name FROM users;'

# 1: a SQLite file stays as it is, whatever its journal. (Beside a file in WAL mode that is ours, SQLite makes an empty -wal and
# a -shm to read it, and leaves them; they do no harm to its owner.)
for journal in delete wal; do
	mkdir "$journal"
	applied good sqlite | sqlite3 "$journal/app.db"
	sqlite3 "$journal/app.db" "PRAGMA journal_mode = $journal; INSERT INTO users VALUES (1, 'somebody')" >/dev/null
	beside='*'
	[ "$journal" = delete ] || beside=app.db
	# shellcheck disable=SC2086
	traces() { (cd "$journal" && sha256sum -- $beside && stat -c '%n %s %Y %i' -- $beside); }
	before=$(traces)
	for command in "check prod=sqlite:$journal/app.db" "status prod=sqlite:$journal/app.db" "assert prod=sqlite:$journal/app.db" \
		"snapshot sqlite:$journal/app.db" "diff repo sqlite:$journal/app.db"; do
		# shellcheck disable=SC2086
		run $command --migrations good
		[ "$status" = 0 ] || not_ok "$command" < <(cat out err)
	done
	[ "$before" = "$(traces)" ]
	judge $? "a SQLite file with journal mode $journal is left as it was" < <(diff <(echo "$before") <(traces))
done

server -c max_connections=50 || exit
at="host=$PGHOST&port=$PGPORT"
psql -X -q -c 'CREATE ROLE reader LOGIN' -c 'CREATE DATABASE app'
{
	applied good postgresql
	echo 'GRANT SELECT ON schema_migrations TO reader;'
} | psql -X -q -d app
app="postgresql:///app?$at&user=reader"

# 1: no transaction id is used up in the whole cluster, and the role could not write if it wanted to.
next_id() { psql -X -At -c 'SELECT pg_snapshot_xmax(pg_current_snapshot())'; }
before=$(next_id)
for command in "check prod=$app" "status prod=$app" "assert prod=$app" "snapshot $app" "diff repo $app"; do
	# shellcheck disable=SC2086
	run $command --migrations good
	[ "$status" = 0 ] || not_ok "$command" < <(cat out err)
done
[ "$before" = "$(next_id)" ]
judge $? 'no transaction id is assigned on a live server' <<<"$before -> $(next_id)"

# README shows what the example prints today.
stable() { sed -E 's/(PostgreSQL|SQLite) [0-9.]+/\1 VERSION/; s/ in [0-9.]+ m?s\b/ in N s/'; }
"$source_folder/examples/shop/postgresql/make_environments.sh"
(
	cd "$source_folder/examples/shop/postgresql" || exit
	export STAGING_DATABASE_URL="postgresql:///staging?$at&user=postgres" PROD_DATABASE_URL="postgresql:///prod?$at&user=postgres"
	"$DRIFTCHECK" staging prod
) 2>&1 | stable >example
sed -n '/^\$ driftcheck staging prod$/,/^```$/p' "$source_folder/README.md" | sed '1d; $d; /^  …$/d; /^$/d' | stable >shown
[ -s shown ] && ! grep -vxFf example shown >unseen
judge $? 'README shows what driftcheck prints' < <(cat unseen example)

# 3: a relation that is locked by somebody is unread: not missing, not equal, and never clean.
psql -X -q -d app >/dev/null 2>&1 <<'SQL' &
BEGIN;
LOCK TABLE users;
SELECT pg_sleep(60);
SQL
locker=$!
until [ "$(psql -X -At -c "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation >= 16384")" -gt 0 ]; do
	sleep 0.05
done
run check "prod=$app" --migrations good --format json
[ "$status" = 2 ] && jq -e '.complete == false and .environments[0].verdict == "trouble" and (.environments[0].unread | length) > 0 and
	(.environments[0].findings | length) == 0' out >/dev/null
judge $? "a locked table is unread, and the run is no clean one" < <(echo "exit status $status" && cat out err)
psql -X -q -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()" >/dev/null
wait "$locker" 2>/dev/null

# 2: killed while it replays, driftcheck leaves no server behind.
repository slow 'SELECT pg_sleep(120);'
export TMPDIR=$run_folder/tmp
mkdir "$TMPDIR"
chmod 1777 "$TMPDIR"
servers() {
	local process
	for process in /proc/[0-9]*; do
		case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in
		*/postgres*" $TMPDIR/"*) echo "${process#/proc/}" ;;
		esac
	done
}
"$DRIFTCHECK" check "prod=$app" --migrations slow >out 2>err </dev/null &
ours=$!
for ((i = 0; i < 200; i++)); do
	[ -n "$(servers)" ] && break
	sleep 0.1
done
[ -n "$(servers)" ]
judge $? 'a replay has a server of its own' < <(cat out err)
kill -9 "$ours"
wait "$ours" 2>/dev/null
for ((i = 0; i < 100; i++)); do
	[ -z "$(servers)" ] && break
	sleep 0.1
done
[ -z "$(servers)" ]
judge $? 'killed, it leaves no server behind' < <(servers)
