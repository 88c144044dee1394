// SPDX-License-Identifier: PostgreSQL
// A run by a clock: see cron.h. Locks are taken in the order of the names, so that two runs that share environments cannot wait
// for each other. By hand two checks at a time do no harm, so they lock nothing. What cannot be locked because there is no
// folder for it is checked all the same: the sinks keep doubles away by themselves.
#include "sentinel/cron.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/state.h"
#include "reporters/http.h"
#include "sentinel/deliver.h"
#include "sentinel/env.h"
#include "sentinel/ping.h"

const char *const cron_keys[] = { "ping_url", "jitter", "confirm_after", "time_limit", "metrics", NULL };

enum { TIME_LIMIT_S = 3600, REPORTING_PART = 10, REPORTING_MAX_S = 60, LOCK_WAIT_S = 600 };

static const struct setting *setting_of(const struct run *run, const char *key)
{
	const struct config_section *section = config_section(run->config, "cron");
	size_t i = 0;
	while (strcmp(section->keys[i], key) != 0)
		i++;
	return &section->values[i];
}

// The value of a key of the section; NULL: not given, or this is no run by a clock.
static bool value(struct run *run, const char *key, const char **text, const char **where, struct err *err)
{
	const struct setting *setting = setting_of(run, key);
	*text = NULL;
	*where = setting->text == NULL ? NULL : arena_printf(run->arena, "%s:%u", run->config->path, setting->line);
	return !run->options->cron || config_expand(run->arena, run->config, setting, text, err);
}

// The command line goes before the section.
static bool duration(struct run *run, const char *option, const char *key, const char *given, long long *seconds, struct err *err)
{
	const char *text, *where;
	if (given != NULL)
		return duration_parse(given, "usage", option, seconds, err);
	if (!value(run, key, &text, &where, err))
		return false;
	return text == NULL || duration_parse(text, "config", key, seconds, err) || err_where(err, "%s", where);
}

// Whoever knows the address can keep the switch quiet, so it does not stand in the file.
static bool find_ping_url(struct run *run, const char **url, struct err *err)
{
	const char *where;
	if (!value(run, "ping_url", url, &where, err))
		return false;
	if (*url == NULL || **url == '\0') {
		*url = NULL;
		return true;
	}
	if (strstr(setting_of(run, "ping_url")->text, "${") == NULL)
		return err_set(err, "config", where, "take it from the environment: ping_url = \"${DRIFTCHECK_PING_URL}\"",
		               "ping_url stands in the file, and it is a secret");
	return http_url_check(*url, "ping_url", err) || err_where(err, "%s", where);
}

bool cron_prepare(struct run *run, struct err *err)
{
	const struct options *options = run->options;
	struct cron *cron = run->cron = arena_alloc(run->arena, sizeof *cron);
	cron->on = options->cron;
	cron->time_limit_s = cron->on ? TIME_LIMIT_S : 0;
	const char *metrics, *where;
	if (!find_ping_url(run, &cron->ping_url, err) || // first, so that it is told of what follows
	    !duration(run, "--jitter", "jitter", options->jitter, &cron->jitter_s, err) ||
	    !duration(run, "--confirm-after", "confirm_after", options->confirm_after, &cron->confirm_after_s, err) ||
	    !duration(run, "--time-limit", "time_limit", options->time_limit, &cron->time_limit_s, err) ||
	    !value(run, "metrics", &metrics, &where, err))
		return false;
	cron->metrics = metrics == NULL || *metrics == '\0' ? NULL : config_path(run->arena, run->config, metrics);
	if (cron->time_limit_s > 0 && cron->confirm_after_s >= cron->time_limit_s)
		return err_set(err, "usage", NULL, "give the whole run more time, or look again sooner",
		               "there is no second look after %s in a run of at most %s", duration_text(run->arena, cron->confirm_after_s),
		               duration_text(run->arena, cron->time_limit_s));
	return true;
}

static void start_limit(struct run *run, struct envs *envs)
{
	long long limit_us = run->cron->time_limit_s * 1000000LL;
	if (limit_us == 0)
		return;
	long long reporting_us = limit_us / REPORTING_PART;
	if (reporting_us > REPORTING_MAX_S * 1000000LL)
		reporting_us = REPORTING_MAX_S * 1000000LL;
	run->end_us = clock_us() + limit_us;
	run->check_until_us = run->end_us - reporting_us;
	envs->scratch.deadline_us = run->check_until_us;
	if (write(run->supervisor, &limit_us, sizeof limit_us) != sizeof limit_us)
		log_warn(run->log, "nobody watches the time limit from outside");
}

