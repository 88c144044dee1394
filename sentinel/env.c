// SPDX-License-Identifier: PostgreSQL
// Resolving environments: which words mean which sources, and which migrations belong to each. Nothing is read from a
// database here, and nothing is started.
#include "sentinel/env.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "migrations/cache.h"
#include "sentinel/fleet.h"
#include "sentinel/folders.h"
#include "base/secret.h"
#include "sentinel/suggest.h"

enum { TIMEOUT_S = 60, TIMEOUT_CONNECT_S = 10, NAMES_SHOWN = 64 };

static struct err *keep(struct arena *arena, const struct err *err)
{
	struct err *copy = arena_alloc(arena, sizeof *copy);
	*copy = *err;
	return copy;
}

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

// What a URL says about its framework wins over the section, which may serve several environments.
static struct migration_settings merge(struct migration_settings section, const struct migration_settings *url)
{
	if (url == NULL)
		return section;
	if (url->table != NULL)
		section.table = url->table;
	if (url->schema != NULL)
		section.schema = url->schema;
	section.multi_statement |= url->multi_statement;
	section.no_transaction |= url->no_transaction;
	return section;
}

static bool same_settings(const struct migration_settings *a, const struct migration_settings *b)
{
	return same(a->table, b->table) && same(a->schema, b->schema) && a->multi_statement == b->multi_statement &&
	       a->no_transaction == b->no_transaction;
}

static bool no_migrations(struct run *run, struct err *err)
{
	err_set(err, "migrations", run->config->path, "name their folder: --migrations DIR", "no migrations are known");
	struct found_folder found;
	struct err ignored = { 0 };
	if (folders_find(run->arena, run->options, &found, 1, &ignored) > 0)
		err_hint(err, "--migrations %s (%s, found here), or let `driftcheck init` write it into a driftcheck.conf", found.path,
		         found.framework->name);
	return false;
}

// Which section of the configuration an environment's migrations are in; NULL (without an error) if --migrations gives them.
static bool find_section(struct run *run, const char *env_name, const struct config_migrations **section, struct err *err)
{
	const struct config *config = run->config;
	*section = NULL;
	if (run->options->migrations.n > 0)
		return true;
	const struct config_env *env = env_name == NULL ? NULL : config_env(config, env_name);
	const struct config_fleet *fleet = env_name == NULL ? NULL : config_fleet(config, env_name);
	const char *named = env != NULL ? env->migrations.text : fleet != NULL ? fleet->migrations.text : NULL;
	if (named != NULL) {
		*section = config_migrations(config, named); // there is one: config_read saw to it
		return true;
	}
	if (config->n_migrations == 0)
		return no_migrations(run, err);
	if (config->n_migrations == 1) {
		*section = &config->migrations[0];
		return true;
	}
	err_set(err, "migrations", config->path, NULL, "there are %zu sets of migrations, and it is not said which is meant",
	        config->n_migrations);
	if (env != NULL || fleet != NULL)
		err_hint(err, "in %s \"%s\" write migrations = \"%s\"", env != NULL ? "env" : "fleet", env_name, config->migrations[0].name);
	else
		err_hint(err, "use the name of an environment that has one, or --migrations DIR");
	return false;
}

struct set_spec { // what decides a struct migrations
	const char *name;
	const char *const *folders;
	const char *framework;
	struct migration_settings settings;
};

static bool section_spec(struct run *run, const struct config_migrations *section, struct set_spec *spec, struct err *err)
{
	const char **folders = arena_array(run->arena, section->path.n + 1, sizeof *folders);
	for (size_t i = 0; i < section->path.n; i++) {
		if (!config_expand(run->arena, run->config, &section->path.items[i], &folders[i], err))
			return false;
		folders[i] = config_path(run->arena, run->config, folders[i]);
	}
	spec->name = section->name;
	spec->folders = folders;
	return config_expand(run->arena, run->config, &section->framework, &spec->framework, err) &&
	       config_expand(run->arena, run->config, &section->table, &spec->settings.table, err) &&
	       config_expand(run->arena, run->config, &section->schema, &spec->settings.schema, err);
}

static const struct migrations *find_set(const struct envs *envs, const struct set_spec *spec)
{
	for (size_t i = 0; i < envs->n_sets; i++) {
		if (same(envs->sets[i]->name, spec->name) && same_settings(&envs->sets[i]->given, &spec->settings))
			return envs->sets[i];
	}
	return NULL;
}

