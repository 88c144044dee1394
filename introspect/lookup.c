// SPDX-License-Identifier: PostgreSQL
// What the kinds look up while a PostgreSQL database is read: schemas, relations, members of extensions, and names by OID.
// Catalog facts are those of PostgreSQL 12-18's documentation, chapter "System Catalogs".
#include "introspect/postgres_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "introspect/oid_map.h"
#include "introspect/privileges.h"

enum { NAMES_SIZE_FIRST = 256, BOOTSTRAP_SUPERUSER = 10 };

// Recent minor releases (seen on 15.20) keep a number of their own in pg_attribute.attoptions, different in every database;
// pg_dump leaves it out as well.
static const char SERVERS_OWN_OPTION[] = "pg_attver=";

struct opclass {
	const char *name;
	unsigned oid, access_method, type;
	bool is_default;
};

struct lookup {
	struct oid_map members;  // (catalog, oid) of what extensions own
	struct oid_map schemas;  // oid -> name
	struct oid_map relations; // oid -> struct pg_relation
	struct oid_map member_names; // oid -> qualified name of an extension's relation
	struct pg_relation **list;
	size_t n_list, list_capacity;
	struct oid_map roles, access_methods, tablespaces, collations;
	struct oid_map opclasses;        // oid -> struct opclass
	struct oid_map default_opclasses; // (access method, type) -> struct opclass
	struct oid_map objects;          // (catalog, oid) -> struct object
	struct oid_map index_constraints, kept;
	const char **texts; // interned, open addressing
	size_t n_texts, texts_size;
	struct { const char *word; unsigned n; } outside[32];
	size_t n_outside;
};

static uint64_t pair(unsigned a, unsigned b)
{
	return (uint64_t)a << 32 | b;
}

struct lookup *lookup_new(struct arena *arena)
{
	struct lookup *lookup = arena_alloc(arena, sizeof *lookup);
	struct oid_map *maps[] = { &lookup->members, &lookup->schemas, &lookup->relations, &lookup->member_names, &lookup->roles, &lookup->access_methods,
	                           &lookup->tablespaces, &lookup->collations, &lookup->opclasses, &lookup->default_opclasses,
	                           &lookup->objects, &lookup->index_constraints, &lookup->kept };
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
		maps[i]->arena = arena;
	return lookup;
}

// Rows.

const char *row_text(struct row row, int column)
{
	return PQgetisnull(row.result, row.index, column) ? NULL : PQgetvalue(row.result, row.index, column);
}

bool row_flag(struct row row, int column)
{
	return PQgetvalue(row.result, row.index, column)[0] == 't';
}

const char *row_flag_text(struct row row, int column)
{
	return row_flag(row, column) ? "true" : NULL;
}

unsigned row_oid(struct row row, int column)
{
	return (unsigned)strtoul(PQgetvalue(row.result, row.index, column), NULL, 10);
}

const char *row_copy(struct postgres_read *read, struct row row, int column)
{
	return arena_strdup(read->arena, row_text(row, column));
}

const char *row_intern(struct postgres_read *read, struct row row, int column)
{
	const char *text = row_text(row, column);
	return text == NULL ? NULL : read_intern(read, text);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t array_elements(struct arena *arena, const char *text, const char ***elements)
{
	size_t n = 0, capacity = 0;
	*elements = NULL;
	const char *c = text;
	if (*c++ != '{' || *c == '}')
		return 0;
	for (;;) {
		auto_buf element = BUF_INIT;
		if (*c == '"') {
			for (c++; *c != '\0' && *c != '"'; c++) {
				if (*c == '\\' && c[1] != '\0')
					c++;
				buf_addc(&element, *c);
			}
			if (*c == '"')
				c++;
		} else {
			size_t length = strcspn(c, ",}");
			buf_add(&element, c, length);
			c += length;
		}
		*elements = arena_grow(arena, *elements, n, &capacity, sizeof **elements);
		(*elements)[n++] = buf_copy(&element, arena);
		if (*c++ != ',')
			return n;
	}
}

const char *row_list(struct postgres_read *read, struct row row, int column)
{
	const char *text = row_text(row, column);
	if (text == NULL || strcmp(text, "{}") == 0)
		return NULL;
	const char **elements;
	size_t n = array_elements(read->arena, text, &elements);
	qsort(elements, n, sizeof *elements, text_compare);
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(elements[i], SERVERS_OWN_OPTION, strlen(SERVERS_OWN_OPTION)) == 0)
			continue;
		buf_adds(&list, list.length > 0 ? ", " : "");
		buf_adds(&list, elements[i]);
	}
	return list.length == 0 ? NULL : read_intern(read, list.data);
}

