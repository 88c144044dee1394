// SPDX-License-Identifier: PostgreSQL
// A throwaway database for a replay: see scratch.h. Three places behind one face: a cluster of our own (cluster.c), a
// database on a server that the user gave, a SQLite file in a private folder. What the owner of the repository's SQL may
// do is decided here; what it does is watched from outside, since SQL can reset its own timeouts.
#include "config.h"

#include "migrations/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/pg.h"
#include "migrations/cluster.h"

enum { WALL_CLOCK_S = 600, WATCH_MS = 200, DISK_EVERY_MS = 1000 };
#define DISK_BYTES (4LL << 30)

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

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static const char *sqlite_server(struct arena *arena)
{
	return arena_printf(arena, "SQLite %s", sqlite3_libversion());
}

// Extensions.

// The extensions of PostgreSQL's contrib, 12 to 18 (the manual's appendix F), procedural languages' transforms included.
static const char *const contrib[] = {
	"adminpack", "amcheck", "autoinc", "bloom", "bool_plperl", "bool_plperlu", "btree_gin", "btree_gist", "citext", "cube", "dblink",
	"dict_int", "dict_xsyn", "earthdistance", "file_fdw", "fuzzystrmatch", "hstore", "hstore_plperl", "hstore_plperlu",
	"hstore_plpython3u", "insert_username", "intagg", "intarray", "isn", "jsonb_plperl", "jsonb_plperlu", "jsonb_plpython3u", "lo",
	"ltree", "ltree_plpython3u", "moddatetime", "old_snapshot", "pageinspect", "pg_buffercache", "pg_freespacemap",
	"pg_logicalinspect", "pg_prewarm", "pg_stat_statements", "pg_surgery", "pg_trgm", "pg_visibility", "pg_walinspect", "pgcrypto",
	"pgrowlocks", "pgstattuple", "postgres_fdw", "refint", "seg", "sslinfo", "tablefunc", "tcn", "tsm_system_rows",
	"tsm_system_time", "unaccent", "uuid-ossp", "xml2", NULL,
};

