# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What the tests written in shell share: a folder of their own, TAP, and a throwaway PostgreSQL. Sourced.
set -u
source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DRIFTCHECK=${DRIFTCHECK:-$PWD/driftcheck}
# shellcheck source=scripts/cluster.sh
. "$source_folder/scripts/cluster.sh"
# shellcheck source=tests/environment.sh
. "$source_folder/tests/environment.sh"

[ -x "$DRIFTCHECK" ] || { echo "not ok - there is no program $DRIFTCHECK: build it, or set DRIFTCHECK" && exit 1; }
run_folder=$(mktemp -d "${TMPDIR:-/tmp}/driftcheck-test.XXXXXX")
chmod 755 "$run_folder" # run as root, the scratch server's user must get to what lies in it
harness_finish() {
	local status=$?
	cluster_stop
	rm -rf "$run_folder"
	[ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ] && [ "$status" = 0 ] || exit 1
}
trap harness_finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export XDG_CACHE_HOME="$run_folder/cache" LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
n_passed=0 n_failed=0

ok() { # what
	n_passed=$((n_passed + 1))
	echo "ok - $1"
}

not_ok() { # what, and on stdin the details
	n_failed=$((n_failed + 1))
	echo "not ok - $1"
	head -n 40 | sed 's/^/#   /'
}

# Reports the outcome of the condition before it: judge $? 'what was asked' <details
judge() { # its exit status, what
	if [ "$1" = 0 ]; then
		ok "$2"
	else
		not_ok "$2"
	fi
}

# Starts the server, or says that what needs it is skipped (where CI=true: fails).
server() { # options of the server
	cluster_start "$@" 2>"$run_folder/cluster.err" && return
	if [ "${CI:-}" = true ]; then
		not_ok 'PostgreSQL' <"$run_folder/cluster.err"
	else
		ok "PostgreSQL # SKIP $(tail -n 1 "$run_folder/cluster.err")"
	fi
	return 1
}

# Runs driftcheck: sets `status`, and leaves the output in $run_folder/out and what went to stderr in $run_folder/err.
run() {
	"$DRIFTCHECK" "$@" >"$run_folder/out" 2>"$run_folder/err" </dev/null
	status=$?
}

# A repository of golang-migrate in $run_folder/$1, with a file for each further argument.
repository() { # folder sql...
	local folder=$run_folder/$1 sql i=0
	shift
	rm -rf "$folder"
	mkdir -p "$folder"
	for sql in "$@"; do
		i=$((i + 1))
		printf '%s\n' "$sql" >"$folder/000${i}_step.up.sql"
	done
}

# The SQL of an environment that has applied all of such a repository.
applied() { # folder engine
	environment_sql golang-migrate "$2" schema_migrations "$(migration_numbers golang-migrate "$run_folder/$1")" "$run_folder/$1"
}
