// SPDX-License-Identifier: PostgreSQL
// The words of SQLite's SQL: see sqlite_token.h. There is no grammar of expressions here: what a word means is decided by
// whether an operand or an operator may stand in its place, and by its neighbours where that does not suffice. That makes
// it safe on any text, fast, and independent of the functions and the syntax of the SQLite version that wrote it.
#include "introspect/sqlite_token.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "introspect/sqlite_read.h"

// How a keyword can be used. One without any of the first three is never a keyword but in the contexts listed below.
enum {
	RESERVED = 1, // never a name
	INFIX = 2,    // a keyword where an operator may stand; a name where an operand must
	PREFIX = 4,   // a keyword where an operand must stand
	COMPLETE = 8, // an operand is complete after it: an operator follows
	CALL = 16,    // followed by parentheses, like a function
};

struct sqlite_keyword {
	const char *word;
	unsigned use;
};

// https://www.sqlite.org/lang_keywords.html; reserved are those that SQLite 3.40 refuses as the name of a column.
// Sorted for bsearch.
static const struct sqlite_keyword keywords[] = {
	{ "ABORT", 0 }, { "ACTION", 0 }, { "ADD", RESERVED }, { "AFTER", 0 }, { "ALL", RESERVED }, { "ALTER", RESERVED },
	{ "ALWAYS", 0 }, { "ANALYZE", 0 }, { "AND", RESERVED }, { "AS", RESERVED }, { "ASC", INFIX | COMPLETE },
	{ "ATTACH", 0 }, { "AUTOINCREMENT", RESERVED }, { "BEFORE", 0 }, { "BEGIN", INFIX }, { "BETWEEN", RESERVED },
	{ "BY", 0 }, { "CASCADE", 0 }, { "CASE", RESERVED }, { "CAST", CALL }, { "CHECK", RESERVED }, { "COLLATE", RESERVED },
	{ "COLUMN", 0 }, { "COMMIT", RESERVED }, { "CONFLICT", COMPLETE }, { "CONSTRAINT", RESERVED }, { "CREATE", RESERVED },
	{ "CROSS", INFIX | COMPLETE }, { "CURRENT", 0 }, { "CURRENT_DATE", PREFIX | COMPLETE },
	{ "CURRENT_TIME", PREFIX | COMPLETE }, { "CURRENT_TIMESTAMP", PREFIX | COMPLETE }, { "DATABASE", 0 },
	{ "DEFAULT", RESERVED }, { "DEFERRABLE", RESERVED }, { "DEFERRED", 0 }, { "DELETE", RESERVED },
	{ "DESC", INFIX | COMPLETE }, { "DETACH", 0 }, { "DISTINCT", RESERVED }, { "DO", INFIX }, { "DROP", RESERVED },
	{ "EACH", 0 }, { "ELSE", RESERVED }, { "END", INFIX | COMPLETE }, { "ESCAPE", RESERVED }, { "EXCEPT", RESERVED },
	{ "EXCLUDE", INFIX }, { "EXCLUSIVE", 0 }, { "EXISTS", RESERVED }, { "EXPLAIN", 0 }, { "FAIL", 0 },
	{ "FALSE", PREFIX | COMPLETE }, { "FILTER", INFIX }, { "FIRST", COMPLETE }, { "FOLLOWING", INFIX | COMPLETE },
	{ "FOR", 0 }, { "FOREIGN", RESERVED }, { "FROM", RESERVED }, { "FULL", INFIX | COMPLETE }, { "GENERATED", 0 },
	{ "GLOB", INFIX }, { "GROUP", RESERVED }, { "GROUPS", INFIX }, { "HAVING", RESERVED }, { "IF", 0 },
	{ "IGNORE", COMPLETE }, { "IMMEDIATE", 0 }, { "IN", RESERVED }, { "INDEX", RESERVED }, { "INDEXED", INFIX | COMPLETE },
	{ "INITIALLY", 0 }, { "INNER", INFIX | COMPLETE }, { "INSERT", RESERVED }, { "INSTEAD", 0 }, { "INTERSECT", RESERVED },
	{ "INTO", RESERVED }, { "IS", RESERVED }, { "ISNULL", RESERVED | COMPLETE }, { "JOIN", RESERVED }, { "KEY", 0 },
	{ "LAST", COMPLETE }, { "LEFT", INFIX | COMPLETE }, { "LIKE", INFIX }, { "LIMIT", RESERVED }, { "MATCH", INFIX },
	{ "MATERIALIZED", 0 }, { "NATURAL", INFIX | COMPLETE }, { "NO", 0 }, { "NOT", RESERVED },
	{ "NOTHING", RESERVED | COMPLETE }, { "NOTNULL", RESERVED | COMPLETE }, { "NULL", RESERVED | COMPLETE },
	{ "NULLS", INFIX }, { "OF", 0 }, { "OFFSET", INFIX }, { "ON", RESERVED }, { "OR", RESERVED }, { "ORDER", RESERVED },
	{ "OTHERS", COMPLETE }, { "OUTER", INFIX | COMPLETE }, { "OVER", INFIX }, { "PARTITION", 0 }, { "PLAN", 0 },
	{ "PRAGMA", 0 }, { "PRECEDING", INFIX | COMPLETE }, { "PRIMARY", RESERVED }, { "QUERY", 0 }, { "RAISE", CALL },
	{ "RANGE", INFIX }, { "RECURSIVE", 0 }, { "REFERENCES", RESERVED }, { "REGEXP", INFIX }, { "REINDEX", 0 },
	{ "RELEASE", 0 }, { "RENAME", 0 }, { "REPLACE", 0 }, { "RESTRICT", 0 }, { "RETURNING", RESERVED },
	{ "RIGHT", INFIX | COMPLETE }, { "ROLLBACK", 0 }, { "ROW", COMPLETE }, { "ROWS", INFIX }, { "SAVEPOINT", 0 },
	{ "SELECT", RESERVED }, { "SET", RESERVED }, { "TABLE", RESERVED }, { "TEMP", 0 }, { "TEMPORARY", 0 },
	{ "THEN", RESERVED }, { "TIES", COMPLETE }, { "TO", RESERVED }, { "TRANSACTION", RESERVED }, { "TRIGGER", 0 },
	{ "TRUE", PREFIX | COMPLETE }, { "UNBOUNDED", COMPLETE }, { "UNION", RESERVED }, { "UNIQUE", RESERVED },
	{ "UPDATE", RESERVED }, { "USING", RESERVED }, { "VACUUM", 0 }, { "VALUES", RESERVED }, { "VIEW", 0 }, { "VIRTUAL", 0 },
	{ "WHEN", RESERVED }, { "WHERE", RESERVED }, { "WINDOW", INFIX }, { "WITH", INFIX | PREFIX }, { "WITHOUT", 0 },
};

