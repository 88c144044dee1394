// SPDX-License-Identifier: PostgreSQL
// Digests: libcrypto's, written as hex.
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/err.h"

void digest_sha256_hex(const void *bytes, size_t length, char out[DIGEST_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	invariant(EVP_Digest(bytes, length, digest, &n, EVP_sha256(), NULL) == 1 && n == 32, "libcrypto has no SHA-256");
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", digest[i]);
}
