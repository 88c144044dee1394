// SPDX-License-Identifier: PostgreSQL
// Where results go: see output.h. Nothing is said here about what is written.
#include <config.h>

#include "sentinel/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

static bool write_all(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->length;) {
		ssize_t n = write(fd, text->data + done, text->length - done);
		if (n < 0 && errno != EINTR)
			return false;
		done += n < 0 ? 0 : (size_t)n;
	}
	return true;
}

static bool fail(struct err *err, const char *path, int error)
{
	return err_set(err, "output", path, "the folder must exist and be writable", "cannot be written: %s", strerror(error));
}

static bool write_file(const struct buf *text, const char *path, struct err *err)
{
	struct stat old;
	if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) { // /dev/stdout, a pipe: nothing to replace
		auto_file file = fopen(path, "wb");
		return (file != NULL && write_all(fileno(file), text)) || fail(err, path, errno);
	}
	auto_buf temporary = BUF_INIT;
	buf_addf(&temporary, "%s.XXXXXX", path);
	auto_fd fd = mkstemp(temporary.data);
	if (fd < 0)
		return fail(err, path, errno);
	mode_t mask = umask(0);
	umask(mask);
	bool ok = fchmod(fd, 0666 & ~mask) == 0 && write_all(fd, text) && fsync(fd) == 0 && rename(temporary.data, path) == 0;
	if (ok)
		return true;
	int error = errno;
	unlink(temporary.data);
	return fail(err, path, error);
}

bool output_write(const struct buf *text, const char *path, struct err *err)
{
	if (path != NULL && strcmp(path, "-") != 0)
		return write_file(text, path, err);
	if (write_all(STDOUT_FILENO, text) || errno == EPIPE)
		return true;
	return err_set(err, "output", NULL, NULL, "the result cannot be written to stdout: %s", strerror(errno));
}

void output_json(struct buf *out, const char *key, json_t *value)
{
	json_t *document = json_pack("{ss si so}", "driftcheck", PACKAGE_VERSION, "schema", 1, key, value);
	invariant(document != NULL, "JSON document");
	auto_free text = json_dumps(document, JSON_INDENT(2));
	invariant(text != NULL, "JSON text");
	json_decref(document);
	buf_addf(out, "%s\n", text);
}

const char *output_now(struct arena *arena)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[sizeof "2024-01-01T00:00:00Z"];
	gmtime_r(&now, &utc);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return arena_strdup(arena, text);
}

long long output_clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}
