// SPDX-License-Identifier: PostgreSQL
// `driftcheck snapshot SOURCE`: canonical JSON, which can be kept, compared and checked elsewhere.
#include "sentinel/output.h"
#include "sentinel/source_read.h"

struct spilling {
	const struct run *run;
	struct err *err;
};

// What goes to stdout need not wait for the rest; a file is replaced as a whole.
static bool spill(struct buf *out, void *argument)
{
	struct spilling *to = argument;
	if (to->run->options->output != NULL)
		return true;
	bool ok = output_write(out, NULL, to->err);
	buf_reset(out);
	return ok;
}

enum exit_status command_snapshot(struct run *run, struct err *err)
{
	const char *word = run->words[0];
	struct envs envs = { 0 };
	struct env env = { .name = word };
	if (!source_resolve(run, word, &env.source, err) || !envs_settings(run, &envs, err))
		return EXIT_TROUBLE;
	const char *env_name = config_env(run->config, word) != NULL ? word : NULL;
	env.name = env_name != NULL ? env_name : env.source.shown;
	struct read_options options = env_read_options(run, &env);
	options.groups |= 1u << GROUP_OWNER | 1u << GROUP_ACL; // which a check asks for by itself where migrations set them
	if (source_is_live(&env.source))
		options.versions = source_versions(run, &envs, &env.source, env_name);
	struct snapshot *snapshot = source_read(run, &envs, &env.source, &options, (struct read_for){ 0 }, run->arena, err);
	if (snapshot == NULL)
		return EXIT_TROUBLE;
	if (!snapshot_print(&run->out, snapshot, spill, &(struct spilling){ run, err }))
		return EXIT_TROUBLE;
	for (size_t i = 0; i < snapshot->n_unread; i++)
		log_warn(run->log, "%s: %s: not read: %s", env.name, snapshot->unread[i].kind, snapshot->unread[i].why);
	return snapshot->complete ? EXIT_CLEAN : EXIT_TROUBLE;
}
