// SPDX-License-Identifier: PostgreSQL
// The course of a rehearsal: see rehearse.h. The same migrations run on synthetic clones of three sizes. The small ones come first: they
// show how the time grows, and which tables are touched, so that the traffic on the last and largest one is where it hurts.
// Other ways to a clone have one size: what it scans and rewrites says how a statement's time grows.
#include "rehearse/course.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "introspect/reader.h"
#include "migrations/replay.h"
#include "rehearse/clone.h"
#include "rehearse/fill/fill.h"
#include "rehearse/rewrite/rewrite.h"
#include "rehearse/room.h"
#include "rehearse/server.h"

enum { WALL_CLOCK_S = 6 * 3600, CONNECTIONS = 2, LARGEST = 8 };

static const double fractions[PASSES_MAX] = { 1.0 / 16, 1.0 / 4, 1 };
static const double whole[] = { 1 };
static const char smaller[] = "make it smaller with --scale 0.1 or --rows, or set TMPDIR to a larger disk";

void rehearsal_note(struct arena *arena, struct rehearsal *rehearsal, const char *text)
{
	for (size_t i = 0; i < rehearsal->n_notes; i++) { // of an earlier clone
		if (strcmp(rehearsal->notes[i], text) == 0)
			return;
	}
	const char **notes = arena_array(arena, rehearsal->n_notes + 1, sizeof *notes);
	if (rehearsal->n_notes > 0)
		memcpy(notes, rehearsal->notes, rehearsal->n_notes * sizeof *notes);
	notes[rehearsal->n_notes++] = text;
	rehearsal->notes = notes;
}

void job_trouble(struct job *job, const struct err *trouble)
{
	struct rehearsal *rehearsal = job->rehearsal;
	struct err *troubles = arena_array(job->arena, rehearsal->n_troubles + 1, sizeof *troubles);
	if (rehearsal->n_troubles > 0)
		memcpy(troubles, rehearsal->troubles, rehearsal->n_troubles * sizeof *troubles);
	troubles[rehearsal->n_troubles++] = *trouble;
	rehearsal->troubles = troubles;
}

void job_note(struct job *job, const char *text)
{
	rehearsal_note(job->arena, job->rehearsal, text);
}

bool job_list(struct job *job, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	size_t capacity = 0;
	job->n_statements = 0;
	for (size_t i = 0; request->exec == NULL && i < request->n_pending; i++) {
		size_t n;
		const struct sequenced *of = sequence_of(job->arena, request->set, ENGINE_POSTGRESQL, request->pending[i], request->version_table,
		                                         request->n_applied + i + 1, &n, err);
		if (of == NULL)
			return false;
		for (size_t j = 0; j < n; j++) {
			job->statements = arena_grow(job->arena, job->statements, job->n_statements, &capacity, sizeof *job->statements);
			job->statements[job->n_statements++] = of[j];
		}
	}
	return true;
}

static int compare_bytes(const void *a, const void *b)
{
	long long left = ((const struct clone_table *)a)->bytes, right = ((const struct clone_table *)b)->bytes;
	return (left < right) - (left > right);
}

// Where nobody knows which tables a command will touch, clients use the largest.
static const char *const *largest_tables(struct job *job)
{
	const struct pass *pass = job->pass;
	struct clone_table *tables = arena_array(job->arena, pass->n_tables, sizeof *tables);
	const char **names = arena_array(job->arena, LARGEST + 1, sizeof *names);
	if (pass->n_tables > 0)
		memcpy(tables, pass->tables, pass->n_tables * sizeof *tables);
	qsort(tables, pass->n_tables, sizeof *tables, compare_bytes);
	for (size_t i = 0; i < pass->n_tables && i < LARGEST; i++)
		names[i] = tables[i].name;
	if (pass->n_tables > LARGEST && job->request->pgbench == NULL)
		job_note(job, "which tables the command touches was not known before: clients used the largest ones");
	return names;
}

