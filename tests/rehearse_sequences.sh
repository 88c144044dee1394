#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Sequences of statements that are known to be dangerous, and their harmless forms, rehearsed from end to end: each gets the verdict
# that it deserves. What is asserted follows from structure (what is locked, read and rewritten, and in which transaction); limits are
# an hour, or a millisecond where a statement reads or copies a hundred thousand rows.
# shellcheck source=tests/harness.sh
. "$(dirname "${BASH_SOURCE[0]}")/harness.sh"
cd "$run_folder" || exit 1
server || exit 0
url="postgresql:///shop?host=$PGHOST&port=$PGPORT&user=$PGUSER"

limits() { # lock_timeout [framework]
	cat >driftcheck.conf <<CONF
migrations "shop" { path = "shop" framework = "${2:-golang-migrate}" }
env "prod" { url = "$url" }
rehearse { lock_timeout = "$1" statement_timeout = "1h" }
CONF
}

rehearse() { # options...: leaves the JSON in out
	run rehearse prod --config driftcheck.conf --format json "$@"
	cat out err >both
}

# has WHAT FILTER: the jq filter is true of the result. It may use of("0003"): the steps of a file; rules: the rules found in them.
has() {
	jq -e 'def of(n): [.steps[] | select(.file != null and (.file | contains(n)))]; def rules: [.[].findings[].rule] | unique; '"$2" out >/dev/null 2>&1
	judge $? "$1" < <(jq -c '.verdict, (.steps[] | [.file, .sql, .transaction, .rows_read, .growth, .rewrites, [.findings[].rule], .error])' out 2>&1 || cat both)
}

verdict() { # status, verdict, what
	[ "$status" = "$1" ] && jq -e --arg verdict "$2" '.verdict == $verdict' out >/dev/null 2>&1
	judge $? "$3: $2" < <(echo "exit status $status"; jq -c '.verdict, (.steps[] | [.sql, [.findings[] | .rule, .text]])' out 2>&1 || cat both)
}

base='CREATE TABLE users (id bigserial PRIMARY KEY, name varchar(40) NOT NULL, phone text, zip text, old text);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL, agent_id bigint NOT NULL, number int NOT NULL, state text NOT NULL, note text);
CREATE TABLE lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL, product text NOT NULL);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE users SET name = name WHERE id = NEW.user_id; RETURN NEW; END$$;'
psql -Xq -c 'CREATE DATABASE shop'
repository shop "$base"
applied shop postgresql | psql -Xq -d shop
psql -Xq -d shop <<'SQL'
INSERT INTO users (name, phone, zip) SELECT 'user ' || g, '555-' || g, g FROM generate_series(1, 2000) g;
INSERT INTO orders (user_id, agent_id, number, state, note) SELECT g % 2000 + 1, g % 2000 + 1, g, (ARRAY['new', 'paid', 'sent'])[g % 3 + 1], 'n' FROM generate_series(1, 10000) g;
INSERT INTO lines (order_id, product) SELECT g % 10000 + 1, 'p' || g FROM generate_series(1, 10000) g;
ANALYZE;
SQL

# What is harmless, alone: it ships.
limits 1h
repository shop "$base" \
	'ALTER TABLE users ADD CONSTRAINT phone_given CHECK (phone IS NOT NULL) NOT VALID;' \
	'ALTER TABLE users VALIDATE CONSTRAINT phone_given;' \
	'ALTER TABLE users ALTER COLUMN phone SET NOT NULL;' \
	'ALTER TABLE orders ADD CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users NOT VALID;' \
	'ALTER TABLE orders VALIDATE CONSTRAINT of_user;' \
	"ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';" \
	'ALTER TABLE users ALTER COLUMN name TYPE varchar(80);' \
	'CREATE INDEX CONCURRENTLY orders_state ON orders (state);'
rehearse
verdict 0 ship 'the harmless forms'
has 'NOT NULL that a CHECK proves reads nothing' 'of("0004") | length == 1 and .[0].rows_read == 0 and .[0].growth == "constant"'
has 'VALIDATE reads every row, and stops nobody' 'of("0003") | .[0].rows_read >= 2000 and .[0].growth == "linear" and [.[0].locks[].mode] == ["ShareUpdateExclusiveLock"]'
has 'a constant default copies nothing' 'of("0007") | .[0].rewrites == [] and .[0].growth == "constant"'
has 'nor does a wider varchar' 'of("0008") | .[0].rewrites == [] and .[0].rows_read == 0 and .[0].growth == "constant"'
has 'CONCURRENTLY runs in no transaction' 'of("0009") | .[0].transaction == 0 and .[0].error == null'

