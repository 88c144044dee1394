// SPDX-License-Identifier: PostgreSQL
// `driftcheck rehearse`: what the pending migrations would do to the traffic of an environment, measured on a clone of its size. The
// environment is asked for its versions and its statistics, read-only; everything else happens on a throwaway server.
#include "rehearse/rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "rehearse/show/render.h"
#include "sentinel/rehearse_clone.h"
#include "sentinel/rehearse_limits.h"
#include "sentinel/rehearse_target.h"

static bool find_sizes(struct run *run, struct rehearsal_request *request, struct err *err)
{
	const struct options *options = run->options;
	char *end = NULL;
	request->scale = options->scale == NULL ? 1 : strtod(options->scale, &end);
	if (options->scale != NULL && (end == options->scale || *end != '\0' || !(request->scale > 0 && request->scale <= 100)))
		return err_set(err, "usage", NULL, NULL, "--scale: \"%s\" is no number above 0 and up to 100", options->scale);
	double ms = options->long_transaction == NULL ? 0 : setting_ms(options->long_transaction);
	if (ms < 0)
		return err_set(err, "usage", NULL, "write 500ms, 30s, 2min", "--long-transaction: \"%s\" is no time", options->long_transaction);
	request->long_transaction_s = ms / 1000;
	return true;
}

// Whether the migrations' connection enforces SQLite's foreign keys at its start: what the configuration says, else as the framework's
// own connections do.
static bool find_foreign_keys(struct run *run, struct rehearsal_request *request, struct err *err)
{
	const char *text, *where;
	if (!rehearse_configured(run, "foreign_keys", &text, &where, err))
		return false;
	request->foreign_keys = text == NULL ? request->set->framework->sqlite_foreign_keys : strcmp(text, "on") == 0;
	return text == NULL || strcmp(text, "on") == 0 || strcmp(text, "off") == 0 ||
	       err_set(err, "config", where, "write on or off", "foreign_keys: \"%s\" is neither on nor off", text);
}

static bool check_sqlite_options(const struct options *options, struct err *err)
{
	if (options->try_rewrite)
		return err_set(err, "usage", NULL, NULL, "--try-rewrite: there are no safer statements for SQLite");
	return options->scale == NULL || err_set(err, "usage", NULL, "--rows N makes up rows instead",
	                                         "--scale: a SQLite file is rehearsed in a copy of itself, which has its size");
}

static enum exit_status exit_status(const struct run *run, const struct rehearsal *rehearsal)
{
	static const enum exit_status statuses[] = { EXIT_CLEAN, EXIT_CLEAN, EXIT_FINDINGS, EXIT_TROUBLE };
	bool warn = strcmp(run->options->fail_on, "warn") == 0 && rehearsal->verdict == REHEARSAL_WARN;
	return warn ? EXIT_FINDINGS : statuses[rehearsal->verdict];
}

// Where the clone is that stays: said when everything else has been.
static void say_kept(struct run *run, const struct scratch_kept *kept)
{
	if (kept->where == NULL)
		return;
	buf_addf(&run->after, "the clone stays, as the migrations left it: %s\n", kept->where);
	buf_addf(&run->after, "connect to it: %s\n", kept->connect);
	buf_addf(&run->after, "remove it:     %s\n", kept->remove);
}

// What the environment says of itself, beside its versions: its statistics, and its schema for what differs.
static bool ask_environment(struct rehearse_clone *clone, struct rehearsal_request *request, struct err *err)
{
	struct run *run = clone->run;
	const struct env *env = clone->env;
	struct env_report *report = clone->report->envs[0];
	if (!versions_read(run, clone->envs, env, report, clone->versions)) {
		*err = *report->trouble;
		return false;
	}
	clone->version_table = request->version_table = report->version_table;
	if (env->source.type == SOURCE_SQLITE)
		return true;
	struct read_options options = env_read_options(run, env);
	request->statistics = statistics_read(run->arena, env->source.conninfo, &options, err);
	if (request->statistics == NULL) {
		secret_scrub(env->source.secrets, err);
		return false;
	}
	request->major = request->statistics->major;
	clone->drift = (struct rehearse_drift){ .run = run, .envs = clone->envs, .env = env };
	rehearse_drift_read(&clone->drift);
	request->look = rehearse_clone_look;
	return true;
}

