// SPDX-License-Identifier: PostgreSQL
// What the kinds see of a PostgreSQL database while it is read: their own queries' rows, and what earlier queries looked
// up. OIDs and attnums are good within one reading only; they never reach a snapshot.
//
// A kind's query is one row of data. Its SQL runs in a REPEATABLE READ READ ONLY transaction with an empty search_path, so
// that every regclass, format_type and deparsed text comes back qualified outside pg_catalog. `@NN{new}{old}` in it stands
// for `new` on major NN and later, else for `old`; it nests. Two sorts:
//
// - Raw (deparse = false): reads catalogs only, never waits for a lock on a user's relation, and makes the objects.
// - Deparse (deparse = true): calls functions that wait behind, or keep, a lock on a user's relation (the table in
//   the reference of each function). It runs in a savepoint of its own, which is rolled back at once; if it fails, the rest
//   of the reading goes on. It fills attributes that the raw query left as VALUE_UNREAD; its first column is named
//   `oid` and identifies the row, so that it can be repeated for single objects.
#ifndef INTROSPECT_POSTGRES_READ_H
#define INTROSPECT_POSTGRES_READ_H

#include <libpq-fe.h>

#include "introspect/snapshot.h"

struct postgres_read;

struct row {
	const PGresult *result;
	int index;
};

struct pg_query {
	const char *name; // for messages: "check constraints"
	const char *sql;
	int since;    // the first major that it is sent to; 0: all
	bool deparse;
	unsigned group; // 1 << enum attr_group: sent only when that group is read; 0: always
	void (*row)(struct postgres_read *read, struct row row);
};

// OIDs of the catalogs themselves, the same on every server: an object's identity is (catalog, oid).
enum pg_catalog {
	PG_TYPE = 1247, PG_PROC = 1255, PG_CLASS = 1259, PG_CONSTRAINT = 2606, PG_NAMESPACE = 2615, PG_REWRITE = 2618,
	PG_TRIGGER = 2620, PG_EXTENSION = 3079, PG_POLICY = 3256,
};

struct pg_column {
	const char *name; // NULL: no such attnum, or dropped
	const char *type; // with typmod
	unsigned type_oid;
	unsigned collation; // OID; 0: none
	const char *generated; // "STORED", "VIRTUAL"; NULL: a plain column
	bool inherited;        // it has it from a parent
	struct object *object; // NULL where columns are no objects
};

// A relation of pg_class that is a user's own: not of an extension, not temporary.
struct pg_relation {
	unsigned oid;
	const char *schema, *name;
	char relkind, relpersistence, relreplident;
	bool relrowsecurity, relforcerowsecurity, relispartition;
	unsigned reltablespace, relam, relowner, reltype;
	const char *of_type;                    // of a typed table; NULL else
	const char *reloptions, *toast_options; // as lists, NULL for none
	const char *parents;                   // what it inherits from, or is a partition of; NULL for none
	struct pg_relation *parent;            // the first of them
	struct object *object;                 // NULL where it is no object by itself (sequences until they are read)
	struct pg_column *columns;             // by attnum - 1
	size_t n_columns, columns_capacity;
	unsigned n_dropped;
};

struct postgres_read {
	struct snapshot *snapshot;
	struct arena *arena;
	int major;
	unsigned groups; // bits 1 << enum attr_group that are read besides GROUP_STRUCTURE
	struct lookup *lookup;
};

// The fields of a row. row_text is NULL for SQL NULL and lives as long as the row; the others are in the arena.
const char *row_text(struct row row, int column);
bool row_flag(struct row row, int column); // SQL boolean
unsigned row_oid(struct row row, int column);
const char *row_copy(struct postgres_read *read, struct row row, int column);   // NULL for SQL NULL
const char *row_intern(struct postgres_read *read, struct row row, int column); // equal texts share memory
const char *row_flag_text(struct row row, int column);                          // "true" or NULL
// An array whose order means nothing (options, roles) as "a, b", sorted; NULL for SQL NULL or {}.
const char *row_list(struct postgres_read *read, struct row row, int column);
// The elements of an array in PostgreSQL's text form: {a,"b c"}.
size_t array_elements(struct arena *arena, const char *text, const char ***elements);
// An int2vector or an array of integers; returns how many, -1 for SQL NULL.
int row_numbers(struct row row, int column, int *numbers, int size);