int row_numbers(struct row row, int column, int *numbers, int size)
{
	const char *text = row_text(row, column);
	if (text == NULL)
		return -1;
	int n = 0;
	while (*text != '\0' && n < size) {
		if ((*text >= '0' && *text <= '9') || *text == '-') {
			char *end;
			numbers[n++] = (int)strtol(text, &end, 10);
			text = end;
		} else {
			text++;
		}
	}
	return n;
}

// Interning.

const char *read_intern(struct postgres_read *read, const char *text)
{
	struct lookup *lookup = read->lookup;
	if (lookup->n_texts * 2 >= lookup->texts_size) {
		size_t size = lookup->texts_size == 0 ? NAMES_SIZE_FIRST : lookup->texts_size * 4;
		const char **texts = arena_array(read->arena, size, sizeof *texts);
		for (size_t i = 0; i < lookup->texts_size; i++) {
			if (lookup->texts[i] == NULL)
				continue;
			size_t at = oid_map_hash(OID_MAP_HASH, lookup->texts[i], false) & (size - 1);
			while (texts[at] != NULL)
				at = (at + 1) & (size - 1);
			texts[at] = lookup->texts[i];
		}
		lookup->texts = texts;
		lookup->texts_size = size;
	}
	size_t at = oid_map_hash(OID_MAP_HASH, text, false) & (lookup->texts_size - 1);
	while (lookup->texts[at] != NULL) {
		if (strcmp(lookup->texts[at], text) == 0)
			return lookup->texts[at];
		at = (at + 1) & (lookup->texts_size - 1);
	}
	lookup->n_texts++;
	return lookup->texts[at] = arena_strdup(read->arena, text);
}

// Lookups.

const char *read_schema(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->schemas, oid);
}

struct pg_relation *read_relation(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->relations, oid);
}

struct pg_relation *const *read_relations(struct postgres_read *read, size_t *n)
{
	*n = read->lookup->n_list;
	return read->lookup->list;
}

const char *read_relation_name(struct postgres_read *read, unsigned oid)
{
	const struct pg_relation *relation = read_relation(read, oid);
	if (relation == NULL)
		return oid_map_get(&read->lookup->member_names, oid);
	const char *path[] = { relation->schema, relation->name };
	return sql_name_copy(read->arena, path, 2);
}

bool read_is_member(struct postgres_read *read, enum pg_catalog catalog, unsigned oid)
{
	return oid_map_get(&read->lookup->members, pair(catalog, oid)) != NULL;
}

const char *read_column(const struct pg_relation *relation, int attnum)
{
	return attnum >= 1 && (size_t)attnum <= relation->n_columns ? relation->columns[attnum - 1].name : NULL;
}

const char *read_role(struct postgres_read *read, unsigned oid)
{
	return oid == BOOTSTRAP_SUPERUSER ? "(bootstrap superuser)" : oid_map_get(&read->lookup->roles, oid);
}

const char *read_owner(struct postgres_read *read, unsigned oid)
{
	return read->groups & (1u << GROUP_OWNER | 1u << GROUP_ACL) ? oid_map_get(&read->lookup->roles, oid) : NULL;
}

const char *read_access_method(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->access_methods, oid);
}

const char *read_tablespace(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->tablespaces, oid);
}

const char *read_collation(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->collations, oid);
}

const char *read_opclass(struct postgres_read *read, unsigned oid, unsigned access_method, unsigned type)
{
	const struct opclass *opclass = oid_map_get(&read->lookup->opclasses, oid);
	if (opclass == NULL)
		return NULL;
	const struct opclass *default_ = oid_map_get(&read->lookup->default_opclasses, pair(access_method, type));
	// a type without a default of its own (varchar, enums, arrays, domains) takes that of the type it stands for
	bool by_itself = default_ == NULL ? opclass->is_default : default_->oid == oid;
	return by_itself ? NULL : opclass->name;
}

const char *read_opclass_name(struct postgres_read *read, unsigned oid)
{
	const struct opclass *opclass = oid_map_get(&read->lookup->opclasses, oid);
	return opclass == NULL ? NULL : opclass->name;
}

