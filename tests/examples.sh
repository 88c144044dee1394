#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The examples of a nightly run: each is judged by the program that it is for, as far as that can be had (systemd-analyze,
# promtool, shellcheck, a YAML parser and rules of our own), and run as it stands but for the places that it names.
# shellcheck disable=SC2094 # the program and a folder share a name
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
nightly=$source_folder/examples/nightly
export XDG_STATE_HOME=$run_folder/state DRIFTCHECK_TEST_CLOCK=1800000000
unset JOURNAL_STREAM

# Whether a program is there to judge; without it, that part is skipped (where CI=true: fails).
have() { # program package
	command -v "$1" >/dev/null && return
	if [ "${CI:-}" = true ]; then
		not_ok "$1: apt-get install $2" </dev/null
	else
		ok "$1 # SKIP apt-get install $2"
	fi
	return 1
}

# What the examples work on: /srv/app, with an environment that is clean and one that is not.
mkdir -p app/db room
repository app/db/migrations 'CREATE TABLE users (id integer PRIMARY KEY, name text);'
applied app/db/migrations sqlite | sqlite3 app/prod.db
cp app/prod.db app/staging.db
sqlite3 app/staging.db 'ALTER TABLE users ADD COLUMN vip boolean'
cat >app/driftcheck.conf <<'END'
migrations "app" { path = "db/migrations" }
env "staging" { url = "sqlite:staging.db" }
env "prod" { url = "sqlite:prod.db" }
END
cp "$DRIFTCHECK" driftcheck
# Without what leaves the machine.
local_only() { sed 's/ --report github//'; }

# --- YAML
if "$source_folder/tests/examples.py" commands "$source_folder" >command_lines 2>err; then
	"$source_folder/tests/examples.py" check "$source_folder" >rules 2>err
	status=$?
	cat rules
	n_passed=$((n_passed + $(grep -c '^ok' rules))) n_failed=$((n_failed + $(grep -c '^not ok' rules)))
	[ "$status" = "$(grep -q '^not ok' rules && echo 1 || echo 0)" ]
	judge $? 'the rules for YAML were all asked' <err
else
	[ "${CI:-}" != true ]
	judge $? 'YAML # SKIP apt-get install python3-yaml' <err
fi

# --- command lines: the program takes each of them
[ "$(cut -f 1 command_lines | sort -u | tr '\n' ' ')" = 'cron docs/operations.md kubernetes systemd ' ]
judge $? 'each example has a command line' <command_lines
while IFS=$'\t' read -r name words; do
	eval "set -- $words" # quoted by shlex
	(cd app && "$DRIFTCHECK" "$@" --help) >out 2>err </dev/null
	status=$?
	[ "$status" = 0 ] && grep -q '^Usage: driftcheck' out
	judge $? "$name: driftcheck $words" < <(cat out err)
	[ "$name" != docs/operations.md ] || continue
	eval "set -- $(local_only <<<"$words")"
	(cd app && "$DRIFTCHECK" "$@") >out 2>err </dev/null
	status=$?
	grep -q users.vip out && [ "$status" = "$([[ $words == *never* ]] && echo 0 || echo 1)" ]
	judge $? "$name: it finds what there is to find" < <(cat out err)
done <command_lines

# --- cron: the line as cron would run it
line=$(grep -E '^[0-9]' "$nightly/cron/driftcheck" | sed -E 's/^([^ ]+ +){5}driftcheck +//' | local_only)
[ "$(grep -cE '^[0-9]+ [0-9]+ \* \* \*  driftcheck  ' "$nightly/cron/driftcheck")" = 1 ] && ! grep -q '%' <<<"$line"
judge $? 'cron: one line, a user, and no sign that cron takes for itself' <"$nightly/cron/driftcheck"
night() { (env -i HOME="$run_folder" PATH="$run_folder:/usr/bin:/bin" DRIFTCHECK_TEST_CLOCK=1800000000 sh -c "${line//\/srv\/app/$run_folder\/app}") >out 2>err; }
night
status=$?
[ "$status" = 1 ] && grep -q users.vip out
judge $? 'cron: a night with drift makes a mail' < <(cat out err)
cp app/prod.db app/staging.db
night
status=$?
[ "$status" = 0 ] && [ ! -s out ] && [ ! -s err ]
judge $? 'cron: a night without makes none' < <(cat out err)
sqlite3 app/staging.db 'ALTER TABLE users ADD COLUMN vip boolean'

