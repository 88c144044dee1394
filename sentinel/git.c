// SPDX-License-Identifier: PostgreSQL
// Asks the git program, which knows worktrees, packed references and safe.directory. Its complaints are not shown: a
// folder outside of any repository is nothing unusual.
#include "sentinel/git.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"

extern char **environ;

enum { SHA_MAX = 64 };

// Starts git with its output into a pipe; -1 if it cannot be started.
static pid_t start(const char *folder, int *from)
{
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	char *const arguments[] = {
		(char *)"git", (char *)"-C", (char *)folder, (char *)"rev-parse", (char *)"--verify", (char *)"HEAD", NULL
	};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	pid_t child;
	bool ok = posix_spawnp(&child, "git", &actions, NULL, arguments, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*from = ends[0];
	return ok ? child : -1;
}

const char *git_head(struct arena *arena, const char *folder)
{
	auto_fd from = -1;
	pid_t child = start(folder, &from);
	if (child < 0)
		return NULL;
	char text[SHA_MAX + 2];
	size_t length = 0;
	for (ssize_t n; length < sizeof text && (n = read(from, text + length, sizeof text - length)) > 0;)
		length += (size_t)n;
	int state;
	waitpid(child, &state, 0);
	size_t n_sha = 0;
	while (n_sha < length && strchr("0123456789abcdef", text[n_sha]) != NULL)
		n_sha++;
	bool ok = WIFEXITED(state) && WEXITSTATUS(state) == 0 && n_sha >= 40 && n_sha <= SHA_MAX;
	return ok ? arena_strndup(arena, text, n_sha) : NULL;
}
