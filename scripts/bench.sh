#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# `make bench`: what driftcheck costs, as ratios to what one would do otherwise, on one throwaway server in one run. Nothing here
# is a test, but for one thing: that a check of an unchanged repository starts no server.
#
# Environment: N (tables; default 1000), BENCH_LARGE=1 (also 10000), and that of bench_harness.sh.
# shellcheck source=scripts/bench_harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench_harness.sh"
bench_server -c shared_buffers=512MB -c max_locks_per_transaction=2048 -c max_wal_size=4GB

# N tables of 10 columns (3 defaults, 1 identity), each with a check, a primary key, 2 indexes (1 partial) and a foreign key;
# N/10 views, functions and triggers, N/50 enums, N/100 tables with 5 partitions; over N/500 schemas, at least 2.
schemas_for() { echo $(($1 / 500 > 2 ? $1 / 500 : 2)); } # N

schema_sql() { # N
	local n=$1 schemas
	schemas=$(schemas_for "$n")
	cat <<SQL
CREATE FUNCTION s(i int) RETURNS text LANGUAGE sql IMMUTABLE AS \$\$ SELECT 's' || i % $schemas \$\$;
SELECT format('CREATE SCHEMA s%s', i) FROM generate_series(0, $schemas - 1) i \gexec
SELECT format('CREATE TYPE %s.e%s AS ENUM (''a'', ''b'', ''c'')', s(i), i) FROM generate_series(1, $n / 50) i \gexec
CREATE PROCEDURE build() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1..$n LOOP
		EXECUTE format('CREATE TABLE %1\$s.t%2\$s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint,
			name varchar(100) NOT NULL, state text NOT NULL DEFAULT ''new'', amount numeric(12,2) NOT NULL DEFAULT 0,
			created_at timestamptz NOT NULL DEFAULT now(), note text, data jsonb, flag boolean, n integer,
			CONSTRAINT t%2\$s_n_ck CHECK (n > 0 AND n < 1000000))', s(i), i);
		EXECUTE format('CREATE INDEX t%2\$s_name_idx ON %1\$s.t%2\$s (name, state)', s(i), i);
		EXECUTE format('CREATE INDEX t%2\$s_created_idx ON %1\$s.t%2\$s (created_at DESC) WHERE state = ''new''', s(i), i);
		EXECUTE format('ALTER TABLE %1\$s.t%2\$s ADD CONSTRAINT t%2\$s_parent_fk FOREIGN KEY (parent) REFERENCES %3\$s.t%4\$s (id)',
			s(i), i, s(greatest(i - 1, 1)), greatest(i - 1, 1));
		IF i % 10 = 0 THEN
			EXECUTE format('CREATE VIEW %1\$s.v%2\$s AS SELECT t.id, t.name, count(p.id) AS n, sum(p.amount) AS amount
				FROM %1\$s.t%2\$s t LEFT JOIN %3\$s.t%4\$s p ON p.parent = t.id WHERE t.state IN (''new'', ''old'')
				GROUP BY t.id, t.name HAVING count(*) > 1 ORDER BY t.name', s(i), i, s(i - 1), i - 1);
			EXECUTE format('CREATE FUNCTION %1\$s.f%2\$s() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN NEW.note := %2\$s; RETURN NEW; END''', s(i), i);
			EXECUTE format('CREATE TRIGGER t%2\$s_touch BEFORE UPDATE ON %1\$s.t%2\$s FOR EACH ROW EXECUTE FUNCTION %1\$s.f%2\$s()', s(i), i);
		END IF;
		IF i % 100 = 0 THEN
			EXECUTE format('CREATE TABLE %1\$s.p%2\$s (id bigint, at date NOT NULL, note text) PARTITION BY RANGE (at)', s(i), i);
			FOR y IN 2021..2025 LOOP
				EXECUTE format('CREATE TABLE %1\$s.p%2\$s_%3\$s PARTITION OF %1\$s.p%2\$s FOR VALUES FROM (%4\$L) TO (%5\$L)',
					s(i), i, y, y || '-01-01', y + 1 || '-01-01');
			END LOOP;
		END IF;
		IF i % 200 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END
\$\$;
CALL build();
DROP PROCEDURE build;
DROP FUNCTION s;
ANALYZE;
SQL
}

catalogs='pg_class pg_attribute pg_attrdef pg_constraint pg_index pg_type pg_namespace pg_proc pg_rewrite pg_trigger pg_depend
	pg_inherits pg_sequence pg_enum pg_description pg_policy'

reading() { # N
	local n=$1 url="postgresql:///bench_$1?host=$PGHOST&port=$PGPORT&user=$PGUSER" copies=() catalog
	say "Reading $n tables"
	psql -X -q -c "CREATE DATABASE bench_$n"
	schema_sql "$n" | psql -X -q -v ON_ERROR_STOP=1 -d "bench_$n" >/dev/null || die "the schema could not be made"
	for catalog in $catalogs; do
		copies+=(-c "COPY (SELECT * FROM $catalog) TO STDOUT")
	done
	local read_ms read_kb
	best 0 "$DRIFTCHECK" snapshot "$url"
	read_ms=$ms read_kb=$kb
	line "driftcheck snapshot" "$read_ms ms" "$((read_kb / 1024)) MB"
	best 0 pg_dump --schema-only -d "bench_$n"
	line "pg_dump --schema-only" "$ms ms" "$((kb / 1024)) MB"
	line "  pg_dump takes this many times as long (wanted: $([ "$n" -lt 10000 ] && echo 4 || echo 5))" "$(ratio "$ms" "$read_ms")"
	line "  our memory, to that of pg_dump (wanted: at most 1)" "$(ratio "$read_kb" "$kb")"
	best 0 psql -X -q -d "bench_$n" "${copies[@]}"
	line "copying 16 raw catalogs" "$ms ms"
	line "  we take this many times as long (wanted: at most 1.3)" "$(ratio "$read_ms" "$ms")"

	"$DRIFTCHECK" snapshot "$url" >"$work/a.json" || die "no snapshot"
	psql -X -q -d "bench_$n" -c "ALTER TABLE s0.t$(schemas_for "$n") ADD COLUMN extra text" || die "no change"
	"$DRIFTCHECK" snapshot "$url" >"$work/b.json" || die "no snapshot"
	best 1 "$DRIFTCHECK" diff "$work/a.json" "$work/b.json"
	line "driftcheck diff a.json b.json" "$ms ms"
	line "  to reading a database once" "$(ratio "$ms" "$read_ms")"
	local loading comparing
	read -r loading comparing _ <<<"$("$MEASURE" compare "$work/a.json" "$work/b.json")"
	line "loading both, comparing them" "$loading ms" "$comparing ms"
	line "  comparing alone, to reading (wanted: under 0.1)" "$(ratio "$comparing" "$read_ms")"
	psql -X -q -c "DROP DATABASE bench_$n"
}

# A repository of golang-migrate with n migrations, and where its statements are applied, a database of it.
repository() { # n
	local i number
	mkdir -p "$work/migrations"
	for ((i = 1; i <= $1; i++)); do
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
}

replaying() { # n
	local n=$1 files=() file own
	say "Replaying $n migrations, each a table and an index"
	repository "$n"
	for file in "$work"/migrations/*.up.sql; do
		files+=(-f "$file")
	done
	cat >"$work/server.conf" <<CONF
migrations "app" { path = "$work/migrations" }
scratch { url = "postgresql:///postgres?host=$PGHOST&port=$PGPORT&user=$PGUSER" }
CONF
	cat >"$work/psql.sh" <<'SH'
psql -X -q -c 'CREATE DATABASE replay' && psql -X -q -d replay "$@" && psql -X -q -c 'DROP DATABASE replay'
SH
	best 0 "$DRIFTCHECK" replay --no-cache --config "$work/server.conf"
	own=$ms
	line "driftcheck replay, on a server that runs" "$own ms"
	best 0 sh "$work/psql.sh" "${files[@]}"
	line "CREATE DATABASE, psql -f for each, DROP DATABASE" "$ms ms"
	line "  we take this many times as long (wanted: at most 1.3)" "$(ratio "$own" "$ms")"
	best 0 "$DRIFTCHECK" replay --no-cache --migrations "$work/migrations"
	line "driftcheck replay, in a throwaway cluster" "$ms ms"
}

# The server binaries, with a `postgres` that notes when it is started as a server.
unchanged() {
	local bin own=$work/bin file
	say "A check of an unchanged repository"
	bin=$(cluster_bindir)
	mkdir -p "$own"
	for file in "$bin"/*; do
		ln -s "$file" "$own/"
	done
	rm "$own/postgres"
	cat >"$own/postgres" <<SH
#!/bin/sh
case " \$* " in *" -D "*) echo "\$*" >>"$work/starts" ;; esac
exec "$bin/postgres" "\$@"
SH
	chmod 755 "$own/postgres" "$work" "$own"
	: >"$work/starts"
	chmod 666 "$work/starts"
	psql -X -q -c 'CREATE DATABASE checked' && psql -X -q -d checked "${files[@]}" -c 'CREATE TABLE schema_migrations
		(version bigint not null primary key, dirty boolean not null)' -c "INSERT INTO schema_migrations VALUES ($1, false)"
	cat >"$work/checked.conf" <<CONF
migrations "app" { path = "$work/migrations" }
env "prod" { url = "postgresql:///checked?host=$PGHOST&port=$PGPORT&user=$PGUSER" }
scratch { bindir = "$own" }
CONF
	"$MEASURE" run "$DRIFTCHECK" check prod --config "$work/checked.conf" >"$work/first" || die "the first check failed"
	line "the first check, which replays" "$(cut -d' ' -f1 "$work/first") ms" "$(wc -l <"$work/starts") server started"
	[ -s "$work/starts" ] || die "the first check started no server: this measures nothing"
	: >"$work/starts"
	best 0 "$DRIFTCHECK" check prod --config "$work/checked.conf"
	line "the next, nothing changed" "$ms ms" "$(wc -l <"$work/starts") servers started"
	[ ! -s "$work/starts" ] || die "a check of an unchanged repository started a server"
}

reading "${N:-1000}"
[ "${BENCH_LARGE:-}" != 1 ] || reading 10000
files=()
replaying 200
for file in "$work"/migrations/*.up.sql; do
	files+=(-f "$file")
done
unchanged 200
