// SPDX-License-Identifier: PostgreSQL
// Whether safer statements are (--try-rewrite): they take the place of those that fail or warn, outside of the transactions in which
// those were, and everything runs once more on a second clone, filled like the first. Both runs must end in the same schema, as the
// reader of schemas sees it; rows are not compared. Safer statements that the server refuses are left out of another run.
#include "rehearse/course.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sql.h"
#include "diff/compare.h"
#include "rehearse/rewrite/rewrite.h"
#include "reporters/show.h"

static const char advice_only[] = "it is advice, no statements that could be run";

// A step of the first run and what is tried in its place.
struct attempt {
	size_t step;               // its index
	struct step_rewriting *of; // the step's
	size_t first;              // of its statements in the second run
};

// A statement of the second run.
struct item {
	size_t step;             // of the first run: the same statement, or the one that it belongs to
	struct attempt *attempt; // that it is a part of; NULL: none
};

struct retry {
	struct job *job;
	const struct pass *first;
	size_t n_usable;          // statements of the first run that may run again: up to the transaction in which one was refused
	struct attempt *attempts;
	size_t n_attempts;
	struct sequenced *statements;
	struct item *items;
	size_t n, statements_capacity, items_capacity;
	struct rewritten *result;
};

// What is tried.

static bool has_finding(const struct step *step, const char *rule)
{
	for (size_t i = 0; i < step->n_findings; i++) {
		if (strcmp(step->findings[i].rule, rule) == 0)
			return true;
	}
	return false;
}

// Whether a finding names the step's safer form as its remedy.
static bool names_safer(const struct step *step)
{
	for (size_t i = 0; i < step->n_findings; i++) {
		if (step->safer != NULL && step->findings[i].remedy == step->safer)
			return true;
	}
	return false;
}

// Of several statements; BEGIN and COMMIT are steps as well.
static bool is_in_transaction(const struct pass *pass, size_t i)
{
	return pass->steps[i].transaction != 0 && i > 0 && pass->steps[i - 1].transaction == pass->steps[i].transaction;
}

static size_t begin_of(const struct pass *pass, size_t i)
{
	while (is_in_transaction(pass, i))
		i--;
	return i;
}

static bool has_neighbours(const struct pass *pass, size_t i)
{
	for (size_t j = 0; j < pass->n_statements; j++) {
		if (j != i && pass->statements[j].file != NULL && pass->statements[j].migration == pass->statements[i].migration)
			return true;
	}
	return false;
}

// What it means for the file; NULL: nothing.
static const char *file_words(const struct retry *retry, size_t step, size_t n, bool outside)
{
	const char *marker = outside ? retry->job->request->set->framework->no_transaction : NULL;
	auto_buf words = BUF_INIT;
	bool taken_out = has_neighbours(retry->first, step);
	buf_adds(&words, taken_out ? "out of this one, into " : "");
	if (n > 1)
		buf_addf(&words, taken_out ? "%zu migrations, a statement each" : "%zu migrations instead of one, a statement each", n);
	else if (taken_out || outside)
		buf_adds(&words, taken_out ? "a migration of its own" : "nothing else may be in it");
	if (words.length == 0)
		return NULL;
	if (marker != NULL)
		buf_addf(&words, n > 1 ? "; those that cannot run in a transaction say `%s`" : ", which says `%s`", marker);
	return buf_copy(&words, retry->job->arena);
}

static void find_attempt(struct retry *retry, size_t i)
{
	struct job *job = retry->job;
	struct step *step = &retry->first->steps[i];
	struct rewriting rewriting = { 0 };
	const struct rewrite_request request = { step->sql, job->before, job->before->major, step->n_rewrites > 0 };
	bool named = names_safer(step) && rewrite_find(job->arena, &request, &rewriting);
	if (!named && has_finding(step, "held-by-earlier")) { // it is only to leave its transaction
		const char **own = arena_array(job->arena, 1, sizeof *own);
		*own = step->sql;
		rewriting = (struct rewriting){ .statements = own, .n = 1 };
	} else if (!named) {
		return;
	}
	struct step_rewriting *of = arena_alloc(job->arena, sizeof *of);
	*of = (struct step_rewriting){ .statements = rewriting.statements, .n_statements = rewriting.n };
	step->rewriting = of;
	if (rewriting.n == 0)
		of->why_not = advice_only;
	else if (i >= retry->n_usable)
		of->why_not = "the migrations stop in its transaction";
	else
		of->file = file_words(retry, i, rewriting.n, rewriting.outside);
	if (of->why_not == NULL)
		retry->attempts[retry->n_attempts++] = (struct attempt){ .step = i, .of = of };
}

