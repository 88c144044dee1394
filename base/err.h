// SPDX-License-Identifier: PostgreSQL
// Errors as values. A function that can fail returns bool and fills the caller's struct err, its last parameter; it
// prints nothing. An error says what happened (text), where (a file:line, an environment, a setting) and what to do next
// (hint). `code` is a stable word for machines: it is the "code" of the JSON output's "trouble".
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct err {
	char code[32];
	char where[512];
	char text[2048];
	char hint[1024];
};

// Fills err and returns false, so that a failure is one statement: return err_set(err, ...). `where` and `hint` may be
// NULL; both are plain text, not formats. Text that does not fit is cut. None of the texts may hold a secret.
bool err_set(struct err *err, const char *code, const char *where, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

// Sets or replaces one part of an error that is already there; printf formats. Both return false.
bool err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool err_where(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A broken invariant is a fault of ours: say where, and abort.
#define invariant(condition, text)                                                                            \
	do {                                                                                                  \
		if (!(condition)) {                                                                           \
			fprintf(stderr, "driftcheck: internal error: %s (%s:%d)\n", text, __FILE__, __LINE__); \
			abort();                                                                              \
		}                                                                                             \
	} while (0)

#endif
