// SPDX-License-Identifier: PostgreSQL
// What the frameworks share: see listing.h.
#include "migrations/listing.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "migrations/dump.h"
#include "migrations/split.h"

struct listing listing_of(struct migrations *set)
{
	return (struct listing){ set, set->n_items, set->n_notes };
}

static struct migration *add(struct listing *listing, const struct folder_file *file, const char *version)
{
	struct migrations *set = listing->set;
	set->items = arena_grow(set->arena, set->items, set->n_items, &listing->capacity, sizeof *set->items);
	struct migration *migration = &set->items[set->n_items++];
	*migration = (struct migration){ .version = version, .label = folder_base(file), .path = file->path, .text = "" };
	return migration;
}

struct migration *listing_add(struct listing *listing, const struct folder_file *file, const char *version, struct err *err)
{
	if (file->text == NULL) {
		err_set(err, "migrations", file->path, "save it as UTF-8, and load large data by other means than a migration",
		        "it is no text: larger than 16 MiB, or with NUL bytes in it (UTF-16?)");
		return NULL;
	}
	struct migration *migration = add(listing, file, version);
	migration->text = file->text;
	migration->length = file->length;
	return migration;
}

struct migration *listing_add_bare(struct listing *listing, const struct folder_file *file, const char *version,
                                   const char *not_runnable)
{
	struct migration *migration = add(listing, file, version);
	migration->not_runnable = not_runnable;
	return migration;
}

void listing_note(struct listing *listing, const char *format, ...)
{
	struct migrations *set = listing->set;
	const char **notes = arena_grow(set->arena, (void *)set->notes, set->n_notes, &listing->notes_capacity, sizeof *notes);
	va_list arguments;
	va_start(arguments, format);
	notes[set->n_notes++] = arena_vprintf(set->arena, format, arguments);
	va_end(arguments);
	set->notes = notes;
}

struct order {
	const struct framework *framework;
	bool by_label;
};

static int order_compare(const void *left, const void *right, void *argument)
{
	const struct migration *a = left, *b = right;
	const struct order *order = argument;
	if (a->repeatable != b->repeatable)
		return a->repeatable ? 1 : -1;
	int by_version = a->repeatable ? strcmp(a->version, b->version) : framework_compare(order->framework, a->version, b->version);
	int by_label = strcmp(a->label, b->label);
	int first = order->by_label && !a->repeatable ? by_label : by_version;
	return first != 0 ? first : by_label != 0 ? by_label : strcmp(a->path, b->path);
}

void listing_sort(struct migrations *set, bool by_label)
{
	struct order order = { set->framework, by_label };
	if (set->n_items > 0)
		qsort_r(set->items, set->n_items, sizeof *set->items, order_compare, &order);
}

size_t digits_length(const char *text)
{
	return strspn(text, "0123456789");
}

int digits_compare(const char *a, const char *b)
{
	a += strspn(a, "0");
	b += strspn(b, "0");
	size_t length_a = digits_length(a), length_b = digits_length(b);
	if (length_a != length_b)
		return length_a < length_b ? -1 : 1;
	return memcmp(a, b, length_a);
}

void script_add(struct arena *arena, struct script *script, size_t *capacity, const char *text, unsigned line)
{
	for (; isspace((unsigned char)*text); text++)
		line += *text == '\n';
	if (*text == '\0')
		return;
	script->units = arena_grow(arena, script->units, script->n_units, capacity, sizeof *script->units);
	script->units[script->n_units++] = (struct unit){ text, line };
}

void script_whole(struct arena *arena, struct script *script, const char *text)
{
	size_t capacity = 0;
	script_add(arena, script, &capacity, text, 1);
}

static void add_statements(struct arena *arena, struct script *script, size_t *capacity, enum engine engine, const char *text,
                           unsigned line)
{
	size_t n;
	struct statement *statements = split_statements(arena, engine, text, &n);
	for (size_t i = 0; i < n; i++)
		script_add(arena, script, capacity, statements[i].text, line + statements[i].line - 1);
}

void script_statements(struct arena *arena, struct script *script, enum engine engine, const char *text)
{
	size_t capacity = 0;
	if (engine != ENGINE_POSTGRESQL) {
		add_statements(arena, script, &capacity, engine, text, 1);
		return;
	}
	struct dump dump = { text, 1 };
	struct dump_piece piece;
	while (dump_next(arena, &dump, &piece)) {
		if (piece.type == DUMP_SQL)
			add_statements(arena, script, &capacity, engine, piece.text, piece.line);
		else // COPY with its data is one unit; what psql alone knows is for the replay to refuse
			script_add(arena, script, &capacity,
			           piece.type == DUMP_COPY
			               ? arena_printf(arena, "%s\n%.*s\\.\n", piece.text, (int)piece.data_length, piece.data)
			               : piece.text,
			           piece.line);
	}
}

bool recorded_columns(const struct migrations *set, const struct version_table *table, const char *const *names, size_t n,
                      size_t *columns, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;
		while (j < table->n_columns && strcmp(table->columns[j], names[i]) != 0)
			j++;
		if (j == table->n_columns)
			return err_set(err, "version-table", table->name,
			               "name the framework that made it (--framework, or `framework` in driftcheck.conf), or the right "
			               "table (`table`)",
			               "it has no column `%s`: this is no version table of %s", names[i], set->framework->name);
		columns[i] = j;
	}
	return true;
}

bool recorded_true(const char *value)
{
	return value != NULL && (*value == 't' || *value == 'T' || *value == '1');
}

struct applied *recorded_add(struct applied_set *applied)
{
	return &applied->items[applied->n_items++];
}

void recorded_begin(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied)
{
	*applied = (struct applied_set){ .tracked = table->name != NULL };
	applied->items = arena_array(arena, table->n_rows + set->n_items, sizeof *applied->items);
}

void recorded_end(const struct migrations *set, struct applied_set *applied)
{
	for (size_t i = 0; i < applied->n_items; i++) {
		const struct applied *item = &applied->items[i];
		bool newer = applied->head == NULL || framework_compare(set->framework, item->version, applied->head) > 0;
		if (!item->repeatable && !item->failed && newer)
			applied->head = item->version;
	}
}
