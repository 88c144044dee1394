// SPDX-License-Identifier: PostgreSQL
// Title, body and comments of an issue: see github_body.h. A body is made of a head, the findings, and a tail that has the
// migrations last; head and tail are kept short, and the findings get what room is left, worst first.
#include <config.h>

#include "reporters/github_body.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "reporters/github_marker.h"
#include "reporters/markdown.h"
#include "reporters/show.h"

enum {
	FINDING_MOST = 15000, // one finding must not take the room of all
	LINES_MOST = 8000,    // of each list
	LINE_MOST = 2000,
	CUT_ROOM = 300,       // for the sentence that says what was left out
	NAMED_MOST = 20,      // in a comment
};

static bool is_drift(const struct subject *subject)
{
	return subject->items.n_findings + subject->items.n_versions > 0;
}

const char github_title_start[] = "Schema drift detected: ";

const char *github_title(struct arena *arena, const char *name)
{
	auto_buf title = BUF_INIT;
	buf_adds(&title, github_title_start);
	show_line(&title, name);
	size_t length = title.length;
	if (length > GITHUB_TITLE_MOST) {
		length = GITHUB_TITLE_MOST;
		while (((unsigned char)title.data[length] & 0xc0) == 0x80) // not inside a character
			length--;
	}
	return arena_strndup(arena, title.data, length);
}

// Adds whole lines as long as there is room, and says how many there were besides.
static void add_lines_within(struct buf *out, const char *lines)
{
	size_t room = LINES_MOST, n_cut = 0;
	while (*lines != '\0') {
		size_t length = strcspn(lines, "\n");
		length += lines[length] == '\n';
		if (length > room || length > LINE_MOST) {
			n_cut++;
		} else {
			buf_add(out, lines, length);
			room -= length;
		}
		lines += length;
	}
	if (n_cut > 0)
		buf_addf(out, "- %zu more line%s did not fit here\n", n_cut, n_cut == 1 ? "" : "s");
}

static void add_counts(struct buf *out, const struct subject *subject)
{
	if (!subject->fleet) {
		show_counts(out, subject->envs[0]);
		return;
	}
	size_t n_findings = 0, n_shapes = 0;
	for (size_t i = 0; i < subject->n_envs; i++) {
		n_findings += show_n_findings(subject->envs[i]);
		n_shapes += subject->envs[i]->verdict != VERDICT_CLEAN;
	}
	buf_addf(out, "%zu finding%s in %zu of %zu shape%s", n_findings, n_findings == 1 ? "" : "s", n_shapes, subject->n_envs,
	         subject->n_envs == 1 ? "" : "s");
}

static size_t n_members(const struct env_report *env)
{
	return env->members.n > 0 ? env->members.n : 1;
}

// One line for each shape of a fleet, the worst first.
static void add_shapes(struct buf *out, const struct subject *subject)
{
	auto_buf rows = BUF_INIT;
	size_t n_cut = 0;
	for (size_t i = 0; i < subject->n_envs; i++) {
		const struct env_report *env = subject->envs[i];
		auto_buf row = BUF_INIT;
		buf_adds(&row, "| ");
		markdown_cell(&row, env->name);
		buf_addf(&row, " | %zu | %s | ", n_members(env), show_verdict(env));
		if (env->trouble != NULL)
			markdown_cell(&row, env->trouble->code);
		else
			show_counts(&row, env);
		buf_adds(&row, " | ");
		show_versions(&row, env, markdown_cell);
		buf_adds(&row, " |\n");
		if (rows.length + row.length > LINES_MOST || row.length > LINE_MOST)
			n_cut++;
		else
			buf_adds(&rows, row.data);
	}
	buf_addf(out, "\n| shape, named for its first member | members | verdict | | version |\n|---|---|---|---|---|\n%s", rows.data);
	if (n_cut > 0)
		buf_addf(out, "\n%zu more shape%s did not fit here.\n", n_cut, n_cut == 1 ? "" : "s");
}

