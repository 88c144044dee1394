#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The sink webhook against a chat of our own: what is said when the state of an environment changes, and that nothing is said when it
# does not.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export XDG_STATE_HOME=$run_folder/state DRIFTCHECK_TEST_CLOCK=1700000000
unset GITHUB_REPOSITORY GITHUB_SERVER_URL GITHUB_RUN_ID CI_JOB_URL BUILD_URL BUILDKITE_BUILD_URL http_proxy https_proxy all_proxy
mkdir chat
python3 "$source_folder/tests/chat.py" chat >port &
chat=$!
trap 'kill "$chat"; harness_finish' EXIT
until [ -s port ]; do sleep 0.05; done
CHAT_URL=http://127.0.0.1:$(cat port)/services/T0SECRET/B0SECRET/swordfish
export CHAT_URL

repository app 'CREATE TABLE users (id integer PRIMARY KEY);' 'CREATE TABLE orders (id integer PRIMARY KEY);'
cat >driftcheck.conf <<'END'
migrations "app" { path = "app" }
env "prod" { url = "sqlite:prod.db" }
env "test" { url = "sqlite:test.db" }
webhook { url = "${CHAT_URL}" }
END
database() { # name SQL
	rm -f "$1.db"
	{
		applied app sqlite
		echo "$2"
	} | sqlite3 "$1.db"
}
said=0
# Checks, and expects so many messages; the last one is in `message`.
night() { # status messages options...
	local wanted=$1 messages=$2 now
	shift 2
	run check --report webhook "$@"
	now=$(find chat -name '*.json' | wc -l)
	message=$run_folder/chat/$now.json
	[ "$status" = "$wanted" ] && [ $((now - said)) = "$messages" ] || echo "exit status $status, $((now - said)) messages" >>err
	[ "$status" = "$wanted" ] && [ $((now - said)) = "$messages" ]
	local ok=$?
	said=$now
	! grep -qE 'swordfish|SECRET' out err || return 1
	return $ok
}
text() { jq -r .text "$message"; }

database prod '' && database test ''
night 0 0
judge $? 'the first clean run says nothing' <err
database prod 'ALTER TABLE users ADD COLUMN "<!channel> @here" text;'
night 1 1 && [ "$(text)" = 'Schema drift: prod' ]
judge $? 'drift is told' < <(cat err out "$message")
jq -e '(.blocks | length) == 2 and .blocks[0].type == "header" and (.blocks[1].text | .type == "plain_text" and .emoji == false and
	(.text | contains("hand-edit: column users.\"&lt;!channel&gt; @here\": applied in prod") and (contains("<") | not)))' "$message" >/dev/null
judge $? 'foreign text is plain and escaped' <"$message"
night 1 0
judge $? 'the same drift is not told again' <err
database prod 'ALTER TABLE users ADD COLUMN "<!channel> @here" text; DROP TABLE orders;'
GITHUB_REPOSITORY=owner/name GITHUB_SERVER_URL=https://github.com GITHUB_RUN_ID=42 night 1 1 &&
	jq -e '.blocks[2].elements[0].text == "owner/name <https://github.com/owner/name/actions/runs/42|the run>"' "$message" >/dev/null
judge $? 'other drift is told, with the repository and the run' < <(cat err "$message")
mv test.db away.db
night 2 1 && [ "$(text)" = 'Not checked completely: test' ]
judge $? 'an environment that cannot be read is told' < <(cat err "$message")
mv away.db test.db
database prod ''
night 0 1 && [ "$(text)" = 'Well again: prod, test' ]
judge $? 'what is over is told' < <(cat err "$message")
night 0 0
judge $? 'and then nothing more' <err
cp -r app more && echo 'CREATE TABLE later (id integer);' >app/0003_step.up.sql
night 1 0
judge $? 'a migration that is merely pending is no change of state' <err
rm app/0003_step.up.sql

database prod 'CREATE TABLE strange (id integer);'
printf '%s\n' 503 >chat/answers
night 2 1 --format json && jq -e '.trouble[0] | .code == "report-unknown" and (.text | contains("503: no_service\\n::error::x")) and
	(.hint | contains("driftcheck report"))' out >/dev/null
judge $? 'a message whose fate is unknown is trouble' < <(cat err out)
night 1 1
judge $? 'and is sent by the next run' <err
night 1 0
judge $? 'once' <err
database prod ''
printf '%s\n' 429 429 >chat/answers
night 0 3
judge $? 'a limited sender waits as long as it is told' <err
database prod 'CREATE TABLE strange (id integer);'
printf '%s\n' cut >chat/answers
night 2 1 && grep -q '127.0.0.1' out
judge $? 'a cut connection is not tried again' < <(cat err out)
night 1 1
printf '%s\n' 404 >chat/answers
database prod ''
night 2 1 --format json && jq -e '.trouble[0].code == "report"' out >/dev/null
judge $? 'an address that is no longer there is trouble' < <(cat err out)
night 0 1
rm -r state
database prod 'CREATE TABLE strange (id integer);'
night 1 0 --dry-run && grep -q '^POST http://127.0.0.1:[0-9]*/\*\*\*$' out && grep -q '"text":"Schema drift: prod"' out
judge $? 'a dry run shows the message and sends none' < <(cat err out)
night 1 1
judge $? 'without a state it is told' <err

# shellcheck disable=SC2016
sed -i 's/^webhook .*/webhook { url = "${CHAT_URL}" on = "always" }/' driftcheck.conf
night 1 1 && [ "$(text)" = 'Schema drift: prod; No drift: test' ]
judge $? 'on = "always" tells each time' < <(cat err "$message")
echo "$CHAT_URL" >address
# shellcheck disable=SC2016
sed -i 's/^webhook .*/webhook { url_file = "address" }/' driftcheck.conf
night 1 0
judge $? 'the address may lie in a file' <err
while IFS='|' read -r section wanted; do
	sed -i "s#^webhook .*#webhook { $section }#" driftcheck.conf
	night 2 0 && grep -q "$wanted" err
	judge $? "a setting that cannot work is told before anything is read: $wanted" <err
done <<'END'
|no address is given
url = "https://hooks.example/services/T0SECRET/swordfish"|a secret, and stands in the file
url = "${CHAT_URL}" url_file = "address"|both url and url_file
url = "${CHAT_URL}" on = "sometimes"|no such value
url_file = "nowhere"|url_file nowhere
url = "${NOT_LOOPBACK:-http://hooks.example/swordfish}"|in the clear
END

# Slack's limits: many findings with long names in many environments.
# shellcheck disable=SC2016
sed -i 's/^webhook .*/webhook { url = "${CHAT_URL}" }/' driftcheck.conf
database many "$(for i in $(seq 60); do printf 'CREATE TABLE "<%0200d>" (id integer);' "$i"; done)"
envs=()
for i in $(seq 10); do envs+=("environment-$i=sqlite:many.db"); done
night 1 1 "${envs[@]}" --no-cache
jq -e '(.blocks | length) <= 50 and ([.blocks[].text.text // "" | length] | max) <= 3000 and (.blocks[0].text.text | length) <= 150 and
	([.. | strings | length] | add) <= 13000 and (.blocks[-1].elements[0].text | test("more environments"))' "$message" >/dev/null
judge $? "a message stays within Slack's limits" < <(head -c 2000 "$message")
