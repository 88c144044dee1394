// SPDX-License-Identifier: PostgreSQL
// A report as a list of remarks: see brief.h. It makes sentences; how they are escaped is up to each format.
#include "reporters/brief.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "reporters/show.h"

const struct brief_rule_words brief_rules[N_RULES] = {
	[RULE_TROUBLE] = { "trouble", "Something could not be checked.",
	                   "Do what the message says, and run driftcheck again: what was not checked may have drifted.", SEVERITY_ALARM },
	[RULE_COLLISION] = { "collision", "A hand edit on something that a pending migration also changes.",
	                     "The next deploy is at risk. Settle the hand edit first: keep it as a migration, or undo it.", SEVERITY_ALARM },
	[RULE_HAND_EDIT] = { "hand-edit", "Changed in the environment by hand: the repository does not know of it.",
	                     "Keep it, as a new migration, or undo it in the environment. driftcheck prints statements for both.", SEVERITY_ALARM },
	[RULE_SKIPPED] = { "skipped", "In the repository and missing in the environment, which is past the migration.",
	                   "Run what is missing. driftcheck prints the statements.", SEVERITY_ALARM },
	[RULE_DIRTY] = { "dirty", "A migration failed or was not finished.",
	                 "Clean up what it left and clear the mark before the next deploy.", SEVERITY_ALARM },
	[RULE_DIFFERENCE] = { "difference", "The two sources that were compared differ.",
	                      "driftcheck diff prints statements that make them equal.", SEVERITY_ALARM },
	[RULE_UNREAD] = { "unread", "Something in the environment could not be read.",
	                  "Run driftcheck again, or give its role the right.", SEVERITY_WARN },
	[RULE_AHEAD] = { "ahead", "The environment already has what a pending migration makes.",
	                 "The migration will do nothing, or fail, at the next deploy: see which.", SEVERITY_WARN },
	[RULE_UNKNOWN] = { "unknown", "The environment recorded a migration that the checkout lacks.",
	                   "Bring the checkout up to date.", SEVERITY_WARN },
	[RULE_EDITED] = { "edited", "A migration was changed after it was applied.",
	                  "Restore the file, and put the change into a new migration.", SEVERITY_WARN },
	[RULE_VERSION_SKEW] = { "version-skew", "The environment is older or newer than the checkout.",
	                        "Nothing, if a deploy is due: it applies what is pending.", SEVERITY_INFO },
};

static const enum brief_rule rule_of_class[] = {
	[CLASS_HAND_EDIT] = RULE_HAND_EDIT, [CLASS_SKIPPED] = RULE_SKIPPED, [CLASS_VERSION_SKEW] = RULE_VERSION_SKEW,
	[CLASS_AHEAD] = RULE_AHEAD, [CLASS_COLLISION] = RULE_COLLISION,
};

struct list {
	struct arena *arena;
	const struct report *report;
	struct brief *items;
	size_t n, capacity;
};

const char *report_file(struct arena *arena, const struct repo_report *repo, const char *file)
{
	while (strncmp(file, "./", 2) == 0)
		file += 2;
	for (size_t i = 0; repo != NULL && i < repo->n_folders; i++) {
		const char *path = repo->folders[i].path, *in_git = repo->folders[i].in_git;
		while (strncmp(path, "./", 2) == 0)
			path += 2;
		size_t length = strlen(path);
		while (length > 0 && path[length - 1] == '/')
			length--;
		if (in_git != NULL && strncmp(file, path, length) == 0 && (file[length] == '/' || file[length] == '\0')) {
			const char *rest = file + length + strspn(file + length, "/");
			return arena_printf(arena, "%s%s%s", in_git, *in_git == '\0' || *rest == '\0' ? "" : "/", rest);
		}
	}
	return file;
}

static void add(struct list *list, struct brief brief, const char *word, const char *text, const char *key)
{
	auto_buf title = BUF_INIT, whole = BUF_INIT;
	const struct env_report *env = brief.env;
	if (env != NULL) {
		show_line(&title, env->name);
		if (env->members.n > 1)
			buf_addf(&title, " and %zu more", env->members.n - 1);
		buf_adds(&title, ": ");
	}
	buf_adds(&title, word);
	brief.title = buf_copy(&title, list->arena);
	brief.text = arena_strdup(list->arena, text);
	buf_addf(&whole, "%s\n%s\n%s", env == NULL ? "" : env->name, brief_rules[brief.rule].name, key);
	char digest[DIGEST_SHA256_HEX];
	digest_sha256_hex(whole.data, whole.length, digest);
	memcpy(brief.key, digest, sizeof brief.key - 1);
	const struct repo_report *repo = env == NULL ? NULL : env->repo;
	if (brief.file == NULL && repo != NULL && repo->n_folders > 0)
		brief.file = repo->folders[0].path;
	if (brief.file != NULL)
		brief.file = report_file(list->arena, repo, brief.file);
	list->items = arena_grow(list->arena, list->items, list->n, &list->capacity, sizeof *list->items);
	brief.order = list->n;
	list->items[list->n++] = brief;
}

