// SPDX-License-Identifier: PostgreSQL
// Findings and verdict: see verdict.h. Each rule is looked at by one small function, which fills in what was measured; what a rule
// says stands in rules.def.
#include "rehearse/verdict.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "migrations/lexer.h"
#include "rehearse/show/render.h"

const char *const rehearsal_verdict_names[] = { "ship", "ship-with-warnings", "do-not-ship", "trouble" };
const char *const growth_names[] = { "unknown", "constant", "linear", "superlinear" };
const char *const operation_names[] = { "read", "write" };
const char *const schema_match_names[] = { "not-compared", "equal", "different" };

static const double hold_default_ms = 1000, queue_of_hold = 0.1, success_rate_default = 0.9, scan_rows_default = 1000;

enum {
#define RULE(NAME, name, fails, text, remedy) RULE_##NAME,
#include "rehearse/rules.def"
#undef RULE
	N_RULES,
};

static const struct rule {
	const char *name;
	bool fails;
	const char *text, *remedy;
} rules[] = {
#define RULE(NAME, name, fails, text, remedy) { name, fails, text, remedy },
#include "rehearse/rules.def"
#undef RULE
};

bool lock_blocks(const char *mode, enum operation operation)
{
	static const char *const for_reads[] = { "AccessExclusiveLock", "PENDING", "EXCLUSIVE", NULL };
	static const char *const for_writes[] = { "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
	                                          "RESERVED", "PENDING", "EXCLUSIVE", "WAL write lock", NULL };
	for (const char *const *name = operation == OPERATION_READ ? for_reads : for_writes; *name != NULL; name++) {
		if (strcmp(*name, mode) == 0)
			return true;
	}
	return false;
}

// What a rule's text may name.
struct filling {
	const char *relation, *name, *mode, *error;
	double held_ms, wait_ms, limit_ms, rate;
	double predicted_ms;
	long long rows, pages;
	double duration_ms;
};

static void add_part(struct buf *out, const char *name, size_t length, const struct filling *filling)
{
	static const char *const blocks[] = { "nothing has to", "writers", "readers and writers" };
	const struct { const char *name; double ms; } durations[] = {
		{ "held", filling->held_ms }, { "wait", filling->wait_ms }, { "limit", filling->limit_ms }, { "duration", filling->duration_ms },
		{ "predicted", filling->predicted_ms },
	};
	const struct { const char *name, *text; } texts[] = {
		{ "relation", filling->relation }, { "name", filling->name }, { "mode", filling->mode }, { "error", filling->error },
		{ "blocks", filling->mode == NULL ? NULL : blocks[lock_blocks(filling->mode, OPERATION_READ) + lock_blocks(filling->mode, OPERATION_WRITE)] },
	};
	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		if (strlen(durations[i].name) == length && strncmp(durations[i].name, name, length) == 0)
			show_duration(out, durations[i].ms);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (strlen(texts[i].name) == length && strncmp(texts[i].name, name, length) == 0)
			buf_adds(out, texts[i].text);
	}
	if (strncmp(name, "rows", length) == 0)
		show_number(out, filling->rows);
	if (strncmp(name, "pages", length) == 0)
		show_number(out, filling->pages);
	if (strncmp(name, "rate", length) == 0)
		buf_addf(out, "%.0f%%", filling->rate * 100);
}

static const char *fill_in(struct arena *arena, const char *text, const struct filling *filling)
{
	auto_buf out = BUF_INIT;
	if (text == NULL)
		return NULL;
	for (const char *open; (open = strchr(text, '{')) != NULL;) {
		const char *close = strchr(open, '}');
		buf_add(&out, text, (size_t)(open - text));
		add_part(&out, open + 1, (size_t)(close - open - 1), filling);
		text = close + 1;
	}
	buf_adds(&out, text);
	return buf_copy(&out, arena);
}

struct work {
	struct arena *arena;
	struct rehearsal *rehearsal;
	struct thresholds limits;
};

