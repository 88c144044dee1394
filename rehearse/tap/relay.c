// SPDX-License-Identifier: PostgreSQL
// One client of the tap: its bytes, to the server and back. Messages are framed, looked at as far as protocol.c wants to see them,
// and passed on; the rest of a long one is passed as it comes, so that no row is ever held whole. What a stream holds is bounded, but for
// the text of a statement: a reader that is slow makes the tap stop reading. A peer that ends or breaks is treated as the other side would see
// it without the tap: what it has sent is delivered, then its end is.
#include "rehearse/tap/relay.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	OUT_MOST = 128 * 1024,      // a stream with more to write takes no more in
	KEPT_BYTES = 1024 * 1024,   // a buffer that grew beyond is given back
	CLIENT_MOST = 0x3fffffff,   // the server refuses longer messages (PQ_LARGE_MESSAGE_LIMIT)
	SERVER_MOST = 0x7fffffff,
	HEADER_BYTES = 5,
	STARTUP_BYTES = 8,
	SSL_REQUEST = 80877103, GSSENC_REQUEST = 80877104, CANCEL_REQUEST = 80877102,
};

uint32_t number_at(const char *bytes)
{
	uint32_t number;
	memcpy(&number, bytes, sizeof number);
	return be32toh(number);
}

void message_add(struct buf *out, char type, const void *body, size_t length)
{
	uint32_t whole = htobe32((uint32_t)length + 4);
	buf_addc(out, type);
	buf_add(out, &whole, sizeof whole);
	buf_add(out, body, length);
}

struct relay *relay_new(struct recorder *recorder, int client_fd, bool stranger)
{
	struct relay *relay = calloc(1, sizeof *relay);
	invariant(relay != NULL, "out of memory");
	*relay = (struct relay){ .recorder = recorder, .client_fd = client_fd, .server_fd = -1, .stranger = stranger,
	                         .cuttable = true, .strings_conform = true };
	relay->up.in = relay->up.out = relay->down.in = relay->down.out = (struct buf)BUF_INIT;
	relay->up.wanted = STARTUP_BYTES;
	relay->unsettled_end = &relay->unsettled;
	return relay;
}

void relay_free(struct relay *relay)
{
	protocol_end(relay);
	close(relay->client_fd);
	if (relay->server_fd >= 0)
		close(relay->server_fd);
	struct stream *streams[] = { &relay->up, &relay->down };
	for (size_t i = 0; i < 2; i++) {
		buf_release(&streams[i]->in);
		buf_release(&streams[i]->out);
	}
	free(relay->pending);
	free(relay);
}

void relay_blind(struct relay *relay)
{
	relay->up.left = relay->down.left = ULLONG_MAX;
	protocol_end(relay);
}

static size_t unread(const struct stream *stream)
{
	return stream->in.length - stream->at;
}

static size_t unsent(const struct stream *stream)
{
	return stream->out.length - stream->sent;
}

// Drops the first `n` bytes of what is left of a buffer.
static void consume(struct buf *buf, size_t *at, size_t n)
{
	*at += n;
	if (*at < buf->length)
		return;
	*at = 0;
	if (buf->size > KEPT_BYTES)
		buf_release(buf);
	else
		buf_reset(buf);
}

static void pass(struct stream *stream, size_t n)
{
	buf_add(&stream->out, stream->in.data + stream->at, n);
	consume(&stream->in, &stream->at, n);
}

// Moves what can be moved from `in` to `out`.
static void pump(struct relay *relay, struct stream *stream, uint32_t length_most, size_t (*look)(char type),
                 enum verdict (*see)(struct relay *relay, const struct message *message))
{
	for (;;) {
		size_t have = unread(stream), needed = 1;
		stream->wanted = 0;
		stream->full = unsent(stream) >= OUT_MOST;
		if (stream->full)
			return;
		if (stream->left == 0) {
			needed = HEADER_BYTES;
			const char *header = stream->in.data + stream->at;
			uint32_t length = have < HEADER_BYTES ? 0 : number_at(header + 1);
			if (have >= HEADER_BYTES && (length < 4 || length > length_most)) { // the receiver is to say so
				if (stream == &relay->down)
					relay_blind(relay);
				stream->left = ULLONG_MAX;
				continue;
			}
			if (have >= HEADER_BYTES) {
				struct message message = { .type = header[0], .body = header + HEADER_BYTES, .whole = length - 4 };
				size_t most = look(message.type);
				message.length = message.whole < most ? message.whole : most;
				needed = HEADER_BYTES + message.length;
				if (have >= needed) {
					enum verdict verdict = see(relay, &message);
					if (verdict == MESSAGE_WAITS)
						return;
					if (verdict == MESSAGE_DROPPED)
						consume(&stream->in, &stream->at, needed);
					else
						pass(stream, needed);
					if (verdict == MESSAGE_PASSES_FLUSHED)
						message_add(&stream->out, 'H', NULL, 0);
					stream->left = message.whole - message.length;
					continue;
				}
			}
		} else if (have > 0) {
			size_t n = have < stream->left ? have : (size_t)stream->left;
			pass(stream, n);
			stream->left -= stream->left == ULLONG_MAX ? 0 : n;
			continue;
		}
		if (stream->ended && have > 0) { // cut within a message: so is what the receiver gets
			pass(stream, have);
			continue;
		}
		stream->wanted = needed;
		return;
	}
}

