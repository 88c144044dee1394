// SPDX-License-Identifier: PostgreSQL
// Sequences: their definition, never their value. The sequence behind an identity column is that column's attribute.
#include "introspect/postgres_read.h"

#include <string.h>

#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

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

void column_take_identity(struct object *column, const char *options);

// What of an identity column's sequence is not as by default. The fields are those of the query.
static const char *identity_options(struct postgres_read *read, struct row row)
{
	static const struct { int field; const char *clause; const char *usual; } clauses[] = {
		{ 3, "INCREMENT BY", "1" }, { 4, "MINVALUE", "1" }, { 5, "MAXVALUE", NULL }, { 2, "START WITH", "1" }, { 6, "CACHE", "1" },
	};
	static const struct { const char *type, *maximum; } maxima[] = {
		{ "bigint", "9223372036854775807" }, { "integer", "2147483647" }, { "smallint", "32767" },
	};
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
		const char *usual = clauses[i].usual, *value = row_text(row, clauses[i].field);
		for (size_t j = 0; usual == NULL && j < sizeof maxima / sizeof *maxima; j++)
			usual = strcmp(row_text(row, 1), maxima[j].type) == 0 ? maxima[j].maximum : NULL;
		if (usual == NULL || strcmp(value, usual) != 0)
			buf_addf(&text, "%s%s %s", text.length > 0 ? " " : "", clauses[i].clause, value);
	}
	if (row_flag(row, 7))
		buf_adds(&text, text.length > 0 ? " CYCLE" : "CYCLE");
	return text.length == 0 ? NULL : read_intern(read, text.data);
}

static void sequence_row(struct postgres_read *read, struct row row)
{
	struct pg_relation *relation = read_relation(read, row_oid(row, 0));
	const char *dependency = row_text(row, 10);
	if (relation == NULL)
		return;
	struct pg_relation *owner = dependency == NULL ? NULL : read_relation(read, row_oid(row, 8));
	size_t attnum = row_oid(row, 9);
	if (dependency != NULL && *dependency == 'i') {
		if (owner != NULL && read_column(owner, (int)attnum) != NULL && owner->columns[attnum - 1].object != NULL)
			column_take_identity(owner->columns[attnum - 1].object, identity_options(read, row));
		return;
	}
	struct object *sequence = read_add(read, &kind_sequence, relation->schema, relation->name);
	relation->object = sequence;
	read_remember(read, PG_CLASS, relation->oid, sequence);
	for (int i = 0; i < 6; i++)
		sequence->values[TYPE + i] = row_intern(read, row, 1 + i);
	sequence->values[CYCLE] = row_flag_text(row, 7);
	// From 15 on the sequence of an unlogged table's serial column is unlogged as well. Before, and in a database that was
	// upgraded from there, it is not: so only an unlogged sequence whose table is none says it.
	bool as_table = owner != NULL && owner->relpersistence == 'u';
	sequence->values[UNLOGGED] = relation->relpersistence == 'u' && !as_table ? "true" : NULL;
	const char *column = owner == NULL ? NULL : read_column(owner, (int)attnum);
	if (column != NULL) {
		const char *path[] = { owner->schema, owner->name, column };
		sequence->values[OWNED_BY] = sql_name_copy(read->arena, path, 3);
	}
	sequence->values[ATTR_OWNER] = read_owner(read, relation->relowner);
}

static const struct pg_query queries[] = {
	{ "sequences",
	  "select s.seqrelid, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, "
	  "d.refobjid, d.refobjsubid, d.deptype from pg_sequence s left join pg_depend d on d.classid = 'pg_class'::regclass "
	  "and d.objid = s.seqrelid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')",
	  .row = sequence_row },
	{ NULL },
};

static void add_options(struct buf *sql, const struct object *sequence, uint32_t changed)
{
	static const struct { int attr; const char *words; } options[] = {
		{ TYPE, "AS" }, { INCREMENT, "INCREMENT BY" }, { MINIMUM, "MINVALUE" }, { MAXIMUM, "MAXVALUE" }, { START, "START WITH" },
		{ CACHE, "CACHE" },
	};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (changed & 1u << options[i].attr && sequence->values[options[i].attr] != NULL)
			buf_addf(sql, " %s %s", options[i].words, sequence->values[options[i].attr]);
	}
	if (changed & 1u << CYCLE)
		buf_adds(sql, sequence->values[CYCLE] != NULL ? " CYCLE" : " NO CYCLE");
}

void sequence_definition(struct buf *sql, const struct object *sequence)
{
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "SEQUENCE ");
	object_name(&identity, sequence);
	buf_addf(sql, "CREATE %s%s", sequence->values[UNLOGGED] != NULL ? "UNLOGGED " : "", identity.data);
	add_options(sql, sequence, UINT32_MAX);
	buf_adds(sql, ";\n");
	ddl_common_of_new(sql, identity.data, sequence);
}

void sequence_owner(struct buf *sql, const struct object *sequence)
{
	ddl_alter(sql, sequence);
	buf_addf(sql, "OWNED BY %s;\n", sequence->values[OWNED_BY] == NULL ? "NONE" : sequence->values[OWNED_BY]);
}

static bool sequence_create(struct buf *sql, const struct snapshot *in, const struct object *sequence)
{
	(void)in;
	sequence_definition(sql, sequence);
	if (sequence->values[OWNED_BY] != NULL)
		sequence_owner(sql, sequence);
	return true;
}

static bool sequence_alter(struct buf *sql, const struct snapshot *in, const struct object *from, const struct object *to,
                           uint32_t changed)
{
	(void)in;
	auto_buf identity = BUF_INIT;
	buf_adds(&identity, "SEQUENCE ");
	object_name(&identity, to);
	uint32_t options = changed & ~(1u << OWNED_BY | 1u << UNLOGGED | COMMON_BITS);
	if (options != 0) {
		buf_addf(sql, "ALTER %s", identity.data);
		add_options(sql, to, options);
		buf_adds(sql, ";\n");
	}
	if (changed & 1u << UNLOGGED) // 15 and later; it follows its table otherwise
		buf_addf(sql, "ALTER %s SET %s;\n", identity.data, to->values[UNLOGGED] != NULL ? "UNLOGGED" : "LOGGED");
	if (changed & 1u << OWNED_BY)
		sequence_owner(sql, to);
	ddl_common(sql, identity.data, from, to, &changed);
	return sql->length > 0;
}

const struct kind kind_sequence = {
	.name = "sequence", .sql = "SEQUENCE", .summary = "a sequence, owned by a column or not", .engines = ENGINE_POSTGRESQL,
	.relation = true, .grant_on = "SEQUENCE", .owned_by = OWNED_BY, KIND_ATTRS(attrs), .queries = queries,
	.dated = DATED_WHOLE_RELATION " union all select s.xmin from " DATED_RELATION "join pg_sequence s on s.seqrelid = c.oid",
	.dated_elsewhere = 1u << OWNED_BY, .dated_touched = true,
	.create = sequence_create, .drop = ddl_drop, .alter = sequence_alter,
};