repository shop "$base" \
	'ALTER TABLE users DROP COLUMN old;' \
	'ALTER TABLE users RENAME COLUMN zip TO postcode;' \
	'REINDEX TABLE CONCURRENTLY orders;' \
	'VACUUM users;' \
	'BEGIN; ALTER TABLE users ADD COLUMN a int; COMMIT; BEGIN; ALTER TABLE orders ADD COLUMN a int; COMMIT; ALTER TABLE lines ADD COLUMN a int;'
rehearse --one-size
verdict 0 ship 'brief locks, and transactions of their own'
has 'REINDEX CONCURRENTLY and VACUUM leave no index behind' '[.steps[].invalid_indexes[]] == [] and [.steps[].error] - [null] == []'
has 'a file has transactions of its own' 'of("0006") | [.[] | select(.sql | startswith("ALTER"))] | length == 3 and ([.[].transaction] | unique | length) == 3'
has 'a COMMIT within it ends what its locks hold' '(of("0006") | [.[] | select(.sql | startswith("ALTER"))] | map(.locks[0].acquire_ms + .locks[0].held_ms)) as $until |
	(of("0006") | [.[] | select(.sql | startswith("ALTER"))] | map(.start_ms)) as $start | $until[0] <= $start[1] and $until[1] <= $start[2]'

# The same done directly: it grows with the table while somebody waits.
dangerous=('ALTER TABLE users ALTER COLUMN zip SET NOT NULL;'
	'ALTER TABLE orders ADD CONSTRAINT of_agent FOREIGN KEY (agent_id) REFERENCES users;'
	'ALTER TABLE lines ADD CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders NOT VALID; ALTER TABLE lines VALIDATE CONSTRAINT of_order;'
	'ALTER TABLE orders ADD COLUMN lot float DEFAULT random();'
	'ALTER TABLE orders ALTER COLUMN number TYPE bigint;')
repository shop "$base" "${dangerous[@]}"
rehearse
verdict 0 ship-with-warnings 'the direct forms, within an hour'
has 'SET NOT NULL reads the table under its lock' 'of("0002") | rules == ["scans-table"] and .[0].growth == "linear" and (.[0].findings[0].remedy | contains("NOT VALID"))'
has 'so does a foreign key' 'of("0003") | rules == ["scans-table"] and ([.[0].locks[] | select(.mode == "ShareRowExclusiveLock") | .relation] | sort) == ["public.orders", "public.users"]'
has 'NOT VALID and VALIDATE in one transaction read it under the lock of the first' 'of("0004") | length == 2 and (.[0].transaction == .[1].transaction) and (.[0].findings == []) and
	([.[1].findings[].rule] == ["scans-table"]) and .[1].growth == "linear" and (.[1].findings[0] | (.text | contains("still holds ShareRowExclusiveLock")) and (.remedy | contains("in another transaction"))) and
	(.[0].locks[0].held_ms >= .[1].duration_ms - 1)'
has 'a volatile default copies the table' 'of("0005") | rules == ["rewrites-table"] and .[0].rewrites == ["public.orders"] and .[0].growth == "linear"'
has 'so does a wider number' 'of("0006") | rules == ["rewrites-table"] and .[0].rewrites == ["public.orders"]'
run rehearse prod --config driftcheck.conf --to 2 --one-size --fail-on warn --quiet
[ "$status" = 1 ]
judge $? 'warnings fail where they are asked to' <out
limits 1ms
rehearse --one-size --scale 10
verdict 1 do-not-ship 'the direct forms, within a millisecond'
has 'each for its own lock' '[of("0002"), of("0003"), of("0005"), of("0006")] | map(rules | index("holds-lock") != null) | all'
has 'or for one that is held on' '[of("0004")[0].findings[].rule] | index("held-by-earlier") != null or index("holds-lock") != null'

# What fails.
limits 1h
repository shop "$base" 'CREATE UNIQUE INDEX CONCURRENTLY orders_one_state ON orders (state);'
rehearse --one-size
verdict 1 do-not-ship 'CONCURRENTLY on duplicates'
has 'an invalid index is left' '.steps[0].invalid_indexes == ["public.orders_one_state"] and .steps[0].error.sqlstate == "23505"'
has 'and how to clean up is said' '[.steps[0].findings[] | select(.rule == "invalid-index") | .remedy] | length == 1 and (.[0] | contains("DROP INDEX CONCURRENTLY public.orders_one_state"))'