// Where a word that could be a name is a keyword all the same: the token before the last, the last, and the next; NULL
// is any, "0" any number.
static const struct context {
	const char *word, *second_last, *last, *next;
} contexts[] = {
	{ "ABORT", "INSERT", "OR", NULL }, { "ABORT", "UPDATE", "OR", NULL }, { "ABORT", "RAISE", "(", NULL },
	{ "BY", NULL, "GROUP", NULL }, { "BY", NULL, "INDEXED", NULL }, { "BY", NULL, "ORDER", NULL },
	{ "BY", NULL, "PARTITION", NULL }, { "CAST", NULL, NULL, "(" }, { "CONFLICT", NULL, "ON", "(" },
	{ "CONFLICT", NULL, "ON", "DO" }, { "CURRENT", NULL, NULL, "ROW" }, { "FAIL", "INSERT", "OR", NULL },
	{ "FAIL", "UPDATE", "OR", NULL }, { "FAIL", "RAISE", "(", NULL }, { "FIRST", NULL, "NULLS", NULL },
	{ "LAST", NULL, "NULLS", NULL }, { "GROUPS", NULL, "(", "0" }, { "GROUPS", NULL, NULL, "BETWEEN" },
	{ "GROUPS", NULL, NULL, "CURRENT" }, { "GROUPS", NULL, NULL, "UNBOUNDED" }, { "IGNORE", "INSERT", "OR", NULL },
	{ "IGNORE", "UPDATE", "OR", NULL }, { "IGNORE", "RAISE", "(", NULL }, { "MATERIALIZED", NULL, "AS", "(" },
	{ "MATERIALIZED", "AS", "NOT", "(" }, { "NO", NULL, NULL, "OTHERS" }, { "OTHERS", NULL, "NO", NULL },
	{ "PARTITION", NULL, NULL, "BY" }, { "RAISE", NULL, NULL, "(" }, { "RANGE", NULL, "(", "0" },
	{ "RANGE", NULL, NULL, "BETWEEN" }, { "RANGE", NULL, NULL, "CURRENT" }, { "RANGE", NULL, NULL, "UNBOUNDED" },
	{ "RECURSIVE", NULL, "WITH", NULL }, { "REPLACE", "INSERT", "OR", NULL }, { "REPLACE", "UPDATE", "OR", NULL },
	{ "REPLACE", NULL, NULL, "INTO" }, { "ROLLBACK", "INSERT", "OR", NULL }, { "ROLLBACK", "UPDATE", "OR", NULL },
	{ "ROLLBACK", "RAISE", "(", NULL }, { "ROW", NULL, "CURRENT", NULL }, { "ROWS", NULL, "(", "0" },
	{ "ROWS", NULL, NULL, "BETWEEN" }, { "ROWS", NULL, NULL, "CURRENT" }, { "ROWS", NULL, NULL, "UNBOUNDED" },
	{ "TIES", NULL, "EXCLUDE", NULL }, { "UNBOUNDED", NULL, NULL, "FOLLOWING" }, { "UNBOUNDED", NULL, NULL, "PRECEDING" },
};

