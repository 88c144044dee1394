// SPDX-License-Identifier: PostgreSQL
// The report for a person at a terminal: one line for each environment first, worst first; then what is in the way of an
// answer; then, environment by environment, what differs, since when, and what to do next. Prose is wrapped, SQL never:
// it is there to be copied. Nothing that comes out of a database reaches the terminal unescaped.
#include "reporters/reporter.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"
#include "reporters/view.h"

enum {
	WIDTH_DEFAULT = 120, // where the output is no terminal
	CLASS_COLUMN = 2, NAME_COLUMN = 15, ATTR_COLUMN = 17, LABEL_WIDTH = 8,
	SQL_LINES = 24, // of one remedy, unless verbose
	DIFF_CONTEXT = 2,
};

enum style { PLAIN, RED, YELLOW, DIM, BOLD };

struct page {
	struct buf *out;
	struct arena *arena;
	const struct render_options *options;
	int width;
};

static const enum style severity_styles[] = { [SEVERITY_INFO] = PLAIN, [SEVERITY_WARN] = YELLOW, [SEVERITY_ALARM] = RED };

static void paint(const struct page *page, enum style style, const char *text)
{
	static const char *const codes[] = { "", "\033[31m", "\033[33m", "\033[2m", "\033[1m" };
	bool color = page->options->color && style != PLAIN && *text != '\0';
	buf_adds(page->out, color ? codes[style] : "");
	buf_adds(page->out, text);
	buf_adds(page->out, color ? "\033[0m" : "");
}

static void indent(const struct page *page, size_t columns)
{
	buf_addf(page->out, "%*s", (int)columns, "");
}

static const char *safe(const struct page *page, const char *text)
{
	auto_buf line = BUF_INIT;
	show_line(&line, text);
	return buf_copy(&line, page->arena);
}

// Prose that is already harmless, from where the line stands (column `at`), broken between words before the edge.
static void wrap(const struct page *page, enum style style, const char *text, size_t at, size_t margin)
{
	auto_buf line = BUF_INIT;
	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		auto_buf word = BUF_INIT;
		buf_add(&word, text, length);
		size_t used = at + show_width(line.data) + (line.length > 0);
		if (line.length > 0 && used + show_width(word.data) > (size_t)page->width) {
			paint(page, style, line.data);
			buf_addc(page->out, '\n');
			indent(page, margin);
			buf_reset(&line);
			at = margin;
		}
		if (line.length > 0)
			buf_addc(&line, ' ');
		buf_adds(&line, word.data);
		text += length + strspn(text + length, " ");
	}
	paint(page, style, line.data);
	buf_addc(page->out, '\n');
}

// "    why:  text": one labelled piece of prose; foreign text in it is escaped here, line by line.
static void labelled(const struct page *page, size_t column, const char *label, enum style style, const char *text)
{
	size_t n;
	const char **lines = text_lines(page->arena, text, &n);
	for (size_t i = 0; i < n; i++) {
		auto_buf line = BUF_INIT;
		show_code(&line, lines[i] + strspn(lines[i], " \t"));
		for (char *c = line.data; *c != '\0'; c++) // a tab in prose is a blank
			*c = *c == '\t' ? ' ' : *c;
		indent(page, column);
		buf_addf(page->out, "%-*s", LABEL_WIDTH, i == 0 ? label : "");
		wrap(page, style, line.data, column + LABEL_WIDTH, column + LABEL_WIDTH);
	}
}

// A word at the left, a text beside it: pending, unread, notes.
static void entry(const struct page *page, enum style style, const char *word, const char *text)
{
	indent(page, CLASS_COLUMN);
	paint(page, style, word);
	indent(page, NAME_COLUMN - CLASS_COLUMN - strlen(word));
	wrap(page, PLAIN, text, NAME_COLUMN, NAME_COLUMN);
}

enum { SERVER_CELL = 3, SUMMARY_CELLS = 5 };

