#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Runs the cases in tests/cases: makes each one's database on a real server, lets driftcheck check it, and compares what it
# says with the case's golden reports; then asks of every case what must always hold. CONTRIBUTING.md says how a case is
# written.
#
#   tests/cases.sh [--bless] [NAME...]      all cases, or those named; --bless rewrites the goldens: look at them first
#
# Environment: DRIFTCHECK (the program; default ./driftcheck), JOBS (cases at once; default 2), CI=true (no PostgreSQL is a
# failure, not a skip), KEEP=yes (the working folders stay).
set -u
source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cases_folder=$source_folder/tests/cases
DRIFTCHECK=${DRIFTCHECK:-$PWD/driftcheck}
# shellcheck source=scripts/cluster.sh
. "$source_folder/scripts/cluster.sh"
# shellcheck source=tests/environment.sh
. "$source_folder/tests/environment.sh"

# Reads the file `case` of a case into the array `setting`.
declare -A setting
read_case() {
	local key value line
	setting=([what]='' [engine]='' [framework]=golang-migrate [applied]=all [expect]='' [dump]=same [args]='' [git]=no
		[restored]=no [role]='' [tracked]=yes [table]='' [schema]='' [environments]=prod)
	while IFS= read -r line; do
		line=${line%%#*}
		[ -n "${line//[[:space:]]/}" ] || continue
		read -r key <<<"${line%%=*}"
		read -r value <<<"${line#*=}"
		[ -n "${setting[$key]+known}" ] || { complain "unknown key in the file case: $key" </dev/null && return 1; }
		setting[$key]=$value
	done <"$folder/case"
}

# Marks the job as failed: what is wrong, and on stdin the details.
complain() {
	printf '# %s\n' "$1"
	head -n 80 | sed 's/^/#   /'
	touch "$work/failed"
}

# What differs from machine to machine and from run to run is masked. The rest of a report is held to its golden.
stable_json() {
	jq -S 'del(.driftcheck, .started, .duration_ms, .repo[]?.git, .environments[]?.server, .environments[]?.database)' |
		sed "s|$work|WORK|g; s|$database|DATABASE|g"
}

stable_text() {
	sed -E "s|$work|WORK|g; s|$database|DATABASE|g; s/(PostgreSQL|SQLite) +[0-9]+(\.[0-9]+)+/\1 VERSION/g; s/ in [0-9.]+ m?s\b/ in N s/g"
}

sql() { # database [role], the script on stdin
	local options="${setting[schema]:+-c search_path=${setting[schema]}}${2:+ -c role=$2}"
	case $engine in
	postgresql) PGOPTIONS=$options psql -X -q -v ON_ERROR_STOP=1 -d "$1" ;;
	sqlite) sqlite3 -bail "$work/$1.db" ;;
	esac >"$work/sql.log" 2>&1
}

new_database() { # name [template]
	case $engine in
	postgresql) psql -X -q -c "CREATE DATABASE \"$1\" TEMPLATE \"${2:-template0}\"${setting[role]:+ OWNER ${setting[role]}}" ;;
	sqlite) if [ -n "${2:-}" ]; then cp "$work/$2.db" "$work/$1.db"; else rm -f "$work/$1.db" && : >"$work/$1.db"; fi ;;
	esac >"$work/sql.log" 2>&1
}

drop_database() { # name
	case $engine in
	postgresql) psql -X -q -c "DROP DATABASE IF EXISTS \"$1\"" 2>"$work/sql.log" ;;
	sqlite) rm -f "$work/$1.db" ;;
	esac
}

# What driftcheck is given: on PostgreSQL it reads as a role that may do nothing but connect and read the version table.
address() { # database
	case $engine in
	postgresql) echo "postgresql:///$1?host=$PGHOST&port=$PGPORT&user=reader" ;;
	sqlite) echo "sqlite:$work/$1.db" ;;
	esac
}

