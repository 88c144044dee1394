// SPDX-License-Identifier: PostgreSQL
// `driftcheck doctor`: what driftcheck needs, looked at piece by piece: each environment (server, rights, TLS, version table),
// the scratch, the cache, git, the migrations. One line for each, with what to do about it. It asks, and changes nothing.
#include <errno.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/auto.h"
#include "base/sql.h"
#include "migrations/git.h"
#include "sentinel/folders.h"
#include "sentinel/output.h"
#include "sentinel/platform.h"
#include "base/secret.h"
#include "sentinel/source_read.h"

AUTO_DEFINE(auto_conn_cleanup, PGconn *, PQfinish)
#define auto_conn __attribute__((cleanup(auto_conn_cleanup))) PGconn *
AUTO_DEFINE(auto_result_cleanup, PGresult *, PQclear)
#define auto_result __attribute__((cleanup(auto_result_cleanup))) PGresult *
AUTO_DEFINE(auto_conninfo_cleanup, PQconninfoOption *, PQconninfoFree)
#define auto_conninfo __attribute__((cleanup(auto_conninfo_cleanup))) PQconninfoOption *

enum { MAJORS = 64 };
enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

struct doctor {
	struct run *run;
	struct envs envs;
	unsigned long long majors; // of the PostgreSQL environments: bit by bit
	enum level worst;
};

static void head(struct doctor *doctor, const char *title)
{
	buf_addf(&doctor->run->out, "%s%s\n", doctor->run->out.length == 0 ? "" : "\n", title);
}

// One line; `what_to_do` NULL: nothing.
__attribute__((format(printf, 4, 5)))
static void say(struct doctor *doctor, enum level level, const char *what_to_do, const char *format, ...)
{
	static const struct {
		const char *word, *color;
	} levels[] = { [LEVEL_OK] = { "ok", "\033[32m" }, [LEVEL_WARN] = { "warn", "\033[33m" }, [LEVEL_FAIL] = { "fail", "\033[31m" } };
	struct run *run = doctor->run;
	bool color = run->render.color;
	doctor->worst = level > doctor->worst ? level : doctor->worst;
	buf_addf(&run->out, "  %s%-5s%s", color ? levels[level].color : "", levels[level].word, color ? "\033[0m" : "");
	auto_buf text = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vaddf(&text, format, arguments);
	va_end(arguments);
	log_text(&run->out, text.data);
	if (what_to_do != NULL && *what_to_do != '\0') {
		buf_adds(&run->out, "\n         do: ");
		log_text(&run->out, what_to_do);
	}
	buf_addc(&run->out, '\n');
}

static void say_error(struct doctor *doctor, const char *what, const struct err *err)
{
	say(doctor, LEVEL_FAIL, err->hint, "%s%s%s%s%s", what, *what == '\0' ? "" : ": ", err->where, err->where[0] == '\0' ? "" : ": ",
	    err->text);
}

// What one query says of the connection's role and the server.
struct facts {
	bool superuser, owner, standby;
	const char *role, *database, *lag_s;
};

static bool query_facts(PGconn *conn, struct arena *arena, struct facts *facts)
{
	auto_result begin = PQexec(conn, "BEGIN TRANSACTION READ ONLY; SET LOCAL search_path = pg_catalog");
	if (PQresultStatus(begin) != PGRES_COMMAND_OK)
		return false;
	auto_result result = PQexec(conn,
		"SELECT r.rolname, r.rolsuper,"
		" r.rolcreatedb OR r.rolcreaterole OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid),"
		" pg_is_in_recovery(), current_database(),"
		" round(date_part('epoch', clock_timestamp() - pg_last_xact_replay_timestamp()))"
		" FROM pg_roles r WHERE r.rolname = current_user");
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		return false;
	*facts = (struct facts){
		.role = arena_strdup(arena, PQgetvalue(result, 0, 0)),
		.superuser = *PQgetvalue(result, 0, 1) == 't',
		.owner = *PQgetvalue(result, 0, 2) == 't',
		.standby = *PQgetvalue(result, 0, 3) == 't',
		.database = arena_strdup(arena, PQgetvalue(result, 0, 4)),
		.lag_s = PQgetisnull(result, 0, 5) ? NULL : arena_strdup(arena, PQgetvalue(result, 0, 5)),
	};
	return true;
}

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

