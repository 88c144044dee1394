// SPDX-License-Identifier: PostgreSQL
// Secrets that are known by the name before them: see secret_find.h. The text may be SQL, a connection string inside of SQL, or
// somebody's sentence, and nothing says which; so each sign is weighed where it stands: a quote may open a literal or close the
// one that the name ends, and what follows `password=` may be a password or an expression. Where that stays open, it is hidden.
#include <config.h> // memmem

#include "base/secret_find.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"
enum { UNQUOTED_LEAST = 3, NEAR = 2000 }; // NEAR bounds what a hostile text costs: no more of it is looked at for one name

// A name that ends with one of these, and begins there: alone, after '_', as in dbPassword, or after one of the prefixes.
static const char *const names[] = { "password", "passwd", "passphrase", "pwd", "secret_access_key" };
static const char *const prefixes[] = { "pg", "ssl", "db" };

static const char *const connection_words[] = { "host", "hostaddr", "port", "dbname", "user", "sslmode", "service", NULL };
static const char *const sql_words[] = { "where", "and", "or", "set", "if", "elsif", "when", "then", "update", "select", "check",
	                                 "return", NULL };
static const char *const type_words[] = { "constant", "text", "varchar", "character", "varying", "char", "citext", "name",
                                          "not", "null", NULL };
static const char *const password_words[] = { "role", "user", "options", "with", "encrypted", NULL };
static const char *const constants[] = { "true", "false", "null", "default", "yes", "no", "on", "off", NULL };

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_one_of(const char *const *words, const char *word, size_t length)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strlen(words[i]) == length && strncasecmp(words[i], word, length) == 0)
			return true;
	}
	return false;
}

static bool is_secret_name(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);
		if (length < n || strncasecmp(name + length - n, names[i], n) != 0)
			continue;
		size_t before = length - n;
		bool camel = before > 0 && isupper((unsigned char)name[before]) && islower((unsigned char)name[before - 1]);
		if (before == 0 || name[before - 1] == '_' || camel)
			return true;
		for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
			if (strlen(prefixes[p]) == before && strncasecmp(name, prefixes[p], before) == 0)
				return true;
		}
	}
	return false;
}

struct secret_value {
	const char *start, *end; // without its quotes
};

// Behind blanks and comments.
static const char *skip_gap(const char *p)
{
	for (const char *start = p;;) {
		p += strspn(p, BLANKS);
		if (p - start > NEAR)
			return p;
		const char *end = strncmp(p, "/*", 2) == 0 ? memmem(p + 2, strnlen(p + 2, NEAR), "*/", 2) : NULL;
		if (end != NULL)
			p = end + 2;
		else if (strncmp(p, "--", 2) == 0)
			p += strcspn(p, "\n");
		else
			return p;
	}
}

// Behind the type of a declaration: name TYPE := value, name TYPE DEFAULT value. NULL: this is none.
static const char *skip_declaration(const char *p)
{
	for (size_t length = 0;; p = skip_gap(p + length)) {
		for (length = 0; is_word_char(p[length]);)
			length++;
		if (strncmp(p, ":=", 2) == 0)
			return p + 2;
		if (length == 7 && strncasecmp(p, "default", length) == 0)
			return p + length;
		if (!is_one_of(type_words, p, length))
			return NULL;
		if (p[length] == '(')
			length += strspn(p + length, "(0123456789)");
	}
}

// A place in a line of the text.
struct place {
	const char *text, *line, *at;
};

static struct place place_of(const char *text, const char *at)
{
	struct place place = { text, at, at };
	while (place.line > text && place.line[-1] != '\n' && place.line[-1] != '\r' && at - place.line < NEAR)
		place.line--;
	return place;
}

// `assigned`: the word counts only before '='.
static bool has_word(const char *from, const char *to, const char *const *words, bool assigned)
{
	for (const char *p = from; p < to;) {
		const char *word = p;
		while (p < to && is_word_char(*p))
			p++;
		if (p > word && is_one_of(words, word, (size_t)(p - word)) && (!assigned || p[strspn(p, " \t")] == '='))
			return true;
		p += p == word;
	}
	return false;
}

