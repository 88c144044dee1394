// SPDX-License-Identifier: PostgreSQL
// How many rows each table of a clone gets, and where each column's values come from: a foreign key's from its parent, a unique
// column's from the row itself, a key of several columns from counting, all others from the statistics. What cannot be had exactly
// is marked as doubtful, and looked at when the rows are there.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "rehearse/fill/plan.h"

enum { KEPT_ROWS = 1000, PAGE = 8192, TUPLE_HEADER = 28, WIDTH_UNKNOWN = 64 };

static double rows_of(const struct plan *plan, struct fill_table *table)
{
	const struct table_statistics *statistics = table->statistics;
	table->rows_of_env = -1;
	if (statistics == NULL) {
		table->rests_on = plan->request->statistics == NULL ? "no environment" : "no statistics: the environment does not have it";
		return (double)plan->request->rows_default;
	}
	double rows = statistics->rows;
	if (rows < 0) {
		rows = (double)statistics->bytes / (TUPLE_HEADER + WIDTH_UNKNOWN);
		table->rests_on = "its size alone: it was never analysed";
	} else if (!statistics->full && rows > 0)
		table->rests_on = "reltuples and relpages: pg_stats shows nothing of it to this role";
	table->rows_of_env = (long long)llround(rows);
	return rows * plan->request->scale;
}

static bool is_beneath(const struct plan *plan, const struct fill_table *table, const struct fill_table *root)
{
	for (; table != NULL && table->parent_oid != 0; table = plan_table(plan, table->parent_oid)) {
		if (table->parent_oid == root->oid)
			return true;
	}
	return false;
}

static void count_rows(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct fill_table *table = &plan->tables[i];
		double rows = table->kind == 'r' ? rows_of(plan, table) : 0;
		for (size_t j = 0; j < plan->n_tables && table->kind == 'p' && table->loads; j++) {
			if (plan->tables[j].kind == 'r' && is_beneath(plan, &plan->tables[j], table)) {
				rows += rows_of(plan, &plan->tables[j]);
				if (table->statistics != NULL)
					continue;
				table->statistics = plan->tables[j].statistics; // one partition stands for all
				for (size_t k = 0; k < table->n_columns && table->statistics != NULL; k++) {
					for (size_t m = 0; m < plan->tables[j].n_columns; m++) {
						if (strcmp(plan->tables[j].columns[m].name, table->columns[k].name) == 0)
							table->columns[k].statistics = plan->tables[j].columns[m].statistics;
					}
				}
			}
		}
		table->n_rows = table->loads ? (uint64_t)llround(rows) : 0;
	}
}

// Migrations put rows into tables: those stay, unless the environment has many times as many.
static bool keep_rows(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct fill_table *table = &plan->tables[i];
		if (!table->loads)
			continue;
		auto_buf sql = BUF_INIT;
		buf_addf(&sql, "select count(*) from (select from %s limit %llu) x", table->sql, (unsigned long long)table->n_rows + KEPT_ROWS);
		auto_pgresult result = fill_ask(plan->conn, sql.data, err);
		if (result == NULL)
			return false;
		uint64_t n = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
		bool named = plan->request->version_table != NULL && strcmp(plan->request->version_table, table->sql) == 0;
		if (!named && (n == 0 || (table->statistics != NULL && table->n_rows >= KEPT_ROWS && n < table->n_rows)))
			continue;
		table->kept = true;
		table->n_rows = n;
	}
	return true;
}

// The values of a partitioned table that a foreign key takes are those of its largest partition.
static bool resolve_parent(const struct plan *plan, struct fill_fk *fk)
{
	struct fill_table *largest = fk->parent->loads ? fk->parent : NULL;
	for (size_t i = 0; i < plan->n_tables && !fk->parent->loads; i++) {
		struct fill_table *table = &plan->tables[i];
		if (table->loads && is_beneath(plan, table, fk->parent) && (largest == NULL || table->n_rows > largest->n_rows))
			largest = table;
	}
	for (size_t i = 0; largest != NULL && largest != fk->parent && i < fk->n_columns; i++) {
		struct fill_column *same = NULL;
		for (size_t j = 0; j < largest->n_columns; j++) {
			if (strcmp(largest->columns[j].name, fk->parent_columns[i]->name) == 0)
				same = &largest->columns[j];
		}
		fk->parent_columns[i] = same;
	}
	fk->parent = largest;
	return largest != NULL;
}

