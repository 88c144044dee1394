// SPDX-License-Identifier: PostgreSQL
// What an issue says: its title, body and comments. All that comes from a database or a repository goes through markdown.h.
#ifndef REPORTERS_GITHUB_BODY_H
#define REPORTERS_GITHUB_BODY_H

#include <time.h>

#include "reporters/github_items.h"
#include "reporters/sink.h"

// GitHub counts characters and takes 65,536 in a body and 256 in a title.
enum { GITHUB_BODY_MOST = 60000, GITHUB_TITLE_MOST = 240 };

// What one issue is about: an environment, or the environments of a fleet.
struct subject {
	const char *name;
	bool fleet;
	const struct env_report **envs; // worst first
	size_t n_envs;
	bool complete; // all of it was checked
	struct items items;
	time_t skew_since; // when the oldest skew was first seen; 0: none, or not known
};

extern const char github_title_start[]; // "Schema drift detected: "
const char *github_title(struct arena *arena, const char *name);

// The body, at most `most` bytes: what does not fit is left out finding by finding, and counted.
void github_body(struct buf *out, struct arena *arena, const struct subject *subject, const struct report *report,
                 enum bodies bodies, const char *run, size_t most);

// Comments: what is different, that a closed issue is opened again, that nothing is left of it.
void github_comment_changed(struct buf *out, const struct subject *subject, const struct items_change *change);
void github_comment_reopened(struct buf *out, const struct subject *subject);
void github_comment_gone(struct buf *out, const struct report *report);

#endif
