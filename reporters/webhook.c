// SPDX-License-Identifier: PostgreSQL
// A message to a chat when the state of an environment changes, and only then: what was last said of each is kept as a
// fingerprint of its verdict and its remarks. Migrations that are merely pending are no change of state; a clean environment
// of which nothing was ever said is none either. The fingerprint is noted after the message has arrived: what got lost is
// said again by the next run, and a message whose fate is unknown may come twice, which in a chat is the lesser evil. The
// address is a secret.
#include "reporters/sink.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/state.h"
#include "base/visible.h"
#include "reporters/http.h"
#include "reporters/slack.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

enum { URL_MOST = 4096, TRIES_MAX = 4, ANSWER_SHOWN = 200, HASH_SHOWN = 16 };

static const char *const keys[] = { "url", "url_file", "on", NULL };

struct webhook {
	const char *url, *origin;
	bool always;
};

static bool setting_error(const struct delivery *delivery, struct err *err, const char *hint, const char *text)
{
	return err_set(err, "config", delivery->where, hint, "--report webhook: %s", text);
}

static const char *given(const struct delivery *delivery, const char *key)
{
	const char *value = delivery_value(delivery, key);
	return value == NULL || *value == '\0' ? NULL : value;
}

static bool find_url(const struct delivery *delivery, const char **url, struct err *err)
{
	const char *path = given(delivery, "url_file");
	*url = given(delivery, "url");
	if ((path == NULL) == (*url == NULL))
		return setting_error(delivery, err, "write webhook { url = \"${SLACK_WEBHOOK_URL}\" }, or url_file = \"FILE\"",
		                     path == NULL ? "no address is given" : "both url and url_file are given");
	if (path == NULL)
		return true;
	size_t length;
	char *text = file_read(delivery->arena, path, URL_MOST, &length);
	if (text == NULL)
		return err_set(err, "config", delivery->where, "name a file that holds the address alone",
		               "--report webhook: url_file %s: %s", path, strerror(errno));
	text[strcspn(text, " \t\r\n")] = '\0';
	*url = text;
	return true;
}

static bool prepare(struct delivery *delivery, struct err *err)
{
	struct webhook *webhook = arena_alloc(delivery->arena, sizeof *webhook);
	const char *on = given(delivery, "on");
	if (on != NULL && strcmp(on, "change") != 0 && strcmp(on, "always") != 0)
		return setting_error(delivery, err, "\"change\" (the default) or \"always\"", "there is no such value of \"on\"");
	webhook->always = on != NULL && strcmp(on, "always") == 0;
	if (!find_url(delivery, &webhook->url, err))
		return false;
	if (!http_url_check(webhook->url, "webhook: the address", err))
		return delivery->where == NULL ? false : err_where(err, "%s", delivery->where);
	webhook->origin = http_origin(delivery->arena, webhook->url);
	if (!webhook->always && delivery->state == NULL)
		log_warn(delivery->log, "webhook: nothing can be kept from run to run, so each run tells what it finds");
	delivery->own = webhook;
	return true;
}

// Two projects may both have a "prod", and a project may tell several chats.
static const char *name_of(const struct delivery *delivery, const struct env_report *env)
{
	const struct webhook *webhook = delivery->own;
	char path[PATH_MAX], digest[DIGEST_SHA256_HEX];
	digest_sha256_hex(webhook->url, strlen(webhook->url), digest);
	const char *folder = env != NULL && env->repo != NULL && env->repo->n_folders > 0 ? env->repo->folders[0].path : ".";
	const char *where = realpath(folder, path);
	return arena_printf(delivery->arena, "webhook %s %s %.*s", env == NULL ? "" : env->name, where == NULL ? folder : where,
	                    HASH_SHOWN, digest);
}

// "" where there is nothing to say of it.
static const char *fingerprint(struct arena *arena, const struct env_report *env, const struct brief *list, size_t n)
{
	auto_buf all = BUF_INIT;
	for (size_t i = 0; i < n; i++) { // in the order of the list, which follows from what is in it
		if (list[i].env == env && list[i].severity > SEVERITY_INFO)
			buf_addf(&all, "%s\n", list[i].key);
	}
	bool well = env == NULL || (env->verdict <= VERDICT_SKEW && env->complete);
	if (all.length == 0 && well)
		return "";
	buf_adds(&all, env == NULL ? "" : verdict_names[env->verdict]);
	char digest[DIGEST_SHA256_HEX];
	digest_sha256_hex(all.data, all.length, digest);
	return arena_strndup(arena, digest, HASH_SHOWN);
}

