// SPDX-License-Identifier: PostgreSQL
// Row level security policies. Whether row level security is on at all is an attribute of the table.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

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

// Names as pg_roles has them; public is no role.
static void add_roles(struct buf *sql, const char *roles)
{
	auto_arena arena = arena_new();
	size_t n;
	const char **names = ddl_list(arena, roles, &n);
	buf_adds(sql, " TO ");
	for (size_t i = 0; i < n; i++) {
		buf_adds(sql, i > 0 ? ", " : "");
		if (strcmp(names[i], "public") == 0)
			buf_adds(sql, "PUBLIC");
		else
			sql_ident(sql, names[i]);
	}
}

static void add_conditions(struct buf *sql, const struct object *policy, uint32_t changed)
{
	if (changed & 1u << ROLES && policy->values[ROLES] != NULL)
		add_roles(sql, policy->values[ROLES]);
	if (changed & 1u << USING && policy->values[USING] != NULL) {
		buf_adds(sql, " USING ");
		ddl_parenthesised(sql, policy->values[USING]);
	}
	if (changed & 1u << WITH_CHECK && policy->values[WITH_CHECK] != NULL) {
		buf_adds(sql, " WITH CHECK ");
		ddl_parenthesised(sql, policy->values[WITH_CHECK]);
	}
	buf_adds(sql, ";\n");
}

static void add_name(struct buf *sql, const struct object *policy)
{
	ddl_own_name(sql, policy);
	buf_adds(sql, " ON ");
	ddl_parent_name(sql, policy);
}

static void comment_on_policy(struct buf *sql, const struct object *policy)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "POLICY ");
	add_name(&identity, policy);
	uint32_t changed = 1u << ATTR_COMMENT;
	ddl_common(sql, identity.data, NULL, policy, &changed);
}

static bool policy_create(struct buf *sql, const struct snapshot *in, const struct object *policy)
{
	(void)in;
	if (ddl_has_unread(policy, UINT32_MAX))
		return false;
	buf_adds(sql, "CREATE POLICY ");
	add_name(sql, policy);
	buf_addf(sql, "%s FOR %s", policy->values[RESTRICTIVE] != NULL ? " AS RESTRICTIVE" : "", policy->values[COMMAND]);
	add_conditions(sql, policy, UINT32_MAX);
	if (policy->values[ATTR_COMMENT] != NULL)
		comment_on_policy(sql, policy);
	return true;
}

// ALTER POLICY can change a condition, not take one away.
static bool policy_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                         uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	bool removes = (changed & 1u << USING && to->values[USING] == NULL) ||
	               (changed & 1u << WITH_CHECK && to->values[WITH_CHECK] == NULL);
	if (removes || changed & (1u << COMMAND | 1u << RESTRICTIVE))
		return ddl_drop_on(sql, in, from) && policy_create(sql, in, to);
	if (changed & (1u << ROLES | 1u << USING | 1u << WITH_CHECK)) {
		buf_adds(sql, "ALTER POLICY ");
		add_name(sql, to);
		add_conditions(sql, to, changed);
	}
	if (changed & 1u << ATTR_COMMENT)
		comment_on_policy(sql, to);
	return sql->length > 0;
}

const struct kind kind_policy = {
	.name = "policy", .sql = "POLICY", .summary = "a row level security policy", .engines = ENGINE_POSTGRESQL, .child = true,
	KIND_ATTRS(attrs), .queries = queries,
	.dated = "select p.xmin from " DATED_RELATION "join pg_policy p on p.polrelid = c.oid and p.polname = w.path[3]",
	.create = policy_create, .drop = ddl_drop_on, .alter = policy_alter,
};
