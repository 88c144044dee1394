// SPDX-License-Identifier: PostgreSQL
// The table of a rehearsal's reports: see render.h.
#include "rehearse/show/render.h"

#include <string.h>

const struct rehearsal_reporter rehearsal_reporters[] = {
	{ "text", rehearsal_text },
	{ "json", rehearsal_json },
	{ "markdown", rehearsal_markdown },
	{ "html", rehearsal_html },
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

