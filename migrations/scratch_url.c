// SPDX-License-Identifier: PostgreSQL
// A scratch database on a server that the user gave: see scratch.h. It must be no environment's server; what is made there is named so
// that the next run can tell what a killed one left, and is dropped again.
#include "config.h"

#include "migrations/scratch_state.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/pg.h"

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
		PQsetNoticeReceiver(conn, pg_ignore_notice, NULL);
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
		scratch_runf(scratch->url, &ignored, "DROP DATABASE IF EXISTS %s%s", name, scratch->major >= 13 ? " WITH (FORCE)" : "");
		auto_buf roles = BUF_INIT;
		buf_addf(&roles, "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = '" URL_COMMENT "%s'", name);
		auto_pgresult made = PQexec(scratch->url, roles.data);
		for (int j = 0; j < PQntuples(made); j++)
			scratch_runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", scratch_quoted(scratch, PQgetvalue(made, j, 0)));
		scratch_runf(scratch->url, &ignored, "SELECT pg_advisory_unlock(('x' || right('%s', 16))::bit(64)::bigint)", name);
	}
}

static const char *random_hex(struct arena *arena)
{
	uint64_t number;
	invariant(getrandom(&number, sizeof number, 0) == sizeof number, "no random numbers");
	return arena_printf(arena, "%016llx", (unsigned long long)number);
}

bool scratch_url_connect(struct scratch *scratch, struct err *err)
{
	PQconninfoOption *options = PQconninfoParse(scratch->settings.url, NULL);
	if (options == NULL) // libpq would quote the text, password and all
		return err_set(err, "scratch", "url in scratch { }", "give a URI or a keyword string that libpq takes",
		               "it is no connection string");
	PQconninfoFree(options);
	scratch->url = scratch_connect(url_conninfo(scratch, (const char *[]){ NULL }), err);
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
	if (!scratch_runf(scratch->url, err, "CREATE ROLE %s LOGIN PASSWORD '%s'", name, password))
		return false;
	scratch->owner = name;
	scratch->role_made = true;
	scratch->conninfo_owner = url_conninfo(scratch, (const char *[]){ "dbname", name, "user", name, "password", password, NULL });
	return scratch_runf(scratch->url, err, "COMMENT ON ROLE %s IS '" URL_COMMENT "%s'", name, name) &&
	       (scratch->is_superuser || scratch_runf(scratch->url, err, "GRANT %s TO CURRENT_USER", name));
}

// What a database's owner has on the platforms that migrations are written for; see cluster.c.
static bool url_set_up(struct scratch *scratch, struct err *err)
{
	if (!scratch->role_made)
		return true;
	auto_pgconn owner = scratch_connect(scratch->conninfo_owner, err);
	if (owner == NULL)
		return err_hint(err, "its pg_hba.conf must let a new role in by password; or give a url whose role is not superuser and has "
		                     "CREATEDB alone; or set role = \"superuser\" in scratch { }");
	if (!scratch->is_superuser)
		return true;
	PGconn *conn = scratch_admin(scratch, err);
	return conn != NULL && scratch_runf(conn, err, "ALTER LANGUAGE plpgsql OWNER TO %s", scratch->owner) &&
	       (scratch->major >= 15 || scratch_runf(conn, err, "ALTER SCHEMA public OWNER TO %s", scratch->owner));
}

bool scratch_url_open(struct scratch *scratch, struct err *err)
{
	if (!scratch_url_connect(scratch, err) || !url_is_apart(scratch, err))
		return false;
	url_sweep(scratch);
	const char *hex = random_hex(scratch->arena), *name = arena_printf(scratch->arena, URL_NAME_PREFIX "%s", hex);
	const char *from = PQdb(scratch->url);
	scratch->conninfo_superuser = url_conninfo(scratch, (const char *[]){ "dbname", name, NULL });
	if (!scratch_runf(scratch->url, err, "SELECT pg_advisory_lock(x'%s'::bigint)", hex) || !url_make_owner(scratch, name, err))
		return false;
	scratch->database = name;
	return scratch_runf(scratch->url, err, "CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
	            name, scratch_quoted(scratch, scratch->owner)) &&
	       scratch_runf(scratch->url, err, "COMMENT ON DATABASE %s IS %s", name,
	            scratch_literal(scratch, arena_printf(scratch->arena, URL_COMMENT "%s", from))) &&
	       url_set_up(scratch, err);
}

void scratch_url_close(struct scratch *scratch)
{
	struct err ignored;
	if (scratch->url == NULL)
		return;
	if (PQstatus(scratch->url) != CONNECTION_OK)
		PQreset(scratch->url);
	if (scratch->database != NULL)
		scratch_runf(scratch->url, &ignored, "DROP DATABASE IF EXISTS %s%s", scratch->database,
		     scratch->major >= 13 ? " WITH (FORCE)" : "");
	for (size_t i = 0; i < scratch->n_roles; i++)
		scratch_runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", scratch_quoted(scratch, scratch->roles[i]));
	if (scratch->role_made)
		scratch_runf(scratch->url, &ignored, "DROP ROLE IF EXISTS %s", scratch->owner);
	PQfinish(scratch->url);
}
