// SPDX-License-Identifier: PostgreSQL
// The words for safer statements that were rehearsed as well (--try-rewrite), of each and of the whole. See render.h.
#include "base/buf.h"
#include "rehearse/show/render.h"

enum { DIFFERENCES_SHOWN = 3 };

static void add_schema(struct buf *out, enum schema_match schema, const char *const *differences, size_t n, void (*quote)(struct buf *, const char *))
{
	static const char *const words[] = {
		[SCHEMA_NOT_COMPARED] = "; the schemas were not compared", [SCHEMA_EQUAL] = "; the schema is the same in the end",
		[SCHEMA_DIFFERENT] = "; NOT the same schema in the end: ",
	};
	buf_adds(out, words[schema]);
	for (size_t i = 0; i < n && i < DIFFERENCES_SHOWN; i++) {
		buf_adds(out, i > 0 ? "; " : "");
		quote(out, differences[i]);
	}
	if (n > DIFFERENCES_SHOWN)
		buf_addf(out, "; and %zu more", n - DIFFERENCES_SHOWN);
}

void show_rewriting(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *))
{
	const struct step_rewriting *rewriting = step->rewriting;
	if (rewriting == NULL)
		return;
	if (rewriting->why_not != NULL || rewriting->failure != NULL) {
		buf_adds(out, rewriting->failure != NULL ? "refused: " : "no: ");
		quote(out, rewriting->failure != NULL ? rewriting->failure : rewriting->why_not);
		return;
	}
	if (rewriting->after != NULL) {
		buf_adds(out, "clients wait for ");
		show_duration(out, rewriting->after->held_ms);
		buf_adds(out, " at most");
	} else {
		buf_adds(out, "no client waits");
	}
	if (rewriting->before != NULL) {
		buf_adds(out, ", instead of ");
		show_duration(out, rewriting->before->held_ms);
	}
	add_schema(out, rewriting->schema, rewriting->differences, rewriting->n_differences, quote);
}

void show_rewriting_file(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *))
{
	const struct step_rewriting *rewriting = step->rewriting;
	if (rewriting != NULL && rewriting->file != NULL && rewriting->failure == NULL && rewriting->why_not == NULL)
		quote(out, rewriting->file);
}

// Of the run with the safer statements: where it still fails.
static void add_still_failing(struct buf *out, const struct rehearsal *run, void (*quote)(struct buf *, const char *))
{
	const struct step *first = NULL;
	size_t n = 0;
	for (size_t i = 0; i < run->n_steps; i++) {
		if (step_weigh(&run->steps[i]) != STEP_FAILS)
			continue;
		first = first == NULL ? &run->steps[i] : first;
		n++;
	}
	if (n == 0)
		return;
	buf_adds(out, ", because of ");
	show_place(out, first, quote);
	if (n > 1)
		buf_addf(out, " and %zu more", n - 1);
}

void show_rewritten(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *))
{
	static const char *const verdicts[] = { "ship", "ship, with warnings", "do not ship", "not known" };
	const struct rewritten *rewritten = rehearsal->rewritten;
	if (rewritten == NULL)
		return;
	if (rewritten->why_not != NULL) {
		buf_adds(out, "No safer statements were tried: ");
		quote(out, rewritten->why_not);
		buf_addc(out, '.');
		return;
	}
	buf_addf(out, "With safer statements in the place of %zu: %s", rewritten->n_replaced, verdicts[rewritten->run.verdict]);
	add_still_failing(out, &rewritten->run, quote);
	add_schema(out, rewritten->schema, rewritten->differences, rewritten->n_differences, quote);
	if (rewritten->why_not_compared != NULL) {
		buf_adds(out, ": ");
		quote(out, rewritten->why_not_compared);
	}
	buf_adds(out, ". Trying them took ");
	show_duration(out, rewritten->took_ms);
	buf_addf(out, rewritten->n_runs > 1 ? " (%zu more clones)." : ".", rewritten->n_runs);
}
