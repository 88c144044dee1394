// SPDX-License-Identifier: PostgreSQL
// The hidden lines of an issue: see github_marker.h.
#include "reporters/github_marker.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

static const char ours[] = "<!-- driftcheck:", version[] = "v1", findings[] = "<!-- driftcheck:findings ", end[] = " -->";

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64url(struct buf *out, const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned group = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
		for (size_t d = 0; d < 4; d++)
			buf_addc(out, d <= left ? digits[group >> (18 - 6 * d) & 63] : '=');
	}
}

void marker_add(struct buf *out, const char *name, const char *fingerprint, const char *run, const char *list)
{
	buf_addf(out, "%s%s env=", ours, version);
	base64url(out, name);
	buf_addf(out, " fp=%s run=%s%s\n", fingerprint, run, end);
	if (list != NULL && *list != '\0')
		buf_addf(out, "%s%s%s\n", findings, list, end);
}

// The line at *at, without its end, and *at behind it. (What is edited on the web comes back with CR LF.)
static const char *take_line(struct arena *arena, const char **at)
{
	size_t length = strcspn(*at, "\r\n");
	const char *line = arena_strndup(arena, *at, length);
	*at += length;
	*at += **at == '\r';
	*at += **at == '\n';
	return line;
}

// The value of " word=" at *at, which then stands behind it; NULL: something else stands there.
static const char *take_value(struct arena *arena, const char **at, const char *word)
{
	if (strncmp(*at, word, strlen(word)) != 0)
		return NULL;
	const char *value = *at + strlen(word);
	size_t length = strspn(value, digits);
	length += strspn(value + length, "=");
	*at = value + length;
	return length == 0 ? NULL : arena_strndup(arena, value, length);
}

bool marker_find(struct arena *arena, const char *body, struct marker *marker)
{
	*marker = (struct marker){ 0 };
	const char *line = take_line(arena, &body);
	if (strncmp(line, ours, strlen(ours)) != 0)
		return false;
	const char *at = line + strlen(ours);
	if (strncmp(at, version, strlen(version)) != 0 || at[strlen(version)] != ' ')
		return true;
	at += strlen(version);
	const char *env = take_value(arena, &at, " env="), *fingerprint = env == NULL ? NULL : take_value(arena, &at, " fp=");
	const char *run = fingerprint == NULL ? NULL : take_value(arena, &at, " run=");
	if (run == NULL || strcmp(at, end) != 0)
		return true;
	*marker = (struct marker){ .env = env, .fingerprint = fingerprint, .run = run };
	line = take_line(arena, &body);
	size_t length = strlen(line), frame = strlen(findings) + strlen(end);
	if (length > frame && strncmp(line, findings, strlen(findings)) == 0 && strcmp(line + length - strlen(end), end) == 0)
		marker->list = arena_strndup(arena, line + strlen(findings), length - frame);
	return true;
}

bool marker_is_of(const struct marker *marker, const char *name)
{
	auto_buf encoded = BUF_INIT;
	base64url(&encoded, name);
	return marker->env != NULL && strcmp(marker->env, encoded.data) == 0;
}

const char *marker_replace(struct arena *arena, const char *body, const char *name, const char *fingerprint, const char *run)
{
	struct marker old;
	const char *rest = body;
	if (marker_find(arena, body, &old)) {
		take_line(arena, &rest);
		if (old.list != NULL)
			take_line(arena, &rest);
	}
	auto_buf out = BUF_INIT;
	marker_add(&out, name, fingerprint, run, old.list);
	buf_adds(&out, rest);
	return buf_copy(&out, arena);
}
