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
struct pg_conn; // libpq's PGconn
struct run_user;

// An environment that is read: the url's server must not be the one on which it lives.
struct scratch_env {
	const char *name, *conninfo;
};

struct scratch_settings {
	const char *bindir;  // of the PostgreSQL binaries; NULL: looked for (pg_config, /usr/lib/postgresql/*/bin, PATH)
	const char *url;     // a server to use instead of a throwaway cluster; NULL: none
	const struct scratch_env *envs; // with a url: the PostgreSQL environments
	size_t n_envs;
	bool superuser;      // role = "superuser": the repository's SQL runs with the server's rights
	const char *const *extensions; // NULL-ended names that may be created during the replay; {"contrib"} stands for all of contrib
	const char *prelude; // path of an SQL file run (as superuser) before the replay; NULL: none
	int wall_clock_s;    // a replay that takes longer is killed; 0: 600
	long long deadline_us; // of clock_us: what is still being replayed then is killed; 0: none
	long long disk_bytes; // a scratch that grows beyond is killed; 0: 4 GiB
	const char *const *server_settings; // "name=value" for a throwaway cluster, over its own; NULL-ended; NULL: none
	struct log *log;
};

struct scratch;

// Starts one. (A throwaway cluster has no template0: what makes databases in it copies template1.) `major`: the wanted PostgreSQL major (0: any); the nearest found is taken: see scratch_major. Must be
// called from the main thread (the server is tied to the life of the thread that started it). Errors: code "scratch": no
// binaries (names where was looked, and the Debian package), cannot run as this user, no space, server did not start (with
// the end of its log); "scratch-in-use": the url leads to the server of an environment.
struct scratch *scratch_open(const struct scratch_settings *settings, enum engine engine, int major, struct err *err);
void scratch_close(struct scratch *scratch);

// Leaves it to the user: scratch_close takes nothing away any more. A throwaway server is restarted for that, so nobody may be
// connected. Texts are in `arena`. Errors: code "scratch"; then it is as before, or gone.
struct scratch_kept {
	const char *where;   // it is: a folder, with its size, or a database
	const char *connect; // a command
	const char *remove;  // likewise
};
bool scratch_keep(struct scratch *scratch, struct arena *arena, struct scratch_kept *kept, struct err *err);
void scratch_release(struct scratch **scratch);
#define auto_scratch __attribute__((cleanup(scratch_release))) struct scratch *

// How to connect: PostgreSQL conninfo as the plain owner of the replay database, or as the cluster's superuser; SQLite: the
// file's path (both times). Valid until scratch_close.
const char *scratch_conninfo(const struct scratch *scratch, bool superuser);
enum engine scratch_engine(const struct scratch *scratch);
int scratch_major(const struct scratch *scratch);
const char *scratch_server(const struct scratch *scratch); // "15.20 (/usr/lib/postgresql/15/bin)": part of cache keys

// The role that owns the replay's database and runs the repository's SQL; NULL on SQLite.
const char *scratch_owner(const struct scratch *scratch);

// Gives the owner the name of the role that runs the migrations in an environment: what they grant to that one or take from
// it, and default privileges for it, then mean the same here. A role of that name (the prelude's) becomes the owner, unless it
// has rights that a plain role lacks. Before the first migration; does nothing on a server that is not ours to throw away.
bool scratch_name_owner(struct scratch *scratch, const char *name, struct err *err);

// The group of the roles that are made here, which has privileges that are nobody's decision; NULL: there is none.
const char *scratch_group(const struct scratch *scratch);

// Makes a role that the repository names and does not make itself: NOLOGIN, the owner a member. One that is there already
// (the prelude's) gets the owner as a member, unless it has rights that a plain role lacks. On a server that is not ours to
// throw away roles that are there are left alone, and those made are dropped again by scratch_close; that needs a url whose
// role may create roles (else code "privilege").
bool scratch_make_role(struct scratch *scratch, const char *name, struct err *err);

// Whether the settings allow CREATE EXTENSION for it beyond what the owner may do itself.
bool scratch_allows(const struct scratch_settings *settings, const char *extension);

// Makes pg_catalog.driftcheck_create_extension(name, schema, version, if_not_exists, cascade, current_schema()), through
// which the owner may run CREATE EXTENSION, and nothing else, as superuser for the allowed extensions, inside of its own
// transaction. `*elevated` is false where that cannot be had (a url without superuser) or is not needed.
bool scratch_elevate(struct scratch *scratch, bool *elevated, struct err *err);

// Waits until a result can be had from the connection without blocking, or the connection is lost. The wall clock and the
// disk are watched meanwhile; on breach the server is ended: code "wall-clock" or "disk".
bool scratch_wait(struct scratch *scratch, struct pg_conn *conn, struct err *err);

// One look at the clock and, at most once a second, the disk; as above. For who waits for something else.
bool scratch_watch(struct scratch *scratch, struct err *err);

// SQLite: whom the replay's child process becomes.
const struct run_user *scratch_user(const struct scratch *scratch);

// What would be used, without starting anything: bindir and version, for doctor and cache keys. Same errors.
bool scratch_find(const struct scratch_settings *settings, enum engine engine, int major, struct arena *arena,
                  const char **server, struct err *err);

// The same with everything else of the server that decides what a replay gives: the extensions that it has and their
// versions. NULL on failure.
const char *scratch_fingerprint(const struct scratch_settings *settings, enum engine engine, int major, struct arena *arena,
                                struct err *err);

// Ends the clusters and removes the files of runs that were killed. Called by scratch_open; cheap.
void scratch_sweep(struct log *log);

#endif
