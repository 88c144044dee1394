// SPDX-License-Identifier: PostgreSQL
// What the files of the tap share: tap.c has the listeners, the thread and the list of clients; relay.c moves the bytes of one
// client and cuts them into messages; protocol.c knows what the messages mean and records statements; split.c plays
// a Query of several statements one by one. All of it happens in the tap's thread.
#ifndef REHEARSE_TAP_RELAY_H
#define REHEARSE_TAP_RELAY_H

#include <stdint.h>

#include "base/buf.h"
#include "rehearse/tap/tap.h"

struct arena;
struct split;

struct record {
	struct tapped tapped; // `tag` of a Query is kept while it runs
	bool skipped;         // the server passed over it after an error: it is no statement that ran
	struct record *unsettled; // the next that waits for a ReadyForQuery
};

struct recorder {
	struct tap_request request;
	struct arena *arena; // of the records and their texts
	struct record **records;
	size_t n_records, capacity;
	int n_clients;
};

// One direction.
struct stream {
	struct buf in, out;
	size_t at, sent;         // `in` is dealt with up to here; `out` has been written up to here
	unsigned long long left; // bytes of the present message that pass without a look
	size_t wanted;           // what must be in `in` before anything can go on; 0: something else is waited for
	bool full;               // it stopped because `out` is long
	bool ended;              // no more will be read
	bool closed;             // the receiver has been told so
};

// A message that the server owes an answer to.
struct pending {
	char type;          // of the client's message
	const char *sql;    // Parse, Bind
	struct record *record; // Query, Execute
};

// A prepared statement or a portal.
struct named {
	const char *name, *sql;
	struct named *next;
};

enum relay_phase { RELAY_STARTING, RELAY_CONNECTING, RELAY_TALKING };

struct relay {
	struct recorder *recorder;
	int client_fd, server_fd;
	enum relay_phase phase;
	bool stranger; // not one of our user's: to be refused
	bool over;     // to be removed
	struct stream up, down;

	int client;
	unsigned server_pid;
	char status;     // of the last ReadyForQuery; 0: none yet
	bool utf8, cuttable; // client_encoding; whether its texts can be cut into statements
	bool strings_conform;
	bool unsynced;   // messages of the extended protocol since the last Sync
	bool skipping;   // the server passes over everything until a Sync
	bool copying_in; // it takes CopyData
	struct pending *pending;
	size_t first_pending, n_pending, pending_capacity;
	struct named *statements, *portals;
	struct record *running;          // with callbacks: nothing else is passed before it ends
	struct record *unsettled, **unsettled_end; // ended since the last ReadyForQuery
	struct split *split;
};

struct message {
	char type;
	const char *body;
	size_t length; // of what is there of the body
	size_t whole;  // of the body
};

enum verdict {
	MESSAGE_PASSES,
	MESSAGE_PASSES_FLUSHED, // and a Flush behind it
	MESSAGE_DROPPED,        // what the receiver is to see instead has been put into `out`
	MESSAGE_WAITS,          // look again later
};

// relay.c
struct relay *relay_new(struct recorder *recorder, int client_fd, bool stranger);
void relay_free(struct relay *relay);
short relay_client_events(const struct relay *relay), relay_server_events(const struct relay *relay); // to poll for
void relay_step(struct relay *relay, const char *server_socket, bool client_ready, bool server_ready);
void relay_blind(struct relay *relay); // the framing is lost: from now on bytes are bytes
uint32_t number_at(const char *bytes); // as the protocol writes them
void message_add(struct buf *out, char type, const void *body, size_t length);

// protocol.c
size_t client_look(char type), server_look(char type); // how much of a body has to be seen at once
enum verdict see_client(struct relay *relay, const struct message *message);
enum verdict see_server(struct relay *relay, const struct message *message);
void protocol_end(struct relay *relay); // the connection is gone
struct record *record_start(struct relay *relay, const char *sql, size_t length, bool multiple, bool added);
void record_end(struct relay *relay, struct record *record);
void record_tag(struct relay *relay, struct record *record, const struct message *message); // it is complete
void record_failure(struct relay *relay, struct record *record, const struct message *message);
const char *message_field(const struct message *message, char field); // of an ErrorResponse or NoticeResponse; NULL: it has none

// split.c
bool split_start(struct relay *relay, const char *text);      // false: it is to be passed as it is
enum verdict split_see(struct relay *relay, const struct message *message); // what the server says meanwhile
void split_end(struct relay *relay);                          // the connection is gone
bool text_may_be_multiple(const char *text);

#endif
