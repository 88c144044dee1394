// SPDX-License-Identifier: PostgreSQL
// What statements lock, rewrite and scan, measured on a real server and held against the known facts: each row is one statement on a
// fresh schema. A lock that is not listed and that makes a writer wait is a failure, as is one that is listed and not measured.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/buf.h"
#include "introspect/pg.h"
#include "rehearse/measure.h"
#include "rehearse/verdict.h"
#include "tests/scratch_env.h"

static const char base_schema[] =
	"set client_min_messages to warning; drop schema if exists x cascade; create schema x; set search_path to x;"
	"create type mood as enum ('a', 'b'); create domain plain_domain as int; create domain checked_domain as int check (value > 0);"
	"create table p (id int primary key, k int);"
	"create table t (id int primary key, p int, v varchar(20), n numeric(10,2), ts timestamp, c int, e mood default 'a', txt text, d checked_domain);"
	"create table child (id int primary key, p int references p, w int);"
	"create table part (id int not null, at date not null) partition by range (at);"
	"create table part_1 partition of part for values from ('2024-01-01') to ('2025-01-01');"
	"create table part_default partition of part default;"
	"create table part_new (id int not null, at date not null);"
	"create sequence s;"
	"create index t_c on t (c); create index t_v_upper on t (upper(v)); create index t_ts on t (ts);"
	"create view w as select id, v from t; create materialized view mv as select id, c from t; create unique index mv_id on mv (id);"
	"create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger tr before insert on t for each row execute function f();"
	"insert into p select g, g from generate_series(1, 200) g;"
	"insert into t select g, g % 200 + 1, 'v' || g, g, '2024-01-01', g, 'a', 'x', 1 from generate_series(1, 2000) g;"
	"insert into child select g, g % 200 + 1, g from generate_series(1, 2000) g;"
	"insert into part select g, '2024-02-01' from generate_series(1, 500) g; insert into part_default select g, '2030-01-01' from generate_series(1, 500) g;"
	"insert into part_new select g, '2025-02-01' from generate_series(1, 500) g;"
	"refresh materialized view mv; analyze;";

enum { NO, SCAN };

