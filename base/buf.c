// SPDX-License-Identifier: PostgreSQL
// Strings under construction: see buf.h.
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

char buf_empty[1] = "";

void buf_release(struct buf *buf)
{
	if (buf->data != buf_empty)
		free(buf->data);
	*buf = (struct buf)BUF_INIT;
}

static void reserve(struct buf *buf, size_t more)
{
	invariant(more < SIZE_MAX / 4 && buf->length < SIZE_MAX / 4, "unreasonable string");
	if (buf->length + more + 1 <= buf->size)
		return;
	size_t size = buf->size == 0 ? 64 : buf->size;
	while (size < buf->length + more + 1)
		size *= 2;
	char *data = realloc(buf->data == buf_empty ? NULL : buf->data, size);
	invariant(data != NULL, "out of memory");
	buf->data = data;
	buf->size = size;
}

void buf_add(struct buf *buf, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	reserve(buf, length);
	memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_adds(struct buf *buf, const char *text)
{
	if (text != NULL)
		buf_add(buf, text, strlen(text));
}

void buf_addc(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_vaddf(struct buf *buf, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	invariant(length >= 0, "unprintable format");
	reserve(buf, (size_t)length);
	vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
	va_end(again);
	buf->length += (size_t)length;
}

void buf_addf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(buf, format, arguments);
	va_end(arguments);
}

void buf_reset(struct buf *buf)
{
	buf->length = 0;
	if (buf->data != buf_empty)
		buf->data[0] = '\0';
}

char *buf_copy(const struct buf *buf, struct arena *arena)
{
	return arena_strndup(arena, buf->data, buf->length);
}
