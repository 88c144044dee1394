// SPDX-License-Identifier: PostgreSQL
// What CHECKs, and the bounds of partitions, allow a column: the common forms of conditions, joined by AND. What is not one of them
// is left out here, and found by looking at the rows that were made.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <pg_query.h>

#include "base/arena.h"
#include "rehearse/fill/plan.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

struct reading {
	struct arena *arena;
	struct fill_table *table;
	struct fill_column *domain_column; // that VALUE stands for
};

// The fields of a node if it is of a kind.
static const json_t *of_kind(const json_t *node, const char *kind)
{
	return json_object_get(node, kind);
}

static const json_t *bare(const json_t *node)
{
	for (const json_t *cast; (cast = of_kind(node, "TypeCast")) != NULL;)
		node = json_object_get(cast, "arg");
	return node;
}

static const char *string_of(const json_t *node)
{
	const json_t *string = of_kind(node, "String");
	const json_t *text = json_object_get(string, "sval");
	return json_string_value(text != NULL ? text : json_object_get(string, "str"));
}

static const char *operator_of(const json_t *expression)
{
	const json_t *name = json_object_get(expression, "name");
	const char *text = string_of(json_array_get(name, json_array_size(name) - 1));
	return text == NULL ? "" : text;
}

static struct fill_column *column_of(const struct reading *reading, const json_t *node)
{
	const json_t *fields = json_object_get(of_kind(bare(node), "ColumnRef"), "fields");
	const char *name = string_of(json_array_get(fields, json_array_size(fields) - 1));
	if (name == NULL)
		return NULL;
	if (reading->domain_column != NULL)
		return strcmp(name, "value") == 0 ? reading->domain_column : NULL;
	for (size_t i = 0; i < reading->table->n_columns; i++) {
		if (strcmp(reading->table->columns[i].name, name) == 0)
			return &reading->table->columns[i];
	}
	return NULL;
}

static const char *constant_of(const struct reading *reading, const json_t *node)
{
	const json_t *constant = of_kind(bare(node), "A_Const");
	if (constant == NULL)
		return NULL;
	const json_t *value = constant;
	const json_t *inner = json_object_get(constant, "val"); // up to 13's grammar
	if (inner != NULL) {
		const json_t *old = of_kind(inner, "Integer");
		if (old != NULL)
			return arena_printf(reading->arena, "%lld", (long long)json_integer_value(json_object_get(old, "ival")));
		old = of_kind(inner, "Float");
		return arena_strdup(reading->arena, old != NULL ? json_string_value(json_object_get(old, "str")) : string_of(inner));
	}
	if ((inner = json_object_get(value, "ival")) != NULL)
		return arena_printf(reading->arena, "%lld", (long long)json_integer_value(json_object_get(inner, "ival")));
	if ((inner = json_object_get(value, "fval")) != NULL)
		return arena_strdup(reading->arena, json_string_value(json_object_get(inner, "fval")));
	if ((inner = json_object_get(value, "boolval")) != NULL)
		return json_is_true(json_object_get(inner, "boolval")) ? "true" : "false";
	inner = json_object_get(value, "sval");
	return inner == NULL ? NULL : arena_strdup(reading->arena, json_string_value(json_object_get(inner, "sval")));
}

// The column whose argument a function of one of these names is.
static struct fill_column *argument_of(const struct reading *reading, const json_t *node, const char *const *names)
{
	const json_t *call = of_kind(bare(node), "FuncCall");
	const json_t *path = json_object_get(call, "funcname");
	const char *name = string_of(json_array_get(path, json_array_size(path) - 1));
	for (; name != NULL && *names != NULL; names++) {
		if (strcmp(name, *names) == 0)
			return column_of(reading, json_array_get(json_object_get(call, "args"), 0));
	}
	return NULL;
}

// Two limits of the same side are both true: the later one stands, unless both are numbers, and the other is tighter.
static void set_limit(const char **limit, bool *excluded, const char *text, bool excludes, int side)
{
	char *end = NULL;
	if (*limit != NULL && (strtod(text, &end) - strtod(*limit, NULL)) * side < 0 && *end == '\0')
		return;
	*limit = text;
	*excluded = excludes;
}

static const char *const mirrored[][2] = { { "<", ">" }, { ">", "<" }, { "<=", ">=" }, { ">=", "<=" } };

static void read_length(struct fill_column *column, const char *operator, long long length)
{
	if (strcmp(operator, "<") == 0 || strcmp(operator, "<=") == 0 || strcmp(operator, "=") == 0)
		column->limits.length_max = length - (strcmp(operator, "<") == 0);
	if (strcmp(operator, ">") == 0 || strcmp(operator, ">=") == 0 || strcmp(operator, "=") == 0)
		column->limits.length_min = length + (strcmp(operator, ">") == 0);
}

static void read_comparison(const struct reading *reading, const json_t *left, const char *operator, const json_t *right)
{
	static const char *const lengths[] = { "length", "char_length", "character_length", "octet_length", NULL };
	static const char *const uppers[] = { "upper", NULL };
	struct fill_column *column = column_of(reading, left), *other = column_of(reading, right), *measured;
	const char *constant = constant_of(reading, right);
	if (constant != NULL && (measured = argument_of(reading, left, lengths)) != NULL)
		read_length(measured, operator, strtoll(constant, NULL, 10));
	else if (strcmp(operator, "=") == 0 && column != NULL && argument_of(reading, right, uppers) == column)
		column->limits.upper = true;
	else if (column != NULL && other != NULL && operator[0] == '>') {
		column->limits.before = other->name;
		column->limits.before_or_equal = operator[1] == '=';
	} else if (column != NULL && constant != NULL) {
		if (operator[0] == '>')
			set_limit(&column->limits.low, &column->limits.low_excluded, constant, operator[1] == '\0', 1);
		else if (operator[0] == '<' && operator[1] != '>')
			set_limit(&column->limits.high, &column->limits.high_excluded, constant, operator[1] == '\0', -1);
		else if (strcmp(operator, "=") == 0) {
			const char **allowed = arena_array(reading->arena, 1, sizeof *allowed);
			allowed[0] = constant;
			column->limits.allowed = allowed;
			column->limits.n_allowed = 1;
		}
	}
}

