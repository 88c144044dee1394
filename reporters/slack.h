// SPDX-License-Identifier: PostgreSQL
// A message in the shape of Slack's incoming webhooks, which other chats take as well: a text and blocks.
#ifndef REPORTERS_SLACK_H
#define REPORTERS_SLACK_H

#include <jansson.h>

#include "reporters/brief.h"

// What is said of one environment.
struct slack_env {
	const struct env_report *env; // NULL: the run as a whole, which has trouble or had some
	bool over;                    // what was said before holds no longer
};

// {"text": ..., "blocks": [...]} within Slack's limits: foreign text is plain, escaped and cut, the environments come in the
// given order. `list` are the remarks of the report. `link` (NULL: none) is the address of the run. A new reference.
json_t *slack_message(const struct slack_env *envs, size_t n_envs, const struct brief *list, size_t n_list,
                      const char *source, const char *link);

#endif