// Operators, the longest first. Where SQLite has two spellings of one, the first is printed for both.
static const struct symbol {
	const char *text, *print;
} symbols[] = {
	{ "->>", "->>" }, { "->", "->" }, { "==", "=" }, { "<=", "<=" }, { "<>", "<>" }, { "<<", "<<" }, { ">=", ">=" },
	{ ">>", ">>" }, { "!=", "<>" }, { "||", "||" }, { "(", "(" }, { ")", ")" }, { ",", "," }, { ";", ";" }, { ".", "." },
	{ "=", "=" }, { "<", "<" }, { ">", ">" }, { "+", "+" }, { "-", "-" }, { "*", "*" }, { "/", "/" }, { "%", "%" },
	{ "&", "&" }, { "|", "|" }, { "~", "~" },
};

static const struct sqlite_token no_token = { .type = SQLITE_TOKEN_END, .text = "" };

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_char(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct word {
	const char *text;
	size_t length;
};

static int keyword_compare(const void *key, const void *element)
{
	const struct word *word = key;
	const struct sqlite_keyword *keyword = element;
	int order = sqlite3_strnicmp(word->text, keyword->word, (int)word->length);
	return order != 0 ? order : -(int)(keyword->word[word->length] != '\0');
}

static const struct sqlite_keyword *keyword_find(const char *text, size_t length)
{
	if (length > sizeof "CURRENT_TIMESTAMP" - 1)
		return NULL;
	struct word word = { text, length };
	return bsearch(&word, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords, keyword_compare);
}

// The length of the blanks, comments and byte order marks at the start of a text. A comment may run to the end.
static size_t blank_length(const char *text)
{
	const char *c = text;
	for (;;) {
		if (is_blank(*c)) {
			c++;
		} else if (c[0] == '-' && c[1] == '-') {
			c += strcspn(c, "\n");
		} else if (c[0] == '/' && c[1] == '*') {
			const char *end = strstr(c + 2, "*/");
			c = end == NULL ? c + strlen(c) : end + 2;
		} else if (strncmp(c, "\xef\xbb\xbf", 3) == 0) {
			c += 3;
		} else {
			return (size_t)(c - text);
		}
	}
}

// The length of a quoted text with its quotes; 0 if it does not end. A doubled quote stands for itself.
static size_t quoted_length(const char *text)
{
	char end = *text == '[' ? ']' : *text;
	for (const char *c = text + 1; *c != '\0'; c++) {
		if (*c != end)
			continue;
		if (end == ']' || c[1] != end)
			return (size_t)(c + 1 - text);
		c++;
	}
	return 0;
}

static size_t number_length(const char *text)
{
	bool hexadecimal = text[0] == '0' && lower(text[1]) == 'x';
	const char *c = text;
	while (is_word_char(*c) || *c == '.' || ((*c == '+' || *c == '-') && lower(c[-1]) == 'e' && !hexadecimal))
		c++;
	return (size_t)(c - text);
}

static size_t word_length(const char *text)
{
	size_t length = 0;
	while (is_word_char(text[length]))
		length++;
	return length;
}

// Cuts the token at the start of the text, where no blank is. False: there is none.
static bool token_cut(struct sqlite_token *token, const char *text)
{
	token->text = text;
	char c = *text;
	if (lower(c) == 'x' && text[1] == '\'') {
		token->type = SQLITE_TOKEN_OTHER;
		token->length = quoted_length(text + 1);
		token->length += token->length > 0;
	} else if (is_word_start(c)) {
		token->type = SQLITE_TOKEN_WORD;
		token->length = word_length(text);
		token->keyword = keyword_find(text, token->length);
	} else if (is_digit(c) || (c == '.' && is_digit(text[1]))) {
		token->type = SQLITE_TOKEN_NUMBER;
		token->length = number_length(text);
	} else if (c == '\'') {
		token->type = SQLITE_TOKEN_STRING;
		token->length = quoted_length(text);
	} else if (c == '"' || c == '[' || c == '`') {
		token->type = SQLITE_TOKEN_QUOTED;
		token->length = quoted_length(text);
	} else if (c != '\0' && strchr("?:@$#", c) != NULL) {
		token->type = SQLITE_TOKEN_OTHER;
		token->length = 1 + word_length(text + 1);
	} else {
		for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
			if (strncmp(text, symbols[i].text, strlen(symbols[i].text)) != 0)
				continue;
			token->type = SQLITE_TOKEN_SYMBOL;
			token->length = strlen(symbols[i].text);
			token->text = symbols[i].print;
			break;
		}
	}
	return token->length > 0;
}

