// SPDX-License-Identifier: PostgreSQL
// Memory that is freed together. Everything that one snapshot, replay or report holds lives in one arena, and whoever
// made the arena frees it; nothing in it is freed singly. Pointers into an arena are valid until arena_free.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

// Never returns NULL: a process that is out of memory is aborted with a message.
struct arena *arena_new(void);

// Frees the arena and all that was taken from it. NULL is allowed.
void arena_free(struct arena *arena);

// Zeroed memory, aligned for any type.
void *arena_alloc(struct arena *arena, size_t size);

// Zeroed room for n elements of a size; aborts where the product overflows.
void *arena_array(struct arena *arena, size_t n, size_t size);

// Copies. arena_strdup(a, NULL) is NULL; arena_strndup ends the copy with NUL.
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

// Bytes that the arena holds from the system.
size_t arena_bytes(const struct arena *arena);

// Room for one more element in an array that grows by doubling inside the arena: returns the array, moved if it had to
// grow. `n` is the number of elements in use, `*capacity` the number that fit. (The old array stays until arena_free.)
void *arena_grow(struct arena *arena, void *array, size_t n, size_t *capacity, size_t size);

void arena_release(struct arena **arena);
#define auto_arena __attribute__((cleanup(arena_release))) struct arena *

#endif
