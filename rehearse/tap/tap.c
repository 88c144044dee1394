// SPDX-License-Identifier: PostgreSQL
// The tap: its socket in a private folder, its loopback port, the thread that serves all clients with one poll(2), and the list of
// what they sent. The clone's server may let in whoever reaches it, and its socket is private; so the port, which anybody on the machine
// reaches, serves only the user who runs us: /proc/net/tcp says whose the other end is.
#include "rehearse/tap/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "migrations/scratch_folder.h"
#include "rehearse/tap/relay.h"

enum { RETRY_MS = 5, LISTENERS = 3 }; // the pipe that wakes the thread, the Unix socket, the port

enum stop { STOP_NOT, STOP_WAIT, STOP_NOW };

struct tap {
	struct recorder recorder;
	struct scratch_folder folder;
	int unix_fd, tcp_fd, port;
	int wake[2]; // a byte wakes the thread
	pthread_t thread;
	bool running;
	atomic_int stop;
	struct relay **relays;
	size_t n_relays, capacity;
	struct pollfd *fds; // of the listeners, then two for each relay
	bool starved;       // no descriptor was left for a client that waits
	struct err err;
	bool broken;
};

static bool tap_listen(struct tap *tap, struct err *err)
{
	struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof loopback;
	tap->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tap->tcp_fd < 0 || bind(tap->tcp_fd, (struct sockaddr *)&loopback, size) != 0 || listen(tap->tcp_fd, SOMAXCONN) != 0 ||
	    getsockname(tap->tcp_fd, (struct sockaddr *)&loopback, &size) != 0)
		return err_set(err, "tap", NULL, NULL, "no loopback port can be had: %s", strerror(errno));
	tap->port = ntohs(loopback.sin_port);

	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%d", tap->folder.path, tap->port);
	tap->unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tap->unix_fd < 0 || bind(tap->unix_fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(tap->unix_fd, SOMAXCONN) != 0)
		return err_set(err, "tap", address.sun_path, NULL, "no socket can be made: %s", strerror(errno));
	return true;
}

// Whether the other end of a loopback connection is a socket of our user's, or of root's. One that is closed already counts as
// nobody's: the kernel forgets whose it was.
static bool is_ours(const struct tap *tap, const struct sockaddr_in *peer)
{
	auto_file table = fopen("/proc/net/tcp", "re");
	char line[512];
	while (table != NULL && fgets(line, sizeof line, table) != NULL) {
		unsigned local, local_port, remote, remote_port, state, uid;
		if (sscanf(line, " %*u: %8X:%4X %8X:%4X %2X %*s %*s %*s %u", &local, &local_port, &remote, &remote_port, &state, &uid) == 6 &&
		    local == peer->sin_addr.s_addr && local_port == ntohs(peer->sin_port) && remote_port == (unsigned)tap->port &&
		    state == TCP_ESTABLISHED)
			return uid == geteuid() || uid == 0;
	}
	return false;
}

