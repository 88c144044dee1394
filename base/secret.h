// SPDX-License-Identifier: PostgreSQL
// Secrets in texts. Connection URLs and keyword strings, as people write them: their passwords are found, hidden, overwritten.
// Any other text (definitions, messages): secret_mask finds what is known to be a secret by its form or by what stands before it.
// No secret leaves the program in a report or a message.
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;

// Adds the text with every secret in it as ***(sha256:1a2b3c4d), so that equal ones can be seen to be equal; returns whether
// there was one. To mask twice is to mask once. What is hidden: the literal after PASSWORD or `password =` in SQL, passwords in
// connection strings and URLs within the text, and tokens of known forms (GitHub, GitLab, Slack, Stripe, AWS, JWT, private
// keys). A column that is named password, and what SQL computes for one, is no secret.
bool secret_mask(struct buf *out, const char *text);

// The same for every text of an error.
void secret_mask_err(struct err *err);

// The passwords in a connection URL or keyword string; their number.
struct secret_span {
	size_t start, length;
};
enum { SECRET_SPANS_MAX = 8 };
size_t secret_spans(const char *text, struct secret_span spans[SECRET_SPANS_MAX]);

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
