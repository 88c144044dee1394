// SPDX-License-Identifier: PostgreSQL
// The tap between peers that break: a conversation that ends after each of its bytes, on either side, and messages made up from a
// fixed seed. It must neither crash nor hang nor harm another client, and what it passes on must be what it was given.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/tap_env.h"

static void note_before(void *argument, const struct tapped *statement)
{
	(void)statement;
	++*(int *)argument;
}

static void note_after(void *argument, const struct tapped *statement)
{
	(void)statement;
	--*(int *)argument;
}

// As it passes all through, cuts Queries, and does one statement after the other.
enum mode { MODE_PLAIN, MODE_SPLIT, MODE_SERIAL, N_MODES };

struct setting {
	struct tap *tap;
	char path[128];       // of the tap's socket
	int fake;             // listens in the server's place; -1: a real one does
	int other, served;    // a well-behaved client, and its server's end
	int n_open;           // statements between before() and after()
};

static struct setting *setting_open(enum mode mode, bool real)
{
	struct setting *setting = calloc(1, sizeof *setting);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/fake", test_folder);
	setting->fake = setting->served = -1;
	if (!real) {
		unlink(address.sun_path);
		setting->fake = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(setting->fake, (struct sockaddr *)&address, sizeof address), 0);
		assert_int_equal(listen(setting->fake, 8), 0);
	}
	struct tap_request request = { .server_socket = real ? server_socket : address.sun_path, .split = mode != MODE_PLAIN };
	if (mode == MODE_SERIAL) {
		request.before = note_before;
		request.after = note_after;
		request.argument = &setting->n_open;
	}
	struct err err;
	setting->tap = tap_start(&request, &err);
	assert_non_null(setting->tap);
	snprintf(setting->path, sizeof setting->path, "%s/.s.PGSQL.%d", tap_folder(setting->tap), tap_port(setting->tap));
	setting->other = raw_connect(setting->path, user, database);
	if (!real) {
		setting->served = accept(setting->fake, NULL, NULL);
		raw_send(setting->served, 'Z', "I", 1);
	}
	raw_until(setting->other, 'Z');
	return setting;
}

// The well-behaved client still gets its answers.
static void other_goes_on(struct setting *setting)
{
	static const char sql[] = "select 1", tag[] = "SELECT 1";
	raw_send(setting->other, 'Q', sql, sizeof sql);
	if (setting->served >= 0) {
		char byte = 0, startup[1024];
		while (byte != 'Q') { // its startup packet has no Q
			byte = 0;
			assert_true(raw_read(setting->served, &byte, 1) == 1);
		}
		for (size_t have = 0; have < 4 + sizeof sql;)
			have += raw_read(setting->served, startup, 4 + sizeof sql - have);
		raw_send(setting->served, 'C', tag, sizeof tag);
		raw_send(setting->served, 'Z', "I", 1);
	}
	raw_until(setting->other, 'Z');
}

// All ends although nobody told the tap to hurry, and every statement has ended.
static void setting_close(struct setting *setting)
{
	auto_arena arena = arena_new();
	other_goes_on(setting);
	close(setting->other);
	if (setting->served >= 0)
		close(setting->served);
	struct err err;
	size_t n;
	struct tapped *list = tap_stop(setting->tap, arena, true, &n, &err);
	assert_non_null(list);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_true(list[i].sent_us > 0 && list[i].done_us >= list[i].sent_us);
	assert_int_equal(setting->n_open, 0);
	if (setting->fake >= 0)
		close(setting->fake);
	free(setting);
}

static void query(struct buf *out, const char *sql)
{
	raw_message(out, 'Q', sql, strlen(sql) + 1);
}

