// SPDX-License-Identifier: PostgreSQL
// What differs, in the HTML report: attributes in a table of what the repository has and what is there, with the part that
// differs marked within each; texts of several lines as a difference of lines.
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/html.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"

enum { DIFF_CONTEXT = 3, LINES_SHOWN = 24 };

static const char *want_name(const struct html_page *page)
{
	return html_is_diff(page->report) ? page->report->want_name : "repo";
}

// Whether show_value gives a word of ours for it, not the value itself.
static bool is_word(const struct attr *attr, const char *value)
{
	return value == NULL || value == VALUE_UNREAD || *value == '\0' || attr->form == FORM_FLAG;
}

static void add_value(struct buf *out, const struct attr *attr, const char *value)
{
	if (!is_word(attr, value)) {
		html_code(out, value);
		return;
	}
	buf_adds(out, "<i>");
	html_text(out, show_value(attr, value));
	buf_adds(out, "</i>");
}

static bool is_inside(char c) // of a word, or of a character of several bytes
{
	unsigned char u = (unsigned char)c;
	return u >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A value with each of its words, and each other character, on a line of its own.
static const char *words_as_lines(struct arena *arena, const char *value)
{
	auto_buf lines = BUF_INIT;
	for (; *value != '\0'; value++) {
		buf_addc(&lines, *value);
		if (value[1] != '\0' && !(is_inside(value[0]) && is_inside(value[1])))
			buf_addc(&lines, '\n');
	}
	return buf_copy(&lines, arena);
}

// The value on the one side, with the words marked that the other side has not. Sides with little in common have no marks.
static void add_marked(struct buf *out, const struct html_page *page, const struct attr *attr, const struct finding_attr *change,
                       enum line_mark side)
{
	const char *value = side == LINE_OLD ? change->want : change->have;
	if (is_word(attr, change->want) || is_word(attr, change->have)) {
		add_value(out, attr, value);
		return;
	}
	size_t n, n_same = 0, n_other = 0;
	struct diff_line *words = line_diff(page->arena, words_as_lines(page->arena, change->want),
	                                    words_as_lines(page->arena, change->have), SIZE_MAX, &n);
	for (size_t i = 0; i < n; i++)
		*(words[i].mark == LINE_SAME ? &n_same : &n_other) += is_inside(*words[i].text);
	if (n_same < n_other) {
		add_value(out, attr, value);
		return;
	}
	auto_buf part = BUF_INIT;
	buf_adds(out, "<code>");
	for (size_t i = 0; i < n;) {
		enum line_mark mark = words[i].mark;
		buf_reset(&part);
		for (; i < n && (words[i].mark == mark || (words[i].mark != LINE_SAME && words[i].mark != side)); i++)
			buf_adds(&part, words[i].mark == mark ? words[i].text : "");
		if (part.length == 0 || (mark != LINE_SAME && mark != side))
			continue;
		buf_adds(out, mark == side ? "<mark>" : "");
		html_text(out, part.data);
		buf_adds(out, mark == side ? "</mark>" : "");
	}
	buf_adds(out, "</code>");
}

static bool has_lines(const char *text)
{
	return text != NULL && strchr(text, '\n') != NULL;
}

static void add_base(struct buf *out, const struct attr *attr, const struct finding_attr *change)
{
	if (!change->base_differs)
		return;
	buf_adds(out, "<small>as applied: ");
	add_value(out, attr, change->base);
	buf_adds(out, "</small>");
}

static void diff_block(const struct html_page *page, const struct attr *attr, const struct finding_attr *change, const char *have)
{
	size_t n;
	const char *want_text = change->want == NULL ? "" : show_value(attr, change->want);
	const char *have_text = change->have == NULL ? "" : show_value(attr, change->have);
	struct diff_line *lines = line_diff(page->arena, want_text, have_text, DIFF_CONTEXT, &n);
	buf_adds(page->out, "<figure><figcaption>");
	show_attr_name(page->out, attr);
	buf_adds(page->out, " <span class=\"side\">- ");
	html_text(page->out, want_name(page));
	buf_adds(page->out, "</span> <span class=\"side\">+ ");
	html_text(page->out, have);
	buf_adds(page->out, "</span>");
	add_base(page->out, attr, change);
	buf_adds(page->out, "</figcaption>\n<pre class=\"diff\">");
	for (size_t i = 0; i < n; i++) {
		const char *tag = lines[i].mark == LINE_OLD ? "del" : lines[i].mark == LINE_NEW ? "ins" : "span";
		if (lines[i].mark == LINE_GAP) {
			buf_adds(page->out, "<span class=\"gap\">…</span>");
			continue;
		}
		buf_addf(page->out, "<%s><span class=\"sign\">%c </span>", tag, lines[i].mark);
		html_lines(page->out, lines[i].text);
		buf_addf(page->out, "</%s>", tag);
	}
	buf_adds(page->out, "</pre></figure>\n");
}

static void altered(const struct html_page *page, const struct finding *finding, const char *have)
{
	struct buf *out = page->out;
	size_t n_rows = 0;
	for (size_t i = 0; i < finding->n_attrs; i++) {
		const struct finding_attr *change = &finding->attrs[i];
		const struct attr *attr = &finding->object->kind->attrs[change->attr];
		if (has_lines(change->want) || has_lines(change->have))
			continue;
		if (n_rows++ == 0) {
			buf_adds(out, "<table class=\"attrs\">\n<thead><tr><td></td><th scope=\"col\">");
			html_text(out, want_name(page));
			buf_adds(out, "</th><th scope=\"col\">");
			html_text(out, have);
			buf_adds(out, "</th></tr></thead>\n<tbody>\n");
		}
		buf_adds(out, "<tr><th scope=\"row\">");
		show_attr_name(out, attr);
		buf_adds(out, "</th><td class=\"want\">");
		add_marked(out, page, attr, change, LINE_OLD);
		add_base(out, attr, change);
		buf_adds(out, "</td><td class=\"have\">");
		add_marked(out, page, attr, change, LINE_NEW);
		buf_adds(out, "</td></tr>\n");
	}
	buf_adds(out, n_rows > 0 ? "</tbody>\n</table>\n" : "");
	for (size_t i = 0; i < finding->n_attrs; i++) {
		if (has_lines(finding->attrs[i].want) || has_lines(finding->attrs[i].have))
			diff_block(page, &finding->object->kind->attrs[finding->attrs[i].attr], &finding->attrs[i], have);
	}
}

static void whole_text(const struct html_page *page, const struct attr *attr, const char *value)
{
	size_t n;
	text_lines(page->arena, value, &n);
	bool folded = n > LINES_SHOWN;
	buf_adds(page->out, folded ? "<details class=\"text\"><summary>" : "<figure><figcaption>");
	show_attr_name(page->out, attr);
	buf_addf(page->out, folded ? ", %zu lines</summary>\n<pre>" : "</figcaption>\n<pre>", n);
	html_lines(page->out, value);
	buf_adds(page->out, folded ? "</pre></details>\n" : "</pre></figure>\n");
}

// What an added or removed object is like: its short attributes in one line, its texts unless a remedy has them anyway.
static void whole(const struct html_page *page, const struct finding *finding, bool remedy_shows_it)
{
	size_t n, n_short = 0;
	const struct finding_attr *attrs = show_attrs(page->arena, finding, &n);
	for (size_t i = 0; i < n; i++) {
		const struct attr *attr = &finding->object->kind->attrs[attrs[i].attr];
		const char *value = finding->change == CHANGE_ADDED ? attrs[i].have : attrs[i].want;
		if (value == NULL || has_lines(value))
			continue;
		buf_adds(page->out, n_short++ == 0 ? "<ul class=\"attrs\">" : "");
		buf_adds(page->out, "<li>");
		show_attr_name(page->out, attr);
		if (attr->form != FORM_FLAG || value == VALUE_UNREAD) {
			buf_addc(page->out, ' ');
			add_value(page->out, attr, value);
		}
		buf_adds(page->out, "</li>");
	}
	buf_adds(page->out, n_short > 0 ? "</ul>\n" : "");
	for (size_t i = 0; i < n && !remedy_shows_it; i++) {
		const char *value = finding->change == CHANGE_ADDED ? attrs[i].have : attrs[i].want;
		if (has_lines(value))
			whole_text(page, &finding->object->kind->attrs[attrs[i].attr], value);
	}
}

void html_definition(const struct html_page *page, const struct finding *finding, const char *have, bool remedy_shows_it)
{
	if (finding->change == CHANGE_ALTERED)
		altered(page, finding, have);
	else
		whole(page, finding, remedy_shows_it);
}