bool job_run(struct job *job, struct err *err)
{
	struct pass *pass = job->pass;
	struct read_options options = { .log = job->request->log, .name = "clone" };
	job->before = postgres_read(job->arena, pass->superuser, &options, err);
	if (job->before == NULL)
		return false;
	pass->statements = job->statements;
	pass->n_statements = job->n_statements;
	pass->steps = arena_array(job->arena, job->n_statements, sizeof *pass->steps);
	if (pass->known != NULL)
		pass->touched = pass_touched(job, pass->known);
	else if (!pass->quiet && pass->touched == NULL && job->request->exec == NULL)
		pass->touched = clone_touched(job->arena, job->before, job->statements, job->n_statements, job->request->version_table);
	if (pass->tables == NULL && !clone_tables(job->arena, pass->superuser, job->request->statistics, pass->touched, &pass->tables, &pass->n_tables, err))
		return false;
	if (!pass->quiet && pass->touched == NULL)
		pass->touched = largest_tables(job);
	if (!pass->quiet && !job->again)
		server_compare(job->arena, pass->superuser, job->request->statistics, job->rehearsal);
	progress_stage(&job->progress, STAGE_STATEMENTS);
	if (!pass_run(job, err))
		return false;
	options.groups = GROUPS_ALL;
	if (job->request->try_rewrite && !pass->quiet)
		job->after = postgres_read(job->arena, pass->superuser, &options, err);
	return !job->request->try_rewrite || pass->quiet || job->after != NULL;
}

// Those of the migrations' own, NULL-ended.
static const char *const *own_statements(const struct job *job)
{
	const char **own = arena_array(job->arena, job->n_statements + 1, sizeof *own);
	size_t n = 0;
	for (size_t i = 0; i < job->n_statements; i++) {
		if (job->statements[i].file != NULL)
			own[n++] = job->statements[i].sql;
	}
	return own;
}

bool job_look(struct job *job, struct scratch *scratch, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	struct read_options options = { .log = request->log, .name = "clone" };
	if (request->look == NULL || job->looked)
		return true;
	job->looked = true;
	const struct snapshot *schema = postgres_read(job->arena, scratch == NULL ? request->clone : scratch_conninfo(scratch, true), &options, err);
	return schema != NULL && request->look(request->argument, schema, scratch, err);
}

bool job_keep(struct job *job, struct scratch *scratch, struct err *err)
{
	return job->request->kept == NULL || scratch_keep(scratch, job->arena, job->request->kept, err);
}

// Of the largest clone, once the types of its columns are known.
static bool expect(void *argument, long long bytes, struct err *err)
{
	const struct job *job = argument;
	return room_check(job->request->log, job->request->scratch, bytes, job->request->statistics == NULL ? ROOM_TELL : ROOM_QUIET, smaller, err);
}

static bool on_synthetic(struct scratch *scratch, void *argument, struct err *err)
{
	struct job *job = argument;
	struct pass *pass = job->pass;
	const struct rehearsal_request *request = job->request;
	struct fill_request filling = {
		.conninfo = scratch_conninfo(scratch, true), .statistics = request->statistics, .scale = pass->scale,
		.rows_default = (long long)((double)(request->rows >= 0 ? request->rows : ROWS_DEFAULT) * (request->statistics == NULL ? pass->scale : 1)),
		.version_table = request->version_table, .n_connections = CONNECTIONS, .progress = &job->progress,
		.whole = request->scale / pass->scale, .expect = job->pass == job->passes ? expect : NULL, .argument = job,
		.ahead = own_statements(job),
	};
	const char **notes;
	size_t n_notes;
	if (!job_look(job, scratch, err))
		return false;
	progress_stage(&job->progress, STAGE_FILL);
	if (!fill(job->arena, &filling, &pass->tables, &pass->n_tables, &notes, &n_notes, err))
		return false;
	for (size_t i = 0; i < n_notes && !pass->quiet; i++)
		job_note(job, notes[i]);
	pass->own = scratch_conninfo(scratch, false);
	pass->superuser = filling.conninfo;
	return job_run(job, err) && (pass->quiet || job->again || job_keep(job, scratch, err));
}

// The table that a statement works on: the one with the most rows of those that its transaction has locked by then (what is locked
// already is not locked again).
static const struct clone_table *main_table(const struct pass *pass, const struct step *step)
{
	const struct clone_table *most = NULL;
	for (const struct step *by = pass->steps; by <= step; by++) {
		if (by != step && (step->transaction == 0 || by->transaction != step->transaction))
			continue;
		for (size_t i = 0; i < pass->n_tables; i++) {
			for (size_t j = 0; j < by->n_locks; j++) {
				if (strcmp(by->locks[j].relation, pass->tables[i].name) == 0 && (most == NULL || pass->tables[i].rows > most->rows))
					most = &pass->tables[i];
			}
		}
	}
	return most;
}

