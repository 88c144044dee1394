// SPDX-License-Identifier: PostgreSQL
// A replay: see replay.h. This file decides what is run, in which surroundings (prelude, roles, schema, version table), what
// of it is in the cache, and what is read; run_postgres.c and run_sqlite.c run it. A role that the server misses although
// the migrations' text did not show it is made, and the replay starts over on a fresh server.
#include "config.h"

#include "migrations/replay.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/privileges.h"
#include "introspect/reader.h"
#include "migrations/cache.h"
#include "migrations/dump.h"
#include "migrations/roles.h"
#include "migrations/run.h"

// Raised when what is read of the same database, or how migrations are run, changes in a way that the digest of the
// kinds and the texts sent do not show.
#define MODEL_VERSION "1"

enum { ROLE_ATTEMPTS = 32 };

static const char SCRATCH_DATABASE[] = "scratch"; // the database's name in snapshots: its own differs from run to run

// One replay under way.
struct job {
	struct arena *arena; // of the caller: holds the snapshots
	const struct scratch_settings *settings;
	enum engine engine;
	int major;
	unsigned groups;
	const char *runner; // whose name the owner takes; NULL: its own will do
	const char *cache;
	struct log *log;
	const struct migrations *set; // NULL: a file
	struct run_step prelude;
	bool has_prelude;
	struct run_step *steps; // setup, then the chain
	size_t n_steps, n_setup;
	const char **version_path; // of the version table, in snapshots
	unsigned n_version_path;
	const size_t *stops; // how many of the chain's steps
	const char **keys;
	size_t n_stops;
	struct snapshot **snapshots; // NULL: not yet read
	struct scratch *scratch;
	struct role_list roles; // to be made
};

// Files.

static const char *file_read(struct arena *arena, const char *path, const char *what, struct err *err)
{
	auto_file file = fopen(path, "re");
	auto_buf text = BUF_INIT;
	char some[64 * 1024];
	for (size_t n; file != NULL && (n = fread(some, 1, sizeof some, file)) > 0;)
		buf_add(&text, some, n);
	if (file == NULL || ferror(file)) {
		err_set(err, "file", path, NULL, "cannot read %s: %s", what, strerror(errno));
		return NULL;
	}
	const char *bom = "\xef\xbb\xbf";
	size_t skipped = strncmp(text.data, bom, 3) == 0 ? 3 : 0; // psql drops it too
	return arena_strdup(arena, text.data + skipped);
}

static struct run_step file_step(struct arena *arena, const char *path, const char *text)
{
	struct unit *unit = arena_alloc(arena, sizeof *unit);
	*unit = (struct unit){ text, 1 };
	for (const char *c = text; *c != '\0' && strchr(" \t\r\n\f\v", *c) != NULL; c++)
		unit->line += *c == '\n';
	return (struct run_step){ .path = path, .label = path, .script = { false, unit, 1 }, .dump = true };
}

static bool prelude_load(struct job *job, struct err *err)
{
	if (job->settings->prelude == NULL || job->engine != ENGINE_POSTGRESQL)
		return true;
	const char *text = file_read(job->arena, job->settings->prelude, "the prelude", err);
	if (text == NULL)
		return false;
	job->prelude = file_step(job->arena, job->settings->prelude, text);
	job->prelude.superuser = true;
	job->has_prelude = true;
	return true;
}

// What surrounds the chain.

static void add_unit(struct job *job, struct run_step *step, const struct buf *sql)
{
	struct unit *units = arena_array(job->arena, step->script.n_units + 1, sizeof *units);
	if (step->script.n_units > 0)
		memcpy(units, step->script.units, step->script.n_units * sizeof *units);
	units[step->script.n_units++] = (struct unit){ buf_copy(sql, job->arena), 1 };
	step->script.units = units;
}

static void add_schema(struct job *job, struct run_step *step, const char *schema)
{
	auto_buf sql = BUF_INIT;
	buf_adds(&sql, "CREATE SCHEMA IF NOT EXISTS ");
	sql_ident(&sql, schema);
	add_unit(job, step, &sql);
}

