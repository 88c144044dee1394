// SPDX-License-Identifier: PostgreSQL
// The origin of a finding: see origin.h. Only what the framework would send is looked at, so that the reverse half of a file
// is never taken for an origin.
#include "prove/origin.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "diff/compare.h"
#include "diff/normalise.h"
#include "migrations/split.h"

// Whether the tokens `if [not] exists` or `or replace` stand in a statement: it passes over what is already there.
static bool passes_over(const char *statement)
{
	static const char *const phrases[][3] = { { "if", "not", "exists" }, { "if", "exists" }, { "or", "replace" } };
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
		const char *c = statement;
		size_t at = 0;
		for (size_t length; (length = normalise_token(&c)) > 0; c += length) {
			const char *word = phrases[i][at];
			at = strlen(word) == length && strncasecmp(c, word, length) == 0 ? at + 1 : 0;
			if (at == 3 || (at > 0 && phrases[i][at] == NULL))
				return true;
		}
	}
	return false;
}

static const struct migration *find(const struct migration *const *chain, size_t n, const char *version)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(chain[i]->version, version) == 0)
			return chain[i];
	}
	return NULL;
}

// Fills the place and the statement: the last that names the object best, or the first of all. Returns how well it does, as
// statement_names.
static int look_for(struct arena *arena, enum engine engine, const struct script *script, const struct object *object, struct origin *origin)
{
	int best = 0;
	bool first = true;
	for (size_t i = 0; i < script->n_units; i++) {
		size_t n;
		const struct statement *statements = split_statements(arena, engine, script->units[i].text, &n);
		for (size_t j = 0; j < n; j++) {
			int names = statement_names(engine, statements[j].text, object->kind, object->path, object->n_path);
			if (!first && (names == 0 || names < best))
				continue;
			first = false;
			best = names;
			origin->line = script->units[i].line + statements[j].line - 1;
			origin->exact = names > 0;
			origin->statement = names > 0 ? statements[j].text : NULL;
		}
	}
	return best;
}

void origin_find(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *const *chain,
                 size_t n_chain, const struct snapshot *live, struct finding *finding)
{
	struct origin *origin = finding->origin;
	const struct migration *migration = origin == NULL ? NULL : find(chain, n_chain, origin->version);
	struct script script;
	struct err ignored;
	if (migration == NULL)
		return;
	origin->file = migration->path;
	origin->line = 1;
	if (migration->not_runnable != NULL || !set->framework->script(arena, set, engine, migration, &script, &ignored))
		return;
	// something that no migration makes (added by hand): what it hangs on was made by one, or is dropped by one
	const struct object *parent = finding->want == NULL ? object_parent(live, finding->object) : NULL;
	if (look_for(arena, engine, &script, finding->object, origin) < 2 && parent != NULL)
		look_for(arena, engine, &script, parent, origin);
	static const char *const verbs[] = { [CHANGE_ADDED] = "makes", [CHANGE_REMOVED] = "drops", [CHANGE_ALTERED] = "sets" };
	if (finding->class == CLASS_AHEAD && finding->evidence == NULL && origin->statement != NULL)
		finding->evidence = arena_printf(arena, "%s %s it too, and %s at the next deploy", origin->version, verbs[finding->change],
		                                 passes_over(origin->statement) ? "will pass over it (a no-op)"
		                                 : finding->change == CHANGE_ALTERED ? "will do it again" : "will fail on it");
}
