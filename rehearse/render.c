// SPDX-License-Identifier: PostgreSQL
// The table of a rehearsal's reports: see render.h.
#include "rehearse/render.h"

#include <string.h>

#include "base/buf.h"

const struct rehearsal_reporter rehearsal_reporters[] = {
	{ "text", rehearsal_text },
	{ "json", rehearsal_json },
	{ NULL, NULL },
};

const struct rehearsal_reporter *rehearsal_reporter_find(const char *name)
{
	for (const struct rehearsal_reporter *reporter = rehearsal_reporters; reporter->name != NULL; reporter++) {
		if (strcmp(reporter->name, name) == 0)
			return reporter;
	}
	return NULL;
}

void show_duration(struct buf *out, double ms)
{
	if (ms < 1000)
		buf_addf(out, "%.0f ms", ms);
	else if (ms < 120000)
		buf_addf(out, "%.1f s", ms / 1000);
	else
		buf_addf(out, "%.0f min", ms / 60000);
}
