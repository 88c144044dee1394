// SPDX-License-Identifier: PostgreSQL
// Parse trees written as SQL: see parse_tree.h. libpg_query's deparser leaves some names unquoted (those of constraints), so they are
// quoted for it, and whatever it writes is parsed again: a text that does not give the same tree is no result.
#include "rehearse/rewrite/parse_tree.h"

#include <pg_query.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"

enum { PG_QUERY_VERSION = 150001 };

// What is taken out of a tree or put into it is not libprotobuf-c's to free: the whole lives in the arena.
static void *take(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void leave(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

PgQuery__ParseResult *tree_parse(struct arena *arena, const char *sql)
{
	ProtobufCAllocator allocator = { take, leave, arena };
	PgQueryProtobufParseResult result = pg_query_parse_protobuf(sql);
	PgQuery__ParseResult *tree = result.error != NULL ? NULL
		: pg_query__parse_result__unpack(&allocator, result.parse_tree.len, (const void *)result.parse_tree.data);
	pg_query_free_protobuf_parse_result(result);
	return tree;
}

// The messages of a field; their number in *n, 0 if it holds none.
static ProtobufCMessage *const *field_messages(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t *n)
{
	const char *at = (const char *)message + field->offset, *quantifier = (const char *)message + field->quantifier_offset;
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	bool other = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && *(const unsigned *)(const void *)quantifier != field->id;
	ProtobufCMessage *const *messages = repeated ? *(ProtobufCMessage *const *const *)(const void *)at : (ProtobufCMessage *const *)(const void *)at;
	*n = field->type != PROTOBUF_C_TYPE_MESSAGE || other ? 0 : repeated ? *(const size_t *)(const void *)quantifier : *messages != NULL;
	return messages;
}

void tree_walk(ProtobufCMessage *message, bool (*visit)(void *argument, ProtobufCMessage *message), void *argument)
{
	if (!visit(argument, message))
		return;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		size_t n;
		ProtobufCMessage *const *messages = field_messages(message, &message->descriptor->fields[i], &n);
		for (size_t j = 0; j < n; j++)
			tree_walk(messages[j], visit, argument);
	}
}

// Places in the text, which differ where the meaning does not.
static bool forget_places(void *argument, ProtobufCMessage *message)
{
	(void)argument;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		bool place = strcmp(field->name, "location") == 0 || strcmp(field->name, "stmt_location") == 0 || strcmp(field->name, "stmt_len") == 0;
		if (place && field->type == PROTOBUF_C_TYPE_INT32)
			*(int32_t *)(void *)((char *)message + field->offset) = 0;
	}
	return true;
}

struct constraint_name {
	PgQuery__Constraint *constraint;
	char *name;
};

struct constraint_names {
	struct arena *arena;
	struct constraint_name *items;
	size_t n, capacity;
};

static bool quote_name(void *argument, ProtobufCMessage *message)
{
	struct constraint_names *names = argument;
	if (message->descriptor == &pg_query__constraint__descriptor && *((PgQuery__Constraint *)message)->conname != '\0') {
		PgQuery__Constraint *constraint = (PgQuery__Constraint *)message;
		names->items = arena_grow(names->arena, names->items, names->n, &names->capacity, sizeof *names->items);
		names->items[names->n++] = (struct constraint_name){ constraint, constraint->conname };
		constraint->conname = sql_name_copy(names->arena, (const char *const *)&constraint->conname, 1);
	}
	return true;
}

static PgQueryProtobuf pack(struct arena *arena, const PgQuery__ParseResult *tree)
{
	size_t length = pg_query__parse_result__get_packed_size(tree);
	char *packed = arena_alloc(arena, length + 1);
	pg_query__parse_result__pack(tree, (void *)packed);
	return (PgQueryProtobuf){ (unsigned)length, packed };
}

static const char *deparse(struct arena *arena, PgQuery__ParseResult *tree)
{
	struct constraint_names names = { .arena = arena };
	tree_walk(&tree->base, quote_name, &names);
	PgQueryDeparseResult result = pg_query_deparse_protobuf(pack(arena, tree));
	for (size_t i = 0; i < names.n; i++)
		names.items[i].constraint->conname = names.items[i].name;
	size_t length = result.error == NULL ? strlen(result.query) : 0;
	while (length > 0 && result.query[length - 1] == ' ')
		length--;
	const char *text = result.error == NULL ? arena_strndup(arena, result.query, length) : NULL;
	pg_query_free_deparse_result(result);
	return text;
}

// The text that was written, or that was given, if it says what the statement does.
static const char *checked(struct arena *arena, const char *given, PgQuery__Node__NodeCase node_case, void *statement)
{
	PgQuery__Node node = PG_QUERY__NODE__INIT;
	node.node_case = node_case;
	node.index_stmt = statement; // all members of the union are pointers
	PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
	raw.stmt = &node;
	PgQuery__RawStmt *raws[] = { &raw };
	PgQuery__ParseResult tree = PG_QUERY__PARSE_RESULT__INIT;
	tree.version = PG_QUERY_VERSION;
	tree.stmts = raws;
	tree.n_stmts = 1;
	const char *text = given != NULL ? given : deparse(arena, &tree);
	PgQuery__ParseResult *again = text == NULL ? NULL : tree_parse(arena, text);
	if (again == NULL)
		return NULL;
	tree_walk(&tree.base, forget_places, NULL);
	tree_walk(&again->base, forget_places, NULL);
	again->version = tree.version;
	PgQueryProtobuf wanted = pack(arena, &tree), got = pack(arena, again);
	return wanted.len == got.len && memcmp(wanted.data, got.data, got.len) == 0 ? text : NULL;
}

const char *tree_sql(struct arena *arena, PgQuery__Node__NodeCase node_case, void *statement)
{
	return checked(arena, NULL, node_case, statement);
}

bool tree_says(struct arena *arena, const char *sql, PgQuery__Node__NodeCase node_case, void *statement)
{
	return checked(arena, sql, node_case, statement) != NULL;
}