repository shop "$base" 'ALTER TABLE users ADD COLUMN b int; CREATE INDEX CONCURRENTLY users_b ON users (b);'
rehearse --one-size
verdict 1 do-not-ship 'CONCURRENTLY beside another statement of a file'
has 'the server refuses it' 'of("0002")[1] | .error.sqlstate == "25001" and .invalid_indexes == [] and (.findings[0].remedy | contains("without a transaction"))'

repository shop "$base" "CREATE TYPE mood AS ENUM ('a');" "ALTER TYPE mood ADD VALUE 'b'; ALTER TABLE users ADD COLUMN m mood DEFAULT 'b';"
rehearse --one-size
verdict 1 do-not-ship 'a new value of an enum, used at once'
has 'the next migration could' 'of("0003")[1] | .error.sqlstate == "55P04" and (.findings[0].remedy | contains("in the next"))'

# Others' locks. The reader's transaction is longer than everything that is awaited here.
repository shop "$base" "SET lock_timeout = '200ms'; ALTER TABLE orders ADD COLUMN c int;"
rehearse --one-size --long-transaction 1h
verdict 1 do-not-ship 'a lock_timeout of the migration, and a long reader'
has 'ends the statement, and is no error of its own' 'of("0002")[1] | .error.sqlstate == "55P03" and ([.findings[].rule] | index("lock-timeout") != null)'
repository shop "$base" "SET lock_timeout = '200ms';" 'CREATE INDEX CONCURRENTLY orders_number ON orders (number);'
rehearse --one-size --long-transaction 1h
verdict 1 do-not-ship 'the same, CONCURRENTLY'
has 'leaves an invalid index' 'of("0003") | .[0].error.sqlstate == "55P03" and (rules | index("invalid-index") != null and index("lock-timeout") != null)'

limits 500ms
repository shop "$base" 'ALTER TABLE orders ADD COLUMN c int;'
rehearse --one-size --long-transaction 12s
verdict 1 do-not-ship 'the queue behind a long reader'
has 'the statement waits for it' '.steps[0] | .error == null and .lock_wait_ms > 0 and ([.findings[].rule] | index("queue") != null and index("no-lock-in-time") != null)'
has 'and everybody else for the statement, which only waits' '.steps[0].victims | map(.blocked > 0 and .behind_waiting_ms > 0) | all and length == 2'

# Writers of orders go on to users; the migration goes the other way, and gives them the time to get there.
limits 1h
repository shop "$base
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();" 'ALTER TABLE users ADD COLUMN d int; SELECT pg_sleep(5); ALTER TABLE orders ADD COLUMN d int;'
rehearse --one-size
verdict 1 do-not-ship 'two orders of locking'
has 'end in a deadlock' 'of("0002")[2] | .error.sqlstate == "40P01" and ([.findings[].rule] | index("deadlock") != null)'
has 'which is a result, no trouble' '.complete and .trouble == []'

# A framework that puts each migration into a transaction.
psql -Xq -c 'CREATE DATABASE mate'
url="postgresql:///mate?host=$PGHOST&port=$PGPORT&user=$PGUSER"
mate() { # options of the migration, SQL
	rm -rf shop && mkdir shop
	printf -- '-- migrate:up\n%s\n-- migrate:down\n' "$base" >shop/20240101000000_base.sql
	printf -- '-- migrate:up%s\n%s\n-- migrate:down\n' "$1" "$2" >shop/20240102000000_step.sql
}
limits 1h dbmate
mate '' 'SELECT 1;'
psql -Xq -d mate -c "$base" -c 'CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)' -c "INSERT INTO schema_migrations VALUES ('20240101000000')"
mate '' 'CREATE INDEX CONCURRENTLY users_name ON users (name);'
rehearse --one-size
verdict 1 do-not-ship 'CONCURRENTLY in the transaction of a framework'
has 'cannot run' '[.steps[] | select(.error != null) | .error.sqlstate] == ["25001"]'
mate ' transaction:false' 'CREATE INDEX CONCURRENTLY users_name ON users (name);'
rehearse --one-size
verdict 0 ship 'and without that transaction'
mate '' 'ALTER TABLE users ADD COLUMN e int; COMMIT; ALTER TABLE orders ADD COLUMN e int;'
rehearse --one-size
verdict 0 ship 'a COMMIT in the transaction of a framework'
has 'ends it' '[.steps[] | select(.sql | startswith("ALTER")) | .transaction] | unique | length == 2'
