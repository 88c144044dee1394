// SPDX-License-Identifier: PostgreSQL
// What cannot be seen is written as an escape: see visible.h.
#include "base/visible.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

// The bytes of the character at `text`, 0 if they are no UTF-8 (too long a form, a surrogate, beyond U+10FFFF).
static size_t utf8_length(const char *text, uint32_t *character)
{
	static const struct { unsigned char mask, lead; uint32_t least; } forms[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};
	const unsigned char *bytes = (const unsigned char *)text;
	for (size_t n = 0; n < sizeof forms / sizeof *forms; n++) {
		if ((bytes[0] & forms[n].mask) != forms[n].lead)
			continue;
		uint32_t code = bytes[0] & (unsigned char)~forms[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((bytes[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (bytes[i] & 0x3f);
		}
		*character = code;
		return code < forms[n].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n + 1;
	}
	return 0;
}

// Characters that a terminal or a browser would act on, or that nobody can see.
static bool is_hidden(uint32_t c)
{
	static const struct { uint32_t first, last; } ranges[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, // control characters
		{ 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff }, // marks of width none, of direction, tags
	};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

bool visible(struct buf *out, const char *text, const char *keep)
{
	bool escaped = false;
	while (*text != '\0') {
		uint32_t c = 0;
		size_t length = utf8_length(text, &c);
		bool kept = length == 1 && strchr(keep, *text) != NULL;
		bool hidden = length == 0 || (is_hidden(c) && !kept);
		if (!hidden)
			buf_add(out, text, length);
		else if (length == 0)
			buf_addf(out, "\\x%02x", (unsigned char)*text);
		else if (c == '\n' || c == '\r' || c == '\t')
			buf_adds(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		else
			buf_addf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
		escaped |= hidden;
		text += length == 0 ? 1 : length;
	}
	return escaped;
}