// Returns whether there was room for the servers; else they are named with their environments.
static bool summary(const struct page *page, const struct report *report)
{
	const char *(*cells)[SUMMARY_CELLS] = arena_array(page->arena, report->n_envs, sizeof *cells);
	size_t widths[SUMMARY_CELLS] = { 0 };
	for (size_t i = 0; i < report->n_envs; i++) {
		const struct env_report *env = show_env(report, i);
		bool versions_only = strcmp(report->command, "status") == 0 || strcmp(report->command, "assert") == 0;
		bool trouble = env->verdict == VERDICT_TROUBLE;
		auto_buf counts = BUF_INIT, server = BUF_INIT, versions = BUF_INIT;
		if (env->trouble != NULL)
			show_line(&counts, env->trouble->code);
		show_counts(env->trouble != NULL ? &server : &counts, env);
		if (env->trouble != NULL && server.length > 0)
			buf_addf(&counts, ", %s", server.data);
		buf_reset(&server);
		if (counts.length == 0 && env->n_notes > 0 && !page->options->verbose && env->verdict == VERDICT_CLEAN)
			buf_addf(&counts, "%zu %s (--verbose)", env->n_notes, env->n_notes == 1 ? "note" : "notes");
		show_server(&server, env, show_plain);
		show_versions(&versions, env, show_plain);
		cells[i][0] = safe(page, env->name);
		cells[i][1] = versions_only && env->versions_known && !trouble ? version_state_names[env->state] : show_verdict(env);
		cells[i][2] = buf_copy(&counts, page->arena);
		cells[i][SERVER_CELL] = buf_copy(&server, page->arena);
		cells[i][4] = buf_copy(&versions, page->arena);
		for (size_t c = 0; c < SUMMARY_CELLS; c++)
			widths[c] = show_width(cells[i][c]) > widths[c] ? show_width(cells[i][c]) : widths[c];
	}
	size_t total = 0;
	for (size_t c = 0; c < SUMMARY_CELLS; c++)
		total += widths[c] + (c > 0 && widths[c] > 0 ? 3 : 0);
	for (size_t i = 0; total > (size_t)page->width && i < report->n_envs; i++)
		cells[i][SERVER_CELL] = "";
	widths[SERVER_CELL] = total > (size_t)page->width ? 0 : widths[SERVER_CELL];
	for (size_t i = 0; i < report->n_envs; i++) {
		size_t pad = 0;
		for (size_t c = 0; c < SUMMARY_CELLS; c++) {
			if (*cells[i][c] != '\0') {
				indent(page, pad);
				paint(page, c == 0 ? BOLD : c == 1 ? severity_styles[show_severity(show_env(report, i))] : PLAIN, cells[i][c]);
				pad = 0;
			}
			pad += widths[c] - (*cells[i][c] != '\0' ? show_width(cells[i][c]) : 0) + (widths[c] > 0 ? 3 : 0);
		}
		buf_addc(page->out, '\n');
	}
	return total <= (size_t)page->width;
}

static void troubles(const struct page *page, const struct report *report)
{
	for (size_t i = 0; i < report->n_troubles; i++) {
		const struct err *err = &report->troubles[i];
		if (show_trouble_again(report, i))
			continue;
		buf_addc(page->out, '\n');
		paint(page, RED, "trouble");
		buf_addf(page->out, "%*s", NAME_COLUMN - (int)strlen("trouble"), "");
		paint(page, BOLD, safe(page, err->where[0] != '\0' ? err->where : err->code));
		if (err->where[0] != '\0')
			buf_addf(page->out, "  (%s)", safe(page, err->code));
		buf_addc(page->out, '\n');
		labelled(page, NAME_COLUMN, "what:", PLAIN, err->text);
		labelled(page, NAME_COLUMN, "do:", PLAIN, err->hint);
	}
}

