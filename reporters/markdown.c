// SPDX-License-Identifier: PostgreSQL
// The report as GitHub-flavoured Markdown, for a comment or an issue. Names, bodies and messages come out of a database that
// somebody else may control: they stand in code spans and fences alone, each longer than any run of backticks inside, since
// nothing else keeps a renderer from making mentions, links, references or HTML of them. (Backslashes and entities do not:
// they are resolved before mentions are looked for.)
#include "reporters/reporter.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/line_diff.h"
#include "reporters/show.h"
#include "reporters/view.h"

enum { DIFF_CONTEXT = 3, FENCE_LEAST = 3 };

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

static void span(struct buf *out, const char *text)
{
	code_span(out, text, false);
}

static void cell(struct buf *out, const char *text)
{
	code_span(out, text, true);
}

// A word that no renderer makes anything of: letters with an inner hyphen or apostrophe, or a short number. Long
// hexadecimal words would be taken for commits.
static bool is_plain_word(const char *word, size_t length)
{
	size_t n_letters = 0, n_digits = 0, n_hex = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)word[i];
		bool inner = i > 0 && i + 1 < length && isalpha((unsigned char)word[i - 1]) && isalpha((unsigned char)word[i + 1]);
		if (!isascii(c) || (!isalnum(c) && !(inner && (c == '-' || c == '\''))))
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
		span(out, code->data);
	buf_reset(code);
}

// Sentences with foreign words in them: runs of words that are not plain become code spans, and so does what stands
// between backticks. Punctuation at either end of a word stays outside.
static void prose(struct buf *out, const char *text)
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

// `content` is harmless already, line by line; the info string is ours.
static void fenced(struct buf *out, const char *info, const char *content)
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

static bool add_lines(struct arena *arena, struct buf *content, const char *prefix, const char *text)
{
	size_t n;
	const char **lines = text_lines(arena, text, &n);
	bool escaped = false;
	for (size_t i = 0; i < n; i++) {
		buf_adds(content, prefix);
		escaped |= show_code(content, lines[i]);
		buf_addc(content, '\n');
	}
	return escaped;
}

static void summary(struct buf *out, const struct report *report)
{
	buf_adds(out, "| environment | verdict | | server | version |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < report->n_envs; i++) {
		const struct env_report *env = show_env(report, i);
		buf_adds(out, "| ");
		cell(out, env->name);
		buf_addf(out, env->verdict == VERDICT_CLEAN ? " | %s | " : " | **%s** | ", show_verdict(env));
		if (env->trouble != NULL)
			cell(out, env->trouble->code);
		else
			show_counts(out, env);
		buf_adds(out, " | ");
		show_server(out, env, cell);
		buf_adds(out, " | ");
		show_versions(out, env, cell);
		buf_adds(out, " |\n");
	}
}

static void troubles(struct buf *out, const struct report *report)
{
	for (size_t i = 0; i < report->n_troubles; i++) {
		const struct err *err = &report->troubles[i];
		if (show_trouble_again(report, i))
			continue;
		buf_adds(out, "\n**trouble** ");
		span(out, err->where[0] != '\0' ? err->where : err->code);
		if (err->where[0] != '\0') {
			buf_adds(out, " (");
			span(out, err->code);
			buf_addc(out, ')');
		}
		buf_adds(out, ": ");
		prose(out, err->text);
		buf_adds(out, "\n");
		if (err->hint[0] != '\0') {
			buf_adds(out, "\nWhat to do: ");
			prose(out, err->hint);
			buf_addc(out, '\n');
		}
	}
}

static void attribute_lines(struct arena *arena, struct buf *content, const struct attr *attr, const struct finding_attr *change)
{
	const char *want = show_value(attr, change->want), *have = show_value(attr, change->have);
	auto_buf name = BUF_INIT;
	show_attr_name(&name, attr);
	if (strchr(want, '\n') == NULL && strchr(have, '\n') == NULL) {
		const struct { const char *mark, *value; } sides[] = { { "-", want }, { "+", have } };
		for (size_t i = 0; i < 2; i++) {
			buf_addf(content, "%s %s: ", sides[i].mark, name.data);
			show_line(content, sides[i].value);
			buf_addc(content, '\n');
		}
	} else {
		buf_addf(content, "@@ %s @@\n", name.data);
		size_t n;
		struct diff_line *lines = line_diff(arena, change->want == NULL ? "" : want, change->have == NULL ? "" : have,
		                                    DIFF_CONTEXT, &n);
		for (size_t i = 0; i < n; i++) {
			if (lines[i].mark == LINE_GAP) {
				buf_adds(content, "  …\n");
				continue;
			}
			buf_addf(content, "%c ", lines[i].mark);
			show_code(content, lines[i].text);
			buf_addc(content, '\n');
		}
	}
	if (change->base_differs) {
		buf_addf(content, "  %s, as applied: ", name.data);
		show_line(content, show_value(attr, change->base));
		buf_addc(content, '\n');
	}
}

