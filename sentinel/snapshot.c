// SPDX-License-Identifier: PostgreSQL
// `driftcheck snapshot SOURCE`: canonical JSON, which can be kept, compared and checked elsewhere.
#include <jansson.h>

#include "base/auto.h"
#include "sentinel/source_read.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

// Where to look for versions: where the configured migrations keep them; without any, where some known framework does.
static void find_versions(struct run *run, struct envs *envs, const char *word, struct env *env)
{
	struct err ignored = { 0 };
	bool configured = run->options->migrations.n > 0 || run->config->n_migrations > 0;
	env->set = configured ? set_resolve(run, envs, word, &env->source.settings, &ignored) : NULL;
	if (env->set != NULL)
		framework_version_query(env->set, env->versions);
}

enum exit_status command_snapshot(struct run *run, struct err *err)
{
	const char *word = run->words[0];
	struct envs envs = { 0 };
	struct env env = { .name = word };
	if (!source_resolve(run, word, &env.source, err) || !envs_settings(run, &envs, err))
		return EXIT_TROUBLE;
	env.name = config_env(run->config, word) != NULL ? word : env.source.shown;
	if (source_is_live(&env.source))
		find_versions(run, &envs, word, &env);
	struct read_options options = env_read_options(run, &env);
	if (env.set == NULL)
		options.versions = source_versions(run->arena);
	struct snapshot *snapshot = source_read(run, &envs, &env.source, &options, (struct read_for){ 0 }, run->arena, err);
	if (snapshot == NULL)
		return EXIT_TROUBLE;
	auto_json json = snapshot_to_json(snapshot);
	auto_free text = json_dumps(json, JSON_INDENT(1));
	invariant(text != NULL, "JSON text");
	buf_addf(&run->out, "%s\n", text);
	for (size_t i = 0; i < snapshot->n_unread; i++)
		log_warn(run->log, "%s: %s: not read: %s", env.name, snapshot->unread[i].kind, snapshot->unread[i].why);
	return snapshot->complete ? EXIT_CLEAN : EXIT_TROUBLE;
}
