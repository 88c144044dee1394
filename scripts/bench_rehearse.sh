#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `make bench-rehearse`: what a rehearsal's clone costs, beside pgbench -i, which makes rows of the same bytes; what measuring
# costs a statement that does nothing, and how much longer it makes one that does a lot; and what the tap costs its clients,
# beside none; on one throwaway server in one run. Ratios count; nothing here is a test.
#
# Environment: SCALE (of pgbench: 100,000 rows each; default 50), PARTS (of the below), and that of bench_harness.sh.
# shellcheck source=scripts/bench_harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench_harness.sh"
scale=${SCALE:-50}
bench_server -c shared_buffers=256MB -c max_wal_size=4GB

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
	line "  we take this many times as long" "$(ratio "$ms" "$source")"
}

url() { echo "postgresql:///$1?host=$PGHOST&port=$PGPORT&user=$PGUSER"; } # database
# A database at version 1, and a folder of migrations in which 2 is given on stdin.
release() { # name rows
	mkdir -p "$work/$1"
	echo 'CREATE TABLE t (id bigint PRIMARY KEY, name text, n integer);' >"$work/$1/0001_t.up.sql"
	cat >"$work/$1/0002_release.up.sql"
	psql -X -q -c "CREATE DATABASE $1" || die "no database"
	psql -X -q -d "$1" -f "$work/$1/0001_t.up.sql" -c 'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)' \
		-c 'INSERT INTO schema_migrations VALUES (1, false)' -c "INSERT INTO t SELECT i, md5(i::text), i FROM generate_series(1, $2) i" \
		-c 'VACUUM ANALYZE t' || die "no rows"
}
rehearse() { # name option...
	best 0 "$DRIFTCHECK" rehearse "prod=$(url "$1")" --migrations "$work/$1" --format json "${@:2}"
}

statements=300
idling() {
	local one plain sizes
	say "A statement that does nothing (of $statements in one migration)"
	echo 'ALTER TABLE t ALTER COLUMN name SET STATISTICS 1;' | release one 1000
	for i in $(seq "$statements"); do echo "ALTER TABLE t ALTER COLUMN name SET STATISTICS $((i % 100 + 1));"; done | release many 1000
	best 0 psql -X -q -1 -d many -f "$work/many/0002_release.up.sql"
	plain=$ms
	for sizes in --one-size ''; do
		rehearse one $sizes
		one=$ms
		rehearse many $sizes
		line "rehearsing it${sizes:+, $sizes}, beyond plain execution (wanted: under 5)" \
			"$(awk -v a="$ms" -v b="$one" -v c="$plain" -v n="$statements" 'BEGIN { printf "%.1f", (a - b - c) / n }') ms"
	done
}

building() {
	local plain measured rows=$((scale * 80000))
	say "Building an index on $rows rows"
	echo 'CREATE INDEX t_name ON t (name);' | release large "$rows"
	psql -X -q -c 'CREATE DATABASE elsewhere' -c CHECKPOINT
	psql -X -q -d elsewhere -c 'CREATE TABLE schema_migrations AS SELECT 1::bigint AS version, false AS dirty'
	plain=$(for _ in 1 2 3; do
		psql -X -q -d large -c '\timing on' -f "$work/large/0002_release.up.sql" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'
		psql -X -q -d large -c 'DROP INDEX t_name' -c 'UPDATE schema_migrations SET version = 1' -c CHECKPOINT
	done | sort -n | head -n 1)
	measured=$(for _ in 1 2 3; do
		"$DRIFTCHECK" rehearse "prod=$(url elsewhere)" --clone "$(url large)" --clone-anyway --migrations "$work/large" --format json \
			2>"$work/err" | python3 -c 'import json, sys; print(json.load(sys.stdin)["steps"][0]["duration_ms"])' || die "$(tail -n 5 "$work/err")"
		psql -X -q -d large -c 'DROP INDEX t_name' -c 'UPDATE schema_migrations SET version = 1' -c CHECKPOINT
	done | sort -n | head -n 1)
	line "measured, beside clients" "$measured ms" "plainly $plain ms"
	line "  it takes this many times as long (wanted: within 0.1 of 1)" "$(ratio "$measured" "$plain")"
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
	line "  the tap takes this many times as long" "$(ratio "$small_tapped" "$small")"
	line "300,000 rows of 1 kB, through the tap" "$many_tapped ms" "directly $many ms"
	line "  the tap takes this many times as long" "$(ratio "$many_tapped" "$many")"
}

for part in ${PARTS:-filling idling building tapping}; do
	"$part"
done
