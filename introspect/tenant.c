// SPDX-License-Identifier: PostgreSQL
// A tenant's part of a database: see tenant.h. Pure functions over snapshots; nothing is read here.
#include "introspect/tenant.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"

const char TENANT_PLACEHOLDER[] = "driftcheck_tenant";
enum { PLACEHOLDER_LENGTH = sizeof TENANT_PLACEHOLDER - 1 };

// A schema's name, in the forms in which texts have it.
struct own {
	const char *name;
	size_t length;
	const char *quoted; // as an identifier
	bool plain;         // that is the name itself
	const char *sign;   // a part of it that every form has
};

static struct own own_name(struct arena *arena, const char *name)
{
	struct own own = { .name = name, .length = strlen(name), .quoted = sql_name_copy(arena, &name, 1) };
	own.plain = strcmp(own.quoted, name) == 0;
	own.sign = arena_strndup(arena, name, strcspn(name, "\"'\\"));
	return own;
}

static bool is_word(char c)
{
	unsigned char byte = (unsigned char)c;
	bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
	return letter || (byte >= '0' && byte <= '9') || byte == '_' || byte == '$';
}

// How attributes hold names besides code.
enum sort { SORT_CODE, SORT_LIST, SORT_SETTINGS, SORT_TYPED };

static enum sort sort_of(const struct attr *attr)
{
	static const struct { const char *name; enum sort sort; } sorts[] = {
		{ "roles", SORT_LIST }, { "owner", SORT_LIST }, // as pg_roles has them, never quoted
		{ "settings", SORT_SETTINGS }, // lists of names stand there, quoted where they must be
		{ "comment", SORT_TYPED },
	};
	for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
		if (strcmp(attr->name, sorts[i].name) == 0)
			return sorts[i].sort;
	}
	return attr->form == FORM_BODY ? SORT_TYPED : SORT_CODE;
}

// The text between the quotes at `open` with doubled quotes (and in E'' backslashes) resolved. Returns where the text goes on.
static const char *unquote(struct buf *inner, const char *open, bool escapes)
{
	char quote = *open;
	const char *c = open + 1;
	for (; *c != '\0'; c++) {
		if (*c == quote && c[1] != quote)
			return c + 1;
		if ((*c == quote || (*c == '\\' && escapes)) && c[1] != '\0')
			c++;
		buf_addc(inner, *c);
	}
	return c;
}

// From the schema's name to the placeholder.

static void to_placeholder(struct buf *out, const char *text, const struct own *own, bool dotted_only);

static bool is_qualified_name(struct arena *arena, const char *text)
{
	const char *parts[3];
	return sql_name_split(arena, text, parts, 3) == 2;
}

// A literal: the schema's name alone; the name of something, where it is cast to one or can be nothing else.
static const char *literal_to_placeholder(struct buf *out, const char *open, const struct own *own, bool escapes)
{
	auto_buf inner = BUF_INIT;
	const char *end = unquote(&inner, open, escapes);
	auto_arena arena = arena_new();
	if (strcmp(inner.data, own->name) == 0) {
		buf_addf(out, "'%s'", TENANT_PLACEHOLDER);
	} else if (strncmp(end, "::reg", 5) == 0 || is_qualified_name(arena, inner.data)) {
		auto_buf name = BUF_INIT;
		to_placeholder(&name, inner.data, own, true);
		buf_addc(out, '\'');
		for (const char *c = name.data; *c != '\0'; c++)
			buf_addf(out, *c == '\'' || (*c == '\\' && escapes) ? "%c%c" : "%c", *c, *c);
		buf_addc(out, '\'');
	} else {
		buf_add(out, open, (size_t)(end - open));
	}
	return end;
}

// Code: an identifier that qualifies another (`dotted_only`), or any that is the name.
static void to_placeholder(struct buf *out, const char *text, const struct own *own, bool dotted_only)
{
	for (const char *c = text; *c != '\0';) {
		bool first = out->length == 0 || out->data[out->length - 1] != '.';
		const char *end = c;
		if (*c == '\'') {
			bool escapes = c > text && (c[-1] == 'E' || c[-1] == 'e') && (c - 1 == text || !is_word(c[-2]));
			c = literal_to_placeholder(out, c, own, escapes);
			continue;
		}
		bool is_own = false;
		if (*c == '"') {
			auto_buf inner = BUF_INIT;
			end = unquote(&inner, c, false);
			is_own = strcmp(inner.data, own->name) == 0;
		} else {
			while (is_word(*end))
				end++;
			is_own = own->plain && (size_t)(end - c) == own->length && strncmp(c, own->name, own->length) == 0;
			end += end == c;
		}
		if (is_own && first && (!dotted_only || *end == '.'))
			buf_addf(out, *c == '"' && own->plain ? "\"%s\"" : "%s", TENANT_PLACEHOLDER);
		else
			buf_add(out, c, (size_t)(end - c));
		c = end;
	}
}