# The schema as others see it, without the framework's table, sorted.
dump() { # database
	case $engine in
	postgresql)
		pg_dump -d "$1" --schema-only --no-owner --no-privileges ${table:+--exclude-table="$table*"} 2>&1 |
			grep -vE '^[\]' | sort
		;;
	sqlite)
		sqlite3 "$work/$1.db" "SELECT type, tbl_name, name, sql FROM sqlite_schema
			WHERE tbl_name <> '$table' AND name <> 'sqlite_sequence' ORDER BY 1, 2, 3"
		;;
	esac
}

# Makes the environment of the case: what the framework applied, then what was done by hand.
make_environment() { # database
	local words=${setting[applied]} file
	[ "$words" = all ] && words=$(migration_numbers "${setting[framework]}" "$folder/migrations")
	[ "$words" = none ] && words=
	new_database "$1" || { complain "the database could not be made" <"$work/sql.log" && return 1; }
	environment_sql "${setting[framework]}" "$engine" "$table" "$words" "$folder/elsewhere" "$folder/migrations" >"$work/environment.sql"
	sql "$1" "${setting[role]}" <"$work/environment.sql" || { complain "the migrations failed" <"$work/sql.log" && return 1; }
	for file in "$folder/hand.sql" "$folder/hand.$engine.sql"; do
		[ ! -e "$file" ] || sql "$1" <"$file" || { complain "${file##*/} failed" <"$work/sql.log" && return 1; }
	done
	[ "$engine" = postgresql ] || return 0
	if [ "${setting[restored]}" = yes ]; then
		new_database "$1_restored"
		pg_dump "$1" | grep -vE '^[\](un)?restrict' | sql "$1_restored" || { complain "the restore failed" <"$work/sql.log" && return 1; }
		psql -X -q -c "DROP DATABASE \"$1\"" -c "ALTER DATABASE \"$1_restored\" RENAME TO \"$1\""
	fi
	[[ $table != *.* ]] || psql -X -q -d "$1" -c "GRANT USAGE ON SCHEMA ${table%%.*} TO reader"
	[ -z "$table" ] || psql -X -q -d "$1" -c "GRANT SELECT ON $table TO reader"
}

# The repository of the case: its migrations, and where the case says `git = yes` a history in which, before the last commit
# and on a branch of its own, they were what elsewhere/ has.
make_repository() {
	cp -R "$folder/migrations" "$work/"
	[ ! -e "$folder/driftcheck.conf" ] || cp "$folder/driftcheck.conf" "$work/"
	[ "${setting[git]}" = yes ] || return 0
	(
		cd "$work" || exit 1
		export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@example.com \
			GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@example.com \
			GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
		git init -q -b main . && cp -R "$folder"/elsewhere/. migrations/ && git add migrations && git commit -q -m 'As it was applied' &&
			git branch other && git rm -q -r migrations && cp -R "$folder/migrations" . && git add migrations &&
			git commit -q -m 'As it is now'
	) >"$work/git.log" 2>&1 || complain "the git repository could not be made" <"$work/git.log"
}

check() { # output-file further-arguments...
	local output=$1
	shift
	# shellcheck disable=SC2086
	(cd "$work" && "$DRIFTCHECK" check "${sources[@]}" "${repository[@]}" ${setting[args]} "$@" >"$output" 2>"$output.err" </dev/null)
	echo $? >"$output.status"
}

# Without the style, whose hash the head has too.
stable_html() {
	sed -E '/<style>/,/<\/style>/d; s/sha256-[A-Za-z0-9+/=]+/HASH/; s|<time datetime="[^"]*">[^<]*</time>|TIME|;
		s|, commit <code>[0-9a-f]+</code>||; s|<p>driftcheck [^<]*|<p>driftcheck VERSION|' | stable_text
}

