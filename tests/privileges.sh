#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Privileges beyond what a case can show: when they are compared and what is said of it, snapshots, two databases, and a
# scratch in which the role that runs the migrations is made by the prelude or is the superuser.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server -c max_connections=50 || exit

repository silent 'CREATE TABLE t (id integer PRIMARY KEY);'
repository saying 'CREATE TABLE t (id integer PRIMARY KEY);' 'GRANT SELECT ON t TO app_read; GRANT SELECT ON t TO app_owner; REVOKE DELETE ON t FROM app_owner;' \
	'ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON TABLES TO app_read; CREATE TABLE u (id integer PRIMARY KEY);'
psql -X -q -c 'CREATE ROLE app_read' -c 'CREATE ROLE app_owner' -c 'CREATE ROLE other_owner' -c 'GRANT app_owner TO other_owner'
database() { # name folder owner
	psql -X -q -c "CREATE DATABASE $1 OWNER $3"
	applied "$2" postgresql | PGOPTIONS="-c role=$3" psql -X -q -v ON_ERROR_STOP=1 -d "$1" >sql.log 2>&1 || not_ok "the database $1" <sql.log
}
at() { echo "host=$PGHOST port=$PGPORT user=postgres dbname=$1"; }
says() { # what status pattern -- argument...
	local what=$1 expected=$2 pattern=$3
	shift 4
	run "$@"
	[ "$status" = "$expected" ] && grep -qE -- "$pattern" out err
	judge $? "$what" < <(echo "exit status $status"; cat out err)
}

database silent silent app_owner
psql -X -q -d silent -c 'GRANT ALL ON t TO app_read'
says 'not compared where no migration sets them' 0 '^prod +clean' -- "prod=$(at silent)" --migrations silent
says 'compared where they are asked for' 1 'app_read: DELETE, INSERT' -- "prod=$(at silent)" --migrations silent --include acl
says 'all that can be asked for' 1 'app_read: DELETE, INSERT' -- "prod=$(at silent)" --migrations silent --include all

database saying saying app_owner
database other saying other_owner
says 'compared where a migration sets them, which --verbose says' 0 'privileges are compared.*0002_step' -- \
	"prod=$(at saying)" --migrations saying --verbose
says 'where another role runs them, the first is one like any other' 0 'clean' -- "prod=$(at other)" --migrations saying
psql -X -q -d other -c 'REVOKE SELECT ON t FROM app_owner'
says 'and is missed' 1 'app_owner: SELECT' -- "prod=$(at other)" --migrations saying
says 'the repository and a database' 0 '' -- diff repo "$(at saying)" --migrations saying
psql -X -q -d saying -c 'REVOKE SELECT ON t FROM app_read'
says 'the repository and another database' 1 'app_read: SELECT' -- diff repo "$(at saying)" --migrations saying
says 'a database and itself' 0 '' -- diff "$(at silent)" "$(at silent)" --include acl
says 'two databases' 1 'app_read' -- diff "$(at saying)" "$(at other)" --include acl

"$DRIFTCHECK" snapshot "$(at saying)" --migrations saying >with.json
jq '.groups -= ["acl", "owner"]' with.json >without.json
says 'a snapshot has them' 1 'app_read: SELECT' -- prod=with.json --migrations saying
says 'one that was taken without says so' 0 'privileges are not compared: the snapshot was taken without' -- \
	prod=without.json --migrations saying --verbose

# The scratch: the role is the prelude's, or the migrations are run by a superuser.
psql -X -q -d saying -c 'GRANT SELECT ON t TO app_read'
echo 'CREATE ROLE app_owner; CREATE ROLE app_read;' >prelude.sql
cat >driftcheck.conf <<-END
	migrations "app" { path = "saying" }
	scratch { prelude = "prelude.sql" }
END
says 'the prelude makes the role that runs the migrations' 0 'clean' -- "prod=$(at saying)"
printf 'migrations "app" { path = "saying" }\nscratch { role = "superuser" }\n' >driftcheck.conf
says 'a superuser runs them' 0 'clean' -- "prod=$(at saying)"
rm driftcheck.conf

# On a server of the user's own the roles that are there are left alone.
repository granting 'CREATE TABLE t (id integer PRIMARY KEY);' 'GRANT SELECT ON t TO app_read, app_owner;'
database granting granting app_owner
echo "scratch { url = \"$(at postgres)\" }" >driftcheck.conf
"$DRIFTCHECK" snapshot "$(at granting)" --migrations granting >live.json
says 'a scratch on a server' 0 'clean' -- prod=live.json --migrations granting
