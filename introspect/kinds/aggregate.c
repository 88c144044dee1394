// SPDX-License-Identifier: PostgreSQL
// Aggregates: a row of pg_aggregate and the row of pg_proc that it hangs on.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

enum {
	ARGUMENTS = ATTR_FIRST_OWN, RESULT, STATE_FUNCTION, STATE_TYPE, STATE_SPACE, FINAL_FUNCTION, FINAL_MODIFY, COMBINE_FUNCTION,
	SERIAL_FUNCTION, DESERIAL_FUNCTION, INITIAL_CONDITION, MOVING_STATE_FUNCTION, MOVING_INVERSE_FUNCTION, MOVING_STATE_TYPE,
	MOVING_FINAL_FUNCTION, MOVING_INITIAL_CONDITION, SORT_OPERATOR, AGGREGATE_KIND, PARALLEL,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[ARGUMENTS] = { "arguments", FORM_TEXT },
	[RESULT] = { "result", FORM_TEXT },
	[STATE_FUNCTION] = { "state_function", FORM_TEXT },
	[STATE_TYPE] = { "state_type", FORM_TEXT },
	[STATE_SPACE] = { "state_space", FORM_TEXT },
	[FINAL_FUNCTION] = { "final_function", FORM_TEXT },
	[FINAL_MODIFY] = { "final_modify", FORM_TEXT },
	[COMBINE_FUNCTION] = { "combine_function", FORM_TEXT },
	[SERIAL_FUNCTION] = { "serial_function", FORM_TEXT },
	[DESERIAL_FUNCTION] = { "deserial_function", FORM_TEXT },
	[INITIAL_CONDITION] = { "initial_condition", FORM_TEXT },
	[MOVING_STATE_FUNCTION] = { "moving_state_function", FORM_TEXT },
	[MOVING_INVERSE_FUNCTION] = { "moving_inverse_function", FORM_TEXT },
	[MOVING_STATE_TYPE] = { "moving_state_type", FORM_TEXT },
	[MOVING_FINAL_FUNCTION] = { "moving_final_function", FORM_TEXT },
	[MOVING_INITIAL_CONDITION] = { "moving_initial_condition", FORM_TEXT },
	[SORT_OPERATOR] = { "sort_operator", FORM_TEXT },
	[AGGREGATE_KIND] = { "aggregate_kind", FORM_TEXT },
	[PARALLEL] = { "parallel", FORM_TEXT },
};

static void aggregate_row(struct postgres_read *read, struct row row)
{
	const char *schema = read_schema(read, row_oid(row, 1));
	if (schema == NULL || read_is_member(read, PG_PROC, row_oid(row, 0)))
		return;
	struct object *aggregate =
		read_add(read, &kind_aggregate, schema, arena_printf(read->arena, "%s(%s)", row_text(row, 2), row_text(row, 3)));
	read_remember(read, PG_PROC, row_oid(row, 0), aggregate);
	for (int i = ARGUMENTS; i <= PARALLEL; i++) // the query's columns are in the order of the attributes
		aggregate->values[i] = row_intern(read, row, 4 + i - ARGUMENTS);
	aggregate->values[ATTR_OWNER] = read_owner(read, row_oid(row, 4 + PARALLEL - ARGUMENTS + 1));
}

#define FUNCTION(name) "nullif(a." name "::text, '-')"

static const struct pg_query queries[] = {
	{ "aggregates",
	  "select p.oid, p.pronamespace, p.proname, oidvectortypes(p.proargtypes), nullif(pg_get_function_arguments(p.oid), ''), "
	  "format_type(p.prorettype, null), "
	  FUNCTION("aggtransfn") ", format_type(a.aggtranstype, null), nullif(a.aggtransspace, 0), " FUNCTION("aggfinalfn") ", "
	  "nullif(concat(case when a.aggfinalextra then 'EXTRA ' end, case a.aggfinalmodify when 's' then 'SHAREABLE' when 'w' then "
	  "'READ_WRITE' end), ''), "
	  FUNCTION("aggcombinefn") ", " FUNCTION("aggserialfn") ", " FUNCTION("aggdeserialfn") ", a.agginitval, "
	  FUNCTION("aggmtransfn") ", " FUNCTION("aggminvtransfn") ", "
	  "case when a.aggmtranstype <> 0 then format_type(a.aggmtranstype, null) end, " FUNCTION("aggmfinalfn") ", a.aggminitval, "
	  "case when a.aggsortop <> 0 then a.aggsortop::regoperator end, "
	  "case a.aggkind when 'o' then 'ordered-set' when 'h' then 'hypothetical-set' end, "
	  "case p.proparallel when 's' then 'SAFE' when 'r' then 'RESTRICTED' end, p.proowner "
	  "from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid where p.oid >= 16384",
	  .row = aggregate_row },
	{ NULL },
};

// "EXTRA READ_WRITE", in two options.
static void add_final_modify(struct buf *sql, const char *modify)
{
	if (strstr(modify, "EXTRA") != NULL)
		buf_adds(sql, ",\n    FINALFUNC_EXTRA");
	const char *word = strncmp(modify, "EXTRA", 5) == 0 ? modify + 5 + strspn(modify + 5, " ") : modify;
	if (*word != '\0')
		buf_addf(sql, ",\n    FINALFUNC_MODIFY = %s", word);
}

