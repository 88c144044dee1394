// SPDX-License-Identifier: PostgreSQL
// Secrets in any text: see secret_mask in secret.h. Here are those that are known by their form; secret_assigned.c finds those
// that are known by the name before them. Each finder notes where it found something; then all of it is hidden at once. The
// hash is short: it tells two secrets apart, and a weak one can be guessed from it, so a password that was in a schema is to
// be changed all the same.
#include "base/secret_find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS
#define URL64 LETTERS DIGITS "-_"

static const char hash_mark[] = "***(sha256:";
enum { HASH_SHOWN = 8, HASH_MARK = sizeof hash_mark - 1, AWS_NEAR = 400, AWS_SECRET = 40, JWT_PART_LEAST = 10 };

void secret_found(struct secret_finds *finds, size_t start, size_t length)
{
	finds->items = arena_grow(finds->arena, finds->items, finds->n, &finds->capacity, sizeof *finds->items);
	finds->items[finds->n++] = (struct secret_span){ start, length };
}

// Tokens that say what they are: a prefix and at least so many characters after it. `digit`: one of those is a digit (else it
// may be somebody's name for a column); `word`: it begins where a word begins; `shown`: the prefix stays.
static const struct token {
	const char *prefix, *alphabet;
	size_t least, most;
	bool digit, word, shown;
} tokens[] = {
	{ "ghp_", LETTERS DIGITS, 20 }, { "gho_", LETTERS DIGITS, 20 }, { "ghu_", LETTERS DIGITS, 20 },
	{ "ghs_", LETTERS DIGITS, 20 }, { "ghr_", LETTERS DIGITS, 20 },
	{ "github_pat_", LETTERS DIGITS "_", 22, .digit = true }, { "glpat-", URL64, 20 },
	{ "xoxb-", URL64, 10 }, { "xoxp-", URL64, 10 }, { "xoxa-", URL64, 10 }, { "xoxr-", URL64, 10 }, { "xoxs-", URL64, 10 },
	{ "xoxe-", URL64, 10 }, { "xoxe.xoxp-", URL64, 10 }, { "xoxe.xoxb-", URL64, 10 }, { "xoxc-", URL64, 10 }, { "xoxd-", URL64, 10 },
	{ "xapp-", URL64, 10, .digit = true },
	{ "sk_live_", LETTERS DIGITS, 16, .word = true }, { "rk_live_", LETTERS DIGITS, 16, .word = true },
	{ "sk_test_", LETTERS DIGITS, 16, .word = true }, { "whsec_", LETTERS DIGITS, 16 },
	{ "AKIA", UPPER_DIGITS, 16, 16, .word = true }, { "ASIA", UPPER_DIGITS, 16, 16, .word = true },
	{ "hooks.slack.com/services/", URL64 "/", 8, .shown = true }, { "hooks.slack.com/workflows/", URL64 "/", 8, .shown = true },
	{ "hooks.slack.com/triggers/", URL64 "/", 8, .shown = true }, { "hooks.slack-gov.com/services/", URL64 "/", 8, .shown = true },
};

static bool starts_word(const char *text, const char *at)
{
	return at == text || !isalnum((unsigned char)at[-1]);
}

static void find_tokens(struct secret_finds *finds, const char *text)
{
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
		const struct token *token = &tokens[i];
		size_t prefix = strlen(token->prefix), length;
		for (const char *at = text; (at = strstr(at, token->prefix)) != NULL; at += prefix + length) {
			const char *rest = at + prefix;
			length = strspn(rest, token->alphabet);
			bool digit = strcspn(rest, DIGITS) < length;
			if (length < token->least || (token->most > 0 && length > token->most) || (token->digit && !digit))
				continue;
			if (token->shown)
				secret_found(finds, (size_t)(rest - text), length);
			else if (!token->word || starts_word(text, at))
				secret_found(finds, (size_t)(at - text), prefix + length);
		}
	}
}

// The secret that belongs to an AWS key id stands near it, and has no form but its length: 40 characters of base64 that are no
// word and no hexadecimal digest.
static void find_aws_secrets(struct secret_finds *finds, const char *text)
{
	static const char base64[] = LETTERS DIGITS "/+=";
	size_t n = finds->n, length = strlen(text);
	for (size_t i = 0; i < n; i++) {
		const char *id = text + finds->items[i].start;
		if (strncmp(id, "AKIA", 4) != 0 && strncmp(id, "ASIA", 4) != 0)
			continue;
		size_t from = finds->items[i].start > AWS_NEAR ? finds->items[i].start - AWS_NEAR : 0;
		while (from > 0 && strchr(base64, text[from - 1]) != NULL)
			from--;
		for (size_t run; from < length && from < finds->items[i].start + AWS_NEAR; from += run + 1) {
			run = strspn(text + from, base64);
			size_t n_upper = 0, n_lower = 0;
			for (size_t c = from; c < from + run; c++) {
				n_upper += isupper((unsigned char)text[c]) != 0;
				n_lower += islower((unsigned char)text[c]) != 0;
			}
			if (run == AWS_SECRET && n_upper > 0 && n_lower > 0)
				secret_found(finds, from, run);
		}
	}
}

