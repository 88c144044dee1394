// SPDX-License-Identifier: PostgreSQL
// Where a report goes: see deliver.h. Before the first byte is sent, the report is kept as JSON; it is removed when all of it
// has arrived, so that neither a failing network nor a kill loses it.
#include "sentinel/deliver.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/state.h"
#include "reporters/sink.h"
#include "sentinel/cron.h"
#include "sentinel/suggest.h"

enum { REPORT_TIMEOUT_S = 600, NAMES_MAX = 32, LAST_MOMENT_US = 2000000 };

struct target {
	const struct reporter *reporter; // into a file; NULL: to a sink
	const char *path;
	struct delivery delivery;
};

struct deliveries {
	struct target *items;
	size_t n, n_sinks;
	bool dry_run;
	const char *state;
	const char *kept; // the file that the report was read from; NULL: it is new
};

static bool unknown(const char *word, struct err *err)
{
	const char *names[NAMES_MAX];
	size_t n = 0;
	for (size_t i = 0; sinks[i] != NULL && n < NAMES_MAX; i++)
		names[n++] = sinks[i]->name;
	if (reporter_find(word) != NULL)
		return err_set(err, "usage", NULL, NULL, "--report %s: a format needs a file", word) || err_hint(err, "--report %s:FILE", word);
	err_set(err, "usage", NULL, NULL, "--report: there is nowhere to send a report \"%s\"", word);
	return suggest_hint(err, word, names, n);
}

static bool fill_values(struct run *run, struct delivery *delivery, struct err *err)
{
	const struct config_section *section = config_section(run->config, delivery->sink->name);
	size_t n = 0;
	while (section->keys[n] != NULL)
		n++;
	const char **values = arena_array(run->arena, n, sizeof *values);
	for (size_t i = 0; i < n; i++) {
		const struct setting *setting = &section->values[i];
		bool secret = delivery->sink->secret != NULL && strcmp(section->keys[i], delivery->sink->secret) == 0;
		if (secret && setting->text != NULL && strstr(setting->text, "${") == NULL && *setting->text != '\0') {
			err_set(err, "config", NULL, "take it from the environment: ${NAME}", "%s: the %s is a secret, and stands in the file",
			        section->name, section->keys[i]);
			return err_where(err, "%s:%u", run->config->path, setting->line);
		}
		if (!config_expand(run->arena, run->config, &section->values[i], &values[i], err))
			return false;
	}
	delivery->values = values;
	delivery->where = section->line == 0 ? NULL : arena_printf(run->arena, "%s:%u", run->config->path, section->line);
	return true;
}

static bool prepare_one(struct run *run, const char *state, const char *word, struct target *target, struct err *err)
{
	const char *colon = strchr(word, ':');
	if (colon != NULL) {
		const char *name = arena_strndup(run->arena, word, (size_t)(colon - word));
		*target = (struct target){ .reporter = reporter_find(name), .path = colon + 1 };
		if (target->reporter == NULL || *target->path == '\0')
			return unknown(name, err);
		return true;
	}
	const struct sink *sink = sink_find(word);
	if (sink == NULL)
		return unknown(word, err);
	const struct options *options = run->options;
	int timeout_s = options->report_timeout_s > 0 ? options->report_timeout_s : REPORT_TIMEOUT_S;
	*target = (struct target){ .delivery = {
		.sink = sink, .arena = run->arena, .log = run->log, .state = state, .dry_run = options->dry_run,
		.bodies = strcmp(options->bodies, "diff") == 0 ? BODIES_DIFF : BODIES_HASH, .deadline_us = timeout_s * 1000000LL,
	} };
	return fill_values(run, &target->delivery, err) && sink->prepare(&target->delivery, err);
}

struct deliveries *deliveries_prepare(struct run *run, struct err *err)
{
	const struct words *reports = &run->options->reports;
	const char *metrics = run->cron == NULL ? NULL : run->cron->metrics;
	struct deliveries *deliveries = arena_alloc(run->arena, sizeof *deliveries);
	deliveries->items = arena_array(run->arena, reports->n + 1, sizeof *deliveries->items);
	deliveries->dry_run = run->options->dry_run;
	if (metrics != NULL && !prepare_one(run, NULL, arena_printf(run->arena, "prometheus:%s", metrics), &deliveries->items[deliveries->n++], err))
		return NULL;
	deliveries->state = reports->n == 0 ? NULL : state_folder(run->arena);
	for (size_t i = 0; i < reports->n; i++) {
		struct target *target = &deliveries->items[deliveries->n++];
		if (!prepare_one(run, deliveries->state, reports->items[i], target, err))
			return NULL;
		deliveries->n_sinks += target->reporter == NULL;
	}
	return deliveries;
}

