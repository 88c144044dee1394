#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# driftcheck on every major of PostgreSQL from 12 to 18. On each one, with the schema of tests/matrix/schema:
#
#   - every object is read, by a role with nothing but CONNECT as well, and the same comes back through JSON;
#   - an environment is clean, with a scratch server of each of the seven majors, but for what tests/matrix/known explains;
#   - so is one that came out of pg_dump (up to 15: Debian's pg_dump reads no newer server), restored into it and into 18;
#   - what tests/matrix/drifts does by hand is found, all of it and nothing else, with scratch servers of its own and of 15;
#   - snapshots of two majors are equal, each made again on a scratch of the other's (from 14 on);
#   - a migration that fails is named, and a plain role lends a scratch on the server itself (scratch { url });
#   - what statements lock, rewrite and read is as known (tests/rehearse_locks_rows.h).
#
#   scripts/matrix.sh [MAJOR...]      the majors of the environments; all if none is named
#
# Environment: DRIFTCHECK (the program; default ./driftcheck), MATRIX_CACHE (where the binaries of the majors are kept;
# default ./matrix: see scripts/majors.sh), LOCKS_TEST (the program; default ./tests/rehearse_locks_test). Needs jq, npm and
# Debian's postgresql-15. TAP on stdout; the exit status is 1 if anything failed.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/harness.sh"
# shellcheck source=scripts/majors.sh
. "$source_folder/scripts/majors.sh"
MATRIX_CACHE=$(realpath -m "${MATRIX_CACHE:-matrix}")
LOCKS_TEST=${LOCKS_TEST:-$PWD/tests/rehearse_locks_test}
[ -x "$LOCKS_TEST" ] || { echo "there is no program $LOCKS_TEST: make tests/rehearse_locks_test" >&2 && exit 1; }
matrix=$source_folder/tests/matrix
scratch_default=15 # what a Debian 12 has
unset DATABASE_URL
[ $# -gt 0 ] && environments=("$@") || environments=("${majors[@]}")

declare -A bindir
for major in "${majors[@]}"; do
	bindir[$major]=$(major_bindir "$major") || exit 1
done

sql() { # database, the script on stdin
	PGOPTIONS='-c client_min_messages=error' psql -X -q -At -v ON_ERROR_STOP=1 -d "$1"
}

# The files of the schema that a major takes.
schema_files() { # major
	local file
	for file in "$matrix"/schema/*.sql; do
		[ "$(basename "$file" | cut -c 3-4)" -gt "$1" ] || printf '%s\n' "$file"
	done
}

minimum() { echo $(($1 < $2 ? $1 : $2)); }

# For each major a repository of what it takes.
for major in "${majors[@]}"; do
	mkdir "$run_folder/repo$major"
	while read -r file; do
		cp "$file" "$run_folder/repo$major"
	done < <(schema_files "$major")
done

mkdir "$run_folder/small"
echo "CREATE TABLE t (a integer PRIMARY KEY, b text DEFAULT upper('x')); CREATE VIEW v AS SELECT a FROM t;" >"$run_folder/small/0001_t.up.sql"

# A database with the schema as of a major, as golang-migrate leaves it.
make_database() { # name major
	local repo=$run_folder/repo$2
	psql -X -q -d postgres -c "CREATE DATABASE $1" || return
	{
		environment_sql golang-migrate postgresql schema_migrations "$(migration_numbers golang-migrate "$repo")" "$repo"
		echo 'GRANT SELECT ON schema_migrations TO connector;'
	} | sql "$1"
}

address() { # database [role]
	echo "host=$PGHOST port=$PGPORT user=${2:-postgres} dbname=$1"
}

configuration() { # scratch-major repo-major
	cat >"$run_folder/driftcheck.conf" <<-END
		migrations "app" { path = "$run_folder/repo$2" framework = "golang-migrate" }
		scratch { bindir = "${bindir[$1]}" extensions = {"contrib"} }
	END
}

# One line for each finding, or what the trouble was.
findings='(.environments[] | .findings[] | "\(.class) \(.change) \(.kind) \(.name)" +
	(if .change == "altered" then " " + ([.attributes[].name] | sort | join(",")) else "" end)),
	(.environments[] | select(.complete | not) | "incomplete"), (.trouble[] | "\(.code): \(.text)")'

# What the environment of one major shows with a scratch of another though nobody touched it.
known() { # major scratch-major repo-major
	local env scratch since finding
	while IFS=$'\t' read -r env scratch since finding; do
		[ "$1" -ge "${env%-*}" ] && [ "$1" -le "${env#*-}" ] && [ "$2" -ge "${scratch%-*}" ] && [ "$2" -le "${scratch#*-}" ] &&
			[ "$3" -ge "$since" ] && printf '%s\n' "$finding"
	done < <(grep -v '^#' "$matrix/known" | grep .)
}

# Checks a database; the wanted findings are on stdin.
expect() { # what database
	run --config "$run_folder/driftcheck.conf" "env=$(address "$2")" --format json
	jq -r "$findings" "$run_folder/out" 2>&1 | sort >"$run_folder/got"
	sort -u >"$run_folder/want"
	diff "$run_folder/want" "$run_folder/got" >"$run_folder/differences" && [ "$status" = "$([ -s "$run_folder/want" ] && echo 1 || echo 0)" ]
	judge $? "$1" < <(echo "exit status $status"; cat "$run_folder/differences" "$run_folder/err")
}

# The snapshot of a database but for who read it.
snapshot() { # database role file
	"$DRIFTCHECK" snapshot "$(address "$1" "$2")" 2>"$run_folder/err" | sed 's/^ "reader": .*,$/ "reader": null,/' >"$3"
}

reading() {
	local kinds
	snapshot "$database" postgres "$run_folder/super.json" && [ "$(jq -c '[.complete, .unread]' "$run_folder/super.json")" = '[true,[]]' ]
	judge $? "$major: everything is read" <"$run_folder/err"
	snapshot "$database" connector "$run_folder/connector.json" && cmp "$run_folder/super.json" "$run_folder/connector.json" >"$run_folder/cmp" 2>&1
	judge $? "$major: a role with nothing but CONNECT reads the same" < <(cat "$run_folder/err" "$run_folder/cmp")
	kinds=$("$DRIFTCHECK" kinds --format json | jq -r '.kinds[] | select(.engines | index("postgresql")) | .name' | sort)
	diff <(echo "$kinds") <(jq -r '.objects[].kind' "$run_folder/super.json" | sort -u) >"$run_folder/differences" && [ -n "$kinds" ]
	judge $? "$major: every kind is there" <"$run_folder/differences"
	run diff "$(address "$database")" "$(address "$database")" && [ "$status" = 0 ]
	judge $? "$major: a database equals itself" <"$run_folder/out"
	"$DRIFTCHECK" snapshot "$run_folder/super.json" | cmp - "$run_folder/super.json" >"$run_folder/cmp" 2>&1
	judge $? "$major: a snapshot comes back from JSON as it was" <"$run_folder/cmp"
}

clean_with_every_scratch() {
	local scratch level
	for scratch in "${majors[@]}"; do
		level=$(minimum "$major" "$scratch")
		configuration "$scratch" "$level"
		expect "$major: clean with a scratch of $scratch" "level_$level" < <(known "$major" "$scratch" "$level")
	done
}

# Up to 15 the database is dumped; what came of it stays for 18.
restored() {
	if [ "$major" -le 15 ]; then
		psql -X -q -d postgres -c 'CREATE DATABASE restored' &&
			"${bindir[15]}/pg_dump" -d "$database" >"$run_folder/dump$major.sql" && sql restored <"$run_folder/dump$major.sql" >"$run_folder/restore.log" 2>&1
		judge $? "$major: dumped and restored" <"$run_folder/restore.log"
		configuration "$major" "$major"
		expect "$major: a restored database is clean" restored </dev/null
	elif [ "$major" = 18 ] && [ -e "$run_folder/dump15.sql" ]; then
		psql -X -q -d postgres -c 'CREATE DATABASE restored' && sql restored <"$run_folder/dump15.sql" >"$run_folder/restore.log" 2>&1
		judge $? "$major: a dump of 15 restored" <"$run_folder/restore.log"
		configuration 18 15
		expect "$major: a database restored from 15 is clean" restored </dev/null
	fi
}

# Every drift at once, in one database.
drifts() {
	local scratch level line since rest
	for scratch in "$major" "$scratch_default"; do
		level=$(minimum "$major" "$scratch")
		known "$major" "$scratch" "$level" >"$run_folder/wanted"
		psql -X -q -d postgres -c "CREATE DATABASE drifted TEMPLATE level_$level" || return
		while IFS= read -r line; do
			since=${line%% ;; *} rest=${line#* ;; }
			[ "$since" -le "$level" ] || continue
			sql drifted <<<"${rest% ;; *};" >"$run_folder/drift.log" 2>&1 ||
				not_ok "$major: by hand: ${rest% ;; *}" <"$run_folder/drift.log"
			rest=${rest##* ;; }
			printf '%s\n' "${rest// | /$'\n'}" >>"$run_folder/wanted"
		done < <(grep -v '^#' "$matrix/drifts" | grep .)
		configuration "$scratch" "$level"
		expect "$major: every drift is found with a scratch of $scratch" drifted <"$run_folder/wanted"
		psql -X -q -d postgres -c 'DROP DATABASE drifted'
		[ "$major" != "$scratch_default" ] || break
	done
}

# As a superuser, as one who may make databases and roles, and as one who may make databases alone. (What is compared comes
# from a file: a server on which an environment lives is no scratch.)
scratch_on_the_server() {
	local role
	snapshot small postgres "$run_folder/small.json"
	for role in postgres maker plain_maker; do
		echo "scratch { url = \"$(address postgres "$role")\" }" >"$run_folder/driftcheck.conf"
		run --config "$run_folder/driftcheck.conf" --migrations "$run_folder/small" diff repo "$run_folder/small.json"
		[ "$status" = 0 ]
		judge $? "$major: a scratch on the server, as $role" < <(cat "$run_folder/out" "$run_folder/err")
	done
	[ "$(sql postgres <<<"SELECT count(*) FROM pg_database WHERE datname LIKE 'driftcheck%'")" = 0 ]
	judge $? "$major: nothing of it is left" </dev/null
}

failing() {
	rm -rf "$run_folder/failing" && cp -r "$run_folder/repo$major" "$run_folder/failing"
	printf 'CREATE TABLE app.fine (a integer);\nCREATE TABLE app.users (a integer);\n' >"$run_folder/failing/0099_fails.up.sql"
	configuration "$major" "$major"
	run --config "$run_folder/driftcheck.conf" --migrations "$run_folder/failing" replay
	[ "$status" = 2 ] && grep -q '0099_fails.up.sql:2.*already exists' "$run_folder/err"
	judge $? "$major: a migration that fails is named" <"$run_folder/err"
}

statements_lock() {
	CI=true DRIFTCHECK_TEST_BINDIR=${bindir[$major]} "$LOCKS_TEST" >"$run_folder/locks.log" 2>&1
	judge $? "$major: what statements lock, rewrite and read" < <(grep -v '^NOTICE\|^\[' "$run_folder/locks.log")
}

# Two snapshots: a scratch of the wanted one's major is made to judge the texts. Both ways.
between() { # major major
	local want have level
	level=$(minimum "$1" "$2")
	for want in "$1" "$2"; do
		have=$(($1 + $2 - want))
		configuration "$want" "$level"
		run --config "$run_folder/driftcheck.conf" diff "$run_folder/$want-$level.json" "$run_folder/$have-$level.json" --format json
		jq -r '.complete, (.changes[] | "hand-edit \(.change) \(.kind) \(.name) " + ([.attributes[].name] | sort | join(",")))' \
			"$run_folder/out" 2>&1 | sort >"$run_folder/got"
		{
			echo true
			known "$have" "$want" "$level"
		} | sort -u | diff - "$run_folder/got" >"$run_folder/differences"
		judge $? "$have is as $want" < <(cat "$run_folder/differences" "$run_folder/err")
	done
}

for major in "${environments[@]}"; do
	CLUSTER_BINDIR=${bindir[$major]} cluster_start || exit 1
	sql postgres <<<'CREATE ROLE reader; CREATE ROLE connector LOGIN; CREATE ROLE maker LOGIN CREATEDB CREATEROLE;
		CREATE ROLE plain_maker LOGIN CREATEDB;'
	psql -X -q -d postgres -c 'CREATE DATABASE small' && sql small <"$run_folder/small/0001_t.up.sql"
	for level in "${majors[@]}"; do
		[ "$level" -gt "$major" ] || make_database "level_$level" "$level" 2>"$run_folder/err" ||
			not_ok "$major: the schema of $level" <"$run_folder/err"
		[ "$level" -gt "$major" ] || snapshot "level_$level" postgres "$run_folder/$major-$level.json"
	done
	database=level_$major
	reading
	clean_with_every_scratch
	restored
	drifts
	scratch_on_the_server
	failing
	statements_lock
	cluster_stop
	# the families between 13 and 14 would all come again
	[ -z "${before:-}" ] || [ "$before" -lt 14 ] || between "$before" "$major"
	before=$major
done
printf '# %s passed, %s failed\n' "$n_passed" "$n_failed"
[ "$n_failed" = 0 ]
