// SPDX-License-Identifier: PostgreSQL
// `driftcheck report FILE...`: what a check found earlier, or elsewhere, from its JSON: rendered, sent, and where several
// processes shared the environments, merged first. Nothing is connected to but where it is sent. The one who merges is the one
// who writes issues: shards leave that to it.
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "reporters/report_json.h"
#include "sentinel/deliver.h"
#include "sentinel/merge.h"
#include "sentinel/run_report.h"

enum { AGE_MAX_S = 24 * 3600 };

static struct report *merge(struct run *run, struct err *err)
{
	struct part *parts = arena_array(run->arena, run->n_words, sizeof *parts);
	for (size_t i = 0; i < run->n_words; i++) {
		parts[i].file = run->words[i];
		parts[i].report = report_read(run->arena, run->words[i], &parts[i].err);
	}
	return reports_merge(run->arena, parts, run->n_words, run->options->expect, err);
}

static bool check_usage(const struct run *run, struct err *err)
{
	if (!run->options->merge && run->options->expect > 0)
		return err_set(err, "usage", NULL, NULL, "--expect goes with --merge");
	if (!run->options->merge && run->n_words > 1)
		return err_set(err, "usage", NULL, "--merge joins the results of shards; results of several runs are rendered one by one",
		               "%zu results are named", run->n_words);
	return true;
}

// What is sent late may undo what was sent since.
static void warn_of_age(const struct run *run, const struct report *report)
{
	if (deliveries_send_out(run->deliveries) && clock_now() - clock_parse(report->started) > AGE_MAX_S)
		log_warn(run->log, "this report began at %s: what it says may no longer hold, and what was sent since is replaced by it",
		         report->started);
}

enum exit_status command_report(struct run *run, struct err *err)
{
	if (!check_usage(run, err))
		return EXIT_TROUBLE;
	struct report *report = run->options->merge ? merge(run, err) : report_read(run->arena, run->words[0], err);
	if (report == NULL)
		return EXIT_TROUBLE;
	if (report->shard_count > 0 && deliveries_send_out(run->deliveries)) {
		err_set(err, "usage", run->words[0], "merge all shards: driftcheck report --merge --expect N FILE... --report ...",
		        "this is shard %d of %d, which is not sent alone", report->shard_index, report->shard_count);
		return EXIT_TROUBLE;
	}
	if (!run->options->merge && strcmp(run->words[0], "-") != 0)
		deliveries_kept(run->deliveries, run->words[0]);
	warn_of_age(run, report);
	return report_hand_out(run, report);
}