static void find(struct work *work, struct step *step, int rule, const struct filling *filling)
{
	struct step_finding *findings = arena_array(work->arena, step->n_findings + 1, sizeof *findings);
	if (step->n_findings > 0)
		memcpy(findings, step->findings, step->n_findings * sizeof *findings);
	findings[step->n_findings++] = (struct step_finding){
		.rule = rules[rule].name, .fails = rules[rule].fails, .text = fill_in(work->arena, rules[rule].text, filling),
		.remedy = rules[rule].remedy == NULL ? step->safer : fill_in(work->arena, rules[rule].remedy, filling),
	};
	step->findings = findings;
}

bool relation_is_shared(const struct rehearsal *rehearsal, const struct step *step, const char *relation)
{
	for (const struct step *earlier = rehearsal->steps; earlier <= step; earlier++) {
		for (size_t i = 0; i < earlier->n_made; i++) {
			if (strcmp(earlier->made[i], relation) == 0)
				return false;
		}
	}
	return true;
}

bool lock_stops_clients(const struct step_lock *lock)
{
	return lock_blocks(lock->mode, OPERATION_READ) || (!lock->read_only && lock_blocks(lock->mode, OPERATION_WRITE));
}

static bool is_table(const struct rehearsal *rehearsal, const char *relation)
{
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		if (strcmp(rehearsal->tables[i].name, relation) == 0)
			return true;
	}
	return false;
}

// Of locks that were held about as long, a table's says more than those of its indexes.
static bool is_worse(const struct rehearsal *rehearsal, const struct step_lock *lock, const struct step_lock *than)
{
	double most_ms = lock->held_ms > than->held_ms ? lock->held_ms : than->held_ms;
	bool table = is_table(rehearsal, lock->relation), than_table = is_table(rehearsal, than->relation);
	if (table != than_table && fabs(lock->held_ms - than->held_ms) <= most_ms / 10)
		return table;
	return lock->held_ms > than->held_ms;
}

const struct step_lock *step_worst_lock(const struct rehearsal *rehearsal, const struct step *step)
{
	const struct step_lock *worst = NULL;
	for (size_t i = 0; i < step->n_locks; i++) {
		const struct step_lock *lock = &step->locks[i];
		if (lock_stops_clients(lock) && relation_is_shared(rehearsal, step, lock->relation) && (worst == NULL || is_worse(rehearsal, lock, worst)))
			worst = lock;
	}
	return worst;
}

// Such a lock that an earlier step of the same transaction still holds; NULL: none does.
static const struct step_lock *lock_from_before(const struct rehearsal *rehearsal, const struct step *step)
{
	const struct step_lock *worst = NULL;
	for (const struct step *earlier = rehearsal->steps; earlier < step && step->transaction != 0; earlier++) {
		const struct step_lock *lock = earlier->transaction == step->transaction ? step_worst_lock(rehearsal, earlier) : NULL;
		worst = worst == NULL || (lock != NULL && lock->held_ms > worst->held_ms) ? lock : worst;
	}
	return worst;
}

const struct step_lock *step_works_under(const struct rehearsal *rehearsal, const struct step *step)
{
	const struct step_lock *own = step_worst_lock(rehearsal, step);
	return own != NULL ? own : lock_from_before(rehearsal, step);
}

// What grows with a table while clients are stopped.
static void judge_work(struct work *work, struct step *step)
{
	const struct step_lock *lock = step_works_under(work->rehearsal, step);
	for (size_t i = 0; lock != NULL && i < step->n_rewrites; i++) {
		if (relation_is_shared(work->rehearsal, step, step->rewrites[i]))
			find(work, step, RULE_REWRITES_TABLE, &(struct filling){ .relation = step->rewrites[i], .mode = lock->mode });
	}
	if (lock == NULL || step->n_rewrites > 0 || (double)step->rows_read < work->limits.scan_rows)
		return;
	bool own = step_worst_lock(work->rehearsal, step) != NULL;
	find(work, step, own ? RULE_SCANS_TABLE : RULE_SCANS_WHILE_LOCKED,
	     &(struct filling){ .relation = lock->relation, .mode = lock->mode, .rows = step->rows_read });
	if (step->safer != NULL && !step->stops_nobody) // says more than the rule
		step->findings[step->n_findings - 1].remedy = step->safer;
}

