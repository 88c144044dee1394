// SPDX-License-Identifier: PostgreSQL
// driftcheck.conf. libconfuse parses; what it does not do is done here: it fills in ${NAME} while it reads and takes a
// variable that is not set for an empty text (so every "${" is hidden from it and filled in later), it lets an option or an
// untitled section stand twice, it miscounts lines, and it reports through a callback that knows nothing of its caller.
#include "sentinel/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "reporters/sink.h"
#include "sentinel/cron.h"
#include "sentinel/rehearse_limits.h"
#include "sentinel/suggest.h"

AUTO_DEFINE(auto_cfg_cleanup, cfg_t *, cfg_free)
#define auto_cfg __attribute__((cleanup(auto_cfg_cleanup))) cfg_t *

static const char file_name[] = "driftcheck.conf";

// Stands for '$' of "${" while libconfuse reads; a file that holds this byte itself is refused.
enum { HIDDEN = '\001', SIZE_MAX_CONFIG = 1 << 20, NAMES_MAX = 32, FOLDERS_MAX = 64, KEYS_MAX = 32, SECTIONS_MAX = 16 };

// The sections without a title whose keys are not this file's business; those of the sinks come to them.
static const struct {
	const char *name;
	const char *const *keys;
} plain_sections[] = {
	{ "cron", cron_keys },
	{ "rehearse", rehearse_keys },
};
enum { N_PLAIN_SECTIONS = sizeof plain_sections / sizeof *plain_sections };

// libconfuse's callbacks take no argument of ours. This points at the error of the read that is running in this thread.
static _Thread_local struct err *reading;

// Says where: "driftcheck.conf:3".
static bool fail_at(struct err *err, const char *path, unsigned line, const char *hint, const char *text)
{
	err_set(err, "config", path, hint, "%s", text);
	return line == 0 ? false : err_where(err, "%s:%u", path, line);
}

static void describe_unknown(cfg_t *cfg, const char *name, struct err *err)
{
	const char *names[NAMES_MAX];
	size_t n = 0;
	for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL && n < NAMES_MAX; opt++)
		names[n++] = opt->name;
	if (cfg->title != NULL)
		err_set(err, "config", NULL, NULL, "unknown option \"%s\" in %s \"%s\"", name, cfg->name, cfg->title);
	else if (strcmp(cfg->name, "root") != 0)
		err_set(err, "config", NULL, NULL, "unknown option \"%s\" in %s", name, cfg->name);
	else
		err_set(err, "config", NULL, NULL, "unknown section or option \"%s\"", name);
	suggest_hint(err, name, names, n);
}

// libconfuse's formats hold at most one %s, whose argument is the name in question.
__attribute__((format(printf, 2, 0)))
static void report(cfg_t *cfg, const char *format, va_list arguments)
{
	struct err *err = reading;
	if (err == NULL || err->code[0] != '\0') // the first error is the one that matters
		return;
	if (strstr(format, "no such option") != NULL) {
		describe_unknown(cfg, va_arg(arguments, const char *), err);
	} else if (strstr(format, "duplicate title") != NULL) {
		err_set(err, "config", NULL, "each name stands once", "a second section with the name \"%s\"",
		        va_arg(arguments, const char *));
	} else {
		char text[512];
		vsnprintf(text, sizeof text, format, arguments);
		err_set(err, "config", NULL, "values stand in double quotes, sections in braces: env \"prod\" { url = \"...\" }", "%s",
		        text);
	}
	err_where(err, "%s:%d", cfg->filename, cfg->line);
}

// The value callback of every option: notes the line of the value in the option's comment (nothing else of the option is
// ours to use), one after the other, and refuses a second assignment.
static int note_line(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	bool first = opt->nvalues <= 1; // of this assignment: '=' empties the option before its first value
	if (first && opt->comment != NULL) {
		cfg_error(cfg, "the option %s stands twice", opt->name);
		return -1;
	}
	auto_buf lines = BUF_INIT;
	buf_addf(&lines, "%s%d ", opt->comment == NULL ? "" : opt->comment, cfg->line);
	cfg_opt_setcomment(opt, lines.data);
	*(const char **)result = value;
	return 0;
}

