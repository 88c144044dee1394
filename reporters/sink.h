// SPDX-License-Identifier: PostgreSQL
// A sink sends a report to somebody: an issue tracker, a chat, a CI service. (What ends in a file is a reporter; `--report
// FORMAT:FILE` writes any of them.) How to add one: write <name>.c, which defines `const struct sink sink_<name>`, add its
// line to sinks.def and the file to local.mk. Its section of driftcheck.conf is made from `keys`.
#ifndef REPORTERS_SINK_H
#define REPORTERS_SINK_H

#include <stdbool.h>

#include "reporters/report.h"

struct arena;
struct buf;
struct log;

enum bodies { BODIES_HASH, BODIES_DIFF }; // of functions, in what leaves the house

// One sink of one run. `prepare` is called before any database is read, so that a setting that cannot work is told at once
// and not after the night's work; `send` after the report is complete.
struct delivery {
	const struct sink *sink;
	const char *const *values; // of sink->keys, in their order, ${NAME} filled in; NULL: not given
	const char *where;         // of its section, for errors ("driftcheck.conf:12"); NULL: there is none
	struct arena *arena;       // lives as long as the report
	struct log *log;
	const char *state;         // folder of base/state.h; NULL: nothing can be kept
	enum bodies bodies;
	bool dry_run;              // nothing is written: the calls are added to `out` as they would be sent, without secrets
	struct buf *out;           // of send: what is printed besides, before the report or, where that is for machines, on stderr
	struct buf *last;          // of send: what is printed after the report; NULL: it does not follow `out`
	long long deadline_us;     // of clock_us: sending gives up then
	void *own;                 // what prepare made, for send
};

struct sink {
	const char *name; // the word of --report, and of its section in driftcheck.conf
	const char *summary;
	const char *const *keys; // NULL-ended
	const char *secret;      // the key that may not stand in the file as it is, only as ${NAME}; NULL: none
	// Errors: code "config" or "usage" with a hint; secrets are taken from the environment or a file here.
	bool (*prepare)(struct delivery *delivery, struct err *err);
	// Sends what there is to send, which may be nothing. Errors: code "report" (not delivered) or "report-unknown" (it may
	// have been); the text says which environment.
	bool (*send)(struct delivery *delivery, const struct report *report, struct err *err);
};

extern const struct sink *const sinks[]; // NULL-ended
const struct sink *sink_find(const char *name);

// The value of a key of the sink's section; NULL: not given.
const char *delivery_value(const struct delivery *delivery, const char *key);

#endif
