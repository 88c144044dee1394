// SPDX-License-Identifier: PostgreSQL
// Privileges as text and as GRANT and REVOKE: see privileges.h. The reader makes the text from the catalog (lookup.c).
#include "introspect/privileges.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

#define GRANT_OPTION " WITH GRANT OPTION"

void privileges_add(struct arena *arena, struct privileges *privileges, struct privilege privilege)
{
	privileges->items =
		arena_grow(arena, privileges->items, privileges->n, &privileges->capacity, sizeof *privileges->items);
	privileges->items[privileges->n++] = privilege;
}

// How far it is to a character outside quotes and parentheses, or to the end.
static size_t up_to(const char *text, char wanted)
{
	const char *c = text;
	int depth = 0;
	for (bool quoted = false; *c != '\0' && (quoted || depth > 0 || *c != wanted); c++) {
		if (*c == '"') // a doubled quote closes and opens again
			quoted = !quoted;
		else if (!quoted)
			depth += (*c == '(') - (*c == ')');
	}
	return (size_t)(c - text);
}

static struct privilege parse_one(struct arena *arena, const char *grantee, const char *text, size_t length)
{
	struct privilege privilege = { .grantee = grantee };
	size_t option = strlen(GRANT_OPTION);
	privilege.lacks = length > 3 && strncmp(text, "no ", 3) == 0;
	text += privilege.lacks ? 3 : 0;
	length -= privilege.lacks ? 3 : 0;
	privilege.grantable = length > option && strncmp(text + length - option, GRANT_OPTION, option) == 0;
	length -= privilege.grantable ? option : 0;
	size_t name = strcspn(text, " ,;");
	privilege.name = arena_strndup(arena, text, name < length ? name : length);
	if (name + 3 < length) // "SELECT (column)"
		privilege.column = arena_strndup(arena, text + name + 2, length - name - 3);
	return privilege;
}

struct privileges privileges_parse(struct arena *arena, const char *text)
{
	struct privileges privileges = { 0 };
	while (text != NULL && *text != '\0') {
		size_t length = up_to(text, ':');
		const char *grantee = arena_strndup(arena, text, length);
		for (text += length; *text == ':' || *text == ',';) {
			text += text[1] == ' ' ? 2 : 1;
			length = up_to(text, ',');
			size_t end = up_to(text, ';');
			length = end < length ? end : length;
			privileges_add(arena, &privileges, parse_one(arena, grantee, text, length));
			text += length;
		}
		text += *text == ';';
		text += *text == ' ';
	}
	return privileges;
}

static int compare(const void *a, const void *b)
{
	const struct privilege *one = a, *other = b;
	int order = strcmp(one->grantee, other->grantee);
	if (order == 0)
		order = strcmp(one->name, other->name);
	if (order == 0 && (one->column != NULL || other->column != NULL))
		order = strcmp(one->column == NULL ? "" : one->column, other->column == NULL ? "" : other->column);
	return order;
}

const char *privileges_text(struct arena *arena, struct privileges *privileges)
{
	if (privileges->n == 0)
		return NULL;
	qsort(privileges->items, privileges->n, sizeof *privileges->items, compare);
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < privileges->n; i++) {
		const struct privilege *one = &privileges->items[i];
		if (i > 0 && compare(one, one - 1) == 0)
			continue;
		if (i > 0 && strcmp(one->grantee, one[-1].grantee) == 0)
			buf_adds(&text, ", ");
		else
			buf_addf(&text, "%s%s: ", i > 0 ? "; " : "", one->grantee);
		buf_addf(&text, "%s%s", one->lacks ? "no " : "", one->name);
		if (one->column != NULL)
			buf_addf(&text, " (%s)", one->column);
		buf_adds(&text, one->grantable ? GRANT_OPTION : "");
	}
	return buf_copy(&text, arena);
}

// Statements.

static const struct privilege *find(const struct privileges *privileges, const struct privilege *wanted)
{
	for (size_t i = 0; i < privileges->n; i++) {
		if (compare(&privileges->items[i], wanted) == 0)
			return &privileges->items[i];
	}
	return NULL;
}

enum verb { VERB_REVOKE, VERB_REVOKE_OPTION, VERB_GRANT, VERB_GRANT_OPTION, N_VERBS };

