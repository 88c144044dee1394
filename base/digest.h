// SPDX-License-Identifier: PostgreSQL
// Digests of texts, for checksums, ids and cache keys.
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

enum { DIGEST_SHA256_HEX = 64 + 1 };

// SHA-256 as 64 lower-case hex digits and NUL.
void digest_sha256_hex(const void *bytes, size_t length, char out[DIGEST_SHA256_HEX]);

#endif