golden() { # file: compares it with the golden for this engine, or makes it that
	local want=$folder/$engine.${1##*.}
	if [ "$bless" = yes ]; then
		cp "$1" "$want"
	elif [ ! -e "$want" ]; then
		complain "there is no golden ${want##*/} yet. If this is right, bless it:" <"$1"
	elif ! diff -u "$want" "$1" >"$work/diff"; then
		complain "differs from the golden ${want##*/}:" <"$work/diff"
	fi
}

same() { # what-if-not file file
	cmp -s "$2" "$3" || diff -u "$2" "$3" | complain "$1"
}

# What must hold for every case whose environment could be read.
properties() {
	check "$work/again.out" --format json
	stable_json <"$work/again.out" >"$work/again.json"
	same "a second run says something else:" "$work/report.json" "$work/again.json"
	[ "${setting[environments]}" = prod ] || return
	local live=$work/live.json run=("$DRIFTCHECK")
	cd "$work" || return
	"${run[@]}" snapshot "$url" --migrations migrations >"$live" 2>out || { complain "snapshot fails:" <out && return; }
	"${run[@]}" diff "$live" "$live" >out 2>&1 || complain "a snapshot differs from itself:" <out
	"${run[@]}" snapshot "$live" >copy.json 2>&1
	same "a snapshot is changed by reading it back:" "$live" copy.json
	"${run[@]}" diff "$live" "$url" --migrations migrations >out 2>&1 || complain "a snapshot differs from its database:" <out
	if [ "${#repository[@]}" -gt 0 ]; then
		sources=("prod=$live")
		check "$work/snapshot.out" --format json
		stable_json <"$work/snapshot.out" >"$work/snapshot.json"
		jq -S '.environments[]?.findings[]?.dated = null' <"$work/report.json" >"$work/undated.json" # only a server dates
		same "a snapshot is judged otherwise than its database:" "$work/undated.json" "$work/snapshot.json"
	fi
	[ "$(jq -r '.environments[0].verdict' <"$work/report.json")" = clean ] || return
	new_database fresh_"$database"
	environment_sql "${setting[framework]}" "$engine" "$table" "$(migration_numbers "${setting[framework]}" "$folder/migrations")" \
		"$folder/migrations" | sql fresh_"$database"
	dump "$database" >"$work/live.dump"
	dump fresh_"$database" >"$work/fresh.dump"
	drop_database fresh_"$database"
	if [ "${setting[dump]}" = same ]; then
		same "called clean, but the dumps differ:" "$work/fresh.dump" "$work/live.dump"
	elif cmp -s "$work/live.dump" "$work/fresh.dump"; then
		complain "the dumps are equal: this case sets no trap" </dev/null
	fi
}

# A report that was kept as JSON renders as it did at once, byte by byte, in every format, and with the same exit status.
formats='text markdown html json sarif junit prometheus'
read_back() { # exit status
	local format again fail_on=skew reports=() verbose=()
	[[ ${setting[args]} != *'--fail-on drift'* ]] || fail_on=drift
	[[ ${setting[args]} != *--verbose* ]] || verbose=(--verbose)
	for format in $formats; do
		reports+=(--report "$format:first.$format")
	done
	check "$work/kept.json" --format json "${reports[@]}"
	[ -e "$work/first.json" ] || return # what died of an error has no report but in JSON
	for format in $formats; do
		(cd "$work" && "$DRIFTCHECK" report kept.json --format "$format" --fail-on "$fail_on" "${verbose[@]}" >"again.$format" 2>again.err </dev/null)
		again=$?
		[ "$again" = "$1" ] || complain "kept and rendered again, its exit status is $again, not $1:" <"$work/again.err"
		same "kept and rendered again as $format, it reads otherwise:" "$work/first.$format" "$work/again.$format"
	done
}

# A case with goldens.
run_case() {
	make_environment "$database" || return
	check "$work/report.out" --format json
	local status
	status=$(cat "$work/report.out.status")
	[ "${setting[expect]}" = "$status" ] ||
		cat "$work/report.out.err" "$work/report.out" | complain "exit status $status, expected ${setting[expect]}:"
	stable_json <"$work/report.out" >"$work/report.json" 2>/dev/null || { complain "this is no JSON:" <"$work/report.out" && return; }
	check "$work/text.out" --format text
	{
		cat "$work/text.out"
		sed 's/^/stderr: /' "$work/text.out.err"
	} | stable_text >"$work/report.txt"
	golden "$work/report.json"
	golden "$work/report.txt"
	check "$work/page.html" --format html
	python3 "$source_folder/tests/html_check.py" "$work/page.html" >"$work/page.faults" 2>&1 ||
		complain "the HTML report is wrong:" <"$work/page.faults"
	stable_html <"$work/page.html" >"$work/report.html"
	[ ! -e "$folder/$engine.html" ] || golden "$work/report.html"
	read_back "$status"
	[ "$status" = 2 ] || properties
}

# What a JSON report says of each environment, in one line: its name, a tab, and the findings (or the verdict without).
one_line_each='.environments[] | .name + "\t" + (if (.findings | length) == 0 then .verdict else
	[.findings[] | "\(.class) \(.change) \(.kind) \(.name)" + (if .change == "altered" then " " + ([.attributes[].name] | sort | join(",")) else "" end)]
	| sort | join(" | ") end)'
