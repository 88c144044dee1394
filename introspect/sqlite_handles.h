// SPDX-License-Identifier: PostgreSQL
// SQLite's handles, closing themselves.
#ifndef INTROSPECT_SQLITE_HANDLES_H
#define INTROSPECT_SQLITE_HANDLES_H

#include <sqlite3.h>

#include "base/auto.h"

AUTO_DEFINE(auto_sqlite_cleanup, sqlite3 *, sqlite3_close)
#define auto_sqlite __attribute__((cleanup(auto_sqlite_cleanup))) sqlite3 *
AUTO_DEFINE(auto_sqlite_stmt_cleanup, sqlite3_stmt *, sqlite3_finalize)
#define auto_sqlite_stmt __attribute__((cleanup(auto_sqlite_stmt_cleanup))) sqlite3_stmt *

#endif
