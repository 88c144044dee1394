// SPDX-License-Identifier: PostgreSQL
// The words that the reports of a rehearsal have in common: figures, sentences, and which statements deserve any. See render.h.
#include <string.h>

#include "base/buf.h"
#include "rehearse/show/render.h"
#include "rehearse/verdict.h"

// A wait that a client's user may notice; traffic at every few milliseconds meets any lock for a moment.
static const double felt_ms = 50;

enum { DIFFERENCES_MOST = 6 };

static const double ms_of_s = 1000, ms_of_min = 60 * 1000, ms_of_h = 3600 * 1000;

void show_duration(struct buf *out, double ms)
{
	if (ms < 9.95)
		buf_addf(out, ms < 0.05 ? "%.0f ms" : "%.1f ms", ms);
	else if (ms < 999.5)
		buf_addf(out, "%.0f ms", ms);
	else if (ms < 99.95 * ms_of_s)
		buf_addf(out, "%.1f s", ms / ms_of_s);
	else if (ms < ms_of_h) {
		long s = (long)(ms / ms_of_s + 0.5);
		buf_addf(out, s % 60 == 0 ? "%ld min" : "%ld min %ld s", s / 60, s % 60);
	} else {
		long min = (long)(ms / ms_of_min + 0.5);
		buf_addf(out, min % 60 == 0 ? "%ld h" : "%ld h %ld min", min / 60, min % 60);
	}
}

void show_number(struct buf *out, long long n)
{
	auto_buf digits = BUF_INIT;
	buf_addf(&digits, "%lld", n);
	for (size_t i = 0; i < digits.length; i++) {
		if (i > 0 && (digits.length - i) % 3 == 0 && digits.data[i - 1] != '-')
			buf_addc(out, ',');
		buf_addc(out, digits.data[i]);
	}
}

void show_bytes(struct buf *out, long long bytes)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	size_t unit = 0;
	double n = (double)bytes;
	for (; n >= 1023.5 && unit + 1 < sizeof units / sizeof *units; unit++)
		n /= 1024;
	buf_addf(out, unit > 0 && n < 9.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

static void add_count(struct buf *out, size_t n, const char *noun)
{
	show_number(out, (long long)n);
	buf_addf(out, " %s%s", noun, n == 1 ? "" : "s");
}

const char *victim_noun(const struct step_victim *victim)
{
	return victim->script ? "transaction" : operation_names[victim->operation];
}

bool victim_is_worth_a_word(const struct step_victim *victim)
{
	return victim->n_errors > 0 || (victim->n_blocked > 0 && victim->max_ms >= felt_ms);
}

double step_worst_wait_ms(const struct step *step)
{
	double worst = 0;
	for (size_t i = 0; i < step->n_victims; i++) {
		if (step->victims[i].n_blocked > 0 && step->victims[i].max_ms > worst)
			worst = step->victims[i].max_ms;
	}
	return worst;
}

enum step_weight step_weigh(const struct step *step)
{
	enum step_weight weight = step->error != NULL ? STEP_FAILS : step->n_findings > 0 ? STEP_WARNS : STEP_QUIET;
	for (size_t i = 0; i < step->n_findings; i++)
		weight = step->findings[i].fails ? STEP_FAILS : weight;
	for (size_t i = 0; i < step->n_victims && weight == STEP_QUIET; i++)
		weight = victim_is_worth_a_word(&step->victims[i]) ? STEP_FELT : weight;
	return weight;
}

bool step_is_of_migration(const struct step *step)
{
	return step->file != NULL || step->label == NULL;
}

const char *lock_stops(const char *mode)
{
	if (lock_blocks(mode, OPERATION_READ))
		return "readers and writers";
	if (lock_blocks(mode, OPERATION_WRITE))
		return "writers";
	return strcmp(mode, "ShareUpdateExclusiveLock") == 0 ? "other DDL" : NULL;
}

static bool is_table(const struct rehearsal *rehearsal, const char *relation)
{
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		if (strcmp(rehearsal->tables[i].name, relation) == 0)
			return true;
	}
	return false;
}

static int strength(const char *mode)
{
	return lock_blocks(mode, OPERATION_READ) + lock_blocks(mode, OPERATION_WRITE);
}

bool lock_is_worth_a_word(const struct rehearsal *rehearsal, const struct step *step, const struct step_lock *lock)
{
	if (!lock_stops_clients(lock) || !relation_is_shared(rehearsal, step, lock->relation))
		return false;
	bool told = false; // by the lock of its table
	for (size_t i = 0; i < step->n_locks && !is_table(rehearsal, lock->relation); i++)
		told = told || (is_table(rehearsal, step->locks[i].relation) && strength(step->locks[i].mode) >= strength(lock->mode));
	return !told;
}

