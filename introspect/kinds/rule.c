// SPDX-License-Identifier: PostgreSQL
// Rewrite rules of tables and views, with whether they are enabled. A view's own _RETURN rule is its definition.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/buf.h"
#include "introspect/ddl.h"

enum { DEFINITION = ATTR_FIRST_OWN, ENABLED };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[DEFINITION] = { "definition", FORM_STATEMENT },
	[ENABLED] = { "enabled", FORM_TEXT },
};

static const char *enabled_word(char ev_enabled)
{
	return ev_enabled == 'D' ? "DISABLED" : ev_enabled == 'R' ? "REPLICA" : ev_enabled == 'A' ? "ALWAYS" : NULL;
}

static void rule_row(struct postgres_read *read, struct row row)
{
	const struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	if (relation == NULL || relation->object == NULL)
		return;
	struct object *rule = read_add_child(read, &kind_rule, relation->object, row_copy(read, row, 2));
	read_remember(read, PG_REWRITE, row_oid(row, 0), rule);
	rule->values[DEFINITION] = VALUE_UNREAD;
	rule->values[ENABLED] = enabled_word(*row_text(row, 3));
}

static void definition_row(struct postgres_read *read, struct row row)
{
	struct object *rule = read_object(read, PG_REWRITE, row_oid(row, 0));
	if (rule != NULL && row_text(row, 1) != NULL)
		rule->values[DEFINITION] = row_copy(read, row, 1);
}

static const struct pg_query queries[] = {
	{ "rules", "select r.oid, r.ev_class, r.rulename, r.ev_enabled from pg_rewrite r where r.rulename <> '_RETURN' and r.oid >= 16384",
	  .row = rule_row },
	{ "rule definitions",
	  "select r.oid, pg_get_ruledef(r.oid) as def from pg_rewrite r where r.rulename <> '_RETURN' and r.oid >= 16384",
	  .deparse = true, .row = definition_row },
	{ NULL },
};

static void set_enabled(struct buf *sql, const struct object *rule)
{
	ddl_alter_table(sql, rule);
	buf_addf(sql, "%s RULE ", ddl_enable(rule->values[ENABLED]));
	ddl_own_name(sql, rule);
	buf_adds(sql, ";\n");
}

static void comment_on_rule(struct buf *sql, const struct object *rule)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "RULE ");
	ddl_own_name(&identity, rule);
	buf_adds(&identity, " ON ");
	ddl_parent_name(&identity, rule);
	uint32_t changed = 1u << ATTR_COMMENT;
	ddl_common(sql, identity.data, NULL, rule, &changed);
}

static bool rule_create(struct buf *sql, const struct snapshot *in, const struct object *rule)
{
	if (ddl_has_unread(rule, UINT32_MAX))
		return false;
	(void)in;
	size_t length = strlen(rule->values[DEFINITION]); // pg_get_ruledef ends it with a semicolon
	buf_addf(sql, "%s%s", rule->values[DEFINITION], length > 0 && rule->values[DEFINITION][length - 1] == ';' ? "\n" : ";\n");
	if (rule->values[ENABLED] != NULL)
		set_enabled(sql, rule);
	if (rule->values[ATTR_COMMENT] != NULL)
		comment_on_rule(sql, rule);
	return true;
}

static bool rule_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                      uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	if (changed & 1u << DEFINITION)
		return ddl_drop_on(sql, in, from) && rule_create(sql, in, to);
	if (changed & 1u << ENABLED)
		set_enabled(sql, to);
	if (changed & 1u << ATTR_COMMENT)
		comment_on_rule(sql, to);
	return sql->length > 0;
}

const struct kind kind_rule = {
	.name = "rule", .sql = "RULE", .summary = "a rewrite rule, and whether it is enabled", .engines = ENGINE_POSTGRESQL,
	.child = true, .name_inside = true,
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select r.xmin from " DATED_RELATION "join pg_rewrite r on r.ev_class = c.oid and r.rulename = w.path[3]",
	.create = rule_create, .drop = ddl_drop_on, .alter = rule_alter,
};
