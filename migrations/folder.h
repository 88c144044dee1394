// SPDX-License-Identifier: PostgreSQL
// Reading a migrations folder whole, and looking at what a project keeps near it.
#ifndef MIGRATIONS_FOLDER_H
#define MIGRATIONS_FOLDER_H

#include "migrations/framework.h"

// Reads the folder at `path`. Symbolic links are followed. Errors: code "migrations": it does not exist, is no folder, or
// something in it cannot be read; more files or levels than any migrations folder has.
struct folder *folder_read(struct arena *arena, const char *path, struct err *err);

const char *folder_base(const struct folder_file *file); // the name without its subfolder
bool folder_is_flat(const struct folder_file *file);     // it lies in the folder itself

// The first file whose name (subfolder included) fits the shell pattern: "it has `meta/_journal.json`"; NULL if none does.
const char *folder_has(struct arena *arena, const struct folder *folder, const char *pattern);

// The first file in the folder itself whose name fits and that has a comment line (`--`, blanks and dashes, then these
// words, in any case): "0001_init.sql has the line `-- migrate:up`"; NULL if there is none.
const char *folder_comment(struct arena *arena, const struct folder *folder, const char *pattern, const char *words);

bool folder_ends_with(struct arena *arena, const struct folder *folder, const char *path); // it is .../db/migration

// The folder itself and those above it, nearest first, up to the one that holds .git; NULL-ended.
const char *const *folder_ancestors(struct arena *arena, const char *path);

// The text of a file in one of them; NULL if it is not there or no text.
const char *folder_nearby(struct arena *arena, const char *ancestor, const char *name);

bool text_mentions(const char *text, const char *word); // not as a part of a longer word

#endif
