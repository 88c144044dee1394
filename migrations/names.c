// SPDX-License-Identifier: PostgreSQL
// Which object a statement is about, as far as its words show: for finding the statement that an object comes from. It looks
// at the head of a statement (CREATE TABLE t, ALTER INDEX i ...), at names in the places where DDL puts them, at the names
// that PostgreSQL makes up for constraints, indexes and sequences, and into DO blocks; not at SQL that is put together at
// run time, nor at what a called function does. Statements that only read or write rows name nothing.
#include "migrations/split.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "migrations/lexer.h"

struct object_name {
	enum engine engine;
	const struct kind *kind;
	const char *schema;   // NULL: none
	const char *relation; // of a child; else NULL
	const char *name;     // the last part; a function's without its arguments
};

struct words {
	const struct lexeme *at;
	size_t n;
};

enum { NAMED_NOT, NAMED_RELATION, NAMED_OBJECT };

static const char *const definers[] = { "CREATE", "ALTER", "DROP", NULL };
static const char *const mentioners[] = { "COMMENT", "GRANT", "REVOKE", "REFRESH", "REINDEX", "SECURITY", "CLUSTER", NULL };
// Words between CREATE, ALTER or DROP and the word for what is made; and between that and its name.
static const char *const before_type[] = {
	"OR", "REPLACE", "TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL", "UNIQUE", "RECURSIVE", "CONSTRAINT", "MATERIALIZED",
	"FOREIGN", "VIRTUAL", "TRUSTED", "PROCEDURAL", NULL,
};
static const char *const before_name[] = { "CONCURRENTLY", "IF", "NOT", "EXISTS", "ONLY", NULL };
// Words that stand before the name of what an ALTER TABLE is about.
static const char *const before_part[] = {
	"ADD", "DROP", "ALTER", "COLUMN", "RENAME", "TO", "EXISTS", "CONSTRAINT", "TRIGGER", "RULE", "INDEX", "ON", NULL,
};
static const char *const relation_types[] = { "TABLE", "VIEW", NULL };

// Names that are made up where the statement gives none: the relation's name, mostly the first column's, and the ending.
static const struct made_name {
	const char *ending, *word; // the statement must have the word
} made_names[] = {
	{ "_pkey", "PRIMARY" }, { "_key", "UNIQUE" }, { "_check", "CHECK" }, { "_fkey", "REFERENCES" }, { "_excl", "EXCLUDE" },
	{ "_not_null", "NULL" }, { "_idx", "INDEX" },
};
// SQLite's unnamed constraints, as introspect/sqlite_read.h names them: the word before the parenthesis.
static const struct made_name made_words[] = {
	{ "primary_key", "PRIMARY" }, { "unique", "UNIQUE" }, { "check", "CHECK" }, { "foreign_key", "REFERENCES" },
};

static bool is_one_of(const struct lexeme *lexeme, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (lexeme_is_word(lexeme, *words))
			return true;
	}
	return false;
}

static size_t skip_words(struct words words, size_t i, const char *const *skipped)
{
	while (i < words.n && is_one_of(&words.at[i], skipped))
		i++;
	return i;
}

static bool has_word(struct words words, const char *word)
{
	for (size_t i = 0; i < words.n; i++) {
		if (lexeme_is_word(&words.at[i], word))
			return true;
	}
	return false;
}

// Whether the lexeme at i is this name; what qualifies it must be its schema.
static bool names_at(const struct object_name *object, struct words words, size_t i, const char *name)
{
	if (i >= words.n || !lexeme_names(object->engine, &words.at[i], name))
		return false;
	bool qualified = i >= 2 && lexeme_is_sign(&words.at[i - 1], '.');
	return !qualified || object->schema == NULL || lexeme_names(object->engine, &words.at[i - 2], object->schema) ||
	       has_word(words, "SCHEMA"); // ALTER ... SET SCHEMA: the old one is named
}

// The last part of the dotted name that begins at i.
static size_t last_part(struct words words, size_t i)
{
	while (i + 2 < words.n && lexeme_is_sign(&words.at[i + 1], '.'))
		i += 2;
	return i;
}

static bool names_anywhere(const struct object_name *object, struct words words, const char *name)
{
	for (size_t i = 0; i < words.n; i++) {
		if (names_at(object, words, i, name))
			return true;
	}
	return false;
}

