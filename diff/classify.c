// SPDX-License-Identifier: PostgreSQL
// The three-way merge: see classify.h. First every value gets its class by the table; then what looks like
// a hand's work is blamed on a migration that never ran, if the environment shows nothing of that migration; last, what
// only follows from something else is left out.
#include "diff/classify.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"

enum { LIVE, BASE, HEAD };

enum verdict_of_row { ROW_CLEAN, ROW_UNAPPLIED, ROW_HAND, ROW_AHEAD, ROW_COLLISION };

// The table: three values agree in exactly five ways.
static const struct {
	bool live_base, base_head, live_head;
	enum verdict_of_row row;
} table[] = {
	{ true, true, true, ROW_CLEAN },
	{ true, false, false, ROW_UNAPPLIED }, // version-skew, or skipped where the migration is late or was edited
	{ false, true, false, ROW_HAND },      // hand-edit, or skipped where the evidence says that a migration never ran
	{ false, false, true, ROW_AHEAD },
	{ false, false, false, ROW_COLLISION },
};

static enum verdict_of_row row_of(bool live_base, bool base_head, bool live_head)
{
	// equal by meaning need not be transitive in what can be proved: two proofs are enough
	if (live_base + base_head + live_head == 2)
		return ROW_CLEAN;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].live_base == live_base && table[i].base_head == base_head && table[i].live_head == live_head)
			return table[i].row;
	}
	invariant(false, "the classification table has a hole");
	return ROW_CLEAN;
}

enum { N_VALUES = VALUE_EXISTENCE + 1 };

// One object in up to three snapshots.
struct entry {
	const struct object *in[3];
	enum presence presence[3];
	enum verdict_of_row rows[N_VALUES];
	bool is_set[N_VALUES];
	enum finding_class classes[N_VALUES]; // where is_set
	const struct effects *blame[N_VALUES];
	bool part; // a partition made at run time
};

struct work {
	struct comparer *comparer;
	const struct classify_input *input;
	struct arena *arena;
	struct entry **entries;
	size_t n_entries, entries_capacity;
	struct oid_map by_object; // key of kind and path -> struct entry
	struct oid_map applied_touch, repo_touch; // key of kind, path and value -> struct effects, the last that touched it
	bool *missing; // parallel to input->applied
	size_t *n_effects, *n_missing;
};

static const struct object *any(const struct entry *entry)
{
	return entry->in[LIVE] != NULL ? entry->in[LIVE] : entry->in[HEAD] != NULL ? entry->in[HEAD] : entry->in[BASE];
}

static const struct snapshot *side(const struct work *work, int which)
{
	const struct snapshot *const sides[] = { work->input->live, work->input->base, work->input->head };
	return sides[which];
}

// Merging.

static void classify_values(struct work *work, struct entry *entry)
{
	struct comparer *comparer = work->comparer;
	const enum presence *is = entry->presence;
	entry->rows[VALUE_EXISTENCE] = row_of(is[LIVE] == is[BASE], is[BASE] == is[HEAD], is[LIVE] == is[HEAD]);
	const struct kind *kind = any(entry)->kind;
	for (unsigned attr = 0; attr < kind->n_attrs; attr++) {
		bool unread = false, equal[3];
		for (int i = 0; i < 3; i++)
			unread = unread || (entry->in[i] != NULL && entry->in[i]->values[attr] == VALUE_UNREAD);
		if (unread || !comparer_compares(comparer, &kind->attrs[attr]))
			continue; // ROW_CLEAN
		for (int i = 0; i < 3; i++) { // live-base, base-head, head-live
			const struct object *a = entry->in[i], *b = entry->in[(i + 1) % 3];
			equal[i] = a != NULL && b != NULL ? values_equal(comparer, a, b, attr) : a == b && is[i] == is[(i + 1) % 3];
		}
		entry->rows[attr] = row_of(equal[0], equal[1], equal[2]);
	}
}

static bool is_clean(const struct entry *entry)
{
	for (size_t i = 0; i < N_VALUES; i++) {
		if (entry->rows[i] != ROW_CLEAN)
			return false;
	}
	return true;
}

