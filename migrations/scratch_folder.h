// SPDX-License-Identifier: PostgreSQL
// The private folders that scratches live in: mode 0700, owned by whom the foreign SQL runs as, with a path short enough for
// a Unix socket, and a lock that the living owner holds, so that a folder left by a killed run can be told from one in use.
// Whoever owns the folder may fill it with anything: nothing here follows a symbolic link in it.
#ifndef MIGRATIONS_SCRATCH_FOLDER_H
#define MIGRATIONS_SCRATCH_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "migrations/process.h"

struct scratch_folder {
	char path[96]; // "" : none
	int lock;      // a descriptor; the lock ends with the last process that holds it
};

// Makes one under $TMPDIR, /tmp or $XDG_RUNTIME_DIR: the first that can be written, is short enough and can be reached by
// the user. Errors: "scratch".
bool scratch_folder_open(struct scratch_folder *folder, const struct run_user *user, struct err *err);
void scratch_folder_close(struct scratch_folder *folder); // removes it; nothing if there is none

// Where scratch_folder_open would make one; NULL: nowhere.
const char *scratch_folder_parent(const struct run_user *user);

// Gives it a name that no sweep knows, driftcheck-kept-XXXXXX, and lets go of its lock. Nothing may run in it. Errors: "scratch".
bool scratch_folder_keep(struct scratch_folder *folder, struct err *err);

// Calls `stale` for each folder of a run that is no more, while its lock is held, then removes the folder. Folders that are
// not the current user's (or, for root, the run user's) are left alone.
void scratch_folder_sweep(const struct run_user *user, void (*stale)(int fd, const char *path, void *argument), void *argument);

// Copies what is in a folder (files and folders, no links) into a new folder, which then belongs to the user; file data is
// shared where the file system can. Errors: "scratch", with what could not be copied.
bool tree_copy(const char *from, const char *to, const struct run_user *user, struct err *err);

void tree_remove(const char *path); // with all that is in it
long long tree_bytes(const char *path); // the disk space that it takes

#endif
