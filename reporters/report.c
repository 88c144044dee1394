// SPDX-License-Identifier: PostgreSQL
// The words of a report: see report.h.
#include "reporters/report.h"

const char *const verdict_names[] = {
	[VERDICT_CLEAN] = "clean", [VERDICT_SKEW] = "skew", [VERDICT_DRIFT] = "drift", [VERDICT_TROUBLE] = "trouble",
};
