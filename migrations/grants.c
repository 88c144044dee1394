// SPDX-License-Identifier: PostgreSQL
// Finding GRANT, REVOKE and OWNER TO in migrations: see grants.h. A text is read lexeme by lexeme, like for the roles that it
// names (roles.c).
#include "migrations/grants.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "migrations/framework.h"
#include "migrations/lexer.h"

// What GRANT ... ON speaks of that has no object in the model.
static const char *const foreign[] = { "database", "language", "foreign", "large", "tablespace", "parameter", NULL };
// What ALTER ... OWNER TO speaks of that has one.
static const char *const owned[] = {
	"table", "view", "materialized", "sequence", "function", "procedure", "routine", "aggregate", "type", "domain", "schema", NULL,
};
// After which a statement begins within a body.
static const char *const openers[] = { "begin", "then", "else", "loop", NULL };

enum { FIRST_WORDS = 3 };

// A statement so far.
struct words {
	struct lexeme first[FIRST_WORDS], last;
	size_t n;
	bool on, renames; // GRANT ... ON was there; RENAME was
};

static bool is_among(const struct lexeme *lexeme, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (lexeme_is_word(lexeme, *words))
			return true;
	}
	return false;
}

static bool opens(const struct words *words, size_t i, const char *word)
{
	return i < words->n && i < FIRST_WORDS && lexeme_is_word(&words->first[i], word);
}

static bool is_grant(const struct words *words)
{
	return opens(words, 0, "grant") || opens(words, 0, "revoke");
}

// What the next lexeme of a statement makes it.
static unsigned group_of(struct words *words, const struct lexeme *lexeme)
{
	bool after_on = !words->on && is_grant(words) && words->n > 1 && lexeme_is_word(&words->last, "on");
	words->on = words->on || after_on;
	if (after_on && !is_among(lexeme, foreign))
		return 1u << GROUP_ACL;
	if (words->n == 2 && opens(words, 0, "alter") && opens(words, 1, "default") && lexeme_is_word(lexeme, "privileges"))
		return 1u << GROUP_ACL;
	words->renames = words->renames || lexeme_is_word(lexeme, "rename");
	bool to_owner = lexeme_is_word(lexeme, "to") && words->n > 2 && !words->renames && lexeme_is_word(&words->last, "owner");
	if (to_owner && opens(words, 0, "alter") && is_among(&words->first[1], owned))
		return 1u << GROUP_OWNER;
	if (lexeme_is_word(lexeme, "authorization") && opens(words, 0, "create") && opens(words, 1, "schema"))
		return 1u << GROUP_OWNER;
	return words->n == 1 && opens(words, 0, "reassign") && lexeme_is_word(lexeme, "owned") ? 1u << GROUP_OWNER : 0;
}

static unsigned find(struct lexer lexer, bool in_body)
{
	struct words words = { .n = 0 };
	struct lexeme lexeme;
	unsigned groups = 0;
	while (lexer_next(&lexer, &lexeme)) {
		bool text = lexeme.type == LEXEME_DOLLAR || lexeme.type == LEXEME_STRING;
		if (lexeme_is_sign(&lexeme, ';') || (in_body && is_among(&lexeme, openers))) {
			words = (struct words){ .n = 0 };
			continue;
		}
		if (text && (in_body || opens(&words, 0, "do"))) {
			struct lexer inner = lexer;
			lexeme_content(&lexeme, &inner.at, &inner.end);
			groups |= find(inner, true);
		}
		groups |= group_of(&words, &lexeme);
		if (words.n < FIRST_WORDS)
			words.first[words.n] = lexeme;
		words.n++;
		words.last = lexeme;
	}
	if (in_body && is_grant(&words) && words.n > 1 && !words.on && lexeme_is_word(&words.last, "on"))
		groups |= 1u << GROUP_ACL; // 'GRANT SELECT ON ' || ...
	return groups;
}

unsigned grants_find(const char *sql)
{
	return find((struct lexer){ ENGINE_POSTGRESQL, sql, sql + strlen(sql) }, false);
}

const struct grants *migrations_grants(struct arena *arena, const struct migrations *set)
{
	struct grants *grants = arena_alloc(arena, sizeof *grants);
	struct role_list named = { 0 }, created = { 0 }, guarded = { 0 };
	for (size_t i = 0; i < set->n_items; i++) {
		struct script script = { .n_units = 0 };
		struct err ignored; // the replay says what is wrong with it
		if (set->items[i].not_runnable != NULL || !set->framework->script(arena, set, ENGINE_POSTGRESQL, &set->items[i], &script, &ignored))
			continue;
		for (size_t j = 0; j < script.n_units; j++) {
			unsigned found = grants_find(script.units[j].text) & ~grants->groups;
			grants->groups |= found;
			for (unsigned group = 0; group < GROUP_EVIDENCE; group++) {
				if (found & 1u << group)
					grants->first[group] = set->items[i].label;
			}
			roles_find(arena, script.units[j].text, &named, &created, &guarded);
		}
	}
	for (size_t i = 0; i < named.n; i++) {
		if (!role_has(&created, named.names[i]))
			role_add(arena, &grants->roles, named.names[i]);
	}
	return grants;
}
