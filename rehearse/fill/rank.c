// SPDX-License-Identifier: PostgreSQL
// From a row to its value: see rank.h. A column's rows that are not null are brought into the order of their values by a
// bijection that leaves as many of them in place as the correlation asks for; that order is cut into runs, one for each most common
// value and one for the rest between two of them. So counts are exact, not drawn.
#include "rehearse/fill/rank.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "rehearse/statistics.h"

enum { BLOCK = 64, SMALL_BLOCK = 8, DISTINCT_UNKNOWN = 10, TUNED_ROWS = 4096, TUNINGS = 32 };

// A bijection of 0 up to n: multiplications and shifts on the next power of two, repeated where the result is beyond n.
static uint64_t permuted(uint64_t x, uint64_t n, uint64_t key)
{
	if (n < 2)
		return x;
	unsigned bits = 64 - (unsigned)__builtin_clzll(n - 1);
	unsigned shift = (bits + 1) / 2;
	uint64_t mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
	do {
		x = (x * 0x9e3779b97f4a7c15u + key) & mask;
		x ^= x >> shift;
		x = (x * (key << 1 | 1)) & mask;
		x ^= x >> shift;
		x = (x * 0xd1342543de82ef95u + (key >> 32)) & mask;
		x ^= x >> shift;
	} while (x >= n);
	return x;
}

// Where a row that is not null lies in the order of values.
static uint64_t slot_of(const struct rank *rank, uint64_t row)
{
	uint64_t block = rank->n_block, n_blocks = rank->n_values / block, slot = row, n_moved = block - rank->n_kept;
	if (row < n_blocks * block && row % block >= rank->n_kept) {
		uint64_t moved = permuted(row / block * n_moved + row % block - rank->n_kept, n_blocks * n_moved, rank->key);
		slot = moved / n_moved * block + rank->n_kept + moved % n_moved;
	}
	return rank->reversed ? rank->n_values - 1 - slot : slot;
}

static uint64_t value_of(const struct rank *rank, uint64_t slot)
{
	if (rank->n_runs == 0)
		return slot;
	size_t low = 0, high = rank->n_runs;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (rank->runs[middle].first_slot <= slot)
			low = middle;
		else
			high = middle;
	}
	const struct rank_run *run = &rank->runs[low];
	return run->first_value + scaled(slot - run->first_slot, run->n_values, run->n_slots);
}

// Null rows before a row: they are spread evenly.
static uint64_t nulls_before(const struct rank *rank, uint64_t row)
{
	return (uint64_t)(((unsigned __int128)row * rank->null_rate + (rank->key >> 32)) >> 32);
}

bool rank_of(const struct rank *rank, uint64_t row, uint64_t *value)
{
	uint64_t before = nulls_before(rank, row);
	if (rank->null_rate > 0 && nulls_before(rank, row + 1) > before)
		return false;
	*value = value_of(rank, slot_of(rank, row - before));
	return true;
}

uint64_t rank_distinct(const struct column_statistics *statistics, uint64_t n_rows, uint64_t n_values)
{
	if (n_values == 0)
		return 0;
	double n = statistics == NULL || statistics->n_distinct == 0 ? (double)n_values / DISTINCT_UNKNOWN
	           : statistics->n_distinct < 0                      ? -statistics->n_distinct * (double)n_rows
	                                                             : statistics->n_distinct;
	n = round(n);
	return n < 1 ? 1 : n > (double)n_values ? n_values : (uint64_t)n;
}

static void add_run(struct rank *rank, uint64_t *slot, uint64_t *value, uint64_t n_slots, uint64_t n_values)
{
	rank->runs[rank->n_runs++] = (struct rank_run){ *slot, n_slots, *value, n_values };
	*slot += n_slots;
	*value += n_values;
}

// The most common values stand evenly among the others; which of them is where is drawn, for their values are not known.
static void init_runs(struct rank *rank, struct arena *arena, const struct column_statistics *statistics)
{
	size_t n_common = statistics == NULL ? 0 : statistics->n_frequencies;
	if (n_common > rank->n_distinct)
		n_common = (size_t)rank->n_distinct;
	uint64_t *common = arena_array(arena, n_common + 1, sizeof *common), n_slots = 0, others = rank->n_distinct - n_common;
	for (size_t i = 0; i < n_common; i++) {
		uint64_t n = (uint64_t)llround(statistics->frequencies[i] * (double)rank->n_rows);
		uint64_t most = rank->n_values - n_slots - (n_common - 1 - i) - others; // something is left for all that follow
		n = n < 1 ? 1 : n > most ? most : n;
		n = others == 0 && i + 1 == n_common ? rank->n_values - n_slots : n;
		common[permuted(i, n_common, rank->key)] = n;
		n_slots += n;
	}
	rank->runs = arena_array(arena, 2 * n_common + 1, sizeof *rank->runs);
	uint64_t slot = 0, value = 0, left = rank->n_values - n_slots;
	uint64_t n_gaps = others < n_common + 1 ? others : n_common + 1, used = 0;
	for (size_t i = 0; i <= n_common; i++) {
		if ((i + 1) * n_gaps / (n_common + 1) > used) {
			uint64_t rest = n_gaps - used++, slots = left / rest, values = others / rest;
			add_run(rank, &slot, &value, slots, values);
			left -= slots;
			others -= values;
		}
		if (i < n_common)
			add_run(rank, &slot, &value, common[i], 1);
	}
	rank->n_distinct = value;
}