static void claim_single(struct fill_fk *fk)
{
	struct fill_column *column = fk->columns[0];
	if (column == fk->parent_columns[0])
		return; // it refers to itself: always true
	if (column->leader != NULL || (column->parent != NULL && column->parent->n_rows <= fk->parent->n_rows)) {
		fk->doubtful = true;
		return;
	}
	column->parent = fk->parent;
	column->parent_column = fk->parent_columns[0];
}

static void claim_several(struct fill_fk *fk)
{
	struct fill_column *leader = fk->columns[0];
	bool shared = false, claimed = false;
	for (size_t i = 0; i < fk->n_columns; i++) {
		claimed |= fk->columns[i]->leader != NULL;
		shared |= fk->columns[i] == fk->parent_columns[i];
		leader = leader->not_null ? fk->columns[i] : leader;
	}
	for (size_t i = 0; i < fk->n_columns && !shared && claimed; i++) {
		if (!fk->columns[i]->not_null && fk->columns[i]->leader == NULL) { // a part that is null keeps it true
			fk->columns[i]->always_null = true;
			return;
		}
	}
	fk->doubtful = claimed;
	for (size_t i = 0; i < fk->n_columns && !claimed; i++) {
		if (fk->columns[i] == fk->parent_columns[i])
			continue;
		fk->columns[i]->leader = leader;
		fk->columns[i]->own_row = shared; // another row would have to agree in the shared column: this one does
		fk->columns[i]->parent = fk->parent;
		fk->columns[i]->parent_column = fk->parent_columns[i];
	}
}

static void claim_fks(struct plan *plan)
{
	size_t most = 0;
	for (size_t i = 0; i < plan->n_fks; i++) {
		if (!resolve_parent(plan, &plan->fks[i])) {
			plan->fks[i].doubtful = true;
			continue;
		}
		most = plan->fks[i].n_columns > most ? plan->fks[i].n_columns : most;
		for (size_t j = 0; j < plan->fks[i].n_columns; j++)
			plan->fks[i].parent_columns[j]->referenced = true;
	}
	for (size_t n = most; n >= 1; n--) {
		for (size_t i = 0; i < plan->n_fks; i++) {
			struct fill_fk *fk = &plan->fks[i];
			if (fk->n_columns != n || fk->parent == NULL || fk->table->kept)
				continue;
			if (n == 1)
				claim_single(fk);
			else
				claim_several(fk);
		}
	}
}

static uint64_t distinct_wanted(const struct fill_column *column, uint64_t n_rows)
{
	return rank_distinct(column->statistics, n_rows, n_rows);
}

// Of how many values a column's can be, once its table and its parent have their rows.
static uint64_t distinct_most(const struct fill_column *column)
{
	if (column->parent == NULL)
		return column->capacity;
	return column->parent_column->rank.n_distinct > 0 ? column->parent_column->rank.n_distinct : column->parent->n_rows;
}

// Where there are too few values to tell the rows apart, a unique key that a migration adds fails in the environment as well.
static bool is_contradicted(const struct fill_unique *unique)
{
	double n_most = 1, n_rows = (double)unique->table->n_rows;
	for (size_t i = 0; i < unique->n_columns; i++)
		n_most *= unique->columns[i]->statistics == NULL ? n_rows : (double)distinct_wanted(unique->columns[i], unique->table->n_rows);
	return n_most < n_rows * 0.95; // an estimate
}

