// SPDX-License-Identifier: PostgreSQL
// Connecting to a live PostgreSQL database, and what its answers mean to a person: see postgres_session.h.
#include "introspect/postgres_session.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

enum { MAJOR_OLDEST = 12 };

const char session_begin[] = "begin isolation level repeatable read read only";

bool session_error(const struct session *session, const PGresult *result, const char *doing, struct err *err)
{
	const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (message == NULL)
		message = PQerrorMessage(session->conn);
	static const struct { const char *state, *code, *hint; } known[] = {
		{ "42501", "permission", "`driftcheck doctor` prints the GRANTs that a read-only role needs" },
		{ "55P03", "timeout", "something holds a strong lock on a system catalog or the version table: try again when it is done" },
		{ "57014", "timeout", "the server is slow or something is locked: try again, or look into pg_stat_activity" },
		{ "40001", "conflict", "a standby cancelled the query because of replay: try again, or read the primary" },
		{ "25001", "pooler", "a pooler in statement mode allows no transactions: connect to the server, or use transaction mode" },
		{ NULL, "query", "run with --show-queries to see the statement" },
	};
	size_t i = 0;
	while (known[i].state != NULL && (state == NULL || strcmp(known[i].state, state) != 0))
		i++;
	if (state == NULL)
		return err_set(err, "unreachable", session->options->name, "the connection broke: try again", "%s: %s", doing, message);
	return err_set(err, known[i].code, session->options->name, known[i].hint, "%s: %s", doing, message);
}

#define USER_HINT "check user and password (a service file, ~/.pgpass or PGPASSWORD), and pg_hba.conf on the server"
#define BUSY_HINT "all connections of the server are in use: run again later"

bool session_open(struct session *session, const char *conninfo, struct err *err)
{
	const struct read_options *options = session->options;
	char timeout[16];
	snprintf(timeout, sizeof timeout, "%d", options->connect_timeout_s > 0 ? options->connect_timeout_s : 10);
	const char *keywords[] = { "connect_timeout", "fallback_application_name", "client_encoding", "dbname", NULL };
	const char *values[] = { timeout, "driftcheck", "UTF8", conninfo, NULL };
	session->conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(session->conn) != CONNECTION_OK) {
		// libpq gives no SQLSTATE of a failed connection: the first row whose words the message holds counts
		static const struct { const char *part, *code, *hint; } refusals[] = {
			{ "permission denied for database", "permission", "GRANT CONNECT on this database to this role" },
			{ "too many connections for", "unreachable", "raise the CONNECTION LIMIT of the role or database, or run again later" },
			{ "too many clients", "unreachable", BUSY_HINT },
			{ "remaining connection slots", "unreachable", BUSY_HINT },
			{ "starting up", "unreachable", "run again when the server has started" },
			{ "definition of service", "unreachable", "check the name, and PGSERVICEFILE or ~/.pg_service.conf" },
			{ "authentication failed", "authentication", USER_HINT },
			{ "no password supplied", "authentication", USER_HINT },
			{ "no pg_hba.conf entry", "authentication", USER_HINT },
			{ "role \"", "authentication", USER_HINT },
			{ "", "unreachable", "check host, port and database name, and that the server runs and lets this host in" },
		};
		size_t i = 0;
		while (strstr(PQerrorMessage(session->conn), refusals[i].part) == NULL)
			i++;
		return err_set(err, refusals[i].code, options->name, refusals[i].hint, "%s", PQerrorMessage(session->conn));
	}
	session->major = PQserverVersion(session->conn) / 10000;
	if (session->major < MAJOR_OLDEST)
		return err_set(err, "unsupported-server", options->name, "PostgreSQL 12 and later are read",
		               "the server is PostgreSQL %s", PQparameterStatus(session->conn, "server_version"));
	return true;
}

// One statement outside of a pipeline.
PGresult *session_run(struct session *session, const char *sql, int n, const char *const *values)
{
	log_query(session->options->log, session->options->name, sql);
	return PQexecParams(session->conn, sql, n, NULL, values, NULL, NULL, 0);
}

bool session_do(struct session *session, const char *sql, struct err *err)
{
	auto_pgresult result = session_run(session, sql, 0, NULL);
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || session_error(session, result, sql, err);
}

int session_statement_timeout_ms(const struct session *session)
{
	return session->options->statement_timeout_ms > 0 ? session->options->statement_timeout_ms : 60000;
}

int session_lock_timeout_ms(const struct session *session)
{
	return session->options->lock_timeout_ms > 0 ? session->options->lock_timeout_ms : 2000;
}

bool session_start(struct session *session, int statement_timeout_ms, int lock_timeout_ms, struct err *err)
{
	char *limits = arena_printf(session->arena,
	                            "select set_config('statement_timeout', '%d', true), set_config('lock_timeout', '%d', true), "
	                            "set_config('idle_in_transaction_session_timeout', '60000', true), "
	                            "set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true)",
	                            statement_timeout_ms, lock_timeout_ms);
	return session_do(session, session_begin, err) && session_do(session, limits, err);
}
