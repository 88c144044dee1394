// SPDX-License-Identifier: PostgreSQL
// What the messages of the frontend/backend protocol 3 mean to the tap: which statement an answer belongs to, when it ends, and
// whether the next may be passed on. Source: the manual, "Message Flow" and "Message Formats"; what the server does with messages in a
// COPY or after an error: postgres.c (ignore_till_sync) and copyfromparse.c (CopyGetData). Nothing here moves bytes.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "rehearse/tap/relay.h"

enum {
	TEXT_MOST = 64 * 1024 * 1024,   // a Query that is longer is passed as it comes, and never cut into statements
	RECORDED_MOST = 1024 * 1024,    // of a statement's text
	NAMES_MOST = 16 * 1024,         // (a notification has 8000 bytes at most)
	REPORT_MOST = 64 * 1024,        // of an error or notice
	PENDING_MOST = 1 << 20,
};

// Which messages are looked into, and how far.
struct look {
	char type;
	size_t most;
};

static const struct look client_looks[] = {
	{ 'Q', TEXT_MOST }, { 'P', TEXT_MOST }, { 'B', NAMES_MOST }, { 'E', NAMES_MOST }, { 'C', NAMES_MOST }, { 0 }
};
static const struct look server_looks[] = {
	{ 'C', NAMES_MOST }, { 'E', REPORT_MOST }, { 'N', REPORT_MOST }, { 'Z', 1 }, { 'K', 4 }, { 'S', NAMES_MOST }, { 'A', NAMES_MOST },
	{ 0 }
};

// What the server answers a message with when it is done with it. (CopyDone and CopyFail have no answer of their own.)
static const struct {
	char type;
	const char *answers;
} answered[] = {
	{ 'Q', "Z" }, { 'S', "Z" }, { 'F', "Z" }, { 'P', "1" }, { 'B', "2" }, { 'C', "3" }, { 'D', "Tn" }, { 'E', "CIs" }, { 'c', "" },
	{ 'f', "" },
};

static bool is_one_of(char type, const char *types)
{
	return type != '\0' && strchr(types, type) != NULL;
}

static size_t look_of(const struct look *looks, char type)
{
	while (looks->type != 0 && looks->type != type)
		looks++;
	return looks->most;
}

size_t client_look(char type)
{
	return look_of(client_looks, type);
}

size_t server_look(char type)
{
	return look_of(server_looks, type);
}

const char *message_field(const struct message *message, char field)
{
	const char *at = message->body, *end = at + message->length;
	while (at < end && *at != '\0') {
		const char *text = at + 1, *nul = memchr(text, '\0', (size_t)(end - text));
		if (nul == NULL)
			return NULL;
		if (*at == field)
			return text;
		at = nul + 1;
	}
	return NULL;
}

// Records

static bool has_callbacks(const struct relay *relay)
{
	return relay->recorder->request.before != NULL || relay->recorder->request.after != NULL;
}

struct record *record_start(struct relay *relay, const char *sql, size_t length, bool multiple, bool added)
{
	struct recorder *recorder = relay->recorder;
	struct record *record = arena_alloc(recorder->arena, sizeof *record);
	if (length > RECORDED_MOST) {
		for (length = RECORDED_MOST; length > RECORDED_MOST - 4 && ((unsigned char)sql[length] & 0xc0) == 0x80;)
			length--;
	}
	record->tapped = (struct tapped){ .client = relay->client, .server_pid = relay->server_pid, .multiple = multiple, .added = added,
	                                  .sql = arena_strndup(recorder->arena, sql, length) };
	recorder->records = arena_grow(recorder->arena, recorder->records, recorder->n_records, &recorder->capacity, sizeof *recorder->records);
	recorder->records[recorder->n_records++] = record;
	if (recorder->request.before != NULL)
		recorder->request.before(recorder->request.argument, &record->tapped);
	record->tapped.sent_us = (double)clock_us();
	return record;
}

void record_end(struct relay *relay, struct record *record)
{
	const struct tap_request *request = &relay->recorder->request;
	if (record->tapped.done_us == 0)
		record->tapped.done_us = (double)clock_us();
	if (record->tapped.error != NULL)
		record->tapped.tag = NULL;
	if (relay->running == record)
		relay->running = NULL;
	if (request->after != NULL)
		request->after(request->argument, &record->tapped);
}