static void claim_unique(struct plan *plan, const struct fill_unique *unique)
{
	if (unique->ahead && is_contradicted(unique))
		return;
	struct fill_column *best = NULL;
	bool satisfied = false, is_free = unique->plain;
	uint64_t n_rows = unique->table->n_rows;
	for (size_t i = 0; i < unique->n_columns; i++) {
		struct fill_column *column = unique->columns[i];
		satisfied |= column->unique;
		is_free &= column->leader == NULL && column->key == NULL && !column->generated;
		if (column->leader != NULL || column->key != NULL || column->generated)
			continue;
		bool nearly = column->parent == NULL && (column->type_kind == 'r' || distinct_wanted(column, n_rows) > n_rows * 9 / 10);
		if (unique->n_columns == 1 ? unique->plain || column->statistics == NULL || distinct_wanted(column, n_rows) > n_rows / 2 : nearly)
			best = best == NULL || column->type_kind == 'r' ? column : best;
	}
	if (satisfied || unique->n_columns == 0 || n_rows == 0)
		return;
	if (best == NULL && !is_free) { // some column must tell the rows apart
		for (size_t i = 0; i < unique->n_columns && unique->plain; i++) {
			struct fill_column *column = unique->columns[i];
			if (column->leader == NULL && column->key == NULL && column->parent == NULL && !column->generated && column->capacity >= n_rows)
				best = column;
		}
	}
	if (best != NULL) {
		best->unique = true;
		return;
	}
	if (!is_free || unique->n_columns < 2)
		return;
	struct fill_key *key = arena_alloc(plan->arena, sizeof *key);
	key->columns = unique->columns;
	key->n_columns = unique->n_columns;
	for (size_t i = 0; i < key->n_columns; i++) {
		const struct column_statistics *first = key->columns[0]->statistics, *this = key->columns[i]->statistics;
		key->columns[i]->key = key;
		if (this != NULL && fabs(this->correlation) > (first == NULL || isnan(first->correlation) ? 0 : fabs(first->correlation))) {
			struct fill_column *column = key->columns[i];
			key->columns[i] = key->columns[0];
			key->columns[0] = column;
		}
	}
}

static uint64_t key_capacity(const struct fill_key *key)
{
	uint64_t product = 1;
	for (size_t i = 0; i < key->n_columns; i++) {
		uint64_t most = distinct_most(key->columns[i]);
		if (most > 0 && product > UINT64_MAX / 8 / most)
			return UINT64_MAX / 8;
		product *= most;
	}
	return product;
}

// Fewer rows where keys or parents do not allow as many; returns whether something changed.
static bool limit_rows(struct plan *plan)
{
	bool changed = false;
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct fill_table *table = &plan->tables[i];
		uint64_t most = table->n_rows;
		const struct fill_column *why = NULL;
		for (size_t j = 0; j < table->n_columns && !table->kept; j++) {
			const struct fill_column *column = &table->columns[j];
			uint64_t limit = column->generated || column->always_null ? UINT64_MAX : column->key != NULL ? key_capacity(column->key) : distinct_most(column);
			bool limits = (column->not_null && limit == 0) || ((column->unique || column->key != NULL) && limit < most);
			if (limits && limit < most) {
				most = limit;
				why = column;
			}
		}
		if (why == NULL)
			continue;
		if (most < table->n_rows * 99 / 100)
			plan_note(plan, "%s gets %llu rows instead of %llu: column %s has no more values", table->sql, (unsigned long long)most,
			          (unsigned long long)table->n_rows, why->name);
		table->n_rows = most;
		changed = true;
	}
	return changed;
}

static void ready(struct plan *plan, struct fill_table *table, struct fill_column *column);

static struct fill_table *table_of(const struct plan *plan, const struct fill_table *table)
{
	return &plan->tables[table - plan->tables];
}

static struct fill_column *column_of(const struct fill_table *table, const struct fill_column *column)
{
	return &table->columns[column - table->columns];
}

// The columns of a key get as many values as it takes to tell all rows apart, those first that have the most to spare.
static void ready_key(struct plan *plan, struct fill_table *table, struct fill_key *key)
{
	uint64_t n_rows = table->n_rows, n[32];
	size_t n_columns = key->n_columns < 32 ? key->n_columns : 32;
	for (size_t i = 0; i < n_columns; i++) {
		uint64_t most = distinct_most(key->columns[i]);
		n[i] = distinct_wanted(key->columns[i], n_rows);
		n[i] = n[i] > most ? most : n[i];
	}
	for (size_t i = 0; i < 2 * n_columns; i++) {
		uint64_t product = 1, first = (n_rows + n[0] - 1) / (n[0] > 0 ? n[0] : 1);
		for (size_t j = 1; j < n_columns; j++)
			product = product > UINT64_MAX / 8 / (n[j] + 1) ? UINT64_MAX / 8 : product * n[j];
		if (product >= first)
			break;
		// of those that can grow so far the one with the most values, which a few more change least; else the one that can grow furthest
		size_t widest = 0;
		double by = (double)first / (double)product, room = 0;
		for (size_t j = 0; j < n_columns; j++) {
			double of = (double)distinct_most(key->columns[j]) / (double)n[j];
			bool enough = of >= by, is_enough = room >= by;
			if (enough == is_enough ? (enough ? n[j] > n[widest] : of > room) : enough) {
				room = of;
				widest = j;
			}
		}
		double wanted = ceil((double)n[widest] * fmin(room, by + 1e-9)) + 1;
		n[widest] = (uint64_t)fmin(wanted, (double)distinct_most(key->columns[widest]));
	}
	rank_init(&key->order, plan->arena, n_rows, key->columns[0]->statistics, true, UINT64_MAX, true, key->columns[0]->seed);
	for (size_t i = 0; i < n_columns; i++) {
		struct fill_column *column = key->columns[i];
		rank_init(&column->rank, plan->arena, n_rows, column->statistics, false, distinct_most(column), column->not_null, column->seed);
		column->rank.n_distinct = n[i];
		column->is_ready = true;
		if (column->parent == NULL)
			value_spread(column, n[i]);
	}
}