// The address of this run where a CI service says so, for people. (These variables are the services' own words.)
static const char *find_link(struct arena *arena)
{
	static const char *const variables[] = { "CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL" };
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#=%+";
	const char *server = getenv("GITHUB_SERVER_URL"), *repository = getenv("GITHUB_REPOSITORY"), *run = getenv("GITHUB_RUN_ID");
	const char *link = NULL;
	if (server != NULL && repository != NULL && run != NULL)
		link = arena_printf(arena, "%s/%s/actions/runs/%s", server, repository, run);
	for (size_t i = 0; i < sizeof variables / sizeof *variables && link == NULL; i++)
		link = getenv(variables[i]);
	bool usable = link != NULL && strncmp(link, "http", 4) == 0 && link[strspn(link, plain)] == '\0' && strlen(link) < 1000;
	return usable ? link : NULL;
}

// What the server answered, as far as it helps: "no_service", "invalid_payload".
static const char *answer_text(struct arena *arena, const struct http_answer *answer)
{
	auto_buf text = BUF_INIT;
	visible(&text, arena_strndup(arena, answer->body, strnlen(answer->body, ANSWER_SHOWN)), "");
	return buf_copy(&text, arena);
}

// Tries again only where nothing can have been posted.
static bool post(const struct delivery *delivery, const char *payload, struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json; charset=utf-8", NULL };
	const struct webhook *webhook = delivery->own;
	auto_http http = http_new();
	struct http_answer answer;
	for (int tries = 1;; tries++) {
		const struct http_request request = { .method = "POST", .url = webhook->url, .headers = headers, .body = payload,
		                                      .length = strlen(payload), .deadline_us = delivery->deadline_us };
		http_perform(http, delivery->arena, &request, &answer);
		bool limited = answer.end == HTTP_ANSWERED && answer.status == 429;
		if (!limited && answer.end != HTTP_NOT_SENT)
			break;
		long long wait_ms = limited && answer.retry_after_s >= 0 ? answer.retry_after_s * 1000 : 1000LL << tries;
		if (tries == TRIES_MAX || clock_us() + wait_ms * 1000 >= delivery->deadline_us)
			break;
		clock_sleep_ms(wait_ms);
	}
	if (answer.end == HTTP_ANSWERED && answer.status >= 200 && answer.status < 300)
		return true;
	static const char hint[] = "check the address";
	if (answer.end == HTTP_ANSWERED)
		return err_set(err, answer.status >= 500 ? "report-unknown" : "report", "webhook", hint, "%s answered %d: %s",
		               webhook->origin, answer.status, answer_text(delivery->arena, &answer));
	return err_set(err, answer.end == HTTP_UNKNOWN ? "report-unknown" : "report", "webhook", hint, "%s: %s", webhook->origin,
	               answer.why);
}

struct told {
	const char *name, *now;
};

// Of environments that are told of and of those that are clean from the first.
static bool keep(const struct delivery *delivery, const struct told *told, size_t n, struct err *err)
{
	for (size_t i = 0; i < n && delivery->state != NULL; i++) {
		auto_json document = json_pack("{ss}", "fingerprint", told[i].now);
		if (!state_put(delivery->state, told[i].name, document, err))
			return false;
	}
	return true;
}

static bool send(struct delivery *delivery, const struct report *report, struct err *err)
{
	const struct webhook *webhook = delivery->own;
	size_t n_list, n = 0;
	const struct brief *list = brief_list(delivery->arena, report, &n_list);
	struct slack_env *envs = arena_array(delivery->arena, report->n_envs + 1, sizeof *envs);
	struct told *told = arena_array(delivery->arena, report->n_envs + 1, sizeof *told);
	for (size_t i = 0; i <= report->n_envs; i++) { // the last is the run itself
		const struct env_report *env = i < report->n_envs ? report->envs[i] : NULL;
		told[i] = (struct told){ name_of(delivery, env), fingerprint(delivery->arena, env, list, n_list) };
		auto_json kept = delivery->state == NULL ? NULL : state_get(delivery->state, told[i].name);
		const char *before = json_string_value(json_object_get(kept, "fingerprint"));
		bool changed = strcmp(before == NULL ? "" : before, told[i].now) != 0;
		if (changed || (webhook->always && env != NULL))
			envs[n++] = (struct slack_env){ env, changed && *told[i].now == '\0' };
	}
	if (n == 0)
		return true;
	auto_json message = slack_message(envs, n, list, n_list, getenv("GITHUB_REPOSITORY"), find_link(delivery->arena));
	auto_free payload = json_dumps(message, JSON_COMPACT);
	invariant(payload != NULL, "JSON text");
	if (delivery->dry_run) {
		buf_addf(delivery->out, "POST %s/***\n%s\n", webhook->origin, payload);
		return true;
	}
	return post(delivery, payload, err) && keep(delivery, told, report->n_envs + 1, err);
}

const struct sink sink_webhook = {
	.name = "webhook", .summary = "a message to Slack, or a chat that understands its messages, on a change of state",
	.keys = keys, .secret = "url", .prepare = prepare, .send = send,
};
