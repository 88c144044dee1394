// SPDX-License-Identifier: PostgreSQL
// The course of a rehearsal on SQLite: see rehearse.h. The pending migrations run in a child process (worker.h) on a clone of the
// file and, before that, on thinned-out copies of the clone, which show how the work grows; the last time a reader and a writer run
// beside them. Growth is told from pages read and changed, which are the same in every run, and not from times.
#include "rehearse/rehearse.h"

#include <sqlite3.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sql.h"
#include "migrations/lexer.h"
#include "migrations/replay.h"
#include "rehearse/progress.h"
#include "rehearse/sequence.h"
#include "rehearse/sqlite/clients.h"
#include "rehearse/sqlite/clone.h"
#include "rehearse/sqlite/losses.h"
#include "rehearse/sqlite/worker.h"

enum { SIZES_MAX = 3, BASELINE_MS = 300, WALL_CLOCK_S = 6 * 3600, BUSY_TIMEOUT_MS = 5000 };

static const int keep_one_of[SIZES_MAX] = { 16, 4, 1 };
static const double sizes[SIZES_MAX] = { 1.0 / 16, 1.0 / 4, 1 };

struct pass {
	const char *path;
	bool last; // with clients, and looked at for losses
	struct inventory before;
	struct step *steps;
	struct worker_report *reports; // parallel
	size_t n_steps;                // that were run
};

struct job {
	struct arena *arena;
	const struct rehearsal_request *request;
	struct rehearsal *rehearsal;
	struct scratch_settings settings;
	struct scratch *scratch;
	struct sequenced *statements;
	size_t n_statements;
	struct pass passes[SIZES_MAX];
	size_t n_passes;
	struct progress progress;
	double zero_us;
	int n_transactions;
};

static void note(struct job *job, const char *text)
{
	rehearsal_note(job->arena, job->rehearsal, text);
}

static double busy_timeout_ms(const struct job *job)
{
	double limit = job->request->thresholds.lock_timeout_ms;
	return limit > 0 ? limit : BUSY_TIMEOUT_MS;
}