// Parents come first: as many values as theirs are the most that a column can have.
static void ready(struct plan *plan, struct fill_table *table, struct fill_column *column)
{
	if (column->is_ready || column->generated)
		return;
	column->is_being_readied = true;
	if (column->parent != NULL) {
		struct fill_table *parent = table_of(plan, column->parent);
		struct fill_column *parent_column = column_of(parent, column->parent_column);
		if (parent_column->is_being_readied && !parent_column->is_ready && parent_column != column && column->leader == NULL) {
			column->parent = NULL; // a circle: equal values, made on their own
			column->parent_column = NULL;
		} else if (parent_column != column)
			ready(plan, parent, parent_column);
	}
	for (size_t i = 0; column->key != NULL && i < column->key->n_columns; i++) {
		if (!column->key->columns[i]->is_being_readied && column->key->columns[i]->parent != NULL)
			ready(plan, table_of(plan, column->key->columns[i]->parent),
			      column_of(column->key->columns[i]->parent, column->key->columns[i]->parent_column));
	}
	if (column->is_ready)
		return;
	if (table->kept) {
		rank_init(&column->rank, plan->arena, table->n_rows, NULL, true, UINT64_MAX, true, column->seed);
		column->rank.n_kept = column->rank.n_block;
	} else if (column->key != NULL) {
		ready_key(plan, table, column->key);
		return;
	} else {
		// the leader of a foreign key of several columns chooses rows of the parent, not values
		uint64_t most = column->leader != NULL ? column->parent->n_rows : distinct_most(column);
		rank_init(&column->rank, plan->arena, table->n_rows, column->always_null ? NULL : column->statistics, column->unique && column->leader == NULL,
		          column->always_null ? 0 : most, column->not_null, column->seed);
		if (column->parent == NULL)
			value_spread(column, column->rank.n_distinct);
	}
	column->is_ready = true;
}

// Texts of a table of which pg_stats shows nothing are as wide as what its pages leave for them.
static void guess_widths(struct plan *plan, struct fill_table *table)
{
	const struct table_statistics *statistics = table->statistics;
	if (statistics == NULL || statistics->full || statistics->rows < 1 || table->kept)
		return;
	double left = (double)statistics->pages * PAGE / statistics->rows - TUPLE_HEADER;
	size_t n_wide = 0;
	for (size_t i = 0; i < table->n_columns; i++) {
		if (value_is_wide(&table->columns[i]))
			n_wide++;
		else
			left -= 8;
	}
	for (size_t i = 0; i < table->n_columns && left > 2 * (double)n_wide; i++) {
		if (!value_is_wide(&table->columns[i]))
			continue;
		struct column_statistics *guess = arena_alloc(plan->arena, sizeof *guess);
		*guess = (struct column_statistics){ .name = table->columns[i].name, .avg_width = left / (double)n_wide, .correlation = NAN };
		table->columns[i].statistics = guess;
	}
}