// What somebody typed: the name as a word of its own, quoted or not. One that must be quoted and is not names no schema, unless
// it is all of a literal.
static void typed_to_placeholder(struct buf *out, const char *text, const struct own *own)
{
	auto_buf quoted = BUF_INIT; // in quotes it may have been written without need
	buf_addc(&quoted, '"');
	for (const char *c = own->name; *c != '\0'; c++)
		buf_addf(&quoted, *c == '"' ? "\"\"" : "%c", *c);
	buf_addc(&quoted, '"');
	for (const char *c = text; *c != '\0';) {
		if (strncmp(c, quoted.data, quoted.length) == 0) {
			buf_addf(out, own->plain ? "\"%s\"" : "%s", TENANT_PLACEHOLDER);
			c += quoted.length;
			continue;
		}
		bool is_own = strncmp(c, own->name, own->length) == 0 && (c == text || !is_word(c[-1])) && !is_word(c[own->length]);
		bool literal = is_own && c > text && c[-1] == '\'' && c[own->length] == '\'';
		if (is_own && (own->plain || literal)) {
			buf_adds(out, TENANT_PLACEHOLDER);
			c += own->length;
		} else {
			buf_addc(out, *c++);
		}
	}
}

static void list_to_placeholder(struct buf *out, const char *list, const struct own *own)
{
	for (const char *c = list; *c != '\0';) {
		const char *end = strstr(c, ", ");
		size_t length = end == NULL ? strlen(c) : (size_t)(end - c);
		bool is_own = length == own->length && strncmp(c, own->name, length) == 0;
		buf_add(out, is_own ? TENANT_PLACEHOLDER : c, is_own ? (size_t)PLACEHOLDER_LENGTH : length);
		c += length;
		if (end != NULL) {
			buf_adds(out, ", ");
			c += 2;
		}
	}
}

static const char *by_rule(struct arena *arena, const char *text, const struct own *own, enum sort sort)
{
	auto_buf out = BUF_INIT;
	if (sort == SORT_TYPED)
		typed_to_placeholder(&out, text, own);
	else if (sort == SORT_LIST)
		list_to_placeholder(&out, text, own);
	else
		to_placeholder(&out, text, own, sort == SORT_CODE);
	return strcmp(out.data, text) == 0 ? text : buf_copy(&out, arena);
}

// And back.

// `bare`: names that are not quoted where they stand. `qualified` false: without the schema where it qualifies something.
static const char *from_placeholder(struct arena *arena, const char *text, const struct own *own, bool bare, bool qualified)
{
	const char *at = strstr(text, TENANT_PLACEHOLDER), *done = text;
	if (at == NULL)
		return text;
	auto_buf out = BUF_INIT;
	for (bool literal = false; at != NULL; at = strstr(done, TENANT_PLACEHOLDER)) {
		for (const char *c = done; c < at; c++)
			literal ^= *c == '\'';
		buf_add(&out, done, (size_t)(at - done));
		done = at + PLACEHOLDER_LENGTH;
		char before = at == text ? '\0' : at[-1];
		if (is_word(before) || is_word(*done)) {
			buf_adds(&out, TENANT_PLACEHOLDER);
			continue;
		}
		if (!qualified && *done == '.' && before != '"') {
			done++;
			continue;
		}
		bool whole = before == '\'' && *done == '\'', in_quotes = before == '"' && *done == '"';
		for (const char *c = bare || whole || in_quotes ? own->name : own->quoted; *c != '\0'; c++) {
			bool doubled = (*c == '\'' && literal && !bare) || (*c == '"' && in_quotes);
			buf_addf(&out, doubled ? "%c%c" : "%c", *c, *c);
		}
	}
	buf_adds(&out, done);
	return buf_copy(&out, arena);
}

const char *tenant_text(struct arena *arena, const char *text, const char *schema)
{
	if (text == NULL || text == VALUE_UNREAD || strstr(text, TENANT_PLACEHOLDER) == NULL)
		return text;
	const struct own own = own_name(arena, schema);
	return from_placeholder(arena, text, &own, false, true);
}

const char *tenant_text_unqualified(struct arena *arena, const char *text, const char *schema)
{
	if (text == NULL)
		return NULL;
	const struct own own = own_name(arena, schema);
	return from_placeholder(arena, text, &own, false, false);
}

static const char *value_from_placeholder(struct arena *arena, const char *value, const struct attr *attr, const struct own *own)
{
	bool bare = sort_of(attr) == SORT_LIST;
	return value == NULL || value == VALUE_UNREAD ? value : from_placeholder(arena, value, own, bare, true);
}

