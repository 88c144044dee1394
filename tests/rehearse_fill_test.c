// SPDX-License-Identifier: PostgreSQL
// A clone's rows against the database that they are to be like: one is filled with known rows and analysed, an empty copy of its
// schema is filled from its statistics, and both are asked the same questions.
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "introspect/pg.h"
#include "introspect/reader.h"
#include "rehearse/fill/fill.h"
#include "rehearse/fill/rank.h"
#include "rehearse/statistics.h"
#include "tests/scratch_env.h"

static struct scratch *scratch;

static PGconn *connect_to(struct arena *arena, const char *database, const char **conninfo)
{
	*conninfo = arena_printf(arena, "%s dbname=%s", scratch_conninfo(scratch, true), database);
	PGconn *conn = PQconnectdb(*conninfo);
	assert_int_equal(PQstatus(conn), CONNECTION_OK);
	return conn;
}

static void run(PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s%s", PQerrorMessage(conn), sql);
}

// All rows of a query, a line each.
static const char *answer(struct arena *arena, PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s%s", PQerrorMessage(conn), sql);
	auto_buf lines = BUF_INIT;
	for (int i = 0; i < PQntuples(result); i++) {
		for (int j = 0; j < PQnfields(result); j++)
			buf_addf(&lines, "%s%s", PQgetvalue(result, i, j), j + 1 < PQnfields(result) ? "|" : "\n");
	}
	return buf_copy(&lines, arena);
}

struct pair {
	PGconn *source, *clone;
	struct clone_table *tables;
	size_t n_tables;
	const char **notes;
	size_t n_notes;
	const char *before; // the clone's definitions
};

static const char definitions[] =
	"select pg_get_constraintdef(oid), conname, oid, convalidated from pg_constraint where conrelid > 16383 or contypid > 16383 "
	"union all select pg_get_indexdef(indexrelid), indisvalid::text || indisready || indislive || indisclustered || indisreplident, indexrelid, true "
	"from pg_index where indrelid > 16383 and indrelid in (select oid from pg_class where relkind in ('r', 'p')) "
	"union all select relname, relkind::text || relchecks || relhastriggers, oid, true from pg_class where relkind in ('r', 'p', 'S') and oid > 16383 "
	"union all select pg_get_triggerdef(oid), tgenabled::text, oid, true from pg_trigger where tgrelid > 16383 and not tgisinternal "
	"order by 3, 1, 2";

// Fills both; `rows` fills the source.
static struct pair pair_make_ahead(struct arena *arena, const char *schema, const char *rows, double scale, const char *const *ahead)
{
	struct pair pair = { 0 };
	const char *source, *clone;
	PGconn *any = connect_to(arena, "template1", &source);
	run(any, "set client_min_messages = warning");
	run(any, "drop database if exists source");
	run(any, "drop database if exists clone");
	run(any, "create database source");
	run(any, "create database clone");
	PQfinish(any);
	pair.source = connect_to(arena, "source", &source);
	pair.clone = connect_to(arena, "clone", &clone);
	run(pair.source, schema);
	run(pair.source, "select setseed(0.5)");
	run(pair.source, rows);
	run(pair.source, "analyze");
	run(pair.clone, schema);
	pair.before = answer(arena, pair.clone, definitions);
	struct err err = { 0 };
	const struct read_options options = { .name = "source" };
	struct statistics *statistics = statistics_read(arena, source, &options, &err);
	assert_non_null(statistics);
	const struct fill_request request = { .conninfo = clone, .statistics = statistics, .scale = scale, .rows_default = 1000, .n_connections = 2,
	                                      .ahead = ahead };
	if (!fill(arena, &request, &pair.tables, &pair.n_tables, &pair.notes, &pair.n_notes, &err))
		fail_msg("%s: %s", err.where, err.text);
	return pair;
}

static struct pair pair_make(struct arena *arena, const char *schema, const char *rows, double scale)
{
	return pair_make_ahead(arena, schema, rows, scale, NULL);
}

static void pair_end(struct pair *pair)
{
	PQfinish(pair->source);
	PQfinish(pair->clone);
}

// Every constraint, once more, by the server.
static void validate_all(struct arena *arena, PGconn *conn)
{
	char *line, *rest = arena_strdup(arena, answer(arena, conn,
		"select format('alter table %s drop constraint %I; alter table %s add constraint %I %s', conrelid::regclass, conname, conrelid::regclass, "
		"conname, pg_get_constraintdef(oid)) from pg_constraint where conrelid > 16383 and contype in ('c', 'f') and conparentid = 0 and coninhcount = 0 "
		"and convalidated"));
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line != '\0')
			run(conn, line);
	}
}

