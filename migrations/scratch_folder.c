// SPDX-License-Identifier: PostgreSQL
// The private folders that scratches live in: see scratch_folder.h. All walking is done by descriptors relative to the folder above
// (openat with O_NOFOLLOW), because a folder's owner may not be who removes it.
#include "config.h"

#include "migrations/scratch_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"

#define FOLDER_PREFIX "driftcheck-scratch-"
#define KEPT_PREFIX "driftcheck-kept-"
#define LOCK_NAME "driftcheck.lock"
#define LOCK_TEMPORARY "driftcheck.lock.new"

// "/.s.PGSQL.5432.lock" and its end must fit into a path of less than 100 bytes.
enum { PATH_BYTES = 78, HALF_MADE_S = 60 * 60 };

enum { N_PARENTS = 3 };

static void parents(const char *list[N_PARENTS])
{
	list[0] = getenv("TMPDIR");
	list[1] = "/tmp";
	list[2] = getenv("XDG_RUNTIME_DIR");
}

// Whether the user may pass through every folder of the path. (Access lists are not asked: then the server's start fails.)
static bool reachable(const char *path, const struct run_user *user)
{
	if (!user->other)
		return true;
	char part[sizeof((struct scratch_folder *)0)->path];
	for (size_t length = 1;; length++) {
		if (path[length] != '/' && path[length] != '\0' && length > 1)
			continue;
		snprintf(part, sizeof part, "%.*s", (int)length, path);
		struct stat is;
		if (stat(part, &is) != 0)
			return false;
		mode_t needed = is.st_uid == user->uid ? S_IXUSR : is.st_gid == user->gid ? S_IXGRP : S_IXOTH;
		if (!(is.st_mode & needed))
			return false;
		if (path[length] == '\0')
			return true;
	}
}

