// SPDX-License-Identifier: PostgreSQL
// The rungs of the ladder that need no server: see normalise.h. White space inside quotes is never folded.
#include "diff/normalise.h"

#include <ctype.h>
#include <string.h>

const char *const rung_names[] = {
	[RUNG_DIFFERENT] = "different", [RUNG_SAME] = "same", [RUNG_TOKENS] = "tokens", [RUNG_ROUND_TRIP] = "round trip",
};

static bool is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

// The end of a string that starts with a quote; a doubled quote stays inside.
static const char *quoted_end(const char *c)
{
	char quote = *c++;
	while (*c != '\0') {
		if (*c == quote && c[1] != quote)
			return c + 1;
		c += *c == quote ? 2 : 1;
	}
	return c;
}

// The end of $tag$...$tag$, or NULL if this is no dollar quote.
static const char *dollar_end(const char *c)
{
	size_t tag = 1;
	while (is_word((unsigned char)c[tag]))
		tag++;
	if (c[tag] != '$' || isdigit((unsigned char)c[1]))
		return NULL;
	tag++;
	for (const char *at = c + tag; *at != '\0'; at++) {
		if (strncmp(at, c, tag) == 0)
			return at + tag;
	}
	return c + strlen(c);
}

size_t normalise_token(const char **text)
{
	const char *c = *text;
	while (isspace((unsigned char)*c))
		c++;
	*text = c;
	if (*c == '\0')
		return 0;
	const char *end = c + 1;
	const char *dollar = *c == '$' ? dollar_end(c) : NULL;
	if (*c == '\'' || *c == '"')
		end = quoted_end(c);
	else if (dollar != NULL)
		end = dollar;
	else if (is_word((unsigned char)*c)) {
		while (is_word((unsigned char)*end) || (*end == '.' && isdigit((unsigned char)*c)))
			end++;
	}
	return (size_t)(end - c);
}

enum rung normalise_compare(enum attr_form form, const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b ? RUNG_SAME : RUNG_DIFFERENT;
	if (strcmp(a, b) == 0)
		return RUNG_SAME;
	if (form != FORM_EXPRESSION && form != FORM_STATEMENT)
		return RUNG_DIFFERENT;
	for (;;) {
		size_t n_a = normalise_token(&a), n_b = normalise_token(&b);
		if (n_a != n_b || memcmp(a, b, n_a) != 0)
			return RUNG_DIFFERENT;
		if (n_a == 0)
			return RUNG_TOKENS;
		a += n_a;
		b += n_b;
	}
}