static void merge(struct work *work)
{
	size_t at[3] = { 0 };
	struct entry entry;
	for (;;) {
		const struct object *first = NULL;
		for (int i = 0; i < 3; i++) {
			const struct object *object = at[i] < side(work, i)->n_objects ? side(work, i)->objects[at[i]] : NULL;
			if (object != NULL && (first == NULL || object_compare(work->comparer->engine, object, first) < 0))
				first = object;
		}
		if (first == NULL)
			return;
		memset(&entry, 0, sizeof entry);
		const struct snapshot *its = NULL;
		for (int i = 0; i < 3; i++) {
			const struct object *object = at[i] < side(work, i)->n_objects ? side(work, i)->objects[at[i]] : NULL;
			if (object != NULL && object_compare(work->comparer->engine, object, first) == 0) {
				entry.in[i] = object;
				its = side(work, i);
				at[i]++;
			}
		}
		for (int i = 0; i < 3; i++)
			entry.presence[i] = entry.in[i] != NULL ? PRESENT : presence_of(side(work, i), first, its);
		classify_values(work, &entry);
		if (is_clean(&entry))
			continue;
		struct entry *kept = arena_alloc(work->arena, sizeof *kept);
		*kept = entry;
		work->entries = arena_grow(work->arena, work->entries, work->n_entries, &work->entries_capacity, sizeof *work->entries);
		work->entries[work->n_entries++] = kept;
		oid_map_put(&work->by_object, object_key(work->comparer, first, VALUE_EXISTENCE), kept);
	}
}

static void find_missing(struct work *work)
{
	size_t n = work->input->n_applied;
	work->missing = arena_array(work->arena, n, sizeof *work->missing);
	work->n_missing = arena_array(work->arena, n, sizeof *work->n_missing);
	work->n_effects = arena_array(work->arena, n, sizeof *work->n_effects);
	effects_judge(work->comparer, work->input->applied, n, work->input->live, work->input->base, &work->applied_touch, work->missing,
	              work->n_missing, work->n_effects);
}

// Classes.

static void set_class(struct entry *entry, unsigned value, enum finding_class class, const struct effects *blame)
{
	entry->is_set[value] = true;
	entry->classes[value] = class;
	entry->blame[value] = blame;
}

static void classify_hand(struct work *work, struct entry *entry, unsigned value)
{
	const struct object *object = any(entry);
	const struct effects *blame = effects_toucher(work->comparer, &work->applied_touch, object, value);
	if (blame != NULL && work->missing[blame - work->input->applied])
		set_class(entry, value, CLASS_SKIPPED, blame);
	else
		set_class(entry, value, work->input->unknown != NULL ? CLASS_VERSION_SKEW : CLASS_HAND_EDIT, blame);
}

// The last migration that is not applied and touched a value, or else what the object hangs on.
static const struct effects *repo_toucher(struct work *work, const struct entry *entry, unsigned value)
{
	const struct effects *found = effects_toucher(work->comparer, &work->repo_touch, any(entry), value);
	for (int i = 0; i < 3 && found == NULL; i++) {
		const struct object *parent = entry->in[i] == NULL ? NULL : object_parent(side(work, i), entry->in[i]);
		for (int depth = 0; parent != NULL && found == NULL && depth < 3; depth++) {
			found = effects_toucher(work->comparer, &work->repo_touch, parent, VALUE_EXISTENCE);
			parent = object_parent(side(work, i), parent);
		}
	}
	return found;
}

static void classify_unapplied(struct work *work, struct entry *entry, unsigned value)
{
	const struct effects *blame = effects_toucher(work->comparer, &work->repo_touch, any(entry), value);
	if (blame == NULL) // not of the repository: of a version that only the environment has
		blame = effects_toucher(work->comparer, &work->applied_touch, any(entry), value);
	bool skipped = blame != NULL && (blame->role == ROLE_LATE || blame->role == ROLE_EDITED);
	set_class(entry, value, skipped ? CLASS_SKIPPED : CLASS_VERSION_SKEW, blame);
}