static const struct row {
	const char *sql;
	const char *locks;    // "t:AX p:SRX": relations of schema x, modes by their initials
	const char *rewrites; // "t"; "": none
	int scan;             // SCAN: rows of a table were read
	int since;            // the first major that has the statement; 0: all
	const char *before;   // runs before it, unmeasured
	bool held_up;         // another client holds a lock on t until the statement waits: so that what is over in a moment is seen
} rows[] = {
	// columns
	{ "alter table t add column a int", "t:AX", "", NO },
	{ "alter table t add column if not exists c int", "t:AX", "", NO },
	{ "alter table t add column a int not null default 5", "t:AX", "", NO },
	{ "alter table t add column a timestamptz default now()", "t:AX", "", NO },
	{ "alter table t add column a float default random()", "t:AX", "t", SCAN },
	{ "alter table t add column a bigserial", "t:AX", "t", SCAN },
	{ "alter table t add column a int generated always as identity", "t:AX", "t", SCAN },
	{ "alter table t add column a int generated always as (id * 2) stored", "t:AX", "t", SCAN },
	{ "alter table t add column a checked_domain", "t:AX", "t", SCAN },
	{ "alter table t add column a plain_domain", "t:AX", "", NO },
	{ "alter table t add column a int check (a > 0)", "t:AX", "", SCAN },
	{ "alter table t add column a int unique", "t:AX", "", SCAN },
	{ "alter table t add column a int references p", "t:AX p:SRX", "", NO },
	{ "alter table t add column a int default 1 references p", "t:AX p:SRX", "", SCAN },
	{ "alter table t drop column c", "t:AX", "", NO, .before = "drop materialized view mv" },
	{ "alter table child drop column p", "child:AX p:AX", "", NO },
	{ "alter table t alter c set default 3", "t:AX", "", NO },
	{ "alter table t alter c set statistics 500", "t:SUX", "", NO },
	{ "alter table t alter txt set storage external", "t:AX", "", NO },
	{ "alter table t alter txt set compression pglz", "t:AX", "", NO, .since = 14 },
	// not null
	{ "alter table t alter c set not null", "t:AX", "", SCAN },
	{ "alter table t alter c set not null", "t:AX", "", NO, .before = "alter table t add constraint k check (c is not null)" },
	{ "alter table t alter c set not null", "t:AX", "", SCAN, .before = "alter table t add constraint k check (c is not null) not valid" },
	{ "alter table t alter c set not null, drop constraint k", "t:AX", "", SCAN, .before = "alter table t add constraint k check (c is not null)" },
	{ "alter table t alter p drop not null", "t:AX", "", NO },
	{ "alter table t add constraint k not null c", "t:AX", "", SCAN, .since = 18 },
	{ "alter table t add constraint k not null c not valid", "t:AX", "", NO, .since = 18 },
	// check
	{ "alter table t add constraint k check (c > 0)", "t:AX", "", SCAN },
	{ "alter table t add constraint k check (c > 0) not valid", "t:AX", "", NO },
	{ "alter table t validate constraint k", "t:SUX", "", SCAN, .before = "alter table t add constraint k check (c > 0) not valid" },
	{ "alter table t add constraint k check (c > 0) not valid, validate constraint k", "t:AX", "", SCAN },
	{ "alter table t drop constraint k", "t:AX", "", NO, .before = "alter table t add constraint k check (c > 0)" },
	// foreign keys
	{ "alter table t add constraint k foreign key (p) references p", "t:SRX p:SRX", "", SCAN },
	{ "alter table t add constraint k foreign key (p) references p not valid", "t:SRX p:SRX", "", NO },
	{ "alter table t validate constraint k", "t:SUX p:RS", "", SCAN, .before = "alter table t add constraint k foreign key (p) references p not valid" },
	{ "alter table child drop constraint child_p_fkey", "child:AX p:AX", "", NO },
	{ "alter table child alter constraint child_p_fkey deferrable", "child:AX", "", NO },
	{ "create table fresh (id int primary key, p int references p)", "p:SRX", "", NO },
	{ "drop table child", "child:AX p:AX", "", NO },
	// unique, primary key
	{ "alter table t add constraint k unique (c)", "t:AX", "", SCAN },
	{ "alter table t add constraint k unique using index i", "t:AX", "", NO, .before = "create unique index i on t (c)" },
	{ "alter table p drop constraint p_pkey cascade", "p:AX child:AX", "", NO },
	// names, options
	{ "alter table t rename column c to cc", "t:AX", "", NO },
	{ "alter table t rename to tt", "t:AX", "", NO },
	{ "alter index t_c rename to t_cc", "t_c:SUX", "", NO },
	{ "alter table t set (fillfactor = 70)", "t:SUX", "", NO },
	{ "alter table t set (autovacuum_enabled = false)", "t:SUX", "", NO },
	{ "alter table t cluster on t_c", "t:SUX", "", NO },
	{ "alter table t set unlogged", "t:AX", "t", SCAN },
	// triggers, policies, inheritance
	{ "alter table t disable trigger tr", "t:SRX", "", NO },
	{ "alter table t enable row level security", "t:AX", "", NO },
	{ "create policy po on t using (true)", "t:AX", "", NO },
	{ "alter table t replica identity full", "t:AX", "", NO },
	{ "create trigger tr2 before update on t for each row execute function f()", "t:SRX", "", NO },
	{ "drop trigger tr on t", "t:AX", "", NO },
	{ "create rule r as on delete to t do nothing", "t:AX", "", NO },
	// types of columns
	{ "alter table t alter n type numeric(12,2)", "t:AX", "", NO },
	{ "alter table t alter n type numeric(12,3)", "t:AX", "t", SCAN },
	{ "alter table child alter w type bigint", "child:AX", "t child", SCAN },
	{ "alter table t alter txt type varchar(100)", "t:AX", "t", SCAN },
	{ "alter table child alter p type bigint", "child:AX p:AX", "child", SCAN },
	{ "alter table t alter e drop default", "t:AX", "", NO },
	// indexes
	{ "create index i on t (txt)", "t:S", "", SCAN },
	{ "create index if not exists t_c on t (c)", "t:S", "", NO },
	{ "drop index t_c", "t:AX t_c:AX", "", NO },
	{ "reindex index t_c", "t:S t_c:AX", "", SCAN },
	{ "create index i on part (id)", "part:S part_1:S part_default:S", "", SCAN },
	{ "create index i on only part (id)", "part:S", "", NO },
	// tables and partitions
	{ "create table part_3 partition of part for values from ('2026-01-01') to ('2027-01-01')", "part:AX part_default:AX", "", SCAN },
	{ "alter table part attach partition part_new for values from ('2025-01-01') to ('2026-01-01')", "part:SUX part_new:AX part_default:AX", "", SCAN },
	{ "drop table part_1", "part:AX part_1:AX part_default:AX", "", NO },
	{ "truncate t", "t:AX", "", NO },
	{ "lock table t in share mode", "t:S", "", NO },
	{ "cluster t using t_c", "t:AX", "t", SCAN },
	{ "analyze t", "t:SUX", "", NO },
	// views
	{ "refresh materialized view mv", "mv:AX", "", SCAN },
	{ "refresh materialized view concurrently mv", "mv:X", "", SCAN },
	{ "create or replace view w as select id, v, c from t", "w:AX", "", NO },
	{ "drop view w", "w:AX", "", NO },
	{ "create view w2 as select * from t", "", "", NO },
	// comments, statistics, types, sequences
	{ "comment on table t is 'x'", "t:SUX", "", NO },
	{ "create statistics st on c, p from t", "t:SUX", "", NO },
	{ "alter type mood add value 'c'", "", "", NO },
	{ "alter domain checked_domain add constraint k check (value < 1000)", "t:S", "", SCAN },
	{ "alter sequence s increment 5", "s:SRX", "", NO },
	// data
	{ "update t set txt = 'y'", "t:RX", "", SCAN },
	{ "insert into child values (100000, 1, 1)", "child:RX p:RS", "", NO },
	// in transactions of their own
	{ "create index concurrently i on t (txt)", "t:SUX", "", SCAN, .held_up = true },
	{ "vacuum t", "t:SUX", "", NO, .held_up = true },
	{ "vacuum full t", "t:AX", "t", SCAN, .held_up = true },
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

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = list; (at = strstr(at, word)) != NULL; at++) {
		if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
			return true;
	}
	return false;
}

