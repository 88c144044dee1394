// SPDX-License-Identifier: PostgreSQL
// Lengths of time as people write them: 90s, 10m, 2h, 1d, or 0.
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdbool.h>

struct arena;
struct err;

// In seconds. `what` names the option or key in the error, whose code is `code`.
bool duration_parse(const char *text, const char *code, const char *what, long long *seconds, struct err *err);

// The shortest way to write it: 90 is "90s", 3600 is "1h".
const char *duration_text(struct arena *arena, long long seconds);

#endif
