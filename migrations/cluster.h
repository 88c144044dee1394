// SPDX-License-Identifier: PostgreSQL
// A throwaway PostgreSQL cluster: found binaries, a cached initdb template, a server of our own on a Unix socket in a
// private folder, durability off. It holds one database for the replay, its plain owner, and the superuser.
#ifndef MIGRATIONS_CLUSTER_H
#define MIGRATIONS_CLUSTER_H

#include <stdbool.h>

#include "migrations/scratch_folder.h"
#include "migrations/process.h"

struct arena;
struct buf;
struct err;

// Names that no repository has.
#define CLUSTER_DATABASE "driftcheck"
#define CLUSTER_SUPERUSER "driftcheck_superuser"
#define CLUSTER_OWNER "driftcheck_owner"

struct binaries {
	const char *bindir;
	const char *version; // "15.20"
	int major;
};

// The binaries in `bindir`, or, if it is NULL, those of the wanted major (0: the newest) or the nearest one, in the usual
// folders, pg_config's and PATH. Errors: "scratch", with where was looked.
bool binaries_find(struct arena *arena, const char *bindir, int major, struct binaries *binaries, struct err *err);

// The extensions that come with them: the text of all their control files, in order; "" if their folder is not found.
const char *binaries_extensions(struct arena *arena, const struct binaries *binaries);

struct cluster {
	struct arena *arena;
	struct binaries binaries;
	struct run_user user;
	struct scratch_folder folder; // with the socket, the log and the data folder
	const char *data;
	pid_t pid; // of the postmaster; 0: none
	const char *const *settings; // as given
};

// Starts one; from the main thread. `settings` ("name=value", NULL-ended; NULL: none) override those of a throwaway server.
// Errors: "scratch". On failure nothing is left.
bool cluster_open(struct arena *arena, const struct binaries *binaries, const char *const *settings, struct cluster *cluster, struct err *err);
void cluster_kill(struct cluster *cluster); // ends the server at once; what is connected sees it
// Starts the server anew so that it outlives us, in a folder that no sweep knows. Errors: "scratch"; then cluster_close ends it all.
bool cluster_keep(struct cluster *cluster, struct err *err);
void cluster_close(struct cluster *cluster); // ends the server and removes everything

// The keyword string to connect with, as it overrides what the environment says (PGSERVICE, PGOPTIONS ...).
const char *cluster_conninfo(const struct cluster *cluster, struct arena *arena, const char *user, const char *database);

const char *cluster_log_tail(const struct cluster *cluster, struct arena *arena);

// For a folder of a killed run: ends what still runs in it and removes its shared memory.
void cluster_reap(int folder, const char *path, void *log);

void conninfo_add(struct buf *conninfo, const char *keyword, const char *value); // quoted

#endif
