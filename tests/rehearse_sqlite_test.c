// SPDX-License-Identifier: PostgreSQL
// Rehearsals on SQLite. What statements cost is held against the known facts in pages, which are the same in every run, and never in
// time; then the traps of rebuilding a table, locks by journal mode, and what must not happen to the environment's file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "rehearse/rehearse.h"
#include "rehearse/sqlite/clients.h"
#include "rehearse/sqlite/clone.h"
#include "tests/scratch_env.h"

#define ROWS(n) "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "

struct options {
	bool wal, foreign_keys, in_transaction, one_size;
	double lock_timeout_ms, long_transaction_s;
	long long rows; // 0: a copy
};

static char *path_in(struct arena *arena, const char *name)
{
	return arena_printf(arena, "%s/%s", test_folder, name);
}

static void write_file(const char *path, const char *text)
{
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static const char *make_database(struct arena *arena, const char *sql, bool wal)
{
	const char *path = path_in(arena, "env.db");
	remove(path);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, wal ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return path;
}

// `applied`: what the environment has, as a migration for made-up rows; NULL: none.
static struct rehearsal rehearse_sql(struct arena *arena, const char *path, const char *applied, const char *sql, struct options options)
{
	char *folder = path_in(arena, "migrations");
	mkdir(folder, 0755);
	write_file(arena_printf(arena, "%s/0001_was.up.sql", folder), applied == NULL ? "SELECT 1;" : applied);
	write_file(arena_printf(arena, "%s/0002_is.up.sql", folder), sql);
	const char *const folders[] = { folder, NULL };
	const struct migration_settings settings = { .no_transaction = !options.in_transaction };
	const struct scratch_settings scratch = { 0 };
	struct err err = { 0 };
	const struct migrations *set = migrations_load(arena, "", folders, "golang-migrate", &settings, &err);
	assert_non_null(set);
	const struct migration *was = &set->items[0], *is = &set->items[1];
	const struct rehearsal_request request = {
		.env = "test", .sqlite_path = path, .foreign_keys = options.foreign_keys, .set = set, .applied = &was, .n_applied = 1, .pending = &is,
		.n_pending = 1, .scale = 1, .rows = options.rows > 0 ? options.rows : -1, .one_size = options.one_size,
		.long_transaction_s = options.long_transaction_s, .thresholds = { .lock_timeout_ms = options.lock_timeout_ms }, .scratch = &scratch,
	};
	struct rehearsal rehearsal;
	if (!rehearse_sqlite(arena, &request, &rehearsal, &err))
		fail_msg("%s: %s", err.where, err.text);
	assert_int_equal(scratch_folders(NULL, 0), 0);
	return rehearsal;
}

static const struct step_finding *find_rule(const struct rehearsal *rehearsal, const char *rule, size_t *step)
{
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		for (size_t j = 0; j < rehearsal->steps[i].n_findings; j++) {
			*step = i;
			if (strcmp(rehearsal->steps[i].findings[j].rule, rule) == 0)
				return &rehearsal->steps[i].findings[j];
		}
	}
	return NULL;
}

// The text of the only finding of a rule; "" without.
static const char *said(const struct rehearsal *rehearsal, const char *rule)
{
	size_t step;
	const struct step_finding *finding = find_rule(rehearsal, rule, &step);
	return finding == NULL ? "" : finding->text;
}

// Costs.

static const char big[] = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w TEXT, n INTEGER); CREATE INDEX t_w ON t (w); "
	"CREATE TABLE other (id INTEGER PRIMARY KEY, v TEXT); "
	"CREATE TABLE small (id INTEGER PRIMARY KEY); "
	ROWS(32000) "INSERT INTO t SELECT i, printf('%060d', i), printf('%020d', i), i FROM n; "
	ROWS(32000) "INSERT INTO other SELECT i, printf('%060d', i) FROM n";

enum { BIG_ROWS = 32000, FEW_PAGES = 8 };

enum cost { FEW, SCAN, REWRITE, BUILD, ZEROES };