double step_release_ms(const struct step *step)
{
	double release_ms = step->start_ms + step->duration_ms;
	for (size_t i = 0; i < step->n_locks; i++) {
		double until_ms = step->locks[i].acquire_ms + step->locks[i].held_ms;
		release_ms = until_ms > release_ms ? until_ms : release_ms;
	}
	return release_ms;
}

static size_t count_statements(const struct rehearsal *rehearsal)
{
	size_t n = 0;
	for (size_t i = 0; i < rehearsal->n_steps; i++)
		n += step_is_of_migration(&rehearsal->steps[i]);
	return n;
}

static size_t count_weight(const struct rehearsal *rehearsal, enum step_weight weight)
{
	size_t n = 0;
	for (size_t i = 0; i < rehearsal->n_steps; i++)
		n += step_weigh(&rehearsal->steps[i]) == weight;
	return n;
}

void show_headline(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *))
{
	static const char *const words[] = { "Ship", "Ship, with warnings", "Do not ship", "Not rehearsed completely" };
	size_t n_fail = count_weight(rehearsal, STEP_FAILS), n_warn = count_weight(rehearsal, STEP_WARNS);
	buf_adds(out, words[rehearsal->verdict]);
	if (rehearsal->env != NULL) {
		buf_adds(out, rehearsal->verdict == REHEARSAL_TROUBLE ? " for " : " to ");
		quote(out, rehearsal->env);
	}
	if (n_fail > 0) {
		buf_addf(out, ": %zu of ", n_fail);
		add_count(out, count_statements(rehearsal), "statement");
		buf_adds(out, n_fail == 1 ? " fails" : " fail");
		if (n_warn > 0)
			buf_addf(out, n_warn == 1 ? ", %zu warns" : ", %zu warn", n_warn);
	} else if (n_warn > 0) {
		buf_addf(out, ": %zu of ", n_warn);
		add_count(out, count_statements(rehearsal), "statement");
		buf_adds(out, n_warn == 1 ? " needs a look" : " need a look");
	}
}

void show_course(struct buf *out, const struct rehearsal *rehearsal)
{
	size_t n_migrations = 0;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const char *version = rehearsal->steps[i].version;
		bool seen = version == NULL;
		for (size_t j = 0; j < i && !seen; j++)
			seen = rehearsal->steps[j].version != NULL && strcmp(rehearsal->steps[j].version, version) == 0;
		n_migrations += !seen;
	}
	add_count(out, count_statements(rehearsal), "statement");
	if (n_migrations > 0) {
		buf_adds(out, " of ");
		add_count(out, n_migrations, "migration");
	}
	buf_adds(out, " in ");
	show_duration(out, rehearsal->duration_ms);
	if (rehearsal->n_steps > 0 && rehearsal->steps[rehearsal->n_steps - 1].error != NULL)
		buf_adds(out, ", stopped at the one that was refused");
}

void show_place(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *))
{
	auto_buf place = BUF_INIT;
	if (step->file != NULL)
		buf_addf(&place, "%s:%u", step->file, step->line);
	else
		buf_adds(&place, step->label != NULL ? step->label : "(no file)");
	quote(out, place.data);
}

void show_worst(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *))
{
	const struct step *step = NULL;
	const struct step_victim *worst = NULL;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		for (size_t v = 0; v < rehearsal->steps[i].n_victims; v++) {
			const struct step_victim *victim = &rehearsal->steps[i].victims[v];
			if (!victim_is_worth_a_word(victim) || victim->n_blocked == 0 || (worst != NULL && victim->max_ms <= worst->max_ms))
				continue;
			worst = victim;
			step = &rehearsal->steps[i];
		}
	}
	if (worst == NULL)
		return;
	buf_addf(out, "The longest wait: a %s of ", victim_noun(worst));
	quote(out, worst->relation);
	buf_adds(out, " took ");
	show_duration(out, worst->max_ms);
	buf_adds(out, " because of ");
	show_place(out, step, quote);
	buf_adds(out, ".");
}

void show_lock(struct buf *out, const struct step_lock *lock, void (*quote)(struct buf *, const char *))
{
	buf_addf(out, "%s on ", lock->mode);
	quote(out, lock->relation);
	buf_adds(out, " for ");
	show_duration(out, lock->held_ms);
	if (lock->wait_ms >= 1) {
		buf_adds(out, ", after waiting ");
		show_duration(out, lock->wait_ms);
	}
	if (lock_stops(lock->mode) != NULL)
		buf_addf(out, ": %s wait", lock_stops(lock->mode));
}

