// SPDX-License-Identifier: PostgreSQL
// A rehearsal as GitHub-flavoured Markdown, for a comment on the release: the verdict, a table of the statements that deserve a word,
// then each of them, then what it rests on. Foreign words stand in code spans and fences: see reporters/markdown.h.
#include <string.h>

#include "base/buf.h"
#include "rehearse/show/render.h"
#include "reporters/markdown.h"
#include "reporters/show.h"

static void add_item(struct buf *out, const char *label, const char *text)
{
	if (*text != '\0')
		buf_addf(out, "- %s: %s\n", label, text);
}

static void add_row(struct buf *out, const struct step *step)
{
	static const char *const words[] = { "**fail**", "warn", "felt", "" };
	buf_addf(out, "| %s | ", words[step_weigh(step)]);
	show_place(out, step, markdown_cell);
	buf_adds(out, " | ");
	show_duration(out, step->duration_ms);
	buf_adds(out, " | ");
	if (step_worst_wait_ms(step) > 0)
		show_duration(out, step_worst_wait_ms(step));
	else
		buf_adds(out, "-");
	buf_adds(out, " |\n");
}

static void add_sql(struct buf *out, const char *sql)
{
	auto_buf content = BUF_INIT;
	while (*sql != '\0') {
		auto_buf line = BUF_INIT;
		size_t length = strcspn(sql, "\n");
		buf_add(&line, sql, length);
		show_code(&content, line.data);
		buf_addc(&content, '\n');
		sql += length + (sql[length] == '\n');
	}
	markdown_fence(out, "sql", content.data);
}

// Statements, a line each.
static void add_statements(struct buf *out, const char *sql)
{
	auto_buf content = BUF_INIT;
	for (const char *line = sql; line != NULL && *line != '\0';) {
		size_t length = strcspn(line, "\n");
		auto_buf text = BUF_INIT;
		buf_add(&text, line, length);
		show_code(&content, text.data == NULL ? "" : text.data);
		buf_addc(&content, '\n');
		line = line[length] == '\0' ? NULL : line + length + 1;
	}
	markdown_fence(out, "sql", content.data == NULL ? "" : content.data);
	buf_addc(out, '\n');
}

static void add_findings(struct buf *out, const struct step *step)
{
	for (size_t i = 0; i < step->n_findings; i++) {
		const struct step_finding *finding = step_finding_at(step, i);
		buf_addf(out, "- **%s** (`%s`): ", finding->fails ? "fail" : "warn", finding->rule);
		markdown_prose(out, finding->text);
		buf_addc(out, '\n');
		if (show_remedy(step, i) && remedy_is_sql(finding->remedy)) {
			buf_adds(out, "- instead:\n");
			add_statements(out, finding->remedy);
		} else if (show_remedy(step, i)) {
			buf_adds(out, "- instead: ");
			markdown_prose(out, finding->remedy);
			buf_addc(out, '\n');
		}
	}
	if (step->n_findings == 0 && step->error != NULL) {
		buf_adds(out, "- **error**: ");
		markdown_prose(out, step->error);
		buf_addc(out, '\n');
	}
}

static void add_step(struct buf *out, const struct rehearsal *rehearsal, const struct step *step)
{
	auto_buf took = BUF_INIT, growth = BUF_INIT, work = BUF_INIT, tries = BUF_INIT, tried = BUF_INIT, file = BUF_INIT;
	buf_adds(out, "\n### ");
	show_place(out, step, markdown_span);
	buf_addc(out, '\n');
	add_sql(out, step->sql);
	buf_addc(out, '\n');
	add_findings(out, step);
	show_rewriting(&tried, step, markdown_prose);
	add_item(out, "tried", tried.data);
	show_rewriting_file(&file, step, markdown_prose);
	add_item(out, "file", file.data);
	show_took(&took, step);
	add_item(out, "took", took.data);
	for (size_t i = 0; i < step->n_locks; i++) {
		auto_buf line = BUF_INIT;
		if (!lock_is_worth_a_word(rehearsal, step, &step->locks[i]))
			continue;
		show_lock(&line, &step->locks[i], markdown_span);
		add_item(out, "lock", line.data);
	}
	for (size_t i = 0; i < step->n_victims; i++) {
		auto_buf line = BUF_INIT;
		if (!victim_is_worth_a_word(&step->victims[i]))
			continue;
		show_victim(&line, &step->victims[i], markdown_span);
		add_item(out, "victims", line.data);
	}
	show_growth(&growth, step);
	add_item(out, "growth", growth.data);
	show_work(&work, step, markdown_span);
	add_item(out, "work", work.data);
	show_tries(&tries, step);
	add_item(out, "tries", tries.data);
}

