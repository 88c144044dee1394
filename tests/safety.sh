#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What comes out of a database or a repository is somebody else's text. Hostile names: whatever reads a report, in any format, sees
# text and nothing else (tests/oracle.py judges). Secrets: planted wherever a schema, a setting or a message can hold one, none is
# in any output. Ordinary SQL about passwords stays as it is.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" && touch why || exit 1
export XDG_STATE_HOME=$run_folder/state
unset GITHUB_ACTIONS GITHUB_OUTPUT GITHUB_STEP_SUMMARY
oracle() { python3 "$source_folder/tests/oracle.py" "$@"; }
formats='text json markdown html sarif junit prometheus'

# --- hostile names
oracle names hostile
judge $? 'a database with hostile names' </dev/null
names() { run prod=sqlite:hostile/app.db --migrations hostile/migrations "$@"; }
for format in json markdown html sarif junit prometheus; do
	names --format "$format"
	cp out "names.$format"
	[ "$status" = 1 ] && [ ! -s err ] && oracle "$format" "names.$format" >why 2>&1
	judge $? "hostile names are text in $format" < <(cat why err)
done
GITHUB_ACTIONS=true GITHUB_OUTPUT=$run_folder/outputs GITHUB_STEP_SUMMARY=$run_folder/summary names --report actions
[ "$status" = 1 ] && oracle actions out >why 2>&1 && oracle markdown summary >>why 2>&1 && oracle outputs outputs >>why 2>&1
judge $? 'hostile names are text in GitHub Actions' < <(cat why err)
names --verbose
! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]' out err
judge $? 'nothing in text reaches the terminal unescaped' < <(LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' out | head)
run diff repo sqlite:hostile/app.db --migrations hostile/migrations --format markdown
[ "$status" = 1 ] && oracle markdown out >why 2>&1
judge $? 'hostile names are text in a diff' < <(cat why err)

# --- secrets
token=ghp_0123456789abcdefghijABCDEFGHIJ012345 aws=AKIAIOSFODNN7EXAMPLE aws_secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
slack=T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX stripe=sk_live_4eC39HqLyjWDarjtT1zdp7dc xox=xoxb-123456789012-abcdefghijkl
jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U
pat=github_pat_11ABCDEFG0abcdefghijklm_0123456789abcdefghijklmnop
secrets=("$token" "$aws" "$aws_secret" "$slack" "$stripe" "$xox" "$jwt" "$pat" swordfish hunter2 MIIEowIBAAKC open-sesame tiger-lily)
leaks() { # file...: the secrets in them
	local secret
	for secret in "${secrets[@]}"; do
		grep -lF -- "$secret" "$@" | sed "s|\$|: $secret|"
	done
}
# Every command and format, with everything that can be said; what it said is in said/.
mkdir said
say_all() { # name source options...
	local name=$1 source=$2 format
	shift 2
	for format in $formats; do
		"$DRIFTCHECK" "prod=$source" "$@" --format "$format" --verbose --show-queries --no-cache --report "json:said/$name.report.json" \
			>"said/$name.$format.out" 2>"said/$name.$format.err" </dev/null
		"$DRIFTCHECK" diff repo "$source" "$@" --format "$format" --verbose --show-queries >"said/$name.diff.$format.out" 2>"said/$name.diff.$format.err"
		"$DRIFTCHECK" status "prod=$source" "$@" --format "$format" >"said/$name.status.$format.out" 2>"said/$name.status.$format.err"
	done
	GITHUB_ACTIONS=true GITHUB_OUTPUT=said/$name.outputs GITHUB_STEP_SUMMARY=said/$name.summary GITHUB_TOKEN=$token \
		"$DRIFTCHECK" "prod=$source" "$@" --report actions >"said/$name.actions.out" 2>"said/$name.actions.err"
	"$DRIFTCHECK" doctor "prod=$source" "$@" >"said/$name.doctor.out" 2>"said/$name.doctor.err"
	"$DRIFTCHECK" replay "$@" --verbose --show-queries >"said/$name.replay.out" 2>"said/$name.replay.err"
}
no_leak() { # what
	leaks said/* >why
	[ ! -s why ]
	judge $? "$1" <why
}

repository app 'CREATE TABLE users (id integer PRIMARY KEY, password text NOT NULL, password_hash text);'
{
	applied app sqlite
	cat <<-SQL
		ALTER TABLE users ADD COLUMN token text DEFAULT '$token';
		ALTER TABLE users ADD COLUMN new_password text DEFAULT 'open-sesame';
		ALTER TABLE users ADD COLUMN reset_password text;
		CREATE VIEW keys AS SELECT '$aws' AS id, '$aws_secret' AS secret, '$stripe' AS stripe;
		CREATE TABLE hooks (url text CHECK (url <> 'https://hooks.slack.com/services/$slack'), "$xox" text);
		CREATE TRIGGER log AFTER INSERT ON users BEGIN INSERT INTO hooks VALUES ('postgresql://u:swordfish@h/db', '$jwt $pat'); END;
	SQL
} | sqlite3 app.db
say_all sqlite sqlite:app.db --migrations app
no_leak 'no secret of a SQLite schema is in any output'
for what in 'column users.token' '***(sha256:' 'column users.reset_password' "AFTER INSERT ON users"; do
	grep -qF -- "$what" said/sqlite.text.out
	judge $? "and yet it is reported: $what" <said/sqlite.text.out
done
! grep -E '^ *(keep|undo|run):? *[^- ].*sha256' said/sqlite.text.out && grep -q 'not to be run as it is: it holds a secret' said/sqlite.text.out
judge $? 'a statement with a secret is a comment' <said/sqlite.text.out

# settings: an environment's address, the configuration
cat >secret.conf <<'END'
env "prod" { url = "postgresql://u:swordfish@127.0.0.1:1/db" }
END
run check prod --config secret.conf --migrations app
cp out said/conf.out && cp err said/conf.err
PROD='postgresql://u:swordfish@127.0.0.1:1/db?password=hunter2' run check 'prod=host=127.0.0.1 port=1 password=hunter2' --migrations app --verbose --format json
cp out said/conninfo.out && cp err said/conninfo.err
run 'postgresql://u:swordfish@h/db' --report "$token"
cp out said/word.out && cp err said/word.err
no_leak 'no secret of a setting is in any output'

server -c max_connections=50 || exit
at="host=$PGHOST&port=$PGPORT"
repository pg 'CREATE TABLE users (id integer PRIMARY KEY, password text NOT NULL, password_hash text);' \
	"CREATE FUNCTION login(p_password text) RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN 'x'; END \$\$;"
psql -X -q -c "CREATE ROLE \"$token\"" -c 'CREATE DATABASE app' -c 'CREATE ROLE locked LOGIN PASSWORD '"'right'"
{
	applied pg postgresql
	cat <<-SQL
		ALTER TABLE users ADD COLUMN api text DEFAULT '$stripe', ADD COLUMN smtp_password text DEFAULT 'open-sesame';
		COMMENT ON TABLE users IS 'connect with postgresql://app:swordfish@db.example:5432/app or scott:tiger-lily@db.example/x';
		CREATE VIEW keys AS SELECT '$aws'::text AS id, '$aws_secret'::text AS secret;
		ALTER VIEW keys OWNER TO "$token";
		ALTER TABLE users ADD CONSTRAINT hook CHECK (password_hash <> 'https://hooks.slack.com/services/$slack');
		CREATE OR REPLACE FUNCTION login(p_password text) RETURNS text LANGUAGE plpgsql AS \$\$
		DECLARE
		  v_password text := 'open-sesame';
		  key text := '-----BEGIN RSA PRIVATE KEY-----
		MIIEowIBAAKC
		-----END RSA PRIVATE KEY-----';
		BEGIN
		  EXECUTE 'CREATE ROLE app LOGIN PASSWORD ''hunter2''';
		  EXECUTE format('ALTER ROLE app PASSWORD %L', p_password);
		  PERFORM dblink_connect('host=h dbname=d user=u password=swordfish');
		  RAISE NOTICE 'token $xox $jwt $pat';
		  UPDATE users SET password_hash = crypt(p_password, gen_salt('bf')) WHERE password = p_password;
		  RAISE EXCEPTION 'invalid password' USING ERRCODE = '28P01';
		END \$\$;
	SQL
} | psql -X -q -d app -v ON_ERROR_STOP=1
judge $? 'a PostgreSQL schema with secrets' </dev/null
say_all postgresql "postgresql:///app?$at&user=postgres&password=hunter2" --migrations pg --include comment,owner
no_leak 'no secret of a PostgreSQL schema is in any output'
for ordinary in "password_hash = crypt(p_password, gen_salt('bf')) WHERE password = p_password" "format('ALTER ROLE app PASSWORD %L', p_password)" \
	"RAISE EXCEPTION 'invalid password' USING ERRCODE = '28P01'"; do
	grep -qF -- "$ordinary" said/postgresql.text.out
	judge $? "ordinary SQL stays: $ordinary" <said/postgresql.text.out
done

# shellcheck disable=SC2016
! grep -q 'RAISE EXCEPTION' said/postgresql.summary && grep -q 'function `public.login(text)`' said/postgresql.summary
judge $? 'the source of a function does not go into a summary' <said/postgresql.summary

# what servers and migrations say
run check "prod=postgresql://locked:swordfish@/app?$at" --migrations pg --verbose --format json
cp out said/refused.out && cp err said/refused.err
repository failing "CREATE TABLE t (id integer);" "CREATE ROLE nobody LOGIN PASSWORD 'hunter2' NOSUCHOPTION;"
run replay --migrations failing --framework golang-migrate --verbose --show-queries
cp out said/syntax.out && cp err said/syntax.err
[ "$status" = 2 ] && grep -q 0002_step said/syntax.err
judge $? 'a migration with a password fails' <said/syntax.err
repository raising "DO \$\$ BEGIN RAISE EXCEPTION 'cannot log in as postgresql://app:swordfish@h/db with $token'; END \$\$;"
for format in $formats; do
	run check "prod=postgresql:///app?$at&user=postgres" --migrations raising --format "$format" --verbose --show-queries --no-cache
	cp out "said/raising.$format.out" && cp err "said/raising.$format.err"
done
grep -q 'cannot log in as' said/raising.text.out
judge $? 'a migration with secrets in its message fails' <said/raising.text.out
no_leak "no secret of a server's message is in any output"

# what is kept
find state cache -type f -name '*.json' -path '*unsent*' -exec cp {} said/ \; 2>/dev/null
no_leak 'no secret is in a report that is kept'
