// SPDX-License-Identifier: PostgreSQL
// `driftcheck status`: how the environments' versions stand to the repository's. It reads version tables and nothing else,
// so it is quick, and blind to what was done by hand.
#include "sentinel/versions.h"

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
		versions_read(run, &envs, &envs.items[i], report->envs[i], &versions);
	}
	return report_finish(run, report);
}
