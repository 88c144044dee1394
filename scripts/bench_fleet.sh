#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `make bench-fleet`: a fleet of many small databases on one throwaway server, checked as one run, against one `psql` for each
# of them that asks for its version alone. Prints environments per second and ratios. Nothing here is a test, but for one thing:
# that the migrations are replayed once, not once per database.
#
# Environment: N (databases; default 1000; each takes 8 MB), JOBS (default 8), and that of bench_harness.sh.
# shellcheck source=scripts/bench_harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench_harness.sh"
n=${N:-1000} jobs=${JOBS:-8}
bench_server -c max_connections=100 -c max_wal_size=4GB

# A repository of ten migrations, each a table with a check, a foreign key and an index; databases have all but the last few.
mkdir "$work/migrations"
for i in 1 2 3 4 5 6 7 8 9 10; do
	printf -v number %04d "$i"
	cat >"$work/migrations/${number}_t.up.sql" <<SQL
CREATE TABLE t$i (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL DEFAULT 'none',
	amount numeric(12,2) NOT NULL DEFAULT 0 CHECK (amount >= 0),
	parent bigint REFERENCES t$((i > 1 ? i - 1 : 1)) (id)
);
CREATE INDEX t${i}_name_idx ON t$i (name);
SQL
done

databases() { # version: of all databases
	local i copy=''
	psql -X -q -c 'CREATE DATABASE member'
	for ((i = 1; i <= $1; i++)); do
		printf -v number %04d "$i"
		psql -X -q -v ON_ERROR_STOP=1 -d member -f "$work/migrations/${number}_t.up.sql" || die "the template could not be made"
	done
	psql -X -q -d member -c 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null)' \
		-c "INSERT INTO schema_migrations VALUES ($1, false)"
	[ "$(psql -X -A -t -c 'SHOW server_version_num')" -lt 150000 ] || copy='STRATEGY file_copy'
	for ((i = 1; i <= n; i++)); do
		printf 'CREATE DATABASE member_%05d TEMPLATE member %s;\n' "$i" "$copy"
	done | psql -X -q -v ON_ERROR_STOP=1 || die "the databases could not be made"
	for ((i = 1; i <= n; i++)); do
		printf 'member_%05d=postgresql:///member_%05d?host=%s&port=%s&user=%s\n' "$i" "$i" "$PGHOST" "$PGPORT" "$PGUSER"
	done >"$work/envs"
}

# The server binaries, with a `postgres` that notes when it is started as a server.
watch_starts() {
	local bin file
	bin=$(cluster_bindir)
	mkdir -p "$work/bin"
	for file in "$bin"/*; do
		ln -s "$file" "$work/bin/"
	done
	rm "$work/bin/postgres"
	cat >"$work/bin/postgres" <<SH
#!/bin/sh
case " \$* " in *" -D "*) echo "\$*" >>"$work/starts" ;; esac
exec "$bin/postgres" "\$@"
SH
	chmod 755 "$work/bin/postgres" "$work/bin"
	: >"$work/starts"
	chmod 666 "$work/starts"
	cat >"$work/fleet.conf" <<CONF
migrations "app" { path = "$work/migrations" }
fleet "shops" { envs_file = "$work/envs" }
scratch { bindir = "$work/bin" }
CONF
}

# Runs once and sets ms and kb. Its exit status must be the wanted one.
once() { # wanted-status command...
	local wanted=$1 got status
	shift
	got=$("$MEASURE" run "$@" 2>"$work/err")
	status=$?
	[ "$status" = "$wanted" ] || die "exit status $status of: $*"$'\n'"$(tail -n 5 "$work/err")"
	ms=${got% *} kb=${got#* }
}

per_second() { awk -v n="$n" -v ms="$1" 'BEGIN { printf "%.0f /s", n * 1000 / ms }'; }

measure() { # what wanted-status most-servers argument...
	local what=$1 wanted=$2 most=$3 servers
	shift 3
	: >"$work/starts"
	once "$wanted" "$DRIFTCHECK" check shops --config "$work/fleet.conf" --jobs "$jobs" --max-per-server "$jobs" "$@"
	servers=$(grep -o -- '-D [^ ]*' "$work/starts" | sort -u | wc -l)
	line "$what" "$(per_second "$ms")" "$ms ms, $((kb / 1024)) MB, $servers server(s) started"
	[ "$servers" -le "$most" ] || die "the migrations were replayed more than once"
}

say "$n databases of 10 tables on one server, $jobs at a time"
databases 10
watch_starts
cat >"$work/psql.sh" <<'SH'
cut -d= -f1 "$1" | xargs -P "$2" -I DB psql -X -A -t -q -d DB -c 'SELECT version FROM schema_migrations' >/dev/null
SH
once 0 sh "$work/psql.sh" "$work/envs" 1
line "psql for each, one after the other" "$(per_second "$ms")" "$ms ms"
one=$ms
once 0 sh "$work/psql.sh" "$work/envs" "$jobs"
line "psql for each, $jobs at a time" "$(per_second "$ms")" "$ms ms"
many=$ms
measure "driftcheck, all clean, nothing cached" 0 1
measure "driftcheck, all clean" 0 0
line "  psql one by one takes this many times as long" "$(ratio "$one" "$ms")"
line "  psql $jobs at a time" "$(ratio "$many" "$ms")"
measure "driftcheck, all clean, --no-cache" 0 1 --no-cache
echo 'CREATE TABLE t11 (id integer);' >"$work/migrations/0011_t.up.sql"
measure "driftcheck, all behind by one" 1 2
rm "$work/migrations/0011_t.up.sql"
echo 'CREATE INDEX t10_parent_idx ON t10 (parent);' >>"$work/migrations/0010_t.up.sql"
measure "driftcheck, all lack an index" 1 2
