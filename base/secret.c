// SPDX-License-Identifier: PostgreSQL
// Passwords in texts that people write: one function finds them in a text as it was written, greedily where the text is
// ambiguous, because too much hidden is better than too little. It serves messages, argv and the check of the
// configuration. It parses nothing beyond that.
#include <config.h> // memrchr, memmem

#include "base/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

static const char hidden[] = "***";
enum { SECRET_LEAST = sizeof hidden - 1 };

static bool is_secret_name(const char *name, size_t length)
{
	static const char *const names[] = { "password", "sslpassword", "passwd", "pwd" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return true;
	}
	return false;
}

// The password in user:password@ of a URL. It may hold '@', '/' and '?' that should have been encoded, so it reaches to the
// last '@' that does not stand in a parameter's value.
static size_t find_userinfo(const char *text, struct secret_span *span)
{
	const char *authority = strstr(text, "://");
	if (authority == NULL)
		return 0;
	authority += 3;
	const char *at = strrchr(authority, '@');
	const char *query = at == NULL ? NULL : memchr(authority, '?', (size_t)(at - authority));
	if (query != NULL && memchr(query, '=', (size_t)(at - query)) != NULL) {
		const char *before = memrchr(authority, '@', (size_t)(query - authority));
		at = before != NULL ? before : at;
	}
	const char *colon = at == NULL ? NULL : memchr(authority, ':', (size_t)(at - authority));
	if (colon == NULL || colon + 1 == at)
		return 0;
	*span = (struct secret_span){ (size_t)(colon + 1 - text), (size_t)(at - colon - 1) };
	return 1;
}

// Whether a name and '=' stand at p.
static bool is_assignment(const char *p)
{
	const char *end = p;
	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	return end > p && end[strspn(end, " \t\n")] == '=';
}

// The end of a parameter's value: at '&' in a URL; in a keyword string at the closing quote or, without quotes, before the
// next parameter (what stands between, after a blank, may be more of a password that should have been quoted).
static const char *value_end(const char *value, bool url)
{
	if (url)
		return value + strcspn(value, "&");
	const char *p = value;
	if (*value == '\'') {
		for (p++; *p != '\0' && *p != '\''; p++)
			p += p[0] == '\\' && p[1] != '\0' ? 1 : 0;
		return *p == '\0' ? p : p + 1;
	}
	while (*p != '\0' && !(strchr(" \t\n", *p) != NULL && is_assignment(p + strspn(p, " \t\n"))))
		p++;
	return p;
}

size_t secret_spans(const char *text, struct secret_span spans[SECRET_SPANS_MAX])
{
	size_t n = find_userinfo(text, spans);
	bool url = strstr(text, "://") != NULL || strncmp(text, "jdbc:", 5) == 0;
	for (const char *p = text; *p != '\0' && n < SECRET_SPANS_MAX;) {
		const char *name = p;
		while (isalnum((unsigned char)*p) || *p == '_')
			p++;
		size_t length = (size_t)(p - name);
		const char *equals = url ? p : p + strspn(p, " \t\n");
		if (length == 0 || *equals != '=' || !is_secret_name(name, length)) {
			p += length == 0 ? 1 : 0;
			continue;
		}
		const char *value = equals + 1;
		if (!url)
			value += strspn(value, " \t\n");
		p = value_end(value, url);
		if (p > value)
			spans[n++] = (struct secret_span){ (size_t)(value - text), (size_t)(p - value) };
	}
	return n;
}

char *secret_redact(struct arena *arena, const char *text)
{
	struct secret_span spans[SECRET_SPANS_MAX];
	size_t n = secret_spans(text, spans), at = 0;
	auto_buf out = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		if (spans[i].start < at) // inside the one before
			continue;
		buf_add(&out, text + at, spans[i].start - at);
		buf_adds(&out, hidden);
		at = spans[i].start + spans[i].length;
	}
	buf_adds(&out, text + at);
	return buf_copy(&out, arena);
}

void secret_overwrite(char *text)
{
	struct secret_span spans[SECRET_SPANS_MAX];
	size_t n = secret_spans(text, spans);
	for (size_t i = 0; i < n; i++)
		memset(text + spans[i].start, 'x', spans[i].length);
}

// ${NAME} is taken out, ${NAME:-default} becomes its default: what is left of a password then was written literally.
static char *without_variables(struct arena *arena, const char *text)
{
	auto_buf out = BUF_INIT;
	for (const char *p = text; *p != '\0';) {
		const char *end = strncmp(p, "${", 2) == 0 ? strchr(p, '}') : NULL;
		if (end == NULL) {
			buf_addc(&out, *p++);
			continue;
		}
		const char *minus = memmem(p, (size_t)(end - p), ":-", 2);
		if (minus != NULL)
			buf_add(&out, minus + 2, (size_t)(end - minus - 2));
		p = end + 1;
	}
	return buf_copy(&out, arena);
}

bool secret_is_literal(struct arena *arena, const char *text)
{
	struct secret_span spans[SECRET_SPANS_MAX];
	const char *plain = without_variables(arena, text);
	size_t n = secret_spans(plain, spans);
	for (size_t i = 0; i < n; i++) {
		if (strncmp(plain + spans[i].start, "''", spans[i].length) != 0)
			return true;
	}
	return false;
}

static void scrub(char *text, size_t size, const char *secret)
{
	size_t length = strlen(secret);
	if (length < SECRET_LEAST) // it would blot out letters everywhere and hide nothing
		return;
	for (char *p = text; (p = strstr(p, secret)) != NULL; p += sizeof hidden - 1) {
		memmove(p + sizeof hidden - 1, p + length, strlen(p + length) + 1); // never longer: see SECRET_LEAST
		memcpy(p, hidden, sizeof hidden - 1);
	}
	text[size - 1] = '\0';
}

void secret_scrub(const char *const *secrets, struct err *err)
{
	for (size_t i = 0; secrets != NULL && secrets[i] != NULL; i++) {
		scrub(err->text, sizeof err->text, secrets[i]);
		scrub(err->where, sizeof err->where, secrets[i]);
		scrub(err->hint, sizeof err->hint, secrets[i]);
	}
}

const char *const *secret_list(struct arena *arena, const char *text, const char *more)
{
	struct secret_span spans[SECRET_SPANS_MAX];
	size_t n = secret_spans(text, spans);
	const char **list = arena_array(arena, n + 2, sizeof *list);
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strndup(arena, text + spans[i].start, spans[i].length);
	list[n] = arena_strdup(arena, more);
	return list;
}