// The lock appears locked: made under another name, locked, renamed.
static int lock_make(const char *path)
{
	auto_fd folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -1;
	int lock = openat(folder, LOCK_TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (lock >= 0 && flock(lock, LOCK_EX) == 0 && renameat(folder, LOCK_TEMPORARY, folder, LOCK_NAME) == 0)
		return lock;
	int why = errno;
	if (lock >= 0)
		close(lock);
	errno = why;
	return -1;
}

static bool is_usable(const char *parent, const struct run_user *user)
{
	return parent != NULL && *parent == '/' && strlen(parent) + strlen("/" FOLDER_PREFIX "XXXXXX") <= PATH_BYTES && reachable(parent, user);
}

const char *scratch_folder_parent(const struct run_user *user)
{
	const char *list[N_PARENTS];
	parents(list);
	for (size_t i = 0; i < N_PARENTS; i++) {
		if (is_usable(list[i], user) && access(list[i], W_OK | X_OK) == 0)
			return list[i];
	}
	return NULL;
}

bool scratch_folder_open(struct scratch_folder *folder, const struct run_user *user, struct err *err)
{
	const char *list[N_PARENTS];
	parents(list);
	int why = 0;
	for (size_t i = 0; i < N_PARENTS; i++) {
		folder->lock = -1;
		if (!is_usable(list[i], user))
			continue;
		snprintf(folder->path, sizeof folder->path, "%s/" FOLDER_PREFIX "XXXXXX", list[i]);
		if (mkdtemp(folder->path) != NULL) { // 0700
			folder->lock = lock_make(folder->path);
			if (folder->lock >= 0 && (!user->other || chown(folder->path, user->uid, user->gid) == 0))
				return true;
			why = errno;
			scratch_folder_close(folder);
		} else {
			why = errno;
		}
	}
	folder->path[0] = '\0';
	return err_set(err, "scratch", NULL, "set TMPDIR to a writable folder with a short path",
	               "no folder for a scratch database: TMPDIR, /tmp and XDG_RUNTIME_DIR are not writable, too long, or out of "
	               "reach of %s%s%s",
	               user->name, why == 0 ? "" : ": ", why == 0 ? "" : strerror(why));
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *subfolder(int fd, const char *name)
{
	int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = sub < 0 ? NULL : fdopendir(sub);
	if (entries == NULL && sub >= 0)
		close(sub);
	return entries;
}

static void remove_at(int fd, const char *name)
{
	if (unlinkat(fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	{
		auto_dir entries = subfolder(fd, name);
		for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
			if (!is_dots(entry->d_name))
				remove_at(dirfd(entries), entry->d_name);
		}
	}
	unlinkat(fd, name, AT_REMOVEDIR);
}

void tree_remove(const char *path)
{
	remove_at(AT_FDCWD, path);
}

void scratch_folder_close(struct scratch_folder *folder)
{
	if (folder->path[0] == '\0')
		return;
	tree_remove(folder->path);
	if (folder->lock >= 0)
		close(folder->lock);
	*folder = (struct scratch_folder){ "", -1 };
}

// The new name is the shorter one.
bool scratch_folder_keep(struct scratch_folder *folder, struct err *err)
{
	struct scratch_folder kept = *folder;
	char *name = strrchr(kept.path, '/') + 1, lock[sizeof kept.path + sizeof "/" LOCK_NAME];
	snprintf(name, sizeof kept.path - (size_t)(name - kept.path), KEPT_PREFIX "%s", strrchr(folder->path, '-') + 1);
	if (rename(folder->path, kept.path) != 0)
		return err_set(err, "scratch", folder->path, NULL, "it cannot be kept: %s", strerror(errno));
	snprintf(lock, sizeof lock, "%s/" LOCK_NAME, kept.path);
	unlink(lock);
	close(kept.lock);
	kept.lock = -1;
	*folder = kept;
	return true;
}

static long long bytes_at(int fd, const char *name)
{
	struct stat is;
	if (fstatat(fd, name, &is, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	long long bytes = (long long)is.st_blocks * 512;
	auto_dir entries = S_ISDIR(is.st_mode) ? subfolder(fd, name) : NULL;
	for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
		if (!is_dots(entry->d_name))
			bytes += bytes_at(dirfd(entries), entry->d_name);
	}
	return bytes;
}

long long tree_bytes(const char *path)
{
	return bytes_at(AT_FDCWD, path);
}

// The kernel copies; where it cannot (between some file systems), we do.
static bool copy_data(int from, int to)
{
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
		if (n == 0)
			return true;
		if (n < 0)
			break;
	}
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return false;
	char some[64 * 1024];
	for (ssize_t n; (n = read(from, some, sizeof some)) != 0;) {
		if (n < 0)
			return false;
		for (ssize_t done = 0, written; done < n; done += written) {
			written = write(to, some + done, (size_t)(n - done));
			if (written < 0)
				return false;
		}
	}
	return true;
}

static bool copy_file(int from_fd, int to_fd, const char *name, const struct run_user *user)
{
	auto_fd from = openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return from >= 0 && to >= 0 && (!user->other || fchown(to, user->uid, user->gid) == 0) && copy_data(from, to);
}

static bool copy_folder(DIR *from, int to_fd, const char *to_name, const struct run_user *user)
{
	if (mkdirat(to_fd, to_name, 0700) != 0)
		return false;
	auto_fd to = openat(to_fd, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 || (user->other && fchown(to, user->uid, user->gid) != 0))
		return false;
	for (const struct dirent *entry; (entry = readdir(from)) != NULL;) {
		if (is_dots(entry->d_name))
			continue;
		auto_dir sub = entry->d_type == DT_REG ? NULL : subfolder(dirfd(from), entry->d_name);
		bool copied = sub == NULL ? copy_file(dirfd(from), to, entry->d_name, user) : copy_folder(sub, to, entry->d_name, user);
		if (!copied)
			return false;
	}
	return true;
}

bool tree_copy(const char *from, const char *to, const struct run_user *user, struct err *err)
{
	auto_dir entries = subfolder(AT_FDCWD, from);
	if (entries != NULL && copy_folder(entries, AT_FDCWD, to, user))
		return true;
	return err_set(err, "scratch", to, errno == ENOSPC ? "free some space, or set TMPDIR to a folder that has it" : NULL,
	               "cannot copy %s: %s", from, strerror(errno));
}

static void sweep_one(int parent, const char *parent_path, const char *name, const struct run_user *user,
                      void (*stale)(int fd, const char *path, void *argument), void *argument)
{
	struct stat is;
	if (fstatat(parent, name, &is, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(is.st_mode) ||
	    !(is.st_uid == geteuid() || (user->other && is.st_uid == user->uid)))
		return;
	auto_fd folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return;
	auto_fd lock = openat(folder, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0) { // being made right now, or its maker was killed at that
		if (errno == ENOENT && time(NULL) - is.st_mtime > HALF_MADE_S)
			remove_at(parent, name);
		return;
	}
	if (flock(lock, LOCK_EX | LOCK_NB) != 0 || fstat(lock, &is) != 0 || is.st_nlink == 0)
		return;
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", parent_path, name);
	stale(folder, path, argument);
	remove_at(parent, name);
}

void scratch_folder_sweep(const struct run_user *user, void (*stale)(int fd, const char *path, void *argument), void *argument)
{
	const char *list[N_PARENTS];
	parents(list);
	for (size_t i = 0; i < N_PARENTS; i++) {
		if (list[i] == NULL || *list[i] != '/')
			continue;
		auto_dir entries = opendir(list[i]);
		for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
			if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) == 0 &&
			    strlen(entry->d_name) == strlen(FOLDER_PREFIX "XXXXXX"))
				sweep_one(dirfd(entries), list[i], entry->d_name, user, stale, argument);
		}
	}
}