static const struct {
	const char *sql;
	enum cost cost;
} costs[] = {
	{ "ALTER TABLE t ADD COLUMN a TEXT", FEW },
	{ "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 0", FEW },
	{ "ALTER TABLE t ADD COLUMN g INTEGER AS (n + 1) VIRTUAL", FEW },
	{ "ALTER TABLE t ADD COLUMN k INTEGER CHECK (k > 0)", SCAN },
	{ "ALTER TABLE t ADD COLUMN gn INTEGER NOT NULL AS (n + 1)", SCAN },
	{ "ALTER TABLE t RENAME COLUMN a TO aa", FEW },
	{ "ALTER TABLE small RENAME TO tiny", FEW },
	{ "ALTER TABLE t RENAME TO u", FEW },
	{ "ALTER TABLE u RENAME TO t", FEW },
	{ "CREATE TABLE fresh (id INTEGER PRIMARY KEY)", FEW },
	{ "CREATE VIEW seen AS SELECT id FROM t", FEW },
	{ "DROP VIEW seen", FEW },
	{ "CREATE INDEX t_n ON t (n)", BUILD },
	{ "UPDATE t SET n = 0", BUILD },
	{ "DROP INDEX t_w", ZEROES },
	{ "ALTER TABLE t DROP COLUMN v", REWRITE },
	{ "DROP TABLE other", ZEROES },
	{ "VACUUM", REWRITE },
};

static void check_cost(const struct step *step, enum cost cost)
{
	static const enum growth growths[] = { GROWTH_CONSTANT, GROWTH_LINEAR, GROWTH_LINEAR, GROWTH_LINEAR, GROWTH_LINEAR };
	print_message("%s: %lld pages changed, %lld rows read, %s\n", step->sql, step->pages_changed, step->rows_read, growth_names[step->growth]);
	assert_null(step->error);
	// what is dropped is overwritten with zeroes only where SQLite is built so
	if (cost != ZEROES || sqlite3_compileoption_used("SECURE_DELETE"))
		assert_int_equal(step->growth, growths[cost]);
	assert_int_equal(step->n_rewrites, cost == REWRITE);
	if (cost == FEW || cost == SCAN)
		assert_true(step->pages_changed > 0 && step->pages_changed <= FEW_PAGES);
	else if (cost != ZEROES)
		assert_true(step->pages_changed > FEW_PAGES);
	if (cost == SCAN)
		assert_int_equal(step->rows_read, BIG_ROWS);
}

static void check_costs(bool wal)
{
	auto_arena arena = arena_new();
	auto_buf sql = BUF_INIT;
	enum { N = sizeof costs / sizeof *costs };
	for (size_t i = 0; i < N; i++)
		buf_addf(&sql, "%s;\n", costs[i].sql);
	struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, big, wal), NULL, sql.data, (struct options){ 0 });
	assert_int_equal(rehearsal.n_steps, N);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(rehearsal.steps[i].line, i + 1);
		check_cost(&rehearsal.steps[i], costs[i].cost);
	}
	assert_string_equal(rehearsal.clone_kind, "copy");
	assert_int_equal(rehearsal.n_tables, 3);
}

static void statements_cost_as_known(void **state)
{
	(void)state;
	check_costs(false);
}

static void statements_cost_as_known_with_a_wal(void **state)
{
	(void)state;
	check_costs(true);
}

static void statements_in_a_transaction_cost_the_same(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	for (int wal = 0; wal < 2; wal++) {
		struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, big, wal), NULL,
			"ALTER TABLE t ADD COLUMN a TEXT; ALTER TABLE t DROP COLUMN v; ALTER TABLE t ADD COLUMN k INTEGER CHECK (k > 0);",
			(struct options){ .in_transaction = true });
		static const enum growth growths[] = { GROWTH_CONSTANT, GROWTH_LINEAR, GROWTH_LINEAR };
		assert_int_equal(rehearsal.n_steps, 5);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(rehearsal.steps[i + 1].growth, growths[i]);
		assert_int_equal(rehearsal.steps[2].n_rewrites, 1);
		assert_string_equal(rehearsal.steps[2].rewrites[0], "t");
		assert_int_equal(rehearsal.steps[3].rows_read, BIG_ROWS);
		assert_true(rehearsal.steps[3].pages_changed <= FEW_PAGES);
		assert_int_equal(rehearsal.verdict, REHEARSAL_WARN);
	}
}

