// SPDX-License-Identifier: PostgreSQL
// What the tests of the tap with a real server share: the server, and connections to it directly and through a tap; callbacks that see
// whether statements overlap.
#ifndef TESTS_TAP_ENV_H
#define TESTS_TAP_ENV_H

#include "base/clock.h"
#include "introspect/pg.h"
#include "rehearse/tap/tap.h"
#include "tests/scratch_env.h"
#include "tests/tap_raw.h"

static struct scratch *scratch;
static char server_socket[108], database[64], user[64];

static inline struct tap *tapped_server(bool split)
{
	struct tap_request request = { .server_socket = server_socket, .split = split };
	struct err err;
	struct tap *tap = tap_start(&request, &err);
	if (tap == NULL)
		fail_msg("%s: %s", err.code, err.text);
	return tap;
}

static inline struct tapped *stopped(struct tap *tap, struct arena *arena, size_t *n)
{
	struct err err;
	struct tapped *list = tap_stop(tap, arena, true, n, &err);
	assert_non_null(list);
	return list;
}

// As the scratch's owner, through the tap (NULL: directly); over TCP if asked for.
static inline PGconn *connected(const struct tap *tap, bool tcp)
{
	auto_arena arena = arena_new();
	const char *conninfo = scratch_conninfo(scratch, false);
	if (tap != NULL)
		conninfo = arena_printf(arena, "%s host=%s port=%d sslmode=%s", conninfo, tcp ? "127.0.0.1" : tap_folder(tap), tap_port(tap),
		                        tcp ? "prefer" : "disable");
	PGconn *conn = PQconnectdb(conninfo);
	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	return conn;
}

static inline void run(PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
}

// The first value of the result; "" if there is none.
static inline const char *value(struct arena *arena, PGconn *conn, const char *sql)
{
	auto_pgresult result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	return arena_strdup(arena, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
}

static inline const struct tapped *find(const struct tapped *list, size_t n, const char *sql)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].sql, sql) == 0)
			return &list[i];
	}
	fail_msg("not recorded: %s", sql);
	return NULL;
}

struct calls {
	PGconn *side;
	int n_before, n_after, n_open;
	bool overlapped, saw_locks;
};

static inline void before(void *argument, const struct tapped *statement)
{
	struct calls *calls = argument;
	calls->n_before++;
	calls->overlapped |= calls->n_open++ != 0 || statement->sent_us != 0;
}

// The statement's transaction is still as it left it: a table made in an open one is locked.
static inline void after(void *argument, const struct tapped *statement)
{
	struct calls *calls = argument;
	calls->n_after++;
	calls->overlapped |= --calls->n_open != 0 || statement->done_us == 0;
	if (strcmp(statement->sql, "create temp table p (a int)") != 0 && strcmp(statement->sql, "create table held (a int)") != 0)
		return;
	char sql[160];
	snprintf(sql, sizeof sql, "select count(*) from pg_locks where pid = %u and mode = 'AccessExclusiveLock' and granted", statement->server_pid);
	auto_pgresult result = PQexec(calls->side, sql);
	calls->saw_locks |= PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "0") != 0;
}

static inline int open_scratch(void **state)
{
	(void)state;
	struct scratch_settings settings = { 0 };
	struct err err;
	scratch = scratch_open(&settings, ENGINE_POSTGRESQL, 0, &err);
	if (scratch == NULL) {
		fprintf(stderr, "%s: %s\n", err.code, err.text);
		return 1;
	}
	auto_pgconn conn = PQconnectdb(scratch_conninfo(scratch, false));
	snprintf(server_socket, sizeof server_socket, "%s/.s.PGSQL.%s", PQhost(conn), PQport(conn));
	snprintf(database, sizeof database, "%s", PQdb(conn));
	snprintf(user, sizeof user, "%s", PQuser(conn));
	return PQstatus(conn) == CONNECTION_OK ? 0 : 1;
}

static inline int close_scratch(void **state)
{
	(void)state;
	scratch_close(scratch);
	return 0;
}

#endif
