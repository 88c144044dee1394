// SPDX-License-Identifier: PostgreSQL
// libpq's handles, closing themselves.
#ifndef INTROSPECT_PG_H
#define INTROSPECT_PG_H

#include <libpq-fe.h>

#include "base/auto.h"

AUTO_DEFINE(auto_pgconn_cleanup, PGconn *, PQfinish)
#define auto_pgconn __attribute__((cleanup(auto_pgconn_cleanup))) PGconn *
AUTO_DEFINE(auto_pgresult_cleanup, PGresult *, PQclear)
#define auto_pgresult __attribute__((cleanup(auto_pgresult_cleanup))) PGresult *

// A notice receiver: what a server says beside its results is meant for a person at psql.
static inline void pg_ignore_notice(void *argument, const PGresult *result)
{
	(void)argument;
	(void)result;
}

#endif
