// SPDX-License-Identifier: PostgreSQL
// Migrations that a command of the user's runs (--exec): it is told of a database that is the tap in front of the clone, and what it sends
// is measured statement by statement. What it prints goes to stderr. It ends when we end.
#include "rehearse/exec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/pg.h"
#include "migrations/process.h"
#include "rehearse/measure/measure.h"
#include "rehearse/measure/scans.h"
#include "rehearse/tap/tap.h"

extern char **environ;

struct client {
	int number, pid;
	struct measure *measure;
	struct step *step; // the one that runs
};

struct exec {
	struct job *job;
	struct client *clients;
	size_t n_clients, clients_capacity;
	struct step **steps; // each stays where it is until its transaction is over
	size_t n_steps, steps_capacity;
	struct scans *scans; // NULL: the rows that are read cannot be known
	int n_transactions;
	double zero_us;
	struct err err; // code "": all is well
};

// Of the tap's thread.

static struct client *find_client(struct exec *exec, const struct tapped *tapped)
{
	for (size_t i = 0; i < exec->n_clients; i++) {
		if (exec->clients[i].number == tapped->client)
			return &exec->clients[i];
	}
	struct measure *measure = measure_open_tapped(exec->job->arena, exec->job->pass->superuser, tapped->server_pid, &exec->n_transactions,
	                                              exec->zero_us, &exec->err);
	if (measure == NULL)
		return NULL;
	exec->clients = arena_grow(exec->job->arena, exec->clients, exec->n_clients, &exec->clients_capacity, sizeof *exec->clients);
	exec->clients[exec->n_clients] = (struct client){ .number = tapped->client, .pid = (int)tapped->server_pid, .measure = measure };
	return &exec->clients[exec->n_clients++];
}

static void before(void *argument, const struct tapped *tapped)
{
	struct exec *exec = argument;
	struct client *client = exec->err.code[0] != '\0' ? NULL : find_client(exec, tapped);
	if (client == NULL)
		return;
	progress_statement(&exec->job->progress, exec->n_steps + 1, 0, "of the command");
	client->step = arena_alloc(exec->job->arena, sizeof *client->step);
	client->step->label = "the command";
	exec->steps = arena_grow(exec->job->arena, exec->steps, exec->n_steps, &exec->steps_capacity, sizeof *exec->steps);
	exec->steps[exec->n_steps++] = client->step;
	if (!measure_before(client->measure, tapped->sql, client->step, &exec->err))
		return;
	exec->zero_us = measure_zero_us(client->measure);
	if (exec->scans != NULL)
		scans_begin(exec->scans, client->number, client->step, &exec->err);
	else
		client->step->rows_read = -1;
}

static void after(void *argument, const struct tapped *tapped)
{
	struct exec *exec = argument;
	struct client *client = exec->err.code[0] != '\0' ? NULL : find_client(exec, tapped);
	if (client != NULL && client->step != NULL && measure_after(client->measure, tapped, client->step, &exec->err)) {
		if (exec->scans != NULL)
			scans_done(exec->scans, client->step);
		client->step = NULL;
	}
}

// The command.