// The session as every replay finds it, the schema of the settings, and the version table: before the first migration, since
// migrations alter it, put triggers on it, and may leave a search path on which it would no longer be found. So its name
// is qualified from the start.
static const char *setup(struct job *job, struct run_step *step)
{
	const struct migration_settings *settings = &job->set->settings;
	bool postgresql = job->engine == ENGINE_POSTGRESQL;
	*step = (struct run_step){ .path = "before the first migration", .label = "" };
	if (postgresql) {
		auto_buf session = BUF_INIT;
		buf_adds(&session, "SET timezone TO 'UTC'; SET datestyle TO 'ISO, MDY'; SET extra_float_digits TO 1");
		add_unit(job, step, &session);
	}
	if (postgresql && settings->schema != NULL) {
		add_schema(job, step, settings->schema);
		auto_buf path = BUF_INIT;
		buf_adds(&path, "SET search_path TO ");
		sql_ident(&path, settings->schema);
		buf_adds(&path, ", public");
		add_unit(job, step, &path);
	}
	const char *table = settings->table != NULL ? settings->table : job->set->framework->table, *parts[2];
	size_t n = table == NULL ? 0 : sql_name_split(job->arena, table, parts, 2);
	if (n == 0)
		return NULL;
	const char *schema = n == 2 ? parts[0] : settings->schema != NULL ? settings->schema : "public";
	if (postgresql && n == 2 && strcmp(schema, "public") != 0)
		add_schema(job, step, schema);
	job->n_version_path = postgresql ? 2 : 1;
	job->version_path = arena_array(job->arena, 2, sizeof *job->version_path);
	job->version_path[0] = postgresql ? schema : parts[n - 1];
	job->version_path[1] = parts[n - 1];
	const char *name = sql_name_copy(job->arena, job->version_path, job->n_version_path);
	auto_buf create = BUF_INIT;
	job->set->framework->create_table(&create, job->engine, name);
	add_unit(job, step, &create);
	return name;
}

static bool chain_load(struct job *job, const struct replay_request *request, struct err *err)
{
	const struct framework *framework = request->set->framework;
	job->n_steps = request->n_chain + 1;
	job->n_setup = 1;
	job->steps = arena_array(job->arena, job->n_steps, sizeof *job->steps);
	const char *table = setup(job, &job->steps[0]);
	for (size_t i = 0; i < request->n_chain; i++) {
		const struct migration *migration = request->chain[i];
		struct run_step *step = &job->steps[i + 1];
		*step = (struct run_step){ .migration = migration, .path = migration->path, .label = migration->label };
		if (migration->not_runnable == NULL &&
		    !framework->script(job->arena, request->set, job->engine, migration, &step->script, err))
			return false;
		if (table != NULL && framework->record != NULL) {
			auto_buf record = BUF_INIT;
			framework->record(&record, job->engine, table, migration, i + 1);
			step->record = buf_copy(&record, job->arena);
		}
	}
	return true;
}

// The cache.

static void key_add_number(struct cache_key *key, size_t n)
{
	cache_key_add(key, &n, sizeof n);
}

static void key_add_step(struct cache_key *key, const struct run_step *step)
{
	cache_key_adds(key, step->label); // named in notes
	cache_key_adds(key, step->migration == NULL ? NULL : step->migration->not_runnable);
	cache_key_adds(key, step->script.transaction ? "transaction" : "");
	key_add_number(key, step->script.n_units);
	for (size_t i = 0; i < step->script.n_units; i++)
		cache_key_adds(key, step->script.units[i].text); // as sent: placeholders and variables are in it
	cache_key_adds(key, step->record);
}

static void key_add_kinds(struct cache_key *key)
{
	for (size_t i = 0; kinds[i] != NULL; i++) {
		cache_key_adds(key, kinds[i]->name);
		key_add_number(key, kinds[i]->n_attrs);
		for (unsigned j = 0; j < kinds[i]->n_attrs; j++)
			cache_key_adds(key, kinds[i]->attrs[j].name);
	}
}

