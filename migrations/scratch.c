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
#include "migrations/scratch_state.h"

enum { WALL_CLOCK_S = 600, WATCH_MS = 200, DISK_EVERY_MS = 1000 };
#define DISK_BYTES (4LL << 30)

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

bool scratch_run(PGconn *conn, struct err *err, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	return err_set(err, "scratch", NULL, NULL, "the scratch server says: %s", PQerrorMessage(conn));
}

bool scratch_runf(PGconn *conn, struct err *err, const char *format, ...)
{
	auto_buf sql = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(&sql, format, arguments);
	va_end(arguments);
	return scratch_run(conn, err, sql.data);
}

const char *scratch_quoted(struct scratch *scratch, const char *name)
{
	return sql_name_copy(scratch->arena, &name, 1);
}

const char *scratch_literal(struct scratch *scratch, const char *text)
{
	auto_buf buf = BUF_INIT;
	sql_literal(&buf, text);
	return buf_copy(&buf, scratch->arena);
}

PGconn *scratch_connect(const char *conninfo, struct err *err)
{
	PGconn *conn = PQconnectdb(conninfo);
	PQsetNoticeReceiver(conn, pg_ignore_notice, NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	err_set(err, "scratch", NULL, NULL, "cannot connect to the scratch server: %s", PQerrorMessage(conn));
	PQfinish(conn);
	return NULL;
}

PGconn *scratch_admin(struct scratch *scratch, struct err *err)
{
	if (scratch->admin == NULL)
		scratch->admin = scratch_connect(scratch->conninfo_superuser, err);
	return scratch->admin;
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
	            : settings->url != NULL ? scratch_url_open(scratch, err)
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
	scratch_url_close(scratch);
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
		bool found = scratch_url_connect(&scratch, err);
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
	if (!scratch_url_connect(&scratch, err)) {
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
	const char *role = scratch_quoted(scratch, name);
	if (!scratch_runf(scratch->admin, err, "CREATE ROLE %s NOLOGIN", role))
		return false;
	if (scratch->url == NULL)
		return true;
	scratch->roles = arena_grow(scratch->arena, scratch->roles, scratch->n_roles, &scratch->roles_capacity, sizeof *scratch->roles);
	scratch->roles[scratch->n_roles++] = arena_strdup(scratch->arena, name);
	return scratch_runf(scratch->admin, err, "COMMENT ON ROLE %s IS '" URL_COMMENT "%s'", role, scratch->database);
}

// Before a plain role may give something away, the new owner must be allowed to create in its schema. Where migrations
// are run by a superuser nobody notices; here all roles that we make belong to a group that may.
static bool role_group(struct scratch *scratch, struct err *err)
{
	if (scratch->group != NULL || scratch->settings.superuser)
		return true;
	const char *group = arena_printf(scratch->arena, "%s_roles", scratch->url == NULL ? CLUSTER_OWNER : scratch->owner);
	if (!role_create(scratch, group, err) ||
	    !scratch_runf(scratch->admin, err, "GRANT ALL ON SCHEMA public TO %s", scratch_quoted(scratch, group)) ||
	    !scratch_runf(scratch->admin, err, "ALTER DEFAULT PRIVILEGES FOR ROLE %s GRANT ALL ON SCHEMAS TO %s",
	          scratch_quoted(scratch, scratch->owner), scratch_quoted(scratch, group)))
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
	PGconn *conn = scratch_admin(scratch, err);
	if (conn == NULL)
		return false;
	bool privileged, exists = role_find(conn, name, &privileged), superuser = scratch->settings.superuser;
	const char *role = scratch_quoted(scratch, name);
	if (superuser && !scratch_runf(conn, err, exists ? "ALTER ROLE %s LOGIN SUPERUSER" : "CREATE ROLE %s LOGIN SUPERUSER", role))
		return false;
	if (privileged && !superuser)
		return true;
	if (!superuser && !exists && !scratch_runf(conn, err, "ALTER ROLE " CLUSTER_OWNER " RENAME TO %s", role))
		return false;
	if (!superuser && exists &&
	    !(scratch_runf(conn, err, "ALTER ROLE %s LOGIN", role) && scratch_runf(conn, err, "ALTER DATABASE " CLUSTER_DATABASE " OWNER TO %s", role) &&
	      scratch_runf(conn, err, "ALTER LANGUAGE plpgsql OWNER TO %s", role) &&
	      scratch_runf(conn, err, "UPDATE pg_extension SET extowner = '%s'::regrole WHERE extname = 'plpgsql'", role) &&
	      (scratch->major >= 15 || scratch_runf(conn, err, "ALTER SCHEMA public OWNER TO %s", role))))
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
	PGconn *conn = scratch_admin(scratch, err);
	if (conn == NULL)
		return false;
	bool privileged, exists = role_find(conn, name, &privileged); // the prelude made it, or it lives on a server that is not ours
	if (exists && (scratch->url != NULL || privileged))
		return true;
	const char *role = scratch_quoted(scratch, name);
	if (scratch->url != NULL && !scratch->may_make_roles)
		return err_set(err, "privilege", NULL, "make the role on the server of the scratch url, or leave url out of scratch { }",
		               "the migrations name the role %s, which is not there, and the scratch url's role may not create roles", role);
	return role_group(scratch, err) && (exists || role_create(scratch, name, err)) &&
	       (scratch->group == NULL || scratch_runf(conn, err, "GRANT %s TO %s", scratch_quoted(scratch, scratch->group), role)) &&
	       scratch_runf(conn, err, "GRANT %s TO %s WITH ADMIN OPTION", role, scratch_quoted(scratch, scratch->owner));
}

bool scratch_elevate(struct scratch *scratch, bool *elevated, struct err *err)
{
	*elevated = scratch->elevated;
	if (scratch->elevated || scratch->settings.superuser || scratch->settings.extensions == NULL || (scratch->url != NULL && !scratch->is_superuser))
		return true;
	PGconn *conn = scratch_admin(scratch, err);
	if (conn == NULL)
		return false;
	auto_buf names = BUF_INIT;
	for (const char *const *name = scratch->settings.extensions; name != NULL && *name != NULL; name++)
		buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", scratch_literal(scratch, *name));
	for (const char *const *name = contrib; listed(scratch->settings.extensions, "contrib") && *name != NULL; name++)
		buf_addf(&names, ", '%s'", *name);
	// The search path is pinned, as for any SECURITY DEFINER function; so the schema must be named unless the extension
	// has one of its own. In the end the extension is the caller's, as a trusted one would be.
	*elevated = scratch->elevated = scratch_runf(conn, err,
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
		scratch_runf(scratch->url, &ignored, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'",
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