// Answers in the server's place and ends.
static void refuse(struct relay *relay, const char *text)
{
	auto_buf body = BUF_INIT;
	static const char severity[] = "SFATAL\0VFATAL\0C08006\0M"; // its NUL is where the text goes
	buf_add(&body, severity, sizeof severity - 1);
	buf_add(&body, text, strlen(text) + 1);
	buf_addc(&body, '\0');
	message_add(&relay->down.out, 'E', body.data, body.length);
	relay->down.ended = relay->up.ended = relay->up.closed = true;
	relay->up.wanted = 0;
	relay->phase = RELAY_TALKING;
}

static void connect_to_server(struct relay *relay, const char *server_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, server_socket, sizeof address.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
		relay->server_fd = fd;
		relay->phase = RELAY_TALKING;
		return;
	}
	bool busy = errno == EAGAIN || errno == EMFILE || errno == ENFILE; // its queue of connections is long: again soon
	if (fd >= 0)
		close(fd);
	if (busy)
		relay->phase = RELAY_CONNECTING;
	else
		refuse(relay, "the server of the clone takes no connection");
}

// The first packets have no type. Requests for encryption are answered here; the rest is the server's.
static void start(struct relay *relay)
{
	struct stream *up = &relay->up;
	while (unread(up) >= STARTUP_BYTES) {
		const char *packet = up->in.data + up->at;
		uint32_t length = number_at(packet), code = number_at(packet + 4);
		if (length == STARTUP_BYTES && (code == SSL_REQUEST || code == GSSENC_REQUEST)) {
			consume(&up->in, &up->at, STARTUP_BYTES);
			buf_addc(&relay->down.out, 'N');
			continue;
		}
		if (relay->stranger) {
			refuse(relay, "the tap serves nobody but the user who runs the rehearsal");
			return;
		}
		bool startup = code >> 16 == 3 && length >= STARTUP_BYTES && length < CHUNK_BYTES;
		if (startup)
			relay->client = ++relay->recorder->n_clients;
		else // a cancel request, or what only the server can answer
			relay_blind(relay);
		up->left = startup ? length : ULLONG_MAX;
		up->wanted = 0; // nothing more is read before there is a server
		relay->phase = RELAY_CONNECTING;
		return;
	}
	up->wanted = STARTUP_BYTES;
	relay->over = up->ended && unsent(&relay->down) == 0;
}

static void take_in(struct stream *stream, int fd)
{
	char chunk[CHUNK_BYTES];
	ssize_t n = recv(fd, chunk, sizeof chunk, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { // a reset is an end as well
		stream->ended = true;
		return;
	}
	if (stream->at > 0) {
		memmove(stream->in.data, stream->in.data + stream->at, unread(stream));
		stream->in.length -= stream->at;
		stream->at = 0;
	}
	buf_add(&stream->in, chunk, (size_t)n);
}

// False: the receiver is gone.
static bool write_out(struct stream *stream, int fd)
{
	while (unsent(stream) > 0) {
		ssize_t n = send(fd, stream->out.data + stream->sent, unsent(stream), MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		consume(&stream->out, &stream->sent, (size_t)n);
	}
	return true;
}

static void server_is_gone(struct relay *relay)
{
	struct stream *up = &relay->up; // what it said last is still to be read
	consume(&up->in, &up->at, unread(up));
	consume(&up->out, &up->sent, unsent(up));
	up->ended = up->closed = true;
	up->wanted = 0;
}

short relay_client_events(const struct relay *relay)
{
	return (short)((relay->up.wanted > 0 && !relay->up.ended ? POLLIN : 0) | (unsent(&relay->down) > 0 ? POLLOUT : 0));
}

short relay_server_events(const struct relay *relay)
{
	return (short)((relay->down.wanted > 0 && !relay->down.ended ? POLLIN : 0) | (unsent(&relay->up) > 0 ? POLLOUT : 0));
}

void relay_step(struct relay *relay, const char *server_socket, bool client_ready, bool server_ready)
{
	struct stream *up = &relay->up, *down = &relay->down;
	if (client_ready && up->wanted > 0 && !up->ended)
		take_in(up, relay->client_fd);
	if (server_ready && down->wanted > 0 && !down->ended)
		take_in(down, relay->server_fd);
	if (relay->phase == RELAY_STARTING)
		start(relay);
	if (relay->phase == RELAY_CONNECTING)
		connect_to_server(relay, server_socket);
	bool was_full;
	do {
		if (relay->server_fd >= 0) {
			pump(relay, down, SERVER_MOST, server_look, see_server);
			if (!up->closed)
				pump(relay, up, CLIENT_MOST, client_look, see_client);
			if (!up->closed && !write_out(up, relay->server_fd))
				server_is_gone(relay);
		}
		if (!write_out(down, relay->client_fd)) {
			relay->over = true;
			return;
		}
		was_full = (up->full && unsent(up) == 0) || (down->full && unsent(down) == 0);
	} while (was_full);
	if (relay->phase != RELAY_TALKING)
		return;
	if (up->ended && !up->closed && unread(up) == 0 && unsent(up) == 0) {
		shutdown(relay->server_fd, SHUT_WR);
		up->closed = true;
		up->wanted = 0;
	}
	relay->over = down->ended && unread(down) == 0 && unsent(down) == 0;
}