#define OPTION(name) CFG_STR_CB(name, NULL, CFGF_NODEFAULT, note_line)
#define OPTION_LIST(name) CFG_STR_LIST_CB(name, NULL, CFGF_NODEFAULT, note_line)

// The names and keys of all sections of single values: those of the table above and of the sinks.
static struct config_section *list_sections(struct arena *arena, size_t *n)
{
	size_t n_sinks = 0;
	while (sinks[n_sinks] != NULL)
		n_sinks++;
	struct config_section *sections = arena_array(arena, N_PLAIN_SECTIONS + n_sinks, sizeof *sections);
	for (size_t i = 0; i < n_sinks; i++)
		sections[i] = (struct config_section){ .name = sinks[i]->name, .keys = sinks[i]->keys };
	for (size_t i = 0; i < N_PLAIN_SECTIONS; i++)
		sections[n_sinks + i] = (struct config_section){ .name = plain_sections[i].name, .keys = plain_sections[i].keys };
	*n = N_PLAIN_SECTIONS + n_sinks;
	for (size_t i = 0; i < *n; i++) {
		size_t n_keys = 0;
		while (sections[i].keys[n_keys] != NULL)
			n_keys++;
		sections[i].values = arena_array(arena, n_keys, sizeof *sections[i].values);
	}
	return sections;
}