bool deliveries_send_out(const struct deliveries *deliveries)
{
	return deliveries->n_sinks > 0 && !deliveries->dry_run;
}

static void add_trouble(struct run *run, struct report *report, const struct err *err)
{
	struct err *troubles = arena_array(run->arena, report->n_troubles + 1, sizeof *troubles);
	if (report->n_troubles > 0)
		memcpy(troubles, report->troubles, report->n_troubles * sizeof *troubles);
	troubles[report->n_troubles] = *err;
	secret_mask_err(&troubles[report->n_troubles++]); // the rest of the report is redacted already
	report->troubles = troubles;
}

static const char *unsent_folder(struct run *run, const struct deliveries *deliveries)
{
	return arena_printf(run->arena, "%s/unsent", deliveries->state);
}

// Keeps the report as JSON; NULL: it could not be kept.
static const char *keep(struct run *run, const struct deliveries *deliveries, const struct report *report)
{
	if (deliveries->n_sinks == 0 || run->options->dry_run || deliveries->state == NULL || deliveries->kept != NULL)
		return deliveries->kept;
	const char *folder = unsent_folder(run, deliveries);
	const char *path = arena_printf(run->arena, "%s/%s-%ld.json", folder, report->started, (long)getpid());
	auto_buf text = BUF_INIT;
	const struct render_options plain = { 0 };
	struct err err;
	reporter_find("json")->render(&text, report, &plain);
	return (mkdir(folder, 0700) == 0 || errno == EEXIST) && file_write(&text, path, &err) ? path : NULL;
}

void deliveries_kept(struct deliveries *deliveries, const char *path)
{
	deliveries->kept = path;
}

// Whether a file lies in the folder of what is not sent yet. Another is its owner's.
static bool is_ours(struct run *run, const struct deliveries *deliveries, const char *path)
{
	auto_free file = realpath(path, NULL);
	auto_free folder = deliveries->state == NULL ? NULL : realpath(unsent_folder(run, deliveries), NULL);
	size_t length = folder == NULL ? 0 : strlen(folder);
	return file != NULL && folder != NULL && strncmp(file, folder, length) == 0 && file[length] == '/';
}

bool deliveries_show_last_success(const struct deliveries *deliveries)
{
	bool show = false;
	for (size_t i = 0; i < deliveries->n; i++)
		show = show || (deliveries->items[i].reporter != NULL && deliveries->items[i].reporter->last_success);
	return show;
}

// Whether stdout gets a report for people, beside which there may be other lines.
static bool prints_for_people(const struct run *run)
{
	const char *format = run->reporter->name;
	return run->options->output == NULL && (strcmp(format, "text") == 0 || strcmp(format, "markdown") == 0);
}

void deliveries_send(struct run *run, struct deliveries *deliveries, struct report *report, struct buf *last)
{
	bool beside = prints_for_people(run);
	auto_buf aside = BUF_INIT;
	const char *kept = keep(run, deliveries, report);
	bool all = true;
	long long now_us = clock_us();
	for (size_t i = 0; i < deliveries->n; i++) {
		struct target *target = &deliveries->items[i];
		struct err err = { 0 };
		if (target->reporter != NULL) {
			auto_buf text = BUF_INIT;
			const struct render_options plain = { .verbose = run->options->verbose, .accepted = run->render.accepted };
			target->reporter->render(&text, report, &plain);
			if (!file_write(&text, target->path, &err))
				add_trouble(run, report, &err);
			continue;
		}
		target->delivery.deadline_us += now_us;
		if (run->end_us > 0 && run->end_us - LAST_MOMENT_US < target->delivery.deadline_us)
			target->delivery.deadline_us = run->end_us - LAST_MOMENT_US;
		target->delivery.out = beside ? &run->out : &aside;
		target->delivery.last = beside ? last : NULL;
		if (target->delivery.sink->send(&target->delivery, report, &err))
			continue;
		all = false;
		if (kept != NULL)
			err_hint(&err, "%s%sthe report is kept; send it later: driftcheck report %s --report %s", err.hint,
			         err.hint[0] == '\0' ? "" : "; ", kept, target->delivery.sink->name);
		add_trouble(run, report, &err);
	}
	if (all && kept != NULL && deliveries->n_sinks > 0 && !run->options->dry_run && is_ours(run, deliveries, kept))
		unlink(kept);
	fwrite(aside.data, 1, aside.length, run->log->stream);
}