static bool is_refused(const struct pass *pass)
{
	return pass->n_steps > 0 && pass->steps[pass->n_steps - 1].error != NULL;
}

static void find_attempts(struct retry *retry)
{
	const struct pass *first = retry->first;
	retry->n_usable = is_refused(first) ? begin_of(first, first->n_steps - 1) : first->n_steps;
	retry->attempts = arena_array(retry->job->arena, first->n_steps + 1, sizeof *retry->attempts);
	for (size_t i = 0; i < first->n_steps; i++)
		find_attempt(retry, i);
}

// The second run.

static void add(struct retry *retry, size_t step, struct attempt *attempt, const char *sql, bool ours)
{
	struct arena *arena = retry->job->arena;
	retry->statements = arena_grow(arena, retry->statements, retry->n, &retry->statements_capacity, sizeof *retry->statements);
	retry->items = arena_grow(arena, retry->items, retry->n, &retry->items_capacity, sizeof *retry->items);
	retry->statements[retry->n] = retry->first->statements[step];
	retry->statements[retry->n].sql = sql;
	if (ours)
		retry->statements[retry->n].file = NULL;
	retry->items[retry->n++] = (struct item){ step, attempt };
}

static void list(struct retry *retry)
{
	const struct pass *first = retry->first;
	struct attempt *attempt = retry->attempts, *end = retry->attempts + retry->n_attempts;
	retry->n = retry->result->n_replaced = 0;
	for (size_t i = 0; i < retry->n_usable; i++) {
		while (attempt < end && attempt->step < i)
			attempt++;
		if (attempt == end || attempt->step != i || attempt->of->failure != NULL) {
			add(retry, i, NULL, first->statements[i].sql, first->statements[i].file == NULL);
			continue;
		}
		bool inside = is_in_transaction(first, i);
		if (inside)
			add(retry, i, NULL, "COMMIT", true);
		attempt->first = retry->n;
		for (size_t j = 0; j < attempt->of->n_statements; j++)
			add(retry, i, attempt, attempt->of->statements[j], false);
		if (inside)
			add(retry, i, NULL, first->statements[begin_of(first, i)].sql, true);
		retry->result->n_replaced++;
	}
}

// Where a run stopped because of safer statements, those are left out from now on: the ones that were refused themselves, or whose
// absence from the transaction broke what follows in it.
static bool blame(struct retry *retry, const struct pass *again)
{
	const size_t stop = again->n_steps - 1;
	const struct step *refused = &again->steps[stop];
	const struct item *item = &retry->items[stop];
	if (item->attempt != NULL) {
		item->attempt->of->failure = arena_printf(retry->job->arena, "%s (%.*s)", refused->error, (int)strcspn(refused->sql, "\n"), refused->sql);
		return true;
	}
	for (size_t i = retry->n_attempts; i-- > 0;) {
		const struct attempt *attempt = &retry->attempts[i];
		if (attempt->step >= item->step || attempt->of->failure != NULL || !is_in_transaction(retry->first, attempt->step) ||
		    begin_of(retry->first, attempt->step) != begin_of(retry->first, item->step))
			continue;
		attempt->of->failure = arena_printf(retry->job->arena, "what follows in its transaction is refused without it: %s (%.*s)", refused->error,
		                                    (int)strcspn(refused->sql, "\n"), refused->sql);
		return true;
	}
	return false;
}

// What came of it.

static const char *place(const struct retry *retry, const struct step *step)
{
	return step->file == NULL ? step->label : arena_printf(retry->job->arena, "%s:%u", step->file, step->line);
}

