// SPDX-License-Identifier: PostgreSQL
// The child that runs statements: see worker.h. It measures where nobody else can: locks and writes in the file layer, waits in
// the busy handler, pages in the connection's cache. In WAL mode pages go to the file at COMMIT alone, so after each statement of a
// transaction they are written at once: each statement gets what is its own (but for page 1, which goes last), and the lock is held neither longer nor shorter.
#include "rehearse/sqlite/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "introspect/sqlite_handles.h"
#include "migrations/run.h"

enum { WATCH_MS = 200, BUSY_STEP_MS = 1 };

// The child.

struct child {
	const struct worker_request *request;
	sqlite3 *db;
	struct vfs_record files;
	double busy_since_us, busy_until_us; // the last wait of the statement
	double wait_us;                      // in those before it
	bool guarded;
	struct worker_report report;
};

static int wait_for_lock(void *argument, int n)
{
	struct child *child = argument;
	double now_us = (double)clock_us();
	if (n == 0) // another wait of the same statement
		child->wait_us += child->busy_until_us - child->busy_since_us;
	if (n == 0)
		child->busy_since_us = now_us;
	child->busy_until_us = now_us;
	if (now_us - child->busy_since_us >= child->request->busy_timeout_ms * 1000)
		return 0;
	clock_sleep_ms(BUSY_STEP_MS);
	child->busy_until_us = (double)clock_us();
	return 1;
}

static void touch(struct child *child, const char *name, unsigned what)
{
	struct worker_report *report = &child->report;
	if (name == NULL || sqlite3_strnicmp(name, "sqlite_", 7) == 0)
		return;
	for (unsigned i = 0; i < report->n_touched; i++) {
		if (sqlite3_stricmp(report->touched[i].name, name) == 0) {
			report->touched[i].what |= what;
			return;
		}
	}
	if (report->n_touched == TOUCHED_MAX)
		return;
	struct touched *touched = &report->touched[report->n_touched++];
	snprintf(touched->name, sizeof touched->name, "%s", name);
	touched->what = what;
}

// PRAGMA foreign_keys has no effect within a transaction.
static void note_pragma(struct child *child, const char *name, const char *value)
{
	static const char *const off[] = { "0", "off", "no", "false" };
	if (value == NULL || sqlite3_stricmp(name, "foreign_keys") != 0 || !sqlite3_get_autocommit(child->db))
		return;
	child->guarded = false;
	for (size_t i = 0; i < sizeof off / sizeof *off; i++)
		child->guarded |= sqlite3_stricmp(value, off[i]) == 0;
}

static int authorize(void *argument, int action, const char *first, const char *second, const char *database, const char *trigger)
{
	struct child *child = argument;
	static const struct { int action; unsigned what; bool second; } actions[] = {
		{ SQLITE_INSERT, TOUCH_WRITE, false }, { SQLITE_UPDATE, TOUCH_WRITE, false }, { SQLITE_DELETE, TOUCH_DELETE, false },
		{ SQLITE_ALTER_TABLE, TOUCH_ALTER, true }, { SQLITE_DROP_TABLE, TOUCH_DROP_TABLE, false }, { SQLITE_DROP_INDEX, TOUCH_DROP_INDEX, false },
		{ SQLITE_DROP_TRIGGER, TOUCH_DROP_TRIGGER, false }, { SQLITE_CREATE_INDEX, TOUCH_INDEX, true },
		{ SQLITE_READ, TOUCH_READ, false },
	};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (actions[i].action == action)
			touch(child, actions[i].second ? second : first, actions[i].what);
	}
	if (action == SQLITE_PRAGMA)
		note_pragma(child, first, second);
	return run_sqlite_authorize(NULL, action, first, second, database, trigger);
}

static long long pragma(sqlite3 *db, const char *sql)
{
	auto_sqlite_stmt statement = NULL;
	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	return sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
}

static long long cache_count(sqlite3 *db)
{
	static const int counters[] = { SQLITE_DBSTATUS_CACHE_HIT, SQLITE_DBSTATUS_CACHE_MISS };
	long long sum = 0;
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		int now = 0, most;
		sqlite3_db_status(db, counters[i], &now, &most, 1);
		sum += now;
	}
	return sum;
}

static void run_statement(struct child *child, const char *sql)
{
	struct worker_report *report = &child->report;
	auto_sqlite_stmt statement = NULL;
	int result = sqlite3_prepare_v2(child->db, sql, -1, &statement, NULL);
	while (result == SQLITE_OK || result == SQLITE_ROW)
		result = statement == NULL ? SQLITE_DONE : sqlite3_step(statement);
	if (result != SQLITE_DONE)
		snprintf(report->error, sizeof report->error, "%s", sqlite3_errmsg(child->db));
	report->result = result;
	if (statement != NULL)
		report->rows_read = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
}