static void check_tls(struct doctor *doctor, PGconn *conn)
{
	auto_conninfo options = PQconninfo(conn);
	const char *mode = option_of(options, "sslmode"), *host = PQhost(conn);
	if (host_is_local(host)) {
		say(doctor, LEVEL_OK, NULL, "the server is local: no TLS needed");
		return;
	}
	if (!PQsslInUse(conn))
		say(doctor, LEVEL_WARN, "use sslmode=verify-full, with sslrootcert naming the certificate of the server's authority",
		    "the connection to %s is not encrypted", host);
	else if (mode == NULL || strcmp(mode, "verify-full") != 0)
		say(doctor, LEVEL_WARN, "use sslmode=verify-full, with sslrootcert naming the certificate of the server's authority",
		    "the connection to %s is encrypted, but with sslmode=%s it is not verified who answers", host,
		    mode == NULL ? "prefer" : mode);
	else
		say(doctor, LEVEL_OK, NULL, "%s, and the server's certificate is verified", PQsslAttribute(conn, "protocol"));
}

// What a role needs, as statements for this database.
static void print_role(struct doctor *doctor, const struct env *env, const char *database, const char *table)
{
	struct buf *out = &doctor->run->out;
	const char *parts[3];
	size_t n = table == NULL ? 0 : sql_name_split(doctor->run->arena, table, parts, sizeof parts / sizeof *parts);
	buf_adds(out, "  A role that can do no more than driftcheck needs (run this as an owner of the database):\n"
	         "    CREATE ROLE driftcheck LOGIN;    -- set its password in psql: \\password driftcheck\n"
	         "    ALTER ROLE driftcheck SET default_transaction_read_only = on;\n    GRANT CONNECT ON DATABASE ");
	sql_ident(out, database);
	buf_adds(out, " TO driftcheck;\n");
	if (n == 2) {
		buf_adds(out, "    GRANT USAGE ON SCHEMA ");
		sql_ident(out, parts[0]);
		buf_adds(out, " TO driftcheck;\n");
	}
	if (n > 0) {
		buf_adds(out, "    GRANT SELECT ON ");
		sql_name(out, parts, n);
		buf_adds(out, " TO driftcheck;\n");
	}
	if (n == 2 && env->tenants != NULL)
		buf_adds(out, "    -- the last two for every tenant's schema, and for that of each new tenant when it is made\n");
}

// Of a fleet of tenants. Returns the name of one of their version tables.
static const char *check_tenants(struct doctor *doctor, const struct env *env, const struct snapshot *snapshot)
{
	size_t n_tables = 0, n_unreadable = 0;
	const char *table = snapshot->version.name;
	const struct tenant *unreadable = NULL;
	for (size_t i = 0; i < snapshot->n_tenants; i++) {
		const struct tenant *tenant = &snapshot->tenants[i];
		n_tables += tenant->version.name != NULL;
		n_unreadable += tenant->trouble != NULL;
		table = tenant->version.name != NULL && n_tables == 1 ? tenant->version.name : table;
		unreadable = tenant->trouble != NULL && unreadable == NULL ? tenant : unreadable;
	}
	if (snapshot->n_tenants == 0)
		say(doctor, LEVEL_FAIL, "schemas is a pattern of their names, as a shell has it", "no schema is called like \"%s\"", env->tenants);
	else if (n_tables == 0 && snapshot->version.name != NULL)
		say(doctor, LEVEL_OK, NULL, "%zu tenants, which share the version table %s", snapshot->n_tenants, snapshot->version.name);
	else if (n_tables == snapshot->n_tenants)
		say(doctor, LEVEL_OK, NULL, "%zu tenants, each with a version table", snapshot->n_tenants);
	else
		say(doctor, LEVEL_WARN, "without one, what is applied will be told from the schema", "%zu tenants, %zu with a version table",
		    snapshot->n_tenants, n_tables);
	if (unreadable != NULL)
		say(doctor, LEVEL_FAIL, unreadable->trouble->hint, "%zu version table%s cannot be read, of %s first: %s", n_unreadable,
		    n_unreadable == 1 ? "" : "s", unreadable->schema, unreadable->trouble->text);
	return table;
}

// Reads the versions as a check would; returns the name of the version table, NULL if there is none or it cannot be read.
static const char *check_versions(struct doctor *doctor, const struct env *env)
{
	struct run *run = doctor->run;
	struct err err = { 0 };
	struct read_options options = env_read_options(run, env);
	options.versions_only = true;
	if (env->set == NULL && source_is_live(&env->source))
		options.versions = source_versions(run, &doctor->envs, &env->source, env->configured);
	struct snapshot *snapshot = env_read(run, &doctor->envs, env, &options, run->arena, &err);
	if (snapshot == NULL) {
		say_error(doctor, "versions", &err);
		return NULL;
	}
	if (env->source.type != SOURCE_POSTGRESQL)
		say(doctor, LEVEL_OK, NULL, "readable: %s %s, %s", snapshot->engine == ENGINE_SQLITE ? "SQLite" : "PostgreSQL",
		    snapshot->server, env->source.shown);
	if (env->tenants != NULL)
		return check_tenants(doctor, env, snapshot);
	if (snapshot->version.name != NULL)
		say(doctor, LEVEL_OK, NULL, "version table %s: %zu row%s", snapshot->version.name, snapshot->version.n_rows,
		    snapshot->version.n_rows == 1 ? "" : "s");
	else if (env->set == NULL || env->set->framework->table != NULL)
		say(doctor, LEVEL_WARN, "if migrations were run here, name the table: migrations { table = \"schema.table\" }",
		    "there is no version table: what is applied will be told from the schema");
	return snapshot->version.name;
}