const struct migrations *set_resolve(struct run *run, struct envs *envs, const char *env_name,
                                     const struct migration_settings *settings, struct err *err)
{
	const struct config_migrations *section;
	struct set_spec spec = { .name = "", .folders = run->options->migrations.items };
	if (!find_section(run, env_name, &section, err) || (section != NULL && !section_spec(run, section, &spec, err)))
		return NULL;
	if (run->options->framework != NULL)
		spec.framework = run->options->framework;
	spec.settings = merge(spec.settings, settings);
	const struct migrations *set = find_set(envs, &spec);
	if (set != NULL)
		return set;
	set = migrations_load(run->arena, spec.name, spec.folders, spec.framework, &spec.settings, err);
	if (set == NULL)
		return NULL;
	envs->sets = arena_grow(run->arena, envs->sets, envs->n_sets, &envs->sets_capacity, sizeof *envs->sets);
	envs->sets[envs->n_sets++] = set;
	return set;
}

static bool configured_source(struct run *run, const struct config_env *env, struct source *source, struct err *err)
{
	const char *url;
	if (!config_expand(run->arena, run->config, &env->url, &url, err))
		return false;
	const char *where = arena_printf(run->arena, "%s:%u", run->config->path, env->url.line);
	if (*url == '\0')
		return err_set(err, "config", where, "is its variable set to an empty text?", "env \"%s\": the url is empty", env->name);
	if (source_parse(run->arena, url, run->config->folder, source, err))
		return true;
	if (strcmp(err->code, "not-a-source") == 0)
		err_set(err, "source", where, "a url is postgresql://..., service=..., sqlite:PATH, or a file", "env \"%s\": \"%s\" is no url",
		        env->name, source->shown);
	return false;
}

static bool unknown_env(struct run *run, const char *word, struct err *err)
{
	const struct config *config = run->config;
	const char *shown = secret_redact(run->arena, word);
	err_set(err, "unknown-env", config->path, NULL, "there is no environment \"%s\"", shown);
	const char *fleet = arena_strndup(run->arena, word, strcspn(word, "/"));
	if (config_fleet(config, fleet) != NULL)
		return err_hint(err, "\"%s\" is a fleet, which is checked as one: driftcheck check %s", fleet, fleet);
	size_t n = config->n_envs + config->n_fleets;
	const char **names = arena_array(run->arena, n, sizeof *names);
	for (size_t i = 0; i < n; i++)
		names[i] = i < config->n_envs ? config->envs[i].name : config->fleets[i - config->n_envs].name;
	if (strpbrk(word, "/.:") != NULL && suggest_nearest(word, names, n) == NULL)
		return err_hint(err, "give a source a name: prod=%s", shown);
	if (config->path == NULL)
		return err_hint(err, "there is no driftcheck.conf here or above: `driftcheck init` writes one, or give the source: "
		                "%s=postgresql://...", shown);
	return suggest_hint(err, word, names, n);
}

bool source_resolve(struct run *run, const char *word, struct source *source, struct err *err)
{
	const struct config_env *env = config_env(run->config, word);
	if (env != NULL)
		return configured_source(run, env, source, err);
	if (source_parse(run->arena, word, "", source, err))
		return true;
	if (strcmp(err->code, "not-a-source") != 0)
		return false;
	char forms[sizeof err->hint];
	memcpy(forms, err->hint, sizeof forms);
	unknown_env(run, word, err);
	if (strncmp(err->hint, "did you mean", 12) != 0)
		err_set(err, "source", NULL, forms, "\"%s\" is no environment and no source", source->shown);
	return false;
}

static struct env *add(struct run *run, struct envs *envs)
{
	envs->items = arena_grow(run->arena, envs->items, envs->n, &envs->capacity, sizeof *envs->items);
	return &envs->items[envs->n++];
}

