// SPDX-License-Identifier: PostgreSQL
// Child processes that do not outlive us: each is told by the kernel when the thread that started it is gone
// (prctl(2), PR_SET_PDEATHSIG), which holds for kill -9 as well. Linux only.
#ifndef MIGRATIONS_PROCESS_H
#define MIGRATIONS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;
struct err;

// Whom foreign SQL runs as. PostgreSQL refuses root, so root's children become `postgres`, else `nobody`; anybody else's stay
// what they are.
struct run_user {
	const char *name; // for messages
	uid_t uid;
	gid_t gid;
	bool other; // it is not us: ids are to be dropped
};

// False (code "scratch"): root, and neither user is there.
bool run_user_find(struct arena *arena, struct run_user *user, struct err *err);

// What a fresh child does first: becomes the user (NULL: stays), is tied to the life of its parent `parent` (SIGNAL is sent
// when it ends), and makes sure that this has not happened already. Dropping ids clears the tie, so the order matters.
// Async-signal-safe. False: errno says why.
bool child_settle(const struct run_user *user, pid_t parent, int signal);

// Starts argv[0] (a path) in a session of its own, with /dev/null as input and `output` as both outputs, a minimal
// environment and the folder as its working directory. Returns the pid, -1 on failure (code "scratch"). The caller waits for it.
pid_t process_start(const char *const *argv, const char *folder, int output, const struct run_user *user, struct err *err);

// The same for what may outlive us, because a person asked for it.
pid_t process_start_free(const char *const *argv, const char *folder, int output, const struct run_user *user, struct err *err);

// Runs it to its end and returns what it printed, in the arena; NULL if it could not be run or failed.
const char *process_output(struct arena *arena, const char *const *argv);

// The full path of a program in PATH; NULL if there is none.
const char *process_find(struct arena *arena, const char *program);

#endif
