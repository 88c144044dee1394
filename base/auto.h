// SPDX-License-Identifier: PostgreSQL
// Handles that close themselves. A handle belongs to the function that opened it, in a variable declared with one of these
// words; it is closed on every way out of its block. (auto_arena and auto_buf stand with their types; the words for the
// handles of a library stand in the header of the folder that uses it.)
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Defines the function behind `#define auto_x __attribute__((cleanup(x_cleanup))) TYPE`; `release` gets the handle.
#define AUTO_DEFINE(name, type, release)                         \
	static inline __attribute__((unused)) void name(type *handle) \
	{                                                        \
		if (*handle)                                     \
			release(*handle);                        \
	}

AUTO_DEFINE(auto_file_cleanup, FILE *, fclose)
#define auto_file __attribute__((cleanup(auto_file_cleanup))) FILE *

AUTO_DEFINE(auto_dir_cleanup, DIR *, closedir)
#define auto_dir __attribute__((cleanup(auto_dir_cleanup))) DIR *

static inline void auto_fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define auto_fd __attribute__((cleanup(auto_fd_cleanup))) int // -1 is closed

AUTO_DEFINE(auto_free_cleanup, char *, free)
#define auto_free __attribute__((cleanup(auto_free_cleanup))) char *

#endif
