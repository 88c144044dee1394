// SPDX-License-Identifier: PostgreSQL
// A clone of the user's own: see clone.h. Whether it is an environment is told by neither its name nor its address (both have many),
// nor by its system identifier (a physical copy keeps that): a lock with a random key, taken on the clone, is seen from every session
// of the same running server and from nowhere else.
#include "rehearse/clone.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/pg.h"
#include "migrations/split.h"
#include "rehearse/course.h"
#include "rehearse/rewrite/parse_tree.h"

// Of the clone's own transaction, in which the lock is held.
struct probe {
	struct arena *arena;
	const struct clone_request *request;
	PGconn *conn;
	unsigned high, low;   // the two halves of the key, as pg_locks shows them
	const char *database; // its oid
	const char **notes;
	size_t n_notes;
};

static void note(struct probe *probe, const char *text)
{
	const char **notes = arena_array(probe->arena, probe->n_notes + 1, sizeof *notes);
	if (probe->n_notes > 0)
		memcpy(notes, probe->notes, probe->n_notes * sizeof *notes);
	notes[probe->n_notes++] = text;
	probe->notes = notes;
}

// A reason to refuse that the user may set aside.
static bool object(struct probe *probe, const char *hint, const char *text, struct err *err)
{
	if (!probe->request->anyway)
		return err_set(err, "clone", "--clone", hint, "%s", text);
	note(probe, text);
	return true;
}

static PGconn *open_connection(const char *conninfo)
{
	const char *keywords[] = { "connect_timeout", "fallback_application_name", "client_encoding", "dbname", NULL };
	const char *values[] = { "10", "driftcheck", "UTF8", conninfo, NULL };
	return PQconnectdbParams(keywords, values, 1);
}

static PGresult *ask(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	PQclear(result);
	return NULL;
}

// The first line of what libpq says: the rest repeats it for every address.
static const char *first_line(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strcspn(text, "\n"));
}

static bool take_lock(struct probe *probe, struct err *err)
{
	auto_buf sql = BUF_INIT;
	unsigned halves[2];
	if (getrandom(halves, sizeof halves, 0) != sizeof halves)
		return err_set(err, "clone", "--clone", NULL, "no random numbers can be had");
	probe->high = halves[0] & 0x7fffffff; // the key is a signed bigint
	probe->low = halves[1];
	if (PQstatus(probe->conn) != CONNECTION_OK)
		return err_set(err, "clone", "--clone", "is the database there, and does it let this host in?", "the clone cannot be reached: %s",
		               first_line(probe->arena, PQerrorMessage(probe->conn)));
	long long key = (long long)((unsigned long long)probe->high << 32 | probe->low);
	PQclear(PQexec(probe->conn, "begin"));
	buf_addf(&sql, "select d.oid, pg_catalog.pg_is_in_recovery(), pg_catalog.pg_advisory_xact_lock(%lld) from pg_catalog.pg_database d "
	         "where d.datname = pg_catalog.current_database()", key);
	auto_pgresult result = ask(probe->conn, sql.data);
	if (result == NULL)
		return err_set(err, "clone", "--clone", NULL, "the clone cannot be asked: %s", PQerrorMessage(probe->conn));
	probe->database = arena_strdup(probe->arena, PQgetvalue(result, 0, 0));
	return PQgetvalue(result, 0, 1)[0] != 't' ||
	       err_set(err, "clone", "--clone", "promote it, or restore a copy", "the clone is a standby: nothing can be written to it");
}

static bool is_read_only(PGconn *conn)
{
	auto_pgresult result = PQexec(conn, "begin read only; set local statement_timeout = '10s'; set local lock_timeout = '2s'");
	return PQresultStatus(result) == PGRES_COMMAND_OK;
}