// Fills keys[] for the stops; NULL without a cache.
static bool keys_make(struct job *job, struct err *err)
{
	job->keys = arena_array(job->arena, job->n_stops, sizeof *job->keys);
	if (job->cache == NULL)
		return true;
	const char *server = scratch_fingerprint(job->settings, job->engine, job->major, job->arena, err);
	if (server == NULL)
		return false;
	struct cache_key *key = cache_key_new(job->arena);
	cache_key_adds(key, "replay " MODEL_VERSION);
	key_add_kinds(key);
	cache_key_adds(key, server);
	cache_key_adds(key, engine_name(job->engine));
	key_add_number(key, job->groups);
	cache_key_adds(key, job->runner);
	cache_key_adds(key, job->settings->superuser ? "superuser" : "owner");
	for (const char *const *name = job->settings->extensions; name != NULL && *name != NULL; name++)
		cache_key_adds(key, *name);
	key_add_number(key, job->n_setup);
	cache_key_adds(key, job->has_prelude ? job->prelude.script.units[0].text : NULL);
	cache_key_adds(key, job->set == NULL ? NULL : job->set->framework->name);
	for (size_t i = 0; i < job->n_setup; i++)
		key_add_step(key, &job->steps[i]);
	size_t done = job->n_setup;
	for (size_t i = 0; i < job->n_stops; i++) {
		for (; done < job->n_setup + job->stops[i]; done++)
			key_add_step(key, &job->steps[done]);
		job->keys[i] = cache_key_hex(key);
	}
	return true;
}

// Fills what the cache has; returns how many of the chain's steps must be run for the rest (SIZE_MAX: none is missing).
static size_t cache_look(struct job *job)
{
	size_t needed = SIZE_MAX;
	for (size_t i = 0; i < job->n_stops; i++) {
		json_t *entry = job->keys[i] == NULL ? NULL : cache_get(job->cache, job->keys[i]);
		struct err ignored; // an entry that cannot be read is a miss
		if (entry != NULL)
			job->snapshots[i] = snapshot_from_json(job->arena, json_object_get(entry, "snapshot"), "the cache", &ignored);
		json_decref(entry);
		if (job->snapshots[i] == NULL)
			needed = job->stops[i];
	}
	return needed;
}

static void cache_keep(struct job *job, size_t i)
{
	const struct snapshot *snapshot = job->snapshots[i];
	if (job->keys[i] == NULL || !snapshot->complete)
		return;
	json_t *entry = json_pack("{s:o}", "snapshot", snapshot_to_json(snapshot));
	if (entry == NULL || !cache_put(job->cache, job->keys[i], entry))
		log_info(job->log, "the replay could not be cached in %s", job->cache);
	json_decref(entry);
}

// Reading.

// What a person should know of what was not run, or of a replay that gave nothing.
static void add_notes(const struct job *job, struct snapshot *snapshot, size_t n_done)
{
	bool ran = false;
	for (size_t i = 0; i < n_done; i++) {
		const struct run_step *step = &job->steps[job->n_setup + i];
		ran = ran || step->script.n_units > 0;
		if (step->migration != NULL && step->migration->not_runnable != NULL)
			snapshot_note(snapshot, "%s is %s: it was not run, and what it does is unknown", step->migration->label,
			              step->migration->not_runnable);
	}
	unsigned smallest = job->engine == ENGINE_POSTGRESQL ? 2 : 1; // shorter paths are schemas and extensions
	for (size_t i = 0; i < snapshot->n_objects; i++) {
		if (snapshot->objects[i]->n_path >= smallest)
			return;
	}
	if (ran)
		snapshot_note(snapshot, "the migrations make no table or other object: is this the right folder?");
}

// Privileges that the roles of a scratch have in it for the sake of the replay.
static void leave_out_group(const struct job *job, struct snapshot *snapshot)
{
	const char *group = scratch_group(job->scratch);
	const char *grantee = group == NULL ? NULL : sql_name_copy(job->arena, &group, 1);
	for (size_t i = 0; grantee != NULL && i < snapshot->n_objects; i++) {
		const char **value = &snapshot->objects[i]->values[ATTR_PRIVILEGES];
		struct privileges all = privileges_parse(job->arena, *value), kept = { 0 };
		for (size_t j = 0; j < all.n; j++) {
			if (strcmp(all.items[j].grantee, grantee) != 0)
				privileges_add(job->arena, &kept, all.items[j]);
		}
		*value = privileges_text(job->arena, &kept);
	}
}

