// SPDX-License-Identifier: PostgreSQL
// One GitHub issue per environment. Not built in this version: it says so before anything is read.
#include "reporters/sink.h"

#include "base/err.h"

static const char *const keys[] = { "repository", "label", "skew_after", "api_url", "token_file", NULL };

static bool prepare(struct delivery *delivery, struct err *err)
{
	return err_set(err, "usage", delivery->where, "drop --report github", "reports cannot be sent to GitHub by this version");
}

static bool send(struct delivery *delivery, const struct report *report, struct err *err)
{
	(void)report;
	return prepare(delivery, err);
}

const struct sink sink_github = {
	.name = "github", .summary = "one issue per environment, kept up to date", .keys = keys, .prepare = prepare, .send = send,
};