static bool compare(struct probe *probe, const struct clone_env *env, struct err *err)
{
	static const char hint[] = "let it be reached from here, or say --clone-anyway if you know that the clone is another database";
	auto_pgconn conn = env->conninfo == NULL ? NULL : open_connection(env->conninfo);
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()), "
	         "exists (select from pg_catalog.pg_locks l where l.locktype = 'advisory' and l.classid = %u and l.objid = %u and l.objsubid = 1 "
	         "and l.database = %s)", probe->high, probe->low, probe->database);
	auto_pgresult result = conn == NULL || PQstatus(conn) != CONNECTION_OK || !is_read_only(conn) ? NULL : ask(conn, sql.data);
	if (result == NULL)
		return object(probe, hint, arena_printf(probe->arena, "whether the clone is the environment %s cannot be told, since that cannot be asked: %s",
		                                        env->name, env->conninfo == NULL ? env->why : first_line(probe->arena, PQerrorMessage(conn))), err);
	if (PQgetvalue(result, 0, 1)[0] != 't')
		return true;
	if (strcmp(PQgetvalue(result, 0, 0), probe->database) == 0)
		return err_set(err, "clone", "--clone", "restore a copy of it: the rehearsal changes the clone",
		               "the clone is the environment %s itself: the same database of the same server", env->name);
	note(probe, arena_printf(probe->arena, "the clone is on the server of %s: the rehearsal's load and its WAL fell on that server, and times "
	                         "measured there are those of both", env->name));
	return true;
}

static bool check_replicas(struct probe *probe, struct err *err)
{
	auto_pgresult result = ask(probe->conn,
		"select count(*), coalesce(pg_catalog.string_agg(nullif(r.application_name, ''), ', '), '') from pg_catalog.pg_stat_replication r union all "
		"select count(*), coalesce(pg_catalog.string_agg(s.slot_name, ', '), '') from pg_catalog.pg_replication_slots s where not s.temporary");
	if (result == NULL)
		return object(probe, NULL, arena_printf(probe->arena, "whether the clone feeds replicas cannot be told: %s",
		                                        first_line(probe->arena, PQerrorMessage(probe->conn))), err);
	if (strtol(PQgetvalue(result, 0, 0), NULL, 10) > 0)
		return object(probe, "give a copy that nobody follows, or say --clone-anyway",
		              arena_printf(probe->arena, "the clone's server feeds replicas: %s (%s)", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1)), err);
	if (strtol(PQgetvalue(result, 1, 0), NULL, 10) > 0)
		return object(probe, "drop them (pg_drop_replication_slot), or say --clone-anyway",
		              arena_printf(probe->arena, "the clone's server has replication slots: %s (%s)", PQgetvalue(result, 1, 0), PQgetvalue(result, 1, 1)), err);
	return true;
}

static bool check_sessions(struct probe *probe, struct err *err)
{
	auto_pgresult result = ask(probe->conn,
		"select count(*), min(pg_catalog.concat_ws(' ', a.usename, nullif(a.application_name, ''))) from pg_catalog.pg_stat_activity a "
		"where a.datname = pg_catalog.current_database() and a.usesysid is not null and a.pid <> pg_catalog.pg_backend_pid() "
		"and coalesce(a.backend_type, 'client backend') = 'client backend'"); // without rights the type is NULL
	if (result == NULL)
		return object(probe, NULL, arena_printf(probe->arena, "who else uses the clone cannot be told: %s",
		                                        first_line(probe->arena, PQerrorMessage(probe->conn))), err);
	if (strcmp(PQgetvalue(result, 0, 0), "0") == 0)
		return true;
	return object(probe, "end them, or say --clone-anyway",
	              arena_printf(probe->arena, "other clients have sessions in the clone: %s (%s)", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1)), err);
}

bool clone_check(struct arena *arena, const struct clone_request *request, const char ***notes, size_t *n_notes, struct err *err)
{
	auto_pgconn conn = open_connection(request->conninfo);
	struct probe probe = { .arena = arena, .request = request, .conn = conn };
	bool ok = take_lock(&probe, err);
	for (size_t i = 0; ok && i < request->n_envs; i++)
		ok = compare(&probe, &request->envs[i], err);
	ok = ok && check_replicas(&probe, err) && check_sessions(&probe, err);
	*notes = probe.notes;
	*n_notes = probe.n_notes;
	return ok;
}

