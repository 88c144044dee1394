// SPDX-License-Identifier: PostgreSQL
// The command line. Options are one table: the parser and every --help are made from it. How to add one: a field in struct
// options, a row in the table in options.c.
#ifndef SENTINEL_OPTIONS_H
#define SENTINEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;

struct words {
	const char **items; // NULL-ended where n > 0
	size_t n, capacity;
};

// As given; unset is NULL, 0 or false, unless said otherwise.
struct options {
	const char *config;
	struct words migrations;
	const char *framework;
	const char *format; // "text" where not given
	bool format_given;
	const char *output;
	struct words reports;
	const char *bodies; // "hash" where not given
	int report_timeout_s;
	unsigned groups; // of --include: bits 1 << enum attr_group
	const char *fail_on; // "skew" where not given
	const char *jitter, *confirm_after, *time_limit; // lengths of time as given
	const char *color; // "auto" where not given
	const char *to, *at_least;
	// of rehearse
	const char *env, *from, *scale, *long_transaction, *clone, *dump, *exec;
	struct words pgbench;
	const char *pgbench_rate, *pgbench_protocol;
	int rows, pgbench_clients;
	bool one_size, clone_anyway, as_sent, try_rewrite, keep;
	struct words envs;
	const char *shard;
	int jobs, max_per_server, shard_count, expect, timeout_s;
	bool quiet, verbose, show_queries, no_cache, dry_run, cron, merge, help, version;
	const char *command_options[24]; // names of those given that belong to single commands; NULL-ended
	struct words words; // what is no option, in order
	bool first_after_end; // the first of them stood after `--`, so it is no command
};

// Parses argv[1..]. Errors: code "usage".
bool options_parse(struct arena *arena, int argc, const char *const *argv, struct options *options, struct err *err);

// Whether the options given all apply to the command. Errors: code "usage".
bool options_apply(const struct options *options, const char *command, struct err *err);

// The options that apply to a command, one a line, for its help; NULL: all.
void options_help(struct buf *out, const char *command);

#endif
