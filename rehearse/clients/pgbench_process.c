// SPDX-License-Identifier: PostgreSQL
// Running pgbench once: finding it, its command line's address and its environment, a script's try. An address with a password is not
// put on its command line.
#include "rehearse/clients/pgbench_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "migrations/cluster.h"
#include "migrations/process.h"

extern char **environ;

const char *pgbench_find(struct arena *arena, const char *bindir, int major, struct err *err)
{
	struct binaries binaries;
	struct err ignored;
	if (binaries_find(arena, bindir, major, &binaries, &ignored)) {
		const char *path = arena_printf(arena, "%s/pgbench", binaries.bindir);
		if (access(path, X_OK) == 0)
			return path;
	}
	const char *path = process_find(arena, "pgbench");
	if (path == NULL)
		err_set(err, "pgbench", "--pgbench", "it comes with the server: Debian's package postgresql-NN, or postgresql-contrib elsewhere",
		        "there is no pgbench, neither beside the server's programs nor in PATH");
	return path;
}

const char *pgbench_address(struct arena *arena, const char *conninfo, const char **password)
{
	static const char *const left_out[] = { "password", "sslpassword", "oauth_client_secret", "application_name", "fallback_application_name" };
	auto_buf out = BUF_INIT;
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	*password = NULL;
	for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
		bool ours = false;
		for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
			ours |= strcmp(option->keyword, left_out[i]) == 0;
		if (option->val != NULL && strcmp(option->keyword, "password") == 0)
			*password = arena_strdup(arena, option->val);
		if (option->val != NULL && !ours)
			conninfo_add(&out, option->keyword, option->val);
	}
	PQconninfoFree(options);
	return buf_copy(&out, arena);
}

const char **pgbench_environment(struct arena *arena, const char *name, const char *password)
{
	size_t n_all = 0, n = 0;
	while (environ[n_all] != NULL)
		n_all++;
	const char **all = arena_array(arena, n_all + 4, sizeof *all);
	for (size_t i = 0; i < n_all; i++) {
		bool ours = strncmp(environ[i], "PGAPPNAME=", 10) == 0 || (password != NULL && strncmp(environ[i], "PGPASSWORD=", 11) == 0) ||
		            strncmp(environ[i], "LC_", 3) == 0 || strncmp(environ[i], "LANG", 4) == 0;
		if (!ours)
			all[n++] = environ[i];
	}
	all[n++] = "LC_ALL=C"; // its messages are read
	all[n++] = arena_printf(arena, "PGAPPNAME=%s", name);
	if (password != NULL)
		all[n++] = arena_printf(arena, "PGPASSWORD=%s", password);
	return all;
}

pid_t pgbench_spawn(const char *const *argv, const char *const *variables, int output)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	// a session of its own: it must not ask for a password on the terminal
	if (setsid() >= 0 && input >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 && child_settle(NULL, parent, SIGTERM))
		execve(argv[0], (char *const *)argv, (char *const *)variables);
	_exit(127);
}

int pgbench_wait(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

const char *pgbench_file(struct arena *arena, const struct pgbench_script *script)
{
	return arena_printf(arena, "--file=%s@1", script->path);
}

bool pgbench_check(struct arena *arena, const struct pgbench_request *request, const char *conninfo, struct err *err)
{
	const char *password, *database = pgbench_address(arena, conninfo, &password);
	const char **variables = pgbench_environment(arena, "driftcheck pgbench", password);
	for (size_t i = 0; i < request->n_scripts; i++) {
		const char *const argv[] = { request->program, "--no-vacuum", "--client=1", "--transactions=1", arena_printf(arena, "--protocol=%s", request->protocol),
		                             pgbench_file(arena, &request->scripts[i]), database, NULL };
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0)
			return err_set(err, "pgbench", request->program, NULL, "it cannot be started: %s", strerror(errno));
		pid_t pid = pgbench_spawn(argv, variables, ends[1]);
		close(ends[1]);
		auto_fd out = ends[0];
		auto_buf said = BUF_INIT;
		char some[4096];
		for (ssize_t n; pid > 0 && (n = read(out, some, sizeof some)) != 0;) {
			if (n > 0)
				buf_add(&said, some, (size_t)n);
			else if (errno != EINTR)
				break;
		}
		int status = pid > 0 ? pgbench_wait(pid) : -1;
		if (status == 0)
			continue;
		// what it says of a script stands before or after its summary
		const char *error = said.length == 0 ? NULL : strstr(said.data, "pgbench: error: ");
		if (error == NULL)
			error = said.length == 0 ? "it says nothing" : said.data;
		return err_set(err, "pgbench", request->scripts[i].path, "the script must work on the schema before the migration", "pgbench cannot run it: %s",
		               pgbench_abort_read(error) ? pgbench_abort_reason(arena, error)
		                                                  : arena_strndup(arena, error, strcspn(error, "\n")));
	}
	return true;
}
