// SPDX-License-Identifier: PostgreSQL
// The report as SARIF 2.1.0 (OASIS), which code scanning services read: one run, a rule for each class, and a result for each
// remark. A result is known again by its fingerprint: class, object, kind of change and environment. It lies where the
// migration says what the environment should have; what no migration says lies at their folder. What went wrong is a result
// and a notification, and then the run is no successful one: without results it would look clean.
#include <config.h>

#include "reporters/reporter.h"

#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "reporters/brief.h"
#include "reporters/show.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

enum { RESULTS_MOST = 5000 }; // GitHub keeps as many of a run; worst first, so that the least is left out

static const char *const levels[] = { [SEVERITY_INFO] = "note", [SEVERITY_WARN] = "warning", [SEVERITY_ALARM] = "error" };

static void put(json_t *object, const char *key, json_t *value)
{
	invariant(json_object_set_new(object, key, value) == 0, "JSON object");
}

static void append(json_t *array, json_t *value)
{
	invariant(json_array_append_new(array, value) == 0, "JSON array");
}

// Text that has gone through show_line is UTF-8.
static json_t *text(const char *value)
{
	json_t *string = json_string(value);
	invariant(string != NULL, "JSON string");
	return string;
}

static json_t *safe(const char *value)
{
	auto_buf line = BUF_INIT;
	show_line(&line, value);
	return text(line.data);
}

// A plain text message: braces would be placeholders (SARIF 3.11.5), brackets before a parenthesis a link (3.11.6).
static json_t *message(const char *value)
{
	bool link = strstr(value, "](") != NULL;
	auto_buf escaped = BUF_INIT;
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '{' || *c == '}')
			buf_addc(&escaped, *c);
		else if (link && strchr("[]\\", *c) != NULL)
			buf_addc(&escaped, '\\');
		buf_addc(&escaped, *c);
	}
	json_t *object = json_object();
	put(object, "text", text(escaped.data));
	return object;
}

static json_t *uri(const char *path)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	auto_buf encoded = BUF_INIT;
	for (const char *c = path; *c != '\0'; c++)
		buf_addf(&encoded, strchr(unreserved, *c) != NULL ? "%c" : "%%%02X", (unsigned char)*c);
	return text(encoded.data);
}

static json_t *rules(void)
{
	json_t *array = json_array();
	for (size_t i = 0; i < N_RULES; i++) {
		const struct brief_rule_words *words = &brief_rules[i];
		json_t *rule = json_object(), *configuration = json_object(), *help = json_object();
		put(rule, "id", text(words->name));
		put(rule, "shortDescription", message(words->summary));
		put(help, "text", text(words->help));
		put(rule, "help", help);
		put(configuration, "level", text(levels[words->severity]));
		put(rule, "defaultConfiguration", configuration);
		append(array, rule);
	}
	return array;
}

static json_t *tool(void)
{
	json_t *driver = json_object(), *object = json_object();
	put(driver, "name", text("driftcheck"));
	put(driver, "version", text(PACKAGE_VERSION));
	put(driver, "rules", rules());
	put(object, "driver", driver);
	return object;
}

static json_t *locations(const struct brief *brief)
{
	json_t *array = json_array();
	if (brief->file == NULL && brief->finding == NULL)
		return array;
	json_t *location = json_object();
	if (brief->file != NULL) {
		json_t *physical = json_object(), *artifact = json_object();
		put(artifact, "uri", uri(brief->file));
		if (*brief->file != '/')
			put(artifact, "uriBaseId", text("%SRCROOT%"));
		put(physical, "artifactLocation", artifact);
		if (brief->line > 0) {
			json_t *region = json_object();
			put(region, "startLine", json_integer(brief->line));
			put(physical, "region", region);
		}
		put(location, "physicalLocation", physical);
	}
	if (brief->finding != NULL) {
		json_t *logical = json_object(), *logicals = json_array();
		put(logical, "fullyQualifiedName", safe(brief->finding->name));
		put(logical, "kind", text(brief->finding->object->kind->name));
		append(logicals, logical);
		put(location, "logicalLocations", logicals);
	}
	append(array, location);
	return array;
}