// Two long lines that differ somewhere in the middle: what is equal at both ends is cut to a few words.
static void show_middles(const struct page *page, const char *const labels[2], const char *const values[2], size_t room)
{
	enum { KEEP = 24 };
	size_t head = 0, tail = 0, lengths[2] = { strlen(values[0]), strlen(values[1]) };
	while (values[0][head] != '\0' && values[0][head] == values[1][head])
		head++;
	while (tail < lengths[0] - head && tail < lengths[1] - head &&
	       values[0][lengths[0] - 1 - tail] == values[1][lengths[1] - 1 - tail])
		tail++;
	bool fits = lengths[0] <= room && lengths[1] <= room;
	size_t from = fits || head <= KEEP ? 0 : head - KEEP, until = fits || tail <= KEEP ? 0 : tail - KEEP;
	while (from > 0 && values[0][from - 1] != ' ') // at a word, which is also between characters
		from--;
	while (until > 0 && values[0][lengths[0] - until] != ' ')
		until--;
	for (size_t i = 0; i < 2; i++) {
		indent(page, ATTR_COLUMN + 2);
		paint(page, DIM, labels[i]);
		auto_buf middle = BUF_INIT;
		buf_add(&middle, values[i] + from, lengths[i] - from - until);
		buf_addf(page->out, "%*s%s%s%s\n", (int)(LABEL_WIDTH + 4 > show_width(labels[i]) ? LABEL_WIDTH + 4 - show_width(labels[i]) : 1),
		         "", from > 0 ? "… " : "", middle.data, until > 0 ? " …" : "");
	}
}

static void show_line_diff(const struct page *page, const char *want, const char *have)
{
	size_t n;
	struct diff_line *lines = line_diff(page->arena, want, have, DIFF_CONTEXT, &n);
	for (size_t i = 0; i < n; i++) {
		indent(page, ATTR_COLUMN + 2);
		auto_buf line = BUF_INIT;
		if (lines[i].mark == LINE_GAP) {
			buf_adds(&line, "  …");
		} else {
			buf_addf(&line, "%c ", lines[i].mark);
			show_code(&line, lines[i].text);
		}
		paint(page, lines[i].mark == LINE_OLD || lines[i].mark == LINE_NEW ? PLAIN : DIM, line.data);
		buf_addc(page->out, '\n');
	}
}

// A value all of whose lines are shown, each with a mark.
static void show_whole(const struct page *page, const char *mark, const char *value)
{
	size_t n;
	const char **lines = text_lines(page->arena, value, &n);
	for (size_t i = 0; i < n; i++) {
		if (i == SQL_LINES && !page->options->verbose) {
			indent(page, ATTR_COLUMN + 2);
			auto_buf rest = BUF_INIT;
			buf_addf(&rest, "… %zu more lines (--verbose)", n - i);
			paint(page, DIM, rest.data);
			buf_addc(page->out, '\n');
			break;
		}
		auto_buf line = BUF_INIT;
		show_code(&line, lines[i]);
		indent(page, ATTR_COLUMN + 2);
		buf_addf(page->out, "%s%s\n", mark, line.data);
	}
}

struct sides {
	const char *want, *have; // as they are called: "repo" and the environment, or the two sources of `diff`
};

static void altered_attr(const struct page *page, const struct attr *attr, const struct finding_attr *change,
                         const struct sides *sides, size_t name_width)
{
	auto_buf name = BUF_INIT;
	show_attr_name(&name, attr);
	const char *want = show_value(attr, change->want), *have = show_value(attr, change->have);
	indent(page, ATTR_COLUMN);
	if (strchr(want, '\n') != NULL || strchr(have, '\n') != NULL) {
		buf_addf(page->out, "%s", name.data);
		auto_buf legend = BUF_INIT;
		buf_addf(&legend, "   - %s  + %s", sides->want, sides->have);
		paint(page, DIM, legend.data);
		buf_addc(page->out, '\n');
		show_line_diff(page, change->want == NULL ? "" : want, change->have == NULL ? "" : have);
		return;
	}
	auto_buf inline_text = BUF_INIT;
	buf_addf(&inline_text, "%s in %s, %s in %s", safe(page, want), sides->want, safe(page, have), sides->have);
	if (change->base_differs)
		buf_addf(&inline_text, "; %s as applied", safe(page, show_value(attr, change->base)));
	if (ATTR_COLUMN + name_width + 2 + show_width(inline_text.data) <= (size_t)page->width) {
		buf_addf(page->out, "%s%*s%s\n", name.data, (int)(name_width + 2 - name.length), "", inline_text.data);
		return;
	}
	buf_addf(page->out, "%s\n", name.data);
	const char *labels[] = { sides->want, sides->have }, *values[] = { safe(page, want), safe(page, have) };
	show_middles(page, labels, values, (size_t)page->width - ATTR_COLUMN - 2 - LABEL_WIDTH - 4);
	if (change->base_differs) {
		indent(page, ATTR_COLUMN + 2);
		paint(page, DIM, "as applied");
		buf_addf(page->out, "  %s\n", safe(page, show_value(attr, change->base)));
	}
}