static void assert_near(const char *what, const char *column, double source, double clone, double tolerance)
{
	if (!(fabs(source - clone) <= tolerance))
		fail_msg("%s of %s: %g in the source, %g in the clone", what, column, source, clone);
}

static void compare_statistics(struct pair *pair, double scale)
{
	static const char sql[] = "select tablename || '.' || attname, null_frac, avg_width, case when n_distinct < 0 then -n_distinct * reltuples "
		"else n_distinct end, correlation, reltuples from pg_stats join pg_class on oid = (quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass "
		"where schemaname !~ '^pg_' and schemaname <> 'information_schema' and not inherited order by 1";
	auto_pgresult source = PQexec(pair->source, sql);
	auto_pgresult clone = PQexec(pair->clone, sql);
	assert_int_equal(PQresultStatus(source), PGRES_TUPLES_OK);
	assert_true(PQntuples(source) > 0);
	assert_int_equal(PQntuples(source), PQntuples(clone));
	for (int i = 0; i < PQntuples(source); i++) {
		const char *column = PQgetvalue(source, i, 0);
		double have[6], want[6];
		assert_string_equal(column, PQgetvalue(clone, i, 0));
		for (int j = 1; j < 6; j++) {
			want[j] = strtod(PQgetvalue(source, i, j), NULL);
			have[j] = strtod(PQgetvalue(clone, i, j), NULL);
		}
		assert_near("rows", column, want[5] * scale, have[5], want[5] * scale * 0.01);
		assert_near("null fraction", column, want[1], have[1], 0.02);
		assert_near("width", column, want[2], have[2], fmax(want[2] * 0.1, 1));
		if (want[3] > 0)
			assert_true(have[3] > 0);
		if (want[3] > 0 && scale == 1 && (want[3] / have[3] > 1.5 || have[3] / want[3] > 1.5))
			fail_msg("distinct values of %s: %g in the source, %g in the clone", column, want[3], have[3]);
		if (PQgetisnull(source, i, 4) == 0 && want[3] > 1)
			assert_near("correlation", column, want[4], have[4], 0.1);
	}
}

static const char shop_schema[] =
	"create type state as enum ('new', 'paid', 'sent', 'void');"
	"create domain email as text check (value like '%@%');"
	"create domain cents as integer not null check (value >= 0);"
	"create function touch() returns trigger language plpgsql as $$ begin raise exception 'a trigger ran'; end $$;"
	"create table tenants (id serial primary key, name text not null unique);"
	"create table users (id bigint generated always as identity primary key, tenant_id int not null references tenants,"
	"  name varchar(40) not null, mail text unique, code char(8), active boolean not null default true, score numeric(10,2),"
	"  note text, data jsonb, at timestamptz not null default now(), day date, token uuid, ip inet, tags text[], ratio float8,"
	"  boss bigint references users, amount cents, lower_name text generated always as (lower(name)) stored,"
	"  constraint score_ck check (score > 0), constraint code_ck check (char_length(code) <= 8));"
	"create index users_name_idx on users (lower(name)); create index on users (at) where active; create index on users using gin (data);"
	"create trigger touch before insert on users for each row execute function touch();"
	"alter table users enable always trigger touch;"
	"comment on constraint score_ck on users is 'kept'; comment on index users_name_idx is 'kept';"
	"create table orders (id bigserial primary key, user_id bigint not null references users on delete cascade, state state not null,"
	"  total numeric(12,2) not null check (total >= 0), kind text not null check (kind in ('a', 'bb', 'ccc')), quantity int check (quantity between 1 and 20),"
	"  begun timestamp not null, ended timestamp, check (ended >= begun));"
	"create table lines (order_id bigint references orders, number smallint, product text not null, primary key (order_id, number));"
	"create table members (user_id bigint references users, tenant_id int references tenants, primary key (user_id, tenant_id));"
	"create table profiles (user_id bigint primary key references users, bio text);";