// "constraint public.t.c: not valid differs"
static const char *difference(struct arena *arena, const struct change *change)
{
	const struct object *object = change->have != NULL ? change->have : change->want;
	auto_buf words = BUF_INIT;
	for (const char *c = object->kind->name; *c != '\0'; c++)
		buf_addc(&words, *c == '-' || *c == '_' ? ' ' : *c);
	buf_addf(&words, " %s: ", object_name_copy(arena, object));
	if (change->want == NULL)
		buf_adds(&words, "is there only with the safer statements");
	else if (change->have == NULL)
		buf_adds(&words, "is missing with the safer statements");
	size_t n = 0;
	for (unsigned i = 0; i < object->kind->n_attrs; i++) {
		if ((change->attrs & 1u << i) == 0)
			continue;
		buf_adds(&words, n++ > 0 ? ", " : "");
		show_attr_name(&words, &object->kind->attrs[i]);
	}
	buf_adds(&words, n > 1 ? " differ" : n == 1 ? " differs" : "");
	return buf_copy(&words, arena);
}

static bool locks_relation(const struct step *steps, size_t n, const char *relation)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < steps[i].n_locks; j++) {
			if (strcmp(steps[i].locks[j].relation, relation) == 0)
				return true;
		}
	}
	return false;
}

// Whether a change may be an attempt's: its relation, or the object itself, is locked by it.
static bool touches(const struct retry *retry, const struct attempt *attempt, const struct change *change)
{
	const struct object *object = change->have != NULL ? change->have : change->want;
	const struct step_rewriting *of = attempt->of;
	const char *relation = sql_name_copy(retry->job->arena, object->path, object->n_path < 2 ? object->n_path : 2);
	return locks_relation(&retry->first->steps[attempt->step], 1, relation) || locks_relation(of->steps, of->n_steps, relation);
}

static void add_difference(struct arena *arena, const char *const **texts, size_t *n, const char *text)
{
	const char **more = arena_array(arena, *n + 1, sizeof *more);
	if (*n > 0)
		memcpy(more, *texts, *n * sizeof *more);
	more[(*n)++] = text;
	*texts = more;
}

// A difference is held against each attempt that touches its relation; where none does, against all.
static void compare(struct retry *retry, const struct snapshot *wanted, const struct snapshot *have)
{
	struct arena *arena = retry->job->arena;
	struct rewritten *result = retry->result;
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_POSTGRESQL, GROUPS_ALL);
	const struct changes changes = compare_snapshots(&comparer, wanted, have);
	result->schema = SCHEMA_EQUAL;
	for (size_t i = 0; i < retry->n_attempts; i++)
		retry->attempts[i].of->schema = retry->attempts[i].of->failure == NULL ? SCHEMA_EQUAL : SCHEMA_NOT_COMPARED;
	for (size_t c = 0; c < changes.n; c++) {
		const struct change *change = &changes.items[c];
		if (change_implied(wanted, have, change))
			continue;
		const char *text = difference(arena, change);
		size_t n_touching = 0;
		for (size_t i = 0; i < retry->n_attempts; i++)
			n_touching += retry->attempts[i].of->failure == NULL && touches(retry, &retry->attempts[i], change);
		result->schema = SCHEMA_DIFFERENT;
		add_difference(arena, &result->differences, &result->n_differences, text);
		for (size_t i = 0; i < retry->n_attempts; i++) {
			struct step_rewriting *of = retry->attempts[i].of;
			if (of->failure != NULL || (n_touching > 0 && !touches(retry, &retry->attempts[i], change)))
				continue;
			of->schema = SCHEMA_DIFFERENT;
			add_difference(arena, &of->differences, &of->n_differences, text);
		}
	}
}

// What keeps the schemas from being compared; NULL: nothing.
static const char *why_not_compared(const struct retry *retry, const struct pass *again, const struct snapshot *wanted, const struct snapshot *have)
{
	const struct step *refused = is_refused(retry->first) ? &retry->first->steps[retry->first->n_steps - 1] : NULL;
	if (refused != NULL && (refused->transaction == 0 || refused->n_invalid_indexes > 0))
		return arena_printf(retry->job->arena, "%s is refused, and may have left something behind", place(retry, refused));
	if (again->n_steps < retry->n || is_refused(again))
		return arena_printf(retry->job->arena, "%s was refused in this run: %s", place(retry, &again->steps[again->n_steps - 1]),
		                    again->steps[again->n_steps - 1].error);
	return wanted->complete && have->complete ? NULL : "a part of the schema could not be read";
}