static json_t *result(const struct brief *brief)
{
	auto_buf said = BUF_INIT, hash = BUF_INIT;
	buf_addf(&said, "%s: %s", brief->title, brief->text);
	buf_addf(&hash, "%s:1", brief->key);
	json_t *object = json_object(), *fingerprints = json_object(), *properties = json_object();
	put(object, "ruleId", text(brief_rules[brief->rule].name));
	put(object, "ruleIndex", json_integer(brief->rule));
	put(object, "level", text(levels[brief->severity]));
	put(object, "message", message(said.data));
	put(object, "locations", locations(brief));
	put(fingerprints, "primaryLocationLineHash", text(hash.data)); // the one that GitHub goes by
	if (brief->finding != NULL)
		put(fingerprints, "driftcheckFindingId/v1", text(brief->finding->id));
	put(object, "partialFingerprints", fingerprints);
	if (brief->env != NULL)
		put(properties, "environment", safe(brief->env->name));
	if (brief->finding != NULL)
		put(properties, "change", text(change_names[brief->finding->change]));
	put(object, "properties", properties);
	return object;
}

static json_t *notification(const char *id, enum severity severity, const char *said)
{
	json_t *object = json_object(), *descriptor = json_object();
	put(object, "level", text(levels[severity]));
	put(object, "message", message(said));
	put(descriptor, "id", text(id));
	put(object, "descriptor", descriptor);
	return object;
}

static json_t *invocations(const struct report *report, const struct brief *list, size_t n, size_t n_left_out)
{
	json_t *array = json_array(), *invocation = json_object(), *notifications = json_array();
	put(invocation, "executionSuccessful", json_boolean(report->complete && report->n_troubles == 0));
	put(invocation, "startTimeUtc", text(report->started));
	for (size_t i = 0; i < n; i++) {
		auto_buf said = BUF_INIT;
		buf_addf(&said, "%s: %s", list[i].title, list[i].text);
		if (list[i].rule == RULE_TROUBLE)
			append(notifications, notification(brief_rules[RULE_TROUBLE].name, list[i].severity, said.data));
	}
	if (n_left_out > 0) {
		auto_buf said = BUF_INIT;
		buf_addf(&said, "%zu more remarks, the least grave ones, are left out: code scanning takes %d of a run.", n_left_out,
		         RESULTS_MOST);
		append(notifications, notification("left-out", SEVERITY_WARN, said.data));
	}
	put(invocation, "toolExecutionNotifications", notifications);
	append(array, invocation);
	return array;
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	auto_arena arena = arena_new();
	size_t n, n_results = 0, n_left_out = 0;
	const struct brief *list = brief_list(arena, report, &n);
	auto_json root = json_object();
	json_t *runs = json_array(), *run = json_object(), *results = json_array(), *bases = json_object(), *base = json_object();
	for (size_t i = 0; i < n; i++) {
		if (n_results++ < RESULTS_MOST)
			append(results, result(&list[i]));
		else
			n_left_out++;
	}
	put(root, "$schema", text("https://json.schemastore.org/sarif-2.1.0.json"));
	put(root, "version", text("2.1.0"));
	put(run, "tool", tool());
	put(run, "invocations", invocations(report, list, n, n_left_out));
	put(base, "description", message("The top of the repository with the migrations."));
	put(bases, "%SRCROOT%", base);
	put(run, "originalUriBaseIds", bases);
	put(run, "results", results);
	append(runs, run);
	put(root, "runs", runs);
	auto_free dump = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	invariant(dump != NULL, "JSON dump");
	buf_addf(out, "%s\n", dump);
}

const struct reporter reporter_sarif = {
	.name = "sarif",
	.summary = "for code scanning services: SARIF 2.1.0",
	.render = render,
};
