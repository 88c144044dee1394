// SPDX-License-Identifier: PostgreSQL
// Files as a whole: see file.h.
#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

bool file_write_all(int fd, const struct buf *text)
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

bool file_write(const struct buf *text, const char *path, struct err *err)
{
	struct stat old;
	if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) { // /dev/stdout, a pipe: nothing to replace
		auto_file file = fopen(path, "wb");
		return (file != NULL && file_write_all(fileno(file), text)) || fail(err, path, errno);
	}
	auto_buf temporary = BUF_INIT;
	buf_addf(&temporary, "%s.XXXXXX", path);
	auto_fd fd = mkstemp(temporary.data);
	if (fd < 0)
		return fail(err, path, errno);
	mode_t mask = umask(0);
	umask(mask);
	bool ok = fchmod(fd, 0666 & ~mask) == 0 && file_write_all(fd, text) && fsync(fd) == 0 && rename(temporary.data, path) == 0;
	if (ok)
		return true;
	int error = errno;
	unlink(temporary.data);
	return fail(err, path, error);
}

char *file_read(struct arena *arena, const char *path, size_t most, size_t *length)
{
	auto_file file = fopen(path, "rb");
	if (file == NULL)
		return NULL;
	auto_buf text = BUF_INIT;
	char part[65536];
	for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0 && text.length <= most;)
		buf_add(&text, part, n);
	if (ferror(file) || text.length > most) {
		errno = ferror(file) ? EIO : EFBIG;
		return NULL;
	}
	*length = text.length;
	return buf_copy(&text, arena);
}

// Makes a folder, and those above it, unless they are there, and says whether it belongs to us.
static bool make_folder(char *path)
{
	struct stat is;
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
		*slash = '/';
		if (!made)
			return false;
	}
	return (mkdir(path, 0700) == 0 || errno == EEXIST) && stat(path, &is) == 0 && S_ISDIR(is.st_mode) && is.st_uid == geteuid() &&
	       access(path, W_OK | X_OK) == 0;
}

const char *file_xdg_folder(struct arena *arena, const char *variable, const char *home_folder, const char *name)
{
	const char *set = getenv(variable), *home = getenv("HOME");
	char *parent = set == NULL ? NULL : arena_strdup(arena, set);
	if (parent == NULL || *parent != '/') { // the XDG specification: a relative path is to be ignored
		if (home == NULL || *home != '/') {
			const struct passwd *user = getpwuid(geteuid());
			home = user == NULL ? NULL : user->pw_dir;
		}
		if (home == NULL)
			return NULL;
		parent = arena_printf(arena, "%s/%s", home, home_folder);
	}
	char *path = arena_printf(arena, "%s/%s", parent, name);
	return make_folder(parent) && make_folder(path) ? path : NULL;
}