static const char shop_rows[] =
	"alter table users disable trigger touch;"
	"insert into tenants (name) select 'tenant ' || i from generate_series(1, 50) i;"
	"insert into users (tenant_id, name, mail, code, active, score, note, data, at, day, token, ip, tags, ratio, boss, amount)"
	"  select 1 + (random() * 49)::int, substr(md5(i::text), 1, 8 + i % 20), case when i % 4 > 0 then 'user' || i || '@example.com' end,"
	"  substr(md5((i % 500)::text), 1, 8), random() < 0.9, (random() * 900)::int + 1 + 0.25, case when random() < 0.3 then repeat('x', 100) || i % 3000 end,"
	"  jsonb_build_object('k', md5(i::text)), '2023-01-01'::timestamptz + i * interval '17 min', '2023-01-01'::date + (random() * 300)::int,"
	"  md5(i::text)::uuid, ('10.1.' || i % 200 || '.1')::inet, array['aaaaaaaaaaaaaaaa' || i % 9], random(), case when i > 100 then (random() * 99)::int + 1 end, i % 1000"
	"  from generate_series(1, 20000) i;"
	"insert into orders (user_id, state, total, kind, quantity, begun, ended) select 1 + floor(random() * random() * 19999)::int,"
	"  (case when random() < 0.7 then 'sent' when random() < 0.5 then 'new' else 'void' end)::state, (random() * 10000)::numeric(12,2),"
	"  (array['a', 'bb', 'ccc'])[1 + (random() * 2)::int], 1 + (random() * 19)::int, '2023-01-01'::timestamp + i * interval '1 min',"
	"  case when random() < 0.8 then '2023-01-01'::timestamp + i * interval '1 min' + interval '5 days' end from generate_series(1, 60000) i;"
	"insert into lines select i / 3 + 1, i % 3, 'product ' || i % 700 from generate_series(1, 100000) i;"
	"insert into members select distinct 1 + (random() * 19999)::int, 1 + (random() * 49)::int from generate_series(1, 30000);"
	"insert into profiles select i, repeat('b', 200) || i from generate_series(1, 15000) i;";

static void shop_is_like_its_source(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct pair pair = pair_make(arena, shop_schema, shop_rows, 1);
	assert_string_equal(pair.before, answer(arena, pair.clone, definitions));
	compare_statistics(&pair, 1);
	validate_all(arena, pair.clone);
	assert_int_equal(pair.n_notes, 0);
	assert_string_equal(answer(arena, pair.clone, "select nextval('orders_id_seq') > max(id) from orders"), "t\n");
	assert_int_equal(pair.n_tables, 6);
	for (size_t i = 0; i < pair.n_tables; i++) {
		assert_null(pair.tables[i].rests_on);
		assert_true(pair.tables[i].bytes > 0);
		assert_true(labs((long)(pair.tables[i].rows - pair.tables[i].rows_of_env)) * 100 <= pair.tables[i].rows_of_env);
	}
	pair_end(&pair);
}

static const char awkward_schema[] =
	"create extension btree_gist; create extension citext;"
	"create schema \"Odd Names\"; create type pair as (a int, b text); create type \"Odd Names\".\"Mood\" as enum ('glad', 'sad');"
	"create domain zip as text check (value ~ '^[a-z]{5}$');"
	"create table \"Odd Names\".\"Order\" (\"Id\" int primary key, \"select\" \"Odd Names\".\"Mood\" not null, p pair not null, q point not null,"
	"  r xml, v bit(5) not null, w macaddr not null, x tsvector, y int4range not null, z time not null, i interval not null, c citext not null unique,"
	"  n numeric not null, f float4, e \"Odd Names\".\"Mood\"[], b bytea not null, d zip not null, \"char\" \"char\");"
	"create table rooms (id int primary key);"
	"create table bookings (id serial primary key, room int not null references rooms, during tstzrange not null,"
	"  exclude using gist (room with =, during with &&));"
	"create table tenants (id int primary key);"
	"create table people (tenant_id int references tenants, id bigint, boss bigint, primary key (tenant_id, id),"
	"  foreign key (tenant_id, boss) references people (tenant_id, id));"
	"create table teams (tenant_id int references tenants, id bigint, primary key (tenant_id, id));"
	"create table places (tenant_id int not null, person bigint not null, team bigint, foreign key (tenant_id, person) references people,"
	"  foreign key (tenant_id, team) references teams);"
	"create table events (id bigint generated always as identity, at timestamptz not null, person bigint, tenant_id int, payload text,"
	"  primary key (id, at), foreign key (tenant_id, person) references people) partition by range (at);"
	"create table events_1 partition of events for values from ('2023-01-01') to ('2023-02-01');"
	"create table events_2 partition of events for values from ('2023-02-01') to ('2023-03-01');"
	"create index on events (payload);"
	"create table notes (event_id bigint, event_at timestamptz, foreign key (event_id, event_at) references events (id, at));"
	"create table hashed (id int primary key, t text) partition by hash (id);"
	"create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);"
	"create table hashed_1 partition of hashed for values with (modulus 2, remainder 1);"
	"create table listed (k text not null, n int) partition by list (k);"
	"create table listed_a partition of listed for values in ('a', 'b'); create table listed_d partition of listed default;"
	"create table kinds (id int primary key, name text not null); insert into kinds values (7, 'seven'), (9, 'nine'), (40, 'forty');"
	"create table things (id int primary key, kind int not null references kinds, mail text check (mail ~ '^[^@]+@[^@]+\\.[a-z]+$'),"
	"  url text not null check (url like 'https://%'), a int, b int, check (a + b = 10), check (upper(mail) <> mail), x int, y int, check (x < y),"
	"  g int generated always as (a * 2) stored, live boolean not null, slot int not null);"
	"create unique index things_slot on things (slot) where live; create unique index things_mail on things (lower(mail));"
	"create table a (id int primary key, b int); create table b (id int primary key references a); alter table a add foreign key (b) references b;"
	"create table nothing (); create table empty (id int primary key); create table of_empty (id int references empty);";