void show_victim(struct buf *out, const struct step_victim *victim, void (*quote)(struct buf *, const char *))
{
	show_number(out, (long long)(victim->n_blocked > 0 ? victim->n_blocked : victim->n_errors));
	buf_adds(out, " of ");
	add_count(out, victim->n_tries, victim_noun(victim));
	buf_adds(out, " of ");
	quote(out, victim->relation);
	if (victim->n_blocked == 0) {
		buf_adds(out, victim->n_errors > 0 ? " failed" : " waited");
		return;
	}
	buf_adds(out, " waited, the longest ");
	show_duration(out, victim->max_ms);
	buf_adds(out, "; p99 ");
	show_duration(out, victim->p99_ms);
	if (victim->baseline_p99_ms >= 0) {
		buf_adds(out, ", before ");
		show_duration(out, victim->baseline_p99_ms);
	}
	if (victim->behind_waiting_ms > 0) {
		buf_adds(out, "; ");
		show_duration(out, victim->behind_waiting_ms);
		buf_adds(out, " in the queue while the statement itself waited");
	}
	if (victim->n_errors > 0) {
		buf_adds(out, "; ");
		show_number(out, (long long)victim->n_errors);
		buf_adds(out, " failed");
	}
}

const struct step_finding *step_finding_at(const struct step *step, size_t i)
{
	size_t n_fails = 0, rank = 0;
	for (size_t j = 0; j < step->n_findings; j++)
		n_fails += step->findings[j].fails;
	bool fails = i < n_fails;
	for (size_t j = 0; j < step->n_findings; j++) {
		if (step->findings[j].fails == fails && rank++ == (fails ? i : i - n_fails))
			return &step->findings[j];
	}
	return NULL;
}

void show_took(struct buf *out, const struct step *step)
{
	show_duration(out, step->duration_ms);
	if (step->lock_wait_ms < 1)
		return;
	buf_adds(out, ", ");
	show_duration(out, step->lock_wait_ms);
	buf_adds(out, " of it waiting for locks");
}

void show_growth(struct buf *out, const struct step *step)
{
	static const char *const words[] = {
		[GROWTH_UNKNOWN] = NULL, [GROWTH_CONSTANT] = "does not grow with the table's rows", [GROWTH_LINEAR] = "grows with the table's rows",
		[GROWTH_SUPERLINEAR] = "grows faster than the table's rows",
	};
	if (words[step->growth] == NULL)
		return;
	buf_adds(out, words[step->growth]);
	if (step->growth == GROWTH_CONSTANT || step->predicted_ms < 0)
		return;
	buf_adds(out, ": ");
	show_duration(out, step->predicted_ms);
	buf_adds(out, " at the environment's size");
	if (step->predicted_error_ms >= 0) {
		buf_adds(out, ", give or take ");
		show_duration(out, step->predicted_error_ms);
	}
}

static void add_names(struct buf *out, const char *verb, const char *const *names, size_t n, void (*quote)(struct buf *, const char *))
{
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "%s", i > 0 ? ", " : out->length > 0 ? "; " : "");
		if (i == 0)
			buf_addf(out, "%s ", verb);
		quote(out, names[i]);
	}
}

void show_work(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *))
{
	const struct { const char *verb, *what; long long bytes; } amounts[] = {
		{ "wrote", "of WAL", step->wal_bytes }, { "used", "of temporary files", step->temp_bytes },
	};
	auto_buf work = BUF_INIT;
	if (step->rows_read > 0) {
		buf_adds(&work, "read ");
		show_number(&work, step->rows_read);
		buf_adds(&work, step->rows_read == 1 ? " row in scans" : " rows in scans");
	}
	add_names(&work, "rewrote", step->rewrites, step->n_rewrites, quote);
	for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
		if (amounts[i].bytes <= 0)
			continue;
		buf_addf(&work, "%s%s ", work.length > 0 ? "; " : "", amounts[i].verb);
		show_bytes(&work, amounts[i].bytes);
		buf_addf(&work, " %s", amounts[i].what);
	}
	buf_add(out, work.data, work.length);
}

void show_tries(struct buf *out, const struct step *step)
{
	if (step->success_rate < 0 || step->n_tries == 0)
		return;
	buf_addf(out, "%.0f of ", step->success_rate * (double)step->n_tries);
	show_number(out, (long long)step->n_tries);
	buf_adds(out, step->n_tries == 1 ? " try" : " tries");
	buf_adds(out, " got the lock in time under this traffic");
}

