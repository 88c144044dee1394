// SPDX-License-Identifier: PostgreSQL
// "Did you mean ...?": the known name that is nearest to a word that is none.
#ifndef SENTINEL_SUGGEST_H
#define SENTINEL_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

struct err;

// The name at the smallest edit distance, if that is small for the word's length, or one that the word begins or that
// begins with the word; NULL if none is near. Case does not count.
const char *suggest_nearest(const char *word, const char *const *names, size_t n);

// Puts the nearest name into the error's hint ('did you mean "prod"?'), or lists all names where none is near and there
// are few. Returns false, as err_hint does.
bool suggest_hint(struct err *err, const char *word, const char *const *names, size_t n);

#endif
