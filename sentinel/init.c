// SPDX-License-Identifier: PostgreSQL
// `driftcheck init`: looks around (folders, variables) and writes a commented driftcheck.conf with what it found. It connects
// to nothing and replaces nothing. No URL is copied into the file: it names the variables.
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "sentinel/command.h"
#include "sentinel/folders.h"
#include "sentinel/output.h"
#include "sentinel/platform.h"
#include "sentinel/source.h"

extern char **environ;

enum { FOLDERS_MAX = 8, VARIABLES_MAX = 8 };

// A variable that holds a database's URL, and the environment that it is taken for.
struct variable {
	const char *name, *env;
	struct source source;
};

// The ends of names under which deployments keep a database's URL.
static const char *const endings[] = { "DATABASE_URL", "POSTGRES_URL", "POSTGRESQL_URL", "PG_URL", "DB_URL", "DSN" };

// "STAGING_DATABASE_URL" is staging's; a bare "DATABASE_URL" is that of whatever this machine runs.
static const char *env_of_variable(struct arena *arena, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		size_t n = strlen(endings[i]);
		if (length < n || strncmp(name + length - n, endings[i], n) != 0)
			continue;
		if (length == n)
			return "main";
		if (name[length - n - 1] != '_')
			continue;
		char *env = arena_strndup(arena, name, length - n - 1);
		for (char *c = env; *c != '\0'; c++)
			*c = (char)(*c == '_' ? '-' : tolower((unsigned char)*c));
		return env;
	}
	return NULL;
}

static size_t find_variables(struct arena *arena, struct variable *variables)
{
	size_t n = 0;
	for (char **entry = environ; *entry != NULL && n < VARIABLES_MAX; entry++) {
		size_t length = strcspn(*entry, "=");
		struct err ignored;
		struct variable variable = { .env = env_of_variable(arena, *entry, length) };
		if (variable.env == NULL || (*entry)[length] != '=' || strcmp(variable.env, "repo") == 0 ||
		    !source_parse(arena, *entry + length + 1, "", &variable.source, &ignored) || !source_is_live(&variable.source))
			continue;
		variable.name = arena_strndup(arena, *entry, length);
		bool known = false;
		for (size_t i = 0; i < n; i++)
			known |= strcmp(variables[i].env, variable.env) == 0;
		if (!known)
			variables[n++] = variable;
	}
	return n;
}

