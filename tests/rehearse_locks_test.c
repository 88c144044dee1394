// SPDX-License-Identifier: PostgreSQL
// What statements lock, rewrite and read, measured on a real server and held against the known facts (rehearse_locks_rows.h): each
// is one statement on a fresh schema. The strongest lock on every table and view that was there before must be the known one, and so
// every lock on an index or a sequence that anybody could wait for; no other. Rows read are exact: they tell how often a table is
// read. DRIFTCHECK_TEST_BINDIR: the server's binaries; by default those that are found (scripts/matrix.sh asks every major).
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/buf.h"
#include "introspect/pg.h"
#include "rehearse/measure/measure.h"
#include "rehearse/verdict.h"
#include "tests/scratch_env.h"

static const char base_schema[] =
	"set client_min_messages to warning; drop schema if exists x cascade; create schema x; set search_path to x;"
	"create type mood as enum ('a', 'b'); create domain plain_domain as int; create domain checked_domain as int check (value > 0);"
	"create domain default_domain as int default 5;"
	"create function volatile_number() returns int language plpgsql as 'begin return 1; end';"
	"create function stable_number() returns int stable language plpgsql as 'begin return 1; end';"
	"create table p (id int primary key, k int);"
	"create table t (id int primary key, p int, v varchar(20), n numeric(10,2), ts timestamp, c int, e mood default 'a', txt text, d checked_domain);"
	"create table child (id int primary key, p int references p, w int);"
	"create table pc (id int primary key); create table cascaded (p int references pc on delete cascade);"
	"create table part (id int not null, w int, at date not null) partition by range (at);"
	"create table part_1 partition of part for values from ('2024-01-01') to ('2025-01-01');"
	"create table part_default partition of part default;"
	"create table part_new (id int not null, w int, at date not null);"
	"create table lp (id int, w int) partition by list (w); create table lp_1 partition of lp for values in (1);"
	"create table lp_2 partition of lp for values in (2); create table lp_new (id int, w int);"
	"create table ip (id int); create table ic () inherits (ip); create table loose (id int);"
	"create table bare (a int not null, b int); create table ruled (id int); create rule r as on delete to ruled do nothing;"
	"create table gen (id int generated always as identity primary key, k int, g int generated always as (k * 2) stored);"
	"create table fp (code varchar(20) primary key); create table fc (code varchar(20) references fp);"
	"create table ty (id int primary key, i int, b bigint, f real, nu numeric(10,2), vc varchar(20), ex varchar(20), pa varchar(20),"
	" ck varchar(20) check (ck <> 'z'), tx text, ch char(5), e mood, et text, j json, jb jsonb, ia int[], va varchar(20)[], ci cidr, n4 inet,"
	" pd plain_domain, cd checked_domain, ts timestamp, tz timestamptz, ts0 timestamp, ts3 timestamp(3), ti time(3), iv interval(3), vb varbit(10));"
	"create sequence s; create table numbered (id int default nextval('s'));"
	"create index t_c on t (c); create index t_v_upper on t (upper(v)); create index t_ts on t (ts);"
	"create index ty_vc on ty (vc); create index ty_ex on ty (upper(ex)); create index ty_pa on ty (id) where pa <> 'z';"
	"create index ty_ts on ty (ts); create index ty_tz on ty (tz);"
	"create view w as select id, v from t; create materialized view mv as select id, c from t; create unique index mv_id on mv (id);"
	"create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger tr before insert on t for each row execute function f();"
	"insert into p select g, g from generate_series(1, 200) g;"
	"insert into t select g, g % 200 + 1, 'v' || g, g, '2024-01-01', g, 'a', 'x', 1 from generate_series(1, 2000) g;"
	"insert into child select g, g % 200 + 1, g from generate_series(1, 2000) g;"
	"insert into pc select generate_series(1, 50); insert into cascaded select g % 50 + 1 from generate_series(1, 2000) g;"
	"insert into part select g, 1, '2024-02-01' from generate_series(1, 500) g; insert into part_default select g, 1, '2030-01-01' from generate_series(1, 500) g;"
	"insert into part_new select g, 1, '2025-02-01' from generate_series(1, 500) g;"
	"insert into lp select g % 200 + 1, g % 2 + 1 from generate_series(1, 500) g; insert into lp_new select g % 200 + 1, 3 from generate_series(1, 500) g;"
	"insert into bare select g, g from generate_series(1, 500) g; insert into gen (k) select generate_series(1, 500);"
	"insert into fp select 'c' || g from generate_series(1, 200) g; insert into fc select code from fp;"
	"insert into ty select g, g, g, g, g, 'v', 'v', 'v', 'v', 'v', 'v', 'a', 'a', '1', '1', '{1}', '{v}', '10.0.0.0/8', '10.0.0.0/8', 1, 1,"
	" '2024-01-01', '2024-01-01', '2024-01-01', '2024-01-01', '10:00', '1 h', B'1' from generate_series(1, 500) g;"
	"refresh materialized view mv; analyze;";