// What a refused statement is called, by its SQLSTATE (the manual, "PostgreSQL Error Codes").
static const struct refusal {
	const char *sqlstate;
	int rule;
} refusals[] = {
	{ "40P01", RULE_DEADLOCK }, { "55P03", RULE_LOCK_TIMEOUT }, { "57014", RULE_CANCELLED }, { "25001", RULE_IN_TRANSACTION },
	{ "23502", RULE_NULLS }, { "23505", RULE_DUPLICATES }, { "55P04", RULE_NEW_ENUM_VALUE }, { "55006", RULE_PENDING_EVENTS },
};

// Of the values themselves the statistics say how many differ and how many are NULL; what else made-up rows do to a statement, or what
// it has made of them (INSERT ... SELECT), is no word about the environment's.
static bool rests_on_statistics(const struct rehearsal *rehearsal, const struct step *step)
{
	bool defines = text_opens_with(rehearsal->engine, step->sql, "ALTER") || text_opens_with(rehearsal->engine, step->sql, "CREATE");
	bool counted = strcmp(step->sqlstate, "23502") == 0 || strcmp(step->sqlstate, "23505") == 0;
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		for (size_t j = 0; j < step->n_locks && rehearsal->tables[i].rests_on != NULL; j++)
			counted &= strcmp(rehearsal->tables[i].name, step->locks[j].relation) != 0;
	}
	return rehearsal->env != NULL && defines && counted;
}

bool step_fails_on_made_up_rows(const struct rehearsal *rehearsal, const struct step *step)
{
	bool synthetic = rehearsal->clone_kind != NULL && strcmp(rehearsal->clone_kind, "synthetic") == 0;
	bool of_data = step->error != NULL && step->sqlstate != NULL && (strncmp(step->sqlstate, "22", 2) == 0 || strncmp(step->sqlstate, "23", 2) == 0);
	return synthetic && of_data && !rests_on_statistics(rehearsal, step);
}

static void judge_error(struct work *work, struct step *step)
{
	if (step->error == NULL || step_fails_on_made_up_rows(work->rehearsal, step)) // the latter is trouble
		return;
	int rule = RULE_STATEMENT_FAILS;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		if (step->sqlstate != NULL && strcmp(step->sqlstate, refusals[i].sqlstate) == 0)
			rule = refusals[i].rule;
	}
	find(work, step, rule, &(struct filling){ .error = step->error });
}

// How much longer a step's locks would be held with the environment's rows: by what grows of the rest of its transaction.
static double growing_ms(const struct work *work, const struct step *step)
{
	double ms = 0;
	for (const struct step *later = step; later < work->rehearsal->steps + work->rehearsal->n_steps; later++) {
		bool grows = later->growth == GROWTH_LINEAR || later->growth == GROWTH_SUPERLINEAR;
		if ((later == step || (step->transaction > 0 && later->transaction == step->transaction)) && grows && later->predicted_ms >= 0)
			ms += later->predicted_ms - (later->duration_ms - later->lock_wait_ms);
	}
	return ms;
}

static void judge_locks(struct work *work, struct step *step)
{
	const struct step_lock *lock = step_worst_lock(work->rehearsal, step);
	if (lock == NULL)
		return;
	// what the statement itself takes, and what is added by the rest of its transaction
	struct filling filling = { .relation = lock->relation, .mode = lock->mode, .held_ms = lock->held_ms, .limit_ms = work->limits.hold_ms };
	double own_ms = step->duration_ms - lock->wait_ms;
	if (lock->held_ms > work->limits.hold_ms)
		find(work, step, own_ms > work->limits.hold_ms ? RULE_HOLDS_LOCK : RULE_HELD_BY_EARLIER, &filling);
	filling.held_ms = lock->held_ms + growing_ms(work, step);
	if (lock->held_ms <= work->limits.hold_ms && filling.held_ms > work->limits.hold_ms)
		find(work, step, RULE_PREDICTED_HOLD, &filling);
	for (size_t i = 0; i < step->n_locks; i++) {
		const struct step_lock *other = &step->locks[i];
		if (other->wait_ms > work->limits.queue_ms && lock_stops_clients(other) && relation_is_shared(work->rehearsal, step, other->relation))
			find(work, step, RULE_QUEUE, &(struct filling){ .relation = other->relation, .mode = other->mode, .wait_ms = other->wait_ms });
	}
	if (step->success_rate >= 0 && step->success_rate < work->limits.success_rate)
		find(work, step, RULE_NO_LOCK_IN_TIME, &(struct filling){ .limit_ms = work->limits.lock_timeout_ms, .rate = step->success_rate });
}

