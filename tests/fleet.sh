#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Fleets: environments from lists, files and queries; shards and their merge; equal members shown as one; one replay for all;
# and the examples for GNU parallel and Kubernetes, run as they stand. docs/fleets.md says what must hold.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export XDG_STATE_HOME=$run_folder/state
unset JOB_COMPLETION_INDEX SLURM_ARRAY_TASK_ID BUILDKITE_PARALLEL_JOB CI_NODE_INDEX

# says WHAT STATUS PATTERN... -- ARGUMENT...: driftcheck ends so, and what it prints matches each pattern.
says() {
	local what=$1 wanted=$2 pattern patterns=()
	shift 2
	while [ "$1" != -- ]; do
		patterns+=("$1")
		shift
	done
	shift
	run "$@"
	cat out err >both
	[ "$status" = "$wanted" ] || { not_ok "$what: exit status $status, expected $wanted" <both && return; }
	for pattern in "${patterns[@]}"; do
		grep -qE -- "$pattern" both || { not_ok "$what: nothing matches /$pattern/" <both && return; }
	done
	ok "$what"
}

# Twenty shops: 3 and 4 have a column by hand, 12 to 14 are one migration behind, the others are as they should be.
repository good 'CREATE TABLE t (a integer, b text);' 'CREATE TABLE u (a integer);'
applied good sqlite | sqlite3 clean.db
repository old 'CREATE TABLE t (a integer, b text);'
applied old sqlite | sqlite3 behind.db
for i in {1..20}; do
	case $i in 12 | 13 | 14) cp behind.db "shop_$i.db" ;; *) cp clean.db "shop_$i.db" ;; esac
	printf 'shop_%d = sqlite:shop_%d.db\n' "$i" "$i"
done >shops
for i in 3 4; do
	sqlite3 "shop_$i.db" 'ALTER TABLE t ADD COLUMN vip text'
done
sed -i '1i # all shops\n' shops
cat >driftcheck.conf <<'CONF'
migrations "app" { path = "good" }
env "office" { url = "sqlite:clean.db" }
fleet "shops" { envs_file = "shops" }
CONF

# Lists.
says 'a fleet is checked by its name' 1 '^20 environments' -- shops
says 'without a name, all that is configured is' 1 '^21 environments' '^office +clean|office' --
says 'a list of its own' 1 '^20 environments' -- check --envs shops
[ "$(jq -r '.environments[] | select(.fleet != null) | .name' < <("$DRIFTCHECK" --envs shops --format json))" = '' ]
judge $? 'what a list names is no fleet' </dev/null
says 'a list from stdin takes words beside it' 2 'stdin: no environment is listed here' -- --envs - office
printf '# one\n\n  one = sqlite:shop_1.db  \r\n' | "$DRIFTCHECK" --envs - office >out 2>&1 && grep -q '^2 environments, clean' out
judge $? 'blanks, comments and carriage returns in a list' <out
says 'status of a fleet' 1 '^20 environments' -- status shops
says 'a fleet that is mistyped' 2 'did you mean "shops"' -- shop
list() { # what pattern line...
	local what=$1 pattern=$2
	shift 2
	printf '%s\n' "$@" >list
	says "a list: $what" 2 "$pattern" -- --envs list
}
list 'a line without a source' 'list:2: "b" has no source' 'a=sqlite:clean.db' 'b='
list 'a line without a name' 'list:1: this line does not begin with a name' '=sqlite:clean.db'
list 'a line that is none' 'list:2: this line is not of the form' '#' 'postgresql://u:swordfish@h/d'
list 'a url without a name' 'list:1: this line does not begin with a name' 'postgresql://u:swordfish@h/d?x=y'
! grep -q swordfish both
judge $? 'a list: no error shows a password' <both
list 'a name that stands twice' 'the environment "a" is named twice' 'a=sqlite:clean.db' 'b=sqlite:clean.db' 'a=sqlite:shop_1.db'
list 'a source that is none spares the others' '^b +clean' 'a=nonsense' 'b=sqlite:clean.db'
list 'a file that is missing spares the others' '^b +clean' 'a=sqlite:none.db' 'b=sqlite:clean.db'

# Equal members are one for people, and each itself in JSON.
run shops
cp out text
"$DRIFTCHECK" shops --format json >all.json
[ "$(grep -c 'hand edit ' text)" = 1 ] && grep -q '^shop_3 and 1 more  *drift' text && grep -q '2 of shops: shop_3, shop_4$' text &&
	grep -q '^shop_1 and 14 more  *clean' text && grep -q '3 of shops: shop_12, shop_13, shop_14$' text