static const char awkward_rows[] =
	"insert into \"Odd Names\".\"Order\" select i, 'glad', '(1,x)', point(1, 2), '<a/>', b'10101', '08:00:2b:01:02:03', 'a b', int4range(i, i + 1),"
	"  '10:00'::time + i * interval '1 s', i * interval '1 h', 'c' || i, i * 1.5, i, array['sad']::\"Odd Names\".\"Mood\"[], '\\x0102030405', 'abcde', 'x' from generate_series(1, 3000) i;"
	"insert into rooms select generate_series(1, 20);"
	"insert into bookings (room, during) select 1 + i % 20, tstzrange('2023-01-01'::timestamptz + i * interval '1 h', '2023-01-01'::timestamptz + (i + 1) * interval '1 h') from generate_series(1, 4000) i;"
	"insert into tenants select generate_series(1, 30);"
	"insert into people select 1 + i % 30, i, case when i > 30 then i - 30 end from generate_series(1, 5000) i;"
	"insert into teams select 1 + i % 30, i from generate_series(1, 300) i;"
	"insert into places select 1 + i % 30, i, 30 + i % 30 from generate_series(1, 4000) i;"
	"insert into events (at, person, tenant_id, payload) select '2023-01-01'::timestamptz + i * interval '5 min', 1 + i % 5000, 1 + (1 + i % 5000) % 30, repeat('p', 50) || i from generate_series(1, 12000) i;"
	"insert into notes select id, at from events where id < 5000;"
	"insert into hashed select i, 't' || i from generate_series(1, 5000) i;"
	"insert into listed select chr(97 + i % 3), i from generate_series(1, 3000) i;"
	"insert into things (id, kind, mail, url, a, b, x, y, live, slot) select i, (array[7, 9, 40])[1 + i % 3], 'user' || i || '@example.com', 'https://example.org/' || i, i % 10, 10 - i % 10, i, i + 5, i % 2 = 0, i from generate_series(1, 2000) i;"
	"insert into a select i from generate_series(1, 500) i; insert into b select i from generate_series(1, 400) i; update a set b = 1 + id % 400;";

// Whatever the schema, it is filled, and what is valid in the clone is true.
static void awkward_schemas_are_filled(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct pair pair = pair_make(arena, awkward_schema, awkward_rows, 1);
	assert_int_equal(pair.n_notes, 2); // a + b = 10 is no form that is known
	assert_non_null(strstr(pair.notes[0], "CHECK things_check of public.things is not valid"));
	assert_non_null(strstr(pair.notes[1], "\"nothing\" stays empty"));
	for (size_t i = 0; i < pair.n_tables; i++) {
		if (strcmp(pair.tables[i].name, "public.\"nothing\"") != 0 && strcmp(pair.tables[i].name, "public.nothing") != 0)
			assert_near("rows", pair.tables[i].name, (double)pair.tables[i].rows_of_env, (double)pair.tables[i].rows,
			            (double)pair.tables[i].rows_of_env * 0.03); // by hash they fall as they fall
	}
	assert_string_equal(answer(arena, pair.clone, "select conname from pg_constraint where not convalidated"), "things_check\n");
	validate_all(arena, pair.clone);
	run(pair.clone, "update pg_constraint set convalidated = true");
	assert_string_equal(answer(arena, pair.clone, "select string_agg(name, ' ' order by id) from kinds"), "seven nine forty\n");
	assert_string_equal(answer(arena, pair.clone, "select count(distinct kind), min(kind), max(kind) from things"), "3|7|40\n");
	pair_end(&pair);
}