static bool choose_values(struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct fill_table *table = &plan->tables[i];
		for (size_t j = 0; j < table->n_columns && table->loads; j++) {
			struct fill_column *column = &table->columns[j];
			column->not_null |= column->limits.not_null || column->referenced;
			if (table->kept) {
				if (column->referenced && !value_keep(plan, table, column, err))
					return false;
				continue;
			}
			bool chosen = column->generated || value_choose(plan, column, table->n_rows);
			if (chosen && column->checked && !column->generated)
				value_shape(plan, table, column, table->n_rows);
			if (chosen)
				continue;
			column->capacity = 0;
			column->always_null = !column->not_null;
			plan_note(plan, "no value for column %s of %s (%s) is known: %s", column->name, table->sql, column->type_sql,
			          column->not_null ? "the table stays empty" : "it is null in every row");
		}
		guess_widths(plan, table);
		for (size_t j = 0; j < table->n_columns; j++) {
			struct fill_column *column = &table->columns[j];
			for (size_t k = 0; k < table->n_columns && column->limits.before != NULL; k++) {
				if (strcmp(table->columns[k].name, column->limits.before) == 0 && value_comparable(column, &table->columns[k]))
					column->after = &table->columns[k];
			}
		}
	}
	return true;
}

static void weigh(struct fill_table *table)
{
	double width = TUPLE_HEADER;
	for (size_t i = 0; i < table->n_columns; i++)
		width += table->columns[i].statistics != NULL ? table->columns[i].statistics->avg_width : 8;
	table->weight = width * (double)table->n_rows;
}

bool fill_decide(struct plan *plan, struct err *err)
{
	count_rows(plan);
	if (!keep_rows(plan, err))
		return false;
	claim_fks(plan);
	if (!choose_values(plan, err))
		return false;
	for (size_t i = 0; i < plan->n_uniques; i++) {
		if (plan->uniques[i].table->loads && !plan->uniques[i].table->kept)
			claim_unique(plan, &plan->uniques[i]);
	}
	for (size_t round = 0; round < plan->n_tables + 1 && limit_rows(plan); round++)
		;
	for (size_t i = 0; i < plan->n_tables; i++) {
		weigh(&plan->tables[i]);
		for (size_t j = 0; j < plan->tables[i].n_columns && plan->tables[i].loads; j++)
			ready(plan, &plan->tables[i], &plan->tables[i].columns[j]);
	}
	return true;
}

// A value of a column of a key: the rows in the order of the first column's values, each group with others of the rest.
static uint64_t key_value(const struct fill_key *key, const struct fill_column *column, uint64_t row)
{
	uint64_t place = row, n_rows = key->order.n_rows, n_first = key->columns[0]->rank.n_distinct;
	if (!rank_of(&key->order, row, &place))
		return 0;
	uint64_t first = scaled(place, n_first, n_rows);
	if (column == key->columns[0])
		return first;
	uint64_t from = (uint64_t)(((unsigned __int128)first * n_rows + n_first - 1) / n_first);
	uint64_t to = (uint64_t)(((unsigned __int128)(first + 1) * n_rows + n_first - 1) / n_first);
	uint64_t product = 1;
	for (size_t i = 1; i < key->n_columns; i++)
		product *= key->columns[i]->rank.n_distinct;
	uint64_t rest = (scaled(place - from, product, to - from) + mixed(first + key->order.key) % product) % product;
	for (size_t i = key->n_columns - 1; i > 0; i--) {
		uint64_t n = key->columns[i]->rank.n_distinct, value = rest % n;
		if (key->columns[i] == column)
			return value;
		rest /= n;
	}
	return 0;
}

bool fill_cell(const struct fill_table *table, const struct fill_column *column, uint64_t row, const struct fill_column **root, uint64_t *value)
{
	if (column->leader != NULL) {
		if (!rank_of(&column->leader->rank, row, value)) {
			if (!column->not_null)
				return false;
			*value = 0;
		}
		uint64_t n = column->leader->rank.n_distinct, n_parents = column->parent->n_rows;
		if (n_parents == 0)
			return false;
		uint64_t parent_row = column->own_row ? row : scaled(*value, n_parents, n > 0 ? n : 1);
		return fill_cell(column->parent, column->parent_column, parent_row, root, value);
	}
	if (!rank_of(&column->rank, row, value))
		return false;
	if (column->key != NULL)
		*value = key_value(column->key, column, row);
	for (; column->parent != NULL && column->leader == NULL; column = column->parent_column) {
		const struct fill_column *parent = column->parent_column;
		*value = scaled(*value, parent->rank.n_distinct, column->rank.n_distinct);
	}
	(void)table;
	*root = column;
	return true;
}