// An environment with its source: as given on the command line, or in a list. `folder` goes before relative paths.
static bool add_source(struct run *run, struct envs *envs, const struct listed_env *listed, const char *folder, struct err *err)
{
	struct env *env = add(run, envs);
	struct err trouble = { 0 };
	env->name = listed->name;
	const struct config_env *other = config_env(run->config, listed->source);
	env->configured = other != NULL ? other->name : config_env(run->config, env->name) != NULL ? env->name : NULL;
	if (other != NULL ? configured_source(run, other, &env->source, &trouble)
	                  : source_parse(run->arena, listed->source, folder, &env->source, &trouble))
		return true;
	// `service=prod` alone is a source without a name.
	const char *word = arena_printf(run->arena, "%s=%s", listed->name, listed->source);
	struct source whole;
	struct err ignored = { 0 };
	if (strcmp(trouble.code, "not-a-source") == 0 && source_parse(run->arena, word, "", &whole, &ignored))
		return err_set(err, "usage", listed->where, arena_printf(run->arena, "give a source a name: prod=%s", whole.shown),
		               "\"%s\" is not of the form NAME=SOURCE", whole.shown);
	env->trouble = keep(run->arena, &trouble);
	return true;
}

// A fleet of tenants is one environment until it is read.
static bool tenants_source(struct run *run, const struct config_fleet *fleet, struct env *env, struct err *err)
{
	const struct config_env as_env = { .name = fleet->name, .url = fleet->url };
	const char *where = arena_printf(run->arena, "%s:%u", run->config->path, fleet->schemas.line);
	if (fleet->envs_file.text != NULL || fleet->envs_query.text != NULL)
		return err_set(err, "config", where, "make two fleets of it", "fleet \"%s\" has schemas, and a list of environments", fleet->name);
	if (fleet->url.text == NULL)
		return err_set(err, "config", where, "add: url = \"${DATABASE_URL}\"", "fleet \"%s\": it is not said in which database the schemas are",
		               fleet->name);
	if (!config_expand(run->arena, run->config, &fleet->schemas, &env->tenants, err) || !configured_source(run, &as_env, &env->source, err))
		return false;
	env->source.settings.schema = NULL; // each tenant's is another
	return env->source.type == SOURCE_POSTGRESQL ||
	       err_set(err, "config", where, "url is that of a PostgreSQL database", "fleet \"%s\": only PostgreSQL has schemas", fleet->name);
}

static void add_tenants(struct run *run, struct envs *envs, const struct config_fleet *fleet)
{
	struct env *env = add(run, envs);
	struct err err = { 0 };
	env->name = env->configured = env->fleet = fleet->name;
	if (!tenants_source(run, fleet, env, &err))
		env->trouble = keep(run->arena, &err);
}

// What is found of a fleet. Where nothing can be found, the fleet itself is what has the trouble.
static void add_fleet(struct run *run, struct envs *envs, const struct config_fleet *fleet)
{
	struct env_list list = { 0 };
	struct err err = { 0 };
	size_t before = envs->n;
	if (fleet->schemas.text != NULL) {
		add_tenants(run, envs, fleet);
		return;
	}
	int max_per_server = 0;
	bool ok = fleet_max_per_server(run, fleet, &max_per_server, &err) && fleet_list(run, fleet, &list, &err);
	for (size_t i = 0; ok && i < list.n; i++)
		ok = add_source(run, envs, &list.items[i], run->config->folder, &err);
	if (!ok) {
		envs->n = before;
		struct env *env = add(run, envs);
		*env = (struct env){ .name = fleet->name, .trouble = keep(run->arena, &err) };
	}
	for (size_t i = before; i < envs->n; i++) {
		envs->items[i].configured = envs->items[i].fleet = fleet->name;
		envs->items[i].max_per_server = max_per_server;
	}
}

// One word. False: the run as a whole is wrong. Trouble of the one environment is kept in it.
static bool add_word(struct run *run, struct envs *envs, const char *word, struct err *err)
{
	const char *equals = strchr(word, '=');
	if (equals != NULL) {
		struct listed_env listed = { arena_strndup(run->arena, word, (size_t)(equals - word)), equals + 1, NULL };
		if (listed_name_is_valid(listed.name))
			return add_source(run, envs, &listed, "", err);
		return err_set(err, "usage", NULL, "write prod=SOURCE, e.g. prod=postgresql://host/database", "\"%s\" is not of the form "
		               "NAME=SOURCE", secret_redact(run->arena, word));
	}
	const struct config_fleet *fleet = config_fleet(run->config, word);
	const struct config_env *configured = config_env(run->config, word);
	if (fleet != NULL) {
		add_fleet(run, envs, fleet);
		return true;
	}
	if (configured == NULL)
		return unknown_env(run, word, err);
	struct env *env = add(run, envs);
	struct err trouble = { 0 };
	env->name = env->configured = configured->name;
	if (!configured_source(run, configured, &env->source, &trouble))
		env->trouble = keep(run->arena, &trouble);
	return true;
}