static void what_sqlite_refuses_fails(void **state)
{
	(void)state;
	static const struct { const char *sql; bool foreign_keys; int until; } refused[] = {
		{ "ALTER TABLE t ADD COLUMN c INTEGER PRIMARY KEY", false, 0 }, { "ALTER TABLE t ADD COLUMN c INTEGER UNIQUE", false, 0 },
		{ "ALTER TABLE t ADD COLUMN c INTEGER AS (n) STORED", false, 0 }, { "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL", false, 0 },
		{ "ALTER TABLE t ADD COLUMN c TEXT DEFAULT CURRENT_TIMESTAMP", false, 0 },
		{ "ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 1 REFERENCES t (id)", true, 0 },
		{ "ALTER TABLE t DROP COLUMN n", false, 0 }, { "ALTER TABLE t ALTER COLUMN n SET NOT NULL", false, 3053000 },
		{ "ATTACH '/tmp/elsewhere.db' AS elsewhere", false, 0 },
	};
	auto_arena arena = arena_new();
	const char *path = make_database(arena, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); CREATE INDEX t_n ON t (n); INSERT INTO t VALUES (1, 1)", false);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (refused[i].until > 0 && sqlite3_libversion_number() >= refused[i].until)
			continue;
		struct rehearsal rehearsal = rehearse_sql(arena, path, NULL, arena_printf(arena, "%s; SELECT 1;", refused[i].sql),
		                                          (struct options){ .one_size = true, .foreign_keys = refused[i].foreign_keys });
		assert_int_equal(rehearsal.n_steps, 1); // nothing after it
		assert_non_null(rehearsal.steps[0].error);
		assert_int_equal(rehearsal.verdict, REHEARSAL_DO_NOT_SHIP);
		assert_true(strstr(said(&rehearsal, "statement-fails"), rehearsal.steps[0].error) != NULL);
	}
}

// Rebuilds.

static const char family[] =
	"CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL, x TEXT); CREATE INDEX p_name ON p (name); "
	"CREATE TRIGGER p_insert AFTER INSERT ON p BEGIN SELECT 1; END; "
	"CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE); CREATE INDEX c_p ON c (p_id); "
	"CREATE TABLE q (id INTEGER PRIMARY KEY); CREATE TABLE d (id INTEGER PRIMARY KEY, q_id INTEGER REFERENCES q (id) ON DELETE SET NULL); "
	"CREATE TABLE r (id INTEGER PRIMARY KEY); CREATE TABLE s (id INTEGER PRIMARY KEY REFERENCES r (id) ON DELETE CASCADE); "
	"CREATE TABLE \"S t\" (id INTEGER PRIMARY KEY REFERENCES s (id) ON DELETE CASCADE); INSERT INTO r VALUES (1); INSERT INTO s VALUES (1); "
	"INSERT INTO \"S t\" VALUES (1); " ROWS(20) "INSERT INTO q SELECT i FROM n; " ROWS(20) "INSERT INTO d SELECT i, CASE WHEN i <= 10 THEN i END FROM n; "
	ROWS(50) "INSERT INTO p SELECT i, 'n', 'x' FROM n; " ROWS(200) "INSERT INTO c SELECT i, i % 50 + 1 FROM n";

#define COPY_P "CREATE TABLE new_p (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO new_p SELECT id, name FROM p; "
#define SWAP_P "DROP TABLE p; ALTER TABLE new_p RENAME TO p; "
#define OBJECTS_P "CREATE INDEX p_name ON p (name); CREATE TRIGGER p_insert AFTER INSERT ON p BEGIN SELECT 1; END; "

