#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The formats and sinks besides text, on a real database: read by parsers that are not ours (tests/oracle.py), with what each promises.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export XDG_STATE_HOME=$run_folder/state
unset GITHUB_ACTIONS GITHUB_OUTPUT GITHUB_STEP_SUMMARY GITHUB_REPOSITORY GITHUB_SERVER_URL GITHUB_RUN_ID
oracle() { python3 "$source_folder/tests/oracle.py" "$@"; }

# A checkout whose migrations lie in a folder of their own; two migrations are applied, the third is pending.
git init -q checkout && cd checkout && mkdir -p services/app && cd services/app || exit 1
run_folder=$PWD repository migrations 'CREATE TABLE users (id integer PRIMARY KEY, name text);' \
	$'CREATE TABLE orders (id integer PRIMARY KEY);\nCREATE TABLE lines (id integer PRIMARY KEY);' 'CREATE TABLE later (id integer);'
database() { # FILE SQL
	rm -f "$1"
	{
		echo 'CREATE TABLE schema_migrations (version uint64,dirty bool); CREATE UNIQUE INDEX version_unique ON schema_migrations (version);'
		cat migrations/0001* migrations/0002*
		echo "INSERT INTO schema_migrations VALUES (2, false); $2"
	} | sqlite3 "$1"
}
database prod.db 'ALTER TABLE users ADD COLUMN vip boolean; DROP TABLE lines; CREATE TABLE strange (id integer);'
database good.db 'CREATE TABLE later (id integer); UPDATE schema_migrations SET version = 3;'
check() { run prod=sqlite:prod.db --migrations migrations "$@"; }

# --- SARIF
check --format sarif
[ "$status" = 1 ] && oracle sarif "$run_folder/out" >"$run_folder/why"
judge $? 'sarif has the structure of SARIF 2.1.0' <"$run_folder/why"
jq -e '[.runs[0].results[] | {ruleId, level, uri: .locations[0].physicalLocation.artifactLocation.uri,
	line: .locations[0].physicalLocation.region.startLine}] | sort_by(.ruleId, .uri) == [
	{ruleId: "hand-edit", level: "error", uri: "services/app/migrations", line: null},
	{ruleId: "hand-edit", level: "error", uri: "services/app/migrations/0001_step.up.sql", line: 1},
	{ruleId: "hand-edit", level: "error", uri: "services/app/migrations/0002_step.up.sql", line: 2},
	{ruleId: "version-skew", level: "note", uri: "services/app/migrations/0003_step.up.sql", line: null}]' "$run_folder/out" >"$run_folder/why"
judge $? 'results lie in the migrations, relative to the checkout' <"$run_folder/out"
prints() { jq -c '[.runs[0].results[].partialFingerprints.primaryLocationLineHash]' "$1"; }
before=$(prints "$run_folder/out")
(cd .. && "$DRIFTCHECK" prod=sqlite:app/prod.db --migrations app/migrations --format sarif) >"$run_folder/elsewhere"
[ "$before" = "$(prints "$run_folder/elsewhere")" ] && diff <(jq '.runs[0].results[].locations' "$run_folder/out") <(jq '.runs[0].results[].locations' "$run_folder/elsewhere")
judge $? 'fingerprints and places do not depend on the working directory' <<<"$before"
run prod=sqlite:nowhere.db --migrations migrations --format sarif
[ "$status" = 2 ] && jq -e '.runs[0] | (.invocations[0].executionSuccessful | not) and .results[0].ruleId == "trouble"' "$run_folder/out" >/dev/null
judge $? 'an environment that cannot be read is a result, and the run no success' <"$run_folder/out"
run good=sqlite:good.db --migrations migrations --format sarif
[ "$status" = 0 ] && jq -e '.runs[0] | .invocations[0].executionSuccessful and .results == []' "$run_folder/out" >/dev/null
judge $? 'a clean run has no results' <"$run_folder/out"

# --- JUnit
run prod=sqlite:prod.db good=sqlite:good.db gone=sqlite:nowhere.db --migrations migrations --format junit
[ "$status" = 2 ] && oracle junit "$run_folder/out" >"$run_folder/why" && grep -q '<testsuites name="driftcheck" tests="6" failures="4" errors="1"' "$run_folder/out"
judge $? 'junit has a test for each environment and finding' <"$run_folder/out"
database behind.db ''
run prod=sqlite:behind.db --migrations migrations --format junit
[ "$status" = 1 ] && grep -q 'failures="1"' "$run_folder/out" && run prod=sqlite:behind.db --migrations migrations --format junit --fail-on drift &&
	[ "$status" = 0 ] && grep -q 'failures="0"' "$run_folder/out"
judge $? 'what --fail-on accepts is no failure' <"$run_folder/out"

# --- Prometheus
check --format prometheus
[ "$status" = 1 ] && oracle prometheus "$run_folder/out" >"$run_folder/why"
judge $? 'metrics are in the text format, without timestamps' <"$run_folder/why"
grep -qxF 'driftcheck_drift_objects{env="prod",class="hand-edit"} 3' "$run_folder/out" && grep -qxF 'driftcheck_behind_migrations{env="prod"} 1' "$run_folder/out"
judge $? 'drift and pending migrations are counted' <"$run_folder/out"
DRIFTCHECK_TEST_CLOCK=1000000 run prod=sqlite:prod.db --migrations migrations --report prometheus:"$run_folder/metrics.prom"
mv prod.db away.db
DRIFTCHECK_TEST_CLOCK=2000000 run prod=sqlite:prod.db --migrations migrations --report prometheus:"$run_folder/metrics.prom"
mv away.db prod.db
[ "$status" = 2 ] && grep -qxF 'driftcheck_last_success_timestamp_seconds{env="prod"} 1000000' "$run_folder/metrics.prom" &&
	grep -qxF 'driftcheck_last_run_complete{env="prod"} 0' "$run_folder/metrics.prom" && ! grep -q driftcheck_drift_objects "$run_folder/metrics.prom"
