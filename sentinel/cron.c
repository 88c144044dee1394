// SPDX-License-Identifier: PostgreSQL
// A run by a clock: see cron.h.
#include "sentinel/cron.h"

#include <stddef.h>

const char *const cron_keys[] = { "ping_url", "jitter", "confirm_after", "time_limit", "metrics", NULL };
