#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# When a hand was at work: between which applied migrations, as far as the server's rows tell, and never more than they do.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server -c max_connections=50 || exit

sql() { # database, the script on stdin
	psql -X -q -v ON_ERROR_STOP=1 -d "$1" >sql.log 2>&1 || not_ok 'the setting' <sql.log
}

mkdir dbmate one
migration() { # number sql: in both repositories
	printf -- '-- migrate:up\n%s\n-- migrate:down\n' "$2" >"dbmate/$1_step.sql"
	printf '%s\n' "$2" >"one/$1_step.up.sql"
}
migration 0001 'CREATE TABLE t (id integer PRIMARY KEY, a text, b text, c text, gone text); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;'
migration 0002 'CREATE TABLE u (id integer);'
migration 0003 'CREATE VIEW v AS SELECT id FROM u;'
migration 0004 'CREATE TABLE w (id integer);'

# Applies a migration as dbmate does, in one transaction with its row; or as golang-migrate, which keeps one row.
apply() { # database number
	sql "$1" <<<"BEGIN; $(tail -n 1 "one/$2_step.up.sql") INSERT INTO schema_migrations VALUES ('$2'); COMMIT;"
}
apply_one() { # database number
	sql "$1" <<<"BEGIN; TRUNCATE schema_migrations; INSERT INTO schema_migrations VALUES ($((10#$2)), true); COMMIT;
		$(tail -n 1 "one/$2_step.up.sql")
		BEGIN; TRUNCATE schema_migrations; INSERT INTO schema_migrations VALUES ($((10#$2)), false); COMMIT;"
}

# What is said of each finding: its kind and name, and the versions that it was last changed after and before.
dates() { # database framework folder
	run check "prod=host=$PGHOST port=$PGPORT user=postgres dbname=$1" --framework "$2" --migrations "$3" --format json
	jq -r '.environments[].findings[] | select(.class != "version-skew") | "\(.kind) \(.name) " + (if .dated == null then "-" else "\(.dated.after) \(.dated.before)" end)' \
		out | sort >got
}
expect() { # what, database, framework, folder; the wanted lines on stdin
	sort >want
	dates "$2" "$3" "$4"
	diff want got >differences
	judge $? "$1" < <(cat differences err)
}

work_by_hand() { # database apply
	sql "$1" <<<"ALTER TABLE t ALTER COLUMN a TYPE varchar(9);"
	$2 "$1" 0002
	sql "$1" <<<"ALTER TABLE t DROP COLUMN gone; ALTER TABLE t SET (fillfactor = 50);
		CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'; COMMENT ON TABLE t IS 'x';"
	$2 "$1" 0003
	sql "$1" <<<"CREATE TABLE by_hand (id integer); CREATE INDEX ON t (b); ALTER TABLE t ALTER COLUMN b SET DEFAULT 'x';
		CREATE INDEX t_c_idx ON t (c); REINDEX TABLE t; TRUNCATE t; DROP VIEW v;"
}

sql postgres <<<'CREATE DATABASE many; CREATE DATABASE single'
sql many <<<'CREATE TABLE schema_migrations (version varchar PRIMARY KEY);'
apply many 0001
work_by_hand many apply
wanted='column public.t.a 0001 0002
column public.t.gone 0002 0003
function public.f() 0002 0003
table public.by_hand 0003 null
index public.t.t_b_idx 0003 null
index public.t.t_c_idx 0003 null
column public.t.b 0003 null
table public.t -
view public.v -'
expect 'between which migrations' many dbmate dbmate <<<"$wanted"
sql many <<<'VACUUM FREEZE'
expect 'rows that are frozen keep their dates' many dbmate dbmate <<<"$wanted"
sql many <<<'VACUUM FULL pg_attribute; VACUUM FULL pg_proc; VACUUM FULL pg_class; VACUUM FULL schema_migrations'
expect 'rows that are written anew keep their dates' many dbmate dbmate <<<"$wanted"

sql single <<<'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);'
apply_one single 0001
work_by_hand single apply_one
expect 'a version table of one row dates by that' single golang-migrate one <<'END'
column public.t.a null 3
column public.t.gone null 3
function public.f() null 3
table public.by_hand 3 null
index public.t.t_b_idx 3 null
index public.t.t_c_idx 3 null
column public.t.b 3 null
table public.t -
view public.v -
END

# A dump tells nothing of what was before it, and all of what comes after.
sql postgres <<<'CREATE DATABASE restored; CREATE DATABASE restored_single'
pg_dump many | grep -vE '^[\](un)?restrict' | sql restored
pg_dump single | grep -vE '^[\](un)?restrict' | sql restored_single
undated=$(awk '{ print $1, $2, "-" }' <<<"$wanted")
expect 'a restored database dates nothing' restored dbmate dbmate <<<"$undated"
expect 'nor does one with a single row' restored_single golang-migrate one <<<"$undated"
apply restored 0004
sql restored <<<"ALTER TABLE t ALTER COLUMN c SET NOT NULL;"
expect 'but what comes after it does' restored dbmate dbmate <<'END'
column public.t.a null 0004
column public.t.gone -
function public.f() null 0004
table public.by_hand null 0004
index public.t.t_b_idx null 0004
index public.t.t_c_idx null 0004
column public.t.b null 0004
column public.t.c 0004 null
table public.t -
view public.v -
END

# Where the server keeps the times of commits, they are said.
cluster_stop
server -c track_commit_timestamp=on || exit
sql postgres <<<'CREATE DATABASE timed'
sql timed <<<'CREATE TABLE schema_migrations (version varchar PRIMARY KEY);'
for number in 0001 0002 0003 0004; do apply timed "$number"; done
sql timed <<<"ALTER TABLE t ALTER COLUMN a TYPE varchar(9);"
dates timed dbmate dbmate
at=$(jq -r '.environments[0].findings[0].dated.at' out)
[[ $at =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$ ]] && [ "$(jq -r '.environments[0].findings[0].dated.after' out)" = 0004 ]
judge $? 'the time of the commit' <out
