#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `make bench-tenants`: one database with a schema for each of many tenants, checked as one fleet, against copying the raw
# catalogs with psql; with a quarter of the tenants and with all, since the time of each must not depend on their
# number. Nothing here is a test.
#
# Environment: N (tenants; default 2000), and that of bench_harness.sh.
# shellcheck source=scripts/bench_harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench_harness.sh"
all=${N:-2000}
bench_server -c shared_buffers=512MB -c max_locks_per_transaction=2048 -c max_wal_size=4GB

# Twenty migrations, each a table of six columns with a check, a foreign key and an index; one has a view, one a function.
mkdir "$work/migrations"
for i in {1..20}; do
	printf -v number %04d "$i"
	cat >"$work/migrations/${number}_t.up.sql" <<SQL
CREATE TABLE t$i (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	parent bigint REFERENCES t$((i > 1 ? i - 1 : 1)) (id),
	name varchar(100) NOT NULL,
	state text NOT NULL DEFAULT 'new',
	amount numeric(12,2) NOT NULL DEFAULT 0 CHECK (amount >= 0),
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX t${i}_name_idx ON t$i (name, state);
SQL
done
echo 'CREATE VIEW names AS SELECT t1.id, t2.name FROM t1 JOIN t2 ON t2.parent = t1.id;' >>"$work/migrations/0002_t.up.sql"
echo "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.created_at := now(); RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON t3 FOR EACH ROW EXECUTE FUNCTION touch();" >>"$work/migrations/0003_t.up.sql"

tenants() { # first last
	local i
	{
		for ((i = $1; i <= $2; i++)); do
			echo "BEGIN; CREATE SCHEMA tenant_$i; SET LOCAL search_path = tenant_$i, public;"
			cat "$work"/migrations/*.sql
			echo 'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
				INSERT INTO schema_migrations VALUES (20, false); COMMIT;'
		done
		echo 'VACUUM ANALYZE;'
	} | psql -X -q -v ON_ERROR_STOP=1 -d saas || die "the tenants could not be made"
}

catalogs='pg_class pg_attribute pg_attrdef pg_constraint pg_index pg_type pg_namespace pg_proc pg_rewrite pg_trigger pg_depend
	pg_inherits pg_sequence pg_enum pg_description pg_policy'
copies=()
for catalog in $catalogs; do
	copies+=(-c "COPY (SELECT * FROM $catalog) TO STDOUT")
done
cat >"$work/tenants.conf" <<CONF
migrations "app" { path = "$work/migrations" }
fleet "saas" { url = "postgresql:///saas?host=$PGHOST&port=$PGPORT&user=$PGUSER"  schemas = "tenant_*" }
CONF
check=("$DRIFTCHECK" check saas --config "$work/tenants.conf")

measure() { # tenants
	say "$1 tenants of 20 tables in one database"
	best 0 psql -X -q -d saas "${copies[@]}"
	local copy_ms=$ms
	line "copying 16 raw catalogs" "$ms ms"
	best 0 "${check[@]}"
	line "driftcheck, all alike" "$ms ms" "$((kb / 1024)) MB, $(awk -v n="$1" -v ms="$ms" 'BEGIN { printf "%.0f", n * 1000 / ms }') tenants/s"
	line "  that takes this many times as long as copying" "$(ratio "$ms" "$copy_ms")"
	alike=$ms
	best 0 "$DRIFTCHECK" status saas --config "$work/tenants.conf"
	line "driftcheck status" "$ms ms" "$((kb / 1024)) MB"
}

psql -X -q -c 'CREATE DATABASE saas'
quarter=$((all / 4))
tenants 1 "$quarter"
measure "$quarter"
few=$alike
tenants "$((quarter + 1))" "$all"
measure "$all"
line "  to a quarter of them (wanted: about 4)" "$(ratio "$alike" "$few")"
psql -X -q -d saas -c 'ALTER TABLE tenant_1.t3 ADD COLUMN vip boolean'
best 1 "${check[@]}"
line "driftcheck, one was changed by hand: read twice" "$ms ms" "$((kb / 1024)) MB"
for ((i = 2; i <= 100; i++)); do
	echo "ALTER TABLE tenant_$i.t3 ADD COLUMN vip_$i boolean;"
done | psql -X -q -d saas
best 1 "${check[@]}"
line "driftcheck, a hundred were, each in another way" "$ms ms" "$((kb / 1024)) MB"
