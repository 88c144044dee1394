// SPDX-License-Identifier: PostgreSQL
// The second look: see confirm.h. Skew and trouble need none: a pending migration alarms nobody by itself, and what could not
// be checked is no drift. What the third look alone has is reported all the same, and said to be seen once: somebody is at
// work there, but to keep quiet would be to miss drift.
#include "sentinel/confirm.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "introspect/kind.h"
#include "sentinel/cron.h"
#include "sentinel/run_report.h"

enum { LOOKS_MAX = 3, SHOWN_MAX = 3 };

// What makes an environment's verdict drift, as texts that stay the same from look to look.
struct mark {
	const char *id;
	const char *text; // for people
};

struct marks {
	struct mark *items;
	size_t n;
};

static struct marks marks_of(struct arena *arena, const struct env_report *env)
{
	struct marks marks = { arena_array(arena, env->n_findings + env->skipped.n + env->dirty.n, sizeof *marks.items), 0 };
	for (size_t i = 0; i < env->n_findings; i++) {
		const struct finding *finding = env->findings[i];
		if (finding->class != CLASS_VERSION_SKEW)
			marks.items[marks.n++] = (struct mark){ arena_strdup(arena, finding->id),
			                                        arena_printf(arena, "%s %s", finding->object->kind->name, finding->name) };
	}
	for (size_t i = 0; i < env->skipped.n; i++)
		marks.items[marks.n++].id = arena_printf(arena, "skipped %s", env->skipped.items[i]);
	for (size_t i = 0; i < env->dirty.n; i++)
		marks.items[marks.n++].id = arena_printf(arena, "dirty %s", env->dirty.items[i]);
	for (size_t i = 0; i < marks.n; i++)
		marks.items[i].text = marks.items[i].text == NULL ? marks.items[i].id : marks.items[i].text;
	return marks;
}

// Those of `a` that are not in `b`.
static struct marks without(struct arena *arena, const struct marks *a, const struct marks *b)
{
	struct marks rest = { arena_array(arena, a->n, sizeof *rest.items), 0 };
	for (size_t i = 0; i < a->n; i++) {
		bool found = false;
		for (size_t j = 0; j < b->n && !found; j++)
			found = strcmp(a->items[i].id, b->items[j].id) == 0;
		if (!found)
			rest.items[rest.n++] = a->items[i];
	}
	return rest;
}

static const char *names_of(struct arena *arena, const struct marks *marks)
{
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < marks->n && i < SHOWN_MAX; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : ", ", marks->items[i].text);
	if (marks->n > SHOWN_MAX)
		buf_addf(&text, " and %zu more", marks->n - SHOWN_MAX);
	return buf_copy(&text, arena);
}

static void note(struct run *run, struct env_report *env, const struct marks *marks, const char *what)
{
	if (marks->n == 0)
		return;
	const char **notes = arena_array(run->arena, env->n_notes + 1, sizeof *notes);
	for (size_t i = 0; i < env->n_notes; i++)
		notes[i] = env->notes[i];
	notes[env->n_notes++] = arena_printf(run->arena, "%s: %s", what, names_of(run->arena, marks));
	env->notes = notes;
	(env->trouble == NULL ? log_info : log_warn)(run->log, "%s: %s", env->name, notes[env->n_notes - 1]);
}

// There is no time for the second look: nobody is told of what was seen but once, and that is trouble.
static void unconfirmed(struct run *run, struct env_report *env, const struct marks *seen)
{
	struct err err;
	err_set(&err, "time-limit", env->name, "give the run more time: --time-limit", "there was no time for a second look at what the first found");
	if (env->trouble == NULL)
		report_trouble(run, env, &err);
	note(run, env, seen, "seen by one look, and not reported, since there was no time for a second");
	env->findings = NULL;
	env->n_findings = 0;
}

// One more look at the environments that need it; false where none does. `last` has what was seen at the look before, `all`
// what was seen at any.
static bool look(struct run *run, struct report *report, const struct confirm *confirm, struct marks *last, struct marks *all)
{
	long long wait_s = run->cron->confirm_after_s;
	bool *chosen = arena_array(run->arena, report->n_envs, sizeof *chosen), any = false;
	for (size_t i = 0; i < report->n_envs; i++) {
		struct marks now = marks_of(run->arena, report->envs[i]), fresh = without(run->arena, &now, &last[i]);
		struct marks unseen = without(run->arena, &now, &all[i]);
		if (fresh.n == 0)
			continue;
		if (run->check_until_us > 0 && clock_us() + wait_s * 1000000 >= run->check_until_us) {
			unconfirmed(run, report->envs[i], &now);
			continue;
		}
		struct mark *joined = arena_array(run->arena, all[i].n + unseen.n, sizeof *joined);
		for (size_t j = 0; j < all[i].n + unseen.n; j++)
			joined[j] = j < all[i].n ? all[i].items[j] : unseen.items[j - all[i].n];
		all[i] = (struct marks){ joined, all[i].n + unseen.n };
		last[i] = now;
		chosen[i] = any = true;
	}
	if (!any)
		return false;
	log_info(run->log, "there is drift: looking again in %s", duration_text(run->arena, wait_s));
	log_progress(run->log, "there is drift: looking again in %s", duration_text(run->arena, wait_s));
	clock_sleep_ms(wait_s * 1000);
	log_progress(run->log, "%s", "");
	confirm->look_again(confirm->argument, report, chosen);
	return true;
}

void confirm_drift(struct run *run, struct report *report, const struct confirm *confirm)
{
	if (run->cron->confirm_after_s == 0)
		return;
	struct marks *last = arena_array(run->arena, report->n_envs, sizeof *last);
	struct marks *all = arena_array(run->arena, report->n_envs, sizeof *all);
	for (int looks = 1; looks < LOOKS_MAX && look(run, report, confirm, last, all); looks++)
		;
	const char *gone_text = arena_printf(run->arena, "seen by one look, gone %s later, so not reported",
	                                     duration_text(run->arena, run->cron->confirm_after_s));
	for (size_t i = 0; i < report->n_envs; i++) {
		struct env_report *env = report->envs[i];
		struct marks now = marks_of(run->arena, env);
		struct marks gone = without(run->arena, &all[i], &now), fresh = without(run->arena, &now, &last[i]);
		note(run, env, &gone, env->trouble == NULL ? gone_text : "seen by one look, and not reported, since the next could not be completed");
		note(run, env, &fresh, "seen by the last look alone: somebody is changing this schema");
	}
}
