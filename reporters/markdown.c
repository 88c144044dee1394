// SPDX-License-Identifier: PostgreSQL
// The report as GitHub-flavoured Markdown, for a comment or an issue: see markdown.h.
#include "reporters/markdown.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "reporters/reporter.h"
#include "reporters/show.h"
#include "reporters/view.h"

static void summary(struct buf *out, const struct report *report)
{
	buf_adds(out, "| environment | verdict | | server | version |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < report->n_envs; i++) {
		const struct env_report *env = show_env(report, i);
		buf_adds(out, "| ");
		markdown_cell(out, env->name);
		buf_addf(out, env->verdict == VERDICT_CLEAN ? " | %s | " : " | **%s** | ", show_verdict(env));
		if (env->trouble != NULL)
			markdown_cell(out, env->trouble->code);
		else
			show_counts(out, env);
		buf_adds(out, " | ");
		show_server(out, env, markdown_cell);
		buf_adds(out, " | ");
		show_versions(out, env, markdown_cell);
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
		markdown_span(out, err->where[0] != '\0' ? err->where : err->code);
		if (err->where[0] != '\0') {
			buf_adds(out, " (");
			markdown_span(out, err->code);
			buf_addc(out, ')');
		}
		buf_adds(out, ": ");
		markdown_prose(out, err->text);
		buf_adds(out, "\n");
		if (err->hint[0] != '\0') {
			buf_adds(out, "\nWhat to do: ");
			markdown_prose(out, err->hint);
			buf_addc(out, '\n');
		}
	}
}

static void environment(struct buf *out, struct arena *arena, const struct env_report *env, const struct render_options *options,
                        const struct markdown_style *style)
{
	auto_buf body = BUF_INIT;
	for (size_t i = 0; i < env->n_findings; i++) {
		if (!show_as_pending(env, env->findings[i]))
			markdown_finding(&body, arena, env, env->findings[i], style);
	}
	auto_buf after = BUF_INIT;
	if (env->versions_known)
		markdown_versions(&after, env);
	markdown_unread(&after, env);
	if (env->verdict != VERDICT_CLEAN || options->verbose)
		markdown_notes(&after, env);
	if (body.length == 0 && after.length == 0)
		return;
	buf_adds(out, "\n### ");
	markdown_span(out, env->name);
	buf_addc(out, '\n');
	auto_buf members = BUF_INIT;
	show_members(&members, env, options->verbose, markdown_span);
	if (members.length > 0)
		buf_addf(out, "\nMembers: %s\n", members.data);
	buf_adds(out, body.data);
	if (after.length > 0)
		buf_addf(out, "%s\n%s", body.length > 0 ? "\n#### versions and notes\n" : "", after.data);
}

static void differences(struct buf *out, struct arena *arena, const struct report *report, const struct markdown_style *style)
{
	markdown_span(out, report->have_name);
	buf_adds(out, report->equal ? " is equal to " : " against ");
	markdown_span(out, report->want_name);
	buf_addc(out, '\n');
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		for (size_t i = 0; i < env->n_findings; i++) {
			const struct finding *change = env->findings[i];
			buf_addf(out, "\n#### %s: %s ", change_names[change->change], change->object->kind->name);
			markdown_span(out, change->name);
			buf_addc(out, '\n');
			markdown_definition(out, arena, change, change->change == CHANGE_REMOVED && change->n_env > 0, style);
			if (change->n_env > 0)
				markdown_remedy(out, arena, "run", change, true, style);
		}
		auto_buf list = BUF_INIT;
		markdown_unread(&list, env);
		markdown_notes(&list, env);
		if (list.length > 0)
			buf_addf(out, "\n%s", list.data);
	}
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	const struct markdown_style style = { "####", options->hash_bodies ? BODIES_HASH : BODIES_DIFF };
	report = report_view(arena, report, true);
	if (strcmp(report->command, "diff") == 0) {
		troubles(out, report);
		differences(out, arena, report, &style);
	} else {
		summary(out, report);
		troubles(out, report);
		for (size_t i = 0; i < report->n_envs; i++)
			environment(out, arena, show_env(report, i), options, &style);
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
