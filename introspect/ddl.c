// SPDX-License-Identifier: PostgreSQL
// What the kinds' create, drop and alter have in common: see ddl.h.
#include "introspect/ddl.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/privileges.h"

void ddl_own_name(struct buf *sql, const struct object *object)
{
	sql_ident(sql, object->path[object->n_path - 1]);
}

void ddl_parent_name(struct buf *sql, const struct object *object)
{
	sql_name(sql, object->path, object->n_path - 1);
}

void ddl_schema_name(struct buf *sql, const struct object *object, const char *name)
{
	if (object->n_path > 2) { // PostgreSQL: [schema, table, name]
		sql_ident(sql, object->path[0]);
		buf_addc(sql, '.');
	}
	sql_ident(sql, name);
}

void ddl_alter(struct buf *sql, const struct object *object)
{
	buf_addf(sql, "ALTER %s ", object->kind->sql);
	object_name(sql, object);
	buf_addc(sql, ' ');
}

void ddl_alter_table(struct buf *sql, const struct object *object)
{
	buf_adds(sql, "ALTER TABLE ");
	ddl_parent_name(sql, object);
	buf_addc(sql, ' ');
}

bool ddl_drop(struct buf *sql, const struct snapshot *in, const struct object *object)
{
	(void)in;
	buf_addf(sql, "DROP %s ", object->kind->sql);
	object_name(sql, object);
	buf_adds(sql, ";\n");
	return true;
}

bool ddl_drop_on(struct buf *sql, const struct snapshot *in, const struct object *object)
{
	buf_addf(sql, "DROP %s ", object->kind->sql);
	ddl_own_name(sql, object);
	if (in->engine == ENGINE_POSTGRESQL) {
		buf_adds(sql, " ON ");
		ddl_parent_name(sql, object);
	}
	buf_adds(sql, ";\n");
	return true;
}

void ddl_common(struct buf *sql, const char *identity, const struct object *from, const struct object *to, uint32_t *attrs)
{
	const char *comment = to->values[ATTR_COMMENT], *owner = to->values[ATTR_OWNER];
	if (*attrs & 1u << ATTR_COMMENT) {
		buf_addf(sql, "COMMENT ON %s IS ", identity);
		if (comment != NULL)
			sql_literal(sql, comment);
		buf_adds(sql, comment != NULL ? ";\n" : "NULL;\n");
	}
	if (*attrs & 1u << ATTR_OWNER) { // the role that runs the migrations has no name: see diff/align.h
		if (owner == NULL)
			ddl_remark(sql, "as the role that runs the migrations:");
		buf_addf(sql, "ALTER %s OWNER TO ", identity);
		if (owner != NULL)
			sql_ident(sql, owner);
		buf_adds(sql, owner != NULL ? ";\n" : "CURRENT_USER;\n");
	}
	if (*attrs & 1u << ATTR_PRIVILEGES)
		privileges_change(sql, to, from == NULL ? NULL : from->values[ATTR_PRIVILEGES]);
	*attrs &= ~COMMON_BITS;
}

uint32_t ddl_common_set(const struct object *object)
{
	uint32_t attrs = 0;
	for (unsigned i = 0; i < ATTR_FIRST_OWN; i++)
		attrs |= object->values[i] != NULL ? 1u << i : 0;
	return attrs;
}

void ddl_common_of_new(struct buf *sql, const char *identity, const struct object *object)
{
	uint32_t attrs = ddl_common_set(object);
	ddl_common(sql, identity, NULL, object, &attrs);
}

const char **ddl_list(struct arena *arena, const char *list, size_t *n)
{
	const char **items = NULL;
	size_t capacity = 0;
	*n = 0;
	for (const char *c = list; c != NULL && *c != '\0';) {
		const char *start = c += strspn(c, " ");
		int depth = 0;
		for (char quote = '\0'; *c != '\0' && !(quote == '\0' && depth == 0 && *c == ','); c++) {
			if (quote != '\0')
				quote = *c == quote ? '\0' : quote; // a doubled quote closes and opens again
			else if (*c == '\'' || *c == '"')
				quote = *c;
			else
				depth += (*c == '(' || *c == '[') - (*c == ')' || *c == ']');
		}
		size_t length = (size_t)(c - start);
		while (length > 0 && start[length - 1] == ' ')
			length--;
		items = arena_grow(arena, items, *n, &capacity, sizeof *items);
		items[(*n)++] = arena_strndup(arena, start, length);
		c += *c == ',';
	}
	return items;
}

void ddl_parenthesised(struct buf *sql, const char *expression)
{
	int depth = 0;
	bool closes_early = *expression != '(';
	char quote = '\0';
	for (const char *c = expression; *c != '\0' && !closes_early; c++) {
		if (quote != '\0')
			quote = *c == quote ? '\0' : quote;
		else if (*c == '\'' || *c == '"')
			quote = *c;
		else
			depth += (*c == '(') - (*c == ')');
		closes_early = depth == 0 && c[1] != '\0';
	}
	buf_addf(sql, closes_early ? "(%s)" : "%s", expression);
}

