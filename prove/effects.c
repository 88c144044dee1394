// SPDX-License-Identifier: PostgreSQL
// The effects of single migrations: see effects.h.
#include "prove/effects.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

struct effects *effects_compare(struct comparer *comparer, const struct migration *const *chain, size_t n,
                                struct snapshot *const *snapshots, const enum effects_role *roles, const bool *text_unknown)
{
	struct effects *effects = arena_array(comparer->arena, n, sizeof *effects);
	for (size_t i = 0; i < n; i++) {
		effects[i] = (struct effects){
			.version = chain[i]->version, .label = chain[i]->label, .role = roles[i],
			.applied_text_unknown = text_unknown != NULL && text_unknown[i], .before = snapshots[i], .after = snapshots[i + 1],
			.changes = compare_snapshots(comparer, snapshots[i], snapshots[i + 1]),
		};
	}
	return effects;
}

static enum change_word word_of(const struct change *change)
{
	return change->want == NULL ? CHANGE_ADDED : change->have == NULL ? CHANGE_REMOVED : CHANGE_ALTERED;
}

static void add_plural(struct buf *text, const char *kind)
{
	size_t length = strlen(kind);
	bool ies = length > 1 && kind[length - 1] == 'y';
	bool es = kind[length - 1] == 'x';
	buf_add(text, kind, ies ? length - 1 : length);
	buf_adds(text, ies ? "ies" : es ? "es" : "s");
}

const char *effects_text(struct arena *arena, const struct effects *effects)
{
	static const char *const verbs[] = { [CHANGE_ADDED] = "", [CHANGE_ALTERED] = "alters ", [CHANGE_REMOVED] = "drops " };
	static const enum change_word order[] = { CHANGE_ADDED, CHANGE_ALTERED, CHANGE_REMOVED };
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		bool first = true;
		for (size_t k = 0; kinds[k] != NULL; k++) {
			size_t n = 0;
			const struct object *only = NULL;
			for (size_t j = 0; j < effects->changes.n; j++) {
				const struct change *change = &effects->changes.items[j];
				const struct object *object = change->have != NULL ? change->have : change->want;
				// what comes with a table is worth a word, but for what every table has
				bool usual = object->kind == &kind_column || object->kind == &kind_constraint || order[i] != CHANGE_ADDED;
				if (object->kind != kinds[k] || word_of(change) != order[i] ||
				    (usual && change_implied(effects->before, effects->after, change)))
					continue;
				n++;
				only = object;
			}
			if (n == 0)
				continue;
			buf_adds(&text, text.length == 0 ? "" : first ? "; " : ", ");
			buf_adds(&text, first ? verbs[order[i]] : "");
			first = false;
			if (n == 1) {
				buf_addf(&text, "%s ", only->kind->name);
				object_name(&text, only);
			} else {
				buf_addf(&text, "%zu ", n);
				add_plural(&text, only->kind->name);
			}
		}
	}
	return text.length == 0 ? NULL : buf_copy(&text, arena);
}
