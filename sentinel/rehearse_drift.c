// SPDX-License-Identifier: PostgreSQL
// Drift that a rehearsal cannot see: see rehearse_drift.h. The clone's own schema is what the environment is held against, so nothing is
// replayed for it. Only relations that the migrations touch are worth a word: the rest is what `driftcheck check` is for.
#include "sentinel/rehearse_drift.h"

#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "diff/ignore.h"
#include "introspect/reader.h"
#include "migrations/scratch.h"
#include "migrations/split.h"
#include "prove/round_trip.h"
#include "rehearse/show/render.h"
#include "sentinel/source_read.h"

enum { VALUE_MOST = 60 };

void rehearse_drift_read(struct rehearse_drift *drift)
{
	struct err err = { 0 };
	struct read_options options = env_read_options(drift->run, drift->env);
	options.groups = 0;
	drift->live = env_read(drift->run, drift->envs, drift->env, &options, drift->run->arena, &err);
	if (drift->live == NULL)
		drift->why = arena_strdup(drift->run->arena, err.text);
}

static void leave_out(struct rehearse_drift *drift, struct snapshot *snapshot, const char *version_table)
{
	const char *path[2];
	size_t n = version_table == NULL ? 0 : sql_name_split(drift->run->arena, version_table, path, 2);
	if (n > 0)
		snapshot_drop_path(snapshot, path, (unsigned)n);
	ignore_apply(snapshot, drift->envs->ignore, drift->envs->n_ignore);
}

static struct changes compare(struct rehearse_drift *drift)
{
	return compare_snapshots(&drift->comparer, drift->clone, drift->live);
}

bool rehearse_drift_look(struct rehearse_drift *drift, const struct snapshot *clone, const char *version_table, struct scratch *scratch,
                         struct err *err)
{
	if (drift->live == NULL)
		return true;
	struct snapshot *of_clone = arena_alloc(drift->run->arena, sizeof *of_clone);
	*of_clone = *clone;
	drift->clone = of_clone;
	leave_out(drift, of_clone, drift->live->version.name);
	leave_out(drift, of_clone, version_table);
	leave_out(drift, drift->live, drift->live->version.name);
	comparer_init(&drift->comparer, drift->run->arena, ENGINE_POSTGRESQL, 0);
	drift->changes = compare(drift);
	if (drift->comparer.n_questions == 0 || scratch == NULL)
		return true;
	const char *server = scratch_server(scratch);
	if (round_trip_recall(&drift->comparer, drift->clone, server, drift->envs->cache) > 0 &&
	    !round_trip(&drift->comparer, drift->clone, scratch, server, drift->envs->cache, drift->run->log, err))
		return false;
	drift->changes = compare(drift);
	return true;
}

static bool is_touched(const struct object *relation, const struct rehearsal *rehearsal, struct arena *arena)
{
	const char *name = sql_name_copy(arena, relation->path, 2);
	for (size_t i = 0; i < rehearsal->n_steps; i++) {
		const struct step *step = &rehearsal->steps[i];
		for (size_t j = 0; j < step->n_locks; j++) {
			if (strcmp(step->locks[j].relation, name) == 0)
				return true;
		}
		if (step_is_of_migration(step) && statement_names(ENGINE_POSTGRESQL, step->sql, relation->kind, relation->path, relation->n_path) > 0)
			return true;
	}
	return false;
}

static const char *value(struct arena *arena, const char *text)
{
	if (text == NULL)
		return "none";
	size_t length = strcspn(text, "\n"), most = length < VALUE_MOST ? length : VALUE_MOST;
	while (most < length && most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80) // not within a character
		most--;
	return text[most] == '\0' ? text : arena_printf(arena, "%.*s...", (int)most, text);
}

// "column note is only in prod"
static const char *describe(struct rehearse_drift *drift, const struct change *change)
{
	struct arena *arena = drift->run->arena;
	const struct object *object = change->want != NULL ? change->want : change->have;
	const char *last = object->path[object->n_path - 1], *name = object->n_path > 2 ? sql_name_copy(arena, &last, 1) : "";
	auto_buf text = BUF_INIT;
	buf_addf(&text, "%s%s%s", object->n_path > 2 ? object->kind->name : "it", *name == '\0' ? "" : " ", name);
	if (change->want == NULL || change->have == NULL) {
		buf_addf(&text, change->want == NULL ? " is only in %s" : " is not in %s", drift->env->name);
		return buf_copy(&text, arena);
	}
	for (unsigned i = 0, n = 0; i < object->kind->n_attrs; i++) {
		if (!(change->attrs & 1u << i))
			continue;
		buf_addf(&text, "%s %s: %s", n++ > 0 ? "," : "", object->kind->attrs[i].name, value(arena, change->want->values[i]));
		buf_addf(&text, ", in %s %s", drift->env->name, value(arena, change->have->values[i]));
	}
	return buf_copy(&text, arena);
}

void rehearse_drift_report(struct rehearse_drift *drift, struct rehearsal *rehearsal)
{
	struct arena *arena = drift->run->arena;
	size_t capacity = 0;
	if (drift->why != NULL)
		rehearsal_note(arena, rehearsal, arena_printf(arena, "whether %s differs from the clone in what is touched is not known: %s", drift->env->name,
		                                              drift->why));
	for (size_t i = 0; i < drift->changes.n; i++) {
		const struct change *change = &drift->changes.items[i];
		const struct object *object = change->want != NULL ? change->want : change->have;
		const struct snapshot *in = change->want != NULL ? drift->clone : drift->live;
		const struct object *relation = object->n_path < 2 ? NULL : snapshot_find(in, NULL, object->path, 2);
		if (relation == NULL || (object != relation && !object->kind->child) || change_implied(drift->clone, drift->live, change))
			continue;
		const char *name = sql_name_copy(arena, relation->path, 2);
		struct unrehearsed *last = rehearsal->n_unrehearsed == 0 ? NULL : &rehearsal->unrehearsed[rehearsal->n_unrehearsed - 1];
		if (last == NULL || strcmp(last->relation, name) != 0) { // they are neighbours
			if (!is_touched(relation, rehearsal, arena))
				continue;
			rehearsal->unrehearsed = arena_grow(arena, rehearsal->unrehearsed, rehearsal->n_unrehearsed, &capacity, sizeof *rehearsal->unrehearsed);
			last = &rehearsal->unrehearsed[rehearsal->n_unrehearsed++];
			*last = (struct unrehearsed){ .relation = name, .differences = arena_array(arena, drift->changes.n, sizeof *last->differences) };
		}
		last->differences[last->n_differences++] = describe(drift, change);
	}
}