static void quote(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

#define MIGRATIONS_MORE \
	"  # table  = \"public.schema_migrations\"   # where the versions are, if not in the usual table\n" \
	"  # schema = \"app\"                        # the schema that the migrations work in, if not the default one\n"

// `folder` is the working directory as seen from the file: "" where it is the file's own.
static void write_migrations(struct arena *arena, struct buf *file, const char *folder, const struct found_folder *found,
                             size_t n, const struct err *err)
{
	buf_adds(file, "# Where the migrations lie, and the framework that runs them (see `driftcheck frameworks`).\n");
	if (n == 0) {
		if (err->code[0] != '\0')
			buf_addf(file, "# %s: %s\n", err->where, err->text);
		buf_adds(file, "# None were found in the usual folders: set the path.\n"
		         "migrations \"app\" {\n  path      = \"db/migrations\"\n  framework = \"auto\"\n" MIGRATIONS_MORE "}\n");
	}
	for (size_t i = 0; i < n; i++) {
		const char *mark = i == 0 ? "" : "# ";
		if (i > 0)
			buf_adds(file, "# Found, too. If it belongs to a database of its own, use it, and name the set in each env:\n");
		buf_addf(file, "%smigrations \"%s\" {\n%s  path      = ", mark, i == 0 ? "app" : "other", mark);
		quote(file, arena_printf(arena, "%s%s", found[i].path[0] == '/' ? "" : folder, found[i].path));
		buf_addf(file, "    # %zu migrations\n%s  framework = \"%s\"\n%s%s}\n", found[i].n_migrations, mark,
		         found[i].framework->name, i == 0 ? MIGRATIONS_MORE : "", mark);
	}
}

static void write_envs(struct buf *file, const struct variable *variables, size_t n)
{
	buf_adds(file, "\n# The environments. Passwords do not belong here: take a URL from a variable, or name a service of\n"
	         "# ~/.pg_service.conf. A role that may connect and read the version table is enough: `driftcheck doctor` prints it.\n");
	for (size_t i = 0; i < n; i++)
		buf_addf(file, "env \"%s\" { url = \"${%s}\" }\n", variables[i].env, variables[i].name);
	if (n == 0)
		buf_adds(file, "env \"staging\" { url = \"${STAGING_DATABASE_URL}\" }\nenv \"prod\"    { url = \"${PROD_DATABASE_URL}\" }\n");
	buf_adds(file, "# env \"prod\" { url = \"service=prod-readonly\" }\n# env \"local\" { url = \"sqlite:data/app.db\" }\n");
}

static void write_ignore(struct buf *file, const struct variable *variables, size_t n)
{
	buf_adds(file, "\n# Objects that are not the migrations' business.\n");
	const struct platform *platform = NULL;
	for (size_t i = 0; i < n && platform == NULL; i++)
		platform = platform_of_host(variables[i].source.host);
	if (platform == NULL) {
		buf_adds(file, "# ignore { objects = {\"audit.*\", \"table:public.tmp_*\"} }\n");
		return;
	}
	buf_addf(file, "# %s keeps these of its own in a database; strike out what is yours.\nignore {\n  objects = {", platform->name);
	for (size_t i = 0; platform->ignore[i] != NULL; i++)
		buf_addf(file, "%s\"%s\"", i == 0 ? "" : i % 6 == 0 ? ",\n             " : ", ", platform->ignore[i]);
	buf_adds(file, "}\n}\n");
}

static void write_rest(struct buf *file)
{
	buf_adds(file, "\n# Where migrations are replayed: by default a throwaway server of the local PostgreSQL binaries.\n"
	         "# scratch {\n"
	         "#   bindir     = \"/usr/lib/postgresql/15/bin\"\n"
	         "#   role       = \"owner\"             # or \"superuser\": the migrations then run with the server's rights\n"
	         "#   extensions = {\"contrib\"}         # may be created by the migrations\n"
	         "#   prelude    = \"db/prelude.sql\"    # roles, schemas and settings that the platform provides\n"
	         "# }\n"
	         "\n# For the nightly run, `driftcheck --cron --quiet --report github`.\n"
	         "# github { repository = \"owner/name\"  token_file = \"/etc/driftcheck/github-token\" }\n"
	         "# cron { jitter = \"10m\"  confirm_after = \"10m\" }\n"
	         "\n# What your deploy sets, for `driftcheck rehearse`.\n"
	         "# rehearse { lock_timeout = \"3s\"  statement_timeout = \"60s\" }\n");
}

static void tell(struct run *run, const char *path, const struct found_folder *found, size_t n_found, const struct err *err,
                 const struct variable *variables, size_t n_variables)
{
	if (run->options->quiet)
		return;
	buf_addf(&run->out, "wrote %s\n", path);
	if (n_found > 0)
		buf_addf(&run->out, "  migrations    %s: %s, %zu migrations\n", found[0].path, found[0].framework->name, found[0].n_migrations);
	else if (err->code[0] != '\0')
		buf_addf(&run->out, "  migrations    %s: %s\n", err->where, err->text);
	else
		buf_adds(&run->out, "  migrations    none found in the usual folders: set the path\n");
	for (size_t i = 0; i < n_variables; i++)
		buf_addf(&run->out, "  env           %s, from ${%s}\n", variables[i].env, variables[i].name);
	if (n_variables == 0)
		buf_adds(&run->out, "  env           staging and prod, from ${STAGING_DATABASE_URL} and ${PROD_DATABASE_URL}\n");
	buf_adds(&run->out, "next: look it over, then run `driftcheck doctor`\n");
}

enum exit_status command_init(struct run *run, struct err *err)
{
	const char *path = run->options->config != NULL ? run->options->config : "driftcheck.conf";
	struct found_folder found[FOLDERS_MAX];
	struct variable variables[VARIABLES_MAX];
	struct err unclear = { 0 };
	struct stat stat_;
	if (lstat(path, &stat_) == 0) {
		err_set(err, "config", path, "edit it, or move it away", "is there already, and is not replaced");
		return EXIT_TROUBLE;
	}
	size_t n_found = folders_find(run->arena, run->options, found, FOLDERS_MAX, &unclear);
	size_t n_variables = find_variables(run->arena, variables);
	auto_buf file = BUF_INIT;
	buf_adds(&file, "# driftcheck: what runs in the databases, held against the migrations of this repository.\n"
	         "# Paths are relative to this file. ${NAME} and ${NAME:-default} are filled in from the process's environment.\n\n");
	auto_free here = strchr(path, '/') == NULL ? NULL : realpath(".", NULL);
	write_migrations(run->arena, &file, here == NULL ? "" : arena_printf(run->arena, "%s/", here), found, n_found, &unclear);
	write_envs(&file, variables, n_variables);
	write_ignore(&file, variables, n_variables);
	write_rest(&file);
	if (!output_write(&file, path, err))
		return EXIT_TROUBLE;
	tell(run, path, found, n_found, &unclear, variables, n_variables);
	return EXIT_CLEAN;
}