void record_failure(struct relay *relay, struct record *record, const struct message *message)
{
	const char *text = message_field(message, 'M'), *sqlstate = message_field(message, 'C');
	record->tapped.done_us = (double)clock_us();
	record->tapped.error = arena_strdup(relay->recorder->arena, text == NULL ? "" : text);
	record->tapped.sqlstate = arena_strdup(relay->recorder->arena, sqlstate == NULL ? "" : sqlstate);
}

void record_tag(struct relay *relay, struct record *record, const struct message *message)
{
	record->tapped.done_us = (double)clock_us();
	record->tapped.tag = arena_strndup(relay->recorder->arena, message->body, message->type == 'C' ? strnlen(message->body, message->length) : 0);
}

static void unsettle(struct relay *relay, struct record *record)
{
	record->unsettled = NULL;
	*relay->unsettled_end = record;
	relay->unsettled_end = &record->unsettled;
}

static void settle(struct relay *relay, char status)
{
	for (struct record *record = relay->unsettled; record != NULL; record = record->unsettled)
		record->tapped.status = status;
	relay->unsettled = NULL;
	relay->unsettled_end = &relay->unsettled;
}

// What the server owes

static struct pending *first(struct relay *relay)
{
	return relay->n_pending > 0 ? &relay->pending[relay->first_pending] : NULL;
}

static void push(struct relay *relay, struct pending pending)
{
	if (relay->first_pending + relay->n_pending == relay->pending_capacity) {
		if (relay->first_pending >= relay->pending_capacity / 2 && relay->first_pending > 0) {
			memmove(relay->pending, relay->pending + relay->first_pending, relay->n_pending * sizeof pending);
			relay->first_pending = 0;
		} else {
			relay->pending_capacity = relay->pending_capacity == 0 ? 16 : relay->pending_capacity * 2;
			relay->pending = reallocarray(relay->pending, relay->pending_capacity, sizeof pending);
			invariant(relay->pending != NULL, "out of memory");
		}
	}
	relay->pending[relay->first_pending + relay->n_pending++] = pending;
}

static struct pending pop(struct relay *relay)
{
	struct pending pending = relay->pending[relay->first_pending];
	relay->n_pending--;
	relay->first_pending = relay->n_pending == 0 ? 0 : relay->first_pending + 1;
	return pending;
}

// A CopyDone or CopyFail outside of a COPY: the server passes over it.
static void drop_unanswered(struct relay *relay)
{
	while (relay->n_pending > 0 && is_one_of(first(relay)->type, "cf"))
		pop(relay);
}

static const char *answers_of(char type)
{
	for (size_t i = 0; i < sizeof answered / sizeof *answered; i++) {
		if (answered[i].type == type)
			return answered[i].answers;
	}
	return "";
}

static bool ends(char type, char answer)
{
	return is_one_of(answer, answers_of(type));
}

// What the server passed over.
static void skip(struct relay *relay, struct record *record)
{
	record->skipped = true;
	record_end(relay, record);
}

// Names of prepared statements and portals

static void name_put(struct relay *relay, struct named **list, const char *name, const char *sql)
{
	for (struct named *named = *list; named != NULL; named = named->next) {
		if (strcmp(named->name, name) == 0) {
			named->sql = sql;
			return;
		}
	}
	struct named *named = arena_alloc(relay->recorder->arena, sizeof *named);
	*named = (struct named){ arena_strdup(relay->recorder->arena, name), sql, *list };
	*list = named;
}

// A cursor that SQL declared, or a statement that SQL prepared, is not known: "".
static const char *name_get(const struct named *list, const char *name)
{
	for (; list != NULL; list = list->next) {
		if (strcmp(list->name, name) == 0)
			return list->sql;
	}
	return "";
}

// The next NUL-ended string of a body; NULL: there is none.
static const char *string_at(const struct message *message, size_t *at)
{
	const char *start = message->body + *at;
	const char *nul = *at < message->length ? memchr(start, '\0', message->length - *at) : NULL;
	if (nul == NULL)
		return NULL;
	*at = (size_t)(nul - message->body) + 1;
	return start;
}

