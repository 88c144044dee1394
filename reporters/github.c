// SPDX-License-Identifier: PostgreSQL
// One GitHub issue per environment, or per fleet: what there is to tell, and the decision what to do about it, which is a table.
// Two runs at once may both create an issue: each then looks again, and the lowest number stays; a lock only saves the noise.
// What is kept in the state folder is a help, too: when skew was first seen, and the issue's number.
#include "reporters/github.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/state.h"
#include "reporters/view.h"

enum {
	LOOK_AGAIN_S = 5, // after a creation whose outcome is unknown
	LOCK_WAIT_MS = 60000,
	ROUNDS_MOST = 4,
};

static json_t *state_read(const struct work *work, const struct job *job)
{
	json_t *state = work->delivery->state == NULL ? NULL : state_get(work->delivery->state, job->state_name);
	if (json_is_object(state))
		return state;
	json_decref(state);
	return json_object();
}

static void state_write(const struct work *work, const struct job *job, const json_t *state)
{
	struct err err;
	if (work->delivery->dry_run || work->delivery->state == NULL)
		return;
	if (!state_put(work->delivery->state, job->state_name, json_object_size(state) == 0 ? NULL : state, &err))
		log_warn(work->delivery->log, "%s: %s", err.where, err.text);
}

// The issue's number is kept for the case that its label is taken away; 0: forget it.
static void remember(const struct work *work, struct job *job, long long number)
{
	if (job->known == number)
		return;
	job->known = number;
	auto_json state = state_read(work, job);
	if (number == 0)
		json_object_del(state, "issue");
	else
		json_object_set_new(state, "issue", json_integer(number));
	state_write(work, job, state);
}

// When the skew of a subject was first seen: each pending migration counts from its own day, so that a repository that always
// has one pending does not look as if it were behind for long. Noted in the state.
static void date_skew(const struct work *work, struct job *job)
{
	const struct items *items = &job->subject.items;
	auto_json state = state_read(work, job);
	auto_json seen = json_object();
	time_t now = clock_now();
	for (size_t i = 0; i < items->n; i++) {
		if (items->items[i].sort != ITEM_SKEW)
			continue;
		json_int_t since = json_integer_value(json_object_get(json_object_get(state, "skew"), items->items[i].id));
		if (since <= 0 || since > now)
			since = now;
		json_object_set_new(seen, items->items[i].id, json_integer(since));
		if (job->subject.skew_since == 0 || since < job->subject.skew_since)
			job->subject.skew_since = (time_t)since;
	}
	job->known = json_integer_value(json_object_get(state, "issue"));
	json_t *before = json_object_get(state, "skew");
	if (!job->subject.complete || (before == NULL ? json_object_size(seen) == 0 : json_equal(before, seen)))
		return;
	if (json_object_size(seen) == 0)
		json_object_del(state, "skew");
	else
		json_object_set(state, "skew", seen);
	state_write(work, job, state);
}

static enum stand stand_of(const struct work *work, const struct job *job)
{
	const struct items *items = &job->subject.items;
	if (!job->subject.complete) // what versions alone say may be half of it: the replay may have failed
		return items->n_findings > 0 ? STAND_PARTLY : STAND_UNKNOWN;
	bool old = work->delivery->state == NULL || clock_now() - job->subject.skew_since >= work->settings->skew_after_s;
	if (items->n_findings + items->n_versions > 0 || (items->n_skew > 0 && old))
		return STAND_DRIFT;
	return !work->report->complete ? STAND_UNKNOWN : items->n_skew > 0 ? STAND_YOUNG : STAND_NOTHING;
}

static struct job job_of(const struct work *work, size_t first)
{
	struct arena *arena = work->delivery->arena;
	const struct report *report = work->report;
	const struct env_report *named = report->envs[first];
	struct job job = { .subject = { .name = named->fleet != NULL ? named->fleet : named->name, .fleet = named->fleet != NULL,
	                                .envs = arena_array(arena, report->n_envs, sizeof *job.subject.envs), .complete = true } };
	for (int verdict = VERDICT_TROUBLE; verdict >= VERDICT_CLEAN; verdict--) {
		for (size_t i = first; i < report->n_envs; i++) {
			const struct env_report *env = report->envs[i];
			bool same = named->fleet == NULL ? i == first : env->fleet != NULL && strcmp(env->fleet, named->fleet) == 0;
			if (!same || (int)env->verdict != verdict)
				continue;
			job.subject.envs[job.subject.n_envs++] = env;
			job.subject.complete &= env->complete;
		}
	}
	job.subject.items = items_of(arena, job.subject.envs, job.subject.n_envs);
	job.state_name = arena_printf(arena, "github %s %s", work->settings->repository, job.subject.name);
	date_skew(work, &job);
	job.stand = stand_of(work, &job);
	return job;
}

