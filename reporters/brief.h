// SPDX-License-Identifier: PostgreSQL
// A report as a list of remarks, one line each, for formats that know nothing of findings: annotations, alerts, chat. Each
// remark has a rule, a severity, a place in the repository and a key by which it is known again.
#ifndef REPORTERS_BRIEF_H
#define REPORTERS_BRIEF_H

#include <stddef.h>

#include "reporters/report.h"

struct arena;

// Why a remark is made. The names are stable: they are ids of rules elsewhere.
enum brief_rule {
	RULE_TROUBLE, RULE_COLLISION, RULE_HAND_EDIT, RULE_SKIPPED, RULE_DIRTY, RULE_DIFFERENCE, RULE_UNREAD, RULE_AHEAD, RULE_UNKNOWN,
	RULE_EDITED, RULE_VERSION_SKEW,
	N_RULES,
};
struct brief_rule_words {
	const char *name;    // "hand-edit"
	const char *summary; // one sentence
	const char *help;    // what to do, whole sentences
	enum severity severity; // that it has as a rule
};
extern const struct brief_rule_words brief_rules[N_RULES];

struct brief {
	enum brief_rule rule;
	enum severity severity;
	const struct env_report *env;  // NULL: the run as a whole
	const struct finding *finding; // NULL: none
	const char *title; // "prod: hand edit"
	const char *text;  // "column public.users.vip: applied in prod, missing in repo"; one line, gone through show_line
	const char *file;  // as the checkout has it: see report_file; NULL: nowhere
	unsigned line;     // 0: the file as a whole
	size_t order; // in the report
	char key[17];      // hex digits; the same from run to run, different for each environment
};

// All that the report has to say, worst first, otherwise by environment. What is pending is one remark for each migration.
struct brief *brief_list(struct arena *arena, const struct report *report, size_t *n);

// A file of the repository (or a folder of its migrations) as the checkout has it, relative to its top; outside of any, as shown.
const char *report_file(struct arena *arena, const struct repo_report *repo, const char *file);

#endif
