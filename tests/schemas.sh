#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Reports against what others publish of their formats, which is too large or not ours to keep here: the schema of SARIF 2.1.0 (it
# comes with the npm package @microsoft/jest-sarif; Debian's python3-jsonschema judges) and promtool (Debian's package prometheus).
# Needs a network, so it is no part of `make check`.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
export XDG_STATE_HOME=$run_folder/state
python=/usr/bin/python3 # Debian's, which sees Debian's modules

npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >packed 2>err && tar xzf "$(cat packed)" package/lib/schemas/sarif-2.1.0-rtm.5.json
judge $? 'the schema of SARIF' <err
"$python" -c 'import jsonschema' 2>err
judge $? 'python3-jsonschema is installed' <err
promtool --version >err 2>&1
judge $? 'promtool is installed' <err

cat >valid.py <<'END'
import json, sys
import jsonschema
schema = json.load(open("package/lib/schemas/sarif-2.1.0-rtm.5.json"))
errors = list(jsonschema.Draft4Validator(schema).iter_errors(json.load(open(sys.argv[1]))))
for error in errors[:10]:
    print(list(error.absolute_path), error.message[:300])
sys.exit(1 if errors else 0)
END
python3 "$source_folder/tests/oracle.py" names hostile
repository app 'CREATE TABLE users (id integer PRIMARY KEY);' 'CREATE TABLE later (id integer);'
{
	run_folder=$PWD applied app sqlite
	echo 'ALTER TABLE users ADD COLUMN vip boolean; CREATE TABLE strange (id integer);'
} | sqlite3 app.db
judged() { # name, arguments of driftcheck
	local name=$1
	shift
	run "$@" --format sarif
	cp out "$name.sarif"
	"$python" valid.py "$name.sarif" >why 2>&1
	judge $? "sarif is valid: $name" <why
	run "$@" --format prometheus
	promtool check metrics <out >why 2>&1
	judge $? "promtool has nothing to say: $name" <why
}
judged drift prod=sqlite:app.db --migrations app
judged names prod=sqlite:hostile/app.db --migrations hostile/migrations
judged trouble prod=sqlite:nowhere.db --migrations app
judged diff diff repo sqlite:app.db --migrations app
judged status status prod=sqlite:app.db --migrations app
for golden in "$source_folder"/tests/golden/*.sarif; do
	"$python" valid.py "$golden" >why 2>&1
	judge $? "sarif is valid: ${golden##*/}" <why
done
jq '.runs[0].results[0].level = "alarm"' drift.sarif >broken.sarif
! "$python" valid.py broken.sarif >why 2>&1
judge $? 'and what is not valid is refused' <why