static void add_troubles(struct buf *out, const struct rehearsal *rehearsal)
{
	for (size_t i = 0; i < rehearsal->n_troubles; i++) {
		const struct err *err = &rehearsal->troubles[i];
		buf_adds(out, "\n**trouble** ");
		markdown_span(out, err->where[0] != '\0' ? err->where : err->code);
		buf_adds(out, ": ");
		markdown_prose(out, err->text);
		buf_addc(out, '\n');
		if (err->hint[0] == '\0')
			continue;
		buf_adds(out, "\nWhat to do: ");
		markdown_prose(out, err->hint);
		buf_addc(out, '\n');
	}
}

static void add_ground(struct buf *out, const struct rehearsal *rehearsal)
{
	auto_buf limits = BUF_INIT, clone = BUF_INIT, server = BUF_INIT;
	buf_adds(out, "\n### what it rests on\n\n");
	for (size_t i = 0; i < rehearsal->n_unrehearsed; i++) {
		auto_buf line = BUF_INIT;
		show_unrehearsed(&line, rehearsal, &rehearsal->unrehearsed[i], markdown_span);
		add_item(out, "**drift**", line.data);
	}
	show_limits(&limits, rehearsal, markdown_span);
	add_item(out, "limits", limits.data);
	show_clone(&clone, rehearsal);
	add_item(out, "clone", clone.data);
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		if (rehearsal->tables[i].rests_on == NULL || rehearsal->env == NULL)
			continue;
		buf_adds(out, "- less: ");
		markdown_span(out, rehearsal->tables[i].name);
		buf_adds(out, ": ");
		markdown_prose(out, rehearsal->tables[i].rests_on);
		buf_addc(out, '\n');
	}
	show_clone_server(&server, rehearsal, markdown_span);
	add_item(out, "server", server.data);
	for (size_t i = 0; i < rehearsal->n_notes; i++) {
		buf_adds(out, "- note: ");
		markdown_prose(out, rehearsal->notes[i]);
		buf_addc(out, '\n');
	}
}

void rehearsal_markdown(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options)
{
	auto_buf table = BUF_INIT, body = BUF_INIT, quiet = BUF_INIT, worst = BUF_INIT, rewritten = BUF_INIT;
	if (options->quiet && rehearsal->verdict == REHEARSAL_SHIP)
		return;
	for (enum step_weight weight = STEP_FAILS; weight <= STEP_QUIET; weight++) {
		for (size_t i = 0; i < rehearsal->n_steps; i++) {
			if (step_weigh(&rehearsal->steps[i]) != weight || (weight == STEP_QUIET && !options->verbose))
				continue;
			add_row(&table, &rehearsal->steps[i]);
			add_step(&body, rehearsal, &rehearsal->steps[i]);
		}
	}
	buf_adds(out, "## ");
	show_headline(out, rehearsal, markdown_span);
	buf_adds(out, "\n\n");
	show_course(out, rehearsal);
	buf_adds(out, ".");
	show_worst(&worst, rehearsal, markdown_span);
	buf_addf(out, "%s%s\n", worst.length > 0 ? " " : "", worst.data);
	show_rewritten(&rewritten, rehearsal, markdown_prose);
	if (rewritten.length > 0)
		buf_addf(out, "\n%s\n", rewritten.data);
	add_troubles(out, rehearsal);
	if (table.length > 0)
		buf_addf(out, "\n| | statement | took | longest wait of a client |\n|---|---|---|---|\n%s", table.data);
	show_quiet(&quiet, rehearsal);
	if (quiet.length > 0)
		buf_addf(out, "\n%s\n", quiet.data);
	buf_adds(out, body.data);
	add_ground(out, rehearsal);
}