// A fleet has one lock: its members may be thousands, and a lock is an open file.
static const char *locked_name(const struct env *env)
{
	return env->fleet != NULL ? env->fleet : env->name;
}

// What names an environment on this machine: two projects may both have a "prod", and shards of one run do not wait for each other.
static const char *lock_name(struct run *run, const struct envs *envs, const struct env *env)
{
	char path[PATH_MAX];
	const char *folder = realpath(run->config->folder[0] == '\0' ? "." : run->config->folder, path);
	const char *shard = envs->shard_count == 0 ? "" : arena_printf(run->arena, " shard %d of %d", envs->shard_index, envs->shard_count);
	return arena_printf(run->arena, "run %s%s %s", locked_name(env), shard, folder == NULL ? "" : folder);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(locked_name(*(struct env *const *)a), locked_name(*(struct env *const *)b));
}

// NULL: it is locked, or nobody else can lock it either.
static struct err *lock_one(struct run *run, const char *state, const struct envs *envs, const struct env *env, long long until_us)
{
	struct err err;
	const char *name = lock_name(run, envs, env);
	int fd = state_lock(state, name, 0, &err); // open for as long as this process lives
	if (fd < 0 && strcmp(err.code, "locked") == 0) {
		log_info(run->log, "%s: waiting for another run of driftcheck", locked_name(env));
		long long wait_us = until_us - clock_us();
		fd = state_lock(state, name, wait_us > 0 ? wait_us / 1000 : 0, &err);
	}
	if (fd >= 0)
		return NULL;
	if (strcmp(err.code, "locked") != 0) {
		log_warn(run->log, "%s: not locked against other runs: %s: %s", locked_name(env), err.where, err.text);
		return NULL;
	}
	struct err *trouble = arena_alloc(run->arena, sizeof *trouble);
	err_set(trouble, "locked", locked_name(env), "the other run reports; if it hangs, end it, and give its job a --time-limit",
	        "another run of driftcheck is at work on it, so it was not checked");
	return trouble;
}

// Each lock is an open file, and a list may have more environments than files may be open by default.
static void allow_open_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void lock_envs(struct run *run, struct envs *envs)
{
	const char *state = state_folder(run->arena);
	if (state == NULL) {
		log_warn(run->log, "there is no folder to keep anything in from run to run: set XDG_STATE_HOME to one that is yours and writable");
		return;
	}
	long long now_us = clock_us();
	long long until_us = run->end_us == 0 ? now_us + LOCK_WAIT_S * 1000000LL : now_us + (run->end_us - now_us) / 2;
	struct env **sorted = arena_array(run->arena, envs->n, sizeof *sorted);
	for (size_t i = 0; i < envs->n; i++)
		sorted[i] = &envs->items[i];
	qsort(sorted, envs->n, sizeof *sorted, by_name);
	allow_open_files();
	struct err *trouble = NULL;
	for (size_t i = 0; i < envs->n; i++) {
		bool again = i > 0 && sorted[i]->fleet != NULL && sorted[i - 1]->fleet == sorted[i]->fleet;
		if (!again)
			trouble = sorted[i]->trouble == NULL || sorted[i]->fleet != NULL ? lock_one(run, state, envs, sorted[i], until_us) : NULL;
		if (sorted[i]->trouble == NULL)
			sorted[i]->trouble = trouble;
	}
}

static void ping(struct run *run, enum ping what)
{
	if (run->cron != NULL && run->cron->ping_url != NULL && !run->options->dry_run)
		ping_send(run->arena, run->log, run->cron->ping_url, what);
}

void cron_end(struct run *run, enum exit_status status)
{
	ping(run, status == EXIT_TROUBLE ? PING_FAIL : PING_SUCCESS);
}

void cron_begin(struct run *run, struct envs *envs)
{
	long long delay_s = clock_random(run->cron->jitter_s);
	if (delay_s > 0) {
		log_info(run->log, "starting in %lld s", delay_s);
		log_progress(run->log, "starting in %lld s", delay_s);
		clock_sleep_ms(delay_s * 1000);
		log_progress(run->log, "%s", "");
		run->started_us = clock_us();
		run->started = clock_rfc3339(run->arena, clock_now());
	}
	ping(run, PING_START);
	start_limit(run, envs);
	if (run->cron->on || deliveries_send_out(run->deliveries))
		lock_envs(run, envs);
}

bool cron_time_is_up(const struct run *run, struct err *err)
{
	if (run->check_until_us == 0 || clock_us() < run->check_until_us)
		return false;
	err_set(err, "time-limit", NULL, "give the run more time (--time-limit), or look at what takes so long (--verbose)",
	        "not checked: the time limit of %s was over", duration_text(run->arena, run->cron->time_limit_s));
	return true;
}
