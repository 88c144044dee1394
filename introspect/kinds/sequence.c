// SPDX-License-Identifier: PostgreSQL
// Sequences: their definition, never their value. The sequence behind an identity column is that column's attribute.
#include "introspect/postgres_read.h"

#include "base/sql.h"

enum { TYPE = ATTR_FIRST_OWN, START, INCREMENT, MINIMUM, MAXIMUM, CACHE, CYCLE, OWNED_BY, UNLOGGED };
static const struct attr attrs[] = {
	COMMON_ATTRS,
	[TYPE] = { "type", FORM_TEXT },
	[START] = { "start", FORM_TEXT },
	[INCREMENT] = { "increment", FORM_TEXT },
	[MINIMUM] = { "minimum", FORM_TEXT },
	[MAXIMUM] = { "maximum", FORM_TEXT },
	[CACHE] = { "cache", FORM_TEXT },
	[CYCLE] = { "cycle", FORM_FLAG },
	[OWNED_BY] = { "owned_by", FORM_TEXT },
	[UNLOGGED] = { "unlogged", FORM_FLAG },
};

static void sequence_row(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 0));
	const char *dependency = row_text(row, 10);
	if (relation == NULL || (dependency != NULL && *dependency == 'i'))
		return;
	struct object *sequence = read_add(read, &kind_sequence, relation->schema, relation->name);
	relation->object = sequence;
	read_remember(read, PG_CLASS, relation->oid, sequence);
	for (int i = 0; i < 6; i++)
		sequence->values[TYPE + i] = row_intern(read, row, 1 + i);
	sequence->values[CYCLE] = row_flag_text(row, 7);
	sequence->values[UNLOGGED] = relation->relpersistence == 'u' ? "true" : NULL;
	struct pg_relation *owner = dependency == NULL ? NULL : read_relation(read, row_oid(row, 8));
	const char *column = owner == NULL ? NULL : read_column(owner, (int)row_oid(row, 9));
	if (column != NULL) {
		const char *path[] = { owner->schema, owner->name, column };
		sequence->values[OWNED_BY] = sql_name_copy(read->arena, path, 3);
	}
	if (read->groups & 1u << GROUP_OWNER)
		sequence->values[ATTR_OWNER] = read_role(read, relation->relowner);
}

static const struct pg_query queries[] = {
	{ "sequences",
	  "select s.seqrelid, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, "
	  "d.refobjid, d.refobjsubid, d.deptype from pg_sequence s left join pg_depend d on d.classid = 'pg_class'::regclass "
	  "and d.objid = s.seqrelid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')",
	  .row = sequence_row },
	{ NULL },
};

const struct kind kind_sequence = {
	.name = "sequence", .sql = "SEQUENCE", .summary = "a sequence, owned by a column or not", .engines = ENGINE_POSTGRESQL,
	.relation = true, .owned_by = OWNED_BY, KIND_ATTRS(attrs), .queries = queries,
};
