// SPDX-License-Identifier: PostgreSQL
// Which value a row of a synthetic clone has, as a number: rows are counted from 0, and so are the distinct values of a column, in
// their order. Arithmetic alone, so that any row's value is known without looking it up: a foreign key asks for its parent's.
#ifndef REHEARSE_FILL_RANK_H
#define REHEARSE_FILL_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct column_statistics;

// A run of slots (rows in the order of their values) that share a value, or are spread evenly over several.
struct rank_run {
	uint64_t first_slot, n_slots, first_value, n_values;
};

struct rank {
	uint64_t n_rows, n_values; // rows; those that are not null
	uint64_t n_distinct;       // values in use, each of them: 0 up to this
	uint64_t null_rate;        // of 2^32
	uint64_t key;              // of the permutation
	unsigned n_kept, n_block;  // so many of a block of rows lie where the order of values would have them
	bool reversed;
	struct rank_run *runs;
	size_t n_runs;
};

// `unique`: as many values as rows. `most`: there are no more values than these. `statistics` may be NULL.
void rank_init(struct rank *rank, struct arena *arena, uint64_t n_rows, const struct column_statistics *statistics, bool unique, uint64_t most,
               bool not_null, uint64_t seed);

// The value of a row; false: it is null.
bool rank_of(const struct rank *rank, uint64_t row, uint64_t *value);

// How many distinct values such a column has in so many rows.
uint64_t rank_distinct(const struct column_statistics *statistics, uint64_t n_rows, uint64_t n_values);

// a * b / c without overflow.
static inline uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
	return (uint64_t)((unsigned __int128)a * b / c);
}

// Bits that look random: the finaliser of splitmix64.
static inline uint64_t mixed(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

#endif
