// SPDX-License-Identifier: PostgreSQL
// Losses of a rebuild: see losses.h. A table is rebuilt where one of its name was dropped or renamed away and one of its name is
// there afterwards. The losses are said of the last DROP TABLE: that is where the old table goes.
#include "rehearse/sqlite/losses.h"

#include <sqlite3.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"

struct search {
	struct arena *arena;
	const struct inventory *before, *after;
	struct step *steps;
	const struct worker_report *reports;
	size_t n;
	struct step *drop; // the last step that dropped a table
	size_t capacity;
};

static void lose(struct search *search, struct step_loss loss)
{
	search->drop->losses = arena_grow(search->arena, search->drop->losses, search->drop->n_losses, &search->capacity, sizeof *search->drop->losses);
	loss.relation = sql_name_copy(search->arena, &loss.relation, 1);
	loss.name = sql_name_copy(search->arena, &loss.name, 1);
	search->drop->losses[search->drop->n_losses++] = loss;
}

// The first statement that does one of these things to the name; NULL: none.
static const struct worker_report *doing(const struct search *search, const char *name, unsigned what)
{
	for (size_t i = 0; i < search->n; i++) {
		for (size_t j = 0; j < search->reports[i].n_touched; j++) {
			const struct touched *touched = &search->reports[i].touched[j];
			if ((touched->what & what) && sqlite3_stricmp(touched->name, name) == 0)
				return &search->reports[i];
		}
	}
	return NULL;
}

static bool is_rebuilt(const struct search *search, const char *table)
{
	const struct inventory_table *old = inventory_find(search->before, table), *new = inventory_find(search->after, table);
	return old != NULL && new != NULL &&
	       (doing(search, table, TOUCH_DROP_TABLE) != NULL || (doing(search, table, TOUCH_ALTER) != NULL && old->root != new->root));
}

static bool drops_tables(const struct worker_report *report)
{
	for (size_t i = 0; i < report->n_touched; i++) {
		if (report->touched[i].what & TOUCH_DROP_TABLE)
			return true;
	}
	return false;
}

// Whether a statement does it by name: DROP TABLE deletes rows and drops triggers of its own accord.
static bool is_meant(const struct search *search, const char *name, unsigned what)
{
	for (size_t i = 0; i < search->n; i++) {
		struct search one = *search;
		one.reports = &search->reports[i];
		one.n = 1;
		if (!drops_tables(&search->reports[i]) && doing(&one, name, what) != NULL)
			return true;
	}
	return false;
}

// The dropped table that an action begins at: the parent itself, else the last one that was dropped.
static const char *dropped(const struct search *search, const char *parent)
{
	const char *last = parent;
	for (size_t i = 0; i < search->n; i++) {
		for (size_t j = 0; j < search->reports[i].n_touched; j++) {
			const struct touched *touched = &search->reports[i].touched[j];
			if (!(touched->what & TOUCH_DROP_TABLE))
				continue;
			if (sqlite3_stricmp(touched->name, parent) == 0)
				return parent;
			last = touched->name;
		}
	}
	return last;
}

// What an action did or cleared, which no statement asked for by the table's name; 0: nothing.
static long long done_by(const struct search *search, const struct action *action)
{
	const struct inventory_table *old = inventory_find(search->before, action->table), *new = inventory_find(search->after, action->table);
	if (old == NULL || new == NULL || is_rebuilt(search, action->table) || is_meant(search, action->table, TOUCH_DELETE | TOUCH_WRITE))
		return 0;
	if (action->cascade)
		return old->rows - new->rows;
	for (size_t i = 0; i < search->after->n_actions; i++) {
		const struct action *now = &search->after->actions[i];
		if (strcmp(now->table, action->table) == 0 && strcmp(now->column, action->column) == 0)
			return action->n_set - now->n_set;
	}
	return 0;
}

// Whether the same table's rows are spoken of already: it may refer to several.
static bool is_repeated(const struct search *search, size_t nth)
{
	const struct action *actions = search->before->actions;
	for (size_t i = 0; i < nth; i++) {
		if (actions[i].cascade && actions[nth].cascade && strcmp(actions[i].table, actions[nth].table) == 0)
			return true;
	}
	return false;
}