static void add_head(struct buf *out, struct arena *arena, const struct subject *subject, const struct report *report, const char *run)
{
	auto_buf list = BUF_INIT;
	items_list(&list, &subject->items);
	marker_add(out, subject->name, subject->items.fingerprint, run, list.data);
	const struct env_report *env = subject->envs[0];
	buf_addf(out, "\n**%s** in ", is_drift(subject) ? "drift" : env->trouble != NULL ? "version skew" : show_verdict(env));
	buf_adds(out, subject->fleet ? "the fleet " : "");
	markdown_span(out, subject->name);
	buf_adds(out, ": ");
	add_counts(out, subject);
	buf_adds(out, ".");
	auto_buf server = BUF_INIT, versions = BUF_INIT;
	show_server(&server, env, markdown_span);
	show_versions(&versions, env, markdown_span);
	if (!subject->fleet && server.length + versions.length > 0)
		buf_addf(out, " %s%s%s.", server.data, server.length > 0 && versions.length > 0 ? ", " : "", versions.data);
	buf_adds(out, "\nSeen at ");
	markdown_span(out, report->started);
	buf_adds(out, " by driftcheck " PACKAGE_VERSION);
	if (env->repo != NULL && env->repo->git != NULL) {
		buf_adds(out, ", against commit ");
		markdown_span(out, env->repo->git);
	}
	buf_adds(out, ".\n");
	if (!is_drift(subject) && subject->skew_since != 0)
		buf_addf(out, "\nNothing but the version differs; that was first seen at %s.\n", clock_rfc3339(arena, subject->skew_since));
	if (!subject->complete) {
		size_t n = 0;
		buf_adds(out, "\n**Not everything could be checked**");
		for (size_t i = 0; i < subject->n_envs && n < NAMED_MOST; i++) {
			if (subject->envs[i]->trouble == NULL)
				continue;
			buf_adds(out, n++ == 0 ? " (" : ", ");
			markdown_span(out, subject->envs[i]->trouble->code);
		}
		buf_adds(out, n == NAMED_MOST ? ", …)" : n > 0 ? ")" : "");
		buf_adds(out, ": there may be more than is shown here.\n");
	}
	if (subject->fleet)
		add_shapes(out, subject);
}

// The name as a shell takes it.
static void add_word(struct buf *out, const char *name)
{
	bool plain = *name != '\0' && *name != '-';
	for (const char *p = name; *p != '\0'; p++)
		plain = plain && (isalnum((unsigned char)*p) || strchr("_.-", *p) != NULL);
	if (plain) {
		buf_adds(out, name);
		return;
	}
	buf_addc(out, '\'');
	for (const char *p = name; *p != '\0'; p++) {
		buf_addc(out, *p);
		buf_adds(out, *p == '\'' ? "\\''" : "");
	}
	buf_addc(out, '\'');
}

static void add_list(struct buf *out, const char *heading, const struct subject *subject,
                     void (*add)(struct buf *list, const struct env_report *env))
{
	auto_buf all = BUF_INIT;
	for (size_t i = 0; i < subject->n_envs; i++) {
		auto_buf list = BUF_INIT;
		add(&list, subject->envs[i]);
		if (list.length > 0 && subject->fleet) {
			buf_adds(&all, "\n");
			markdown_span(&all, subject->envs[i]->name);
			buf_adds(&all, ":\n\n");
		}
		buf_adds(&all, list.data);
	}
	if (all.length == 0)
		return;
	buf_addf(out, "\n### %s\n\n", heading);
	add_lines_within(out, all.data);
}

static void add_versions(struct buf *list, const struct env_report *env)
{
	if (env->versions_known)
		markdown_versions(list, env);
}

static void add_notes(struct buf *list, const struct env_report *env)
{
	markdown_unread(list, env);
	if (env->verdict != VERDICT_CLEAN)
		markdown_notes(list, env);
}

static void add_tail(struct buf *out, const struct subject *subject, const struct report *report, enum bodies bodies)
{
	struct report part = *report;
	part.envs = (struct env_report **)subject->envs;
	part.n_envs = subject->n_envs;
	auto_buf legend = BUF_INIT, shown = BUF_INIT, command = BUF_INIT;
	show_legend(&legend, &part);
	if (legend.length > 0)
		buf_addf(out, "\n%s\n", legend.data);
	add_list(out, "Notes", subject, add_notes);
	add_list(out, "Migrations", subject, add_versions);
	buf_adds(&command, "driftcheck ");
	add_word(&command, subject->name);
	show_code(&shown, command.data);
	buf_adds(out, "\n### To see it yourself\n");
	markdown_fence(out, "sh", shown.data);
	buf_addf(out, "\nin a checkout of the repository, with the same configuration.%s\n",
	         bodies == BODIES_HASH ? " That prints the sources of functions as well, which are left out here." : "");
	buf_adds(out, "\nThis issue follows the database: its text changes when what differs changes, and it is closed when nothing differs any "
	              "more. To leave things as they are, name them in the section `ignore` of driftcheck.conf, or close this as not "
	              "planned.\n");
}

static void add_brief(struct buf *out, const struct env_report *env, const struct finding *finding, const struct markdown_style *style)
{
	buf_addf(out, "\n%s %s: %s ", style->heading, show_class(finding), finding->object->kind->name);
	markdown_span(out, finding->name);
	buf_adds(out, "\n\n");
	show_phrase(out, finding, env->name, markdown_span);
	buf_adds(out, "\n\nThe rest is too long for an issue; driftcheck prints it.\n");
}

struct cut {
	size_t room, n;
	size_t of_class[CLASS_COLLISION + 1];
};

