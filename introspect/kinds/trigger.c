// SPDX-License-Identifier: PostgreSQL
// Triggers on tables and views, with whether they are enabled. Internal ones (foreign keys) are the constraint's; clones on
// partitions are left out.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/buf.h"
#include "introspect/ddl.h"
#include "introspect/sqlite_read.h"

enum { DEFINITION = ATTR_FIRST_OWN, ENABLED };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[DEFINITION] = { "definition", FORM_STATEMENT },
	[ENABLED] = { "enabled", FORM_TEXT },
};

static const char *enabled_word(char tgenabled)
{
	return tgenabled == 'D' ? "DISABLED" : tgenabled == 'R' ? "REPLICA" : tgenabled == 'A' ? "ALWAYS" : NULL;
}

static void trigger_row(struct postgres_read *read, struct row row)
{
	const struct pg_relation *relation = read_relation(read, row_oid(row, 1));
	if (relation == NULL || relation->object == NULL)
		return;
	struct object *trigger = read_add_child(read, &kind_trigger, relation->object, row_copy(read, row, 2));
	read_remember(read, PG_TRIGGER, row_oid(row, 0), trigger);
	trigger->values[DEFINITION] = VALUE_UNREAD;
	trigger->values[ENABLED] = enabled_word(*row_text(row, 3));
}

static void definition_row(struct postgres_read *read, struct row row)
{
	struct object *trigger = read_object(read, PG_TRIGGER, row_oid(row, 0));
	if (trigger != NULL && row_text(row, 1) != NULL)
		trigger->values[DEFINITION] = row_copy(read, row, 1);
}

#define NOT_A_CLONE "not t.tgisinternal and @13{t.tgparentid = 0}{true}"

static const struct pg_query queries[] = {
	{ "triggers", "select t.oid, t.tgrelid, t.tgname, t.tgenabled from pg_trigger t where " NOT_A_CLONE, .row = trigger_row },
	{ "trigger definitions", "select t.oid, pg_get_triggerdef(t.oid) as def from pg_trigger t where " NOT_A_CLONE,
	  .deparse = true, .row = definition_row },
	{ NULL },
};

static void sqlite_trigger(struct sqlite_read *read, const struct sqlite_item *item)
{
	if (item->type != SQLITE_ITEM_TRIGGER)
		return;
	struct object *trigger = snapshot_add(read->snapshot, &kind_trigger, (const char *[]){ item->table, item->name }, 2);
	trigger->values[DEFINITION] = item->definition;
}

static void set_enabled(struct buf *sql, const struct object *trigger)
{
	ddl_alter_table(sql, trigger);
	buf_addf(sql, "%s TRIGGER ", ddl_enable(trigger->values[ENABLED]));
	ddl_own_name(sql, trigger);
	buf_adds(sql, ";\n");
}

static void comment_on_trigger(struct buf *sql, const struct object *trigger)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "TRIGGER ");
	ddl_own_name(&identity, trigger);
	buf_adds(&identity, " ON ");
	ddl_parent_name(&identity, trigger);
	uint32_t changed = 1u << ATTR_COMMENT;
	ddl_common(sql, identity.data, NULL, trigger, &changed);
}

static bool trigger_create(struct buf *sql, const struct snapshot *in, const struct object *trigger)
{
	if (ddl_has_unread(trigger, UINT32_MAX))
		return false;
	if (in->engine == ENGINE_SQLITE) {
		buf_adds(sql, "CREATE TRIGGER ");
		ddl_own_name(sql, trigger);
		buf_addc(sql, ' ');
	}
	buf_addf(sql, "%s;\n", trigger->values[DEFINITION]);
	if (trigger->values[ENABLED] != NULL)
		set_enabled(sql, trigger);
	if (trigger->values[ATTR_COMMENT] != NULL)
		comment_on_trigger(sql, trigger);
	return true;
}

static bool trigger_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                      uint32_t changed)
{
	if (ddl_has_unread(to, UINT32_MAX))
		return false;
	if (changed & 1u << DEFINITION)
		return ddl_drop_on(sql, in, from) && trigger_create(sql, in, to);
	if (changed & 1u << ENABLED)
		set_enabled(sql, to);
	if (changed & 1u << ATTR_COMMENT)
		comment_on_trigger(sql, to);
	return sql->length > 0;
}

const struct kind kind_trigger = {
	.name = "trigger", .sql = "TRIGGER", .summary = "a trigger, and whether it is enabled",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .child = true, .name_inside = true, KIND_ATTRS(attrs), .queries = queries,
	.sqlite_read = sqlite_trigger,
	.dated = "select t.xmin from " DATED_RELATION "join pg_trigger t on t.tgrelid = c.oid and t.tgname = w.path[3]",
	.create = trigger_create, .drop = ddl_drop_on, .alter = trigger_alter,
};