// The steps of the second run that also were in the first one take over what several sizes said of them.
static void take_steps(struct retry *retry, struct pass *again)
{
	struct job *job = retry->job;
	struct rehearsal *run = &retry->result->run;
	for (size_t i = 0; i < again->n_steps; i++) {
		const struct step *same = &retry->first->steps[retry->items[i].step];
		struct step *step = &again->steps[i];
		if (strcmp(same->sql, step->sql) == 0) {
			step->growth = same->growth;
			step->predicted_ms = same->predicted_ms;
			step->predicted_error_ms = same->predicted_error_ms;
			step->safer = same->safer;
		} else {
			job_grow(job, step);
		}
	}
	*run = *job->rehearsal;
	run->steps = again->steps;
	run->n_steps = again->n_steps;
	run->tables = again->tables;
	run->n_tables = again->n_tables;
	run->duration_ms = again->duration_ms;
	verdict_reach(job->arena, run, &job->request->thresholds);
}

static void take_attempt(struct retry *retry, const struct pass *again, const struct attempt *attempt)
{
	struct step_rewriting *of = attempt->of;
	of->before = step_works_under(retry->job->rehearsal, &retry->first->steps[attempt->step]);
	if (of->failure != NULL)
		return;
	size_t n_left = again->n_steps > attempt->first ? again->n_steps - attempt->first : 0;
	of->n_steps = n_left < of->n_statements ? n_left : of->n_statements;
	of->steps = &again->steps[attempt->first];
	if (of->n_steps == 0)
		of->why_not = "the run stopped before it";
	for (size_t i = 0; i < of->n_steps; i++) {
		const struct step_lock *worst = step_worst_lock(&retry->result->run, &of->steps[i]);
		if (worst != NULL && (of->after == NULL || worst->held_ms > of->after->held_ms))
			of->after = worst;
	}
}

static bool run_until_accepted(struct retry *retry, struct pass *again, bool (*run)(struct job *job, struct err *err), struct err *err)
{
	struct job *job = retry->job;
	for (;;) {
		list(retry);
		*again = (struct pass){ .scale = retry->first->scale, .touched = retry->first->touched };
		if (retry->result->n_replaced == 0)
			return true;
		job->pass = again;
		job->statements = retry->statements;
		job->n_statements = retry->n;
		log_info(job->request->log, "rehearsing %zu safer statements on another clone", retry->result->n_replaced);
		retry->result->n_runs++;
		if (!run(job, err))
			return false;
		if (!is_refused(again) || !blame(retry, again))
			return true;
	}
}

bool job_run_rewritten(struct job *job, bool (*run)(struct job *job, struct err *err), struct err *err)
{
	struct rewritten *result = arena_alloc(job->arena, sizeof *result);
	struct retry retry = { .job = job, .first = job->pass, .result = result };
	struct pass *again = arena_alloc(job->arena, sizeof *again);
	const struct snapshot *wanted = job->after;
	long long start_us = clock_us();
	job->rehearsal->rewritten = result;
	find_attempts(&retry);
	job->again = true;
	if (retry.n_attempts == 0) {
		result->why_not = "no statement that fails or warns has statements to take its place";
		return true;
	}
	if (!run_until_accepted(&retry, again, run, err)) {
		result->why_not = "there was trouble";
		for (size_t i = 0; i < retry.n_attempts; i++)
			retry.attempts[i].of->why_not = retry.attempts[i].of->failure == NULL ? result->why_not : NULL;
		return false;
	}
	result->took_ms = (double)(clock_us() - start_us) / 1000;
	if (result->n_replaced > 0) {
		take_steps(&retry, again);
		result->why_not_compared = why_not_compared(&retry, again, wanted, job->after);
	} else {
		result->why_not = "the server refuses all of them";
	}
	for (size_t i = 0; i < retry.n_attempts; i++)
		take_attempt(&retry, again, &retry.attempts[i]);
	if (result->n_replaced > 0 && result->why_not_compared == NULL)
		compare(&retry, wanted, job->after);
	return true;
}
