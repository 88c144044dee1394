// SPDX-License-Identifier: PostgreSQL
// Reading any source into a snapshot.
#ifndef SENTINEL_SOURCE_READ_H
#define SENTINEL_SOURCE_READ_H

#include "sentinel/env.h"

// What a replayed source (repo, FILE.sql) needs to know of the other side: which engine and major to replay for, and which
// set. Engine 0: see env_engine.
struct read_for {
	enum engine engine;
	int major;            // PostgreSQL; 0: any
	const char *env_name; // the environment on the other side, whose set of migrations is meant; NULL: none
	const struct migration_settings *settings; // of its URL; NULL: none
	const char *runner;   // see struct replay_request; NULL: there is none
};

// Reads a source of any type into a new, sorted snapshot. `options` are for live sources and give the groups for all;
// `envs` holds the scratch's settings. Live sources and JSON may be read from any thread and need no `for_`; the others
// start a scratch server, so they are for the main thread. Errors: those of the readers, the replay and of snapshot_from_json,
// free of the source's passwords; "source" for a file that cannot be read.
struct snapshot *source_read(struct run *run, struct envs *envs, const struct source *source, const struct read_options *options,
                             struct read_for for_, struct arena *arena, struct err *err);

// Replays a source of type SOURCE_REPO as source_read does, and calls `visit` with the scratch alive, which then holds the
// whole of it.
bool source_visit(struct run *run, struct envs *envs, const struct source *source, struct read_for for_,
                  bool (*visit)(struct scratch *scratch, void *argument, struct err *err), void *argument, struct err *err);

// The same for an environment: `options` are env_read_options, maybe changed.
struct snapshot *env_read(struct run *run, struct envs *envs, const struct env *env, const struct read_options *options,
                          struct arena *arena, struct err *err);

// Where to look for the versions of a source: where the migrations that are configured for it keep them; without any, where
// the known frameworks do. `env_name` NULL: it is no configured environment. NULL-table-ended.
const struct version_query *source_versions(struct run *run, struct envs *envs, const struct source *source,
                                            const char *env_name);

#endif
