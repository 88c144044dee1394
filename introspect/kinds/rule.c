// SPDX-License-Identifier: PostgreSQL
// Rewrite rules of tables and views, with whether they are enabled. A view's own _RETURN rule is its definition.
#include "introspect/postgres_read.h"

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

const struct kind kind_rule = {
	.name = "rule", .sql = "RULE", .summary = "a rewrite rule, and whether it is enabled", .engines = ENGINE_POSTGRESQL, .child = true, .name_inside = true,
	KIND_ATTRS(attrs), .queries = queries,
};