#define T_INDEXES "t_pkey:AX t_c:AX t_v_upper:AX t_ts:AX"

enum { SMALL = 60 }; // rows of a table that is read whole because it is so small

static const struct row {
	const char *sql;
	const char *locks;    // "t:AX p:SRX": relations of schema x, modes by their initials; "SUX|AX": either; "-": any or none
	const char *rewrites; // "t"; NULL: none
	long long rows_read;  // by scans: t and child have 2000, p and fp 200, the others 500; each index that is built reads once more
	int since, until;     // the first and the last major that has it so; 0: all
	const char *before;   // runs before it, unmeasured
	const char *setting;  // of its own session
	const char *after;    // cleans up what is in no schema
	const char *holds;    // what another client does in a transaction that it keeps until the statement waits: what is over in a
	                      // moment is seen so
	const char *fails;    // with this SQLSTATE; what it locks then is not looked at
} rows[] = {
#include "tests/rehearse_locks_rows.h"
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static struct scratch *server;
static struct scratch_settings settings;

static const char *initials(const char *mode)
{
	static const struct { const char *mode, *initials; } table[] = {
		{ "AccessShareLock", "AS" }, { "RowShareLock", "RS" }, { "RowExclusiveLock", "RX" }, { "ShareUpdateExclusiveLock", "SUX" },
		{ "ShareLock", "S" }, { "ShareRowExclusiveLock", "SRX" }, { "ExclusiveLock", "X" }, { "AccessExclusiveLock", "AX" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(table[i].mode, mode) == 0)
			return table[i].initials;
	}
	return "?";
}

// The modes that a row lists for a relation, up to the next blank; NULL: it lists none.
static const char *listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = list; at != NULL && *at != '\0'; at += strspn(at, " ")) {
		if (strncmp(at, name, length) == 0 && at[length] == ':')
			return at + length + 1;
		at += strcspn(at, " ");
	}
	return NULL;
}

// Whether a mode is one of "AX|SUX".
static bool is_one_of(const char *modes, const char *mode)
{
	size_t length = strlen(mode);
	for (const char *at = modes; *at != '\0' && *at != ' '; at += *at == '|') {
		size_t next = strcspn(at, "| ");
		if (next == length && strncmp(at, mode, length) == 0)
			return true;
		at += next;
	}
	return false;
}

// A relation's name as the rows have it.
static const char *short_name(const char *relation)
{
	return strncmp(relation, "x.", 2) == 0 ? relation + 2 : relation;
}

// The strongest mode of a step's locks on a relation; NULL: none.
static const char *measured_mode(const struct step *step, const char *name)
{
	static const char *const ascending[] = { "AS", "RS", "RX", "SUX", "S", "SRX", "X", "AX" };
	for (size_t m = sizeof ascending / sizeof *ascending; m-- > 0;) {
		for (size_t i = 0; i < step->n_locks; i++) {
			if (strcmp(short_name(step->locks[i].relation), name) == 0 && strcmp(initials(step->locks[i].mode), ascending[m]) == 0)
				return ascending[m];
		}
	}
	return NULL;
}

