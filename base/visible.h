// SPDX-License-Identifier: PostgreSQL
// Foreign text for people: what a terminal or a browser would act on, or nobody could see, becomes an escape.
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include <stdbool.h>

struct buf;

// Adds the text. Control characters, line ends, marks that turn or hide text, characters that XML cannot hold and bytes that are
// no UTF-8 become escapes that can be seen (\n, \x1b, \u202e, \xff), apart from the control characters in `keep`. Returns whether
// anything had to be escaped.
bool visible(struct buf *out, const char *text, const char *keep);

#endif
