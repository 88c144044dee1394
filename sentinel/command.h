// SPDX-License-Identifier: PostgreSQL
// A command: what `driftcheck NAME` does. How to add one: write <name>.c with its function, declare it below, add its row
// to the array in main.c and the file to local.mk.
#ifndef SENTINEL_COMMAND_H
#define SENTINEL_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "reporters/reporter.h"
#include "sentinel/config.h"
#include "sentinel/options.h"

struct arena;
struct cron;
struct deliveries;

enum exit_status { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_TROUBLE = 2 };

// What --format may say of a command.
enum formats {
	FORMATS_REPORT, // every reporter
	FORMATS_LIST,   // text, json
	FORMATS_TEXT,
	FORMATS_JSON,
	FORMATS_OWN, // the command says
};

struct command;

// One run of the program. A command adds its result to `out`, which main writes to stdout or to --output when the command
// is done; it prints nothing itself, apart from what it says to `log`.
struct run {
	const struct command *command;
	const struct options *options;
	const char *const *words; // what stands after the command; NULL-ended
	size_t n_words;
	const struct config *config; // never NULL: empty where there is no file
	struct arena *arena;         // lives until the program ends
	struct log *log;
	struct buf out;
	struct buf after; // lines that main says on stderr when the result is out, also with --quiet
	const struct reporter *reporter; // of --format; NULL unless the command has FORMATS_REPORT
	struct render_options render;
	struct deliveries *deliveries; // of --report
	struct cron *cron;             // settings of a run by a clock; set for `check`
	int supervisor;                // a pipe to the process that watches this one: see main.c
	long long check_until_us, end_us; // of --time-limit: no environment is begun afterwards; all ends. 0: no limit
	long long started_us; // of the monotonic clock
	const char *started;  // RFC 3339, UTC
};

struct command {
	const char *name;
	const char *usage;   // its words: "[ENV...]"
	const char *summary; // one line
	const char *help;    // what more there is to say; whole lines
	size_t least, most;  // words that it takes
	enum formats formats;
	bool sends;            // --report applies to it
	bool no_config;      // it works without reading driftcheck.conf
	// Fills err and returns EXIT_TROUBLE where it could not do its work; main prints the error. (Trouble that is in the
	// report, e.g. of one environment, is EXIT_TROUBLE without an error.)
	enum exit_status (*function)(struct run *run, struct err *err);
};

enum exit_status command_check(struct run *run, struct err *err);
enum exit_status command_diff(struct run *run, struct err *err);
enum exit_status command_snapshot(struct run *run, struct err *err);
enum exit_status command_status(struct run *run, struct err *err);
enum exit_status command_assert(struct run *run, struct err *err);
enum exit_status command_replay(struct run *run, struct err *err);
enum exit_status command_rehearse(struct run *run, struct err *err);
enum exit_status command_report(struct run *run, struct err *err);
enum exit_status command_init(struct run *run, struct err *err);
enum exit_status command_doctor(struct run *run, struct err *err);
enum exit_status command_kinds(struct run *run, struct err *err);
enum exit_status command_frameworks(struct run *run, struct err *err);

#endif