// What is wrong with the locks, given the relations that were there before: name, kind, an index's table. An index goes with its table
// where that one is locked as strongly; the planner and the executor look at indexes at will; and what happens to them in
// transactions of their own is over too soon to be counted on.
static void compare_locks(struct buf *wrong, const struct row *row, const struct step *step, const PGresult *relations)
{
	for (int i = 0; i < PQntuples(relations); i++) {
		const char *name = PQgetvalue(relations, i, 0), *kind = PQgetvalue(relations, i, 1), *of = PQgetvalue(relations, i, 2);
		bool table = strchr("rpvm", *kind) != NULL;
		const char *wanted = listed(row->locks, name), *mode = measured_mode(step, name), *of_table = measured_mode(step, of);
		bool with_table = of_table != NULL && strcmp(of_table, "AX") == 0;
		bool goes_along = mode != NULL && !table && (row->holds != NULL || with_table || is_one_of("AS|RS|RX", mode));
		if (wanted != NULL && *wanted != '-' && (mode == NULL || !is_one_of(wanted, mode)))
			buf_addf(wrong, " %s: %s instead of %.*s;", name, mode == NULL ? "nothing" : mode, (int)strcspn(wanted, " "), wanted);
		if (wanted == NULL && mode != NULL && !goes_along)
			buf_addf(wrong, " unexpected %s:%s;", name, mode);
	}
}

// What is wrong with a measured step; an empty text: nothing.
static void compare(struct buf *wrong, const struct row *row, const struct step *step, const PGresult *relations)
{
	if (row->fails != NULL) {
		if (step->error == NULL || strcmp(step->sqlstate, row->fails) != 0)
			buf_addf(wrong, " %s %s;", step->error == NULL ? "works" : step->sqlstate, step->error == NULL ? "" : step->error);
		return;
	}
	if (step->error != NULL) {
		buf_addf(wrong, " %s;", step->error);
		return;
	}
	compare_locks(wrong, row, step, relations);
	const char *rewrites = row->rewrites == NULL ? "" : row->rewrites;
	for (size_t i = 0; i < step->n_rewrites; i++) {
		if (strcmp(short_name(step->rewrites[i]), rewrites) != 0)
			buf_addf(wrong, " rewrites %s;", step->rewrites[i]);
	}
	if (step->n_rewrites == 0 && *rewrites != '\0')
		buf_addf(wrong, " does not rewrite %s;", rewrites);
	if (step->rows_read < row->rows_read || step->rows_read > row->rows_read + SMALL)
		buf_addf(wrong, " reads %lld rows;", step->rows_read);
}

// Holds what it has until somebody waits and the watch has looked at that twice.
static void *hold_up(void *argument)
{
	PGconn *conn = argument;
	static const char waits[] = "select exists (select from pg_locks where not granted)",
	                  looked[] = "select query_start from pg_stat_activity where application_name = 'driftcheck watch'";
	auto_pgconn side = PQconnectdb(scratch_conninfo(server, true));
	for (bool waited = false; !waited && PQstatus(side) == CONNECTION_OK;) {
		auto_pgresult result = PQexec(side, waits);
		waited = PQresultStatus(result) != PGRES_TUPLES_OK || PQgetvalue(result, 0, 0)[0] == 't';
	}
	char last[64] = "";
	for (int n = 0; n < 3 && PQstatus(side) == CONNECTION_OK;) {
		auto_pgresult result = PQexec(side, looked);
		if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
			break;
		n += strcmp(last, PQgetvalue(result, 0, 0)) != 0;
		snprintf(last, sizeof last, "%s", PQgetvalue(result, 0, 0));
	}
	PQclear(PQexec(conn, "commit"));
	return NULL;
}

static bool prepare(PGconn *conn, const char *sql, struct buf *wrong)
{
	auto_pgresult result = sql == NULL ? NULL : PQexec(conn, sql);
	if (sql == NULL || PQresultStatus(result) != PGRES_FATAL_ERROR)
		return true;
	buf_addf(wrong, " %s", PQerrorMessage(conn));
	return false;
}

static const char relations_sql[] =
	"select c.relname, c.relkind, t.relname from pg_class c left join pg_index i on i.indexrelid = c.oid "
	"left join pg_class t on t.oid = i.indrelid where c.relnamespace = 'x'::regnamespace and c.relkind <> 'c'";

