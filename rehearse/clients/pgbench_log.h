// SPDX-License-Identifier: PostgreSQL
// What pgbench says, as data: the lines of its log of transactions, and those of its messages that a client ended with.
// Source: the manual, "pgbench", chapter "Per-Transaction Logging", 12 to 18.
#ifndef REHEARSE_CLIENTS_PGBENCH_LOG_H
#define REHEARSE_CLIENTS_PGBENCH_LOG_H

#include <stdbool.h>

#include "rehearse/rehearsal.h"

struct arena;

struct pgbench_script {
	const char *path; // as given
	int weight;
	enum operation operation;
};

struct pgbench_transaction {
	double start_us, end_us; // since 1970; with a rate it starts when it was due, be its client free or not
	bool failed;             // serialization or deadlock (15 and later): it has no time
};

// One line; false: it is none (the last one of a client that was killed), or of a transaction that never began ("skipped").
bool pgbench_log_read(const char *line, struct pgbench_transaction *transaction);

// Whether a message says that a client ended.
bool pgbench_abort_read(const char *message);

// The server's own words in such a message, or all of it.
const char *pgbench_abort_reason(struct arena *arena, const char *message);

// FILE, or FILE@WEIGHT as pgbench takes it. Errors: code "usage".
bool pgbench_script_read(struct arena *arena, const char *text, struct pgbench_script *script, struct err *err);

// Whether a script's statements write or lock rows, as far as its words tell.
enum operation pgbench_script_operation(const char *text);

#endif
