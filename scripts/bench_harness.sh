# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What the benchmarks share: a folder of their own, a throwaway server, and a stopwatch. Sourced. Times differ from machine to machine;
# ratios hardly do: every benchmark prints what is compared and the ratio, from one run on one server.
#
# Environment: DRIFTCHECK and MEASURE (the programs), RUNS (of which the best counts; default 3).
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DRIFTCHECK=${DRIFTCHECK:-$PWD/driftcheck} MEASURE=${MEASURE:-$PWD/tests/measure} runs=${RUNS:-3}
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"
# shellcheck source=scripts/cluster.sh
. "$top/scripts/cluster.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/driftcheck-bench.XXXXXX")
chmod 755 "$work"
bench_finish() {
	cluster_stop
	rm -rf "$work"
}
trap bench_finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state

bench_server() { # options of the server
	cluster_start "$@" || die "no PostgreSQL to measure on"
}

# Runs a command `runs` times and sets ms and kb to the best of them. Its exit status must be the wanted one.
best() { # wanted-status command...
	local wanted=$1 i got status
	shift
	ms='' kb=''
	for ((i = 0; i < runs; i++)); do
		got=$("$MEASURE" run "$@" 2>"$work/err")
		status=$?
		[ "$status" = "$wanted" ] || die "exit status $status of: $*"$'\n'"$(tail -n 5 "$work/err")"
		if [ -z "$ms" ] || awk -v a="${got% *}" -v b="$ms" 'BEGIN { exit !(a < b) }'; then
			# shellcheck disable=SC2034 # whoever sources this reads it
			ms=${got% *} kb=${got#* }
		fi
	done
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / (b > 0 ? b : 0.1) }'; }
line() { printf '  %-62s %10s   %s\n' "$1" "$2" "${3:-}"; } # what figure beside
