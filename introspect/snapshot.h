// SPDX-License-Identifier: PostgreSQL
// A snapshot: the sorted objects of one database, as data. It is what a reader fills, what the differ compares and what
// canonical JSON holds; it knows no connection. Everything in it lives in the arena it was made with.
#ifndef INTROSPECT_SNAPSHOT_H
#define INTROSPECT_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "introspect/kind.h"

struct arena;
struct buf;
struct err;

// One thing: its kind, its path (PostgreSQL [schema, name] or [schema, relation, name]; SQLite the same without schema;
// functions name(argtypes)) and one text for each attribute of its kind, NULL where it has none.
struct object {
	const struct kind *kind;
	const char *const *path;
	unsigned n_path;
	const char **values;
};

// The value of an attribute that could not be read: never equal, never missing. Compare the pointer; in JSON the object is
// named in `unread` and the attribute is null.
extern const char VALUE_UNREAD[];

// What could not be read.
struct unread {
	const char *kind;
	const char *const *path; // NULL: every object of the kind
	unsigned n_path;
	const char *why;
};

// The rows of the framework's version table, as text. `name` NULL: no such table was found (or none was looked for).
struct version_table {
	const char *name; // qualified, as found: public.schema_migrations
	const char **columns;
	size_t n_columns;
	const char ***rows; // rows[i][j], NULL for SQL NULL
	size_t n_rows;
};

bool version_table_equal(const struct version_table *a, const struct version_table *b);

// A schema of a database in which each tenant has one (see introspect/tenant.h), with its own version table.
struct tenant {
	const char *schema;
	struct version_table version;
	struct err *trouble; // why its versions could not be read; NULL: nothing
};

struct snapshot {
	struct arena *arena;
	enum engine engine;
	int major;            // PostgreSQL: 15; SQLite: 3
	const char *server;   // "15.20", "3.40.1"
	const char *database; // PostgreSQL: its name; SQLite: the path
	bool complete;        // every step of the reading finished and nothing is unread
	unsigned groups;      // of attributes that were read besides GROUP_STRUCTURE: bits 1 << enum attr_group
	const char *reader;   // PostgreSQL: the role that read it; NULL: unknown
	const char *runner;   // a replay's: the role that ran the migrations; NULL: unknown
	struct version_table version;
	struct object **objects; // sorted by object_compare after snapshot_sort
	size_t n_objects, objects_capacity;
	struct unread *unread;
	size_t n_unread, unread_capacity;
	const char **notes; // what a reader should know: kinds that are outside the model, ...
	size_t n_notes, notes_capacity;
	struct tenant *tenants; // with read_options.tenants: by name
	size_t n_tenants;
};

struct snapshot *snapshot_new(struct arena *arena, enum engine engine);

// A new object with all values NULL. The path's strings must live in the snapshot's arena (the array is copied).
struct object *snapshot_add(struct snapshot *snapshot, const struct kind *kind, const char *const *path, unsigned n_path);
void snapshot_unread(struct snapshot *snapshot, const char *kind, const char *const *path, unsigned n_path, const char *why);
void snapshot_note(struct snapshot *snapshot, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Sorts the objects: by path, part by part (children directly follow what they hang on), then by the kind's place in
// kinds.def. SQLite's names compare without regard to ASCII case. Needed before find, parent, compare and JSON.
void snapshot_sort(struct snapshot *snapshot);
int path_compare(enum engine engine, const char *const *a, unsigned n_a, const char *const *b, unsigned n_b);
int object_compare(enum engine engine, const struct object *a, const struct object *b);

// Binary searches; NULL if there is none. snapshot_find with kind NULL finds the relation (table, view, type ...) at a path.
struct object *snapshot_find(const struct snapshot *snapshot, const struct kind *kind, const char *const *path, unsigned n_path);
// What a child hangs on; NULL for objects that are no child.
struct object *snapshot_parent(const struct snapshot *snapshot, const struct object *object);
// The first object at or beneath a path, and the number of them (they are neighbours).
size_t snapshot_range(const struct snapshot *snapshot, const char *const *path, unsigned n_path, size_t *first);

// Removes a relation, everything beneath it and what goes with its columns (owned sequences). The order is kept.
void snapshot_drop_path(struct snapshot *snapshot, const char *const *path, unsigned n_path);

// The path quoted as SQL: public."Users".id; a function as public.f(integer). Added to the buffer, or copied.
void object_name(struct buf *buf, const struct object *object);
char *object_name_copy(struct arena *arena, const struct object *object);
void kind_path_name(struct buf *buf, const struct kind *kind, const char *const *path, unsigned n_path);

const char *engine_name(enum engine engine); // "postgresql", "sqlite"

// Text as JSON: NULL is null; bytes that are no UTF-8 become U+FFFD, since JSON can hold no others. New references.
json_t *json_text(const char *text);
json_t *json_texts(const char *const *texts, size_t n);
json_t *unread_to_json(const struct unread *unread, size_t n);

// Canonical JSON: {"driftcheck", "schema", "engine", "server", "database", "complete", "groups", "reader",
// "runner", "version": {"table", "columns",
// "rows"}, "unread", "notes", "objects": [{"kind", "path", "attributes": {...}}]}, objects sorted, NULL values left out.
json_t *snapshot_to_json(const struct snapshot *snapshot); // a new reference
// The same as text, one object a line. `spill` (NULL: none) is called whenever a good deal has gathered in `out`, and may write it
// out and empty it: the text of a large database is larger than the snapshot. It returns false to end the printing.
bool snapshot_print(struct buf *out, const struct snapshot *snapshot, bool (*spill)(struct buf *out, void *argument), void *argument);
// Reads it back. Fails (code "snapshot") on another model, an unknown kind or attribute, or anything malformed; `where`
// names the source in errors.
struct snapshot *snapshot_from_json(struct arena *arena, const json_t *json, const char *where, struct err *err);

#endif