// A conversation of each sort of message, as a client that waits for nothing sends it.
static void conversation(struct buf *out)
{
	static const char parse[] = "s\0select $1::int\0\0", bind[] = "\0s\0\0\0\0\1\0\0\0\1" "7\0", describe[] = "P",
	                  execute[] = "\0\0\0\0", execute_few[] = "\0\0\0\0\1", row[] = "1\n2\n", ssl[] = "\0\0\0\10\4\322\26\57";
	buf_add(out, ssl, 8);
	raw_startup(out, user, database);
	query(out, "select 1");
	query(out, "select 2; select 'x'; do $$begin raise notice 'n'; end$$; select nothing; select 3");
	query(out, "create temp table f (a int); copy f from stdin; select count(*) from f");
	raw_message(out, 'd', row, strlen(row));
	raw_message(out, 'c', NULL, 0);
	raw_message(out, 'P', parse, sizeof parse);
	raw_message(out, 'B', bind, sizeof bind);
	raw_message(out, 'D', describe, sizeof describe);
	raw_message(out, 'E', execute, 5);
	raw_message(out, 'B', "\0none\0\0\0\0\0\0", 12);
	raw_message(out, 'E', execute_few, 5);
	raw_message(out, 'S', NULL, 0);
	raw_message(out, 'C', "Ss", 3);
	raw_message(out, 'H', NULL, 0);
	raw_message(out, 'S', NULL, 0);
	query(out, "begin; select 1; commit; select 4");
	raw_message(out, 'X', NULL, 0);
}

// What the real server answers it, without the request for encryption: it takes nothing that is sent before its 'N'.
static void recorded(const struct buf *client, struct buf *server)
{
	char chunk[4096];
	auto_fd fd = raw_socket(server_socket);
	raw_write(fd, client->data + 8, client->length - 8);
	for (size_t n; (n = raw_read(fd, chunk, sizeof chunk)) > 0;)
		buf_add(server, chunk, n);
}

// The client says what it has, then, if it is to, that it has no more; the server, once it is asked, what it has, and is gone. Returns
// when the client has read the end.
static void converse(struct setting *setting, const char *client, size_t client_length, bool ends, const struct buf *server, struct buf *received)
{
	char chunk[4096];
	auto_fd fd = raw_socket(setting->path);
	raw_write(fd, client, client_length);
	if (ends)
		shutdown(fd, SHUT_WR);
	for (;;) {
		struct pollfd wait[] = { { fd, POLLIN, 0 }, { setting->fake, POLLIN, 0 } };
		assert_true(poll(wait, 2, RAW_WAIT_MS) > 0);
		if (wait[1].revents != 0) {
			auto_fd served = accept(setting->fake, NULL, NULL);
			raw_write(served, server->data, server->length);
			continue;
		}
		size_t n = raw_read(fd, chunk, sizeof chunk);
		if (n == 0)
			return;
		buf_add(received, chunk, n);
	}
}

static void server_dies_at_any_byte(void **state)
{
	(void)state;
	auto_buf client = BUF_INIT, server = BUF_INIT;
	conversation(&client);
	recorded(&client, &server);
	assert_true(server.length > 1000);
	for (enum mode mode = 0; mode < N_MODES; mode++) {
		struct setting *setting = setting_open(mode, false);
		for (size_t cut = 0; cut <= server.length; cut++) {
			auto_buf received = BUF_INIT;
			struct buf part = { server.data, cut, 0 };
			converse(setting, client.data, client.length, false, &part, &received);
			assert_int_equal(received.data[0], 'N');
			if (mode == MODE_PLAIN) { // byte by byte what it was given
				assert_int_equal(received.length, 1 + cut);
				assert_memory_equal(received.data + 1, server.data, cut);
			}
			if (cut % 64 == 0)
				other_goes_on(setting);
		}
		setting_close(setting);
	}
}

static void client_dies_at_any_byte(void **state)
{
	(void)state;
	auto_buf client = BUF_INIT;
	conversation(&client);
	for (enum mode mode = 0; mode < N_MODES; mode++) {
		struct setting *setting = setting_open(mode, true);
		for (size_t cut = 0; cut <= client.length; cut++) {
			auto_fd fd = raw_socket(setting->path);
			char chunk[4096];
			raw_write(fd, client.data, cut);
			if (cut % 2 == 0) { // else it is gone without having read anything
				shutdown(fd, SHUT_WR);
				while (raw_read(fd, chunk, sizeof chunk) > 0)
					;
			}
			if (cut % 64 == 0)
				other_goes_on(setting);
		}
		setting_close(setting);
	}
}