// Everything that is known before it begins.
static bool prepare(struct rehearse_clone *clone, struct rehearsal_request *request, const char **limits_from, struct err *err)
{
	struct run *run = clone->run;
	bool sqlite = clone->env->source.type == SOURCE_SQLITE;
	*limits_from = clone->alone ? "none are configured" : sqlite ? "a usual busy_timeout" : arena_printf(run->arena, "the role's settings in %s", clone->env->name);
	if (!rehearse_limits_find(run, request->statistics, request, limits_from, err) || !rehearse_pgbench_find(run, request, err))
		return false;
	if (sqlite && !(check_sqlite_options(run->options, err) && find_foreign_keys(run, request, err)))
		return false;
	if (!find_sizes(run, request, err) || (!sqlite && !rehearse_clone_find(clone, request, err)))
		return false;
	if (request->ask_versions != NULL)
		return true;
	return clone->alone ? rehearse_split_alone(run, request->set, request, err)
	                    : rehearse_split(run, clone->env, clone->versions, request, err);
}

static void note_alone(struct run *run, const struct rehearsal_request *request, struct rehearsal *rehearsal)
{
	auto_buf text = BUF_INIT;
	buf_adds(&text, "there is no environment: each table got ");
	show_number(&text, request->rows);
	buf_addf(&text, " rows, and what comes before %s counts as applied", request->n_pending > 0 ? request->pending[0]->label : "the command");
	rehearsal_note(run->arena, rehearsal, buf_copy(&text, run->arena));
}

enum exit_status command_rehearse(struct run *run, struct err *err)
{
	struct envs envs;
	struct env_versions versions;
	struct rehearse_clone clone = { .run = run, .envs = &envs, .versions = &versions };
	const struct rehearsal_reporter *reporter = rehearsal_reporter_find(run->options->format);
	if (reporter == NULL) {
		err_set(err, "usage", NULL, "--format text, json, markdown or html", "--format %s: `driftcheck rehearse` does not print it", run->options->format);
		return EXIT_TROUBLE;
	}
	if (!rehearse_target(run, &envs, &clone.alone, err))
		return EXIT_TROUBLE;
	const struct env *env = clone.env = &envs.items[0];
	bool sqlite = env->source.type == SOURCE_SQLITE;
	clone.report = report_start(run, &envs);
	struct scratch_kept kept = { NULL };
	struct rehearsal_request request = {
		.env = clone.alone ? NULL : env->name, .set = env->set, .rows = run->options->rows > 0 ? run->options->rows : -1,
		.one_size = run->options->one_size, .scratch = &envs.scratch, .log = run->log,
		.sqlite_path = sqlite ? env->source.path : NULL, .kept = run->options->keep ? &kept : NULL,
	};
	struct rehearsal rehearsal;
	const char *limits_from;
	if ((!clone.alone && !ask_environment(&clone, &request, err)) || !prepare(&clone, &request, &limits_from, err) ||
	    !(sqlite ? rehearse_sqlite : rehearse)(run->arena, &request, &rehearsal, err)) {
		secret_scrub(clone.source.secrets, err);
		say_kept(run, &kept);
		return EXIT_TROUBLE;
	}
	if (clone.drift.env != NULL)
		rehearse_drift_report(&clone.drift, &rehearsal);
	if (clone.alone && request.clone == NULL && request.dump == NULL)
		note_alone(run, &request, &rehearsal);
	rehearsal.limits_from = limits_from;
	rehearsal.started = run->started;
	reporter->render(&run->out, &rehearsal, &run->render);
	say_kept(run, &kept);
	return exit_status(run, &rehearsal);
}
