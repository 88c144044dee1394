// SPDX-License-Identifier: PostgreSQL
// driftcheck.conf: read with libconfuse, kept as plain data. Values are kept as written; ${NAME} and ${NAME:-default} are
// filled in by config_expand when a value is used, so that a variable which only prod needs may be unset where staging is
// checked. Sections and options that are unknown or stand twice are errors with file and line.
#ifndef SENTINEL_CONFIG_H
#define SENTINEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

// A value and the line that it stands on. `text` NULL: not given.
struct setting {
	const char *text;
	unsigned line;
};

struct setting_list {
	struct setting *items;
	size_t n;
};

struct config_migrations {
	const char *name;
	unsigned line; // of the section's end
	struct setting_list path;
	struct setting framework, table, schema;
};

struct config_env {
	const char *name;
	unsigned line;
	struct setting url, migrations;
};

// Many databases of one kind, as environments that are found rather than written down: see docs/fleets.md.
struct config_fleet {
	const char *name;
	unsigned line;
	struct setting migrations, url, envs_file, envs_query, schemas, max_per_server;
};

// A section without a title whose keys belong to somebody else: a sink's, or one of those in config.c's table. All values are
// single ones.
struct config_section {
	const char *name;
	const char *const *keys; // NULL-ended
	struct setting *values;  // in the order of the keys
	unsigned line;           // of its end; 0: it is not in the file
};

struct config {
	const char *path;   // as shown: "driftcheck.conf", "../driftcheck.conf"; NULL: there is no file
	const char *folder; // what the paths in it are relative to: "", "../"
	struct config_migrations *migrations;
	size_t n_migrations;
	struct config_env *envs;
	size_t n_envs;
	struct {
		struct setting bindir, url, role, prelude;
		struct setting_list extensions;
	} scratch;
	struct setting_list ignore;
	struct config_fleet *fleets;
	size_t n_fleets;
	struct config_section *sections; // all that there may be
	size_t n_sections;
};

// The file to read: `given`, or the first driftcheck.conf from the working directory upward, or NULL if there is none. One
// that lies in a folder above and belongs to someone else is refused (code "config"): it could name programs to run.
bool config_find(struct arena *arena, const char *given, const char **path, struct err *err);

// Reads a file (NULL: an empty configuration). Errors: code "config", where = file:line.
struct config *config_read(struct arena *arena, const char *path, struct err *err);

// The value with its variables filled in. Errors: code "config": a variable that is not set, named.
bool config_expand(struct arena *arena, const struct config *config, const struct setting *setting, const char **text,
                   struct err *err);

// A path out of the configuration as seen from the working directory.
const char *config_path(struct arena *arena, const struct config *config, const char *path);

const struct config_env *config_env(const struct config *config, const char *name);
const struct config_migrations *config_migrations(const struct config *config, const char *name);
const struct config_fleet *config_fleet(const struct config *config, const char *name);
const struct config_section *config_section(const struct config *config, const char *name); // never NULL

#endif
