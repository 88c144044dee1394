// SPDX-License-Identifier: PostgreSQL
// When something in a live PostgreSQL database was last changed, in terms of what else was written there: every row of a
// catalog and every row of the version table carries the transaction that wrote it (xmin), and transactions are numbered. The
// numbers survive VACUUM and FREEZE; a dump that was restored and pg_upgrade write all rows anew, so that what lies before
// them cannot be dated.
#ifndef INTROSPECT_DATING_H
#define INTROSPECT_DATING_H

#include "introspect/reader.h"

// One object to be dated. Ages count transactions back from now: the larger, the older.
struct dated {
	const struct kind *kind;
	const char *const *path; // of the object, which may be gone
	unsigned n_path;
	bool gone;
	// Found; known false: nothing can be said. Its last change is no older than `oldest` and no younger than `youngest`.
	bool known;
	long long oldest, youngest;
	const char *at; // RFC 3339, where the server tracks commits and one row holds all; NULL
};

// Reads the ages of all objects and of the version table's rows (`row_ages`, parallel to version->rows; -1: not to be used)
// in one read-only transaction. `order` as in struct version_query. False where nothing can be said: the table changed
// meanwhile, it has no primary key, more transactions have been than their numbers tell apart, or the server cannot be asked.
bool postgres_date(struct arena *arena, const char *conninfo, const struct read_options *options, const struct version_table *version,
                   const char *order, struct dated *objects, size_t n, long long *row_ages);

#endif