void read_remember(struct postgres_read *read, enum pg_catalog catalog, unsigned oid, struct object *object)
{
	oid_map_put(&read->lookup->objects, pair(catalog, oid), object);
}

struct object *read_object(struct postgres_read *read, enum pg_catalog catalog, unsigned oid)
{
	return oid_map_get(&read->lookup->objects, pair(catalog, oid));
}

void read_remember_index(struct postgres_read *read, unsigned index, struct object *constraint)
{
	oid_map_put(&read->lookup->index_constraints, index, constraint);
}

struct object *read_index_constraint(struct postgres_read *read, unsigned index)
{
	return oid_map_get(&read->lookup->index_constraints, index);
}

void read_keep(struct postgres_read *read, unsigned oid, void *thing)
{
	oid_map_put(&read->lookup->kept, oid, thing);
}

void *read_kept(struct postgres_read *read, unsigned oid)
{
	return oid_map_get(&read->lookup->kept, oid);
}

struct object *read_add(struct postgres_read *read, const struct kind *kind, const char *schema, const char *name)
{
	const char *path[] = { schema, name };
	return snapshot_add(read->snapshot, kind, path, 2);
}

struct object *read_add_child(struct postgres_read *read, const struct kind *kind, const struct object *relation, const char *name)
{
	const char *path[] = { relation->path[0], relation->path[1], name };
	return snapshot_add(read->snapshot, kind, path, 3);
}

// The lookups' queries.

static void member_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->members, pair(row_oid(row, 0), row_oid(row, 1)), read);
}

static const char *qualified(struct postgres_read *read, const char *schema, const char *name)
{
	const char *parts[] = { schema, name };
	bool system = strcmp(schema, "pg_catalog") == 0;
	return sql_name_copy(read->arena, system ? parts + 1 : parts, system ? 1 : 2);
}

static void role_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->roles, row_oid(row, 0), arena_strdup(read->arena, row_text(row, 1)));
}

static void access_method_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->access_methods, row_oid(row, 0), arena_strdup(read->arena, row_text(row, 1)));
}

static void tablespace_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->tablespaces, row_oid(row, 0), arena_strdup(read->arena, row_text(row, 1)));
}

static void collation_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->collations, row_oid(row, 0), (void *)qualified(read, row_text(row, 1), row_text(row, 2)));
}

static void opclass_row(struct postgres_read *read, struct row row)
{
	struct opclass *opclass = arena_alloc(read->arena, sizeof *opclass);
	*opclass = (struct opclass){ qualified(read, row_text(row, 1), row_text(row, 2)), row_oid(row, 0), row_oid(row, 3),
	                             row_oid(row, 4), row_flag(row, 5) };
	oid_map_put(&read->lookup->opclasses, opclass->oid, opclass);
	if (opclass->is_default)
		oid_map_put(&read->lookup->default_opclasses, pair(opclass->access_method, opclass->type), opclass);
}

static const struct kind *relkind_kind(char relkind)
{
	for (size_t i = 0; kinds[i] != NULL; i++) {
		if (kinds[i]->relkinds != NULL && strchr(kinds[i]->relkinds, relkind) != NULL)
			return kinds[i];
	}
	return NULL;
}

static void relation_row(struct postgres_read *read, struct row row)
{
	const char *schema = read_schema(read, row_oid(row, 1));
	unsigned oid = row_oid(row, 0);
	if (schema == NULL)
		return;
	if (read_is_member(read, PG_CLASS, oid)) { // only its name is of use
		oid_map_put(&read->lookup->member_names, oid, (void *)qualified(read, schema, row_text(row, 2)));
		return;
	}
	if (*row_text(row, 3) == 'f')
		read_outside(read, "foreign table");
	struct pg_relation *relation = arena_alloc(read->arena, sizeof *relation);
	*relation = (struct pg_relation){
		.oid = oid, .schema = schema, .name = row_copy(read, row, 2), .relkind = *row_text(row, 3),
		.relpersistence = row_text(row, 4)[0], .relrowsecurity = row_text(row, 4)[1] == 't',
		.relforcerowsecurity = row_text(row, 4)[2] == 't', .relreplident = row_text(row, 4)[3],
		.relispartition = row_text(row, 4)[4] == 't',
		.relowner = row_oid(row, 5), .reltablespace = row_oid(row, 6), .relam = row_oid(row, 7),
		.reloptions = row_list(read, row, 8), .of_type = row_copy(read, row, 9), .toast_options = row_list(read, row, 10), .reltype = row_oid(row, 11),
	};
	struct lookup *lookup = read->lookup;
	oid_map_put(&lookup->relations, oid, relation);
	lookup->list = arena_grow(read->arena, lookup->list, lookup->n_list, &lookup->list_capacity, sizeof *lookup->list);
	lookup->list[lookup->n_list++] = relation;
}