// Returns whether it was shown; `heading` comes before it.
static bool add_finding(struct buf *out, struct arena *arena, const char *heading, const struct env_report *env,
                        const struct finding *finding, const struct markdown_style *style, struct cut *cut)
{
	auto_buf block = BUF_INIT;
	buf_adds(&block, heading);
	markdown_finding(&block, arena, env, finding, style);
	if (block.length > FINDING_MOST || block.length > cut->room) {
		buf_reset(&block);
		buf_adds(&block, heading);
		add_brief(&block, env, finding, style);
	}
	if (cut->n > 0 || block.length > FINDING_MOST || block.length > cut->room) { // none after the first that did not fit
		cut->n++;
		cut->of_class[finding->class]++;
		return false;
	}
	buf_adds(out, block.data);
	cut->room -= block.length;
	return true;
}

static void add_cut(struct buf *out, const struct cut *cut)
{
	static const enum finding_class order[] = { CLASS_COLLISION, CLASS_HAND_EDIT, CLASS_SKIPPED, CLASS_AHEAD, CLASS_VERSION_SKEW };
	if (cut->n == 0)
		return;
	buf_addf(out, "\n**%zu more finding%s did not fit here**", cut->n, cut->n == 1 ? "" : "s");
	for (size_t i = 0, n = 0; i < sizeof order / sizeof *order; i++) {
		if (cut->of_class[order[i]] > 0)
			buf_addf(out, "%s%zu %s", n++ == 0 ? " (" : ", ", cut->of_class[order[i]], finding_class_names[order[i]]);
	}
	buf_adds(out, "); driftcheck prints them all.\n");
}

void github_body(struct buf *out, struct arena *arena, const struct subject *subject, const struct report *report,
                 enum bodies bodies, const char *run, size_t most)
{
	const struct markdown_style style = { "###", bodies };
	auto_buf tail = BUF_INIT, findings = BUF_INIT;
	size_t start = out->length;
	add_head(out, arena, subject, report, run);
	add_tail(&tail, subject, report, bodies);
	size_t used = out->length - start + tail.length + CUT_ROOM;
	struct cut cut = { .room = used < most ? most - used : 0 };
	for (size_t e = 0; e < subject->n_envs; e++) {
		const struct env_report *env = subject->envs[e];
		auto_buf heading = BUF_INIT;
		if (subject->fleet) {
			buf_adds(&heading, "\n## shape ");
			markdown_span(&heading, env->name);
			buf_addf(&heading, ", %zu member%s\n", n_members(env), n_members(env) == 1 ? "" : "s");
		}
		for (size_t i = 0; i < env->n_findings; i++) {
			if (!show_as_pending(env, env->findings[i]) &&
			    add_finding(&findings, arena, heading.data, env, env->findings[i], &style, &cut))
				buf_reset(&heading);
		}
	}
	buf_adds(out, findings.data);
	add_cut(out, &cut);
	buf_adds(out, tail.data);
}

static void add_now(struct buf *out, const struct subject *subject)
{
	buf_adds(out, "Now: ");
	add_counts(out, subject);
	buf_adds(out, ".\n");
}

void github_comment_changed(struct buf *out, const struct subject *subject, const struct items_change *change)
{
	const struct { size_t n; const char *word; } counts[] = {
		{ change->n_new, "new" }, { change->n_changed, "changed" }, { change->n_gone, "gone" },
	};
	size_t n = 0;
	for (size_t i = 0; change->known && i < sizeof counts / sizeof *counts; i++) {
		if (counts[i].n > 0)
			buf_addf(out, "%s%zu %s", n++ == 0 ? "" : ", ", counts[i].n, counts[i].word);
	}
	buf_adds(out, n > 0 ? ". " : change->known ? "What is recorded of the migrations is different. " : "What differs is not what it was. ");
	add_now(out, subject);
	size_t n_named = 0, n_fresh = change->known ? change->n_new + change->n_changed : 0;
	for (size_t i = 0; i < subject->items.n && n_named < n_fresh && n_named < NAMED_MOST; i++) {
		const struct item *item = &subject->items.items[i];
		if (item->sort != ITEM_FINDING || !change->is_new[i])
			continue;
		buf_addf(out, "%s- %s: %s ", n_named++ == 0 ? "\n" : "", show_class(item->finding), item->finding->object->kind->name);
		markdown_span(out, item->finding->name);
		buf_addc(out, '\n');
	}
	if (n_named < n_fresh)
		buf_addf(out, "- and %zu more\n", n_fresh - n_named);
}

void github_comment_reopened(struct buf *out, const struct subject *subject)
{
	buf_adds(out, "This was closed as completed, but the drift is still there, so it is open again. To leave it as it is, close it as "
	              "not planned.\n\n");
	add_now(out, subject);
}

void github_comment_gone(struct buf *out, const struct report *report)
{
	buf_adds(out, "No drift any more: seen at ");
	markdown_span(out, report->started);
	buf_adds(out, " by driftcheck " PACKAGE_VERSION ".\n");
}
