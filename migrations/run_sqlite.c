// SPDX-License-Identifier: PostgreSQL
// Running steps on SQLite: see run.h. The foreign SQL runs in a child process of its own, so that neither an endless
// statement nor a fault in the library that hostile SQL may find reaches us: with limits on time and file size, without ATTACH
// to other files, without root, and killed at the wall clock. The child stops after each step until it is told to go on,
// and then holds no lock, so that the file can be read.
#include "config.h"

#include "migrations/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "migrations/lexer.h"
#include "migrations/process.h"

enum { WATCH_MS = 200, CPU_EXTRA_S = 5, CPU_S = 600 };
#define FILE_BYTES (4LL << 30)

// What the child says, in one write; what it is told is a byte.
struct report {
	enum { REPORT_REACHED, REPORT_FAILED } type;
	size_t step;
	unsigned line;
	char statement[256], text[1024];
};

struct worker {
	const struct run *run;
	sqlite3 *db;
	int to_parent;
};

// The child.

int run_sqlite_authorize(void *unused, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	(void)unused;
	(void)b;
	(void)database;
	(void)trigger;
	// VACUUM attaches a nameless file of its own; VACUUM INTO and ATTACH name one
	return action == SQLITE_ATTACH && (a == NULL || (*a != '\0' && strcmp(a, ":memory:") != 0)) ? SQLITE_DENY : SQLITE_OK;
}

static void worker_send(const struct worker *worker, const struct report *report)
{
	if (write(worker->to_parent, report, sizeof *report) != sizeof *report)
		_exit(1);
}

// What `.schema` and `.dump` print and nobody may create.
static bool is_tolerated(const struct run_step *step, const char *message)
{
	return step->dump && strstr(message, "object name reserved for internal use") != NULL;
}

static void worker_fail(struct worker *worker, size_t step, const char *statement, unsigned line)
{
	auto_arena arena = arena_new();
	struct report report = { .type = REPORT_FAILED, .step = step, .line = line };
	snprintf(report.statement, sizeof report.statement, "%s", first_line_of(arena, statement));
	snprintf(report.text, sizeof report.text, "%s", sqlite3_errmsg(worker->db));
	worker_send(worker, &report);
	_exit(1);
}

// Runs a text statement by statement. `line` is that of its first byte.
static void worker_text(struct worker *worker, size_t step, const char *text, unsigned line)
{
	const char *end = text + strlen(text), *tail;
	for (const char *at = text; at < end; at = tail) {
		struct lexer lexer = { ENGINE_SQLITE, at, end };
		struct lexeme first;
		if (!lexer_next(&lexer, &first))
			return;
		sqlite3_stmt *statement = NULL;
		int status = sqlite3_prepare_v2(worker->db, at, -1, &statement, &tail);
		while (status == SQLITE_OK && statement != NULL && (status = sqlite3_step(statement)) == SQLITE_ROW)
			status = SQLITE_OK;
		sqlite3_finalize(statement);
		if (status != SQLITE_OK && status != SQLITE_DONE) {
			if (!is_tolerated(&worker->run->steps[step], sqlite3_errmsg(worker->db))) {
				for (const char *c = text; c < first.start; c++)
					line += *c == '\n';
				worker_fail(worker, step, first.start, line);
			}
			if (statement == NULL) { // not prepared: `tail` is not behind it
				while (lexer_next(&lexer, &first) && !lexeme_is_sign(&first, ';'))
					continue;
				tail = lexer.at;
			}
		}
	}
}

static void worker_step(struct worker *worker, size_t i)
{
	const struct run_step *step = &worker->run->steps[i];
	unsigned last_line = step->script.n_units > 0 ? step->script.units[step->script.n_units - 1].line : 1;
	if (step->script.transaction)
		worker_text(worker, i, "BEGIN", 1);
	for (size_t j = 0; j < step->script.n_units; j++)
		worker_text(worker, i, step->script.units[j].text, unit_first_line(&step->script.units[j]));
	if (step->record != NULL)
		worker_text(worker, i, step->record, last_line);
	// fails where a file has ended our transaction itself, as it does for the framework
	if (step->script.transaction)
		worker_text(worker, i, "COMMIT", last_line);
	if (!sqlite3_get_autocommit(worker->db)) {
		struct report report = { .type = REPORT_FAILED, .step = i, .line = 1,
		                         .text = "it opens a transaction and leaves it open" };
		worker_send(worker, &report);
		_exit(1);
	}
}

static bool limit(int resource, long long soft, long long hard)
{
	struct rlimit limits = { (rlim_t)soft, (rlim_t)hard };
	return setrlimit(resource, &limits) == 0;
}

bool run_sqlite_settle(const struct scratch *scratch, const struct scratch_settings *settings, pid_t parent)
{
	int seconds = settings->wall_clock_s > 0 ? settings->wall_clock_s : CPU_S;
	long long bytes = settings->disk_bytes > 0 ? settings->disk_bytes : FILE_BYTES;
	umask(077);
	return child_settle(scratch_user(scratch), parent, SIGKILL) && limit(RLIMIT_CPU, seconds, seconds + CPU_EXTRA_S) &&
	       limit(RLIMIT_FSIZE, bytes, bytes) && limit(RLIMIT_CORE, 0, 0);
}