static void find_jwts(struct secret_finds *finds, const char *text)
{
	for (const char *at = text, *end; (at = strstr(at, "eyJ")) != NULL; at = end) {
		size_t parts = 1, length = strspn(at, URL64);
		for (end = at + length; parts < 3 && length >= JWT_PART_LEAST && *end == '.'; parts++) {
			length = strspn(end + 1, URL64);
			end += 1 + length;
		}
		if (parts == 3 && length >= JWT_PART_LEAST && starts_word(text, at))
			secret_found(finds, (size_t)(at - text), (size_t)(end - at));
	}
}

// To its end or, where that was cut off, to the end of the text.
static void find_private_keys(struct secret_finds *finds, const char *text)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ", dashes[] = "-----";
	for (const char *at = text; (at = strstr(at, begin)) != NULL;) {
		const char *word = at + strlen(begin), *close = strstr(word, dashes);
		size_t length = close == NULL ? strlen(word) : (size_t)(close - word);
		char *label = arena_strndup(finds->arena, word, length);
		at = word;
		if (strstr(label, "KEY") == NULL || strstr(label, "PUBLIC") != NULL)
			continue;
		const char *start = word - strlen(begin), *last = close == NULL ? NULL : strstr(close + strlen(dashes), end);
		last = last == NULL ? NULL : strstr(last + strlen(end), dashes);
		at = last == NULL ? start + strlen(start) : last + strlen(dashes);
		secret_found(finds, (size_t)(start - text), (size_t)(at - start));
	}
}

// URLs within the text: from their scheme to a blank, a quote or an angle.
static void find_urls(struct secret_finds *finds, const char *text)
{
	for (const char *at = text; (at = strstr(at, "://")) != NULL;) {
		const char *start = at;
		while (start > text && (isalnum((unsigned char)start[-1]) || strchr("+.-:", start[-1]) != NULL))
			start--;
		size_t length = strcspn(start, " \t\r\n'\"`<>");
		const char *url = arena_strndup(finds->arena, start, length);
		struct secret_span spans[SECRET_SPANS_MAX];
		size_t n = secret_spans(url, spans);
		for (size_t i = 0; i < n; i++)
			secret_found(finds, (size_t)(start - text) + spans[i].start, spans[i].length);
		at = start + length > at + 3 ? start + length : at + 3;
	}
}

// user:password@host:port and user:password@host/path without a scheme. (Without what follows the host it may be anything.)
static void find_userinfo(struct secret_finds *finds, const char *text)
{
	static const char host[] = LETTERS DIGITS ".-", no_password[] = " \t\r\n'\"`<>@/:";
	for (const char *at = text; (at = strchr(at, '@')) != NULL; at++) {
		size_t n_host = strspn(at + 1, host);
		const char *behind = at + 1 + n_host, *colon = at;
		while (colon > text && strchr(no_password, colon[-1]) == NULL)
			colon--;
		bool user = colon - text >= 2 && colon[-1] == ':' && (isalnum((unsigned char)colon[-2]) || colon[-2] == '_');
		bool goes_on = *behind == '/' || (*behind == ':' && isdigit((unsigned char)behind[1]));
		if (n_host > 0 && goes_on && user && colon < at && *colon != '=')
			secret_found(finds, (size_t)(colon - text), (size_t)(at - colon));
	}
}

static void (*const finders[])(struct secret_finds *, const char *) = {
	find_tokens, find_aws_secrets, find_jwts, find_private_keys, find_urls, find_userinfo, secret_find_assigned,
};

static int compare(const void *a, const void *b)
{
	const struct secret_span *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

// What was hidden before: ***, with its hash or as secret_redact writes it. (The colon of the mark may look like the one before a
// password in a URL.)
static bool is_hidden(const char *text, size_t start, size_t length)
{
	const char *at = text + start;
	return (length == 3 && strncmp(at, "***", 3) == 0) || strncmp(at, hash_mark, HASH_MARK) == 0 ||
	       (start >= HASH_MARK && strncmp(at - HASH_MARK, hash_mark, HASH_MARK) == 0);
}

bool secret_mask(struct buf *out, const char *text)
{
	auto_arena arena = arena_new();
	struct secret_finds finds = { .arena = arena };
	for (size_t i = 0; i < sizeof finders / sizeof *finders; i++)
		finders[i](&finds, text);
	if (finds.n > 1)
		qsort(finds.items, finds.n, sizeof *finds.items, compare);
	size_t at = 0;
	bool masked = false;
	for (size_t i = 0; i < finds.n;) {
		size_t start = finds.items[i].start, end = start;
		for (; i < finds.n && finds.items[i].start <= end; i++) {
			size_t of = finds.items[i].start + finds.items[i].length;
			end = of > end ? of : end;
		}
		if (is_hidden(text, start, end - start))
			continue;
		char digest[DIGEST_SHA256_HEX];
		digest_sha256_hex(text + start, end - start, digest);
		buf_add(out, text + at, start - at);
		buf_addf(out, "%s%.*s)", hash_mark, HASH_SHOWN, digest);
		at = end;
		masked = true;
	}
	buf_adds(out, text + at);
	return masked;
}

static void mask_field(char *field, size_t size)
{
	auto_buf masked = BUF_INIT;
	if (secret_mask(&masked, field))
		snprintf(field, size, "%s", masked.data);
}

void secret_mask_err(struct err *err)
{
	mask_field(err->where, sizeof err->where);
	mask_field(err->text, sizeof err->text);
	mask_field(err->hint, sizeof err->hint);
}