enum action { ACTION_NONE, ACTION_CREATE, ACTION_UPDATE, ACTION_REOPEN, ACTION_CLOSE };

static const enum action decisions[N_STANDS][N_FOUND] = {
	//                  none           same          more           other          waived       closed by hand
	[STAND_UNKNOWN] = { ACTION_NONE,   ACTION_NONE,  ACTION_NONE,   ACTION_NONE,   ACTION_NONE, ACTION_NONE },
	[STAND_NOTHING] = { ACTION_NONE,   ACTION_CLOSE, ACTION_CLOSE,  ACTION_CLOSE,  ACTION_NONE, ACTION_NONE },
	[STAND_YOUNG]   = { ACTION_NONE,   ACTION_NONE,  ACTION_CLOSE,  ACTION_CLOSE,  ACTION_NONE, ACTION_NONE },
	[STAND_PARTLY]  = { ACTION_CREATE, ACTION_NONE,  ACTION_NONE,   ACTION_UPDATE, ACTION_NONE, ACTION_REOPEN },
	[STAND_DRIFT]   = { ACTION_CREATE, ACTION_NONE,  ACTION_UPDATE, ACTION_UPDATE, ACTION_NONE, ACTION_REOPEN },
};

static const char *body_of(struct work *work, struct job *job, size_t most)
{
	auto_buf body = BUF_INIT;
	github_body(&body, work->delivery->arena, &job->subject, work->report, work->delivery->bodies, work->github.run, most);
	return buf_copy(&body, work->delivery->arena);
}

// After a creation whose outcome is not known: whether it was done shows in the newest issues.
static enum github_step find_created(struct work *work, struct job *job, long long *number, struct err *err)
{
	struct github_issues newest;
	clock_sleep_ms(LOOK_AGAIN_S * 1000);
	enum github_step step = github_list(&work->github, "state=all&sort=created&direction=desc&per_page=100", 1, &newest, err);
	for (size_t i = 0; step == STEP_DONE && i < newest.n; i++) {
		newest.items[i].trusted = true; // the nonce is known to nobody else
		if (github_is_of(&newest.items[i], job) && strcmp(newest.items[i].marker.run, work->github.run) == 0)
			*number = newest.items[i].number;
	}
	return step;
}

static enum github_step create(struct work *work, struct job *job, struct err *err)
{
	struct github *github = &work->github;
	const char *title = github_title(work->delivery->arena, job->subject.name);
	size_t most = GITHUB_BODY_MOST;
	enum github_step step = github_ensure_label(github, err);
	if (step != STEP_DONE)
		return step;
	long long number = 0;
	for (int attempt = 0; attempt < 2 && number == 0; attempt++) {
		step = github_create(github, title, body_of(work, job, most), &number, err);
		if (step == STEP_TOO_LONG)
			step = github_create(github, title, body_of(work, job, most /= 2), &number, err);
		if (step != STEP_UNKNOWN)
			break;
		struct err lost = *err, look_err;
		if (find_created(work, job, &number, &look_err) != STEP_DONE) {
			*err = lost;
			return STEP_UNKNOWN;
		}
		if (number != 0)
			step = STEP_DONE;
	}
	job->created = step == STEP_DONE;
	if (number != 0)
		remember(work, job, number);
	return step;
}

// A comment is only a help: without it the issue is right all the same.
static void comment(struct work *work, long long number, const struct buf *text)
{
	struct err err;
	if (github_comment(&work->github, number, text->data, &err) != STEP_DONE)
		log_warn(work->delivery->log, "issue %lld: %s", number, err.text);
}