static void add_finding(struct list *list, const struct env_report *env, const struct finding *finding)
{
	bool is_diff = strcmp(list->report->command, "diff") == 0;
	struct brief brief = {
		.rule = is_diff ? RULE_DIFFERENCE : rule_of_class[finding->class], .severity = finding->severity, .env = env,
		.finding = finding,
	};
	if (finding->origin != NULL && finding->origin->file != NULL) {
		brief.file = finding->origin->file;
		brief.line = finding->origin->line;
	}
	auto_buf text = BUF_INIT;
	buf_addf(&text, "%s ", finding->object->kind->name);
	show_line(&text, finding->name);
	buf_adds(&text, ": ");
	if (is_diff)
		buf_adds(&text, change_names[finding->change]);
	else
		show_phrase(&text, finding, env->name, show_plain);
	for (size_t i = 0; i < finding->n_attrs && finding->change == CHANGE_ALTERED; i++) {
		buf_adds(&text, i == 0 ? " (" : ", ");
		show_attr_name(&text, &finding->object->kind->attrs[finding->attrs[i].attr]);
	}
	buf_adds(&text, finding->n_attrs > 0 && finding->change == CHANGE_ALTERED ? ")" : "");
	if (finding->evidence != NULL && *finding->evidence != '\0') {
		buf_adds(&text, "; ");
		show_line(&text, finding->evidence);
	}
	add(list, brief, is_diff ? "difference" : show_class(finding), text.data, finding->id);
}

// Whether a skipped migration is told by a finding.
static bool is_told(const struct env_report *env, const char *version)
{
	for (size_t i = 0; i < env->n_findings; i++) {
		const struct finding *finding = env->findings[i];
		if (finding->class == CLASS_SKIPPED && finding->origin != NULL && strcmp(finding->origin->version, version) == 0)
			return true;
	}
	return false;
}

static void add_versions(struct list *list, const struct env_report *env)
{
	static const enum brief_rule rules[VERSION_WORDS] = { RULE_DIRTY, RULE_SKIPPED, RULE_UNKNOWN, RULE_EDITED };
	struct version_words words[VERSION_WORDS];
	show_version_words(env, words);
	for (size_t i = 0; i < VERSION_WORDS; i++) {
		for (size_t v = 0; v < words[i].versions->n; v++) {
			const char *version = words[i].versions->items[v];
			if (rules[i] == RULE_SKIPPED && is_told(env, version))
				continue;
			auto_buf text = BUF_INIT;
			buf_adds(&text, "migration ");
			show_line(&text, version);
			buf_adds(&text, ": ");
			show_template(&text, words[i].meaning, env->name, show_plain);
			add(list, (struct brief){ .rule = rules[i], .severity = brief_rules[rules[i]].severity, .env = env }, words[i].word, text.data,
			    version);
		}
	}
	for (size_t v = 0; v < env->pending.n; v++) {
		const struct pending_line *line = NULL;
		for (size_t i = 0; i < env->n_pending_lines && line == NULL; i++)
			line = strcmp(env->pending_lines[i].version, env->pending.items[v]) == 0 ? &env->pending_lines[i] : NULL;
		auto_buf text = BUF_INIT;
		buf_adds(&text, "migration ");
		show_line(&text, line != NULL ? line->label : env->pending.items[v]);
		buf_adds(&text, " is pending");
		if (line != NULL && line->effects != NULL && *line->effects != '\0') {
			buf_adds(&text, ": ");
			show_line(&text, line->effects);
		}
		add(list, (struct brief){ .rule = RULE_VERSION_SKEW, .env = env, .file = line == NULL ? NULL : line->path }, "version skew",
		    text.data, env->pending.items[v]);
	}
}

static void add_unread(struct list *list, const struct env_report *env, const struct unread *unread)
{
	auto_buf text = BUF_INIT;
	show_unread(&text, unread, show_plain);
	add(list, (struct brief){ .rule = RULE_UNREAD, .severity = SEVERITY_WARN, .env = env }, "unread", text.data, text.data);
}

static void add_trouble(struct list *list, const struct err *err)
{
	const struct env_report *env = NULL;
	for (size_t i = 0; i < list->report->n_envs && env == NULL; i++) {
		const struct err *of = list->report->envs[i]->trouble;
		bool same = of != NULL && strcmp(of->where, err->where) == 0 && strcmp(of->code, err->code) == 0 &&
		            strcmp(of->text, err->text) == 0;
		env = same ? list->report->envs[i] : NULL;
	}
	auto_buf text = BUF_INIT;
	if (err->where[0] != '\0' && (env == NULL || strcmp(err->where, env->name) != 0)) {
		show_line(&text, err->where);
		buf_adds(&text, ": ");
	}
	show_line(&text, err->text);
	if (err->hint[0] != '\0') {
		buf_adds(&text, ". What to do: ");
		show_line(&text, err->hint);
	}
	auto_buf word = BUF_INIT;
	buf_adds(&word, "trouble: ");
	show_line(&word, err->code);
	add(list, (struct brief){ .rule = RULE_TROUBLE, .severity = SEVERITY_ALARM, .env = env }, word.data, text.data, err->code);
}

static int compare(const void *a, const void *b)
{
	const struct brief *x = a, *y = b;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->rule != y->rule && (x->rule < RULE_HAND_EDIT || y->rule < RULE_HAND_EDIT))
		return x->rule < y->rule ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct brief *brief_list(struct arena *arena, const struct report *report, size_t *n)
{
	struct list list = { .arena = arena, .report = report };
	for (size_t i = 0; i < report->n_troubles; i++) {
		if (!show_trouble_again(report, i))
			add_trouble(&list, &report->troubles[i]);
	}
	for (size_t e = 0; e < report->n_envs; e++) {
		const struct env_report *env = report->envs[e];
		for (size_t i = 0; i < env->n_findings; i++) {
			if (!show_as_pending(env, env->findings[i]))
				add_finding(&list, env, env->findings[i]);
		}
		if (env->versions_known)
			add_versions(&list, env);
		for (size_t i = 0; i < env->n_unread; i++)
			add_unread(&list, env, &env->unread[i]);
	}
	if (list.n > 1)
		qsort(list.items, list.n, sizeof *list.items, compare);
	*n = list.n;
	return list.items;
}