judge $? 'a run that failed keeps the time of the last success, and counts no drift' <"$run_folder/metrics.prom"
run status prod=sqlite:prod.db --migrations migrations --format prometheus
! grep -q driftcheck_drift_objects "$run_folder/out"
judge $? 'versions alone say nothing of drift' <"$run_folder/out"

# --- GitHub Actions
check --report actions
[ "$status" = 2 ] && grep -q 'this is no job of GitHub Actions' "$run_folder/err"
judge $? 'outside of a job the sink says so before anything is read' <"$run_folder/err"
export GITHUB_ACTIONS=true GITHUB_OUTPUT=$run_folder/outputs GITHUB_STEP_SUMMARY=$run_folder/summary
check --report actions
[ "$status" = 1 ] && oracle actions "$run_folder/out" >"$run_folder/why" &&
	grep -qF '::error file=services/app/migrations/0001_step.up.sql,line=1,title=prod%3A hand edit::column users.vip: applied in prod' "$run_folder/out"
judge $? 'the worst findings are annotations, and the report after them is no command' < <(cat "$run_folder/why" "$run_folder/out")
set_to=$(oracle outputs "$run_folder/outputs")
[ "$set_to" = 'verdict=drift complete=true environments=1 findings=3 alarms=3 warnings=0 pending=1 troubles=0' ]
judge $? 'outputs are set' <<<"$set_to"
# shellcheck disable=SC2016
oracle markdown "$run_folder/summary" >"$run_folder/why" && grep -q 'hand edit: column `users.vip`' "$run_folder/summary"
judge $? 'the summary is the Markdown report' <"$run_folder/why"
rm "$run_folder/outputs"
run nobody --report actions
[ "$status" = 2 ] && [[ $(oracle outputs "$run_folder/outputs") == 'verdict=trouble complete=false'* ]]
judge $? 'outputs are set where the run dies' <"$run_folder/outputs"
check --report actions --format json
[ "$status" = 1 ] && jq -e .environments "$run_folder/out" >/dev/null && grep -q '^::error' "$run_folder/err"
judge $? 'annotations do not go into what is printed for machines' <"$run_folder/err"
: >"$run_folder/summary"
rm "$run_folder/outputs"
check --report actions --dry-run
# shellcheck disable=SC2016
[ "$status" = 1 ] && [ ! -s "$run_folder/summary" ] && [ ! -e "$run_folder/outputs" ] && ! grep -q '^::' "$run_folder/out" &&
	grep -q 'would go to $GITHUB_STEP_SUMMARY' "$run_folder/out"
judge $? 'a dry run calls nothing' <"$run_folder/out"
database many.db "$(for i in $(seq 400); do printf 'ALTER TABLE users ADD COLUMN c%d text; ' "$i"; done)"
run many=sqlite:many.db --migrations migrations --report actions
[ "$(grep -c '^::error ' "$run_folder/out")" = 10 ] && grep -qx '390 more: see the summary of this job' "$run_folder/out" && oracle actions "$run_folder/out"
judge $? 'ten annotations of a kind, and how many more there are' < <(head "$run_folder/out")
head -c 900000 /dev/zero | tr '\0' 'x' >"$run_folder/summary"
run many=sqlite:many.db --migrations migrations --report actions
tail -c +900001 "$run_folder/summary" >"$run_folder/tail"
[ "$(stat -c %s "$run_folder/summary")" -le 1048576 ] && oracle markdown "$run_folder/tail" >"$run_folder/why" && shown=$(grep -c '^#### hand edit' "$run_folder/tail") &&
	{ [ "$shown" = 400 ] || grep -q "^\*\*$((400 - shown)) findings are left out:\*\*" "$run_folder/tail"; }
judge $? 'the summary is cut between findings, and says how many it lacks' < <(cat "$run_folder/why"; tail -n 5 "$run_folder/tail")
unset GITHUB_ACTIONS GITHUB_OUTPUT GITHUB_STEP_SUMMARY

# --- all of them
run --help
for sink in github actions webhook; do
	grep -q -- "--report NAME .*$sink" "$run_folder/out" && grep -q "\`$sink\`" "$source_folder/docs/formats.md"
	judge $? "--help and docs/formats.md name the sink $sink" <"$run_folder/out"
done
for format in text json markdown html sarif junit prometheus; do
	"$DRIFTCHECK" --help | grep -A 2 -- '--format NAME' | grep -q "$format" && grep -q "\`$format\`" "$source_folder/docs/formats.md"
	judge $? "--help and docs/formats.md name the format $format" <"$run_folder/out"
	run good=sqlite:good.db --migrations migrations --format "$format" --quiet
	[ "$status" = 0 ] && [ ! -s "$run_folder/out" ]
	judge $? "--quiet with $format prints nothing when all is clean" <"$run_folder/out"
done
