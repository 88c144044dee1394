// SPDX-License-Identifier: PostgreSQL
// A clone from a dump (--dump): restored into a durable throwaway server by the way that schema dumps are replayed on. What pg_dump
// wrote in a format of its own, pg_restore turns into SQL first. The text is held in memory.
#include "rehearse/course.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "introspect/pg.h"
#include "migrations/cluster.h"
#include "migrations/process.h"
#include "migrations/replay.h"
#include "rehearse/room.h"

enum { ARCHIVE_GROWS = 4 }; // it is compressed

// How a dump in a format of pg_dump's own begins: custom; tar, whose first member is the table of contents.
static const char *const magics[] = { "PGDMP", "toc.dat" };

static bool is_archive(const struct stat *is, int fd)
{
	char start[8] = { 0 };
	if (S_ISDIR(is->st_mode))
		return true;
	bool archive = pread(fd, start, sizeof start - 1, 0) < 0;
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		archive |= strncmp(start, magics[i], strlen(magics[i])) == 0;
	return archive;
}

static bool read_all(int fd, struct buf *text)
{
	char some[64 * 1024];
	ssize_t n;
	while ((n = read(fd, some, sizeof some)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			buf_add(text, some, (size_t)n);
	}
	return n == 0;
}

static const char *scratch_folder(void)
{
	const char *folder = getenv("TMPDIR");
	return folder != NULL && *folder != '\0' ? folder : "/tmp";
}

// The nearest pg_restore: of the server that will be started, else the one in PATH, which may be newer than the dump.
static const char *find_program(const struct job *job)
{
	struct binaries binaries;
	struct err ignored;
	if (binaries_find(job->arena, job->request->scratch->bindir, job->request->major, &binaries, &ignored)) {
		const char *path = arena_printf(job->arena, "%s/pg_restore", binaries.bindir);
		if (access(path, X_OK) == 0)
			return path;
	}
	return process_find(job->arena, "pg_restore");
}

// Runs pg_restore, whose SQL goes to a file that has no name, and what it says to a pipe.
static bool read_archive(struct job *job, const char *path, struct buf *text, struct err *err)
{
	const char *program = find_program(job), *full = realpath(path, NULL);
	char name[4096];
	snprintf(name, sizeof name, "%s/driftcheck-dump-XXXXXX", scratch_folder());
	int ends[2];
	auto_fd sql = mkostemp(name, O_CLOEXEC);
	if (sql >= 0)
		unlink(name);
	const char *from = full == NULL ? path : arena_strdup(job->arena, full);
	free((char *)full);
	if (program == NULL)
		return err_set(err, "dump", path, "install postgresql-client, or dump with pg_dump --format=plain",
		               "it is in a format of pg_dump's own, and there is no pg_restore");
	if (sql < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return err_set(err, "dump", path, "set TMPDIR to a folder that can be written to", "no file for its SQL can be made: %s", strerror(errno));
	auto_fd said = ends[0];
	const char *const argv[] = { program, "--no-owner", arena_printf(job->arena, "--file=/proc/%d/fd/%d", (int)getpid(), sql), from, NULL };
	pid_t pid = process_start(argv, "/", ends[1], NULL, err);
	close(ends[1]);
	if (pid < 0)
		return false;
	auto_buf messages = BUF_INIT;
	read_all(said, &messages);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, "dump", path, "a newer pg_dump than this pg_restore made it, or it was cut off", "pg_restore cannot read it: %.*s",
		               (int)strcspn(messages.data, "\n"), messages.data);
	return lseek(sql, 0, SEEK_SET) == 0 && read_all(sql, text);
}

static bool read_dump(struct job *job, const char *path, struct buf *text, struct err *err)
{
	struct stat is;
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &is) != 0)
		return err_set(err, "dump", path, NULL, "it cannot be read: %s", strerror(errno));
	bool archive = is_archive(&is, fd);
	long long bytes = (long long)is.st_size * (archive ? ARCHIVE_GROWS : 1);
	if (!room_check(job->request->log, job->request->scratch, bytes, ROOM_TELL, "set TMPDIR to a larger disk", err))
		return false;
	if (archive)
		return read_archive(job, path, text, err);
	return read_all(fd, text) || err_set(err, "dump", path, NULL, "it cannot be read: %s", strerror(errno));
}

// Statistics, without which the clone would plan as no server in use does.
static bool analyze(const char *conninfo, struct err *err)
{
	auto_pgconn conn = PQconnectdb(conninfo);
	auto_pgresult result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, "analyze") : NULL;
	return PQresultStatus(result) == PGRES_COMMAND_OK || err_set(err, "dump", NULL, NULL, "analysing what was restored: %s", PQerrorMessage(conn));
}

static bool on_dump(struct scratch *scratch, void *argument, struct err *err)
{
	struct job *job = argument;
	struct rehearsal_request *request = job->request;
	job->pass->own = scratch_conninfo(scratch, false);
	job->pass->superuser = scratch_conninfo(scratch, true);
	if (!analyze(job->pass->superuser, err))
		return false;
	if (job->again)
		return job_run(job, err);
	if (request->ask_versions != NULL && !request->ask_versions(request->argument, job->pass->superuser, request, err))
		return false;
	return job_look(job, scratch, err) && job_list(job, err) && job_run(job, err) && job_keep(job, scratch, err);
}

bool dump_again(struct job *job, struct err *err)
{
	auto_buf text = BUF_INIT;
	const char *path = job->request->dump;
	if (!read_dump(job, path, &text, err))
		return false;
	if (strlen(text.data) < text.length)
		return err_set(err, "dump", path, "give a plain SQL dump, or one of pg_dump's own formats", "it is no SQL: it holds bytes of value 0");
	const struct scratch_settings scratch = job_scratch(job);
	log_info(job->request->log, "restoring %s", path);
	return replay_text(job->arena, path, text.data, job->request->major, &scratch, on_dump, job, err);
}

bool rehearse_on_dump(struct job *job, struct err *err)
{
	job->pass = &job->passes[job->n_passes++];
	return dump_again(job, err);
}