judge $? 'equal members are shown as one' <text
jq -e '(.environments | length) == 20 and all(.environments[]; .fleet == "shops" and .members == null) and
	([.environments[].name] == [range(1; 21) | "shop_\(.)"])' all.json >/dev/null
judge $? 'JSON has each of them, in their order' <all.json
sqlite3 shop_4.db 'ALTER TABLE t ADD COLUMN vip2 text'
says 'members that differ stand apart' 1 '^shop_3  *drift' '^shop_4  *drift' -- shops
cp clean.db shop_4.db
sqlite3 shop_4.db 'ALTER TABLE t ADD COLUMN vip text'

# A kept report renders as it did at once.
for format in text markdown json; do
	"$DRIFTCHECK" report all.json --format $format >again
	cmp -s again <("$DRIFTCHECK" report - --format $format <all.json) || not_ok "stdin as $format" </dev/null
	# shellcheck disable=SC2016
	case $format in
	json) cmp -s all.json again ;;
	text) diff <(sed 's/ in [0-9.]* s\././' text) <(sed 's/ in [0-9.]* s\././' again) >differs ;;
	markdown) grep -q '^| `shop_3 and 1 more` | \*\*drift\*\*' again ;;
	esac
	judge $? "a kept report as $format" < <(cat differs again)
done
says 'the exit status is that of the check' 1 -- report all.json --fail-on drift
"$DRIFTCHECK" check --envs <(grep -vE 'shop_[34] ' shops) --format json >skew.json
says 'skew alone' 1 -- report skew.json
says 'skew alone, where that is accepted' 0 -- report skew.json --fail-on drift

# Shards: whatever their number, each environment is in one; merged, they say what one run says.
without_times='del(.started, .duration_ms)'
for n in 1 2 3 7; do
	rm -f part-*.json
	for ((i = 1; i <= n; i++)); do
		"$DRIFTCHECK" shops --shard "$i/$n" --format json --output "part-$i.json" 2>err || [ $? = 1 ] || not_ok "shard $i/$n" <err
	done
	"$DRIFTCHECK" report --merge --expect "$n" --format json part-*.json >merged.json
	[ $? = 1 ] && cmp -s <(jq "$without_times | .environments |= sort_by(.name)" all.json) <(jq "$without_times" merged.json)
	judge $? "$n shards, merged, are one run" < <(diff <(jq "$without_times | .environments |= sort_by(.name)" all.json) \
		<(jq "$without_times" merged.json))
done
rm -f part-*.json
for i in 1 2 3; do
	"$DRIFTCHECK" shops --shard "$i/3" --format json --output "part-$i.json"
done
"$DRIFTCHECK" report --merge --format json part-{1,2,3}.json >merged.json
for order in '1 3 2' '2 1 3' '2 3 1' '3 1 2' '3 2 1'; do
	# shellcheck disable=SC2046,SC2086
	"$DRIFTCHECK" report --merge --format json $(printf 'part-%s.json ' $order) | cmp -s merged.json -
	judge $? "merged in the order $order, the bytes are the same" </dev/null
done
jq -e '.shard == {"index": 2, "count": 3}' part-2.json >/dev/null && jq -e '.shard == null and .complete' merged.json >/dev/null
judge $? 'a shard says which it is; what is merged is whole' <part-2.json

