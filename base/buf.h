// SPDX-License-Identifier: PostgreSQL
// Strings under construction. A buf's data is never NULL and always ends with NUL, so it can be read as a C string at any
// time; `length` does not count that NUL. A buf declared with auto_buf is released when its block ends.
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

struct buf {
	char *data;
	size_t length, size;
};

extern char buf_empty[];
#define BUF_INIT { buf_empty, 0, 0 }

void buf_release(struct buf *buf);
#define auto_buf __attribute__((cleanup(buf_release))) struct buf

void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_adds(struct buf *buf, const char *text); // NULL adds nothing
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *buf, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void buf_reset(struct buf *buf); // empty, the memory kept

// A copy of the content that the arena owns.
char *buf_copy(const struct buf *buf, struct arena *arena);

#endif
