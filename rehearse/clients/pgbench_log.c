// SPDX-License-Identifier: PostgreSQL
// Reading what pgbench writes: see pgbench_log.h. Pure.
#include "rehearse/clients/pgbench_log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

// client_id transaction_no time script_no time_epoch time_us [schedule_lag] [retries]
enum { FIELD_TIME = 2, FIELD_SCRIPT, FIELD_EPOCH, FIELD_US, N_FIELDS };

// Words in place of a time. A skipped one was late before it began (--latency-limit) and is none.
static const char *const failures[] = { "failed", "serialization", "deadlock", "other" };

static bool is_failure(const char *field, size_t length)
{
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		if (strlen(failures[i]) == length && strncmp(failures[i], field, length) == 0)
			return true;
	}
	return false;
}

bool pgbench_log_read(const char *line, struct pgbench_transaction *transaction)
{
	double numbers[N_FIELDS];
	*transaction = (struct pgbench_transaction){ 0 };
	for (int i = 0; i < N_FIELDS; i++) {
		size_t length = strcspn(line, " \n");
		char *end;
		numbers[i] = strtod(line, &end);
		transaction->failed |= i == FIELD_TIME && is_failure(line, length);
		if (length == 0 || (end != line + length && !(i == FIELD_TIME && transaction->failed)) || (i < FIELD_US && line[length] != ' '))
			return false;
		line += length + (line[length] == ' ');
	}
	if (strchr(line, '\n') == NULL) // cut off: its last number may be
		return false;
	transaction->end_us = numbers[FIELD_EPOCH] * 1e6 + numbers[FIELD_US];
	transaction->start_us = transaction->end_us - (transaction->failed ? 0 : numbers[FIELD_TIME]);
	return true;
}

bool pgbench_abort_read(const char *message)
{
	// "client 0 script 1 aborted in command 2 query 0: ...", "client 0 aborted in command 1 (set) of script 1; ..."
	const char *client = strstr(message, "client ");
	return client != NULL && strstr(client, " aborted ") != NULL;
}

const char *pgbench_abort_reason(struct arena *arena, const char *message)
{
	const char *error = strstr(message, "ERROR: ");
	if (error == NULL)
		error = strstr(message, "FATAL: ");
	const char *own = strncmp(message, "pgbench: error: ", 16) == 0 ? message + 16 : message;
	const char *reason = error == NULL ? own : error + 7 + strspn(error + 7, " ");
	return arena_strndup(arena, reason, strcspn(reason, "\n"));
}

bool pgbench_script_read(struct arena *arena, const char *text, struct pgbench_script *script, struct err *err)
{
	const char *at = strrchr(text, '@');
	bool weighted = at != NULL && at[1] != '\0' && at[1 + strspn(at + 1, "0123456789")] == '\0';
	long weight = weighted ? strtol(at + 1, NULL, 10) : 1;
	*script = (struct pgbench_script){ .path = arena_strndup(arena, text, weighted ? (size_t)(at - text) : strlen(text)), .weight = (int)weight };
	if (weight < 1 || weight > 1000000)
		return err_set(err, "usage", NULL, "--pgbench FILE@9: nine times as often as one without a weight", "--pgbench %s: a weight is a number from 1", text);
	return *script->path != '\0' || err_set(err, "usage", NULL, "--pgbench FILE or FILE@WEIGHT", "--pgbench: there is no file in \"%s\"", text);
}

// The next word, comments and quoted texts left out; its length, 0 at the end.
static size_t next_word(const char **text)
{
	const char *at = *text;
	while (*at != '\0' && !isalpha((unsigned char)*at) && *at != '_') {
		if (strncmp(at, "--", 2) == 0) {
			at += strcspn(at, "\n");
		} else if (*at == '\'' || *at == '"') {
			const char *close = strchr(at + 1, *at);
			at = close == NULL ? at + strlen(at) : close + 1;
		} else {
			at++;
		}
	}
	*text = at;
	size_t length = 0;
	while (isalnum((unsigned char)at[length]) || at[length] == '_')
		length++;
	return length;
}

enum operation pgbench_script_operation(const char *text)
{
	static const char *const words[] = { "insert", "update", "delete", "merge", "copy", "truncate", "call", "share", "lock" };
	for (size_t length; (length = next_word(&text)) > 0; text += length) {
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			if (strlen(words[i]) == length && strncasecmp(text, words[i], length) == 0)
				return OPERATION_WRITE;
		}
	}
	return OPERATION_READ;
}
