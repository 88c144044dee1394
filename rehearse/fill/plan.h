// SPDX-License-Identifier: PostgreSQL
// What the parts of filling share: the tables of a clone with their columns, and for each how its values are made.
#ifndef REHEARSE_FILL_PLAN_H
#define REHEARSE_FILL_PLAN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "introspect/pg.h"
#include "rehearse/fill/fill.h"
#include "rehearse/fill/rank.h"

struct fill_table;
struct value_type;

// Values as the server sends them in binary, in their order: labels of an enum, a CHECK's list, keys that are there already.
struct value_list {
	const char *const *bytes;
	const int *lengths;
	uint64_t n;
};

// What CHECKs and the bounds of a partition allow; as text, for the server knows what they mean.
struct limits {
	const char *low, *high;           // NULL: none
	bool low_excluded, high_excluded;
	const char *const *allowed;       // a list; NULL: any
	size_t n_allowed;
	const char *before;               // a column of the same table that must be smaller
	bool before_or_equal;
	long long length_min, length_max; // in characters; length_max 0: none
	bool upper, not_null;
};

struct fill_column {
	const char *name;
	int number;                       // attnum
	unsigned type_oid;                // beneath domains
	int typmod;
	const char *type_sql, *base_sql;  // as the server writes it, domain included; beneath domains
	bool checked;                     // a domain or the table may have conditions that are not understood
	const char *type_name, *element_name; // of pg_type; the elements of an array or a range, or NULL
	unsigned element_oid;
	char type_kind;                   // typtype
	bool not_null, generated;
	const struct column_statistics *statistics; // NULL: none
	struct limits limits;

	const struct value_type *type;    // how values are made; NULL: from the list
	const struct value_type *element;
	struct value_list list;
	long long low, high, step;        // of types that are numbers
	int length, n_digits;             // of texts: characters; how many of them tell the values apart
	const struct text_form *form;
	int scale;                        // of numeric: digits behind the point
	int n_elements;                   // of an array
	uint64_t capacity;                // distinct values that there are

	bool unique, referenced;
	const struct fill_table *parent;  // a foreign key: the values are those of
	const struct fill_column *parent_column;
	const struct fill_column *leader; // of a foreign key of several columns: this one chooses the row of the parent
	bool own_row;                     // ... which is the row itself
	struct fill_key *key;             // of several columns
	struct fill_column *after;        // its values are greater than this one's
	bool always_null, is_ready, is_being_readied;
	struct rank rank;
	uint64_t seed;
};

// A unique key of several columns: rows are counted by their values, the first column's slowest.
struct fill_key {
	struct fill_column **columns;
	size_t n_columns;
	struct rank order; // from a row to its place in the order of the key
};

struct fill_fk {
	const char *name;
	struct fill_table *table, *parent; // the parent is the partition that gives the values
	unsigned oid, parent_oid;          // of the constraint; of the table that it names
	struct fill_column **columns, **parent_columns;
	size_t n_columns;
	bool doubtful;                     // not true by construction
};

struct fill_unique {
	struct fill_table *table;
	const char *index;                 // qualified
	struct fill_column **columns;
	size_t n_columns;
	bool plain;                        // neither an expression nor partial
	bool ahead;                        // a migration is going to make it
};

struct fill_table {
	unsigned oid;
	const char *schema, *name, *sql;   // qualified and quoted
	char kind;                         // relkind
	unsigned parent_oid;               // a partition's
	bool loads;                        // rows are copied into it; else into its partitions, or its parent
	bool kept;                         // it has rows already, and they stay
	bool rooted;                       // a partition: statistics are gathered with its parent
	struct fill_column *columns;
	size_t n_columns;
	const struct table_statistics *statistics;
	uint64_t n_rows;
	long long rows_of_env;
	const char *rests_on;
	double weight;                     // how much work it is
	uint64_t n_removed;                // rows that broke a unique index
};

struct fill_check {
	struct fill_table *table;
	const char *name, *expression;
	unsigned oid;
	bool ahead;                        // a migration is going to make it
};

struct fill_sequence {
	const struct fill_table *table;
	const char *column, *sequence; // quoted, qualified
};

struct plan {
	struct arena *arena;
	const struct fill_request *request;
	PGconn *conn;
	struct fill_table *tables;
	size_t n_tables;
	struct fill_fk *fks;
	size_t n_fks;
	struct fill_unique *uniques;
	size_t n_uniques;
	struct fill_check *checks;
	size_t n_checks;
	struct fill_sequence *sequences;
	size_t n_sequences;
	const char **notes;
	size_t n_notes, notes_capacity;
};

// Reads the catalog and decides. catalog.c: what there is; decide.c: rows, and how each column's values are made.
bool fill_catalog(struct plan *plan, struct err *err);
bool fill_decide(struct plan *plan, struct err *err);

void plan_note(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct fill_table *plan_table(const struct plan *plan, unsigned oid);
struct fill_column *table_column(const struct fill_table *table, int number);

// Loads tables over a connection of its own until none is left: a thread's work.
struct loader {
	const struct plan *plan;
	struct arena *arena;
	struct fill_table **tables;        // shared
	size_t n_tables;
	atomic_size_t *next;
	atomic_bool *stop;
	pthread_t thread;
	bool started;
	const char **notes;
	size_t n_notes, notes_capacity;
	struct err err;
};
void *loader_run(void *loader);

// A connection of the kind that fills: no triggers, no timeouts. NULL: code "fill".
PGconn *fill_connect(const char *conninfo, struct err *err);

// Runs a statement; NULL: it failed (code "fill").
PGresult *fill_ask(PGconn *conn, const char *sql, struct err *err);

// Reads what a CHECK's expression says of columns, as far as it is one of the common forms, into their limits.
void fill_check_read(struct arena *arena, struct fill_table *table, struct fill_column *domain_column, const char *expression);

// The value of a column in a row: of which column, and which of its values. False: null.
bool fill_cell(const struct fill_table *table, const struct fill_column *column, uint64_t row, const struct fill_column **root, uint64_t *value);

// Chooses how the values of a column are made, for a table of so many rows: everything but its rank. False: there is no way.
bool value_choose(struct plan *plan, struct fill_column *column, uint64_t n_rows);

// Whether its width is free: texts and the like.
bool value_is_wide(const struct fill_column *column);

// Gives a text the form that most CHECKs accept.
void value_shape(struct plan *plan, const struct fill_table *table, struct fill_column *column, uint64_t n_rows);

// A number that a value stands for, and the first value that stands for as much. Only of columns of the same type of numbers.
bool value_comparable(const struct fill_column *column, const struct fill_column *other);
long long value_number(const struct fill_column *column, uint64_t value);
uint64_t value_from(const struct fill_column *column, long long number);

// Rows of a table that has rows already, as values for what refers to it.
bool value_keep(struct plan *plan, const struct fill_table *table, struct fill_column *column, struct err *err);

// Once it is known how many distinct values are wanted: spreads them, within the limits and at the statistics' width.
void value_spread(struct fill_column *column, uint64_t n_distinct);

// Adds a value in the binary form of COPY, its length before it; `as` is the column that it is for, `root` the one that it belongs to.
void value_put(struct buf *out, const struct fill_column *as, const struct fill_column *root, uint64_t value);

#endif
