// SPDX-License-Identifier: PostgreSQL
// From migrations to single statements: see sequence.h. What a statement does is none of this file's business.
#include "rehearse/sequence.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "migrations/lexer.h"
#include "migrations/split.h"

struct list {
	struct arena *arena;
	struct sequenced *items;
	size_t n, capacity;
};

static void add(struct list *list, const struct migration *migration, const char *file, unsigned line, const char *sql)
{
	list->items = arena_grow(list->arena, list->items, list->n, &list->capacity, sizeof *list->items);
	list->items[list->n++] = (struct sequenced){ migration, file, line, sql };
}

// Whether the statements open or end transactions themselves.
static bool controls_transactions(const struct statement *statements, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (sequence_is_control(statements[i].text) && !text_opens_with(ENGINE_POSTGRESQL, statements[i].text, "SAVEPOINT") &&
		    !text_opens_with(ENGINE_POSTGRESQL, statements[i].text, "RELEASE"))
			return true;
	}
	return false;
}

static bool add_unit(struct list *list, enum engine engine, const struct migration *migration, const struct unit *unit, bool in_transaction,
                     struct err *err)
{
	unsigned meta_line;
	const char *meta = engine == ENGINE_POSTGRESQL ? split_meta_command(list->arena, unit->text, &meta_line) : NULL;
	if (meta != NULL) {
		err_set(err, "meta-command", NULL, "write it as SQL: psql is never used", "the psql command %s cannot be rehearsed", meta);
		return err_where(err, "%s:%u", migration->path, unit->line + meta_line - 1);
	}
	size_t n, blank = strspn(unit->text, " \t\r\n");
	const struct statement *statements = split_statements(list->arena, engine, unit->text, &n);
	unsigned first = unit->line; // unit->line is that of its first byte that is no blank
	for (size_t i = 0; i < blank; i++)
		first -= unit->text[i] == '\n';
	bool implicit = engine == ENGINE_POSTGRESQL && !in_transaction && n > 1 && !controls_transactions(statements, n);
	if (implicit)
		add(list, migration, NULL, first, "BEGIN");
	for (size_t i = 0; i < n; i++)
		add(list, migration, migration->path, first + statements[i].line - 1, statements[i].text);
	if (implicit)
		add(list, migration, NULL, first, "COMMIT");
	return true;
}

struct sequenced *sequence_of(struct arena *arena, const struct migrations *set, enum engine engine,
                                           const struct migration *migration, const char *version_table, size_t rank, size_t *n,
                                           struct err *err)
{
	struct script script = { 0 };
	struct list list = { .arena = arena };
	*n = 0;
	if (migration->not_runnable != NULL) {
		err_set(err, "not-runnable", migration->path, "rehearse it through the tap: --exec COMMAND", "it is %s", migration->not_runnable);
		return NULL;
	}
	if (!set->framework->script(arena, set, engine, migration, &script, err))
		return NULL;
	if (script.transaction)
		add(&list, migration, NULL, 1, "BEGIN");
	for (size_t i = 0; i < script.n_units; i++) {
		if (!add_unit(&list, engine, migration, &script.units[i], script.transaction, err))
			return NULL;
	}
	if (version_table != NULL && set->framework->record != NULL) {
		auto_buf record = BUF_INIT;
		set->framework->record(&record, engine, version_table, migration, rank);
		size_t n_record;
		const struct statement *statements = split_statements(arena, engine, buf_copy(&record, arena), &n_record);
		for (size_t i = 0; i < n_record; i++)
			add(&list, migration, NULL, 1, statements[i].text);
	}
	if (script.transaction)
		add(&list, migration, NULL, 1, "COMMIT");
	*n = list.n;
	return list.items == NULL ? arena_alloc(arena, sizeof *list.items) : list.items;
}

bool sequence_is_control(const char *sql)
{
	static const char *const words[] = { "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (text_opens_with(ENGINE_POSTGRESQL, sql, words[i]))
			return true;
	}
	return false;
}