// Links each parenthesis with its partner. The open ones are chained through their `match` meanwhile.
static bool link_parentheses(struct sqlite_tokens *tokens)
{
	size_t none = tokens->n, open = none;
	for (size_t i = 0; i < tokens->n; i++) {
		struct sqlite_token *token = &tokens->items[i];
		if (sqlite_token_is(token, "(")) {
			token->match = open;
			open = i;
		} else if (sqlite_token_is(token, ")")) {
			if (open == none)
				return false;
			size_t outer = tokens->items[open].match;
			tokens->items[open].match = i;
			token->match = open;
			open = outer;
		}
	}
	return open == none;
}

bool sqlite_tokens_cut(struct sqlite_tokens *tokens, const char *sql, struct arena *arena, const char **why)
{
	size_t capacity = 0;
	for (const char *c = sql;; tokens->n++) {
		if (tokens->n == capacity) {
			capacity = capacity == 0 ? 64 : capacity * 2;
			tokens->items = reallocarray(tokens->items, capacity, sizeof *tokens->items);
			invariant(tokens->items != NULL, "out of memory");
		}
		struct sqlite_token *token = &tokens->items[tokens->n];
		*token = no_token;
		size_t blank = blank_length(c);
		c += blank;
		token->after_blank = blank > 0;
		if (*c == '\0') {
			token->text = c;
			break;
		}
		if (!token_cut(token, c)) {
			*why = arena_printf(arena, "its definition holds something that is no SQL: %.40s", c);
			return false;
		}
		c += token->length;
		if (token->type == SQLITE_TOKEN_SYMBOL)
			token->length = strlen(token->text);
	}
	if (link_parentheses(tokens))
		return true;
	*why = "its definition has a parenthesis without partner";
	return false;
}