static double rows_of_env(const struct clone_table *table)
{
	return (double)(table->rows_of_env > 0 ? table->rows_of_env : table->rows);
}

// From the times at several sizes.
static void grow_by_sizes(struct job *job, size_t i, struct step *step)
{
	struct growth_point points[PASSES_MAX];
	size_t n = 0;
	const struct clone_table *table = main_table(job->pass, step);
	for (size_t p = 0; p < job->n_passes && table != NULL; p++) {
		const struct pass *pass = &job->passes[p];
		const struct clone_table *same = i < pass->n_steps ? main_table(pass, &pass->steps[i]) : NULL;
		if (same == NULL || pass->steps[i].error != NULL || strcmp(pass->steps[i].sql, step->sql) != 0)
			continue;
		const struct step *of = &pass->steps[i];
		points[n++] = (struct growth_point){ .rows = (double)same->rows, .ms = of->duration_ms - of->lock_wait_ms, .rows_read = of->rows_read,
		                                     .wal_bytes = of->wal_bytes, .rewrites = of->n_rewrites > 0 };
	}
	if (table != NULL)
		step->growth = growth_fit(points, n, rows_of_env(table), &step->predicted_ms, &step->predicted_error_ms);
}

// From one size: what copies a table or reads most of it takes as much longer as it has more rows. The error is what the
// proportion adds or takes away, for nothing confirms it.
void job_grow(const struct job *job, struct step *step)
{
	const struct clone_table *table = main_table(job->pass, step);
	bool works = step->n_rewrites > 0 || (table != NULL && table->rows > 0 && step->rows_read >= table->rows / 2);
	if (!works || table == NULL || table->rows <= 0 || step->error != NULL)
		return;
	double ms = step->duration_ms - step->lock_wait_ms;
	step->growth = GROWTH_LINEAR;
	step->predicted_ms = ms * rows_of_env(table) / (double)table->rows;
	step->predicted_error_ms = step->predicted_ms > ms ? step->predicted_ms - ms : ms - step->predicted_ms;
}

// What follows from the last run.
static void finish(struct job *job)
{
	const struct pass *last = job->pass;
	struct rehearsal *rehearsal = job->rehearsal;
	for (size_t i = 0; i < last->n_steps; i++) {
		struct step *step = &last->steps[i];
		struct rewriting rewriting;
		if (job->n_passes > 1)
			grow_by_sizes(job, i, step);
		else
			job_grow(job, step);
		const struct rewrite_request safer = { step->sql, job->before, job->before->major, step->n_rewrites > 0 };
		if (rewrite_find(job->arena, &safer, &rewriting)) {
			step->safer = rewriting.text;
			step->stops_nobody = rewriting.stops_nobody;
		}
	}
	rehearsal->steps = last->steps;
	rehearsal->n_steps = last->n_steps;
	rehearsal->tables = last->tables;
	rehearsal->n_tables = last->n_tables;
	rehearsal->duration_ms = last->duration_ms;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		struct err trouble = { 0 };
		if (!step_fails_on_made_up_rows(rehearsal, step))
			continue;
		err_set(&trouble, "made-up-rows", NULL, "rehearse on real rows: --clone or --dump", "fails on made-up rows, and may pass on real ones; "
		        "what comes after it was not rehearsed: %s", step->error);
		if (step->file != NULL)
			err_where(&trouble, "%s:%u", step->file, step->line);
		job_trouble(job, &trouble);
	}
	verdict_reach(job->arena, rehearsal, &job->request->thresholds);
}

struct scratch_settings job_scratch(struct job *job)
{
	struct scratch_settings scratch = *job->request->scratch;
	scratch.server_settings = server_settings(job->arena, job->request->statistics);
	scratch.wall_clock_s = WALL_CLOCK_S;
	scratch.disk_bytes = INT64_MAX;
	return scratch;
}