static bool add_lists(struct run *run, struct envs *envs, struct err *err)
{
	const struct words *files = &run->options->envs;
	for (size_t f = 0; f < files->n; f++) {
		struct env_list list = { 0 };
		if (!env_list_read(run->arena, files->items[f], &list, err))
			return false;
		for (size_t i = 0; i < list.n; i++) {
			if (!add_source(run, envs, &list.items[i], "", err))
				return false;
		}
	}
	return true;
}

static bool add_all(struct run *run, struct envs *envs, struct err *err)
{
	for (size_t i = 0; i < run->config->n_envs; i++) {
		if (!add_word(run, envs, run->config->envs[i].name, err))
			return false;
	}
	for (size_t i = 0; i < run->config->n_fleets; i++)
		add_fleet(run, envs, &run->config->fleets[i]);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_names(struct run *run, const struct envs *envs, struct err *err)
{
	const char **names = arena_array(run->arena, envs->n, sizeof *names);
	for (size_t i = 0; i < envs->n; i++)
		names[i] = envs->items[i].name;
	qsort(names, envs->n, sizeof *names, compare_names);
	for (size_t i = 1; i < envs->n; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return err_set(err, "usage", NULL, "name each once", "the environment \"%s\" is named twice", names[i]);
	}
	return true;
}

// A set that cannot be had is the trouble of the environments that need it; if it is the only one, of the run.
static bool resolve_sets(struct run *run, struct envs *envs, struct err *err)
{
	size_t n_failed = 0;
	for (size_t i = 0; i < envs->n; i++) {
		struct env *env = &envs->items[i];
		struct err trouble = { 0 };
		if (env->trouble != NULL)
			continue;
		env->set = set_resolve(run, envs, env->configured, &env->source.settings, &trouble);
		if (env->set != NULL) {
			framework_version_query(env->set, env->versions);
			continue;
		}
		env->trouble = keep(run->arena, &trouble);
		*err = trouble;
		n_failed++;
	}
	bool one_set = run->options->migrations.n > 0 || run->config->n_migrations <= 1;
	if (n_failed > 0 && one_set)
		return false;
	*err = (struct err){ 0 };
	return true;
}

const struct migration *const *set_chain(struct arena *arena, const struct migrations *set, const char *version, size_t *n,
                                         struct err *err)
{
	const struct migration **chain = arena_array(arena, set->n_items + 1, sizeof *chain);
	const char **versions = arena_array(arena, set->n_items, sizeof *versions);
	*n = 0;
	for (size_t i = 0; i < set->n_items; i++) {
		versions[i] = set->items[i].version;
		if (version == NULL || !set->items[i].repeatable)
			chain[(*n)++] = &set->items[i];
		if (version != NULL && strcmp(set->items[i].version, version) == 0)
			return chain;
	}
	if (version == NULL)
		return chain;
	err_set(err, "unknown-version", set->folders[0], NULL, "there is no migration with the version \"%s\"", version);
	suggest_hint(err, version, versions, set->n_items);
	return NULL;
}

// Projects that support several engines keep their migrations apart by folders that are named for them.
static bool folders_say_sqlite(const struct run *run)
{
	bool say = false;
	for (size_t i = 0; i < run->options->migrations.n; i++)
		say = say || strcasestr(run->options->migrations.items[i], "sqlite") != NULL;
	return say;
}

enum engine env_engine(struct run *run, enum engine asked)
{
	size_t n_sqlite = 0;
	for (size_t i = 0; i < run->config->n_envs; i++) {
		struct source source;
		struct err ignored = { 0 };
		if (configured_source(run, &run->config->envs[i], &source, &ignored))
			n_sqlite += source.type == SOURCE_SQLITE ? 1 : 0;
	}
	bool all_sqlite = n_sqlite > 0 && n_sqlite == run->config->n_envs;
	bool sqlite = run->config->n_envs > 0 ? all_sqlite : folders_say_sqlite(run);
	return asked != 0 ? asked : sqlite ? ENGINE_SQLITE : ENGINE_POSTGRESQL;
}

static const char *const *texts(struct run *run, const struct setting_list *list, struct err *err)
{
	const char **items = arena_array(run->arena, list->n + 1, sizeof *items);
	for (size_t i = 0; i < list->n; i++) {
		if (!config_expand(run->arena, run->config, &list->items[i], &items[i], err))
			return NULL;
	}
	return items;
}

static bool same_server(const struct source *a, const struct source *b)
{
	return a->host != NULL && b->host != NULL && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->port == NULL ? "5432" : a->port, b->port == NULL ? "5432" : b->port) == 0;
}