static const struct {
	const char *what, *sql;
	bool foreign_keys, in_transaction;
	enum rehearsal_verdict verdict;
	const char *rules[4], *text; // what is found, and what the first says
} rebuilds[] = {
	{ "as the manual says", "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE; " COPY_P SWAP_P OBJECTS_P "PRAGMA foreign_key_check; COMMIT; PRAGMA foreign_keys = ON;",
	  true, false, REHEARSAL_WARN, { "writes-table-anew" }, "writes p anew" },
	{ "with foreign keys enforced", COPY_P SWAP_P OBJECTS_P, true, true, REHEARSAL_DO_NOT_SHIP, { "rebuild-deletes-children", "writes-table-anew" },
	  "200 rows of c are gone" },
	{ "switched off too late", "PRAGMA foreign_keys = OFF; " COPY_P SWAP_P OBJECTS_P, true, true, REHEARSAL_DO_NOT_SHIP,
	  { "rebuild-deletes-children", "writes-table-anew" }, "200 rows of c are gone" },
	{ "not enforced here", COPY_P SWAP_P OBJECTS_P, false, true, REHEARSAL_WARN, { "rebuild-could-delete-children", "writes-table-anew" }, "c has 200" },
	{ "the old one renamed first",
	  "PRAGMA foreign_keys = OFF; BEGIN; ALTER TABLE p RENAME TO p_old; CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL); "
	  "INSERT INTO p SELECT id, name FROM p_old; DROP TABLE p_old; " OBJECTS_P "COMMIT;",
	  true, false, REHEARSAL_DO_NOT_SHIP, { "rebuild-breaks-reference", "writes-table-anew" }, "c leads to p_old" },
	{ "index and trigger forgotten", "PRAGMA foreign_keys = OFF; BEGIN; " COPY_P SWAP_P "COMMIT;", true, false, REHEARSAL_DO_NOT_SHIP,
	  { "rebuild-loses-index", "rebuild-loses-trigger", "writes-table-anew" }, "loses the index p_name" },
	{ "index and trigger dropped on purpose", "PRAGMA foreign_keys = OFF; BEGIN; DROP INDEX p_name; DROP TRIGGER p_insert; " COPY_P SWAP_P "COMMIT;",
	  true, false, REHEARSAL_WARN, { "writes-table-anew" }, "writes p anew" },
	{ "CREATE TABLE AS", "PRAGMA foreign_keys = OFF; BEGIN; CREATE TABLE new_p AS SELECT id, name FROM p; " SWAP_P OBJECTS_P "COMMIT;", true, false,
	  REHEARSAL_DO_NOT_SHIP, { "rebuild-loses-constraints", "writes-table-anew" }, "loses all of its keys" },
	{ "rows deleted by name", "PRAGMA foreign_keys = OFF; BEGIN; DELETE FROM c WHERE id > 100; " COPY_P SWAP_P OBJECTS_P "COMMIT;", true, false,
	  REHEARSAL_WARN, { "writes-table-anew" }, "writes p anew" },
	{ "of a parent whose children are cleared", "CREATE TABLE new_q (id INTEGER PRIMARY KEY); INSERT INTO new_q SELECT id FROM q; DROP TABLE q; "
	  "ALTER TABLE new_q RENAME TO q;", true, true, REHEARSAL_DO_NOT_SHIP, { "rebuild-clears-references", "writes-table-anew" }, "10 rows of d refer to nothing" },
	{ "of a grandparent", "CREATE TABLE new_r (id INTEGER PRIMARY KEY); INSERT INTO new_r SELECT id FROM r; DROP TABLE r; ALTER TABLE new_r RENAME TO r;",
	  true, true, REHEARSAL_DO_NOT_SHIP, { "rebuild-deletes-children", "rebuild-deletes-children", "writes-table-anew" }, "DROP TABLE r" },
	{ "a table that nobody refers to", "DROP TABLE c;", true, true, REHEARSAL_SHIP, { NULL }, NULL },
};

static void check_rules(const struct rehearsal *rehearsal, const char *const *rules)
{
	size_t n = 0, n_found = 0, step;
	for (; n < 4 && rules[n] != NULL; n++) {
		if (find_rule(rehearsal, rules[n], &step) == NULL)
			fail_msg("%s is not found", rules[n]);
	}
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		n_found += rehearsal->steps[i].n_findings;
		for (size_t j = 0; j < rehearsal->steps[i].n_findings && n_found > n; j++)
			print_message("%s: %s\n", rehearsal->steps[i].findings[j].rule, rehearsal->steps[i].findings[j].text);
	}
	assert_int_equal(n_found, n);
}

static void rebuilds_are_seen_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rebuilds / sizeof *rebuilds; i++) {
		auto_arena arena = arena_new();
		print_message("%s\n", rebuilds[i].what);
		struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, family, i % 2 == 1), NULL, rebuilds[i].sql, (struct options){
			.foreign_keys = rebuilds[i].foreign_keys, .in_transaction = rebuilds[i].in_transaction, .one_size = true });
		check_rules(&rehearsal, rebuilds[i].rules);
		assert_int_equal(rehearsal.verdict, rebuilds[i].verdict);
		if (rebuilds[i].text != NULL && strstr(said(&rehearsal, rebuilds[i].rules[0]), rebuilds[i].text) == NULL)
			fail_msg("said: %s", said(&rehearsal, rebuilds[i].rules[0]));
	}
}

// Locks.