// What is wrong with a measured step; an empty text: nothing. Indexes count where they are expected.
static void compare(struct buf *wrong, const struct row *row, const struct step *step)
{
	auto_buf measured = BUF_INIT;
	for (size_t i = 0; i < step->n_locks; i++) {
		const char *name = strncmp(step->locks[i].relation, "x.", 2) == 0 ? step->locks[i].relation + 2 : step->locks[i].relation;
		buf_addf(&measured, "%s%s:%s", measured.length > 0 ? " " : "", name, initials(step->locks[i].mode));
		bool made = false;
		for (size_t m = 0; m < step->n_made; m++)
			made |= strcmp(step->made[m], step->locks[i].relation) == 0;
		bool table = strstr(name, "_idx") != NULL ? false : strchr("pt", name[0]) != NULL ? strchr(name, '_') == NULL || strncmp(name, "part_", 5) == 0 : strcmp(name, "child") == 0;
		auto_buf word = BUF_INIT;
		buf_addf(&word, "%s:%s", name, initials(step->locks[i].mode));
		if (table && !made && lock_blocks(step->locks[i].mode, OPERATION_WRITE) && !has_word(row->locks, word.data))
			buf_addf(wrong, " unexpected %s;", word.data);
	}
	for (const char *at = row->locks; *at != '\0';) {
		size_t length = strcspn(at, " ");
		auto_buf word = BUF_INIT;
		buf_add(&word, at, length);
		if (!has_word(measured.data == NULL ? "" : measured.data, word.data))
			buf_addf(wrong, " lacks %s;", word.data);
		at += length + strspn(at + length, " ");
	}
	for (size_t i = 0; i < step->n_rewrites; i++) {
		if (!has_word(row->rewrites, step->rewrites[i] + 2))
			buf_addf(wrong, " rewrites %s;", step->rewrites[i]);
	}
	if (step->n_rewrites == 0 && *row->rewrites != '\0')
		buf_addf(wrong, " does not rewrite %s;", row->rewrites);
	if ((step->rows_read > 100) != (row->scan == SCAN))
		buf_addf(wrong, " reads %lld rows;", step->rows_read);
	if (step->error != NULL)
		buf_addf(wrong, " %s;", step->error);
	if (wrong->length > 0)
		buf_addf(wrong, " measured: %s", measured.data == NULL ? "no lock" : measured.data);
}

// Lets go when somebody waits for it.
static void *hold_up(void *argument)
{
	PGconn *conn = argument;
	for (bool waited = false; !waited && PQstatus(conn) == CONNECTION_OK;) {
		auto_pgresult result = PQexec(conn, "select exists (select from pg_locks where not granted)");
		waited = PQresultStatus(result) != PGRES_TUPLES_OK || PQgetvalue(result, 0, 0)[0] == 't';
	}
	PQclear(PQexec(conn, "select pg_sleep(0.05); commit"));
	return NULL;
}

static bool run_row(struct arena *arena, const struct row *row, struct buf *wrong)
{
	struct err err = { 0 };
	const char *superuser = scratch_conninfo(server, true);
	auto_pgconn conn = PQconnectdb(superuser);
	auto_pgresult made = PQexec(conn, base_schema);
	auto_pgresult before = row->before == NULL ? NULL : PQexec(conn, row->before);
	if (PQresultStatus(made) == PGRES_FATAL_ERROR || (row->before != NULL && PQresultStatus(before) == PGRES_FATAL_ERROR)) {
		buf_adds(wrong, PQerrorMessage(conn));
		return false;
	}
	auto_pgconn holder = row->held_up ? PQconnectdb(superuser) : NULL;
	pthread_t thread;
	struct measure *measure = measure_open(arena, superuser, superuser, &err);
	if (row->held_up) {
		PQclear(PQexec(holder, "begin; lock table x.t in share update exclusive mode"));
		if (pthread_create(&thread, NULL, hold_up, holder) != 0)
			return false;
	}
	struct step path = { 0 }, step = { 0 };
	bool ok = measure != NULL && measure_step(measure, "set search_path to x", &path, &err) && measure_step(measure, row->sql, &step, &err);
	if (row->held_up)
		pthread_join(thread, NULL);
	if (measure != NULL)
		ok = measure_close(measure, &err) && ok;
	if (!ok)
		buf_adds(wrong, err.text);
	else
		compare(wrong, row, &step);
	return wrong->length == 0;
}

static void statements_lock_as_known(void **state)
{
	(void)state;
	size_t n_wrong = 0;
	for (size_t i = 0; i < N_ROWS; i++) {
		auto_arena arena = arena_new();
		auto_buf wrong = BUF_INIT;
		if (rows[i].since <= scratch_major(server) && !run_row(arena, &rows[i], &wrong)) {
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
