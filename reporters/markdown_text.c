// SPDX-License-Identifier: PostgreSQL
// Foreign text in Markdown: see markdown.h.
#include "reporters/markdown.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "reporters/show.h"

enum { FENCE_LEAST = 3 };

static size_t longest_run(const char *text)
{
	size_t longest = 0, run = 0;
	for (; *text != '\0'; text++) {
		run = *text == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void ticks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_addc(out, '`');
}

static void code_span(struct buf *out, const char *text, bool in_table)
{
	auto_buf line = BUF_INIT;
	show_line(&line, text);
	if (line.length == 0)
		buf_adds(&line, "(empty)");
	size_t fence = longest_run(line.data) + 1;
	char last = line.data[line.length - 1];
	bool pad = *line.data == '`' || last == '`' || (*line.data == ' ' && last == ' '); // one blank at each end is taken off
	ticks(out, fence);
	buf_adds(out, pad ? " " : "");
	for (const char *c = line.data; *c != '\0'; c++) {
		if (in_table && *c == '|') // a table is cut at its bars before code spans are looked for
			buf_addc(out, '\\');
		buf_addc(out, *c);
	}
	buf_adds(out, pad ? " " : "");
	ticks(out, fence);
}

void markdown_span(struct buf *out, const char *text)
{
	code_span(out, text, false);
}

void markdown_cell(struct buf *out, const char *text)
{
	code_span(out, text, true);
}

// A word that no renderer makes anything of: letters with an inner hyphen or apostrophe, or a short number, with a decimal
// point or without. Long hexadecimal words would be taken for commits.
static bool is_plain_word(const char *word, size_t length)
{
	size_t n_letters = 0, n_digits = 0, n_hex = 0, n_points = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)word[i];
		bool within = i > 0 && i + 1 < length;
		bool inner = within && isalpha((unsigned char)word[i - 1]) && isalpha((unsigned char)word[i + 1]);
		bool point = within && c == '.' && isdigit((unsigned char)word[i - 1]) && isdigit((unsigned char)word[i + 1]) && n_points++ == 0;
		if (!isascii(c) || (!isalnum(c) && !point && !(inner && (c == '-' || c == '\''))))
			return false;
		n_letters += isalpha(c) != 0;
		n_digits += isdigit(c) != 0;
		n_hex += isxdigit(c) != 0;
	}
	return (n_letters == 0 || n_digits == 0) && n_digits < 7 && (n_hex < 7 || n_hex < length);
}

static void end_span(struct buf *out, struct buf *code)
{
	if (code->length > 0)
		markdown_span(out, code->data);
	buf_reset(code);
}

// Sentences with foreign words in them: runs of words that are not plain become code spans, and so does what stands
// between backticks. Punctuation at either end of a word stays outside.
void markdown_prose(struct buf *out, const char *text)
{
	static const char blanks[] = " \n\r\t", ends[] = ",.;:)";
	auto_buf code = BUF_INIT; // words that still wait for the end of their span
	bool first = true;
	for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks), first = false) {
		const char *close = *text == '`' ? strchr(text + 1, '`') : NULL;
		bool quoted = close != NULL && close > text + 1;
		size_t length = quoted ? (size_t)(close - text) + 1 : strcspn(text, blanks);
		size_t open = !quoted && *text == '(', tail = 0;
		while (!quoted && tail + open < length && strchr(ends, text[length - 1 - tail]) != NULL)
			tail++;
		size_t core = length - open - tail;
		bool plain = !quoted && core > 0 && is_plain_word(text + open, core);
		if (plain || quoted || open > 0)
			end_span(out, &code);
		const char *gap = first ? "" : " ";
		if (plain) {
			buf_adds(out, gap);
			buf_add(out, text, length);
		} else if (quoted) {
			buf_adds(out, gap);
			buf_add(&code, text + 1, length - 2);
			end_span(out, &code);
		} else {
			bool alone = core == 0; // nothing but punctuation
			buf_adds(code.length > 0 ? &code : out, gap);
			buf_adds(out, open > 0 && !alone ? "(" : "");
			buf_add(&code, alone ? text : text + open, alone ? length : core);
			if (tail > 0 && !alone) {
				end_span(out, &code);
				buf_add(out, text + open + core, tail);
			}
		}
		text += length;
	}
	end_span(out, &code);
}

void markdown_fence(struct buf *out, const char *info, const char *content)
{
	size_t fence = longest_run(content) + 1;
	fence = fence < FENCE_LEAST ? FENCE_LEAST : fence;
	buf_addc(out, '\n');
	ticks(out, fence);
	buf_addf(out, "%s\n%s", info, content);
	if (*content != '\0' && content[strlen(content) - 1] != '\n')
		buf_addc(out, '\n');
	ticks(out, fence);
	buf_addc(out, '\n');
}
