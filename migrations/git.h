// SPDX-License-Identifier: PostgreSQL
// What the checkout's git says: where it stands, and what files were on any of its references. Everything is asked of the git
// program, which knows worktrees, packed references and safe.directory. Without git, or outside of a repository, there is
// simply nothing to be found.
#ifndef MIGRATIONS_GIT_H
#define MIGRATIONS_GIT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

// The commit that is checked out where the folder lies; NULL if that cannot be told (no repository, no git, no commit).
const char *git_head(struct arena *arena, const char *folder);

// Where in the checkout the folder lies: "db/migrations", "" at its top; NULL as above.
const char *git_prefix(struct arena *arena, const char *folder);

// One version of a file somewhere in the history.
struct git_blob {
	const char *path; // relative to the folder it was asked for
	const char *sha;
};

// Every version of every file beneath a folder, or of one file in it (name not NULL), on all references, newest first and each
// once. Returns their number.
size_t git_blobs(struct arena *arena, const char *folder, const char *name, struct git_blob **blobs);

// The content of a blob, NUL-terminated; NULL if it cannot be had.
const char *git_blob_text(struct arena *arena, const char *folder, const struct git_blob *blob, size_t *length);

#endif
