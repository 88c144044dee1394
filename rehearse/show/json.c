// SPDX-License-Identifier: PostgreSQL
// A rehearsal for machines: one JSON document, its keys in a fixed order. Its shape is a contract: keys may be added, none is renamed
// or removed.
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/snapshot.h"
#include "rehearse/show/render.h"

enum { REPORT_SCHEMA = 1 };

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

static void put(json_t *object, const char *key, json_t *value)
{
	invariant(json_object_set_new(object, key, value) == 0, "JSON object");
}

// To a thousandth of a millisecond; what is not known is null.
static json_t *ms(double value)
{
	return value < 0 || isnan(value) ? json_null() : json_real(round(value * 1000) / 1000);
}

static json_t *locks(const struct step *step)
{
	json_t *array = json_array();
	for (size_t i = 0; i < step->n_locks; i++) {
		json_t *lock = json_object();
		put(lock, "relation", json_text(step->locks[i].relation));
		put(lock, "mode", json_text(step->locks[i].mode));
		put(lock, "acquire_ms", ms(step->locks[i].acquire_ms));
		put(lock, "held_ms", ms(step->locks[i].held_ms));
		put(lock, "wait_ms", ms(step->locks[i].wait_ms));
		json_array_append_new(array, lock);
	}
	return array;
}

static json_t *victims(const struct step *step)
{
	json_t *array = json_array();
	for (size_t i = 0; i < step->n_victims; i++) {
		const struct step_victim *of = &step->victims[i];
		json_t *victim = json_object();
		put(victim, "relation", json_text(of->relation));
		put(victim, "operation", json_text(operation_names[of->operation]));
		put(victim, "tries", json_integer((json_int_t)of->n_tries));
		put(victim, "blocked", json_integer((json_int_t)of->n_blocked));
		put(victim, "max_ms", ms(of->max_ms));
		put(victim, "p99_ms", ms(of->p99_ms));
		put(victim, "baseline_p99_ms", ms(of->baseline_p99_ms));
		put(victim, "errors", json_integer((json_int_t)of->n_errors));
		put(victim, "behind_waiting_ms", ms(of->behind_waiting_ms));
		put(victim, "script", of->script ? json_text(of->relation) : json_null());
		put(victim, "error", json_text(of->error));
		json_array_append_new(array, victim);
	}
	return array;
}

static json_t *findings(const struct step *step)
{
	json_t *array = json_array();
	for (size_t i = 0; i < step->n_findings; i++) {
		json_t *finding = json_object();
		const struct step_finding *of = step_finding_at(step, i);
		put(finding, "rule", json_text(of->rule));
		put(finding, "severity", json_string(of->fails ? "fail" : "warn"));
		put(finding, "text", json_text(of->text));
		put(finding, "remedy", json_text(of->remedy));
		json_array_append_new(array, finding);
	}
	return array;
}

static json_t *error(const struct step *step)
{
	if (step->error == NULL)
		return json_null();
	json_t *object = json_object();
	put(object, "sqlstate", json_text(step->sqlstate));
	put(object, "text", json_text(step->error));
	return object;
}

static json_t *step_json(const struct rehearsal *rehearsal, const struct step *step);

static json_t *hold(const struct step_lock *lock)
{
	if (lock == NULL)
		return json_null();
	json_t *object = json_object();
	put(object, "relation", json_text(lock->relation));
	put(object, "mode", json_text(lock->mode));
	put(object, "held_ms", ms(lock->held_ms));
	return object;
}

static json_t *rewriting(const struct rehearsal *rehearsal, const struct step_rewriting *of)
{
	if (of == NULL)
		return json_null();
	json_t *object = json_object(), *steps = json_array();
	put(object, "statements", json_texts(of->statements, of->n_statements));
	put(object, "tried", json_boolean(of->why_not == NULL));
	put(object, "why_not", json_text(of->why_not));
	put(object, "failure", json_text(of->failure));
	put(object, "file", json_text(of->file));
	put(object, "longest_hold_before", hold(of->before));
	put(object, "longest_hold_after", hold(of->after));
	put(object, "schema", json_string(schema_match_names[of->schema]));
	put(object, "differences", json_texts(of->differences, of->n_differences));
	for (size_t i = 0; i < of->n_steps; i++)
		json_array_append_new(steps, step_json(&rehearsal->rewritten->run, &of->steps[i]));
	put(object, "steps", steps);
	return object;
}

// The run with the safer statements; its steps stand with those that they replace.
static json_t *rewritten(const struct rewritten *of)
{
	if (of == NULL)
		return json_null();
	json_t *object = json_object();
	put(object, "why_not", json_text(of->why_not));
	put(object, "verdict", of->why_not != NULL ? json_null() : json_string(rehearsal_verdict_names[of->run.verdict]));
	put(object, "replaced", json_integer((json_int_t)of->n_replaced));
	put(object, "schema", json_string(schema_match_names[of->schema]));
	put(object, "why_not_compared", json_text(of->why_not_compared));
	put(object, "differences", json_texts(of->differences, of->n_differences));
	put(object, "duration_ms", of->why_not != NULL ? json_null() : ms(of->run.duration_ms));
	put(object, "clones", json_integer((json_int_t)of->n_runs));
	put(object, "took_ms", ms(of->took_ms));
	return object;
}