void sqlite_tokens_release(struct sqlite_tokens *tokens)
{
	free(tokens->items);
	*tokens = (struct sqlite_tokens){ NULL, 0 };
}

bool sqlite_token_is(const struct sqlite_token *token, const char *text)
{
	return (token->type == SQLITE_TOKEN_WORD || token->type == SQLITE_TOKEN_SYMBOL) &&
	       sqlite3_strnicmp(text, token->text, (int)token->length) == 0 && text[token->length] == '\0';
}

bool sqlite_token_is_name(const struct sqlite_token *token)
{
	return token->type == SQLITE_TOKEN_WORD || token->type == SQLITE_TOKEN_QUOTED || token->type == SQLITE_TOKEN_STRING;
}

bool sqlite_token_is_reserved(const struct sqlite_token *token)
{
	return token->keyword != NULL && (token->keyword->use & RESERVED) != 0;
}

// Adds a token without its quotes, ASCII letters in lower case if `fold`.
static void add_unquoted(struct buf *buf, const struct sqlite_token *token, bool fold)
{
	bool quoted = token->type == SQLITE_TOKEN_QUOTED || token->type == SQLITE_TOKEN_STRING;
	const char *c = token->text + quoted, *end = token->text + token->length - quoted;
	for (; c < end; c++) {
		buf_addc(buf, fold ? lower(*c) : *c);
		if (quoted && *c == *token->text && *c != '[') // doubled
			c++;
	}
}

char *sqlite_token_name(struct arena *arena, const struct sqlite_token *token)
{
	auto_buf name = BUF_INIT;
	add_unquoted(&name, token, false);
	return buf_copy(&name, arena);
}

bool sqlite_token_names(const struct sqlite_token *token, const char *name)
{
	auto_buf own = BUF_INIT;
	add_unquoted(&own, token, false);
	return sqlite3_stricmp(own.data, name) == 0;
}