static const char *table_of(const struct env *env, const char *found)
{
	return found != NULL ? found : env->set != NULL ? env->versions[0].table : NULL;
}

static void check_postgresql(struct doctor *doctor, const struct env *env)
{
	struct run *run = doctor->run;
	const struct source *source = &env->source;
	struct read_options options = env_read_options(run, env);
	const char *seconds = arena_printf(run->arena, "%d", options.connect_timeout_s);
	const char *const names[] = { "dbname", "connect_timeout", "application_name", NULL };
	const char *const values[] = { source->conninfo, seconds, "driftcheck", NULL };
	auto_conn conn = PQconnectdbParams(names, values, 1);
	if (conn == NULL || PQstatus(conn) != CONNECTION_OK) {
		struct err err;
		err_set(&err, "unreachable", source->shown, "is the URL right, is the server up, and does it let this machine in?", "%s",
		        PQerrorMessage(conn));
		secret_scrub(source->secrets, &err);
		say_error(doctor, "not reachable", &err);
		print_role(doctor, env, conn == NULL || PQdb(conn) == NULL ? "DATABASE" : PQdb(conn), table_of(env, NULL));
		return;
	}
	doctor->majors |= 1ull << (PQserverVersion(conn) / 10000 % MAJORS);
	say(doctor, LEVEL_OK, NULL, "reachable: PostgreSQL %s, database %s as %s", PQparameterStatus(conn, "server_version"), PQdb(conn),
	    PQuser(conn));
	check_tls(doctor, conn);
	if (source->pooler || host_is_pooler(PQhost(conn), PQport(conn)))
		say(doctor, LEVEL_OK, NULL, "through a connection pooler: session and transaction mode work, statement mode does not");
	struct facts facts = { 0 };
	if (!query_facts(conn, run->arena, &facts)) {
		say(doctor, LEVEL_FAIL, NULL, "the catalogs cannot be read: %s", PQerrorMessage(conn));
		return;
	}
	const char *table = check_versions(doctor, env);
	if (facts.standby)
		say(doctor, LEVEL_OK, NULL, "a standby, %s s behind: a good place to read from", facts.lag_s == NULL ? "0" : facts.lag_s);
	bool modest = !facts.superuser && !facts.owner;
	if (modest)
		say(doctor, LEVEL_OK, NULL, "the role %s owns nothing here", facts.role);
	else
		say(doctor, LEVEL_WARN, "use a role of its own, as below", "the role %s %s: driftcheck needs no such rights", facts.role,
		    facts.superuser ? "is a superuser" : "owns objects or may create databases or roles");
	if (!modest || run->options->verbose || doctor->worst == LEVEL_FAIL)
		print_role(doctor, env, facts.database, table_of(env, table));
}

static void check_env(struct doctor *doctor, const struct env *env)
{
	head(doctor, arena_printf(doctor->run->arena, "env %s", env->name));
	log_progress(doctor->run->log, "%s: looking", env->name);
	if (env->trouble != NULL)
		say_error(doctor, "", env->trouble);
	else if (env->source.type == SOURCE_POSTGRESQL)
		check_postgresql(doctor, env);
	else
		check_versions(doctor, env);
}

// Starts one; `major` 0: any.
static void check_scratch(struct doctor *doctor, enum engine engine, int major)
{
	struct err err = { 0 };
	log_progress(doctor->run->log, "scratch: starting");
	long long before_us = clock_us();
	auto_scratch scratch = scratch_open(&doctor->envs.scratch, engine, major, &err);
	if (scratch == NULL) {
		say_error(doctor, "", &err);
		return;
	}
	say(doctor, LEVEL_OK, NULL, "%s%s: started in %.1f s", engine == ENGINE_POSTGRESQL ? "PostgreSQL " : "", scratch_server(scratch),
	    (double)(clock_us() - before_us) / 1e6);
	if (major != 0 && scratch_major(scratch) != major)
		say(doctor, LEVEL_WARN, arena_printf(doctor->run->arena, "install the server of that major (Debian: postgresql-%d)", major),
		    "an environment runs PostgreSQL %d: what the two print differently has to be compared by re-creating it", major);
}