// Parents come in the order of inhseqno. Only when all are known can a relation's kind read it.
static void inherits_row(struct postgres_read *read, struct row row)
{
	struct pg_relation *child = read_relation(read, row_oid(row, 0)), *parent = read_relation(read, row_oid(row, 1));
	if (child == NULL || parent == NULL)
		return;
	const char *path[] = { parent->schema, parent->name };
	const char *name = sql_name_copy(read->arena, path, 2);
	child->parents = child->parents == NULL ? name : arena_printf(read->arena, "%s, %s", child->parents, name);
	if (child->parent == NULL)
		child->parent = parent;
}

static void schema_name_row(struct postgres_read *read, struct row row)
{
	oid_map_put(&read->lookup->schemas, row_oid(row, 0), arena_strdup(read->arena, row_text(row, 1)));
}

// Every relation is known with its parents: let the kinds make their objects. (A query of one row serves as the signal, so
// that it happens between the lookups and the first query of a kind.)
static void relations_done_row(struct postgres_read *read, struct row row)
{
	(void)row;
	for (size_t i = 0; i < read->lookup->n_list; i++) {
		struct pg_relation *relation = read->lookup->list[i];
		const struct kind *kind = relkind_kind(relation->relkind);
		if (kind == NULL)
			continue;
		relation->object = kind->relation_read(read, relation);
		if (relation->object != NULL)
			read_remember(read, PG_CLASS, relation->oid, relation->object);
		if (relation->object != NULL && relation->relkind == 'c') // its comment hangs on the type
			read_remember(read, PG_TYPE, relation->reltype, relation->object);
		if (relation->object != NULL)
			relation->object->values[ATTR_OWNER] = read_owner(read, relation->relowner);
	}
}

#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

const struct pg_query lookup_queries[] = {
	{ "extension members", // both halves by an index: pg_depend is large
	  "select classid, objid from pg_depend where refclassid = 3079 and deptype = 'e' "
	  "union all select classid, objid from pg_depend where classid = 1255 and refclassid = 1247 and deptype = 'i'", // a range type's constructors
	  .row = member_row },
	{ "schemas", "select n.oid, n.nspname from pg_namespace n where " USER_SCHEMA, .row = schema_name_row },
	{ "roles", "select oid, rolname from pg_roles", .row = role_row },
	{ "access methods", "select oid, amname from pg_am", .row = access_method_row },
	{ "tablespaces", "select oid, spcname from pg_tablespace", .row = tablespace_row },
	{ "collations",
	  "select c.oid, n.nspname, c.collname from pg_collation c join pg_namespace n on n.oid = c.collnamespace where c.oid <> 100",
	  .row = collation_row },
	{ "operator classes",
	  "select o.oid, n.nspname, o.opcname, o.opcmethod, o.opcintype, o.opcdefault "
	  "from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace",
	  .row = opclass_row },
	{ "relations",
	  "select c.oid, c.relnamespace, c.relname, c.relkind, "
	  "concat(c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition), "
	  "c.relowner, c.reltablespace, c.relam, c.reloptions, case when c.reloftype <> 0 then format_type(c.reloftype, -1) end, t.reloptions, c.reltype "
	  "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
	  "left join pg_class t on t.oid = c.reltoastrelid and t.reloptions is not null "
	  "where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and " USER_SCHEMA,
	  .row = relation_row },
	{ "inheritance",
	  "select i.inhrelid, i.inhparent from pg_inherits i join pg_class c on c.oid = i.inhrelid and c.relkind not in ('i', 'I') "
	  "order by i.inhrelid, i.inhseqno",
	  .row = inherits_row },
	{ "relations read", "select 1", .row = relations_done_row },
	{ NULL },
};