# The scheduler's numbers count only when they are asked for.
auto() { # what shard variable... -- argument...
	local what=$1 shard=$2 variables=()
	shift 2
	while [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	shift
	[ "$(env "${variables[@]}" "$DRIFTCHECK" shops --format json "$@" 2>err | jq -c .shard)" = "$shard" ]
	judge $? "$what" <err
}
auto 'Kubernetes' '{"index":1,"count":8}' JOB_COMPLETION_INDEX=0 -- --shard auto --shard-count 8
auto 'Slurm' '{"index":3,"count":4}' SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_COUNT=4 -- --shard auto
auto 'Buildkite' '{"index":2,"count":2}' BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2 -- --shard auto
auto 'GitLab' '{"index":2,"count":2}' CI_NODE_INDEX=2 CI_NODE_TOTAL=2 -- --shard auto
auto 'a variable that is there by chance leaves nothing out' null JOB_COMPLETION_INDEX=0 CI_NODE_INDEX=1 CI_NODE_TOTAL=5 --
for wrong in '0/3' '4/3' '3' 'a/b' '1/0' '1/3x' '-1/3'; do
	says "--shard $wrong" 2 'shard' -- shops "--shard=$wrong"
done
says '--shard auto without a scheduler' 2 'no scheduler numbers this job' -- shops --shard auto
JOB_COMPLETION_INDEX=0 says '--shard auto, and it is not told how many' 2 '--shard-count N' -- shops --shard auto
JOB_COMPLETION_INDEX=8 says '--shard auto beyond the count' 2 'no shard 9 of 8' -- shops --shard auto --shard-count 8
JOB_COMPLETION_INDEX=0 CI_NODE_INDEX=1 says '--shard auto with two schedulers' 2 'both Kubernetes and GitLab' -- shops --shard auto
export GITHUB_TOKEN=none GITHUB_REPOSITORY=owner/app GITHUB_API_URL=http://127.0.0.1:9
says 'a shard sends nothing' 2 'not sent alone' -- shops --shard 1/3 --report github
says 'nor does its result' 2 'not sent alone' -- report part-1.json --report github
jq '.started = "2026-01-01T00:00:00Z"' all.json >old.json
says 'what is old is sent with a warning' 2 'began at 2026-01-01T00:00:00Z' -- report old.json --report github --report-timeout 1
unset GITHUB_TOKEN GITHUB_REPOSITORY GITHUB_API_URL

# What is not as it must be is trouble: nothing is complete then, and what was found is reported all the same.
merge() { # what pattern file...
	local what=$1 pattern=$2
	shift 2
	says "merging $what" 2 "$pattern" 'vip' -- report --merge "$@"
	run report --merge --format json "$@"
	jq -e '.complete == false and (.trouble | length) > 0' out >/dev/null
	judge $? "merging $what is not complete" <out
}
with_drift=$(grep -l vip part-*.json | head -n 1)
without=$(printf '%s\n' part-{1,2,3}.json | grep -vxF "$with_drift" | head -n 1)
others=$(printf '%s\n' part-{1,2,3}.json | grep -vxF "$without")
# shellcheck disable=SC2206
others=($others)
number=${without//[!0-9]/}
merge 'without a shard' "shard $number of 3 +\(merge\)" "${others[@]}"
merge 'with a shard twice' "shard $number is there twice" part-{1,2,3}.json "$without"
merge 'where others were expected' 'shard 1 of 3, where 4 were expected' part-{1,2,3}.json --expect 4
head -c 300 "$without" >cut.json
merge 'with a file that is cut' 'cut.json:[0-9]+ +\(report-file\)' "${others[@]}" cut.json
merge 'with a file that is not there' 'none.json +\(report-file\)' "${others[@]}" none.json
"$DRIFTCHECK" snapshot sqlite:clean.db >snapshot.json
merge 'with a snapshot' 'this is a snapshot' "${others[@]}" snapshot.json
sed 's/"driftcheck": "[^"]*"/"driftcheck": "0.0.9"/' "$without" >other.json
merge 'shards of two versions' 'driftcheck 0\.0\.9' "${others[@]}" other.json
jq '.repo[0].head = "3" | .repo[0].migrations = 3' "$without" >other.json
merge 'shards of two checkouts' 'its migrations app end at|those of another' "${others[@]}" other.json
jq '.repo[0].git = "0123456789abcdef0123456789abcdef01234567"' "$without" >other.json
merge 'shards of two commits' '0123456789abcdef' "${others[@]}" other.json
jq '.started = "2026-01-01T00:00:00Z"' "$without" >other.json
merge 'a shard of another night' 'these are not of one run' "${others[@]}" other.json
jq --slurpfile one "${others[0]}" '.environments += $one[0].environments[:1]' "$without" >other.json
merge 'an environment that two of them checked' 'checked twice' "${others[@]}" other.json
jq '.command = "status"' "$without" >other.json
merge 'results of two commands' 'driftcheck status' "${others[@]}" other.json
jq 'del(.shard)' "$without" >other.json
merge 'a shard with what is none' 'this is no shard' "${others[@]}" other.json
says 'no result at all' 2 'cannot be opened' -- report --merge none.json --expect 3
says 'results of whole runs need their number' 2 '--merge --expect N' -- report --merge all.json
"$DRIFTCHECK" office --format json >office.json
says 'results of whole runs are merged' 1 '^21 environments' -- report --merge --expect 2 all.json office.json
says 'and one of them is missed' 2 '2 results were expected, and there are 1' -- report --merge --expect 2 all.json
says 'several results without --merge' 2 '--merge joins' -- report all.json office.json
says '--expect alone' 2 '--expect goes with --merge' -- report all.json --expect 2
says '--merge elsewhere' 2 '--merge does not apply' -- check shops --merge
"$DRIFTCHECK" diff sqlite:clean.db sqlite:shop_3.db --format json >diff.json
says 'a diff is rendered' 1 'vip' -- report diff.json
says 'a diff is not merged' 2 'cannot be merged' -- report --merge --expect 2 diff.json all.json

# A fleet that cannot be listed is trouble of its own, in every shard; the rest is checked.
mv shops shops.gone
says 'a fleet without its file spares the others' 2 '^shops +trouble +envs' '^office +clean' --
for i in 1 2; do
	"$DRIFTCHECK" --shard "$i/2" --format json --output "lost-$i.json"
	jq -e '.complete == false' "lost-$i.json" >/dev/null
	judge $? "nor is shard $i complete without it" <"lost-$i.json"
done
run report --merge lost-1.json lost-2.json
[ "$status" = 2 ] && [ "$(grep -c '^trouble' out)" = 1 ] && ! grep -q 'checked twice' out
judge $? 'merged, it is said once' <out
mv shops.gone shops
config() { # what pattern line
	printf 'migrations "app" { path = "good" }\nfleet "shops" { %s }\n' "$3" >other.conf
	says "a fleet: $1" 2 "$2" -- shops --config other.conf
}
config 'no list' 'it is not said where' ''
config 'two lists' 'envs_file and envs_query' 'envs_file = "shops" envs_query = "select 1"'
config 'nobody to ask' 'it is not said whom to ask' 'envs_query = "select 1"'
config 'SQLite cannot be asked' 'asked of a PostgreSQL database' 'url = "sqlite:clean.db" envs_query = "select 1"'
config 'no number' 'max_per_server: "many" is no number' 'envs_file = "shops" max_per_server = "many"'

# The examples, as they stand.
mkdir bin
ln -s "$DRIFTCHECK" bin/driftcheck
if command -v parallel >/dev/null; then
	PATH=$PWD/bin:$PATH "$source_folder/examples/parallel/check_fleet.sh" 4 --fail-on drift --format json >parallel.json 2>err
	[ $? = 1 ] && cmp -s <(jq "$without_times" parallel.json) <("$DRIFTCHECK" --format json | jq "$without_times | .environments |= sort_by(.name)")
	judge $? 'GNU parallel: four processes say what one says' < <(cat err parallel.json)
	ENVS=shops PATH=$PWD/bin:$PATH "$source_folder/examples/parallel/check_fleet.sh" 2 >out 2>err
	[ $? = 1 ] && grep -q '^20 environments' out
	judge $? 'GNU parallel with a list' < <(cat err out)
elif [ "${CI:-}" = true ]; then
	not_ok 'GNU parallel' <<<'it is not installed: Debian package parallel'
else
	ok 'GNU parallel # SKIP it is not installed'
fi
if python3 -c 'import yaml' 2>/dev/null; then
	manifests=$source_folder/examples/kubernetes
	python3 "$source_folder/tests/kubernetes.py" "$manifests" >wrong
	judge $? 'Kubernetes: the manifests' <wrong
	mkdir results
	job() { python3 "$source_folder/tests/kubernetes.py" --script "$1" "$manifests" | sed "s|/results|$PWD/results|g; s| --report github||"; }
	python3 "$source_folder/tests/kubernetes.py" --script driftcheck-merge "$manifests" | grep -q -- '--report github'
	judge $? 'Kubernetes: the merge is what sends' </dev/null
	for i in {0..7}; do
		JOB_COMPLETION_INDEX=$i PATH=$PWD/bin:$PATH sh -c "$(job driftcheck-shards)" >out 2>err || not_ok "Kubernetes: shard $i" < <(cat out err)
	done
	PATH=$PWD/bin:$PATH sh -c "$(job driftcheck-merge)" >out 2>err && grep -q '^21 environments' out
	judge $? 'Kubernetes: the jobs, one after the other' < <(cat out err)
	rm results/3.json
	PATH=$PWD/bin:$PATH sh -c "$(job driftcheck-merge)" >out 2>err
	[ $? = 1 ] && grep -q 'shard 4 of 8' out
	judge $? 'Kubernetes: a pod that wrote nothing is missed' < <(cat out err)
elif [ "${CI:-}" = true ]; then
	not_ok 'Kubernetes' <<<'python3-yaml is not installed'
else
	ok 'Kubernetes # SKIP python3-yaml is not installed'
fi

# PostgreSQL: a fleet that is asked for, on one server.
server -c max_connections=50 -c log_statement=all -c log_connections=on || exit
at="host=$PGHOST&port=$PGPORT"
psql -X -q -c "CREATE ROLE reader LOGIN CONNECTION LIMIT 5 PASSWORD 'swordfish'" -c 'CREATE DATABASE member' -c 'CREATE DATABASE directory'
{
	applied old postgresql
	echo 'GRANT SELECT ON schema_migrations TO reader;'
} | psql -X -q -d member
for i in {1..12}; do
	psql -X -q -c "CREATE DATABASE member_$i TEMPLATE member"
done
psql -X -q -d member_2 -c 'DROP TABLE t'
psql -X -q -d directory <<SQL
CREATE TABLE shops (name text, url text, live boolean);
INSERT INTO shops SELECT 'm' || i, 'postgresql://reader:swordfish@/member_' || i || '?$at', i <= 10 FROM generate_series(1, 12) i;
CREATE TABLE touched (i integer);
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO reader;
SQL
mkdir bindir
for file in "$(cluster_bindir)"/*; do
	ln -s "$file" bindir/
done
rm bindir/postgres
cat >bindir/postgres <<SH
#!/bin/sh
case " \$* " in *" -D "*) echo "\$*" >>"$run_folder/starts" ;; esac
exec "$(cluster_bindir)/postgres" "\$@"
SH
chmod 755 bindir bindir/postgres
: >starts
chmod 666 starts
n_servers() { grep -o -- '-D [^ ]*' starts | sort -u | wc -l; }

query() { # envs_query [migrations]
	cat >asked.conf <<CONF
migrations "app" { path = "${2:-old}" }
fleet "members" {
	url = "\${FLEET_URL}"
	envs_query = "$1"
	max_per_server = "2"
}
scratch { bindir = "$run_folder/bindir" }
CONF
}
export FLEET_URL="postgresql://reader:swordfish@/directory?$at"
query 'select name, url from shops where live order by name'
says 'a fleet that is asked for' 1 '^10 environments, ' '^m1 and 8 more +clean' '^m2 +drift' -- members --config asked.conf --no-cache --jobs 16 --verbose
[ "$(n_servers)" -le 2 ]
judge $? 'its migrations are replayed once, and once more for what differs' <starts
! grep -q swordfish both
judge $? 'no password is shown' <both
run members --config asked.conf --no-cache --jobs 16 --format json
[ "$(jq '[.environments[] | select(.verdict == "trouble")] | length' out)" = 0 ] && ! grep -q swordfish out
judge $? 'a server gets no more connections than it may' <out
query 'select name, url from shops where live order by name' broken
repository broken 'CREATE TABLE t (a integer, b nonsense);'
: >starts
run members --config asked.conf --no-cache
[ "$status" = 2 ] && [ "$(n_servers)" = 1 ] && [ "$(grep -c '^trouble' out)" = 1 ] && grep -q '^m1 and 9 more  *trouble' out
judge $? 'migrations that fail are replayed once, and told once' < <(cat out err starts)
asked() { # what pattern query
	query "$3"
	says "envs_query: $1" 2 "$2" '^members +trouble' -- members --config asked.conf
	! grep -q swordfish both || not_ok "envs_query: $1: shows a password" <both
}
asked 'it writes' 'read-only transaction' 'insert into touched values (1) returning i::text, i::text'
asked 'two statements' 'multiple commands' 'select 1, 2; drop table touched'
asked 'it returns no rows' 'it returns no rows' 'set work_mem = 64'
asked 'it finds nobody' 'returns no environment' 'select name, url from shops where false'
asked 'one column' 'returns 1 column' 'select name from shops'
asked 'a name that is none' 'a name that is none' "select 'a b', url from shops"
asked 'a row without a url' 'without a url' 'select name, null from shops'
asked 'a mistake' 'does not exist' 'select name, url from shop'
[ "$(psql -X -At -d directory -c 'SELECT count(*) FROM touched')" = 0 ]
judge $? 'envs_query writes nothing' </dev/null
query "select 'a', 'postgresql://reader:swordfish@/member_1?$at' union all select 'a', 'postgresql://reader:swordfish@/member_2?$at'"
says 'envs_query: a name twice' 2 'named twice' -- members --config asked.conf
export FLEET_URL="postgresql://reader:swordfish@/none?$at"
query 'select name, url from shops'
says 'a directory that cannot be reached' 2 '^members +trouble' -- members --config asked.conf
