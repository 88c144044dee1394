// SPDX-License-Identifier: PostgreSQL
// A Query of several statements, played one by one. The server would run them in an implicit transaction, which a BEGIN of
// theirs makes an explicit one and a COMMIT or ROLLBACK of theirs ends, with a warning (postgres.c, exec_simple_query; xact.c,
// EndTransactionBlock and its neighbours). Here a BEGIN of our own stands for the implicit transaction. Where a statement means
// something else within ours than it would without, ours is ended first, so that the server itself says what it would have said.
// The client sees the answers of one Query: positions of errors counted from the start of the whole text, the last CommandComplete
// only after the commit, one ReadyForQuery. Two things are different, in texts that fail: where there is a syntax error, the server
// would not have begun with the first statement; and a COMMIT of theirs that fails fails without the warning.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "migrations/lexer.h"
#include "migrations/split.h"
#include "rehearse/tap/relay.h"

// What a statement does to an implicit transaction.
enum control {
	CONTROL_NONE,
	CONTROL_BEGIN,  // makes it explicit
	CONTROL_COMMIT,
	CONTROL_UNDO,   // undoes it: ROLLBACK, or an error: it is allowed in explicit ones only
};

struct split {
	struct arena *arena;
	const char *text;
	const struct statement *statements;
	size_t n, at;          // `at`: the one that runs, or is next
	struct record *record; // what runs now
	bool added;            // that is ours
	bool implicit;         // a transaction of ours is open
	bool converting;       // a BEGIN runs within it: its warning is not the client's
	bool failed, undone;
	struct buf last;       // the answer of the last statement, until the commit
};

static const struct {
	const char *words;
	enum control control;
} controls[] = { // the first that fits
	{ "COMMIT PREPARED", CONTROL_NONE }, { "ROLLBACK PREPARED", CONTROL_NONE }, { "BEGIN", CONTROL_BEGIN },
	{ "START TRANSACTION", CONTROL_BEGIN }, { "COMMIT", CONTROL_COMMIT }, { "END", CONTROL_COMMIT }, { "ROLLBACK", CONTROL_UNDO },
	{ "ABORT", CONTROL_UNDO }, { "SAVEPOINT", CONTROL_UNDO }, { "RELEASE", CONTROL_UNDO },
};

// COMMIT [WORK | TRANSACTION] AND CHAIN, not AND NO CHAIN.
static bool chains(const char *text)
{
	struct lexer lexer = { ENGINE_POSTGRESQL, text, text + strlen(text) };
	struct lexeme lexeme;
	bool after_and = false;
	while (lexer_next(&lexer, &lexeme)) {
		if (after_and && lexeme_is_word(&lexeme, "CHAIN"))
			return true;
		after_and = lexeme_is_word(&lexeme, "AND");
	}
	return false;
}

static enum control control_of(const char *text)
{
	for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
		if (text_opens_with(ENGINE_POSTGRESQL, text, controls[i].words))
			return controls[i].control == CONTROL_COMMIT && chains(text) ? CONTROL_UNDO : controls[i].control;
	}
	return CONTROL_NONE;
}

bool text_may_be_multiple(const char *text)
{
	const char *semicolon = strchr(text, ';');
	if (semicolon == NULL || semicolon[1 + strspn(semicolon + 1, "; \t\r\n")] == '\0')
		return false;
	struct arena *arena = arena_new();
	size_t n;
	split_statements(arena, ENGINE_POSTGRESQL, text, &n);
	arena_free(arena);
	return n > 1;
}

static void send_statement(struct relay *relay, const char *sql, bool added)
{
	struct split *split = relay->split;
	split->added = added;
	split->record = record_start(relay, sql, strlen(sql), true, added);
	message_add(&relay->up.out, 'Q', sql, strlen(sql) + 1);
}

static void send_next(struct relay *relay)
{
	struct split *split = relay->split;
	const char *sql = split->statements[split->at].text;
	enum control control = control_of(sql);
	split->converting = false;
	if (split->implicit && control == CONTROL_COMMIT) {
		send_statement(relay, "COMMIT", true);
	} else if (split->implicit && control == CONTROL_UNDO) {
		send_statement(relay, "ROLLBACK", true);
	} else if (!split->implicit && control == CONTROL_NONE && relay->status == 'I') {
		split->implicit = true;
		send_statement(relay, "BEGIN", true);
	} else {
		split->converting = split->implicit && control == CONTROL_BEGIN;
		send_statement(relay, sql, false);
	}
}