static void judge_time(struct work *work, struct step *step)
{
	double limit = work->limits.statement_timeout_ms;
	struct filling filling = { .duration_ms = step->duration_ms, .predicted_ms = step->predicted_ms, .limit_ms = limit };
	if (limit > 0 && step->duration_ms > limit)
		find(work, step, RULE_STATEMENT_TOO_LONG, &filling);
	else if (limit > 0 && step->predicted_ms > limit)
		find(work, step, RULE_PREDICTED_TOO_LONG, &filling);
}

// SQLite locks the whole database. Writers are shut out from the first write on, readers where it is written to the file itself.
static void judge_shut_out(struct work *work, struct step *step)
{
	for (size_t i = 0; i < step->n_locks; i++) {
		const struct step_lock *lock = &step->locks[i];
		bool readers = lock_blocks(lock->mode, OPERATION_READ);
		if (lock->held_ms <= work->limits.hold_ms || (readers && strcmp(lock->mode, "EXCLUSIVE") != 0))
			continue;
		find(work, step, readers ? RULE_SHUTS_OUT_READERS : RULE_SHUTS_OUT_WRITERS,
		     &(struct filling){ .held_ms = lock->held_ms, .limit_ms = work->limits.hold_ms });
	}
}

// Whether it waited for readers: PENDING is held then, maybe since an earlier statement.
static bool waited_for_readers(const struct work *work, const struct step *step)
{
	double end_ms = step->start_ms + step->duration_ms;
	for (const struct step *earlier = work->rehearsal->steps; earlier <= step && step->lock_wait_ms > 0; earlier++) {
		for (size_t i = 0; i < earlier->n_locks; i++) {
			const struct step_lock *lock = &earlier->locks[i];
			if (strcmp(lock->mode, "PENDING") == 0 && lock->acquire_ms <= end_ms && lock->acquire_ms + lock->held_ms >= step->start_ms)
				return true;
		}
	}
	return false;
}

static void judge_sqlite(struct work *work, struct step *step)
{
	static const int loss_rules[N_LOSSES] = {
		[LOSS_ROWS] = RULE_LOSES_ROWS, [LOSS_VALUES] = RULE_LOSES_VALUES,
		[LOSS_ROWS_IF_ENFORCED] = RULE_COULD_LOSE_ROWS, [LOSS_INDEX] = RULE_LOSES_INDEX,
		[LOSS_TRIGGER] = RULE_LOSES_TRIGGER, [LOSS_CONSTRAINTS] = RULE_LOSES_CONSTRAINTS, [LOSS_REFERENCE] = RULE_LOSES_REFERENCE,
	};
	struct filling wait = { .error = step->error, .wait_ms = step->lock_wait_ms, .limit_ms = work->limits.lock_timeout_ms };
	bool busy = step->error != NULL && strcmp(step->sqlstate, "SQLITE_BUSY") == 0;
	if (busy && waited_for_readers(work, step))
		find(work, step, RULE_BUSY_READER, &wait);
	else
		judge_error(work, step);
	judge_shut_out(work, step);
	if (!busy && waited_for_readers(work, step) && step->lock_wait_ms > work->limits.queue_ms)
		find(work, step, RULE_WAITS_FOR_READERS, &wait);
	for (size_t i = 0; i < step->n_rewrites; i++)
		find(work, step, RULE_WRITES_ANEW, &(struct filling){ .relation = step->rewrites[i], .pages = step->pages_changed });
	if (step->n_rewrites == 0 && (double)step->rows_read >= work->limits.scan_rows && step->n_locks > 0)
		find(work, step, RULE_SCANS_TABLE, &(struct filling){ .relation = step->locks[0].relation, .mode = step->locks[0].mode, .rows = step->rows_read });
	for (size_t i = 0; i < step->n_losses; i++) {
		const struct step_loss *loss = &step->losses[i];
		find(work, step, loss_rules[loss->loss], &(struct filling){ .relation = loss->relation, .name = loss->name, .rows = loss->rows });
	}
}

