#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A fleet of tenants, each with a schema of one database: what of it is found, as what, and how the tenants are grouped. Names
# of all sorts, names that begin alike, names in literals. `tests/tenants.sh --bless` rewrites the goldens in tests/tenants.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
goldens=$source_folder/tests/tenants
bless=${1:-}

# shellcheck disable=SC2119
server || exit
psql -X -q -c 'CREATE ROLE reader LOGIN' -c 'CREATE DATABASE saas'
url="postgresql:///saas?host=$PGHOST&port=$PGPORT&user=reader"
saas() { psql -X -q -v ON_ERROR_STOP=1 -d saas "$@"; }

# Everything that can name the schema: types, sequences, foreign keys, views, functions with a search path, bodies that name it
# because the migration asked where it runs, triggers with arguments, and a literal that a tenant's name may be.
# shellcheck disable=SC2016
repository app '
CREATE TYPE mood AS ENUM ($$calm$$, $$tense$$);
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT $$calm$$, kind text DEFAULT $$acme$$);
CREATE TABLE orders (id serial PRIMARY KEY, user_id integer REFERENCES users, total numeric(12,2) NOT NULL CHECK (total >= 0));' '
CREATE VIEW acme AS SELECT users.id, users.mood, acme.total FROM users JOIN orders acme ON acme.user_id = users.id;
CREATE FUNCTION loudest(m mood) RETURNS SETOF users LANGUAGE sql STABLE AS $$SELECT * FROM users WHERE mood = m$$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
DO $$BEGIN
	EXECUTE format($f$ALTER FUNCTION note() SET search_path = %I, public$f$, current_schema());
	EXECUTE format($f$CREATE FUNCTION count_users() RETURNS bigint LANGUAGE sql AS %L$f$, format($q$SELECT count(*) FROM %I.users$q$, current_schema()));
	EXECUTE format($f$CREATE TRIGGER noted AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note(%L)$f$, current_schema());
	EXECUTE format($f$ALTER TABLE users ADD COLUMN home text DEFAULT %L$f$, current_schema());
END$$;' '
CREATE TABLE invoices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id integer NOT NULL REFERENCES orders);
CREATE INDEX invoices_order_idx ON invoices (order_id);' '
ALTER TABLE users ADD COLUMN email text;'

# Makes a tenant as a deploy with its schema on the search path does.
tenant() { # name version
	local i
	{
		printf 'CREATE SCHEMA "%s"; SET search_path = "%s", public; GRANT USAGE ON SCHEMA "%s" TO reader;\n' "${1//\"/\"\"}" "${1//\"/\"\"}" "${1//\"/\"\"}"
		echo 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null); GRANT SELECT ON schema_migrations TO reader;'
		for ((i = 1; i <= $2; i++)); do
			cat "app/000${i}_step.up.sql"
		done
		echo "INSERT INTO schema_migrations VALUES ($2, false);"
	} >tenant.sql
	saas <tenant.sql >tenant.log 2>&1 || not_ok "tenant $1 could not be made" <tenant.log
}

# What a report says, apart from what differs from run to run.
stable_json() { jq -S 'del(.driftcheck, .started, .duration_ms, .environments[]?.server)'; }
stable_text() { sed -E 's/PostgreSQL +[0-9]+(\.[0-9]+)+/PostgreSQL VERSION/g; s/ in [0-9.]+ m?s\b/ in N s/g'; }

golden() { # name, what; the text on stdin
	cat >got
	[ "$bless" != --bless ] || cp got "$goldens/$1"
	diff -u "$goldens/$1" got >differs
	judge $? "$2" <differs
}

# The shapes that a check or another command finds: name, verdict, how many tenants, how many findings.
shapes() { # what, then the arguments of driftcheck; the expected lines on stdin
	local what=$1
	shift
	run --format json "$@"
	jq -r '.environments[] | [.name, .verdict, (.members // [] | length), (.findings | length)] | join(" ")' <out >shapes 2>>err
	diff - shapes >differs
	judge $? "$what" < <(cat differs err)
}

for i in {1..29}; do
	tenant "tenant_$i" 4
done
tenant 'tenant_Upper' 4
tenant 'tenant_"quoted"' 4
tenant "tenant_o'brien" 4
tenant 'tenant_with blank' 4
for i in 31 32 33; do
	tenant "tenant_$i" 3
done
tenant tenant_linked 4
tenant tenant_untracked 4
tenant tenant_ 4
tenant tenant_unrun 3
cat >driftcheck.conf <<CONF
migrations "app" { path = "app" }
fleet "saas" { url = "$url"  schemas = "tenant_*"  migrations = "app" }
CONF

shapes 'forty tenants are two shapes, whatever their names' <<'END'
saas/tenant_ clean 36 0
saas/tenant_31 skew 4 1
END