# --- the configuration
mkdir conf
cp -r app/db "$nightly/driftcheck.conf" conf
: >token
(cd conf && PGSERVICEFILE=/dev/null "$DRIFTCHECK" --cron --time-limit 1m --format json >../out 2>../err)
jq -e '[.trouble[].code] | length > 0 and all(. != "config" and . != "usage")' out >/dev/null
judge $? 'the configuration is taken (the services are not there)' < <(cat out err)

# --- systemd
if have systemd-analyze systemd; then
	mkdir units
	cp "$nightly"/systemd/* units
	sed -i "s|/usr/local/bin/driftcheck|$run_folder/driftcheck|; s|/srv/app|$run_folder/app|" units/driftcheck.service
	systemd-analyze verify --man=no "$PWD"/units/driftcheck.{service,timer} >out 2>&1 && [ ! -s out ]
	judge $? 'systemd-analyze verify says nothing' <out
	systemd-analyze security --offline=yes --threshold=25 "$PWD/units/driftcheck.service" >out 2>&1
	judge $? 'systemd-analyze security: 2.5 at most' <out
fi
# The service under its own sandbox, PostgreSQL's throwaway server included.
if have systemd-analyze systemd && cluster_bindir >/dev/null 2>&1; then
	mkdir -p room/credentials
	cp -r app driftcheck room
	printf 'migrations "app" { path = "db/migrations" }\nenv "prod" { url = "prod.json" }\n' >room/app/driftcheck.conf
	(cd room/app && "$DRIFTCHECK" snapshot repo --output prod.json && echo 'CREATE TABLE t (a integer);' >db/migrations/0002_t.up.sql)
	local_only <"$nightly/systemd/driftcheck.service" |
		sed 's|/usr/local/bin/driftcheck|/srv/driftcheck|; s|/var/lib/driftcheck|/srv/state|; s|/var/cache/driftcheck|/srv/cache|' >room/driftcheck.service
	"$source_folder/tests/sandbox.py" room/driftcheck.service 64321 "$run_folder/room" >out 2>err
	status=$?
	if [ "$status" = 77 ] || grep -q 'No module named' err; then
		ok "the service in its sandbox # SKIP $(tail -n 1 err)"
	else
		[ "$status" = 1 ] && grep -q 'table public.t' out
		judge $? 'the service in its sandbox: a throwaway PostgreSQL runs, and the report comes' < <(cat out err)
		[ -n "$(ls room/state/driftcheck/v1 2>/dev/null)" ] && [ -n "$(ls room/cache/driftcheck 2>/dev/null)" ]
		judge $? 'it keeps what it is to keep' < <(find room/state room/cache)
	fi
fi

# --- the action: its script, with what a workflow gives
have shellcheck shellcheck && {
	mkdir blocks
	"$source_folder/tests/examples.py" scripts "$source_folder" blocks
	shellcheck blocks/* >out 2>&1
	judge $? "shellcheck of $(find blocks -type f | wc -l) blocks" <out
}
action() { # KEY=VALUE... : the inputs; leaves the outputs in $run_folder/outputs
	: >outputs
	(cd app && env DRIFTCHECK="$run_folder/driftcheck" GITHUB_OUTPUT="$run_folder/outputs" RUNNER_TEMP="$run_folder" INPUT_REPORTS='' "$@" \
		"$source_folder/scripts/action.sh") >out 2>err </dev/null
	status=$?
}
outputs() { [ "$(sed "s|=$run_folder/driftcheck-.*json|=JSON|" outputs | tr '\n' ' ')" = "$1 " ]; }
action INPUT_ENVIRONMENTS='prod'
[ "$status" = 0 ] && outputs 'exit-status=0 verdict=clean report=JSON'
judge $? 'action: clean' < <(cat outputs out err)
action INPUT_ENVIRONMENTS='staging prod'
[ "$status" = 0 ] && outputs 'exit-status=1 verdict=findings report=JSON' && grep -q users.vip out
judge $? 'action: findings, which fail nothing unless asked' < <(cat outputs out err)
jq -e '.environments | length == 2' "$(sed -n 's/^report=//p' outputs)" >/dev/null
judge $? 'action: its report can be read' <outputs
action INPUT_FAIL_ON=drift
[ "$status" = 1 ] && outputs 'exit-status=1 verdict=findings report=JSON'
judge $? 'action: findings that fail' < <(cat outputs out err)
action INPUT_ENVIRONMENTS='nowhere'
[ "$status" = 2 ] && outputs 'exit-status=2 verdict=trouble report='
judge $? 'action: trouble' < <(cat outputs out err)
# shellcheck disable=SC2016
action INPUT_ENVIRONMENTS='$(touch evil) `touch evil` ; touch evil --output=evil --config evil' INPUT_FAIL_ON='never; touch evil' INPUT_REPORTS=''
[ "$status" = 2 ] && outputs 'exit-status=2 verdict=trouble report=' && [ ! -e app/evil ] && [ ! -e evil ]
judge $? 'action: what comes in is never a command, nor an option' < <(cat outputs out err)
action DRIFTCHECK=/nowhere/driftcheck
[ "$status" = 2 ] && outputs 'exit-status=2 verdict=trouble report='
judge $? 'action: the outputs are set even if the program does not start' < <(cat outputs out err)

# --- the manual page
"$source_folder/scripts/man.sh" "$DRIFTCHECK" "$source_folder/docs/driftcheck.1.in" >driftcheck.1 2>err
have groff groff-base && {
	groff -man -ww -b -z driftcheck.1 >out 2>&1 && [ ! -s out ]
	judge $? 'groff has nothing to say of the manual page' <out
}
"$DRIFTCHECK" --help | grep -oE '^ +(-., )?--[-a-z]+' | grep -oE -- '--[-a-z]+' | sort >options
unsaid=$(while read -r option; do sed 's/\\-/-/g' driftcheck.1 | grep -qE -- "^\.B (-., )?$option( |\$)" || echo "$option"; done <options)
[ -z "$unsaid" ] && [ "$(wc -l <options)" -gt 20 ] && ! grep -q '@[A-Z]*@' driftcheck.1
judge $? "the manual page has all $(wc -l <options) options" <<<"$unsaid"

# --- the image: what the program is linked with is installed there
needed=$(readelf -d "$DRIFTCHECK" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
missing=$(for library in $needed; do
	path=$(ldd "$DRIFTCHECK" | awk -v library="$library" '$1 == library { print $3 }')
	package=$(dpkg-query -S "$(realpath -- "$path")" 2>/dev/null | head -n 1 | cut -d : -f 1)
	case $package in '' | libc6 | libasan* | libubsan* | libgcc*) continue ;; esac # nothing that is no package here can be told
	grep -qw -- "$package" "$nightly/kubernetes/Dockerfile" || echo "$package ($library)"
done)
[ -z "$missing" ]
judge $? 'the Dockerfile installs what the program is linked with' <<<"$missing"

# --- Prometheus
have promtool prometheus && {
	cp "$nightly/prometheus/alerts.yml" "$source_folder/tests/examples_alerts.yml" .
	promtool check rules alerts.yml >out 2>&1 && promtool test rules examples_alerts.yml >>out 2>&1
	judge $? 'the alerts say what they are to say, and nothing else' <out
}