static void add_option(struct buf *sql, const char *option, const char *prefix)
{
	const char *equals = strchr(option, '=');
	buf_adds(sql, prefix);
	buf_add(sql, option, equals != NULL ? (size_t)(equals - option) : strlen(option));
	if (equals == NULL)
		return;
	const char *value = equals + 1;
	bool plain = *value != '\0';
	for (const char *c = value; *c != '\0'; c++)
		plain = plain && (isalnum((unsigned char)*c) || *c == '_' || (*c == '.' && isdigit((unsigned char)*value)));
	buf_addc(sql, '=');
	if (plain && (isalpha((unsigned char)*value) || strspn(value, "0123456789.") == strlen(value)))
		buf_adds(sql, value);
	else
		sql_literal(sql, value);
}

void ddl_options(struct buf *sql, const char *list, const char *prefix)
{
	if (list == NULL)
		return;
	auto_arena arena = arena_new();
	size_t n;
	const char **options = ddl_list(arena, list, &n);
	buf_addc(sql, '(');
	for (size_t i = 0; i < n; i++) {
		buf_adds(sql, i > 0 ? ", " : "");
		add_option(sql, options[i], prefix);
	}
	buf_addc(sql, ')');
}

static bool has_option(const char *const *options, size_t n, const char *option, size_t length)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(options[i], option, length) == 0 && (options[i][length] == '\0' || options[i][length] == '='))
			return true;
	}
	return false;
}

void ddl_change_options(struct buf *sql, const char *start, const char *from, const char *to, const char *prefix)
{
	auto_arena arena = arena_new();
	size_t n_from, n_to;
	const char **old = ddl_list(arena, from, &n_from), **new = ddl_list(arena, to, &n_to);
	auto_buf set = BUF_INIT, reset = BUF_INIT;
	for (size_t i = 0; i < n_to; i++) {
		if (has_option(old, n_from, new[i], strlen(new[i]))) // name=value as it is
			continue;
		buf_adds(&set, set.length > 0 ? ", " : "");
		add_option(&set, new[i], prefix);
	}
	for (size_t i = 0; i < n_from; i++) {
		size_t length = strcspn(old[i], "=");
		if (!has_option(new, n_to, old[i], length))
			buf_addf(&reset, "%s%s%.*s", reset.length > 0 ? ", " : "", prefix, (int)length, old[i]);
	}
	if (set.length > 0)
		buf_addf(sql, "%s SET (%s);\n", start, set.data);
	if (reset.length > 0)
		buf_addf(sql, "%s RESET (%s);\n", start, reset.data);
}

const char *ddl_enable(const char *enabled)
{
	static const struct { const char *enabled, *verb; } verbs[] = {
		{ "DISABLED", "DISABLE" }, { "REPLICA", "ENABLE REPLICA" }, { "ALWAYS", "ENABLE ALWAYS" },
	};
	for (size_t i = 0; enabled != NULL && i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(enabled, verbs[i].enabled) == 0)
			return verbs[i].verb;
	}
	return "ENABLE";
}

void ddl_index_state(struct buf *sql, const struct object *object, const char *from, const char *to)
{
	static const struct { const char *word, *set, *reset; } states[] = {
		{ "CLUSTER ON", "CLUSTER ON", "SET WITHOUT CLUSTER" },
		{ "REPLICA IDENTITY", "REPLICA IDENTITY USING INDEX", "REPLICA IDENTITY DEFAULT" },
	};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		bool had = from != NULL && strstr(from, states[i].word) != NULL, has = to != NULL && strstr(to, states[i].word) != NULL;
		if (had == has)
			continue;
		ddl_alter_table(sql, object);
		buf_adds(sql, has ? states[i].set : states[i].reset);
		if (has) {
			buf_addc(sql, ' ');
			ddl_own_name(sql, object);
		}
		buf_adds(sql, ";\n");
	}
}

void ddl_children(struct buf *sql, const struct snapshot *in, const struct object *object)
{
	size_t first, n = snapshot_range(in, object->path, object->n_path, &first);
	for (size_t i = first; i < first + n; i++) {
		const struct object *child = in->objects[i];
		if (child->kind->child && child->kind->create != NULL)
			child->kind->create(sql, in, child);
	}
}

bool ddl_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool ddl_has_unread(const struct object *object, uint32_t attrs)
{
	for (unsigned i = 0; i < object->kind->n_attrs; i++) {
		if (attrs & 1u << i && object->values[i] == VALUE_UNREAD)
			return true;
	}
	return false;
}

void ddl_remark(struct buf *sql, const char *format, ...)
{
	auto_buf line = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(&line, format, arguments);
	va_end(arguments);
	buf_adds(sql, "-- ");
	for (const char *c = line.data; *c != '\0'; c++) // a name with a line end in it must not end the comment
		buf_addc(sql, *c == '\n' || *c == '\r' ? ' ' : *c);
	buf_addc(sql, '\n');
}

void ddl_rebuild(struct buf *sql, const struct object *object, const char *what)
{
	auto_buf table = BUF_INIT;
	sql_ident(&table, object->path[0]);
	ddl_remark(sql, "SQLite cannot %s in place: rebuild %s with the 12 steps of https://www.sqlite.org/lang_altertable.html", what,
	           table.data);
}