static bool stop_read(struct job *job, size_t i, struct err *err)
{
	struct read_options options = { .log = job->log, .name = "scratch", .groups = job->groups };
	const char *conninfo = scratch_conninfo(job->scratch, true);
	struct snapshot *snapshot = job->engine == ENGINE_SQLITE ? sqlite_read(job->arena, conninfo, &options, err)
	                                                         : postgres_read(job->arena, conninfo, &options, err);
	if (snapshot == NULL)
		return false;
	snapshot->database = SCRATCH_DATABASE;
	snapshot->runner = arena_strdup(job->arena, scratch_owner(job->scratch));
	leave_out_group(job, snapshot);
	if (job->n_version_path > 0)
		snapshot_drop_path(snapshot, job->version_path, job->n_version_path);
	add_notes(job, snapshot, job->stops[i]);
	job->snapshots[i] = snapshot;
	cache_keep(job, i);
	return true;
}

static bool reached(void *argument, size_t n_done, struct err *err)
{
	struct job *job = argument;
	for (size_t i = 0; i < job->n_stops; i++) {
		if (job->snapshots[i] == NULL && job->n_setup + job->stops[i] == n_done && !stop_read(job, i, err))
			return false;
	}
	return true;
}

static bool reached_nothing(void *argument, size_t n_done, struct err *err)
{
	(void)argument;
	(void)n_done;
	(void)err;
	return true;
}

// Running.

static bool run_steps(struct job *job, const struct run_step *steps, size_t n_steps, size_t n_setup,
                      bool (*at)(void *argument, size_t n_done, struct err *err), struct run_failure *failure, struct err *err)
{
	struct run run = {
		.arena = job->arena, .scratch = job->scratch, .settings = job->settings,
		.framework = job->set == NULL ? NULL : job->set->framework->name, .steps = steps, .n_steps = n_steps,
		.n_setup = n_setup, .reached = at, .argument = job, .log = job->log,
	};
	bool done = (job->engine == ENGINE_SQLITE ? run_sqlite : run_postgres)(&run, failure, err);
	log_progress(job->log, "%s", "");
	return done;
}

// The roles of an SQL file as psql reads it: the data of COPY names none.
static void roles_of_dump(struct job *job, const char *text, struct role_list *named, struct role_list *created, struct role_list *guarded)
{
	auto_arena scrap = arena_new();
	struct dump dump = { text, 1 };
	for (struct dump_piece piece; dump_next(scrap, &dump, &piece);) {
		if (piece.type == DUMP_SQL)
			roles_find(job->arena, piece.text, named, created, guarded);
	}
}

// The roles to make: those that are named and not made. In a body they are made only where they are missing, which a plain
// owner could not do.
static void roles_collect(struct job *job)
{
	struct role_list named = { 0 }, created = { 0 }, guarded = { 0 };
	if (job->engine != ENGINE_POSTGRESQL)
		return;
	for (size_t i = job->n_setup; i < job->n_steps; i++) {
		for (size_t j = 0; j < job->steps[i].script.n_units; j++) {
			const char *text = job->steps[i].script.units[j].text;
			(job->steps[i].dump ? roles_of_dump(job, text, &named, &created, &guarded)
			                    : roles_find(job->arena, text, &named, &created, &guarded));
		}
	}
	for (size_t i = 0; i < named.n; i++) {
		if (!role_has(&created, named.names[i]) && !role_has(&guarded, named.names[i]))
			role_add(job->arena, &job->roles, named.names[i]);
	}
	for (size_t i = 0; i < guarded.n && !job->settings->superuser; i++)
		role_add(job->arena, &job->roles, guarded.names[i]);
}

// Where none can be made (a url whose role may not), the server's own error, if it comes to that, says more.
static bool roles_make(struct job *job, struct err *err)
{
	for (size_t i = 0; i < job->roles.n; i++) {
		if (!scratch_make_role(job->scratch, job->roles.names[i], err) && strcmp(err->code, "privilege") != 0)
			return false;
	}
	return true;
}

