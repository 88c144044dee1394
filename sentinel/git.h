// SPDX-License-Identifier: PostgreSQL
// What the checkout's git says.
#ifndef SENTINEL_GIT_H
#define SENTINEL_GIT_H

struct arena;

// The commit that is checked out where the folder lies; NULL if that cannot be told (no repository, no git, no commit).
const char *git_head(struct arena *arena, const char *folder);

#endif