void show_limits(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *))
{
	const struct { const char *name; long long ms; } limits[] = {
		{ "lock_timeout", rehearsal->lock_timeout_ms }, { "statement_timeout", rehearsal->statement_timeout_ms },
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		buf_addf(out, "%s%s ", i > 0 ? ", " : "", limits[i].name);
		if (limits[i].ms > 0)
			show_duration(out, (double)limits[i].ms);
		else
			buf_adds(out, "none");
	}
	if (rehearsal->limits_from == NULL)
		return;
	buf_adds(out, " (");
	quote(out, rehearsal->limits_from);
	buf_addc(out, ')');
}

void show_clone(struct buf *out, const struct rehearsal *rehearsal)
{
	long long rows = 0, bytes = 0;
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		rows += rehearsal->tables[i].rows;
		bytes += rehearsal->tables[i].bytes;
	}
	static const struct { const char *kind, *words; } clones[] = { { "synthetic", "synthetic" }, { "clone", "yours" }, { "dump", "restored from a dump" } };
	for (size_t i = 0; i < sizeof clones / sizeof *clones; i++) {
		if (strcmp(clones[i].kind, rehearsal->clone_kind) == 0)
			buf_addf(out, "%s, ", clones[i].words);
	}
	add_count(out, rehearsal->n_tables, "table");
	buf_adds(out, ", ");
	show_number(out, rows);
	buf_adds(out, rows == 1 ? " row, " : " rows, ");
	show_bytes(out, bytes);
}

void show_clone_server(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *))
{
	if (rehearsal->server == NULL)
		return;
	buf_adds(out, "PostgreSQL ");
	quote(out, rehearsal->server);
	for (size_t i = 0; i < rehearsal->n_settings; i++) {
		const struct setting_difference *setting = &rehearsal->settings[i];
		if (i == 0) {
			buf_adds(out, "; other than in ");
			quote(out, rehearsal->env);
			buf_adds(out, " (there):");
		}
		buf_addf(out, "%s %s ", i > 0 ? "," : "", setting->name);
		quote(out, *setting->clone == '\0' ? "none" : setting->clone);
		buf_adds(out, " (");
		quote(out, *setting->env == '\0' ? "none" : setting->env);
		buf_addc(out, ')');
	}
}

void show_unrehearsed(struct buf *out, const struct rehearsal *rehearsal, const struct unrehearsed *of, void (*quote)(struct buf *, const char *))
{
	quote(out, of->relation);
	buf_adds(out, ", which was not rehearsed as it is in ");
	quote(out, rehearsal->env);
	buf_adds(out, ": ");
	for (size_t i = 0; i < of->n_differences && i < DIFFERENCES_MOST; i++) {
		buf_adds(out, i > 0 ? "; " : "");
		quote(out, of->differences[i]);
	}
	if (of->n_differences > DIFFERENCES_MOST)
		buf_addf(out, "; and %zu more", of->n_differences - DIFFERENCES_MOST);
}

void show_quiet(struct buf *out, const struct rehearsal *rehearsal)
{
	size_t n = 0, n_loud = 0;
	double worst_ms = 0;
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		if (step_weigh(step) != STEP_QUIET) {
			n_loud++;
			continue;
		}
		n += step_is_of_migration(step);
		worst_ms = step_worst_wait_ms(step) > worst_ms ? step_worst_wait_ms(step) : worst_ms;
	}
	if (n == 0)
		return;
	if (n_loud > 0) {
		if (n > 1)
			buf_addf(out, "The other %zu statements: ", n);
		else
			buf_adds(out, "The other statement: ");
	}
	if (worst_ms > 0) {
		buf_adds(out, n_loud > 0 ? "nobody waited longer than " : "Nobody waited longer than ");
		show_duration(out, worst_ms);
		buf_addc(out, '.');
	} else {
		buf_adds(out, n_loud > 0 ? "nobody was seen waiting." : "Nobody was seen waiting.");
	}
}

bool show_remedy(const struct step *step, size_t i)
{
	const char *remedy = step_finding_at(step, i)->remedy;
	for (size_t j = 0; j < i && remedy != NULL; j++) {
		const char *before = step_finding_at(step, j)->remedy;
		if (before != NULL && strcmp(before, remedy) == 0)
			return false;
	}
	return remedy != NULL;
}

bool remedy_is_sql(const char *remedy)
{
	size_t length = strlen(remedy);
	return length > 0 && (remedy[length - 1] == ';' || strstr(remedy, ";\n") != NULL);
}