static _Noreturn void worker_main(const struct run *run, int socket, pid_t parent)
{
	struct worker worker = { .run = run, .to_parent = socket };
	if (!run_sqlite_settle(run->scratch, run->settings, parent) ||
	    sqlite3_open_v2(scratch_conninfo(run->scratch, false), &worker.db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		_exit(1);
	sqlite3_set_authorizer(worker.db, run_sqlite_authorize, NULL);
	sqlite3_exec(worker.db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	char go;
	for (size_t i = 0; i < run->n_steps; i++) {
		worker_step(&worker, i);
		worker_send(&worker, &(struct report){ .type = REPORT_REACHED, .step = i });
		if (read(socket, &go, 1) != 1)
			_exit(1);
	}
	sqlite3_close(worker.db);
	_exit(0);
}

// The parent.

// Waits for the child's report on a step. False with *ended: it is gone, or talks nonsense; else the watch says so in `err`.
static bool report_receive(const struct run *run, int from_child, size_t step, struct report *report, bool *ended, struct err *err)
{
	*ended = false;
	for (;;) {
		struct pollfd socket = { from_child, POLLIN, 0 };
		int n = poll(&socket, 1, WATCH_MS);
		if (n > 0)
			break;
		if (!scratch_watch(run->scratch, err))
			return false;
	}
	*ended = read(from_child, report, sizeof *report) != sizeof *report || report->step != step;
	report->statement[sizeof report->statement - 1] = report->text[sizeof report->text - 1] = '\0';
	return !*ended;
}

bool run_sqlite_died(pid_t child, struct err *err)
{
	siginfo_t end = { 0 };
	kill(child, SIGKILL); // in case it is not yet dead
	waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT);
	int signal = end.si_code == CLD_EXITED ? 0 : end.si_status;
	static const struct { int signal; const char *code, *text, *hint; } deaths[] = {
		{ SIGXCPU, "wall-clock", "the replay took too long and was ended", "look for a statement that does not end" },
		{ SIGXFSZ, "disk", "the replay wrote too much and was ended", "look for a statement that writes rows without an end" },
	};
	for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
		if (signal == deaths[i].signal)
			return err_set(err, deaths[i].code, NULL, deaths[i].hint, "%s", deaths[i].text);
	}
	return err_set(err, "scratch", NULL, NULL, "the process that ran the replay ended early (%s %d)",
	               signal != 0 ? "signal" : "status", end.si_status);
}

static bool refused(const struct run *run, const struct report *report, struct run_failure *failure, struct err *err)
{
#define FILE_HINT "a replay may use its own database file alone: no ATTACH, no VACUUM INTO"
	static const struct { const char *part, *code, *hint; } meanings[] = {
		{ "not authorized", "privilege", FILE_HINT },
		{ "authorization denied", "privilege", FILE_HINT },
		{ "no such function", "replay", "the application registers this function itself, or a newer SQLite has it" },
		{ "no such module", "replay", "the application loads this module itself, or this SQLite is built without it" },
		{ "unrecognized token: \"\\\"", "meta-command", "this is a command of psql, not SQL" },
		{ "", "replay", NULL },
	};
	const struct run_step *step = &run->steps[report->step];
	*failure = (struct run_failure){
		.step = step, .line = report->line, .statement = arena_strdup(run->arena, report->statement), .sqlstate = "",
	};
	bool shell = report->statement[0] == '.'; // `.read`, `.mode`: of the program sqlite3
	size_t i = 0;
	while (strstr(report->text, meanings[i].part) == NULL)
		i++;
	err_set(err, shell ? "meta-command" : meanings[i].code, NULL,
	        shell ? "this is a command of the program sqlite3, not SQL" : meanings[i].hint, "%s%s%s", report->statement,
	        report->statement[0] == '\0' ? "" : ": ", report->text);
	return err_where(err, "%s:%u", step->path, report->line);
}

static bool follow(const struct run *run, int socket, pid_t child, struct run_failure *failure, struct err *err)
{
	struct report report;
	bool ended;
	for (size_t i = 0; i < run->n_steps; i++) {
		const struct run_step *step = &run->steps[i];
		if (i >= run->n_setup)
			log_progress(run->log, "replay %zu/%zu %s", i + 1 - run->n_setup, run->n_steps - run->n_setup, step->label);
		if (!report_receive(run, socket, i, &report, &ended, err)) {
			*failure = (struct run_failure){ .step = step, .line = 1, .statement = "", .sqlstate = "" };
			if (ended)
				run_sqlite_died(child, err);
			return err_where(err, "%s", step->path);
		}
		if (report.type == REPORT_FAILED)
			return refused(run, &report, failure, err);
		if (!run->reached(run->argument, i + 1, err))
			return false;
		if (send(socket, "", 1, MSG_NOSIGNAL) != 1)
			return run_sqlite_died(child, err);
	}
	return true;
}

bool run_sqlite(const struct run *run, struct run_failure *failure, struct err *err)
{
	*failure = (struct run_failure){ NULL };
	int ends[2];
	if (!run->reached(run->argument, 0, err))
		return false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set(err, "scratch", NULL, NULL, "cannot talk to a child process: %s", strerror(errno));
	auto_fd ours = ends[0];
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		close(ends[0]);
		worker_main(run, ends[1], parent);
	}
	int why = errno;
	close(ends[1]);
	if (child < 0)
		return err_set(err, "scratch", NULL, NULL, "cannot start a child process: %s", strerror(why));
	bool done = follow(run, ours, child, failure, err);
	if (!done)
		kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return done;
}
