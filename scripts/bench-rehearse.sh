#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `make bench-rehearse`: what a rehearsal's clone costs, beside pgbench -i, which makes rows of the same bytes, and what the tap
# costs its clients, beside none, on one throwaway server in one run. Ratios count; nothing here is a test.
#
# Environment: MEASURE (the program), SCALE (of pgbench: 100,000 rows each; default 50).
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MEASURE=${MEASURE:-$PWD/tests/measure} scale=${SCALE:-50}
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"
# shellcheck source=scripts/cluster.sh
. "$top/scripts/cluster.sh"

trap cluster_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cluster_start -c shared_buffers=256MB -c max_wal_size=4GB || die "no PostgreSQL to measure on"

line() { printf '  %-58s %10s   %s\n' "$1" "$2" "${3:-}"; }

filling() {
	local bin pgbench from to ms rows bytes source
	bin=$(cluster_bindir)
	pgbench=$bin/pgbench
	[ -x "$pgbench" ] || pgbench=$(command -v pgbench) || die "no pgbench here: install Debian's package postgresql-contrib"
	say "Filling a clone of $((scale * 100000)) rows"
	psql -X -q -c 'CREATE DATABASE source' -c 'CREATE DATABASE clone' || die "no databases"
	from=$(date +%s%N)
	"$pgbench" -i -q -s "$scale" source 2>/dev/null || die "pgbench failed"
	to=$(date +%s%N)
	source=$(((to - from) / 1000000))
	psql -X -q -d source -c ANALYZE
	pg_dump --schema-only -d source | psql -X -q -d clone >/dev/null || die "the schema could not be copied"
	read -r ms rows bytes <<<"$("$MEASURE" fill "host=$PGHOST port=$PGPORT user=$PGUSER dbname=source" "host=$PGHOST port=$PGPORT user=$PGUSER dbname=clone")"
	[ -n "$ms" ] || die "the clone could not be filled"
	line "pgbench -i" "$source ms" "$(psql -X -qAt -d source -c "SELECT pg_size_pretty(sum(pg_total_relation_size(oid))) FROM pg_class WHERE relname ~ '^pgbench_' AND relkind = 'r'")"
	line "filling from its statistics" "${ms%.*} ms" "$rows rows, $((bytes >> 20)) MB"
	line "  we take this many times as long" "$(awk -v a="$ms" -v b="$source" 'BEGIN { printf "%.2f", a / b }')"
}

tapping() {
	local small many small_tapped many_tapped
	say "Clients of the tap"
	# the best of five: two processes more than there are cores make any one of them arbitrary
	read -r small many small_tapped many_tapped <<<"$(for _ in 1 2 3 4 5; do
		"$MEASURE" tap "$PGHOST/.s.PGSQL.$PGPORT" "host=$PGHOST port=$PGPORT user=$PGUSER dbname=postgres" || exit
	done | awk '{ for (i = 1; i <= NF; i++) if (NR == 1 || $i < best[i]) best[i] = $i } END { print best[1], best[2], best[3], best[4] }')"
	[ -n "$many_tapped" ] || die "the tap could not be measured"
	line "10,000 small queries, through the tap" "$small_tapped ms" "directly $small ms"
	line "  the tap takes this many times as long" "$(awk -v a="$small_tapped" -v b="$small" 'BEGIN { printf "%.2f", a / b }')"
	line "300,000 rows of 1 kB, through the tap" "$many_tapped ms" "directly $many ms"
	line "  the tap takes this many times as long" "$(awk -v a="$many_tapped" -v b="$many" 'BEGIN { printf "%.2f", a / b }')"
}

filling
tapping