static void altered(const struct page *page, const struct finding *finding, const struct sides *sides)
{
	size_t name_width = 0;
	for (size_t i = 0; i < finding->n_attrs; i++) {
		size_t width = strlen(finding->object->kind->attrs[finding->attrs[i].attr].name);
		name_width = width > name_width ? width : name_width;
	}
	for (size_t i = 0; i < finding->n_attrs; i++)
		altered_attr(page, &finding->object->kind->attrs[finding->attrs[i].attr], &finding->attrs[i], sides, name_width);
}

// What an added or removed object is like: on one line where it fits; else in full, unless a remedy shows it anyway.
static void definition(const struct page *page, const struct finding *finding, bool remedy_shows_it)
{
	size_t n;
	const struct finding_attr *attrs = show_attrs(page->arena, finding, &n);
	auto_buf line = BUF_INIT;
	bool plain = true;
	for (size_t i = 0; i < n; i++) {
		const struct attr *attr = &finding->object->kind->attrs[attrs[i].attr];
		const char *value = finding->change == CHANGE_ADDED ? attrs[i].have : attrs[i].want;
		if (value == NULL)
			continue;
		buf_adds(&line, line.length > 0 ? ", " : "");
		show_attr_name(&line, attr);
		if (attr->form != FORM_FLAG || value == VALUE_UNREAD)
			buf_addf(&line, " %s", safe(page, show_value(attr, value)));
		plain = plain && strchr(value, '\n') == NULL;
	}
	if (line.length == 0)
		return;
	if (plain && ATTR_COLUMN + show_width(line.data) <= (size_t)page->width) {
		indent(page, ATTR_COLUMN);
		buf_addf(page->out, "%s\n", line.data);
		return;
	}
	for (size_t i = 0; i < n && !remedy_shows_it; i++) {
		const struct attr *attr = &finding->object->kind->attrs[attrs[i].attr];
		const char *value = show_value(attr, finding->change == CHANGE_ADDED ? attrs[i].have : attrs[i].want);
		auto_buf name = BUF_INIT;
		show_attr_name(&name, attr);
		indent(page, ATTR_COLUMN);
		if (strchr(value, '\n') == NULL) {
			buf_addf(page->out, "%s  %s\n", name.data, safe(page, value));
		} else {
			buf_addf(page->out, "%s\n", name.data);
			show_whole(page, "", value);
		}
	}
}

// A risk as SQL comments, each line one of its own, so that what is copied stays one.
static void risk_lines(const struct page *page, struct buf *label, const char *risk)
{
	static const char mark[] = "-- ";
	const size_t column = NAME_COLUMN + LABEL_WIDTH, room = (size_t)page->width - column - strlen(mark);
	while (*risk != '\0') {
		size_t length = strlen(risk), fits = 0;
		for (size_t i = 0; length > room && i <= room; i++)
			fits = risk[i] == ' ' ? i : fits;
		length = fits > 0 ? fits : length;
		auto_buf line = BUF_INIT;
		buf_addf(&line, "%s%.*s", mark, (int)length, risk);
		indent(page, NAME_COLUMN);
		buf_addf(page->out, "%-*s", LABEL_WIDTH, label->data);
		buf_reset(label);
		paint(page, DIM, line.data);
		buf_addc(page->out, '\n');
		risk += length + strspn(risk + length, " ");
	}
}

