// SPDX-License-Identifier: PostgreSQL
// --confirm-after: drift is looked at again before anybody is told of it. What a deploy or a colleague does just then is
// gone by the second look.
#ifndef SENTINEL_CONFIRM_H
#define SENTINEL_CONFIRM_H

#include <stdbool.h>

#include "reporters/report.h"
#include "sentinel/command.h"

// Reads and checks the chosen environments of the report again: their env_report is replaced by a new one.
struct confirm {
	void (*look_again)(void *argument, struct report *report, const bool *chosen);
	void *argument;
};

// Looks again at each environment that has drift which the look before did not have, until two looks agree or it has looked
// three times. What was seen and is gone becomes a note, as does what could not be seen again because the second look failed.
// Where there is no time for a second look, the environment has trouble and no findings. Nothing without --confirm-after.
void confirm_drift(struct run *run, struct report *report, const struct confirm *confirm);

#endif
