// SPDX-License-Identifier: PostgreSQL
// The PostgreSQL protocol by hand, for tests of the tap: a connection whose bytes are seen. Nothing here waits longer than RAW_WAIT_MS for
// its peer: a test that would hang fails.
#ifndef TESTS_TAP_RAW_H
#define TESTS_TAP_RAW_H

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"

enum { RAW_WAIT_MS = 120000 };

static inline void raw_message(struct buf *out, char type, const void *body, size_t length)
{
	uint32_t whole = htobe32((uint32_t)length + 4);
	buf_addc(out, type);
	buf_add(out, &whole, sizeof whole);
	buf_add(out, body, length);
}

static inline void raw_startup(struct buf *out, const char *user, const char *database)
{
	auto_buf body = BUF_INIT;
	uint32_t version = htobe32(3 << 16);
	buf_add(&body, &version, sizeof version);
	const char *const words[] = { "user", user, "database", database };
	for (size_t i = 0; i < 4; i++)
		buf_add(&body, words[i], strlen(words[i]) + 1);
	buf_addc(&body, '\0');
	uint32_t whole = htobe32((uint32_t)body.length + 4);
	buf_add(out, &whole, sizeof whole);
	buf_add(out, body.data, body.length);
}

// False: the peer is gone, which is no failure.
static inline bool raw_write(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

static inline void raw_send(int fd, char type, const void *body, size_t length)
{
	auto_buf message = BUF_INIT;
	raw_message(&message, type, body, length);
	raw_write(fd, message.data, message.length);
}

// What is there; 0 at the end, or when it is reset.
static inline size_t raw_read(int fd, char *bytes, size_t size)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	if (poll(&wait, 1, RAW_WAIT_MS) != 1)
		fail_msg("the peer neither answers nor ends");
	ssize_t n = recv(fd, bytes, size, 0);
	return n > 0 ? (size_t)n : 0;
}

// The next message: its type (0: the end) and its body.
static inline char raw_receive(int fd, struct buf *body)
{
	char header[5], chunk[4096];
	for (size_t have = 0, n; have < sizeof header; have += n) {
		if ((n = raw_read(fd, header + have, sizeof header - have)) == 0)
			return 0;
	}
	uint32_t length;
	memcpy(&length, header + 1, sizeof length);
	for (size_t left = be32toh(length) - 4, n; left > 0; left -= n) {
		if ((n = raw_read(fd, chunk, left < sizeof chunk ? left : sizeof chunk)) == 0)
			return 0;
		buf_add(body, chunk, n);
	}
	return header[0];
}

// Reads until a message of the type. Returns the backend's pid, if it was told on the way.
static inline unsigned raw_until(int fd, char wanted)
{
	unsigned pid = 0;
	for (char type = 0; type != wanted;) {
		auto_buf body = BUF_INIT;
		type = raw_receive(fd, &body);
		if (type == 0)
			fail_msg("the connection ended");
		if (type == 'K') {
			memcpy(&pid, body.data, sizeof pid);
			pid = be32toh(pid);
		}
	}
	return pid;
}

static inline int raw_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	assert_true(length < sizeof address.sun_path);
	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

static inline int raw_connect(const char *path, const char *user, const char *database)
{
	auto_buf startup = BUF_INIT;
	raw_startup(&startup, user, database);
	int fd = raw_socket(path);
	raw_write(fd, startup.data, startup.length);
	return fd;
}

#endif