const char *read_intern(struct postgres_read *read, const char *text);

// Lookups; NULL where the OID is unknown, of the system, or of an extension: then the row is to be left out.
const char *read_schema(struct postgres_read *read, unsigned oid);
struct pg_relation *read_relation(struct postgres_read *read, unsigned oid);
// Every relation, in no particular order.
struct pg_relation *const *read_relations(struct postgres_read *read, size_t *n);
bool read_is_member(struct postgres_read *read, enum pg_catalog catalog, unsigned oid); // of an extension
// The qualified name of any relation of a user's schema, an extension's as well; NULL if unknown.
const char *read_relation_name(struct postgres_read *read, unsigned oid);
const char *read_column(const struct pg_relation *relation, int attnum); // its name; NULL if there is none
// Names by OID, qualified outside pg_catalog; NULL if unknown. The superuser that initdb made has another name on every
// cluster: it is "(bootstrap superuser)".
const char *read_role(struct postgres_read *read, unsigned oid);
// The same as the server has it; NULL where neither owners nor privileges are read.
const char *read_owner(struct postgres_read *read, unsigned oid);
const char *read_access_method(struct postgres_read *read, unsigned oid);
const char *read_tablespace(struct postgres_read *read, unsigned oid);
const char *read_collation(struct postgres_read *read, unsigned oid);
// An operator class where it has to be named: it is not what the access method takes for that type by itself. NULL else.
const char *read_opclass(struct postgres_read *read, unsigned oid, unsigned access_method, unsigned type);
const char *read_opclass_name(struct postgres_read *read, unsigned oid); // in any case

// What was read under a catalog's OID, for later queries that refer to it.
void read_remember(struct postgres_read *read, enum pg_catalog catalog, unsigned oid, struct object *object);
struct object *read_object(struct postgres_read *read, enum pg_catalog catalog, unsigned oid);
// The index behind a primary key, unique or exclusion constraint.
void read_remember_index(struct postgres_read *read, unsigned index, struct object *constraint);
struct object *read_index_constraint(struct postgres_read *read, unsigned index);

// Anything of a kind's own between two of its queries, by OID.
void read_keep(struct postgres_read *read, unsigned oid, void *thing);
void *read_kept(struct postgres_read *read, unsigned oid);

// New objects: [schema, name], and [schema, relation, name] beneath a relation. Names are copied.
struct object *read_add(struct postgres_read *read, const struct kind *kind, const char *schema, const char *name);
struct object *read_add_child(struct postgres_read *read, const struct kind *kind, const struct object *relation, const char *name);

// Counts an object that the model does not compare: it is said in a note, never passed over.
void read_outside(struct postgres_read *read, const char *word);

// For struct kind's `dated`: pg_class c, the relation at the beginning of a path, and the object of pg_type or pg_proc.
#define DATED_SCHEMA(catalog, alias, prefix) \
	catalog " " alias " join pg_namespace n on n.oid = " alias "." prefix "namespace and n.nspname = w.path[1] "
#define DATED_RELATION DATED_SCHEMA("pg_class", "c", "rel") "and c.relname = w.path[2] "
#define DATED_TYPE DATED_SCHEMA("pg_type", "t", "typ") "and t.typname = w.path[2] "
// All rows that say what a relation is: its own, those of its columns (of a table also one that is never written again), and
// of a view its definition.
#define DATED_WHOLE_RELATION \
	"select c.xmin from " DATED_RELATION \
	"union all select a.xmin from " DATED_RELATION "join pg_attribute a on a.attrelid = c.oid " \
	"union all select r.xmin from " DATED_RELATION "join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'"
// Of functions of the same name any may be meant.
#define DATED_ROUTINE "select p.xmin from " DATED_SCHEMA("pg_proc", "p", "pro") "and p.proname = split_part(w.path[2], '(', 1)"

// Queries that feed no kind: what the kinds look up, and what is outside the model (which becomes notes).
extern const struct pg_query lookup_queries[], closing_queries[];
struct lookup *lookup_new(struct arena *arena);
void lookup_finish(struct postgres_read *read);

#endif
