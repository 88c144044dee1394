// SPDX-License-Identifier: PostgreSQL
// Functions (window functions included) and procedures: both are rows of pg_proc with the same attributes. Bodies are
// compared byte by byte; aggregates are a kind of their own.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

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

// A procedure's arguments print as "IN a integer" from 14 on and as "a integer" before: without IN, which is what one gets
// by saying nothing.
static const char *procedure_arguments(struct postgres_read *read, const char *arguments)
{
	size_t n;
	const char **items = ddl_list(read->arena, arguments, &n);
	auto_buf list = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", items[i] + (strncmp(items[i], "IN ", 3) == 0 ? 3 : 0));
	return buf_copy(&list, read->arena);
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
	values[ARGUMENTS] = row_text(row, 4)[0] == '\0' ? NULL
	                  : kind == &kind_procedure ? procedure_arguments(read, row_text(row, 4)) : row_copy(read, row, 4);
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
	values[ATTR_OWNER] = read_owner(read, row_oid(row, 15));
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

// A dollar quote that the text does not hold.
static void add_dollar_quoted(struct buf *sql, const char *text)
{
	auto_buf quote = BUF_INIT;
	buf_adds(&quote, "$$");
	for (int i = 0; strstr(text, quote.data) != NULL || (*text != '\0' && text[strlen(text) - 1] == '$' && i == 0); i++) {
		buf_reset(&quote);
		buf_addf(&quote, i == 0 ? "$body$" : "$body%d$", i);
	}
	buf_addf(sql, "%s%s%s", quote.data, text, quote.data);
}

// A setting as pg_proc.proconfig has it. Lists of names are stored quoted already; everything else is a plain value.
static void add_setting(struct buf *sql, const char *setting, size_t length)
{
	static const char *const lists[] = {
		"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
	};
	size_t name_length = strcspn(setting, "=");
	auto_buf value = BUF_INIT;
	buf_add(&value, setting + name_length + 1, length - name_length - 1);
	bool is_list = false;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		is_list |= strlen(lists[i]) == name_length && strncmp(lists[i], setting, name_length) == 0;
	buf_addf(sql, "\n SET %.*s TO ", (int)name_length, setting);
	if (is_list) // an empty list is stored as one empty name, which SQL does not take as a name
		buf_adds(sql, strcmp(value.data, "\"\"") == 0 ? "''" : value.data);
	else
		sql_literal(sql, value.data);
}

// "a=1, b=x, y": a new setting begins where a name and an equals sign follow the comma.
static void add_settings(struct buf *sql, const char *settings)
{
	while (*settings != '\0') {
		size_t length = strlen(settings), next = length;
		for (const char *comma = strstr(settings, ", "); comma != NULL; comma = strstr(comma + 2, ", ")) {
			size_t name = strspn(comma + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
			if (name > 0 && comma[2 + name] == '=') {
				length = (size_t)(comma - settings);
				next = length + 2;
				break;
			}
		}
		add_setting(sql, settings, length);
		settings += next;
	}
}

static void write_function(struct buf *sql, const struct object *function)
{
	const char *const *values = function->values;
	const char *name = function->path[1];
	auto_buf plain = BUF_INIT;
	buf_add(&plain, name, strcspn(name, "("));
	const char *path[] = { function->path[0], plain.data };
	buf_addf(sql, "CREATE OR REPLACE %s ", function->kind->sql);
	sql_name(sql, path, 2);
	buf_addf(sql, "(%s)", values[ARGUMENTS] == NULL ? "" : values[ARGUMENTS]);
	if (values[RESULT] != NULL)
		buf_addf(sql, "\n RETURNS %s", values[RESULT]);
	buf_adds(sql, "\n LANGUAGE ");
	sql_ident(sql, values[LANGUAGE]);
	static const struct { int attr; const char *words; } options[] = {
		{ WINDOW, " WINDOW" }, { VOLATILITY, " %s" }, { STRICT, " STRICT" }, { SECURITY_DEFINER, " SECURITY DEFINER" },
		{ LEAKPROOF, " LEAKPROOF" }, { PARALLEL, " PARALLEL %s" }, { COST, " COST %s" }, { ROWS, " ROWS %s" },
		{ SUPPORT, " SUPPORT %s" },
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const char *value = values[options[i].attr], *mark = strstr(options[i].words, "%s");
		if (value == NULL)
			continue;
		buf_add(sql, options[i].words, mark == NULL ? strlen(options[i].words) : (size_t)(mark - options[i].words));
		buf_adds(sql, mark == NULL ? "" : value);
	}
	if (values[SETTINGS] != NULL)
		add_settings(sql, values[SETTINGS]);
	if (values[SQL_BODY] != NULL) {
		buf_addf(sql, "\n%s;\n", values[SQL_BODY]);
		return;
	}
	buf_adds(sql, "\nAS ");
	if (values[LIBRARY] != NULL) {
		sql_literal(sql, values[LIBRARY]);
		buf_adds(sql, ", ");
	}
	if (values[LIBRARY] != NULL || strcmp(values[LANGUAGE], "internal") == 0)
		sql_literal(sql, values[BODY]);
	else
		add_dollar_quoted(sql, values[BODY] == NULL ? "" : values[BODY]);
	buf_adds(sql, ";\n");
}

static void common(struct buf *sql, const struct object *from, const struct object *function, uint32_t changed)
{
	auto_buf identity = BUF_INIT;
	buf_addf(&identity, "%s ", function->kind->sql);
	object_name(&identity, function);
	ddl_common(sql, identity.data, from, function, &changed);
}

static bool function_create(struct buf *sql, const struct snapshot *in, const struct object *function)
{
	(void)in;
	if (ddl_has_unread(function, UINT32_MAX))
		return false;
	write_function(sql, function);
	common(sql, NULL, function, ddl_common_set(function));
	return true;
}

// A function can be replaced as long as its result and the names of its arguments stay.
static bool function_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                           uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	bool anew = changed & (1u << ARGUMENTS | 1u << RESULT);
	if (anew)
		ddl_drop(sql, in, from);
	if (changed & ~COMMON_BITS)
		write_function(sql, to);
	common(sql, anew ? NULL : from, to, anew ? ddl_common_set(to) : changed);
	return sql->length > 0;
}

const struct kind kind_function = {
	.name = "function", .sql = "FUNCTION", .summary = "a function", .engines = ENGINE_POSTGRESQL, .arguments = true,
	.grant_on = "FUNCTION", KIND_ATTRS(attrs), .queries = queries,
	.dated = DATED_ROUTINE,
	.create = function_create, .drop = ddl_drop, .alter = function_alter,
};

// Its rows come with the functions'.
const struct kind kind_procedure = {
	.name = "procedure", .sql = "PROCEDURE", .summary = "a procedure", .engines = ENGINE_POSTGRESQL, .arguments = true,
	.grant_on = "PROCEDURE", KIND_ATTRS(attrs),
	.dated = DATED_ROUTINE,
	.create = function_create, .drop = ddl_drop, .alter = function_alter,
};
