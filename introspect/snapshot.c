// SPDX-License-Identifier: PostgreSQL
// A snapshot as data: sorting, finding, and canonical JSON in and out. See snapshot.h.
#include "config.h"

#include "introspect/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"

const char VALUE_UNREAD[] = "(unread)";

// Raised when a stored snapshot of an older model could no longer be compared with a fresh one.
enum { SNAPSHOT_SCHEMA = 1, SPILL_BYTES = 256 * 1024 };

static const char *const engine_names[] = { [ENGINE_POSTGRESQL] = "postgresql", [ENGINE_SQLITE] = "sqlite" };

const char *engine_name(enum engine engine)
{
	return engine_names[engine];
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool version_table_equal(const struct version_table *a, const struct version_table *b)
{
	if (!text_equal(a->name, b->name) || a->n_columns != b->n_columns || a->n_rows != b->n_rows)
		return false;
	for (size_t i = 0; i < a->n_rows; i++) {
		for (size_t j = 0; j < a->n_columns; j++) {
			if (!text_equal(a->rows[i][j], b->rows[i][j]))
				return false;
		}
	}
	return true;
}

struct snapshot *snapshot_new(struct arena *arena, enum engine engine)
{
	struct snapshot *snapshot = arena_alloc(arena, sizeof *snapshot);
	snapshot->arena = arena;
	snapshot->engine = engine;
	snapshot->complete = true;
	return snapshot;
}

struct object *snapshot_add(struct snapshot *snapshot, const struct kind *kind, const char *const *path, unsigned n_path)
{
	// one allocation: the object, its path, its values
	size_t bytes = sizeof(struct object) + n_path * sizeof *path + kind->n_attrs * sizeof(char *);
	struct object *object = arena_alloc(snapshot->arena, bytes);
	const char **rest = (const char **)(object + 1);
	memcpy(rest, path, n_path * sizeof *path);
	object->kind = kind;
	object->path = rest;
	object->n_path = n_path;
	object->values = rest + n_path;
	snapshot->objects = arena_grow(snapshot->arena, snapshot->objects, snapshot->n_objects, &snapshot->objects_capacity,
	                               sizeof *snapshot->objects);
	snapshot->objects[snapshot->n_objects++] = object;
	return object;
}

void snapshot_unread(struct snapshot *snapshot, const char *kind, const char *const *path, unsigned n_path, const char *why)
{
	snapshot->unread = arena_grow(snapshot->arena, snapshot->unread, snapshot->n_unread, &snapshot->unread_capacity,
	                              sizeof *snapshot->unread);
	const char **copy = NULL;
	if (path != NULL) {
		copy = arena_array(snapshot->arena, n_path, sizeof *copy);
		memcpy(copy, path, n_path * sizeof *copy);
	}
	snapshot->unread[snapshot->n_unread++] = (struct unread){ kind, copy, n_path, arena_strdup(snapshot->arena, why) };
	snapshot->complete = false;
}

void snapshot_note(struct snapshot *snapshot, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *note = arena_vprintf(snapshot->arena, format, arguments);
	va_end(arguments);
	snapshot->notes = arena_grow(snapshot->arena, snapshot->notes, snapshot->n_notes, &snapshot->notes_capacity,
	                             sizeof *snapshot->notes);
	snapshot->notes[snapshot->n_notes++] = note;
}

int path_compare(enum engine engine, const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	int (*compare)(const char *, const char *) = engine == ENGINE_SQLITE ? strcasecmp : strcmp;
	for (unsigned i = 0; i < n_a && i < n_b; i++) {
		if (a[i] == b[i]) // children share their parent's strings
			continue;
		int order = compare(a[i], b[i]);
		if (order != 0)
			return order;
	}
	return (n_a > n_b) - (n_a < n_b);
}

static int kind_rank(const struct kind *kind)
{
	int rank = 0;
	while (kinds[rank] != kind)
		rank++;
	return rank;
}

int object_compare(enum engine engine, const struct object *a, const struct object *b)
{
	int order = path_compare(engine, a->path, a->n_path, b->path, b->n_path);
	if (order != 0 || a->kind == b->kind)
		return order;
	return kind_rank(a->kind) - kind_rank(b->kind);
}

static int compare_postgresql(const void *a, const void *b)
{
	return object_compare(ENGINE_POSTGRESQL, *(struct object *const *)a, *(struct object *const *)b);
}

static int compare_sqlite(const void *a, const void *b)
{
	return object_compare(ENGINE_SQLITE, *(struct object *const *)a, *(struct object *const *)b);
}

void snapshot_sort(struct snapshot *snapshot)
{
	if (snapshot->n_objects > 0)
		qsort(snapshot->objects, snapshot->n_objects, sizeof *snapshot->objects,
		      snapshot->engine == ENGINE_SQLITE ? compare_sqlite : compare_postgresql);
}

// The first object whose path is not less than the given one.
static size_t lower_bound(const struct snapshot *snapshot, const char *const *path, unsigned n_path)
{
	size_t low = 0, high = snapshot->n_objects;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct object *object = snapshot->objects[middle];
		if (path_compare(snapshot->engine, object->path, object->n_path, path, n_path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct object *snapshot_find(const struct snapshot *snapshot, const struct kind *kind, const char *const *path, unsigned n_path)
{
	for (size_t i = lower_bound(snapshot, path, n_path); i < snapshot->n_objects; i++) {
		struct object *object = snapshot->objects[i];
		if (path_compare(snapshot->engine, object->path, object->n_path, path, n_path) != 0)
			break;
		if (kind == NULL ? object->kind->relation : object->kind == kind)
			return object;
	}
	return NULL;
}

struct object *snapshot_parent(const struct snapshot *snapshot, const struct object *object)
{
	return object->kind->child ? snapshot_find(snapshot, NULL, object->path, object->n_path - 1) : NULL;
}

size_t snapshot_range(const struct snapshot *snapshot, const char *const *path, unsigned n_path, size_t *first)
{
	*first = lower_bound(snapshot, path, n_path);
	size_t n = 0;
	for (size_t i = *first; i < snapshot->n_objects; i++, n++) {
		const struct object *object = snapshot->objects[i];
		unsigned n_shared = object->n_path < n_path ? object->n_path : n_path;
		if (object->n_path < n_path || path_compare(snapshot->engine, object->path, n_shared, path, n_path) != 0)
			break;
	}
	return n;
}

void snapshot_drop_path(struct snapshot *snapshot, const char *const *path, unsigned n_path)
{
	size_t kept = 0;
	auto_buf prefix = BUF_INIT; // of the owning column's name in `owned_by`
	sql_name(&prefix, path, n_path);
	buf_addc(&prefix, '.');
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		struct object *object = snapshot->objects[i];
		bool beneath = object->n_path >= n_path && path_compare(snapshot->engine, object->path, n_path, path, n_path) == 0 &&
		               (object->n_path > n_path ? object->kind->child : object->kind->relation);
		const char *owner = object->kind->owned_by > 0 ? object->values[object->kind->owned_by] : NULL;
		if (!beneath && !(owner != NULL && strncmp(owner, prefix.data, prefix.length) == 0))
			snapshot->objects[kept++] = object;
	}
	snapshot->n_objects = kept;
}

void kind_path_name(struct buf *buf, const struct kind *kind, const char *const *path, unsigned n_path)
{
	const char *arguments = kind->arguments ? strchr(path[n_path - 1], '(') : NULL;
	if (arguments == NULL) {
		sql_name(buf, path, n_path);
		return;
	}
	sql_name(buf, path, n_path - 1);
	if (n_path > 1)
		buf_addc(buf, '.');
	auto_buf name = BUF_INIT;
	buf_add(&name, path[n_path - 1], (size_t)(arguments - path[n_path - 1]));
	sql_ident(buf, name.data);
	buf_adds(buf, arguments);
}

void object_name(struct buf *buf, const struct object *object)
{
	kind_path_name(buf, object->kind, object->path, object->n_path);
}

char *object_name_copy(struct arena *arena, const struct object *object)
{
	auto_buf name = BUF_INIT;
	object_name(&name, object);
	return buf_copy(&name, arena);
}

// JSON out. jansson refuses text that is not UTF-8; such bytes (a SQL_ASCII database) are shown as U+FFFD.

json_t *json_text(const char *text)
{
	if (text == NULL)
		return json_null();
	json_t *json = json_string(text);
	if (json != NULL)
		return json;
	auto_buf clean = BUF_INIT;
	for (const char *c = text; *c != '\0';) {
		size_t length = (unsigned char)*c < 0x80 ? 1 : (unsigned char)*c >= 0xf0 ? 4 : (unsigned char)*c >= 0xe0 ? 3 : 2;
		json_t *one = strnlen(c, length) == length ? json_stringn(c, length) : NULL;
		if (one != NULL) {
			buf_add(&clean, c, length);
			json_decref(one);
		} else {
			buf_adds(&clean, "\xef\xbf\xbd");
			length = 1;
		}
		c += length;
	}
	return json_string(clean.data);
}

json_t *json_texts(const char *const *texts, size_t n)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_text(texts[i]));
	return array;
}

json_t *unread_to_json(const struct unread *unread, size_t n)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *entry = json_object();
		json_object_set_new(entry, "kind", json_text(unread[i].kind));
		json_object_set_new(entry, "path", unread[i].path == NULL ? json_null() : json_texts(unread[i].path, unread[i].n_path));
		json_object_set_new(entry, "why", json_text(unread[i].why));
		json_array_append_new(array, entry);
	}
	return array;
}