// Client

// With callbacks, statements go one after the other: what follows waits until a statement has ended.
static bool is_held(const struct relay *relay)
{
	return relay->split != NULL || relay->running != NULL || relay->n_pending >= PENDING_MOST;
}

static enum verdict see_query(struct relay *relay, const struct message *message)
{
	size_t at = 0, length = strnlen(message->body, message->length);
	const char *text = string_at(message, &at);
	bool whole = text != NULL && at == message->whole;
	if (relay->skipping)
		return MESSAGE_PASSES;
	bool multiple = whole && text_may_be_multiple(text);
	if (multiple && relay->recorder->request.split && !relay->unsynced) {
		drop_unanswered(relay);
		if (relay->n_pending > 0)
			return MESSAGE_WAITS;
		if (split_start(relay, text))
			return MESSAGE_DROPPED;
	}
	struct record *record = record_start(relay, message->body, length, multiple, false);
	relay->running = has_callbacks(relay) ? record : NULL;
	push(relay, (struct pending){ 'Q', .record = record });
	return MESSAGE_PASSES;
}

static enum verdict see_execute(struct relay *relay, const struct message *message)
{
	size_t at = 0;
	const char *portal = string_at(message, &at);
	const char *sql = name_get(relay->portals, portal == NULL ? "" : portal);
	struct record *record = record_start(relay, sql, strlen(sql), false, false);
	push(relay, (struct pending){ 'E', sql, record });
	if (!has_callbacks(relay))
		return MESSAGE_PASSES;
	relay->running = record; // its end is wanted before the Sync, and the server tells nothing until it is asked
	return message->length == message->whole ? MESSAGE_PASSES_FLUSHED : MESSAGE_PASSES;
}

static const char *see_extended(struct relay *relay, const struct message *message)
{
	size_t at = message->type == 'C';
	const char *name = string_at(message, &at), *other = name == NULL ? NULL : message->body + at, *sql = NULL;
	if (name == NULL)
		return NULL;
	if (message->type == 'P') {
		size_t length = strnlen(other, message->length - at);
		sql = arena_strndup(relay->recorder->arena, other, length < RECORDED_MOST ? length : RECORDED_MOST);
		name_put(relay, &relay->statements, name, sql);
	} else if (message->type == 'B') {
		const char *statement = string_at(message, &at);
		sql = name_get(relay->statements, statement == NULL ? "" : statement);
		name_put(relay, &relay->portals, name, sql);
	}
	return sql;
}

enum verdict see_client(struct relay *relay, const struct message *message)
{
	char type = message->type;
	if (relay->copying_in && is_one_of(type, "dcfSH")) { // the server passes over Sync and Flush then
		bool done = type == 'c' || type == 'f';
		relay->copying_in &= !done;
		return done && relay->running != NULL ? MESSAGE_PASSES_FLUSHED : MESSAGE_PASSES; // see see_execute
	}
	if (is_held(relay))
		return MESSAGE_WAITS;
	if (type == 'Q')
		return see_query(relay, message);
	if (type == 'S') {
		push(relay, (struct pending){ 'S' });
		relay->skipping = relay->unsynced = false;
		return MESSAGE_PASSES;
	}
	bool refused = type == 'H' && message->whole > 0; // as a faulty message of the extended protocol
	if (relay->skipping || (!is_one_of(type, "FPBCDEcf") && !refused))
		return MESSAGE_PASSES;
	relay->unsynced |= is_one_of(type, "PBCDEH");
	if (type == 'E')
		return see_execute(relay, message);
	push(relay, (struct pending){ type, is_one_of(type, "PB") ? see_extended(relay, message) : NULL, NULL });
	return MESSAGE_PASSES;
}

// Server