bool clone_tables(struct arena *arena, const char *conninfo, const struct statistics *statistics, const char *const *touched,
                  struct clone_table **tables, size_t *n_tables, struct err *err)
{
	auto_pgconn conn = open_connection(conninfo);
	auto_pgresult result = PQstatus(conn) != CONNECTION_OK ? NULL : ask(conn,
		"select n.nspname, c.relname, c.reltuples::bigint, pg_catalog.pg_total_relation_size(c.oid), c.relpages from pg_catalog.pg_class c "
		"join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.oid >= 16384 and n.nspname !~ '^pg_' "
		"and n.nspname <> 'information_schema' order by 1, 2");
	if (result == NULL)
		return err_set(err, "clone", NULL, NULL, "listing the clone's tables: %s", PQerrorMessage(conn));
	*n_tables = (size_t)PQntuples(result);
	*tables = arena_array(arena, *n_tables, sizeof **tables);
	for (size_t i = 0; i < *n_tables; i++) {
		const char *path[] = { PQgetvalue(result, (int)i, 0), PQgetvalue(result, (int)i, 1) };
		struct clone_table *table = &(*tables)[i];
		*table = (struct clone_table){ .name = sql_name_copy(arena, path, 2), .rows = strtoll(PQgetvalue(result, (int)i, 2), NULL, 10),
		                               .bytes = strtoll(PQgetvalue(result, (int)i, 3), NULL, 10), .rows_of_env = -1 };
		const struct table_statistics *of_env = statistics == NULL ? NULL : statistics_find(statistics, path[0], path[1]);
		table->rows_of_env = of_env == NULL ? -1 : (long long)of_env->rows;
		bool unknown = table->rows < 0 || (table->rows == 0 && table->bytes > 0 && strcmp(PQgetvalue(result, (int)i, 4), "0") == 0), counted = false;
		for (const char *const *name = touched; unknown && !counted && name != NULL && *name != NULL; name++)
			counted = strcmp(*name, table->name) == 0;
		auto_buf sql = BUF_INIT;
		buf_addf(&sql, "select count(*) from %s", table->name);
		auto_pgresult count = counted ? ask(conn, sql.data) : NULL;
		if (count != NULL)
			table->rows = strtoll(PQgetvalue(count, 0, 0), NULL, 10);
		else if (unknown)
			*table = (struct clone_table){ table->name, 0, table->bytes, table->rows_of_env, "never analysed: its rows are not known" };
	}
	return true;
}

// Which tables are touched.

struct touching {
	struct arena *arena;
	const struct snapshot *schema;
	const char **names;
	size_t n, capacity;
};

static void add_table(struct touching *touching, const char *name)
{
	for (size_t i = 0; i < touching->n; i++) {
		if (strcmp(touching->names[i], name) == 0)
			return;
	}
	touching->names = arena_grow(touching->arena, touching->names, touching->n, &touching->capacity, sizeof *touching->names);
	touching->names[touching->n++] = name;
}

// A relation that a parse tree names; an unqualified one may be in any schema.
static bool add_named(void *argument, ProtobufCMessage *message)
{
	struct touching *touching = argument;
	if (message->descriptor != &pg_query__range_var__descriptor)
		return true;
	const PgQuery__RangeVar *named = (const void *)message;
	for (size_t i = 0; i < touching->schema->n_objects; i++) {
		const struct object *object = touching->schema->objects[i];
		if (object->kind == &kind_table && strcmp(object->path[1], named->relname) == 0 &&
		    (*named->schemaname == '\0' || strcmp(object->path[0], named->schemaname) == 0))
			add_table(touching, sql_name_copy(touching->arena, object->path, 2));
	}
	return true;
}

