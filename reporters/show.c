// SPDX-License-Identifier: PostgreSQL
// What the reports for people have in common: see show.h. The words for classes and verdicts stand here as tables, once.
#include "reporters/show.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/visible.h"
#include "migrations/framework.h"
#include "reporters/view.h"

enum { MEMBERS_SHOWN = 8 };

bool show_line(struct buf *out, const char *text)
{
	return visible(out, text, "");
}

bool show_code(struct buf *out, const char *text)
{
	return visible(out, text, "\t");
}

void show_plain(struct buf *out, const char *text)
{
	visible(out, text, "");
}

size_t show_width(const char *text)
{
	size_t width = 0;
	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

const struct env_report *show_env(const struct report *report, size_t i)
{
	if (report->worst_first)
		return report->envs[i];
	for (int verdict = VERDICT_TROUBLE; verdict >= VERDICT_CLEAN; verdict--) {
		for (size_t e = 0; e < report->n_envs; e++) {
			if ((int)report->envs[e]->verdict == verdict && i-- == 0)
				return report->envs[e];
		}
	}
	return NULL;
}

bool show_as_pending(const struct env_report *env, const struct finding *finding)
{
	if (finding->class != CLASS_VERSION_SKEW || finding->severity != SEVERITY_INFO || env->n_pending_lines == 0)
		return false;
	if (finding->origin == NULL)
		return true;
	for (size_t i = 0; i < env->n_pending_lines; i++) {
		if (strcmp(env->pending_lines[i].version, finding->origin->version) == 0)
			return true;
	}
	return false;
}

size_t show_n_findings(const struct env_report *env)
{
	size_t n = 0;
	for (size_t i = 0; i < env->n_findings; i++)
		n += !show_as_pending(env, env->findings[i]);
	return n;
}

static bool is_diff(const struct report *report)
{
	return strcmp(report->command, "diff") == 0;
}

bool show_is_clean(const struct report *report)
{
	bool clean = report->complete && report->n_troubles == 0 && (!is_diff(report) || report->equal);
	for (size_t i = 0; i < report->n_envs; i++)
		clean = clean && report->envs[i]->verdict == VERDICT_CLEAN;
	return clean;
}

const char *show_class(const struct finding *finding)
{
	static const char *const words[] = {
		[CLASS_HAND_EDIT] = "hand edit", [CLASS_SKIPPED] = "skipped", [CLASS_VERSION_SKEW] = "version skew",
		[CLASS_AHEAD] = "ahead", [CLASS_COLLISION] = "collision",
	};
	return words[finding->class];
}

const char *show_verdict(const struct env_report *env)
{
	if (env->verdict == VERDICT_SKEW && env->versions_known && env->state != STATE_CURRENT)
		return version_state_names[env->state];
	return verdict_names[env->verdict];
}

enum severity show_severity(const struct env_report *env)
{
	static const enum severity of_verdict[] = {
		[VERDICT_CLEAN] = SEVERITY_INFO, [VERDICT_SKEW] = SEVERITY_WARN, [VERDICT_DRIFT] = SEVERITY_ALARM,
		[VERDICT_TROUBLE] = SEVERITY_ALARM,
	};
	return of_verdict[env->verdict];
}

void show_template(struct buf *out, const char *template, const char *env, void (*quote)(struct buf *, const char *))
{
	static const char mark[] = "{env}";
	for (const char *at; (at = strstr(template, mark)) != NULL; template = at + strlen(mark)) {
		buf_add(out, template, (size_t)(at - template));
		quote(out, env);
	}
	buf_adds(out, template);
}

void show_phrase(struct buf *out, const struct finding *finding, const char *env, void (*quote)(struct buf *, const char *))
{
	static const char *const phrases[][3] = {
		[CLASS_HAND_EDIT] = { "applied in {env}, missing in repo", "in repo, missing in {env}, removed by hand",
		                      "changed in {env}, not in repo" },
		[CLASS_SKIPPED] = { "dropped in repo, still in {env}", "in repo, missing in {env}", "changed in repo, not in {env}" },
		[CLASS_VERSION_SKEW] = { "dropped at the repo's head, still in {env}", "at the repo's head, not yet in {env}",
		                         "changed at the repo's head, not yet in {env}" },
		[CLASS_AHEAD] = { "already in {env}, pending in repo", "already dropped in {env}, pending in repo",
		                  "already changed in {env}, pending in repo" },
		[CLASS_COLLISION] = { "made in {env} by hand, and a pending migration touches it",
		                      "removed in {env} by hand, and a pending migration touches it",
		                      "changed in {env} by hand, and by a pending migration" },
	};
	// skew that is no pending migration: the environment has a version that the checkout lacks
	static const char *const unknown[] = { "in {env}, missing in this checkout", "in this checkout, missing in {env}",
	                                       "changed in {env}, not in this checkout" };
	bool is_unknown = finding->class == CLASS_VERSION_SKEW && finding->severity != SEVERITY_INFO;
	show_template(out, is_unknown ? unknown[finding->change] : phrases[finding->class][finding->change], env, quote);
}

void show_dated(struct buf *out, const struct finding *finding, void (*quote)(struct buf *, const char *))
{
	if (finding->dated_at != NULL) {
		buf_adds(out, "last changed at ");
		quote(out, finding->dated_at);
	} else if (finding->dated_after != NULL && finding->dated_before != NULL) {
		buf_adds(out, "last changed after ");
		quote(out, finding->dated_after);
		buf_adds(out, " was applied there, before ");
		quote(out, finding->dated_before);
	} else if (finding->dated_after != NULL || finding->dated_before != NULL) {
		buf_adds(out, finding->dated_after != NULL ? "last changed after " : "last changed before ");
		quote(out, finding->dated_after != NULL ? finding->dated_after : finding->dated_before);
		buf_adds(out, " was applied there");
	}
}

static void add_count(struct buf *out, size_t *n_parts, size_t n, const char *one, const char *many)
{
	if (n == 0)
		return;
	buf_addf(out, "%s%zu %s", (*n_parts)++ > 0 ? ", " : "", n, n == 1 ? one : many);
}

void show_members(struct buf *out, const struct env_report *env, bool all, void (*quote)(struct buf *, const char *))
{
	if (env->members.n < 2)
		return;
	size_t n = all || env->members.n <= MEMBERS_SHOWN ? env->members.n : MEMBERS_SHOWN;
	buf_addf(out, "%zu", env->members.n);
	if (env->fleet != NULL) {
		buf_adds(out, " of ");
		quote(out, env->fleet);
	}
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i > 0 ? ", " : ": ");
		quote(out, env->members.items[i]);
	}
	if (n < env->members.n)
		buf_addf(out, " and %zu more", env->members.n - n);
}