static void split_free(struct relay *relay)
{
	buf_release(&relay->split->last);
	arena_free(relay->split->arena);
	free(relay->split);
	relay->split = NULL;
}

bool split_start(struct relay *relay, const char *text)
{
	if (relay->status == 0 || !relay->cuttable || !relay->strings_conform)
		return false;
	struct split *split = calloc(1, sizeof *split);
	invariant(split != NULL, "out of memory");
	split->arena = arena_new();
	split->text = arena_strdup(split->arena, text);
	split->statements = split_statements(split->arena, ENGINE_POSTGRESQL, split->text, &split->n);
	split->last = (struct buf)BUF_INIT;
	relay->split = split;
	send_next(relay);
	return true;
}

static enum verdict finish(struct relay *relay)
{
	struct split *split = relay->split;
	if (!split->failed)
		buf_add(&relay->down.out, split->last.data, split->last.length);
	split_free(relay);
	return MESSAGE_PASSES; // the ReadyForQuery that is there is the client's
}

static enum verdict see_ready(struct relay *relay, const struct message *message)
{
	struct split *split = relay->split;
	relay->status = message->length > 0 ? message->body[0] : 'I';
	relay->copying_in = false;
	split->record->tapped.status = relay->status;
	record_end(relay, split->record);
	split->record = NULL;
	split->implicit &= relay->status != 'I' && !(split->converting && !split->failed);
	if (!split->added && !split->failed)
		split->at++;
	if (split->failed) {
		if (!split->implicit || split->undone)
			return finish(relay);
		split->undone = true;
		send_statement(relay, "ROLLBACK", true);
	} else if (split->at < split->n) {
		send_next(relay);
	} else if (split->implicit) {
		send_statement(relay, "COMMIT", true);
	} else {
		return finish(relay);
	}
	return MESSAGE_DROPPED;
}

// How many characters of the text are before a statement.
static size_t characters_before(const struct relay *relay, const struct statement *statement)
{
	size_t n = 0;
	for (size_t i = 0; i < statement->offset; i++)
		n += !relay->utf8 || ((unsigned char)relay->split->text[i] & 0xc0) != 0x80;
	return n;
}

// An error or notice with the position (field P) that it would have in the whole text.
static enum verdict pass_report(struct relay *relay, const struct message *message)
{
	struct split *split = relay->split;
	const char *position = message_field(message, 'P');
	if (split->added || position == NULL || message->length < message->whole)
		return MESSAGE_PASSES;
	auto_buf body = BUF_INIT;
	buf_add(&body, message->body, (size_t)(position - message->body));
	buf_addf(&body, "%zu", strtoul(position, NULL, 10) + characters_before(relay, &split->statements[split->at]));
	position += strlen(position);
	buf_add(&body, position, (size_t)(message->body + message->length - position));
	message_add(&relay->down.out, message->type, body.data, body.length);
	return MESSAGE_DROPPED;
}

static enum verdict see_complete(struct relay *relay, const struct message *message)
{
	struct split *split = relay->split;
	relay->copying_in = false;
	record_tag(relay, split->record, message);
	if (split->added)
		return MESSAGE_DROPPED;
	if (split->at + 1 < split->n || !split->implicit || message->length < message->whole)
		return MESSAGE_PASSES;
	message_add(&split->last, message->type, message->body, message->length);
	return MESSAGE_DROPPED;
}

enum verdict split_see(struct relay *relay, const struct message *message)
{
	struct split *split = relay->split;
	const char *sqlstate;
	switch (message->type) {
	case 'Z':
		return see_ready(relay, message);
	case 'C':
	case 'I':
		return see_complete(relay, message);
	case 'E':
		relay->copying_in = false;
		record_failure(relay, split->record, message);
		split->failed = true;
		return pass_report(relay, message);
	case 'N':
		sqlstate = message_field(message, 'C');
		if (split->converting && sqlstate != NULL && strcmp(sqlstate, "25001") == 0 && message->length == message->whole)
			return MESSAGE_DROPPED;
		return pass_report(relay, message);
	case 'G':
	case 'W':
		relay->copying_in = true;
		return MESSAGE_PASSES;
	case 'A':
	case 'S': // what the commit tells comes behind the last answer
		if (split->last.length == 0 || message->length < message->whole)
			return MESSAGE_PASSES;
		message_add(&split->last, message->type, message->body, message->length);
		return MESSAGE_DROPPED;
	default:
		return MESSAGE_PASSES;
	}
}

void split_end(struct relay *relay)
{
	if (relay->split == NULL)
		return;
	if (relay->split->record != NULL)
		record_end(relay, relay->split->record);
	split_free(relay);
}
