// SPDX-License-Identifier: PostgreSQL
// What the kinds see of a SQLite database while it is read: each row of sqlite_schema with its statement parsed, since
// SQLite keeps CHECK, constraint names, COLLATE, generated expressions, ON CONFLICT, DEFERRABLE and partial indexes in
// that text alone. The text itself is never compared: ALTER TABLE edits it in place, so equal schemas differ in it.
#ifndef INTROSPECT_SQLITE_READ_H
#define INTROSPECT_SQLITE_READ_H

#include "introspect/snapshot.h"

struct sqlite_read {
	struct snapshot *snapshot;
	struct arena *arena; // the snapshot's
};

// All expressions below are canonical text (sqlite_token.h): tokens joined by single blanks where needed, comments dropped,
// keywords in upper case, identifiers in lower case and unquoted where they can be, redundant outer parentheses removed,
// literals verbatim.
struct sqlite_column {
	const char *name;
	const char *type;      // upper case, as declared; "" for none
	const char *collation; // NULL: BINARY
	const char *default_;  // NULL: none, or NULL. An expression has lost its parentheses
	const char *generated; // the expression, NULL for a plain column
	bool stored;           // generated STORED
	bool not_null;         // as SQLite enforces it: also of the primary key in WITHOUT ROWID and STRICT tables
	const char *not_null_conflict; // of NOT NULL ON CONFLICT ...; NULL: ABORT
};

enum sqlite_constraint_type { SQLITE_PRIMARY_KEY, SQLITE_UNIQUE, SQLITE_CHECK, SQLITE_FOREIGN_KEY };

// A constraint of a table or of one of its columns (which is the same thing). Unnamed ones get a name made of what they
// are about, stable under reordering: primary_key, unique(a,b), check(expr), foreign_key(a,b). SQLite lets a name occur twice;
// the second and later ones get a number then ("foreign_key(a) 2").
struct sqlite_constraint {
	enum sqlite_constraint_type type;
	const char *name;     // its name, or the made one
	bool named;           // the name was given in the SQL
	const char *columns;  // "a, b" with COLLATE and DESC where given; NULL for CHECK
	const char *expression; // CHECK
	const char *conflict; // ON CONFLICT of PRIMARY KEY, UNIQUE; NULL: ABORT
	const char *references; // "parent (a, b)" or "parent" if no columns are named
	const char *on_update, *on_delete, *match; // NULL: NO ACTION, NO ACTION, SIMPLE
	const char *deferrable; // "DEFERRABLE INITIALLY DEFERRED" or NULL (the other forms mean: immediate)
};

enum sqlite_item_type { SQLITE_ITEM_TABLE, SQLITE_ITEM_INDEX, SQLITE_ITEM_VIEW, SQLITE_ITEM_TRIGGER };

struct sqlite_item {
	enum sqlite_item_type type;
	const char *name;
	const char *table; // of an index or trigger: what it belongs to
	const char *sql;   // the stored text

	// tables
	struct sqlite_column *columns;
	size_t n_columns;
	struct sqlite_constraint *constraints;
	size_t n_constraints;
	bool strict, without_rowid, autoincrement;
	const char *module; // of a virtual table: "fts5(a, b)"; NULL for a plain one

	// indexes
	bool unique;
	const char *parts;     // "a, b COLLATE NOCASE DESC, lower(c)"
	const char *predicate; // NULL: not partial

	// views and triggers: the canonical statement after its name ("AS SELECT ...", "AFTER INSERT ON t BEGIN ... END")
	const char *definition;
	const char *columns_list; // of a view declared with column names: "a, b"; else NULL
};

#endif
