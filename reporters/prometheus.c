// SPDX-License-Identifier: PostgreSQL
// The report as metrics in the text format of Prometheus, for the textfile collector of node_exporter: gauges without
// timestamps. What is not known is left out, never zero: an environment that could not be read has no drift and no pending
// migrations here, but driftcheck_last_run_complete 0.
#include <config.h>

#include "reporters/reporter.h"

#include <string.h>

#include "base/buf.h"
#include "reporters/show.h"

// The value of a label: visible text, with backslash and quote escaped.
static void label(struct buf *out, const char *foreign)
{
	auto_buf line = BUF_INIT;
	show_line(&line, foreign);
	buf_addc(out, '"');
	for (const char *c = line.data; *c != '\0'; c++)
		buf_addf(out, strchr("\\\"", *c) != NULL ? "\\%c" : "%c", *c);
	buf_addc(out, '"');
}

static const char *member(const struct env_report *env, size_t i)
{
	return env->members.n > 0 ? env->members.items[i] : env->name;
}

static size_t n_members(const struct env_report *env)
{
	return env->members.n > 0 ? env->members.n : 1;
}

// Samples of one environment.
static void sample(struct buf *out, const char *metric, const struct env_report *env, const char *class, double value)
{
	for (size_t i = 0; i < n_members(env); i++) {
		buf_addf(out, "%s{env=", metric);
		label(out, member(env, i));
		if (class != NULL)
			buf_addf(out, ",class=\"%s\"", class);
		buf_addf(out, "} %.15g\n", value);
	}
}

static void add_drift(struct buf *out, const char *metric, const struct report *report, const struct env_report *env)
{
	static const enum finding_class classes[] = { CLASS_HAND_EDIT, CLASS_SKIPPED, CLASS_VERSION_SKEW, CLASS_AHEAD, CLASS_COLLISION };
	bool is_diff = strcmp(report->command, "diff") == 0;
	if ((!is_diff && strcmp(report->command, "check") != 0) || (!env->complete && env->n_findings == 0)) // not compared
		return;
	if (is_diff) {
		sample(out, metric, env, "difference", (double)env->n_findings);
		return;
	}
	for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
		size_t n = 0;
		for (size_t i = 0; i < env->n_findings; i++)
			n += env->findings[i]->class == classes[c];
		sample(out, metric, env, finding_class_names[classes[c]], (double)n);
	}
}

static void add_last_success(struct buf *out, const char *metric, const struct report *report, const struct env_report *env)
{
	(void)report;
	if (env->last_success_s > 0)
		sample(out, metric, env, NULL, (double)env->last_success_s);
}

static void add_complete(struct buf *out, const char *metric, const struct report *report, const struct env_report *env)
{
	(void)report;
	sample(out, metric, env, NULL, env->complete);
}

static void add_duration(struct buf *out, const char *metric, const struct report *report, const struct env_report *env)
{
	sample(out, metric, env, NULL, (double)report->duration_ms / 1000);
}

static void add_behind(struct buf *out, const char *metric, const struct report *report, const struct env_report *env)
{
	(void)report;
	if (env->versions_known)
		sample(out, metric, env, NULL, (double)env->pending.n);
}

static const struct metric {
	const char *name, *help;
	void (*add)(struct buf *out, const char *metric, const struct report *report, const struct env_report *env);
} metrics[] = {
	{ "driftcheck_drift_objects", "Objects in the environment that differ from the repository, by class.", add_drift },
	{ "driftcheck_last_success_timestamp_seconds", "When the environment was last checked completely, whatever was found.",
	  add_last_success },
	{ "driftcheck_last_run_complete", "Whether the last run checked the environment completely.", add_complete },
	{ "driftcheck_run_duration_seconds", "How long the last run took, with all its environments.", add_duration },
	{ "driftcheck_behind_migrations", "Migrations of the repository that are pending in the environment.", add_behind },
};

static void head(struct buf *out, const char *name, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void render(struct buf *out, const struct report *report, const struct render_options *options)
{
	if (options->quiet && show_is_clean(report))
		return;
	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		auto_buf samples = BUF_INIT;
		for (size_t e = 0; e < report->n_envs; e++)
			metrics[i].add(&samples, metrics[i].name, report, report->envs[e]);
		if (samples.length == 0)
			continue;
		head(out, metrics[i].name, metrics[i].help);
		buf_adds(out, samples.data);
	}
	static const char build_info[] = "driftcheck_build_info";
	head(out, build_info, "The version of driftcheck that wrote this.");
	buf_addf(out, "%s{version=\"%s\"} 1\n", build_info, PACKAGE_VERSION);
}

const struct reporter reporter_prometheus = {
	.name = "prometheus",
	.summary = "for the textfile collector of Prometheus' node_exporter",
	.last_success = true,
	.render = render,
};
