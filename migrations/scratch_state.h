// SPDX-License-Identifier: PostgreSQL
// What the parts of a scratch share: scratch.c opens and watches it, scratch_url.c makes it on a server that the user gave,
// scratch_keep.c leaves it to the user.
#ifndef MIGRATIONS_SCRATCH_STATE_H
#define MIGRATIONS_SCRATCH_STATE_H

#include <libpq-fe.h>

#include "migrations/cluster.h"
#include "migrations/scratch.h"

// What is left of a killed run on a server that is not ours is known by its name and comment, and by nobody holding its lock.
#define URL_NAME_PREFIX "driftcheck_"
#define URL_COMMENT "driftcheck scratch, made from "

struct scratch {
	struct arena *arena;
	struct scratch_settings settings;
	enum engine engine;
	int major;
	const char *server, *owner, *conninfo_owner, *conninfo_superuser;
	struct cluster cluster;       // PostgreSQL without a url
	struct scratch_folder folder; // SQLite
	struct run_user user;
	PGconn *admin;      // as superuser on the scratch database, when first needed
	PGconn *url;        // with a url: on its database; holds the advisory lock that says that we live
	const char *database; // with a url: the one that we made there; NULL: not yet
	bool may_make_roles, is_superuser; // with a url: what its role may do
	const char **roles; // with a url: those that we made
	size_t n_roles, roles_capacity;
	bool role_made;     // with a url: the owner, named like the database
	const char *group;  // of all roles that we made
	long long deadline_ms, disk_due_ms, disk_limit;
	bool elevated;
};

// Statements as superuser, or as the role of the url. Errors: "scratch".
bool scratch_run(PGconn *conn, struct err *err, const char *sql);
bool scratch_runf(PGconn *conn, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *scratch_quoted(struct scratch *scratch, const char *name);
const char *scratch_literal(struct scratch *scratch, const char *text);
PGconn *scratch_connect(const char *conninfo, struct err *err);
PGconn *scratch_admin(struct scratch *scratch, struct err *err); // on the scratch database; opened when first needed

// Only connects, and finds out what the role may do.
bool scratch_url_connect(struct scratch *scratch, struct err *err);
bool scratch_url_open(struct scratch *scratch, struct err *err);
void scratch_url_close(struct scratch *scratch);

#endif