static void find_lost_rows(struct search *search)
{
	for (size_t i = 0; i < search->before->n_actions; i++) {
		const struct action *action = &search->before->actions[i];
		const struct inventory_table *child = inventory_find(search->before, action->table), *parent = inventory_find(search->before, action->parent);
		const struct worker_report *drop = doing(search, action->parent, TOUCH_DROP_TABLE);
		long long n = child == NULL || is_repeated(search, i) ? 0 : done_by(search, action);
		long long at_stake = child == NULL ? 0 : action->cascade ? child->rows : action->n_set;
		if (n > 0)
			lose(search, (struct step_loss){ action->cascade ? LOSS_ROWS : LOSS_VALUES, action->table, dropped(search, action->parent), n });
		else if (drop != NULL && parent != NULL && !drop->foreign_keys && !drop->foreign_keys_guarded && parent->rows > 0 && at_stake > 0 &&
		         strcmp(action->table, action->parent) != 0 && is_rebuilt(search, action->parent) && inventory_find(search->after, action->table) != NULL)
			lose(search, (struct step_loss){ LOSS_ROWS_IF_ENFORCED, action->table, parent->name, at_stake });
	}
}

static bool is_kind(const struct object *object, const char *kind)
{
	return strcmp(object->kind->name, kind) == 0;
}

static void find_lost_objects(struct search *search)
{
	static const struct { const char *kind; enum loss loss; unsigned dropped; } sorts[] = {
		{ "index", LOSS_INDEX, TOUCH_DROP_INDEX }, { "trigger", LOSS_TRIGGER, TOUCH_DROP_TRIGGER },
	};
	for (size_t i = 0; i < search->before->snapshot->n_objects; i++) {
		const struct object *object = search->before->snapshot->objects[i];
		for (size_t k = 0; k < sizeof sorts / sizeof *sorts; k++) {
			if (is_kind(object, sorts[k].kind) && object->n_path == 2 && is_rebuilt(search, object->path[0]) &&
			    snapshot_find(search->after->snapshot, object->kind, object->path, 2) == NULL &&
			    !is_meant(search, object->path[1], sorts[k].dropped))
				lose(search, (struct step_loss){ sorts[k].loss, object->path[0], object->path[1], 0 });
		}
	}
}

static size_t n_constraints(const struct snapshot *snapshot, const char *table)
{
	size_t first, n = snapshot_range(snapshot, &table, 1, &first), found = 0;
	for (size_t i = first; i < first + n; i++)
		found += is_kind(snapshot->objects[i], "constraint");
	return found;
}

// Said of the statement that wrote most rows: the one that copies.
static void add_rewrite(struct search *search, const char *table)
{
	struct step *most = search->drop;
	for (size_t i = 0; i < search->n; i++) {
		bool writes = false;
		for (size_t j = 0; j < search->reports[i].n_touched; j++)
			writes |= (search->reports[i].touched[j].what & TOUCH_WRITE) != 0;
		if (writes && !drops_tables(&search->reports[i]) && (most == search->drop || search->steps[i].pages_changed > most->pages_changed))
			most = &search->steps[i];
	}
	const char **rewrites = arena_array(search->arena, most->n_rewrites + 1, sizeof *rewrites);
	if (most->n_rewrites > 0)
		memcpy(rewrites, most->rewrites, most->n_rewrites * sizeof *rewrites);
	rewrites[most->n_rewrites++] = sql_name_copy(search->arena, &table, 1);
	most->rewrites = rewrites;
}

static void find_rebuilds(struct search *search)
{
	for (size_t i = 0; i < search->before->n_tables; i++) {
		const struct inventory_table *table = &search->before->tables[i];
		if (!is_rebuilt(search, table->name))
			continue;
		if (n_constraints(search->before->snapshot, table->name) > 0 && n_constraints(search->after->snapshot, table->name) == 0)
			lose(search, (struct step_loss){ LOSS_CONSTRAINTS, table->name, table->name, 0 });
		if (table->rows > 0)
			add_rewrite(search, table->name);
	}
}

static void find_broken_references(struct search *search)
{
	for (size_t i = 0; i < search->after->n_dangling; i++) {
		const struct dangling *now = &search->after->dangling[i];
		bool known = false;
		for (size_t j = 0; j < search->before->n_dangling && !known; j++)
			known = sqlite3_stricmp(search->before->dangling[j].table, now->table) == 0 &&
			        sqlite3_stricmp(search->before->dangling[j].parent, now->parent) == 0;
		if (!known)
			lose(search, (struct step_loss){ LOSS_REFERENCE, now->table, now->parent, 0 });
	}
}

void losses_find(struct arena *arena, const struct inventory *before, const struct inventory *after, struct step *steps,
                 const struct worker_report *reports, size_t n)
{
	struct search search = { .arena = arena, .before = before, .after = after, .steps = steps, .reports = reports, .n = n };
	for (size_t i = 0; i < n; i++) {
		if (drops_tables(&reports[i]))
			search.drop = &steps[i];
	}
	if (search.drop == NULL)
		return;
	find_lost_rows(&search);
	find_lost_objects(&search);
	find_rebuilds(&search);
	find_broken_references(&search);
}
