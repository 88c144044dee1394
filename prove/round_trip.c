// SPDX-License-Identifier: PostgreSQL
// The round trip: see round_trip.h. Every question makes two objects beside the original, under names of their own, with the
// one text and with the other; one reading of the scratch then shows how the server prints them. What a server prints may
// itself print differently once it is read again, so this is repeated until nothing changes, three times at most.
#include "prove/round_trip.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/pg.h"
#include "introspect/reader.h"
#include "migrations/cache.h"
#include "migrations/split.h"

enum { ROUNDS_MAX = 3 };

// One side of a question: the object to make, and what the server made of its text.
struct side {
	struct object *object;
	const char *text;
	bool made;
};

struct trial {
	struct question *question;
	struct side sides[2];
};

// The cache.

static const char *question_key(struct arena *arena, const struct snapshot *base, const char *server, const struct question *question)
{
	struct cache_key *key = cache_key_new(arena);
	const struct object *object = question->a;
	cache_key_adds(key, "round trip 1");
	cache_key_adds(key, server);
	cache_key_adds(key, object->kind->name);
	for (unsigned i = 0; i < object->n_path; i++)
		cache_key_adds(key, object->path[i]);
	cache_key_adds(key, object->kind->attrs[question->attr].name);
	cache_key_adds(key, question->a->values[question->attr]);
	cache_key_adds(key, question->b->values[question->attr]);
	// the shape of what it hangs on; for what hangs on nothing (views), of everything
	size_t first = 0, n = base->n_objects;
	if (object->kind->child)
		n = snapshot_range(base, object->path, object->n_path - 1, &first);
	for (size_t i = first; i < first + n; i++) {
		const struct object *around = base->objects[i];
		cache_key_adds(key, around->kind->name);
		for (unsigned j = 0; j < around->n_path; j++)
			cache_key_adds(key, around->path[j]);
		for (unsigned j = 0; j < around->kind->n_attrs; j++)
			cache_key_adds(key, around->values[j]);
	}
	return cache_key_hex(key);
}

size_t round_trip_recall(struct comparer *comparer, const struct snapshot *base, const char *server, const char *cache)
{
	size_t n_left = 0;
	for (size_t i = 0; i < comparer->n_questions; i++) {
		struct question *question = comparer->questions[i];
		json_t *verdict = question->answered || cache == NULL ? NULL
		                : cache_get(cache, question_key(comparer->arena, base, server, question));
		if (verdict != NULL) {
			question->answered = true;
			question->equal = json_is_true(json_object_get(verdict, "equal"));
			json_decref(verdict);
		}
		n_left += !question->answered;
	}
	return n_left;
}

// Making the objects.

static bool execute(PGconn *conn, struct log *log, struct arena *arena, const char *sql)
{
	size_t n;
	const struct statement *statements = split_statements(arena, ENGINE_POSTGRESQL, sql, &n);
	for (size_t i = 0; i < n; i++) { // one by one: some cannot run in a transaction
		log_query(log, "scratch", statements[i].text);
		auto_pgresult result = PQexec(conn, statements[i].text);
		ExecStatusType status = PQresultStatus(result);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
			log_info(log, "round trip: %s", PQresultErrorMessage(result));
			return false;
		}
	}
	return n > 0;
}

static struct object *copy_object(struct arena *arena, const struct object *object)
{
	struct object *copy = arena_alloc(arena, sizeof *copy);
	const char **path = arena_array(arena, object->n_path, sizeof *path);
	memcpy(path, object->path, object->n_path * sizeof *path);
	*copy = *object;
	copy->path = path;
	copy->values = arena_array(arena, object->kind->n_attrs, sizeof *copy->values);
	memcpy(copy->values, object->values, object->kind->n_attrs * sizeof *copy->values);
	return copy;
}

// The object as the scratch's base has it, so that all but the text in question is what can be made there; under a name of
// its own unless the text itself holds the name. A function keeps its name, by which its body may call its arguments, in a
// schema of its own.
static struct object *trial_object(struct arena *arena, const struct snapshot *base, const struct question *question, const char *text,
                                   const char *name)
{
	const struct object *model = snapshot_find(base, question->a->kind, question->a->path, question->a->n_path);
	struct object *copy = copy_object(arena, model != NULL ? model : question->a);
	for (unsigned i = 0; i < ATTR_FIRST_OWN; i++) // nobody asks for them, and roles may be missing there
		copy->values[i] = NULL;
	copy->values[question->attr] = text;
	if (!copy->kind->name_inside)
		((const char **)copy->path)[copy->kind->arguments ? 0 : copy->n_path - 1] = name;
	return copy;
}