// What has to be done about one privilege. What is in neither list is as it is by itself.
static bool verb_of(const struct privilege *from, const struct privilege *to, enum verb *verb)
{
	bool by_itself = (from != NULL && from->lacks) || (to != NULL && to->lacks); // what the object's sort gives
	bool had = from == NULL ? by_itself : !from->lacks, has = to == NULL ? by_itself : !to->lacks;
	bool could_pass = from != NULL && from->grantable, can_pass = to != NULL && to->grantable;
	if (had && !has)
		*verb = VERB_REVOKE;
	else if (could_pass && !can_pass)
		*verb = VERB_REVOKE_OPTION;
	else if (can_pass && !could_pass)
		*verb = VERB_GRANT_OPTION;
	else
		*verb = VERB_GRANT;
	return had != has || could_pass != can_pass;
}

// The privileges of one grantee that take one verb, as one statement.
static void write_one(struct buf *sql, const struct object *object, enum verb verb, const char *grantee, const char *list)
{
	static const struct { const char *start, *before, *end; } forms[] = {
		[VERB_REVOKE] = { "REVOKE ", "FROM", "" }, [VERB_REVOKE_OPTION] = { "REVOKE GRANT OPTION FOR ", "FROM", "" },
		[VERB_GRANT] = { "GRANT ", "TO", "" }, [VERB_GRANT_OPTION] = { "GRANT ", "TO", GRANT_OPTION },
	};
	buf_addf(sql, "%s%s ON %s ", forms[verb].start, list, object->kind->grant_on);
	if (object->kind->child)
		ddl_parent_name(sql, object);
	else
		object_name(sql, object);
	buf_addf(sql, " %s ", forms[verb].before);
	if (strcmp(grantee, GRANTEE_OWNER) != 0)
		buf_adds(sql, grantee);
	else if (object->values[ATTR_OWNER] != NULL)
		sql_ident(sql, object->values[ATTR_OWNER]);
	else
		buf_adds(sql, "CURRENT_USER");
	buf_addf(sql, "%s;\n", forms[verb].end);
}

static void add_privilege(struct buf *list, const struct object *object, const struct privilege *privilege)
{
	buf_addf(list, "%s%s", list->length > 0 ? ", " : "", privilege->name);
	if (privilege->column != NULL) {
		buf_addf(list, " (%s)", privilege->column);
	} else if (object->kind->child) {
		buf_adds(list, " (");
		ddl_own_name(list, object);
		buf_addc(list, ')');
	}
}

void privileges_change(struct buf *sql, const struct object *to, const char *from)
{
	if (to->kind->grant_on == NULL)
		return;
	auto_arena arena = arena_new();
	struct privileges old = privileges_parse(arena, from), new = privileges_parse(arena, to->values[ATTR_PRIVILEGES]);
	struct privileges all = old; // sorted by grantee below, so that each grantee's stand together
	all.items = NULL;
	all.n = all.capacity = 0;
	for (size_t i = 0; i < old.n; i++)
		privileges_add(arena, &all, old.items[i]);
	for (size_t i = 0; i < new.n; i++) {
		if (find(&old, &new.items[i]) == NULL)
			privileges_add(arena, &all, new.items[i]);
	}
	if (all.n == 0)
		return;
	qsort(all.items, all.n, sizeof *all.items, compare);
	for (size_t start = 0, end; start < all.n; start = end) {
		const char *grantee = all.items[start].grantee;
		for (end = start; end < all.n && strcmp(all.items[end].grantee, grantee) == 0;)
			end++;
		for (int verb = VERB_REVOKE; verb < N_VERBS; verb++) {
			auto_buf list = BUF_INIT;
			for (size_t i = start; i < end; i++) {
				enum verb wanted;
				if (verb_of(find(&old, &all.items[i]), find(&new, &all.items[i]), &wanted) && (int)wanted == verb)
					add_privilege(&list, to, &all.items[i]);
			}
			bool says_owner = strcmp(grantee, GRANTEE_OWNER) == 0 && to->values[ATTR_OWNER] == NULL;
			if (list.length > 0 && says_owner)
				ddl_remark(sql, "as the owner:");
			if (list.length > 0)
				write_one(sql, to, (enum verb)verb, grantee, list.data);
		}
	}
}
