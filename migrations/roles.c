// SPDX-License-Identifier: PostgreSQL
// The roles that migrations name: see roles.h. A text is read lexeme by lexeme; a table says after which words a list of
// roles stands. What it takes for a role wrongly makes a role too many on a cluster that is thrown away, and what it misses
// the replay learns from the server's error.
#include "migrations/roles.h"

#include <string.h>

#include "base/arena.h"
#include "migrations/lexer.h"

// A list of roles follows the words `before` and `word`, if the statement so far has `within` (NULL: any).
static const struct place {
	const char *within, *before, *word;
} places[] = {
	{ "grant", NULL, "to" },      { "revoke", NULL, "from" },       { "policy", NULL, "to" },    { NULL, "owner", "to" },
	{ NULL, "set", "role" },      { NULL, "local", "role" },        { NULL, "session", "role" }, { "default", "for", "role" },
	{ "default", "for", "user" }, { NULL, NULL, "authorization" },  { "drop", "owned", "by" },   { "reassign", "owned", "by" },
	{ "reassign", NULL, "to" },   { "mapping", NULL, "for" },
};

// Words that may stand where a role does.
static const char *const no_roles[] = {
	"public", "current_user", "current_role", "session_user", "none", "default", "user", "role", "server", NULL,
};

enum { STATEMENT_WORDS = 16 };

// The words of the statement so far, as far as they are kept, and what came last.
struct context {
	struct lexeme words[STATEMENT_WORDS];
	size_t n_words;
	struct lexeme last;
};

bool role_has(const struct role_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->names[i], name) == 0)
			return true;
	}
	return false;
}

void role_add(struct arena *arena, struct role_list *list, const char *name)
{
	if (role_has(list, name))
		return;
	list->names = arena_grow(arena, list->names, list->n, &list->capacity, sizeof *list->names);
	size_t at = list->n++;
	for (; at > 0 && strcmp(list->names[at - 1], name) > 0; at--)
		list->names[at] = list->names[at - 1];
	list->names[at] = name;
}

static bool is_among(const struct lexeme *lexeme, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (lexeme_is_word(lexeme, *words))
			return true;
	}
	return false;
}

static bool has_word(const struct context *context, const char *word)
{
	for (size_t i = 0; i < context->n_words; i++) {
		if (lexeme_is_word(&context->words[i], word))
			return true;
	}
	return false;
}

static bool starts_list(const struct context *context, const struct lexeme *lexeme)
{
	if (lexeme_is_word(&context->last, "rename"))
		return false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct place *place = &places[i];
		if (lexeme_is_word(lexeme, place->word) && (place->within == NULL || has_word(context, place->within)) &&
		    (place->before == NULL || lexeme_is_word(&context->last, place->before)))
			return true;
	}
	return false;
}

// Reads `name, name ...` (with the TO or = of SET ROLE, and the word GROUP before a name, as GRANT allows).
static void read_list(struct arena *arena, struct lexer *lexer, struct role_list *list)
{
	struct lexeme name, after;
	for (;;) {
		struct lexer ahead = *lexer;
		do {
			if (!lexer_next(&ahead, &name))
				return;
		} while (lexeme_is_word(&name, "to") || lexeme_is_word(&name, "group") || lexeme_is_sign(&name, '='));
		if (name.type != LEXEME_WORD && name.type != LEXEME_QUOTED && name.type != LEXEME_STRING)
			return;
		*lexer = ahead;
		bool more = lexer_next(&ahead, &after);
		bool part = more && (lexeme_is_sign(&after, '.') || lexeme_is_sign(&after, '(')); // of something else
		const char *text = lexeme_text(arena, &name);
		if (!is_among(&name, no_roles) && *text != '\0' && strncmp(text, "pg_", 3) != 0 && !part)
			role_add(arena, list, text);
		if (!more || !lexeme_is_sign(&after, ','))
			return;
		*lexer = ahead;
	}
}

static bool creates_role(const struct context *context, const struct lexeme *lexeme, struct lexer ahead)
{
	struct lexeme after;
	return (lexeme_is_word(lexeme, "role") || lexeme_is_word(lexeme, "user") || lexeme_is_word(lexeme, "group")) &&
	       lexeme_is_word(&context->last, "create") && lexer_next(&ahead, &after) && !lexeme_is_word(&after, "mapping");
}

static void find(struct arena *arena, struct lexer lexer, struct role_list *named, struct role_list *created,
                 struct role_list *guarded)
{
	struct context context = { .n_words = 0 };
	struct lexeme lexeme;
	while (lexer_next(&lexer, &lexeme)) {
		if (lexeme.type == LEXEME_DOLLAR) { // what is created in a body is guarded by what stands around it there
			struct lexer body = lexer;
			lexeme_content(&lexeme, &body.at, &body.end);
			find(arena, body, named, guarded, guarded);
		} else if (lexeme_is_sign(&lexeme, ';') || lexeme_is_word(&lexeme, "then") || lexeme_is_word(&lexeme, "begin")) {
			context.n_words = 0;
		} else if (creates_role(&context, &lexeme, lexer)) {
			read_list(arena, &lexer, created);
		} else if (starts_list(&context, &lexeme)) {
			read_list(arena, &lexer, named);
		} else if (lexeme.type == LEXEME_WORD && context.n_words < STATEMENT_WORDS) {
			context.words[context.n_words++] = lexeme;
		}
		context.last = lexeme;
	}
}

void roles_find(struct arena *arena, const char *sql, struct role_list *named, struct role_list *created,
                struct role_list *guarded)
{
	find(arena, (struct lexer){ ENGINE_POSTGRESQL, sql, sql + strlen(sql) }, named, created, guarded);
}
