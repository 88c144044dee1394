// SPDX-License-Identifier: PostgreSQL
// The child process of a rehearsal on SQLite: it runs the repository's statements on the clone, one at a time and as the user that
// replays run as, and says of each what it did.
#ifndef REHEARSE_SQLITE_WORKER_H
#define REHEARSE_SQLITE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rehearse/sequence.h"
#include "rehearse/sqlite/vfs.h"

struct err;
struct scratch;
struct scratch_settings;

// What a statement does to a table or an object, as SQLite's parser tells its authorizer: bits.
enum touch { TOUCH_WRITE = 1, TOUCH_DELETE = 2, TOUCH_ALTER = 4, TOUCH_DROP_TABLE = 8, TOUCH_DROP_INDEX = 16, TOUCH_DROP_TRIGGER = 32,
	     TOUCH_INDEX = 64, TOUCH_READ = 128 };

enum { TOUCHED_MAX = 32, TOUCHED_NAME = 128 };

struct touched {
	char name[TOUCHED_NAME];
	unsigned what;
};

struct worker_report {
	size_t statement;            // its number
	double start_us, end_us;     // of clock_us
	double wait_us;              // of it waiting for locks
	long long rows_read;         // by full scans, where SQLite counts them
	long long pages_read;        // of the database, from the cache or not
	long long pages_changed;
	struct vfs_record files;
	bool in_transaction;         // afterwards
	bool foreign_keys;           // are enforced
	bool foreign_keys_guarded;   // the migrations switched them off themselves, and where that has an effect
	int result;                  // SQLITE_DONE: it worked
	char error[512];
	unsigned n_touched;
	struct touched touched[TOUCHED_MAX];
};

struct worker_request {
	struct scratch *scratch;
	const struct scratch_settings *settings;
	const char *path;       // of the clone
	const struct sequenced *statements;
	size_t n_statements;
	double busy_timeout_ms;
	bool foreign_keys;      // as the framework's connections have them
};

struct worker {
	pid_t pid;
	int socket;
};

// Starts it; it waits. From the main thread, while no thread of this process uses SQLite and no connection to the file is open (a
// child must not inherit those). Errors: code "scratch".
bool worker_start(struct worker *worker, const struct worker_request *request, struct err *err);

// Runs the next statement. A statement that SQLite refuses is no failure. False: the child is gone, or the scratch's limits are reached.
bool worker_next(struct worker *worker, const struct worker_request *request, size_t statement, struct worker_report *report, struct err *err);

void worker_stop(struct worker *worker); // an open transaction is rolled back

#endif