static void remedy(const struct page *page, const char *word, const struct remedy_statement *statements, size_t n_statements)
{
	const size_t column = NAME_COLUMN + LABEL_WIDTH;
	bool escaped = false;
	size_t n_shown = 0, n_hidden = 0;
	auto_buf label = BUF_INIT; // stands before the first line
	buf_addf(&label, "%s:", word);
	for (size_t s = 0; s < n_statements; s++) {
		size_t n;
		const char **lines = text_lines(page->arena, statements[s].sql, &n);
		const char *risk = safe(page, show_risk(statements, s) != NULL ? show_risk(statements, s) : "");
		bool beside = *risk != '\0' && n == 1 && column + show_width(lines[0]) + 6 + show_width(risk) <= (size_t)page->width;
		if (!beside)
			risk_lines(page, &label, risk);
		for (size_t i = 0; i < n; i++) {
			if (n_shown++ >= SQL_LINES && !page->options->verbose) {
				n_hidden++;
				continue;
			}
			auto_buf line = BUF_INIT;
			escaped |= show_code(&line, lines[i]);
			indent(page, NAME_COLUMN);
			buf_addf(page->out, "%-*s%s", LABEL_WIDTH, label.data, line.data);
			buf_reset(&label);
			if (beside) {
				auto_buf comment = BUF_INIT;
				buf_addf(&comment, "   -- %s", risk);
				paint(page, DIM, comment.data);
			}
			buf_addc(page->out, '\n');
		}
	}
	auto_buf note = BUF_INIT;
	if (n_hidden > 0)
		buf_addf(&note, "… %zu more lines (--verbose)", n_hidden);
	if (escaped)
		buf_addf(&note, "%s(characters that cannot be seen are shown as \\x..: copy from --format json)", n_hidden > 0 ? " " : "");
	if (note.length > 0) {
		indent(page, column);
		paint(page, DIM, note.data);
		buf_addc(page->out, '\n');
	}
}

// The phrase stands beside the name where it fits, else beneath it.
static void heading(const struct page *page, const struct finding *finding, const char *word, enum style style,
                    const char *phrase, size_t phrase_column)
{
	auto_buf name = BUF_INIT;
	buf_addf(&name, "%s %s", finding->object->kind->name, safe(page, finding->name));
	indent(page, CLASS_COLUMN);
	paint(page, style, word);
	indent(page, NAME_COLUMN - CLASS_COLUMN - strlen(word));
	paint(page, BOLD, name.data);
	size_t end = NAME_COLUMN + show_width(name.data);
	if (*phrase == '\0') {
		buf_addc(page->out, '\n');
	} else if (end + 2 <= phrase_column) {
		indent(page, phrase_column - end);
		buf_addf(page->out, "%s\n", phrase);
	} else {
		buf_addc(page->out, '\n');
		indent(page, ATTR_COLUMN);
		wrap(page, PLAIN, phrase, ATTR_COLUMN, ATTR_COLUMN);
	}
}

static const char *phrase_of(const struct page *page, const struct finding *finding, const struct env_report *env)
{
	auto_buf phrase = BUF_INIT;
	show_phrase(&phrase, finding, env->name, show_plain);
	return buf_copy(&phrase, page->arena);
}

static void finding(const struct page *page, const struct env_report *env, const struct finding *finding, size_t phrase_column)
{
	const struct sides sides = { "repo", safe(page, env->name) };
	heading(page, finding, show_class(finding), severity_styles[finding->severity], phrase_of(page, finding, env), phrase_column);
	const char *keep = show_repo_label(finding), *run = show_env_label(finding);
	if (finding->change == CHANGE_ALTERED)
		altered(page, finding, &sides);
	else
		definition(page, finding, finding->change == CHANGE_ADDED ? keep != NULL : run != NULL);

	if (finding->evidence != NULL)
		labelled(page, NAME_COLUMN, "why:", DIM, finding->evidence);
	auto_buf dated = BUF_INIT;
	show_dated(&dated, finding, show_plain);
	labelled(page, NAME_COLUMN, "when:", DIM, dated.data);
	if (finding->origin != NULL && finding->origin->file != NULL) {
		auto_buf from = BUF_INIT;
		buf_addf(&from, "%s:%u", finding->origin->file, finding->origin->line);
		labelled(page, NAME_COLUMN, finding->change == CHANGE_ADDED && finding->class == CLASS_HAND_EDIT ? "parent:" : "from:", DIM,
		         from.data);
	}
	if (keep != NULL)
		remedy(page, keep, finding->repo, finding->n_repo);
	const char *deploy = show_deploy(env);
	if (run != NULL && deploy != NULL && strcmp(finding->env[0].sql + strspn(finding->env[0].sql, "- "), deploy) == 0)
		labelled(page, NAME_COLUMN, "run:", PLAIN, deploy); // no SQL
	else if (run != NULL)
		remedy(page, run, finding->env, finding->n_env);
	if (page->options->verbose)
		labelled(page, NAME_COLUMN, "id:", DIM, finding->id);
}