static json_t *groups_to_json(unsigned groups)
{
	json_t *array = json_array();
	for (unsigned i = GROUP_STRUCTURE + 1; i < GROUP_EVIDENCE; i++) {
		if (groups & 1u << i)
			json_array_append_new(array, json_string(attr_group_names[i]));
	}
	return array;
}

json_t *snapshot_to_json(const struct snapshot *snapshot)
{
	json_t *root = json_object();
	json_object_set_new(root, "driftcheck", json_string(DRIFTCHECK_VERSION));
	json_object_set_new(root, "schema", json_integer(SNAPSHOT_SCHEMA));
	json_object_set_new(root, "engine", json_string(engine_name(snapshot->engine)));
	json_object_set_new(root, "server", json_text(snapshot->server));
	json_object_set_new(root, "database", json_text(snapshot->database));
	json_object_set_new(root, "complete", json_boolean(snapshot->complete));
	json_object_set_new(root, "groups", groups_to_json(snapshot->groups));
	json_object_set_new(root, "reader", json_text(snapshot->reader));
	json_object_set_new(root, "runner", json_text(snapshot->runner));

	const struct version_table *version = &snapshot->version;
	json_t *table = json_object();
	json_object_set_new(table, "table", json_text(version->name));
	json_object_set_new(table, "columns", json_texts(version->columns, version->n_columns));
	json_t *rows = json_array();
	for (size_t i = 0; i < version->n_rows; i++)
		json_array_append_new(rows, json_texts(version->rows[i], version->n_columns));
	json_object_set_new(table, "rows", rows);
	json_object_set_new(root, "version", table);

	json_object_set_new(root, "unread", unread_to_json(snapshot->unread, snapshot->n_unread));
	json_object_set_new(root, "notes", json_texts(snapshot->notes, snapshot->n_notes));

	json_t *objects = json_array();
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		json_t *attributes = json_object();
		for (unsigned j = 0; j < object->kind->n_attrs; j++) {
			if (object->values[j] == VALUE_UNREAD)
				json_object_set_new(attributes, object->kind->attrs[j].name, json_null());
			else if (object->values[j] != NULL)
				json_object_set_new(attributes, object->kind->attrs[j].name, json_text(object->values[j]));
		}
		json_t *entry = json_object();
		json_object_set_new(entry, "kind", json_string(object->kind->name));
		json_object_set_new(entry, "path", json_texts(object->path, object->n_path));
		json_object_set_new(entry, "attributes", attributes);
		json_array_append_new(objects, entry);
	}
	json_object_set_new(root, "objects", objects);
	return root;
}