// The scratch's server must not be one on which an environment lives: databases are made and dropped there. Equal names are
// seen here, before anything is done; two names of one server, by the scratch, which asks the servers.
static bool check_scratch_url(struct run *run, const struct envs *envs, const char *url, struct scratch_settings *scratch,
                              struct err *err)
{
	struct source source, other;
	struct scratch_env *others = arena_array(run->arena, run->config->n_envs + envs->n, sizeof *others);
	const struct source *before = NULL;
	struct err ignored;
	if (!source_parse(run->arena, url, run->config->folder, &source, err))
		return false;
	const char *where = arena_printf(run->arena, "%s:%u", run->config->path, run->config->scratch.url.line);
	if (source.type != SOURCE_POSTGRESQL)
		return err_set(err, "config", where, "scratch url is a PostgreSQL server on which databases may be created and dropped",
		               "scratch: \"%s\" is no PostgreSQL server", source.shown);
	for (size_t i = 0; i < run->config->n_envs; i++) {
		const struct config_env *env = &run->config->envs[i];
		if (!configured_source(run, env, &other, &ignored) || other.type != SOURCE_POSTGRESQL)
			continue;
		others[scratch->n_envs++] = (struct scratch_env){ env->name, other.conninfo };
		if (same_server(&source, &other))
			return err_set(err, "scratch-in-use", where, "leave url out: throwaway servers are made from the local binaries",
			               "scratch: the environment \"%s\" lives on that server", env->name);
	}
	for (size_t i = 0; i < envs->n; i++) { // those that the command line, a list or a fleet names
		const struct env *env = &envs->items[i];
		if ((env->configured != NULL && env->fleet == NULL) || env->trouble != NULL || env->source.type != SOURCE_POSTGRESQL)
			continue;
		if (env->fleet != NULL && same_server(&source, &env->source))
			return err_set(err, "scratch-in-use", where, "leave url out: throwaway servers are made from the local binaries",
			               "scratch: the environment \"%s\" lives on that server", env->name);
		if (before == NULL || !same_server(before, &env->source)) // neighbours in a list share a server: it is asked once
			others[scratch->n_envs++] = (struct scratch_env){ env->name, env->source.conninfo };
		before = &env->source;
	}
	scratch->envs = others;
	scratch->url = source.conninfo;
	return true;
}

static const char *path_or_none(struct run *run, const char *path)
{
	return path == NULL || *path == '\0' ? NULL : config_path(run->arena, run->config, path);
}

static bool resolve_scratch(struct run *run, struct envs *envs, struct err *err)
{
	struct scratch_settings *scratch = &envs->scratch;
	static const char *const roles[] = { "owner", "superuser" };
	const struct config *config = run->config;
	const char *url, *role;
	if (!config_expand(run->arena, config, &config->scratch.bindir, &scratch->bindir, err) ||
	    !config_expand(run->arena, config, &config->scratch.url, &url, err) ||
	    !config_expand(run->arena, config, &config->scratch.role, &role, err) ||
	    !config_expand(run->arena, config, &config->scratch.prelude, &scratch->prelude, err) ||
	    (scratch->extensions = texts(run, &config->scratch.extensions, err)) == NULL)
		return false;
	scratch->bindir = path_or_none(run, scratch->bindir);
	scratch->prelude = path_or_none(run, scratch->prelude);
	scratch->superuser = role != NULL && strcmp(role, roles[1]) == 0;
	scratch->log = run->log;
	if (role != NULL && !scratch->superuser && strcmp(role, roles[0]) != 0) {
		err_set(err, "config", NULL, NULL, "scratch: there is no role \"%s\"", role);
		suggest_hint(err, role, roles, sizeof roles / sizeof *roles);
		return err_where(err, "%s:%u", config->path, config->scratch.role.line);
	}
	return url == NULL || *url == '\0' || check_scratch_url(run, envs, url, scratch, err);
}