// Where the phrases of an environment's findings begin: behind the longest name that leaves them room.
static size_t phrase_column_of(const struct page *page, const struct env_report *env)
{
	size_t column = 0, longest_phrase = 0;
	for (size_t i = 0; i < env->n_findings; i++) {
		size_t width = show_width(phrase_of(page, env->findings[i], env));
		longest_phrase = width > longest_phrase ? width : longest_phrase;
	}
	for (size_t i = 0; i < env->n_findings; i++) {
		const struct finding *finding = env->findings[i];
		size_t end = NAME_COLUMN + strlen(finding->object->kind->name) + 1 + show_width(safe(page, finding->name)) + 3;
		if (!show_as_pending(env, finding) && end > column && end + longest_phrase <= (size_t)page->width)
			column = end;
	}
	return column;
}

static void versions(const struct page *page, const struct env_report *env)
{
	struct version_words words[VERSION_WORDS];
	show_version_words(env, words);
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		if (words[i].versions->n == 0)
			continue;
		auto_buf line = BUF_INIT;
		for (size_t v = 0; v < words[i].versions->n; v++)
			buf_addf(&line, "%s%s", v > 0 ? ", " : "", safe(page, words[i].versions->items[v]));
		buf_adds(&line, ": ");
		show_template(&line, words[i].meaning, env->name, show_plain);
		entry(page, i == 0 ? RED : YELLOW, words[i].word, line.data);
	}
	size_t label_width = 0;
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		size_t width = show_width(safe(page, env->pending_lines[i].label));
		label_width = width > label_width && NAME_COLUMN + width < (size_t)page->width / 2 ? width : label_width;
	}
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		const struct pending_line *pending = &env->pending_lines[i];
		const char *label = safe(page, pending->label);
		auto_buf effects = BUF_INIT;
		buf_adds(&effects, pending->outdated ? "its text changed since it last ran; " : "");
		show_line(&effects, pending->effects != NULL ? pending->effects : "");
		indent(page, CLASS_COLUMN);
		paint(page, YELLOW, "pending");
		indent(page, NAME_COLUMN - CLASS_COLUMN - strlen("pending"));
		buf_adds(page->out, label);
		if (effects.length == 0) {
			buf_addc(page->out, '\n');
			continue;
		}
		size_t width = show_width(label), column = NAME_COLUMN + (width > label_width ? width : label_width) + 3;
		indent(page, column - NAME_COLUMN - width);
		wrap(page, PLAIN, effects.data, column, column);
	}
	if (env->n_pending_lines == 0 && env->pending.n > 0) {
		auto_buf line = BUF_INIT;
		for (size_t v = 0; v < env->pending.n; v++)
			buf_addf(&line, "%s%s", v > 0 ? ", " : "", safe(page, env->pending.items[v]));
		entry(page, YELLOW, "pending", line.data);
	}
	const char *deploy = show_deploy(env), *repair = show_repair(env);
	if (repair != NULL)
		labelled(page, NAME_COLUMN, "first:", PLAIN, repair);
	if ((env->pending.n > 0 || env->dirty.n > 0) && deploy != NULL)
		labelled(page, NAME_COLUMN, "run:", PLAIN, deploy);
}

