// SPDX-License-Identifier: PostgreSQL
// Row level security policies. Whether row level security is on at all is an attribute of the table.
#include "introspect/postgres_read.h"

#include <string.h>

enum { COMMAND = ATTR_FIRST_OWN, RESTRICTIVE, ROLES, USING, WITH_CHECK };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[COMMAND] = { "command", FORM_TEXT },
	[RESTRICTIVE] = { "restrictive", FORM_FLAG },
	[ROLES] = { "roles", FORM_TEXT },
	[USING] = { "using", FORM_EXPRESSION },
	[WITH_CHECK] = { "with_check", FORM_EXPRESSION },
};

static const char *command_word(char polcmd)
{
	return polcmd == 'r' ? "SELECT" : polcmd == 'a' ? "INSERT" : polcmd == 'w' ? "UPDATE" : polcmd == 'd' ? "DELETE" : "ALL";
}

static void policy_row(struct postgres_read *read, struct row row)
{
	const struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	if (relation == NULL || relation->object == NULL)
		return;
	struct object *policy = read_add_child(read, &kind_policy, relation->object, row_copy(read, row, 2));
	read_remember(read, PG_POLICY, row_oid(row, 0), policy);
	policy->values[COMMAND] = command_word(*row_text(row, 3));
	policy->values[RESTRICTIVE] = row_flag(row, 4) ? NULL : "true";
	policy->values[ROLES] = row_list(read, row, 5);
	policy->values[USING] = row_flag(row, 6) ? VALUE_UNREAD : NULL;
	policy->values[WITH_CHECK] = row_flag(row, 7) ? VALUE_UNREAD : NULL;
}

static void expression_row(struct postgres_read *read, struct row row)
{
	struct object *policy = read_object(read, PG_POLICY, row_oid(row, 0));
	for (int i = 0; policy != NULL && i < 2; i++) {
		if (policy->values[USING + i] == VALUE_UNREAD && row_text(row, 1 + i) != NULL)
			policy->values[USING + i] = row_copy(read, row, 1 + i);
	}
}

static const struct pg_query queries[] = {
	{ "policies",
	  "select p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, "
	  "array(select case when r.oid = 0 then 'public' else (select a.rolname from pg_roles a where a.oid = r.oid) end "
	  "from unnest(p.polroles) r(oid)), p.polqual is not null, p.polwithcheck is not null from pg_policy p",
	  .row = policy_row },
	{ "policy expressions",
	  "select p.oid, pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as wcheck from pg_policy p",
	  .deparse = true, .row = expression_row },
	{ NULL },
};

const struct kind kind_policy = {
	.name = "policy", .sql = "POLICY", .summary = "a row level security policy", .engines = ENGINE_POSTGRESQL, .child = true,
	KIND_ATTRS(attrs), .queries = queries,
};
