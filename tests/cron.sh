#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A run by a clock, as cron starts it: what is silent and what is not, the random start, the lock, the time limit, the second
# look, what is kept from run to run, and the journal. No server is needed, and (but for a limit of one second) nothing waits.
# shellcheck disable=SC2016 # what is asked for stands in single quotes
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export XDG_STATE_HOME=$run_folder/state
unset JOURNAL_STREAM DRIFTCHECK_TEST_CLOCK

# asked NAME STATUS [+PATTERN | -PATTERN]...: + (a fixed string) must be in what was printed, - must not.
asked() {
	local name=$1 wanted=$2 wrong='' pattern
	shift 2
	[ "$status" = "$wanted" ] || wrong="exit status $status, not $wanted"
	for pattern; do
		case $pattern in
		+*) grep -qF -- "${pattern#+}" out err || wrong="$wrong; lacks: ${pattern#+}" ;;
		-*) ! grep -qF -- "${pattern#-}" out err || wrong="$wrong; has: ${pattern#-}" ;;
		esac
	done
	[ -z "$wrong" ]
	judge $? "$name" < <(echo "$wrong" && cat out err)
}
silent() { [ ! -s out ] && [ ! -s err ]; }
conf() { { printf 'migrations "app" { path = "good" }\nenv "prod" { url = "sqlite:prod.db" }\n' && cat; } >driftcheck.conf; }

repository good 'CREATE TABLE users (id integer PRIMARY KEY, name text);' 'CREATE VIEW names AS SELECT name FROM users;'
applied good sqlite >good.sql
sqlite3 prod.db <good.sql
cp prod.db drifted.db
sqlite3 drifted.db 'ALTER TABLE users ADD COLUMN vip boolean'

# --- silence, and what breaks it
conf </dev/null
run --cron --quiet
silent
judge $? 'a clean night says nothing' < <(cat out err)
asked 'and exits 0' 0
run drift=sqlite:drifted.db --migrations good --cron --quiet
asked 'drift is said' 1 '+users.vip'
run drift=sqlite:drifted.db --migrations good --cron --quiet --fail-on never
asked 'findings that fail nothing are still said' 0 '+users.vip'
run drift=sqlite:nowhere.db --migrations good --cron --quiet --fail-on never
asked 'trouble fails all the same' 2 '+nowhere.db'
XDG_STATE_HOME=/dev/null/state run --cron --quiet
silent
judge $? 'a warning that would repeat every night is not said of a clean one' < <(cat out err)
XDG_STATE_HOME=/dev/null/state run drift=sqlite:drifted.db --migrations good --cron --quiet
asked 'it is said where there is something to read' 1 '+set XDG_STATE_HOME' '+users.vip'
XDG_STATE_HOME=/dev/null/state run --cron
asked 'and by a run that is not quiet; it goes on' 0 '+set XDG_STATE_HOME' '+clean'

# --- what cannot work is told before anything is waited for
run --jitter 5
asked 'a length of time without a unit' 2 '+--jitter: "5" is no length of time' '+10m'
run status --time-limit 5m
asked 'it belongs to check' 2 '+does not apply to `driftcheck status`'
run --confirm-after 1h --time-limit 30m
asked 'a second look after the end' 2 '+no second look after 1h in a run of at most 30m'
conf <<<'cron { time_limit = "soon" }'
run prod
asked 'by hand the section cron is not asked' 0 '+clean'
run --cron prod
asked 'by the clock it is' 2 '+driftcheck.conf:3: time_limit: "soon" is no length of time'
conf <<<'cron { jitter = "30m" metrics = "${NO_SUCH_VARIABLE}" }'
run --cron prod
asked 'a variable that is not set' 2 '+driftcheck.conf:3' '+NO_SUCH_VARIABLE is not set'

