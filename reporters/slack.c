// SPDX-License-Identifier: PostgreSQL
// A message for Slack: see slack.h. Foreign text stands in blocks of plain text, which have no mentions, links or formats; &
// < > are escaped there, too. `text` is what notifications and other chats show: our own words and the names of environments,
// without any @. (Limits: https://api.slack.com/reference/block-kit: 50 blocks, 3000 characters in a section, 150 in a
// header; messages of more than about 13,000 characters were refused. Counted here in bytes, which are never fewer.)
#include "reporters/slack.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "reporters/show.h"

enum { HEADER_MOST = 140, SECTION_MOST = 2800, MESSAGE_MOST = 11000, ENVS_MOST = 40, REMARKS_MOST = 10, REMARK_MOST = 400,
       NAMES_MOST = 5 };

static void put(json_t *object, const char *key, json_t *value)
{
	invariant(json_object_set_new(object, key, value) == 0, "JSON object");
}

static void append(json_t *array, json_t *value)
{
	invariant(json_array_append_new(array, value) == 0, "JSON array");
}

// At most so many bytes of a text, whole characters, with & < > escaped.
static void escape(struct buf *out, const char *text, size_t most)
{
	auto_buf line = BUF_INIT;
	show_line(&line, text);
	size_t length = line.length;
	if (length > most) {
		length = most;
		while (length > 0 && ((unsigned char)line.data[length] & 0xc0) == 0x80)
			length--;
	}
	for (size_t i = 0; i < length; i++) {
		char c = line.data[i];
		if (c == '&' || c == '<' || c == '>')
			buf_adds(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
		else
			buf_addc(out, c);
	}
	buf_adds(out, length < line.length ? "…" : "");
}

static json_t *text_object(const char *type, const char *text)
{
	json_t *object = json_object(), *string = json_string(text);
	invariant(string != NULL, "JSON string");
	put(object, "type", json_string(type));
	put(object, "text", string);
	if (strcmp(type, "plain_text") == 0)
		put(object, "emoji", json_false());
	return object;
}

static json_t *block(const char *type, json_t *text)
{
	json_t *object = json_object();
	put(object, "type", json_string(type));
	if (strcmp(type, "context") == 0) {
		json_t *elements = json_array();
		append(elements, text);
		put(object, "elements", elements);
	} else {
		put(object, "text", text);
	}
	return object;
}

static void add_name(struct buf *out, const struct env_report *env)
{
	escape(out, env == NULL ? "the run" : env->name, HEADER_MOST / 2);
	if (env != NULL && env->members.n > 1)
		buf_addf(out, " and %zu more", env->members.n - 1);
}

static const char *const states[] = { "Schema drift", "Not checked completely", "Well again", "No drift" };

static const char *state_of(const struct slack_env *of)
{
	enum verdict verdict = of->env == NULL || !of->env->complete ? VERDICT_TROUBLE : of->env->verdict;
	return states[of->over ? 2 : verdict == VERDICT_TROUBLE ? 1 : verdict == VERDICT_DRIFT ? 0 : 3];
}

// "Schema drift: prod, staging; Well again: test"
static void headline(struct buf *out, const struct slack_env *envs, size_t n_envs)
{
	for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
		size_t n = 0;
		for (size_t i = 0; i < n_envs; i++) {
			if (state_of(&envs[i]) != states[s])
				continue;
			if (n == 0)
				buf_addf(out, "%s%s: ", out->length > 0 ? "; " : "", states[s]);
			if (n++ >= NAMES_MOST)
				continue;
			buf_adds(out, n > 1 ? ", " : "");
			add_name(out, envs[i].env);
		}
		if (n > NAMES_MOST)
			buf_addf(out, " and %zu more", n - NAMES_MOST);
	}
}

static void section(struct buf *out, const struct slack_env *of, const struct brief *list, size_t n_list)
{
	const struct env_report *env = of->env;
	add_name(out, env);
	buf_addf(out, ": %s", of->over ? "well again" : env == NULL ? "trouble" : show_verdict(env));
	auto_buf facts = BUF_INIT, versions = BUF_INIT;
	if (env != NULL) {
		show_counts(&facts, env);
		show_versions(&versions, env, show_plain);
	}
	if (versions.length > 0)
		buf_addf(&facts, "%s%s", facts.length > 0 ? "; " : "", versions.data);
	buf_adds(out, facts.length > 0 ? ", " : "");
	escape(out, facts.data, REMARK_MOST);
	size_t n_of = 0, n_shown = 0;
	for (size_t i = 0; i < n_list; i++) {
		if (list[i].env != env)
			continue;
		auto_buf line = BUF_INIT;
		buf_addf(&line, "\n• %s: ", brief_rules[list[i].rule].name);
		escape(&line, list[i].text, REMARK_MOST);
		if (n_of++ == n_shown && n_shown < REMARKS_MOST && out->length + line.length <= SECTION_MOST) {
			buf_adds(out, line.data);
			n_shown++;
		}
	}
	if (n_of > n_shown)
		buf_addf(out, "\n%zu more", n_of - n_shown);
}

json_t *slack_message(const struct slack_env *envs, size_t n_envs, const struct brief *list, size_t n_list,
                      const char *source, const char *link)
{
	json_t *message = json_object(), *blocks = json_array();
	auto_buf text = BUF_INIT, title = BUF_INIT;
	headline(&text, envs, n_envs);
	for (char *at = text.data; (at = strchr(at, '@')) != NULL;) // other chats take mentions from there
		*at = '_';
	const char *whole = text.length <= HEADER_MOST ? text.data : "Schema drift";
	buf_adds(&title, whole);
	put(message, "text", json_string(text.data));
	append(blocks, block("header", text_object("plain_text", title.data)));
	size_t length = 0, n_shown = 0;
	for (; n_shown < n_envs && n_shown < ENVS_MOST; n_shown++) {
		auto_buf body = BUF_INIT;
		section(&body, &envs[n_shown], list, n_list);
		if (length + body.length > MESSAGE_MOST)
			break;
		length += body.length;
		append(blocks, block("section", text_object("plain_text", body.data)));
	}
	auto_buf context = BUF_INIT;
	if (n_envs > n_shown)
		buf_addf(&context, "%zu more environments. ", n_envs - n_shown);
	if (source != NULL) {
		escape(&context, source, REMARK_MOST);
		buf_addc(&context, ' ');
	}
	if (link != NULL)
		buf_addf(&context, "<%s|the run>", link);
	if (context.length > 0)
		append(blocks, block("context", text_object("mrkdwn", context.data)));
	put(message, "blocks", blocks);
	return message;
}