// job->pass on a clone of its own.
static bool run_synthetic(struct job *job, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	const struct scratch_settings scratch = job_scratch(job);
	const struct replay_request replaying = {
		.set = request->set, .engine = ENGINE_POSTGRESQL, .major = request->major, .chain = request->applied, .n_chain = request->n_applied,
		.scratch = &scratch, .log = request->log, .visit = on_synthetic, .argument = job,
	};
	log_info(request->log, "rehearsing at %.3g times the environment's rows", job->pass->scale);
	if (job->again)
		progress_begin(&job->progress, request->log, whole, 1);
	progress_stage(&job->progress, STAGE_REPLAY);
	return replay(job->arena, &replaying, NULL, NULL, err);
}

static bool rehearse_synthetic(struct job *job, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	const struct fill_request all = { .statistics = request->statistics, .scale = request->scale };
	size_t first = request->one_size ? PASSES_MAX - 1 : 0;
	if (!job_list(job, err) ||
	    (request->statistics != NULL && !room_check(request->log, request->scratch, fill_estimate(&all), ROOM_TELL, smaller, err)))
		return false;
	progress_begin(&job->progress, request->log, &fractions[first], (int)(PASSES_MAX - first));
	for (size_t i = first; i < PASSES_MAX; i++) {
		bool last = i == PASSES_MAX - 1;
		job->pass = &job->passes[job->n_passes++];
		*job->pass = (struct pass){ .scale = request->scale * fractions[i], .quiet = !last, .known = last && job->n_passes > 1 ? job->pass - 1 : NULL };
		if (!run_synthetic(job, err))
			return false;
	}
	return true;
}

static bool wants_clone(const struct rehearsal_request *request)
{
	return request->clone != NULL;
}

static bool wants_dump(const struct rehearsal_request *request)
{
	return request->dump != NULL;
}

static bool wants_any(const struct rehearsal_request *request)
{
	(void)request;
	return true;
}

// The ways to a clone; the first that the request asks for.
static const struct way {
	const char *kind;
	bool (*is_asked)(const struct rehearsal_request *request);
	bool (*run)(struct job *job, struct err *err);
	bool (*again)(struct job *job, struct err *err); // job->pass on another such clone; NULL: there is no other
} ways[] = {
	{ "clone", wants_clone, rehearse_on_clone, NULL },
	{ "dump", wants_dump, rehearse_on_dump, dump_again },
	{ "synthetic", wants_any, rehearse_synthetic, run_synthetic },
};

static void note_scripts(struct job *job)
{
	const struct pgbench_request *pgbench = job->request->pgbench;
	if (pgbench == NULL)
		return;
	auto_buf note = BUF_INIT;
	buf_addf(&note, "clients were %d of pgbench's, ", pgbench->n_clients);
	if (pgbench->rate > 0)
		buf_addf(&note, "%g transactions a second in all", pgbench->rate);
	else
		buf_adds(&note, "each as fast as it could");
	buf_adds(&note, "; what their scripts wrote stayed in the clone");
	job_note(job, buf_copy(&note, job->arena));
}

// What the first run found stands, whatever becomes of this one.
static void try_rewrite(struct job *job, const struct way *way)
{
	struct rehearsal *rehearsal = job->rehearsal;
	struct err err = { 0 };
	if (job_run_rewritten(job, way->again, &err))
		return;
	rehearsal->troubles = arena_alloc(job->arena, sizeof *rehearsal->troubles);
	rehearsal->troubles[rehearsal->n_troubles++] = err;
	rehearsal->verdict = REHEARSAL_TROUBLE;
}

bool rehearse(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err)
{
	struct rehearsal_request asked = *request;
	struct job job = { .arena = arena, .request = &asked, .rehearsal = rehearsal };
	progress_begin(&job.progress, request->log, whole, 1);
	const struct way *way = ways;
	while (!way->is_asked(request))
		way++;
	*rehearsal = (struct rehearsal){ .env = request->env, .engine = ENGINE_POSTGRESQL, .clone_kind = way->kind, .lock_timeout_ms = (long long)request->thresholds.lock_timeout_ms,
	                                 .statement_timeout_ms = (long long)request->thresholds.statement_timeout_ms };
	if (!way->run(&job, err))
		return false;
	note_scripts(&job);
	finish(&job);
	if (request->try_rewrite && way->again != NULL && request->exec == NULL)
		try_rewrite(&job, way);
	return true;
}