static const struct step_lock *lock_of(const struct step *step, const char *mode)
{
	for (size_t i = 0; i < step->n_locks; i++) {
		assert_string_equal(step->locks[i].relation, "main");
		if (strcmp(step->locks[i].mode, mode) == 0)
			return &step->locks[i];
	}
	return NULL;
}

static void locks_are_told_by_journal_mode(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char sql[] = "SELECT count(*) FROM p; ALTER TABLE p ADD COLUMN a TEXT; ALTER TABLE p ADD COLUMN b TEXT;";
	for (int wal = 0; wal < 2; wal++) {
		struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, family, wal), NULL, sql,
		                                          (struct options){ .in_transaction = true, .one_size = true });
		const struct step *steps = rehearsal.steps;
		const char *mode = wal ? "WAL write lock" : "RESERVED";
		assert_int_equal(rehearsal.n_steps, 5);
		assert_int_equal(steps[0].n_locks + steps[1].n_locks + steps[3].n_locks, 0); // BEGIN takes none, reading neither
		const struct step_lock *lock = lock_of(&steps[2], mode);
		assert_non_null(lock);
		assert_int_equal(steps[2].n_locks, 1);
		// from the first write to COMMIT
		assert_true(lock->acquire_ms >= steps[2].start_ms && lock->acquire_ms <= steps[3].start_ms);
		assert_true(lock->acquire_ms + lock->held_ms >= steps[4].start_ms);
		assert_true(lock->acquire_ms + lock->held_ms <= steps[4].start_ms + steps[4].duration_ms);
		assert_true((lock_of(&steps[4], "EXCLUSIVE") != NULL) == !wal);
		for (size_t i = 0; i < 5; i++)
			assert_int_equal(steps[i].transaction, 1);
		assert_true(steps[2].wal_bytes + steps[4].wal_bytes > 0);
		assert_int_equal(rehearsal.verdict, REHEARSAL_SHIP);
	}
}

// A reader that never ends keeps a commit out where there is a rollback journal, and nobody in WAL mode.
static void a_reader_keeps_a_commit_out(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const struct options options = { .in_transaction = true, .one_size = true, .lock_timeout_ms = 200, .long_transaction_s = 3600 };
	struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, family, false), NULL, "ALTER TABLE p ADD COLUMN a TEXT;", options);
	size_t step;
	assert_non_null(find_rule(&rehearsal, "busy-reader", &step));
	assert_string_equal(rehearsal.steps[step].sql, "COMMIT");
	assert_string_equal(rehearsal.steps[step].sqlstate, "SQLITE_BUSY");
	assert_non_null(lock_of(&rehearsal.steps[step], "PENDING"));
	assert_true(rehearsal.steps[step].lock_wait_ms >= 200);
	assert_int_equal(rehearsal.verdict, REHEARSAL_DO_NOT_SHIP);
	rehearsal = rehearse_sql(arena, make_database(arena, family, true), NULL, "ALTER TABLE p ADD COLUMN a TEXT;", options);
	assert_null(rehearsal.steps[2].error);
	assert_null(find_rule(&rehearsal, "busy-reader", &step));
}

// Waits for it, however long it takes: what never comes is for the test's own time limit.
static struct step_victim felt_until(struct clients *clients, struct arena *arena, double from_us, enum operation operation, bool errors)
{
	for (;;) {
		size_t n;
		const struct step_victim *victims = clients_felt(clients, arena, from_us, (double)clock_us(), &n);
		for (size_t i = 0; i < n; i++) {
			if (victims[i].operation == operation && (errors ? victims[i].n_errors : victims[i].n_tries) > 0)
				return victims[i];
		}
		clock_sleep_ms(5);
	}
}

static void clients_feel_who_shuts_them_out(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct err err;
	for (int wal = 0; wal < 2; wal++) {
		const char *path = make_database(arena, family, wal);
		struct clients *clients = clients_start(path, 50, 0, 50, &err);
		assert_non_null(clients);
		sqlite3 *db;
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		sqlite3_busy_timeout(db, 60000);
		assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
		double from_us = (double)clock_us();
		struct step_victim writer = felt_until(clients, arena, from_us, OPERATION_WRITE, true);
		assert_true(writer.n_blocked > 0 && writer.max_ms >= 50);
		assert_string_equal(writer.relation, "main");
		struct step_victim reader = felt_until(clients, arena, from_us, OPERATION_READ, false);
		assert_int_equal(reader.n_errors, 0);
		sqlite3_exec(db, "ROLLBACK; BEGIN EXCLUSIVE", NULL, NULL, NULL);
		if (!wal) // readers are shut out as well
			assert_true(felt_until(clients, arena, (double)clock_us(), OPERATION_READ, true).n_blocked > 0);
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		sqlite3_close(db);
		clients_stop(clients);
	}
}