void show_counts(struct buf *out, const struct env_report *env)
{
	size_t n_parts = 0;
	add_count(out, &n_parts, show_n_findings(env), "finding", "findings");
	if (env->versions_known) {
		add_count(out, &n_parts, env->dirty.n, "dirty", "dirty");
		add_count(out, &n_parts, env->pending.n, "pending", "pending");
		add_count(out, &n_parts, env->skipped.n, "skipped", "skipped");
		add_count(out, &n_parts, env->unknown.n, "unknown", "unknown");
		add_count(out, &n_parts, env->edited.n, "edited", "edited");
	}
	add_count(out, &n_parts, env->n_unread, "unread", "unread");
}

void show_server(struct buf *out, const struct env_report *env, void (*quote)(struct buf *, const char *))
{
	if (!env->reached || env->server == NULL)
		return;
	buf_adds(out, env->engine == ENGINE_SQLITE ? "SQLite " : "PostgreSQL ");
	quote(out, env->server);
}

void show_versions(struct buf *out, const struct env_report *env, void (*quote)(struct buf *, const char *))
{
	if (!env->versions_known)
		return;
	const char *head = env->repo != NULL ? env->repo->head : NULL;
	if (env->version_head != NULL) {
		buf_adds(out, "at ");
		quote(out, env->version_head);
	} else {
		buf_adds(out, env->state == STATE_UNTRACKED ? "no version table" : "nothing applied");
	}
	if (head == NULL || (env->version_head != NULL && strcmp(head, env->version_head) == 0))
		return;
	buf_adds(out, ", repo at ");
	quote(out, head);
}