const char *tenant_value(struct arena *arena, const char *value, const struct attr *attr, const char *schema)
{
	const struct own own = own_name(arena, schema);
	return value_from_placeholder(arena, value, attr, &own);
}

struct object *tenant_object(struct arena *arena, const struct object *object, const char *schema)
{
	const struct own own = own_name(arena, schema);
	struct object *copy = arena_alloc(arena, sizeof *copy);
	*copy = *object;
	const char **path = arena_array(arena, object->n_path, sizeof *path);
	for (unsigned i = 0; i < object->n_path; i++)
		path[i] = from_placeholder(arena, object->path[i], &own, i == 0, true);
	copy->path = path;
	copy->values = arena_array(arena, object->kind->n_attrs, sizeof *copy->values);
	for (unsigned i = 0; i < object->kind->n_attrs; i++)
		copy->values[i] = value_from_placeholder(arena, object->values[i], &object->kind->attrs[i], &own);
	return copy;
}

// Parts.

struct part {
	struct arena *arena;
	struct own own;
	const struct snapshot *const *references;
	size_t n_references;
};

static const char *value_to_placeholder(const struct part *part, const struct object *object, unsigned attr, const char *value)
{
	const struct attr *of = &object->kind->attrs[attr];
	if (value == NULL || value == VALUE_UNREAD || of->form == FORM_FLAG || strstr(value, part->own.sign) == NULL)
		return value;
	for (size_t i = 0; i < part->n_references; i++) {
		const struct object *same = snapshot_find(part->references[i], object->kind, object->path, object->n_path);
		const char *wanted = same == NULL ? NULL : same->values[attr];
		if (wanted != NULL && wanted != VALUE_UNREAD &&
		    strcmp(value_from_placeholder(part->arena, wanted, of, &part->own), value) == 0)
			return wanted;
	}
	return by_rule(part->arena, value, &part->own, sort_of(of));
}

static void add_object(const struct part *part, struct snapshot *snapshot, const struct object *object)
{
	const char *path[3];
	path[0] = TENANT_PLACEHOLDER;
	for (unsigned i = 1; i < object->n_path; i++)
		path[i] = object->path[i];
	const char *arguments = object->kind->arguments ? strchr(path[object->n_path - 1], '(') : NULL;
	if (arguments != NULL && strstr(arguments, part->own.sign) != NULL) {
		auto_buf name = BUF_INIT;
		buf_add(&name, path[object->n_path - 1], (size_t)(arguments - path[object->n_path - 1]));
		to_placeholder(&name, arguments, &part->own, true);
		path[object->n_path - 1] = buf_copy(&name, part->arena);
	}
	struct object *copy = snapshot_add(snapshot, object->kind, path, object->n_path);
	for (unsigned i = 0; i < object->kind->n_attrs; i++)
		copy->values[i] = value_to_placeholder(part, copy, i, object->values[i]);
}

// In a schema: extensions are in none, though theirs may have the same name.
static bool is_beneath(const struct object *object, const char *schema)
{
	return (object->n_path > 1 || object->kind->namespace) && strcmp(object->path[0], schema) == 0;
}

// Who owns a tenant's objects is as good as anybody: where all have an owner of their own (the usual one has no name: see
// lookup.c), the one that most of them have is the usual one here.
static void leave_out_usual_owner(struct snapshot *snapshot)
{
	const char *usual = NULL;
	size_t n = 0; // Boyer-Moore: the majority, if there is one
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const char *owner = snapshot->objects[i]->values[ATTR_OWNER];
		bool child = snapshot->objects[i]->kind->child;
		if (owner == NULL && !child)
			return;
		if (owner == NULL)
			continue;
		if (n == 0)
			usual = owner;
		n = strcmp(owner, usual) == 0 ? n + 1 : n - 1;
	}
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const char **owner = &snapshot->objects[i]->values[ATTR_OWNER];
		*owner = *owner != NULL && strcmp(*owner, usual) == 0 ? NULL : *owner;
	}
}

static struct snapshot *snapshot_like(struct arena *arena, const struct snapshot *database)
{
	struct snapshot *snapshot = snapshot_new(arena, database->engine);
	snapshot->major = database->major;
	snapshot->server = database->server;
	snapshot->database = database->database;
	return snapshot;
}

