// SPDX-License-Identifier: PostgreSQL
// Reading sources: one function per type, in a table. What each reads is for the reader, the replay or the JSON of a
// snapshot to say; passwords are taken out of their errors here, because here they are known.
#include "sentinel/source_read.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "migrations/replay.h"
#include "base/secret.h"

AUTO_DEFINE(auto_json_cleanup, json_t *, json_decref)
#define auto_json __attribute__((cleanup(auto_json_cleanup))) json_t *

struct request {
	struct run *run;
	struct envs *envs;
	const struct source *source;
	const struct read_options *options;
	struct read_for for_;
	struct arena *arena;
};

static struct snapshot *read_postgresql(const struct request *request, struct err *err)
{
	return postgres_read(request->arena, request->source->conninfo, request->options, err);
}

static struct snapshot *read_sqlite(const struct request *request, struct err *err)
{
	const char *path = request->source->path;
	struct snapshot *snapshot = sqlite_read(request->arena, path, request->options, err);
	if (snapshot == NULL && strstr(err->where, path) == NULL && strstr(err->text, path) == NULL)
		err_set(err, err->code, err->where, err->hint, "%s: %s", path, err->text);
	return snapshot;
}

static struct snapshot *read_json(const struct request *request, struct err *err)
{
	const char *path = request->source->path;
	json_error_t error;
	auto_file file = fopen(path, "rb");
	if (file == NULL) {
		err_set(err, "source", path, "`driftcheck snapshot SOURCE --output FILE.json` makes one", "cannot be opened: %s",
		        strerror(errno));
		return NULL;
	}
	auto_json json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL) {
		err_set(err, "snapshot", path, "a snapshot is what `driftcheck snapshot SOURCE` prints", "this is no JSON: %s", error.text);
		err_where(err, "%s:%d", path, error.line);
		return NULL;
	}
	return snapshot_from_json(request->arena, json, path, err);
}

static struct snapshot *read_sql(const struct request *request, struct err *err)
{
	struct snapshot *snapshot;
	bool ok = replay_file(request->arena, request->source->path, env_engine(request->run, request->for_.engine), request->for_.major,
	                      &request->envs->scratch, request->envs->cache, request->options->groups, &snapshot, err);
	return ok ? snapshot : NULL;
}

// The chain is NULL where there is an error.
static struct replay_request repo_request(const struct request *request, struct err *err)
{
	struct replay_request whole = {
		.engine = env_engine(request->run, request->for_.engine), .major = request->for_.major,
		.groups = request->options == NULL ? 0 : request->options->groups, .runner = request->for_.runner, .scratch = &request->envs->scratch, .cache = request->envs->cache,
		.log = request->run->log,
	};
	whole.set = set_resolve(request->run, request->envs, request->for_.env_name, request->for_.settings, err);
	if (whole.set != NULL)
		whole.chain = set_chain(request->arena, whole.set, request->source->version, &whole.n_chain, err);
	return whole;
}

static struct snapshot *read_repo(const struct request *request, struct err *err)
{
	struct replay_request whole = repo_request(request, err);
	whole.stops = &whole.n_chain;
	whole.n_stops = 1;
	struct snapshot *snapshot;
	return whole.chain != NULL && replay(request->arena, &whole, &snapshot, NULL, err) ? snapshot : NULL;
}

static struct snapshot *(*const readers[])(const struct request *, struct err *) = {
	[SOURCE_POSTGRESQL] = read_postgresql, [SOURCE_SQLITE] = read_sqlite, [SOURCE_JSON] = read_json, [SOURCE_SQL] = read_sql,
	[SOURCE_REPO] = read_repo,
};

struct snapshot *source_read(struct run *run, struct envs *envs, const struct source *source, const struct read_options *options,
                             struct read_for for_, struct arena *arena, struct err *err)
{
	const struct request request = { run, envs, source, options, for_, arena };
	struct snapshot *snapshot = readers[source->type](&request, err);
	if (snapshot == NULL)
		secret_scrub(source->secrets, err);
	return snapshot;
}

bool source_visit(struct run *run, struct envs *envs, const struct source *source, struct read_for for_,
                  bool (*visit)(struct scratch *scratch, void *argument, struct err *err), void *argument, struct err *err)
{
	const struct request request = { run, envs, source, NULL, for_, run->arena };
	struct replay_request whole = repo_request(&request, err);
	whole.visit = visit;
	whole.argument = argument;
	return whole.chain != NULL && replay(run->arena, &whole, NULL, NULL, err);
}

struct snapshot *env_read(struct run *run, struct envs *envs, const struct env *env, const struct read_options *options,
                          struct arena *arena, struct err *err)
{
	return source_read(run, envs, &env->source, options, (struct read_for){ 0 }, arena, err);
}

static const struct version_query *default_versions(struct arena *arena)
{
	size_t n = 0, n_frameworks = 0;
	while (frameworks[n_frameworks] != NULL)
		n_frameworks++;
	struct version_query *queries = arena_array(arena, n_frameworks + 1, sizeof *queries);
	for (size_t i = 0; i < n_frameworks; i++) {
		bool known = frameworks[i]->table == NULL;
		for (size_t j = 0; j < n && !known; j++)
			known = strcmp(queries[j].table, frameworks[i]->table) == 0; // two frameworks share a table's name
		if (!known)
			queries[n++] = (struct version_query){ frameworks[i]->table, frameworks[i]->order };
	}
	return queries;
}

const struct version_query *source_versions(struct run *run, struct envs *envs, const struct source *source,
                                            const char *env_name)
{
	struct err ignored = { 0 };
	bool configured = run->options->migrations.n > 0 || run->config->n_migrations > 0;
	const struct migrations *set = configured ? set_resolve(run, envs, env_name, &source->settings, &ignored) : NULL;
	if (set == NULL)
		return default_versions(run->arena);
	struct version_query *queries = arena_array(run->arena, 2, sizeof *queries);
	framework_version_query(set, queries);
	return queries;
}