static const char *option(PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

static void add_encoded(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL;
		plain ? buf_addc(out, *text) : buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

// The environment of the command: ours, with the clone behind the tap as its database.
static const char **environment(struct arena *arena, const struct tap *tap, const char *user, const char *database)
{
	auto_buf url = BUF_INIT;
	buf_adds(&url, "postgresql://");
	add_encoded(&url, user);
	buf_addf(&url, "@127.0.0.1:%d/", tap_port(tap));
	add_encoded(&url, database);
	buf_adds(&url, "?sslmode=disable");
	const struct { const char *name, *value; } ours[] = {
		{ "DATABASE_URL", buf_copy(&url, arena) }, { "PGHOST", "127.0.0.1" }, { "PGPORT", arena_printf(arena, "%d", tap_port(tap)) },
		{ "PGUSER", user }, { "PGDATABASE", database }, { "PGPASSWORD", "" }, { "PGSSLMODE", "disable" },
		{ "PGHOSTADDR", NULL }, { "PGSERVICE", NULL }, // which would lead elsewhere
	};
	enum { N_OURS = sizeof ours / sizeof *ours };
	size_t n_all = 0, n = 0;
	while (environ[n_all] != NULL)
		n_all++;
	const char **all = arena_array(arena, n_all + N_OURS + 1, sizeof *all);
	for (size_t i = 0; i < n_all; i++) {
		bool taken = false;
		for (size_t j = 0; j < N_OURS; j++)
			taken |= strncmp(environ[i], ours[j].name, strlen(ours[j].name)) == 0 && environ[i][strlen(ours[j].name)] == '=';
		if (!taken)
			all[n++] = environ[i];
	}
	for (size_t j = 0; j < N_OURS; j++) {
		if (ours[j].value != NULL)
			all[n++] = arena_printf(arena, "%s=%s", ours[j].name, ours[j].value);
	}
	return all;
}

// Its exit status as a shell would say it; -1: it could not be started.
static int run_command(const char *command, const char *const *variables)
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		if (child_settle(NULL, parent, SIGTERM) && dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO)
			execle("/bin/sh", "sh", "-c", command, (char *)NULL, (char *const *)variables);
		_exit(126);
	}
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return pid < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What came of it, as data of the rehearsal.
static void judge_command(struct job *job, int status)
{
	struct pass *pass = job->pass;
	bool failed = false;
	for (size_t i = 0; i < pass->n_steps; i++)
		failed |= pass->steps[i].error != NULL;
	if (pass->quiet || (status == 0 && pass->n_steps > 0))
		return;
	if (failed) {
		job_note(job, arena_printf(job->arena, "the command ended with status %d", status));
		return;
	}
	struct err trouble;
	if (status != 0)
		err_set(&trouble, "exec", "--exec", "see what it says above", "the command ended with status %d", status);
	else
		err_set(&trouble, "exec", "--exec", "it must use DATABASE_URL or PGHOST, PGPORT, PGUSER and PGDATABASE", "the command sent no statement to the clone");
	job_trouble(job, &trouble);
}

static void take_steps(struct exec *exec)
{
	struct pass *pass = exec->job->pass;
	pass->steps = arena_array(exec->job->arena, exec->n_steps, sizeof *pass->steps);
	pass->n_steps = exec->n_steps;
	for (size_t i = 0; i < exec->n_steps; i++) {
		pass->steps[i] = *exec->steps[i];
		pass->duration_ms += pass->steps[i].duration_ms;
	}
}

static bool close_clients(struct exec *exec)
{
	bool ok = true;
	int *pids = arena_array(exec->job->arena, exec->n_clients, sizeof *pids);
	for (size_t i = 0; i < exec->n_clients; i++)
		pids[i] = exec->clients[i].pid;
	if (exec->err.code[0] == '\0')
		scans_close(exec->scans, pids, exec->n_clients, &exec->err);
	else
		scans_close(exec->scans, NULL, 0, &exec->err);
	for (size_t i = 0; i < exec->n_clients; i++) {
		struct err err;
		if (!measure_close(exec->clients[i].measure, &err) && exec->err.code[0] == '\0')
			exec->err = err;
		ok &= exec->err.code[0] == '\0';
	}
	return ok;
}

bool exec_run(struct job *job, double *zero_us, struct err *err)
{
	PQconninfoOption *options = PQconninfoParse(job->pass->own, NULL);
	const char *host = options == NULL ? NULL : option(options, "host"), *port = options == NULL ? NULL : option(options, "port");
	const char *user = options == NULL ? NULL : option(options, "user"), *database = options == NULL ? NULL : option(options, "dbname");
	struct exec exec = { .job = job, .zero_us = -1 };
	struct err ended;
	bool local = host != NULL && *host == '/' && user != NULL && database != NULL;
	struct tap_request request = {
		.server_socket = arena_printf(job->arena, "%s/.s.PGSQL.%s", local ? host : "", port == NULL || *port == '\0' ? "5432" : port),
		.before = before, .after = after, .argument = &exec, .split = !job->request->as_sent,
	};
	bool scripts = job->request->pgbench != NULL && !job->pass->quiet; // whose scans nobody could tell from the command's
	exec.scans = local && !scripts ? scans_open(job->arena, job->pass->superuser, err) : NULL;
	struct tap *tap = local && (scripts || exec.scans != NULL) ? tap_start(&request, err) : NULL;
	const char **variables = tap == NULL ? NULL : environment(job->arena, tap, user, database);
	PQconninfoFree(options);
	if (!local)
		return err_set(err, "exec", "--clone", "name it by host=/folder/of/its/socket, with user and database",
		               "with --exec the clone must be reached through a Unix socket");
	if (tap == NULL) {
		scans_close(exec.scans, NULL, 0, &ended);
		return false;
	}
	int status = run_command(job->request->exec, variables);
	size_t n;
	bool stopped = tap_stop(tap, job->arena, false, &n, &ended) != NULL;
	bool closed = close_clients(&exec);
	*zero_us = exec.zero_us;
	take_steps(&exec);
	if (!closed) {
		*err = exec.err;
		return false;
	}
	if (!stopped) {
		*err = ended;
		return false;
	}
	judge_command(job, status);
	return true;
}