// By the quotes before it in its line. (Before the line there may be apostrophes in comments: they would mislead for the whole
// rest of a text.)
static bool is_inside_literal(const struct place *place)
{
	size_t n_quotes = 0;
	for (const char *p = place->line; p < place->at; p++)
		n_quotes += *p == '\'';
	return n_quotes % 2 == 1;
}

// The length of $$ or $tag$; 0: none.
static size_t dollar_quote(const char *at)
{
	size_t length = 1;
	while (*at == '$' && is_word_char(at[length]) && !isdigit((unsigned char)at[1]))
		length++;
	return *at == '$' && at[length] == '$' ? length + 1 : 0;
}

// Whether the quotes at the place end a literal that the name is a part of: 'the password ' || x, 'no password', ...
static bool is_closing(const struct place *place, bool touches_name)
{
	size_t dollar = dollar_quote(place->at), n_before = 0;
	const char *from = place->at - place->text > NEAR ? place->at - NEAR : place->text;
	for (; dollar > 0 && from < place->at; from++)
		n_before += strncmp(from, place->at, dollar) == 0;
	if (dollar > 0)
		return n_before % 2 == 1;
	const char *behind = place->at + strspn(place->at, "'"), *next = behind + strspn(behind, BLANKS);
	if (strncmp(next, "||", 2) == 0)
		return true;
	return is_inside_literal(place) && (touches_name || *next == '\0' || strchr(BLANKS ",);:]", *behind) != NULL);
}

static bool read_dollar_quoted(const char *at, struct secret_value *value)
{
	size_t length = dollar_quote(at);
	value->start = value->end = at + length;
	while (length > 0 && *value->end != '\0' && value->end - at < NEAR && strncmp(value->end, at, length) != 0)
		value->end++;
	return value->end > value->start;
}

// A literal within a literal: ''x''. Not one where nothing or an end follows: '' is empty.
static bool read_nested(const char *at, size_t n_quotes, struct secret_value *value)
{
	value->start = value->end = at + n_quotes;
	if (*value->start == '\0' || strchr(BLANKS ",);:|]", *value->start) != NULL)
		return false;
	while (*value->end != '\0' && *value->end != '\n' && strspn(value->end, "'") < n_quotes)
		value->end++;
	return true;
}

// 'x', E'x', U&'x', $$x$$ and ''x'' within a literal; one that was cut off reaches to the end of its line. False: there is none,
// or an empty one.
static bool read_literal(const char *at, struct secret_value *value)
{
	if (*at == '$')
		return read_dollar_quoted(at, value);
	bool escapes = (*at == 'E' || *at == 'e') && at[1] == '\'';
	if (strncasecmp(at, "U&'", 3) == 0)
		at += 2;
	else if (*at != '\0' && strchr("EeNn", *at) != NULL && at[1] == '\'')
		at++;
	size_t n_quotes = strspn(at, "'");
	if (n_quotes % 2 == 0)
		return n_quotes > 0 && read_nested(at, n_quotes, value);
	value->start = at + 1;
	for (const char *p = value->start;; p++) {
		const char *next = p + 1 + (*p == '\0' ? 0 : strspn(p + 1, BLANKS));
		bool pair = *p == '\'' && p[1] == '\'', goes_on = *p == '\'' && *next == '\'' && memchr(p, '\n', (size_t)(next - p)) != NULL;
		if (*p == '\0' || p - at > NEAR) {
			value->end = value->start + strcspn(value->start, "\r\n");
			break;
		}
		if (pair || (escapes && *p == '\\' && p[1] != '\0')) {
			p++;
		} else if (goes_on) { // 'x' on one line and 'y' on the next are one literal
			p = next;
		} else if (*p == '\'') {
			value->end = p;
			break;
		}
	}
	return value->end > value->start;
}

static bool is_placeholder(const char *value, size_t length)
{
	static const struct { const char *start, *end; } forms[] = { { "${", "}" }, { "{{", "}}" }, { "<", ">" } };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t start = strlen(forms[i].start), end = strlen(forms[i].end);
		if (length > start + end && strncmp(value, forms[i].start, start) == 0 && strncmp(value + length - end, forms[i].end, end) == 0)
			return true;
	}
	bool numbered = length >= 2 && strchr("$%:", *value) != NULL && strspn(value + 1, "0123456789$sLI") == length - 1;
	return numbered || (length == 1 && *value == '?');
}