static bool list_statements(struct job *job, struct err *err)
{
	const struct rehearsal_request *request = job->request;
	size_t capacity = 0;
	for (size_t i = 0; i < request->n_pending; i++) {
		size_t n;
		const struct sequenced *of = sequence_of(job->arena, request->set, ENGINE_SQLITE, request->pending[i], request->version_table,
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

// From a report to a step.

static const char *result_name(int result)
{
	static const struct { int result; const char *name; } names[] = {
		{ SQLITE_BUSY, "SQLITE_BUSY" }, { SQLITE_LOCKED, "SQLITE_LOCKED" }, { SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT" },
		{ SQLITE_AUTH, "SQLITE_AUTH" }, { SQLITE_FULL, "SQLITE_FULL" }, { SQLITE_CORRUPT, "SQLITE_CORRUPT" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].result == (result & 0xff))
			return names[i].name;
	}
	return "SQLITE_ERROR";
}

static double since_zero_ms(const struct job *job, double us)
{
	return (us - job->zero_us) / 1000;
}

// Locks that the statement took, and the end of those that were open: `open` holds them by their kind.
static void take_locks(struct job *job, const struct worker_report *report, struct step *step, struct step_lock *open[N_FILE_LOCKS])
{
	step->locks = arena_array(job->arena, N_FILE_LOCKS, sizeof *step->locks);
	for (int i = 0; i < N_FILE_LOCKS; i++) {
		const struct lock_record *of = &report->files.locks[i];
		if (of->acquired_us > 0 && open[i] == NULL) {
			open[i] = &step->locks[step->n_locks++];
			*open[i] = (struct step_lock){ .relation = "main", .mode = file_lock_names[i], .acquire_ms = since_zero_ms(job, of->acquired_us) };
		}
		if (open[i] == NULL)
			continue;
		open[i]->held_ms = since_zero_ms(job, of->released_us > 0 && !of->held ? of->released_us : report->end_us) - open[i]->acquire_ms;
		if (!of->held)
			open[i] = NULL;
	}
}

static bool touches(const struct worker_report *report, const char *table, unsigned what)
{
	for (size_t i = 0; i < report->n_touched; i++) {
		if ((report->touched[i].what & what) && sqlite3_stricmp(report->touched[i].name, table) == 0)
			return true;
	}
	return false;
}

static const char *name_of(struct job *job, const char *table)
{
	return sql_name_copy(job->arena, &table, 1);
}

// What ALTER TABLE and CREATE INDEX do within is not counted by SQLite as a scan (but their look at the schema is). It shows in the pages:
// a statement that saw as many as the table has read all of its rows, and one that changed most of them wrote it anew. Of tables so
// small that the schema itself may take as many, nothing is said.
static void take_work(struct job *job, const struct inventory *inventory, const struct worker_report *report, struct step *step)
{
	long long schema_pages = 16 + 8 * inventory->n_objects;
	step->rewrites = arena_array(job->arena, inventory->n_tables + 1, sizeof *step->rewrites);
	if (text_opens_with(ENGINE_SQLITE, step->sql, "VACUUM") && report->pages_changed > 0)
		step->rewrites[step->n_rewrites++] = "main";
	for (size_t i = 0; i < report->n_touched; i++) {
		if (report->touched[i].what & (TOUCH_ALTER | TOUCH_INDEX))
			step->rows_read = 0;
	}
	for (size_t i = 0; i < inventory->n_tables; i++) {
		const struct inventory_table *table = &inventory->tables[i];
		if (!touches(report, table->name, TOUCH_ALTER | TOUCH_INDEX))
			continue;
		bool large = table->own_pages > schema_pages;
		step->rows_read = large && report->pages_read >= table->own_pages ? table->rows : 0;
		if (large && touches(report, table->name, TOUCH_ALTER) && report->pages_changed * 2 >= table->own_pages)
			step->rewrites[step->n_rewrites++] = name_of(job, table->name);
	}
}

static void take_report(struct job *job, const struct worker_report *report, bool was_open, struct step *step)
{
	job->zero_us = job->zero_us > 0 ? job->zero_us : report->start_us;
	job->n_transactions += !was_open;
	step->transaction = job->n_transactions;
	step->start_ms = since_zero_ms(job, report->start_us);
	step->duration_ms = (report->end_us - report->start_us) / 1000;
	step->lock_wait_ms = report->wait_us / 1000;
	step->rows_read = report->rows_read;
	step->wal_bytes = report->files.log_bytes;
	step->temp_bytes = report->files.temp_bytes;
	step->pages_changed = report->pages_changed;
	if (report->result == SQLITE_DONE)
		return;
	step->error = arena_strdup(job->arena, report->error);
	step->sqlstate = result_name(report->result);
}

static void add_victims(struct job *job, struct pass *pass, struct clients *clients)
{
	for (size_t i = 0; i < pass->n_steps; i++) {
		struct step *step = &pass->steps[i];
		double end_ms = step->start_ms + step->duration_ms;
		for (size_t j = 0; j < step->n_locks; j++) {
			double until_ms = step->locks[j].acquire_ms + step->locks[j].held_ms;
			end_ms = until_ms > end_ms ? until_ms : end_ms;
		}
		step->victims = clients_felt(clients, job->arena, job->zero_us + step->start_ms * 1000, job->zero_us + end_ms * 1000, &step->n_victims);
	}
}

// Running.

// The statements of one migration begin here; which of them drop tables decides whether what is lost has to be looked for.
static bool drops_tables(const struct job *job, size_t first)
{
	for (size_t i = first; i < job->n_statements && job->statements[i].migration == job->statements[first].migration; i++) {
		if (text_opens_with(ENGINE_SQLITE, job->statements[i].sql, "DROP TABLE"))
			return true;
	}
	return false;
}

static bool run_migration(struct job *job, struct pass *pass, struct worker *worker, const struct worker_request *request, struct step_lock *open[],
                          const struct inventory *before, bool *go_on, struct err *err)
{
	size_t first = pass->n_steps;
	const struct migration *migration = job->statements[first].migration;
	bool is_open = first > 0 && pass->reports[first - 1].in_transaction;
	for (size_t i = first; i < job->n_statements && job->statements[i].migration == migration && *go_on; i++) {
		const struct sequenced *statement = &job->statements[i];
		struct step *step = &pass->steps[i];
		struct worker_report *report = &pass->reports[i];
		progress_statement(&job->progress, i + 1, job->n_statements, migration->label);
		*step = (struct step){ .version = migration->version, .label = migration->label, .file = statement->file, .line = statement->line,
		                       .sql = statement->sql, .predicted_ms = -1, .predicted_error_ms = -1, .success_rate = -1 };
		if (!worker_next(worker, request, i, report, err))
			return err_where(err, "%s:%u", statement->file == NULL ? migration->label : statement->file, statement->line);
		take_report(job, report, is_open, step);
		take_locks(job, report, step, open);
		take_work(job, before, report, step);
		is_open = report->in_transaction;
		pass->n_steps = i + 1;
		*go_on = step->error == NULL; // as the framework would stop
	}
	return true;
}

static bool run_statements(struct job *job, struct pass *pass, struct worker *worker, const struct worker_request *request, struct err *err)
{
	struct step_lock *open[N_FILE_LOCKS] = { NULL };
	struct inventory before = pass->before, after;
	bool go_on = true;
	job->zero_us = job->n_transactions = 0;
	while (pass->n_steps < job->n_statements && go_on) {
		size_t first = pass->n_steps;
		bool look = pass->last && drops_tables(job, first);
		if (look && first > 0 && !inventory_take(job->arena, pass->path, job->request->log, &before, err))
			return false;
		if (!run_migration(job, pass, worker, request, open, &before, &go_on, err))
			return false;
		if (!look || !go_on || pass->reports[pass->n_steps - 1].in_transaction)
			continue;
		if (!inventory_take(job->arena, pass->path, job->request->log, &after, err))
			return false;
		losses_find(job->arena, &before, &after, &pass->steps[first], &pass->reports[first], pass->n_steps - first);
	}
	return true;
}

static bool run_pass(struct job *job, struct pass *pass, struct err *err)
{
	const struct worker_request request = {
		.scratch = job->scratch, .settings = &job->settings, .path = pass->path, .statements = job->statements,
		.n_statements = job->n_statements, .busy_timeout_ms = busy_timeout_ms(job), .foreign_keys = job->request->foreign_keys,
	};
	struct worker worker;
	struct clients *clients = NULL;
	pass->steps = arena_array(job->arena, job->n_statements, sizeof *pass->steps);
	pass->reports = arena_array(job->arena, job->n_statements, sizeof *pass->reports);
	if (!inventory_take(job->arena, pass->path, job->request->log, &pass->before, err))
		return false;
	progress_stage(&job->progress, STAGE_STATEMENTS);
	bool ok = worker_start(&worker, &request, err);
	if (ok && pass->last) {
		clients = clients_start(pass->path, request.busy_timeout_ms, job->request->long_transaction_s, BASELINE_MS, err);
		ok = clients != NULL;
	}
	ok = ok && run_statements(job, pass, &worker, &request, err);
	worker_stop(&worker);
	if (ok && clients != NULL)
		add_victims(job, pass, clients);
	clients_stop(clients);
	log_progress(job->request->log, "%s", "");
	return ok;
}

// Growth.

static bool has_work(const struct pass *pass, size_t i)
{
	return i < pass->n_steps && pass->steps[i].error == NULL;
}

// The table whose rows the work may grow with: the largest that the statement works on, if its copies were thinned out; else the
// largest that there is.
static const char *main_table(const struct job *job, size_t i)
{
	const struct pass *last = &job->passes[job->n_passes - 1];
	const struct inventory_table *most = NULL, *any = NULL;
	for (size_t j = 0; j < last->before.n_tables; j++) {
		const struct inventory_table *table = &last->before.tables[j], *thin = inventory_find(&job->passes[0].before, table->name);
		if (any == NULL || table->rows > any->rows)
			any = table;
		if (thin != NULL && thin->rows < table->rows && touches(&last->reports[i], table->name, ~0u) && (most == NULL || table->rows > most->rows))
			most = table;
	}
	return most != NULL ? most->name : any != NULL ? any->name : NULL;
}

static void add_growth(struct job *job)
{
	struct pass *last = &job->passes[job->n_passes - 1];
	for (size_t i = 0; i < last->n_steps; i++) {
		struct growth_point points[SIZES_MAX];
		double predicted, error;
		struct step *step = &last->steps[i];
		// COMMIT does what was begun by others
		bool commits = text_opens_with(ENGINE_SQLITE, step->sql, "COMMIT") || text_opens_with(ENGINE_SQLITE, step->sql, "END");
		const char *table = commits ? NULL : main_table(job, i);
		size_t n = 0;
		for (size_t p = 0; p < job->n_passes && table != NULL; p++) {
			const struct inventory_table *same = inventory_find(&job->passes[p].before, table);
			if (!has_work(&job->passes[p], i) || same == NULL)
				continue;
			long long pages = job->passes[p].reports[i].pages_read + job->passes[p].reports[i].pages_changed;
			points[n++] = (struct growth_point){ .rows = (double)same->rows, .ms = (double)pages, .pages = pages };
		}
		step->growth = growth_fit(points, n, n > 0 ? points[n - 1].rows : 0, &predicted, &error);
		if (step->growth == GROWTH_UNKNOWN || predicted <= 0)
			continue;
		step->predicted_ms = step->duration_ms - step->lock_wait_ms; // the clone is of the environment's size
		step->predicted_error_ms = step->predicted_ms * error / predicted;
	}
}

// The course.

static bool run_smaller(struct job *job, const char *base, int i, struct err *err)
{
	struct pass *pass = &job->passes[job->n_passes];
	struct err why = { 0 };
	*pass = (struct pass){ .path = arena_printf(job->arena, "%s.%d", base, keep_one_of[i]) };
	log_info(job->request->log, "rehearsing with one of %d rows", keep_one_of[i]);
	progress_stage(&job->progress, STAGE_REPLAY);
	bool made = clone_thin(base, pass->path, scratch_user(job->scratch), keep_one_of[i], &why);
	if (!made)
		note(job, arena_printf(job->arena, "growth is not known: no smaller copy can be made: %s", why.text));
	job->n_passes += made;
	bool ok = !made || run_pass(job, pass, err);
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	for (size_t j = 0; j < sizeof suffixes / sizeof *suffixes; j++)
		remove(arena_printf(job->arena, "%s%s", pass->path, suffixes[j]));
	return ok;
}

static bool on_base(struct scratch *scratch, void *argument, struct err *err)
{
	struct job *job = argument;
	job->scratch = scratch;
	const char *base = scratch_conninfo(scratch, false), **notes;
	size_t n_notes;
	bool copy = job->request->rows < 0;
	if (copy ? !clone_copy(job->arena, job->request->sqlite_path, base, job->request->log, err)
	         : !clone_fill(job->arena, base, job->request->sqlite_path, job->request->rows, job->request->log, &notes, &n_notes, err))
		return false;
	for (size_t i = 0; !copy && i < n_notes; i++)
		note(job, notes[i]);
	bool one = job->request->one_size;
	progress_begin(&job->progress, job->request->log, one ? &sizes[SIZES_MAX - 1] : sizes, one ? 1 : SIZES_MAX);
	for (int i = 0; i < SIZES_MAX - 1 && !one; i++) {
		if (!run_smaller(job, base, i, err))
			return false;
	}
	struct pass *pass = &job->passes[job->n_passes++];
	*pass = (struct pass){ .path = base, .last = true };
	log_info(job->request->log, "rehearsing at full size");
	progress_stage(&job->progress, STAGE_REPLAY);
	return run_pass(job, pass, err) && (job->request->kept == NULL || scratch_keep(scratch, job->arena, job->request->kept, err));
}

static void describe(struct job *job)
{
	struct rehearsal *rehearsal = job->rehearsal;
	const struct pass *last = &job->passes[job->n_passes - 1];
	const struct inventory *inventory = &last->before;
	bool copy = job->request->rows < 0;
	rehearsal->steps = last->steps;
	rehearsal->n_steps = last->n_steps;
	rehearsal->tables = arena_array(job->arena, inventory->n_tables, sizeof *rehearsal->tables);
	for (size_t i = 0; i < inventory->n_tables; i++) {
		const struct inventory_table *table = &inventory->tables[i];
		rehearsal->tables[rehearsal->n_tables++] = (struct clone_table){
			.name = name_of(job, table->name), .rows = table->rows, .bytes = table->pages * inventory->page_size,
			.rows_of_env = copy ? table->rows : -1, .rests_on = copy ? NULL : "made-up rows",
		};
	}
	for (size_t i = 0; i < last->n_steps; i++)
		rehearsal->duration_ms += last->steps[i].duration_ms;
	note(job, inventory->wal ? "the database is in WAL mode: readers go on while it is written to"
	                         : "the database has a rollback journal: whoever writes shuts readers out while it commits");
	note(job, arena_printf(job->arena, "the migrations' connection began with foreign_keys %s: set `foreign_keys` in the section rehearse if yours does not",
	                       job->request->foreign_keys ? "on" : "off"));
}

bool rehearse_sqlite(struct arena *arena, const struct rehearsal_request *request, struct rehearsal *rehearsal, struct err *err)
{
	struct job job = { .arena = arena, .request = request, .rehearsal = rehearsal, .settings = *request->scratch };
	*rehearsal = (struct rehearsal){ .env = request->env, .engine = ENGINE_SQLITE, .clone_kind = request->rows < 0 ? "copy" : "synthetic",
	                                 .statement_timeout_ms = (long long)request->thresholds.statement_timeout_ms };
	struct thresholds thresholds = request->thresholds;
	thresholds.lock_timeout_ms = busy_timeout_ms(&job);
	rehearsal->lock_timeout_ms = (long long)thresholds.lock_timeout_ms;
	job.settings.wall_clock_s = WALL_CLOCK_S;
	job.settings.disk_bytes = INT64_MAX;
	if (!list_statements(&job, err))
		return false;
	if (request->rows < 0) {
		auto_scratch scratch = scratch_open(&job.settings, ENGINE_SQLITE, 0, err);
		if (scratch == NULL || !on_base(scratch, &job, err))
			return false;
	} else {
		const struct replay_request replaying = {
			.set = request->set, .engine = ENGINE_SQLITE, .chain = request->applied, .n_chain = request->n_applied,
			.scratch = &job.settings, .log = request->log, .visit = on_base, .argument = &job,
		};
		if (!replay(arena, &replaying, NULL, NULL, err))
			return false;
	}
	add_growth(&job);
	describe(&job);
	verdict_reach(arena, rehearsal, &thresholds);
	return true;
}
