// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/sql.h"

static void arena_keeps_everything(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *texts[2000];
	for (size_t i = 0; i < 2000; i++)
		texts[i] = arena_printf(arena, "%zu:%0*d", i, (int)(i % 700), 0);
	for (size_t i = 0; i < 2000; i++) {
		char want[1024];
		snprintf(want, sizeof want, "%zu:%0*d", i, (int)(i % 700), 0);
		assert_string_equal(texts[i], want);
	}
	char *large = arena_alloc(arena, 1 << 20);
	for (size_t i = 0; i < 1 << 20; i++)
		assert_int_equal(large[i], 0);
	assert_true(arena_bytes(arena) >= 1 << 20);
}

static void arena_grows_arrays(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	size_t capacity = 0;
	int *numbers = NULL;
	for (size_t i = 0; i < 1000; i++) {
		numbers = arena_grow(arena, numbers, i, &capacity, sizeof *numbers);
		numbers[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
}

static void buf_is_always_a_string(void **state)
{
	(void)state;
	auto_buf buf = BUF_INIT;
	assert_string_equal(buf.data, "");
	buf_addf(&buf, "%d-%s", 7, "x");
	buf_adds(&buf, NULL);
	buf_addc(&buf, '!');
	assert_string_equal(buf.data, "7-x!");
	buf_reset(&buf);
	assert_string_equal(buf.data, "");
}

static void err_may_quote_itself(void **state)
{
	(void)state;
	struct err err;
	assert_false(err_set(&err, "code", "here", "do this", "broken\n"));
	assert_false(err_set(&err, "other", err.where, err.hint, "again: %s", err.text));
	assert_string_equal(err.code, "other");
	assert_string_equal(err.where, "here");
	assert_string_equal(err.hint, "do this");
	assert_string_equal(err.text, "again: broken");
}

static void sql_quotes_what_must_be(void **state)
{
	(void)state;
	static const struct { const char *name, *quoted; } cases[] = {
		{ "users", "users" }, { "Users", "\"Users\"" }, { "order", "\"order\"" }, { "a\"b", "\"a\"\"b\"" },
		{ "1a", "\"1a\"" }, { "_a1", "_a1" }, { "na\xc3\xafve", "\"na\xc3\xafve\"" }, { "", "\"\"" }, { "a.b", "\"a.b\"" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_buf buf = BUF_INIT;
		sql_ident(&buf, cases[i].name);
		assert_string_equal(buf.data, cases[i].quoted);
	}
	auto_buf literal = BUF_INIT;
	sql_literal(&literal, "it's");
	sql_literal(&literal, "a\\'b");
	assert_string_equal(literal.data, "'it''s'E'a\\\\''b'");
}

static void sql_splits_names(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *parts[4];
	assert_int_equal(sql_name_split(arena, "public.\"a.\"\"b\".c", parts, 4), 3);
	assert_string_equal(parts[0], "public");
	assert_string_equal(parts[1], "a.\"b");
	assert_string_equal(parts[2], "c");
	assert_int_equal(sql_name_split(arena, "a..b", parts, 4), 0);
	assert_int_equal(sql_name_split(arena, "\"a", parts, 4), 0);
	assert_int_equal(sql_name_split(arena, "", parts, 4), 0);
	assert_int_equal(sql_name_split(arena, "a.b.c.d.e", parts, 4), 0);
}

static void digest_writes_hex(void **state)
{
	(void)state;
	char hex[DIGEST_SHA256_HEX];
	digest_sha256_hex("hello", 5, hex);
	assert_string_equal(hex, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	digest_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_keeps_everything), cmocka_unit_test(arena_grows_arrays),
		cmocka_unit_test(buf_is_always_a_string), cmocka_unit_test(err_may_quote_itself),
		cmocka_unit_test(sql_quotes_what_must_be), cmocka_unit_test(sql_splits_names),
		cmocka_unit_test(digest_writes_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