# What was done by hand, each in its tenant. tenant_9 has nothing to show for it but a dropped column.
saas <<'SQL'
ALTER TABLE tenant_5.invoices DROP COLUMN order_id;
ALTER TABLE tenant_7.users ADD COLUMN vip boolean;
ALTER TABLE "tenant_with blank".users ADD COLUMN vip boolean;
ALTER TABLE tenant_8.users DROP COLUMN email;
ALTER TABLE tenant_9.users ADD COLUMN vip boolean;
ALTER TABLE tenant_9.users DROP COLUMN vip;
ALTER TABLE tenant_linked.orders DROP CONSTRAINT orders_user_id_fkey, ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES tenant_1.users;
DROP TABLE tenant_untracked.schema_migrations;
UPDATE tenant_unrun.schema_migrations SET version = 4;
CREATE OR REPLACE FUNCTION "tenant_o'brien".count_users() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM "tenant_o'brien".orders$$;
CREATE TRIGGER audited AFTER DELETE ON "tenant_Upper".users FOR EACH ROW EXECUTE FUNCTION "tenant_Upper".note('tenant_Upper');
CREATE TRIGGER audited AFTER DELETE ON tenant_10.users FOR EACH ROW EXECUTE FUNCTION tenant_10.note('tenant_10');
SQL
run --format json
judge "$((status != 1))" 'drift is found' <err
stable_json <out | golden report.json 'drift in tenants, as JSON'
run
stable_text <out | golden report.txt 'drift in tenants, as text'
cp out first
run
diff <(stable_text <first) <(stable_text <out) >differs
judge $? 'a second run says the same' <differs
run status
stable_text <out | golden status.txt 'their versions alone'
run assert saas
judge "$((status != 2))" 'assert takes no fleet' <out

# The second look of a nightly run: it comes later, or not at all, which is trouble of those that have drift.
DRIFTCHECK_TEST_CLOCK=1800000000 run --confirm-after 10m --format json
stable_json <out | diff -u "$goldens/report.json" - >differs
judge $? 'a second look after ten minutes finds the same' < <(cat differs err)
DRIFTCHECK_TEST_CLOCK=1800000000 shapes 'no time for the second look' --confirm-after 1770s --time-limit 30m <<'END'
saas/tenant_ clean 27 0
saas/tenant_31 skew 3 1
saas/tenant_untracked clean 1 0
saas/tenant_10 trouble 9 0
END

# Every query goes over the whole database: their number does not depend on that of the tenants.
cat >few.conf <<CONF
migrations "app" { path = "$run_folder/app" }
fleet "saas" { url = "$url"  schemas = "tenant_2*" }
CONF
few=$("$DRIFTCHECK" --config few.conf --show-queries 2>&1 >/dev/null | grep -c '^-- saas$')
one=$("$DRIFTCHECK" --config <(sed 's/tenant_2\*/tenant_2/' few.conf) --show-queries 2>&1 >/dev/null | grep -c '^-- saas$')
judge "$((few != one || few == 0))" "eleven tenants take as many queries as one" <<<"$few, $one"

# The ignore list has the tenants' own names, and may be meant for one of them.
cat >ignore.conf <<CONF
migrations "app" { path = "$run_folder/app" }
fleet "saas" { url = "$url"  schemas = "tenant_[5-9]" }
ignore { objects = {"tenant_7.users.vip", "tenant_*.invoices", "tenant_6.*"} }
CONF
shapes 'what is ignored' --config ignore.conf <<'END'
saas/tenant_5 clean 3 0
saas/tenant_8 drift 1 1
END

# Tenants whose names are words of the migrations: an alias, a default, a view.
tenant acme 4
tenant users 4
tenant calm 4
cat >words.conf <<CONF
migrations "app" { path = "$run_folder/app" }
fleet "words" { url = "$url"  schemas = "[auc][cs]*m*" }
CONF
for pattern in acme users calm; do
	shapes "a tenant called $pattern" --config <(sed "s/\[auc.*\*\"/$pattern\"/" words.conf) <<END
words/$pattern clean 1 0
END
done

run check saas/tenant_7
grep -q 'driftcheck check saas$' err
judge $? 'a tenant alone: it is said what to do' <err
run doctor saas
grep -q '40 tenants, 39 with a version table' out
judge $? 'doctor counts the tenants' <out