void show_version_words(const struct env_report *env, struct version_words words[VERSION_WORDS])
{
	const struct version_words all[VERSION_WORDS] = {
		{ "dirty", "failed or not finished in {env}; what it left there counts as not applied. Clean that up and clear the mark "
		  "before the next deploy", &env->dirty },
		{ "skipped", "not run in {env}, or undone there", &env->skipped },
		{ "unknown", "recorded in {env}, not in this checkout: is it up to date?", &env->unknown },
		{ "edited", "the file was changed after it was applied in {env}", &env->edited },
	};
	memcpy(words, all, sizeof all);
}

bool show_trouble_again(const struct report *report, size_t i)
{
	const struct err *err = &report->troubles[i];
	for (size_t j = 0; j < i; j++) {
		const struct err *other = &report->troubles[j];
		if (strcmp(err->code, other->code) == 0 && strcmp(err->where, other->where) == 0 && strcmp(err->text, other->text) == 0 &&
		    strcmp(err->hint, other->hint) == 0)
			return true;
	}
	return false;
}

const char *show_deploy(const struct env_report *env)
{
	const struct framework *framework = env->repo == NULL ? NULL : framework_find(env->repo->framework);
	return framework == NULL ? NULL : framework->deploy;
}

const char *show_repair(const struct env_report *env)
{
	const struct framework *framework = env->repo == NULL || env->dirty.n == 0 ? NULL : framework_find(env->repo->framework);
	return framework == NULL ? NULL : framework->repair;
}

static void add_duration(struct buf *out, long long ms)
{
	if (ms >= 60 * 1000)
		buf_addf(out, "%lld min %lld s", ms / 60000, ms / 1000 % 60);
	else
		buf_addf(out, "%lld.%lld s", ms / 1000, ms / 100 % 10);
}

void show_closing(struct buf *out, const struct report *report)
{
	size_t n_findings = 0, n_parts = 0, n_engines[ENGINE_SQLITE + 1] = { 0 };
	bool attested = true;
	for (size_t i = 0; i < report->n_envs; i++) {
		const struct env_report *env = report->envs[i];
		n_findings += show_n_findings(env);
		if (env->reached)
			n_engines[env->engine]++;
		// the attestation is the last thing that is read
		attested = attested && !(env->reached && env->engine == ENGINE_POSTGRESQL && env->trouble != NULL);
	}
	if (is_diff(report)) {
		buf_adds(out, report->complete && report->equal ? "Equal" : "");
		add_count(out, &n_parts, n_findings, "difference", "differences");
		buf_adds(out, n_parts == 0 && !(report->complete && report->equal) ? "Not compared" : "");
	} else {
		add_count(out, &n_parts, report_n_envs(report), "environment", "environments");
		add_count(out, &n_parts, n_findings, "finding", "findings");
		add_count(out, &n_parts, report->n_troubles, "trouble", "troubles");
		buf_adds(out, show_is_clean(report) ? ", clean" : "");
	}
	buf_adds(out, " in ");
	add_duration(out, report->duration_ms);
	buf_adds(out, ".");

	static const char *const postgresql[] = { "read-only transactions", "read-only transactions, no transaction id assigned" };
	size_t n_postgresql = n_engines[ENGINE_POSTGRESQL], n_sqlite = n_engines[ENGINE_SQLITE];
	if (n_postgresql > 0 && n_sqlite > 0)
		buf_addf(out, " Nothing was written: PostgreSQL in %s; SQLite opened read-only.", postgresql[attested]);
	else if (n_postgresql > 0)
		buf_addf(out, " Nothing was written: %s.", postgresql[attested]);
	else if (n_sqlite > 0)
		buf_adds(out, " Nothing was written: opened read-only.");
}

