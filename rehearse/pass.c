// SPDX-License-Identifier: PostgreSQL
// One run over all statements of a rehearsal on one clone: see course.h. Clients read and write the tables that are touched, each
// statement is measured, and its locks are tried: before it where an earlier run knows them, else at the end.
#include "rehearse/course.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "rehearse/clients/traffic.h"
#include "rehearse/exec.h"
#include "rehearse/measure/measure.h"

enum { BASELINE_MS = 1500, BACK_OFF_MS = 50 };

// Relations that the statements of an earlier pass locked so that somebody has to wait, and that it did not make itself.
const char *const *pass_touched(struct job *job, const struct pass *pass)
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

static bool is_touched(const struct pass *pass, const char *relation)
{
	for (const char *const *name = pass->touched; *name != NULL; name++) {
		if (strcmp(*name, relation) == 0)
			return true;
	}
	return false;
}

// How often the locks of a step could be had in time.
static void try_step(struct job *job, struct traffic *traffic, const struct step *known, struct step *step)
{
	const struct rehearsal_request *request = job->request;
	double timeout_ms = request->thresholds.lock_timeout_ms > 0 ? request->thresholds.lock_timeout_ms : 1000;
	size_t n_granted = 0, n_tries = 0;
	for (size_t j = 0; j < known->n_locks; j++) {
		const struct step_lock *lock = &known->locks[j];
		if (!is_touched(job->pass, lock->relation) || !(lock_blocks(lock->mode, OPERATION_READ) || lock_blocks(lock->mode, OPERATION_WRITE)))
			continue;
		for (int try = 0; try < request->n_lock_tries; try++) {
			struct err err = { 0 };
			bool granted = traffic_try_lock(traffic, lock->relation, lock->mode, timeout_ms, &err);
			if (!granted && err.code[0] != '\0') // an index, or it is gone: LOCK TABLE cannot tell
				break;
			n_granted += granted;
			n_tries++;
			clock_sleep_ms(BACK_OFF_MS << (try < 5 ? try : 5));
		}
	}
	step->n_tries = n_tries;
	step->success_rate = n_tries == 0 ? -1 : (double)n_granted / (double)n_tries;
}

// Those of the steps of a transaction, before it begins: an earlier run of the same statements says which locks they are.
static void try_transaction(struct job *job, struct traffic *traffic, size_t first)
{
	const struct pass *known = job->pass->known;
	for (size_t i = first; i < known->n_steps && (i == first || known->steps[i].transaction == known->steps[first].transaction); i++)
		try_step(job, traffic, &known->steps[i], &job->pass->steps[i]);
}

// What a failure of a script is put down to: the last of the migrations' own statements that had begun; a command's are all its own.
static struct pgbench_span failures_of(const struct job *job, size_t i, double zero_us)
{
	const struct pass *pass = job->pass;
	bool first = true;
	struct pgbench_span span = { INFINITY, INFINITY };
	for (size_t j = 0; j < pass->n_steps; j++) {
		bool owns = pass->steps[j].file != NULL || job->request->exec != NULL;
		double start_us = zero_us + pass->steps[j].start_ms * 1000;
		if (j == i && owns)
			span.from_us = first ? -INFINITY : start_us;
		else if (j > i && owns && span.to_us == INFINITY)
			span.to_us = start_us;
		first &= !owns;
	}
	return span;
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
		const struct pgbench_span span = { zero_us + step->start_ms * 1000, zero_us + end_ms * 1000 };
		if (n == 0) // scripts in place of them
			victims = traffic_scripts_felt(traffic, job->arena, step, span, failures_of(job, i, zero_us), &n_kept);
		step->victims = victims;
		step->n_victims = n_kept;
	}
}

static bool run_statements(struct job *job, struct measure *measure, struct traffic *traffic, double *zero_us, struct err *err)
{
	struct pass *pass = job->pass;
	bool was_open = false;
	for (size_t i = 0; i < pass->n_statements; i++) {
		const struct sequenced *statement = &pass->statements[i];
		struct step *step = &pass->steps[i];
		if (traffic != NULL && pass->known != NULL && !was_open)
			try_transaction(job, traffic, i);
		double rate = step->success_rate;
		size_t n_tries = step->n_tries;
		progress_statement(&job->progress, i + 1, pass->n_statements, statement->migration->label);
		*step = (struct step){ .version = statement->migration->version, .label = statement->migration->label, .file = statement->file,
		                       .line = statement->line };
		if (!measure_step(measure, statement->sql, step, err))
			return false;
		*zero_us = measure_zero_us(measure);
		step->success_rate = n_tries == 0 ? -1 : rate;
		step->n_tries = n_tries;
		pass->n_steps = i + 1;
		pass->duration_ms += step->duration_ms;
		was_open = measure_is_open(measure);
		if (step->error != NULL) // as the framework would stop
			break;
	}
	return true;
}

bool pass_run(struct job *job, struct err *err)
{
	struct pass *pass = job->pass;
	bool exec = job->request->exec != NULL;
	const struct pgbench_request *pgbench = job->request->pgbench;
	if (pgbench != NULL && job->n_passes == 1 && !pgbench_check(job->arena, pgbench, pass->superuser, err))
		return false; // before anything is measured: the first clone is the smallest
	struct measure *measure = exec ? NULL : measure_open(job->arena, pass->own, pass->superuser, err);
	if (!exec && measure == NULL)
		return false;
	if (measure != NULL && pgbench != NULL && pass->touched != NULL)
		measure_among_scans(measure);
	struct traffic_request request = { .conninfo = pass->superuser, .relations = pass->touched,
	                                   .long_transaction_s = job->request->long_transaction_s, .pgbench = pgbench };
	struct traffic *traffic = pass->touched == NULL ? NULL : traffic_start(job->arena, &request, BASELINE_MS, err);
	bool ok = pass->touched == NULL || traffic != NULL;
	struct err ignored = { 0 };
	double zero_us = 0;
	ok = ok && (exec ? exec_run(job, &zero_us, err) : run_statements(job, measure, traffic, &zero_us, err));
	bool closed = exec || measure_close(measure, ok ? err : &ignored);
	for (size_t i = 0; ok && closed && traffic != NULL && (exec || pass->known == NULL) && i < pass->n_steps; i++)
		try_step(job, traffic, &pass->steps[i], &pass->steps[i]);
	if (ok && closed && traffic != NULL) {
		struct err late;
		if (!traffic_end_scripts(traffic, &late))
			job_trouble(job, &late);
		add_victims(job, traffic, zero_us);
	}
	traffic_stop(traffic);
	log_progress(job->request->log, "%s", "");
	return ok && closed;
}