// Adds a name, which is in lower case. Words of SQLite's own are quoted, but where a function must stand only those that
// cannot be one otherwise.
static void add_name(struct buf *buf, const char *name, unsigned quoted_uses)
{
	const struct sqlite_keyword *keyword = keyword_find(name, strlen(name));
	if (keyword != NULL && (quoted_uses == 0 || (keyword->use & quoted_uses) != 0))
		buf_addf(buf, "\"%s\"", name);
	else if (is_word_start(*name) && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0')
		buf_adds(buf, name);
	else
		sql_ident(buf, name);
}

void sqlite_name_print(struct buf *buf, const char *name)
{
	auto_buf folded = BUF_INIT;
	for (const char *c = name; *c != '\0'; c++)
		buf_addc(&folded, lower(*c));
	add_name(buf, folded.data, 0);
}

void sqlite_upper_print(struct buf *buf, const char *name)
{
	auto_buf printed = BUF_INIT;
	sqlite_name_print(&printed, name);
	for (const char *c = printed.data; *c != '\0'; c++)
		buf_addc(buf, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
}

static bool context_has(const char *text, const struct sqlite_token *token)
{
	return text == NULL || sqlite_token_is(token, text) || (*text == '0' && token->type == SQLITE_TOKEN_NUMBER);
}

static bool in_context(const struct sqlite_keyword *keyword, const struct sqlite_token *second_last,
                       const struct sqlite_token *last, const struct sqlite_token *next)
{
	for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
		const struct context *context = &contexts[i];
		if (strcmp(context->word, keyword->word) == 0 && context_has(context->second_last, second_last) &&
		    context_has(context->last, last) && context_has(context->next, next))
			return true;
	}
	return false;
}

static int name_compare(const void *a, const void *b)
{
	return sqlite3_stricmp(a, *(const char *const *)b);
}

static bool scope_has(const struct sqlite_scope *scope, const char *name)
{
	static const char *const everywhere[] = { "_rowid_", "oid", "rowid" };
	for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++) {
		if (sqlite3_stricmp(name, everywhere[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < scope->n_columns; i++) {
		if (sqlite3_stricmp(name, scope->columns[i].name) == 0)
			return true;
	}
	return scope->n_names > 0 && bsearch(name, scope->names, scope->n_names, sizeof *scope->names, name_compare) != NULL;
}

// Of a token in double quotes that stands where an operand may: a name if there is such a one, else a string.
static enum sqlite_meaning double_quoted_meaning(const struct sqlite_token *token, const struct sqlite_scope *scope)
{
	auto_buf name = BUF_INIT;
	add_unquoted(&name, token, false);
	if (scope_has(scope, name.data))
		return SQLITE_MEANS_NAME;
	return scope->names == NULL ? SQLITE_MEANS_TEXT : SQLITE_MEANS_EITHER;
}

static bool is_keyword_here(const struct sqlite_token *token, bool after_operand, const struct sqlite_token *second_last,
                            const struct sqlite_token *last)
{
	if (token->keyword == NULL)
		return false;
	if ((token->keyword->use & RESERVED) != 0 || in_context(token->keyword, second_last, last, token + 1))
		return true;
	return (token->keyword->use & (after_operand ? INFIX : PREFIX)) != 0 && !sqlite_token_is(last, "AS");
}

static enum sqlite_meaning meaning_of(const struct sqlite_token *token, bool after_operand,
                                      const struct sqlite_token *second_last, const struct sqlite_token *last,
                                      const struct sqlite_scope *scope)
{
	const struct sqlite_token *next = token + 1;
	bool qualified = sqlite_token_is(last, ".") || sqlite_token_is(next, ".");
	switch (token->type) {
	case SQLITE_TOKEN_SYMBOL:
		if (!after_operand && (*token->text == '-' || *token->text == '+' || *token->text == '~'))
			return SQLITE_MEANS_UNARY;
		return SQLITE_MEANS_SYMBOL;
	case SQLITE_TOKEN_STRING:
		return qualified || sqlite_token_is(last, "AS") ? SQLITE_MEANS_NAME : SQLITE_MEANS_LITERAL;
	case SQLITE_TOKEN_WORD:
		if (!qualified && is_keyword_here(token, after_operand, second_last, last))
			return SQLITE_MEANS_KEYWORD;
		break;
	case SQLITE_TOKEN_QUOTED:
		if (*token->text == '"' && !qualified && !after_operand && !sqlite_token_is(next, "(") &&
		    !sqlite_token_is(last, "AS") && !sqlite_token_is(last, "COLLATE"))
			return double_quoted_meaning(token, scope);
		break;
	default:
		return SQLITE_MEANS_LITERAL;
	}
	return !after_operand && sqlite_token_is(next, "(") ? SQLITE_MEANS_FUNCTION : SQLITE_MEANS_NAME;
}

// Whether an operand is complete after the token, so that an operator must follow.
static bool completes_operand(const struct sqlite_token *token, bool after_operand)
{
	switch (token->meaning) {
	case SQLITE_MEANS_SYMBOL:
		return *token->text == ')' || (*token->text == '*' && !after_operand); // SELECT *, count(*)
	case SQLITE_MEANS_UNARY:
		return false;
	case SQLITE_MEANS_KEYWORD:
		if (sqlite_token_is(token, "NOT")) // a NOT LIKE b, t NOT INDEXED
			return after_operand;
		return (token->keyword->use & COMPLETE) != 0;
	default:
		return true;
	}
}

void sqlite_tokens_read(struct sqlite_tokens *tokens, size_t from, size_t to, const struct sqlite_scope *scope)
{
	bool after_operand = false;
	for (size_t i = from; i < to; i++) {
		struct sqlite_token *token = &tokens->items[i];
		const struct sqlite_token *last = i > from ? token - 1 : &no_token;
		const struct sqlite_token *second_last = i > from + 1 ? token - 2 : &no_token;
		token->meaning = meaning_of(token, after_operand, second_last, last, scope);
		after_operand = completes_operand(token, after_operand);
	}
}

static void token_print(struct buf *buf, const struct sqlite_token *token, bool collation)
{
	auto_buf name = BUF_INIT;
	switch (token->meaning) {
	case SQLITE_MEANS_KEYWORD:
		buf_adds(buf, token->keyword->word);
		break;
	case SQLITE_MEANS_NAME:
	case SQLITE_MEANS_FUNCTION:
		add_unquoted(&name, token, true);
		if (collation)
			sqlite_upper_print(buf, name.data);
		else
			add_name(buf, name.data, token->meaning == SQLITE_MEANS_FUNCTION ? RESERVED | CALL : 0);
		break;
	case SQLITE_MEANS_TEXT:
		add_unquoted(&name, token, false);
		buf_addc(buf, '\'');
		for (const char *c = name.data; *c != '\0'; c++) {
			if (*c == '\'')
				buf_addc(buf, '\'');
			buf_addc(buf, *c);
		}
		buf_addc(buf, '\'');
		break;
	default:
		buf_add(buf, token->text, token->length);
	}
}

// Whether a blank stands between two tokens. A sign sticks to its operand, but two of them would be a comment.
static bool blank_between(const struct sqlite_token *last, const struct sqlite_token *token)
{
	if (sqlite_token_is(last, "(") || sqlite_token_is(last, ".") || sqlite_token_is(token, ")") ||
	    sqlite_token_is(token, ",") || sqlite_token_is(token, ";") || sqlite_token_is(token, "."))
		return false;
	if (last->meaning == SQLITE_MEANS_UNARY)
		return token->meaning == SQLITE_MEANS_UNARY;
	return !sqlite_token_is(token, "(") || !(last->meaning == SQLITE_MEANS_FUNCTION ||
	                                         (last->meaning == SQLITE_MEANS_KEYWORD && (last->keyword->use & CALL) != 0));
}

void sqlite_tokens_print(struct buf *buf, const struct sqlite_tokens *tokens, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct sqlite_token *token = &tokens->items[i];
		if (i > from && blank_between(token - 1, token))
			buf_addc(buf, ' ');
		token_print(buf, token, i > from && sqlite_token_is(token - 1, "COLLATE"));
	}
}

void sqlite_tokens_unwrap(const struct sqlite_tokens *tokens, size_t *from, size_t *to)
{
	while (*to > *from + 2 && sqlite_token_is(&tokens->items[*from], "(") && tokens->items[*from].match == *to - 1) {
		const struct sqlite_token *first = &tokens->items[*from + 1];
		if (sqlite_token_is(first, "SELECT") || sqlite_token_is(first, "VALUES") || sqlite_token_is(first, "WITH"))
			return;
		for (size_t i = *from + 1; i < *to - 1; i++) { // (a, b) is a row
			if (sqlite_token_is(&tokens->items[i], ","))
				return;
			if (sqlite_token_is(&tokens->items[i], "("))
				i = tokens->items[i].match;
		}
		++*from;
		--*to;
	}
}