// Definitions, OIDs and all are what they were.
static void nothing_is_altered(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct pair pair = pair_make(arena, awkward_schema, awkward_rows, 0.2);
	run(pair.clone, "update pg_constraint set convalidated = true");
	assert_string_equal(pair.before, answer(arena, pair.clone, definitions));
	pair_end(&pair);
}

// Without an environment: every table gets the rows that were asked for, and says what that rests on; the version table stays.
static void without_statistics(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *conninfo;
	PGconn *any = connect_to(arena, "template1", &conninfo);
	run(any, "set client_min_messages = warning");
	run(any, "drop database if exists clone");
	run(any, "create database clone");
	PQfinish(any);
	PGconn *clone = connect_to(arena, "clone", &conninfo);
	run(clone, shop_schema);
	run(clone, "create table versions (version text primary key)");
	struct clone_table *tables;
	const char **notes;
	size_t n_tables, n_notes;
	struct err err = { 0 };
	const struct fill_request request = { .conninfo = conninfo, .scale = 1, .rows_default = 700, .n_connections = 2, .version_table = "public.versions" };
	assert_int_equal(fill_estimate(&request), -1);
	if (!fill(arena, &request, &tables, &n_tables, &notes, &n_notes, &err))
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(n_tables, 7);
	for (size_t i = 0; i < n_tables; i++) {
		assert_int_equal(tables[i].rows, strcmp(tables[i].name, "public.versions") == 0 ? 0 : 700);
		assert_int_equal(tables[i].rows_of_env, -1);
		assert_string_equal(tables[i].rests_on, "no environment");
	}
	validate_all(arena, clone);
	const char *once = answer(arena, clone, "select md5(string_agg(u::text, '' order by id)) from users u");
	run(clone, "set client_min_messages = warning");
	run(clone, "truncate tenants cascade");
	assert_true(fill(arena, &request, &tables, &n_tables, &notes, &n_notes, &err));
	assert_string_equal(once, answer(arena, clone, "select md5(string_agg(u::text, '' order by id)) from users u"));
	PQfinish(clone);
}

// A role that may only CONNECT sees rows and pages: the clone is as large, and says what that rests on.
static void widths_come_from_pages(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *conninfo;
	PGconn *any = connect_to(arena, "template1", &conninfo);
	run(any, "set client_min_messages = warning");
	run(any, "drop database if exists clone");
	run(any, "create database clone");
	PQfinish(any);
	PGconn *clone = connect_to(arena, "clone", &conninfo);
	run(clone, "create table t (id bigint primary key, a text, b text, n int)");
	struct table_statistics table = { .schema = "public", .name = "t", .rows = 5000, .pages = 400, .bytes = 400 * 8192 + 131072 };
	const struct statistics statistics = { .tables = &table, .n_tables = 1, .major = 15 };
	struct clone_table *tables;
	const char **notes;
	size_t n_tables, n_notes;
	struct err err = { 0 };
	const struct fill_request request = { .conninfo = conninfo, .statistics = &statistics, .scale = 0.5, .n_connections = 1 };
	if (!fill(arena, &request, &tables, &n_tables, &notes, &n_notes, &err))
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(n_tables, 1);
	assert_int_equal(tables[0].rows, 2500);
	assert_int_equal(tables[0].rows_of_env, 5000);
	assert_non_null(strstr(tables[0].rests_on, "relpages"));
	assert_near("pages", "t", 200, strtod(answer(arena, clone, "select relpages from pg_class where relname = 't'"), NULL), 20);
	PQfinish(clone);
}

