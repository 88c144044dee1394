// SPDX-License-Identifier: PostgreSQL
// The course of a rehearsal: see rehearse.h. The same migrations run on clones of three sizes. The small ones come first: they show
// how the time grows, and which tables are touched, so that the traffic on the last and largest one is where it hurts.
#include "rehearse/rehearse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "migrations/replay.h"
#include "rehearse/fill.h"
#include "rehearse/measure.h"
#include "rehearse/sequence.h"

enum { SIZES_MAX = 3, BASELINE_MS = 1500, BACK_OFF_MS = 50, WALL_CLOCK_S = 6 * 3600, CONNECTIONS = 2, ROWS_DEFAULT = 100000 };

static const double fractions[SIZES_MAX] = { 1.0 / 16, 1.0 / 4, 1 };

// One run over all statements on a clone of one size.
struct pass {
	double scale;
	bool traffic; // the last one: with clients and tries of locks
	struct step *steps;
	size_t n_steps; // that were run
	struct clone_table *tables;
	size_t n_tables;
	double duration_ms; // of the statements, without our own questions
};

struct job {
	struct arena *arena;
	const struct rehearsal_request *request;
	struct rehearsal *rehearsal;
	struct sequenced *statements;
	size_t n_statements;
	struct pass passes[SIZES_MAX];
	size_t n_passes;
	struct pass *pass; // the one that runs
};

static void note(struct job *job, const char *text)
{
	struct rehearsal *rehearsal = job->rehearsal;
	const char **notes = arena_array(job->arena, rehearsal->n_notes + 1, sizeof *notes);
	if (rehearsal->n_notes > 0)
		memcpy(notes, rehearsal->notes, rehearsal->n_notes * sizeof *notes);
	notes[rehearsal->n_notes++] = text;
	rehearsal->notes = notes;
}