static cfg_t *new_parser(const struct config *config)
{
	cfg_opt_t migrations[] = {
		OPTION_LIST("path"), OPTION("framework"), OPTION("table"), OPTION("schema"), CFG_END()
	};
	cfg_opt_t env[] = { OPTION("url"), OPTION("migrations"), CFG_END() };
	cfg_opt_t fleet[] = {
		OPTION("migrations"), OPTION("url"), OPTION("envs_file"), OPTION("envs_query"), OPTION("schemas"), OPTION("max_per_server"),
		CFG_END()
	};
	cfg_opt_t scratch[] = {
		OPTION("bindir"), OPTION("url"), OPTION("role"), OPTION_LIST("extensions"), OPTION("prelude"), CFG_END()
	};
	cfg_opt_t ignore[] = { OPTION_LIST("objects"), CFG_END() };
	cfg_opt_t keys[SECTIONS_MAX][KEYS_MAX + 1];
	// Untitled sections are MULTI as well, so that a second one can be seen (and refused).
	cfg_opt_t file[SECTIONS_MAX + 6] = {
		CFG_SEC("migrations", migrations, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("env", env, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("fleet", fleet, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("scratch", scratch, CFGF_MULTI), CFG_SEC("ignore", ignore, CFGF_MULTI),
	};
	size_t n = 5;
	invariant(config->n_sections <= SECTIONS_MAX, "too many sections");
	for (size_t i = 0; i < config->n_sections; i++) {
		const struct config_section *section = &config->sections[i];
		size_t n_keys = 0;
		for (; section->keys[n_keys] != NULL && n_keys < KEYS_MAX; n_keys++)
			keys[i][n_keys] = (cfg_opt_t)OPTION(section->keys[n_keys]);
		invariant(section->keys[n_keys] == NULL, "too many keys in a section");
		keys[i][n_keys] = (cfg_opt_t)CFG_END();
		file[n++] = (cfg_opt_t)CFG_SEC(section->name, keys[i], CFGF_MULTI);
	}
	file[n] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(file, CFGF_NONE); // copies the tables
	invariant(cfg != NULL, "out of memory");
	cfg_set_error_function(cfg, report);
	return cfg;
}

// A copy with the "${" back in place.
static const char *shown(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);
	for (char *p = copy; p != NULL && (p = strchr(p, HIDDEN)) != NULL; p++)
		*p = '$';
	return copy;
}

static struct setting_list get_list(struct arena *arena, cfg_t *section, const char *name)
{
	cfg_opt_t *opt = cfg_getopt(section, name);
	struct setting_list list = { .n = cfg_opt_size(opt) };
	list.items = arena_array(arena, list.n, sizeof *list.items);
	char *line = opt->comment; // see note_line
	for (size_t i = 0; i < list.n; i++) {
		list.items[i].text = shown(arena, cfg_opt_getnstr(opt, (unsigned)i));
		list.items[i].line = (unsigned)strtoul(line, &line, 10);
	}
	return list;
}

static struct setting get(struct arena *arena, cfg_t *section, const char *name)
{
	struct setting_list list = get_list(arena, section, name);
	return list.n == 0 ? (struct setting){ 0 } : list.items[0];
}

// Names are words: they stand on the command line, in `NAME=SOURCE` and in reports.
static bool check_name(const struct config *config, const char *what, const char *name, unsigned line, struct err *err)
{
	if (name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0' &&
	    name[0] != '-' && strcmp(name, "repo") != 0)
		return true;
	err_set(err, "config", NULL, "a name is made of letters, digits, '_', '-' and '.'; \"repo\" means the migrations",
	        "\"%s\" cannot be the name of %s", name, what);
	return err_where(err, "%s:%u", config->path, line);
}

static bool read_envs(struct arena *arena, cfg_t *cfg, struct config *config, struct err *err)
{
	config->n_envs = cfg_size(cfg, "env");
	config->envs = arena_array(arena, config->n_envs, sizeof *config->envs);
	for (size_t i = 0; i < config->n_envs; i++) {
		cfg_t *section = cfg_getnsec(cfg, "env", (unsigned)i);
		struct config_env *env = &config->envs[i];
		env->name = shown(arena, cfg_title(section));
		env->line = (unsigned)section->line;
		env->url = get(arena, section, "url");
		env->migrations = get(arena, section, "migrations");
		if (!check_name(config, "an environment", env->name, env->line, err))
			return false;
		if (env->url.text == NULL) {
			err_set(err, "config", NULL, "say how to reach it: url = \"${DATABASE_URL}\", \"service=...\" or \"sqlite:PATH\"",
			        "env \"%s\" has no url", env->name);
			return err_where(err, "%s:%u", config->path, env->line);
		}
		if (secret_is_literal(arena, env->url.text)) {
			err_set(err, "config", NULL, "take it from the environment (url = \"${DATABASE_URL}\"), a service file (url = "
			        "\"service=...\") or ~/.pgpass; and change it, if this file was ever committed",
			        "env \"%s\": a password stands in the file", env->name);
			return err_where(err, "%s:%u", config->path, env->url.line);
		}
	}
	return true;
}

static bool read_migrations(struct arena *arena, cfg_t *cfg, struct config *config, struct err *err)
{
	config->n_migrations = cfg_size(cfg, "migrations");
	config->migrations = arena_array(arena, config->n_migrations, sizeof *config->migrations);
	for (size_t i = 0; i < config->n_migrations; i++) {
		cfg_t *section = cfg_getnsec(cfg, "migrations", (unsigned)i);
		struct config_migrations *set = &config->migrations[i];
		set->name = shown(arena, cfg_title(section));
		set->line = (unsigned)section->line;
		set->path = get_list(arena, section, "path");
		set->framework = get(arena, section, "framework");
		set->table = get(arena, section, "table");
		set->schema = get(arena, section, "schema");
		if (!check_name(config, "a set of migrations", set->name, set->line, err))
			return false;
		if (set->path.n == 0) {
			err_set(err, "config", NULL, "say where they lie: path = \"db/migrations\"", "migrations \"%s\" has no path",
			        set->name);
			return err_where(err, "%s:%u", config->path, set->line);
		}
	}
	return true;
}

static bool check_references(const struct config *config, struct arena *arena, struct err *err)
{
	const char **names = arena_array(arena, config->n_migrations, sizeof *names);
	for (size_t i = 0; i < config->n_migrations; i++)
		names[i] = config->migrations[i].name;
	for (size_t i = 0; i < config->n_envs + config->n_fleets; i++) {
		bool is_env = i < config->n_envs;
		const struct config_fleet *fleet = is_env ? NULL : &config->fleets[i - config->n_envs];
		const struct setting *named = is_env ? &config->envs[i].migrations : &fleet->migrations;
		if (named->text == NULL || config_migrations(config, named->text) != NULL)
			continue;
		err_set(err, "config", NULL, "write a section: migrations \"NAME\" { path = \"db/migrations\" }",
		        "%s \"%s\" names migrations \"%s\", which are not in the file", is_env ? "env" : "fleet",
		        is_env ? config->envs[i].name : fleet->name, named->text);
		suggest_hint(err, named->text, names, config->n_migrations);
		return err_where(err, "%s:%u", config->path, named->line);
	}
	return true;
}

static bool read_fleets(struct arena *arena, cfg_t *cfg, struct config *config, struct err *err)
{
	config->n_fleets = cfg_size(cfg, "fleet");
	config->fleets = arena_array(arena, config->n_fleets, sizeof *config->fleets);
	for (size_t i = 0; i < config->n_fleets; i++) {
		cfg_t *section = cfg_getnsec(cfg, "fleet", (unsigned)i);
		struct config_fleet *fleet = &config->fleets[i];
		*fleet = (struct config_fleet){
			.name = shown(arena, cfg_title(section)), .line = (unsigned)section->line, .migrations = get(arena, section, "migrations"),
			.url = get(arena, section, "url"), .envs_file = get(arena, section, "envs_file"),
			.envs_query = get(arena, section, "envs_query"), .schemas = get(arena, section, "schemas"),
			.max_per_server = get(arena, section, "max_per_server"),
		};
		if (!check_name(config, "a fleet", fleet->name, fleet->line, err))
			return false;
		if (config_env(config, fleet->name) != NULL)
			return fail_at(err, config->path, fleet->line, "give the fleet a name of its own", "an environment and a fleet have one name");
		if (fleet->url.text != NULL && secret_is_literal(arena, fleet->url.text))
			return fail_at(err, config->path, fleet->url.line, "take it from the environment: url = \"${FLEET_URL}\"",
			               "a password stands in the file");
	}
	return true;
}

static bool check_single(cfg_t *cfg, const struct config *config, const char *name, struct err *err)
{
	if (cfg_size(cfg, name) < 2)
		return true;
	err_set(err, "config", NULL, "join the two", "a second section \"%s\" (it ends here)", name);
	return err_where(err, "%s:%d", config->path, cfg_getnsec(cfg, name, 1)->line);
}

static bool read_single_sections(struct arena *arena, cfg_t *cfg, struct config *config, struct err *err)
{
	if (!check_single(cfg, config, "scratch", err) || !check_single(cfg, config, "ignore", err))
		return false;
	for (size_t i = 0; i < config->n_sections; i++) {
		struct config_section *of = &config->sections[i];
		if (!check_single(cfg, config, of->name, err))
			return false;
		cfg_t *section = cfg_size(cfg, of->name) == 0 ? NULL : cfg_getnsec(cfg, of->name, 0);
		of->line = section == NULL ? 0 : (unsigned)section->line;
		for (size_t key = 0; section != NULL && of->keys[key] != NULL; key++)
			of->values[key] = get(arena, section, of->keys[key]);
	}
	cfg_t *scratch = cfg_size(cfg, "scratch") == 0 ? NULL : cfg_getnsec(cfg, "scratch", 0);
	if (scratch != NULL) {
		config->scratch.bindir = get(arena, scratch, "bindir");
		config->scratch.url = get(arena, scratch, "url");
		config->scratch.role = get(arena, scratch, "role");
		config->scratch.prelude = get(arena, scratch, "prelude");
		config->scratch.extensions = get_list(arena, scratch, "extensions");
	}
	if (cfg_size(cfg, "ignore") > 0)
		config->ignore = get_list(arena, cfg_getnsec(cfg, "ignore", 0), "objects");
	const char *url = config->scratch.url.text;
	if (url == NULL || !secret_is_literal(arena, url))
		return true;
	err_set(err, "config", NULL, "take it from the environment: url = \"${SCRATCH_URL}\"", "scratch: a password stands in the file");
	return err_where(err, "%s:%u", config->path, config->scratch.url.line);
}

// Makes comments blank (libconfuse counts the line of a comment twice) and hides every "${". Returns what is never closed (which
// libconfuse would take), with its line; NULL: all is. The lexical rules are libconfuse's.
static const char *prepare(char *text, unsigned *opened)
{
	static const struct {
		const char *open, *close;
		bool comment;
	} spans[] = { { "\"", "\"", false }, { "'", "'", false }, { "#", "\n", true }, { "//", "\n", true }, { "/*", "*/", true } };
	enum { N_SPANS = sizeof spans / sizeof *spans };
	unsigned line = 1, brace = 0;
	int depth = 0;
	size_t in = N_SPANS;
	for (char *p = text; *p != '\0'; p++) {
		line += *p == '\n' ? 1 : 0;
		if (strncmp(p, "${", 2) == 0)
			*p = HIDDEN;
		if (in == N_SPANS) {
			for (in = 0; in < N_SPANS && strncmp(p, spans[in].open, strlen(spans[in].open)) != 0;)
				in++;
			*opened = line;
			depth += in < N_SPANS ? 0 : (*p == '{') - (*p == '}');
			brace = *p == '{' && depth == 1 ? line : brace;
			for (size_t i = 0; in < N_SPANS && spans[in].comment && i < strlen(spans[in].open); i++)
				p[i] = ' ';
			p += in < N_SPANS ? strlen(spans[in].open) - 1 : 0;
			continue;
		}
		if (strncmp(p, spans[in].close, strlen(spans[in].close)) == 0) {
			for (size_t i = 0; spans[in].comment && i < strlen(spans[in].close); i++)
				p[i] = p[i] == '\n' ? '\n' : ' ';
			p += strlen(spans[in].close) - 1;
			in = N_SPANS;
		} else if (spans[in].comment) {
			*p = *p == '\n' ? '\n' : ' ';
		} else if (*p == '\\' && p[1] != '\0') {
			p++;
			line += *p == '\n' ? 1 : 0;
		}
	}
	if (in < N_SPANS && strcmp(spans[in].close, "\n") != 0)
		return "a string or comment that begins here is never closed";
	*opened = brace;
	return depth > 0 ? "the brace that is opened here is never closed" : NULL;
}

// The file's text, ready for libconfuse.
static bool load(struct arena *arena, const char *path, char **text, size_t *length, struct err *err)
{
	auto_file file = fopen(path, "rb");
	if (file == NULL)
		return err_set(err, "config", path, "`driftcheck init` writes a configuration", "cannot be opened: %s", strerror(errno));
	*text = arena_alloc(arena, SIZE_MAX_CONFIG + 1);
	*length = fread(*text, 1, SIZE_MAX_CONFIG + 1, file);
	if (ferror(file))
		return err_set(err, "config", path, NULL, "cannot be read: %s", strerror(errno));
	if (*length > SIZE_MAX_CONFIG || memchr(*text, '\0', *length) != NULL || memchr(*text, HIDDEN, *length) != NULL)
		return err_set(err, "config", path, NULL, "this is no configuration: it is too large or no text");
	unsigned line = 0;
	const char *unclosed = prepare(*text, &line);
	return unclosed == NULL || fail_at(err, path, line, NULL, unclosed);
}

struct config *config_read(struct arena *arena, const char *path, struct err *err)
{
	struct config *config = arena_alloc(arena, sizeof *config);
	config->folder = "";
	config->sections = list_sections(arena, &config->n_sections);
	if (path == NULL)
		return config;
	const char *slash = strrchr(path, '/');
	config->path = arena_strdup(arena, path);
	config->folder = slash == NULL ? "" : arena_strndup(arena, path, (size_t)(slash + 1 - path));
	char *text = NULL;
	size_t length = 0;
	if (!load(arena, path, &text, &length, err))
		return NULL;
	if (length == 0)
		return config;
	auto_cfg cfg = new_parser(config);
	auto_file file = fmemopen(text, length, "r");
	invariant(file != NULL, "out of memory");
	cfg->filename = strdup(path); // freed by cfg_free
	err->code[0] = '\0';
	reading = err;
	int result = cfg_parse_fp(cfg, file);
	reading = NULL;
	if (result != CFG_SUCCESS) {
		if (err->code[0] == '\0')
			err_set(err, "config", path, NULL, "this is no configuration that driftcheck understands");
		return NULL;
	}
	bool ok = read_migrations(arena, cfg, config, err) && read_envs(arena, cfg, config, err) &&
	          read_fleets(arena, cfg, config, err) && read_single_sections(arena, cfg, config, err) && check_references(config, arena, err);
	return ok ? config : NULL;
}

bool config_find(struct arena *arena, const char *given, const char **path, struct err *err)
{
	*path = given;
	if (given != NULL)
		return true;
	auto_buf folder = BUF_INIT; // "", "../", "../../"
	struct stat here, above, file;
	if (stat(".", &here) != 0)
		return err_set(err, "config", ".", NULL, "the working directory cannot be read: %s", strerror(errno));
	uid_t owner = here.st_uid;
	for (int i = 0; i < FOLDERS_MAX; i++) {
		const char *candidate = arena_printf(arena, "%s%s", folder.data, file_name);
		if (stat(candidate, &file) == 0 && S_ISREG(file.st_mode)) {
			if (i > 0 && file.st_uid != 0 && file.st_uid != geteuid() && file.st_uid != owner)
				return err_set(err, "config", candidate, "if you trust it, name it: --config FILE",
				               "belongs to another user and lies above the working directory, so it is not used");
			*path = candidate;
			return true;
		}
		buf_adds(&folder, "../");
		if (stat(folder.data, &above) != 0 || (above.st_dev == here.st_dev && above.st_ino == here.st_ino))
			return true; // the root has no folder above it
		here = above;
	}
	return true;
}

static bool is_variable(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool letter = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') || name[i] == '_';
		if (!letter && (i == 0 || name[i] < '0' || name[i] > '9'))
			return false;
	}
	return length > 0;
}

bool config_expand(struct arena *arena, const struct config *config, const struct setting *setting, const char **text,
                   struct err *err)
{
	*text = setting->text;
	if (setting->text == NULL || strstr(setting->text, "${") == NULL)
		return true;
	auto_buf out = BUF_INIT;
	const char *p = setting->text;
	for (const char *start; (start = strstr(p, "${")) != NULL;) {
		buf_add(&out, p, (size_t)(start - p));
		const char *name = start + 2, *end = strchr(name, '}');
		size_t length = strcspn(name, ":}");
		bool has_default = strncmp(name + length, ":-", 2) == 0;
		if (end == NULL || !is_variable(name, length) || (name[length] == ':' && !has_default))
			return fail_at(err, config->path, setting->line, "write ${NAME} or ${NAME:-default}", "a variable is miswritten");
		const char *value = getenv(arena_strndup(arena, name, length));
		if (has_default && (value == NULL || *value == '\0'))
			value = arena_strndup(arena, name + length + 2, (size_t)(end - name) - length - 2);
		if (value == NULL) {
			err_set(err, "config", NULL, NULL, "the variable %.*s is not set", (int)length, name);
			err_hint(err, "set it, or give it a default: ${%.*s:-...}", (int)length, name);
			return err_where(err, "%s:%u", config->path, setting->line);
		}
		buf_adds(&out, value);
		p = end + 1;
	}
	buf_adds(&out, p);
	*text = buf_copy(&out, arena);
	return true;
}

const char *config_path(struct arena *arena, const struct config *config, const char *path)
{
	return path == NULL || path[0] == '/' ? path : arena_printf(arena, "%s%s", config->folder, path);
}

const struct config_env *config_env(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_envs; i++) {
		if (strcmp(config->envs[i].name, name) == 0)
			return &config->envs[i];
	}
	return NULL;
}

const struct config_migrations *config_migrations(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_migrations; i++) {
		if (strcmp(config->migrations[i].name, name) == 0)
			return &config->migrations[i];
	}
	return NULL;
}

const struct config_fleet *config_fleet(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_fleets; i++) {
		if (strcmp(config->fleets[i].name, name) == 0)
			return &config->fleets[i];
	}
	return NULL;
}

const struct config_section *config_section(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_sections; i++) {
		if (strcmp(config->sections[i].name, name) == 0)
			return &config->sections[i];
	}
	invariant(false, "there is no such section");
	return NULL;
}
