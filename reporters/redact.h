// SPDX-License-Identifier: PostgreSQL
// What keeps secrets out of every report: see secret_mask in base/secret.h for what counts as one.
#ifndef REPORTERS_REDACT_H
#define REPORTERS_REDACT_H

#include "reporters/report.h"

struct arena;

// Masks the secrets in every text of a report, in place; done once, before anything of it is rendered, kept or sent. Findings
// get copies of their objects, since those belong to snapshots. A remedy that holds a secret could not be run as it is shown,
// so all of its statements are commented out, and say why. To redact twice is to redact once.
void report_redact(struct arena *arena, struct report *report);

#endif