# The attribute that was all that differed in an environment: one finding, or several of one sort (a column moves another).
sole_attributes='.environments[] | [.findings[] | if .change == "altered" then .kind + "\t" + ([.attributes[].name] | join(",")) else .change end] |
	unique | select(length == 1) | .[]'

# A case with a table mutations: each of its lines is one change by hand to an environment that is up to date, and what
# must be said of it: "SQL ;; finding | finding", or "SQL ;; clean". The lines of a batch are the environments of one run.
run_mutations() {
	local n
	make_environment "$database" || return
	mapfile -t lines < <(grep -v '^#' "$folder/mutations" | grep .)
	for ((n = 0; n < ${#lines[@]}; n += 20)); do
		run_batch "$n" $((n + 20 < ${#lines[@]} ? n + 20 : ${#lines[@]}))
	done
}

run_batch() { # from to
	local i hand want got
	sources=()
	for ((i = $1; i < $2; i++)); do
		hand=${lines[i]%% ;; *}
		if ! new_database "${database}_$i" "$database" || ! sql "${database}_$i" <<<"$hand;"; then
			complain "failed: $hand" <"$work/sql.log"
		fi
		sources+=("m$i=$(address "${database}_$i")")
	done
	check "$work/batch.out" --format json
	jq -r "$one_line_each" <"$work/batch.out" >"$work/batch.lines" 2>/dev/null ||
		cat "$work/batch.out.err" "$work/batch.out" | complain "this is no JSON:"
	jq -r "$sole_attributes" <"$work/batch.out" >>"$results/$engine.attributes" 2>/dev/null
	for ((i = $1; i < $2; i++)); do
		hand=${lines[i]%% ;; *}
		want=${lines[i]##* ;; }
		got=$(sed -n "s/^m$i\t//p" "$work/batch.lines")
		if [ "$got" = "$want" ]; then
			printf 'ok - %s %s: %s\n' "$case_name" "$engine" "$hand"
		else
			printf 'not ok - %s %s: %s\n#   want: %s\n#   got:  %s\n' "$case_name" "$engine" "$hand" "$want" "$got"
		fi
		drop_database "${database}_$i"
	done
}

# One job, NAME/ENGINE. What it has to say goes to a file of its own.
run_job() {
	case_name=${1%/*} engine=${1#*/}
	folder=$cases_folder/$case_name
	work=$run_folder/work/$1
	database=case_$(tr -c 'a-z0-9\n' _ <<<"$case_name")
	mkdir -p "$work"
	read_case
	table=${setting[table]:-$(version_table_of "${setting[framework]}")}
	[ "${setting[tracked]}" = yes ] || table=
	url=$(address "$database")
	export CASE_URL=$url
	make_repository
	sources=("prod=$url") repository=(--migrations migrations)
	if [ -e "$folder/driftcheck.conf" ]; then
		read -r -a sources <<<"${setting[environments]}"
		repository=()
	fi
	if [ -e "$work/failed" ]; then
		:
	elif [ -e "$folder/mutations" ]; then
		run_mutations
	else
		run_case
	fi
	if [ -e "$work/failed" ]; then
		printf 'not ok - %s %s: %s\n' "$case_name" "$engine" "${setting[what]}"
	else
		printf 'ok - %s %s\n' "$case_name" "$engine"
	fi
	drop_database "$database"
	[ "${KEEP:-no}" = yes ] || rm -rf "$work"
}

# Each attribute of each kind must have been the only difference of some environment, or stand in the list of those that
# cannot be, with the reason. `driftcheck kinds` says which there are.
attributes_uncovered() {
	sort -u "$results"/*.attributes >"$run_folder/covered"
	"$DRIFTCHECK" kinds --format json | jq -r '.kinds[] | .name as $kind | .attributes[] | $kind + "\t" + .name' |
		while IFS=$'\t' read -r kind attribute; do
			if grep -qxF "$kind"$'\t'"$attribute" "$run_folder/covered"; then
				! grep -E "^$kind;$attribute;" "$cases_folder/uncovered" || echo "is covered: $attribute of $kind"
			else
				grep -qE "^$kind;$attribute;" "$cases_folder/uncovered" || echo "no case has as its only difference: $attribute of $kind"
			fi
		done
	[ -s "$run_folder/covered" ] || echo 'no attributes at all'
}

if [ "${1:-}" = --job ]; then
	run_job "$2" >"$results/${2/\//.}.tap" 2>&1
	exit
fi

bless=no
[ "${1:-}" = --bless ] && bless=yes && shift
[ -x "$DRIFTCHECK" ] || { echo "there is no program $DRIFTCHECK: build it, or set DRIFTCHECK" && exit 1; }
run_folder=$(mktemp -d "${TMPDIR:-/tmp}/driftcheck-cases.XXXXXX")
results=$run_folder/results
mkdir -p "$results" "$run_folder/work"
finish() {
	cluster_stop
	if [ "${KEEP:-no}" = yes ]; then
		echo "# kept: $run_folder"
	else
		rm -rf "$run_folder"
	fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export DRIFTCHECK run_folder results bless XDG_CACHE_HOME="$run_folder/cache" LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1

names=("$@")
[ "$#" -gt 0 ] || mapfile -t names < <(cd "$cases_folder" && printf '%s\n' */case | sed 's|/case$||')
jobs=()
for name in "${names[@]}"; do
	engines=$(sed -n 's/^engine *= *//p' "$cases_folder/$name/case" 2>/dev/null)
	[ -n "$engines" ] || { echo "not ok - $name: no such case, or no engine in it" && exit 1; }
	for engine in $engines; do
		jobs+=("$name/$engine")
	done
done

if [[ " ${jobs[*]} " == */postgresql\ * ]]; then
	if cluster_start -c max_connections=200 -c allow_in_place_tablespaces=on 2>"$run_folder/cluster.err"; then
		psql -X -q -c 'CREATE ROLE reader LOGIN' -c 'CREATE ROLE shop_owner' -c 'CREATE ROLE app_read' -c 'CREATE ROLE app_write' -c 'GRANT shop_owner TO app_write' -c "CREATE TABLESPACE space LOCATION ''"
	elif [ "${CI:-}" = true ]; then
		sed 's/^/# /' "$run_folder/cluster.err"
		echo "not ok - PostgreSQL"
		exit 1
	else
		echo "ok - PostgreSQL # SKIP $(tail -n 1 "$run_folder/cluster.err")"
		mapfile -t jobs < <(printf '%s\n' "${jobs[@]}" | grep -v /postgresql)
	fi
fi

# The tables of mutations take longest: they start first.
{
	printf '%s\n' "${jobs[@]}" | grep mutations
	printf '%s\n' "${jobs[@]}" | grep -v mutations
} | xargs -P "${JOBS:-2}" -I{} bash "${BASH_SOURCE[0]}" --job {}

if [ "$#" = 0 ] && [ "$bless" = no ]; then
	attributes_uncovered >"$run_folder/uncovered"
	if [ -s "$run_folder/uncovered" ]; then
		sed 's/^/#   /' "$run_folder/uncovered"
		echo 'not ok - each attribute of each kind is the sole difference of some case'
	else
		echo 'ok - each attribute of each kind is the sole difference of some case'
	fi >"$results/zz-attributes.tap"
fi
cat "$results"/*.tap
n_passed=$(cat "$results"/*.tap | grep -c '^ok')
n_failed=$(cat "$results"/*.tap | grep -c '^not ok')
echo "# $n_passed passed, $n_failed failed"
[ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ]
