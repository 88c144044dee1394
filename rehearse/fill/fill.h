// SPDX-License-Identifier: PostgreSQL
// Rows for a synthetic clone: each table of a database that has the schema but no rows gets as many as the environment's, of
// the same widths, null fractions, distinct counts and correlation, made up from their statistics and a fixed seed; keys,
// foreign keys, NOT NULL, enums, domains and simple CHECKs are satisfied.
#ifndef REHEARSE_FILL_FILL_H
#define REHEARSE_FILL_FILL_H

#include "rehearse/rehearsal.h"
#include "rehearse/statistics.h"

struct arena;
struct progress;

struct fill_request {
	const char *conninfo;                // of the clone's database, as superuser
	const struct statistics *statistics; // NULL: `rows_default` for each table
	double scale;                        // 1: as many rows as the environment
	long long rows_default;              // for tables that the statistics lack
	double whole;                        // how many times larger the largest clone is; 0: as large as this one
	// Called with what the largest takes on disk, as far as types and statistics tell, before the first row is made; false: no. NULL: none
	bool (*expect)(void *argument, long long bytes, struct err *err);
	void *argument;
	const char *version_table;           // qualified and quoted; its rows stay as they are; NULL: none
	// Statements that are going to run, NULL-ended: the foreign keys, CHECKs and unique keys that they add to columns of today are
	// satisfied as well, the last only where the statistics do not speak against it. NULL: none. They run on the empty tables, in a
	// transaction that is rolled back.
	const char *const *ahead;
	int n_connections;                   // COPYs at a time
	struct progress *progress;           // NULL: none
};

// The same before there is a clone, from the statistics alone; -1: there are none.
long long fill_estimate(const struct fill_request *request);

// Fills all tables: binary COPY in parallel; constraints and indexes that slow it down are taken off before and put back after,
// triggers do not fire; ANALYZE at the end. `tables` gets what was made; `notes` what could not be satisfied (a CHECK, an
// exclusion constraint: the table's rows are fewer or none, and that is said). Deterministic. Errors: code "fill".
bool fill(struct arena *arena, const struct fill_request *request, struct clone_table **tables, size_t *n_tables,
          const char ***notes, size_t *n_notes, struct err *err);

#endif
