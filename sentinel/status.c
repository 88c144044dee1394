// SPDX-License-Identifier: PostgreSQL
// `driftcheck status`: how the environments' versions stand to the repository's. It reads version tables and nothing else,
// so it is quick, and blind to what was done by hand.
#include "sentinel/tenants_versions.h"
#include "sentinel/versions.h"

enum exit_status command_status(struct run *run, struct err *err)
{
	struct envs envs;
	if (!envs_resolve(run, run->words, run->n_words, true, &envs, err))
		return EXIT_TROUBLE;
	struct report *report = report_start(run, &envs);
	struct env_reports reports = { 0 };
	for (size_t i = 0; i < envs.n; i++) {
		const struct env *env = &envs.items[i];
		struct env_versions versions;
		if (env->trouble == NULL)
			log_progress(run->log, "%s: reading versions", env->name);
		const struct snapshot *snapshot = env->trouble == NULL ? versions_snapshot(run, &envs, env, report->envs[i]) : NULL;
		if (snapshot != NULL && env->tenants != NULL) {
			tenants_versions(run, env, snapshot, report->envs[i], &reports);
			continue;
		}
		if (snapshot != NULL)
			versions_report(run, env, snapshot, report->envs[i], &versions);
		env_reports_add(run->arena, &reports, report->envs[i]);
	}
	report->envs = reports.items;
	report->n_envs = reports.n;
	return report_finish(run, report);
}