// What ends a client of the user's own traffic, and has not before the migration, ends the application's.
static void judge_scripts(struct work *work, struct step *step)
{
	for (size_t i = 0; i < step->n_victims; i++) {
		const struct step_victim *victim = &step->victims[i];
		if (victim->error != NULL)
			find(work, step, RULE_SCRIPT_FAILS, &(struct filling){ .relation = victim->relation, .rows = (long long)victim->n_errors, .error = victim->error });
	}
}

static void judge_boot_lock(struct work *work)
{
	struct rehearsal *rehearsal = work->rehearsal;
	const struct thresholds *limits = &work->limits;
	if (rehearsal->n_steps == 0 || limits->boot_lock_ms <= 0 || rehearsal->duration_ms <= limits->boot_lock_ms)
		return;
	struct step *last = &rehearsal->steps[rehearsal->n_steps - 1];
	for (size_t i = rehearsal->n_steps; i-- > 0 && last->file == NULL;) // the framework's own statements come after it
		last = rehearsal->steps[i].file != NULL ? &rehearsal->steps[i] : last;
	find(work, last, limits->boot_lock_assumed ? RULE_BOOT_LOCK_ASSUMED : RULE_BOOT_LOCK,
	     &(struct filling){ .duration_ms = rehearsal->duration_ms, .limit_ms = limits->boot_lock_ms,
	                        .error = limits->boot_lock_end != NULL ? limits->boot_lock_end : "gives up" });
}

static void judge_step(struct work *work, struct step *step)
{
	if (work->rehearsal->engine == ENGINE_SQLITE) {
		judge_sqlite(work, step);
		judge_time(work, step);
		return;
	}
	judge_error(work, step);
	judge_locks(work, step);
	judge_work(work, step);
	judge_time(work, step);
	judge_scripts(work, step);
	for (size_t i = 0; i < step->n_invalid_indexes; i++)
		find(work, step, RULE_INVALID_INDEX, &(struct filling){ .relation = step->invalid_indexes[i] });
}

void verdict_reach(struct arena *arena, struct rehearsal *rehearsal, const struct thresholds *thresholds)
{
	struct work work = { arena, rehearsal, *thresholds };
	if (work.limits.hold_ms <= 0)
		work.limits.hold_ms = work.limits.lock_timeout_ms > 0 ? work.limits.lock_timeout_ms : hold_default_ms;
	if (work.limits.queue_ms <= 0)
		work.limits.queue_ms = work.limits.hold_ms * queue_of_hold;
	if (work.limits.scan_rows <= 0)
		work.limits.scan_rows = scan_rows_default;
	if (work.limits.success_rate <= 0)
		work.limits.success_rate = success_rate_default;
	rehearsal->thresholds = work.limits;
	enum rehearsal_verdict verdict = rehearsal->n_troubles > 0 ? REHEARSAL_TROUBLE : REHEARSAL_SHIP;
	for (size_t i = 0; i < rehearsal->n_steps; i++)
		judge_step(&work, &rehearsal->steps[i]);
	judge_boot_lock(&work);
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		for (size_t j = 0; j < rehearsal->steps[i].n_findings; j++) {
			enum rehearsal_verdict of = rehearsal->steps[i].findings[j].fails ? REHEARSAL_DO_NOT_SHIP : REHEARSAL_WARN;
			verdict = of > verdict ? of : verdict;
		}
	}
	rehearsal->verdict = verdict;
}