# --- the random start: the same from the same clock, never over the limit, not part of the duration
conf <<<'cron { jitter = "30m" }'
starts() { DRIFTCHECK_TEST_CLOCK=$1 run --cron --verbose --format json "${@:2}" && grep -oE 'starting in [0-9]+ s' err; }
first=$(starts 1800000000)
seconds=${first//[^0-9]/}
[ "$first" = "$(starts 1800000000)" ] && [ "${seconds:-1801}" -le 1800 ]
judge $? 'the start is delayed by at most the jitter' <<<"$first"
DRIFTCHECK_TEST_CLOCK=1800000000 run --cron --format json
[ "$(jq -r .started out)" = "$(date -u -d "@$((1800000000 + seconds))" +%Y-%m-%dT%H:%M:%SZ)" ] && [ "$(jq .duration_ms out)" -lt 600000 ]
judge $? 'the report starts after the delay' <out
[ -z "$(starts 1800000000 --jitter 0)" ]
judge $? 'the command line goes before the section' <err

conf </dev/null

# --- the second look. The environment is a snapshot that comes through a pipe, so that each look gets its own.
"$DRIFTCHECK" snapshot sqlite:prod.db >good.json
"$DRIFTCHECK" snapshot sqlite:drifted.db >drifted.json
# looks SNAPSHOT...: one for each look. Each is a pipe of its own, and the name leads to the next one before the look ends, so
# that no look can read what is meant for another.
looks() {
	rm -f look.* looks.json
	local i
	for ((i = 1; i <= $# + 1; i++)); do mkfifo "look.$i"; done
	ln look.1 looks.json
	(for ((i = 1; i <= $#; i++)); do { ln -f "look.$((i + 1))" looks.json && cat "${!i}.json"; } >"look.$i"; done) &
	fed=$!
}
all_looked() { wait "$fed"; }
export DRIFTCHECK_TEST_CLOCK=1800000000
looks drifted good
run prod=looks.json --migrations good --confirm-after 10m --cron --verbose
all_looked
asked 'drift that is gone by the second look' 0 '+clean' '+seen by one look, gone 10m later, so not reported: column users.vip'
looks drifted drifted
run prod=looks.json --migrations good --confirm-after 10m --cron --format json
all_looked
[ "$(jq -r '.environments[0] | "\(.verdict) \(.findings | length) \(.notes | length)"' out)" = 'drift 1 0' ] && [ "$(jq .duration_ms out)" -ge 600000 ]
judge $? 'drift that stays is reported, ten minutes later' <out
looks good
run prod=looks.json --migrations good --confirm-after 10m --cron
all_looked
asked 'what is clean is read once' 0 '+clean' '-look'
echo '{' >nonsense.json
looks drifted nonsense
run prod=looks.json --migrations good --confirm-after 10m --cron
all_looked
asked 'a second look that fails is trouble, and no alarm' 2 '+this is no JSON' '+the next could not be completed: column users.vip' '-hand edit'
unset DRIFTCHECK_TEST_CLOCK

# --- the lock: another run of the same environment. It is kept by a run whose snapshot does not come.
holder() {
	rm -f looks.json
	mkfifo looks.json
	"$DRIFTCHECK" prod=looks.json --migrations good --cron >held.out 2>&1 &
	held=$!
	exec 4>looks.json # opens when the other run reads, and then it has the lock
}
holder
DRIFTCHECK_TEST_CLOCK=1800000000 run prod staging=sqlite:prod.db --migrations good --cron --format json
jq -e '.environments[0].verdict == "trouble" and .environments[1].verdict == "clean" and ([.trouble[].code] == ["locked"])' out >/dev/null
judge $? 'an environment that another run has is trouble, and the others are checked' < <(cat out err)
asked 'the exit status says so' 2
run prod --migrations good
asked 'by hand nothing is locked' 0 '+clean'
mkdir -p elsewhere
(cd elsewhere && "$DRIFTCHECK" prod=sqlite:../prod.db --migrations ../good --cron --config /dev/null) >out 2>err
status=$?
asked 'another project may have an environment of that name' 0 '+clean'
kill -KILL "$held" && wait "$held" 2>/dev/null
exec 4>&-
run prod --cron
asked 'a run that is killed leaves no lock' 0 '+clean'

# --- the time limit, from inside: no environment is begun when the time is over (the second look takes it all)
looks drifted
DRIFTCHECK_TEST_CLOCK=1800000000 run prod=looks.json --migrations good --confirm-after 1770s --time-limit 30m --format json
all_looked
jq -e '.complete == false and .trouble[0].code == "time-limit" and (.environments[0] | .verdict == "trouble" and .findings == [] and
	(.notes[0] | contains("users.vip")))' out >/dev/null
judge $? 'no time for a second look: trouble, a note, and no alarm' <out
asked 'and exit status 2' 2

# --- the time limit, from outside: what hangs is ended, and the report says so
rm -f looks.json
mkfifo looks.json
run prod=looks.json --migrations good --time-limit 1s --format json
jq -e '.complete == false and .trouble[0].code == "time-limit" and .environments == []' out >/dev/null
judge $? 'a run that hangs is ended, and the report for machines comes all the same' < <(cat out err)
asked 'with exit status 2' 2 '+the run'"'"'s time was over'
run prod=looks.json --migrations good --time-limit 1s --format json --output report.json
jq -e '.trouble[0].code == "time-limit"' report.json >/dev/null
judge $? 'into its file, too' < <(cat out err)

# --- what is kept from run to run may be deleted, or be garbage
rm -rf "$XDG_STATE_HOME"
run --cron
asked 'without a state' 0 '-driftcheck:'
state=$XDG_STATE_HOME/driftcheck/v1
[ -n "$(ls "$state" 2>/dev/null)" ]
judge $? 'something is kept' < <(find "$XDG_STATE_HOME")
for file in "$state"/*; do
	rm -rf "$file"
	mkdir "$file"
done
run --cron
asked 'what cannot be locked is checked, with a warning' 0 '+clean' '+not locked against other runs'
rm -rf "$state"
mkdir -p "$state"
head -c 4096 /dev/urandom >"$state/garbage.json"
run --cron
asked 'garbage is left alone' 0 '-driftcheck:'
rm -rf "$XDG_STATE_HOME"
: >"$XDG_STATE_HOME"
run --cron
asked 'a state folder that is none' 0 '+clean' '+set XDG_STATE_HOME'
rm "$XDG_STATE_HOME"

# --- the journal: what goes there carries priorities. (systemd names the file that the stream is.)
journal() { # driftcheck...
	: >journal.out
	local stream
	stream=$(stat -c %d:%i journal.out)
	JOURNAL_STREAM=$stream "$DRIFTCHECK" "$@" >>journal.out 2>&1 </dev/null
	status=$?
	cp journal.out out
	: >err
}
journal prod=sqlite:drifted.db --migrations good
asked 'drift is a warning' 1 '+<4>prod ' '+users.vip'
! grep -v '^<4>' journal.out
judge $? 'on every line' <journal.out
journal prod=sqlite:nowhere.db --migrations good
asked 'trouble is an error' 2 '+<3>prod '
journal prod=sqlite:prod.db --migrations good --verbose
asked 'all is well' 0 '+<6>prod ' '+<6>driftcheck: driftcheck.conf' '-<4>'
journal prod=sqlite:prod.db --migrations good --format json
asked 'what is for machines stays as it is' 0 '-<6>'

# --- the dead man's switch
cat >switch.py <<'END'
import http.server, os, sys
class Switch(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("pings", "a") as pings:
            pings.write(self.command + " " + self.path + "\n")
        self.send_response(int(open("answer").read()))
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Switch)
with open("port.new", "w") as port:
    port.write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
END
echo 200 >answer
timeout 300 python3 switch.py 2>switch.err &
switch=$!
for ((i = 0; i < 500; i++)); do [ -e port ] || sleep 0.02; done
pinged() { # what was asked for, on one line, then a name
	[ "$(tr '\n' ' ' <pings)" = "$1" ]
	judge $? "$2" < <(cat pings out err)
	: >pings
}
: >pings
export DRIFTCHECK_TEST_CLOCK=1800000000
address=http://127.0.0.1:$(cat port)/id
conf <<<'cron { ping_url = "${DRIFTCHECK_PING_URL}" }'
export DRIFTCHECK_PING_URL="$address?a=b"
run prod
pinged '' 'by hand nobody is told'
run --cron prod
pinged 'GET /id/start?a=b GET /id?a=b ' 'a clean run is a success'
run --cron prod=sqlite:drifted.db
asked 'drift' 1
pinged 'GET /id/start?a=b GET /id?a=b ' 'a run that finds drift is one, too'
run --cron prod=sqlite:nowhere.db
pinged 'GET /id/start?a=b GET /id/fail?a=b ' 'trouble is a failure'
run --cron --jitter 5
asked 'a setting that is wrong' 2
pinged 'GET /id/fail?a=b ' 'a run that does not even start is one'
run --cron prod --output nowhere/report
pinged 'GET /id/start?a=b GET /id/fail?a=b ' 'so is one whose report cannot be written'
echo 500 >answer
run --cron prod
asked 'a switch that fails is a warning' 0 '+ping_url was not told of the start: it answers 500' '+of the end: it answers 500' "-$(cat port)" '-/id'
pinged "$(printf 'GET /id/start?a=b %.0s' 1 2 3; printf 'GET /id?a=b %.0s' 1 2 3)" 'it is told three times'
run --cron prod --quiet
silent
judge $? 'and no word of it in a clean night' < <(cat out err)
: >pings
echo 404 >answer
run --cron prod
asked 'a switch that is not there' 0 '+it answers 404'
pinged 'GET /id/start?a=b GET /id?a=b ' 'is not asked again'
kill "$switch" && wait "$switch" 2>/dev/null
run --cron prod=sqlite:drifted.db
asked 'a switch that cannot be reached changes nothing' 1 '+users.vip' '+ping_url was not told of the end' '-/id'
DRIFTCHECK_PING_URL=http://example.com/swordfish run --cron prod
asked 'no secret goes over the network in the clear' 2 '+driftcheck.conf:3' '+ping_url: http://example.com would send' '-swordfish'
DRIFTCHECK_PING_URL='' run --cron prod
asked 'no switch' 0 '-ping'
conf <<<'cron { ping_url = "https://example.com/swordfish" }'
run --cron prod
asked 'a switch that stands in the file' 2 '+driftcheck.conf:3: ping_url stands in the file' '+${DRIFTCHECK_PING_URL}' '-swordfish'

# --- metrics: the key is short for --report prometheus:FILE, and its path is relative to the configuration
rm -f night.prom
mkdir -p below
conf <<<'cron { metrics = "night.prom" }'
(cd below && "$DRIFTCHECK" prod) >out 2>err
[ ! -e night.prom ]
judge $? 'by hand no metrics are written' < <(cat out err)
(cd below && "$DRIFTCHECK" --cron prod) >out 2>err
grep -qx 'driftcheck_last_run_complete{env="prod"} 1' night.prom
judge $? 'metrics are written' < <(cat out err night.prom)
unknown=$(grep -oE 'driftcheck_[a-z_]+' "$source_folder/examples/nightly/prometheus/alerts.yml" | sort -u | while read -r name; do
	grep -q "^$name{" night.prom || echo "$name"
done)
[ -z "$unknown" ]
judge $? 'the example rules ask for metrics that there are' <<<"$unknown"
