// SPDX-License-Identifier: PostgreSQL
// The cache: one gzip file of JSON per entry, named by the SHA-256 of what decides the value, so that nothing in it can be
// out of date and deleting any of it is safe. Entries appear by rename, whole; a damaged one (gzip has a checksum) is a
// miss. Entries that nobody has read for a month are removed, once a day, by whoever writes.
#include "config.h"

#include "migrations/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/file.h"

enum { HASH_BYTES = 32, DAY_S = 24 * 60 * 60, KEEP_S = 30 * DAY_S };

#define ENTRY_SUFFIX ".json.gz"
#define TEMPORARY_PREFIX ".new-"
#define PRUNED_NAME ".pruned" // its mtime says when old entries were last removed

AUTO_DEFINE(auto_gz_cleanup, gzFile, gzclose)
#define auto_gz __attribute__((cleanup(auto_gz_cleanup))) gzFile

// Each field replaces the state by a hash over the old state, the field's length and the field.
struct cache_key {
	struct arena *arena;
	unsigned char state[HASH_BYTES];
};

struct cache_key *cache_key_new(struct arena *arena)
{
	struct cache_key *key = arena_alloc(arena, sizeof *key);
	key->arena = arena;
	return key;
}

static void fold(struct cache_key *key, uint64_t length, const void *bytes, size_t n)
{
	unsigned char prefix[8];
	for (size_t i = 0; i < sizeof prefix; i++)
		prefix[i] = (unsigned char)(length >> (8 * i));
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool done = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(hash, key->state, sizeof key->state) == 1 &&
	            EVP_DigestUpdate(hash, prefix, sizeof prefix) == 1 && EVP_DigestUpdate(hash, bytes, n) == 1 &&
	            EVP_DigestFinal_ex(hash, key->state, NULL) == 1;
	EVP_MD_CTX_free(hash);
	invariant(done, "SHA-256 failed");
}

void cache_key_add(struct cache_key *key, const void *bytes, size_t length)
{
	fold(key, length, bytes, length);
}

void cache_key_adds(struct cache_key *key, const char *text)
{
	if (text == NULL)
		fold(key, UINT64_MAX, "", 0); // no field has this length
	else
		cache_key_add(key, text, strlen(text));
}

const char *cache_key_hex(struct cache_key *key)
{
	char *hex = arena_alloc(key->arena, 2 * HASH_BYTES + 1);
	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", key->state[i]);
	return hex;
}

const char *cache_folder(struct arena *arena)
{
	return file_xdg_folder(arena, "XDG_CACHE_HOME", ".cache", "driftcheck");
}

static size_t load_some(void *buffer, size_t size, void *gz)
{
	int n = gzread(gz, buffer, (unsigned)(size > INT32_MAX ? INT32_MAX : size));
	return n < 0 ? (size_t)-1 : (size_t)n;
}

json_t *cache_get(const char *folder, const char *hex)
{
	char path[4096];
	if (folder == NULL || snprintf(path, sizeof path, "%s/%s" ENTRY_SUFFIX, folder, hex) >= (int)sizeof path)
		return NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	futimens(fd, NULL); // in use: not to be pruned
	auto_gz gz = gzdopen(fd, "r");
	if (gz == NULL) {
		close(fd);
		return NULL;
	}
	json_t *value = json_load_callback(load_some, gz, 0, NULL);
	int damage;
	gzerror(gz, &damage); // jansson takes a failing read for the end
	if (damage == Z_OK || damage == Z_STREAM_END)
		return value;
	json_decref(value);
	return NULL;
}

static int dump_some(const char *buffer, size_t size, void *gz)
{
	return size == 0 || gzwrite(gz, buffer, (unsigned)size) == (int)size ? 0 : -1;
}

// Removes what has not been read for long, and what a killed run left half written.
static void prune(const char *folder)
{
	auto_dir entries = opendir(folder);
	if (entries == NULL)
		return;
	time_t now = time(NULL);
	struct stat is;
	if (fstatat(dirfd(entries), PRUNED_NAME, &is, 0) == 0 && now - is.st_mtime < DAY_S)
		return;
	auto_fd mark = openat(dirfd(entries), PRUNED_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (mark < 0 || futimens(mark, NULL) != 0)
		return;
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		size_t length = strlen(entry->d_name), suffix = strlen(ENTRY_SUFFIX);
		bool half = strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
		bool whole = length > suffix && strcmp(entry->d_name + length - suffix, ENTRY_SUFFIX) == 0;
		if ((half || whole) && fstatat(dirfd(entries), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
		    now - is.st_mtime > (half ? DAY_S : KEEP_S))
			unlinkat(dirfd(entries), entry->d_name, 0);
	}
}

bool cache_put(const char *folder, const char *hex, const json_t *value)
{
	char path[4096], temporary[4096];
	if (folder == NULL || snprintf(path, sizeof path, "%s/%s" ENTRY_SUFFIX, folder, hex) >= (int)sizeof path ||
	    snprintf(temporary, sizeof temporary, "%s/" TEMPORARY_PREFIX "XXXXXX", folder) >= (int)sizeof temporary)
		return false;
	int fd = mkostemp(temporary, O_CLOEXEC); // 0600
	if (fd < 0)
		return false;
	gzFile gz = gzdopen(fd, "w1");
	bool written = false;
	if (gz == NULL) {
		close(fd);
	} else {
		written = json_dump_callback(value, dump_some, gz, JSON_COMPACT) == 0;
		written = gzclose(gz) == Z_OK && written;
	}
	if (!written || rename(temporary, path) != 0) {
		unlink(temporary);
		return false;
	}
	prune(folder);
	return true;
}