static void make_side(PGconn *conn, struct log *log, struct arena *arena, const struct snapshot *base, struct side *side)
{
	const struct object *object = side->object;
	auto_buf sql = BUF_INIT;
	if (object->kind->arguments)
		buf_addf(&sql, "CREATE SCHEMA %s;\n", object->path[0]);
	side->made = object->kind->create != NULL;
	if (side->made && snapshot_find(base, object->kind, object->path, object->n_path) != NULL)
		side->made = object->kind->drop != NULL && object->kind->drop(&sql, base, object);
	side->made = side->made && object->kind->create(&sql, base, object) && execute(conn, log, arena, sql.data);
}

static struct snapshot *read_back(struct arena *arena, struct scratch *scratch, struct log *log, struct err *err)
{
	struct read_options options = { .log = log, .name = "scratch" };
	return postgres_read(arena, scratch_conninfo(scratch, true), &options, err);
}

static void take_text(const struct snapshot *read, const struct question *question, struct side *side)
{
	const struct object *found = side->made ? snapshot_find(read, side->object->kind, side->object->path, side->object->n_path) : NULL;
	side->text = found == NULL || found->values[question->attr] == VALUE_UNREAD ? NULL : found->values[question->attr];
}

static void answer(struct arena *arena, const struct snapshot *base, const char *server, const char *cache, struct trial *trial, bool equal)
{
	struct question *question = trial->question;
	question->answered = true;
	question->equal = equal;
	if (cache == NULL)
		return;
	json_t *verdict = json_pack("{s:b}", "equal", equal);
	cache_put(cache, question_key(arena, base, server, question), verdict);
	json_decref(verdict);
}

// One round: both sides of every question that is still open are made and read. Where the text holds the object's name, the
// two sides cannot stand beside each other: the first is read before the second is made.
static bool run_round(struct comparer *comparer, const struct snapshot *base, struct scratch *scratch, PGconn *conn, struct trial *trials,
                      size_t n, int round, struct log *log, struct err *err)
{
	struct arena *arena = comparer->arena;
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < n; j++) {
			if (trials[j].question->answered)
				continue;
			struct side *side = &trials[j].sides[i];
			const char *name = arena_printf(arena, "driftcheck_%d_%zu_%d", round, j, i);
			side->object = trial_object(arena, base, trials[j].question, side->text, name);
			make_side(conn, log, arena, base, side);
		}
		struct snapshot *read = read_back(arena, scratch, log, err);
		if (read == NULL)
			return false;
		for (size_t j = 0; j < n; j++) {
			if (!trials[j].question->answered)
				take_text(read, trials[j].question, &trials[j].sides[i]);
		}
	}
	return true;
}

bool round_trip(struct comparer *comparer, const struct snapshot *base, struct scratch *scratch, const char *server,
                const char *cache, struct log *log, struct err *err)
{
	struct arena *arena = comparer->arena;
	size_t n = 0;
	struct trial *trials = arena_array(arena, comparer->n_questions, sizeof *trials);
	for (size_t i = 0; i < comparer->n_questions; i++) {
		struct question *question = comparer->questions[i];
		if (!question->answered)
			trials[n++] = (struct trial){ question, { { .text = question->a->values[question->attr] },
			                                          { .text = question->b->values[question->attr] } } };
	}
	auto_pgconn conn = PQconnectdb(scratch_conninfo(scratch, false));
	if (PQstatus(conn) != CONNECTION_OK)
		return err_set(err, "scratch", "scratch", "run again", "%s", PQerrorMessage(conn));
	auto_pgresult limits = PQexec(conn, "set statement_timeout = '10s'; set client_min_messages = error; set search_path = ''");
	(void)limits;
	for (int round = 1; round <= ROUNDS_MAX; round++) {
		if (!run_round(comparer, base, scratch, conn, trials, n, round, log, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			struct trial *trial = &trials[i];
			if (trial->question->answered)
				continue;
			const char *a = trial->sides[0].text, *b = trial->sides[1].text;
			enum attr_form form = trial->question->a->kind->attrs[trial->question->attr].form;
			if (a == NULL || b == NULL) // could not be made here: the difference stands
				answer(arena, base, server, cache, trial, false);
			else if (normalise_compare(form, a, b) != RUNG_DIFFERENT)
				answer(arena, base, server, cache, trial, true);
			else if (round == ROUNDS_MAX)
				answer(arena, base, server, cache, trial, false);
		}
	}
	return true;
}
