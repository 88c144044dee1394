#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The step of action.yml: builds driftcheck beside this script (or takes the program that DRIFTCHECK names) and checks the
# environments. What the workflow gives comes in variables, INPUT_*, and is never made a part of a script. The outputs are
# written whatever happens.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

status=2 report=''
# shellcheck disable=SC2317 # called by the trap
finish() {
	local verdicts=(clean findings trouble)
	[ -s "$report" ] || report=''
	printf '%s\n' "exit-status=$status" "verdict=${verdicts[status]}" "report=$report" >>"${GITHUB_OUTPUT:-/dev/null}"
}
trap finish EXIT

program=${DRIFTCHECK:-$top/build/driftcheck}
if [ -z "${DRIFTCHECK:-}" ]; then
	install_packages "${packages_build[@]}" ca-certificates git postgresql
	build "$top/build"
fi

fail_on=${INPUT_FAIL_ON:-never}
arguments=(check --cron --jitter 0 --time-limit "${INPUT_TIME_LIMIT:-1h}" --fail-on "${fail_on/never/skew}")
report=$(mktemp "${RUNNER_TEMP:-/tmp}/driftcheck-XXXXXX.json")
arguments+=(--report "json:$report")
read -r -d '' -a reports <<<"${INPUT_REPORTS:-}"
for name in "${reports[@]}"; do arguments+=(--report "$name"); done
read -r -d '' -a environments <<<"${INPUT_ENVIRONMENTS:-}"

"$program" "${arguments[@]}" -- "${environments[@]}"
status=$?
[ "$status" -le 2 ] || status=2 # ended by a signal
[ "$status" = 1 ] && [ "$fail_on" = never ] && exit 0
exit "$status"
