// SPDX-License-Identifier: PostgreSQL
// `driftcheck kinds`: what is compared, from the table of kinds.
#include <jansson.h>
#include <string.h>

#include "introspect/kind.h"
#include "sentinel/command.h"
#include "sentinel/output.h"

static const struct {
	enum engine engine;
	const char *name;
} engines[] = { { ENGINE_POSTGRESQL, "postgresql" }, { ENGINE_SQLITE, "sqlite" } };

static void print_text(struct buf *out)
{
	for (size_t i = 0; kinds[i] != NULL; i++) {
		const struct kind *kind = kinds[i];
		buf_addf(out, "%s%-20s %s", i == 0 ? "" : "\n", kind->name, kind->summary);
		for (size_t e = 0; e < sizeof engines / sizeof *engines; e++) {
			if ((kind->engines & engines[e].engine) == 0)
				buf_addf(out, " (not in %s)", engines[e].name);
		}
		buf_addc(out, '\n');
		for (unsigned a = 0; a < kind->n_attrs; a++) {
			if (kind->attrs[a].group == GROUP_STRUCTURE)
				buf_addf(out, "    %s\n", kind->attrs[a].name);
			else if (kind->attrs[a].group != GROUP_EVIDENCE)
				buf_addf(out, "    %-20s --include %s\n", kind->attrs[a].name, attr_group_names[kind->attrs[a].group]);
		}
	}
}

static json_t *to_json(void)
{
	json_t *list = json_array();
	for (size_t i = 0; kinds[i] != NULL; i++) {
		const struct kind *kind = kinds[i];
		json_t *in = json_array(), *attrs = json_array();
		for (size_t e = 0; e < sizeof engines / sizeof *engines; e++) {
			if ((kind->engines & engines[e].engine) != 0)
				json_array_append_new(in, json_string(engines[e].name));
		}
		for (unsigned a = 0; a < kind->n_attrs; a++) {
			if (kind->attrs[a].group != GROUP_EVIDENCE)
				json_array_append_new(attrs, json_pack("{ss ss}", "name", kind->attrs[a].name, "group",
				                                       attr_group_names[kind->attrs[a].group]));
		}
		json_array_append_new(list, json_pack("{ss ss so so}", "name", kind->name, "summary", kind->summary, "engines", in,
		                                      "attributes", attrs));
	}
	return list;
}

enum exit_status command_kinds(struct run *run, struct err *err)
{
	(void)err;
	if (strcmp(run->options->format, "json") == 0)
		output_json(&run->out, "kinds", to_json());
	else
		print_text(&run->out);
	return EXIT_CLEAN;
}