// Clones.

static const char *read_bytes(struct arena *arena, const char *path, size_t *n)
{
	auto_file file = fopen(path, "r");
	assert_non_null(file);
	struct stat status;
	assert_int_equal(fstat(fileno(file), &status), 0);
	char *bytes = arena_alloc(arena, (size_t)status.st_size + 1);
	*n = fread(bytes, 1, (size_t)status.st_size, file);
	return bytes;
}

static void the_file_itself_stays_as_it_is(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	for (int wal = 0; wal < 2; wal++) {
		size_t n_before, n_after;
		const char *path = make_database(arena, family, wal), *before = read_bytes(arena, path, &n_before);
		struct rehearsal rehearsal = rehearse_sql(arena, path, NULL, "DROP TABLE c; VACUUM;", (struct options){ .one_size = true });
		assert_int_equal(rehearsal.n_steps, 2);
		const char *after = read_bytes(arena, path, &n_after);
		assert_int_equal(n_before, n_after);
		assert_memory_equal(before, after, n_before);
	}
}

// What is only in the WAL belongs to the copy.
static void a_copy_has_what_a_writer_committed(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *path = make_database(arena, family, true);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_autocheckpoint = 0; DELETE FROM c WHERE id > 7; BEGIN; DELETE FROM p", NULL, NULL, NULL), SQLITE_OK);
	struct rehearsal rehearsal = rehearse_sql(arena, path, NULL, "SELECT 1;", (struct options){ .one_size = true });
	size_t n_seen = 0;
	for (size_t i = 0; i < rehearsal.n_tables; i++) {
		if (strcmp(rehearsal.tables[i].name, "c") == 0)
			assert_int_equal(rehearsal.tables[i].rows, 7);
		else if (strcmp(rehearsal.tables[i].name, "p") == 0)
			assert_int_equal(rehearsal.tables[i].rows, 50);
		else
			continue;
		n_seen++;
	}
	assert_int_equal(n_seen, 2);
	sqlite3_close(db);
}

static void rows_can_be_made_up(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char schema[] = "CREATE TABLE p (id TEXT PRIMARY KEY, born DATE NOT NULL, ok BOOLEAN, u INTEGER UNIQUE); "
		"CREATE TABLE c (id INTEGER PRIMARY KEY, p_id TEXT NOT NULL REFERENCES p, b BLOB); "
		"CREATE TABLE never (id INTEGER PRIMARY KEY, v TEXT CHECK (v IN ('a', 'b')));";
	struct rehearsal rehearsal = rehearse_sql(arena, make_database(arena, schema, true), schema, "PRAGMA foreign_key_check; CREATE INDEX c_b ON c (b);",
	                                          (struct options){ .rows = 20000 });
	assert_string_equal(rehearsal.clone_kind, "synthetic");
	static const long long rows[] = { 20000, 0, 20000, 1 }; // c, never, p, schema_migrations
	assert_int_equal(rehearsal.n_tables, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(rehearsal.tables[i].rows, rows[i]);
	assert_true(strstr(rehearsal.notes[0], "never has 0 rows") != NULL);
	assert_int_equal(rehearsal.steps[1].growth, GROWTH_LINEAR);
	assert_non_null(lock_of(&rehearsal.steps[1], "WAL write lock")); // the environment's journal mode
}

int main(void)
{
	test_folder_make();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_cost_as_known), cmocka_unit_test(statements_cost_as_known_with_a_wal),
		cmocka_unit_test(statements_in_a_transaction_cost_the_same), cmocka_unit_test(what_sqlite_refuses_fails),
		cmocka_unit_test(rebuilds_are_seen_through), cmocka_unit_test(locks_are_told_by_journal_mode),
		cmocka_unit_test(a_reader_keeps_a_commit_out), cmocka_unit_test(clients_feel_who_shuts_them_out),
		cmocka_unit_test(the_file_itself_stays_as_it_is), cmocka_unit_test(a_copy_has_what_a_writer_committed),
		cmocka_unit_test(rows_can_be_made_up),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_folder_remove();
	return failed;
}
