// SPDX-License-Identifier: PostgreSQL
// `driftcheck status`: how the environments' versions stand to the repository's. It reads version tables and nothing else,
// so it is quick, and blind to what was done by hand.
#include "base/arena.h"
#include "sentinel/versions.h"

// One line for each pending migration; what it would do is not known here.
static void add_pending_lines(struct run *run, struct env_report *report, const struct env *env,
                              const struct env_versions *versions)
{
	const struct migrations *set = env->set;
	report->pending_lines = arena_array(run->arena, set->n_items, sizeof *report->pending_lines);
	for (size_t i = 0; i < set->n_items; i++) {
		const struct migration *migration = &set->items[i];
		if (versions->standings.of[i] == STANDING_PENDING)
			report->pending_lines[report->n_pending_lines++] =
				(struct pending_line){ .version = migration->version, .label = migration->label, .path = migration->path };
	}
}

enum exit_status command_status(struct run *run, struct err *err)
{
	struct envs envs;
	if (!envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	struct report *report = report_start(run, &envs);
	for (size_t i = 0; i < envs.n; i++) {
		struct env_versions versions;
		if (envs.items[i].trouble != NULL)
			continue;
		log_progress(run->log, "%s: reading versions", envs.items[i].name);
		if (versions_read(run, &envs, &envs.items[i], report->envs[i], &versions))
			add_pending_lines(run, report->envs[i], &envs.items[i], &versions);
	}
	return report_finish(run, report);
}
