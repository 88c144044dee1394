// SPDX-License-Identifier: PostgreSQL
// What the checkout's git says: see git.h. Its complaints are not shown: a folder outside of any repository is nothing
// unusual.
#include "migrations/git.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"

extern char **environ;

enum { SHA_LEAST = 40, SHA_MOST = 64, ARGUMENTS_MAX = 16 };

// Runs git in a folder and takes what it prints; false if it could not be run or failed.
static bool run(const char *folder, const char *const *words, struct buf *out)
{
	const char *arguments[ARGUMENTS_MAX] = { "git", "-C", folder };
	for (size_t n = 3; *words != NULL && n < ARGUMENTS_MAX - 1; n++)
		arguments[n] = *words++;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	pid_t child;
	bool started = posix_spawnp(&child, "git", &actions, NULL, (char *const *)arguments, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	auto_fd from = ends[0];
	if (!started)
		return false;
	char bytes[4096];
	for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0;)
		buf_add(out, bytes, (size_t)n);
	int state;
	return waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static size_t sha_length(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");
	return n >= SHA_LEAST && n <= SHA_MOST ? n : 0;
}

const char *git_head(struct arena *arena, const char *folder)
{
	auto_buf out = BUF_INIT;
	bool ok = run(folder, (const char *const[]){ "rev-parse", "--verify", "HEAD", NULL }, &out);
	return ok && sha_length(out.data) > 0 ? arena_strndup(arena, out.data, sha_length(out.data)) : NULL;
}

const char *git_prefix(struct arena *arena, const char *folder)
{
	auto_buf out = BUF_INIT;
	if (!run(folder, (const char *const[]){ "rev-parse", "--show-prefix", NULL }, &out) || out.length == 0)
		return NULL;
	size_t length = out.length - 1; // the line's end, and the slash before it
	return arena_strndup(arena, out.data, length > 0 ? length - 1 : 0);
}

static bool is_zero(const char *sha)
{
	return sha[strspn(sha, "0")] == '\0';
}

static bool known(const struct git_blob *blobs, size_t n, const struct git_blob *blob)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(blobs[i].sha, blob->sha) == 0 && strcmp(blobs[i].path, blob->path) == 0)
			return true;
	}
	return false;
}

// A record of `git log --raw -z`: ":MODE MODE SHA SHA LETTER" NUL PATH NUL, two paths where the letter is R or C.
size_t git_blobs(struct arena *arena, const char *folder, const char *name, struct git_blob **blobs)
{
	auto_buf out = BUF_INIT;
	*blobs = NULL;
	if (!run(folder, (const char *const[]){ "log", "--all", "--format=", "--raw", "-z", "--no-abbrev", "--relative", "--no-renames",
	                                        "--", name == NULL ? "." : name, NULL }, &out))
		return 0;
	size_t n = 0, capacity = 0;
	const char *c = out.data, *end = out.data + out.length;
	while (c < end) {
		const char *path = c + strlen(c) + 1;
		if (*c != ':' || path >= end)
			break;
		for (const char *field = c; field != NULL && *field != '\0'; field = strchr(field + 1, ' ')) {
			size_t length = sha_length(field + 1);
			struct git_blob blob = { arena_strdup(arena, path), arena_strndup(arena, field + 1, length) };
			if (length == 0 || is_zero(blob.sha) || known(*blobs, n, &blob))
				continue;
			*blobs = arena_grow(arena, *blobs, n, &capacity, sizeof **blobs);
			(*blobs)[n++] = blob;
		}
		c = path + strlen(path) + 1;
	}
	return n;
}

const char *git_blob_text(struct arena *arena, const char *folder, const struct git_blob *blob, size_t *length)
{
	auto_buf out = BUF_INIT;
	if (!run(folder, (const char *const[]){ "cat-file", "blob", blob->sha, NULL }, &out))
		return NULL;
	*length = out.length;
	return buf_copy(&out, arena);
}