// What the server got of the client's bytes is what was sent: nothing is lost, added or changed without split and callbacks.
static void bytes_arrive_unchanged(void **state)
{
	(void)state;
	auto_buf client = BUF_INIT, got = BUF_INIT;
	char chunk[4096];
	conversation(&client);
	struct setting *setting = setting_open(MODE_PLAIN, false);
	auto_fd fd = raw_socket(setting->path);
	for (size_t i = 0; i < client.length; i++) // byte by byte, so that all is cut everywhere
		raw_write(fd, client.data + i, 1);
	shutdown(fd, SHUT_WR);
	int served = accept(setting->fake, NULL, NULL);
	for (size_t n; (n = raw_read(served, chunk, sizeof chunk)) > 0;)
		buf_add(&got, chunk, n);
	close(served);
	assert_int_equal(got.length, client.length - 8);
	assert_memory_equal(got.data, client.data + 8, got.length);
	setting_close(setting);
}

static uint64_t next_random(uint64_t *seed) // xorshift64
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

// Messages of known and unknown types, of right and wrong lengths, and now and then a cut.
static void made_up(struct buf *out, uint64_t *seed, const char *types)
{
	static const char *const bodies[] = { "", "select 1", "select 1; select 2", "I", "T", "COMMIT", "s", "begin; commit; x", "SERROR", "CXX000" };
	for (size_t i = 0, n = next_random(seed) % 24; i < n; i++) {
		auto_buf body = BUF_INIT;
		uint64_t dice = next_random(seed);
		const char *text = bodies[(dice >> 8) % (sizeof bodies / sizeof *bodies)];
		if (dice % 4 != 0)
			buf_add(&body, text, strlen(text) + (dice >> 16 & 1));
		else
			for (size_t length = next_random(seed) % 300; length > 0; length--)
				buf_addc(&body, (char)next_random(seed));
		char type = (dice >> 24) % 16 == 0 ? (char)(dice >> 32) : types[(dice >> 32) % strlen(types)];
		size_t at = out->length;
		raw_message(out, type, body.data, body.length);
		if ((dice >> 48) % 12 == 0)
			out->data[at + 1 + (dice >> 52) % 4] = (char)(dice >> 56);
		if ((dice >> 40) % 24 == 0)
			out->length -= 1 + (dice >> 44) % 5;
	}
}

static void garbage_from_both_sides(void **state)
{
	(void)state;
	uint64_t seed = 20240229;
	for (enum mode mode = 0; mode < N_MODES; mode++) {
		struct setting *setting = setting_open(mode, false);
		for (int i = 0; i < 1500; i++) {
			auto_buf client = BUF_INIT, server = BUF_INIT, received = BUF_INIT;
			if (i % 16 != 0)
				raw_startup(&client, user, database);
			made_up(&client, &seed, "QPBEDSCHFdcfpXQQSE");
			if (i % 4 != 0)
				raw_message(&server, 'Z', "I", 1);
			made_up(&server, &seed, "RKSZCIENTDGHWdc123nstAvZZC");
			converse(setting, client.data, client.length, true, &server, &received);
			if (i % 64 == 0)
				other_goes_on(setting);
		}
		setting_close(setting);
	}
}

static void garbage_for_a_real_server(void **state)
{
	(void)state;
	uint64_t seed = 19960708;
	for (enum mode mode = 0; mode < N_MODES; mode++) {
		struct setting *setting = setting_open(mode, true);
		for (int i = 0; i < 150; i++) {
			auto_buf client = BUF_INIT;
			char chunk[4096];
			raw_startup(&client, user, database);
			made_up(&client, &seed, "QPBEDSCHFdcfQQSE");
			auto_fd fd = raw_socket(setting->path);
			raw_write(fd, client.data, client.length);
			shutdown(fd, SHUT_WR);
			while (raw_read(fd, chunk, sizeof chunk) > 0)
				;
			if (i % 64 == 0)
				other_goes_on(setting);
		}
		setting_close(setting);
	}
}

int main(void)
{
	test_folder_make();
	int missing = postgresql_missing();
	if (missing != 0) {
		test_folder_remove();
		return missing;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_unchanged),
		cmocka_unit_test(server_dies_at_any_byte),
		cmocka_unit_test(client_dies_at_any_byte),
		cmocka_unit_test(garbage_from_both_sides),
		cmocka_unit_test(garbage_for_a_real_server),
	};
	int failed = cmocka_run_group_tests(tests, open_scratch, close_scratch);
	test_folder_remove();
	return failed;
}
