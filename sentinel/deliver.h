// SPDX-License-Identifier: PostgreSQL
// --report: a report goes to sinks (`--report github`) and into files (`--report html:drift.html`), beside what --format prints.
#ifndef SENTINEL_DELIVER_H
#define SENTINEL_DELIVER_H

#include "sentinel/command.h"

struct deliveries;

// Resolves every --report of the run and lets the sinks check their settings. NULL is an error: code "usage" or "config".
struct deliveries *deliveries_prepare(struct run *run, struct err *err);

// Whether anything leaves the machine: a sink is among them, and it is no dry run.
bool deliveries_send_out(const struct deliveries *deliveries);
// Whether a report goes into a file in a format that shows when environments were last checked.
bool deliveries_show_last_success(const struct deliveries *deliveries);
// The report to be sent was read from this file, so that it need not be kept once more. Where that is one that could not be
// delivered before, it is removed when all of it has arrived.
void deliveries_kept(struct deliveries *deliveries, const char *path);

// Sends the report everywhere. What could not be delivered is added to its troubles; the report itself then lies in the state
// folder, and the trouble's hint says how to send it later. What sinks have printed after the report is added to `last`.
void deliveries_send(struct run *run, struct deliveries *deliveries, struct report *report, struct buf *last);

#endif