# What cannot be read is trouble by name, and spares the others.
saas -c 'REVOKE SELECT ON tenant_1.schema_migrations, tenant_2.schema_migrations FROM reader'
cat >some.conf <<CONF
migrations "app" { path = "$run_folder/app" }
fleet "saas" { url = "$url"  schemas = "tenant_[1-4]" }
CONF
shapes 'two tenants whose versions may not be read' --config some.conf <<'END'
saas/tenant_3 clean 2 0
saas/tenant_1 trouble 2 0
END
judge "$((status != 2))" 'they are trouble' <err
jq -r '.trouble[] | .where + ": " + .text + ": " + .hint' <out >trouble
diff - trouble >differs <<'END'
saas/tenant_1 and 1 more: this role may not read the version table tenant_1.schema_migrations: GRANT USAGE ON SCHEMA tenant_1 TO reader; GRANT SELECT ON tenant_1.schema_migrations TO reader;
END
judge $? 'by name, with what to do' <differs
saas -c 'GRANT SELECT ON tenant_1.schema_migrations, tenant_2.schema_migrations TO reader'
coproc psql -X -q -A -t -d saas
holder=$COPROC_PID # forgotten by the shell as soon as it ends
echo 'BEGIN; LOCK TABLE tenant_2.schema_migrations; SELECT 1;' >&"${COPROC[1]}"
read -r _ <&"${COPROC[0]}"
shapes 'a tenant whose version table is locked' --config some.conf <<'END'
saas/tenant_1 clean 3 0
saas/tenant_2 trouble 1 0
END
# As golang-migrate has it while it works on a schema.
sum=$(printf 'tenant_4\0schema_migrations\0saas' | gzip -1 | tail -c 8 | od -An -N4 -tu4 --endian=little | tr -d ' ')
echo "ROLLBACK; SELECT pg_advisory_lock($((sum * 1486364155 & 0xffffffff)));" >&"${COPROC[1]}"
read -r _ <&"${COPROC[0]}"
shapes 'a tenant that is being deployed to' --config some.conf <<'END'
saas/tenant_1 clean 3 0
saas/tenant_4 trouble 1 0
END
jq -r '.trouble[].code' <out | grep -qx deploy-in-flight
judge $? 'is trouble by that name' <out
echo '\q' >&"${COPROC[1]}"
wait "$holder"

# A version table that all share, and objects that they share.
psql -X -q -c 'CREATE DATABASE shared'
repository mixed 'CREATE TABLE IF NOT EXISTS public.plans (id integer PRIMARY KEY, name text);
CREATE TABLE users (id integer PRIMARY KEY, plan_id integer REFERENCES public.plans);' 'ALTER TABLE users ADD COLUMN email text;'
{
	for name in a b; do
		echo "CREATE SCHEMA $name; SET search_path = $name, public;"
		cat mixed/*.sql
	done
	echo 'CREATE TABLE public.schema_migrations (version bigint not null primary key, dirty boolean not null);
		INSERT INTO public.schema_migrations VALUES (2, false); GRANT SELECT ON public.schema_migrations TO reader;'
} | psql -X -q -v ON_ERROR_STOP=1 -d shared 2>/dev/null
cat >mixed.conf <<CONF
migrations "mixed" { path = "$run_folder/mixed" }
fleet "both" { url = "${url/saas/shared}"  schemas = "?" }
CONF
shapes 'tenants that share their version table, and a table' --config mixed.conf <<'END'
both/a clean 2 0
both/shared clean 1 0
END
psql -X -q -d shared -c 'ALTER TABLE public.plans ADD COLUMN price numeric' -c 'ALTER TABLE b.users ALTER COLUMN email SET NOT NULL'
shapes "drift in what is shared is not the tenants'" --config mixed.conf <<'END'
both/a clean 1 0
both/b drift 1 1
both/shared drift 1 1
END
run --config <(sed 's/"?"/"nobody_*"/' mixed.conf)
grep -q 'no-tenants' out && [ "$status" = 2 ]
judge $? 'a pattern that no schema fits is trouble' <out

# An extension is made in the first tenant that a deploy comes to; that, and what others keep beside the tenants, is no drift.
repository extended 'CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE users (id integer PRIMARY KEY, name text, plan_id integer REFERENCES public.plans);'
psql -X -q -c 'CREATE DATABASE extended'
{
	echo 'CREATE TABLE public.plans (id integer PRIMARY KEY); CREATE TABLE public.others (id integer);'
	for name in a b c; do
		echo "CREATE SCHEMA $name; SET search_path = $name, public;"
		cat extended/*.sql
		echo 'CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null); INSERT INTO schema_migrations VALUES (1, false);'
	done
	echo 'GRANT USAGE ON SCHEMA a, b, c TO reader; GRANT SELECT ON a.schema_migrations, b.schema_migrations, c.schema_migrations TO reader;'
} | psql -X -q -v ON_ERROR_STOP=1 -d extended 2>/dev/null
echo 'CREATE TABLE public.plans (id integer PRIMARY KEY); GRANT REFERENCES ON public.plans TO PUBLIC;' >prelude.sql
cat >extended.conf <<CONF
migrations "extended" { path = "$run_folder/extended" }
fleet "three" { url = "${url/saas/extended}"  schemas = "?" }
scratch { prelude = "$run_folder/prelude.sql"  extensions = {"contrib"} }
CONF
shapes 'an extension in one of the tenants' --config extended.conf <<'END'
three/a clean 3 0
END
grep -q '"2 objects outside of the tenants. schemas are not compared: the migrations make none there"' out
judge $? 'what is left out is said' <out
