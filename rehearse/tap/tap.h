// SPDX-License-Identifier: PostgreSQL
// A relay between a client and the clone's server that passes every byte through unchanged and records each statement with its
// times: so that migrations of any framework (`--exec 'bin/rails db:migrate'`) are seen statement by statement.
#ifndef REHEARSE_TAP_TAP_H
#define REHEARSE_TAP_TAP_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct tapped {
	int client;              // which connection, from 1
	unsigned server_pid;     // of its backend
	const char *sql;         // of a Query, or of the Parse that an Execute ran
	double sent_us, done_us; // of clock_us: handed to the server; its CommandComplete, EmptyQuery or error came back, or the connection was lost
	char status;             // of the ReadyForQuery that followed: I, T, E; 0: none yet
	const char *tag;         // "CREATE TABLE"; "": an empty query or a portal with more rows; NULL: it failed or was not finished
	const char *error, *sqlstate;
	bool multiple;           // one of several statements of one Query; as sent: all of them, with the last one's tag
	bool added;              // the tap's own BEGIN, COMMIT or ROLLBACK around such statements
};

struct tap_request {
	const char *server_socket; // path of the clone's Unix socket
	// Called before a Query or Execute is passed on and after its end (or the loss of its connection), in the tap's thread; may run
	// statements elsewhere meanwhile (nothing is passed until it returns). Then the statements of a client go one after the other even
	// if it pipelines them, each Execute with a Flush behind it. Both NULL: only recorded, and the messages are the client's own.
	void (*before)(void *argument, const struct tapped *statement);
	void (*after)(void *argument, const struct tapped *statement);
	void *argument;
	// A Query of several statements is passed as BEGIN, its statements one by one, COMMIT (false: as it was sent).
	bool split;
};

struct tap;

// Listens on a Unix socket in a folder of its own and on a loopback port. Errors: code "tap".
struct tap *tap_start(const struct tap_request *request, struct err *err);
const char *tap_folder(const struct tap *tap); // for PGHOST
int tap_port(const struct tap *tap);           // of both

// Ends it when the clients are gone or `wait` is false; the recorded statements in the order of their sending.
struct tapped *tap_stop(struct tap *tap, struct arena *arena, bool wait, size_t *n, struct err *err);

#endif
