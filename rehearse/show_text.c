// SPDX-License-Identifier: PostgreSQL
// A rehearsal for a person in a terminal: the verdict, then the statements that deserve a word, worst first within their order, then
// what it rests on. Statements without any finding are one line.
#include <string.h>

#include "base/buf.h"
#include "rehearse/render.h"
#include "rehearse/verdict.h"
#include "reporters/show.h"

enum { SQL_SHOWN = 100 };

static const char *const verdict_words[] = { "SHIP", "SHIP, with warnings", "DO NOT SHIP", "TROUBLE: not rehearsed completely" };

static void add_sql(struct buf *out, const char *sql)
{
	auto_buf line = BUF_INIT;
	for (const char *c = sql; *c != '\0' && line.length < SQL_SHOWN; c++) { // white space as one blank
		if (strchr(" \t\r\n", *c) == NULL)
			buf_addc(&line, *c);
		else if (line.length > 0 && line.data[line.length - 1] != ' ')
			buf_addc(&line, ' ');
	}
	show_line(out, line.data);
	if (strlen(sql) > SQL_SHOWN)
		buf_adds(out, " ...");
}

static void add_place(struct buf *out, const struct step *step)
{
	if (step->file != NULL) {
		show_line(out, step->file);
		buf_addf(out, ":%u", step->line);
	} else if (step->label != NULL) {
		show_line(out, step->label);
	}
}

static void add_victims(struct buf *out, const struct step *step)
{
	for (size_t i = 0; i < step->n_victims; i++) {
		const struct step_victim *victim = &step->victims[i];
		if (victim->n_blocked == 0 && victim->n_errors == 0)
			continue;
		buf_addf(out, "      %-8s %zu of %zu %ss of ", i == 0 ? "victims" : "", victim->n_blocked, victim->n_tries, operation_names[victim->operation]);
		show_line(out, victim->relation);
		buf_adds(out, " waited, the longest ");
		show_duration(out, victim->max_ms);
		buf_adds(out, " (p99 before: ");
		show_duration(out, victim->baseline_p99_ms);
		buf_adds(out, ")");
		if (victim->behind_waiting_ms > 0) {
			buf_adds(out, ", ");
			show_duration(out, victim->behind_waiting_ms);
			buf_adds(out, " of it behind a statement that was waiting itself");
		}
		if (victim->n_errors > 0)
			buf_addf(out, "; %zu failed", victim->n_errors);
		buf_addc(out, '\n');
	}
}

// May be several statements: a line each, beneath each other.
static void add_remedy(struct buf *out, const char *remedy)
{
	const char *word = "instead";
	for (const char *line = remedy; line != NULL; word = "") {
		size_t length = strcspn(line, "\n");
		auto_buf text = BUF_INIT;
		buf_add(&text, line, length);
		buf_addf(out, "      %-8s ", word);
		show_line(out, text.data);
		buf_addc(out, '\n');
		line = line[length] == '\0' ? NULL : line + length + 1;
	}
}

static void add_step(struct buf *out, const struct step *step)
{
	buf_adds(out, "\n  ");
	add_place(out, step);
	buf_adds(out, "    ");
	show_duration(out, step->duration_ms);
	if (step->lock_wait_ms >= 1) {
		buf_adds(out, ", of it waiting for locks ");
		show_duration(out, step->lock_wait_ms);
	}
	buf_adds(out, "\n      ");
	add_sql(out, step->sql);
	buf_addc(out, '\n');
	for (size_t i = 0; i < step->n_findings; i++) {
		const struct step_finding *finding = &step->findings[i];
		buf_addf(out, "      %-8s ", finding->fails ? "fail" : "warn");
		show_line(out, finding->text);
		buf_addc(out, '\n');
		if (finding->remedy != NULL && (i == 0 || finding->remedy != step->findings[i - 1].remedy)) // the same once
			add_remedy(out, finding->remedy);
	}
	add_victims(out, step);
	if (step->growth == GROWTH_LINEAR || step->growth == GROWTH_SUPERLINEAR) {
		buf_addf(out, "      %-8s %s in the table's rows: ", "growth", growth_names[step->growth]);
		show_duration(out, step->predicted_ms);
		buf_adds(out, " at the environment's size, give or take ");
		show_duration(out, step->predicted_error_ms);
		buf_addc(out, '\n');
	}
}

void rehearsal_text(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options)
{
	size_t n_quiet = 0;
	buf_adds(out, verdict_words[rehearsal->verdict]);
	if (rehearsal->env != NULL)
		buf_addf(out, "    %s", rehearsal->env);
	buf_addf(out, "    %zu statement%s in ", rehearsal->n_steps, rehearsal->n_steps == 1 ? "" : "s");
	show_duration(out, rehearsal->duration_ms);
	buf_addc(out, '\n');
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		bool blocked = false;
		for (size_t v = 0; v < step->n_victims; v++)
			blocked |= step->victims[v].n_blocked > 0;
		if (step->n_findings > 0 || blocked || options->verbose)
			add_step(out, step);
		else
			n_quiet++;
	}
	if (n_quiet > 0)
		buf_addf(out, "\n  %zu statement%s made nobody wait.\n", n_quiet, n_quiet == 1 ? "" : "s");
	buf_adds(out, "\nLimits: lock_timeout ");
	rehearsal->lock_timeout_ms > 0 ? show_duration(out, (double)rehearsal->lock_timeout_ms) : buf_adds(out, "none");
	buf_adds(out, ", statement_timeout ");
	rehearsal->statement_timeout_ms > 0 ? show_duration(out, (double)rehearsal->statement_timeout_ms) : buf_adds(out, "none");
	buf_addf(out, " (%s).\n", rehearsal->limits_from == NULL ? "by default" : rehearsal->limits_from);
	long long rows = 0, bytes = 0;
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		rows += rehearsal->tables[i].rows;
		bytes += rehearsal->tables[i].bytes;
	}
	buf_addf(out, "Clone: %s, %zu tables, %lld rows, %lld MB.\n", rehearsal->clone_kind, rehearsal->n_tables, rows, bytes >> 20);
	for (size_t i = 0; i < rehearsal->n_notes; i++)
		buf_addf(out, "note: %s\n", rehearsal->notes[i]);
	for (size_t i = 0; i < rehearsal->n_troubles; i++)
		buf_addf(out, "trouble: %s: %s\n", rehearsal->troubles[i].where, rehearsal->troubles[i].text);
}