static json_t *step_json(const struct rehearsal *rehearsal, const struct step *step)
{
	json_t *object = json_object();
	put(object, "version", json_text(step->version));
	put(object, "file", json_text(step->file));
	put(object, "line", json_integer(step->line));
	put(object, "sql", json_text(step->sql));
	put(object, "transaction", json_integer(step->transaction));
	put(object, "start_ms", ms(step->start_ms));
	put(object, "duration_ms", ms(step->duration_ms));
	put(object, "lock_wait_ms", ms(step->lock_wait_ms));
	put(object, "rows_read", step->rows_read < 0 ? json_null() : json_integer(step->rows_read));
	put(object, "rewrites", json_texts(step->rewrites, step->n_rewrites));
	put(object, "wal_bytes", json_integer(step->wal_bytes));
	put(object, "temp_bytes", json_integer(step->temp_bytes));
	put(object, "pages_changed", rehearsal->engine == ENGINE_SQLITE ? json_integer(step->pages_changed) : json_null());
	put(object, "invalid_indexes", json_texts(step->invalid_indexes, step->n_invalid_indexes));
	put(object, "locks", locks(step));
	put(object, "victims", victims(step));
	put(object, "growth", json_string(growth_names[step->growth]));
	put(object, "predicted_ms", ms(step->predicted_ms));
	put(object, "predicted_error_ms", ms(step->predicted_error_ms));
	put(object, "lock_tries", json_integer((json_int_t)step->n_tries));
	put(object, "lock_success", step->success_rate < 0 ? json_null() : json_real(step->success_rate));
	put(object, "findings", findings(step));
	put(object, "rewriting", rewriting(rehearsal, step->rewriting));
	put(object, "error", error(step));
	return object;
}

static json_t *clone_json(const struct rehearsal *rehearsal)
{
	json_t *clone = json_object(), *tables = json_array(), *settings = json_array();
	for (size_t i = 0; i < rehearsal->n_tables; i++) {
		const struct clone_table *of = &rehearsal->tables[i];
		json_t *table = json_object();
		put(table, "name", json_text(of->name));
		put(table, "rows", json_integer(of->rows));
		put(table, "bytes", json_integer(of->bytes));
		put(table, "rows_of_env", of->rows_of_env < 0 ? json_null() : json_integer(of->rows_of_env));
		put(table, "rests_on", json_text(of->rests_on));
		json_array_append_new(tables, table);
	}
	put(clone, "kind", json_text(rehearsal->clone_kind));
	put(clone, "tables", tables);
	put(clone, "server", json_text(rehearsal->server));
	for (size_t i = 0; i < rehearsal->n_settings; i++) {
		json_t *setting = json_object();
		put(setting, "name", json_text(rehearsal->settings[i].name));
		put(setting, "clone", json_text(rehearsal->settings[i].clone));
		put(setting, "environment", json_text(rehearsal->settings[i].env));
		json_array_append_new(settings, setting);
	}
	put(clone, "settings", settings);
	return clone;
}

void rehearsal_json(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options)
{
	(void)options;
	auto_json root = json_object();
	const struct thresholds *thresholds = &rehearsal->thresholds;
	json_t *limits = json_object(), *steps = json_array(), *trouble = json_array(), *unrehearsed = json_array();
	put(root, "driftcheck", json_string(PACKAGE_VERSION));
	put(root, "schema", json_integer(REPORT_SCHEMA));
	put(root, "command", json_string("rehearse"));
	put(root, "complete", json_boolean(rehearsal->n_troubles == 0));
	put(root, "started", json_text(rehearsal->started));
	put(root, "duration_ms", ms(rehearsal->duration_ms));
	put(root, "environment", json_text(rehearsal->env));
	put(root, "engine", json_string(engine_name(rehearsal->engine)));
	put(root, "verdict", json_string(rehearsal_verdict_names[rehearsal->verdict]));
	put(root, "clone", clone_json(rehearsal));
	put(limits, "lock_timeout_ms", json_integer(rehearsal->lock_timeout_ms));
	put(limits, "statement_timeout_ms", json_integer(rehearsal->statement_timeout_ms));
	put(limits, "from", json_text(rehearsal->limits_from));
	put(limits, "max_hold_ms", ms(thresholds->hold_ms));
	put(limits, "max_queue_ms", ms(thresholds->queue_ms));
	put(limits, "scan_rows", json_integer((json_int_t)thresholds->scan_rows));
	put(limits, "lock_success", json_real(thresholds->success_rate));
	put(limits, "boot_lock_ms", json_integer((json_int_t)thresholds->boot_lock_ms));
	put(root, "limits", limits);
	for (size_t i = 0; i < rehearsal->n_steps; i++)
		json_array_append_new(steps, step_json(rehearsal, &rehearsal->steps[i]));
	put(root, "steps", steps);
	put(root, "rewritten", rewritten(rehearsal->rewritten));
	for (size_t i = 0; i < rehearsal->n_unrehearsed; i++) {
		json_t *one = json_object();
		put(one, "relation", json_text(rehearsal->unrehearsed[i].relation));
		put(one, "differences", json_texts(rehearsal->unrehearsed[i].differences, rehearsal->unrehearsed[i].n_differences));
		json_array_append_new(unrehearsed, one);
	}
	put(root, "unrehearsed", unrehearsed);
	put(root, "notes", json_texts(rehearsal->notes, rehearsal->n_notes));
	for (size_t i = 0; i < rehearsal->n_troubles; i++) {
		const struct err *of = &rehearsal->troubles[i];
		json_t *one = json_object();
		put(one, "where", json_text(of->where));
		put(one, "code", json_text(of->code));
		put(one, "text", json_text(of->text));
		put(one, "hint", json_text(of->hint));
		json_array_append_new(trouble, one);
	}
	put(root, "trouble", trouble);
	auto_free text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	invariant(text != NULL, "JSON text");
	buf_addf(out, "%s\n", text);
}