static enum github_step update(struct work *work, struct job *job, const struct look *look, bool reopen, struct err *err)
{
	struct github *github = &work->github;
	long long number = look->issue.number;
	const char *state = reopen ? "open" : NULL, *reason = reopen ? "reopened" : NULL;
	enum github_step step = github_update(github, number, body_of(work, job, GITHUB_BODY_MOST), state, reason, err);
	if (step == STEP_TOO_LONG)
		step = github_update(github, number, body_of(work, job, GITHUB_BODY_MOST / 2), state, reason, err);
	if (step != STEP_DONE)
		return step;
	remember(work, job, number);
	auto_buf text = BUF_INIT;
	const struct items_change *change = &look->change;
	bool drift = job->subject.items.n_findings + job->subject.items.n_versions > 0;
	bool worth = !drift || !change->known || change->n_new + change->n_changed + change->n_gone > 0 || change->versions;
	if (reopen)
		github_comment_reopened(&text, &job->subject);
	else if (worth) // beside drift, what is pending comes and goes without a mail for each
		github_comment_changed(&text, &job->subject, change);
	if (text.length > 0)
		comment(work, number, &text);
	return STEP_DONE;
}

// Closed first and commented then: cut short in between, the comment is lost rather than written twice.
static enum github_step close_issue(struct work *work, struct job *job, const struct look *look, struct err *err)
{
	char none[DIGEST_SHA256_HEX];
	items_none(none);
	const char *body = marker_replace(work->delivery->arena, look->issue.body, job->subject.name, none, work->github.run);
	enum github_step step = github_update(&work->github, look->issue.number, body, "closed", "completed", err);
	if (step != STEP_DONE)
		return step;
	remember(work, job, 0);
	auto_buf text = BUF_INIT;
	github_comment_gone(&text, work->report);
	comment(work, look->issue.number, &text);
	return STEP_DONE;
}

// Of several open issues the lowest number stays. Just after it created one, a run closes only its own: the others' owners do
// the same.
static enum github_step close_extra(struct work *work, const struct job *job, const struct look *look, struct err *err)
{
	for (size_t i = 0; i < look->n_extra; i++) {
		const struct github_issue *extra = &look->extra[i];
		if (job->created && strcmp(extra->marker.run, work->github.run) != 0)
			continue;
		enum github_step step = github_update(&work->github, extra->number, NULL, "closed", "duplicate", err);
		if (step != STEP_DONE && step != STEP_GONE)
			return step;
	}
	return STEP_DONE;
}

static enum github_step act(struct work *work, struct job *job, const struct look *look, enum action action, struct err *err)
{
	switch (action) {
	case ACTION_CREATE: return create(work, job, err);
	case ACTION_UPDATE: return update(work, job, look, false, err);
	case ACTION_REOPEN: return update(work, job, look, true, err);
	case ACTION_CLOSE: return close_issue(work, job, look, err);
	case ACTION_NONE: break;
	}
	return STEP_DONE;
}

// Brings one issue to what it should be. After a creation, and where the issue went away meanwhile, it is looked for again.
static enum github_step treat(struct work *work, struct job *job, struct err *err)
{
	struct err lock_err = { 0 };
	auto_fd lock = -1;
	if (work->delivery->state != NULL && !work->delivery->dry_run) {
		lock = state_lock(work->delivery->state, job->state_name, LOCK_WAIT_MS, &lock_err);
		if (lock < 0)
			log_info(work->delivery->log, "%s: %s; going on without the lock", lock_err.where, lock_err.text);
	}
	for (int round = 0; round < ROUNDS_MOST; round++) {
		struct look look;
		enum github_step step = github_look(work, job, &look, err);
		if (step != STEP_DONE)
			return step;
		enum action action = decisions[job->stand][look.found];
		if (job->stand != STAND_UNKNOWN)
			step = close_extra(work, job, &look, err);
		if (step != STEP_DONE || (job->created && action == ACTION_CREATE)) // not in the list yet: it will be found next time
			return step;
		if (look.found != FOUND_NONE && look.issue.open)
			remember(work, job, look.issue.number);
		else if (look.found == FOUND_NONE && !job->created)
			remember(work, job, 0); // closed by hand, and rightly; or deleted
		step = act(work, job, &look, action, err);
		bool again = step == STEP_GONE || (step == STEP_DONE && action == ACTION_CREATE && !work->delivery->dry_run);
		if (!again)
			return step;
		if (step == STEP_GONE)
			remember(work, job, 0);
	}
	return STEP_STOP;
}