// The same as text, written directly: a tree of a large database would cost more than reading it. One object a line, so that
// two files can be compared line by line.

// A string in quotes; bytes that are no UTF-8 as json_text has them.
static void print_text(struct buf *out, const char *text)
{
	size_t start = out->length;
	buf_addc(out, '"');
	const char *plain = text; // what needs no escape is copied in one piece
	const char *c = text;
	for (; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;
		if (byte >= 0x80) { // only jansson judges what is UTF-8
			json_t *json = json_text(text);
			auto_free escaped = json_dumps(json, JSON_ENCODE_ANY);
			json_decref(json);
			invariant(escaped != NULL, "JSON text");
			out->length = start;
			buf_adds(out, escaped);
			return;
		}
		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		buf_add(out, plain, (size_t)(c - plain));
		if (byte == '\n')
			buf_adds(out, "\\n");
		else if (byte < 0x20)
			buf_addf(out, "\\u%04X", byte);
		else
			buf_addf(out, "\\%c", byte);
		plain = c + 1;
	}
	buf_add(out, plain, (size_t)(c - plain));
	buf_addc(out, '"');
}

static void print_object(struct buf *out, const struct object *object)
{
	buf_adds(out, "{\"kind\": ");
	print_text(out, object->kind->name);
	buf_adds(out, ", \"path\": [");
	for (unsigned i = 0; i < object->n_path; i++) {
		buf_adds(out, i > 0 ? ", " : "");
		print_text(out, object->path[i]);
	}
	buf_adds(out, "], \"attributes\": {");
	bool first = true;
	for (unsigned i = 0; i < object->kind->n_attrs; i++) {
		if (object->values[i] == NULL)
			continue;
		buf_adds(out, first ? "\"" : ", \"");
		buf_adds(out, object->kind->attrs[i].name);
		buf_adds(out, "\": ");
		first = false;
		if (object->values[i] == VALUE_UNREAD)
			buf_adds(out, "null");
		else
			print_text(out, object->values[i]);
	}
	buf_adds(out, "}}");
}

