// SPDX-License-Identifier: PostgreSQL
// `driftcheck frameworks`: the migration frameworks that are understood, from their table.
#include <string.h>

#include "migrations/framework.h"
#include "sentinel/command.h"
#include "sentinel/output.h"

static const struct {
	const char *word, *text;
} lates[] = { [LATE_RUNS] = { "runs", "runs it at the next deploy" }, [LATE_REFUSES] = { "refuses", "refuses to deploy" },
              [LATE_NEVER] = { "never", "never runs it" } };

static void print_text(struct buf *out)
{
	for (size_t i = 0; frameworks[i] != NULL; i++) {
		const struct framework *framework = frameworks[i];
		buf_addf(out, "%s%-16s %s\n", i == 0 ? "" : "\n", framework->name, framework->summary);
		buf_addf(out, "    files            %s\n", framework->files);
		buf_addf(out, "    version table    %s\n", framework->table == NULL ? "none" : framework->table);
		if (framework->deploy != NULL)
			buf_addf(out, "    deployed by      %s\n", framework->deploy);
		buf_addf(out, "    late migration   %s", lates[framework->late].text);
		if (framework->late_flag != NULL)
			buf_addf(out, ", unless told otherwise: %s", framework->late_flag);
		buf_addc(out, '\n');
	}
	buf_adds(out, "\nThe framework is found out from the files. Where that is not clear: --framework NAME, or\n"
	         "framework = \"NAME\" in driftcheck.conf.\n");
}

static json_t *to_json(void)
{
	json_t *list = json_array();
	for (size_t i = 0; frameworks[i] != NULL; i++) {
		const struct framework *framework = frameworks[i];
		json_array_append_new(list, json_pack("{ss ss ss ss? ss? ss ss?}", "name", framework->name, "summary", framework->summary,
		                                      "files", framework->files, "table", framework->table, "deploy", framework->deploy,
		                                      "late", lates[framework->late].word, "late_flag", framework->late_flag));
	}
	return list;
}

enum exit_status command_frameworks(struct run *run, struct err *err)
{
	(void)err;
	if (strcmp(run->options->format, "json") == 0)
		output_json(&run->out, "frameworks", to_json());
	else
		print_text(&run->out);
	return EXIT_CLEAN;
}