static void start(struct work *work, struct delivery *delivery, const struct report *report)
{
	const struct github_settings *settings = delivery->own;
	struct arena *arena = delivery->arena;
	const char **headers = arena_array(arena, 5, sizeof *headers), **secrets = arena_array(arena, 2, sizeof *secrets);
	headers[0] = arena_printf(arena, "Authorization: Bearer %s", settings->token);
	headers[1] = "Accept: application/vnd.github+json";
	headers[2] = "X-GitHub-Api-Version: 2022-11-28"; // the one that Enterprise Servers know, too
	headers[3] = "Content-Type: application/json";
	secrets[0] = settings->token;
	*work = (struct work){ .delivery = delivery, .settings = settings, .report = report };
	work->github = (struct github){
		.arena = arena, .log = delivery->log, .api = settings->api, .repository = settings->repository, .label = settings->label,
		.headers = headers, .secrets = secrets, .deadline_us = delivery->deadline_us, .out = delivery->dry_run ? delivery->out : NULL,
	};
	unsigned char random[8] = { 0 };
	invariant(getrandom(random, sizeof random, 0) == sizeof random, "no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(work->github.run + 2 * i, 3, "%02x", random[i]);
}

// Whether the overview shows that there is nothing to do.
static bool is_settled(const struct work *work, const struct job *job)
{
	struct look look = { 0 };
	if (!github_look_in(work, job, &work->overview, &look) && job->known != 0)
		return job->stand == STAND_UNKNOWN;
	return decisions[job->stand][look.found] == ACTION_NONE && (look.n_extra == 0 || job->stand == STAND_UNKNOWN);
}

static void add_failure(struct err *all, size_t *n_failed, const struct job *job, const struct err *err)
{
	if ((*n_failed)++ == 0) {
		*all = *err;
		snprintf(all->text, sizeof all->text, "%.200s: %.1800s", job->subject.name, err->text);
	} else if (strlen(all->text) + 64 < sizeof all->text) {
		size_t length = strlen(all->text);
		snprintf(all->text + length, sizeof all->text - length, "%s%.50s", *n_failed == 2 ? "; nor was the issue brought up to date of " : ", ",
		         job->subject.name);
	}
	if (strcmp(err->code, "report-unknown") == 0)
		memcpy(all->code, err->code, sizeof all->code);
}

static bool is_first_of_fleet(const struct report *report, size_t i)
{
	for (size_t j = 0; report->envs[i]->fleet != NULL && j < i; j++) {
		if (report->envs[j]->fleet != NULL && strcmp(report->envs[j]->fleet, report->envs[i]->fleet) == 0)
			return false;
	}
	return true;
}

static bool send(struct delivery *delivery, const struct report *report, struct err *err)
{
	report = report_view(delivery->arena, report, false); // members of a fleet that are alike are one
	struct work work;
	start(&work, delivery, report);
	struct job *jobs = arena_array(delivery->arena, report->n_envs, sizeof *jobs);
	size_t n = 0, n_known = 0, n_failed = 0;
	for (size_t i = 0; i < report->n_envs; i++) {
		if (!is_first_of_fleet(report, i))
			continue;
		jobs[n] = job_of(&work, i);
		n_known += jobs[n++].stand != STAND_UNKNOWN;
	}
	if (n_known == 0)
		return true;
	auto_http http = http_new();
	work.github.http = http;
	if (delivery->dry_run)
		buf_addf(delivery->out, "--report github --dry-run: the issues of %s are read, but nothing is written; this is what would be sent, "
		         "without the token:\n", work.settings->repository);
	enum github_step step = github_overview(&work.github, &work.overview, err);
	bool give_up = step != STEP_DONE; // the others would fare no better
	for (size_t i = 0; i < n; i++) {
		struct err of_job = *err;
		if (jobs[i].stand == STAND_UNKNOWN || (!give_up && is_settled(&work, &jobs[i])))
			continue;
		if (!give_up)
			step = treat(&work, &jobs[i], &of_job);
		if (step != STEP_DONE)
			add_failure(err, &n_failed, &jobs[i], &of_job);
		give_up = give_up || step == STEP_GIVE_UP || step == STEP_RETRY || step == STEP_WAIT;
	}
	return n_failed == 0;
}

const struct sink sink_github = {
	.name = "github", .summary = "one issue per environment, kept up to date", .keys = github_keys, .prepare = github_prepare, .send = send,
};
