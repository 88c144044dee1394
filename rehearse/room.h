// SPDX-License-Identifier: PostgreSQL
// Whether a clone fits on the disk.
#ifndef REHEARSE_ROOM_H
#define REHEARSE_ROOM_H

#include "migrations/scratch.h"

struct log;

enum { ROOM_TELL = 1, ROOM_QUIET = 0 };

// Says on a terminal how much a clone of so many bytes takes and how much is free where it will be (elsewhere only with --verbose, and
// nothing with ROOM_QUIET), and refuses (code "space") if it does not fit together with a rewrite of all of its tables. A server that is
// the user's own is not asked.
bool room_check(struct log *log, const struct scratch_settings *scratch, long long bytes, int tell, const char *hint, struct err *err);

// The same for a folder.
bool room_check_at(struct log *log, const char *folder, long long bytes, int tell, const char *hint, struct err *err);

#endif