static bool listed(const char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

bool scratch_allows(const struct scratch_settings *settings, const char *extension)
{
	return listed(settings->extensions, extension) ||
	       (listed(settings->extensions, "contrib") && listed(contrib, extension));
}

// Talking to a server as its superuser, or as the role of the url.

static bool run(PGconn *conn, struct err *err, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	return err_set(err, "scratch", NULL, NULL, "the scratch server says: %s", PQerrorMessage(conn));
}

static bool runf(PGconn *conn, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool runf(PGconn *conn, struct err *err, const char *format, ...)
{
	auto_buf sql = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(&sql, format, arguments);
	va_end(arguments);
	return run(conn, err, sql.data);
}

static const char *quoted(struct scratch *scratch, const char *name)
{
	return sql_name_copy(scratch->arena, &name, 1);
}

static const char *literal(struct scratch *scratch, const char *text)
{
	auto_buf buf = BUF_INIT;
	sql_literal(&buf, text);
	return buf_copy(&buf, scratch->arena);
}

static void quiet(void *argument, const PGresult *result)
{
	(void)argument;
	(void)result;
}

static PGconn *connect_to(const char *conninfo, struct err *err)
{
	PGconn *conn = PQconnectdb(conninfo);
	PQsetNoticeReceiver(conn, quiet, NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	err_set(err, "scratch", NULL, NULL, "cannot connect to the scratch server: %s", PQerrorMessage(conn));
	PQfinish(conn);
	return NULL;
}

static PGconn *admin(struct scratch *scratch, struct err *err)
{
	if (scratch->admin == NULL)
		scratch->admin = connect_to(scratch->conninfo_superuser, err);
	return scratch->admin;
}

// The user's own server.

// The url's parameters with some replaced: keyword, value, ..., NULL.
static const char *url_conninfo(struct scratch *scratch, const char *const *replaced)
{
	PQconninfoOption *options = PQconninfoParse(scratch->settings.url, NULL);
	auto_buf conninfo = BUF_INIT;
	for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
		const char *value = option->val;
		for (const char *const *pair = replaced; *pair != NULL; pair += 2)
			value = strcmp(pair[0], option->keyword) == 0 ? pair[1] : value;
		if (value != NULL)
			conninfo_add(&conninfo, option->keyword, value);
	}
	PQconninfoFree(options);
	return buf_copy(&conninfo, scratch->arena);
}

// Which server it is that answers: its start, to the microsecond, and for a standby also the cluster that it is a copy of.
static const char *server_identity(struct scratch *scratch, PGconn *conn, const char **cluster, bool *standby)
{
	auto_pgresult start = PQexec(conn, "SELECT to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), "
	                                   "pg_is_in_recovery()");
	auto_pgresult control = PQexec(conn, "SELECT system_identifier FROM pg_control_system()");
	*cluster = PQntuples(control) == 1 ? arena_strdup(scratch->arena, PQgetvalue(control, 0, 0)) : NULL;
	*standby = PQntuples(start) == 1 && *PQgetvalue(start, 0, 1) == 't';
	return PQntuples(start) == 1 ? arena_strdup(scratch->arena, PQgetvalue(start, 0, 0)) : NULL;
}

// Databases and roles are made and dropped on the url's server, so that no environment may live there. Names tell nothing
// (aliases, service files, defaults from the process environment): the servers themselves are asked. An environment that
// cannot be reached cannot be asked either; nothing is replayed for it.
static bool url_is_apart(struct scratch *scratch, struct err *err)
{
	const char *cluster, *other_cluster;
	bool standby, other_standby;
	const char *start = server_identity(scratch, scratch->url, &cluster, &standby);
	for (size_t i = 0; i < scratch->settings.n_envs; i++) {
		const struct scratch_env *env = &scratch->settings.envs[i];
		auto_pgconn conn = PQconnectdbParams((const char *[]){ "dbname", "connect_timeout", "application_name", NULL },
		                                     (const char *[]){ env->conninfo, "5", "driftcheck", NULL }, 1);
		PQsetNoticeReceiver(conn, quiet, NULL);
		if (PQstatus(conn) != CONNECTION_OK)
			continue;
		const char *other = server_identity(scratch, conn, &other_cluster, &other_standby);
		bool same = start != NULL && other != NULL && strcmp(start, other) == 0;
		bool copy = other_standby && cluster != NULL && other_cluster != NULL && strcmp(cluster, other_cluster) == 0;
		if (same || copy)
			return err_set(err, "scratch-in-use", "url in scratch { }", "leave url out: throwaway servers are made from the local binaries",
			               "the environment \"%s\" lives on that server%s", env->name, copy && !same ? ", as a standby of it" : "");
	}
	return true;
}

// Drops what runs that were killed left: nobody holds their lock any more.
static void url_sweep(struct scratch *scratch)
{
	struct err ignored;
	auto_pgresult left = PQexec(scratch->url,
		"SELECT datname FROM pg_database WHERE datname ~ '^" URL_NAME_PREFIX "[0-9a-f]{16}$'"
		" AND shobj_description(oid, 'pg_database') = '" URL_COMMENT "' || current_database()"
		" AND pg_try_advisory_lock(('x' || right(datname, 16))::bit(64)::bigint)");
	for (int i = 0; i < PQntuples(left); i++) {
		const char *name = PQgetvalue(left, i, 0);
		runf(scratch->url, &ignored, "DROP DATABASE IF EXISTS %s%s", name, scratch->major >= 13 ? " WITH (FORCE)" : "");
		auto_buf roles = BUF_INIT;
		buf_addf(&roles, "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = '" URL_COMMENT "%s'", name);
		auto_pgresult made = PQexec(scratch->url, roles.data);
		for (int j = 0; j < PQntuples(made); j++)
			runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", quoted(scratch, PQgetvalue(made, j, 0)));
		runf(scratch->url, &ignored, "SELECT pg_advisory_unlock(('x' || right('%s', 16))::bit(64)::bigint)", name);
	}
}

static const char *random_hex(struct arena *arena)
{
	uint64_t number;
	invariant(getrandom(&number, sizeof number, 0) == sizeof number, "no random numbers");
	return arena_printf(arena, "%016llx", (unsigned long long)number);
}

static bool url_connect(struct scratch *scratch, struct err *err)
{
	PQconninfoOption *options = PQconninfoParse(scratch->settings.url, NULL);
	if (options == NULL) // libpq would quote the text, password and all
		return err_set(err, "scratch", "url in scratch { }", "give a URI or a keyword string that libpq takes",
		               "it is no connection string");
	PQconninfoFree(options);
	scratch->url = connect_to(url_conninfo(scratch, (const char *[]){ NULL }), err);
	if (scratch->url == NULL)
		return err_where(err, "url in scratch { }");
	scratch->major = PQserverVersion(scratch->url) / 10000;
	auto_pgresult may = PQexec(scratch->url,
		"SELECT rolsuper OR rolcreatedb, rolsuper OR rolcreaterole, rolsuper, current_setting('server_version')"
		" FROM pg_roles WHERE rolname = current_user");
	if (PQntuples(may) != 1 || *PQgetvalue(may, 0, 0) != 't')
		return err_set(err, "scratch", "url in scratch { }", "ALTER ROLE ... CREATEDB, or use another role or server",
		               "its role may not create databases");
	scratch->may_make_roles = *PQgetvalue(may, 0, 1) == 't';
	scratch->is_superuser = *PQgetvalue(may, 0, 2) == 't';
	scratch->server = arena_printf(scratch->arena, "%s (url)", PQgetvalue(may, 0, 3));
	return true;
}

// A role of its own for the repository's SQL, unless the url's is as plain as that would be.
static bool url_make_owner(struct scratch *scratch, const char *name, struct err *err)
{
	scratch->owner = arena_strdup(scratch->arena, PQuser(scratch->url));
	if (scratch->settings.superuser || !scratch->may_make_roles) {
		scratch->conninfo_owner = scratch->conninfo_superuser;
		return true;
	}
	const char *password = random_hex(scratch->arena);
	if (!runf(scratch->url, err, "CREATE ROLE %s LOGIN PASSWORD '%s'", name, password))
		return false;
	scratch->owner = name;
	scratch->role_made = true;
	scratch->conninfo_owner = url_conninfo(scratch, (const char *[]){ "dbname", name, "user", name, "password", password, NULL });
	return runf(scratch->url, err, "COMMENT ON ROLE %s IS '" URL_COMMENT "%s'", name, name) &&
	       (scratch->is_superuser || runf(scratch->url, err, "GRANT %s TO CURRENT_USER", name));
}

// What a database's owner has on the platforms that migrations are written for; see cluster.c.
static bool url_set_up(struct scratch *scratch, struct err *err)
{
	if (!scratch->role_made)
		return true;
	auto_pgconn owner = connect_to(scratch->conninfo_owner, err);
	if (owner == NULL)
		return err_hint(err, "its pg_hba.conf must let a new role in by password; or give a url whose role is not superuser and has "
		                     "CREATEDB alone; or set role = \"superuser\" in scratch { }");
	if (!scratch->is_superuser)
		return true;
	PGconn *conn = admin(scratch, err);
	return conn != NULL && runf(conn, err, "ALTER LANGUAGE plpgsql OWNER TO %s", scratch->owner) &&
	       (scratch->major >= 15 || runf(conn, err, "ALTER SCHEMA public OWNER TO %s", scratch->owner));
}

static bool url_open(struct scratch *scratch, struct err *err)
{
	if (!url_connect(scratch, err) || !url_is_apart(scratch, err))
		return false;
	url_sweep(scratch);
	const char *hex = random_hex(scratch->arena), *name = arena_printf(scratch->arena, URL_NAME_PREFIX "%s", hex);
	const char *from = PQdb(scratch->url);
	scratch->conninfo_superuser = url_conninfo(scratch, (const char *[]){ "dbname", name, NULL });
	if (!runf(scratch->url, err, "SELECT pg_advisory_lock(x'%s'::bigint)", hex) || !url_make_owner(scratch, name, err))
		return false;
	scratch->database = name;
	return runf(scratch->url, err, "CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
	            name, quoted(scratch, scratch->owner)) &&
	       runf(scratch->url, err, "COMMENT ON DATABASE %s IS %s", name,
	            literal(scratch, arena_printf(scratch->arena, URL_COMMENT "%s", from))) &&
	       url_set_up(scratch, err);
}

static void url_close(struct scratch *scratch)
{
	struct err ignored;
	if (scratch->url == NULL)
		return;
	if (PQstatus(scratch->url) != CONNECTION_OK)
		PQreset(scratch->url);
	if (scratch->database != NULL)
		runf(scratch->url, &ignored, "DROP DATABASE IF EXISTS %s%s", scratch->database,
		     scratch->major >= 13 ? " WITH (FORCE)" : "");
	for (size_t i = 0; i < scratch->n_roles; i++)
		runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", quoted(scratch, scratch->roles[i]));
	if (scratch->role_made)
		runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", scratch->owner);
	PQfinish(scratch->url);
}

// Opening and closing.

static bool cluster_begin(struct scratch *scratch, int major, struct err *err)
{
	struct binaries binaries;
	if (!binaries_find(scratch->arena, scratch->settings.bindir, major, &binaries, err) ||
	    !cluster_open(scratch->arena, &binaries, scratch->settings.server_settings, &scratch->cluster, err))
		return false;
	scratch->major = binaries.major;
	scratch->server = arena_printf(scratch->arena, "%s (%s)", binaries.version, binaries.bindir);
	scratch->owner = scratch->settings.superuser ? CLUSTER_SUPERUSER : CLUSTER_OWNER;
	scratch->conninfo_owner = cluster_conninfo(&scratch->cluster, scratch->arena, scratch->owner, CLUSTER_DATABASE);
	scratch->conninfo_superuser =
		cluster_conninfo(&scratch->cluster, scratch->arena, CLUSTER_SUPERUSER, CLUSTER_DATABASE);
	return true;
}

static bool sqlite_begin(struct scratch *scratch, struct err *err)
{
	if (!run_user_find(scratch->arena, &scratch->user, err) || !scratch_folder_open(&scratch->folder, &scratch->user, err))
		return false;
	scratch->major = 3;
	scratch->server = sqlite_server(scratch->arena);
	scratch->conninfo_owner = scratch->conninfo_superuser = arena_printf(scratch->arena, "%s/scratch.db", scratch->folder.path);
	auto_fd file = open(scratch->conninfo_owner, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0 || (scratch->user.other && fchown(file, scratch->user.uid, scratch->user.gid) != 0))
		return err_set(err, "scratch", scratch->conninfo_owner, NULL, "cannot make the file: %s", strerror(errno));
	return true;
}

struct scratch *scratch_open(const struct scratch_settings *settings, enum engine engine, int major, struct err *err)
{
	scratch_sweep(settings->log);
	struct arena *arena = arena_new();
	struct scratch *scratch = arena_alloc(arena, sizeof *scratch);
	scratch->arena = arena;
	scratch->settings = *settings;
	scratch->engine = engine;
	scratch->folder.lock = scratch->cluster.folder.lock = -1;
	scratch->deadline_ms = now_ms() + 1000LL * (settings->wall_clock_s > 0 ? settings->wall_clock_s : WALL_CLOCK_S);
	scratch->disk_limit = settings->disk_bytes > 0 ? settings->disk_bytes : DISK_BYTES;
	bool open = engine == ENGINE_SQLITE       ? sqlite_begin(scratch, err)
	            : settings->url != NULL ? url_open(scratch, err)
	                                    : cluster_begin(scratch, major, err);
	if (open)
		return scratch;
	scratch_close(scratch);
	return NULL;
}

void scratch_close(struct scratch *scratch)
{
	if (scratch == NULL)
		return;
	PQfinish(scratch->admin);
	url_close(scratch);
	cluster_close(&scratch->cluster);
	scratch_folder_close(&scratch->folder);
	arena_free(scratch->arena);
}

void scratch_release(struct scratch **scratch)
{
	scratch_close(*scratch);
	*scratch = NULL;
}

void scratch_sweep(struct log *log)
{
	auto_arena arena = arena_new();
	struct run_user user;
	struct err err;
	if (run_user_find(arena, &user, &err))
		scratch_folder_sweep(&user, cluster_reap, log);
}

const char *scratch_conninfo(const struct scratch *scratch, bool superuser)
{
	return superuser ? scratch->conninfo_superuser : scratch->conninfo_owner;
}

enum engine scratch_engine(const struct scratch *scratch)
{
	return scratch->engine;
}

int scratch_major(const struct scratch *scratch)
{
	return scratch->major;
}

const char *scratch_server(const struct scratch *scratch)
{
	return scratch->server;
}

const char *scratch_owner(const struct scratch *scratch)
{
	return scratch->owner;
}

const struct run_user *scratch_user(const struct scratch *scratch)
{
	return &scratch->user;
}

bool scratch_find(const struct scratch_settings *settings, enum engine engine, int major, struct arena *arena, const char **server,
                  struct err *err)
{
	if (engine == ENGINE_SQLITE) {
		*server = sqlite_server(arena);
		return true;
	}
	if (settings->url != NULL) {
		struct scratch scratch = { .arena = arena, .settings = *settings };
		bool found = url_connect(&scratch, err);
		PQfinish(scratch.url);
		*server = scratch.server;
		return found;
	}
	struct binaries binaries;
	if (!binaries_find(arena, settings->bindir, major, &binaries, err))
		return false;
	*server = arena_printf(arena, "%s (%s)", binaries.version, binaries.bindir);
	return true;
}

static const char *url_fingerprint(const struct scratch_settings *settings, struct arena *arena, struct err *err)
{
	struct scratch scratch = { .arena = arena, .settings = *settings };
	if (!url_connect(&scratch, err)) {
		PQfinish(scratch.url);
		return NULL;
	}
	auto_pgconn conn = scratch.url;
	auto_pgresult extensions =
		PQexec(conn, "SELECT string_agg(name || ' ' || default_version, E'\\n' ORDER BY name) FROM pg_available_extensions");
	return arena_printf(arena, "%s\n%s\n%s", scratch.server, scratch.may_make_roles ? "may make roles" : "",
	                    PQntuples(extensions) == 1 ? PQgetvalue(extensions, 0, 0) : "");
}

const char *scratch_fingerprint(const struct scratch_settings *settings, enum engine engine, int major, struct arena *arena,
                                struct err *err)
{
	if (engine == ENGINE_SQLITE)
		return arena_printf(arena, "%s %s", sqlite_server(arena), sqlite3_sourceid());
	if (settings->url != NULL)
		return url_fingerprint(settings, arena, err);
	struct binaries binaries;
	if (!binaries_find(arena, settings->bindir, major, &binaries, err))
		return NULL;
	return arena_printf(arena, "%s (%s)\n%s", binaries.version, binaries.bindir, binaries_extensions(arena, &binaries));
}

// Roles and extensions.

// Creates a NOLOGIN role; on a server that is not ours it is marked and remembered, to be dropped.
static bool role_create(struct scratch *scratch, const char *name, struct err *err)
{
	const char *role = quoted(scratch, name);
	if (!runf(scratch->admin, err, "CREATE ROLE %s NOLOGIN", role))
		return false;
	if (scratch->url == NULL)
		return true;
	scratch->roles = arena_grow(scratch->arena, scratch->roles, scratch->n_roles, &scratch->roles_capacity, sizeof *scratch->roles);
	scratch->roles[scratch->n_roles++] = arena_strdup(scratch->arena, name);
	return runf(scratch->admin, err, "COMMENT ON ROLE %s IS '" URL_COMMENT "%s'", role, scratch->database);
}

// Before a plain role may give something away, the new owner must be allowed to create in its schema. Where migrations
// are run by a superuser nobody notices; here all roles that we make belong to a group that may.
static bool role_group(struct scratch *scratch, struct err *err)
{
	if (scratch->group != NULL || scratch->settings.superuser)
		return true;
	const char *group = arena_printf(scratch->arena, "%s_roles", scratch->url == NULL ? CLUSTER_OWNER : scratch->owner);
	if (!role_create(scratch, group, err) ||
	    !runf(scratch->admin, err, "GRANT ALL ON SCHEMA public TO %s", quoted(scratch, group)) ||
	    !runf(scratch->admin, err, "ALTER DEFAULT PRIVILEGES FOR ROLE %s GRANT ALL ON SCHEMAS TO %s",
	          quoted(scratch, scratch->owner), quoted(scratch, group)))
		return false;
	scratch->group = group;
	return true;
}

// Whether there is a role of that name, and whether it may more than a plain one.
static bool role_find(PGconn *conn, const char *name, bool *privileged)
{
	auto_pgresult there = PQexecParams(conn,
		"SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = $1", 1,
		NULL, &name, NULL, NULL, 0);
	*privileged = PQntuples(there) > 0 && *PQgetvalue(there, 0, 0) == 't';
	return PQntuples(there) > 0;
}

bool scratch_name_owner(struct scratch *scratch, const char *name, struct err *err)
{
	if (scratch->engine == ENGINE_SQLITE || scratch->url != NULL || strcmp(name, scratch->owner) == 0)
		return true;
	PGconn *conn = admin(scratch, err);
	if (conn == NULL)
		return false;
	bool privileged, exists = role_find(conn, name, &privileged), superuser = scratch->settings.superuser;
	const char *role = quoted(scratch, name);
	if (superuser && !runf(conn, err, exists ? "ALTER ROLE %s LOGIN SUPERUSER" : "CREATE ROLE %s LOGIN SUPERUSER", role))
		return false;
	if (privileged && !superuser)
		return true;
	if (!superuser && !exists && !runf(conn, err, "ALTER ROLE " CLUSTER_OWNER " RENAME TO %s", role))
		return false;
	if (!superuser && exists &&
	    !(runf(conn, err, "ALTER ROLE %s LOGIN", role) && runf(conn, err, "ALTER DATABASE " CLUSTER_DATABASE " OWNER TO %s", role) &&
	      runf(conn, err, "ALTER LANGUAGE plpgsql OWNER TO %s", role) &&
	      runf(conn, err, "UPDATE pg_extension SET extowner = '%s'::regrole WHERE extname = 'plpgsql'", role) &&
	      (scratch->major >= 15 || runf(conn, err, "ALTER SCHEMA public OWNER TO %s", role))))
		return false;
	scratch->owner = arena_strdup(scratch->arena, name);
	scratch->conninfo_owner = cluster_conninfo(&scratch->cluster, scratch->arena, scratch->owner, CLUSTER_DATABASE);
	return true;
}

const char *scratch_group(const struct scratch *scratch)
{
	return scratch->group;
}

bool scratch_make_role(struct scratch *scratch, const char *name, struct err *err)
{
	if (scratch->engine == ENGINE_SQLITE || strcmp(name, scratch->owner) == 0)
		return true;
	PGconn *conn = admin(scratch, err);
	if (conn == NULL)
		return false;
	bool privileged, exists = role_find(conn, name, &privileged); // the prelude made it, or it lives on a server that is not ours
	if (exists && (scratch->url != NULL || privileged))
		return true;
	const char *role = quoted(scratch, name);
	if (scratch->url != NULL && !scratch->may_make_roles)
		return err_set(err, "privilege", NULL, "make the role on the server of the scratch url, or leave url out of scratch { }",
		               "the migrations name the role %s, which is not there, and the scratch url's role may not create roles", role);
	return role_group(scratch, err) && (exists || role_create(scratch, name, err)) &&
	       (scratch->group == NULL || runf(conn, err, "GRANT %s TO %s", quoted(scratch, scratch->group), role)) &&
	       runf(conn, err, "GRANT %s TO %s WITH ADMIN OPTION", role, quoted(scratch, scratch->owner));
}

bool scratch_elevate(struct scratch *scratch, bool *elevated, struct err *err)
{
	*elevated = scratch->elevated;
	if (scratch->elevated || scratch->settings.superuser || scratch->settings.extensions == NULL || (scratch->url != NULL && !scratch->is_superuser))
		return true;
	PGconn *conn = admin(scratch, err);
	if (conn == NULL)
		return false;
	auto_buf names = BUF_INIT;
	for (const char *const *name = scratch->settings.extensions; name != NULL && *name != NULL; name++)
		buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", literal(scratch, *name));
	for (const char *const *name = contrib; listed(scratch->settings.extensions, "contrib") && *name != NULL; name++)
		buf_addf(&names, ", '%s'", *name);
	// The search path is pinned, as for any SECURITY DEFINER function; so the schema must be named unless the extension
	// has one of its own. In the end the extension is the caller's, as a trusted one would be.
	*elevated = scratch->elevated = runf(conn, err,
		"CREATE FUNCTION pg_catalog.driftcheck_create_extension(wanted text, in_schema text, in_version text, if_not_exists bool,"
		" with_required bool, first_schema text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$"
		" DECLARE fixed text;"
		" BEGIN"
		"  IF wanted <> ALL (ARRAY[%s]) THEN"
		"   RAISE EXCEPTION 'permission denied to create extension \"%%\"', wanted USING ERRCODE = '42501';"
		"  END IF;"
		"  SELECT v.schema INTO fixed FROM pg_available_extension_versions v WHERE v.name = wanted AND v.schema IS NOT NULL LIMIT 1;"
		"  IF fixed IS NULL THEN in_schema := coalesce(in_schema, first_schema); END IF;"
		"  IF fixed IS NULL AND in_schema IS NULL THEN"
		"   RAISE EXCEPTION 'no schema has been selected to create in' USING ERRCODE = '3F000';"
		"  END IF;"
		"  EXECUTE 'CREATE EXTENSION ' || CASE WHEN if_not_exists THEN 'IF NOT EXISTS ' ELSE '' END || quote_ident(wanted)"
		"   || coalesce(' SCHEMA ' || quote_ident(in_schema), '') || coalesce(' VERSION ' || quote_ident(in_version), '')"
		"   || CASE WHEN with_required THEN ' CASCADE' ELSE '' END;"
		"  UPDATE pg_extension SET extowner = (SELECT oid FROM pg_authid WHERE rolname = session_user) WHERE extname = wanted;"
		" END $$", names.length > 0 ? names.data : "''");
	return scratch->elevated;
}

// The watch.

static void end_it(struct scratch *scratch)
{
	struct err ignored;
	cluster_kill(&scratch->cluster);
	if (scratch->url != NULL)
		runf(scratch->url, &ignored, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'",
		     scratch->database);
}

static long long disk_used(const struct scratch *scratch)
{
	if (scratch->url == NULL)
		return tree_bytes(scratch->engine == ENGINE_SQLITE ? scratch->folder.path : scratch->cluster.folder.path);
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "SELECT pg_database_size('%s')", scratch->database);
	auto_pgresult size = PQexec(scratch->url, sql.data);
	return PQntuples(size) == 1 ? atoll(PQgetvalue(size, 0, 0)) : 0;
}

bool scratch_watch(struct scratch *scratch, struct err *err)
{
	long long now = now_ms();
	if (now >= scratch->deadline_ms) {
		end_it(scratch);
		return err_set(err, "wall-clock", NULL, "look for a statement that waits, or a loop that does not end",
		               "the replay took longer than %d s and was ended",
		               scratch->settings.wall_clock_s > 0 ? scratch->settings.wall_clock_s : WALL_CLOCK_S);
	}
	if (scratch->settings.deadline_us > 0 && clock_us() >= scratch->settings.deadline_us) {
		end_it(scratch);
		return err_set(err, "time-limit", NULL, "give the run more time (--time-limit)", "the run's time was over, and the replay was ended");
	}
	if (now < scratch->disk_due_ms)
		return true;
	scratch->disk_due_ms = now + DISK_EVERY_MS;
	if (disk_used(scratch) <= scratch->disk_limit)
		return true;
	end_it(scratch);
	return err_set(err, "disk", NULL, "look for a statement that writes rows without an end",
	               "the replay took more than %lld MB of disk and was ended", scratch->disk_limit >> 20);
}

bool scratch_wait(struct scratch *scratch, struct pg_conn *conn, struct err *err)
{
	while (PQisBusy(conn)) {
		struct pollfd socket = { PQsocket(conn), POLLIN, 0 };
		poll(&socket, 1, WATCH_MS);
		if (!PQconsumeInput(conn))
			return true; // lost: the next PQgetResult says so
		if (PQisBusy(conn) && !scratch_watch(scratch, err))
			return false;
	}
	return true;
}