static void write_aggregate(struct buf *sql, const struct object *aggregate)
{
	const char *const *values = aggregate->values;
	auto_buf plain = BUF_INIT;
	buf_add(&plain, aggregate->path[1], strcspn(aggregate->path[1], "("));
	const char *path[] = { aggregate->path[0], plain.data };
	buf_adds(sql, "CREATE OR REPLACE AGGREGATE ");
	sql_name(sql, path, 2);
	buf_addf(sql, "(%s) (\n    SFUNC = %s,\n    STYPE = %s", values[ARGUMENTS] == NULL ? "*" : values[ARGUMENTS],
	         values[STATE_FUNCTION], values[STATE_TYPE]);
	static const struct { int attr; const char *name; bool literal; } options[] = {
		{ STATE_SPACE, "SSPACE", false }, { FINAL_FUNCTION, "FINALFUNC", false }, { COMBINE_FUNCTION, "COMBINEFUNC", false },
		{ SERIAL_FUNCTION, "SERIALFUNC", false }, { DESERIAL_FUNCTION, "DESERIALFUNC", false }, { INITIAL_CONDITION, "INITCOND", true },
		{ MOVING_STATE_FUNCTION, "MSFUNC", false }, { MOVING_INVERSE_FUNCTION, "MINVFUNC", false },
		{ MOVING_STATE_TYPE, "MSTYPE", false },
		{ MOVING_FINAL_FUNCTION, "MFINALFUNC", false }, { MOVING_INITIAL_CONDITION, "MINITCOND", true }, { PARALLEL, "PARALLEL", false },
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (values[options[i].attr] == NULL)
			continue;
		buf_addf(sql, ",\n    %s = ", options[i].name);
		if (options[i].literal)
			sql_literal(sql, values[options[i].attr]);
		else
			buf_adds(sql, values[options[i].attr]);
	}
	if (values[FINAL_MODIFY] != NULL)
		add_final_modify(sql, values[FINAL_MODIFY]);
	if (values[SORT_OPERATOR] != NULL) { // "<(integer,integer)", "public.<(a,b)"
		size_t length = (size_t)(strrchr(values[SORT_OPERATOR], '(') - values[SORT_OPERATOR]);
		bool qualified = memchr(values[SORT_OPERATOR], '.', length) != NULL;
		buf_addf(sql, ",\n    SORTOP = OPERATOR(%s%.*s)", qualified ? "" : "pg_catalog.", (int)length, values[SORT_OPERATOR]);
	}
	if (values[AGGREGATE_KIND] != NULL && strcmp(values[AGGREGATE_KIND], "hypothetical-set") == 0)
		buf_adds(sql, ",\n    HYPOTHETICAL");
	buf_adds(sql, "\n);\n");
}

// The name as DROP and COMMENT want it: the arguments of an aggregate without any are a star, and those of an ordered-set
// aggregate are written as they were declared.
static void aggregate_identity(struct buf *sql, const struct object *aggregate)
{
	auto_buf plain = BUF_INIT;
	buf_add(&plain, aggregate->path[1], strcspn(aggregate->path[1], "("));
	const char *path[] = { aggregate->path[0], plain.data };
	buf_adds(sql, "AGGREGATE ");
	sql_name(sql, path, 2);
	buf_addf(sql, "(%s)", aggregate->values[ARGUMENTS] == NULL ? "*" : aggregate->values[ARGUMENTS]);
}

static bool aggregate_create(struct buf *sql, const struct snapshot *in, const struct object *aggregate)
{
	(void)in;
	write_aggregate(sql, aggregate);
	auto_buf identity = BUF_INIT;
	aggregate_identity(&identity, aggregate);
	ddl_common_of_new(sql, identity.data, aggregate);
	return true;
}

static bool aggregate_drop(struct buf *sql, const struct snapshot *in, const struct object *aggregate)
{
	(void)in;
	buf_adds(sql, "DROP ");
	aggregate_identity(sql, aggregate);
	buf_adds(sql, ";\n");
	return true;
}

static bool aggregate_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                            uint32_t changed)
{
	bool anew = changed & (1u << ARGUMENTS | 1u << RESULT | 1u << STATE_TYPE | 1u << AGGREGATE_KIND);
	if (anew)
		aggregate_drop(sql, in, from);
	if (changed & ~COMMON_BITS)
		write_aggregate(sql, to);
	auto_buf identity = BUF_INIT;
	aggregate_identity(&identity, to);
	changed = anew ? ddl_common_set(to) : changed;
	ddl_common(sql, identity.data, anew ? NULL : from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_aggregate = {
	.name = "aggregate", .sql = "AGGREGATE", .summary = "an aggregate function", .engines = ENGINE_POSTGRESQL, .arguments = true,
	.grant_on = "FUNCTION", KIND_ATTRS(attrs), .queries = queries,
	.dated = DATED_ROUTINE,
	.create = aggregate_create, .drop = aggregate_drop, .alter = aggregate_alter,
};
