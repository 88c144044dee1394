// SPDX-License-Identifier: PostgreSQL
// A report as JSON and back. What --format json prints is the whole of a report: every reporter and sink renders from what
// was read back what it renders from the report itself.
#ifndef REPORTERS_REPORT_JSON_H
#define REPORTERS_REPORT_JSON_H

#include <jansson.h>

#include "base/auto.h"
#include "reporters/report.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

enum { REPORT_SCHEMA = 1 };

// The three values of an attribute, as the keys call them.
enum finding_side { SIDE_WANT, SIDE_HAVE, SIDE_BASE, N_FINDING_SIDES };
extern const char *const report_json_sides[];

// New references.
json_t *report_to_json(const struct report *report);
json_t *env_report_to_json(const struct report *report, const struct env_report *env); // an element of environments[]

// Reads a report back. `where` names the source in errors. Errors: code "report-file": it is no report (a snapshot, a list),
// one of another `schema`, one that names what this version does not know, or malformed.
struct report *report_from_json(struct arena *arena, const json_t *root, const char *where, struct err *err);

// The same from a file ("-": stdin). Errors: as above; a file that cannot be read, that is no JSON or ends too early.
struct report *report_read(struct arena *arena, const char *path, struct err *err);

// A copy of an environment's report of `report`, with all that it points to, in another arena.
struct env_report *env_report_copy(struct arena *arena, const struct report *report, const struct env_report *env);

#endif