static bool attempt(struct job *job, size_t n_steps, bool (*visit)(struct scratch *, void *, struct err *), void *argument,
                    struct run_failure *failure, struct err *err)
{
	*failure = (struct run_failure){ NULL };
	auto_scratch scratch = scratch_open(job->settings, job->engine, job->major, err);
	job->scratch = scratch;
	return scratch != NULL &&
	       (!job->has_prelude || run_steps(job, &job->prelude, 1, 1, reached_nothing, failure, err)) &&
	       (job->runner == NULL || scratch_name_owner(scratch, job->runner, err)) && roles_make(job, err) &&
	       run_steps(job, job->steps, n_steps, job->n_setup, reached, failure, err) &&
	       (visit == NULL || visit(scratch, argument, err));
}

static bool job_run(struct job *job, size_t n_steps, bool (*visit)(struct scratch *, void *, struct err *), void *argument,
                    struct run_failure *failure, struct err *err)
{
	roles_collect(job);
	for (int i = 0; i < ROLE_ATTEMPTS; i++) {
		if (attempt(job, n_steps, visit, argument, failure, err))
			return true;
		if (failure->missing_role == NULL || failure->step == &job->prelude || role_has(&job->roles, failure->missing_role))
			return false;
		log_info(job->log, "replaying again with the role \"%s\", which is missing", failure->missing_role);
		role_add(job->arena, &job->roles, failure->missing_role);
	}
	return false;
}

bool replay(struct arena *arena, const struct replay_request *request, struct snapshot **snapshots,
            struct replay_failure *failure, struct err *err)
{
	struct job job = {
		.arena = arena, .settings = request->scratch, .engine = request->engine, .major = request->major,
		.groups = request->groups, .cache = request->cache, .log = request->log, .set = request->set,
		.stops = request->stops, .n_stops = request->n_stops, .snapshots = snapshots,
	};
	struct run_failure failed = { NULL };
	for (size_t i = 0; i < request->n_stops; i++)
		snapshots[i] = NULL;
	if (failure != NULL)
		*failure = (struct replay_failure){ NULL };
	bool roles_matter = request->groups & (1u << GROUP_OWNER | 1u << GROUP_ACL) && request->engine == ENGINE_POSTGRESQL;
	if (roles_matter && request->scratch->url == NULL && request->runner != NULL && strncmp(request->runner, "pg_", 3) != 0)
		job.runner = request->runner;
	if (!prelude_load(&job, err) || !chain_load(&job, request, err) || !keys_make(&job, err))
		return false;
	size_t needed = cache_look(&job);
	if (request->visit != NULL)
		needed = request->n_chain;
	if (needed == SIZE_MAX || job_run(&job, job.n_setup + needed, request->visit, request->argument, &failed, err))
		return true;
	if (failure != NULL && failed.step != NULL)
		*failure = (struct replay_failure){ failed.step->migration, failed.line, failed.statement, failed.sqlstate };
	return false;
}

bool replay_file(struct arena *arena, const char *path, enum engine engine, int major, const struct scratch_settings *scratch,
                 const char *cache, unsigned groups, struct snapshot **snapshot, struct err *err)
{
	const size_t stop = 1;
	*snapshot = NULL;
	const char *text = file_read(arena, path, "the file", err);
	if (text == NULL)
		return false;
	struct run_step step = file_step(arena, path, text);
	struct job job = {
		.arena = arena, .settings = scratch, .engine = engine, .major = major, .groups = groups, .cache = cache,
		.log = scratch->log, .steps = &step, .n_steps = 1, .stops = &stop, .n_stops = 1, .snapshots = snapshot,
	};
	struct run_failure failed;
	return prelude_load(&job, err) && keys_make(&job, err) &&
	       (cache_look(&job) == SIZE_MAX || job_run(&job, 1, NULL, NULL, &failed, err));
}

bool replay_text(struct arena *arena, const char *path, const char *text, int major, const struct scratch_settings *scratch,
                 bool (*visit)(struct scratch *scratch, void *argument, struct err *err), void *argument, struct err *err)
{
	struct run_step step = file_step(arena, path, text);
	struct job job = {
		.arena = arena, .settings = scratch, .engine = ENGINE_POSTGRESQL, .major = major, .log = scratch->log, .steps = &step, .n_steps = 1,
	};
	struct run_failure failed;
	return prelude_load(&job, err) && job_run(&job, 1, visit, argument, &failed, err);
}
