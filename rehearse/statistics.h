// SPDX-License-Identifier: PostgreSQL
// How large an environment's tables are and how their values are distributed, from pg_class and pg_stats, read-only. Nothing
// read here is a value of a user's row, unless asked for: widths, counts, fractions and the shape of the histogram.
#ifndef REHEARSE_STATISTICS_H
#define REHEARSE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct read_options;

struct column_statistics {
	const char *name;
	double null_frac;
	double avg_width;    // bytes, TOAST included as far as the statistics have it
	double n_distinct;   // as in pg_stats: > 0 a count, < 0 a fraction of the rows; 0: not known
	double correlation;  // of value order and row order, -1 to 1; NAN: not known
	const double *frequencies; // of the most common values, descending
	size_t n_frequencies;
};

struct table_statistics {
	const char *schema, *name; // as in the catalog
	double rows;               // reltuples; -1: never analysed
	long long pages, bytes;    // of the heap; with its indexes and TOAST
	long long toast_bytes;     // of values that are stored out of line, which avg_width does not count
	bool populated;            // false: a materialized view WITH NO DATA
	struct column_statistics *columns; // in the order of attnum, dropped ones left out
	size_t n_columns;
	bool full;                 // pg_stats could be read for it; else rows and widths are estimates from reltuples and relpages
};

// What the rehearsal's server takes from the environment.
struct server_setting {
	const char *name, *value;
};

// Asks any server for them: name, value.
extern const char server_settings_sql[];

struct statistics {
	struct table_statistics *tables; // ordinary tables and partitions, sorted by schema and name
	size_t n_tables;
	struct server_setting *settings; // wal_level, max_wal_size, ..., the role's lock_timeout and statement_timeout
	size_t n_settings;
	int major;
	const char *server; // "15.20"
};

// One read-only transaction, no table of the user's is read; `schemas`-wide, a handful of queries in all. A role that may only
// CONNECT gets `full` false. Errors: those of the reader.
struct statistics *statistics_read(struct arena *arena, const char *conninfo, const struct read_options *options, struct err *err);

const struct table_statistics *statistics_find(const struct statistics *statistics, const char *schema, const char *name);

#endif
