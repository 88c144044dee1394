// SPDX-License-Identifier: PostgreSQL
// SQL text as lexemes: see lexer.h. It knows quoting and comments of both engines, and nothing of grammar. Whatever needs
// grammar asks libpg_query or SQLite.
#include "config.h"

#include "migrations/lexer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

enum { NAME_BYTES = 63 }; // NAMEDATALEN - 1

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool starts_word(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_word(char c)
{
	return starts_word(c) || isdigit((unsigned char)c) || c == '$';
}

static bool at_text(const struct lexer *lexer, const char *text)
{
	size_t length = strlen(text);
	return (size_t)(lexer->end - lexer->at) >= length && memcmp(lexer->at, text, length) == 0;
}

// PostgreSQL's block comments nest, SQLite's do not.
static void skip_block_comment(struct lexer *lexer)
{
	unsigned depth = 0;
	while (lexer->at < lexer->end) {
		if (at_text(lexer, "/*") && (depth == 0 || lexer->engine == ENGINE_POSTGRESQL)) {
			depth++;
			lexer->at += 2;
		} else if (at_text(lexer, "*/")) {
			lexer->at += 2;
			if (--depth == 0)
				return;
		} else {
			lexer->at++;
		}
	}
}

static void skip_blanks(struct lexer *lexer)
{
	while (lexer->at < lexer->end) {
		if (is_blank(*lexer->at)) {
			lexer->at++;
		} else if (at_text(lexer, "--")) {
			const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
			lexer->at = newline == NULL ? lexer->end : newline + 1;
		} else if (at_text(lexer, "/*")) {
			skip_block_comment(lexer);
		} else {
			return;
		}
	}
}

// From an opening quote to behind the closing one; a doubled quote stands for itself.
static void skip_quoted(struct lexer *lexer, char close, bool backslashes)
{
	for (lexer->at++; lexer->at < lexer->end; lexer->at++) {
		if (backslashes && *lexer->at == '\\' && lexer->at + 1 < lexer->end) {
			lexer->at++;
		} else if (*lexer->at == close) {
			lexer->at++;
			if (close == ']' || lexer->at == lexer->end || *lexer->at != close)
				return;
		}
	}
}

// The length of an opening $tag$, 0 if there is none.
static size_t dollar_tag(const struct lexer *lexer)
{
	const char *c = lexer->at + 1;
	if (c < lexer->end && *c != '$' && !starts_word(*c))
		return 0;
	while (c < lexer->end && *c != '$' && continues_word(*c))
		c++;
	return c < lexer->end && *c == '$' ? (size_t)(c - lexer->at) + 1 : 0;
}

static void skip_dollar(struct lexer *lexer, size_t tag)
{
	const char *opening = lexer->at;
	const char *close = memmem(opening + tag, (size_t)(lexer->end - opening) - tag, opening, tag);
	lexer->at = close == NULL ? lexer->end : close + tag;
}

bool lexer_next(struct lexer *lexer, struct lexeme *lexeme)
{
	skip_blanks(lexer);
	if (lexer->at >= lexer->end)
		return false;
	bool postgresql = lexer->engine == ENGINE_POSTGRESQL;
	const char *start = lexer->at;
	char c = *start;
	size_t tag = 0;
	lexeme->start = start;
	if (postgresql && (c == 'e' || c == 'E') && start + 1 < lexer->end && start[1] == '\'') {
		lexeme->type = LEXEME_STRING;
		lexer->at++;
		skip_quoted(lexer, '\'', true);
	} else if (starts_word(c)) {
		lexeme->type = LEXEME_WORD;
		while (lexer->at < lexer->end && continues_word(*lexer->at))
			lexer->at++;
	} else if (isdigit((unsigned char)c)) {
		lexeme->type = LEXEME_NUMBER;
		while (lexer->at < lexer->end && (isalnum((unsigned char)*lexer->at) || *lexer->at == '_' || *lexer->at == '.'))
			lexer->at++;
	} else if (c == '\'') {
		lexeme->type = LEXEME_STRING;
		skip_quoted(lexer, '\'', false);
	} else if (c == '"' || (!postgresql && c == '`')) {
		lexeme->type = LEXEME_QUOTED;
		skip_quoted(lexer, c, false);
	} else if (!postgresql && c == '[') {
		lexeme->type = LEXEME_QUOTED;
		skip_quoted(lexer, ']', false);
	} else if (postgresql && c == '$' && (tag = dollar_tag(lexer)) > 0) {
		lexeme->type = LEXEME_DOLLAR;
		skip_dollar(lexer, tag);
	} else {
		lexeme->type = LEXEME_SIGN;
		lexer->at++;
	}
	lexeme->length = (size_t)(lexer->at - start);
	return true;
}

bool lexeme_is_word(const struct lexeme *lexeme, const char *word)
{
	return lexeme->type == LEXEME_WORD && strlen(word) == lexeme->length &&
	       strncasecmp(lexeme->start, word, lexeme->length) == 0;
}

bool lexeme_is_sign(const struct lexeme *lexeme, char sign)
{
	return lexeme->type == LEXEME_SIGN && *lexeme->start == sign;
}

bool lexeme_names(enum engine engine, const struct lexeme *lexeme, const char *name)
{
	if (lexeme->type != LEXEME_WORD && lexeme->type != LEXEME_QUOTED)
		return false;
	bool quoted = lexeme->type == LEXEME_QUOTED;
	const char *c = lexeme->start + quoted, *end = lexeme->start + lexeme->length - (quoted && lexeme->length > 1);
	const char *at = name;
	for (; c < end && *at != '\0'; c++, at++) {
		bool fold = engine == ENGINE_SQLITE || !quoted;
		char have = fold ? (char)tolower((unsigned char)*c) : *c;
		char want = engine == ENGINE_SQLITE ? (char)tolower((unsigned char)*at) : *at;
		if (have != want)
			return false;
		if (quoted && *c == *lexeme->start && c + 1 < end && c[1] == *c) // a doubled quote
			c++;
	}
	return *at == '\0' && (c == end || (engine == ENGINE_POSTGRESQL && at - name == NAME_BYTES));
}

void lexeme_content(const struct lexeme *lexeme, const char **start, const char **end)
{
	struct lexer lexer = { .at = lexeme->start, .end = lexeme->start + lexeme->length };
	size_t opening = lexeme->type == LEXEME_DOLLAR ? dollar_tag(&lexer) : *lexeme->start == '\'' ? 1 : 2;
	size_t closing = lexeme->type == LEXEME_DOLLAR ? opening : 1;
	*start = lexeme->start + opening;
	*end = lexeme->length < opening + closing ? *start : lexer.end - closing;
}

char *lexeme_text(struct arena *arena, const struct lexeme *lexeme)
{
	if (lexeme->type == LEXEME_WORD) {
		char *word = arena_strndup(arena, lexeme->start, lexeme->length);
		for (char *c = word; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		return word;
	}
	const char *start = lexeme->start + 1, *end = lexeme->start + lexeme->length - 1;
	if (lexeme->type == LEXEME_STRING || lexeme->type == LEXEME_DOLLAR)
		lexeme_content(lexeme, &start, &end);
	char *text = arena_strndup(arena, start, end > start ? (size_t)(end - start) : 0), *to = text;
	for (const char *c = text; *c != '\0'; c++) {
		*to++ = *c;
		if (lexeme->type != LEXEME_DOLLAR && *c == *end && c[1] == *c) // a doubled quote
			c++;
	}
	*to = '\0';
	return text;
}

bool text_opens_with(enum engine engine, const char *text, const char *words)
{
	struct lexer lexer = { engine, text, text + strlen(text) };
	while (*words != '\0') {
		size_t length = strcspn(words, " ");
		struct lexeme lexeme;
		if (!lexer_next(&lexer, &lexeme) || lexeme.type != LEXEME_WORD || lexeme.length != length ||
		    strncasecmp(lexeme.start, words, length) != 0)
			return false;
		words += length;
		words += strspn(words, " ");
	}
	return true;
}
