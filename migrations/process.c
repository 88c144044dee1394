// SPDX-License-Identifier: PostgreSQL
// Child processes that do not outlive us: see process.h. Between fork and exec only async-signal-safe calls are made,
// since other threads of ours may hold locks; everything that must be looked up is looked up before.
#include "config.h"

#include "migrations/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

bool run_user_find(struct arena *arena, struct run_user *user, struct err *err)
{
	static const char *const names[] = { "postgres", "nobody" };
	*user = (struct run_user){ "the current user", geteuid(), getegid(), false };
	if (user->uid != 0)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct passwd *entry = getpwnam(names[i]);
		if (entry != NULL && entry->pw_uid != 0) {
			*user = (struct run_user){ arena_strdup(arena, names[i]), entry->pw_uid, entry->pw_gid, true };
			return true;
		}
	}
	return err_set(err, "scratch", NULL, "run driftcheck as another user, or make a user `postgres`",
	               "foreign SQL is not run as root, and there is neither a user `postgres` nor `nobody` to become");
}

static bool become(const struct run_user *user)
{
	return user == NULL || !user->other || (setgroups(1, &user->gid) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
	                                        setresuid(user->uid, user->uid, user->uid) == 0);
}

bool child_settle(const struct run_user *user, pid_t parent, int signal)
{
	if (!become(user))
		return false;
	if (prctl(PR_SET_PDEATHSIG, signal) != 0)
		return false;
	if (getppid() != parent) { // it ended before the tie was made
		errno = ESRCH;
		return false;
	}
	return true;
}

static const char **minimal_environment(struct arena *arena)
{
	static const char *const kept[] = { "PATH", "LD_LIBRARY_PATH" };
	const char **environment = arena_array(arena, sizeof kept / sizeof *kept + 3, sizeof *environment);
	size_t n = 0;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		const char *value = getenv(kept[i]);
		if (value != NULL)
			environment[n++] = arena_printf(arena, "%s=%s", kept[i], value);
	}
	environment[n++] = "LC_ALL=C";
	environment[n] = "TZ=UTC";
	return environment;
}

// `parent` 0: it may outlive us.
static void child_run(const char *const *argv, const char **environment, const char *folder, int input, int output,
                      const struct run_user *user, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	if (setsid() < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
	    !(parent == 0 ? become(user) : child_settle(user, parent, SIGQUIT)) || chdir(folder) != 0)
		return;
	execve(argv[0], (char *const *)argv, (char *const *)environment);
}

static pid_t start(const char *const *argv, const char *folder, int output, const struct run_user *user, bool tied, struct err *err)
{
	auto_arena arena = arena_new();
	const char **environment = minimal_environment(arena);
	auto_fd input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int report[2]; // closed by exec; else the child writes why there was none
	if (input < 0 || pipe2(report, O_CLOEXEC) != 0) {
		err_set(err, "scratch", argv[0], NULL, "cannot start it: %s", strerror(errno));
		return -1;
	}
	auto_fd report_in = report[1], report_out = report[0];
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		child_run(argv, environment, folder, input, output, user, tied ? parent : 0);
		int why = errno;
		ssize_t ignored = write(report_in, &why, sizeof why);
		_exit(ignored == sizeof why ? 127 : 126);
	}
	int why = errno;
	close(report_in);
	report_in = -1;
	if (pid > 0 && read(report_out, &why, sizeof why) != sizeof why)
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	const char *name = user == NULL ? "the current user" : user->name;
	err_set(err, "scratch", argv[0], "the program and every folder above it must be readable and executable by that user",
	        "cannot start it as %s: %s", name, strerror(why));
	return -1;
}

pid_t process_start(const char *const *argv, const char *folder, int output, const struct run_user *user, struct err *err)
{
	return start(argv, folder, output, user, true, err);
}

pid_t process_start_free(const char *const *argv, const char *folder, int output, const struct run_user *user, struct err *err)
{
	return start(argv, folder, output, user, false, err);
}

const char *process_output(struct arena *arena, const char *const *argv)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	auto_fd out = ends[0];
	struct err err;
	pid_t pid = process_start(argv, "/", ends[1], NULL, &err);
	close(ends[1]);
	if (pid < 0)
		return NULL;
	auto_buf text = BUF_INIT;
	char some[4096];
	for (ssize_t n; (n = read(out, some, sizeof some)) != 0;) {
		if (n > 0)
			buf_add(&text, some, (size_t)n);
		else if (errno != EINTR)
			break;
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? buf_copy(&text, arena) : NULL;
}

const char *process_find(struct arena *arena, const char *program)
{
	const char *path = getenv("PATH");
	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");
		const char *candidate = arena_printf(arena, "%.*s/%s", (int)length, path, program);
		struct stat is;
		if (*candidate == '/' && stat(candidate, &is) == 0 && S_ISREG(is.st_mode) && access(candidate, X_OK) == 0)
			return candidate;
		path += length + (path[length] == ':');
	}
	return NULL;
}
