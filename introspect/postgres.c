// SPDX-License-Identifier: PostgreSQL
// Reading a live PostgreSQL database, one query per kind. The kinds say what to read (postgres_read.h), postgres_flight.c reads
// it at one moment and attests that nothing was written; this file makes it a snapshot with its versions. Of users' tables
// only the framework's version tables are read: see postgres_versions.c.
#include "introspect/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/postgres_flight.h"
#include "introspect/postgres_read.h"
#include "introspect/postgres_session.h"

enum { VERSION_TRIES = 3 };

static const char lockers_sql[] =
	"select string_agg(distinct format('pid %s holds %s on %s', l.pid, l.mode, l.relation::pg_catalog.regclass), '; ') "
	"from pg_catalog.pg_locks l where l.locktype = 'relation' and l.granted and l.mode = 'AccessExclusiveLock' "
	"and l.relation >= 16384 and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

static void report_unread(struct session *session, struct postgres_read *read, const struct flight *flight)
{
	const char *lockers = NULL;
	bool asked = false;
	struct snapshot *snapshot = read->snapshot;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		bool unread = false;
		for (unsigned j = 0; j < object->kind->n_attrs; j++)
			unread = unread || object->values[j] == VALUE_UNREAD;
		if (!unread)
			continue;
		if (!asked) {
			auto_pgresult result = session_run(session, lockers_sql, 0, NULL);
			lockers = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 ? row_copy(read, (struct row){ result, 0 }, 0) : NULL;
			asked = true;
		}
		// "trigger definitions: canceling statement ...": of the last group that failed, which need not be this object's
		const char *group_end = strstr(flight->failure.text, ": ");
		const char *why = group_end != NULL ? group_end + 2 : "it changed while it was read";
		snapshot_unread(snapshot, object->kind->name, object->path, object->n_path,
		                lockers == NULL ? why : arena_printf(session->arena, "%s (%s)", why, lockers));
	}
}

static struct snapshot *read_once(struct session *session, const char *conninfo, struct err *err)
{
	struct snapshot *snapshot = snapshot_new(session->arena, ENGINE_POSTGRESQL);
	snapshot->major = session->major;
	const char *server = PQparameterStatus(session->conn, "server_version");
	snapshot->server = arena_strndup(session->arena, server, strcspn(server, " ")); // "15.20 (Debian ...)"
	snapshot->database = arena_strdup(session->arena, PQdb(session->conn));
	snapshot->groups = (session->options->groups & GROUPS_ALL) | 1u << GROUP_COLUMN_ORDER | 1u << GROUP_COSMETIC; // those always
	snapshot->reader = arena_strdup(session->arena, PQuser(session->conn));
	if (session->options->versions_only)
		return snapshot;

	struct postgres_read read = { snapshot, session->arena, session->major, session->options->groups, lookup_new(session->arena) };
	struct flight *flight = arena_alloc(session->arena, sizeof *flight);
	flight_add(flight, session, lookup_queries);
	for (size_t i = 0; kinds[i] != NULL; i++)
		flight_add(flight, session, kinds[i]->queries);
	flight_add(flight, session, closing_queries);
	if (!flight_run(flight, session, conninfo, &read, err))
		return NULL;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		if (kinds[i]->finish != NULL)
			kinds[i]->finish(&read);
	}
	lookup_finish(&read);
	snapshot_sort(snapshot);
	report_unread(session, &read, flight);
	return snapshot;
}

static struct snapshot *take_versions(struct snapshot *snapshot, const struct session_versions *versions)
{
	snapshot->version = versions->table;
	snapshot->tenants = versions->tenants;
	snapshot->n_tenants = versions->n_tenants;
	return snapshot;
}

struct snapshot *postgres_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err)
{
	for (int attempt = 1;; attempt++) {
		auto_pgconn connection = NULL;
		struct session session = { NULL, options, arena, 0 };
		bool opened = session_open(&session, conninfo, err);
		connection = session.conn;
		struct session_versions before, after;
		if (!opened || !session_versions_read(&session, &before, err))
			return NULL;
		struct snapshot *snapshot = read_once(&session, conninfo, err);
		if (snapshot == NULL)
			return NULL;
		if (options->versions_only)
			return take_versions(snapshot, &before);
		if (!session_versions_read(&session, &after, err))
			return NULL;
		if (session_versions_settled(&before, &after))
			return take_versions(snapshot, &after);
		if (attempt == VERSION_TRIES && options->tenants != NULL) { // those at rest are read all the same
			session_versions_note_unsettled(&session, &before, &after);
			return take_versions(snapshot, &after);
		}
		if (attempt == VERSION_TRIES) {
			err_set(err, "deploy-in-flight", options->name, "run again when the deploy is done",
			        "migrations are being applied right now: %s", before.busy || after.busy ? "the framework's lock is held"
			                                                                            : "the version table changed while we read");
			return NULL;
		}
		clock_wait_ms(500 * attempt);
	}
}

// The user's own query.

static bool query_rows(struct session *session, const char *sql, bool (*each)(void *, const char *const *, size_t, struct err *),
                       void *argument, struct err *err)
{
	auto_pgresult result = session_run(session, sql, 0, NULL); // the extended protocol takes one statement
	if (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_EMPTY_QUERY)
		return err_set(err, "query", session->options->name, "write a SELECT", "this is no query: it returns no rows");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return session_error(session, result, "the query", err);
	size_t n = (size_t)PQnfields(result);
	const char **values = arena_array(session->arena, n, sizeof *values);
	for (int i = 0; i < PQntuples(result); i++) {
		for (size_t j = 0; j < n; j++)
			values[j] = row_text((struct row){ result, i }, (int)j);
		if (!each(argument, values, n, err))
			return false;
	}
	return true;
}

bool postgres_query(struct arena *arena, const char *conninfo, const struct read_options *options, const char *sql,
                    bool (*each)(void *argument, const char *const *values, size_t n_values, struct err *err), void *argument,
                    struct err *err)
{
	auto_pgconn connection = NULL;
	struct session session = { NULL, options, arena, 0 };
	bool opened = session_open(&session, conninfo, err);
	connection = session.conn;
	bool ok = opened && session_start(&session, session_statement_timeout_ms(&session), session_lock_timeout_ms(&session), err) &&
	          query_rows(&session, sql, each, argument, err);
	struct err ignored;
	return ok && session_do(&session, "rollback", &ignored);
}