static void classify_value(struct work *work, struct entry *entry, unsigned value)
{
	const struct effects *pending = effects_toucher(work->comparer, &work->repo_touch, any(entry), value);
	// what an edited migration did here cannot be known if its old text is lost: base counts as live
	if (pending != NULL && pending->applied_text_unknown && entry->rows[value] != ROW_CLEAN) {
		if (entry->rows[value] != ROW_AHEAD)
			classify_unapplied(work, entry, value);
		return;
	}
	switch (entry->rows[value]) {
	case ROW_CLEAN:
		break;
	case ROW_UNAPPLIED:
		classify_unapplied(work, entry, value);
		break;
	case ROW_HAND:
		classify_hand(work, entry, value);
		break;
	case ROW_AHEAD:
		set_class(entry, value, CLASS_AHEAD, repo_toucher(work, entry, value));
		break;
	case ROW_COLLISION:
		set_class(entry, value, CLASS_COLLISION, repo_toucher(work, entry, value));
		break;
	}
}

// What a pending migration also makes, but otherwise, is one collision, not half ahead.
static void collide_whole(struct entry *entry)
{
	bool collides = false;
	for (unsigned value = 0; value < N_VALUES; value++)
		collides = collides || (entry->is_set[value] && entry->classes[value] == CLASS_COLLISION);
	for (unsigned value = 0; collides && value < N_VALUES; value++) {
		if (entry->is_set[value] && entry->classes[value] == CLASS_AHEAD)
			entry->is_set[value] = value != VALUE_EXISTENCE && entry->rows[value] == ROW_AHEAD && entry->presence[BASE] == PRESENT;
	}
}

static struct entry *parent_entry(struct work *work, const struct entry *entry)
{
	for (int i = 0; i < 3; i++) {
		const struct object *parent = entry->in[i] == NULL ? NULL : object_parent(side(work, i), entry->in[i]);
		struct entry *found = parent == NULL ? NULL : oid_map_get(&work->by_object, object_key(work->comparer, parent, VALUE_EXISTENCE));
		if (found != NULL)
			return found;
	}
	return NULL;
}

// A thing that is gone is gone whole: whichever migration touched an attribute of it last has no say.
static void go_whole(struct entry *entry)
{
	bool gone = entry->presence[LIVE] != PRESENT && entry->rows[VALUE_EXISTENCE] == ROW_HAND && entry->is_set[VALUE_EXISTENCE];
	for (unsigned value = 0; gone && value < VALUE_EXISTENCE; value++) {
		if (entry->rows[value] == ROW_HAND && entry->is_set[value])
			set_class(entry, value, entry->classes[VALUE_EXISTENCE], entry->blame[VALUE_EXISTENCE]);
	}
}

// What went with what it hung on has that one's class, whichever migration touched it last.
static void inherit_class(struct work *work, struct entry *entry, int depth)
{
	struct entry *parent = parent_entry(work, entry);
	if (entry->rows[VALUE_EXISTENCE] != ROW_HAND || entry->presence[LIVE] != WITHOUT_PARENT || parent == NULL || depth > 4)
		return;
	inherit_class(work, parent, depth + 1);
	if (!parent->is_set[VALUE_EXISTENCE])
		return;
	for (unsigned value = 0; value < N_VALUES; value++) {
		if (entry->rows[value] == ROW_HAND && entry->is_set[value])
			set_class(entry, value, parent->classes[VALUE_EXISTENCE], parent->blame[VALUE_EXISTENCE]);
	}
}

// A partition that the migrations do not know, of a table (or of a partition) that they do.
static bool made_at_run_time(const struct work *work, const struct entry *entry)
{
	if (entry->presence[LIVE] != PRESENT || entry->presence[BASE] == PRESENT || entry->presence[HEAD] == PRESENT)
		return false;
	const struct object *object = entry->in[LIVE];
	for (int depth = 0; object != NULL && object->kind->part_of > 0 && depth < 16; depth++) {
		const char *name = object->values[object->kind->part_of], *path[2];
		if (name == NULL || sql_name_split(work->arena, name, path, 2) != 2)
			return false;
		if (snapshot_find(work->input->base, object->kind, path, 2) != NULL)
			return true;
		object = snapshot_find(work->input->live, object->kind, path, 2);
	}
	return false;
}

// Findings.

