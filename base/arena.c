// SPDX-License-Identifier: PostgreSQL
// Memory that is freed together: a list of blocks, each cut from the front. Large requests get a block of their own, so
// that a big text does not waste the rest of a common one.
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = _Alignof(max_align_t) };

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct block *blocks;
	size_t bytes;
};

static struct block *block_new(struct arena *arena, size_t size)
{
	struct block *block = calloc(1, sizeof *block + size);
	invariant(block != NULL, "out of memory");
	block->size = size;
	arena->bytes += sizeof *block + size;
	return block;
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof *arena);
	invariant(arena != NULL, "out of memory");
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct block *block = arena->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

void arena_release(struct arena **arena)
{
	arena_free(*arena);
	*arena = NULL;
}

// Memory whose content is not yet meaningful: blocks come zeroed from calloc and are used once, so it is zero as well.
static void *take(struct arena *arena, size_t size, size_t alignment)
{
	struct block *block = arena->blocks;
	if (block != NULL) {
		size_t start = (block->used + alignment - 1) & ~(alignment - 1);
		if (start <= block->size && size <= block->size - start) {
			block->used = start + size;
			return block->data + start;
		}
	}
	if (size > BLOCK_BYTES / 4) { // behind the current block, whose rest stays in use
		struct block *own = block_new(arena, size);
		own->used = size;
		if (block == NULL) {
			arena->blocks = own;
		} else {
			own->next = block->next;
			block->next = own;
		}
		return own->data;
	}
	struct block *fresh = block_new(arena, BLOCK_BYTES);
	fresh->next = block;
	fresh->used = size;
	arena->blocks = fresh;
	return fresh->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	invariant(size <= SIZE_MAX / 2, "unreasonable allocation");
	return take(arena, size == 0 ? 1 : size, ALIGNMENT);
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	invariant(size == 0 || n <= SIZE_MAX / 2 / size, "unreasonable allocation");
	return arena_alloc(arena, n * size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = take(arena, length + 1, 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	invariant(length >= 0, "unprintable format");
	char *text = take(arena, (size_t)length + 1, 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *arena_grow(struct arena *arena, void *array, size_t n, size_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	size_t larger = *capacity == 0 ? 8 : *capacity * 2;
	void *moved = arena_array(arena, larger, size);
	if (n > 0)
		memcpy(moved, array, n * size);
	*capacity = larger;
	return moved;
}

size_t arena_bytes(const struct arena *arena)
{
	return arena->bytes;
}
