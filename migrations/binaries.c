// SPDX-License-Identifier: PostgreSQL
// Finding PostgreSQL's server binaries: see cluster.h. Those of the wanted major are taken, else the nearest: what a newer server makes
// of the migrations is closer than what an older one refuses.
#include "config.h"

#include "migrations/cluster.h"

#include <dirent.h>
#include <glob.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

// "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)" or "... 18beta1".
static bool version_parse(struct arena *arena, const char *text, struct binaries *binaries)
{
	const char *word = text == NULL ? NULL : strstr(text, "(PostgreSQL) ");
	if (word == NULL)
		return false;
	word += strlen("(PostgreSQL) ");
	binaries->version = arena_strndup(arena, word, strcspn(word, " \n"));
	binaries->major = atoi(word);
	return binaries->major > 0;
}

static bool binaries_in(struct arena *arena, const char *bindir, struct binaries *binaries)
{
	const char *postgres = arena_printf(arena, "%s/postgres", bindir), *initdb = arena_printf(arena, "%s/initdb", bindir);
	if (access(postgres, X_OK) != 0 || access(initdb, X_OK) != 0)
		return false;
	binaries->bindir = arena_strdup(arena, bindir);
	return version_parse(arena, process_output(arena, (const char *[]){ postgres, "--version", NULL }), binaries);
}

// Whether `have` is a better answer to `wanted` than `best`: the same, else the next newer, else the newest older.
static bool is_nearer(int wanted, int have, int best)
{
	if (best == 0 || wanted == 0)
		return have > best;
	bool have_reaches = have >= wanted, best_reaches = best >= wanted;
	if (have_reaches != best_reaches)
		return have_reaches;
	return have_reaches ? have < best : have > best;
}

static void consider(struct arena *arena, const char *bindir, int wanted, struct binaries *best)
{
	struct binaries found = { 0 };
	if (bindir != NULL && binaries_in(arena, bindir, &found) && is_nearer(wanted, found.major, best->major))
		*best = found;
}

static const char *first_line(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strndup(arena, text, strcspn(text, "\n"));
}

bool binaries_find(struct arena *arena, const char *bindir, int major, struct binaries *binaries, struct err *err)
{
	static const char *const patterns[] = { "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*" };
	*binaries = (struct binaries){ 0 };
	if (bindir != NULL) {
		if (binaries_in(arena, bindir, binaries))
			return true;
		return err_set(err, "scratch", bindir, "bindir in scratch { } must name the folder that holds postgres and initdb",
		               "there are no PostgreSQL server binaries that can be run");
	}
	const char *exact[] = { // spares running all the others
		arena_printf(arena, "/usr/lib/postgresql/%d/bin", major), arena_printf(arena, "/usr/pgsql-%d/bin", major),
	};
	for (size_t i = 0; i < sizeof exact / sizeof *exact && major != 0; i++) {
		if (binaries_in(arena, exact[i], binaries) && binaries->major == major)
			return true;
	}
	*binaries = (struct binaries){ 0 };
	glob_t found = { 0 };
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		glob(patterns[i], i == 0 ? 0 : GLOB_APPEND, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		consider(arena, found.gl_pathv[i], major, binaries);
	globfree(&found);
	if (binaries->bindir == NULL || (major != 0 && binaries->major != major)) {
		const char *pg_config = process_find(arena, "pg_config"), *postgres = process_find(arena, "postgres");
		if (pg_config != NULL)
			consider(arena, first_line(arena, process_output(arena, (const char *[]){ pg_config, "--bindir", NULL })), major,
			         binaries);
		if (postgres != NULL) // often a link out of the folder that the rest of the installation is found from
			consider(arena, arena_strndup(arena, postgres, (size_t)(strrchr(postgres, '/') - postgres)), major, binaries);
	}
	if (binaries->bindir != NULL)
		return true;
	err_set(err, "scratch", NULL, NULL,
	        "no PostgreSQL server binaries for the replay: looked in /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, "
	        "/usr/libexec/postgresql*, pg_config --bindir and PATH");
	if (major == 0)
		return err_hint(err, "install them (Debian: apt install postgresql), or set bindir or url in scratch { }");
	return err_hint(err, "install them (Debian: apt install postgresql-%d), or set bindir or url in scratch { }", major);
}

static int is_control(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot != NULL && strcmp(dot, ".control") == 0;
}

static void add_file(struct buf *text, const char *path)
{
	auto_file file = fopen(path, "re");
	char some[4096];
	for (size_t n; file != NULL && (n = fread(some, 1, sizeof some, file)) > 0;)
		buf_add(text, some, n);
}

const char *binaries_extensions(struct arena *arena, const struct binaries *binaries)
{
	// where a server looks, from its own place: the share folder as it was built, moved along with the binaries
	const char *folders[] = {
		arena_printf(arena, "/usr/share/postgresql/%d/extension", binaries->major), // Debian
		arena_printf(arena, "%s/../share/postgresql/extension", binaries->bindir),
		arena_printf(arena, "%s/../share/extension", binaries->bindir),
	};
	bool debian = strncmp(binaries->bindir, "/usr/lib/postgresql/", strlen("/usr/lib/postgresql/")) == 0;
	auto_buf text = BUF_INIT;
	for (size_t i = debian ? 0 : 1; i < sizeof folders / sizeof *folders && text.length == 0; i++) {
		struct dirent **entries;
		int n = scandir(folders[i], &entries, is_control, alphasort);
		for (int j = 0; j < n; j++) {
			buf_addf(&text, "%s\n", entries[j]->d_name);
			add_file(&text, arena_printf(arena, "%s/%s", folders[i], entries[j]->d_name));
			free(entries[j]);
		}
		if (n >= 0)
			free(entries);
	}
	return buf_copy(&text, arena);
}