static const enum severity severities[] = {
	[CLASS_HAND_EDIT] = SEVERITY_ALARM, [CLASS_SKIPPED] = SEVERITY_ALARM, [CLASS_VERSION_SKEW] = SEVERITY_INFO,
	[CLASS_AHEAD] = SEVERITY_WARN, [CLASS_COLLISION] = SEVERITY_ALARM,
};

static const char *blamed_evidence(struct work *work, const struct effects *blame)
{
	size_t i = (size_t)(blame - work->input->applied);
	const char *said = work->input->untracked ? "comes before what is here" : "is recorded as applied";
	if (work->n_effects[i] == 1)
		return arena_printf(work->arena, "%s %s, but its only effect is missing: never run, or undone by hand", blame->version, said);
	return arena_printf(work->arena, "%s %s, but %zu of %zu effects are missing", blame->version, said, work->n_missing[i],
	                    work->n_effects[i]);
}

static bool is_applied_chain(const struct work *work, const struct effects *effects)
{
	return effects >= work->input->applied && effects < work->input->applied + work->input->n_applied;
}

// What decided, beyond the difference itself; may raise or lower the severity.
static void weigh_finding(struct work *work, struct finding *finding, const struct effects *blame)
{
	const struct classify_input *input = work->input;
	finding->severity = severities[finding->class];
	if (finding->class == CLASS_HAND_EDIT && blame != NULL && finding->change != CHANGE_ADDED) {
		size_t i = (size_t)(blame - input->applied);
		if (finding->have == NULL && dropped_by_hand(input->live, input->base, finding->object))
			finding->evidence = "the table has more dropped columns than the migrations left";
		else if (work->n_missing[i] == 0)
			finding->evidence = arena_printf(work->arena, "the rest of %s is there: it ran", blame->version);
		else if (work->n_effects[i] == work->n_missing[i])
			finding->evidence = "it went together with what other migrations made: dropped by hand";
		else
			finding->evidence = arena_printf(work->arena, "%zu of %zu effects of %s are there: it ran", work->n_effects[i] - work->n_missing[i],
			                                 work->n_effects[i], blame->version);
	}
	if (finding->class == CLASS_SKIPPED && blame != NULL) {
		if (blame->role == ROLE_EDITED)
			finding->evidence = arena_printf(work->arena, "%s was edited after it was applied here; the new text never ran", blame->version);
		else if (blame->role == ROLE_LATE)
			finding->evidence = arena_printf(work->arena, "%s sorts below the newest applied migration and has not run%s%s", blame->version,
			                                 input->late_text == NULL ? "" : "; ", input->late_text == NULL ? "" : input->late_text);
		else if (is_applied_chain(work, blame))
			finding->evidence = blamed_evidence(work, blame);
		if (blame->role == ROLE_LATE && input->late_runs)
			finding->severity = SEVERITY_WARN;
	}
	if (finding->class == CLASS_VERSION_SKEW && blame != NULL && blame->role == ROLE_FOREIGN) {
		finding->severity = SEVERITY_WARN;
		finding->evidence = arena_printf(work->arena, "%s is applied here; this checkout lacks it, another git ref has it", blame->version);
	} else if (finding->class == CLASS_VERSION_SKEW && input->unknown != NULL && (blame == NULL || blame->role != ROLE_PENDING)) {
		finding->severity = SEVERITY_WARN;
		finding->evidence = arena_printf(work->arena, "%s, or a hand", input->unknown);
	}
	if (blame != NULL && blame->role == ROLE_FAILED && finding->class == CLASS_AHEAD)
		finding->evidence = arena_printf(work->arena, "left by the failed %s", blame->version);
}

static void add_attr(struct work *work, struct finding *finding, size_t *capacity, unsigned attr)
{
	const struct finding_attr one = {
		.attr = (int)attr,
		.want = finding->want == NULL ? NULL : finding->want->values[attr],
		.have = finding->have == NULL ? NULL : finding->have->values[attr],
		.base = finding->base == NULL ? NULL : finding->base->values[attr],
	};
	finding->attrs = arena_grow(work->arena, finding->attrs, finding->n_attrs, capacity, sizeof *finding->attrs);
	finding->attrs[finding->n_attrs] = one;
	finding->attrs[finding->n_attrs++].base_differs = normalise_compare(FORM_TEXT, one.base, one.want) == RUNG_DIFFERENT;
}

