// SPDX-License-Identifier: PostgreSQL
// Files as a whole.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;

// Writes the whole text to a descriptor; false leaves errno.
bool file_write_all(int fd, const struct buf *text);

// Replaces a file by the text, atomically: a temporary one beside it, fsync, rename. What is no regular file (/dev/stdout, a
// pipe) is written to. Errors: code "output".
bool file_write(const struct buf *text, const char *path, struct err *err);

// The whole of a file, NUL-ended; at most `most` bytes. NULL with errno left: it cannot be read (EFBIG: it is larger).
char *file_read(struct arena *arena, const char *path, size_t most, size_t *length);

// A folder of ours in one of the XDG base folders: the variable's or `home_folder` of the home directory, and in it `name`, made
// if missing. It must belong to us: what a stranger can write we must not believe. NULL: there is none.
const char *file_xdg_folder(struct arena *arena, const char *variable, const char *home_folder, const char *name);

#endif
