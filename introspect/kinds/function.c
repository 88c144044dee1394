// SPDX-License-Identifier: PostgreSQL
// Functions (window functions included) and procedures: both are rows of pg_proc with the same attributes. Bodies are
// compared byte by byte; aggregates are a kind of their own.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"

enum {
	ARGUMENTS = ATTR_FIRST_OWN, RESULT, LANGUAGE, BODY, SQL_BODY, LIBRARY, WINDOW, VOLATILITY, PARALLEL, STRICT, SECURITY_DEFINER,
	LEAKPROOF, COST, ROWS, SETTINGS, SUPPORT,
};
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[ARGUMENTS] = { "arguments", FORM_EXPRESSION },
	[RESULT] = { "result", FORM_TEXT },
	[LANGUAGE] = { "language", FORM_TEXT },
	[BODY] = { "body", FORM_BODY },
	[SQL_BODY] = { "sql_body", FORM_STATEMENT },
	[LIBRARY] = { "library", FORM_TEXT },
	[WINDOW] = { "window", FORM_FLAG },
	[VOLATILITY] = { "volatility", FORM_TEXT },
	[PARALLEL] = { "parallel", FORM_TEXT },
	[STRICT] = { "strict", FORM_FLAG },
	[SECURITY_DEFINER] = { "security_definer", FORM_FLAG },
	[LEAKPROOF] = { "leakproof", FORM_FLAG },
	[COST] = { "cost", FORM_TEXT },
	[ROWS] = { "rows", FORM_TEXT },
	[SETTINGS] = { "settings", FORM_TEXT },
	[SUPPORT] = { "support", FORM_TEXT },
};

static const struct kind *prokind_kind(char prokind)
{
	static const struct { char prokind; const struct kind *kind; } kinds_of[] = {
		{ 'f', &kind_function }, { 'w', &kind_function }, { 'p', &kind_procedure },
	};
	for (size_t i = 0; i < sizeof kinds_of / sizeof *kinds_of; i++) {
		if (kinds_of[i].prokind == prokind)
			return kinds_of[i].kind;
	}
	return NULL;
}

static const char *word(char letter, const char *letters, const char *const *words)
{
	const char *at = strchr(letters, letter);
	return at == NULL ? NULL : words[at - letters];
}

// Flags, in order: kind, volatility, parallel, strict, security definer, leakproof.
enum { F_KIND, F_VOLATILITY, F_PARALLEL, F_STRICT, F_SECURITY, F_LEAKPROOF };

static void function_row(struct postgres_read *read, struct row row)
{
	const char *schema = read_schema(read, row_oid(row, 1)), *flags = row_text(row, 6);
	const struct kind *kind = prokind_kind(flags[F_KIND]);
	if (schema == NULL || kind == NULL || read_is_member(read, PG_PROC, row_oid(row, 0)))
		return;
	struct object *function = read_add(read, kind, schema, arena_printf(read->arena, "%s(%s)", row_text(row, 2), row_text(row, 3)));
	read_remember(read, PG_PROC, row_oid(row, 0), function);
	const char **values = function->values;
	values[ARGUMENTS] = row_text(row, 4)[0] == '\0' ? NULL : row_copy(read, row, 4);
	values[RESULT] = row_intern(read, row, 5);
	values[LANGUAGE] = row_intern(read, row, 7);
	values[BODY] = row_flag(row, 14) ? NULL : row_copy(read, row, 8);
	values[SQL_BODY] = row_flag(row, 14) ? VALUE_UNREAD : NULL;
	values[LIBRARY] = row_copy(read, row, 9);
	values[WINDOW] = flags[F_KIND] == 'w' ? "true" : NULL;
	values[VOLATILITY] = word(flags[F_VOLATILITY], "is", (const char *const[]){ "IMMUTABLE", "STABLE" });
	values[PARALLEL] = word(flags[F_PARALLEL], "sr", (const char *const[]){ "SAFE", "RESTRICTED" });
	values[STRICT] = flags[F_STRICT] == 't' ? "true" : NULL;
	values[SECURITY_DEFINER] = flags[F_SECURITY] == 't' ? "true" : NULL;
	values[LEAKPROOF] = flags[F_LEAKPROOF] == 't' ? "true" : NULL;
	values[COST] = row_intern(read, row, 10);
	values[ROWS] = row_intern(read, row, 11);
	values[SETTINGS] = row_list(read, row, 12);
	values[SUPPORT] = row_copy(read, row, 13);
	if (read->groups & 1u << GROUP_OWNER)
		values[ATTR_OWNER] = read_role(read, row_oid(row, 15));
}

static void sql_body_row(struct postgres_read *read, struct row row)
{
	struct object *function = read_object(read, PG_PROC, row_oid(row, 0));
	if (function != NULL && row_text(row, 1) != NULL)
		function->values[SQL_BODY] = row_copy(read, row, 1);
}

#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

static const struct pg_query queries[] = {
	// the cost that one gets without saying so is 1 for C and internal functions, else 100; of rows, 1000 for a set
	{ "functions",
	  "select p.oid, p.pronamespace, p.proname, oidvectortypes(p.proargtypes), pg_get_function_arguments(p.oid), "
	  "pg_get_function_result(p.oid), concat(p.prokind, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof), "
	  "l.lanname, p.prosrc, p.probin, "
	  "nullif(p.procost, case when l.lanname in ('c', 'internal') then 1 else 100 end), "
	  "nullif(p.prorows, case when p.proretset then 1000 else 0 end), p.proconfig, nullif(p.prosupport, 0::regproc), "
	  "@14{p.prosqlbody is not null}{false}, p.proowner "
	  "from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang "
	  "where p.prokind <> 'a' and " USER_SCHEMA,
	  .row = function_row },
	{ "function bodies in standard SQL",
	  "select p.oid, pg_get_function_sqlbody(p.oid) as def from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
	  "where p.prosqlbody is not null and " USER_SCHEMA,
	  .since = 14, .deparse = true, .row = sql_body_row },
	{ NULL },
};

const struct kind kind_function = {
	.name = "function", .sql = "FUNCTION", .summary = "a function", .engines = ENGINE_POSTGRESQL, .arguments = true,
	KIND_ATTRS(attrs), .queries = queries,
};

// Its rows come with the functions'.
const struct kind kind_procedure = {
	.name = "procedure", .sql = "PROCEDURE", .summary = "a procedure", .engines = ENGINE_POSTGRESQL, .arguments = true,
	KIND_ATTRS(attrs),
};
