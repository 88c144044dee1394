// SPDX-License-Identifier: PostgreSQL
// A reporter renders a report. How to add one: write <name>.c, which defines `const struct reporter reporter_<name>`, add its
// line to reporters.def and the file to local.mk.
#ifndef REPORTERS_REPORTER_H
#define REPORTERS_REPORTER_H

#include <stdbool.h>

#include "reporters/report.h"

struct buf;

struct render_options {
	bool color;   // the output is a terminal that shows colour
	int width;    // columns of the terminal; 0: not a terminal
	bool verbose;
	bool quiet;   // nothing when there is nothing to say
	bool hash_bodies; // sources of functions stay in the house: a hash of each (Markdown)
	enum verdict accepted; // the worst verdict that is no failure: --fail-on
};

// One function renders the whole report. (The design sketches begin, finding, end; each format orders and groups what it
// shows so differently that a callback per finding would only hide that.)
struct reporter {
	const char *name; // the word of --format
	const char *summary;
	bool last_success; // it shows env_report.last_success_s, which is kept from run to run
	void (*render)(struct buf *out, const struct report *report, const struct render_options *options);
};

extern const struct reporter *const reporters[]; // NULL-ended
const struct reporter *reporter_find(const char *name);

#endif
