// SPDX-License-Identifier: PostgreSQL
// A schema made again from a snapshot: see rebuild.h. There is no graph of dependencies: what fails for want of another object
// is tried again after it, until a pass makes nothing new.
#include "prove/rebuild.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/pg.h"

// What is made with something else: columns with their table, sequences with their column, the schema that is always there.
static bool comes_along(const struct object *object)
{
	const struct kind *kind = object->kind;
	return kind == &kind_column || kind->create == NULL || (kind->owned_by > 0 && object->values[kind->owned_by] != NULL) ||
	       (kind->namespace && strcmp(object->path[0], "public") == 0);
}

// What fails half way does not stay: the statements of one object are one message, hence one transaction.
static bool make(PGconn *conn, const struct snapshot *in, const struct object *object, struct log *log, bool loud)
{
	auto_buf sql = BUF_INIT;
	if (!object->kind->create(&sql, in, object))
		return false;
	auto_pgresult result = PQexec(conn, sql.data);
	ExecStatusType status = PQresultStatus(result);
	bool made = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
	if (!made && loud)
		log_info(log, "scratch: %s cannot be made again: %s", object->kind->name, PQresultErrorMessage(result));
	return made;
}

static bool connect_to(const struct scratch *scratch, bool superuser, PGconn **conn, struct err *err)
{
	*conn = PQconnectdb(scratch_conninfo(scratch, superuser));
	if (PQstatus(*conn) != CONNECTION_OK)
		return err_set(err, "scratch", "scratch", "run again", "%s", PQerrorMessage(*conn));
	auto_pgresult settings = PQexec(*conn, "set search_path = ''; set check_function_bodies = off; set client_min_messages = error; "
	                                       "set statement_timeout = '60s'");
	return PQresultStatus(settings) == PGRES_COMMAND_OK ||
	       err_set(err, "scratch", "scratch", "run again", "%s", PQerrorMessage(*conn));
}

// The same objects without comments, owners and privileges: the roles are missing there, and no text depends on them.
static struct snapshot *plain_copy(struct arena *arena, const struct snapshot *snapshot)
{
	struct snapshot *plain = arena_alloc(arena, sizeof *plain);
	*plain = *snapshot;
	plain->objects = arena_array(arena, snapshot->n_objects, sizeof *plain->objects);
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		const struct object *object = snapshot->objects[i];
		struct object *copy = plain->objects[i] = arena_alloc(arena, sizeof *copy);
		*copy = *object;
		copy->values = arena_array(arena, object->kind->n_attrs, sizeof *copy->values); // all NULL
		memcpy(copy->values + ATTR_FIRST_OWN, object->values + ATTR_FIRST_OWN,
		       (object->kind->n_attrs - ATTR_FIRST_OWN) * sizeof *copy->values);
	}
	return plain;
}

bool rebuild(struct scratch *scratch, const struct snapshot *as_read, struct log *log, struct err *err)
{
	auto_pgconn superuser = NULL;
	auto_pgconn owner = NULL;
	if (!connect_to(scratch, true, &superuser, err) || !connect_to(scratch, false, &owner, err))
		return false;
	auto_arena arena = arena_new();
	const struct snapshot *snapshot = plain_copy(arena, as_read);
	bool *done = arena_array(arena, snapshot->n_objects, sizeof *done);
	for (size_t n_left = snapshot->n_objects, n_before = n_left + 1; n_left > 0 && n_left < n_before;) {
		n_before = n_left;
		n_left = 0;
		for (size_t i = 0; i < snapshot->n_objects; i++) {
			const struct object *object = snapshot->objects[i];
			if (done[i] || comes_along(object))
				continue;
			if (!scratch_watch(scratch, err))
				return false;
			done[i] = make(object->kind == &kind_extension ? superuser : owner, snapshot, object, log, false);
			n_left += !done[i];
		}
	}
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (!done[i] && !comes_along(snapshot->objects[i]))
			make(owner, snapshot, snapshot->objects[i], log, true);
	}
	return true;
}