static void see_parameter(struct relay *relay, const struct message *message)
{
	size_t at = 0;
	const char *name = string_at(message, &at), *value = name == NULL ? NULL : string_at(message, &at);
	if (value == NULL)
		return;
	if (strcmp(name, "standard_conforming_strings") == 0)
		relay->strings_conform = strcmp(value, "on") == 0;
	if (strcmp(name, "client_encoding") != 0)
		return;
	static const char *const single_byte[] = { "LATIN", "ISO_8859", "WIN", "KOI8", "SQL_ASCII" };
	relay->utf8 = relay->cuttable = strcmp(value, "UTF8") == 0;
	for (size_t i = 0; i < sizeof single_byte / sizeof *single_byte; i++)
		relay->cuttable |= strncmp(value, single_byte[i], strlen(single_byte[i])) == 0;
}

// The statement that has failed, and those behind it that the server passes over until a Sync.
static void see_error(struct relay *relay, const struct message *message)
{
	struct pending *head = first(relay);
	relay->copying_in = false;
	if (head == NULL || head->type == 'F')
		return;
	if (head->type == 'Q') {
		record_failure(relay, head->record, message);
		return;
	}
	if (head->type == 'S') { // the commit of a transaction that the Sync ends
		struct record *last = relay->unsettled;
		while (last != NULL && last->unsettled != NULL)
			last = last->unsettled;
		if (last != NULL) {
			record_failure(relay, last, message);
			last->tapped.tag = NULL;
		}
		return;
	}
	const char *sql = head->sql;
	for (bool found = false; (head = first(relay)) != NULL && head->type != 'S';) {
		struct pending skipped = pop(relay);
		if (skipped.record == NULL)
			continue;
		if (found || skipped.type != 'E' || (sql != NULL && skipped.sql != sql)) {
			skip(relay, skipped.record);
			continue;
		}
		found = true;
		record_failure(relay, skipped.record, message);
		unsettle(relay, skipped.record);
		record_end(relay, skipped.record);
	}
	relay->skipping = head == NULL;
}

// The server reads CopyData now: what was sent behind the statement and before a CopyDone has no answer.
static void see_copy_in(struct relay *relay)
{
	size_t kept = 1, n = relay->n_pending;
	struct pending *queue = relay->pending + relay->first_pending;
	size_t done = 1;
	while (done < n && queue[done].type != 'c' && queue[done].type != 'f')
		done++;
	relay->copying_in = done >= n;
	for (size_t i = 1; i < n; i++) {
		if (i > done || queue[i].type != 'S')
			queue[kept++] = queue[i];
	}
	if (n > 0)
		relay->n_pending = kept;
}

static void see_ready(struct relay *relay, const struct message *message)
{
	bool greeting = relay->status == 0; // nothing was asked for that
	relay->status = message->length > 0 ? message->body[0] : 'I';
	relay->copying_in = false;
	for (bool found = greeting; !found && relay->n_pending > 0;) {
		struct pending pending = pop(relay);
		found = ends(pending.type, 'Z');
		if (pending.record != NULL && pending.type == 'Q') {
			pending.record->tapped.status = relay->status;
			record_end(relay, pending.record);
		} else if (pending.record != NULL) {
			skip(relay, pending.record);
		}
	}
	settle(relay, relay->status);
}

enum verdict see_server(struct relay *relay, const struct message *message)
{
	char type = message->type;
	if (type == 'S')
		see_parameter(relay, message);
	if (type == 'K' && message->length == 4)
		relay->server_pid = number_at(message->body);
	if (relay->split != NULL)
		return split_see(relay, message);
	drop_unanswered(relay);
	struct pending *head = first(relay);
	if (type == 'G' || type == 'W')
		see_copy_in(relay);
	else if (type == 'E')
		see_error(relay, message);
	else if (type == 'Z')
		see_ready(relay, message);
	else if (head != NULL && head->type == 'Q' && (type == 'C' || type == 'I'))
		record_tag(relay, head->record, message);
	else if (head != NULL && ends(head->type, type)) {
		struct pending pending = pop(relay);
		if (pending.type == 'E') {
			relay->copying_in = false;
			record_tag(relay, pending.record, message);
			unsettle(relay, pending.record);
			record_end(relay, pending.record);
		}
	}
	return MESSAGE_PASSES;
}

void protocol_end(struct relay *relay)
{
	split_end(relay);
	while (relay->n_pending > 0) {
		struct pending pending = pop(relay);
		if (pending.record != NULL)
			record_end(relay, pending.record);
	}
	settle(relay, 0);
	relay->running = NULL;
}