// What SQL computes: a constant, a parameter, a column that is named so as well and, outside of a connection string, a call or a
// cast.
static bool is_expression(const char *value, size_t length, bool connection)
{
	size_t n_name = 0, last = 0;
	for (; n_name < length && (is_word_char(value[n_name]) || value[n_name] == '.'); n_name++)
		last = value[n_name] == '.' ? n_name + 1 : last;
	if (is_one_of(constants, value, length) || (last > 0 && n_name == length && is_secret_name(value + last, length - last)))
		return true;
	bool variable = *value == ':' && length > 1 && !connection;
	bool computed = n_name > 0 && (value[n_name] == '(' || strncmp(value + n_name, "::", 2) == 0);
	return variable || (computed && n_name < length && !connection);
}

static void find_unquoted(struct secret_finds *finds, const struct place *name, const char *equals, const char *at)
{
	bool quoted = *at == '"';
	at += quoted;
	size_t length = strcspn(at, quoted ? "\"\r\n" : BLANKS "'\"`");
	while (!quoted && length > 0 && strchr(",;)", at[length - 1]) != NULL)
		length--;
	bool parameter = name->at > name->line && strchr("?&", name->at[-1]) != NULL;
	if (parameter && memchr(at, '&', length) != NULL)
		length = (size_t)((const char *)memchr(at, '&', length) - at);
	const char *line_end = equals + strnlen(equals, NEAR);
	line_end = equals + strcspn(equals, "\r\n") < line_end ? equals + strcspn(equals, "\r\n") : line_end;
	bool connection = has_word(name->line, line_end, connection_words, true);
	bool in_sql = !is_inside_literal(name) && has_word(name->line, name->at, sql_words, false);
	bool tight = at - quoted == equals + 1 && strchr(BLANKS, equals[-1]) == NULL && length >= UNQUOTED_LEAST;
	if (length == 0 || *at == '=' || is_placeholder(at, length) || is_expression(at, length, connection))
		return;
	if (parameter || (!in_sql && (connection || tight)))
		secret_found(finds, (size_t)(at - name->text), length);
}

// What follows a name at `name`, which ends at `end`.
static void find_value(struct secret_finds *finds, const struct place *name, const char *end)
{
	bool in_quotes = *end == '"';
	const char *behind = end + in_quotes, *at = skip_gap(behind);
	size_t operator = strncmp(at, ":=", 2) == 0 || strncmp(at, "=>", 2) == 0 ? 2 : *at == '=' || (*at == ':' && in_quotes) ? 1 : 0;
	const char *given = operator == 0 ? at : skip_gap(at + operator);
	struct place place = place_of(name->text, given);
	struct secret_value value;
	if (operator == 1 && *at == ':') { // JSON
		size_t length = *given == '"' ? strcspn(given + 1, "\"") : 0;
		if (length > 0)
			secret_found(finds, (size_t)(given + 1 - name->text), length);
		return;
	}
	const char *declared = operator == 0 && given > behind ? skip_declaration(given) : NULL;
	if (declared != NULL) {
		operator = 2;
		given = skip_gap(declared);
		place = place_of(name->text, given);
	}
	bool touches = operator == 0 && given == behind;
	bool statement = touches && !is_inside_literal(&place) && has_word(name->line, name->at, password_words, false);
	if (is_closing(&place, touches))
		return;
	if (read_literal(given, &value)) {
		size_t length = (size_t)(value.end - value.start);
		if (!is_placeholder(value.start, length) && (!touches || statement) && !(operator == 0 && in_quotes))
			secret_found(finds, (size_t)(value.start - name->text), length);
	} else if (operator == 1 && *given != '\'') {
		find_unquoted(finds, name, at, given);
	}
}

void secret_find_assigned(struct secret_finds *finds, const char *text)
{
	for (const char *p = text; *p != '\0';) {
		const char *word = p;
		while (is_word_char(*p))
			p++;
		if (p > word && is_secret_name(word, (size_t)(p - word))) {
			struct place name = place_of(text, word);
			find_value(finds, &name, p);
		}
		p += p == word;
	}
}
