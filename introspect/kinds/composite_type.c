// SPDX-License-Identifier: PostgreSQL
// Composite types made by CREATE TYPE ... AS (...). Row types of tables are the tables'.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/ddl.h"

enum { ATTRIBUTES = ATTR_FIRST_OWN };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[ATTRIBUTES] = { "attributes", FORM_TEXT },
};

static struct object *composite_type_relation(struct postgres_read *read, const struct pg_relation *relation)
{
	return read_add(read, &kind_composite_type, relation->schema, relation->name);
}

static bool composite_type_create(struct buf *sql, const struct snapshot *in, const struct object *type)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TYPE ");
	object_name(&identity, type);
	buf_addf(sql, "CREATE %s AS (%s);\n", identity.data, type->values[ATTRIBUTES] == NULL ? "" : type->values[ATTRIBUTES]);
	ddl_common_of_new(sql, identity.data, type);
	return true;
}

// The length of an attribute's name, quoted or not, at the beginning of "name type COLLATE x".
static size_t name_length(const char *attribute)
{
	if (*attribute != '"')
		return strcspn(attribute, " ");
	const char *c = attribute + 1;
	while (*c != '\0' && !(c[0] == '"' && c[1] != '"'))
		c += c[0] == '"' ? 2 : 1;
	return (size_t)(c - attribute) + (*c == '"');
}

static const char *find_attribute(const char *const *attributes, size_t n, const char *attribute)
{
	size_t length = name_length(attribute);
	for (size_t i = 0; i < n; i++) {
		if (name_length(attributes[i]) == length && strncmp(attributes[i], attribute, length) == 0)
			return attributes[i];
	}
	return NULL;
}

static void change_attributes(struct buf *sql, const struct object *from, const struct object *to)
{
	auto_arena arena = arena_new();
	size_t n_old, n_new;
	const char **old = ddl_list(arena, from->values[ATTRIBUTES], &n_old), **new = ddl_list(arena, to->values[ATTRIBUTES], &n_new);
	for (size_t i = 0; i < n_old; i++) {
		if (find_attribute(new, n_new, old[i]) != NULL)
			continue;
		ddl_alter(sql, to);
		buf_addf(sql, "DROP ATTRIBUTE %.*s;\n", (int)name_length(old[i]), old[i]);
	}
	for (size_t i = 0; i < n_new; i++) {
		const char *was = find_attribute(old, n_old, new[i]);
		int length = (int)name_length(new[i]);
		if (was != NULL && strcmp(was, new[i]) == 0)
			continue;
		ddl_alter(sql, to);
		if (was == NULL)
			buf_addf(sql, "ADD ATTRIBUTE %s;\n", new[i]);
		else
			buf_addf(sql, "ALTER ATTRIBUTE %.*s TYPE%s;\n", length, new[i], new[i] + length);
	}
	if (sql->length == 0)
		ddl_remark(sql, "the order of a composite type's attributes cannot be changed in place: make a new type as (%s)",
		           to->values[ATTRIBUTES]);
}

static bool composite_type_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                                 uint32_t changed)
{
	(void)in;
	if (changed & 1u << ATTRIBUTES)
		change_attributes(sql, from, to);
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TYPE ");
	object_name(&identity, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_composite_type = {
	.name = "composite type", .sql = "TYPE", .summary = "a composite type", .engines = ENGINE_POSTGRESQL, .relation = true, .grant_on = "TYPE",
	.column_list = ATTRIBUTES, KIND_ATTRS(attrs), .relkinds = "c", .relation_read = composite_type_relation,
	.dated = DATED_WHOLE_RELATION " union all select t.xmin from " DATED_TYPE,
	.create = composite_type_create, .drop = ddl_drop, .alter = composite_type_alter,
};
