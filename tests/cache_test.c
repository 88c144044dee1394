// SPDX-License-Identifier: PostgreSQL
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "migrations/cache.h"
#include "tests/scratch_env.h"

static const char *key_of(struct arena *arena, const char *a, const char *b)
{
	struct cache_key *key = cache_key_new(arena);
	cache_key_adds(key, a);
	cache_key_adds(key, b);
	return cache_key_hex(key);
}

static void keys_tell_fields_apart(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	assert_string_equal(key_of(arena, "ab", "c"), key_of(arena, "ab", "c"));
	assert_string_not_equal(key_of(arena, "ab", "c"), key_of(arena, "a", "bc"));
	assert_string_not_equal(key_of(arena, "ab", NULL), key_of(arena, "ab", ""));
	assert_string_not_equal(key_of(arena, NULL, "ab"), key_of(arena, "ab", NULL));
	assert_int_equal(strlen(key_of(arena, "a", "b")), 64);
	struct cache_key *key = cache_key_new(arena);
	const char *empty = cache_key_hex(key);
	cache_key_add(key, "a\0b", 3);
	assert_string_not_equal(cache_key_hex(key), empty);
}

static void folder_is_private(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *folder = cache_folder(arena);
	assert_non_null(folder);
	assert_string_equal(folder, arena_printf(arena, "%s/driftcheck", test_folder));
	struct stat is;
	assert_int_equal(stat(folder, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0700);
}

static void folder_of_another_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	auto_arena arena = arena_new();
	const char *theirs = arena_printf(arena, "%s/theirs", test_folder);
	assert_int_equal(mkdir(theirs, 0777), 0);
	assert_int_equal(chown(theirs, 65534, 65534), 0);
	setenv("XDG_CACHE_HOME", theirs, 1);
	const char *folder = cache_folder(arena);
	setenv("XDG_CACHE_HOME", test_folder, 1);
	assert_null(folder);
}

static void values_come_back(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *folder = cache_folder(arena), *hex = key_of(arena, "values", "");
	assert_null(cache_get(folder, hex));
	json_t *value = json_pack("{s:s, s:[i,i]}", "text", "\xc3\xa4\"\n", "numbers", 1, 2);
	for (int i = 0; i < 20000; i++)
		json_array_append_new(json_object_get(value, "numbers"), json_integer(i * 7919));
	assert_true(cache_put(folder, hex, value));
	json_t *got = cache_get(folder, hex);
	assert_true(json_equal(value, got));
	json_decref(got);
	json_decref(value);
	struct stat is;
	assert_int_equal(stat(arena_printf(arena, "%s/%s.json.gz", folder, hex), &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	assert_false(cache_put(NULL, hex, json_null()));
	assert_null(cache_get(NULL, hex));
}

// Whatever is wrong with an entry, it is a miss.
static void damaged_entries_are_misses(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *folder = cache_folder(arena), *hex = key_of(arena, "damaged", "");
	json_t *value = json_pack("{s:s, s:i}", "text", "some text to be damaged, some text to be damaged", "n", 42);
	assert_true(cache_put(folder, hex, value));
	json_decref(value);
	const char *path = arena_printf(arena, "%s/%s.json.gz", folder, hex);
	struct stat is;
	assert_int_equal(stat(path, &is), 0);
	unsigned char bytes[512];
	auto_fd fd = open(path, O_RDWR);
	assert_int_equal(read(fd, bytes, sizeof bytes), is.st_size);
	for (off_t i = 0; i < is.st_size; i++) { // each byte damaged in turn
		unsigned char damaged = bytes[i] ^ 0x55;
		assert_int_equal(pwrite(fd, &damaged, 1, i), 1);
		json_t *got = cache_get(folder, hex);
		bool header = i >= 4 && i < 10; // time, system and the like mean nothing
		if (got != NULL) {
			assert_true(header);
			json_decref(got);
		}
		assert_int_equal(pwrite(fd, &bytes[i], 1, i), 1);
	}
	for (off_t length = is.st_size - 1; length >= 0; length--) { // cut off at each byte
		assert_int_equal(ftruncate(fd, length), 0);
		assert_null(cache_get(folder, hex));
	}
}

static void old_entries_go(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *folder = cache_folder(arena), *old = key_of(arena, "old", ""), *fresh = key_of(arena, "fresh", "");
	json_t *value = json_pack("{}");
	assert_true(cache_put(folder, old, value));
	struct timespec long_ago[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	const char *path = arena_printf(arena, "%s/%s.json.gz", folder, old);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	assert_true(cache_put(folder, fresh, value)); // cleaned up today already
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(utimensat(AT_FDCWD, arena_printf(arena, "%s/.pruned", folder), long_ago, 0), 0);
	assert_true(cache_put(folder, fresh, value));
	json_decref(value);
	assert_int_not_equal(access(path, F_OK), 0);
	json_t *kept = cache_get(folder, fresh);
	assert_non_null(kept);
	json_decref(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_tell_fields_apart), cmocka_unit_test(folder_is_private),
		cmocka_unit_test(folder_of_another_is_refused), cmocka_unit_test(values_come_back),
		cmocka_unit_test(damaged_entries_are_misses), cmocka_unit_test(old_entries_go),
	};
	test_folder_make();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_folder_remove();
	return failed;
}