static bool list_statements(struct job *job, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	size_t capacity = 0;
	for (size_t i = 0; i < request->n_pending; i++) {
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

// Relations that the statements of an earlier pass locked so that somebody has to wait, and that it did not make itself.
static const char *const *touched(struct job *job, const struct pass *pass)
{
	size_t n = 0, capacity = 0;
	const char **relations = arena_array(job->arena, 1, sizeof *relations);
	for (size_t i = 0; i < pass->n_steps; i++) {
		for (size_t j = 0; j < pass->steps[i].n_locks; j++) {
			const struct step_lock *lock = &pass->steps[i].locks[j];
			bool known = !lock_blocks(lock->mode, OPERATION_READ) && !lock_blocks(lock->mode, OPERATION_WRITE);
			for (size_t k = 0; k < n && !known; k++)
				known = strcmp(relations[k], lock->relation) == 0;
			for (size_t k = 0; k <= i && !known; k++) {
				for (size_t m = 0; m < pass->steps[k].n_made && !known; m++)
					known = strcmp(pass->steps[k].made[m], lock->relation) == 0;
			}
			if (known)
				continue;
			relations = arena_grow(job->arena, relations, n + 1, &capacity, sizeof *relations);
			relations[n++] = lock->relation;
			relations[n] = NULL;
		}
	}
	return relations;
}

// How often the locks of a step could be had in time, before the transaction that it belongs to begins.
static bool try_locks(struct job *job, struct traffic *traffic, size_t first, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	const struct pass *before = &job->passes[job->n_passes - 2];
	double timeout_ms = request->thresholds.lock_timeout_ms > 0 ? request->thresholds.lock_timeout_ms : 1000;
	const char *const *shared = touched(job, before);
	for (size_t i = first; i < before->n_steps && (i == first || before->steps[i].transaction == before->steps[first].transaction); i++) {
		size_t n_granted = 0, n_tries = 0;
		for (size_t j = 0; j < before->steps[i].n_locks; j++) {
			const struct step_lock *lock = &before->steps[i].locks[j];
			bool is_shared = false;
			for (const char *const *name = shared; *name != NULL && !is_shared; name++)
				is_shared = strcmp(*name, lock->relation) == 0;
			if (!is_shared || !(lock_blocks(lock->mode, OPERATION_READ) || lock_blocks(lock->mode, OPERATION_WRITE)))
				continue;
			for (int try = 0; try < request->n_lock_tries; try++) {
				bool granted = traffic_try_lock(traffic, lock->relation, lock->mode, timeout_ms, err);
				if (!granted && err->code[0] != '\0') { // an index, or it is gone: LOCK TABLE cannot tell
					*err = (struct err){ 0 };
					break;
				}
				n_granted += granted;
				n_tries++;
				clock_sleep_ms(BACK_OFF_MS << (try < 5 ? try : 5));
			}
		}
		job->pass->steps[i].n_tries = n_tries;
		job->pass->steps[i].success_rate = n_tries == 0 ? -1 : (double)n_granted / (double)n_tries;
	}
	return true;
}

static void add_victims(struct job *job, struct traffic *traffic, double zero_us)
{
	for (size_t i = 0; i < job->pass->n_steps; i++) {
		struct step *step = &job->pass->steps[i];
		double end_ms = step->start_ms + step->duration_ms;
		for (size_t j = 0; j < step->n_locks; j++) {
			double until_ms = step->locks[j].acquire_ms + step->locks[j].held_ms;
			end_ms = until_ms > end_ms ? until_ms : end_ms;
		}
		size_t n, n_kept = 0;
		struct step_victim *victims = traffic_felt(traffic, job->arena, zero_us + step->start_ms * 1000, zero_us + end_ms * 1000, &n);
		for (size_t v = 0; v < n; v++) { // of the tables that the step locks
			bool locked = false;
			for (size_t j = 0; j < step->n_locks; j++)
				locked |= strcmp(step->locks[j].relation, victims[v].relation) == 0;
			if (locked)
				victims[n_kept++] = victims[v];
		}
		step->victims = victims;
		step->n_victims = n_kept;
	}
}

static bool run_statements(struct job *job, struct measure *measure, struct traffic *traffic, struct err *err)
{
	struct pass *pass = job->pass;
	bool was_open = false;
	for (size_t i = 0; i < job->n_statements; i++) {
		const struct sequenced *statement = &job->statements[i];
		struct step *step = &pass->steps[i];
		double rate = step->success_rate;
		size_t n_tries = step->n_tries;
		if (traffic != NULL && !was_open) {
			if (!try_locks(job, traffic, i, err))
				return false;
			rate = step->success_rate;
			n_tries = step->n_tries;
		}
		log_progress(job->request->log, "rehearsing %zu/%zu %s", i + 1, job->n_statements, statement->migration->label);
		*step = (struct step){ .version = statement->migration->version, .label = statement->migration->label, .file = statement->file,
		                       .line = statement->line };
		if (!measure_step(measure, statement->sql, step, err))
			return false;
		step->success_rate = traffic == NULL ? -1 : rate;
		step->n_tries = n_tries;
		pass->n_steps = i + 1;
		pass->duration_ms += step->duration_ms;
		was_open = measure_is_open(measure);
		if (step->error != NULL) // as the framework would stop
			break;
	}
	return true;
}

static bool run_pass(struct job *job, const struct scratch *scratch, struct err *err)
{
	struct pass *pass = job->pass;
	const char *superuser = scratch_conninfo(scratch, true);
	struct measure *measure = measure_open(job->arena, scratch_conninfo(scratch, false), superuser, err);
	if (measure == NULL)
		return false;
	struct traffic_request request = { .conninfo = superuser, .long_transaction_s = job->request->long_transaction_s };
	struct traffic *traffic = NULL;
	bool ok = true;
	if (pass->traffic) {
		request.relations = touched(job, pass - 1);
		traffic = traffic_start(job->arena, &request, BASELINE_MS, err);
		ok = traffic != NULL;
	}
	struct err ignored = { 0 };
	ok = ok && run_statements(job, measure, traffic, err);
	double zero_us = measure_zero_us(measure);
	bool closed = measure_close(measure, ok ? err : &ignored);
	if (ok && closed && traffic != NULL)
		add_victims(job, traffic, zero_us);
	traffic_stop(traffic);
	log_progress(job->request->log, "%s", "");
	return ok && closed;
}

static bool on_clone(struct scratch *scratch, void *argument, struct err *err)
{
	struct job *job = argument;
	struct pass *pass = job->pass;
	const struct rehearsal_request *request = job->request;
	struct fill_request filling = {
		.conninfo = scratch_conninfo(scratch, true), .statistics = request->statistics, .scale = pass->scale,
		.rows_default = (long long)((double)(request->rows >= 0 ? request->rows : ROWS_DEFAULT) * (request->statistics == NULL ? pass->scale : 1)),
		.version_table = request->version_table, .n_connections = CONNECTIONS, .log = request->log,
	};
	const char **notes;
	size_t n_notes;
	if (!fill(job->arena, &filling, &pass->tables, &pass->n_tables, &notes, &n_notes, err))
		return false;
	for (size_t i = 0; i < n_notes && pass->traffic; i++)
		note(job, notes[i]);
	return run_pass(job, scratch, err);
}

// The server measures what it would take in production, so it keeps its promises to the disk, and is set like the environment's.
static const char *const *server_settings(struct job *job)
{
	static const char *const durable[] = {
		"fsync=on", "synchronous_commit=on", "full_page_writes=on", "wal_level=replica", "max_wal_senders=10", "wal_writer_delay=200ms",
		"bgwriter_delay=200ms", "checkpoint_timeout=5min", "shared_buffers=256MB", "max_connections=100",
	};
	static const char *const taken[] = {
		"max_wal_size", "maintenance_work_mem", "work_mem", "max_parallel_maintenance_workers", "TimeZone", "deadlock_timeout", "checkpoint_timeout",
		"wal_compression",
	};
	enum { N_DURABLE = sizeof durable / sizeof *durable, N_TAKEN = sizeof taken / sizeof *taken };
	const char **settings = arena_array(job->arena, N_DURABLE + N_TAKEN + 1, sizeof *settings);
	size_t n = 0;
	for (size_t i = 0; i < N_DURABLE; i++)
		settings[n++] = durable[i];
	const struct statistics *statistics = job->request->statistics;
	for (size_t i = 0; statistics != NULL && i < statistics->n_settings; i++) {
		for (size_t j = 0; j < N_TAKEN; j++) {
			if (strcmp(statistics->settings[i].name, taken[j]) == 0)
				settings[n++] = arena_printf(job->arena, "%s=%s", taken[j], statistics->settings[i].value);
		}
		if (strcmp(statistics->settings[i].name, "shared_buffers") == 0)
			note(job, arena_printf(job->arena, "the clone's server has 256MB of shared_buffers, %s has %s", job->request->env,
			                       statistics->settings[i].value));
	}
	return settings;
}

static bool check_space(struct job *job, struct err *err)
{
	const struct fill_request filling = { .statistics = job->request->statistics, .scale = job->request->scale,
	                                      .rows_default = job->request->rows >= 0 ? job->request->rows : ROWS_DEFAULT };
	const char *folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	struct statvfs space;
	long long needed = fill_estimate(&filling);
	if (needed < 0 || statvfs(folder, &space) != 0)
		return true;
	long long free_bytes = (long long)space.f_bavail * (long long)space.f_frsize;
	log_info(job->request->log, "the clone takes about %lld MB; %lld MB are free in %s", needed >> 20, free_bytes >> 20, folder);
	// a rewrite needs the largest table twice, and WAL besides
	if (needed * 2 < free_bytes)
		return true;
	return err_set(err, "space", folder, "make it smaller with --scale 0.1, or set TMPDIR to a larger disk",
	               "the clone takes about %lld MB, and as much again to rewrite tables; %lld MB are free", needed >> 20, free_bytes >> 20);
}

// The table that a statement works on: the one with the most rows of those that it locks.
static const struct clone_table *main_table(const struct pass *pass, const struct step *step)
{
	const struct clone_table *most = NULL;
	for (size_t i = 0; i < pass->n_tables; i++) {
		for (size_t j = 0; j < step->n_locks; j++) {
			if (strcmp(step->locks[j].relation, pass->tables[i].name) == 0 && (most == NULL || pass->tables[i].rows > most->rows))
				most = &pass->tables[i];
		}
	}
	return most;
}

static void add_growth(struct job *job)
{
	struct pass *last = &job->passes[job->n_passes - 1];
	for (size_t i = 0; i < last->n_steps; i++) {
		double rows[SIZES_MAX], ms[SIZES_MAX];
		size_t n = 0;
		const struct clone_table *table = main_table(last, &last->steps[i]);
		for (size_t p = 0; p < job->n_passes && table != NULL; p++) {
			const struct pass *pass = &job->passes[p];
			const struct clone_table *same = i < pass->n_steps ? main_table(pass, &pass->steps[i]) : NULL;
			if (same == NULL || pass->steps[i].error != NULL)
				continue;
			rows[n] = (double)same->rows;
			ms[n++] = pass->steps[i].duration_ms - pass->steps[i].lock_wait_ms;
		}
		if (table != NULL)
			last->steps[i].growth = growth_fit(rows, ms, n, table->rows_of_env > 0 ? (double)table->rows_of_env : rows[n > 0 ? n - 1 : 0],
			                                   &last->steps[i].predicted_ms, &last->steps[i].predicted_error_ms);
	}
}

bool rehearse(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err)
{
	struct job job = { .arena = arena, .request = request, .rehearsal = rehearsal };
	*rehearsal = (struct rehearsal){ .env = request->env, .engine = ENGINE_POSTGRESQL, .clone_kind = "synthetic",
	                                 .lock_timeout_ms = (long long)request->thresholds.lock_timeout_ms,
	                                 .statement_timeout_ms = (long long)request->thresholds.statement_timeout_ms };
	if (!list_statements(&job, err) || !check_space(&job, err))
		return false;
	struct scratch_settings scratch = *request->scratch;
	scratch.server_settings = server_settings(&job);
	scratch.wall_clock_s = WALL_CLOCK_S;
	scratch.disk_bytes = INT64_MAX;
	const struct replay_request replaying = {
		.set = request->set, .engine = ENGINE_POSTGRESQL, .major = request->major, .chain = request->applied, .n_chain = request->n_applied,
		.scratch = &scratch, .log = request->log, .visit = on_clone, .argument = &job,
	};
	for (size_t i = request->one_size ? SIZES_MAX - 1 : 0; i < SIZES_MAX; i++) {
		job.pass = &job.passes[job.n_passes++];
		*job.pass = (struct pass){ .scale = request->scale * fractions[i], .traffic = i == SIZES_MAX - 1 && job.n_passes > 1,
		                           .steps = arena_array(arena, job.n_statements, sizeof(struct step)) };
		log_info(request->log, "rehearsing at %.3g times the environment's rows", job.pass->scale);
		if (!replay(arena, &replaying, NULL, NULL, err))
			return false;
	}
	add_growth(&job);
	const struct pass *last = job.pass;
	rehearsal->steps = last->steps;
	rehearsal->n_steps = last->n_steps;
	rehearsal->tables = last->tables;
	rehearsal->n_tables = last->n_tables;
	rehearsal->duration_ms = last->duration_ms;
	verdict_reach(arena, rehearsal, &request->thresholds);
	return true;
}