// Comments, for every object that was remembered.
static void comment_row(struct postgres_read *read, struct row row)
{
	unsigned catalog = row_oid(row, 0), oid = row_oid(row, 1);
	int attnum = (int)row_oid(row, 2);
	struct object *object = NULL;
	struct pg_relation *relation = catalog == PG_CLASS ? read_relation(read, oid) : NULL;
	if (attnum == 0)
		object = read_object(read, catalog, oid);
	else if (relation != NULL && (size_t)attnum <= relation->n_columns)
		object = relation->columns[attnum - 1].object;
	if (object != NULL)
		object->values[ATTR_COMMENT] = row_copy(read, row, 3);
}

static void outside_row(struct postgres_read *read, struct row row)
{
	if (!read_is_member(read, row_oid(row, 0), row_oid(row, 1)))
		read_outside(read, row_text(row, 2));
}

void read_outside(struct postgres_read *read, const char *text)
{
	struct lookup *lookup = read->lookup;
	const char *word = read_intern(read, text);
	size_t i = 0;
	while (i < lookup->n_outside && lookup->outside[i].word != word)
		i++;
	invariant(i < sizeof lookup->outside / sizeof *lookup->outside, "more sorts of objects than expected");
	if (i == lookup->n_outside)
		lookup->outside[lookup->n_outside++].word = word;
	lookup->outside[i].n++;
}

// One grantee's privileges on one object, as the query below lists them: "SELECT", "SELECT*" with the grant option, "-SELECT"
// for what its sort of object gives and was revoked. Where columns are no objects, theirs are their relation's.
static void privileges_row(struct postgres_read *read, struct row row)
{
	unsigned catalog = row_oid(row, 0), oid = row_oid(row, 1), attnum = row_oid(row, 2), grantee = row_oid(row, 3);
	struct pg_relation *relation = catalog == PG_CLASS ? read_relation(read, oid) : NULL;
	struct object *object = relation == NULL ? read_object(read, catalog, oid) : relation->object;
	const char *column = NULL, *name = oid_map_get(&read->lookup->roles, grantee);
	if (attnum > 0 && relation != NULL && attnum <= relation->n_columns) {
		struct object *own = relation->columns[attnum - 1].object;
		const char *column_name = read_column(relation, (int)attnum);
		column = own == NULL ? sql_name_copy(read->arena, &column_name, 1) : NULL;
		object = own == NULL ? object : own;
	}
	if (object == NULL || (grantee != 0 && name == NULL))
		return;
	name = grantee == 0 ? GRANTEE_PUBLIC : row_flag(row, 4) ? GRANTEE_OWNER : sql_name_copy(read->arena, &name, 1);
	struct privileges privileges = privileges_parse(read->arena, object->values[ATTR_PRIVILEGES]);
	for (const char *c = row_text(row, 5); *c != '\0';) {
		struct privilege one = { .grantee = name, .column = column, .lacks = *c == '-' };
		c += one.lacks;
		size_t length = strcspn(c, "*,");
		one.name = arena_strndup(read->arena, c, length);
		c += length;
		one.grantable = *c == '*';
		c += one.grantable;
		c += *c == ',';
		privileges_add(read->arena, &privileges, one);
	}
	object->values[ATTR_PRIVILEGES] = privileges_text(read->arena, &privileges);
}

void lookup_finish(struct postgres_read *read)
{
	for (size_t i = 0; i < read->lookup->n_outside; i++)
		snapshot_note(read->snapshot, "%u %s%s not compared by this version", read->lookup->outside[i].n,
		              read->lookup->outside[i].word, read->lookup->outside[i].n == 1 ? " is" : "s are");
}

