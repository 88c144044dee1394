// SPDX-License-Identifier: PostgreSQL
// A schema is an outline of named objects, each with named text attributes. A kind says what sort of thing an object is:
// its word, its attributes, how each engine reads it, and the SQL that makes, changes and drops one. Kinds are data, one
// file each under kinds/; nothing outside a kind's file knows what the kind is about.
//
// How to add a kind: write kinds/<kind>.c, which defines `const struct kind kind_<name>`; add its line to kinds.def (the
// order there is the order of reading: what is looked up comes first) and the file to local.mk; add a fixture for each of
// its attributes to tests/cases (a test fails while one is missing).
#ifndef INTROSPECT_KIND_H
#define INTROSPECT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct object;
struct pg_query;
struct pg_relation;
struct postgres_read;
struct snapshot;
struct sqlite_item;
struct sqlite_read;

enum engine { ENGINE_POSTGRESQL = 1, ENGINE_SQLITE = 2 }; // bits

// How an attribute's text is written, which decides how two of them may differ and still be equal.
enum attr_form {
	FORM_TEXT,       // names, numbers, lists: byte by byte
	FORM_FLAG,       // "true", or absent for no
	FORM_EXPRESSION, // an SQL expression or a list of them: by tokens, then by round trip
	FORM_STATEMENT,  // a whole SQL statement or query: likewise
	FORM_BODY,       // source of a function: byte by byte, shown as a diff of lines
};

// Groups of attributes. All but GROUP_STRUCTURE are off unless named by --include; GROUP_EVIDENCE is never compared: it is
// read for the classification.
enum attr_group {
	GROUP_STRUCTURE, GROUP_COMMENT, GROUP_COLUMN_ORDER, GROUP_OWNER, GROUP_ACL, GROUP_COSMETIC, GROUP_EVIDENCE,
};
#define GROUPS_ALL ((1u << GROUP_EVIDENCE) - 1) // that can be asked for
extern const char *const attr_group_names[]; // "structure", "comment", "column-order", ...; NULL-ended

struct attr {
	const char *name; // lower case, words joined by '_': the key in JSON
	enum attr_form form;
	enum attr_group group;
};

enum { ATTRS_MAX = 32 };

struct kind {
	const char *name;    // the word in JSON, ignore patterns and reports: "materialized view"
	const char *sql;     // the word in DDL, for DROP and COMMENT: "MATERIALIZED VIEW"
	const char *summary; // one line for `driftcheck kinds`
	unsigned engines;    // bits of enum engine

	bool namespace; // it holds the objects whose path begins with its own (schemas)
	bool relation; // it lives in the namespace of relations and types [schema, name]; objects may hang beneath it
	bool child;    // its path is its relation's path plus one name, and it goes when the relation goes
	bool arguments; // the last part of its path carries argument types: f(integer, text)
	bool name_inside; // its FORM_STATEMENT attribute holds its own name (triggers, rules)
	int owned_by;   // an attribute that holds the SQL name of the column that it goes with (sequences); 0: none
	int part_of;    // an attribute that holds the SQL name of what it is a part of, parts of which may be made at run time
	                // (partitions); 0: none
	int inherits;   // an attribute that names what it has columns and constraints from besides; 0: none
	int column_list; // an attribute that lists its columns, which are no objects then (views, types); 0: none
	const char *grant_on; // its word in GRANT ... ON; NULL: it has no privileges of its own

	const struct attr *attrs;
	unsigned n_attrs;

	// PostgreSQL: `relkinds` are the letters of pg_class.relkind whose rows become objects of this kind, through
	// `relation_read`; `queries` is an array ended by a NULL name. See postgres_read.h.
	const char *relkinds;
	struct object *(*relation_read)(struct postgres_read *read, const struct pg_relation *relation);
	const struct pg_query *queries;
	// The xmin of every catalog row that makes up one object, whose path is w.path (an array of texts), for dating (dating.h);
	// and of what is left of one that is gone. NULL: not dated. `dated_elsewhere`: attributes (bits by index) that other rows hold.
	// `dated_touched`: maintenance (TRUNCATE, REINDEX, REFRESH) writes the rows as well.
	const char *dated, *dated_gone;
	uint32_t dated_elsewhere;
	bool dated_touched;
	void (*finish)(struct postgres_read *read); // after the last row of all queries, e.g. to leave out inherited copies

	// SQLite: called once for each row of sqlite_schema with its parsed statement. See sqlite_read.h.
	void (*sqlite_read)(struct sqlite_read *read, const struct sqlite_item *item);

	// SQL for remedies and for the round trip. `in` is the snapshot that the object comes from (a table is made with its
	// columns and the sequences that they own; in SQLite, with its constraints). Each adds whole statements, ended by
	// ";\n", and remarks, which are lines "-- ..." before a statement or in place of one that does not exist, to the
	// buffer and returns true, or returns false where there is nothing to say.
	bool (*create)(struct buf *sql, const struct snapshot *in, const struct object *object);
	bool (*drop)(struct buf *sql, const struct snapshot *in, const struct object *object);
	// The same on a live table without a long strong lock: statements that cannot run within one transaction. NULL: as above.
	bool (*create_online)(struct buf *sql, const struct snapshot *in, const struct object *object);
	bool (*drop_online)(struct buf *sql, const struct snapshot *in, const struct object *object);
	// Makes the attributes in `attrs` (bits by index) of `from` equal to those of `to`, on a live table; both have the
	// same path, `in` is the snapshot of `to`.
	bool (*alter)(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
	              uint32_t attrs);
};

// Every kind's first attributes. They are read only where asked for and are NULL otherwise.
enum { ATTR_COMMENT, ATTR_OWNER, ATTR_PRIVILEGES, ATTR_FIRST_OWN };
#define COMMON_ATTRS \
	[ATTR_COMMENT] = { "comment", FORM_TEXT, GROUP_COMMENT }, [ATTR_OWNER] = { "owner", FORM_TEXT, GROUP_OWNER }, \
	[ATTR_PRIVILEGES] = { "privileges", FORM_TEXT, GROUP_ACL } // see privileges.h
#define COMMON_BITS ((1u << ATTR_FIRST_OWN) - 1) // of all of them

#define KIND(name) extern const struct kind kind_##name;
#include "introspect/kinds.def"
#undef KIND

// All kinds in the order of kinds.def; NULL-ended.
extern const struct kind *const kinds[];

const struct kind *kind_find(const char *name);            // by its word; NULL if there is none
int kind_attr(const struct kind *kind, const char *name); // index of an attribute, -1 if there is none

#define KIND_ATTRS(array) .attrs = array, .n_attrs = sizeof array / sizeof *array

#endif
