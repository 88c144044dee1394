// SPDX-License-Identifier: PostgreSQL
// GitHub Actions: the worst remarks as annotations, the whole report as the step's summary, and the outcome as outputs of the
// step. The runner reads commands out of whatever a step prints, so foreign text is escaped in annotations, and no command is
// taken from the report that is printed after them. Outputs are set before anything is checked, too: a step that died of an
// error has them.
#include "reporters/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "reporters/brief.h"
#include "reporters/reporter.h"
#include "reporters/show.h"
#include "reporters/view.h"

enum { PER_KIND_MOST = 10, ANNOTATIONS_MOST = 50, SUMMARY_MOST = 1 << 20, SUMMARY_RESERVE = 512,
       N_SEVERITIES = SEVERITY_ALARM + 1 };

static const char *const keys[] = { NULL };
static const char *const commands[N_SEVERITIES] = { [SEVERITY_INFO] = "notice", [SEVERITY_WARN] = "warning",
                                                    [SEVERITY_ALARM] = "error" };

// A word that nobody can know beforehand.
static const char *random_word(struct arena *arena)
{
	uint64_t bits[2];
	invariant(getrandom(bits, sizeof bits, 0) == (ssize_t)sizeof bits, "random bytes");
	return arena_printf(arena, "%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
}

static void escape(struct buf *out, const char *text, const char *characters)
{
	for (; *text != '\0'; text++)
		buf_addf(out, strchr(characters, *text) != NULL ? "%%%02X" : "%c", (unsigned char)*text);
}

static void property(struct buf *out, const char *separator, const char *name, const char *foreign)
{
	auto_buf line = BUF_INIT;
	show_line(&line, foreign);
	buf_addf(out, "%s%s=", separator, name);
	escape(out, line.data, "%\r\n:,");
}

static void annotation(struct buf *out, const struct brief *brief)
{
	buf_addf(out, "::%s", commands[brief->severity]);
	if (brief->file != NULL)
		property(out, " ", "file", brief->file);
	if (brief->file != NULL && brief->line > 0)
		buf_addf(out, ",line=%u", brief->line);
	property(out, brief->file != NULL ? "," : " ", "title", brief->title);
	buf_adds(out, "::");
	escape(out, brief->text, "%\r\n");
	buf_addc(out, '\n');
}

// The runner shows ten of a kind for a step, and fifty for a job.
static void annotations(struct buf *out, const struct brief *list, size_t n)
{
	size_t n_of[N_SEVERITIES] = { 0 }, n_shown = 0;
	for (size_t i = 0; i < n; i++) {
		if (n_shown == ANNOTATIONS_MOST || n_of[list[i].severity] == PER_KIND_MOST)
			continue;
		annotation(out, &list[i]);
		n_of[list[i].severity]++;
		n_shown++;
	}
	if (n > n_shown)
		buf_addf(out, "%zu more: see the summary of this job\n", n - n_shown);
}

// The part of a Markdown report that fits: whole findings. A line that looks like a heading counts outside of fences alone.
static size_t fitting(const char *markdown, size_t room, size_t *n_left_out)
{
	size_t fence = 0, fits = 0;
	*n_left_out = 0;
	for (const char *line = markdown, *end; *line != '\0'; line = end) {
		size_t length = strcspn(line, "\n"), ticks = strspn(line, "`");
		end = line + length + (line[length] == '\n');
		if (fence > 0)
			fence = ticks >= fence && ticks == length ? 0 : fence;
		else if (ticks >= 3)
			fence = ticks;
		else if (strncmp(line, "### ", 4) == 0 || strncmp(line, "#### ", 5) == 0) {
			if ((size_t)(line - markdown) <= room) {
				fits = (size_t)(line - markdown);
				*n_left_out = 0;
			}
			*n_left_out += line[3] == '#' && strncmp(line, "#### versions", 13) != 0;
		}
	}
	return fits;
}

// Adds to the file that a variable names. Without the variable there is nobody to read it.
static bool append(const char *variable, const struct buf *text, struct err *err)
{
	const char *path = getenv(variable);
	if (path == NULL || *path == '\0' || text->length == 0)
		return true;
	auto_fd fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	return (fd >= 0 && file_write_all(fd, text)) ||
	       err_set(err, "report", variable, "the runner of GitHub Actions sets it for each step", "%s: cannot be written: %s", path,
	               strerror(errno));
}

static size_t summary_room(void)
{
	struct stat is;
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	size_t used = path != NULL && stat(path, &is) == 0 ? (size_t)is.st_size : 0;
	return used + SUMMARY_RESERVE < SUMMARY_MOST ? SUMMARY_MOST - SUMMARY_RESERVE - used : 0;
}

static void summary(struct buf *out, const struct report *report, enum bodies bodies, size_t room)
{
	auto_buf markdown = BUF_INIT;
	const struct render_options plain = { .hash_bodies = bodies == BODIES_HASH };
	reporter_find("markdown")->render(&markdown, report, &plain);
	if (markdown.length <= room) {
		buf_add(out, markdown.data, markdown.length);
		return;
	}
	size_t n_left_out, length = fitting(markdown.data, room, &n_left_out);
	buf_add(out, markdown.data, length);
	buf_addf(out, "\n**%zu finding%s left out:** the summary of a step holds 1 MiB. The log of this step has the whole report.\n",
	         n_left_out, n_left_out == 1 ? " is" : "s are");
}

// NULL: what holds before anything is known.
static void outputs(struct buf *out, struct arena *arena, const struct report *report)
{
	enum verdict verdict = report == NULL || !report->complete || report->n_troubles > 0 ? VERDICT_TROUBLE : VERDICT_CLEAN;
	size_t n_of[N_SEVERITIES] = { 0 }, n_findings = 0, n_pending = 0;
	for (size_t e = 0; report != NULL && e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		verdict = env->verdict > verdict ? env->verdict : verdict;
		n_pending += env->pending.n;
		n_findings += show_n_findings(env);
		for (size_t i = 0; i < env->n_findings; i++)
			n_of[env->findings[i]->severity] += !show_as_pending(env, env->findings[i]);
	}
	const struct {
		const char *name;
		size_t n;
	} counts[] = {
		{ "environments", report == NULL ? 0 : report->n_envs }, { "findings", n_findings }, { "alarms", n_of[SEVERITY_ALARM] },
		{ "warnings", n_of[SEVERITY_WARN] }, { "pending", n_pending }, { "troubles", report == NULL ? 0 : report->n_troubles },
	};
	const char *end = random_word(arena);
	buf_addf(out, "verdict<<%s\n%s\n%s\n", end, verdict_names[verdict], end);
	buf_addf(out, "complete<<%s\n%s\n%s\n", end, report != NULL && report->complete ? "true" : "false", end);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		buf_addf(out, "%s<<%s\n%zu\n%s\n", counts[i].name, end, counts[i].n, end);
}

static bool prepare(struct delivery *delivery, struct err *err)
{
	const char *actions = getenv("GITHUB_ACTIONS");
	if (actions == NULL || strcmp(actions, "true") != 0)
		return err_set(err, "usage", delivery->where, "drop --report actions here; GITHUB_ACTIONS=true says that there is a runner",
		               "--report actions: this is no job of GitHub Actions");
	auto_buf text = BUF_INIT;
	outputs(&text, delivery->arena, NULL);
	return delivery->dry_run || append("GITHUB_OUTPUT", &text, err);
}

static bool send(struct delivery *delivery, const struct report *report, struct err *err)
{
	auto_buf lines = BUF_INIT, page = BUF_INIT, values = BUF_INIT;
	size_t n;
	const struct brief *list = brief_list(delivery->arena, report_view(delivery->arena, report, false), &n);
	annotations(&lines, list, n);
	summary(&page, report, delivery->bodies, summary_room());
	outputs(&values, delivery->arena, report);
	if (delivery->dry_run) { // beside what is printed, nothing is called
		buf_addf(delivery->out, "%zu bytes would go to $GITHUB_STEP_SUMMARY, %zu to $GITHUB_OUTPUT\n", page.length, values.length);
		return true;
	}
	buf_add(delivery->out, lines.data, lines.length);
	if (delivery->last != NULL) {
		const char *word = random_word(delivery->arena);
		buf_addf(delivery->out, "::stop-commands::%s\n", word);
		buf_addf(delivery->last, "::%s::\n", word);
	}
	bool summarised = append("GITHUB_STEP_SUMMARY", &page, err);
	struct err other;
	bool set = append("GITHUB_OUTPUT", &values, summarised ? err : &other);
	return summarised && set;
}

const struct sink sink_actions = {
	.name = "actions", .summary = "annotations, step summary and outputs of GitHub Actions", .keys = keys,
	.prepare = prepare, .send = send,
};
