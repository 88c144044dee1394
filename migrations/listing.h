// SPDX-License-Identifier: PostgreSQL
// What the frameworks' `list`, `script` and `applied` share: files into migrations, text into units, rows into an applied
// set.
#ifndef MIGRATIONS_LISTING_H
#define MIGRATIONS_LISTING_H

#include <string.h>

#include "migrations/folder.h"
#include "migrations/framework.h"

// A list of migrations under construction.
struct listing {
	struct migrations *set;
	size_t capacity, notes_capacity;
};

struct listing listing_of(struct migrations *set);

// Adds a migration of this version that is made of this file: label, path and text are filled in. NULL (with an error)
// where the file is no text. Valid until the next is added.
struct migration *listing_add(struct listing *listing, const struct folder_file *file, const char *version, struct err *err);
// The same without a text: `not_runnable` is "a Go migration", or NULL where there is merely nothing to send.
struct migration *listing_add_bare(struct listing *listing, const struct folder_file *file, const char *version,
                                   const char *not_runnable);
void listing_note(struct listing *listing, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Sorts by version, or by label; repeatable ones last, by version.
void listing_sort(struct migrations *set, bool by_label);

// Whether `name` ends with `ending`.
static inline bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), n = strlen(ending);
	return length >= n && strcmp(name + length - n, ending) == 0;
}

// The number of leading digits of a text, and the order of two by the number that they spell, however long.
size_t digits_length(const char *text);
int digits_compare(const char *a, const char *b);

// The order of two texts by their leading digits alone.
#define VERSION_BY_NUMBER .compare = digits_compare

// A text sent as one unit, or as none where it is blank.
void script_whole(struct arena *arena, struct script *script, const char *text);
// Appends a unit; `text` is skipped to its first non-blank byte, `line` is that of its first byte.
void script_add(struct arena *arena, struct script *script, size_t *capacity, const char *text, unsigned line);
// Each statement is a unit.
void script_statements(struct arena *arena, struct script *script, enum engine engine, const char *text);

// The rows of a version table. Finds the columns called names[0..n-1]; without one of them the table is not this
// framework's: an error.
bool recorded_columns(const struct migrations *set, const struct version_table *table, const char *const *names, size_t n,
                      size_t *columns, struct err *err);
bool recorded_true(const char *value); // a boolean of either engine; NULL is false
struct applied *recorded_add(struct applied_set *applied); // room for every row and every migration was made
void recorded_begin(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied);
void recorded_end(const struct migrations *set, struct applied_set *applied); // fills in the head

#endif