// The migration that set what is wanted; for something added, the one that made what it hangs on.
static const struct effects *origin_of(struct work *work, const struct finding *finding, const struct effects *blame)
{
	if (finding->change != CHANGE_ADDED || blame != NULL)
		return blame;
	const struct object *parent = object_parent(work->input->live, finding->object);
	if (parent == NULL)
		return NULL;
	const struct effects *made = effects_toucher(work->comparer, &work->applied_touch, parent, VALUE_EXISTENCE);
	return made != NULL ? made : effects_toucher(work->comparer, &work->repo_touch, parent, VALUE_EXISTENCE);
}

static struct finding *make_finding(struct work *work, const struct entry *entry, enum finding_class class)
{
	struct finding *finding = arena_alloc(work->arena, sizeof *finding);
	finding->class = class;
	finding->have = entry->in[LIVE];
	finding->want = entry->in[class == CLASS_AHEAD ? BASE : HEAD];
	finding->base = entry->in[BASE];
	if (finding->have == NULL && finding->want == NULL) // gone from both: compared with what is applied
		finding->want = entry->in[BASE];
	finding->change = finding->have == NULL ? CHANGE_REMOVED : finding->want == NULL ? CHANGE_ADDED : CHANGE_ALTERED;
	finding->object = any(entry);
	finding->name = object_name_copy(work->arena, finding->object);

	bool whole = entry->is_set[VALUE_EXISTENCE] && entry->classes[VALUE_EXISTENCE] == class;
	const struct effects *blame = whole ? entry->blame[VALUE_EXISTENCE] : NULL;
	size_t capacity = 0;
	for (unsigned attr = 0; attr < finding->object->kind->n_attrs; attr++) {
		bool of_class = entry->is_set[attr] && entry->classes[attr] == class;
		const struct attr *declared = &finding->object->kind->attrs[attr];
		bool shown = finding->change == CHANGE_ALTERED ? of_class
		           : (of_class || whole) && comparer_compares(work->comparer, declared) && finding->object->values[attr] != NULL;
		if (shown)
			add_attr(work, finding, &capacity, attr);
		if (of_class && blame == NULL)
			blame = entry->blame[attr];
	}
	weigh_finding(work, finding, blame);
	const struct effects *from = origin_of(work, finding, blame);
	if (from != NULL) {
		finding->origin = arena_alloc(work->arena, sizeof *finding->origin);
		*finding->origin = (struct origin){ .version = from->version, .label = from->label };
	}
	finding_identify(finding);
	return finding;
}

static bool is_of(const struct entry *entry, unsigned value, enum finding_class class)
{
	return entry->is_set[value] && entry->classes[value] == class;
}

// What follows from the fate of what it hangs on is not said again, if its class is the same: it came or went with that, or
// was a copy of what the parent of that has (columns of a partition that was detached).
static bool implied(struct work *work, const struct entry *entry, enum finding_class class)
{
	const struct entry *parent = parent_entry(work, entry);
	if (parent == NULL || !is_of(entry, VALUE_EXISTENCE, class))
		return false;
	const struct kind *kind = any(parent)->kind;
	return is_of(parent, VALUE_EXISTENCE, class) || (kind->part_of > 0 && is_of(parent, (unsigned)kind->part_of, class)) ||
	       (kind->inherits > 0 && is_of(parent, (unsigned)kind->inherits, class));
}

static bool alters_columns(const struct work *work, enum finding_class class)
{
	for (size_t i = 0; i < work->n_entries; i++) {
		const struct entry *column = work->entries[i];
		for (unsigned value = 0; any(column)->kind == &kind_column && column->presence[LIVE] == PRESENT && value < VALUE_EXISTENCE; value++) {
			if (is_of(column, value, class))
				return true;
		}
	}
	return false;
}

// A view's columns follow from its definition; a composite type's are all that it is.
static bool has_definition(const struct kind *kind)
{
	for (unsigned i = 0; i < kind->n_attrs; i++) {
		if (kind->attrs[i].form == FORM_STATEMENT)
			return true;
	}
	return false;
}