void show_unread(struct buf *out, const struct unread *unread, void (*quote)(struct buf *, const char *))
{
	if (unread->path == NULL) {
		buf_adds(out, "every ");
		quote(out, unread->kind);
	} else {
		const struct kind *kind = kind_find(unread->kind);
		auto_buf name = BUF_INIT;
		if (kind != NULL)
			kind_path_name(&name, kind, unread->path, unread->n_path);
		quote(out, unread->kind);
		buf_addc(out, ' ');
		quote(out, name.data);
	}
	buf_adds(out, ": ");
	quote(out, unread->why);
}

// What the two directions of a remedy are called, by class and change: [0] in the environment, [1] in the repository.
static const char *const labels[][2] = {
	[CLASS_HAND_EDIT] = { "undo", "keep" },
	[CLASS_SKIPPED] = { "run", NULL },
	[CLASS_VERSION_SKEW] = { NULL, NULL }, // said once for the environment: see show_deploy
	[CLASS_AHEAD] = { "undo", NULL },
	[CLASS_COLLISION] = { "undo", "keep" },
};

const char *show_env_label(const struct finding *finding)
{
	return finding->n_env > 0 ? labels[finding->class][0] : NULL;
}

const char *show_repo_label(const struct finding *finding)
{
	return finding->n_repo > 0 ? labels[finding->class][1] : NULL;
}

void show_legend(struct buf *out, const struct report *report)
{
	size_t n_keep = 0, n_env = 0, n_unproven = 0;
	for (size_t e = 0; e < report->n_envs; e++) {
		for (size_t i = 0; i < report->envs[e]->n_findings; i++) {
			const struct finding *finding = report->envs[e]->findings[i];
			if (show_as_pending(report->envs[e], finding))
				continue;
			n_keep += show_repo_label(finding) != NULL && !is_diff(report);
			n_env += show_env_label(finding) != NULL;
			n_unproven += finding->n_env + finding->n_repo > 0 && !finding->proven;
		}
	}
	if (n_keep + n_env == 0)
		return;
	buf_adds(out, n_keep > 0 ? "keep: for a new migration in the repo. " : "");
	buf_adds(out, n_env == 0 ? "" : is_diff(report) ? "run: there, to make it equal. " : "undo, run: in the environment itself. ");
	buf_adds(out, n_unproven > 0 ? "None of this was run, here or on a copy: read it first." : "Each was tried on a copy.");
}

const char *show_risk(const struct remedy_statement *statements, size_t i)
{
	const char *risk = statements[i].risk, *before = i > 0 ? statements[i - 1].risk : NULL;
	return risk != NULL && before != NULL && strcmp(risk, before) == 0 ? NULL : risk;
}

struct finding_attr *show_attrs(struct arena *arena, const struct finding *finding, size_t *n)
{
	*n = finding->n_attrs;
	if (finding->n_attrs > 0 || finding->change == CHANGE_ALTERED)
		return finding->attrs;
	const struct object *object = finding->object;
	struct finding_attr *attrs = arena_array(arena, object->kind->n_attrs, sizeof *attrs);
	for (unsigned i = 0; i < object->kind->n_attrs; i++) {
		if (object->values[i] == NULL || object->kind->attrs[i].group != GROUP_STRUCTURE)
			continue;
		const char *value = object->values[i];
		attrs[(*n)++] = (struct finding_attr){ .attr = (int)i, .want = finding->change == CHANGE_REMOVED ? value : NULL,
		                                       .have = finding->change == CHANGE_ADDED ? value : NULL };
	}
	return attrs;
}

void show_attr_name(struct buf *out, const struct attr *attr)
{
	for (const char *c = attr->name; *c != '\0'; c++)
		buf_addc(out, *c == '_' ? ' ' : *c);
}

const char *show_value(const struct attr *attr, const char *value)
{
	if (value == VALUE_UNREAD)
		return "not readable";
	if (attr->form == FORM_FLAG)
		return value == NULL ? "no" : strcmp(value, "true") == 0 ? "yes" : value;
	return value == NULL ? "none" : *value == '\0' ? "(empty)" : value;
}