static bool run_row(struct arena *arena, const struct row *row, struct buf *wrong)
{
	struct err err = { 0 };
	const char *superuser = scratch_conninfo(server, true);
	auto_pgconn conn = PQconnectdb(superuser);
	if (!prepare(conn, base_schema, wrong) || !prepare(conn, row->before, wrong))
		return false;
	auto_pgresult relations = PQexec(conn, relations_sql);
	auto_pgconn holder = row->holds == NULL ? NULL : PQconnectdb(superuser);
	pthread_t thread;
	struct measure *measure = measure_open(arena, superuser, superuser, &err);
	struct step setting = { 0 }, step = { 0 };
	bool ok = measure != NULL && measure_step(measure, "set search_path to x", &setting, &err) &&
	          (row->setting == NULL || measure_step(measure, row->setting, &setting, &err));
	bool held = ok && row->holds != NULL;
	if (held && (!prepare(holder, "set search_path to x; begin", wrong) || !prepare(holder, row->holds, wrong) ||
	             pthread_create(&thread, NULL, hold_up, holder) != 0))
		return false;
	ok = ok && measure_step(measure, row->sql, &step, &err);
	if (held)
		pthread_join(thread, NULL);
	if (measure != NULL)
		ok = measure_close(measure, &err) && ok;
	if (!ok)
		buf_adds(wrong, err.text);
	else
		compare(wrong, row, &step, relations);
	prepare(conn, row->after, wrong);
	return wrong->length == 0;
}

// What lies in no schema: another tablespace (beside the server's files, which are its user's), another kind of table.
static bool prepare_server(void)
{
	auto_buf wrong = BUF_INIT, tablespace = BUF_INIT;
	auto_pgconn conn = PQconnectdb(scratch_conninfo(server, true));
	auto_pgresult folder = PQexec(conn, "show data_directory");
	if (PQresultStatus(folder) == PGRES_TUPLES_OK)
		buf_addf(&tablespace, "create tablespace other location '%s/other'", PQgetvalue(folder, 0, 0));
	bool ok = prepare(conn, "set client_min_messages to error", &wrong) &&
	          prepare(conn, "copy (select) to program 'mkdir other'", &wrong) && prepare(conn, tablespace.data, &wrong) &&
	          prepare(conn, "create access method other_heap type table handler heap_tableam_handler", &wrong);
	if (!ok)
		print_message("%s\n", wrong.data);
	return ok;
}

static void statements_lock_as_known(void **state)
{
	(void)state;
	size_t n_wrong = 0;
	assert_true(prepare_server());
	for (size_t i = 0; i < N_ROWS; i++) {
		auto_arena arena = arena_new();
		auto_buf wrong = BUF_INIT;
		int major = scratch_major(server);
		if (rows[i].since <= major && (rows[i].until == 0 || rows[i].until >= major) && !run_row(arena, &rows[i], &wrong)) {
			print_message("%s:%s\n", rows[i].sql, wrong.data);
			n_wrong++;
		}
	}
	assert_int_equal(n_wrong, 0);
}

// A lock that is taken early is held to the end of its transaction, and a stronger one of the same relation is a lock of its own.
static void locks_are_held_to_the_end(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err = { 0 };
	const char *superuser = scratch_conninfo(server, true);
	auto_pgconn conn = PQconnectdb(superuser);
	PQclear(PQexec(conn, base_schema));
	static const char *const statements[] = { "set search_path to x", "begin", "lock table t in share mode", "select 1",
	                                          "alter table t add column a int", "commit", "select 1" };
	enum { N = sizeof statements / sizeof *statements };
	struct step steps[N] = { 0 };
	struct measure *measure = measure_open(arena, superuser, superuser, &err);
	assert_non_null(measure);
	for (size_t i = 0; i < N; i++)
		assert_true(measure_step(measure, statements[i], &steps[i], &err));
	assert_true(measure_close(measure, &err));
	assert_int_equal(steps[2].n_locks, 1);
	assert_string_equal(steps[2].locks[0].mode, "ShareLock");
	assert_string_equal(steps[4].locks[0].mode, "AccessExclusiveLock");
	assert_int_equal(steps[2].transaction, steps[4].transaction);
	assert_true(steps[6].transaction != steps[4].transaction);
	assert_true(steps[2].locks[0].held_ms >= steps[4].locks[0].held_ms);
	assert_int_equal(steps[6].n_locks, 0);
}

int main(void)
{
	int missing = postgresql_missing();
	if (missing != 0)
		return missing;
	test_folder_make();
	struct err err;
	settings.bindir = getenv("DRIFTCHECK_TEST_BINDIR");
	server = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	if (server == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	const struct CMUnitTest tests[] = { cmocka_unit_test(statements_lock_as_known), cmocka_unit_test(locks_are_held_to_the_end) };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_close(server);
	test_folder_remove();
	return failed;
}
