// SPDX-License-Identifier: PostgreSQL
// Triggers on tables and views, with whether they are enabled. Internal ones (foreign keys) are the constraint's; clones on
// partitions are left out.
#include "introspect/postgres_read.h"

#include <string.h>

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

const struct kind kind_trigger = {
	.name = "trigger", .sql = "TRIGGER", .summary = "a trigger, and whether it is enabled",
	.engines = ENGINE_POSTGRESQL | ENGINE_SQLITE, .child = true, .name_inside = true, KIND_ATTRS(attrs), .queries = queries,
	.sqlite_read = sqlite_trigger,
};