const struct pg_query closing_queries[] = {
	{ "comments",
	  "select d.classoid, d.objoid, d.objsubid, d.description from pg_description d "
	  "where d.objoid >= 16384 or d.classoid = 'pg_catalog.pg_namespace'::regclass",
	  .group = 1u << GROUP_COMMENT, .row = comment_row },
	// What an object of its sort has by itself is acldefault's, but for the schema public: initdb lets PUBLIC use it, and up to 14
	// create in it. The grantors do not matter: what several gave counts once.
	{ "privileges",
	  "select o.catalog, o.oid, o.attnum, x.grantee, x.grantee = o.owner, string_agg(case when x.lacks then '-' else '' end || "
	  "x.privilege || case when x.grantable then '*' else '' end, ',') "
	  "from (select 1259 as catalog, c.oid, 0 as attnum, c.relowner as owner, c.relacl as acl, "
	  "acldefault(case c.relkind when 'S' then 's' else 'r' end::\"char\", c.relowner) as initial, c.relnamespace as namespace "
	  "from pg_class c where c.relacl is not null and c.relkind in ('r', 'p', 'v', 'm', 'S') "
	  "union all select 1259, c.oid, a.attnum, c.relowner, a.attacl, acldefault('c', c.relowner), c.relnamespace from pg_attribute a "
	  "join pg_class c on c.oid = a.attrelid where a.attacl is not null and a.attnum > 0 and not a.attisdropped "
	  "union all select 1255, p.oid, 0, p.proowner, p.proacl, acldefault('f', p.proowner), p.pronamespace from pg_proc p "
	  "where p.proacl is not null "
	  "union all select 1247, t.oid, 0, t.typowner, t.typacl, acldefault('T', t.typowner), t.typnamespace from pg_type t "
	  "where t.typacl is not null "
	  "union all select 2615, n.oid, 0, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)), "
	  "case when n.nspname = 'public' then array_cat(acldefault('n', n.nspowner), array[makeaclitem(0, n.nspowner, 'USAGE', false)"
	  "@15{}{, makeaclitem(0, n.nspowner, 'CREATE', false)}]) else acldefault('n', n.nspowner) end, n.oid from pg_namespace n "
	  "where n.nspacl is not null or n.nspname = 'public') o "
	  "join pg_namespace n on n.oid = o.namespace and " USER_SCHEMA " "
	  "cross join lateral (select coalesce(g.grantee, d.grantee) as grantee, coalesce(g.privilege_type, d.privilege_type) as privilege, "
	  "g.grantee is null as lacks, g.grantable and g.grantee <> o.owner as grantable "
	  "from (select grantee, privilege_type, bool_or(is_grantable) as grantable from aclexplode(o.acl) group by 1, 2) g "
	  "full join (select grantee, privilege_type from aclexplode(o.initial)) d using (grantee, privilege_type) "
	  "where g.grantee is null or d.grantee is null or (g.grantable and g.grantee <> o.owner)) x group by 1, 2, 3, 4, 5",
	  .group = 1u << GROUP_ACL, .row = privileges_row },
	{ "objects outside the model",
	  "select 3466::oid, e.oid, 'event trigger' from pg_event_trigger e "
	  "union all select 6104, p.oid, 'publication' from pg_publication p "
	  "union all select 1417, s.oid, 'foreign server' from pg_foreign_server s "
	  "union all select 2328, w.oid, 'foreign-data wrapper' from pg_foreign_data_wrapper w where w.oid >= 16384 "
	  // who may not see more of a subscription sees this column; on 12 and 13 that excludes its oid
	  "union all select 6100, 0, 'subscription' from pg_subscription s "
	  "where s.subdbid = (select d.oid from pg_database d where d.datname = current_database()) "
	  "union all select 2612, l.oid, 'language' from pg_language l where l.oid >= 16384 "
	  "union all select 2607, c.oid, 'conversion' from pg_conversion c where c.oid >= 16384 "
	  "union all select 2601, a.oid, 'access method' from pg_am a where a.oid >= 16384 "
	  "union all select 3381, s.oid, 'extended statistics object' from pg_statistic_ext s "
	  "union all select 3456, c.oid, 'collation' from pg_collation c where c.oid >= 16384 and c.collnamespace <> 11 "
	  "union all select 2617, o.oid, 'operator' from pg_operator o where o.oid >= 16384 "
	  "union all select 2616, o.oid, 'operator class' from pg_opclass o where o.oid >= 16384 "
	  "union all select 2605, c.oid, 'cast' from pg_cast c where c.oid >= 16384 "
	  "and not exists (select from pg_range r where r.rngtypid = c.castsource) "
	  "union all select 3602, c.oid, 'text search configuration' from pg_ts_config c where c.oid >= 16384 "
	  "union all select 3600, d.oid, 'text search dictionary' from pg_ts_dict d where d.oid >= 16384 "
	  "union all select 1247, t.oid, case t.typtype when 'r' then 'range type' else 'base type' end from pg_type t "
	  "where t.oid >= 16384 and t.typtype in ('r', 'b') and t.typelem = 0 and t.typisdefined",
	  .row = outside_row },
	{ NULL },
};
