#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Runs the whole test suite, PostgreSQL included: installs the packages that are missing, builds in build/check/ with warnings
# as errors, runs `make check`. The last line is the count of passed and failed tests. Exit status: 0 if none failed.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

install_packages "${packages_build[@]}" binutils cmark-gfm git groff-base jq openssl parallel postgresql prometheus python3 python3-seccomp python3-yaml shellcheck sqlite3 systemd
folder=$top/build/check
build "$folder" --enable-werror

# Each test program prints TAP. CI=true: a test that cannot run here is a failure.
CI=true CMOCKA_MESSAGE_OUTPUT=TAP make -C "$folder" -s -k -j "$(nproc)" check >"$folder/check.out" 2>&1
status=$?

n_passed=0 n_failed=0
shopt -s globstar
for result in "$folder"/tests/**/*.trs; do
	log=${result%.trs}.log
	passed=$(grep -cE '^ok\b' "$log")
	failed=$(grep -E '^not ok\b' "$log" | grep -vcE '# SKIP') # cmocka's word for what cannot be asked here: not as root, ...
	# A program that says nothing is one test; one that says all is well and yet fails has failed once more.
	case $(sed -n 's/^:test-result: //p' "$result") in
	PASS*) [ $((passed + failed)) -gt 0 ] || passed=1 ;;
	*) [ "$failed" -gt 0 ] || failed=1 ;;
	esac
	[ "$failed" = 0 ] || {
		say "${log#"$folder"/}:"
		grep -A 40 -E '^not ok\b' "$log" | head -n 200
		grep -qE '^not ok\b' "$log" || tail -n 40 "$log"
	}
	n_passed=$((n_passed + passed)) n_failed=$((n_failed + failed))
done
if [ "$status" != 0 ] && [ "$n_failed" = 0 ]; then # the tests did not even run
	tail -n 60 "$folder/check.out"
	n_failed=1
fi
say "$n_passed passed, $n_failed failed"
[ "$n_failed" = 0 ]
