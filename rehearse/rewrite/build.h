// SPDX-License-Identifier: PostgreSQL
// What the builders of safer statements share: see rewrite.h.
#ifndef REHEARSE_REWRITE_BUILD_H
#define REHEARSE_REWRITE_BUILD_H

#include "rehearse/rewrite/parse_tree.h"
#include "rehearse/rewrite/rewrite.h"

#define AT(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name
#define CONSTR(name) PG_QUERY__CONSTR_TYPE__CONSTR_##name
#define NODE(name) PG_QUERY__NODE__NODE_##name

struct build {
	struct arena *arena;
	const struct rewrite_request *request;
	const char **statements;
	size_t n, capacity;
	const char *remark; // what is to be known besides
	const char *advice; // where there is nothing that could be run, instead of the rule's; NULL: that
	bool outside;       // one of them cannot run in a transaction
	bool failed;        // a part could not be written
	// of ALTER TABLE
	PgQuery__AlterTableStmt *alter;
	PgQuery__Node **kept; // parts that stay as they are and were not added yet
	size_t n_kept;
	bool changed;
	const char **names; // of constraints that were made up
	size_t n_names, names_capacity;
};

// Where only its timeout is in the way of a statement, and where only its lock is.
#define ADVICE_STOPS_NOBODY "SET statement_timeout = 0 for it alone: nobody waits meanwhile"
#define ADVICE_FOR_A_MOMENT "by itself, with SET lock_timeout = '2s' and retries: it needs its lock for a moment only"


void rewrite_add(struct build *build, const char *statement); // NULL: it could not be written
const char *rewrite_quoted(struct build *build, const char *name);
const char *rewrite_relation(struct build *build, const PgQuery__RangeVar *relation); // qualified as it was
bool rewrite_is_empty(const char *text); // protobuf's absent text

// A name as the server would make it up: parts joined, the longer of the first two cut until it fits (makeObjectName). `second` and
// `label` may be NULL.
const char *rewrite_made_name(struct build *build, const char *first, const char *second, const char *label);

// Such a name that is not taken, as the server would go on to the next one: "t_a_check1".
const char *rewrite_free_name(struct build *build, const PgQuery__RangeVar *relation, const char *second, const char *label);

// What the snapshot knows; false where it does not.
bool rewrite_is_partitioned(const struct build *build, const PgQuery__RangeVar *relation);
bool rewrite_is_not_null(const struct build *build, const PgQuery__RangeVar *relation, const char *column);
const char *rewrite_column_type(const struct build *build, const PgQuery__RangeVar *relation, const char *column); // NULL: not known

// ALTER TABLE; false: none of its parts has a safer form. Its advice then.
bool rewrite_alter_table(struct build *build, PgQuery__Node *node);
const char *rewrite_alter_advice(const struct build *build, const PgQuery__AlterTableStmt *alter);

#endif