static void check_scratches(struct doctor *doctor)
{
	enum engine engine = env_engine(doctor->run, 0);
	bool used[ENGINE_SQLITE + 1] = { false };
	used[engine] = true;
	for (size_t i = 0; i < doctor->envs.n; i++)
		used[source_engine(&doctor->envs.items[i].source)] = true;
	head(doctor, "scratch");
	for (int major = 1; major < MAJORS; major++) {
		if (doctor->majors >> major & 1)
			check_scratch(doctor, ENGINE_POSTGRESQL, major);
	}
	if (used[ENGINE_POSTGRESQL] && doctor->majors == 0)
		check_scratch(doctor, ENGINE_POSTGRESQL, 0);
	if (used[ENGINE_SQLITE])
		check_scratch(doctor, ENGINE_SQLITE, 0);
	if (doctor->envs.cache != NULL && access(doctor->envs.cache, W_OK) == 0)
		say(doctor, LEVEL_OK, NULL, "cache %s", doctor->envs.cache);
	else if (!doctor->run->options->no_cache)
		say(doctor, LEVEL_WARN, "set XDG_CACHE_HOME to a folder that can be written",
		    "there is no folder for the cache: every run replays");
}

static void check_set(struct doctor *doctor, const struct migrations *set)
{
	size_t n_not_runnable = 0;
	const struct migration *example = NULL;
	for (size_t i = 0; i < set->n_items; i++) {
		n_not_runnable += set->items[i].not_runnable != NULL ? 1 : 0;
		example = example == NULL && set->items[i].not_runnable != NULL ? &set->items[i] : example;
	}
	say(doctor, set->n_items == 0 ? LEVEL_WARN : LEVEL_OK, set->n_items == 0 ? "is this the right folder?" : NULL,
	    "%s%s%s: %zu migration%s, %s", set->name, *set->name == '\0' ? "" : ": ", set->folders[0], set->n_items,
	    set->n_items == 1 ? "" : "s", set->framework->name);
	if (example != NULL)
		say(doctor, LEVEL_WARN, "what they make will not be called drift, nor be checked", "%zu cannot be replayed: %s is %s",
		    n_not_runnable, example->label, example->not_runnable);
}

static void check_repo(struct doctor *doctor)
{
	struct run *run = doctor->run;
	struct envs *envs = &doctor->envs;
	struct err err = { 0 };
	head(doctor, "repository");
	if (run->config->path != NULL)
		say(doctor, LEVEL_OK, NULL, "configuration %s", run->config->path);
	if (envs->n_sets == 0) { // no environment asked for them
		const char *env_name = envs->n > 0 ? envs->items[0].configured : NULL;
		if (set_resolve(run, envs, env_name, NULL, &err) == NULL)
			say_error(doctor, "", &err);
	}
	for (size_t i = 0; i < envs->n_sets; i++)
		check_set(doctor, envs->sets[i]);
	const char *folder = envs->n_sets > 0 ? envs->sets[0]->folders[0] : ".", *commit = git_head(run->arena, folder);
	if (commit != NULL)
		say(doctor, LEVEL_OK, NULL, "git: at %.12s", commit);
	else
		say(doctor, LEVEL_WARN, "run driftcheck in a checkout, with git installed",
		    "git knows no commit here: text that was edited after it was applied cannot be looked up");
	say(doctor, LEVEL_OK, NULL, "libpq %d, SQLite %s", PQlibVersion() / 10000, sqlite3_libversion());
}

enum exit_status command_doctor(struct run *run, struct err *err)
{
	struct doctor doctor = { .run = run };
	bool any = run->n_words + run->options->envs.n + run->config->n_envs + run->config->n_fleets > 0;
	bool ok = any ? envs_resolve(run, run->words, run->n_words, false, &doctor.envs, err) : envs_settings(run, &doctor.envs, err);
	if (!ok)
		return EXIT_TROUBLE;
	for (size_t i = 0; i < doctor.envs.n; i++) {
		struct env *env = &doctor.envs.items[i];
		struct err ignored = { 0 }; // said once, under "repository"
		env->set = env->trouble == NULL ? set_resolve(run, &doctor.envs, env->configured, &env->source.settings, &ignored) : NULL;
		if (env->set != NULL)
			framework_version_query(env->set, env->versions);
		check_env(&doctor, env);
	}
	if (!any) {
		head(&doctor, "environments");
		say(&doctor, LEVEL_WARN, "`driftcheck init` writes a configuration; or name one: driftcheck doctor prod=postgresql://...",
		    "none are configured");
	}
	check_scratches(&doctor);
	check_repo(&doctor);
	static const enum exit_status statuses[] = {
		[LEVEL_OK] = EXIT_CLEAN, [LEVEL_WARN] = EXIT_FINDINGS, [LEVEL_FAIL] = EXIT_TROUBLE
	};
	if (run->options->quiet && doctor.worst == LEVEL_OK)
		buf_reset(&run->out);
	return statuses[doctor.worst];
}
