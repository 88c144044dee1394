// SPDX-License-Identifier: PostgreSQL
// What the check of an environment found out, as its report: see check_state.h.
#include "sentinel/check_state.h"

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "diff/remedy.h"
#include "prove/origin.h"
#include "sentinel/dating.h"

enum { PREDATES_LEAST = 5, TRACELESS_SHOWN = 5 };

void check_note(struct check *check, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = arena_vprintf(check->arena, format, arguments);
	va_end(arguments);
	const char **notes = arena_array(check->arena, check->report->n_notes + 1, sizeof *notes);
	for (size_t i = 0; i < check->report->n_notes; i++)
		notes[i] = check->report->notes[i];
	notes[check->report->n_notes++] = text;
	check->report->notes = notes;
}

static void report_pending(struct check *check)
{
	struct env_report *report = check->report;
	report->pending_lines = arena_array(check->arena, check->standings.n[STANDING_PENDING], sizeof *report->pending_lines);
	for (size_t i = 0; i < check->set.n_items; i++) {
		const struct migration *migration = &check->set.items[i];
		if (check->standings.of[i] != STANDING_PENDING)
			continue;
		struct pending_line *line = &report->pending_lines[report->n_pending_lines++];
		*line = (struct pending_line){ migration->version, migration->label, migration->path };
		line->effects = check->repo_effects == NULL ? NULL : effects_text(check->arena, &check->repo_effects[i]);
		for (size_t j = 0; migration->repeatable && j < check->applied.n_items; j++)
			line->outdated = line->outdated || (check->applied.items[j].repeatable && strcmp(check->applied.items[j].version, migration->version) == 0);
	}
}

static void report_findings(struct check *check, const struct classification *result)
{
	struct env_report *report = check->report;
	report->findings = result->findings;
	report->n_findings = result->n_findings;
	const struct migration **repo = chain_migrations(check->arena, &check->repo_chain);
	const struct migration **base = chain_migrations(check->arena, &check->base_chain);
	size_t n_added = 0;
	for (size_t i = 0; i < result->n_findings; i++) {
		struct finding *finding = result->findings[i];
		bool of_base = finding->class == CLASS_HAND_EDIT || finding->class == CLASS_SKIPPED;
		origin_find(check->arena, &check->set, check->live->engine, of_base ? base : repo, of_base ? check->base_chain.n : check->repo_chain.n,
		            check->live, finding);
		if (finding->origin != NULL && finding->origin->file == NULL)
			origin_find(check->arena, &check->set, check->live->engine, of_base ? repo : base,
			            of_base ? check->repo_chain.n : check->base_chain.n, check->live, finding);
		if (finding->origin != NULL && finding->origin->file == NULL)
			finding->origin = NULL;
		if (finding->object->kind->namespace && finding->change == CHANGE_ADDED && finding->evidence == NULL)
			finding->evidence = arena_printf(check->arena, "no migration names it; if it is somebody else's: ignore { objects = {\"%s.*\"} }",
			                                 finding->object->path[0]);
		remedy_find(check->arena, check->live, check->base, check->head, finding, check->set.framework->deploy);
		n_added += finding->change == CHANGE_ADDED && finding->class == CLASS_HAND_EDIT;
	}
	date_findings(check->run, check->env, &check->recorded, &check->applied, report->findings, report->n_findings, check->arena);
	if (n_added >= PREDATES_LEAST && n_added * 2 > check->live->n_objects / 4 && n_added * 2 > result->n_findings)
		check_note(check, "most of what was found is in the environment only: it may predate the migrations. To record a baseline, write it "
		     "into a first migration (`driftcheck snapshot` and pg_dump --schema-only show it) and mark that as applied");
	if (result->n_parts > 0)
		check_note(check, "%zu partition%s of %s%s made at run time, not compared", result->n_parts, result->n_parts == 1 ? "" : "s", result->part_of,
		     result->n_parts == 1 ? " was" : " and others were");
}