static void environment(const struct page *page, const struct env_report *env, bool servers_shown)
{
	bool notes = env->n_notes > 0 && (env->verdict != VERDICT_CLEAN || page->options->verbose);
	auto_buf facts = BUF_INIT;
	struct page inner = { &facts, page->arena, page->options, page->width };
	if (env->versions_known)
		versions(&inner, env);
	size_t n_shown = show_n_findings(env);
	if (n_shown == 0 && facts.length == 0 && env->n_unread == 0 && !notes)
		return;
	buf_addc(page->out, '\n');
	paint(page, BOLD, safe(page, env->name));
	if (env->reached && env->database != NULL) {
		auto_buf server = BUF_INIT;
		buf_adds(&server, "   ");
		if (!servers_shown)
			show_server(&server, env, show_plain);
		buf_addf(&server, "%s%s", server.length > 3 ? ", " : "", safe(page, env->database));
		paint(page, DIM, server.data);
	}
	buf_addc(page->out, '\n');
	auto_buf members = BUF_INIT;
	show_members(&members, env, page->options->verbose, show_plain);
	if (members.length > 0)
		entry(page, PLAIN, "members", members.data);
	if (members.length > 0 && n_shown > 0)
		buf_addc(page->out, '\n');
	size_t phrase_column = phrase_column_of(page, env), n_before = 0;
	for (size_t i = 0; i < env->n_findings; i++) {
		if (show_as_pending(env, env->findings[i]))
			continue;
		buf_adds(page->out, n_before++ > 0 ? "\n" : "");
		finding(page, env, env->findings[i], phrase_column);
	}
	if (n_shown > 0 && (facts.length > 0 || env->n_unread > 0 || notes))
		buf_addc(page->out, '\n');
	for (size_t i = 0; i < env->n_unread; i++) {
		auto_buf line = BUF_INIT;
		show_unread(&line, &env->unread[i], show_plain);
		entry(page, RED, "unread", line.data);
	}
	buf_adds(page->out, facts.data);
	for (size_t i = 0; notes && i < env->n_notes; i++)
		entry(page, DIM, "note", safe(page, env->notes[i]));
}

// `diff`: both sides named once, then what differs in HAVE.
static void differences(const struct page *page, const struct report *report)
{
	static const char *const marks[] = { [CHANGE_ADDED] = "+", [CHANGE_REMOVED] = "-", [CHANGE_ALTERED] = "~" };
	const struct sides sides = { safe(page, report->want_name), safe(page, report->have_name) };
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		if (env->n_findings > 0)
			buf_addf(page->out, "what %s has (+) or lacks (-) against %s, and what is altered (~)\n\n", sides.have, sides.want);
		for (size_t i = 0; i < env->n_findings; i++) {
			const struct finding *change = env->findings[i];
			heading(page, change, marks[change->change], severity_styles[change->severity], "", 0);
			if (change->change == CHANGE_ALTERED)
				altered(page, change, &sides);
			else
				definition(page, change, change->change == CHANGE_REMOVED && change->n_env > 0);
			if (change->n_env > 0)
				remedy(page, "run", change->env, change->n_env);
		}
		for (size_t i = 0; i < env->n_unread; i++) {
			auto_buf line = BUF_INIT;
			show_unread(&line, &env->unread[i], show_plain);
			entry(page, RED, "unread", line.data);
		}
		for (size_t i = 0; i < env->n_notes; i++)
			entry(page, DIM, "note", safe(page, env->notes[i]));
	}
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	report = report_view(arena, report, true);
	const struct page page = { out, arena, options, options->width > 0 ? options->width : WIDTH_DEFAULT };
	bool is_diff = strcmp(report->command, "diff") == 0;
	bool servers_shown = !is_diff && summary(&page, report);
	troubles(&page, report);
	if (is_diff)
		differences(&page, report);
	for (size_t i = 0; !is_diff && i < report->n_envs; i++)
		environment(&page, show_env(report, i), servers_shown);

	auto_buf legend = BUF_INIT, closing = BUF_INIT;
	show_legend(&legend, report);
	show_closing(&closing, report);
	if (!show_is_clean(report))
		buf_addc(out, '\n');
	if (legend.length > 0)
		wrap(&page, DIM, legend.data, 0, 0);
	wrap(&page, DIM, closing.data, 0, 0);
}

const struct reporter reporter_text = {
	.name = "text",
	.summary = "for a person at a terminal",
	.render = render,
};