static void read_list(const struct reading *reading, const json_t *left, const json_t *right)
{
	struct fill_column *column = column_of(reading, left);
	const json_t *array = of_kind(bare(right), "A_ArrayExpr");
	const json_t *items = json_object_get(array != NULL ? array : of_kind(right, "List"), array != NULL ? "elements" : "items");
	if (column == NULL || items == NULL)
		return;
	const char **allowed = arena_array(reading->arena, json_array_size(items) + 1, sizeof *allowed);
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *constant = constant_of(reading, json_array_get(items, i));
		if (constant != NULL)
			allowed[n++] = constant;
	}
	column->limits.allowed = allowed;
	column->limits.n_allowed = n;
}

// A default partition takes what the others do not: a number beyond all that they name, a text longer than any.
static void read_excluded(const struct reading *reading, const json_t *node)
{
	const json_t *expression = of_kind(node, "A_Expr"), *array = of_kind(bare(json_object_get(expression, "rexpr")), "A_ArrayExpr"), *part;
	struct fill_column *column = column_of(reading, json_object_get(expression, "lexpr"));
	size_t i;
	json_array_foreach(json_object_get(of_kind(node, "BoolExpr"), "args"), i, part)
		read_excluded(reading, part);
	for (i = 0; column != NULL && i < (array == NULL ? 1 : json_array_size(json_object_get(array, "elements"))); i++) {
		const char *text = constant_of(reading, array == NULL ? json_object_get(expression, "rexpr") : json_array_get(json_object_get(array, "elements"), i));
		struct limits *limits = &column->limits;
		if (text == NULL)
			continue;
		if (limits->length_min <= (long long)strlen(text))
			limits->length_min = (long long)strlen(text) + 1;
		char *end;
		bool greater = limits->low == NULL || strtod(text, &end) > strtod(limits->low, NULL) || (*end != '\0' && strcmp(text, limits->low) > 0);
		if (greater)
			limits->low = text;
		limits->low_excluded |= operator_of(expression)[0] == '=';
	}
}

static void read_expression(const struct reading *reading, const json_t *node)
{
	const json_t *expression = of_kind(node, "A_Expr"), *logic = of_kind(node, "BoolExpr"), *test = of_kind(node, "NullTest");
	const char *operation = json_string_value(json_object_get(logic, "boolop"));
	if (operation != NULL && strcmp(operation, "NOT_EXPR") == 0)
		read_excluded(reading, json_array_get(json_object_get(logic, "args"), 0));
	else if (logic != NULL) {
		const json_t *arguments = json_object_get(logic, "args");
		// of an OR the first part that is not "IS NULL" is enough
		bool all = operation != NULL && strcmp(operation, "AND_EXPR") == 0, any = operation != NULL && strcmp(operation, "OR_EXPR") == 0;
		for (size_t i = 0; i < json_array_size(arguments) && (all || any); i++) {
			const json_t *argument = json_array_get(arguments, i);
			if (any && of_kind(argument, "NullTest") != NULL)
				continue;
			read_expression(reading, argument);
			any = false;
		}
	} else if (test != NULL) {
		struct fill_column *column = column_of(reading, json_object_get(test, "arg"));
		const char *type = json_string_value(json_object_get(test, "nulltesttype"));
		if (column != NULL && type != NULL && strcmp(type, "IS_NOT_NULL") == 0)
			column->limits.not_null = true;
	} else if (expression != NULL) {
		const char *kind = json_string_value(json_object_get(expression, "kind")), *operator = operator_of(expression);
		const json_t *left = json_object_get(expression, "lexpr"), *right = json_object_get(expression, "rexpr");
		if (kind != NULL && (strcmp(kind, "AEXPR_OP_ANY") == 0 || strcmp(kind, "AEXPR_IN") == 0) && strcmp(operator, "=") == 0)
			read_list(reading, left, right);
		else if (kind != NULL && strcmp(kind, "AEXPR_OP") == 0) {
			read_comparison(reading, left, operator, right);
			for (size_t i = 0; i < sizeof mirrored / sizeof *mirrored; i++) {
				if (strcmp(operator, mirrored[i][0]) == 0)
					read_comparison(reading, right, mirrored[i][1], left);
			}
			if (strcmp(operator, "=") == 0 && constant_of(reading, left) == NULL)
				read_comparison(reading, right, operator, left);
		}
	}
}

void fill_check_read(struct arena *arena, struct fill_table *table, struct fill_column *domain_column, const char *expression)
{
	const struct reading reading = { arena, table, domain_column };
	PgQueryParseResult parsed = pg_query_parse(arena_printf(arena, "select %s", expression));
	auto_json tree = parsed.error == NULL ? json_loads(parsed.parse_tree, 0, NULL) : NULL;
	pg_query_free_parse_result(parsed);
	const json_t *stmt = json_object_get(json_array_get(json_object_get(tree, "stmts"), 0), "stmt");
	const json_t *targets = json_object_get(json_object_get(stmt, "SelectStmt"), "targetList");
	const json_t *value = json_object_get(json_object_get(json_array_get(targets, 0), "ResTarget"), "val");
	read_expression(&reading, value);
}