// What the migrations are going to add must not fail because of rows that were made up without it; but where the environment's
// own rows would make it fail, so do those.
static void what_is_ahead_is_satisfied(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const ahead[] = {
		"BEGIN", "ALTER TABLE child ADD CONSTRAINT child_fk FOREIGN KEY (parent) REFERENCES parent (id) NOT VALID", "COMMIT",
		"this is no statement", "VACUUM", "ALTER TABLE child VALIDATE CONSTRAINT child_fk", "COPY parent FROM stdin",
		"CREATE UNIQUE INDEX CONCURRENTLY child_code ON child (code)", "CREATE UNIQUE INDEX child_pair ON child (kind, n)",
		"CREATE UNIQUE INDEX child_kind ON child (kind)", "ALTER TABLE child ADD CONSTRAINT child_rate_ck CHECK (rate BETWEEN 5 AND 9)",
		"ALTER TABLE child ADD COLUMN late int REFERENCES parent", "CREATE TABLE other (id int PRIMARY KEY)",
		"ALTER TABLE child ADD FOREIGN KEY (n) REFERENCES other", "DROP TABLE parent CASCADE", NULL,
	};
	struct pair pair = pair_make_ahead(arena,
		"create table parent (id bigint primary key, note text); create table child (id int primary key, parent bigint, code text, kind text, n int, rate int)",
		"insert into parent select i * 7919, 'x' from generate_series(1, 2000) i;"
		"insert into child select i, 1 + i % 2000 * 7919, 'c' || i, 'k' || i % 5, i, 5 + i % 5 from generate_series(1, 20000) i", 1, ahead);
	assert_string_equal(answer(arena, pair.clone, definitions), pair.before); // it was rolled back
	static const size_t succeed[] = { 1, 5, 7, 8, 10 };
	for (size_t i = 0; i < sizeof succeed / sizeof *succeed; i++)
		run(pair.clone, ahead[succeed[i]]);
	auto_pgresult refused = PQexec(pair.clone, ahead[9]); // five kinds in 20,000 rows
	assert_string_equal(PQresultErrorField(refused, PG_DIAG_SQLSTATE), "23505");
	assert_string_equal(answer(arena, pair.clone, "select count(*) > 1900 from (select distinct parent from child) x"), "t\n");
	pair_end(&pair);
}

// Materialized views are filled where the environment's are; long values that the statistics do not count are owned up to.
static void views_are_filled(void **state)
{
	(void)state;
	static const char schema[] =
		"create table docs (id int primary key, kind int not null, body text); alter table docs alter body set storage external;"
		"create materialized view per_kind as select kind, count(*) from docs group by 1; create view kinds as select kind from per_kind;"
		"create materialized view n_kinds as select count(*) from kinds; create materialized view later as select id from docs with no data;"
		"create materialized view dropped as select id from docs;"
		"create materialized view broken as select 1 / (count(*) - 1500) from docs;";
	static const char rows[] =
		"insert into docs select i, i % 5, repeat('x', 4000) from generate_series(1, 1500) i; insert into docs values (0, 1, '');"
		"refresh materialized view per_kind; refresh materialized view n_kinds; refresh materialized view dropped with no data;"
		"refresh materialized view broken; delete from docs where id = 0;";
	auto_arena arena = arena_new();
	struct pair pair = pair_make(arena, schema, rows, 1);
	assert_string_equal(answer(arena, pair.clone, "select relname, relispopulated, reltuples > 0 from pg_class where relkind = 'm' order by 1"),
	                    "broken|t|f\ndropped|f|f\nlater|f|f\nn_kinds|t|t\nper_kind|t|t\n");
	assert_string_equal(answer(arena, pair.clone, "select count(*) from n_kinds"), "1\n");
	assert_int_equal(pair.n_notes, 2);
	assert_non_null(strstr(pair.notes[0], "public.broken is empty in the clone: division by zero"));
	assert_non_null(strstr(pair.notes[1], "long values of public.docs, 7 MB stored out of line"));
	pair_end(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shop_is_like_its_source), cmocka_unit_test(awkward_schemas_are_filled),
		cmocka_unit_test(nothing_is_altered), cmocka_unit_test(without_statistics),
		cmocka_unit_test(widths_come_from_pages), cmocka_unit_test(what_is_ahead_is_satisfied), cmocka_unit_test(views_are_filled),
	};
	int missing = postgresql_missing();
	if (missing != 0)
		return missing;
	test_folder_make();
	struct scratch_settings settings = { 0 };
	struct err err = { 0 };
	scratch = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	if (scratch == NULL)
		fprintf(stderr, "%s\n", err.text);
	int failed = scratch == NULL || cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close(scratch);
	test_folder_remove();
	return failed;
}