// pg_stats has values that are equal in the order of their rows, so that few values correlate even where they are spread at
// random: by the sum of the squares of their shares; and reversed ones less than fully, by twice that of the cubes. Source:
// compute_scalar_stats of the server's analyze.c.
static unsigned kept_of(struct rank *rank, double correlation)
{
	double squares = 0, cubes = 0;
	for (size_t i = 0; i < rank->n_runs; i++) {
		double share = (double)rank->runs[i].n_slots / (double)rank->runs[i].n_values / (double)rank->n_values;
		squares += share * share * (double)rank->runs[i].n_values;
		cubes += share * share * share * (double)rank->runs[i].n_values;
	}
	rank->reversed = correlation < squares;
	double kept = rank->reversed ? (squares - correlation) / (squares + 1 - 2 * cubes) : (correlation - squares) / (1 - squares);
	return isfinite(kept) ? (unsigned)lround(fmin(fmax(kept, 0), 1) * rank->n_block) : 0;
}

// What pg_stats would say of the rows.
static double correlation_of(const struct rank *rank)
{
	uint64_t next[TUNED_ROWS + 1] = { 0 };
	double n = (double)rank->n_values, sum = 0;
	for (uint64_t slot = rank->n_values; slot-- > 0;)
		next[value_of(rank, slot)] = slot;
	for (uint64_t row = 0; row < rank->n_values; row++)
		sum += (double)row * (double)next[value_of(rank, slot_of(rank, row))]++;
	double mean = (n - 1) / 2;
	return (sum / n - mean * mean) / ((n * n - 1) / 12);
}

// Few rows permuted at random correlate by chance: another permutation is tried.
static void init_order(struct rank *rank, double correlation)
{
	rank->n_block = rank->n_values < BLOCK * SMALL_BLOCK ? SMALL_BLOCK : BLOCK;
	unsigned kept = rank->n_kept = kept_of(rank, correlation);
	if (rank->n_values < 3 || rank->n_values > TUNED_ROWS)
		return;
	uint64_t best_key = rank->key, key = rank->key;
	unsigned best_kept = kept;
	double best = INFINITY;
	for (int i = 0; i < TUNINGS && best > 0.01; i++) {
		rank->key = (key & UINT64_C(0xffffffff00000000)) | (mixed(key + (uint64_t)i) & 0xffffffff); // the upper half places the nulls
		rank->n_kept = kept + (unsigned)i % 3 > 0 ? kept + (unsigned)i % 3 - 1 : 0;
		rank->n_kept = rank->n_kept > rank->n_block ? rank->n_block : rank->n_kept;
		double off = fabs(correlation_of(rank) - correlation);
		if (off < best) {
			best = off;
			best_key = rank->key;
			best_kept = rank->n_kept;
		}
	}
	rank->key = best_key;
	rank->n_kept = best_kept;
}

void rank_init(struct rank *rank, struct arena *arena, uint64_t n_rows, const struct column_statistics *statistics, bool unique, uint64_t most,
               bool not_null, uint64_t seed)
{
	*rank = (struct rank){ .n_rows = n_rows, .key = mixed(seed) };
	double null_frac = not_null || statistics == NULL ? 0 : statistics->null_frac;
	rank->null_rate = (uint64_t)llround(null_frac * 4294967296.0);
	rank->n_values = n_rows - nulls_before(rank, n_rows);
	rank->n_distinct = unique ? rank->n_values : rank_distinct(statistics, n_rows, rank->n_values);
	if (rank->n_distinct > most)
		rank->n_distinct = most;
	if (rank->n_values == 0)
		return;
	if (rank->n_distinct == 0) { // there is no value that it could have
		*rank = (struct rank){ .n_rows = n_rows, .null_rate = (uint64_t)1 << 32 };
		return;
	}
	if (!unique)
		init_runs(rank, arena, statistics);
	init_order(rank, statistics == NULL || isnan(statistics->correlation) ? unique : statistics->correlation);
}
