// SPDX-License-Identifier: PostgreSQL
// A source: something that a snapshot can be read from, as a person names it. URLs are taken as frameworks write them: what
// libpq would refuse is read where it means something to us, and removed. No password leaves here in a text for people.
#ifndef SENTINEL_SOURCE_H
#define SENTINEL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"
#include "migrations/migration.h"

struct arena;
struct err;

enum source_type { SOURCE_POSTGRESQL, SOURCE_SQLITE, SOURCE_JSON, SOURCE_SQL, SOURCE_REPO };

struct source {
	enum source_type type;
	const char *shown;    // for messages: as given, without passwords
	const char *conninfo; // PostgreSQL: what libpq takes. Holds the password
	const char *path;     // SQLite, JSON, SQL: of the file
	const char *version;  // repo@VERSION; NULL: all migrations
	struct migration_settings settings; // what the URL says about the framework: unset fields are NULL or false
	bool pooler;          // PostgreSQL: the URL says that a pooler stands between (pgbouncer=true)
	const char *host, *port, *sslmode; // PostgreSQL, as given; NULL: not given
	const char *const *secrets; // for secret_scrub
};

// Understands a source: postgresql://, postgres://, postgresql+driver://, jdbc:postgresql:, a keyword string ("service=x"),
// sqlite:PATH, sqlite3:, sqlite://, jdbc:sqlite:, file:, `repo`, `repo@VERSION`, FILE.json, FILE.sql, the path of an SQLite file.
// Names of environments are no business of this function. `folder` ("" or "../") goes before relative paths.
// Errors: code "source"; err->code "not-a-source" if the text is of no known form (it may be a mistyped name).
bool source_parse(struct arena *arena, const char *text, const char *folder, struct source *source, struct err *err);

// Whether it is read over a connection or from a database file (not from a JSON or SQL file or the repository).
bool source_is_live(const struct source *source);

// Which engine it is of; 0 where the source itself does not say (JSON, SQL, repo).
enum engine source_engine(const struct source *source);

#endif