bool snapshot_print(struct buf *out, const struct snapshot *snapshot, bool (*spill)(struct buf *out, void *argument), void *argument)
{
	struct snapshot head = *snapshot; // everything but the objects
	head.n_objects = 0;
	json_t *json = snapshot_to_json(&head);
	auto_free text = json_dumps(json, JSON_INDENT(1));
	json_decref(json);
	invariant(text != NULL, "JSON text");
	static const char tail[] = "[]\n}"; // the empty list of objects comes last
	size_t length = strlen(text) - strlen(tail);
	invariant(strcmp(text + length, tail) == 0, "JSON text ends with the objects");
	buf_add(out, text, length);
	buf_addc(out, '[');
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		buf_adds(out, i > 0 ? ",\n  " : "\n  ");
		print_object(out, snapshot->objects[i]);
		if (spill != NULL && out->length >= SPILL_BYTES && !spill(out, argument))
			return false;
	}
	buf_adds(out, snapshot->n_objects > 0 ? "\n ]\n}\n" : "]\n}\n");
	return true;
}

// JSON in.

static bool malformed(struct err *err, const char *where, const char *what)
{
	return err_set(err, "snapshot", where, "write it again with `driftcheck snapshot SOURCE`", "this is no snapshot of this model: %s",
	               what);
}

// An array of strings into the arena; false if it is none.
static bool texts_from_json(struct arena *arena, const json_t *json, const char ***texts, size_t *n)
{
	if (!json_is_array(json))
		return false;
	*n = json_array_size(json);
	*texts = arena_array(arena, *n, sizeof **texts);
	for (size_t i = 0; i < *n; i++) {
		const json_t *one = json_array_get(json, i);
		if (!json_is_string(one) && !json_is_null(one))
			return false;
		(*texts)[i] = arena_strdup(arena, json_string_value(one));
	}
	return true;
}

static bool has_null(const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (texts[i] == NULL)
			return true;
	}
	return false;
}

static bool version_from_json(struct snapshot *snapshot, const json_t *json)
{
	struct version_table *version = &snapshot->version;
	version->name = arena_strdup(snapshot->arena, json_string_value(json_object_get(json, "table")));
	const json_t *rows = json_object_get(json, "rows");
	if (!json_is_array(rows) ||
	    !texts_from_json(snapshot->arena, json_object_get(json, "columns"), &version->columns, &version->n_columns) ||
	    has_null(version->columns, version->n_columns))
		return false;
	version->n_rows = json_array_size(rows);
	version->rows = arena_array(snapshot->arena, version->n_rows, sizeof *version->rows);
	for (size_t i = 0; i < version->n_rows; i++) {
		size_t n = 0;
		if (!texts_from_json(snapshot->arena, json_array_get(rows, i), &version->rows[i], &n) || n != version->n_columns)
			return false;
	}
	return true;
}

