// SPDX-License-Identifier: PostgreSQL
// What is kept from run to run: small JSON documents below the XDG state folder, and locks. All of it may be deleted at any
// time: what is lost is a memory (since when something is seen), never a correct answer.
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include <jansson.h>
#include <stdbool.h>

struct arena;
struct err;

// $XDG_STATE_HOME/driftcheck/v1 (the number is raised when documents change their shape), made if missing; NULL: there is
// no home to keep it in.
const char *state_folder(struct arena *arena);

// The document of a name. Any text may be a name: what cannot stand in a file's name is replaced, and a digest keeps different
// names apart. NULL: there is none, or it cannot be read. The caller owns it.
json_t *state_get(const char *folder, const char *name);

// Replaces the document; NULL removes it. Errors: code "state".
bool state_put(const char *folder, const char *name, const json_t *document, struct err *err);

// The path of a file of that name with a suffix (".json", ".lock"), for errors and for other files beside the documents.
const char *state_path(struct arena *arena, const char *folder, const char *name, const char *suffix);

// Takes the lock of a name for this process; it ends with the descriptor (auto_fd) or the process. Waits up to wait_ms.
// Returns the descriptor, or -1: errors: code "locked" (another process has it) or "state".
int state_lock(const char *folder, const char *name, long long wait_ms, struct err *err);

#endif