struct snapshot *tenant_part(struct arena *arena, const struct snapshot *database, const struct tenant *tenant,
                             const struct snapshot *const *references, size_t n_references)
{
	const struct part part = { arena, own_name(arena, tenant->schema), references, n_references };
	struct snapshot *snapshot = snapshot_like(arena, database);
	size_t first, n = snapshot_range(database, &tenant->schema, 1, &first);
	for (size_t i = first; i < first + n; i++) {
		if (is_beneath(database->objects[i], tenant->schema))
			add_object(&part, snapshot, database->objects[i]);
	}
	snapshot_sort(snapshot); // argument types may stand elsewhere now
	leave_out_usual_owner(snapshot);
	for (size_t i = 0; i < database->n_unread; i++) {
		const struct unread *unread = &database->unread[i];
		if (unread->path == NULL)
			snapshot_unread(snapshot, unread->kind, NULL, 0, unread->why);
		if (unread->path == NULL || strcmp(unread->path[0], tenant->schema) != 0)
			continue;
		const char *path[3] = { TENANT_PLACEHOLDER };
		for (unsigned j = 1; j < unread->n_path; j++)
			path[j] = unread->path[j];
		snapshot_unread(snapshot, unread->kind, path, unread->n_path, unread->why);
	}
	snapshot->version = tenant->version;
	const char *name[2];
	size_t n_name = tenant->version.name == NULL ? 0 : sql_name_split(arena, tenant->version.name, name, 2);
	if (n_name == 2 && strcmp(name[0], tenant->schema) == 0) {
		name[0] = TENANT_PLACEHOLDER;
		snapshot->version.name = sql_name_copy(arena, name, 2);
	}
	return snapshot;
}

static int tenant_compare(const void *schema, const void *tenant)
{
	return strcmp(schema, ((const struct tenant *)tenant)->schema);
}

static bool in_tenant(const struct snapshot *database, const char *const *path)
{
	return database->n_tenants > 0 &&
	       bsearch(path[0], database->tenants, database->n_tenants, sizeof *database->tenants, tenant_compare) != NULL;
}

// An extension that lies in a tenant's schema lies, for all the others know, where the migrations ran.
static struct object *shared_object(struct arena *arena, const struct snapshot *database, struct object *object)
{
	int schema = object->kind == &kind_extension ? kind_attr(object->kind, "schema") : -1;
	if (schema < 0 || object->values[schema] == NULL || !in_tenant(database, &object->values[schema]))
		return object;
	struct object *copy = tenant_object(arena, object, TENANT_PLACEHOLDER);
	copy->values[schema] = TENANT_PLACEHOLDER;
	return copy;
}

struct snapshot *tenant_shared(struct arena *arena, const struct snapshot *database)
{
	struct snapshot *snapshot = snapshot_like(arena, database);
	snapshot->objects = arena_array(arena, database->n_objects, sizeof *snapshot->objects);
	snapshot->objects_capacity = database->n_objects;
	for (size_t i = 0; i < database->n_objects; i++) {
		struct object *object = database->objects[i];
		bool beneath = object->n_path > 1 || object->kind->namespace;
		if (!beneath || !in_tenant(database, object->path))
			snapshot->objects[snapshot->n_objects++] = shared_object(arena, database, object);
	}
	for (size_t i = 0; i < database->n_unread; i++) {
		const struct unread *unread = &database->unread[i];
		if (unread->path == NULL || !in_tenant(database, unread->path))
			snapshot_unread(snapshot, unread->kind, unread->path, unread->n_path, unread->why);
	}
	snapshot->version = database->version;
	return snapshot;
}

void tenant_keep(struct snapshot *snapshot, bool part)
{
	size_t kept = 0;
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (is_beneath(snapshot->objects[i], TENANT_PLACEHOLDER) == part)
			snapshot->objects[kept++] = snapshot->objects[i];
	}
	snapshot->n_objects = kept;
}

static void digest_text(struct buf *bytes, const char *text)
{
	buf_addc(bytes, text == NULL ? 'n' : text == VALUE_UNREAD ? 'u' : 't');
	if (text != NULL && text != VALUE_UNREAD)
		buf_add(bytes, text, strlen(text) + 1); // its end ends it
}

void tenant_digest(const struct snapshot *part, struct tenant_digest *digest)
{
	auto_buf structure = BUF_INIT, whole = BUF_INIT;
	for (size_t i = 0; i < part->n_objects; i++) {
		const struct object *object = part->objects[i];
		digest_text(&structure, object->kind->name);
		for (unsigned j = 0; j < object->n_path; j++)
			digest_text(&structure, object->path[j]);
		for (unsigned j = 0; j < object->kind->n_attrs; j++)
			digest_text(object->kind->attrs[j].group == GROUP_EVIDENCE ? &whole : &structure, object->values[j]);
	}
	digest_sha256_hex(structure.data, structure.length, digest->structure);
	buf_adds(&whole, digest->structure);
	digest_sha256_hex(whole.data, whole.length, digest->whole);
}