static bool object_from_json(struct snapshot *snapshot, const json_t *json, const char *where, struct err *err)
{
	const char *word = json_string_value(json_object_get(json, "kind"));
	const struct kind *kind = word == NULL ? NULL : kind_find(word);
	if (kind == NULL)
		return malformed(err, where, word == NULL ? "an object without kind" : word);
	const char **path;
	size_t n_path;
	if (!texts_from_json(snapshot->arena, json_object_get(json, "path"), &path, &n_path) || n_path < 1 || n_path > 3 ||
	    has_null(path, n_path) || (kind->child && n_path < 2))
		return malformed(err, where, "an object without path");
	struct object *object = snapshot_add(snapshot, kind, path, (unsigned)n_path);
	const char *name;
	json_t *value;
	json_t *attributes = json_object_get(json, "attributes");
	if (!json_is_object(attributes))
		return malformed(err, where, "an object without attributes");
	json_object_foreach(attributes, name, value) {
		int attr = kind_attr(kind, name);
		if (attr < 0 || (!json_is_string(value) && !json_is_null(value)))
			return malformed(err, where, name);
		object->values[attr] = json_is_null(value) ? VALUE_UNREAD : arena_strdup(snapshot->arena, json_string_value(value));
	}
	return true;
}

static bool unread_from_json(struct snapshot *snapshot, const json_t *array)
{
	size_t i;
	json_t *entry;
	json_array_foreach(array, i, entry) {
		const char **path = NULL;
		size_t n = 0;
		const json_t *json = json_object_get(entry, "path");
		if (!json_is_null(json) && !texts_from_json(snapshot->arena, json, &path, &n))
			return false;
		const char *kind = json_string_value(json_object_get(entry, "kind"));
		const char *why = json_string_value(json_object_get(entry, "why"));
		if (kind == NULL || why == NULL)
			return false;
		snapshot_unread(snapshot, arena_strdup(snapshot->arena, kind), path, (unsigned)n, why);
	}
	return json_is_array(array);
}

// Names of groups that a later version may have are passed over: nothing of theirs can be compared here.
static unsigned groups_from_json(const json_t *array)
{
	unsigned groups = 0;
	size_t i;
	json_t *name;
	json_array_foreach(array, i, name) {
		for (unsigned j = GROUP_STRUCTURE + 1; j < GROUP_EVIDENCE && json_is_string(name); j++)
			groups |= strcmp(json_string_value(name), attr_group_names[j]) == 0 ? 1u << j : 0;
	}
	return groups;
}

struct snapshot *snapshot_from_json(struct arena *arena, const json_t *json, const char *where, struct err *err)
{
	const char *engine = json_string_value(json_object_get(json, "engine"));
	if (!json_is_object(json) || engine == NULL) {
		malformed(err, where, "no `engine`");
		return NULL;
	}
	if (json_integer_value(json_object_get(json, "schema")) != SNAPSHOT_SCHEMA) {
		malformed(err, where, "another `schema`");
		return NULL;
	}
	bool is_sqlite = strcmp(engine, engine_name(ENGINE_SQLITE)) == 0;
	if (!is_sqlite && strcmp(engine, engine_name(ENGINE_POSTGRESQL)) != 0) {
		malformed(err, where, "an unknown `engine`");
		return NULL;
	}
	struct snapshot *snapshot = snapshot_new(arena, is_sqlite ? ENGINE_SQLITE : ENGINE_POSTGRESQL);
	snapshot->server = arena_strdup(arena, json_string_value(json_object_get(json, "server")));
	snapshot->database = arena_strdup(arena, json_string_value(json_object_get(json, "database")));
	snapshot->major = snapshot->server == NULL ? 0 : atoi(snapshot->server);
	if (!version_from_json(snapshot, json_object_get(json, "version")) ||
	    !unread_from_json(snapshot, json_object_get(json, "unread")) ||
	    !texts_from_json(arena, json_object_get(json, "notes"), &snapshot->notes, &snapshot->n_notes) ||
	    !json_is_array(json_object_get(json, "objects"))) {
		malformed(err, where, "`version`, `unread`, `notes` or `objects` is malformed");
		return NULL;
	}
	snapshot->notes_capacity = snapshot->n_notes;
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(json, "objects"), i, entry) {
		if (!object_from_json(snapshot, entry, where, err))
			return NULL;
	}
	snapshot->complete = json_is_true(json_object_get(json, "complete"));
	snapshot->groups = groups_from_json(json_object_get(json, "groups"));
	snapshot->reader = arena_strdup(arena, json_string_value(json_object_get(json, "reader")));
	snapshot->runner = arena_strdup(arena, json_string_value(json_object_get(json, "runner")));
	snapshot_sort(snapshot);
	return snapshot;
}
