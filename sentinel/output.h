// SPDX-License-Identifier: PostgreSQL
// Where results go: stdout, or a file that is replaced as a whole.
#ifndef SENTINEL_OUTPUT_H
#define SENTINEL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

// Writes the text to stdout (path NULL), or atomically to a file: a temporary one beside it, fsync, rename. A reader of
// stdout that went away is no error. Errors: code "output".
bool output_write(const struct buf *text, const char *path, struct err *err);

// A document of a list command: {"driftcheck": VERSION, "schema": 1, key: value}. Takes over the value.
void output_json(struct buf *out, const char *key, json_t *value);

#endif
