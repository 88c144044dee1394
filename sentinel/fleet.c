// SPDX-License-Identifier: PostgreSQL
// Listing environments: see fleet.h. A list that names nothing is an error, not a clean run: what is not parsed must not look
// like what is not there.
#include "sentinel/fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/secret.h"
#include "introspect/reader.h"
#include "sentinel/source.h"

enum { LIST_MAX = 64 << 20, MAX_PER_SERVER_MOST = 256, CONNECT_TIMEOUT_S = 10 };

bool listed_name_is_valid(const char *name)
{
	return *name != '\0' && *name != '-' && strpbrk(name, ":/@? \t=\r\n") == NULL;
}

static void add(struct arena *arena, struct env_list *list, struct listed_env env)
{
	list->items = arena_grow(arena, list->items, list->n, &list->capacity, sizeof *list->items);
	list->items[list->n++] = env;
}

// A line without the blanks around it.
static char *trim(char *line)
{
	static const char blanks[] = " \t\r";
	line += strspn(line, blanks);
	for (size_t n = strlen(line); n > 0 && strchr(blanks, line[n - 1]) != NULL; n--)
		line[n - 1] = '\0';
	return line;
}

bool env_list_read(struct arena *arena, const char *path, struct env_list *list, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *shown = is_stdin ? "stdin" : path;
	size_t length;
	char *text = file_read(arena, is_stdin ? "/dev/stdin" : path, LIST_MAX, &length);
	if (text == NULL)
		return err_set(err, "envs", shown, "a list has a line NAME=SOURCE for each environment", "cannot be read: %s", strerror(errno));
	if (strlen(text) != length)
		return err_set(err, "envs", shown, NULL, "this is no text");
	size_t n = 0;
	for (char *next = text, *line; (line = strsep(&next, "\n")) != NULL;) {
		const char *where = arena_printf(arena, "%s:%zu", shown, ++n);
		line = trim(line);
		if (*line == '\0' || *line == '#')
			continue;
		char *equals = strchr(line, '=');
		if (equals == NULL)
			return err_set(err, "envs", where, "write prod=postgresql://host/database", "this line is not of the form NAME=SOURCE");
		*equals = '\0';
		struct listed_env env = { trim(line), trim(equals + 1), where };
		if (!listed_name_is_valid(env.name))
			return err_set(err, "envs", where, "a name stands before '=' and has no blanks and none of : / @ ?",
			               "this line does not begin with a name");
		if (*env.source == '\0')
			return err_set(err, "envs", where, "write how it is reached: prod=postgresql://host/database", "\"%s\" has no source", env.name);
		add(arena, list, env);
	}
	return list->n > 0 || err_set(err, "envs", shown, "a list has a line NAME=SOURCE for each environment", "no environment is listed here");
}

static const char *where_of(struct run *run, const struct setting *setting)
{
	return arena_printf(run->arena, "%s:%u", run->config->path, setting->line);
}

struct asking {
	struct arena *arena;
	struct env_list *list;
	const char *where;
};

static bool take_row(void *argument, const char *const *values, size_t n_values, struct err *err)
{
	struct asking *asking = argument;
	static const char hint[] = "the query returns two columns: the name, and how it is reached (a URL, or service=...)";
	if (n_values != 2)
		return err_set(err, "fleet", asking->where, hint, "envs_query returns %zu column%s", n_values, n_values == 1 ? "" : "s");
	if (values[0] == NULL || values[1] == NULL || *values[1] == '\0')
		return err_set(err, "fleet", asking->where, hint, "envs_query returns a row without %s", values[0] == NULL ? "a name" : "a url");
	if (!listed_name_is_valid(values[0]))
		return err_set(err, "fleet", asking->where, "a name has no blanks and none of : / @ ? =",
		               "envs_query returns a name that is none: \"%s\"", secret_redact(asking->arena, values[0]));
	add(asking->arena, asking->list,
	    (struct listed_env){ arena_strdup(asking->arena, values[0]), arena_strdup(asking->arena, values[1]), asking->where });
	return true;
}

static bool ask(struct run *run, const struct config_fleet *fleet, struct env_list *list, struct err *err)
{
	const char *url, *query, *where = where_of(run, &fleet->envs_query);
	struct source source;
	if (fleet->url.text == NULL)
		return err_set(err, "config", where, "add: url = \"${FLEET_URL}\"", "fleet \"%s\": it is not said whom to ask", fleet->name);
	if (!config_expand(run->arena, run->config, &fleet->url, &url, err) ||
	    !config_expand(run->arena, run->config, &fleet->envs_query, &query, err))
		return false;
	if (!source_parse(run->arena, url, run->config->folder, &source, err))
		return err_where(err, "%s", where_of(run, &fleet->url));
	if (source.type != SOURCE_POSTGRESQL)
		return err_set(err, "config", where_of(run, &fleet->url), "or write the list into a file: envs_file",
		               "fleet \"%s\": envs_query is asked of a PostgreSQL database", fleet->name);
	int timeout_s = run->options->timeout_s;
	const struct read_options options = {
		.log = run->log, .name = fleet->name, .statement_timeout_ms = timeout_s * 1000,
		.connect_timeout_s = timeout_s > 0 && timeout_s < CONNECT_TIMEOUT_S ? timeout_s : CONNECT_TIMEOUT_S,
	};
	struct asking asking = { run->arena, list, where };
	if (!postgres_query(run->arena, source.conninfo, &options, query, take_row, &asking, err)) {
		secret_scrub(source.secrets, err);
		return false;
	}
	return list->n > 0 || err_set(err, "fleet", where, "ask it by hand: may this role see the rows?", "envs_query returns no environment");
}

bool fleet_list(struct run *run, const struct config_fleet *fleet, struct env_list *list, struct err *err)
{
	if (fleet->envs_query.text != NULL && fleet->envs_file.text != NULL)
		return err_set(err, "config", where_of(run, &fleet->envs_query), "leave one of them out", "fleet \"%s\" has envs_file and envs_query",
		               fleet->name);
	if (fleet->envs_query.text != NULL)
		return ask(run, fleet, list, err);
	if (fleet->envs_file.text == NULL)
		return err_set(err, "config", arena_printf(run->arena, "%s:%u", run->config->path, fleet->line),
		               "add envs_file, or envs_query and url", "fleet \"%s\": it is not said where its environments are listed", fleet->name);
	const char *path;
	return config_expand(run->arena, run->config, &fleet->envs_file, &path, err) &&
	       env_list_read(run->arena, config_path(run->arena, run->config, path), list, err);
}

bool fleet_max_per_server(struct run *run, const struct config_fleet *fleet, int *max, struct err *err)
{
	const char *text;
	*max = 0;
	if (!config_expand(run->arena, run->config, &fleet->max_per_server, &text, err))
		return false;
	if (text == NULL)
		return true;
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > MAX_PER_SERVER_MOST)
		return err_set(err, "config", where_of(run, &fleet->max_per_server), NULL, "max_per_server: \"%s\" is no number from 1 to %d", text,
		               MAX_PER_SERVER_MOST);
	*max = (int)value;
	return true;
}
