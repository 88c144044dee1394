// SPDX-License-Identifier: PostgreSQL
// When each environment was last checked completely: see last_success.h. Whoever watches the metrics needs this of a run that
// failed, too: a value that is missing raises no alert.
#include "sentinel/last_success.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/state.h"
#include "sentinel/command.h"

// Two projects may both have a "prod".
static const char *name_of(struct run *run, const char *env)
{
	char path[PATH_MAX];
	const char *folder = realpath(run->config->folder[0] == '\0' ? "." : run->config->folder, path);
	return arena_printf(run->arena, "success %s %s", env, folder == NULL ? "" : folder);
}

static void fill(struct run *run, const char *state, struct env_report *env)
{
	const char *name = name_of(run, env->name);
	if (!env->complete) {
		json_t *kept = state_get(state, name);
		env->last_success_s = json_integer_value(json_object_get(kept, "at"));
		json_decref(kept);
		return;
	}
	struct err err;
	env->last_success_s = clock_now();
	json_t *now = json_pack("{sI}", "at", (json_int_t)env->last_success_s);
	if (!state_put(state, name, now, &err))
		log_warn(run->log, "%s: %s", err.where, err.text);
	json_decref(now);
}

void last_success_fill(struct run *run, struct report *report)
{
	const char *state = state_folder(run->arena);
	if (strcmp(report->command, "check") != 0)
		return;
	for (size_t i = 0; i < report->n_envs; i++) {
		if (state != NULL)
			fill(run, state, report->envs[i]);
		else if (report->envs[i]->complete)
			report->envs[i]->last_success_s = clock_now();
	}
}
