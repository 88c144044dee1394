// SPDX-License-Identifier: PostgreSQL
// What a run works with: the environments it names, each with its source and its set of migrations, and the settings of the
// scratch; resolved from options and configuration. It is resolved once, before anything is read.
#ifndef SENTINEL_ENV_H
#define SENTINEL_ENV_H

#include "migrations/framework.h"
#include "migrations/grants.h"
#include "migrations/scratch.h"
#include "sentinel/command.h"
#include "sentinel/source.h"

struct replays;
struct servers;

// What of a database is compared: all of it; of one in which each tenant has a schema, a tenant's part, or what is outside of
// those (see introspect/tenant.h).
enum env_part { PART_ALL, PART_TENANT, PART_SHARED };

struct env {
	const char *name;
	const char *configured; // the name of its section in the configuration, which may be another, or a fleet's; NULL: it has none
	const char *fleet;      // the fleet that it is a member of; NULL: none
	int max_per_server;     // of its fleet; 0: the default
	struct source source;
	// NULL: no migrations are known for it. Shared by all environments with the same set and the same settings, so that equal
	// pointers mean equal replays.
	const struct migrations *set;
	struct version_query versions[2]; // of the set's framework, for the reader
	const char *tenants; // it is a fleet of tenants: the pattern of their schemas, see tenants.h; NULL: it is one database
	enum env_part part;
	const char *tenant;  // PART_TENANT: the schema's name, as the ignore list calls it
	const struct grants *grants; // what the set says of roles, see envs_grants; NULL: it was not asked
	unsigned groups; // of attributes that are read and compared, besides those of --include
	// Why it cannot be worked with at all (a variable that is not set, a URL that is none, migrations that cannot be read);
	// NULL: nothing. The other environments are not concerned.
	struct err *trouble;
};

struct envs {
	struct env *items; // in the order of the command line; those of a list in its order
	size_t n, capacity;
	const struct migrations **sets; // the different ones
	size_t n_sets, sets_capacity;
	const char *const *ignore;
	size_t n_ignore;
	struct scratch_settings scratch;
	const char *cache; // folder; NULL: none
	int shard_index, shard_count; // which part these are, see shard.h; count 0: all
	struct servers *servers; // takes turns among them while they are read; NULL: nobody waits
	struct replays *replays; // made in this run; NULL: none
};

// Resolves words (names of configured environments or fleets, or NAME=SOURCE) and what --envs lists; none: everything that is
// configured. A fleet that cannot be listed is one environment, which has that trouble. `with_sets` false leaves the
// migrations alone (snapshot, doctor). Errors are those that concern the run as a whole: an unknown name (code
// "unknown-env"), no environment at all, no or unreadable migrations ("migrations") where there is but one set, the scratch's
// settings.
bool envs_resolve(struct run *run, const char *const *words, size_t n_words, bool with_sets, struct envs *envs, struct err *err);

// The source that a word means: the name of a configured environment or a source as source_parse takes it.
bool source_resolve(struct run *run, const char *word, struct source *source, struct err *err);

// The one set of migrations that --migrations or the configuration give, or that an environment (NULL: none) names.
// `settings` (NULL: none) are those of a URL. Errors: code "migrations".
const struct migrations *set_resolve(struct run *run, struct envs *envs, const char *env_name,
                                     const struct migration_settings *settings, struct err *err);

// The migrations of a set in their order up to and including a version, which leaves the repeatable ones out; NULL: all.
// Errors: code "unknown-version".
const struct migration *const *set_chain(struct arena *arena, const struct migrations *set, const char *version, size_t *n,
                                         struct err *err);

// The engine to replay for: the one that is asked for; where none is (0), SQLite if all configured environments are, else
// PostgreSQL.
enum engine env_engine(struct run *run, enum engine asked);

// The scratch's settings, the ignore list and the cache's folder; called by envs_resolve.
bool envs_settings(struct run *run, struct envs *envs, struct err *err);

// Switches privileges and owners on where an environment's migrations set them; to be called before anything is read.
void envs_grants(struct run *run, struct envs *envs);

// Options for reading an environment: everything but `versions_only`. Valid as long as the environment.
struct read_options env_read_options(const struct run *run, const struct env *env);

#endif
