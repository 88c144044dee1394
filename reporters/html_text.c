// SPDX-License-Identifier: PostgreSQL
// Text in HTML: see html.h. The one place that writes foreign text into the page.
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/html.h"
#include "reporters/show.h"

enum { NAMES_MOST = 3 };

// `text` has no hidden characters any more. Quotes are escaped too, so that the same function serves in attributes.
static void escape(struct buf *out, const char *text)
{
	static const char special[] = "&<>\"'";
	static const char *const references[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
	for (size_t plain; *text != '\0'; text += plain) {
		plain = strcspn(text, special);
		buf_add(out, text, plain);
		if (text[plain] != '\0')
			buf_adds(out, references[strchr(special, text[plain++]) - special]);
	}
}

void html_text(struct buf *out, const char *text)
{
	auto_buf line = BUF_INIT;
	show_line(&line, text);
	escape(out, line.data);
}

void html_lines(struct buf *out, const char *text)
{
	for (;;) {
		size_t length = strcspn(text, "\n");
		auto_buf raw = BUF_INIT, line = BUF_INIT;
		buf_add(&raw, text, length);
		show_code(&line, raw.data);
		escape(out, line.data);
		if (text[length] == '\0')
			return;
		buf_addc(out, '\n');
		text += length + 1;
	}
}

void html_code(struct buf *out, const char *text)
{
	buf_adds(out, "<code>");
	html_text(out, *text == '\0' ? "(empty)" : text);
	buf_adds(out, "</code>");
}

void html_env(struct buf *out, const char *text)
{
	buf_adds(out, "<b>");
	html_text(out, *text == '\0' ? "(empty)" : text);
	buf_adds(out, "</b>");
}

void html_prose(struct buf *out, const char *text)
{
	for (const char *line = text; *line != '\0';) {
		auto_buf rest = BUF_INIT;
		line += strspn(line, " \t");
		size_t end = strcspn(line, "\n");
		buf_add(&rest, line, end);
		for (char *c = rest.data; *c != '\0'; c++) // a tab in prose is a blank
			*c = *c == '\t' ? ' ' : *c;
		const char *at = rest.data;
		for (const char *open, *close; (open = strchr(at, '`')) != NULL && (close = strchr(open + 1, '`')) != NULL;
		     at = close + 1) {
			auto_buf part = BUF_INIT, code = BUF_INIT;
			buf_add(&part, at, (size_t)(open - at));
			buf_add(&code, open + 1, (size_t)(close - open - 1));
			html_text(out, part.data);
			html_code(out, code.data);
		}
		html_text(out, at);
		line += end;
		if (*line == '\n' && *++line != '\0')
			buf_adds(out, "<br>");
	}
}

void html_mark(struct buf *out, const char *mark)
{
	buf_addf(out, "<svg class=\"mark %s\" aria-hidden=\"true\"><use href=\"#mark-%s\"></use></svg>", mark, mark);
}

void html_count(struct buf *out, size_t n, const char *one, const char *many)
{
	buf_addf(out, "%zu %s", n, n == 1 ? one : many);
}

size_t html_env_weight(const struct env_report *env)
{
	return env->members.n > 1 ? env->members.n : 1;
}

const char *html_env_names(struct arena *arena, const struct env_report *const *envs, size_t n)
{
	size_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += html_env_weight(envs[i]);
	bool listed = n == all && n <= NAMES_MOST;
	auto_buf names = BUF_INIT;
	for (size_t i = 0; i < (listed ? n : n > 0); i++)
		buf_addf(&names, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", envs[i]->name);
	if (!listed)
		buf_addf(&names, " and %zu more", all - 1);
	return buf_copy(&names, arena);
}

bool html_is_diff(const struct report *report)
{
	return strcmp(report->command, "diff") == 0;
}

bool html_versions_only(const struct report *report)
{
	return strcmp(report->command, "status") == 0 || strcmp(report->command, "assert") == 0;
}