static void tap_accept(struct tap *tap, int listener)
{
	for (;;) {
		struct sockaddr_in peer = { 0 };
		socklen_t size = sizeof peer;
		bool tcp = listener == tap->tcp_fd;
		int fd = accept4(listener, tcp ? (struct sockaddr *)&peer : NULL, tcp ? &size : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		tap->starved = fd < 0 && errno != EAGAIN;
		if (fd < 0)
			return;
		if (tcp)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
		if (tap->n_relays == tap->capacity) {
			tap->capacity = tap->capacity == 0 ? 8 : tap->capacity * 2;
			tap->relays = reallocarray(tap->relays, tap->capacity, sizeof *tap->relays);
			tap->fds = reallocarray(tap->fds, LISTENERS + 2 * tap->capacity, sizeof *tap->fds);
			invariant(tap->relays != NULL && tap->fds != NULL, "out of memory");
		}
		tap->relays[tap->n_relays++] = relay_new(&tap->recorder, fd, tcp && !is_ours(tap, &peer));
	}
}

static struct pollfd wanted(int fd, short events)
{
	return (struct pollfd){ .fd = events != 0 ? fd : -1, .events = events }; // of -1 not even a hang-up is told
}

// Waits for something to do. Returns what poll does.
static int wait_for_work(struct tap *tap)
{
	bool retry = tap->starved, last = atomic_load(&tap->stop) == STOP_WAIT && tap->n_relays == 0;
	tap->fds[0] = wanted(tap->wake[0], POLLIN);
	tap->fds[1] = wanted(tap->unix_fd, tap->starved ? 0 : POLLIN);
	tap->fds[2] = wanted(tap->tcp_fd, tap->starved ? 0 : POLLIN);
	for (size_t i = 0; i < tap->n_relays; i++) {
		const struct relay *relay = tap->relays[i];
		tap->fds[LISTENERS + 2 * i] = wanted(relay->client_fd, relay_client_events(relay));
		tap->fds[LISTENERS + 2 * i + 1] = wanted(relay->server_fd, relay->server_fd < 0 ? 0 : relay_server_events(relay));
		retry |= relay->phase == RELAY_CONNECTING;
	}
	return poll(tap->fds, LISTENERS + 2 * tap->n_relays, retry ? RETRY_MS : last ? 0 : -1);
}

static void *serve(void *argument)
{
	struct tap *tap = argument;
	while (atomic_load(&tap->stop) != STOP_NOW) {
		int n = wait_for_work(tap);
		if (n < 0 && errno != EINTR) {
			tap->broken = !err_set(&tap->err, "tap", NULL, NULL, "the tap cannot wait for its clients: %s", strerror(errno));
			break;
		}
		if (n < 0)
			continue;
		char byte;
		if (tap->fds[0].revents != 0 && read(tap->wake[0], &byte, 1) == 1)
			continue;
		if (n == 0 && tap->n_relays == 0 && !tap->starved && atomic_load(&tap->stop) == STOP_WAIT)
			break;
		bool unix_waits = tap->starved || tap->fds[1].revents != 0, tcp_waits = tap->starved || tap->fds[2].revents != 0;
		size_t n_kept = 0;
		for (size_t i = 0; i < tap->n_relays; i++) {
			struct relay *relay = tap->relays[i];
			bool client_ready = tap->fds[LISTENERS + 2 * i].revents != 0, server_ready = tap->fds[LISTENERS + 2 * i + 1].revents != 0;
			if (client_ready || server_ready || relay->phase == RELAY_CONNECTING)
				relay_step(relay, tap->recorder.request.server_socket, client_ready, server_ready);
			if (relay->over)
				relay_free(relay);
			else
				tap->relays[n_kept++] = relay;
		}
		tap->n_relays = n_kept;
		if (unix_waits)
			tap_accept(tap, tap->unix_fd);
		if (tcp_waits)
			tap_accept(tap, tap->tcp_fd);
	}
	for (size_t i = 0; i < tap->n_relays; i++)
		relay_free(tap->relays[i]);
	tap->n_relays = 0;
	return NULL;
}

static void tap_free(struct tap *tap)
{
	int fds[] = { tap->unix_fd, tap->tcp_fd, tap->wake[0], tap->wake[1] };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	scratch_folder_close(&tap->folder);
	arena_free(tap->recorder.arena);
	free(tap->relays);
	free(tap->fds);
	free(tap);
}

struct tap *tap_start(const struct tap_request *request, struct err *err)
{
	struct sockaddr_un address;
	if (strlen(request->server_socket) >= sizeof address.sun_path) {
		err_set(err, "tap", request->server_socket, NULL, "the path of the clone's socket is too long");
		return NULL;
	}
	struct tap *tap = calloc(1, sizeof *tap);
	invariant(tap != NULL, "out of memory");
	*tap = (struct tap){ .unix_fd = -1, .tcp_fd = -1, .wake = { -1, -1 }, .folder.lock = -1 };
	tap->recorder = (struct recorder){ .request = *request, .arena = arena_new() };
	tap->recorder.request.server_socket = arena_strdup(tap->recorder.arena, request->server_socket);
	tap->fds = calloc(LISTENERS, sizeof *tap->fds);
	invariant(tap->fds != NULL, "out of memory");
	struct run_user ourselves = { "the current user", geteuid(), getegid(), false };
	bool ok = scratch_folder_open(&tap->folder, &ourselves, err) && tap_listen(tap, err);
	if (ok && pipe2(tap->wake, O_CLOEXEC | O_NONBLOCK) != 0)
		ok = err_set(err, "tap", NULL, NULL, "no pipe can be made: %s", strerror(errno));
	if (ok && pthread_create(&tap->thread, NULL, serve, tap) != 0)
		ok = err_set(err, "tap", NULL, NULL, "no thread can be started");
	if (ok)
		return tap;
	snprintf(err->code, sizeof err->code, "tap");
	tap_free(tap);
	return NULL;
}

const char *tap_folder(const struct tap *tap)
{
	return tap->folder.path;
}

int tap_port(const struct tap *tap)
{
	return tap->port;
}

struct tapped *tap_stop(struct tap *tap, struct arena *arena, bool wait, size_t *n, struct err *err)
{
	atomic_store(&tap->stop, wait ? STOP_WAIT : STOP_NOW);
	while (write(tap->wake[1], "", 1) < 0 && errno == EINTR)
		;
	pthread_join(tap->thread, NULL);
	const struct recorder *recorder = &tap->recorder;
	struct tapped *list = arena_array(arena, recorder->n_records + 1, sizeof *list);
	*n = 0;
	for (size_t i = 0; i < recorder->n_records; i++) {
		const struct record *record = recorder->records[i];
		if (record->skipped)
			continue;
		struct tapped *tapped = &list[(*n)++];
		*tapped = record->tapped;
		tapped->sql = arena_strdup(arena, tapped->sql);
		tapped->tag = arena_strdup(arena, tapped->tag);
		tapped->error = arena_strdup(arena, tapped->error);
		tapped->sqlstate = arena_strdup(arena, tapped->sqlstate);
	}
	if (tap->broken) {
		*err = tap->err;
		list = NULL;
	}
	tap_free(tap);
	return list;
}
