// SPDX-License-Identifier: PostgreSQL
// Aggregates: a row of pg_aggregate and the row of pg_proc that it hangs on.
#include "introspect/postgres_read.h"

#include "base/arena.h"

enum {
	RESULT = ATTR_FIRST_OWN, STATE_FUNCTION, STATE_TYPE, STATE_SPACE, FINAL_FUNCTION, FINAL_MODIFY, COMBINE_FUNCTION,
	SERIAL_FUNCTION, DESERIAL_FUNCTION, INITIAL_CONDITION, MOVING_STATE_FUNCTION, MOVING_INVERSE_FUNCTION, MOVING_STATE_TYPE,
	MOVING_FINAL_FUNCTION, MOVING_INITIAL_CONDITION, SORT_OPERATOR, AGGREGATE_KIND, PARALLEL,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
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
	for (int i = RESULT; i <= PARALLEL; i++) // the query's columns are in the order of the attributes
		aggregate->values[i] = row_intern(read, row, 4 + i - RESULT);
	if (read->groups & 1u << GROUP_OWNER)
		aggregate->values[ATTR_OWNER] = read_role(read, row_oid(row, 4 + PARALLEL - RESULT + 1));
}

#define FUNCTION(name) "nullif(a." name "::text, '-')"

static const struct pg_query queries[] = {
	{ "aggregates",
	  "select p.oid, p.pronamespace, p.proname, oidvectortypes(p.proargtypes), format_type(p.prorettype, null), "
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

const struct kind kind_aggregate = {
	.name = "aggregate", .sql = "AGGREGATE", .summary = "an aggregate function", .engines = ENGINE_POSTGRESQL, .arguments = true,
	KIND_ATTRS(attrs), .queries = queries,
};