// What statements name otherwise: an index of a table, and what the grammar of libpg_query does not know.
static void add_mentioned(struct touching *touching, const char *sql)
{
	for (size_t i = 0; i < touching->schema->n_objects; i++) {
		const struct object *object = touching->schema->objects[i];
		int wanted = object->kind == &kind_table ? 1 : object->kind == &kind_index ? 2 : 0;
		if (wanted > 0 && statement_names(ENGINE_POSTGRESQL, sql, object->kind, object->path, object->n_path) >= wanted)
			add_table(touching, sql_name_copy(touching->arena, object->path, 2));
	}
}

static bool is_named(const struct touching *touching, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(touching->names[i], name) == 0)
			return true;
	}
	return false;
}

// The default partition of a table: whether its rows belong into a new partition is looked up in it, locked.
static void add_default_partitions(struct touching *touching)
{
	size_t n_named = touching->n;
	int of = kind_attr(&kind_table, "partition_of"), bound = kind_attr(&kind_table, "partition_bound");
	for (size_t i = 0; i < touching->schema->n_objects; i++) {
		const struct object *object = touching->schema->objects[i];
		if (object->kind == &kind_table && object->values[of] != NULL && object->values[bound] != NULL && strcmp(object->values[bound], "DEFAULT") == 0 &&
		    is_named(touching, n_named, object->values[of]))
			add_table(touching, sql_name_copy(touching->arena, object->path, 2));
	}
}

// The other ends of foreign keys: "references" is the name of a table, then its columns.
static void add_neighbours(struct touching *touching)
{
	size_t n_named = touching->n;
	int attr = kind_attr(&kind_constraint, "references");
	for (size_t i = 0; i < touching->schema->n_objects; i++) {
		const struct object *object = touching->schema->objects[i];
		if (object->kind != &kind_constraint || object->values[attr] == NULL)
			continue;
		const char *child = sql_name_copy(touching->arena, object->path, 2), *references = object->values[attr];
		const char *parent = arena_strndup(touching->arena, references, strcspn(references, "("));
		if (is_named(touching, n_named, child))
			add_table(touching, parent);
		if (is_named(touching, n_named, parent))
			add_table(touching, child);
	}
}

const char *const *clone_touched(struct arena *arena, const struct snapshot *schema, const struct sequenced *statements, size_t n_statements,
                                 const char *version_table)
{
	struct touching touching = { .arena = arena, .schema = schema };
	for (size_t i = 0; i < n_statements; i++) {
		PgQuery__ParseResult *tree = tree_parse(arena, statements[i].sql);
		if (tree != NULL)
			tree_walk(&tree->base, add_named, &touching);
		add_mentioned(&touching, statements[i].sql);
	}
	add_default_partitions(&touching);
	add_neighbours(&touching);
	const char **names = arena_array(arena, touching.n + 1, sizeof *names);
	size_t n = 0;
	for (size_t i = 0; i < touching.n; i++) {
		if (version_table == NULL || strcmp(touching.names[i], version_table) != 0)
			names[n++] = touching.names[i];
	}
	return names;
}

// The way.

bool rehearse_on_clone(struct job *job, struct err *err)
{
	struct rehearsal_request *request = job->request;
	const struct clone_request asked = { request->clone, request->clone_envs, request->n_clone_envs, request->clone_anyway };
	const char **notes;
	size_t n_notes;
	if (!clone_check(job->arena, &asked, &notes, &n_notes, err))
		return false;
	for (size_t i = 0; i < n_notes; i++)
		job_note(job, notes[i]);
	if (request->ask_versions != NULL && !request->ask_versions(request->argument, request->clone, request, err))
		return false;
	job->pass = &job->passes[job->n_passes++];
	*job->pass = (struct pass){ .own = request->clone, .superuser = request->clone };
	return job_look(job, NULL, err) && job_list(job, err) && job_run(job, err);
}
