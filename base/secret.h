// SPDX-License-Identifier: PostgreSQL
// Passwords in texts that people write (connection URLs and keyword strings): found, hidden, overwritten. No password leaves
// the program in a text for people.
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

struct arena;
struct err;

// The text with every password in it replaced by "***"; any text may be given.
char *secret_redact(struct arena *arena, const char *text);

// The passwords in the text as written, and `more` (NULL: nothing more), for secret_scrub; NULL-ended.
const char *const *secret_list(struct arena *arena, const char *text, const char *more);

// Replaces the secrets (NULL-ended, or NULL for none) in an error that a library filled. Those of one or two letters stay:
// to hide them would blot out the message and show that they are so short.
void secret_scrub(const char *const *secrets, struct err *err);

// Overwrites the passwords in a text in place, its length kept: for argv, which `ps` shows.
void secret_overwrite(char *text);

// Whether a password stands in the text literally, not as ${NAME}.
bool secret_is_literal(struct arena *arena, const char *text);

#endif
