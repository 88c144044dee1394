// SPDX-License-Identifier: PostgreSQL
// A throwaway database for a replay. PostgreSQL: a cluster of our own, copied from a cached initdb template, on a Unix
// socket only, durability off, that dies with this process even on SIGKILL; or, where the user gives one, a database on a
// server on which we may create and drop databases. SQLite: a temporary file. Nothing of it remains after scratch_close;
// what a killed run left is swept at the next start.
#ifndef MIGRATIONS_SCRATCH_H
#define MIGRATIONS_SCRATCH_H

#include <stdbool.h>

#include "introspect/kind.h"

struct arena;
struct err;
struct log;

struct scratch_settings {
	const char *bindir;  // of the PostgreSQL binaries; NULL: looked for (pg_config, /usr/lib/postgresql/*/bin, PATH)
	const char *url;     // a server to use instead of a throwaway cluster; NULL: none
	bool superuser;      // role = "superuser": the repository's SQL runs with the server's rights
	const char *const *extensions; // NULL-ended names that may be created during the replay; {"contrib"} stands for all of contrib
	const char *prelude; // path of an SQL file run (as superuser) before the replay; NULL: none
	int wall_clock_s;    // a replay that takes longer is killed; 0: 600
	long long disk_bytes; // a scratch that grows beyond is killed; 0: 4 GiB
	struct log *log;
};

struct scratch;

// Starts one. `major`: the wanted PostgreSQL major (0: any); the nearest found is taken: see scratch_major. Must be
// called from the main thread (the server is tied to the life of the thread that started it). Errors: code "scratch": no
// binaries (names where was looked, and the Debian package), cannot run as this user, no space, server did not start (with
// the end of its log); "scratch-in-use" (the url is one of the environments').
struct scratch *scratch_open(const struct scratch_settings *settings, enum engine engine, int major, struct err *err);
void scratch_close(struct scratch *scratch);
void scratch_release(struct scratch **scratch);
#define auto_scratch __attribute__((cleanup(scratch_release))) struct scratch *

// How to connect: PostgreSQL conninfo as the plain owner of the replay database, or as the cluster's superuser; SQLite: the
// file's path (both times). Valid until scratch_close.
const char *scratch_conninfo(const struct scratch *scratch, bool superuser);
enum engine scratch_engine(const struct scratch *scratch);
int scratch_major(const struct scratch *scratch);
const char *scratch_server(const struct scratch *scratch); // "15.20 (/usr/lib/postgresql/15/bin)": part of cache keys

// What would be used, without starting anything: bindir and version, for doctor and cache keys. Same errors.
bool scratch_find(const struct scratch_settings *settings, enum engine engine, int major, struct arena *arena,
                  const char **server, struct err *err);

// Ends the clusters and removes the files of runs that were killed. Called by scratch_open; cheap.
void scratch_sweep(struct log *log);

#endif
