#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The throwaway server and the clone of `driftcheck rehearse` are removed whatever happens: signals, kill -9, a replay that fails, a disk
# that takes no more, a server that dies. A migration that sleeps is what holds the rehearsal while something happens to it.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
export TMPDIR=$run_folder/t
mkdir "$TMPDIR"
chmod 755 "$TMPDIR"
[ "$(id -u)" != 0 ] || chmod 777 "$TMPDIR"
tries=2400 # of a twentieth of a second

# Processes that work in TMPDIR: servers of clones.
servers() {
	local process
	for process in /proc/[0-9]*; do
		case $(readlink "$process/cwd" 2>/dev/null) in "$TMPDIR"/*) echo "${process#/proc/} $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null)" ;; esac
	done
}

left() {
	servers
	find "$TMPDIR" -mindepth 1 -maxdepth 1
}

gone() { # what
	for _ in $(seq "$tries"); do
		[ -z "$(left)" ] && break
		sleep 0.05
	done
	[ -z "$(left)" ]
	judge $? "$1" < <(left)
}

# Starts a rehearsal and waits until its migration sleeps: sets `pid`, and `folder`, the clone's.
begin() { # options...
	local n=0
	# a script's background commands ignore Ctrl-C
	env --default-signal "$DRIFTCHECK" rehearse --rows 100 --one-size "$@" --migrations shop >out 2>err </dev/null &
	pid=$!
	folder=
	while [ -z "$folder" ] && [ $n -lt "$tries" ] && kill -0 "$pid" 2>/dev/null; do
		folder=$(find "$TMPDIR" -maxdepth 2 -path '*/driftcheck-scratch-*/data')
		folder=${folder%/data}
		[ -n "$folder" ] && [ "$(psql -XAtq "host=$folder port=5432 user=driftcheck_superuser dbname=driftcheck" \
			-c "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)' AND wait_event = 'PgSleep'" 2>/dev/null)" = 1 ] || folder=
		n=$((n + 1))
		sleep 0.05
	done
	[ -n "$folder" ] || not_ok 'the migration sleeps' <err
}

ended() { # exit status, what
	wait "$pid"
	status=$?
	[ "$status" = "$1" ]
	judge $? "$2: exits $1 (it was $status)" <err
	gone "$2: nothing is left"
}

base='CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL);'
repository shop "$base" 'SELECT pg_sleep(3600);'

for signal in INT TERM HUP; do
	begin
	kill -$signal "$pid"
	ended $((128 + $(kill -l $signal))) "SIG$signal"
done

begin --exec 'psql -Xqc "SELECT pg_sleep(3600)"'
kill -TERM "$pid"
ended 143 'with a command, SIGTERM'

# kill -9: the servers end at once; what lies on the disk goes with the next run of whatever starts a scratch.
begin
kill -KILL "$pid"
wait "$pid" 2>/dev/null
for _ in $(seq "$tries"); do
	[ -z "$(servers)" ] && break
	sleep 0.05
done
[ -z "$(servers)" ]
judge $? 'kill -9: no server is left' < <(servers)
run replay --migrations shop --to 1
gone 'and after the next run nothing else'

# The process that works, of which the first is only the supervisor.
begin
kill -KILL "$(awk -v parent="$pid" '$4 == parent { print $1 }' /proc/[0-9]*/stat 2>/dev/null)"
ended 2 'the worker is killed'

# The server dies.
begin
kill -KILL "$(head -n 1 "$folder/data/postmaster.pid")"
ended 2 'the server is killed'
grep -q '^driftcheck: ' err
judge $? 'and it is said' <err
begin
kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")"
ended 2 'the server shuts down at once'

# Failures of the rehearsal itself.
fails() { # what, pattern, options...
	local what=$1 pattern=$2
	shift 2
	run rehearse "$@" --migrations shop
	[ "$status" = 2 ] && grep -qE -- "$pattern" err
	judge $? "$what" <err
	gone "$what: nothing is left"
}
repository shop 'CREATE TABEL users (id int);' 'SELECT 1;'
fails 'a replay that fails' 'shop/0001_step.up.sql:1.*syntax error' --rows 100
repository shop "$base" 'SELECT 1;'
# No file may grow beyond this: the server is told what it would be told by a full disk.
ulimit -S -f 6000
fails 'a disk that takes no more' 'could not (extend|write)' --rows 400000 --one-size
ulimit -S -f unlimited
echo 'CREATE TABLE users (id int); SELECT nonsense();' >broken.sql
fails 'a dump that fails' 'broken.sql:1' --dump broken.sql
repository shop "$base" 'ALTER TABLE nowhere ADD COLUMN x int;'
run rehearse --rows 100 --migrations shop
[ "$status" = 1 ]
judge $? 'a migration that fails is a result' <err
gone 'and nothing is left'