// What the repository has is `-`, what the environment has is `+`, as in a diff from the one to the other.
static void definition(struct buf *out, struct arena *arena, const struct finding *finding, bool remedy_shows_it)
{
	auto_buf content = BUF_INIT;
	size_t n;
	const struct finding_attr *attrs = show_attrs(arena, finding, &n);
	for (size_t i = 0; i < n; i++) {
		const struct attr *attr = &finding->object->kind->attrs[attrs[i].attr];
		const char *value = finding->change == CHANGE_ADDED ? attrs[i].have : attrs[i].want;
		if (finding->change == CHANGE_ALTERED) {
			attribute_lines(arena, &content, attr, &attrs[i]);
		} else if (value != NULL && !remedy_shows_it) {
			const char *mark = finding->change == CHANGE_ADDED ? "+ " : "- ";
			auto_buf name = BUF_INIT;
			show_attr_name(&name, attr);
			bool lines = strchr(value, '\n') != NULL;
			buf_addf(&content, "%s%s:%s", mark, name.data, lines ? "\n" : " ");
			if (lines)
				add_lines(arena, &content, mark, value);
			else
				show_line(&content, show_value(attr, value));
			buf_adds(&content, lines ? "" : "\n");
		}
	}
	if (content.length > 0)
		fenced(out, "diff", content.data);
}

static void remedy(struct buf *out, struct arena *arena, const char *label, const struct remedy_statement *statements, size_t n)
{
	auto_buf content = BUF_INIT;
	bool escaped = false;
	for (size_t i = 0; i < n; i++) {
		const char *risk = show_risk(statements, i);
		if (risk != NULL) {
			buf_adds(&content, "-- ");
			escaped |= show_line(&content, risk);
			buf_addc(&content, '\n');
		}
		escaped |= add_lines(arena, &content, "", statements[i].sql);
	}
	buf_addf(out, "\n%s:\n", label);
	fenced(out, "sql", content.data);
	if (escaped)
		buf_adds(out, "\nCharacters that cannot be seen are shown escaped above; the JSON report has the exact text.\n");
}

static void facts(struct buf *out, const struct finding *finding)
{
	auto_buf list = BUF_INIT;
	if (finding->evidence != NULL) {
		buf_adds(&list, "- why: ");
		prose(&list, finding->evidence);
		buf_addc(&list, '\n');
	}
	auto_buf dated = BUF_INIT;
	show_dated(&dated, finding, span);
	if (dated.length > 0)
		buf_addf(&list, "- since: %s\n", dated.data);
	if (finding->origin != NULL && finding->origin->file != NULL) {
		auto_buf from = BUF_INIT;
		buf_addf(&from, "%s:%u", finding->origin->file, finding->origin->line);
		buf_addf(&list, "- %s: ", finding->change == CHANGE_ADDED && finding->class == CLASS_HAND_EDIT ? "parent" : "from");
		span(&list, from.data);
		buf_addc(&list, '\n');
	}
	if (list.length > 0)
		buf_addf(out, "\n%s", list.data);
}

