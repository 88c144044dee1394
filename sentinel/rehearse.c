// SPDX-License-Identifier: PostgreSQL
// `driftcheck rehearse`: what the pending migrations would do to the traffic of an environment, measured on a clone of its size. The
// environment is asked for its versions and its statistics, read-only; everything else happens on a throwaway server.
#include "rehearse/rehearse.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "rehearse/render.h"
#include "sentinel/rehearse_clone.h"
#include "sentinel/rehearse_limits.h"

// The environment that is meant: the one that is named or configured.
static bool find_env(struct run *run, struct envs *envs, struct err *err)
{
	if (run->n_words == 0 && run->config->n_envs > 1)
		return err_set(err, "usage", run->config->path, "driftcheck rehearse prod", "several environments are configured: name the one to rehearse for");
	if (!envs_resolve(run, run->words, run->n_words, true, envs, err))
		return false;
	const struct env *env = &envs->items[0];
	if (env->trouble != NULL) {
		*err = *env->trouble;
		return false;
	}
	if (source_is_live(&env->source))
		return true;
	return err_set(err, "usage", env->name, "name an environment that is reached by a URL or is a SQLite file", "only live databases can be rehearsed for");
}

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

enum exit_status command_rehearse(struct run *run, struct err *err)
{
	struct envs envs;
	const struct rehearsal_reporter *reporter = rehearsal_reporter_find(run->options->format);
	if (reporter == NULL) {
		err_set(err, "usage", NULL, "--format text, json, markdown or html", "--format %s: `driftcheck rehearse` does not print it", run->options->format);
		return EXIT_TROUBLE;
	}
	if (!find_env(run, &envs, err))
		return EXIT_TROUBLE;
	const struct env *env = &envs.items[0];
	struct report *report = report_start(run, &envs);
	struct env_versions versions;
	if (!versions_read(run, &envs, env, report->envs[0], &versions)) {
		*err = *report->envs[0]->trouble;
		return EXIT_TROUBLE;
	}
	struct read_options options = env_read_options(run, env);
	bool sqlite = env->source.type == SOURCE_SQLITE;
	const struct statistics *statistics = sqlite ? NULL : statistics_read(run->arena, env->source.conninfo, &options, err);
	if (statistics == NULL && !sqlite) {
		secret_scrub(env->source.secrets, err);
		return EXIT_TROUBLE;
	}
	struct rehearsal_request request = {
		.env = env->name, .statistics = statistics, .set = env->set, .version_table = report->envs[0]->version_table,
		.rows = run->options->rows > 0 ? run->options->rows : -1,
		.one_size = run->options->one_size, .scratch = &envs.scratch, .major = sqlite ? 0 : statistics->major, .log = run->log,
		.sqlite_path = sqlite ? env->source.path : NULL,
	};
	struct rehearsal rehearsal;
	const char *from = sqlite ? "a usual busy_timeout" : arena_printf(run->arena, "the role's settings in %s", env->name);
	struct rehearse_clone clone = { .run = run, .envs = &envs, .env = env, .report = report, .versions = &versions };
	if (!rehearse_limits_find(run, statistics, &request, &from, err) || !rehearse_pgbench_find(run, &request, err) ||
	    (sqlite && (!check_sqlite_options(run->options, err) || !find_foreign_keys(run, &request, err))) || !find_sizes(run, &request, err) ||
	    (!sqlite && !rehearse_clone_find(&clone, &request, err)) ||
	    (request.ask_versions == NULL && !rehearse_split(run, env, &versions, &request, err)) ||
	    !(sqlite ? rehearse_sqlite : rehearse)(run->arena, &request, &rehearsal, err)) {
		secret_scrub(clone.source.secrets, err);
		return EXIT_TROUBLE;
	}
	rehearsal.limits_from = from;
	rehearsal.started = run->started;
	reporter->render(&run->out, &rehearsal, &run->render);
	return exit_status(run, &rehearsal);
}