// The word of the statement's head against the kind's: INDEX, TRIGGER, VIEW (of MATERIALIZED VIEW) ...
static bool is_type_of(const struct lexeme *type, const struct kind *kind)
{
	if (kind->sql == NULL)
		return false;
	const char *blank = strrchr(kind->sql, ' ');
	return lexeme_is_word(type, blank == NULL ? kind->sql : blank + 1);
}

static bool middle_is_column(const struct object_name *object, struct words words, const char *middle, size_t length)
{
	char text[256];
	if (length == 0)
		return true;
	for (size_t i = 0; i < words.n; i++) {
		size_t n = words.at[i].length - 2 * (words.at[i].type == LEXEME_QUOTED);
		if (n > length || n >= sizeof text || (n < length && middle[n] != '_'))
			continue;
		snprintf(text, sizeof text, "%.*s", (int)n, middle);
		if (lexeme_names(object->engine, &words.at[i], text))
			return true;
	}
	return false;
}

// Whether the object's name is one that the server makes up for a part of this statement.
static bool is_made_here(const struct object_name *object, struct words words)
{
	const char *name = object->name;
	for (size_t i = 0; object->engine == ENGINE_SQLITE && i < sizeof made_words / sizeof *made_words; i++) {
		size_t length = strlen(made_words[i].ending);
		if (strncmp(name, made_words[i].ending, length) == 0 && (name[length] == '(' || name[length] == '\0') &&
		    has_word(words, made_words[i].word))
			return true;
	}
	size_t relation = strlen(object->relation), length = strlen(name);
	while (length > 0 && isdigit((unsigned char)name[length - 1])) // a second one is numbered
		length--;
	if (strncmp(name, object->relation, relation) != 0)
		return false;
	for (size_t i = 0; i < sizeof made_names / sizeof *made_names; i++) {
		size_t ending = strlen(made_names[i].ending);
		if (length < relation + ending || strncmp(name + length - ending, made_names[i].ending, ending) != 0 ||
		    !has_word(words, made_names[i].word))
			continue;
		size_t middle = length - ending - relation;
		if (middle == 0 || (name[relation] == '_' && middle_is_column(object, words, name + relation + 1, middle - 1)))
			return true;
	}
	return false;
}

// A part of a relation that this CREATE or ALTER is about.
static bool relation_statement_names(const struct object_name *object, struct words words, size_t after)
{
	bool creates = lexeme_is_word(&words.at[0], "CREATE");
	for (size_t i = after; i < words.n; i++) {
		if (lexeme_names(object->engine, &words.at[i], object->name) && (creates || is_one_of(&words.at[i - 1], before_part)))
			return true;
	}
	return is_made_here(object, words);
}

static int child_named(const struct object_name *object, struct words words, size_t type, size_t name)
{
	if (is_one_of(&words.at[type], relation_types) && names_at(object, words, last_part(words, name), object->relation))
		return relation_statement_names(object, words, last_part(words, name) + 1) ? NAMED_OBJECT : NAMED_RELATION;
	bool relation = names_anywhere(object, words, object->relation);
	if (is_type_of(&words.at[type], object->kind)) {
		bool unnamed = name < words.n && lexeme_is_word(&words.at[name], "ON"); // CREATE INDEX ON t
		bool created = lexeme_is_word(&words.at[0], "CREATE");
		if (unnamed ? relation && is_made_here(object, words)
		            : (relation || !created) && names_at(object, words, last_part(words, name), object->name))
			return NAMED_OBJECT;
	}
	return relation ? NAMED_RELATION : NAMED_NOT;
}

// A sequence that a serial or identity column brings along: table_column_seq.
static bool is_made_sequence(const struct object_name *object, struct words words, size_t table)
{
	const struct lexeme *lexeme = &words.at[table];
	size_t quotes = lexeme->type == LEXEME_QUOTED, length = strlen(object->name);
	size_t prefix = lexeme->length - 2 * quotes, ending = strlen("_seq");
	if (object->kind->owned_by < 0 || length < prefix + ending + 2 || strcmp(object->name + length - ending, "_seq") != 0 ||
	    strncasecmp(object->name, lexeme->start + quotes, prefix) != 0 || object->name[prefix] != '_')
		return false;
	struct words columns = { words.at + table + 1, words.n - table - 1 };
	return middle_is_column(object, columns, object->name + prefix + 1, length - prefix - 1 - ending);
}