static void report_verdict(struct check *check, const struct classification *result)
{
	struct env_report *report = check->report;
	enum verdict verdict = report_versions_verdict(&check->standings);
	for (size_t i = 0; i < result->n_findings; i++) {
		enum verdict of = result->findings[i]->class == CLASS_VERSION_SKEW ? VERDICT_SKEW : VERDICT_DRIFT;
		verdict = of > verdict ? of : verdict;
	}
	if (result->n_skipped > 0) {
		const char **skipped = arena_array(check->arena, report->skipped.n + result->n_skipped, sizeof *skipped);
		size_t n = 0;
		for (size_t i = 0; i < report->skipped.n; i++)
			skipped[n++] = report->skipped.items[i];
		for (size_t i = 0; i < result->n_skipped; i++) {
			bool listed = false;
			for (size_t j = 0; j < n; j++)
				listed = listed || strcmp(skipped[j], result->skipped[i]) == 0;
			if (!listed)
				skipped[n++] = result->skipped[i];
		}
		report->skipped = (struct versions){ skipped, n };
		if (report->state == STATE_CURRENT || report->state == STATE_BEHIND || report->state == STATE_NEWER)
			report->state = STATE_DIVERGED;
	}
	report->verdict = report->trouble != NULL ? VERDICT_TROUBLE : verdict;
}

// Where a migration never ran although the head says so, others may not have run either: of those without effects on the
// schema nobody can tell.
static void report_traceless(struct check *check, const struct classification *result)
{
	auto_buf versions = BUF_INIT;
	size_t n = 0;
	for (size_t i = 0; check->applied.head_only && result->n_skipped > 0 && i < check->base_chain.n; i++) {
		if (check->base_effects[i].changes.n == 0 && n++ < TRACELESS_SHOWN)
			buf_addf(&versions, "%s%s", n > 1 ? ", " : "", check->base_effects[i].version);
	}
	if (n > TRACELESS_SHOWN)
		buf_addf(&versions, " and %zu more", n - TRACELESS_SHOWN);
	if (n > 0)
		check_note(check, "whether %s ran here cannot be known: no effects on the schema, and %s records only the newest version",
		     versions.data, check->set.framework->name);
}

static void report_facts(struct check *check)
{
	const struct snapshot *live = check->live;
	for (size_t i = 0; i < live->n_notes; i++)
		check_note(check, "%s", live->notes[i]);
	for (size_t i = 0; i < check->set.n_notes; i++)
		check_note(check, "%s", check->set.notes[i]);
	for (size_t i = 0; check->head != NULL && i < check->head->n_notes; i++) {
		if (strstr(check->head->notes[i], "not compared") == NULL) // said of the environment already
			check_note(check, "%s", check->head->notes[i]);
	}
	if (check->head != NULL && live->engine == ENGINE_POSTGRESQL && check->head->major != live->major)
		check_note(check, "replayed on PostgreSQL %d, while the environment runs %d: texts that the two print differently are compared by "
		     "re-creating them", check->head->major, live->major);
	for (size_t i = 0; i < check->alignment.n_notes; i++)
		check_note(check, "%s", check->alignment.notes[i]);
	check->report->unread = live->unread;
	check->report->n_unread = live->n_unread;
	if (live->n_unread > 0 && check->report->trouble == NULL) {
		struct err err;
		err_set(&err, "unread", check->env->name, "run again when the locks are gone", "%zu object%s could not be read, so this is no "
		        "complete check", live->n_unread, live->n_unread == 1 ? "" : "s");
		report_trouble(check->run, check->report, &err);
	}
}

void check_report(struct check *check, const struct classification *result)
{
	struct env_report *report = check->report;
	if (report->trouble == NULL) {
		report_findings(check, result);
		report_traceless(check, result);
	}
	if (check->standings.of != NULL && report->versions_known)
		report_pending(check);
	report_facts(check);
	if (report->trouble == NULL || result->n_findings > 0)
		report_verdict(check, result);
}