static void measure(struct child *child, size_t i)
{
	struct worker_report *report = &child->report;
	*report = (struct worker_report){ .statement = i };
	long long pages_before = pragma(child->db, "PRAGMA page_count");
	cache_count(child->db);
	child->busy_since_us = child->busy_until_us = child->wait_us = 0;
	vfs_mark(&child->files);
	double start_us = (double)clock_us();
	run_statement(child, child->request->statements[i].sql);
	bool wal = child->files.locks[LOCK_WAL_WRITE].held || child->files.locks[LOCK_WAL_WRITE].acquired_us > 0;
	if (child->files.locks[LOCK_WAL_WRITE].held && !sqlite3_get_autocommit(child->db))
		sqlite3_db_cacheflush(child->db);
	report->start_us = start_us;
	report->end_us = (double)clock_us();
	report->wait_us = child->wait_us + child->busy_until_us - child->busy_since_us;
	report->pages_read = cache_count(child->db);
	report->files = child->files;
	report->in_transaction = !sqlite3_get_autocommit(child->db);
	int enforced = 0;
	sqlite3_db_config(child->db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &enforced);
	report->foreign_keys = enforced != 0;
	report->foreign_keys_guarded = child->guarded && !enforced;
	long long made = pragma(child->db, "PRAGMA page_count") - pages_before;
	long long journaled = report->files.log_pages + (made > 0 ? made : 0); // new pages have nothing to be journaled
	long long written = report->files.database_pages;
	report->pages_changed = wal ? report->files.log_pages : written > journaled ? written : journaled;
}

static _Noreturn void child_main(const struct worker_request *request, int socket, pid_t parent)
{
	static struct child child; // the process has but this one task
	child.request = request;
	char go;
	if (!run_sqlite_settle(request->scratch, request->settings, parent) || !vfs_register("rehearsal", &child.files) ||
	    sqlite3_open_v2(request->path, &child.db, SQLITE_OPEN_READWRITE, "rehearsal") != SQLITE_OK)
		_exit(1);
	sqlite3_extended_result_codes(child.db, 1);
	sqlite3_busy_handler(child.db, wait_for_lock, &child);
	sqlite3_db_config(child.db, SQLITE_DBCONFIG_ENABLE_FKEY, request->foreign_keys ? 1 : 0, NULL);
	child.files.page_size = (int)pragma(child.db, "PRAGMA page_size");
	sqlite3_set_authorizer(child.db, authorize, &child);
	for (size_t i = 0; i < request->n_statements; i++) {
		if (read(socket, &go, 1) != 1)
			break;
		measure(&child, i);
		if (write(socket, &child.report, sizeof child.report) != sizeof child.report)
			break;
	}
	_exit(read(socket, &go, 1) == 0 ? 0 : 1); // closing the database takes locks: that is nobody's time
}

// The parent.

bool worker_start(struct worker *worker, const struct worker_request *request, struct err *err)
{
	int ends[2];
	*worker = (struct worker){ .pid = -1, .socket = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set(err, "scratch", NULL, NULL, "cannot talk to a child process: %s", strerror(errno));
	pid_t parent = getpid(), pid = fork();
	int why = errno;
	if (pid == 0) {
		close(ends[0]);
		child_main(request, ends[1], parent);
	}
	close(ends[1]);
	worker->socket = ends[0];
	worker->pid = pid;
	return pid > 0 || err_set(err, "scratch", NULL, NULL, "cannot start a child process: %s", strerror(why));
}

// It runs foreign SQL: what it says is taken with care.
static bool is_sound(struct worker_report *report, size_t statement)
{
	report->error[sizeof report->error - 1] = '\0';
	for (size_t i = 0; i < TOUCHED_MAX; i++)
		report->touched[i].name[TOUCHED_NAME - 1] = '\0';
	return report->statement == statement && report->n_touched <= TOUCHED_MAX;
}

bool worker_next(struct worker *worker, const struct worker_request *request, size_t statement, struct worker_report *report, struct err *err)
{
	struct pollfd socket = { worker->socket, POLLIN, 0 };
	if (send(worker->socket, "", 1, MSG_NOSIGNAL) != 1)
		return run_sqlite_died(worker->pid, err);
	while (poll(&socket, 1, WATCH_MS) <= 0) {
		if (!scratch_watch(request->scratch, err))
			return false;
	}
	if (read(worker->socket, report, sizeof *report) != sizeof *report || !is_sound(report, statement))
		return run_sqlite_died(worker->pid, err);
	return true;
}

void worker_stop(struct worker *worker)
{
	if (worker->socket >= 0)
		close(worker->socket);
	if (worker->pid > 0) {
		kill(worker->pid, SIGKILL);
		while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	*worker = (struct worker){ .pid = -1, .socket = -1 };
}