// A pattern's kind that is none would make the pattern match nothing, silently. A colon may be a part of a name, though:
// only what looks like a kind is held against them.
static bool check_ignore(struct run *run, const struct envs *envs, struct err *err)
{
	const char *names[64];
	size_t n = 0;
	while (kinds[n] != NULL && n < sizeof names / sizeof *names) {
		names[n] = kinds[n]->name;
		n++;
	}
	for (size_t i = 0; i < envs->n_ignore; i++) {
		const char *pattern = envs->ignore[i], *colon = strchr(pattern, ':');
		const char *word = colon == NULL ? NULL : arena_strndup(run->arena, pattern, (size_t)(colon - pattern));
		const char *near = word == NULL || kind_find(word) != NULL ? NULL : suggest_nearest(word, names, n);
		if (near == NULL)
			continue;
		err_set(err, "config", NULL, NULL, "ignore: \"%s\": there is no kind \"%s\"", pattern, word);
		err_hint(err, "did you mean \"%s\"?", near);
		return err_where(err, "%s:%u", run->config->path, run->config->ignore.items[i].line);
	}
	return true;
}

bool envs_settings(struct run *run, struct envs *envs, struct err *err)
{
	envs->cache = run->options->no_cache ? NULL : cache_folder(run->arena);
	envs->ignore = texts(run, &run->config->ignore, err);
	envs->n_ignore = run->config->ignore.n;
	return envs->ignore != NULL && check_ignore(run, envs, err) && resolve_scratch(run, envs, err);
}

bool envs_resolve(struct run *run, const char *const *words, size_t n_words, bool with_sets, struct envs *envs, struct err *err)
{
	*envs = (struct envs){ 0 };
	const struct config *config = run->config;
	bool named = n_words > 0 || run->options->envs.n > 0;
	if (!named && config->n_envs + config->n_fleets == 0 && config->path == NULL)
		return err_set(err, "usage", NULL, "`driftcheck init` writes a configuration; or: driftcheck prod=postgresql://... "
		               "--migrations DIR", "no environment is named, and there is no driftcheck.conf here or above");
	if (!named && config->n_envs + config->n_fleets == 0)
		return err_set(err, "usage", config->path, "add: env \"prod\" { url = \"${DATABASE_URL}\" }", "no environment is configured");
	if (!named && !add_all(run, envs, err))
		return false;
	for (size_t i = 0; i < n_words; i++) {
		if (!add_word(run, envs, words[i], err))
			return false;
	}
	return add_lists(run, envs, err) && check_names(run, envs, err) && envs_settings(run, envs, err) &&
	       (!with_sets || resolve_sets(run, envs, err));
}

void envs_grants(struct run *run, struct envs *envs)
{
	const struct grants **of = arena_array(run->arena, envs->n_sets, sizeof *of); // read once for each set
	for (size_t i = 0; i < envs->n; i++) {
		struct env *env = &envs->items[i];
		size_t set = 0;
		while (set < envs->n_sets && envs->sets[set] != env->set)
			set++;
		if (set == envs->n_sets || source_engine(&env->source) == ENGINE_SQLITE)
			continue;
		if (of[set] == NULL)
			of[set] = migrations_grants(run->arena, env->set);
		env->grants = of[set];
		env->groups = env->grants->groups;
	}
}

struct read_options env_read_options(const struct run *run, const struct env *env)
{
	const struct options *options = run->options;
	int timeout_s = options->timeout_s > 0 ? options->timeout_s : TIMEOUT_S;
	long long left_s = run->check_until_us == 0 ? timeout_s : (run->check_until_us - clock_us()) / 1000000 + 1;
	if (left_s < timeout_s)
		timeout_s = left_s < 1 ? 1 : (int)left_s;
	return (struct read_options){
		.log = run->log,
		.name = env->name,
		.tenants = env->tenants,
		.versions = env->set == NULL ? NULL : env->versions,
		.schema = env->set == NULL ? env->source.settings.schema : env->set->settings.schema,
		.groups = options->groups | env->groups,
		.statement_timeout_ms = timeout_s * 1000,
		.connect_timeout_s = timeout_s < TIMEOUT_CONNECT_S ? timeout_s : TIMEOUT_CONNECT_S,
	};
}