static void finding(struct buf *out, struct arena *arena, const struct env_report *env, const struct finding *finding)
{
	buf_addf(out, "\n#### %s: %s ", show_class(finding), finding->object->kind->name);
	span(out, finding->name);
	buf_adds(out, "\n\n");
	show_phrase(out, finding, env->name, span);
	if (finding->change == CHANGE_ALTERED) {
		buf_adds(out, " (- repo, + ");
		span(out, env->name);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
	const char *keep = show_repo_label(finding), *run = show_env_label(finding);
	definition(out, arena, finding, finding->change == CHANGE_ADDED ? keep != NULL : run != NULL);
	facts(out, finding);
	if (keep != NULL)
		remedy(out, arena, keep, finding->repo, finding->n_repo);
	if (run != NULL)
		remedy(out, arena, run, finding->env, finding->n_env);
}

static void versions(struct buf *list, const struct env_report *env)
{
	struct version_words words[VERSION_WORDS];
	show_version_words(env, words);
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		for (size_t v = 0; v < words[i].versions->n; v++) {
			buf_adds(list, v > 0 ? ", " : "");
			if (v == 0)
				buf_addf(list, "- %s: ", words[i].word);
			span(list, words[i].versions->items[v]);
		}
		if (words[i].versions->n > 0) {
			buf_adds(list, ": ");
			show_template(list, words[i].meaning, env->name, span);
			buf_addc(list, '\n');
		}
	}
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		const struct pending_line *pending = &env->pending_lines[i];
		buf_adds(list, "- pending: ");
		span(list, pending->label);
		buf_adds(list, pending->outdated ? ": its text changed since it last ran" : "");
		if (pending->effects != NULL && *pending->effects != '\0') {
			buf_adds(list, pending->outdated ? "; " : ": ");
			prose(list, pending->effects);
		}
		buf_addc(list, '\n');
	}
	for (size_t v = 0; env->n_pending_lines == 0 && v < env->pending.n; v++) {
		buf_adds(list, "- pending: ");
		span(list, env->pending.items[v]);
		buf_addc(list, '\n');
	}
	const char *const steps[][2] = { { "first", show_repair(env) },
	                                 { "run", env->pending.n > 0 || env->dirty.n > 0 ? show_deploy(env) : NULL } };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (steps[i][1] == NULL)
			continue;
		buf_addf(list, "- %s: ", steps[i][0]);
		span(list, steps[i][1]);
		buf_addc(list, '\n');
	}
}

static void unread_and_notes(struct buf *list, const struct env_report *env, bool notes)
{
	for (size_t i = 0; i < env->n_unread; i++) {
		buf_adds(list, "- **unread** ");
		show_unread(list, &env->unread[i], span);
		buf_addc(list, '\n');
	}
	for (size_t i = 0; notes && i < env->n_notes; i++) {
		buf_adds(list, "- note: ");
		prose(list, env->notes[i]);
		buf_addc(list, '\n');
	}
}

static void environment(struct buf *out, struct arena *arena, const struct env_report *env, bool verbose)
{
	auto_buf body = BUF_INIT;
	for (size_t i = 0; i < env->n_findings; i++) {
		if (!show_as_pending(env, env->findings[i]))
			finding(&body, arena, env, env->findings[i]);
	}
	auto_buf after = BUF_INIT;
	if (env->versions_known)
		versions(&after, env);
	unread_and_notes(&after, env, env->verdict != VERDICT_CLEAN || verbose);
	if (body.length == 0 && after.length == 0)
		return;
	buf_adds(out, "\n### ");
	span(out, env->name);
	buf_addc(out, '\n');
	auto_buf members = BUF_INIT;
	show_members(&members, env, verbose, span);
	if (members.length > 0)
		buf_addf(out, "\nMembers: %s\n", members.data);
	buf_adds(out, body.data);
	if (after.length > 0)
		buf_addf(out, "%s\n%s", body.length > 0 ? "\n#### versions and notes\n" : "", after.data);
}

static void differences(struct buf *out, struct arena *arena, const struct report *report)
{
	span(out, report->have_name);
	buf_adds(out, report->equal ? " is equal to " : " against ");
	span(out, report->want_name);
	buf_addc(out, '\n');
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		for (size_t i = 0; i < env->n_findings; i++) {
			const struct finding *change = env->findings[i];
			buf_addf(out, "\n#### %s: %s ", change_names[change->change], change->object->kind->name);
			span(out, change->name);
			buf_addc(out, '\n');
			definition(out, arena, change, change->change == CHANGE_REMOVED && change->n_env > 0);
			if (change->n_env > 0)
				remedy(out, arena, "run", change->env, change->n_env);
		}
		auto_buf list = BUF_INIT;
		unread_and_notes(&list, env, true);
		if (list.length > 0)
			buf_addf(out, "\n%s", list.data);
	}
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	report = report_view(arena, report, true);
	if (strcmp(report->command, "diff") == 0) {
		troubles(out, report);
		differences(out, arena, report);
	} else {
		summary(out, report);
		troubles(out, report);
		for (size_t i = 0; i < report->n_envs; i++)
			environment(out, arena, show_env(report, i), options->verbose);
	}
	auto_buf legend = BUF_INIT;
	show_legend(&legend, report);
	if (legend.length > 0)
		buf_addf(out, "\n%s\n", legend.data);
	buf_addc(out, '\n');
	show_closing(out, report);
	buf_addc(out, '\n');
}

const struct reporter reporter_markdown = {
	.name = "markdown",
	.summary = "for a comment or an issue on GitHub",
	.render = render,
};