// The list of a view's columns follows from its definition and from the columns that it reads: where nothing but the list
// differs and columns of tables differ likewise, it is theirs to be said.
static bool only_lists_columns(const struct entry *entry, enum finding_class class)
{
	const int list = any(entry)->kind->column_list;
	bool others = list == 0 || !has_definition(any(entry)->kind);
	for (unsigned value = 0; value < N_VALUES; value++)
		others = others || ((int)value != list && is_of(entry, value, class));
	return !others;
}

static void collect(struct work *work, struct classification *result)
{
	size_t capacity = 0, skipped_capacity = 0;
	bool columns_altered[CLASS_COLLISION + 1];
	for (int class = CLASS_HAND_EDIT; class <= CLASS_COLLISION; class++)
		columns_altered[class] = alters_columns(work, (enum finding_class)class);
	for (size_t i = 0; i < work->n_entries; i++) {
		struct entry *entry = work->entries[i];
		for (int class = CLASS_HAND_EDIT; class <= CLASS_COLLISION; class++) {
			bool of_class = false;
			for (unsigned value = 0; value < N_VALUES; value++)
				of_class = of_class || (entry->is_set[value] && (int)entry->classes[value] == class);
			if (!of_class || entry->part || implied(work, entry, (enum finding_class)class) ||
			    (columns_altered[class] && only_lists_columns(entry, (enum finding_class)class)))
				continue;
			result->findings = arena_grow(work->arena, result->findings, result->n_findings, &capacity, sizeof *result->findings);
			result->findings[result->n_findings++] = make_finding(work, entry, (enum finding_class)class);
		}
	}
	for (size_t i = 0; i < work->input->n_applied; i++) {
		if (!work->missing[i])
			continue;
		result->skipped = arena_grow(work->arena, result->skipped, result->n_skipped, &skipped_capacity, sizeof *result->skipped);
		result->skipped[result->n_skipped++] = work->input->applied[i].version;
	}
}

static int compare_postgresql(const void *a, const void *b)
{
	return finding_compare(ENGINE_POSTGRESQL, *(struct finding *const *)a, *(struct finding *const *)b);
}

static int compare_sqlite(const void *a, const void *b)
{
	return finding_compare(ENGINE_SQLITE, *(struct finding *const *)a, *(struct finding *const *)b);
}

struct classification classify(struct comparer *comparer, const struct classify_input *input)
{
	struct arena *arena = comparer->arena;
	struct classification result = { 0 };
	struct work work = { .comparer = comparer, .input = input, .arena = arena, .by_object = { .arena = arena },
	                     .applied_touch = { .arena = arena }, .repo_touch = { .arena = arena } };
	merge(&work);
	for (size_t i = 0; i < work.n_entries; i++) {
		struct entry *entry = work.entries[i];
		entry->part = made_at_run_time(&work, entry);
		if (entry->part && result.n_parts++ == 0)
			result.part_of = entry->in[LIVE]->values[entry->in[LIVE]->kind->part_of];
	}
	if (work.n_entries == result.n_parts)
		return result;
	if (!input->effects_known) {
		result.needs_effects = true;
		return result;
	}
	for (size_t i = 0; i < input->n_applied; i++)
		effects_touch(comparer, &work.applied_touch, &input->applied[i]);
	for (size_t i = 0; i < input->n_repo; i++) {
		if (input->repo[i].role != ROLE_APPLIED)
			effects_touch(comparer, &work.repo_touch, &input->repo[i]);
	}
	find_missing(&work);
	for (size_t i = 0; i < work.n_entries; i++) {
		for (unsigned value = 0; value < N_VALUES && !work.entries[i]->part; value++)
			classify_value(&work, work.entries[i], value);
		go_whole(work.entries[i]);
	}
	for (size_t i = 0; i < work.n_entries; i++) {
		inherit_class(&work, work.entries[i], 0);
		collide_whole(work.entries[i]);
	}
	collect(&work, &result);
	if (result.n_findings > 0)
		qsort(result.findings, result.n_findings, sizeof *result.findings,
		      comparer->engine == ENGINE_SQLITE ? compare_sqlite : compare_postgresql);
	return result;
}