static int own_named(const struct object_name *object, struct words words, size_t type, size_t name)
{
	bool creates = lexeme_is_word(&words.at[0], "CREATE"), drops = lexeme_is_word(&words.at[0], "DROP");
	bool is_table = lexeme_is_word(&words.at[type], "TABLE");
	size_t last = last_part(words, name);
	if ((is_type_of(&words.at[type], object->kind) || !(creates || drops)) && names_at(object, words, last, object->name))
		return NAMED_OBJECT;
	for (size_t i = name; i < words.n; i++) { // DROP TABLE a, b; ALTER TABLE a RENAME TO b
		bool part = drops ? is_type_of(&words.at[type], object->kind)
		                  : !creates && lexeme_is_word(&words.at[i - 1], "TO") && has_word(words, "RENAME");
		if (part && names_at(object, words, i, object->name))
			return NAMED_OBJECT;
	}
	if (is_table && !drops && last < words.n && is_made_sequence(object, words, last))
		return NAMED_OBJECT;
	return names_anywhere(object, words, object->name) ? NAMED_RELATION : NAMED_NOT;
}

static int definition_names(const struct object_name *object, struct words words)
{
	if (is_one_of(&words.at[0], mentioners))
		return names_anywhere(object, words, object->relation != NULL ? object->relation : object->name) ? NAMED_RELATION
		                                                                                                 : NAMED_NOT;
	if (!is_one_of(&words.at[0], definers))
		return NAMED_NOT;
	size_t type = skip_words(words, 1, before_type);
	if (type >= words.n)
		return NAMED_NOT;
	size_t name = skip_words(words, type + 1, before_name);
	return object->relation != NULL ? child_named(object, words, type, name) : own_named(object, words, type, name);
}

static int text_names(struct arena *arena, const struct object_name *object, const char *start, const char *end);

// The definitions within a DO block: plain ones, and those in strings that are executed.
static int block_names(struct arena *arena, const struct object_name *object, struct words words)
{
	int most = NAMED_NOT;
	for (size_t i = 0; i < words.n; i++) {
		int named = NAMED_NOT;
		if (words.at[i].type == LEXEME_STRING || words.at[i].type == LEXEME_DOLLAR) {
			const char *start, *end;
			lexeme_content(&words.at[i], &start, &end);
			named = text_names(arena, object, start, end);
		} else if (is_one_of(&words.at[i], definers) || is_one_of(&words.at[i], mentioners)) {
			struct words inner = { words.at + i, 0 };
			while (i + inner.n < words.n && !lexeme_is_sign(&inner.at[inner.n], ';'))
				inner.n++;
			named = definition_names(object, inner);
			i += inner.n - 1;
		}
		most = named > most ? named : most;
	}
	return most;
}

static struct words words_of(struct arena *arena, enum engine engine, const char *start, const char *end)
{
	struct lexer lexer = { engine, start, end };
	struct lexeme *lexemes = NULL, lexeme;
	size_t n = 0, capacity = 0;
	while (lexer_next(&lexer, &lexeme)) {
		lexemes = arena_grow(arena, lexemes, n, &capacity, sizeof *lexemes);
		lexemes[n++] = lexeme;
	}
	return (struct words){ lexemes, n };
}

static int text_names(struct arena *arena, const struct object_name *object, const char *start, const char *end)
{
	struct words words = words_of(arena, object->engine, start, end);
	if (words.n == 0 || !lexeme_is_word(&words.at[0], "DO"))
		return words.n == 0 ? NAMED_NOT : definition_names(object, words);
	for (size_t i = 1; i < words.n; i++) {
		if (words.at[i].type != LEXEME_DOLLAR && words.at[i].type != LEXEME_STRING)
			continue;
		const char *from, *to;
		lexeme_content(&words.at[i], &from, &to);
		return block_names(arena, object, words_of(arena, object->engine, from, to));
	}
	return NAMED_NOT;
}

int statement_names(enum engine engine, const char *statement, const struct kind *kind, const char *const *path, unsigned n_path)
{
	if (n_path == 0)
		return NAMED_NOT;
	auto_arena arena = arena_new();
	const char *name = path[n_path - 1];
	struct object_name object = {
		.engine = engine,
		.kind = kind,
		.relation = kind->child && n_path >= 2 ? path[n_path - 2] : NULL,
		.name = kind->arguments ? arena_strndup(arena, name, strcspn(name, "(")) : name,
	};
	unsigned own = kind->child ? 2 : 1; // parts without the schema
	object.schema = n_path > own ? path[n_path - own - 1] : NULL;
	return text_names(arena, &object, statement, statement + strlen(statement));
}
