// SPDX-License-Identifier: PostgreSQL
// What the kinds' create, drop and alter have in common: names of the sorts that DDL wants, lists, storage options. All of
// them only write text; nothing here is run.
#ifndef INTROSPECT_DDL_H
#define INTROSPECT_DDL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "introspect/snapshot.h"

struct arena;
struct buf;

// The object's own name, the relation that a child hangs on, and [schema, name] for an index (whose path has its table).
void ddl_own_name(struct buf *sql, const struct object *object);
void ddl_parent_name(struct buf *sql, const struct object *object);
void ddl_schema_name(struct buf *sql, const struct object *object, const char *name);

// "ALTER TABLE public.t " and the like, up to and with the blank.
void ddl_alter(struct buf *sql, const struct object *object);       // ALTER <kind->sql> name
void ddl_alter_table(struct buf *sql, const struct object *object); // ALTER TABLE parent

// As struct kind's drop: DROP <kind->sql> name, and DROP <kind->sql> name ON relation.
bool ddl_drop(struct buf *sql, const struct snapshot *in, const struct object *object);
bool ddl_drop_on(struct buf *sql, const struct snapshot *in, const struct object *object);

// COMMENT ON, OWNER TO, GRANT and REVOKE, where `attrs` asks for them; `identity` is the object as these statements name it
// ("POLICY p ON public.t"). Clears their bits.
void ddl_common(struct buf *sql, const char *identity, const struct object *from, const struct object *to, uint32_t *attrs);
// The bits of those that an object has, for one that is made.
uint32_t ddl_common_set(const struct object *object);
// Those of a new object.
void ddl_common_of_new(struct buf *sql, const char *identity, const struct object *object);

// Lists of attributes are "a, b": the elements, cut at commas outside parentheses, brackets and quotes, blanks around them
// left out.
const char **ddl_list(struct arena *arena, const char *list, size_t *n);

// An expression in parentheses, unless it stands in them already.
void ddl_parenthesised(struct buf *sql, const char *expression);

// Storage options as the attributes hold them ("fillfactor=70, x=y") in parentheses: (fillfactor=70, x='y'). `prefix`
// stands before each name ("toast."). Nothing for NULL.
void ddl_options(struct buf *sql, const char *list, const char *prefix);
// What makes options `from` equal to `to`: "<start> SET (...);\n<start> RESET (...);\n".
void ddl_change_options(struct buf *sql, const char *start, const char *from, const char *to, const char *prefix);

// "DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS" or "ENABLE" for the attribute `enabled` of triggers and rules.
const char *ddl_enable(const char *enabled);

// CLUSTER ON and REPLICA IDENTITY of an index, as the attributes of indexes and of constraints with an index hold them.
void ddl_index_state(struct buf *sql, const struct object *object, const char *from, const char *to);

// What hangs on an object that was dropped and made again: its triggers, indexes, rules.
void ddl_children(struct buf *sql, const struct snapshot *in, const struct object *object);

// Whether two values are the same text, or both NULL.
bool ddl_same(const char *a, const char *b);
// Whether any of the attributes in `attrs` (bits by index; all: UINT32_MAX) of the object could not be read.
bool ddl_has_unread(const struct object *object, uint32_t attrs);

// A remark that stands by itself where no statement exists: "-- text" with `format` as in printf, one line.
void ddl_remark(struct buf *sql, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The remark for what SQLite can only do by rebuilding a table.
void ddl_rebuild(struct buf *sql, const struct object *object, const char *what);

// Of one kind, for another: CREATE SEQUENCE without its owner, and ALTER SEQUENCE ... OWNED BY (a table is made between
// them); a constraint as CREATE TABLE and ADD CONSTRAINT write it; a column as CREATE TABLE and ADD COLUMN write it.
void sequence_definition(struct buf *sql, const struct object *sequence);
void sequence_owner(struct buf *sql, const struct object *sequence);
void column_definition(struct buf *sql, const struct snapshot *in, const struct object *column);
void constraint_definition(struct buf *sql, const struct snapshot *in, const struct object *constraint);
// What CREATE TABLE cannot say about a column: STORAGE, STATISTICS, options.
void column_settings(struct buf *sql, const struct snapshot *in, const struct object *column);

#endif
